//! What predictions rest on.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{TestResult, WindowImportance, null_is_nan};
use crate::importance::Mode;

/// How much r falls when one input of one model is permuted: Δr = r − r with the input permuted, mean over permutations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportanceResult {
    /// Name of the model.
    pub model: String,
    /// What was permuted: a feature, a group of features, `init window`, `subject`, `all features`.
    pub name: String,
    /// The signals that were permuted, as the cohort names them.
    pub features: Vec<String>,
    /// Which of their values.
    pub mode: Mode,
    /// Whether only what the other features do not say was permuted.
    pub conditional: bool,
    /// Number of permutations.
    pub n_permutations: usize,
    /// Share of the variance of the own events' values that the other features' explain, linearly; none where it does not
    /// apply.
    pub explained_by_others: Option<f64>,
    /// What to know about it; why there is no result where `subjects` is empty. For people.
    pub notes: Vec<String>,
    /// By subject.
    pub subjects: IndexMap<String, SubjectImportance>,
    /// Mean Δr over subjects, channels and the times of the window.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub delta_r: f64,
    /// 95 % bootstrap interval of `delta_r` across subjects; none with fewer than 5.
    pub confidence: Option<[f64; 2]>,
    /// Whether the subjects' Δr lie above 0; none with fewer than 5 subjects.
    pub test: Option<TestResult>,
    /// p of `test`, adjusted for everything that was permuted in this model (Benjamini & Hochberg 1995).
    pub q: Option<f64>,
    /// First and last time (s) of the window.
    pub window: [f64; 2],
    /// The same in each window that the study file names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<WindowImportance>,
    /// Mean Δr over subjects and channels, per time of the epoch.
    #[serde(deserialize_with = "null_is_nan::many")]
    pub over_time: Vec<f64>,
    /// 95 % bootstrap interval of `over_time`; empty with fewer than 5 subjects.
    #[serde(deserialize_with = "null_is_nan::limits")]
    pub over_time_confidence: Vec<[f64; 2]>,
    /// p of a signed-rank test at each time of the window, adjusted over them; NaN outside of it; empty with fewer than 5
    /// subjects.
    #[serde(deserialize_with = "null_is_nan::many")]
    pub over_time_q: Vec<f64>,
    /// Time (s) in the window at which `over_time` is largest.
    pub peak: Option<f64>,
    /// Mean Δr over subjects: per channel, per time.
    #[serde(deserialize_with = "null_is_nan::rows")]
    pub map: Vec<Vec<f32>>,
    /// Where Δr lies above 0, corrected for all channels and times of the window; none with fewer than 5 subjects.
    pub clusters: Option<ClusterSummary>,
    /// The same by threshold-free cluster enhancement, where it was asked for.
    pub tfce: Option<ClusterSummary>,
}

/// One subject's Δr.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubjectImportance {
    /// Number of test epochs.
    pub n_epochs: usize,
    /// Mean r over channels and the times of the window, nothing permuted.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub r: f64,
    /// Mean Δr over channels and the times of the window.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub delta_r: f64,
    /// Standard deviation (n − 1) of `delta_r` over permutations.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub sd: f64,
    /// (1 + number of permutations with an r of at least `r`) / (1 + number of permutations): the p-value of this subject
    /// alone (Phipson & Smyth 2010).
    pub p: f64,
    /// Mean Δr over channels, per time.
    #[serde(deserialize_with = "null_is_nan::many")]
    pub over_time: Vec<f64>,
}

/// Outcome of a permutation test over channels and times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterSummary {
    /// Whether sensors count as neighbours by their positions; else clusters extend in time alone.
    pub over_sensors: bool,
    /// Number of sign assignments, the observed one included.
    pub n_permutations: usize,
    /// Whether these are all there are.
    pub exact: bool,
    /// The smallest p of all clusters; none where there is no cluster.
    pub smallest_p: Option<f64>,
    /// Those with p ≤ 0.05, smallest p first.
    pub significant: Vec<ClusterResult>,
}

/// Channels and times that deviate together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterResult {
    /// First time (s).
    pub start: f64,
    /// Last time (s).
    pub end: f64,
    /// Names of the channels.
    pub channels: Vec<String>,
    /// Points as indices of channel and time of the epoch, ascending; in files as runs `[channel, first time, last time]`, since
    /// a cluster may hold most of a map.
    #[serde(with = "runs")]
    pub points: Vec<(usize, usize)>,
    /// Corrected p-value; of threshold-free enhancement, the smallest in it.
    pub p: f64,
}

/// Points as runs of times on a channel.
mod runs {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(points: &[(usize, usize)], out: S) -> Result<S::Ok, S::Error> {
        let mut runs: Vec<[usize; 3]> = Vec::new();
        for &(channel, time) in points {
            match runs.last_mut() {
                Some(run) if run[0] == channel && run[2] + 1 == time => run[2] = time,
                _ => runs.push([channel, time, time]),
            }
        }
        runs.serialize(out)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<(usize, usize)>, D::Error> {
        let runs = Vec::<[usize; 3]>::deserialize(source)?;
        Ok(runs
            .into_iter()
            .flat_map(|[channel, first, last]| (first..=last).map(move |time| (channel, time)))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_kept_as_runs() {
        let points = vec![(0, 3), (0, 4), (0, 5), (0, 7), (2, 8), (3, 9), (3, 10)];
        let cluster = ClusterResult { start: 0.0, end: 1.0, channels: Vec::new(), points, p: 0.5 };
        let text = serde_json::to_string(&cluster).expect("writes");
        assert!(text.contains("\"points\":[[0,3,5],[0,7,7],[2,8,8],[3,9,10]]"), "{text}");
        assert_eq!(serde_json::from_str::<ClusterResult>(&text).expect("reads"), cluster);
    }
}
