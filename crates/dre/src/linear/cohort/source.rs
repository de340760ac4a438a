//! Where a fit draws its epochs from: the data set's channels, or components of them.

use ndarray::Array3;

use super::super::masks::Measured;
use super::super::pca::{Pca, PcaSums};
use crate::data::{Batch, Epoch, EpochSource, Set};
use crate::{Error, Result, Stop};

/// Whether data of `n_channels` channels have so many principal components; 0 stands for the channels themselves.
///
/// # Errors
/// [`Error::Setting`] for more components than channels.
pub fn check_components(n_components: usize, n_channels: usize) -> Result<()> {
    if n_components <= n_channels {
        return Ok(());
    }
    Err(Error::Setting {
        name: "n_components".to_owned(),
        found: n_components.to_string(),
        expected: format!("at most the number of channels, {n_channels}; 0 fits the channels themselves"),
    })
}

/// Principal components of the channels over all training epochs of all subjects.
///
/// # Errors
/// As [`PcaSums::finish`]; [`Error::Stopped`].
pub fn fit_pca(dataset: &dyn EpochSource, n_components: usize, batch_size: usize, stop: &Stop) -> Result<Pca> {
    let mut sums = PcaSums::new(dataset.n_channels());
    let mut batch = Batch::default();
    for block in dataset.epochs(Set::Train).chunks(batch_size.max(1)) {
        stop.check()?;
        dataset.draw(block, &mut batch);
        sums.push(&batch.data);
    }
    sums.finish(n_components)
}

/// A data set, seen through a reduction where there is one.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) dataset: &'a dyn EpochSource,
    pub(super) pca: Option<&'a Pca>,
    pub(super) batch_size: usize,
    pub(super) stop: &'a Stop,
}

impl Source<'_> {
    /// Number of channels or components.
    pub(super) fn n_targets(&self) -> usize {
        self.pca.map_or(self.dataset.n_channels(), Pca::n_components)
    }

    /// What messages call them.
    pub(super) fn names(&self) -> Vec<String> {
        match self.pca {
            Some(pca) => (1..=pca.n_components()).map(|k| format!("component {k}")).collect(),
            None => self.dataset.channel_names(),
        }
    }

    /// Calls `work` with each batch as it is and as a model sees it.
    pub(super) fn batches(&self, epochs: &[Epoch], mut work: impl FnMut(&Batch, &Batch) -> Result<()>) -> Result<()> {
        let mut batch = Batch::default();
        for block in epochs.chunks(self.batch_size) {
            self.stop.check()?;
            self.dataset.draw(block, &mut batch);
            match self.pca {
                Some(pca) => work(&batch, &pca.project(&batch)?)?,
                None => work(&batch, &batch)?,
            }
        }
        Ok(())
    }

    /// What was measured in these epochs.
    pub(super) fn measured(&self, epochs: &[Epoch]) -> Result<Measured> {
        let mut measured = Measured::new(self.n_targets(), self.dataset.n_times());
        self.batches(epochs, |_, seen| {
            measured.push(seen.n_epochs(), seen.measured.as_ref());
            Ok(())
        })?;
        Ok(measured)
    }

    /// Goes through these epochs in batches of f64.
    pub(super) fn pass(
        &self,
        epochs: &[Epoch],
        work: &mut dyn FnMut(Array3<f64>, Array3<f64>, usize) -> Result<()>,
    ) -> Result<()> {
        let mut first = 0;
        self.batches(epochs, |_, seen| {
            work(seen.features.mapv(f64::from), seen.data.mapv(f64::from), first)?;
            first += seen.n_epochs();
            Ok(())
        })
    }
}
