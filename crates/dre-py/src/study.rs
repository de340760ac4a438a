//! Whole studies, from folders to folders.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use dre::Stop;
use dre::data::EventTable;
use dre::nn::Progress;
use dre::results::{PassRecord, Results};
use dre_io::cohort::CohortFolder;
use dre_io::pipeline::{self, Job, Monitor, PipelineError, REPORT_FILE};
use dre_io::store::{Hold, RUN_FILE, read_json, write_file, write_more};
use dre_io::study::StudyFile;
use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray1, PyArray2};
use pyo3::exceptions::{PyFileNotFoundError, PyKeyboardInterrupt, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::{pipeline as failed, store, value};
use crate::watch::{Watch, attended};

/// What a study is run with: `neurodre._study.Job`.
#[derive(FromPyObject)]
pub struct StudyJob {
    study: PathBuf,
    data: Option<PathBuf>,
    out: Option<PathBuf>,
    models: Option<Vec<String>>,
    seed: Option<u64>,
    n_threads: usize,
    resume: bool,
    force: bool,
    /// `say(kind, text)`.
    say: Py<PyAny>,
    /// As in `fit_dre`.
    callback: Option<Py<PyAny>>,
}

impl StudyJob {
    fn job(&self) -> PyResult<Job> {
        let StudyFile { path, text, mut study } = StudyFile::read(&self.study).map_err(|e| value(&e))?;
        if let Some(seed) = self.seed {
            study.seed = seed;
        }
        if let Some(data) = &self.data {
            study.data.bids = Some(data.clone());
        }
        let Some(data) = study.data.bids.clone() else {
            let text = format!("{}: no data set; say bids = \"FOLDER\" below [data], or data=FOLDER", path.display());
            return Err(PyValueError::new_err(text));
        };
        if !data.is_dir() {
            return Err(PyFileNotFoundError::new_err(format!("{}: no such folder", data.display())));
        }
        let out = self.out.clone().unwrap_or_else(|| PathBuf::from(format!("dre-{}", study.name)));
        let known: Vec<String> = study.models.keys().cloned().collect();
        let models = match &self.models {
            None => known,
            Some(names) => {
                if let Some(name) = names.iter().find(|name| !known.contains(name)) {
                    let text = format!("{}: no model `{name}`; it has {}", path.display(), known.join(", "));
                    return Err(PyValueError::new_err(text));
                }
                known.into_iter().filter(|name| names.contains(name)).collect()
            }
        };
        Ok(Job { study, text, data, out, n_threads: self.n_threads, resume: self.resume, force: self.force, models })
    }

    /// Does a step of a study, of which Python is told as it goes, until Ctrl-C.
    fn attended<T: Send>(
        &self,
        py: Python<'_>,
        step: impl FnOnce(&mut Told<'_>) -> pipeline::Result<T> + Send,
    ) -> PyResult<T> {
        let mut watch = Watch::new(self.callback.as_ref().map(|c| c.clone_ref(py)));
        let attended = attended(
            py,
            |stop, tell| step(&mut Told { stop, tell }),
            |message| match message {
                Message::Said(kind, text) => Python::attach(|py| match self.say.call1(py, (kind, text)) {
                    // Ctrl-C is heard where Python runs, which may be here.
                    Err(error) if error.is_instance_of::<PyKeyboardInterrupt>(py) => Err(error),
                    // A log that fails is no reason to lose a fit.
                    _ => Ok(()),
                }),
                Message::Batch(progress, answer) => {
                    let flow = watch.call(&progress);
                    // The training waits for it.
                    answer.send(flow).unwrap_or_default();
                    watch.raised.take().map_or(Ok(()), Err)
                }
            },
        );
        match attended {
            // Their messages say what is kept.
            (Err(e @ (PipelineError::Stopped { .. } | PipelineError::Cancelled)), raised)
                if raised.as_ref().is_none_or(|raised| raised.is_instance_of::<PyKeyboardInterrupt>(py)) =>
            {
                Err(failed(&e))
            }
            (_, Some(raised)) => Err(raised),
            (done, None) => done.map_err(|e| failed(&e)),
        }
    }
}

/// What the thread that called is told.
enum Message {
    /// `say(kind, text)`.
    Said(&'static str, String),
    /// A batch of a training, and where to answer whether it goes on.
    Batch(Progress, Sender<ControlFlow<()>>),
}

/// Tells the thread that called what happens, and asks it whether to stop.
struct Told<'a> {
    stop: &'a Stop,
    tell: &'a dyn Fn(Message),
}

impl Told<'_> {
    fn say(&self, kind: &'static str, text: &str) {
        (self.tell)(Message::Said(kind, text.to_owned()));
    }
}

impl Monitor for Told<'_> {
    fn step(&self, verb: &str, text: &str) {
        self.say("step", &format!("{verb} {text}"));
    }

    fn warn(&self, text: &str) {
        self.say("warning", text);
    }

    fn detail(&self, text: &str) {
        self.say("detail", text);
    }

    fn stop(&self) -> Stop {
        self.stop.clone()
    }

    fn on_batch(&mut self, progress: &Progress) -> ControlFlow<()> {
        let (answer, answered) = channel();
        (self.tell)(Message::Batch(progress.clone(), answer));
        answered.recv().unwrap_or(ControlFlow::Break(()))
    }

    fn on_pass(&mut self, record: &PassRecord) {
        self.say("pass", &format!("training loss {:.5}, validation loss {:.5}", record.train_loss, record.valid_loss));
    }
}

pub(crate) fn json(value: &impl serde::Serialize) -> PyResult<String> {
    serde_json::to_string(value).map_err(|e| PyValueError::new_err(e.to_string()))
}

/// A run's folder, held until it is let go.
#[pyclass(frozen, module = "neurodre._native")]
pub struct Held(Mutex<Option<Arc<Hold>>>);

#[pymethods]
impl Held {
    /// A traceback may keep this much longer than the run takes.
    fn release(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Takes hold of the folder of a study's output.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
pub fn hold_study(job: StudyJob) -> PyResult<Held> {
    Ok(Held(Mutex::new(Some(Hold::take(&job.job()?.out).map_err(|e| store(&e))?))))
}

/// Prepares the recordings; gives the cohort's folder.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
pub fn prepare_study(py: Python<'_>, job: StudyJob) -> PyResult<PathBuf> {
    let what = job.job()?;
    Ok(job.attended(py, |told| pipeline::prepare(&what, told))?.path)
}

/// Fits the models on the prepared cohort.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
pub fn fit_study(py: Python<'_>, job: StudyJob) -> PyResult<()> {
    let what = job.job()?;
    job.attended(py, |told| {
        let cohort = pipeline::open_prepared(&what)?;
        pipeline::fit(&what, &cohort, told)
    })
}

/// Scores the models; gives the folder and `results.json`.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
pub fn evaluate_study(py: Python<'_>, job: StudyJob) -> PyResult<(PathBuf, String)> {
    let what = job.job()?;
    let results = job.attended(py, |told| {
        let cohort = pipeline::open_prepared(&what)?;
        pipeline::evaluate(&what, &cohort, told)
    })?;
    Ok((what.out.clone(), json(&results)?))
}

/// What the sets of a study share, as `audit.json`.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
pub fn audit_study(py: Python<'_>, job: StudyJob) -> PyResult<(String, Vec<String>)> {
    let what = job.job()?;
    let audit = py.detach(|| pipeline::audit(&what, &pipeline::open_prepared(&what)?)).map_err(|e| failed(&e))?;
    Ok((json(&audit)?, audit.findings()))
}

/// Writes the report of a run's folder, from its `results.json`; gives the page.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
pub fn write_report(py: Python<'_>, folder: PathBuf) -> PyResult<PathBuf> {
    py.detach(|| {
        let mut results: Results = read_json(&folder.join(pipeline::RESULTS_FILE)).map_err(|e| store(&e))?;
        pipeline::read_state_maps(&folder, &mut results).map_err(|e| store(&e))?;
        let page = dre_report::write_html(&results).map_err(|e| value(&e))?;
        let path = folder.join(REPORT_FILE);
        let write = |path: &Path| write_file(path, |out| out.write_all(page.as_bytes()));
        // In a folder that is no run's, a page that dre did not write stays.
        let written = if folder.join(RUN_FILE).is_file() {
            write(&path)
        } else {
            write_more(&folder, |new| write(&new.join(REPORT_FILE)))
        };
        written.map_err(|e| store(&e))?;
        Ok(path)
    })
}

/// Onsets, durations, columns.
pub(crate) type Events<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>, Bound<'py, PyDict>);

/// A prepared cohort.
#[pyclass(frozen, module = "neurodre._native")]
pub struct Cohort {
    folder: CohortFolder,
}

/// Opens a cohort's folder.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
pub fn open_cohort(folder: PathBuf) -> PyResult<Cohort> {
    Ok(Cohort { folder: dre_io::cohort::open_cohort(&folder).map_err(|e| store(&e))? })
}

#[pymethods]
impl Cohort {
    /// `cohort.json`.
    fn info(&self) -> PyResult<String> {
        json(&self.folder.info)
    }

    /// Data (SI units) or features of a recording, `(n_channels | n_features, n_times)`.
    fn signal<'py>(&self, py: Python<'py>, recording: usize, what: &str) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let cohort = &self.folder.cohort;
        let one = cohort
            .recordings
            .get(recording)
            .ok_or_else(|| PyValueError::new_err(format!("no recording has the number {recording}")))?;
        let (values, n_rows) = match what {
            "data" => (one.data.to_rows(), cohort.channels.len()),
            _ => ((*one.features).as_ref().to_vec(), cohort.features.len()),
        };
        let array = Array2::from_shape_vec((n_rows, one.n_times), values);
        Ok(array.map_err(|e| PyValueError::new_err(e.to_string()))?.into_pyarray(py))
    }

    /// Onsets (s), durations (s) and columns of a recording's events.
    fn events<'py>(&self, py: Python<'py>, recording: usize) -> PyResult<Events<'py>> {
        let recordings = &self.folder.cohort.recordings;
        let one = recordings
            .get(recording)
            .ok_or_else(|| PyValueError::new_err(format!("no recording has the number {recording}")))?;
        events_of(py, &one.events)
    }
}

/// A table of events.
pub(crate) fn events_of<'py>(py: Python<'py>, events: &EventTable) -> PyResult<Events<'py>> {
    let columns = PyDict::new(py);
    for (name, texts) in &events.columns {
        columns.set_item(name, texts.clone())?;
    }
    Ok((events.onset.clone().into_pyarray(py), events.duration.clone().into_pyarray(py), columns))
}
