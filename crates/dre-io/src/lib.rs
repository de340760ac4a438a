//! Recordings, BIDS, cohorts and checkpoints on disk.

pub mod cohort;
pub mod store;
pub mod study;
