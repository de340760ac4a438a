//! Settings of the linear references.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::lags::LagRange;
use crate::{Error, Result};

/// What is penalised, times alpha.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Penalty {
    /// The squared coefficients.
    #[default]
    Ridge,
    /// The squared differences between neighbouring lags, and between neighbouring features at the same lag, as
    /// MNE-Python's `reg_type="laplacian"`.
    Laplacian,
}

/// The unit of a penalty alpha.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlphaUnit {
    /// The mean sum of squares of the model's columns (the mean of the Gram matrix's diagonal, means taken off), over the
    /// number of bands in banded ridge. Alpha then means the same for any number of epochs, any unit of the data, and any
    /// kind of model: with 1, the penalty weighs as much as the data do. The columns of an RTRF are of two kinds, the data's past
    /// and the features, and each kind has the unit of its own columns.
    #[default]
    Relative,
    /// 1, as in scikit-learn and MNE-Python: alpha itself is added to the Gram matrix.
    Absolute,
}

/// First and last lag (samples, both included) of single features, by name.
pub type FeatureLags = IndexMap<String, [isize; 2]>;

/// Settings that all linear references share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinearOptions {
    /// Whether each channel (or component) has penalties of its own; else all share one choice. (In banded ridge of data
    /// with gaps, channels that were not measured in the same samples choose apart all the same: their moments differ.)
    pub alpha_per_channel: bool,
    /// Number of folds, stretches of training epochs, on which penalties are chosen when held out, by mean r (TRF, RTRF) or
    /// squared error (banded ridge); 0 chooses on the validation set. Means are those of all training epochs.
    pub n_folds: usize,
    /// Whether penalties are chosen by the exact squared error of leaving out one training epoch at a time, which takes
    /// neither folds nor refits; for a TRF. Where epochs overlap, most samples of the one that is left out stay in its
    /// neighbours, and smaller penalties than those of folds may be chosen.
    pub leave_one_out: bool,
    /// Whether the whole procedure, choice included, is also scored by nested cross-validation over the folds: an R² over
    /// all epochs of folds that neither choice nor fit has seen. Folds are stretches of consecutive epochs; epochs that overlap share
    /// samples across the border of two folds.
    pub nested: bool,
    /// Number of principal components that data are reduced to before the fit; 0 fits the channels themselves.
    pub n_components: usize,
}

impl LinearOptions {
    /// One penalty for all channels, chosen on the validation set; channels themselves.
    pub const DEFAULT: Self =
        Self { alpha_per_channel: false, n_folds: 0, leave_one_out: false, nested: false, n_components: 0 };
}

impl Default for LinearOptions {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Settings of the temporal receptive field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrfConfig {
    /// First lag (samples); a positive lag is a past stimulus.
    pub lag_min: isize,
    /// Last lag (samples), included.
    pub lag_max: isize,
    /// Lags of features that have others.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub lags: FeatureLags,
    /// Penalties to choose from by the mean r on the validation set after the init window.
    pub alphas: Vec<f64>,
    /// Unit of the penalties.
    pub alpha_unit: AlphaUnit,
    /// What is penalised.
    pub penalty: Penalty,
    /// Whether each lag is also fitted alone, for a score per lag.
    pub single_lags: bool,
}

impl Default for TrfConfig {
    /// Lags 0–100; the grid of penalties that all linear models share.
    fn default() -> Self {
        Self {
            lag_min: 0,
            lag_max: 100,
            lags: FeatureLags::new(),
            alphas: default_alphas(),
            alpha_unit: AlphaUnit::default(),
            penalty: Penalty::Ridge,
            single_lags: false,
        }
    }
}

/// Settings of the autoregressive TRF.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RtrfConfig {
    /// Number of data lags: 1 to this many samples ago.
    pub n_lags_data: usize,
    /// Number of feature lags: 0 to this many less one samples ago.
    pub n_lags_features: usize,
    /// Ridge penalties to choose from by the mean r of the roll-out on the validation set after the init window.
    pub alphas: Vec<f64>,
    /// Unit of the penalties.
    pub alpha_unit: AlphaUnit,
}

impl Default for RtrfConfig {
    /// 40 lags of data and features; the grid of penalties that all linear models share.
    fn default() -> Self {
        Self { n_lags_data: 40, n_lags_features: 40, alphas: default_alphas(), alpha_unit: AlphaUnit::default() }
    }
}

/// Settings of banded ridge regression: a temporal receptive field with a penalty for each band of features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BandedConfig {
    /// First lag (samples); a positive lag is a past stimulus.
    pub lag_min: isize,
    /// Last lag (samples), included.
    pub lag_max: isize,
    /// Lags of features that have others.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub lags: FeatureLags,
    /// Features of each band, by the band's name; without any, each feature is a band of its own.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub bands: IndexMap<String, Vec<String>>,
    /// Penalties that are tried with each set of band weights; band b is penalised by alpha / weight b.
    pub alphas: Vec<f64>,
    /// Unit of the penalties.
    pub alpha_unit: AlphaUnit,
    /// Number of sets of band weights: equal ones first, the others drawn from Dirichlet distributions.
    pub n_iter: usize,
    /// Concentrations of these distributions, in turns: small ones give weights near single bands.
    pub concentration: Vec<f64>,
    /// Whether the model is also fitted without each band, for its unique contribution.
    pub unique: bool,
}

impl Default for BandedConfig {
    /// Lags 0–100, each feature its own band, the grid of penalties that all linear models share, 60 sets of weights with
    /// himalaya's concentrations.
    fn default() -> Self {
        Self {
            lag_min: 0,
            lag_max: 100,
            lags: FeatureLags::new(),
            bands: IndexMap::new(),
            alphas: default_alphas(),
            alpha_unit: AlphaUnit::default(),
            n_iter: 60,
            concentration: vec![0.1, 1.0],
            unique: true,
        }
    }
}

/// Settings of backward models, which tell features from data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DecodeConfig {
    /// Features that are told; all where none is named.
    pub features: Vec<String>,
    /// First lag (samples); a negative lag is data that come after the feature's sample.
    pub lag_min: isize,
    /// Last lag (samples), included.
    pub lag_max: isize,
    /// Penalties that each feature chooses from, by its r.
    pub alphas: Vec<f64>,
    /// Unit of the penalties.
    pub alpha_unit: AlphaUnit,
    /// What is penalised.
    pub penalty: Penalty,
    /// Number of folds, stretches of training epochs, on which penalties are chosen when held out; 0 chooses on the
    /// validation set. Means are those of all training epochs.
    pub n_folds: usize,
    /// Number of principal components that data are reduced to before the fit; 0 uses the channels themselves.
    pub n_components: usize,
    /// Whether all other features of the data set are held constant: what is fitted of a feature is what they do not tell of
    /// it at the same sample, and r is a partial correlation. Else the feature itself is fitted and scored, and a feature that
    /// is 0 between events is told in part by telling when an event comes.
    pub hold_others: bool,
}

impl Default for DecodeConfig {
    /// All features from the data of the sample and of the 60 after it (half a second at 120 Hz); the grid of
    /// penalties that all linear models share.
    fn default() -> Self {
        Self {
            features: Vec::new(),
            lag_min: -60,
            lag_max: 0,
            alphas: default_alphas(),
            alpha_unit: AlphaUnit::default(),
            penalty: Penalty::Ridge,
            n_folds: 0,
            n_components: 0,
            hold_others: true,
        }
    }
}

/// The grid of penalties that all linear models share, in units of [`AlphaUnit::Relative`]: powers of ten from 10⁻⁸, which
/// is next to none even for the past of smooth data, to 10³, which leaves next to nothing of the coefficients.
fn default_alphas() -> Vec<f64> {
    // The nearest number to each power of ten, as its text is read.
    vec![1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3]
}

/// The lags of each feature.
///
/// # Errors
/// [`Error::Setting`] for a window that ends before it starts, or a name that no feature has.
pub(super) fn lags_by_feature(
    features: &[String],
    default: (isize, isize),
    own: &FeatureLags,
) -> Result<Vec<LagRange>> {
    if let Some(unknown) = own.keys().find(|name| !features.contains(name)) {
        return Err(Error::Setting {
            name: format!("lags.{unknown}"),
            found: "lags of a feature that the study does not have".to_owned(),
            expected: format!("one of {}", features.join(", ")),
        });
    }
    let window = |name: &String| own.get(name).map_or(default, |&[first, last]| (first, last));
    features.iter().map(window).map(|(first, last)| LagRange::new(first, last)).collect()
}
