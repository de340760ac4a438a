//! Settings as JSON, and their defaults.

use dre::linear::{BandedConfig, LinearOptions, RtrfConfig, TrfConfig};
use dre::nn::{NetworkConfig, TrainConfig};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde_json::json;

/// Version of the crates, which is that of the package.
#[pyfunction]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// The crates' defaults as JSON, by what they are settings of.
#[pyfunction]
pub fn defaults() -> String {
    json!({
        "network": NetworkConfig::paper(),
        "training": TrainConfig::paper(),
        "trf": TrfConfig::default(),
        "rtrf": RtrfConfig::default(),
        "banded": BandedConfig::default(),
        "linear": LinearOptions::DEFAULT,
    })
    .to_string()
}

/// Settings from JSON; a key or a type that is wrong is the user's.
pub(crate) fn parse<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> PyResult<T> {
    serde_json::from_str(text).map_err(|e| PyValueError::new_err(format!("settings of {what}: {e}")))
}
