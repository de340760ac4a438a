//! What every model, linear or deep, offers: predictions for a batch of epochs.

use ndarray::Array3;

use crate::data::Batch;
use crate::{Result, Stop};

/// What a prediction depends on, beside the batch's features and, for a model fitted per subject, whose epoch it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// Number of true samples at the start of each epoch that the model is shown.
    pub n_init_times: usize,
    /// Whether one model knows all subjects apart by an embedding, so that an epoch can be predicted as another subject's.
    pub has_subject_embedding: bool,
}

impl Inputs {
    /// The features, and for a model fitted per subject whose epoch it is; nothing else.
    pub const FEATURES: Self = Self { n_init_times: 0, has_subject_embedding: false };
}

/// A fitted model. Scoring, importance and the report know models through this interface only.
pub trait Predictor: Sync {
    /// Predicts scaled data for the batch's epochs, shape `(n_epochs, n_channels, n_times)`.
    ///
    /// A model may use the batch's features and subjects, and its data before the init window's end only.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] where the batch does not fit the model.
    fn predict(&self, batch: &Batch) -> Result<Array3<f32>>;

    /// What predictions depend on, so that importance knows what there is to permute.
    fn inputs(&self) -> Inputs;
}

/// A model whose predictions may be stopped, so that whatever asks for many of them may be.
pub struct Stoppable<'a> {
    /// The model.
    pub model: &'a dyn Predictor,
    /// Ends the work with [`Error::Stopped`](crate::Error::Stopped) at the next prediction.
    pub stop: &'a Stop,
}

impl Predictor for Stoppable<'_> {
    fn predict(&self, batch: &Batch) -> Result<Array3<f32>> {
        self.stop.check()?;
        self.model.predict(batch)
    }

    fn inputs(&self) -> Inputs {
        self.model.inputs()
    }
}
