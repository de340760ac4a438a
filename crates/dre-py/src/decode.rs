//! Decoders.

use std::path::PathBuf;

use dre::data::{Batch, Channel, EpochSource, Set};
use dre::linear::{CohortDecoder, DecodeConfig, FitSpec};
use dre_io::models::{read_decoder, write_decoder};
use numpy::ndarray::{Array3, Axis, s};
use numpy::{IntoPyArray, PyArray3};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::Deserialize;

use crate::defaults::parse;
use crate::epochs::Epochs;
use crate::errors::{science, store};
use crate::fit::LINEAR_BATCH;
use crate::model::{choices, stack};
use crate::watch::interruptible;

/// Fitted backward models, one for each subject.
#[pyclass(frozen, module = "neurodre._native")]
pub struct Decoder {
    fitted: CohortDecoder,
}

/// What the files say of the data.
#[derive(Deserialize)]
struct About {
    sfreq: f64,
    channels: Vec<Channel>,
}

/// Fits decoders.
#[pyfunction]
#[pyo3(signature = (epochs, config, n_threads))]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
pub fn fit_decoder(py: Python<'_>, epochs: Epochs<'_>, config: &str, n_threads: usize) -> PyResult<Decoder> {
    let config: DecodeConfig = parse("the decoder", config)?;
    let arrays = epochs.arrays()?;
    let fitted = interruptible(py, |stop| {
        let spec = FitSpec { valid_from: 0, batch_size: LINEAR_BATCH, n_threads, stop: stop.clone() };
        dre::linear::fit_decoder(&arrays, &config, &spec)
    })?;
    Ok(Decoder { fitted })
}

#[pymethods]
impl Decoder {
    /// Reads what [`Decoder::save`] wrote.
    #[staticmethod]
    #[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
    fn load(py: Python<'_>, folder: PathBuf) -> PyResult<Self> {
        Ok(Self { fitted: py.detach(|| read_decoder(&folder)).map_err(|e| store(&e))? })
    }

    /// Writes a folder as the program's `decoding`, with `info` as what decided the fit.
    #[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
    fn save(&self, py: Python<'_>, folder: PathBuf, info: &str) -> PyResult<()> {
        let about: About = parse("the decoder's description", info)?;
        let recipe: serde_json::Value = parse("the decoder's description", info)?;
        let channels: Vec<&str> = about.channels.iter().map(|channel| channel.name.as_str()).collect();
        py.detach(|| write_decoder(&folder, &self.fitted, (&channels, about.sfreq), &recipe)).map_err(|e| store(&e))
    }

    /// Names of the features that are told; coefficients and patterns `(n_subjects, n_features, n_channels, n_lags)`, and how
    /// penalties were chosen.
    fn arrays<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        let fits = &self.fitted.subjects;
        dict.set_item("features", self.fitted.features.clone())?;
        dict.set_item("coef", stack(fits.iter().map(|fit| &fit.model.model.coef))?.into_pyarray(py))?;
        dict.set_item("patterns", stack(fits.iter().map(|fit| &fit.model.patterns))?.into_pyarray(py))?;
        dict.set_item("intercept", stack(fits.iter().map(|fit| &fit.model.model.intercept))?.into_pyarray(py))?;
        dict.set_item("lag_min", fits.first().map_or(0, |fit| fit.model.model.lag_min))?;
        choices(&dict, fits)?;
        Ok(dict)
    }

    /// What is told of the features of all epochs, in their order, in the features' units: `(n_epochs, n_told, n_times)`.
    #[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
    fn predict<'py>(
        &self,
        py: Python<'py>,
        epochs: Epochs<'py>,
        n_threads: usize,
    ) -> PyResult<Bound<'py, PyArray3<f64>>> {
        let arrays = epochs.arrays()?;
        let told = &self.fitted.features;
        let rows: Vec<usize> =
            told.iter().filter_map(|name| arrays.features().iter().position(|other| other == name)).collect();
        if rows.len() != told.len() {
            return Err(PyValueError::new_err(format!("the features are not those of the fit: {}", told.join(", "))));
        }
        let scaler = &arrays.scaling().features;
        let found = interruptible(py, |stop| {
            let mut out = Array3::zeros((arrays.n_epochs(), rows.len(), arrays.n_times()));
            let mut batch = Batch::default();
            for (subject, fit) in self.fitted.subjects.iter().enumerate() {
                for part in arrays.subject_epochs(Set::Test, subject).chunks(LINEAR_BATCH) {
                    stop.check()?;
                    arrays.draw(part, &mut batch);
                    let values = fit.model.model.predict(&batch.data.mapv(f64::from), n_threads)?;
                    for (epoch, values) in part.iter().zip(values.outer_iter()) {
                        for ((place, &row), values) in rows.iter().enumerate().zip(values.axis_iter(Axis(0))) {
                            let (mean, std) = (scaler.mean[row], scaler.std[row]);
                            out.slice_mut(s![epoch.event, place, ..]).assign(&values.mapv(|v| v * std + mean));
                        }
                    }
                }
            }
            Ok(out)
        });
        Ok(found?.into_pyarray(py))
    }

    /// r of each feature by subject, and the number of samples that it is the mean of.
    #[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
    fn score(&self, py: Python<'_>, epochs: Epochs<'_>, n_threads: usize) -> PyResult<Vec<Vec<(f64, usize)>>> {
        let arrays = epochs.arrays()?;
        let found = py.detach(|| self.fitted.score(&arrays, Set::Test, LINEAR_BATCH, n_threads));
        let scores = found.map_err(|e| science(&e))?;
        Ok(scores.into_iter().map(|own| own.into_iter().map(|s| (s.r, s.n_times)).collect()).collect())
    }
}
