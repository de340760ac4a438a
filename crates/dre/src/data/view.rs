//! Views of a data set: only some of its features, or all of its subjects as one.

use ndarray::Axis;

use super::{Batch, Epoch, EpochSource, Set};
use crate::{Error, Result};

/// Epochs of which a model sees some features only; everything else is as in the source.
pub struct Selected<'a> {
    source: &'a dyn EpochSource,
    features: Vec<String>,
    rows: Vec<usize>,
}

impl<'a> Selected<'a> {
    /// The features `names`, in the source's order; none where the list is empty.
    ///
    /// # Errors
    /// [`Error::Setting`] for a feature that the source does not have.
    pub fn new(source: &'a dyn EpochSource, names: &[String]) -> Result<Self> {
        let rows = feature_rows(source.features(), names)?;
        Ok(Self { features: rows.iter().map(|&row| source.features()[row].clone()).collect(), source, rows })
    }

    /// Their places among the source's features.
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }
}

/// Places of the features `names` among `all`, ascending.
///
/// # Errors
/// [`Error::Setting`] for a name that is not among them.
pub fn feature_rows(all: &[String], names: &[String]) -> Result<Vec<usize>> {
    if let Some(unknown) = names.iter().find(|name| !all.contains(name)) {
        return Err(Error::Setting {
            name: "features".to_owned(),
            found: format!("`{unknown}`"),
            expected: format!("names of features of the data: {}", all.join(", ")),
        });
    }
    Ok((0..all.len()).filter(|&row| names.contains(&all[row])).collect())
}

impl EpochSource for Selected<'_> {
    fn channel_names(&self) -> Vec<String> {
        self.source.channel_names()
    }

    fn features(&self) -> &[String] {
        &self.features
    }

    fn subjects(&self) -> &[String] {
        self.source.subjects()
    }

    fn n_channels(&self) -> usize {
        self.source.n_channels()
    }

    fn n_times(&self) -> usize {
        self.source.n_times()
    }

    fn epochs(&self, set: Set) -> &[Epoch] {
        self.source.epochs(set)
    }

    fn subject_epochs(&self, set: Set, subject: usize) -> &[Epoch] {
        self.source.subject_epochs(set, subject)
    }

    fn draw(&self, epochs: &[Epoch], batch: &mut Batch) {
        self.source.draw(epochs, batch);
        if self.rows.len() < self.source.n_features() {
            batch.features = batch.features.select(Axis(1), &self.rows);
        }
    }
}

/// What a pooled fit calls all subjects together.
pub const ALL_SUBJECTS: &str = "all subjects";

/// Epochs of all subjects as those of one, for a model that is fitted to all of them at once. Scaling is as in the source:
/// each recording's own.
pub struct Pooled<'a> {
    source: &'a dyn EpochSource,
    subjects: [String; 1],
}

impl<'a> Pooled<'a> {
    /// All subjects of a source.
    pub fn new(source: &'a dyn EpochSource) -> Self {
        Self { source, subjects: [ALL_SUBJECTS.to_owned()] }
    }
}

impl EpochSource for Pooled<'_> {
    fn channel_names(&self) -> Vec<String> {
        self.source.channel_names()
    }

    fn features(&self) -> &[String] {
        self.source.features()
    }

    fn subjects(&self) -> &[String] {
        &self.subjects
    }

    fn n_channels(&self) -> usize {
        self.source.n_channels()
    }

    fn n_times(&self) -> usize {
        self.source.n_times()
    }

    fn epochs(&self, set: Set) -> &[Epoch] {
        self.source.epochs(set)
    }

    fn subject_epochs(&self, set: Set, _: usize) -> &[Epoch] {
        self.source.epochs(set)
    }

    fn draw(&self, epochs: &[Epoch], batch: &mut Batch) {
        self.source.draw(epochs, batch);
        batch.subjects.fill(0);
    }
}
