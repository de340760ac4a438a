//! From maps of single subjects to what is reported.

use ndarray::{Array3, Axis, s};

use super::{Found, Mode, Target};
use crate::data::Dataset;
use crate::metrics::{Window, bootstrap_interval, mean_of};
use crate::results::{ClusterResult, ClusterSummary, ImportanceResult, SubjectImportance, WindowImportance};
use crate::stats::{
    Enhancement, LEAST_SUBJECTS, PermutationSpec, Places, SIGNIFICANT, Tail, bootstrap_mean, false_discovery_rate,
    group_note, signed_rank, test_group, tfce_test,
};
use crate::{Result, Stop};

/// Resamples of the intervals over time.
const N_RESAMPLES: usize = 2000;
/// Seed of the bootstrap, the same for all intervals so that they do not depend on their order.
const BOOTSTRAP_SEED: u64 = 0;

/// How findings are summarised.
#[derive(Clone, Debug, PartialEq)]
pub struct SummarySpec {
    /// Samples of the epoch that count for means and tests.
    pub window: std::ops::Range<usize>,
    /// Whether threshold-free cluster enhancement is computed.
    pub tfce: bool,
    /// Seed of the sign flips.
    pub seed: u64,
    /// Threads; they do not change the result.
    pub n_threads: usize,
    /// Ends the work with [`Error::Stopped`](crate::Error::Stopped).
    pub stop: Stop,
}

/// Summarises what was found for one model, with tests across subjects where there are enough.
///
/// Whether Δr lies above 0 is tested one-sided, since a permuted input helps a prediction by chance alone: the signed-rank
/// test on the subjects' means (adjusted over all targets of the model) and at each time (adjusted over times), and
/// clusters over channels and times by sign flips of whole subjects.
///
/// # Errors
/// As [`crate::stats::cluster_test`].
pub fn summarise(dataset: &Dataset, model: &str, found: &[Found], spec: &SummarySpec) -> Result<Vec<ImportanceResult>> {
    let mut results = found
        .iter()
        .map(|found| {
            spec.stop.check()?;
            one(dataset, model, found, spec)
        })
        .collect::<Result<Vec<_>>>()?;
    let p: Vec<f64> = results.iter().map(|result| result.test.map_or(f64::NAN, |test| test.p)).collect();
    for (result, q) in results.iter_mut().zip(false_discovery_rate(&p)) {
        result.q = q.is_finite().then_some(q);
    }
    Ok(results)
}

/// What was found for one model in each of some windows: a list for each of `found`, in the order of `windows`.
///
/// Tested as [`summarise`] does; p is adjusted for all inputs and windows together.
///
/// # Panics
/// Where a window does not fit the data set.
pub fn summarise_windows(dataset: &Dataset, found: &[Found], windows: &[Window]) -> Vec<Vec<WindowImportance>> {
    let one = |found: &Found, window: &Window| {
        let deltas: Vec<f64> = found.subjects.iter().map(|subject| window.mean(&subject.delta)).collect();
        let labels = found.subjects.iter().map(|subject| dataset.subjects()[subject.subject].clone());
        WindowImportance {
            name: window.name.clone(),
            delta_r: mean_of(deltas.iter().copied()),
            subjects: labels.zip(deltas.iter().map(|delta| delta.is_finite().then_some(*delta))).collect(),
            confidence: bootstrap_interval(&deltas, BOOTSTRAP_SEED),
            test: test_group(&deltas, Tail::Positive),
            q: None,
        }
    };
    let mut results: Vec<Vec<WindowImportance>> =
        found.iter().map(|found| windows.iter().map(|window| one(found, window)).collect()).collect();
    let p: Vec<f64> = results.iter().flatten().map(|own| own.test.map_or(f64::NAN, |test| test.p)).collect();
    for (own, q) in results.iter_mut().flatten().zip(false_discovery_rate(&p)) {
        own.q = q.is_finite().then_some(q);
    }
    results
}

fn one(dataset: &Dataset, model: &str, found: &Found, spec: &SummarySpec) -> Result<ImportanceResult> {
    let times = dataset.times();
    let window = spec.window.clone();
    let target = &found.target;
    let maps: Vec<_> = found.subjects.iter().map(|subject| subject.delta.view()).collect();
    let maps = ndarray::stack(Axis(0), &maps).unwrap_or_else(|_| Array3::zeros((0, dataset.n_channels(), times.len())));
    let n_subjects = found.subjects.len();
    let deltas: Vec<f64> = found.subjects.iter().map(|s| s.mean_r - mean_of(s.permuted_r.iter().copied())).collect();
    // Mean over channels of each subject, per time.
    let courses: Vec<Vec<f64>> = maps
        .outer_iter()
        .map(|map| (0..times.len()).map(|t| mean_of(map.column(t).iter().copied())).collect())
        .collect();
    let at = |t: usize| courses.iter().map(|course| course[t]).collect::<Vec<f64>>();
    let over_time: Vec<f64> = (0..times.len()).map(|t| mean_of(at(t).into_iter())).collect();
    let limits = |t: usize| {
        let interval = bootstrap_mean(&at(t), 0.95, N_RESAMPLES, BOOTSTRAP_SEED);
        interval.map_or([f64::NAN; 2], |interval| [interval.low, interval.high])
    };
    let peak =
        window.clone().filter(|&t| over_time[t].is_finite()).max_by(|&a, &b| over_time[a].total_cmp(&over_time[b]));
    let p_over_time = |t: usize| match signed_rank(&at(t), Tail::Positive) {
        Some(test) if window.contains(&t) => test.p,
        _ => f64::NAN,
    };
    let is_group = n_subjects >= LEAST_SUBJECTS;
    let map = |c: usize| (0..times.len()).map(|t| mean_of(maps.slice(s![.., c, t]).iter().copied()) as f32).collect();
    let (clusters, tfce) = if is_group { clusters(dataset, &maps, spec)? } else { (None, None) };
    Ok(ImportanceResult {
        model: model.to_owned(),
        name: target.name.clone(),
        features: target.features.iter().map(|&f| dataset.features()[f].clone()).collect(),
        mode: target.mode,
        conditional: target.conditional,
        n_permutations: target.n_permutations,
        explained_by_others: found.explained_by_others,
        notes: notes(dataset, found),
        subjects: found
            .subjects
            .iter()
            .zip(deltas.iter().zip(&courses))
            .map(|(s, (&delta_r, course))| {
                let n = s.permuted_r.len() as f64;
                let mean = mean_of(s.permuted_r.iter().copied());
                let squares: f64 = s.permuted_r.iter().map(|r| (r - mean).powi(2)).sum();
                let as_high = s.permuted_r.iter().filter(|r| **r >= s.mean_r).count() as f64;
                let own = SubjectImportance {
                    n_epochs: s.n_epochs,
                    r: s.mean_r,
                    delta_r,
                    sd: (squares / (n - 1.0).max(1.0)).sqrt(),
                    p: (1.0 + as_high) / (1.0 + n),
                    over_time: course.clone(),
                };
                (dataset.subjects()[s.subject].clone(), own)
            })
            .collect(),
        delta_r: mean_of(deltas.iter().copied()),
        confidence: bootstrap_interval(&deltas, BOOTSTRAP_SEED),
        test: test_group(&deltas, Tail::Positive),
        q: None,
        window: [times[window.start], times[window.end - 1]],
        windows: Vec::new(),
        over_time_confidence: if is_group { (0..times.len()).map(limits).collect() } else { Vec::new() },
        over_time_q: if is_group {
            false_discovery_rate(&(0..times.len()).map(p_over_time).collect::<Vec<_>>())
        } else {
            Vec::new()
        },
        peak: peak.map(|t| times[t]),
        map: if n_subjects > 0 { (0..dataset.n_channels()).map(map).collect() } else { Vec::new() },
        over_time: if n_subjects > 0 { over_time } else { Vec::new() },
        clusters,
        tfce,
    })
}

/// What people should know beside the numbers.
fn notes(dataset: &Dataset, found: &Found) -> Vec<String> {
    let Target { features, mode, .. } = &found.target;
    let mut notes = Vec::new();
    let n_subjects = found.subjects.len();
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for (subject, reason) in &found.left_out {
        let label = dataset.subjects()[*subject].as_str();
        match reasons.iter_mut().find(|(other, _)| other == reason) {
            Some((_, labels)) => labels.push(label),
            None => reasons.push((reason, vec![label])),
        }
    }
    for (reason, labels) in reasons {
        notes.push(if n_subjects == 0 {
            format!("not computed: {reason}")
        } else {
            format!("without {}: {reason}", labels.join(", "))
        });
    }
    if *mode == Mode::Event || *mode == Mode::Epoch {
        if !found.continuous.is_empty() {
            let names: Vec<&str> = found.continuous.iter().map(|&f| dataset.features()[f].as_str()).collect();
            notes.push(format!("continuous, so whole stretches of epochs are exchanged: {}", names.join(", ")));
        }
        let constant: Vec<&str> = features
            .iter()
            .filter(|&&f| dataset.feature_scaler().constant[f])
            .map(|&f| dataset.features()[f].as_str())
            .collect();
        if !constant.is_empty() {
            notes.push(format!("constant over the training epochs: {}", constant.join(", ")));
        }
    }
    if n_subjects > 0 {
        notes.extend(group_note(n_subjects));
    }
    notes
}

type Summaries = (Option<ClusterSummary>, Option<ClusterSummary>);

fn clusters(dataset: &Dataset, maps: &Array3<f64>, spec: &SummarySpec) -> Result<Summaries> {
    let times = dataset.times();
    let places = Places { channels: &dataset.cohort().channels, times: &times, window: spec.window.clone() };
    let flips = PermutationSpec {
        seed: spec.seed,
        n_threads: spec.n_threads,
        stop: spec.stop.clone(),
        ..PermutationSpec::default()
    };
    let summary = places.test(maps, Tail::Positive, &flips)?;
    if !spec.tfce {
        return Ok((Some(summary), None));
    }
    let (adjacency, _) = places.adjacency();
    let inside = maps.slice(s![.., .., spec.window.clone()]);
    let (scores, p) = tfce_test(&inside, &adjacency, &Enhancement::default(), Tail::Positive, &flips)?;
    let is_in = |c: usize, t: usize| scores[[c, t]] > 0.0 && p[[c, t]] <= SIGNIFICANT;
    let mut significant: Vec<ClusterResult> = adjacency
        .joined(spec.window.len(), is_in)
        .iter()
        .map(|points| places.described(points, points.iter().map(|&(c, t)| p[[c, t]]).fold(1.0, f64::min)))
        .collect();
    significant.sort_by(|a, b| a.p.total_cmp(&b.p).then(b.points.len().cmp(&a.points.len())));
    let smallest = p.iter().zip(&scores).filter(|(_, score)| **score > 0.0).map(|(&p, _)| p).reduce(f64::min);
    let tfce = ClusterSummary { smallest_p: smallest, significant, ..summary.clone() };
    Ok((Some(summary), Some(tfce)))
}
