//! From single subjects' responses by state to what is reported.

use indexmap::IndexMap;
use ndarray::{Array2, Array3, ArrayRef3, Axis};

use super::modulation::gains;
use super::{BinSpec, By, StateBin, States};
use crate::Result;
use crate::data::Dataset;
use crate::metrics::{bootstrap_interval, mean_of};
use crate::results::{CapturedResult, ClusterSummary, ModulationResult, StateBinResult, StateResult, SubjectState};
use crate::stats::{
    LEAST_SUBJECTS, PermutationSpec, Places, Tail, bootstrap_mean, false_discovery_rate, group_note, test_group,
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
    /// First sample of the scored times; what lies in the window in which the rhythm was measured never counts.
    pub score_from: usize,
    /// Sign flips of the cluster tests.
    pub flips: PermutationSpec,
}

impl StateSummarySpec {
    /// First sample that counts.
    fn from(&self) -> usize {
        self.score_from.max(self.bins.window.end)
    }
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
        scored: [at(spec.from()), at(times.len())],
        channels: spec.bins.channels.iter().map(|&c| channels[c].name.clone()).collect(),
        notes: vec![format!("not computed: {reason}")],
        bins: Vec::new(),
        subjects: IndexMap::new(),
        truth: ModulationResult { contrast: f64::NAN, ..ModulationResult::default() },
        models: IndexMap::new(),
    }
}

/// Summarises responses by state, models named in the order in which they were given to [`analyse`](super::analyse()), with
/// tests across subjects where there are enough.
///
/// # Errors
/// As [`cluster_test`](crate::stats::cluster_test).
pub fn summarise(dataset: &Dataset, models: &[&str], states: &States, spec: &StateSummarySpec) -> Result<StateResult> {
    let times = dataset.times();
    let from = spec.from();
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
    Ok(StateResult {
        notes,
        bins: (0..spec.bins.n_bins).map(|bin| mean_bin(states, models, bin)).collect(),
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
            ..modulation(states, from, &truth, |bin| &bin.truth)
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
    let found = states.captured(model, from);
    let r: Vec<f64> = found.iter().map(|captured| captured.r).collect();
    // What lies before was shown to models, or is not scored.
    let at = |t: usize| {
        let r = |captured: &super::Captured| if t < from { f64::NAN } else { captured.r_over_time[t] };
        found.iter().map(r).collect::<Vec<f64>>()
    };
    let n_times = found.first().map_or(0, |captured| captured.r_over_time.len());
    let limits = |t: usize| {
        let interval = bootstrap_mean(&at(t), 0.95, N_RESAMPLES, BOOTSTRAP_SEED);
        interval.map_or([f64::NAN; 2], |interval| [interval.low, interval.high])
    };
    let maps: Vec<_> = found.iter().map(|captured| captured.map.view()).collect();
    let maps = ndarray::stack(Axis(0), &maps).expect("subjects' maps have the same shape");
    Ok(CapturedResult {
        modulation: modulation(states, from, &states.predicted(model), |bin| &bin.predicted[model]),
        r: mean_of(r.iter().copied()),
        subjects: states.subjects.iter().map(|s| s.subject.clone()).zip(r.iter().copied()).collect(),
        confidence: bootstrap_interval(&r, BOOTSTRAP_SEED),
        test: test_group(&r, Tail::Positive),
        q: None,
        over_time: (0..n_times).map(|t| mean_of(at(t).into_iter())).collect(),
        over_time_confidence: if found.len() >= 3 { (0..n_times).map(limits).collect() } else { Vec::new() },
        map: mean_rows(&maps),
        clusters: clusters(&maps, Tail::Positive)?,
    })
}

fn modulation(
    states: &States,
    from: usize,
    difference: &Array3<f64>,
    of: impl Fn(&StateBin) -> &Array2<f64>,
) -> ModulationResult {
    let gains: IndexMap<String, Vec<f64>> =
        states.subjects.iter().map(|s| (s.subject.clone(), gains(&s.bins, &of, from, s.template.as_ref()))).collect();
    let contrast = |gains: &Vec<f64>| {
        let (plus, minus) = states.by.contrast(gains.len());
        gains[plus] - gains[minus]
    };
    let contrasts: Vec<f64> = gains.values().map(contrast).collect();
    ModulationResult {
        difference: mean_rows(difference),
        gains,
        contrast: mean_of(contrasts.iter().copied()),
        confidence: bootstrap_interval(&contrasts, BOOTSTRAP_SEED),
        test: test_group(&contrasts, Tail::Both),
        clusters: None,
    }
}

fn mean_bin(states: &States, models: &[&str], bin: usize) -> StateBinResult {
    let mean = |of: &dyn Fn(&StateBin) -> &Array2<f64>| {
        let maps: Vec<_> = states.subjects.iter().map(|s| of(&s.bins[bin]).view()).collect();
        mean_rows(&ndarray::stack(Axis(0), &maps).expect("subjects' responses have the same shape"))
    };
    let predicted =
        models.iter().enumerate().map(|(m, name)| ((*name).to_owned(), mean(&|bin: &StateBin| &bin.predicted[m])));
    StateBinResult {
        n_epochs: states.subjects.iter().map(|s| s.bins[bin].n_epochs).sum(),
        value: mean_of(states.subjects.iter().map(|s| s.bins[bin].value)),
        truth: mean(&|bin| &bin.truth),
        predicted: predicted.collect(),
    }
}

/// Mean over subjects, per channel, per time; to five decimals of scaled units, beyond which there is noise only.
fn mean_rows(maps: &ArrayRef3<f64>) -> Vec<Vec<f32>> {
    let (_, n_channels, n_times) = maps.dim();
    let mean = |c: usize, t: usize| {
        let mean = mean_of(maps.slice(ndarray::s![.., c, t]).iter().copied());
        ((mean * 1e5).round() / 1e5) as f32
    };
    (0..n_channels).map(|c| (0..n_times).map(|t| mean(c, t)).collect()).collect()
}
