//! What is asked of fitted models and of scores: importance, brain states, noise ceiling, comparisons.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use dre::Stop;
use dre::data::{ArraysInfo, Channel, Dataset, EpochSource, Set};
use dre::importance::{FeatureValues, ImportanceSpec, PermuteSpec, SummarySpec, permute};
use dre::metrics::{CeilingSpec, bootstrap_interval};
use dre::results::{ComparisonResult, ImportanceResult, StateResult};
use dre::state::{BinSpec, By, StateBin, StateSpec, StateSummarySpec, States, SubjectStates};
use dre::stats::{PermutationSpec, Tail, compare_fits, compare_models, test_group};
use numpy::ndarray::{Array2, Array3, Array4, ArrayView2, Axis, stack};
use numpy::{IntoPyArray, PyArray2, PyArray3, PyArray4};
use pyo3::prelude::*;
use serde::Deserialize;

use crate::defaults::parse;
use crate::epochs::Epochs;
use crate::errors::science;
use crate::model::Model;
use crate::study::json;
use crate::watch::interruptible;

/// What the one model is called.
const MODEL: &str = "model";

/// The column of the stimuli.
const STIMULUS: &str = "stimulus";

/// What the arrays do not say, as JSON.
#[derive(Deserialize)]
struct About {
    sfreq: f64,
    /// First sample of an epoch relative to its event.
    first: isize,
    channels: Vec<Channel>,
}

fn info(about: &str, columns: BTreeMap<String, Vec<String>>) -> PyResult<ArraysInfo> {
    let About { sfreq, first, channels } = parse("the epochs", about)?;
    Ok(ArraysInfo { sfreq, first, channels, columns })
}

/// Whether to go on.
fn flow(stop: &Stop) -> ControlFlow<()> {
    if stop.is_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Maps of one input by subject: r, Δr and its standard deviation over permutations, `(n_subjects, n_channels, n_times)`.
type Maps<'py> = (Bound<'py, PyArray3<f64>>, Bound<'py, PyArray3<f64>>, Bound<'py, PyArray3<f64>>);

fn maps<'a>(maps: impl Iterator<Item = &'a Array2<f64>>, shape: (usize, usize)) -> Array3<f64> {
    let views: Vec<ArrayView2<'_, f64>> = maps.map(|map| map.view()).collect();
    stack(Axis(0), &views).unwrap_or_else(|_| Array3::zeros((0, shape.0, shape.1)))
}

/// Permutes inputs of a model; gives `ImportanceResult`s as JSON, and the maps of each.
#[pyfunction]
#[pyo3(signature = (model, epochs, about, settings, score_from, batch_size, seed, n_threads))]
#[expect(
    clippy::too_many_arguments,
    clippy::needless_pass_by_value,
    reason = "PyO3 gives arguments one by one, by value"
)]
pub fn permutation_importance<'py>(
    py: Python<'py>,
    model: &Model,
    epochs: Epochs<'py>,
    about: &str,
    settings: &str,
    score_from: usize,
    batch_size: usize,
    seed: u64,
    n_threads: usize,
) -> PyResult<(String, Vec<Maps<'py>>)> {
    let settings: ImportanceSpec = parse("the importance", settings)?;
    settings.check().map_err(|e| science(&e))?;
    let arrays = epochs.arrays()?;
    let info = info(about, BTreeMap::new())?;
    let shape = (arrays.n_channels(), arrays.n_times());
    let window = score_from..arrays.n_times();
    let (results, found) = interruptible(py, |stop| {
        let data = Dataset::of_arrays(&arrays, &info)?;
        let targets = settings.targets_of_signals(data.features())?;
        let values = FeatureValues::of_arrays(&data)?;
        let spec = PermuteSpec { set: Set::Test, window: window.clone(), batch_size, seed, n_threads };
        model.with_predictor(&data, batch_size, stop, |model| {
            let found = permute(&data, &values, model, &targets, &spec, &mut |_| flow(stop))?;
            let found = found.ok_or(dre::Error::Stopped)?;
            let spec = SummarySpec { window, tfce: settings.tfce, seed, n_threads, stop: stop.clone() };
            let results: Vec<ImportanceResult> = dre::importance::summarise(&data, MODEL, &found, &spec)?;
            Ok((results, found))
        })
    })?;
    let arrays = found.iter().map(|one| {
        let subjects = || one.subjects.iter();
        (
            maps(subjects().map(|s| &s.r), shape).into_pyarray(py),
            maps(subjects().map(|s| &s.delta), shape).into_pyarray(py),
            maps(subjects().map(|s| &s.sd), shape).into_pyarray(py),
        )
    });
    Ok((json(&results)?, arrays.collect()))
}

/// Responses by subject and bin, `(n_subjects, n_bins, n_channels, n_times)`, true and predicted; their differences, means over
/// subjects, `(n_channels, n_times)`; r across bins and halves, `(n_subjects, n_channels, n_times)`.
type Responses<'py> = (
    Bound<'py, PyArray4<f64>>,
    Bound<'py, PyArray4<f64>>,
    Bound<'py, PyArray2<f64>>,
    Bound<'py, PyArray2<f64>>,
    Bound<'py, PyArray3<f64>>,
);

fn responses(states: &States, of: impl Fn(&StateBin) -> &Array2<f32>, shape: (usize, usize)) -> Array4<f64> {
    let bins = |subject: &SubjectStates| -> Vec<Array2<f64>> {
        subject.bins.iter().map(|bin| of(bin).mapv(f64::from)).collect()
    };
    let own: Vec<Array3<f64>> = states.subjects.iter().map(|s| maps(bins(s).iter(), shape)).collect();
    let views: Vec<_> = own.iter().map(|bins| bins.view()).collect();
    stack(Axis(0), &views).unwrap_or_else(|_| Array4::zeros((0, 0, shape.0, shape.1)))
}

fn crossed(states: &States, shape: (usize, usize)) -> Array3<f64> {
    let own: Vec<Array2<f64>> =
        states.subjects.iter().map(|subject| subject.captured[0].crossed_map.mapv(f64::from)).collect();
    maps(own.iter(), shape)
}

/// The difference between two bins, NaN where there are none.
fn difference(result: &StateResult, model: Option<&str>, shape: (usize, usize)) -> Array2<f64> {
    let rows = result.maps.as_ref().map(|maps| maps.difference(result.by, model)).unwrap_or_default();
    Array2::from_shape_fn(shape, |(c, t)| rows.get(c).map_or(f64::NAN, |row| f64::from(row[t])))
}

/// Orders epochs by a rhythm; gives `StateResult`s as JSON, and the responses of each.
#[pyfunction]
#[pyo3(signature = (model, epochs, about, settings, n_init_times, score_from, batch_size, seed, n_threads))]
#[expect(
    clippy::too_many_arguments,
    clippy::needless_pass_by_value,
    reason = "PyO3 gives arguments one by one, by value"
)]
pub fn state_modulation<'py>(
    py: Python<'py>,
    model: &Model,
    epochs: Epochs<'py>,
    about: &str,
    settings: &str,
    n_init_times: usize,
    score_from: usize,
    batch_size: usize,
    seed: u64,
    n_threads: usize,
) -> PyResult<(String, Vec<Responses<'py>>)> {
    let settings: StateSpec = parse("the brain states", settings)?;
    settings.check().map_err(|e| science(&e))?;
    let arrays = epochs.arrays()?;
    let info = info(about, BTreeMap::new())?;
    let shape = (arrays.n_channels(), arrays.n_times());
    let (results, states) = interruptible(py, |stop| {
        let data = Dataset::of_arrays(&arrays, &info)?;
        let summary = StateSummarySpec {
            bins: BinSpec {
                band: settings.band,
                window: settings.window(&data.times(), n_init_times),
                channels: settings.rows(&data.cohort().channels)?,
                n_bins: settings.n_bins,
                set: Set::Test,
                min_epochs: settings.min_epochs,
                score_from,
                batch_size,
                n_threads,
            },
            flips: PermutationSpec { n_permutations: settings.n_permutations, seed, n_threads, stop: stop.clone() },
            reference: None,
        };
        let by = [By::Power, By::Phase].into_iter().filter(|by| settings.by.contains(by));
        model.with_predictor(&data, batch_size, stop, |model| {
            let (mut results, mut states) = (Vec::new(), Vec::new());
            for by in by {
                let found = dre::state::analyse(&data, &[model], by, &summary.bins, &mut || flow(stop))?;
                let found = found.ok_or(dre::Error::Stopped)?;
                results.push(dre::state::summarise(&data, &[MODEL], &found, &summary)?);
                states.push(found);
            }
            Ok((results, states))
        })
    })?;
    let arrays = results.iter().zip(&states).map(|(result, states)| {
        (
            responses(states, |bin| &bin.truth, shape).into_pyarray(py),
            responses(states, |bin| &bin.predicted[0], shape).into_pyarray(py),
            difference(result, None, shape).into_pyarray(py),
            difference(result, Some(MODEL), shape).into_pyarray(py),
            crossed(states, shape).into_pyarray(py),
        )
    });
    Ok((json(&results)?, arrays.collect()))
}

/// The noise ceiling of epochs, as JSON; `stimuli` says which each epoch had.
#[pyfunction]
#[pyo3(signature = (epochs, about, stimuli, score_from, seed, n_threads))]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
pub fn noise_ceiling(
    py: Python<'_>,
    epochs: Epochs<'_>,
    about: &str,
    stimuli: Vec<String>,
    score_from: usize,
    seed: u64,
    n_threads: usize,
) -> PyResult<String> {
    let arrays = epochs.arrays()?;
    let info = info(about, BTreeMap::from([(STIMULUS.to_owned(), stimuli)]))?;
    let found = interruptible(py, |stop| {
        let data = Dataset::of_arrays(&arrays, &info)?;
        let score_from = data.times().get(score_from).copied().unwrap_or(f64::INFINITY);
        let spec = CeilingSpec {
            set: Set::Test,
            column: STIMULUS.to_owned(),
            score_from,
            seed,
            n_threads,
            stop: stop.clone(),
        };
        dre::metrics::noise_ceiling(&data, &spec)
    });
    json(&found?)
}

/// Compares every pair of models by one score per subject; `ComparisonResult`s as JSON.
#[pyfunction]
#[pyo3(signature = (names, scores, seed))]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
pub fn compare_scores(py: Python<'_>, names: Vec<String>, scores: Vec<Vec<f64>>, seed: u64) -> PyResult<String> {
    let models: Vec<(&str, Vec<f64>)> = names.iter().map(String::as_str).zip(scores).collect();
    let found: Vec<ComparisonResult> = py.detach(|| compare_models(&models, seed));
    json(&found)
}

/// Tests whether differences, one for each subject, lie above 0: `{"confidence", "test"}` as JSON.
#[pyfunction]
#[pyo3(signature = (differences, seed))]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
pub fn test_differences(py: Python<'_>, differences: Vec<f64>, seed: u64) -> PyResult<String> {
    let (confidence, test) =
        py.detach(|| (bootstrap_interval(&differences, seed), test_group(&differences, Tail::Positive)));
    json(&serde_json::json!({ "confidence": confidence, "test": test }))
}

/// Compares single fits of two models, r by fit, then by subject; a `SeedSpread` as JSON, or null.
#[pyfunction]
#[pyo3(signature = (first, second, seed))]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
pub fn compare_seeds(py: Python<'_>, first: Vec<Vec<f64>>, second: Vec<Vec<f64>>, seed: u64) -> PyResult<String> {
    json(&py.detach(|| compare_fits(&first, &second, seed)))
}
