//! Brain states: responses after different power or phase of an ongoing rhythm, as they are and as models predict them.
//!
//! The epochs of a set are ordered, within each subject, by a rhythm's power or phase in a window before the response
//! (the init window, usually). A model that uses the brain's past can predict how a response depends on the state; one that
//! sees the stimulus alone cannot. The latter's r between true and predicted difference is above 0 all the same, since bins
//! differ in their stimuli by chance. What a model captures is therefore **r across halves**: the true difference in one half of a
//! subject's epochs against the predicted one in the other half, both ways. Halves are made of blocks that follow each other in
//! time and share no sample. Stimuli fall into the bins of either half by their own chance, so that a model that does not know
//! the state has 0 on average, whatever else it knows. Of a model that predicts every response as it was, r across halves is
//! the reliability of the true difference (about 0 where that is noise alone); of one that knows the state's part alone, the
//! square root of this.
//!
//! Halves share whatever goes with the state: where what was presented before an epoch changes the rhythm, as a preceding word
//! may, or both drift together over a recording, bins of both halves differ in their stimuli alike, and a model of the stimulus
//! alone may lie above 0. What a model has beyond such a model is not explained so.
//!
//! A single subject's r across halves may be large by chance; only across subjects is it tested.

mod analyse;
mod halves;
mod modulation;
mod rhythm;
mod spec;
mod summary;

use std::ops::Range;

use ndarray::{Array2, Array3, Axis};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::data::Set;

pub use analyse::analyse;
use rhythm::Rhythm;
pub use spec::StateSpec;
pub use summary::{StateSummarySpec, not_computed, summarise};

/// Whether the samples `window` of epochs at `sfreq` (Hz) can tell power and phase in a band (Hz).
///
/// # Errors
/// [`crate::Error::Setting`] for a band that makes no sense or a window that holds fewer than two of its cycles.
pub fn check_window(band: [f64; 2], window: Range<usize>, sfreq: f64) -> Result<()> {
    Rhythm::new(band, window, sfreq).map(|_| ())
}

/// What epochs are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Power in the band: mean over channels and the band's frequencies, in as many quantiles as there are bins. Epochs are
    /// ranked within their recording, so that what differs between recordings counts as no state.
    Power,
    /// Phase at the window's end, at the band's frequency at which the subject's training epochs have most power, of the spatial
    /// pattern in which the training epochs have most power;
    /// bins of equal width, the first around phase 0 of one channel that is the same for all subjects: of those that all
    /// subjects have, the one with most of it.
    Phase,
}

/// How states are told.
#[derive(Clone, Debug, PartialEq)]
pub struct BinSpec {
    /// The rhythm's first and last frequency (Hz).
    pub band: [f64; 2],
    /// The samples of an epoch in which it is measured.
    pub window: Range<usize>,
    /// The channels on which it is measured; all where empty.
    pub channels: Vec<usize>,
    /// Number of bins, at least 3.
    pub n_bins: usize,
    /// The epochs that are ordered.
    pub set: Set,
    /// A subject with fewer epochs than this in any bin is left out; at least 1.
    pub min_epochs: usize,
    /// First sample of the scored times; what lies in the window never counts.
    pub score_from: usize,
    /// Epochs drawn at a time.
    pub batch_size: usize,
    /// Threads; they do not change the result.
    pub n_threads: usize,
}

impl BinSpec {
    /// First sample that counts for sizes, correlations and tests.
    pub fn first(&self) -> usize {
        self.score_from.max(self.window.end)
    }
}

impl By {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Power => "power",
            Self::Phase => "phase",
        }
    }

    /// The two of `n_bins` bins whose difference is the modulation: most and least power, or phase 0 and the bin next to π.
    pub fn contrast(self, n_bins: usize) -> (usize, usize) {
        match self {
            Self::Power => (n_bins - 1, 0),
            Self::Phase => (0, n_bins / 2),
        }
    }
}

/// Responses of one subject's epochs in one state.
#[derive(Clone, Debug, PartialEq)]
pub struct StateBin {
    /// Number of epochs.
    pub n_epochs: usize,
    /// Number of these in half A and in half B; epochs that share samples with the other half are in neither.
    pub n_halves: [usize; 2],
    /// Mean of log₁₀ power (scaled units squared), or the bin's middle phase (radians).
    pub value: f64,
    /// Mean true response, `(n_channels, n_times)`; NaN where nothing was measured.
    pub truth: Array2<f32>,
    /// The same as each model predicts it.
    pub predicted: Vec<Array2<f32>>,
}

/// One subject's responses by state.
#[derive(Clone, Debug, PartialEq)]
pub struct SubjectStates {
    /// Label.
    pub subject: String,
    /// The rhythm's frequency (Hz): that of the band at which the subject has most power.
    pub frequency: f64,
    /// Mean response of the training epochs, that sizes are measured along; none where the subject has no training epochs.
    pub template: Option<Array2<f32>>,
    /// From least to most power, or from phase 0 on.
    pub bins: Vec<StateBin>,
    /// What each model captures.
    pub captured: Vec<Captured>,
}

/// Responses by state of all subjects that have enough epochs.
#[derive(Clone, Debug, PartialEq)]
pub struct States {
    /// What epochs were ordered by.
    pub by: By,
    /// In the data set's order.
    pub subjects: Vec<SubjectStates>,
    /// Labels of subjects that were left out, and why.
    pub left_out: Vec<(String, String)>,
}

/// How well one model's prediction follows the state, for one subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Captured {
    /// r between true and predicted difference of responses (most less least power, or phase 0 less phase π), over channels
    /// and the times that count: above 0 by chance, too.
    pub r: f64,
    /// The same across halves: 0 on average for a model that does not know the state. NaN where one of the two bins is empty in
    /// a half.
    pub crossed: f64,
    /// r over channels at each time; NaN with fewer than three channels.
    pub r_over_time: Vec<f64>,
    /// The same across halves.
    pub crossed_over_time: Vec<f64>,
    /// r across bins for each channel × time.
    pub map: Array2<f32>,
    /// The same across halves; NaN where a bin is empty in a half.
    pub crossed_map: Array2<f32>,
}

impl States {
    /// True difference of responses, `(n_subjects, n_channels, n_times)`: most less least power, or phase 0 less phase π.
    pub fn truth(&self) -> Array3<f64> {
        self.stacked(|subject| modulation::difference(self.by, &subject.bins, |bin| &bin.truth))
    }

    /// The same as a model predicts it.
    pub fn predicted(&self, model: usize) -> Array3<f64> {
        self.stacked(|subject| modulation::difference(self.by, &subject.bins, |bin| &bin.predicted[model]))
    }

    fn stacked(&self, of: impl Fn(&SubjectStates) -> Array2<f64>) -> Array3<f64> {
        let maps: Vec<Array2<f64>> = self.subjects.iter().map(of).collect();
        let views: Vec<_> = maps.iter().map(|map| map.view()).collect();
        ndarray::stack(Axis(0), &views).unwrap_or_else(|_| Array3::zeros((0, 0, 0)))
    }
}
