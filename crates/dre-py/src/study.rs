//! Whole studies, from folders to folders.

use std::ops::ControlFlow;
use std::path::PathBuf;

use dre::data::EventTable;
use dre::nn::Progress;
use dre::results::{PassRecord, Results};
use dre_io::cohort::CohortFolder;
use dre_io::pipeline::{self, Job, Monitor, REPORT_FILE};
use dre_io::store::{read_json, write_file};
use dre_io::study::StudyFile;
use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray1, PyArray2};
use pyo3::exceptions::{PyFileNotFoundError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::{pipeline as failed, store, value};
use crate::watch::Watch;

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

    fn monitor(&self, py: Python<'_>) -> Told {
        Told { say: self.say.clone_ref(py), watch: Watch::new(self.callback.as_ref().map(|c| c.clone_ref(py))) }
    }
}

/// Tells Python what happens, and asks it whether to stop.
struct Told {
    say: Py<PyAny>,
    watch: Watch,
}

impl Told {
    fn tell(&self, kind: &str, text: &str) {
        // A log that fails is no reason to lose a fit.
        Python::attach(|py| self.say.call1(py, (kind, text)).map(drop).unwrap_or_default());
    }
}

impl Monitor for Told {
    fn step(&self, verb: &str, text: &str) {
        self.tell("step", &format!("{verb} {text}"));
    }

    fn warn(&self, text: &str) {
        self.tell("warning", text);
    }

    fn detail(&self, text: &str) {
        self.tell("detail", text);
    }

    fn stop_requested(&self) -> bool {
        let is_interrupted = |py: Python<'_>| py.check_signals().is_err();
        self.watch.why.is_some() || Python::attach(is_interrupted)
    }

    fn on_batch(&mut self, progress: &Progress) -> ControlFlow<()> {
        self.watch.call(progress)
    }

    fn on_pass(&mut self, record: &PassRecord) {
        self.tell("pass", &format!("training loss {:.5}, validation loss {:.5}", record.train_loss, record.valid_loss));
    }
}

pub(crate) fn json(value: &impl serde::Serialize) -> PyResult<String> {
    serde_json::to_string(value).map_err(|e| PyValueError::new_err(e.to_string()))
}

/// Prepares the recordings; gives the cohort's folder.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
pub fn prepare_study(py: Python<'_>, job: StudyJob) -> PyResult<PathBuf> {
    let (what, mut told) = (job.job()?, job.monitor(py));
    Ok(py.detach(|| pipeline::prepare(&what, &mut told)).map_err(|e| failed(&e))?.path)
}

/// Fits the models on the prepared cohort.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
pub fn fit_study(py: Python<'_>, job: StudyJob) -> PyResult<()> {
    let (what, mut told) = (job.job()?, job.monitor(py));
    let done = py.detach(|| {
        let cohort = pipeline::open_prepared(&what)?;
        pipeline::fit(&what, &cohort, &mut told)
    });
    match (done, told.watch.raised) {
        (Err(_), Some(raised)) => Err(raised),
        (done, _) => done.map_err(|e| failed(&e)),
    }
}

/// Scores the models; gives the folder and `results.json`.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
pub fn evaluate_study(py: Python<'_>, job: StudyJob) -> PyResult<(PathBuf, String)> {
    let (what, mut told) = (job.job()?, job.monitor(py));
    let results = py.detach(|| {
        let cohort = pipeline::open_prepared(&what)?;
        pipeline::evaluate(&what, &cohort, &mut told)
    });
    Ok((what.out.clone(), json(&results.map_err(|e| failed(&e))?)?))
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
        write_file(&path, |out| out.write_all(page.as_bytes())).map_err(|e| store(&e))?;
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
