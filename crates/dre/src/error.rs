//! The errors of this crate.

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong in the library. Every message says what was found, what was expected and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An array does not have the shape that its place asks for.
    #[error("{what} has shape {found:?}, expected {expected}")]
    Shape {
        /// Which array.
        what: String,
        /// Its shape.
        found: Vec<usize>,
        /// The expected shape, in words.
        expected: String,
    },
    /// A value that must be finite is NaN or infinite.
    #[error("{what} holds {value} at {place}; remove or mask the segment before fitting")]
    NotFinite {
        /// Which array.
        what: String,
        /// Where in it.
        place: String,
        /// The value found.
        value: f64,
    },
    /// A setting is outside the range that makes sense.
    #[error("{name} = {found}, expected {expected}")]
    Setting {
        /// The setting's name as the user writes it.
        name: String,
        /// The value found.
        found: String,
        /// What is allowed, with units.
        expected: String,
    },
    /// A set of epochs that is needed holds none.
    #[error("{what}: no epochs left; {advice}")]
    NoEpochs {
        /// Which set, of whom.
        what: String,
        /// What to change.
        advice: String,
    },
    /// A linear system has no unique solution.
    #[error("{model}: the normal equations are singular ({reason}); {advice}")]
    Singular {
        /// The model that was being fitted.
        model: String,
        /// Why.
        reason: String,
        /// What to do.
        advice: String,
    },
    /// Parameters do not belong to the network that they were given to.
    #[error("tensor `{name}`: found {found}, expected {expected}")]
    Tensor {
        /// The tensor's name.
        name: String,
        /// What was found.
        found: String,
        /// What the network needs.
        expected: String,
    },
    /// The events lack a column that a setting names.
    #[error("the events have no column `{column}`, which {wanted_by} asks for; they have {found}{suggestion}")]
    NoColumn {
        /// The column asked for.
        column: String,
        /// The setting that asks for it.
        wanted_by: String,
        /// The columns that there are, in words.
        found: String,
        /// `; did you mean ...?` or empty.
        suggestion: String,
    },
    /// An event holds a value that cannot be used.
    #[error("event {event} (onset {onset} s): {what} is `{found}`, expected {expected}")]
    EventValue {
        /// Number of the event in order of onset, from 1.
        event: usize,
        /// Its onset (s).
        onset: f64,
        /// Which of its values.
        what: String,
        /// The value.
        found: String,
        /// What is allowed.
        expected: String,
    },
    /// The settings of a feature contradict each other.
    #[error("feature `{feature}`: {reason}")]
    Feature {
        /// Name of the feature.
        feature: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A model predicts NaN or infinity.
    #[error(
        "the prediction for {epoch} is {value} at channel {channel}, {time} s; \
         the fit has diverged: lower its step size or raise its penalty"
    )]
    PredictionNotFinite {
        /// The recording and event of the epoch.
        epoch: String,
        /// Name of the channel.
        channel: String,
        /// Time relative to the event (s).
        time: f64,
        /// The value predicted.
        value: f64,
    },
    /// An error in one recording or subject of a cohort.
    #[error("{place}: {source}")]
    At {
        /// The recording's id or the subject's label.
        place: String,
        /// What went wrong there.
        source: Box<Error>,
    },
    /// The caller asked the work to end, by a [`Stop`](crate::Stop).
    #[error("stopped before the work was done")]
    Stopped,
    /// The training loss is no longer a finite number.
    #[error(
        "training diverged: loss {loss} at pass {pass}, batch {batch}, with lr = {lr}; lower lr by a factor of 3 to 10, or \
         look for extreme values in the data (cleaning.reject_above)"
    )]
    Diverged {
        /// Pass, from 1.
        pass: usize,
        /// Batch in the pass, from 1.
        batch: usize,
        /// The loss found.
        loss: f64,
        /// Step size.
        lr: f64,
    },
}

impl Error {
    /// This error with the recording or subject that it is about; that the work was stopped is about none.
    #[must_use]
    pub fn at(self, place: impl Into<String>) -> Self {
        if matches!(self, Self::Stopped) {
            return self;
        }
        Self::At { place: place.into(), source: Box::new(self) }
    }
}
