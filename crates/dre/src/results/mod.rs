//! What a study found, in the form that is written to `results.json` and read by the report.
//!
//! All correlations are Pearson's r across epochs for each time × channel, within each subject. `mean_r` averages over
//! channels and over times ≥ `score_from` (s).

mod floor;
mod importance;
mod state;
mod statistics;
mod stimulus;
mod windows;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::data::{BadSegments, Channel};

pub use floor::{FloorResult, LeakCurve, LeakResult};
pub use importance::{ClusterResult, ClusterSummary, ImportanceResult, SubjectImportance};
pub use state::{
    CapturedResult, ModulationResult, StateBinResult, StateMaps, StateResult, SubjectCaptured, SubjectState,
};
pub use statistics::{
    CeilingMethod, CeilingResult, ComparisonResult, ModelStatistics, RatioInterval, StatisticsResult, TestResult,
};
pub use stimulus::{SeedScore, SeedSpread, StimulusResult};
pub use windows::{WindowImportance, WindowResult, WindowScore};

/// Everything that a finished study reports.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Results {
    /// Version of this layout; readers refuse others.
    pub format: u32,
    /// Name of the study.
    pub study: String,
    /// Models by their name in the study file (`trf`, `dre`, or the user's own), in the order in which they are shown.
    pub models: IndexMap<String, ModelResult>,
    /// Ratio of two models' mean r, such as DRE / TRF, where both were fitted.
    pub ratios: Vec<Ratio>,
    /// What was used and what was left out.
    pub cohort: CohortSummary,
    /// Time of each epoch sample (s) relative to the event.
    pub times: Vec<f64>,
    /// First time (s) that counts for `mean_r`, that of a sample: all models are scored from the later of `score_from_asked` and
    /// the end of the longest init window on.
    pub score_from: f64,
    /// First time (s) that the study file asks for.
    #[serde(default)]
    pub score_from_asked: Option<f64>,
    /// Number of samples of the longest init window that any model is shown.
    pub n_init_times: usize,
    /// Evoked responses, true and predicted, per condition on the test epochs.
    pub evoked: Vec<Evoked>,
    /// Tests across subjects, comparisons of models, and the noise ceiling.
    #[serde(default)]
    pub statistics: StatisticsResult,
    /// What the stimulus adds to each model's prediction, for models whose fit without features is there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stimulus: Vec<StimulusResult>,
    /// Scores in the windows that the study file names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<WindowResult>,
    /// What processing alone predicts, for each length of the models' init windows, ascending; empty where no model has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub floors: Vec<FloorResult>,
    /// What predictions rest on, by model, then by what was permuted; empty where it was not computed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub importance: Vec<ImportanceResult>,
    /// Responses by brain state: by power, by phase; empty where they were not computed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub state: Vec<StateResult>,
    /// Features told from data, where the study asks for it.
    #[serde(default)]
    pub decoding: Option<DecodingResult>,
    /// Subjects whom a network that had not seen them was adapted to.
    #[serde(default)]
    pub adaptation: Vec<AdaptationResult>,
    /// Where all of it comes from.
    pub provenance: Provenance,
}

/// The current [`Results::format`].
pub const RESULTS_FORMAT: u32 = 2;

/// One fitted and scored model.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModelResult {
    /// What it is, for people: `Deep Recurrent Encoder`, `TRF (ridge)`.
    pub title: String,
    /// Mean over subjects of the subjects' `r`.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub mean_r: f64,
    /// 95 % confidence interval of `mean_r` across subjects, by the percentile bootstrap; none with fewer than 5 subjects.
    #[serde(default)]
    pub confidence: Option<[f64; 2]>,
    /// One entry per subject label, in the cohort's order.
    pub subjects: IndexMap<String, SubjectScore>,
    /// Mean over subjects and channels, per time.
    #[serde(deserialize_with = "null_is_nan::many")]
    pub r_over_time: Vec<f64>,
    /// Mean over subjects and times ≥ `score_from`, per channel.
    #[serde(deserialize_with = "null_is_nan::many")]
    pub r_per_channel: Vec<f64>,
    /// Number of true samples that the model is shown at the start of each epoch; 0 for a TRF.
    pub n_init_times: usize,
    /// Number of features that the model sees: 0 for one of the past alone; absent in results of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_features: Option<usize>,
    /// Number of fitted numbers.
    pub n_parameters: usize,
    /// Fitting time (s), wall clock.
    pub fit_seconds: f64,
    /// Settings and choices worth showing, as name and text: `alpha (sub-01)` → `31.6`.
    pub choices: Vec<(String, String)>,
    /// One entry per pass over the training epochs; empty for models without passes.
    pub history: Vec<PassRecord>,
    /// Index into `history` of the pass whose weights were kept.
    pub best_pass: Option<usize>,
    /// What only linear models have.
    #[serde(default)]
    pub linear: Option<LinearResult>,
    /// Scores of single fits, for a network that was fitted with several seeds: `mean_r` and all else are then of the mean of
    /// the fits' predictions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seeds: Vec<SeedScore>,
}

/// Below this r a model of fewer than three subjects counts as near zero.
const SMALL_R: f64 = 0.02;

impl ModelResult {
    /// Whether the mean r is below two standard errors across subjects (three or more), or below 0.02 (fewer): a ratio to it says
    /// little.
    pub fn is_near_zero(&self) -> bool {
        let r: Vec<f64> = self.subjects.values().map(|s| s.r).filter(|r| r.is_finite()).collect();
        let n = r.len() as f64;
        if r.len() < 3 {
            return self.mean_r < SMALL_R;
        }
        let mean = r.iter().sum::<f64>() / n;
        let variance = r.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0);
        self.mean_r < 2.0 * (variance / n).sqrt()
    }
}

/// What only linear models have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LinearResult {
    /// Test epochs whose roll-out grew without bound and was held at 1000 times the size that it
    /// started from; they are scored as they are.
    pub n_diverged: usize,
    /// The features that the model sees, in the cohort's order; all of them where the list is absent.
    #[serde(default)]
    pub features: Vec<String>,
    /// Lags (s) of the features' coefficients, from first to last.
    pub lags: Vec<f64>,
    /// Coefficients of the features, mean over subjects (scaled data per standardised feature): per feature, in the order
    /// of [`LinearResult::feature_names`], per channel, per lag.
    pub coefficients: Vec<Vec<Vec<f32>>>,
    /// Mean r of fits to single lags, one for each of `lags`; empty where they were not asked for.
    #[serde(deserialize_with = "null_is_nan::many")]
    pub single_lag_r: Vec<f64>,
    /// What each band of features contributes, for banded ridge.
    pub bands: Vec<BandResult>,
}

impl LinearResult {
    /// Names of the features of `coefficients`: the model's own, or `cohort`'s, which are those of older results.
    pub fn feature_names<'a>(&'a self, cohort: &'a [String]) -> &'a [String] {
        if self.features.is_empty() && !self.coefficients.is_empty() { cohort } else { &self.features }
    }
}

/// What a band of features contributes to the score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BandResult {
    /// Name of the band.
    pub name: String,
    /// Its features.
    pub features: Vec<String>,
    /// Its share of the mean r, over subjects (product measure): the shares of all bands sum to the model's mean r.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub share: f64,
    /// 95 % confidence interval of the share across subjects.
    pub share_confidence: Option<[f64; 2]>,
    /// Mean r less that of the model fitted without the band, over subjects; none where it was not asked for.
    pub unique: Option<f64>,
    /// 95 % confidence interval of the unique contribution across subjects.
    pub unique_confidence: Option<[f64; 2]>,
}

/// Backward models: features told from data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DecodingResult {
    /// Lags (s) of the data, from first to last; negative for data after the feature's sample.
    pub lags: Vec<f64>,
    /// Whether other features were held constant in fits and scores.
    #[serde(default)]
    pub hold_others: bool,
    /// One entry per feature.
    pub features: Vec<DecodedFeature>,
    /// Settings and choices worth showing, as name and text.
    pub choices: Vec<(String, String)>,
}

/// How well a feature is told from data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DecodedFeature {
    /// Name of the feature.
    pub name: String,
    /// Mean over subjects of the subjects' r between the feature and what is told of it: across test epochs at each sample,
    /// other features held constant where [`DecodingResult::hold_others`] says so, mean over samples.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub mean_r: f64,
    /// 95 % confidence interval of `mean_r` across subjects; none with fewer than 5 subjects.
    pub confidence: Option<[f64; 2]>,
    /// r by subject label, of the subjects that have one.
    pub subjects: IndexMap<String, f64>,
    /// Number of samples of the epoch that count: those at which the feature varies across test epochs, given the others;
    /// the least over subjects.
    #[serde(default)]
    pub n_times: usize,
    /// Pattern, mean over subjects (scaled data per standardised feature): per channel, per lag. Empty where a subject has
    /// none, since the feature is constant or a sum of others.
    pub pattern: Vec<Vec<f32>>,
}

/// A network adapted to a subject that it had not seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdaptationResult {
    /// Label of the subject.
    pub subject: String,
    /// Name of the network.
    pub model: String,
    /// Mean r on the subject's test epochs with the mean of the others' embeddings.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub unadapted: f64,
    /// Mean r of the same network where the subject took part in its training; none where it is not fitted.
    pub trained_with: Option<f64>,
    /// By length of data, ascending.
    pub points: Vec<AdaptationPoint>,
}

/// Mean r on the subject's test epochs after adapting to some of its data.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdaptationPoint {
    /// Length of the data (minutes).
    pub minutes: f64,
    /// Number of training epochs.
    pub n_epochs: usize,
    /// The network with a fitted embedding.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub embedding: f64,
    /// The same, followed by a fitted linear map of channels.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub mapped: f64,
    /// A TRF on the same data.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub trf: f64,
}

/// Score of one subject.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SubjectScore {
    /// Number of test epochs.
    pub n_epochs: usize,
    /// Mean r over channels and times ≥ `score_from`.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub r: f64,
    /// Mean r over channels, per time.
    #[serde(deserialize_with = "null_is_nan::many")]
    pub r_over_time: Vec<f64>,
}

/// One pass over the training epochs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PassRecord {
    /// Mean training loss over the whole epoch.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub train_loss: f64,
    /// Mean validation loss after the init window.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub valid_loss: f64,
    /// Wall-clock seconds.
    pub seconds: f64,
}

/// Ratio of two models' mean r.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ratio {
    /// Model above the line.
    pub numerator: String,
    /// Model below the line.
    pub denominator: String,
    /// `mean_r` / `mean_r`; none where the denominator is not positive, since a ratio then says nothing.
    pub ratio: Option<f64>,
}

/// The data behind a study.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CohortSummary {
    /// Sampling frequency (Hz) of the prepared data.
    pub sfreq: f64,
    /// Channels, in order.
    pub channels: Vec<Channel>,
    /// Feature names, in order.
    pub features: Vec<String>,
    /// Subjects that were used.
    pub subjects: Vec<SubjectSummary>,
    /// What was left out and why: a subject, a recording, a channel.
    pub excluded: Vec<Exclusion>,
    /// What became of epochs that overlap a bad segment.
    #[serde(default)]
    pub bad_segments: BadSegments,
    /// Recordings that lack channels of the cohort or have bad segments.
    #[serde(default)]
    pub masked: Vec<MaskedRecording>,
    /// Filters and other steps as people describe them: `band-pass 1–30 Hz (zero-phase FIR, 845 taps)`.
    pub steps: Vec<String>,
}

/// Epoch counts of one subject.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SubjectSummary {
    /// Subject label.
    pub subject: String,
    /// Number of recordings used.
    pub n_recordings: usize,
    /// Minutes of prepared data.
    pub minutes: f64,
    /// Events that asked for an epoch.
    pub n_events: usize,
    /// Epochs that would leave the recording.
    pub n_outside: usize,
    /// Epochs dropped for bad segments.
    #[serde(default)]
    pub n_bad: usize,
    /// Epochs dropped because they overlap another set’s epochs or lie nearer to them than the split’s gap.
    pub n_border: usize,
    /// Epochs rejected for amplitude after scaling.
    pub n_rejected: usize,
    /// Epochs that only fitted the scalers of a held-out subject.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub n_calibration: usize,
    /// Epochs used to train.
    pub n_train: usize,
    /// Epochs used to choose.
    pub n_valid: usize,
    /// Epochs used to score.
    pub n_test: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// What of a recording was not measured, and so counts in no input, loss or score.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MaskedRecording {
    /// Recording.
    pub recording: String,
    /// Subject label.
    pub subject: String,
    /// Names of the cohort's channels that are marked as bad in it.
    pub bad: Vec<String>,
    /// Names of the cohort's channels that were not recorded in it.
    pub absent: Vec<String>,
    /// Number of bad segments.
    pub n_segments: usize,
    /// Length of the bad segments (s).
    pub seconds: f64,
}

/// Something that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusion {
    /// What: `sub-04`, `sub-01_run-03`, `EOG1`.
    pub what: String,
    /// Why, with numbers.
    pub reason: String,
}

/// Mean over epochs, then over subjects.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Evoked {
    /// Condition, such as `target`; `all epochs` for the mean over all.
    pub condition: String,
    /// Number of test epochs.
    pub n_epochs: usize,
    /// True response, scaled units: per channel, per time.
    #[serde(deserialize_with = "null_is_nan::rows")]
    pub truth: Vec<Vec<f32>>,
    /// Predicted response by model name, in the same layout.
    #[serde(deserialize_with = "null_is_nan::rows_by_name")]
    pub predicted: IndexMap<String, Vec<Vec<f32>>>,
}

/// Where results come from.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of the program.
    pub version: String,
    /// When the study was finished, ISO 8601, UTC.
    pub finished: String,
    /// The study file as it was read.
    pub study_file: String,
    /// Where the data were, as the user named the folder.
    pub data: String,
    /// SHA-256 over the input recordings and events.
    pub input_hash: String,
    /// Number of threads.
    pub n_threads: usize,
    /// Random seed.
    pub seed: u64,
}

/// JSON has no NaN: an r that cannot be computed (a constant channel) is written as `null` and read back as NaN.
mod null_is_nan {
    use indexmap::IndexMap;
    use serde::{Deserialize, Deserializer};

    pub(super) fn one<'de, D: Deserializer<'de>>(source: D) -> Result<f64, D::Error> {
        Ok(Option::<f64>::deserialize(source)?.unwrap_or(f64::NAN))
    }

    pub(super) fn many<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<f64>, D::Error> {
        let values = Vec::<Option<f64>>::deserialize(source)?;
        Ok(values.into_iter().map(|v| v.unwrap_or(f64::NAN)).collect())
    }

    pub(super) fn series_by_name<'de, D: Deserializer<'de>>(source: D) -> Result<IndexMap<String, Vec<f64>>, D::Error> {
        let named = IndexMap::<String, Vec<Option<f64>>>::deserialize(source)?;
        let series = |values: Vec<Option<f64>>| values.into_iter().map(|v| v.unwrap_or(f64::NAN)).collect();
        Ok(named.into_iter().map(|(name, values)| (name, series(values))).collect())
    }

    /// A limit that is missing is one that cannot be given.
    pub(super) fn limits<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<[f64; 2]>, D::Error> {
        let values = Vec::<[Option<f64>; 2]>::deserialize(source)?;
        Ok(values.into_iter().map(|pair| pair.map(|v| v.unwrap_or(f64::NAN))).collect())
    }

    pub(super) fn rows<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<Vec<f32>>, D::Error> {
        Ok(Vec::<Vec<Option<f32>>>::deserialize(source)?.into_iter().map(row).collect())
    }

    pub(super) fn rows_by_name<'de, D: Deserializer<'de>>(
        source: D,
    ) -> Result<IndexMap<String, Vec<Vec<f32>>>, D::Error> {
        let named = IndexMap::<String, Vec<Vec<Option<f32>>>>::deserialize(source)?;
        Ok(named.into_iter().map(|(name, rows)| (name, rows.into_iter().map(row).collect())).collect())
    }

    fn row(values: Vec<Option<f32>>) -> Vec<f32> {
        values.into_iter().map(|v| v.unwrap_or(f32::NAN)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_that_cannot_be_computed_survive_json() {
        let score = SubjectScore { n_epochs: 1, r: f64::NAN, r_over_time: vec![0.5, f64::NAN] };
        let text = serde_json::to_string(&score).expect("writes");
        let read: SubjectScore = serde_json::from_str(&text).expect("reads");
        assert!(read.r.is_nan() && read.r_over_time[1].is_nan());
        assert!((read.r_over_time[0] - 0.5).abs() < f64::EPSILON);

        let rows = vec![vec![1.0, f32::NAN]];
        let evoked = Evoked {
            condition: "target".to_owned(),
            n_epochs: 1,
            truth: rows.clone(),
            predicted: IndexMap::from([("trf".to_owned(), rows)]),
        };
        let text = serde_json::to_string(&evoked).expect("writes");
        let read: Evoked = serde_json::from_str(&text).expect("reads");
        assert!(read.truth[0][1].is_nan() && read.predicted["trf"][0][1].is_nan());
        assert!((read.truth[0][0] - 1.0).abs() < f32::EPSILON);
    }
}
