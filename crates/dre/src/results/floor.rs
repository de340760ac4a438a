//! What processing alone predicts.

use serde::{Deserialize, Serialize};

use super::null_is_nan;

/// What filters, resampling and a baseline alone let a model predict from its init window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FloorResult {
    /// Number of samples of the init window.
    pub n_init_times: usize,
    /// Models that are given these.
    pub models: Vec<String>,
    /// Mean of `r_over_time` over the times that are scored.
    #[serde(deserialize_with = "null_is_nan::one")]
    pub mean_r: f64,
    /// The r that the best linear prediction from the init window reaches where the recording is white noise, per time
    /// ([`crate::floor::processing_floor`]); NaN inside the init window. Mean over recordings, weighted by their test epochs.
    #[serde(deserialize_with = "null_is_nan::many")]
    pub r_over_time: Vec<f64>,
    /// What the filters carry from a response into the init window.
    pub leak: LeakResult,
    /// The processing that this follows from, as people describe it.
    pub steps: Vec<String>,
}

/// How much of a response the filters carry into the init window; see [`crate::floor::leak`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LeakResult {
    /// Latencies (s) at which the response starts: the times of the epoch after the init window.
    pub latencies: Vec<f64>,
    /// For responses of different durations, the shortest (an impulse) first.
    pub curves: Vec<LeakCurve>,
}

/// The leak of a response of one duration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LeakCurve {
    /// Duration (s) of the response; 0 for an impulse.
    pub duration: f64,
    /// Share (0 to 1) of the energy of the filtered response that lies inside the init window, for each latency. Mean over
    /// recordings, weighted by their test epochs.
    pub shares: Vec<f64>,
    /// Mean of `shares`.
    pub mean: f64,
}

impl LeakResult {
    /// Whether nothing leaks, as with causal filters.
    pub fn is_none(&self) -> bool {
        self.curves.iter().all(|curve| curve.shares.iter().all(|share| *share == 0.0))
    }
}

impl FloorResult {
    /// The first time (s) from which on the floor stays below `r`; none where it does not.
    pub fn falls_below(&self, r: f64, times: &[f64]) -> Option<f64> {
        let above = self.r_over_time.iter().rposition(|value| *value >= r).map_or(self.n_init_times, |last| last + 1);
        times.get(above.max(self.n_init_times)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_floor_falls_below_a_limit() {
        let floor = |r: &[f64]| FloorResult {
            n_init_times: 1,
            models: Vec::new(),
            mean_r: f64::NAN,
            r_over_time: r.to_vec(),
            leak: LeakResult::default(),
            steps: Vec::new(),
        };
        let times = [0.0, 0.1, 0.2, 0.3];
        assert_eq!(floor(&[f64::NAN, 0.9, 0.01, 0.02]).falls_below(0.05, &times), Some(0.2));
        assert_eq!(floor(&[f64::NAN, 0.9, 0.01, 0.06]).falls_below(0.05, &times), None);
        assert_eq!(floor(&[f64::NAN, 0.0, 0.0, 0.0]).falls_below(0.05, &times), Some(0.1));
        let text = serde_json::to_string(&floor(&[f64::NAN, 0.5])).unwrap();
        let read: FloorResult = serde_json::from_str(&text).unwrap();
        assert!(read.r_over_time[0].is_nan() && read.mean_r.is_nan());
    }
}
