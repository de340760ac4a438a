//! Coefficients of features, as time courses.

use std::path::Path;

use dre::linear::{Rtrf, SubjectFit, Trf};
use ndarray::{Array2, Array3, s};

use super::ModelInfo;
use crate::store::{StoreError, write_file};

/// A table of more rows than this holds the mean over subjects alone.
pub(super) const MOST_ROWS: usize = 2_000_000;

/// The features' coefficients of every subject.
#[derive(Clone, Debug)]
pub struct Coefficients {
    /// Label and coefficients `(n_channels, n_features, n_lags)`.
    subjects: Vec<(String, Array3<f64>)>,
    /// First lag (samples).
    lag_min: isize,
}

impl Coefficients {
    /// Those of temporal receptive fields.
    pub fn of_trfs(subjects: &[SubjectFit<Trf>]) -> Self {
        Self {
            lag_min: subjects.first().map_or(0, |fit| fit.model.lag_min),
            subjects: subjects.iter().map(|fit| (fit.subject.clone(), fit.model.coef.clone())).collect(),
        }
    }

    /// Those of autoregressive ones: what a feature adds to the next sample, given the data's past.
    pub fn of_rtrfs(subjects: &[SubjectFit<Rtrf>]) -> Self {
        let one = |fit: &SubjectFit<Rtrf>| {
            let coef = fit.model.coef_features.view().permuted_axes([0, 2, 1]);
            (fit.subject.clone(), coef.as_standard_layout().to_owned())
        };
        Self { lag_min: 0, subjects: subjects.iter().map(one).collect() }
    }

    /// Mean over subjects, `(n_channels, n_features, n_lags)`.
    pub fn mean(&self) -> Array3<f64> {
        let Some((_, first)) = self.subjects.first() else { return Array3::zeros((0, 0, 0)) };
        let sum = self.subjects.iter().fold(Array3::zeros(first.dim()), |sum: Array3<f64>, (_, coef)| sum + coef);
        sum / self.subjects.len() as f64
    }

    /// The lags (s).
    pub fn lags(&self, sfreq: f64) -> Vec<f64> {
        let n = self.subjects.first().map_or(0, |(_, coef)| coef.dim().2) as isize;
        (self.lag_min..self.lag_min + n).map(|lag| lag as f64 / sfreq).collect()
    }

    /// Writes a table: subject, channel, feature, lag (s), coefficient (scaled data per standardised feature). Lags at which
    /// a feature was not fitted, those outside of its own window, are left out.
    pub(super) fn write_table(&self, path: &Path, info: &ModelInfo) -> Result<(), StoreError> {
        let mean;
        let n_rows: usize = self.subjects.iter().map(|(_, coef)| coef.len()).sum();
        let rows = if n_rows <= MOST_ROWS {
            &self.subjects
        } else {
            mean = vec![("mean".to_owned(), self.mean())];
            &mean
        };
        let lags = self.lags(info.sfreq);
        // Outside of a window all coefficients are exactly 0; a fit gives no such numbers.
        let is_fitted = |f: usize, lag: usize| {
            self.subjects.iter().any(|(_, coef)| coef.slice(s![.., f, lag]).iter().any(|value| *value != 0.0))
        };
        let (_, n_features, n_lags) = self.subjects.first().map_or((0, 0, 0), |(_, coef)| coef.dim());
        let fitted = Array2::from_shape_fn((n_features, n_lags), |(f, lag)| is_fitted(f, lag));
        let is_never = |f: usize| fitted.row(f).iter().all(|is| !is);
        write_file(path, |out| {
            writeln!(out, "subject\tchannel\tfeature\tlag_s\tcoef")?;
            for (subject, coef) in rows {
                for ((c, f, lag), value) in coef.indexed_iter() {
                    if !fitted[[f, lag]] && !is_never(f) {
                        continue;
                    }
                    let channel = info.channels.get(c).map_or("", |channel| channel.name.as_str());
                    let feature = info.features.get(f).map_or("", String::as_str);
                    writeln!(out, "{subject}\t{channel}\t{feature}\t{}\t{value:e}", lags[lag])?;
                }
            }
            Ok(())
        })
    }
}
