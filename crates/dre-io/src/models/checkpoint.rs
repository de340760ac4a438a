//! A training that can go on where it stopped.

use std::path::Path;

use dre::nn::{Tensor, TrainingState};
use serde::{Deserialize, Serialize};

use crate::store::{StoreError, read_tensors, write_tensors};

/// Name of the file in the model's folder.
pub const CHECKPOINT_FILE: &str = "checkpoint.safetensors";

/// Everything of a checkpoint but its tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Everything that decides the fit; a checkpoint of another recipe is refused.
    pub recipe: serde_json::Value,
    /// Where the training stands.
    pub training: TrainingState,
    /// Wall-clock seconds so far.
    pub seconds: f64,
}

impl Checkpoint {
    /// Writes it with its tensors, replacing the last one as a whole.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn write(&self, path: &Path, tensors: &[Tensor]) -> Result<(), StoreError> {
        write_tensors(path, tensors, self)
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`StoreError`] where there is none or it is damaged.
    pub fn read(path: &Path) -> Result<(Self, Vec<Tensor>), StoreError> {
        let (tensors, checkpoint) = read_tensors(path)?;
        Ok((checkpoint, tensors))
    }
}
