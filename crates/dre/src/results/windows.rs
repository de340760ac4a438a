//! Scores in windows of channels and times that the study file names.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{ComparisonResult, TestResult, null_is_nan};

/// Scores of all models in one window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowResult {
    /// Name of the window.
    pub name: String,
    /// Its channels.
    pub channels: Vec<String>,
    /// Its first time (s).
    pub tmin: f64,
    /// Its last time (s).
    pub tmax: f64,
    /// By model.
    pub models: IndexMap<String, WindowScore>,
    /// Every pair of models with features, as in [`StatisticsResult`](super::StatisticsResult); `q` is adjusted for all pairs in
    /// all windows.
    pub comparisons: Vec<ComparisonResult>,
}

/// One model's score in a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowScore {
    /// Mean over subjects.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub mean_r: f64,
    /// Mean r over the window's channels and times, by subject; none where nothing was measured there.
    pub subjects: IndexMap<String, Option<f64>>,
    /// 95 % bootstrap interval of `mean_r` across subjects; none with fewer than 5.
    pub confidence: Option<[f64; 2]>,
    /// Whether the subjects' r differ from 0 (two-sided); none with fewer than 5 subjects, and for a model with an init window,
    /// whose r is above 0 by the filter alone.
    pub test: Option<TestResult>,
}

/// How much r falls in one window when an input is permuted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowImportance {
    /// Name of the window.
    pub name: String,
    /// Mean Δr over subjects.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub delta_r: f64,
    /// Mean Δr over the window's channels and times, by subject; none where nothing was measured there.
    pub subjects: IndexMap<String, Option<f64>>,
    /// 95 % bootstrap interval of `delta_r` across subjects; none with fewer than 5.
    pub confidence: Option<[f64; 2]>,
    /// Whether the subjects' Δr lie above 0; none with fewer than 5 subjects.
    pub test: Option<TestResult>,
    /// p of `test`, adjusted for everything that was permuted in this model, in all windows (Benjamini & Hochberg 1995).
    pub q: Option<f64>,
}
