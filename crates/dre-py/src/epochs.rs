//! Epochs that Python hands over: `neurodre._epochs.Epochs`, read in place.

use dre::data::{ArrayScaling, EpochArrays, EpochBlock, EpochLabels, FeatureScaler, RobustScaler, Set, SplitSpec};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArray3};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::errors::science;
use crate::watch::interruptible;

/// One array of epochs.
#[derive(FromPyObject)]
pub struct Block<'py> {
    data: Option<PyReadonlyArray3<'py, f32>>,
    features: PyReadonlyArray3<'py, f32>,
    measured: Option<PyReadonlyArray3<'py, bool>>,
    subjects: Vec<usize>,
    recordings: Vec<usize>,
    /// 0 trains, 1 validates, 2 tests, −1 is not used.
    sets: Vec<i8>,
}

/// A fitted scaling: `neurodre._epochs.Scaling`.
#[derive(FromPyObject)]
pub struct Scaling<'py> {
    centre: PyReadonlyArray2<'py, f64>,
    scale: PyReadonlyArray2<'py, f64>,
    feature_mean: PyReadonlyArray1<'py, f64>,
    feature_std: PyReadonlyArray1<'py, f64>,
}

/// All epochs with their labels.
#[derive(FromPyObject)]
pub struct Epochs<'py> {
    channels: Vec<String>,
    features: Vec<String>,
    subjects: Vec<String>,
    recordings: Vec<String>,
    n_times: usize,
    blocks: Vec<Block<'py>>,
    scaling: Option<Scaling<'py>>,
}

fn set_of(number: i8) -> PyResult<Option<Set>> {
    match usize::try_from(number).ok() {
        None => Ok(None),
        Some(place) => {
            let set = Set::ALL.get(place).copied();
            set.map(Some).ok_or_else(|| PyValueError::new_err(format!("no set has the number {number}")))
        }
    }
}

fn number_of(set: Option<Set>) -> i8 {
    set.map_or(-1, |set| set as i8)
}

impl Scaling<'_> {
    fn to_scaling(&self) -> ArrayScaling {
        let rows = self.centre.as_array();
        let scales = self.scale.as_array();
        let one = |(centre, scale): (numpy::ndarray::ArrayView1<'_, f64>, numpy::ndarray::ArrayView1<'_, f64>)| {
            RobustScaler { centre: centre.to_vec(), scale: scale.to_vec() }
        };
        let mean = self.feature_mean.as_array().to_vec();
        ArrayScaling {
            data: rows.outer_iter().zip(scales.outer_iter()).map(one).collect(),
            features: FeatureScaler {
                constant: vec![false; mean.len()],
                mean,
                std: self.feature_std.as_array().to_vec(),
            },
        }
    }
}

impl Epochs<'_> {
    /// The epochs as the library knows them, scaled where a scaling was given.
    pub(crate) fn arrays(&self) -> PyResult<EpochArrays<'_>> {
        let labels = EpochLabels {
            channels: self.channels.clone(),
            features: self.features.clone(),
            subjects: self.subjects.clone(),
            recordings: self.recordings.clone(),
        };
        let arrays = EpochArrays::new(labels, self.blocks()?, self.n_times).map_err(|e| science(&e))?;
        match &self.scaling {
            Some(scaling) => arrays.scaled(scaling.to_scaling()).map_err(|e| science(&e)),
            None => Ok(arrays),
        }
    }

    fn blocks(&self) -> PyResult<Vec<EpochBlock<'_>>> {
        self.blocks.iter().map(Block::to_block).collect()
    }
}

impl Block<'_> {
    fn to_block(&self) -> PyResult<EpochBlock<'_>> {
        let data = self.data.as_ref().map(|data| data.as_slice()).transpose()?;
        Ok(EpochBlock {
            data,
            n_data_times: self.data.as_ref().map_or(0, |data| data.as_array().dim().2),
            features: self.features.as_slice()?,
            measured: self.measured.as_ref().map(|marks| marks.as_slice()).transpose()?,
            subjects: self.subjects.clone(),
            recordings: self.recordings.clone(),
            sets: self.sets.iter().map(|&set| set_of(set)).collect::<PyResult<_>>()?,
        })
    }
}

/// Centres and scales of the data `(n_recordings, n_channels)`, means and standard deviations of the features, and which
/// features are constant.
type Found<'py> = (
    Bound<'py, PyArray2<f64>>,
    Bound<'py, PyArray2<f64>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<f64>>,
    Vec<bool>,
);

/// What the training epochs say about how to scale.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
pub fn fit_scaling<'py>(py: Python<'py>, epochs: Epochs<'py>) -> PyResult<Found<'py>> {
    let arrays = epochs.arrays()?;
    let found = interruptible(py, |stop| arrays.fit_scaling(stop))?;
    let n_channels = epochs.channels.len();
    let table = |of: fn(&RobustScaler) -> &Vec<f64>| {
        let values: Vec<f64> = found.data.iter().flat_map(|one| of(one).iter().copied()).collect();
        numpy::ndarray::Array2::from_shape_vec((found.data.len(), n_channels), values)
            .map_err(|e| PyValueError::new_err(e.to_string()))
    };
    Ok((
        table(|one| &one.centre)?.into_pyarray(py),
        table(|one| &one.scale)?.into_pyarray(py),
        found.features.mean.into_pyarray(py),
        found.features.std.into_pyarray(py),
        found.features.constant,
    ))
}

/// Sets in the order of time (0 trains, 1 validates, 2 tests, −1 is not used), `gap` seconds apart at `sfreq` (Hz).
#[pyfunction]
#[pyo3(signature = (recordings, train, valid, starts, n_times, gap=0.0, sfreq=1.0))]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
pub fn split_in_time(
    recordings: Vec<usize>,
    train: f64,
    valid: f64,
    starts: Option<Vec<i64>>,
    n_times: usize,
    gap: f64,
    sfreq: f64,
) -> PyResult<Vec<i8>> {
    let gap = SplitSpec { gap: Some(gap), ..SplitSpec::default() }.gap_samples(sfreq);
    let sets = dre::data::split_in_time(&recordings, train, valid, starts.as_deref(), n_times + gap);
    Ok(sets.map_err(|e| science(&e))?.into_iter().map(number_of).collect())
}
