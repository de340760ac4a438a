//! Whoever watches a training from Python, and Ctrl-C.

use std::ops::ControlFlow;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use dre::Stop;
use dre::nn::{Observer, Progress, Training};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;

use crate::errors::science;

/// How often Python is asked whether Ctrl-C was pressed.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// Does `work` with the interpreter released, on a thread of its own: Python tells the calling thread alone of Ctrl-C, which
/// then asks the work to stop. What the handler of the signal raised is raised when the work has ended.
pub(crate) fn interruptible<T: Send>(py: Python<'_>, work: impl FnOnce(&Stop) -> dre::Result<T> + Send) -> PyResult<T> {
    match attended(py, |stop, _: &dyn Fn(())| work(stop), |()| Ok(())) {
        (_, Some(raised)) => Err(raised),
        (done, None) => done.map_err(|e| science(&e)),
    }
}

/// As [`interruptible`], for work that tells the calling thread something as it goes: `hear` is called there. Gives what the
/// work came to, and what was raised meanwhile.
#[expect(clippy::redundant_closure_for_method_calls, reason = "the method is one for a single lifetime")]
pub(crate) fn attended<T: Send, M: Send>(
    py: Python<'_>,
    work: impl FnOnce(&Stop, &dyn Fn(M)) -> T + Send,
    mut hear: impl FnMut(M) -> PyResult<()> + Send,
) -> (T, Option<PyErr>) {
    let stop = Stop::new();
    py.detach(|| {
        std::thread::scope(|scope| {
            let (sender, receiver) = channel();
            let asked = &stop;
            // The sender goes with the work, so that its end is heard, however it ends.
            let worker = scope.spawn(move || work(asked, &|message| sender.send(message).unwrap_or_default()));
            let mut raised = None;
            loop {
                let heard = match receiver.recv_timeout(ASK_EVERY) {
                    Ok(message) => hear(message),
                    Err(RecvTimeoutError::Timeout) => Python::attach(|py| py.check_signals()),
                    Err(RecvTimeoutError::Disconnected) => break,
                };
                if let Err(error) = heard {
                    stop.ask();
                    raised.get_or_insert(error);
                }
            }
            (worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), raised)
        })
    })
}

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
