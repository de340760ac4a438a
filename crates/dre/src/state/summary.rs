//! From single subjects' responses by state to what is reported.

use indexmap::IndexMap;
use ndarray::{Array2, ArrayRef3, Axis};

use super::modulation::gains;
use super::{BinSpec, By, Captured, StateBin, States, SubjectStates};
use crate::Result;
use crate::data::Dataset;
use crate::metrics::{bootstrap_interval, mean_of};
use crate::results::{
    CapturedResult, ClusterSummary, ComparisonResult, ModulationResult, StateBinResult, StateMaps, StateResult,
    SubjectCaptured, SubjectState,
};
use crate::stats::{
    LEAST_SUBJECTS, PermutationSpec, Places, Tail, adjust_comparisons, bootstrap_mean, compare_models,
    false_discovery_rate, group_note, test_group,
};

/// Resamples of the intervals over time.
const N_RESAMPLES: usize = 2000;
/// Seed of the bootstrap, the same for all intervals so that they do not depend on their order.
const BOOTSTRAP_SEED: u64 = 0;
/// Fewest channels over which a map's r means something.
const LEAST_CHANNELS: usize = 3;

/// How states are summarised.
#[derive(Clone, Debug, PartialEq)]
pub struct StateSummarySpec {
    /// How states were told.
    pub bins: BinSpec,
    /// Sign flips of the cluster tests.
    pub flips: PermutationSpec,
    /// The model that sees the stimulus alone, whose r across halves is taken off that of the others; an index into the models.
    pub reference: Option<usize>,
}

/// A result that says why there is none.
pub fn not_computed(dataset: &Dataset, by: By, spec: &StateSummarySpec, reason: &str) -> StateResult {
    let times = dataset.times();
    let at = |sample: usize| times[sample.min(times.len() - 1)];
    let channels = &dataset.cohort().channels;
    StateResult {
        by,
        band: spec.bins.band,
        window: [at(spec.bins.window.start), at(spec.bins.window.end.saturating_sub(1))],
        scored: [at(spec.bins.first()), at(times.len())],
        channels: spec.bins.channels.iter().map(|&c| channels[c].name.clone()).collect(),
        notes: vec![format!("not computed: {reason}")],
        bins: Vec::new(),
        subjects: IndexMap::new(),
        truth: ModulationResult { contrast: f64::NAN, ..ModulationResult::default() },
        models: IndexMap::new(),
        comparisons: Vec::new(),
        maps: None,
    }
}

/// Summarises responses by state, models named in the order in which they were given to [`analyse`](super::analyse()), with
/// tests across subjects where there are enough.
///
/// # Errors
/// As [`cluster_test`](crate::stats::cluster_test).
pub fn summarise(dataset: &Dataset, models: &[&str], states: &States, spec: &StateSummarySpec) -> Result<StateResult> {
    let times = dataset.times();
    let from = spec.bins.first();
    let by = states.by;
    let none = |reason: &str| Ok(not_computed(dataset, by, spec, reason));
    if from >= times.len() {
        return none("no sample of the epoch is scored after the window in which the rhythm is measured");
    }
    let left_out = grouped(&states.left_out);
    if states.subjects.is_empty() {
        let reasons: Vec<&str> = left_out.iter().map(|(reason, _)| reason.as_str()).collect();
        return none(reasons.first().copied().unwrap_or("no subject has test epochs"));
    }
    let places = Places { channels: &dataset.cohort().channels, times: &times, window: from..times.len() };
    let is_group = states.subjects.len() >= LEAST_SUBJECTS;
    let clusters = |maps: &ArrayRef3<f64>, tail: Tail| -> Result<Option<ClusterSummary>> {
        if is_group { places.test(maps, tail, &spec.flips).map(Some) } else { Ok(None) }
    };
    let truth = states.truth();
    let mut captured = IndexMap::new();
    for (model, name) in models.iter().enumerate() {
        captured.insert((*name).to_owned(), one(states, model, from, &clusters)?);
    }
    let p: Vec<f64> = captured.values().map(|c: &CapturedResult| c.test.map_or(f64::NAN, |test| test.p)).collect();
    for (captured, q) in captured.values_mut().zip(false_discovery_rate(&p)) {
        captured.q = q.is_finite().then_some(q);
    }
    let mut notes: Vec<String> =
        left_out.iter().map(|(reason, labels)| format!("without {}: {reason}", labels.join(", "))).collect();
    let lacks = |subject: &&SubjectStates| subject.bins.iter().any(|bin| bin.n_halves.contains(&0));
    let lacking: Vec<&str> = states.subjects.iter().filter(lacks).map(|subject| subject.subject.as_str()).collect();
    if !lacking.is_empty() {
        notes.push(format!(
            "no r across halves where a bin has no epoch in one half: {}; use fewer bins or more epochs",
            lacking.join(", ")
        ));
    }
    notes.extend(group_note(states.subjects.len()));
    if dataset.n_channels() < LEAST_CHANNELS {
        notes.push(format!(
            "no correlation over channels at single times: there {}, and it takes {LEAST_CHANNELS}",
            if dataset.n_channels() == 1 {
                "is one channel".to_owned()
            } else {
                format!("are {}", dataset.n_channels())
            }
        ));
    }
    let bin = |bin: usize| StateBinResult {
        n_epochs: states.subjects.iter().map(|s| s.bins[bin].n_epochs).sum(),
        value: mean_of(states.subjects.iter().map(|s| s.bins[bin].value)),
    };
    Ok(StateResult {
        notes,
        bins: (0..spec.bins.n_bins).map(bin).collect(),
        comparisons: spec.reference.map_or_else(Vec::new, |reference| comparisons(states, models, reference)),
        maps: Some(maps(states, models)),
        subjects: states
            .subjects
            .iter()
            .map(|s| {
                let n_epochs = s.bins.iter().map(|bin| bin.n_epochs).collect();
                (s.subject.clone(), SubjectState { frequency: s.frequency, n_epochs })
            })
            .collect(),
        truth: ModulationResult {
            clusters: clusters(&truth, Tail::Both)?,
            ..modulation(states, from, |bin| &bin.truth)
        },
        models: captured,
        ..not_computed(dataset, by, spec, "")
    })
}

/// Labels by the reason for which they were left out.
fn grouped(left_out: &[(String, String)]) -> Vec<(String, Vec<&str>)> {
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for (label, reason) in left_out {
        match reasons.iter_mut().find(|(other, _)| other == reason) {
            Some((_, labels)) => labels.push(label),
            None => reasons.push((reason.clone(), vec![label])),
        }
    }
    reasons
}

/// Clusters of maps, where there are enough subjects.
type ClusterTester<'a> = dyn Fn(&ArrayRef3<f64>, Tail) -> Result<Option<ClusterSummary>> + 'a;

fn one(states: &States, model: usize, from: usize, clusters: &ClusterTester<'_>) -> Result<CapturedResult> {
    let found: Vec<&Captured> = states.subjects.iter().map(|subject| &subject.captured[model]).collect();
    let subject = |captured: &&Captured| SubjectCaptured { r: captured.r, crossed: captured.crossed };
    let subjects: Vec<SubjectCaptured> = found.iter().map(subject).collect();
    let crossed: Vec<f64> = subjects.iter().map(|subject| subject.crossed).collect();
    // What lies before was shown to models, or is not scored.
    let counted = |t: usize, value: f64| if t < from { f64::NAN } else { value };
    let at = |t: usize, of: fn(&Captured) -> &[f64]| -> Vec<f64> {
        found.iter().map(|captured| counted(t, of(captured)[t])).collect()
    };
    let n_times = found.first().map_or(0, |captured| captured.r_over_time.len());
    let limits = |t: usize| {
        let interval =
            bootstrap_mean(&at(t, |captured| &captured.crossed_over_time), 0.95, N_RESAMPLES, BOOTSTRAP_SEED);
        interval.map_or([f64::NAN; 2], |interval| [rounded(interval.low), rounded(interval.high)])
    };
    let course = |of: fn(&Captured) -> &[f64]| -> Vec<f64> {
        (0..n_times).map(|t| rounded(mean_of(at(t, of).into_iter()))).collect()
    };
    let maps: Vec<Array2<f64>> = found.iter().map(|captured| captured.crossed_map.mapv(f64::from)).collect();
    let views: Vec<_> = maps.iter().map(|map| map.view()).collect();
    let maps = ndarray::stack(Axis(0), &views).expect("subjects' maps have the same shape");
    let labels = states.subjects.iter().map(|s| s.subject.clone());
    Ok(CapturedResult {
        modulation: modulation(states, from, |bin| &bin.predicted[model]),
        r: mean_of(subjects.iter().map(|subject| subject.r)),
        crossed: mean_of(crossed.iter().copied()),
        subjects: labels.zip(subjects).collect(),
        confidence: bootstrap_interval(&crossed, BOOTSTRAP_SEED),
        test: test_group(&crossed, Tail::Positive),
        q: None,
        over_time: course(|captured| &captured.crossed_over_time),
        over_time_confidence: if found.len() >= LEAST_SUBJECTS {
            (0..n_times).map(limits).collect()
        } else {
            Vec::new()
        },
        r_over_time: course(|captured| &captured.r_over_time),
        clusters: clusters(&maps, Tail::Positive)?,
    })
}

/// An r to five decimals, beyond which there is noise only.
fn rounded(value: f64) -> f64 {
    (value * 1e5).round() / 1e5
}

fn modulation(states: &States, from: usize, of: impl Fn(&StateBin) -> &Array2<f32>) -> ModulationResult {
    let gains: IndexMap<String, Vec<f64>> =
        states.subjects.iter().map(|s| (s.subject.clone(), gains(&s.bins, &of, from, s.template.as_ref()))).collect();
    let contrast = |gains: &Vec<f64>| {
        let (plus, minus) = states.by.contrast(gains.len());
        gains[plus] - gains[minus]
    };
    let contrasts: Vec<f64> = gains.values().map(contrast).collect();
    ModulationResult {
        gains,
        contrast: mean_of(contrasts.iter().copied()),
        confidence: bootstrap_interval(&contrasts, BOOTSTRAP_SEED),
        test: test_group(&contrasts, Tail::Both),
        clusters: None,
    }
}

/// r across halves of every other model less that of the reference, as [`compare_models`] compares scores, adjusted for all of them.
/// There is no ratio: what it would be divided by is about 0.
fn comparisons(states: &States, models: &[&str], reference: usize) -> Vec<ComparisonResult> {
    let crossed = |model: usize| -> Vec<f64> { states.subjects.iter().map(|s| s.captured[model].crossed).collect() };
    let others = (0..models.len()).filter(|&model| model != reference);
    let mut found: Vec<ComparisonResult> = others
        .flat_map(|model| {
            let pair = [(models[model], crossed(model)), (models[reference], crossed(reference))];
            compare_models(&pair, BOOTSTRAP_SEED)
        })
        .map(|comparison| ComparisonResult { ratio: None, ..comparison })
        .collect();
    adjust_comparisons(found.iter_mut());
    found
}

fn maps(states: &States, models: &[&str]) -> StateMaps {
    let mean = |of: &dyn Fn(&StateBin) -> &Array2<f32>| {
        let bins: Vec<Vec<&Array2<f32>>> =
            states.subjects.iter().map(|subject| subject.bins.iter().map(of).collect()).collect();
        mean_responses(&bins)
    };
    let predicted =
        models.iter().enumerate().map(|(m, name)| ((*name).to_owned(), mean(&|bin: &StateBin| &bin.predicted[m])));
    StateMaps { truth: mean(&|bin| &bin.truth), predicted: predicted.collect() }
}

/// Mean over the subjects that have a channel and time in all bins: per bin, per channel, per time.
fn mean_responses(subjects: &[Vec<&Array2<f32>>]) -> Vec<Vec<Vec<f32>>> {
    let Some(first) = subjects.first() else { return Vec::new() };
    let (n_channels, n_times) = first[0].dim();
    let has = |subject: &&Vec<&Array2<f32>>, at: [usize; 2]| subject.iter().all(|bin| bin[at].is_finite());
    let mean = |bin: usize, at: [usize; 2]| {
        let values = subjects.iter().filter(|subject| has(subject, at)).map(|subject| f64::from(subject[bin][at]));
        mean_of(values) as f32
    };
    let row = |bin: usize, channel: usize| (0..n_times).map(|time| mean(bin, [channel, time])).collect();
    (0..first.len()).map(|bin| (0..n_channels).map(|channel| row(bin, channel)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn bins_are_means_over_the_same_subjects() {
        let nan = f32::NAN;
        let subjects =
            [[array![[1.0, 2.0, nan]], array![[3.0, nan, nan]]], [array![[2.0, 4.0, nan]], array![[5.0, 6.0, nan]]]];
        let subjects: Vec<Vec<&Array2<f32>>> = subjects.iter().map(|bins| bins.iter().collect()).collect();
        let found = mean_responses(&subjects);
        assert_eq!((&found[0][0][..2], &found[1][0][..2]), (&[1.5, 4.0][..], &[4.0, 6.0][..]));
        assert!(found[0][0][2].is_nan());
    }
}
