//! What processing alone predicts, and what it leaks.

use std::collections::BTreeMap;

use dre::data::{BadSegments, BaselineSpec, EpochSpec, EpochWindow};
use dre::signal::{ImpulseResponse, Preparation, PrepareSpec};
use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use serde::Deserialize;

use crate::defaults::parse;
use crate::errors::science;

/// Two arrays of one length.
type Curve<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>);

/// Samples of the recording for which filters are designed: what they are does not depend on it.
const N_TIMES: usize = 1 << 20;

/// Recordings, filters and epochs, as JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Processing {
    /// Sampling frequency of the recording (Hz).
    sfreq: f64,
    /// What is done to it; beside `taps`, only `decim` counts.
    prepare: PrepareSpec,
    /// Taps of a filter that was designed elsewhere, and the place of zero delay among them.
    taps: Option<(Vec<f64>, usize)>,
    tmin: f64,
    tmax: f64,
    baseline: BaselineSpec,
}

impl Processing {
    fn read(settings: &str) -> PyResult<Self> {
        parse("the processing", settings)
    }

    /// The response of the filters, the sampling frequency of the epochs, and what an epoch is.
    fn resolve(&self) -> dre::Result<(ImpulseResponse, f64, EpochWindow)> {
        // Whether foreign taps leave something to fold is not for this program to know.
        let lowpass = self.taps.as_ref().map(|_| 0.0);
        let preparation = Preparation::new(&self.prepare, self.sfreq, N_TIMES, lowpass)?;
        let response = match &self.taps {
            Some((taps, origin)) => ImpulseResponse { taps: taps.clone(), origin: *origin, sfreq: self.sfreq },
            None => preparation.response(),
        };
        let spec = EpochSpec {
            tmin: self.tmin,
            tmax: self.tmax,
            bad_segments: BadSegments::default(),
            baseline: self.baseline,
            events: BTreeMap::new(),
        };
        let sfreq = preparation.sfreq();
        Ok((response, sfreq, EpochWindow::new(&spec, sfreq)?))
    }
}

/// How long (s) the filters' response to an impulse holds 99.9 % of its energy.
#[pyfunction]
pub fn filter_reach(settings: &str) -> PyResult<f64> {
    let (response, _, _) = Processing::read(settings)?.resolve().map_err(|e| science(&e))?;
    Ok(dre::data::reach_of(&response))
}

/// r of the best linear prediction of white noise at each time of an epoch, and the times (s).
#[pyfunction]
pub fn processing_floor<'py>(py: Python<'py>, settings: &str, n_init_times: usize) -> PyResult<Curve<'py>> {
    let processing = Processing::read(settings)?;
    let found = py.detach(|| {
        let (response, sfreq, window) = processing.resolve()?;
        let r = dre::floor::processing_floor(&response, sfreq, window.n_times, window.baseline.clone(), n_init_times)?;
        Ok((r, window.times(sfreq)))
    });
    let (r, times) = found.map_err(|e: dre::Error| science(&e))?;
    Ok((r.into_pyarray(py), times.into_pyarray(py)))
}

/// Latencies (s) after the init window, and the share of the energy of a response there that lies inside the init window.
#[pyfunction]
pub fn leak<'py>(py: Python<'py>, settings: &str, n_init_times: usize, duration: f64) -> PyResult<Curve<'py>> {
    let processing = Processing::read(settings)?;
    let found = py.detach(|| {
        let (response, sfreq, window) = processing.resolve()?;
        dre::floor::leak(&response, &window.times(sfreq), n_init_times, duration)
    });
    let found = found.map_err(|e: dre::Error| science(&e))?;
    Ok((found.latencies.into_pyarray(py), found.shares.into_pyarray(py)))
}
