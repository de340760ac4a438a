//! The temporal receptive field.

use ndarray::{Array1, Array3, ArrayRef3, Axis};

use super::TrfConfig;
use super::convolve::convolve;
use super::lags::LagRange;
use super::moments::check_shape;
use super::pca::Pca;
use super::trf_system::TrfSystem;
use crate::{Result, Stop};

/// A fitted temporal receptive field: data as a sum of features convolved with kernels.
///
/// ```text
/// ŷ_c(t) = b_c + Σ_f Σ_l w_cf(l) x_f(t − l)    over features f and lags l, x_f = 0 outside of the epoch
/// ```
///
/// Defined as MNE-Python's `ReceptiveField` with its `TimeDelayingRidge`: penalised least squares over all samples of all
/// epochs, after the features' and the data's means are taken off; lags that reach out of an epoch see zeros. Where data
/// were not measured in some samples, these are no rows: means and penalised squares are those of the other samples.
///
/// With data in the place of features and features in that of data it is a backward model (a decoder): `coef` then is
/// `(n_features, n_channels, n_lags)` and lags are negative where a stimulus is told from what follows it, as in
/// MNE-Python, where the roles of X and y are swapped the same way.
#[derive(Clone, Debug, PartialEq)]
pub struct Trf {
    /// Kernels, `(n_channels, n_features, n_lags)`; 0 at lags outside of a feature's own window, and for channels that
    /// were never measured.
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
    /// [`Error::Shape`](crate::Error::Shape) where the arrays do not fit; [`Error::Setting`](crate::Error::Setting) for
    /// lags or alpha that make no sense; [`Error::NoEpochs`](crate::Error::NoEpochs);
    /// [`Error::Singular`](crate::Error::Singular), with the feature at fault.
    pub fn fit(
        features: &ArrayRef3<f64>,
        data: &ArrayRef3<f64>,
        names: &[String],
        config: &TrfConfig,
        alpha: f64,
        n_threads: usize,
    ) -> Result<Self> {
        let models = Self::fit_measured(features, data, None, names, config, &[alpha], n_threads)?;
        Ok(super::only(models))
    }

    /// Fits a model for each of `alphas` to data of which only the samples that `measured`, in the data's shape, says
    /// count; all count where it is none. Epochs, moments and factorisations are gone through once for all of them.
    ///
    /// # Errors
    /// As [`Trf::fit`].
    pub fn fit_measured(
        features: &ArrayRef3<f64>,
        data: &ArrayRef3<f64>,
        measured: Option<&Array3<bool>>,
        names: &[String],
        config: &TrfConfig,
        alphas: &[f64],
        n_threads: usize,
    ) -> Result<Vec<Self>> {
        let system = TrfSystem::of_arrays(features, data, measured, names, config, n_threads)?;
        system.solve((config.penalty, config.alpha_unit), alphas, (n_threads, &Stop::never()))
    }

    /// A model whose channel c is that of `models[chosen[c]]`.
    pub(super) fn mix(models: &[Self], chosen: &[usize]) -> Self {
        let mut mixed = models[0].clone();
        for (c, &model) in chosen.iter().enumerate() {
            mixed.coef.index_axis_mut(Axis(0), c).assign(&models[model].coef.index_axis(Axis(0), c));
            mixed.intercept[c] = models[model].intercept[c];
        }
        mixed
    }

    /// The same model of channels, where this one is of their components: ŷ = mean + Cᵀ ẑ.
    pub(super) fn restored(&self, pca: &Pca) -> Self {
        let (n_components, n_features, n_lags) = self.coef.dim();
        let flat = self.coef.to_shape((n_components, n_features * n_lags)).expect("of the same size");
        let back = pca.components.t();
        let coef = back.dot(&flat).into_shape_with_order((pca.mean.len(), n_features, n_lags));
        Self {
            coef: coef.expect("of the same size"),
            intercept: &pca.mean + &back.dot(&self.intercept),
            lag_min: self.lag_min,
        }
    }

    /// The backward model of channels, where this one sees their components, from which no mean was taken off: z = C x.
    pub(super) fn on_channels(&self, pca: &Pca) -> Self {
        Self { coef: pca.to_channels(&self.coef), intercept: self.intercept.clone(), lag_min: self.lag_min }
    }

    /// The model that sees some features only; the intercept stays.
    pub(super) fn part(&self, features: &[usize]) -> Self {
        let mut part = self.clone();
        for f in (0..self.coef.dim().1).filter(|f| !features.contains(f)) {
            part.coef.index_axis_mut(Axis(1), f).fill(0.0);
        }
        part
    }

    /// Predicts epochs from features `(n_epochs, n_features, n_times)`; the result is `(n_epochs, n_channels, n_times)`.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) where the number of features is not that of the fit.
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
