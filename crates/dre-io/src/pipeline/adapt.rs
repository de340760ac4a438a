//! A new subject: a network trained without it, adapted to a few minutes of its data.

use std::path::Path;

use dre::adapt::{AdaptSpec, adapt as adapt_to, first_minutes, unadapted};
use dre::data::{Dataset, Set};
use dre::linear::TrfConfig;
use dre::metrics::{ScoreSpec, score_subject};
use dre::nn::{Network, Threads, TrainConfig};
use dre::results::{AdaptationPoint, AdaptationResult};
use serde_json::json;

use super::evaluate::BATCH;
use super::fit::{Fit, dataset, model_folder, recipe, recipe_of, score_from};
use super::linear::in_model;
use super::{Job, Monitor, PipelineError, Result};
use crate::cohort::CohortFolder;
use crate::models::{CHECKPOINT_FILE, Fitted, is_model_of, read_model};
use crate::store::{Hold, StoreError, write_file, write_json, write_together};
use crate::study::{DreSpec, ModelSpec};

/// Folder of adapted subjects in a run's folder.
pub const ADAPT_FOLDER: &str = "adapt";

/// Lengths of data (minutes) that are tried where none are named, as many as there are data for.
const MINUTES: [f64; 8] = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// Step size of an embedding's training: one row of numbers bears larger steps than a network.
const LR: f64 = 1e-2;

/// Passes over the subject's epochs, of which the best on its validation epochs counts.
const N_PASSES: usize = 30;

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct AdaptRequest {
    /// Label of the subject, with or without `sub-`.
    pub subject: String,
    /// Name of the network in the study; its first where absent.
    pub model: Option<String>,
    /// Minutes of the subject's training data to try; doubling from half a minute on, up to all, where empty.
    pub minutes: Vec<f64>,
}

/// Trains the study's network on all subjects but one, fits the one's embedding to the first minutes of its training epochs,
/// and scores on its test epochs, beside the study's own network where it is fitted and a TRF on the same minutes. Writes
/// `adapt/SUBJECT/adaptation.json` and `.tsv`.
///
/// Epochs, sets and scalers are the study's: the subject's scalers see all of its training epochs, and its validation epochs
/// choose the best pass and penalties, whatever the minutes.
///
/// # Errors
/// [`dre::Error::Setting`] for a subject, model or number of minutes that makes no sense; others as they come.
pub fn adapt(
    job: &Job,
    cohort: &CohortFolder,
    request: &AdaptRequest,
    monitor: &mut dyn Monitor,
) -> Result<AdaptationResult> {
    let _hold = Hold::take(&job.out)?;
    let data = dataset(job, cohort)?;
    let (name, spec) = network(job, request.model.as_deref())?;
    let subject = subject(&data, &request.subject)?;
    let label = data.subjects()[subject].clone();
    let minutes = lengths(&data, subject, &request.minutes, monitor)?;
    let folder = job.out.join(ADAPT_FOLDER).join(&label);
    let base = without(job, cohort, &data, (name, spec, subject), &folder.join(name), monitor)?;
    let score = ScoreSpec { set: Set::Test, score_from: score_from(job, &data)?, batch_size: BATCH, condition: None };
    let trf = job.study.models.values().find_map(|spec| match spec {
        ModelSpec::Trf(spec) => Some(spec.linear.clone()),
        _ => None,
    });
    let how = AdaptSpec {
        train: TrainConfig { lr: LR, n_passes: N_PASSES, ..spec.train.clone() },
        trf: trf.unwrap_or_else(TrfConfig::default),
        map_alphas: (-1..=5).map(|power| 10f64.powi(power)).collect(),
        score: score.clone(),
        seed: job.study.seed,
        n_threads: job.n_threads,
        stop: monitor.stop(),
    };
    let mut points = Vec::new();
    for minutes in minutes {
        if monitor.stop_requested() {
            return Err(PipelineError::Cancelled);
        }
        monitor.step("Adapting", &format!("{label}, {minutes:.1} min"));
        if let Some(found) = adapt_to(&base, &data, subject, minutes, &how).map_err(in_model(name))? {
            points.push(AdaptationPoint {
                minutes: found.minutes,
                n_epochs: found.n_epochs,
                embedding: found.embedding,
                mapped: found.mapped,
                trf: found.trf,
            });
        }
    }
    let result = AdaptationResult {
        subject: label.clone(),
        model: name.to_owned(),
        unadapted: unadapted(&base, &data, subject, &score)?,
        trained_with: trained_with(job, cohort, (name, spec, subject), &data, &score)?,
        points,
    };
    write_together(&folder, |new| {
        write_json(&new.join("adaptation.json"), &result)?;
        write_file(&new.join("adaptation.tsv"), |out| {
            writeln!(out, "minutes\tn_epochs\tr_embedding\tr_embedding_and_map\tr_trf")?;
            result.points.iter().try_for_each(|p| {
                writeln!(out, "{:.3}\t{}\t{:.6}\t{:.6}\t{:.6}", p.minutes, p.n_epochs, p.embedding, p.mapped, p.trf)
            })
        })
    })?;
    Ok(result)
}

fn refused<T>(name: &str, found: String, expected: String) -> Result<T> {
    Err(PipelineError::Dre(dre::Error::Setting { name: name.to_owned(), found, expected }))
}

/// The network that is adapted.
fn network<'a>(job: &'a Job, wanted: Option<&str>) -> Result<(&'a str, &'a DreSpec)> {
    let networks = job.study.models.iter().filter_map(|(name, spec)| match spec {
        ModelSpec::Dre(spec) => Some((name.as_str(), spec)),
        _ => None,
    });
    let found = wanted.map_or_else(|| "none".to_owned(), |name| format!("`{name}`"));
    let Some((name, spec)) = networks.clone().find(|(name, _)| wanted.is_none_or(|wanted| wanted == *name)) else {
        let names: Vec<&str> = networks.map(|(name, _)| name).collect();
        let expected = if names.is_empty() {
            "a model of kind \"dre\" in the study, which has none".to_owned()
        } else {
            format!("a model of kind \"dre\" in the study, which has: {}", names.join(", "))
        };
        return refused("--model", found, expected);
    };
    if spec.network.subject_dim == 0 {
        let expected = "above 0, so that there is an embedding to fit to the subject".to_owned();
        return refused(&format!("models.{name}.subject_dim"), "0".to_owned(), expected);
    }
    if let Some(features) = &spec.seen.features {
        let expected = "absent: adapting works with all features".to_owned();
        return refused(&format!("models.{name}.features"), format!("{features:?}"), expected);
    }
    if spec.reduction.n_components > 0 {
        let found = spec.reduction.n_components.to_string();
        let expected = "0: adapting works on the channels themselves".to_owned();
        return refused(&format!("models.{name}.n_components"), found, expected);
    }
    Ok((name, spec))
}

fn subject(data: &Dataset, wanted: &str) -> Result<usize> {
    let plain = |label: &str| label.strip_prefix("sub-").unwrap_or(label).to_owned();
    let Some(subject) = data.subjects().iter().position(|label| plain(label) == plain(wanted)) else {
        return refused("--subject", wanted.to_owned(), format!("one of {}", data.subjects().join(", ")));
    };
    if data.n_subjects() < 2 {
        let expected = "a study of several subjects, so that a network can be trained on the others".to_owned();
        return refused("--subject", format!("{wanted}, the only one"), expected);
    }
    if data.is_held_out(subject) {
        let expected = "a subject with training epochs; split.method = \"subjects\" holds this one out".to_owned();
        return refused("--subject", wanted.to_owned(), expected);
    }
    Ok(subject)
}

/// The lengths that are asked for, in order and no longer than there are data; all there is at the end where none are named.
fn lengths(data: &Dataset, subject: usize, wanted: &[f64], monitor: &dyn Monitor) -> Result<Vec<f64>> {
    let (_, all) = first_minutes(data, subject, f64::from(u16::MAX));
    let shortest = data.n_times() as f64 / data.sfreq() / 60.0;
    if let Some(wrong) = wanted.iter().find(|m| !(m.is_finite() && **m >= shortest)) {
        let expected = format!("a number of minutes from {shortest:.3} (one epoch) on; there are {all:.1}");
        return refused("--minutes", wrong.to_string(), expected);
    }
    let beyond: Vec<String> = wanted.iter().filter(|m| **m > all + 1e-9).map(ToString::to_string).collect();
    if !beyond.is_empty() {
        monitor.warn(&format!(
            "--minutes {}: {} has {all:.1} minutes of training data, and all of them stand for more",
            beyond.join(", "),
            data.subjects()[subject]
        ));
    }
    let mut lengths: Vec<f64> = if wanted.is_empty() { &MINUTES[..] } else { wanted }
        .iter()
        .copied()
        .filter(|m| *m < all && *m >= shortest)
        .collect();
    lengths.sort_by(f64::total_cmp);
    lengths.dedup();
    if wanted.is_empty() || wanted.iter().any(|m| *m >= all) {
        lengths.push(all);
    }
    Ok(lengths)
}

/// The network of all other subjects, trained where it is not there.
fn without(
    job: &Job,
    cohort: &CohortFolder,
    data: &Dataset,
    (name, spec, subject): (&str, &DreSpec, usize),
    folder: &Path,
    monitor: &mut dyn Monitor,
) -> Result<Network> {
    let label = &data.subjects()[subject];
    let recipe = recipe_of(job, cohort, &json!({ "without": label, "settings": ModelSpec::Dre(spec.clone()) }));
    let is_current = !job.force && !folder.join(CHECKPOINT_FILE).exists() && is_model_of(folder, &recipe);
    if is_current {
        monitor.step("Up to date", &format!("model {name} without {label}"));
    } else {
        Fit::without(job, data, (name, subject), folder.to_path_buf(), recipe).train(spec, monitor)?;
    }
    match read_model(folder, &Threads::new(job.n_threads))?.0 {
        Fitted::Dre(fitted) => Ok(fitted.network),
        other => Err(StoreError::damaged(folder, other.title().to_owned(), "a network").into()),
    }
}

/// r of the study's own network, which the subject took part in, where it is fitted and up to date.
fn trained_with(
    job: &Job,
    cohort: &CohortFolder,
    (name, spec, subject): (&str, &DreSpec, usize),
    data: &Dataset,
    score: &ScoreSpec,
) -> Result<Option<f64>> {
    let folder = model_folder(job, name);
    let wanted = recipe(job, cohort, &ModelSpec::Dre(spec.clone()));
    if !is_model_of(&folder, &wanted) {
        return Ok(None);
    }
    let model = read_model(&folder, &Threads::new(job.n_threads))?.0.into_predictor(data.n_times(), BATCH)?;
    Ok(Some(score_subject(data, &*model, score, subject)?.r))
}
