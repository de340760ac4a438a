//! Recordings, BIDS, cohorts and checkpoints on disk.

pub mod study;
