//! What the processing of a study alone predicts, and how far its filters reach.

use std::collections::BTreeMap;

use dre::data::{Dataset, ReachAudit, Set, SplitSpec};
use dre::floor::{LEAK_DURATIONS, leak, processing_floor};
use dre::results::{FloorResult, LeakCurve, LeakResult};
use dre::signal::{ImpulseResponse, Preparation};

use super::{Job, Result};
use crate::cohort::{CohortFolder, Recorded};
use crate::study::ModelSpec;

/// What was done to the recordings of a cohort, once for those that were recorded alike.
pub(super) struct Processing {
    /// Impulse response and steps of each kind.
    kinds: Vec<(ImpulseResponse, Vec<String>)>,
    /// By recording of the cohort.
    kind_of: Vec<usize>,
}

impl Processing {
    /// Designs the filters of the study again, for each kind of recording that the cohort was made of.
    ///
    /// # Errors
    /// Those of [`Preparation::new`].
    pub(super) fn new(job: &Job, cohort: &CohortFolder) -> Result<Self> {
        let (mut kinds, mut kind_of) = (Vec::new(), Vec::new());
        // The length of a recording counts for its last samples alone.
        let key = |recorded: &Recorded| (recorded.sfreq.to_bits(), recorded.lowpass.map(f64::to_bits));
        let mut known: BTreeMap<(u64, Option<u64>), usize> = BTreeMap::new();
        for recording in &cohort.info.recordings {
            let recorded = &recording.recorded;
            let kind = if let Some(&kind) = known.get(&key(recorded)) {
                kind
            } else {
                let preparation =
                    Preparation::new(&job.study.prepare, recorded.sfreq, recorded.n_times, recorded.lowpass)?;
                kinds.push((preparation.response(), preparation.steps()));
                known.insert(key(recorded), kinds.len() - 1);
                kinds.len() - 1
            };
            kind_of.push(kind);
        }
        Ok(Self { kinds, kind_of })
    }

    /// The impulse response of all that was done to a recording, by its index in the cohort.
    fn response(&self, recording: usize) -> &ImpulseResponse {
        &self.kinds[self.kind_of[recording]].0
    }

    /// What the audit says of the filters.
    pub(super) fn audit(&self, data: &Dataset) -> ReachAudit {
        data.reach_audit(|recording| self.response(recording))
    }

    /// What processing alone predicts, for each init window of `models` (names and numbers of samples), ascending; scores count
    /// from `score_from` (s) on.
    ///
    /// # Errors
    /// Those of [`processing_floor`].
    pub(super) fn floors(
        &self,
        data: &Dataset,
        models: &[(String, usize)],
        score_from: f64,
    ) -> Result<Vec<FloorResult>> {
        let times = data.times();
        let mut windows: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for (name, n) in models.iter().filter(|(_, n)| (1..times.len()).contains(n)) {
            windows.entry(*n).or_default().push(name.clone());
        }
        let mut weights = vec![0.0; self.kinds.len()];
        data.epochs(Set::Test).iter().for_each(|epoch| weights[self.kind_of[epoch.recording]] += 1.0);
        let used: Vec<(&ImpulseResponse, f64)> =
            self.kinds.iter().map(|kind| &kind.0).zip(weights).filter(|(_, weight)| *weight > 0.0).collect();
        let total: f64 = used.iter().map(|(_, weight)| weight).sum();
        let mut steps: Vec<String> = Vec::new();
        for step in self.kinds.iter().flat_map(|kind| &kind.1) {
            if !steps.contains(step) {
                steps.push(step.clone());
            }
        }
        steps.extend(baseline_step(data));
        windows
            .into_iter()
            .map(|(n_init_times, models)| {
                let mut r_over_time = vec![0.0; times.len()];
                let latencies = times[n_init_times..].to_vec();
                let mut curves = LEAK_DURATIONS.map(|duration| LeakCurve {
                    duration,
                    shares: vec![0.0; latencies.len()],
                    mean: 0.0,
                });
                for (response, weight) in &used {
                    let baseline = data.window().baseline.clone();
                    let r = processing_floor(response, data.sfreq(), times.len(), baseline, n_init_times)?;
                    r_over_time.iter_mut().zip(r).for_each(|(sum, r)| *sum += r * weight / total);
                    for curve in &mut curves {
                        let leak = leak(response, &times, n_init_times, curve.duration)?;
                        curve
                            .shares
                            .iter_mut()
                            .zip(leak.shares)
                            .for_each(|(sum, share)| *sum += share * weight / total);
                        curve.mean += leak.mean * weight / total;
                    }
                }
                let leak = LeakResult { latencies, curves: curves.into() };
                let scored = times.iter().zip(&r_over_time).filter(|(time, r)| **time >= score_from && r.is_finite());
                let (sum, n) = scored.fold((0.0, 0.0), |(sum, n), (_, r)| (sum + r, n + 1.0));
                Ok(FloorResult { n_init_times, models, mean_r: sum / n, r_over_time, leak, steps: steps.clone() })
            })
            .collect()
    }
}

/// Names of the study's models with the lengths of their init windows.
pub(super) fn init_windows(job: &Job) -> Vec<(String, usize)> {
    job.study.models.iter().map(|(name, spec): (_, &ModelSpec)| (name.clone(), spec.n_init_times())).collect()
}

/// The split of the study with all that is left open decided on: the study's seed, and a gap as long as the filters reach.
pub(super) fn resolved_split(job: &Job, cohort: &CohortFolder) -> SplitSpec {
    let mut split = job.study.split.clone();
    split.seed.get_or_insert(job.study.seed);
    split.gap.get_or_insert(cohort.info.reach);
    split
}

fn baseline_step(data: &Dataset) -> Option<String> {
    let window = data.window().baseline.as_ref()?;
    let time = |sample: usize| ((data.window().first + sample as isize) as f64 / data.sfreq() * 1e6).round() / 1e6;
    Some(format!("baseline {} to {} s", time(window.start), time(window.end - 1)))
}
