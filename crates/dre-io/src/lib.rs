//! Recordings, BIDS, cohorts and checkpoints on disk.
