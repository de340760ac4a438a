//! Where models are fitted from: anything that draws scaled epochs.

use super::{Batch, Dataset, Epoch, Set};

/// Epochs of several subjects in sets, drawn in batches. [`Dataset`] cuts them from recordings, [`super::EpochArrays`] takes
/// them from arrays; a model sees no difference.
pub trait EpochSource: Sync {
    /// Names of the channels, in the order of the data's rows.
    fn channel_names(&self) -> Vec<String>;

    /// Names of the features, in the order of the features' rows.
    fn features(&self) -> &[String];

    /// Labels of the subjects; [`Epoch::subject`] counts them.
    fn subjects(&self) -> &[String];

    /// Number of channels.
    fn n_channels(&self) -> usize;

    /// Number of samples of an epoch.
    fn n_times(&self) -> usize;

    /// The epochs of a set, by subject.
    fn epochs(&self, set: Set) -> &[Epoch];

    /// The epochs of a set that belong to one subject, an index below [`EpochSource::n_subjects`].
    fn subject_epochs(&self, set: Set, subject: usize) -> &[Epoch];

    /// Scales epochs into `batch`, whose buffers are used again where they are large enough. What was not measured is 0, and
    /// `batch.measured` says so.
    fn draw(&self, epochs: &[Epoch], batch: &mut Batch);

    /// Number of features.
    fn n_features(&self) -> usize {
        self.features().len()
    }

    /// Number of subjects.
    fn n_subjects(&self) -> usize {
        self.subjects().len()
    }
}

impl EpochSource for Dataset {
    fn channel_names(&self) -> Vec<String> {
        self.cohort().channels.iter().map(|channel| channel.name.clone()).collect()
    }

    fn features(&self) -> &[String] {
        self.features()
    }

    fn subjects(&self) -> &[String] {
        self.subjects()
    }

    fn n_channels(&self) -> usize {
        self.n_channels()
    }

    fn n_times(&self) -> usize {
        self.n_times()
    }

    fn epochs(&self, set: Set) -> &[Epoch] {
        self.epochs(set)
    }

    fn subject_epochs(&self, set: Set, subject: usize) -> &[Epoch] {
        self.subject_epochs(set, subject)
    }

    fn draw(&self, epochs: &[Epoch], batch: &mut Batch) {
        self.draw(epochs, batch);
    }
}
