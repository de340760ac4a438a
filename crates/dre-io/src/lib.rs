//! Recordings, BIDS, cohorts and checkpoints on disk.
//!
//! - [`recording`]: what every file format offers ([`Recording`]), and the formats themselves.
//! - [`bids`]: which recordings a data set holds, their events, channels and sidecars.
//! - [`prepare`]: from an open recording to filtered, decimated samples.
//! - [`cohort`]: the folder of prepared recordings, written once, memory-mapped when read.
//! - [`atomic`]: files and folders that appear whole or not at all.
//!
//! Nothing here prints; every error names the file, what was found, what was expected and what to do.

pub mod atomic;
pub mod bids;
//pub mod cohort;
mod error;
//pub mod prepare;
pub mod recording;
mod tsv;

pub use error::{Error, Result};
pub use recording::{Recording, open_recording};
