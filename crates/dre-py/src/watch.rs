//! Whoever watches a training from Python, and Ctrl-C.

use std::ops::ControlFlow;
use std::time::Instant;

use dre::nn::{Observer, Progress, Training};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;

/// Why a training ended before its last pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Ctrl-C.
    Interrupted,
    /// A callback asked for it.
    Asked,
}

/// Calls Python after every batch and pass.
pub(crate) struct Watch {
    callback: Option<Py<PyAny>>,
    started: Instant,
    pub(crate) why: Option<Why>,
    /// What a callback raised.
    pub(crate) raised: Option<PyErr>,
}

impl Watch {
    /// `callback(pass, n_passes, batch, n_batches, train_loss, valid_loss)` says whether to stop.
    pub(crate) fn new(callback: Option<Py<PyAny>>) -> Self {
        Self { callback, started: Instant::now(), why: None, raised: None }
    }

    pub(crate) fn call(&mut self, progress: &Progress) -> ControlFlow<()> {
        let asked = Python::attach(|py| {
            py.check_signals()?;
            let Some(callback) = &self.callback else { return Ok(false) };
            let Progress { pass, n_passes, batch, n_batches, train_loss, valid_loss, .. } = progress;
            callback.bind(py).call1((pass, n_passes, batch, n_batches, train_loss, valid_loss))?.is_truthy()
        });
        match asked {
            Ok(false) => return ControlFlow::Continue(()),
            Ok(true) => self.why = Some(Why::Asked),
            Err(e) if Python::attach(|py| e.is_instance_of::<PyKeyboardInterrupt>(py)) => {
                self.why = Some(Why::Interrupted);
            }
            Err(e) => self.raised = Some(e),
        }
        ControlFlow::Break(())
    }
}

impl Observer for Watch {
    type Error = dre::Error;

    fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    fn on_batch(&mut self, progress: &Progress) -> ControlFlow<()> {
        self.call(progress)
    }

    fn on_pass(&mut self, _training: &Training) -> dre::Result<()> {
        Ok(())
    }
}
