//! Settings as JSON, and their defaults.

use dre::importance::ImportanceSpec;
use dre::linear::{BandedConfig, DecodeConfig, LinearOptions, RtrfConfig, TrfConfig};
use dre::nn::{NetworkConfig, TrainConfig};
use dre::simulate::SimulationConfig;
use dre::state::StateSpec;
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
        "importance": ImportanceSpec::default(),
        "state": StateSpec::default(),
        "decoder": DecodeConfig::default(),
        "simulation": SimulationConfig::default(),
    })
    .to_string()
}

/// Settings from JSON; a key or a type that is wrong is the user's.
pub(crate) fn parse<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> PyResult<T> {
    serde_json::from_str(text).map_err(|e| PyValueError::new_err(format!("settings of {what}: {e}")))
}
