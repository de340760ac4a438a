//! Reading a stimulus from a `.npy` file.

use std::path::Path;

use dre::features::Track;
use memmap2::Mmap;
use ndarray::{ArrayViewD, Ix1, Ix2};
use ndarray_npy::ViewNpyExt as _;

use crate::recording::check_there;
use crate::{Error, Result};

/// Reads a `.npy` file of 64- or 32-bit floats, `(n_times,)`, or row `row` of `(n_rows, n_times)`, sampled at `sfreq` (Hz)
/// from `start` (s) on. NaN is no value.
///
/// # Errors
/// [`Error::Io`], [`Error::NotFetched`]; [`Error::Format`] for another shape or type, a row that is not there, infinity.
pub fn read_npy_track(path: &Path, sfreq: f64, start: f64, row: usize) -> Result<Track> {
    check_there(path)?;
    let file = crate::files::open(path).map_err(Error::io("open", path))?;
    // SAFETY: the map is only read and lives until the end of this function; a program that changes the file meanwhile
    // changes the numbers read, as with any memory-mapped file.
    let map = unsafe { Mmap::map(&file) }.map_err(Error::io("read", path))?;
    let values = match ArrayViewD::<f64>::view_npy(&map) {
        Ok(view) => pick(path, &view, row)?,
        Err(_) => match ArrayViewD::<f32>::view_npy(&map) {
            Ok(view) => pick(path, &view, row)?.into_iter().collect(),
            Err(e) => return Err(Error::format(path, e.to_string(), "save it as float64 or float32 in C order")),
        },
    };
    if let Some(at) = values.iter().position(|value| value.is_infinite()) {
        return Err(Error::format(path, format!("sample {at} is infinite"), "write NaN where there is no value"));
    }
    Ok(Track { start, sfreq, values, band: None })
}

fn pick<T: Copy + Into<f64>>(path: &Path, view: &ArrayViewD<'_, T>, row: usize) -> Result<Vec<f64>> {
    let shape = view.shape().to_vec();
    let unfit = |advice: &str| Error::format(path, format!("shape {shape:?}"), advice);
    if let Ok(one) = view.clone().into_dimensionality::<Ix1>() {
        return if row == 0 {
            Ok(one.iter().map(|&v| v.into()).collect())
        } else {
            Err(unfit("it has no rows; leave out `row`"))
        };
    }
    let two = view.clone().into_dimensionality::<Ix2>().map_err(|_| unfit("give (n_times,) or (n_rows, n_times)"))?;
    match two.outer_iter().nth(row) {
        Some(values) => Ok(values.iter().map(|&v| v.into()).collect()),
        None => Err(unfit(&format!("row = {row} is not there; rows count from 0"))),
    }
}
