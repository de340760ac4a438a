//! Responses by brain state.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{ClusterSummary, ComparisonResult, TestResult, null_is_nan};
use crate::state::By;

/// Responses after different power or phase of a rhythm, as they are and as models predict them.
///
/// The *modulation* is the difference of two bins' responses: most less least power, or phase 0 less the phase next to π. What a
/// model captures of it is *r across halves*: the true modulation in one half of a subject's epochs against the predicted one in
/// the other half, 0 on average for a model that does not know the state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateResult {
    /// What epochs were ordered by.
    pub by: By,
    /// First and last frequency (Hz) of the rhythm.
    pub band: [f64; 2],
    /// First and last time (s) of the window in which it was measured.
    pub window: [f64; 2],
    /// First and last time (s) that count for gains, correlations and tests: from the scored times on, after the window.
    pub scored: [f64; 2],
    /// The channels on which it was measured; all where empty.
    pub channels: Vec<String>,
    /// What to know about it; why there is no result where `subjects` is empty. For people.
    pub notes: Vec<String>,
    /// From least to most power, or from phase 0 on; means over subjects.
    pub bins: Vec<StateBinResult>,
    /// By subject, those with enough epochs.
    pub subjects: IndexMap<String, SubjectState>,
    /// The true modulation.
    pub truth: ModulationResult,
    /// What each model predicts of it.
    pub models: IndexMap<String, CapturedResult>,
    /// r across halves of each other model less that of the study's TRF, which sees the stimulus alone, on the same subjects;
    /// without a ratio. Empty where there is no TRF.
    pub comparisons: Vec<ComparisonResult>,
    /// Responses over all channels and times. They are not in `results.json` but in files of their own; none where these were
    /// not read.
    #[serde(skip)]
    pub maps: Option<StateMaps>,
}

/// Responses in each bin, mean over the subjects that have the channel and time in all bins (scaled units): per bin, per channel,
/// per time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateMaps {
    /// True responses.
    pub truth: Vec<Vec<Vec<f32>>>,
    /// Predicted ones, by model.
    pub predicted: IndexMap<String, Vec<Vec<Vec<f32>>>>,
}

impl StateMaps {
    /// The modulation, per channel, per time: the true one, or that which `model` predicts. Nothing of an unknown model.
    pub fn difference(&self, by: By, model: Option<&str>) -> Vec<Vec<f32>> {
        let Some(bins) = model.map_or(Some(&self.truth), |name| self.predicted.get(name)) else { return Vec::new() };
        let (plus, minus) = by.contrast(bins.len().max(1));
        let (Some(plus), Some(minus)) = (bins.get(plus), bins.get(minus)) else { return Vec::new() };
        plus.iter().zip(minus).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a - b).collect()).collect()
    }
}

/// One bin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateBinResult {
    /// Number of test epochs of all subjects.
    pub n_epochs: usize,
    /// Mean of log₁₀ power (scaled units squared) over subjects, or the bin's middle phase (radians).
    #[serde(deserialize_with = "null_is_nan::one")]
    pub value: f64,
}

/// One subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubjectState {
    /// The rhythm's frequency (Hz): that of the band at which the subject has most power.
    pub frequency: f64,
    /// Number of test epochs per bin.
    pub n_epochs: Vec<usize>,
}

/// How responses differ between bins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModulationResult {
    /// Size of each bin's response, by subject: the factor by which the true mean response over the training epochs fits it
    /// best (where the subject has none, that over the other bins). Noise in this mean response makes all sizes smaller.
    #[serde(deserialize_with = "null_is_nan::series_by_name")]
    pub gains: IndexMap<String, Vec<f64>>,
    /// Mean over subjects of the difference of the two bins' gains.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub contrast: f64,
    /// 95 % bootstrap interval of `contrast`; none with fewer than 5 subjects.
    pub confidence: Option<[f64; 2]>,
    /// Whether the contrast differs from 0 (two-sided); none with fewer than 5 subjects.
    pub test: Option<TestResult>,
    /// Where the difference deviates from 0, in either direction, corrected for all channels and times that count; for the true
    /// responses only, none with fewer than 5 subjects.
    pub clusters: Option<ClusterSummary>,
}

/// How well a model's prediction follows the state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapturedResult {
    /// The modulation that it predicts.
    pub modulation: ModulationResult,
    /// Mean over subjects of r between true and predicted difference, over channels and the times that count.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub r: f64,
    /// Mean over subjects of the same across halves.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub crossed: f64,
    /// By subject.
    pub subjects: IndexMap<String, SubjectCaptured>,
    /// 95 % bootstrap interval of `crossed`; none with fewer than 5 subjects.
    pub confidence: Option<[f64; 2]>,
    /// Whether the subjects' r across halves lies above 0; none with fewer than 5 subjects.
    pub test: Option<TestResult>,
    /// p of `test`, adjusted for all models (Benjamini & Hochberg 1995).
    pub q: Option<f64>,
    /// r across halves between true and predicted difference over channels; mean over subjects, per time. NaN before the times
    /// that count, and with fewer than 3 channels.
    #[serde(deserialize_with = "null_is_nan::many")]
    pub over_time: Vec<f64>,
    /// 95 % bootstrap interval of `over_time`; empty with fewer than 5 subjects.
    #[serde(deserialize_with = "null_is_nan::limits")]
    pub over_time_confidence: Vec<[f64; 2]>,
    /// The same as r of all epochs, mean over subjects.
    #[serde(deserialize_with = "null_is_nan::many")]
    pub r_over_time: Vec<f64>,
    /// Where r across bins between true responses of one half and predicted ones of the other lies above 0, corrected for all
    /// channels and times that count; none with fewer than 5 subjects.
    pub clusters: Option<ClusterSummary>,
}

/// What a model captures of one subject's modulation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubjectCaptured {
    /// r between true and predicted difference, over channels and the times that count: above 0 by chance, too.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub r: f64,
    /// The same between the true difference in one half of the epochs and the predicted one in the other, both ways; NaN where
    /// one of the two bins is empty in a half.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub crossed: f64,
}
