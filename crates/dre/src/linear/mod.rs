//! Linear references.

mod config;

pub use config::TrfConfig;
