//! Responses by brain state.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{ClusterSummary, TestResult, null_is_nan};
use crate::state::By;

/// Responses after different power or phase of a rhythm, as they are and as models predict them.
///
/// The *modulation* is the difference of two bins' responses: most less least power, or phase 0 less the phase next to π.
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
}

/// One bin, mean over subjects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateBinResult {
    /// Number of test epochs of all subjects.
    pub n_epochs: usize,
    /// Mean of log₁₀ power (scaled units squared), or the bin's middle phase (radians).
    #[serde(deserialize_with = "null_is_nan::one")]
    pub value: f64,
    /// True response, scaled units: per channel, per time.
    #[serde(deserialize_with = "null_is_nan::rows")]
    pub truth: Vec<Vec<f32>>,
    /// Predicted response by model, in the same layout.
    #[serde(deserialize_with = "null_is_nan::rows_by_name")]
    pub predicted: IndexMap<String, Vec<Vec<f32>>>,
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
    /// Difference of the two bins, mean over subjects: per channel, per time.
    #[serde(deserialize_with = "null_is_nan::rows")]
    pub difference: Vec<Vec<f32>>,
    /// Size of each bin's response relative to the true mean response over all epochs, by subject: the factor by which that fits
    /// it best.
    #[serde(deserialize_with = "null_is_nan::series_by_name")]
    pub gains: IndexMap<String, Vec<f64>>,
    /// Mean over subjects of the difference of the two bins' gains.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub contrast: f64,
    /// 95 % bootstrap interval of `contrast`; none with fewer than 3 subjects.
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
    /// r by subject.
    #[serde(deserialize_with = "null_is_nan::by_name")]
    pub subjects: IndexMap<String, f64>,
    /// 95 % bootstrap interval of `r`; none with fewer than 3 subjects.
    pub confidence: Option<[f64; 2]>,
    /// Whether the subjects' r lie above 0; none with fewer than 5 subjects.
    pub test: Option<TestResult>,
    /// p of `test`, adjusted for all models (Benjamini & Hochberg 1995).
    pub q: Option<f64>,
    /// r between true and predicted difference over channels, mean over subjects, per time; NaN before the times that
    /// count, and with fewer than 3 channels.
    #[serde(deserialize_with = "null_is_nan::many")]
    pub over_time: Vec<f64>,
    /// 95 % bootstrap interval of `over_time`; empty with fewer than 3 subjects.
    #[serde(deserialize_with = "null_is_nan::limits")]
    pub over_time_confidence: Vec<[f64; 2]>,
    /// r across bins between true and predicted responses, mean over subjects: per channel, per time.
    #[serde(deserialize_with = "null_is_nan::rows")]
    pub map: Vec<Vec<f32>>,
    /// Where `map` lies above 0, corrected for all channels and times that count; none with fewer than 5 subjects.
    pub clusters: Option<ClusterSummary>,
}
