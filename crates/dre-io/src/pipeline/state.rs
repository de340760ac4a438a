//! Responses by brain state: test epochs are ordered by a rhythm before the response.
//!
//! ```text
//! state/state.json       summaries, as in results.json, and what decides them; written last
//! state/gains.tsv        one row per way of ordering, subject, source (`true` or a model) and bin
//! state/captured.tsv     one row per way of ordering, subject and model: r between true and predicted difference
//! state/power_true.npy   responses (subject, bin, channel, time), scaled units; `phase_…` likewise
//! state/power_MODEL.npy  the same as a model predicts them
//! ```

use std::ops::ControlFlow;
use std::path::PathBuf;

use dre::data::Set;
use dre::model::Predictor;
use dre::results::{Results, StateResult};
use dre::state::{
    BinSpec, By, StateBin, StateSpec, StateSummarySpec, States, analyse, check_window, not_computed, summarise,
};
use dre::stats::PermutationSpec;
use ndarray::{Array2, Axis, stack};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::evaluate::{BATCH, RESULTS_FILE, predictor};
use super::fit::{dataset, recipe, valid_from};
use super::{Job, Monitor, PipelineError, Result};
use crate::cohort::CohortFolder;
use crate::store::{StoreError, read_json, write_file, write_json, write_npy};

/// Folder of the responses by brain state in a run's folder.
pub const STATE_FOLDER: &str = "state";

/// File that says what was found and from what.
const SUMMARY_FILE: &str = "state.json";

#[derive(Serialize, Deserialize)]
struct Summary {
    /// Everything that decides the findings; they are up to date while it is the same.
    recipe: serde_json::Value,
    results: Vec<StateResult>,
}

/// The study's settings, or the defaults where it has none.
fn spec_of(job: &Job) -> StateSpec {
    job.study.state.clone().unwrap_or_default()
}

fn folder(job: &Job) -> PathBuf {
    job.out.join(STATE_FOLDER)
}

/// Names of the models whose predictions are looked at.
fn chosen(job: &Job, spec: &StateSpec) -> Vec<String> {
    job.models.iter().filter(|name| spec.models.is_empty() || spec.models.contains(name)).cloned().collect()
}

/// Everything that decides the analysis.
fn state_recipe(job: &Job, cohort: &CohortFolder) -> serde_json::Value {
    let spec = spec_of(job);
    let models = chosen(job, &spec);
    let models: serde_json::Map<String, serde_json::Value> =
        models.into_iter().map(|name| (name.clone(), recipe(job, cohort, &job.study.models[&name]))).collect();
    json!({
        "models": models,
        "state": StateSpec { models: Vec::new(), ..spec },
        "score_from": job.study.report.score_from,
        "seed": job.study.seed,
    })
}

/// What an earlier analysis found, as far as it belongs to the present models and settings.
fn read_up_to_date(job: &Job, cohort: &CohortFolder) -> Option<Vec<StateResult>> {
    let found: Summary = read_json(&folder(job).join(SUMMARY_FILE)).ok()?;
    (found.recipe == state_recipe(job, cohort)).then_some(found.results)
}

/// As [`read_up_to_date`]; nothing where there is none.
pub(super) fn up_to_date(job: &Job, cohort: &CohortFolder) -> Vec<StateResult> {
    read_up_to_date(job, cohort).unwrap_or_default()
}

/// Orders the test epochs by power and phase of a rhythm as the study says, where that is not up to date, and gives
/// `results`, which [`evaluate`](super::evaluate()) made, with true and predicted responses; writes responses, tables and
/// `results.json`. Where the data do not allow it (too short a window, too few epochs), the results say why.
///
/// # Errors
/// [`PipelineError::Missing`] where a model is not fitted, or fitted with other settings; [`PipelineError::Cancelled`]
/// where the monitor asks to stop; [`dre::Error::Setting`] for a channel that the cohort lacks; others as they come.
pub fn state(job: &Job, cohort: &CohortFolder, mut results: Results, monitor: &mut dyn Monitor) -> Result<Results> {
    if !job.force && read_up_to_date(job, cohort).is_some() {
        monitor.step("Up to date", "responses by brain state");
    } else {
        make(job, cohort, monitor)?;
    }
    results.state = up_to_date(job, cohort);
    write_json(&job.out.join(RESULTS_FILE), &results)?;
    Ok(results)
}

fn make(job: &Job, cohort: &CohortFolder, monitor: &mut dyn Monitor) -> Result<()> {
    let spec = spec_of(job);
    let data = dataset(job, cohort)?;
    let times = data.times();
    let summary = StateSummarySpec {
        bins: BinSpec {
            band: spec.band,
            window: spec.window(&times, valid_from(job)),
            channels: spec.rows(&data.cohort().channels)?,
            n_bins: spec.n_bins,
            set: Set::Test,
            min_epochs: spec.min_epochs,
            batch_size: BATCH,
        },
        score_from: times.partition_point(|&t| t < job.study.report.score_from - 1e-9),
        flips: PermutationSpec { n_permutations: spec.n_permutations, seed: job.study.seed, n_threads: job.n_threads },
    };
    let names = chosen(job, &spec);
    let models: Vec<Box<dyn Predictor>> =
        names.iter().map(|name| predictor(job, cohort, name, data.n_times())).collect::<Result<_>>()?;
    let models: Vec<&dyn Predictor> = models.iter().map(|model| &**model).collect();
    let n_test: usize = (0..data.n_subjects()).map(|subject| data.subject_epochs(Set::Test, subject).len()).sum();
    let [low, high] = spec.band;
    monitor.step("Ordering", &format!("{n_test} test epochs by brain state, {low} to {high} Hz"));
    let mut progress = || if monitor.stop_requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let by: Vec<By> = [By::Power, By::Phase].into_iter().filter(|by| spec.by.contains(by)).collect();
    let (found, ordered) = match analyse(&data, &models, &summary.bins, &mut progress) {
        Ok(None) => return Err(PipelineError::Cancelled),
        Ok(Some(states)) => {
            let asked: Vec<States> = states.into_iter().filter(|states| by.contains(&states.by)).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let found = asked.iter().map(|states| summarise(&data, &names, states, &summary));
            (found.collect::<std::result::Result<Vec<_>, _>>()?, asked)
        }
        // Settings are known to make sense by themselves: these data do not bear them.
        Err(error @ dre::Error::Setting { .. }) => {
            let reason = error.to_string();
            (by.into_iter().map(|by| not_computed(&data, by, &summary, &reason)).collect(), Vec::new())
        }
        Err(error) => return Err(error.into()),
    };
    for result in found.iter().filter(|result| result.subjects.is_empty()) {
        monitor.warn(&format!("responses by {}: {}", result.by.name(), result.notes.join("; ")));
    }
    write(job, &state_recipe(job, cohort), &names, &ordered, found)
}

/// Whether the study's channels are there; warns where the window does not bear the band, since then all models would be
/// fitted before it is told.
pub(super) fn check(job: &Job, data: &dre::data::Dataset, monitor: &dyn Monitor) -> Result<()> {
    let spec = spec_of(job);
    spec.rows(&data.cohort().channels)?;
    if let Err(error) = check_window(spec.band, spec.window(&data.times(), valid_from(job)), data.sfreq()) {
        monitor.warn(&format!("[state] will not be computed: {error}"));
    }
    Ok(())
}

fn write(
    job: &Job,
    recipe: &serde_json::Value,
    names: &[String],
    ordered: &[States],
    results: Vec<StateResult>,
) -> Result<()> {
    let folder = folder(job);
    // Whatever an earlier analysis left would pass for a part of this one.
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(StoreError::write(&folder))?;
    }
    for states in ordered.iter().filter(|states| !states.subjects.is_empty()) {
        let file = |source: &str| folder.join(format!("{}_{source}.npy", states.by.name()));
        write_npy(&file("true"), &stacked(states, |bin| &bin.truth))?;
        for (model, name) in names.iter().enumerate() {
            write_npy(&file(name), &stacked(states, |bin| &bin.predicted[model]))?;
        }
    }
    write_file(&folder.join("gains.tsv"), |out| {
        writeln!(out, "by\tsubject\tsource\tbin\tvalue\tn_epochs\tgain")?;
        for result in &results {
            let models = result.models.iter().map(|(name, model)| (name.as_str(), &model.modulation));
            for (source, modulation) in std::iter::once(("true", &result.truth)).chain(models) {
                for (subject, gains) in &modulation.gains {
                    for (bin, gain) in gains.iter().enumerate() {
                        let (by, value) = (result.by.name(), result.bins[bin].value);
                        let n_epochs = result.subjects[subject].n_epochs[bin];
                        writeln!(out, "{by}\t{subject}\t{source}\t{}\t{value}\t{n_epochs}\t{gain}", bin + 1)?;
                    }
                }
            }
        }
        Ok(())
    })?;
    write_file(&folder.join("captured.tsv"), |out| {
        writeln!(out, "by\tsubject\tmodel\tr")?;
        for result in &results {
            for (name, model) in &result.models {
                for (subject, r) in &model.subjects {
                    writeln!(out, "{}\t{subject}\t{name}\t{r}", result.by.name())?;
                }
            }
        }
        Ok(())
    })?;
    write_json(&folder.join(SUMMARY_FILE), &Summary { recipe: recipe.clone(), results })?;
    Ok(())
}

/// Responses of all subjects and bins, `(n_subjects, n_bins, n_channels, n_times)`.
fn stacked(states: &States, of: impl Fn(&StateBin) -> &Array2<f64>) -> ndarray::Array4<f64> {
    let subjects: Vec<_> = states
        .subjects
        .iter()
        .map(|subject| {
            let views: Vec<_> = subject.bins.iter().map(|bin| of(bin).view()).collect();
            stack(Axis(0), &views).expect("bins' responses have the same shape")
        })
        .collect();
    let views: Vec<_> = subjects.iter().map(|subject| subject.view()).collect();
    stack(Axis(0), &views).expect("subjects' responses have the same shape")
}
