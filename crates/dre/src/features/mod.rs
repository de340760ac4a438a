//! Stimulus features: from the events of a recording to continuous signals.

mod build;
mod spec;

pub use build::{build, names};
pub use spec::{FeatureSpec, FeatureValue};
