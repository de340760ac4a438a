//! Values of events as signals of epochs.

use dre::features::{Layout, lay_epochs};
use numpy::{IntoPyArray, PyArray2};
use pyo3::prelude::*;

use crate::defaults::parse;
use crate::errors::science;

/// Lays a value per event into epochs `(n_epochs, n_times)`; every event shows in every epoch that it falls into.
///
/// `onsets` and `durations` of events, in samples; `starts`, the sample of the recording at which each epoch starts.
#[pyfunction]
#[pyo3(signature = (onsets, durations, values, starts, n_times, layout))]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
pub fn lay_values<'py>(
    py: Python<'py>,
    onsets: Vec<f64>,
    durations: Vec<f64>,
    values: Vec<f64>,
    starts: Vec<f64>,
    n_times: usize,
    layout: &str,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let layout: Layout = parse("a feature's layout", &format!("\"{layout}\""))?;
    let laid = lay_epochs(layout, &onsets, &durations, &values, &starts, n_times).map_err(|e| science(&e))?;
    Ok(laid.into_pyarray(py))
}
