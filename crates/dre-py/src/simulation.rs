//! Simulated studies in memory.

use dre::data::Cohort;
use dre::simulate::{Effects, SimulatedRecording, Simulation, SimulationConfig, word_features};
use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray2};
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::defaults::parse;
use crate::study::{Events, events_of, json};
use crate::watch::interruptible;

/// Rows of channels, and stretches of samples.
type Lacks = (Vec<usize>, Vec<(usize, usize)>);

/// A simulated study; data are handed over when they are asked for.
#[pyclass(frozen, module = "neurodre._native")]
pub struct Simulated {
    simulation: Simulation,
    cohort: Cohort,
}

/// Simulates a study; `effects` names what is on, all where it is none.
#[pyfunction]
#[pyo3(signature = (settings, effects, n_threads))]
pub fn simulate_study(
    py: Python<'_>,
    settings: &str,
    effects: Option<Vec<String>>,
    n_threads: usize,
) -> PyResult<Simulated> {
    let mut config: SimulationConfig = parse("the simulation", settings)?;
    if let Some(names) = effects {
        config.effects = Effects::NONE;
        for name in names {
            let switch = config.effects.switch(&name).ok_or_else(|| {
                PyValueError::new_err(format!("effects: `{name}`, expected some of {}", Effects::NAMES.join(", ")))
            })?;
            *switch = true;
        }
    }
    interruptible(py, |stop| {
        let simulation = Simulation::until(&config, n_threads, stop)?;
        let cohort = simulation.cohort(&word_features())?;
        Ok(Simulated { simulation, cohort })
    })
}

impl Simulated {
    fn recording(&self, place: usize) -> PyResult<&SimulatedRecording> {
        let there = self.simulation.recordings.get(place);
        there.ok_or_else(|| PyIndexError::new_err(format!("no recording has the number {place}")))
    }
}

#[pymethods]
impl Simulated {
    /// Sampling frequency (Hz), channels as JSON, names of the features.
    fn about(&self) -> PyResult<(f64, String, Vec<String>)> {
        Ok((self.simulation.sfreq, json(&self.simulation.channels)?, self.cohort.features.clone()))
    }

    /// Subject and session of each recording.
    fn recordings(&self) -> Vec<(String, Option<String>)> {
        self.simulation.recordings.iter().map(|one| (one.subject.clone(), one.session.clone())).collect()
    }

    /// Data (SI units), `(n_channels, n_times)`.
    fn data<'py>(&self, py: Python<'py>, place: usize) -> PyResult<Bound<'py, PyArray2<f32>>> {
        Ok(self.recording(place)?.data.as_standard_layout().into_owned().into_pyarray(py))
    }

    /// Features of the words, `(n_features, n_times)`.
    fn features<'py>(&self, py: Python<'py>, place: usize) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let n_times = self.recording(place)?.data.ncols();
        let values = (*self.cohort.recordings[place].features).as_ref().to_vec();
        let array = Array2::from_shape_vec((self.cohort.features.len(), n_times), values);
        Ok(array.map_err(|e| PyValueError::new_err(e.to_string()))?.into_pyarray(py))
    }

    /// Rows of the channels that a recording lacks, and bad stretches (samples).
    fn gaps(&self, place: usize) -> PyResult<Lacks> {
        let gaps = &self.recording(place)?.gaps;
        let segments = gaps.segments().iter().map(|segment| (segment.start, segment.end));
        Ok((gaps.channels().keys().copied().collect(), segments.collect()))
    }

    /// Onsets (s), durations (s) and columns of the events.
    fn events<'py>(&self, py: Python<'py>, place: usize) -> PyResult<Events<'py>> {
        events_of(py, &self.recording(place)?.events)
    }

    /// What went in: numbers of the recording, the topographies `(n_channels, n_sources)`, and the states at each word.
    fn truth<'py>(&self, py: Python<'py>, place: usize) -> PyResult<Bound<'py, PyDict>> {
        let truth = &self.recording(place)?.truth;
        let dict = PyDict::new(py);
        dict.set_item("gain", truth.gain)?;
        dict.set_item("latency_shifts", truth.latency_shifts.clone())?;
        dict.set_item("alpha_freq", truth.alpha_freq)?;
        dict.set_item("source_names", truth.source_names.clone())?;
        dict.set_item("topographies", truth.topographies.clone().into_pyarray(py))?;
        let words = &truth.words;
        let numbers = PyDict::new(py);
        numbers.set_item("onset", words.iter().map(|w| w.onset).collect::<Vec<_>>())?;
        numbers.set_item("alpha_power", words.iter().map(|w| w.alpha_power).collect::<Vec<_>>())?;
        numbers.set_item("alpha_phase", words.iter().map(|w| w.alpha_phase).collect::<Vec<_>>())?;
        numbers.set_item("alpha_gain", words.iter().map(|w| w.alpha_gain).collect::<Vec<_>>())?;
        dict.set_item("words", numbers)?;
        Ok(dict)
    }
}
