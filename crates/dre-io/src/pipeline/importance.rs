//! What predictions rest on: inputs of fitted models are permuted.
//!
//! ```text
//! importance/MODEL/importance.json   summaries, as in results.json, and what decides them; written last
//! importance/MODEL/importance.tsv    one row per input and subject: mean Δr and its spread over permutations
//! importance/MODEL/over_time.tsv     one row per input, subject and time: Δr, mean over channels
//! importance/MODEL/NAME_MODE.npy     Δr (subject, channel, time), mean over permutations
//! importance/MODEL/NAME_MODE_sd.npy  its standard deviation over permutations
//! ```

use std::collections::BTreeSet;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};

use dre::data::{Dataset, Set, samples_within};
use dre::features::Features;
use dre::importance::{
    FeatureValues, Found, ImportanceSpec, PermuteSpec, SubjectFound, SummarySpec, Target, applicable, n_predictions,
    permute, summarise, summarise_windows,
};
use dre::metrics::Window;
use dre::results::{ImportanceResult, Results};
use ndarray::{Array2, Axis, stack};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::evaluate::{BATCH, RESULTS_FILE, predictor};
use super::fit::{dataset, recipe, score_from, valid_from, windows};
use super::{Job, Monitor, PipelineError, Result};
use crate::cohort::CohortFolder;
use crate::features::read_lexica;
use crate::store::{Hold, Manifest, NewFolder, read_json, write_file, write_json, write_npy};

/// Folder of the importance analyses in a run's folder.
pub const IMPORTANCE_FOLDER: &str = "importance";

/// File that says what was found and from what.
const SUMMARY_FILE: &str = "importance.json";

#[derive(Serialize, Deserialize)]
struct Summary {
    /// Everything that decides the findings; they are up to date while it is the same.
    recipe: serde_json::Value,
    results: Vec<ImportanceResult>,
}

/// The study's settings, or the defaults where it has none.
fn spec_of(job: &Job) -> ImportanceSpec {
    job.study.importance.clone().unwrap_or_default()
}

fn folder(job: &Job, name: &str) -> PathBuf {
    job.out.join(IMPORTANCE_FOLDER).join(name)
}

/// Everything that decides a model's importance analysis.
fn importance_recipe(job: &Job, cohort: &CohortFolder, name: &str) -> serde_json::Value {
    let spec = ImportanceSpec { models: Vec::new(), ..spec_of(job) };
    json!({
        "model": recipe(job, cohort, &job.study.models[name]),
        "importance": spec,
        "score_from": job.study.report.score_from,
        "windows": job.study.report.windows,
        "seed": job.study.seed,
    })
}

fn read_up_to_date(job: &Job, cohort: &CohortFolder, name: &str) -> Option<Vec<ImportanceResult>> {
    let folder = folder(job, name);
    Manifest::read(&folder, "").filter(|manifest| manifest.is_whole(&folder))?;
    let found: Summary = read_json(&folder.join(SUMMARY_FILE)).ok()?;
    (found.recipe == importance_recipe(job, cohort, name)).then_some(found.results)
}

/// What earlier analyses found, as far as they belong to the present models and settings.
pub(super) fn up_to_date(job: &Job, cohort: &CohortFolder) -> Vec<ImportanceResult> {
    job.models.iter().filter_map(|name| read_up_to_date(job, cohort, name)).flatten().collect()
}

/// Permutes the inputs of the fitted models of `job` as its study says, where that is not up to date, and gives `results`,
/// which [`evaluate`](super::evaluate()) made, with what was found; writes the maps, tables and `results.json`. The models
/// are those named in `only`, or where it is empty those that the study names, else all.
///
/// # Errors
/// [`PipelineError::Missing`] where a model is not fitted, or fitted with other settings; [`PipelineError::Cancelled`]
/// where the monitor asks to stop, models that are done are kept; others as they come.
pub fn importance(
    job: &Job,
    cohort: &CohortFolder,
    mut results: Results,
    only: &[String],
    monitor: &mut dyn Monitor,
) -> Result<Results> {
    let _hold = Hold::take(&job.out)?;
    let spec = spec_of(job);
    let mut stale = Vec::new();
    let chosen = if only.is_empty() { &spec.models } else { only };
    for name in job.models.iter().filter(|name| chosen.is_empty() || chosen.contains(name)) {
        if !job.force && read_up_to_date(job, cohort, name).is_some() {
            monitor.step("Up to date", &format!("importance of {name}'s inputs"));
        } else {
            stale.push(name);
        }
    }
    if !stale.is_empty() {
        // Before anything takes long.
        stale.iter().try_for_each(|name| NewFolder::check(&folder(job, name)))?;
        let data = dataset(job, cohort)?;
        let (features, values) = values_of(job, cohort, &data)?;
        let targets = spec.targets(&features)?;
        let windows = Windows { whole: window(job, &data, &spec)?, named: windows(job, &data)? };
        for name in stale {
            one(job, cohort, name, (&data, &values), &targets, (&spec, &windows), monitor)?;
        }
    }
    results.importance = up_to_date(job, cohort);
    write_json(&job.out.join(RESULTS_FILE), &results)?;
    Ok(results)
}

/// The values that the events of the cohort give to its features.
fn values_of(job: &Job, cohort: &CohortFolder, data: &Dataset) -> Result<(Features, FeatureValues)> {
    let specs = &job.study.features;
    let recordings = &cohort.cohort.recordings;
    let tables: Vec<_> = recordings.iter().map(|recording| &recording.events).collect();
    let features = Features::new(specs, read_lexica(specs)?, &tables)?;
    let signals = recordings.iter().map(|recording| {
        let in_recording = |source| PipelineError::InRecording { recording: recording.id.clone(), source };
        features.event_signals(&recording.events, data.sfreq(), recording.n_times).map_err(in_recording)
    });
    let values = FeatureValues::new(data, signals.collect::<Result<_>>()?)?;
    Ok((features, values))
}

/// What of an epoch counts.
struct Windows {
    /// The samples of the means and tests over everything.
    whole: Range<usize>,
    /// Those that the study names.
    named: Vec<Window>,
}

/// The samples of the epoch that count; never those that models are shown.
fn window(job: &Job, data: &Dataset, spec: &ImportanceSpec) -> Result<Range<usize>> {
    let from = spec.tmin.map_or_else(|| score_from(job, data), Ok)?;
    let mut samples = samples_within(&data.times(), Some(from), spec.tmax);
    samples.start = samples.start.max(valid_from(job));
    if !samples.is_empty() {
        return Ok(samples);
    }
    Err(PipelineError::Dre(dre::Error::Setting {
        name: "importance.tmin".to_owned(),
        found: format!("{from} with tmax = {}", spec.tmax.map_or_else(|| "none".to_owned(), |t| t.to_string())),
        expected: "a window within the epoch that holds a sample which no model is shown".to_owned(),
    }))
}

fn one(
    job: &Job,
    cohort: &CohortFolder,
    name: &str,
    (data, values): (&Dataset, &FeatureValues),
    targets: &[Target],
    (spec, windows): (&ImportanceSpec, &Windows),
    monitor: &mut dyn Monitor,
) -> Result<()> {
    let model = predictor(job, cohort, name, data.n_times())?;
    let plan = PermuteSpec {
        set: Set::Test,
        window: windows.whole.clone(),
        batch_size: BATCH,
        seed: job.study.seed,
        n_threads: job.n_threads,
    };
    let targets = applicable(data, values, &*model, targets, &plan);
    let most = n_predictions(data, Set::Test, &targets);
    let text = format!("{} inputs of {name}: {most} predictions of an epoch at most", targets.len());
    monitor.step("Permuting", &text);
    monitor.permuting(name, most);
    let found = permute(data, values, &*model, &targets, &plan, &mut |progress| {
        monitor.on_permuted(progress.done);
        if monitor.stop_requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    monitor.permuted();
    let Some(found) = found? else { return Err(PipelineError::Cancelled) };
    let summary = SummarySpec {
        window: windows.whole.clone(),
        tfce: spec.tfce,
        seed: job.study.seed,
        n_threads: job.n_threads,
        stop: monitor.stop(),
    };
    let mut results = summarise(data, name, &found, &summary)?;
    for (result, own) in results.iter_mut().zip(summarise_windows(data, &found, &windows.named)) {
        result.windows = own;
    }
    for result in results.iter().filter(|result| result.subjects.is_empty()) {
        monitor.warn(&format!("{name}, {}, mode {}: {}", result.name, result.mode.name(), result.notes.join("; ")));
    }
    write(&folder(job, name), &importance_recipe(job, cohort, name), data, &found, results)
}

fn write(
    place: &Path,
    recipe: &serde_json::Value,
    data: &Dataset,
    found: &[Found],
    results: Vec<ImportanceResult>,
) -> Result<()> {
    // As a whole: what an earlier analysis left would pass for a part of this one.
    let new = NewFolder::new(place)?;
    let folder = new.path();
    let mut taken = BTreeSet::new();
    for found in found.iter().filter(|found| !found.subjects.is_empty()) {
        let stem = file_stem(&found.target, &mut taken);
        for (suffix, of) in [("", (|s| &s.delta) as fn(&SubjectFound) -> &Array2<f64>), ("_sd", |s| &s.sd)] {
            let views: Vec<_> = found.subjects.iter().map(|s| of(s).view()).collect();
            let maps = stack(Axis(0), &views).expect("subjects' maps have the same shape");
            write_npy(&folder.join(format!("{stem}{suffix}.npy")), &maps)?;
        }
    }
    let head = |result: &ImportanceResult| format!("{}\t{}\t{}", result.name, result.mode.name(), result.conditional);
    write_file(&folder.join("importance.tsv"), |out| {
        writeln!(out, "name\tmode\tconditional\tsubject\tn_epochs\tr\tdelta_r\tsd\tp")?;
        for result in &results {
            for (label, s) in &result.subjects {
                let (n, r, delta, sd, p) = (s.n_epochs, s.r, s.delta_r, s.sd, s.p);
                writeln!(out, "{}\t{label}\t{n}\t{r}\t{delta}\t{sd}\t{p}", head(result))?;
            }
        }
        Ok(())
    })?;
    let times = data.times();
    write_file(&folder.join("over_time.tsv"), |out| {
        writeln!(out, "name\tmode\tconditional\tsubject\ttime\tdelta_r")?;
        for result in &results {
            for (label, s) in &result.subjects {
                for (time, delta) in times.iter().zip(&s.over_time) {
                    writeln!(out, "{}\t{label}\t{time}\t{delta}", head(result))?;
                }
            }
        }
        Ok(())
    })?;
    write_json(&folder.join(SUMMARY_FILE), &Summary { recipe: recipe.clone(), results })?;
    Ok(new.finish()?)
}

/// A file name that no other target has: features may have names that no file can have.
fn file_stem(target: &Target, taken: &mut BTreeSet<String>) -> String {
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '.') { c } else { '_' };
    let name: String = target.name.chars().map(plain).collect();
    let conditional = if target.conditional { "_conditional" } else { "" };
    let stem = format!("{name}_{}{conditional}", target.mode.name());
    let numbered = (2..).map(|n| format!("{stem}_{n}"));
    let free = std::iter::once(stem.clone()).chain(numbered).find(|stem| !taken.contains(stem)).unwrap_or(stem);
    taken.insert(free.clone());
    free
}
