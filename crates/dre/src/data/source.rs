//! What a training draws its batches from.

use super::{Batch, Dataset, Epoch, Set};

/// Epochs in sets, cut and scaled when they are drawn.
pub trait EpochSource: Sync {
    /// Number of samples of an epoch.
    fn n_times(&self) -> usize;

    /// The epochs of a set.
    fn epochs(&self, set: Set) -> &[Epoch];

    /// Cuts and scales epochs into `batch`, whose buffers may be used again.
    ///
    /// # Panics
    /// Where an epoch is not of this source.
    fn draw(&self, epochs: &[Epoch], batch: &mut Batch);
}

impl EpochSource for Dataset {
    fn n_times(&self) -> usize {
        self.n_times()
    }

    fn epochs(&self, set: Set) -> &[Epoch] {
        self.epochs(set)
    }

    fn draw(&self, epochs: &[Epoch], batch: &mut Batch) {
        self.draw(epochs, batch);
    }
}
