//! Fitting.

use dre::Stop;
use dre::data::{EpochSource, Pooled};
use dre::linear::{BandedConfig, FitSpec, LinearOptions, RtrfConfig, TrfConfig, fit_banded, fit_rtrf, fit_trf};
use dre::nn::{Dims, Network, NetworkConfig, Threads, TrainConfig, Training};
use dre_io::models::{Fitted, FittedNetwork};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::defaults::parse;
use crate::epochs::Epochs;
use crate::errors::science;
use crate::model::{Model, State, tensors_of};
use crate::watch::{Watch, Why, interruptible};

/// Epochs that linear models draw at a time, as in the program.
pub(crate) const LINEAR_BATCH: usize = 256;

/// The network, passes as (training loss, validation loss, seconds), the pass whose weights it has, and how it ended.
type Trained = (Model, Vec<(f64, f64, f64)>, Option<usize>, &'static str);

/// Trains the network.
#[pyfunction]
#[pyo3(signature = (epochs, network, training, seed, n_threads, state, callback))]
#[expect(
    clippy::too_many_arguments,
    clippy::needless_pass_by_value,
    reason = "PyO3 gives arguments one by one, by value"
)]
pub fn fit_dre<'py>(
    py: Python<'py>,
    epochs: Epochs<'py>,
    network: &str,
    training: &str,
    seed: u64,
    n_threads: usize,
    state: Option<State<'py>>,
    callback: Option<Py<PyAny>>,
) -> PyResult<Trained> {
    let network: NetworkConfig = parse("the network", network)?;
    let config: TrainConfig = parse("the training", training)?;
    let state = state.map(tensors_of).transpose()?;
    let arrays = epochs.arrays()?;
    let mut watch = Watch::new(callback);
    let done = py.detach(|| {
        let dims =
            Dims { n_channels: arrays.n_channels(), n_features: arrays.n_features(), n_subjects: arrays.n_subjects() };
        let mut network = Network::new(network, dims, seed, Threads::new(n_threads))?;
        if let Some(state) = &state {
            network.load_state(state)?;
        }
        let mut training = Training::new(network, config, seed)?;
        training.run(&arrays, &mut watch)?;
        Ok(training)
    });
    let done: Training = done.map_err(|e: dre::Error| science(&e))?;
    if let Some(raised) = watch.raised {
        return Err(raised);
    }
    let ended = match watch.why {
        None => "finished",
        Some(Why::Interrupted) => "interrupted",
        Some(Why::Asked) => "stopped",
    };
    let history = done.history().iter().map(|pass| (pass.train_loss, pass.valid_loss, pass.seconds)).collect();
    Ok((Model::new(Fitted::Dre(Box::new(FittedNetwork::of_channels(done.best())))), history, done.best_pass(), ended))
}

/// Fits a linear model to each subject, or one to all of them.
#[pyfunction]
#[pyo3(signature = (epochs, kind, config, options, pooled, n_init_times, valid_from, seed, n_threads))]
#[expect(
    clippy::too_many_arguments,
    clippy::needless_pass_by_value,
    reason = "PyO3 gives arguments one by one, by value"
)]
pub fn fit_linear<'py>(
    py: Python<'py>,
    epochs: Epochs<'py>,
    kind: &str,
    config: &str,
    options: &str,
    pooled: bool,
    n_init_times: usize,
    valid_from: usize,
    seed: u64,
    n_threads: usize,
) -> PyResult<Model> {
    let options: LinearOptions = parse("the linear models", options)?;
    let arrays = epochs.arrays()?;
    let together = Pooled::new(&arrays);
    let source: &dyn EpochSource = if pooled { &together } else { &arrays };
    let subjects = arrays.subjects();
    let spec = |stop: &Stop| FitSpec { valid_from, batch_size: LINEAR_BATCH, n_threads, stop: stop.clone() };
    let fitted = match kind {
        "trf" => {
            let config: TrfConfig = parse("the TRF", config)?;
            let fitted = interruptible(py, |stop| fit_trf(source, &config, options, &spec(stop)));
            fitted.map(|model| Fitted::Trf(if pooled { model.shared_by(subjects) } else { model }))
        }
        "banded" => {
            let config: BandedConfig = parse("the banded ridge", config)?;
            interruptible(py, |stop| fit_banded(source, &config, options, seed, &spec(stop))).map(Fitted::Banded)
        }
        "rtrf" => {
            let config: RtrfConfig = parse("the RTRF", config)?;
            let fitted = interruptible(py, |stop| fit_rtrf(source, &config, n_init_times, options, &spec(stop)));
            fitted.map(|model| Fitted::Rtrf(if pooled { model.shared_by(subjects) } else { model }))
        }
        other => return Err(PyValueError::new_err(format!("no linear model is called `{other}`"))),
    };
    Ok(Model::new(fitted?))
}
