//! Some epochs of a data set.

use super::{Batch, Dataset, Epoch, EpochSource, Set};

/// A data set of which only some epochs are drawn; everything else, scalers included, is as it was.
#[derive(Debug)]
pub struct Part<'a> {
    dataset: &'a Dataset,
    epochs: [Vec<Epoch>; 3],
}

impl<'a> Part<'a> {
    /// The epochs that `keep` says, in their order.
    pub fn new(dataset: &'a Dataset, keep: impl Fn(Set, &Epoch) -> bool) -> Self {
        let kept = |set: Set| dataset.epochs(set).iter().filter(|epoch| keep(set, epoch)).copied().collect();
        Self { dataset, epochs: Set::ALL.map(kept) }
    }
}

impl EpochSource for Part<'_> {
    fn channel_names(&self) -> Vec<String> {
        self.dataset.channel_names()
    }

    fn features(&self) -> &[String] {
        self.dataset.features()
    }

    fn subjects(&self) -> &[String] {
        self.dataset.subjects()
    }

    fn n_channels(&self) -> usize {
        self.dataset.n_channels()
    }

    fn subject_epochs(&self, set: Set, subject: usize) -> &[Epoch] {
        // Epochs stand by subject.
        let epochs = &self.epochs[set as usize];
        let first = epochs.partition_point(|epoch| epoch.subject < subject);
        let end = epochs.partition_point(|epoch| epoch.subject <= subject);
        &epochs[first..end]
    }

    fn n_times(&self) -> usize {
        self.dataset.n_times()
    }

    fn epochs(&self, set: Set) -> &[Epoch] {
        &self.epochs[set as usize]
    }

    fn draw(&self, epochs: &[Epoch], batch: &mut Batch) {
        self.dataset.draw(epochs, batch);
    }
}
