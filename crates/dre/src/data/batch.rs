//! A batch of epochs, cut and scaled.

use ndarray::{Array3, s};

/// Epochs as models see them: data and features scaled, subjects as indices.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Scaled data, `(n_epochs, n_channels, n_times)`.
    pub data: Array3<f32>,
    /// Scaled features in the cohort's (sorted) order, `(n_epochs, n_features, n_times)`.
    pub features: Array3<f32>,
    /// Subject of each epoch, an index into the cohort's subjects.
    pub subjects: Vec<usize>,
    /// Which samples of `data` were measured, in its shape; none where all were. Where it is false, `data` is 0, and the
    /// sample counts in no loss, moment or score: a channel that a recording lacks, or a bad segment.
    pub measured: Option<Array3<bool>>,
}

impl Batch {
    /// Number of epochs.
    pub fn n_epochs(&self) -> usize {
        self.subjects.len()
    }

    /// Number of samples of `data`, over epochs and channels, that were measured at the times from sample `from` on.
    pub fn n_measured(&self, from: usize) -> usize {
        let (n_epochs, n_channels, n_times) = self.data.dim();
        let from = from.min(n_times);
        match &self.measured {
            None => n_epochs * n_channels * (n_times - from),
            Some(measured) => measured.slice(s![.., .., from..]).iter().filter(|&&is| is).count(),
        }
    }
}
