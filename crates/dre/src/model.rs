//! What every model, linear or deep, offers: predictions for a batch of epochs.

use ndarray::Array3;

use crate::Result;
use crate::data::Batch;

/// A fitted model. Scoring, importance and the report know models through this interface only.
pub trait Predictor: Sync {
    /// Predicts scaled data for the batch's epochs, shape `(n_epochs, n_channels, n_times)`.
    ///
    /// A model may use the batch's features and subjects, and its data before the init window's end only.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] where the batch does not fit the model.
    fn predict(&self, batch: &Batch) -> Result<Array3<f32>>;
}
