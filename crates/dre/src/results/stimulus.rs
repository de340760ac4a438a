//! What the stimulus adds to a prediction, and how far a network's seed moves it.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{TestResult, null_is_nan};

/// r of a model less r of the same model fitted without any feature.
///
/// A model that is given true samples at the start of each epoch predicts from the brain's own past as well. Only this
/// difference is the stimulus's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StimulusResult {
    /// Name of the model.
    pub model: String,
    /// Name of the same model without features; none for a model that sees nothing but features: its r is the difference.
    pub without: Option<String>,
    /// Mean over subjects of the difference of the subjects' `r`.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub delta_r: f64,
    /// The difference by subject label.
    pub subjects: IndexMap<String, f64>,
    /// 95 % bootstrap interval of `delta_r` across subjects; none with fewer than 5 subjects.
    pub confidence: Option<[f64; 2]>,
    /// One-sided test that the differences lie above 0; none with fewer than 5 subjects.
    pub test: Option<TestResult>,
    /// p of `test`.
    pub p: Option<f64>,
    /// Mean difference over subjects and channels, per time.
    #[serde(deserialize_with = "null_is_nan::many")]
    pub over_time: Vec<f64>,
    /// Mean difference over subjects and the times that are scored, per channel.
    #[serde(deserialize_with = "null_is_nan::many")]
    pub per_channel: Vec<f64>,
    /// The same of single fits, where one of the two was fitted with several seeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seeds: Option<SeedSpread>,
}

/// Score of one of a network's fits, which differ in their seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeedScore {
    /// The seed.
    pub seed: u64,
    /// Mean over subjects of the subjects' `r`.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub mean_r: f64,
    /// r by subject label.
    pub subjects: IndexMap<String, f64>,
}

/// A difference of two models' mean r where single fits, not means of several fits' predictions, are compared.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeedSpread {
    /// Number of fits of the two models.
    pub n_seeds: [usize; 2],
    /// Mean of the difference over subjects and seeds.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub mean: f64,
    /// Standard deviation over seeds of the difference of one fit of each: the root of the sum of both models' variances
    /// (n − 1); a model without a seed has none.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub sd: f64,
    /// 95 % interval of `mean` by the percentile bootstrap, subjects and each model's seeds drawn independently with
    /// replacement; none with fewer than 5 subjects.
    pub confidence: Option<[f64; 2]>,
}
