//! A cohort: continuous prepared recordings of many subjects, matched by channel.

use super::{Channel, EventTable, Gaps, Samples, Signals};

/// Continuous prepared data of many subjects. Epochs are cut from it when a batch is drawn.
#[derive(Clone, Debug)]
pub struct Cohort {
    /// Sampling frequency of the prepared data (Hz).
    pub sfreq: f64,
    /// Channels, in the order of the data's rows. A recording may lack some, see [`CohortRecording::gaps`].
    pub channels: Vec<Channel>,
    /// Feature names, sorted, in the order of the features' rows.
    pub features: Vec<String>,
    /// Subject labels (`sub-01`), sorted.
    pub subjects: Vec<String>,
    /// Recordings, sorted by subject, session, task and run.
    pub recordings: Vec<CohortRecording>,
}

/// One prepared recording.
#[derive(Clone)]
pub struct CohortRecording {
    /// BIDS entities without suffix, such as `sub-01_ses-01_task-p300_run-01`.
    pub id: String,
    /// Index into [`Cohort::subjects`].
    pub subject: usize,
    /// Number of samples.
    pub n_times: usize,
    /// Filtered, decimated data in SI units, not scaled.
    pub data: Signals,
    /// Features as continuous signals, not scaled: `(n_features, n_times)`, row-major; NaN where a feature has no value.
    pub features: Samples,
    /// The events that epochs are cut around.
    pub events: EventTable,
    /// What was not measured: `data` there has no meaning and may be NaN.
    pub gaps: Gaps,
}

impl std::fmt::Debug for CohortRecording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CohortRecording")
            .field("id", &self.id)
            .field("subject", &self.subject)
            .field("n_times", &self.n_times)
            .field("n_events", &self.events.len())
            .finish_non_exhaustive()
    }
}

impl CohortRecording {
    /// Samples of one feature. `row` must be below the cohort's feature count.
    pub fn feature(&self, row: usize) -> &[f32] {
        &(*self.features).as_ref()[row * self.n_times..(row + 1) * self.n_times]
    }
}
