//! What every model, linear or deep, offers: predictions for a batch of epochs.

use ndarray::{Array3, Axis};

use crate::data::Batch;
use crate::{Error, Result, Stop};

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

    /// Which of the batch's features the model sees, as places in ascending order; all where it is none.
    fn features(&self) -> Option<&[usize]> {
        None
    }
}

impl<M: Predictor + ?Sized> Predictor for &M {
    fn predict(&self, batch: &Batch) -> Result<Array3<f32>> {
        (**self).predict(batch)
    }

    fn inputs(&self) -> Inputs {
        (**self).inputs()
    }

    fn features(&self) -> Option<&[usize]> {
        (**self).features()
    }
}

impl<M: Predictor + ?Sized> Predictor for Box<M> {
    fn predict(&self, batch: &Batch) -> Result<Array3<f32>> {
        (**self).predict(batch)
    }

    fn inputs(&self) -> Inputs {
        (**self).inputs()
    }

    fn features(&self) -> Option<&[usize]> {
        (**self).features()
    }
}

/// A model that was fitted to some of a data set's features and is given batches of all of them.
#[derive(Clone, Debug)]
pub struct OnFeatures<M> {
    /// The model.
    pub model: M,
    /// The features that it sees, as places in the batch, ascending.
    pub rows: Vec<usize>,
}

impl<M: Predictor> Predictor for OnFeatures<M> {
    fn predict(&self, batch: &Batch) -> Result<Array3<f32>> {
        if self.rows.len() == batch.features.len_of(Axis(1)) {
            return self.model.predict(batch);
        }
        self.model.predict(&Batch { features: batch.features.select(Axis(1), &self.rows), ..batch.clone() })
    }

    fn inputs(&self) -> Inputs {
        self.model.inputs()
    }

    fn features(&self) -> Option<&[usize]> {
        Some(&self.rows)
    }
}

/// Models of one kind that differ in their seeds; their prediction is the mean of the members' predictions.
pub struct Ensemble {
    members: Vec<Box<dyn Predictor>>,
}

impl Ensemble {
    /// Of at least one member.
    ///
    /// # Errors
    /// [`Error::Setting`] where there is none.
    pub fn new(members: Vec<Box<dyn Predictor>>) -> Result<Self> {
        if members.is_empty() {
            return Err(Error::Setting {
                name: "n_seeds".to_owned(),
                found: "0".to_owned(),
                expected: "at least 1".to_owned(),
            });
        }
        Ok(Self { members })
    }

    /// The members, in the order of their seeds.
    pub fn members(&self) -> &[Box<dyn Predictor>] {
        &self.members
    }
}

impl Predictor for Ensemble {
    fn predict(&self, batch: &Batch) -> Result<Array3<f32>> {
        let mut mean = self.members[0].predict(batch)?;
        for member in &self.members[1..] {
            mean += &member.predict(batch)?;
        }
        if self.members.len() > 1 {
            mean /= self.members.len() as f32;
        }
        Ok(mean)
    }

    fn inputs(&self) -> Inputs {
        self.members[0].inputs()
    }

    fn features(&self) -> Option<&[usize]> {
        self.members[0].features()
    }
}

/// A model whose predictions may be stopped, so that whatever asks for many of them may be.
pub struct Stoppable<'a> {
    /// The model.
    pub model: &'a dyn Predictor,
    /// Ends the work with [`Error::Stopped`] at the next prediction.
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

    fn features(&self) -> Option<&[usize]> {
        self.model.features()
    }
}
