//! Settings of the linear references.

use serde::{Deserialize, Serialize};

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

/// Settings of the temporal receptive field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrfConfig {
    /// First lag (samples); a positive lag is a past stimulus.
    pub lag_min: isize,
    /// Last lag (samples), included.
    pub lag_max: isize,
    /// Penalties to choose from by the mean r on the validation set after the init window.
    pub alphas: Vec<f64>,
    /// What is penalised.
    pub penalty: Penalty,
}

impl Default for TrfConfig {
    /// Lags 0–100, five penalties from 10⁻³ to 10³ evenly spaced in the logarithm.
    fn default() -> Self {
        Self { lag_min: 0, lag_max: 100, alphas: five_alphas(), penalty: Penalty::Ridge }
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
}

impl Default for RtrfConfig {
    /// 40 lags of data and features, five penalties from 10⁻³ to 10³ evenly spaced in the logarithm.
    fn default() -> Self {
        Self { n_lags_data: 40, n_lags_features: 40, alphas: five_alphas() }
    }
}

fn five_alphas() -> Vec<f64> {
    (0..5).map(|i| 10f64.powf(-3.0 + 1.5 * f64::from(i))).collect()
}
