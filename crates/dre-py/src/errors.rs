//! Errors of the crates as the exceptions that Python users expect.

use dre_io::pipeline::PipelineError;
use dre_io::store::StoreError;
use pyo3::PyErr;
use pyo3::exceptions::{
    PyBlockingIOError, PyFileExistsError, PyFileNotFoundError, PyFloatingPointError, PyKeyboardInterrupt, PyOSError,
    PyRuntimeError, PyValueError,
};

/// A message with the causes that it leaves out.
fn text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        // Transparent and quoting errors repeat their cause.
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = cause.source();
    }
    text
}

/// The program's options by the names of Python's arguments.
fn in_python(text: &str) -> String {
    text.replace("--out", "out=")
}

fn is_numerical(error: &dre::Error) -> bool {
    match error {
        dre::Error::Diverged { .. } | dre::Error::PredictionNotFinite { .. } => true,
        dre::Error::At { source, .. } => is_numerical(source),
        _ => false,
    }
}

/// An error of the science: what the user gave is wrong (`ValueError`), or the numbers left their range
/// (`FloatingPointError`).
pub(crate) fn science(error: &dre::Error) -> PyErr {
    match error {
        // The label of a subject or recording alone, such as 1, would say nothing.
        dre::Error::At { place, source } => raised(source, &format!("epochs of {place}: {}", text(source))),
        _ => raised(error, &text(error)),
    }
}

fn raised(error: &dre::Error, text: &str) -> PyErr {
    if is_numerical(error) {
        PyFloatingPointError::new_err(text.to_owned())
    } else {
        PyValueError::new_err(text.to_owned())
    }
}

/// An error with the package's own files.
pub(crate) fn store(error: &StoreError) -> PyErr {
    match error {
        StoreError::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            PyFileNotFoundError::new_err(text(error))
        }
        StoreError::NotOurs { .. } | StoreError::NotARun { .. } => PyFileExistsError::new_err(in_python(&text(error))),
        StoreError::Busy { .. } => PyBlockingIOError::new_err(in_python(&text(error))),
        StoreError::Read { .. } | StoreError::Write { .. } => PyOSError::new_err(text(error)),
        _ => PyValueError::new_err(text(error)),
    }
}

/// An error in a step of a study.
pub(crate) fn pipeline(error: &PipelineError) -> PyErr {
    match error {
        PipelineError::Dre(e) => raised(e, &text(e)),
        PipelineError::Store(e) => store(e),
        PipelineError::Stopped { .. } => {
            PyKeyboardInterrupt::new_err(format!("{}; resume=True goes on from there", text(error)))
        }
        PipelineError::Cancelled => PyKeyboardInterrupt::new_err(text(error)),
        PipelineError::Missing { path, step } => {
            let function = if *step == "prepare" { "prepare" } else { "run" };
            let path = path.display();
            let text = format!("{path} is not there or not up to date with the study; call neurodre.{function} first");
            PyFileNotFoundError::new_err(text)
        }
        // Where the program has options, Python has arguments.
        PipelineError::Interrupted { .. } | PipelineError::OtherConfiguration { .. } => {
            PyRuntimeError::new_err(text(error).replace("--resume", "resume=True").replace("--force", "force=True"))
        }
        _ => PyRuntimeError::new_err(text(error)),
    }
}

/// Any other error of which only the text is of use, such as one of a study file.
pub(crate) fn value(error: &dyn std::error::Error) -> PyErr {
    PyValueError::new_err(text(error))
}
