//! A trained network as a model among others.

use std::sync::Mutex;

use ndarray::Array3;

use super::{Network, Workspace};
use crate::Result;
use crate::data::Batch;
use crate::model::{Inputs, Predictor};

/// A network with the buffers to predict batches.
#[derive(Debug)]
pub struct DreModel {
    network: Network,
    workspace: Mutex<Workspace>,
}

impl DreModel {
    /// For epochs of `n_times` samples in batches of at most `max_batch`.
    ///
    /// # Errors
    /// As [`Workspace::new`].
    pub fn new(network: Network, n_times: usize, max_batch: usize) -> Result<Self> {
        let workspace = Mutex::new(Workspace::new(&network, n_times, max_batch)?);
        Ok(Self { network, workspace })
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }
}

impl Predictor for DreModel {
    fn predict(&self, batch: &Batch) -> Result<Array3<f32>> {
        let mut workspace = self.workspace.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.network.predict(batch, &mut workspace)
    }

    fn inputs(&self) -> Inputs {
        let config = self.network.config();
        Inputs { n_init_times: config.n_init_times, has_subject_embedding: config.subject_dim > 0 }
    }
}
