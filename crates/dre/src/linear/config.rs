//! Settings of the linear references.

use serde::{Deserialize, Serialize};

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
}

impl Default for TrfConfig {
    /// Lags 0–100, five penalties from 10⁻³ to 10³ evenly spaced in the logarithm.
    fn default() -> Self {
        let alphas = (0..5).map(|i| 10f64.powf(-3.0 + 1.5 * f64::from(i))).collect();
        Self { lag_min: 0, lag_max: 100, alphas }
    }
}
