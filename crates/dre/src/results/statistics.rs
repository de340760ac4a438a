//! Tests across subjects, comparisons of models, and the noise ceiling.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{SeedSpread, null_is_nan};

/// What holds across subjects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StatisticsResult {
    /// Why there are no tests, or what limits them; for people.
    pub note: Option<String>,
    /// By model.
    pub models: IndexMap<String, ModelStatistics>,
    /// Every pair of models with features (of all models, where none has any), the earlier one of the study first.
    pub comparisons: Vec<ComparisonResult>,
    /// How well any model that sees only the stimulus could predict; none where it was not asked for.
    pub ceiling: Option<CeilingResult>,
}

/// One model across subjects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelStatistics {
    /// Whether the subjects' mean r differ from 0; none with fewer than 5 subjects, and for a model with an init window, whose r is
    /// above 0 by the filter alone.
    pub test: Option<TestResult>,
    /// Mean r as a share of the mean noise ceiling over the same subjects, channels and times; none for a model with an init window,
    /// since the ceiling is that of what the stimulus alone can tell.
    pub of_ceiling: Option<f64>,
    /// The same for each subject, in the order of `subjects` of the ceiling; NaN where the ceiling is not above 0.
    #[serde(default, deserialize_with = "null_is_nan::many")]
    pub of_ceiling_by_subject: Vec<f64>,
}

/// Wilcoxon's signed-rank test of one number per subject against 0, with effect sizes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestResult {
    /// Number of subjects with a finite number.
    pub n: usize,
    /// p-value.
    pub p: f64,
    /// Whether only values above 0 count as evidence.
    pub one_sided: bool,
    /// Whether p comes from all sign assignments rather than from the normal approximation.
    pub exact: bool,
    /// Matched-pairs rank-biserial correlation (Kerby 2014), −1 to 1.
    pub rank_biserial: f64,
    /// Cohen's `d_z`: mean divided by the standard deviation (n − 1); none where all numbers are the same.
    pub cohens_dz: Option<f64>,
}

/// Two models on the same subjects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparisonResult {
    /// Name of the model from which the other's r is taken off.
    pub first: String,
    /// Name of the other model.
    pub second: String,
    /// Mean over subjects of the difference of their r.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub difference: f64,
    /// 95 % bootstrap interval of `difference` across subjects; none with fewer than 5.
    pub confidence: Option<[f64; 2]>,
    /// Two-sided test of the differences; none with fewer than 5 subjects.
    pub test: Option<TestResult>,
    /// p of `test`, adjusted for all pairs (Benjamini & Hochberg 1995).
    pub q: Option<f64>,
    /// Mean r of the first divided by that of the second; none where the latter is not above 0. It has an interval where
    /// `confidence` is there.
    pub ratio: Option<RatioInterval>,
    /// The difference of single fits, where one of the two was fitted with several seeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seeds: Option<SeedSpread>,
}

/// A ratio of means with its 95 % bootstrap interval across subjects.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RatioInterval {
    /// The ratio over all subjects.
    pub ratio: f64,
    /// Lower end; none where it is unbounded, or with fewer than 5 subjects.
    pub low: Option<f64>,
    /// Upper end; none where it is unbounded: too many resamples have a denominator that is not above 0; or with fewer than 5
    /// subjects.
    pub high: Option<f64>,
}

/// Where a noise ceiling comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CeilingMethod {
    /// Repetitions of stimuli within each subject, split in halves.
    Repeats,
    /// The mean of the other subjects' responses to the same stimuli predicts one subject: a lower bound.
    Subjects,
    /// None can be estimated.
    None,
}

/// The r that a perfect prediction from the stimulus alone could reach on single epochs.
///
/// A model that is shown the init window can exceed it: it also knows what is particular to the epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CeilingResult {
    /// Where it comes from.
    pub method: CeilingMethod,
    /// How it was estimated, or why it was not; for people.
    pub note: String,
    /// Mean over channels and the times that are scored, by subject.
    pub subjects: IndexMap<String, Option<f64>>,
    /// Mean over subjects.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub mean: f64,
    /// 95 % bootstrap interval of `mean` across subjects; none with fewer than 5.
    pub confidence: Option<[f64; 2]>,
    /// Mean over subjects and channels, per time.
    #[serde(deserialize_with = "null_is_nan::many")]
    pub over_time: Vec<f64>,
    /// Mean over subjects and the times that are scored, per channel.
    #[serde(deserialize_with = "null_is_nan::many")]
    pub per_channel: Vec<f64>,
}

impl CeilingResult {
    /// None of these subjects has one, for a reason that `note` tells.
    pub fn none(subjects: &[String], note: &str) -> Self {
        Self {
            method: CeilingMethod::None,
            note: note.to_owned(),
            subjects: subjects.iter().map(|label| (label.clone(), None)).collect(),
            mean: f64::NAN,
            confidence: None,
            over_time: Vec::new(),
            per_channel: Vec::new(),
        }
    }
}
