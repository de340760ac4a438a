//! The temporal receptive field.

use ndarray::{Array1, Array3, ArrayRef3, Axis};

use super::convolve::convolve;
use super::lags::{Columns, LagRange};
use super::moments::{LagMoments, check_shape};
use super::normal::Moments;
use super::solver::{self, Dependent, PenaltyMatrix};
use super::{Penalty, TrfConfig};
use crate::{Error, Result};

/// A fitted temporal receptive field: data as a sum of features convolved with kernels.
///
/// ```text
/// ŷ_c(t) = b_c + Σ_f Σ_l w_cf(l) x_f(t − l)    over features f and lags l, x_f = 0 outside of the epoch
/// ```
///
/// Defined as MNE-Python's `ReceptiveField` with its `TimeDelayingRidge`: penalised least squares over all samples of all
/// epochs, after the features' and the data's means are taken off; lags that reach out of an epoch see zeros.
#[derive(Clone, Debug, PartialEq)]
pub struct Trf {
    /// Kernels, `(n_channels, n_features, n_lags)`.
    pub coef: Array3<f64>,
    /// Intercepts, one per channel.
    pub intercept: Array1<f64>,
    /// First lag (samples); a positive lag is a past stimulus.
    pub lag_min: isize,
}

impl Trf {
    /// Fits kernels to epochs: features `(n_epochs, n_features, n_times)`, data `(n_epochs, n_channels, n_times)`.
    /// `names` are the features' names, for messages.
    ///
    /// # Errors
    /// [`Error::Shape`] where the arrays do not fit; [`Error::Setting`] for lags or alpha that make no sense;
    /// [`Error::NoEpochs`]; [`Error::Singular`], with the feature at fault.
    pub fn fit(
        features: &ArrayRef3<f64>,
        data: &ArrayRef3<f64>,
        names: &[String],
        config: &TrfConfig,
        alpha: f64,
        n_threads: usize,
    ) -> Result<Self> {
        let mut means = SignalMeans::default();
        means.push(features, data);
        let mut moments = TrfMoments::new(config, means, features.shape()[2], n_threads)?;
        moments.push(features.to_owned(), data.to_owned())?;
        moments.finish(names).solve(config.penalty, alpha)
    }

    /// Predicts epochs from features `(n_epochs, n_features, n_times)`; the result is `(n_epochs, n_channels, n_times)`.
    ///
    /// # Errors
    /// [`Error::Shape`] where the number of features is not that of the fit.
    pub fn predict(&self, features: &ArrayRef3<f64>, n_threads: usize) -> Result<Array3<f64>> {
        let (n_epochs, n_times) = (features.shape()[0], features.shape()[2]);
        check_shape("the features", features, [n_epochs, self.coef.dim().1, n_times])?;
        let n_lags = self.coef.dim().2 as isize;
        let lags = LagRange::new(self.lag_min, self.lag_min + n_lags - 1)?;
        let mut predicted = convolve(features, &self.coef, lags, n_threads);
        predicted += &self.intercept.view().insert_axis(Axis(1));
        Ok(predicted)
    }

    /// Number of coefficients and intercepts.
    pub fn n_parameters(&self) -> usize {
        self.coef.len() + self.intercept.len()
    }
}

/// Means of features and data over all samples of all epochs.
#[derive(Clone, Debug, Default)]
pub(super) struct SignalMeans {
    n: f64,
    features: Vec<f64>,
    data: Vec<f64>,
}

impl SignalMeans {
    pub(super) fn push(&mut self, features: &ArrayRef3<f64>, data: &ArrayRef3<f64>) {
        let n = (data.shape()[0] * data.shape()[2]) as f64;
        for (means, block) in [(&mut self.features, features), (&mut self.data, data)] {
            means.resize(block.shape()[1], 0.0);
            for (mean, rows) in means.iter_mut().zip(block.axis_iter(Axis(1))) {
                // Sums of offsets from the mean so far lose no digits to a large mean, and leave a constant exact.
                if self.n == 0.0 {
                    *mean = rows.first().copied().unwrap_or(0.0);
                }
                let offset: f64 = rows.iter().map(|value| value - *mean).sum();
                *mean += if n > 0.0 { offset / (self.n + n) } else { 0.0 };
            }
        }
        self.n += n;
    }
}

/// Accumulates what any number of penalties need.
#[derive(Debug)]
pub(super) struct TrfMoments {
    means: SignalMeans,
    moments: LagMoments,
    lags: LagRange,
}

impl TrfMoments {
    pub(super) fn new(config: &TrfConfig, means: SignalMeans, n_times: usize, n_threads: usize) -> Result<Self> {
        if means.n == 0.0 {
            return Err(Error::NoEpochs {
                what: "the TRF's training set".to_owned(),
                advice: "give it at least one epoch".to_owned(),
            });
        }
        let lags = LagRange::new(config.lag_min, config.lag_max)?;
        if lags.len().div_ceil(2) > n_times {
            return Err(Error::Setting {
                name: "lag_max".to_owned(),
                found: config.lag_max.to_string(),
                expected: format!(
                    "at most twice as many lags (here {}) as an epoch has samples, {n_times}",
                    lags.len()
                ),
            });
        }
        let columns = Columns::new(vec![lags; means.features.len()]);
        let moments = LagMoments::new(columns, means.data.len(), n_times, 0, n_threads)?;
        Ok(Self { means, moments, lags })
    }

    pub(super) fn push(&mut self, mut features: Array3<f64>, mut data: Array3<f64>) -> Result<()> {
        for (block, means) in [(&mut features, &self.means.features), (&mut data, &self.means.data)] {
            for (mut rows, mean) in block.axis_iter_mut(Axis(1)).zip(means) {
                rows -= *mean;
            }
        }
        self.moments.push(&features, &data)
    }

    pub(super) fn finish(self, names: &[String]) -> TrfSystem {
        let mut moments = self.moments.finish();
        moments.set_means_taken_off(&self.means.features);
        TrfSystem { means: self.means, moments, lags: self.lags, names: names.to_vec() }
    }
}

/// The TRF's normal equations, to be solved for any penalty.
#[derive(Debug)]
pub(super) struct TrfSystem {
    means: SignalMeans,
    moments: Moments,
    lags: LagRange,
    names: Vec<String>,
}

impl TrfSystem {
    pub(super) fn solve(&self, penalty: Penalty, alpha: f64) -> Result<Trf> {
        check_alpha(alpha)?;
        let (moments, n_lags) = (&self.moments, self.lags.len());
        let penalty = PenaltyMatrix::new(penalty, moments.columns());
        let solution = solver::ridge(moments.gram(), moments.cross(), &penalty, alpha, moments.rounding())
            .map_err(|dependent| singular("TRF", moments, dependent, &self.names, alpha))?;
        let shape = (self.means.data.len(), self.means.features.len(), n_lags);
        let coef = Array3::from_shape_fn(shape, |(c, f, i)| solution[(f * n_lags + i, c)]);
        let gains = coef.sum_axis(Axis(2));
        let intercept = Array1::from(self.means.data.clone()) - gains.dot(&Array1::from(self.means.features.clone()));
        Ok(Trf { coef, intercept, lag_min: self.lags.first() })
    }
}

/// Alpha must be a number from 0 on.
pub(super) fn check_alpha(alpha: f64) -> Result<()> {
    if alpha.is_finite() && alpha >= 0.0 {
        return Ok(());
    }
    Err(Error::Setting {
        name: "alpha".to_owned(),
        found: alpha.to_string(),
        expected: "a finite number, 0 or more".to_owned(),
    })
}

/// The error for a dependent column: says which regressor is at fault and, where it can, why.
pub(super) fn singular(model: &str, moments: &Moments, found: Dependent, names: &[String], alpha: f64) -> Error {
    let columns = moments.columns();
    let (regressor, lag) = columns.locate(found.column);
    let name = |regressor: usize| {
        names.get(regressor).map_or_else(|| format!("regressor {regressor}"), |name| format!("`{name}`"))
    };
    let gram = moments.gram();
    let square = |column: usize| gram[(column, column)];
    let offset = found.column - columns.range(regressor).start;
    // Whether an earlier regressor, at the same lag, points the same way.
    let is_twin = |other: usize| {
        let column = columns.range(other).start + offset;
        let both = square(found.column) * square(column);
        both > 0.0 && gram[(found.column, column)].powi(2) >= both * (1.0 - 1e-12)
    };
    let twin = (0..regressor).find(|&other| columns.lags(other) == columns.lags(regressor) && is_twin(other));
    let reason = if square(found.column) <= moments.rounding()[found.column] {
        format!("{} is constant", name(regressor))
    } else if let Some(twin) = twin {
        format!("{} is a multiple of {}", name(regressor), name(twin))
    } else {
        format!(
            "{} at lag {lag} depends on other lags and features; {} columns, {} samples",
            name(regressor),
            columns.len(),
            moments.n_rows()
        )
    };
    Error::Singular {
        model: model.to_owned(),
        reason,
        advice: format!("leave it out, use fewer lags, or raise alpha = {alpha:e}"),
    }
}
