//! The Deep Recurrent Encoder.

mod config;

pub use config::{Loss, NetworkConfig, TrainConfig};
