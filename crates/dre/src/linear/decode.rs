//! The backward direction: features told from data.

use faer::Mat;
use ndarray::{Array3, ArrayRef3, Axis};

use super::solver::{PenaltyMatrix, Ridge};
use super::trf_system::{Pass, TrfSystem, in_blocks};
use super::{Trf, TrfConfig};
use crate::{Result, Stop};

/// A backward model, and what its weights stand for.
///
/// A backward model's weights must not be read as activity: a channel may get a weight to cancel noise. Their patterns
/// (Haufe et al. 2014) may, A = `Σ_x` W `Σ_y⁻¹` with the covariances of lagged data and of features.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoder {
    /// The model with the roles swapped: it predicts features from data; coefficients `(n_features, n_channels, n_lags)`. A
    /// negative lag is data that come after the feature's sample.
    pub model: Trf,
    /// Patterns, in the shape of the coefficients; of a model of principal components, their projection onto these. For one feature they are MNE-Python's `patterns_` times (n − 1)² / Σ y²,
    /// with n samples; MNE leaves this scale out. NaN for a feature that is constant or a sum of those before it: nothing is
    /// its own.
    pub patterns: Array3<f64>,
}

impl Decoder {
    /// Fits to epochs: data `(n_epochs, n_channels, n_times)`, features `(n_epochs, n_features, n_times)`. `names` are the
    /// channels' names, for messages.
    ///
    /// # Errors
    /// As [`Trf::fit`].
    pub fn fit(
        data: &ArrayRef3<f64>,
        features: &ArrayRef3<f64>,
        names: &[String],
        config: &TrfConfig,
        alpha: f64,
        n_threads: usize,
    ) -> Result<Self> {
        let system = TrfSystem::of_arrays(data, features, None, names, config, n_threads)?;
        let model =
            super::only(system.solve((config.penalty, config.alpha_unit), &[alpha], (n_threads, &Stop::never()))?);
        let covariance = products(&system.parts[0].means.data, &*in_blocks(data, features))?;
        Ok(Self::with_patterns(&system, model, &covariance))
    }

    /// The patterns of a model that `system` gave; `products` is the lower triangle of Σ y yᵀ about the means over the
    /// features, column after column.
    pub(super) fn with_patterns(system: &TrfSystem, model: Trf, products: &[f64]) -> Self {
        let part = &system.parts[0];
        let (columns, n) = (part.moments.columns(), part.targets.len());
        let at = |column: usize| {
            let (channel, lag) = columns.locate(column);
            (channel, (lag - model.lag_min) as usize)
        };
        let weights = Mat::from_fn(columns.len(), n, |column, f| {
            let (channel, lag) = at(column);
            model.coef[[f, channel, lag]]
        });
        let gram = part.moments.gram();
        let gram = Mat::from_fn(columns.len(), columns.len(), |i, j| gram[(i.max(j), i.min(j))]);
        let seen = gram * weights;
        let mut patterns = Array3::from_elem(model.coef.dim(), f64::NAN);
        let mut kept: Vec<usize> = (0..n).collect();
        while !kept.is_empty() {
            let k = kept.len();
            let square = (0..k * k).map(|i| products[kept[i / k] * n + kept[i % k]]).collect();
            let right = Mat::from_fn(k, columns.len(), |i, column| seen[(column, kept[i])]);
            let none = PenaltyMatrix::diagonal(&vec![0.0; k]);
            match Ridge::new(square, vec![0.0; k], 1).solve(right.as_ref(), &none, 0.0) {
                Err(dependent) => {
                    kept.remove(dependent.column);
                }
                Ok(solved) => {
                    for column in 0..columns.len() {
                        let (channel, lag) = at(column);
                        kept.iter().enumerate().for_each(|(i, &f)| patterns[[f, channel, lag]] = solved[(i, column)]);
                    }
                    break;
                }
            }
        }
        Self { model, patterns }
    }
}

/// Lower triangle of Σ y yᵀ about the means, over the features of a backward model, column after column.
pub(super) fn products(means: &[f64], pass: &Pass<'_>) -> Result<Vec<f64>> {
    let n = means.len();
    let mut sums = vec![0.0; n * n];
    pass(&mut |_, features, _| {
        for epoch in features.outer_iter() {
            let centred: Vec<Vec<f64>> =
                (0..n).map(|f| epoch.index_axis(Axis(0), f).iter().map(|value| value - means[f]).collect()).collect();
            for i in 0..n {
                for j in 0..=i {
                    sums[j * n + i] += centred[i].iter().zip(&centred[j]).map(|(a, b)| a * b).sum::<f64>();
                }
            }
        }
        Ok(())
    })?;
    Ok(sums)
}
