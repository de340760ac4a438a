//! Recordings, BIDS, cohorts, models and studies on disk.

pub mod bids;
mod clock;
pub mod cohort;
mod error;
pub mod features;
mod files;
mod hash;
pub mod models;
pub mod mous;
pub mod pipeline;
pub mod prepare;
pub mod recording;
pub mod store;
pub mod study;

pub use error::{Error, Result};
pub use recording::{Recording, open_recording};
