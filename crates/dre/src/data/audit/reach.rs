//! What the filters carry from one set to another.

use serde::{Deserialize, Serialize};

use crate::data::split::{REACH_SHARE, n_sharing};
use crate::data::{Dataset, Set};
use crate::signal::ImpulseResponse;

/// How far the filters reach across the borders between sets.
///
/// A prepared sample depends on the recorded ones around it, as far as the filters' impulse response lasts; epochs of different sets
/// that are nearer to each other than that depend on the same recorded samples, even where they share no prepared one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReachAudit {
    /// Stretch (s) left free between epochs of different sets, beyond their own overlap.
    pub gap: f64,
    /// Share of the energy of the impulse response that counts as its reach.
    pub share: f64,
    /// Length (s) of the shortest stretch around zero delay that holds this share; the longest over recordings.
    pub reach: f64,
    /// Length (s) of the whole impulse response; the longest over recordings.
    pub whole: f64,
    /// Pairs of a training and a validation epoch that are nearer to each other than the reach.
    pub n_train_within_valid: usize,
    /// Pairs of a training and a test epoch that are nearer to each other than the reach.
    pub n_train_within_test: usize,
    /// Pairs of a validation and a test epoch that are nearer to each other than the reach.
    pub n_valid_within_test: usize,
    /// The largest share (0 to 1) of the energy of the response to an impulse in one epoch that lies in or beyond the nearest epoch
    /// of another set; 0 where no recording holds epochs of two sets.
    pub crossing: f64,
}

impl ReachAudit {
    /// Number of pairs within reach.
    pub fn n_pairs(&self) -> usize {
        self.n_train_within_valid + self.n_train_within_test + self.n_valid_within_test
    }

    /// What a reader should know of; none where no pair is within reach.
    pub(super) fn finding(&self) -> Option<String> {
        (self.n_pairs() > 0).then(|| {
            format!(
                "epochs of different sets lie within the filters' reach of each other ({:.3} s hold {} % of the energy of their impulse \
                 response; split.gap = {:.3} s): {} pairs of training and validation, {} of training and test, {} of validation and \
                 test epochs; up to {:.2} % of the energy of a response crosses from one set to the other",
                self.reach,
                100.0 * self.share,
                self.gap,
                self.n_train_within_valid,
                self.n_train_within_test,
                self.n_valid_within_test,
                100.0 * self.crossing
            )
        })
    }
}

impl Dataset {
    /// Counts the epochs of different sets that lie within reach of each other's filters; `response` gives the impulse response of
    /// all that was done to a recording, by its index in the cohort.
    pub fn reach_audit<'a>(&self, response: impl Fn(usize) -> &'a ImpulseResponse) -> ReachAudit {
        let mut found = ReachAudit {
            gap: self.split().gap.unwrap_or(0.0),
            share: REACH_SHARE,
            reach: 0.0,
            whole: 0.0,
            n_train_within_valid: 0,
            n_train_within_test: 0,
            n_valid_within_test: 0,
            crossing: 0.0,
        };
        let n_times = self.n_times();
        for recording in 0..self.cohort().recordings.len() {
            let starts = Set::ALL.map(|set| {
                let own = self.epochs(set).iter().filter(|epoch| epoch.recording == recording);
                let mut starts: Vec<usize> = own.map(|epoch| epoch.start).collect();
                starts.sort_unstable();
                starts
            });
            if starts.iter().all(Vec::is_empty) {
                continue;
            }
            let response = response(recording);
            let [before, after] = response.span(REACH_SHARE);
            found.reach = found.reach.max(before + after);
            found.whole = found.whole.max((response.taps.len() - 1) as f64 / response.sfreq);
            // As many samples as fit between two epochs that are just out of reach.
            let free = ((before + after) * self.sfreq() - 1e-6).ceil().max(0.0) as usize;
            let [train, valid, test] = &starts;
            let within =
                |a: &[usize], b: &[usize]| a.iter().map(|&start| n_sharing(start, b, n_times + free)).sum::<usize>();
            found.n_train_within_valid += within(train, valid);
            found.n_train_within_test += within(train, test);
            found.n_valid_within_test += within(valid, test);
            for (a, b) in [(train, valid), (train, test), (valid, test)] {
                if let Some(nearest) = nearest(a, b) {
                    let distance = (nearest + 1).saturating_sub(n_times) as f64 / self.sfreq();
                    found.crossing = found.crossing.max(beyond(response, distance));
                }
            }
        }
        found
    }
}

/// The least distance between a sample of one list and one of the other, both ascending.
fn nearest(a: &[usize], b: &[usize]) -> Option<usize> {
    let to = |start: &usize| {
        let place = b.partition_point(|other| other < start);
        let around = b[place.saturating_sub(1)..].iter().take(2);
        around.map(|other| other.abs_diff(*start)).min()
    };
    a.iter().filter_map(to).min()
}

/// Share of the energy of a response that lies `distance` (s) or more from the impulse, on the side where it is larger.
fn beyond(response: &ImpulseResponse, distance: f64) -> f64 {
    let energy = |taps: &[f64]| taps.iter().map(|tap| tap * tap).sum::<f64>();
    let samples = (distance * response.sfreq - 1e-6).ceil().max(0.0) as usize;
    let n = response.taps.len();
    let before = response.origin.checked_sub(samples).map_or(0.0, |last| energy(&response.taps[..=last.min(n - 1)]));
    let after = energy(&response.taps[(response.origin + samples).min(n)..]);
    before.max(after) / energy(&response.taps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energy_beyond_a_distance_by_hand() {
        let response = ImpulseResponse { taps: vec![1.0, 2.0, 3.0, 2.0, 2.0], origin: 2, sfreq: 10.0 };
        for (distance, expected) in
            [(0.0, 17.0 / 22.0), (0.1, 8.0 / 22.0), (0.15, 4.0 / 22.0), (0.2, 4.0 / 22.0), (0.3, 0.0)]
        {
            assert!((beyond(&response, distance) - expected).abs() < 1e-12, "{distance}");
        }
        assert_eq!((nearest(&[3, 50], &[10, 47, 90]), nearest(&[], &[1]), nearest(&[4], &[])), (Some(3), None, None));
    }
}
