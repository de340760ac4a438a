//! Backward models: features told from data.

use std::path::PathBuf;
use std::time::Instant;

use dre::data::{Dataset, Set};
use dre::linear::{CohortDecoder, DecodeConfig, DecodeScore, Decoder, FitSpec, SubjectFit, fit_decoder};
use dre::results::{DecodedFeature, DecodingResult};
use indexmap::IndexMap;
use ndarray::Axis;

use super::fit::recipe_of;
use super::linear::{confidence, in_model, warn_of_edges};
use super::{Job, Monitor, PipelineError, Result};
use crate::cohort::CohortFolder;
use crate::models::{is_decoder_current, read_decoder, write_decoder};

/// Folder of the backward models in a run's folder.
const DECODING_FOLDER: &str = "decoding";

/// Epochs drawn at a time.
const BATCH: usize = 64;

/// What the study asks for; nothing where only some of its models are asked for.
pub(super) fn wanted(job: &Job) -> Option<&DecodeConfig> {
    job.study.decode.as_ref().filter(|_| job.is_whole())
}

fn folder(job: &Job) -> PathBuf {
    job.out.join(DECODING_FOLDER)
}

fn recipe(job: &Job, cohort: &CohortFolder, config: &DecodeConfig) -> serde_json::Value {
    recipe_of(job, cohort, &serde_json::json!({ "kind": "decoder", "settings": config }))
}

/// Fits the backward models where they are asked for and not up to date.
pub(super) fn fit(job: &Job, cohort: &CohortFolder, data: &Dataset, monitor: &dyn Monitor) -> Result<()> {
    let Some(config) = wanted(job) else { return Ok(()) };
    let (folder, recipe) = (folder(job), recipe(job, cohort, config));
    if !job.force && is_decoder_current(&folder, &recipe) {
        monitor.step("Up to date", "backward models");
        return Ok(());
    }
    if monitor.stop_requested() {
        return Err(PipelineError::Cancelled);
    }
    let started = Instant::now();
    monitor.step("Fitting", &format!("backward models, {} penalties, per subject", config.alphas.len()));
    let spec = FitSpec { valid_from: 0, batch_size: BATCH, n_threads: job.n_threads, stop: monitor.stop() };
    let decoder = fit_decoder(data, config, &spec).map_err(in_model("decode"))?;
    let chosen: Vec<f64> = decoder.subjects.iter().flat_map(|fit| fit.alphas.iter().copied()).collect();
    warn_of_edges("decode.alphas", "decoder", &config.alphas, &chosen, monitor);
    if config.n_folds == 0 && config.alphas.len() > 1 {
        let valid = decoder.score(data, Set::Valid, BATCH, job.n_threads)?;
        let consequence = "the largest penalty was taken (n_folds chooses on training epochs instead)";
        warn_of_none(&decoder, &valid, "validation", consequence, monitor);
    }
    for (f, name) in decoder.features.iter().enumerate() {
        let n = decoder.subjects.iter().filter(|fit| !has_pattern(fit, f)).count();
        if n > 0 {
            monitor.warn(&format!(
                "decode: `{name}` is constant or a sum of other features in {n} of {} subjects; it has no pattern of its own \
                 and none is shown",
                decoder.subjects.len()
            ));
        }
    }
    monitor.detail(&format!("decoder: fitted in {:.1} s", started.elapsed().as_secs_f64()));
    let channels: Vec<&str> = data.cohort().channels.iter().map(|channel| channel.name.as_str()).collect();
    Ok(write_decoder(&folder, &decoder, (&channels, data.sfreq()), &recipe)?)
}

/// Scores the backward models on the test epochs.
pub(super) fn evaluate(
    job: &Job,
    cohort: &CohortFolder,
    data: &Dataset,
    monitor: &dyn Monitor,
) -> Result<Option<DecodingResult>> {
    let Some(config) = wanted(job) else { return Ok(None) };
    let folder = folder(job);
    if !is_decoder_current(&folder, &recipe(job, cohort, config)) {
        return Err(PipelineError::Missing { path: folder, step: "fit" });
    }
    monitor.step("Scoring", "backward models");
    let decoder = read_decoder(&folder)?;
    let scores = decoder.score(data, Set::Test, BATCH, job.n_threads)?;
    let found = summary(&decoder, &scores, data.sfreq());
    warn_of_none(&decoder, &scores, "test", "they are left out of its r", monitor);
    Ok(Some(found))
}

/// Says which features have no r in some subjects.
fn warn_of_none(
    decoder: &CohortDecoder,
    scores: &[Vec<DecodeScore>],
    set: &str,
    consequence: &str,
    monitor: &dyn Monitor,
) {
    for (f, name) in decoder.features.iter().enumerate() {
        let n = scores.iter().filter(|own| own[f].n_times == 0).count();
        if n > 0 {
            monitor.warn(&format!(
                "decode: `{name}` has no r on the {set} epochs of {n} of {} subjects: at every sample it is constant across them, \
                 fixed by the other features, or there are fewer than three epochs more than features; {consequence}",
                scores.len()
            ));
        }
    }
}

fn has_pattern(fit: &SubjectFit<Decoder>, feature: usize) -> bool {
    fit.model.patterns.index_axis(Axis(0), feature).iter().all(|value| value.is_finite())
}

fn summary(decoder: &CohortDecoder, scores: &[Vec<DecodeScore>], sfreq: f64) -> DecodingResult {
    let n = decoder.subjects.len().max(1) as f64;
    let first = decoder.subjects.first().map(|fit| &fit.model);
    let (n_channels, n_lags) = first.map_or((0, 0), |fit| (fit.patterns.dim().1, fit.patterns.dim().2));
    let lag_min = first.map_or(0, |fit| fit.model.lag_min);
    let pattern = |feature: usize, channel: usize, lag: usize| {
        decoder.subjects.iter().map(|fit| fit.model.patterns[[feature, channel, lag]]).sum::<f64>() / n
    };
    let feature = |(f, name): (usize, &String)| {
        let known = decoder.subjects.iter().zip(scores).filter(|(_, own)| own[f].n_times > 0);
        let (labels, own): (Vec<String>, Vec<f64>) = known.map(|(fit, own)| (fit.subject.clone(), own[f].r)).unzip();
        let all_have = decoder.subjects.iter().all(|fit| has_pattern(fit, f));
        DecodedFeature {
            name: name.clone(),
            mean_r: own.iter().fold(0.0, |sum, r| sum + r) / own.len().max(1) as f64,
            confidence: confidence(own.iter().copied()),
            subjects: labels.into_iter().zip(own).collect::<IndexMap<_, _>>(),
            n_times: scores.iter().map(|subject| subject[f].n_times).filter(|&n| n > 0).min().unwrap_or(0),
            pattern: (0..if all_have { n_channels } else { 0 })
                .map(|c| (0..n_lags).map(|lag| pattern(f, c, lag) as f32).collect())
                .collect(),
        }
    };
    DecodingResult {
        lags: (0..n_lags as isize).map(|lag| (lag_min + lag) as f64 / sfreq).collect(),
        features: decoder.features.iter().enumerate().map(feature).collect(),
        hold_others: decoder.hold_others,
        choices: decoder.choices(),
    }
}
