//! Epochs of different sets that share samples, counted.

use serde::{Deserialize, Serialize};

use super::split::n_sharing;
use super::{Epoch, Set};

/// Samples that the sets of a data set share, counted pair by pair. Every `n_*_sharing_*` is 0 in a sound data set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeakageAudit {
    /// Number of training epochs.
    pub n_train: usize,
    /// Number of validation epochs.
    pub n_valid: usize,
    /// Number of test epochs.
    pub n_test: usize,
    /// Pairs of a training and a validation epoch that share a sample of a recording.
    pub n_train_sharing_valid: usize,
    /// Pairs of a training and a test epoch that share a sample of a recording.
    pub n_train_sharing_test: usize,
    /// Pairs of a validation and a test epoch that share a sample of a recording.
    pub n_valid_sharing_test: usize,
    /// Epochs that the data scalers were fitted on: training epochs before rejection.
    pub n_scaler: usize,
    /// Pairs of an epoch that a scaler was fitted on and a validation or test epoch that share a sample.
    pub n_scaler_sharing_held_out: usize,
    /// Epochs that the feature scaler was fitted on: all training epochs.
    pub n_feature_scaler: usize,
}

impl LeakageAudit {
    /// Whether no sample is shared.
    pub fn is_clean(&self) -> bool {
        self.n_train_sharing_valid
            + self.n_train_sharing_test
            + self.n_valid_sharing_test
            + self.n_scaler_sharing_held_out
            == 0
    }

    /// Counts over all pairs within each recording. `scaler_starts` holds, by recording, the first samples of the epochs
    /// that its scaler was fitted on. Takes time `n log n`.
    pub(super) fn of(epochs: &[Vec<Epoch>; 3], scaler_starts: &[Vec<usize>], n_times: usize) -> Self {
        let starts = Set::ALL.map(|set| {
            let mut by_recording = vec![Vec::new(); scaler_starts.len()];
            for epoch in &epochs[set as usize] {
                by_recording[epoch.recording].push(epoch.start);
            }
            for starts in &mut by_recording {
                starts.sort_unstable();
            }
            by_recording
        });
        let sharing = |a: &[Vec<usize>], b: &[Vec<usize>]| -> usize {
            a.iter().zip(b).map(|(a, b)| a.iter().map(|&start| n_sharing(start, b, n_times)).sum::<usize>()).sum()
        };
        let [train, valid, test] = &starts;
        Self {
            n_train: epochs[0].len(),
            n_valid: epochs[1].len(),
            n_test: epochs[2].len(),
            n_train_sharing_valid: sharing(train, valid),
            n_train_sharing_test: sharing(train, test),
            n_valid_sharing_test: sharing(valid, test),
            n_scaler: scaler_starts.iter().map(Vec::len).sum(),
            n_scaler_sharing_held_out: sharing(scaler_starts, valid) + sharing(scaler_starts, test),
            n_feature_scaler: epochs[0].len(),
        }
    }
}
