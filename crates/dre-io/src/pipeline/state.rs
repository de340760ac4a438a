//! Responses by brain state: test epochs are ordered by a rhythm before the response.
//!
//! ```text
//! state/state.json                 summaries, as in results.json, and what decides them
//! state/gains.tsv                  one row per way of ordering, subject, source (`true`, or `predicted` by a model) and bin
//! state/captured.tsv               one row per way of ordering, subject and model: r between true and predicted difference, and
//!                                  the same across halves of the epochs
//! state/power_true.npy             responses (subject, bin, channel, time), scaled units; `phase_…` likewise
//! state/power_predicted_MODEL.npy  the same as a model predicts them
//! state/power_mean_….npy           their means over subjects (bin, channel, time), which the report shows
//! state/power_r_MODEL.npy          r across bins (subject, channel, time)
//! state/power_crossed_MODEL.npy    the same across halves
//! ```

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use dre::data::{Dataset, Set, samples_within};
use dre::model::Predictor;
use dre::results::{Results, StateMaps, StateResult};
use dre::state::{
    BinSpec, By, Captured, StateBin, StateSpec, StateSummarySpec, States, analyse, check_window, not_computed,
    summarise,
};
use dre::stats::PermutationSpec;
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::evaluate::{BATCH, RESULTS_FILE, predictor};
use super::fit::{dataset, recipe, recipe_of, score_from, valid_from};
use super::{Job, Monitor, PipelineError, Result};
use crate::cohort::CohortFolder;
use crate::store::{
    Hold, Manifest, MappedNpy, NewFolder, StoreError, cell, read_json, write_file, write_json, write_npy_parts,
};
use crate::study::ModelSpec;

/// Folder of the responses by brain state in a run's folder.
pub const STATE_FOLDER: &str = "state";

/// File that says what was found and from what.
const SUMMARY_FILE: &str = "state.json";

/// What true responses are called in file names.
const TRUTH: &str = "true";

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
    let models: Vec<(String, serde_json::Value)> = chosen(job, &spec)
        .into_iter()
        .map(|name| (name.clone(), recipe(job, cohort, &job.study.models[&name])))
        .collect();
    json!({
        // The true responses follow from the data alone.
        "data": recipe_of(job, cohort, &serde_json::Value::Null),
        "models": models,
        "state": StateSpec { models: Vec::new(), ..spec },
        "score_from": job.study.report.score_from,
    })
}

/// What an earlier analysis found, as far as it belongs to the present models and settings.
fn read_up_to_date(job: &Job, cohort: &CohortFolder) -> Option<Vec<StateResult>> {
    let folder = folder(job);
    Manifest::read(&folder, "").filter(|manifest| manifest.is_whole(&folder))?;
    let found: Summary = read_json(&folder.join(SUMMARY_FILE)).ok()?;
    (found.recipe == state_recipe(job, cohort)).then_some(found.results)
}

/// What an earlier analysis found, with its maps; nothing where there is none that is up to date.
///
/// # Errors
/// As [`read_state_maps`].
pub(super) fn up_to_date(job: &Job, cohort: &CohortFolder) -> Result<Vec<StateResult>> {
    let mut found = read_up_to_date(job, cohort).unwrap_or_default();
    found.iter_mut().try_for_each(|result| read_maps(&folder(job), result))?;
    Ok(found)
}

/// Gives `results`, which were read from the run's folder `home`, the responses by brain state that lie in files of their own.
/// Those of another analysis than the results', and those that are not there, are left out.
///
/// # Errors
/// [`StoreError`] for a file that is damaged.
pub fn read_state_maps(home: &Path, results: &mut Results) -> std::result::Result<(), StoreError> {
    let folder = home.join(STATE_FOLDER);
    let Ok(Summary { results: kept, .. }) = read_json(&folder.join(SUMMARY_FILE)) else { return Ok(()) };
    // As text, since NaN is not equal to itself.
    let text = |result: &StateResult| serde_json::to_string(result).ok();
    let kept: Vec<Option<String>> = kept.iter().map(text).collect();
    for result in &mut results.state {
        if kept.contains(&text(result)) {
            read_maps(&folder, result)?;
        }
    }
    Ok(())
}

/// The file of one kind of array.
fn file(folder: &Path, by: By, what: &str) -> PathBuf {
    folder.join(format!("{}_{what}.npy", by.name()))
}

/// Names that no model's name makes equal: what is a model's starts with another word than what is not.
fn predicted(model: &str) -> String {
    format!("predicted_{model}")
}

fn read_maps(folder: &Path, result: &mut StateResult) -> std::result::Result<(), StoreError> {
    let read = |source: &str| -> std::result::Result<Option<Vec<Vec<Vec<f32>>>>, StoreError> {
        let path = file(folder, result.by, &format!("mean_{source}"));
        if !path.is_file() {
            return Ok(None);
        }
        let array = MappedNpy::open(&path)?;
        let &[n_bins, n_channels, n_times] = array.shape() else {
            let found = format!("{} dimensions", array.shape().len());
            return Err(StoreError::damaged(&path, found, "3 dimensions: bins, channels, times"));
        };
        let row =
            |bin: usize, channel: usize| array.as_ref()[(bin * n_channels + channel) * n_times..][..n_times].to_vec();
        let bin = |bin: usize| (0..n_channels).map(|channel| row(bin, channel)).collect();
        Ok(Some((0..n_bins).map(bin).collect()))
    };
    let Some(truth) = read(TRUTH)? else { return Ok(()) };
    let mut maps = StateMaps { truth, ..StateMaps::default() };
    for name in result.models.keys() {
        if let Some(bins) = read(&predicted(name))? {
            maps.predicted.insert(name.clone(), bins);
        }
    }
    result.maps = Some(maps);
    Ok(())
}

/// Orders the test epochs by power and phase of a rhythm as the study says, where that is not up to date, and gives
/// `results`, which [`evaluate`](super::evaluate()) made, with true and predicted responses; writes responses, tables and
/// `results.json`. Where the window does not bear the band, or subjects have too few epochs, the results say why.
///
/// # Errors
/// [`PipelineError::Missing`] where a model is not fitted, or fitted with other settings; [`PipelineError::Cancelled`]
/// where the monitor asks to stop; [`dre::Error::Setting`] for a channel that the cohort lacks; others as they come.
pub fn state(job: &Job, cohort: &CohortFolder, mut results: Results, monitor: &mut dyn Monitor) -> Result<Results> {
    let _hold = Hold::take(&job.out)?;
    if !job.force && read_up_to_date(job, cohort).is_some() {
        monitor.step("Up to date", "responses by brain state");
    } else {
        make(job, cohort, monitor)?;
    }
    results.state = up_to_date(job, cohort)?;
    write_json(&job.out.join(RESULTS_FILE), &results)?;
    Ok(results)
}

/// How states are told and summarised.
fn summary_spec(
    job: &Job,
    data: &Dataset,
    spec: &StateSpec,
    names: &[String],
    monitor: &dyn Monitor,
) -> Result<StateSummarySpec> {
    let times = data.times();
    let n_threads = job.n_threads;
    let is = |kind: fn(&ModelSpec) -> bool| names.iter().position(|name| kind(&job.study.models[name]));
    Ok(StateSummarySpec {
        bins: BinSpec {
            band: spec.band,
            window: spec.window(&times, valid_from(job)),
            channels: spec.rows(&data.cohort().channels)?,
            n_bins: spec.n_bins,
            set: Set::Test,
            min_epochs: spec.min_epochs,
            score_from: samples_within(&times, Some(score_from(job, data)?), None).start,
            batch_size: BATCH,
            n_threads,
        },
        flips: PermutationSpec {
            n_permutations: spec.n_permutations,
            seed: job.study.seed,
            n_threads,
            stop: monitor.stop(),
        },
        reference: is(|model| matches!(model, ModelSpec::Trf(_)))
            .or_else(|| is(|model| matches!(model, ModelSpec::Banded(_)))),
    })
}

fn make(job: &Job, cohort: &CohortFolder, monitor: &mut dyn Monitor) -> Result<()> {
    let spec = spec_of(job);
    let data = dataset(job, cohort)?;
    let names = chosen(job, &spec);
    let summary = summary_spec(job, &data, &spec, &names, monitor)?;
    let models: Vec<Box<dyn Predictor>> =
        names.iter().map(|name| predictor(job, cohort, name, data.n_times())).collect::<Result<_>>()?;
    let models: Vec<&dyn Predictor> = models.iter().map(|model| &**model).collect();
    let labels: Vec<&str> = names.iter().map(String::as_str).collect();
    let n_test: usize = (0..data.n_subjects()).map(|subject| data.subject_epochs(Set::Test, subject).len()).sum();
    let [low, high] = spec.band;
    let unfit = check_window(spec.band, summary.bins.window.clone(), data.sfreq()).err().map(|error| error.to_string());
    let new = NewFolder::new(&folder(job))?;
    let mut found = Vec::new();
    // One after the other, since the responses of all subjects are held meanwhile.
    for by in [By::Power, By::Phase].into_iter().filter(|by| spec.by.contains(by)) {
        let result = if let Some(reason) = &unfit {
            not_computed(&data, by, &summary, reason)
        } else {
            let what = format!("{n_test} test epochs by the brain's state ({}), {low} to {high} Hz", by.name());
            monitor.step("Ordering", &what);
            let mut progress =
                || if monitor.stop_requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
            let states = analyse(&data, &models, by, &summary.bins, &mut progress)?.ok_or(PipelineError::Cancelled)?;
            let result = summarise(&data, &labels, &states, &summary)?;
            write_arrays(new.path(), &labels, &states, result.maps.as_ref())?;
            result
        };
        if result.subjects.is_empty() {
            monitor.warn(&format!("responses by {}: {}", by.name(), result.notes.join("; ")));
        }
        found.push(result);
    }
    write_tables(new.path(), &found)?;
    write_json(&new.path().join(SUMMARY_FILE), &Summary { recipe: state_recipe(job, cohort), results: found })?;
    // As a whole: what an earlier analysis left would pass for a part of this one.
    new.finish()?;
    Ok(())
}

/// Whether the study's channels are there; warns where the window does not bear the band, since then all models would be
/// fitted before it is told.
pub(super) fn check(job: &Job, data: &Dataset, monitor: &dyn Monitor) -> Result<()> {
    let spec = spec_of(job);
    spec.rows(&data.cohort().channels)?;
    if let Err(error) = check_window(spec.band, spec.window(&data.times(), valid_from(job)), data.sfreq()) {
        monitor.warn(&format!("[state] will not be computed: {error}"));
    }
    Ok(())
}

fn write_arrays(folder: &Path, names: &[&str], states: &States, maps: Option<&StateMaps>) -> Result<()> {
    let Some(first) = states.subjects.first() else { return Ok(()) };
    let (n_subjects, n_bins) = (states.subjects.len(), first.bins.len());
    let (n_channels, n_times) = first.bins[0].truth.dim();
    let place = |what: &str| file(folder, states.by, what);
    let responses = |what: &str, of: &dyn Fn(&StateBin) -> &Array2<f32>| {
        let parts = states.subjects.iter().flat_map(|subject| subject.bins.iter().map(of));
        write_npy_parts(&place(what), &[n_subjects, n_bins, n_channels, n_times], parts)
    };
    let means = |what: &str, bins: Option<&Vec<Vec<Vec<f32>>>>| {
        let Some(bins) = bins else { return Ok(()) };
        write_npy_parts(&place(&format!("mean_{what}")), &[n_bins, n_channels, n_times], bins.iter().flatten())
    };
    let correlations = |what: &str, of: &dyn Fn(&Captured) -> &Array2<f32>, model: usize| {
        let path = place(&format!("{what}_{}", names[model]));
        let maps = states.subjects.iter().map(|subject| of(&subject.captured[model]));
        write_npy_parts(&path, &[n_subjects, n_channels, n_times], maps)
    };
    responses(TRUTH, &|bin| &bin.truth)?;
    means(TRUTH, maps.map(|maps| &maps.truth))?;
    for (model, name) in names.iter().enumerate() {
        responses(&predicted(name), &|bin| &bin.predicted[model])?;
        means(&predicted(name), maps.and_then(|maps| maps.predicted.get(*name)))?;
        correlations("r", &|captured| &captured.map, model)?;
        correlations("crossed", &|captured| &captured.crossed_map, model)?;
    }
    Ok(())
}

fn write_tables(folder: &Path, results: &[StateResult]) -> Result<()> {
    write_file(&folder.join("gains.tsv"), |out| {
        writeln!(out, "by\tsubject\tsource\tmodel\tbin\tvalue\tn_epochs\tgain")?;
        for result in results {
            let models = result.models.iter().map(|(name, model)| ("predicted", name.as_str(), &model.modulation));
            for (source, model, modulation) in std::iter::once(("true", "n/a", &result.truth)).chain(models) {
                for (subject, gains) in &modulation.gains {
                    for (bin, gain) in gains.iter().enumerate() {
                        let (by, value, gain) = (result.by.name(), cell(result.bins[bin].value), cell(*gain));
                        let n_epochs = result.subjects[subject].n_epochs[bin];
                        writeln!(out, "{by}\t{subject}\t{source}\t{model}\t{}\t{value}\t{n_epochs}\t{gain}", bin + 1)?;
                    }
                }
            }
        }
        Ok(())
    })?;
    write_file(&folder.join("captured.tsv"), |out| {
        writeln!(out, "by\tsubject\tmodel\tr\tr_across_halves")?;
        for result in results {
            for (name, model) in &result.models {
                for (subject, one) in &model.subjects {
                    let numbers = [one.r, one.crossed].map(cell).join("\t");
                    writeln!(out, "{}\t{subject}\t{name}\t{numbers}", result.by.name())?;
                }
            }
        }
        Ok(())
    })?;
    Ok(())
}
