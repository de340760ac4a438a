//! The backward direction: features told from data.

use faer::Mat;
use ndarray::{Array3, ArrayRef3, Axis};

use super::solver::{PenaltyMatrix, Ridge};
use super::trf_system::{Pass, TrfSystem, in_blocks};
use super::{Trf, TrfConfig};
use crate::{Error, Result};

/// A backward model, and what its weights stand for.
///
/// A backward model's weights must not be read as activity: a channel may get a weight to cancel noise. Their patterns
/// (Haufe et al. 2014) may, A = `Σ_x` W `Σ_y⁻¹` with the covariances of lagged data and of features.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoder {
    /// The model with the roles swapped: it predicts features from data; coefficients `(n_features, n_channels, n_lags)`. A
    /// negative lag is data that come after the feature's sample.
    pub model: Trf,
    /// Patterns, in the shape of the coefficients. For one feature they are MNE-Python's `patterns_` times (n − 1)² / Σ y²,
    /// with n samples; MNE leaves this scale out.
    pub patterns: Array3<f64>,
}

impl Decoder {
    /// Fits to epochs: data `(n_epochs, n_channels, n_times)`, features `(n_epochs, n_features, n_times)`. `names` are the
    /// channels' names, for messages.
    ///
    /// # Errors
    /// As [`Trf::fit`]; [`Error::Singular`] where a feature is constant or a sum of others, so that there is no pattern.
    pub fn fit(
        data: &ArrayRef3<f64>,
        features: &ArrayRef3<f64>,
        names: &[String],
        config: &TrfConfig,
        alpha: f64,
        n_threads: usize,
    ) -> Result<Self> {
        let system = TrfSystem::of_arrays(data, features, None, names, config, n_threads)?;
        let model = super::only(system.solve(config.penalty, &[alpha], n_threads)?);
        let names: Vec<String> = (0..features.shape()[1]).map(|f| format!("feature {f}")).collect();
        Self::with_patterns(&system, model, &names, &in_blocks(data, features))
    }

    /// The patterns of a model that `system` gave; `pass` goes through the epochs that the system was gathered from, `names`
    /// are the features'.
    pub(super) fn with_patterns(system: &TrfSystem, model: Trf, names: &[String], pass: &Pass<'_>) -> Result<Self> {
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
        let mut covariance = Ridge::new(products(&part.means.data, pass)?, vec![0.0; n], 1);
        let transposed = Mat::from_fn(n, columns.len(), |f, column| seen[(column, f)]);
        let solved =
            covariance.solve(transposed.as_ref(), &PenaltyMatrix::diagonal(&vec![0.0; n]), 0.0).map_err(|found| {
                let name = names.get(found.column).map_or("a feature", String::as_str);
                Error::Singular {
                    model: "decoder".to_owned(),
                    reason: format!("{name} is constant or a sum of the features before it"),
                    advice: "leave it out".to_owned(),
                }
            })?;
        let mut patterns = Array3::zeros(model.coef.dim());
        for column in 0..columns.len() {
            let (channel, lag) = at(column);
            (0..n).for_each(|f| patterns[[f, channel, lag]] = solved[(f, column)]);
        }
        Ok(Self { model, patterns })
    }
}

/// Lower triangle of Σ y yᵀ about the means, over the features of a backward model, column after column.
fn products(means: &[f64], pass: &Pass<'_>) -> Result<Vec<f64>> {
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
