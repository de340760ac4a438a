//! Recordings, BIDS, cohorts and checkpoints on disk.

pub mod bids;
pub mod cohort;
pub mod store;
pub mod study;
