//! Cluster permutation tests (Maris & Oostenveld 2007) and threshold-free cluster enhancement (Smith & Nichols 2009).

use ndarray::{Array2, ArrayRef3};
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::permutation::{TStatistics, sign_flips};
use super::{Adjacency, PermutationSpec, Tail};
use crate::{Error, Result, parallel};

/// From which t on a point belongs to a cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Threshold {
    /// The t whose p-value is 0.05 under the chosen tail, as MNE-Python's default.
    #[default]
    Standard,
    /// This t, above 0.
    T(f64),
}

/// Heights at which extents are summed up, t from `start` on in steps of `step`, and their powers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Enhancement {
    /// First t, at least 0.
    pub start: f64,
    /// Step in t, above 0.
    pub step: f64,
    /// Power of the extent.
    pub extent_power: f64,
    /// Power of the height.
    pub height_power: f64,
}

impl Default for Enhancement {
    /// 0 and 0.2; the powers of Smith & Nichols, 0.5 and 2.
    fn default() -> Self {
        Self { start: 0.0, step: 0.2, extent_power: 0.5, height_power: 2.0 }
    }
}

/// Points that touch in time or over neighbouring sensors and deviate in the same direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// `(channel, time)`, ascending.
    pub points: Vec<(usize, usize)>,
    /// Sum of t.
    pub statistic: f64,
    /// Share of permutations whose largest cluster is at least this large.
    pub p: f64,
}

/// Outcome of a cluster test.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterTest {
    /// t, `(n_channels, n_times)`; NaN where fewer than two subjects have a value.
    pub t: Array2<f64>,
    /// The t from which on points were joined.
    pub threshold: f64,
    /// Clusters, smallest p first.
    pub clusters: Vec<Cluster>,
    /// Number of permutations, the observed one included.
    pub n_permutations: usize,
    /// Whether these are all there are.
    pub is_exact: bool,
}

/// Tests where maps `(n_subjects, n_channels, n_times)` differ from 0, by sign flips of whole subjects and the largest
/// cluster of each permutation, as MNE-Python's `permutation_cluster_1samp_test` does.
///
/// # Errors
/// [`Error::Setting`] for fewer than two subjects or a threshold not above 0; [`Error::Shape`] where the neighbours are
/// not those of the maps' channels.
pub fn cluster_test(
    maps: &ArrayRef3<f64>,
    adjacency: &Adjacency,
    threshold: Threshold,
    tail: Tail,
    spec: &PermutationSpec,
) -> Result<ClusterTest> {
    check(maps, adjacency)?;
    let (n_subjects, n_channels, n_times) = maps.dim();
    let threshold = match threshold {
        Threshold::T(t) if t > 0.0 && t.is_finite() => t,
        Threshold::T(t) => return Err(setting("threshold", t, "a t above 0")),
        Threshold::Standard => standard_threshold(n_subjects, tail),
    };
    let grid = Grid { adjacency, n_times };
    let rows = rows(maps);
    let statistics = TStatistics::new(&rows);
    let t = statistics.of(&vec![1.0; n_subjects]);
    let mut clusters: Vec<Cluster> = signs(tail)
        .iter()
        .flat_map(|&sign| {
            let (labels, n) = grid.label(|i| t[i] * sign > threshold);
            let mut found = vec![Cluster { points: Vec::new(), statistic: 0.0, p: 1.0 }; n];
            for (i, label) in labels.iter().enumerate().filter(|(_, label)| **label < n) {
                found[*label].points.push((i / n_times, i % n_times));
                found[*label].statistic += t[i];
            }
            found
        })
        .collect();
    let (flips, is_exact) = sign_flips(n_subjects, tail, spec);
    let largest = |t: &[f64]| -> f64 {
        let mut most = 0.0f64;
        for &sign in signs(tail) {
            let (labels, n) = grid.label(|i| t[i] * sign > threshold);
            let mut sums = vec![0.0; n];
            for (i, &label) in labels.iter().enumerate().filter(|(_, label)| **label < n) {
                sums[label] += t[i] * sign;
            }
            most = sums.into_iter().fold(most, f64::max);
        }
        most
    };
    let observed = largest(&t);
    let mut null = parallel::map(flips.len(), spec.n_threads, |i| {
        if spec.stop.is_asked() { 0.0 } else { largest(&statistics.of(&flips[i])) }
    });
    spec.stop.check()?;
    null.push(observed);
    for cluster in &mut clusters {
        cluster.p = p_value(cluster.statistic.abs(), &null);
    }
    clusters.sort_by(|a, b| a.p.total_cmp(&b.p).then(b.statistic.abs().total_cmp(&a.statistic.abs())));
    Ok(ClusterTest { t: map_of(t, (n_channels, n_times)), threshold, clusters, n_permutations: null.len(), is_exact })
}

/// Enhanced statistics (with the sign of t) and their p-values, each `(n_channels, n_times)`, corrected for all points by
/// the largest of each permutation, as MNE-Python's `permutation_cluster_1samp_test` with a dictionary as threshold.
///
/// # Errors
/// As [`cluster_test`]; [`Error::Setting`] for a step or start that make no sense.
pub fn tfce_test(
    maps: &ArrayRef3<f64>,
    adjacency: &Adjacency,
    enhancement: &Enhancement,
    tail: Tail,
    spec: &PermutationSpec,
) -> Result<(Array2<f64>, Array2<f64>)> {
    check(maps, adjacency)?;
    if !(enhancement.step > 0.0 && enhancement.step.is_finite()) {
        return Err(setting("step", enhancement.step, "a step in t above 0"));
    }
    if !(enhancement.start >= 0.0 && enhancement.start.is_finite()) {
        return Err(setting("start", enhancement.start, "a t of at least 0"));
    }
    let (n_subjects, n_channels, n_times) = maps.dim();
    let grid = Grid { adjacency, n_times };
    let rows = rows(maps);
    let statistics = TStatistics::new(&rows);
    let t = statistics.of(&vec![1.0; n_subjects]);
    let enhanced = enhance(&grid, &t, enhancement, tail);
    let largest = |scores: &[f64]| scores.iter().copied().fold(0.0, f64::max);
    let (flips, _) = sign_flips(n_subjects, tail, spec);
    let mut null = parallel::map(flips.len(), spec.n_threads, |i| {
        if spec.stop.is_asked() {
            return 0.0;
        }
        largest(&enhance(&grid, &statistics.of(&flips[i]), enhancement, tail))
    });
    spec.stop.check()?;
    null.push(largest(&enhanced));
    null.sort_by(f64::total_cmp);
    let p = enhanced.iter().map(|&score| {
        let below = null.partition_point(|&other| other < score);
        (null.len() - below) as f64 / null.len() as f64
    });
    let shape = (n_channels, n_times);
    let p = map_of(p.collect(), shape);
    let signed = enhanced.iter().zip(&t).map(|(score, t)| if *t < 0.0 { -score } else { *score }).collect();
    Ok((map_of(signed, shape), p))
}

/// Sum over heights of extent and height, each to its power, at every point.
fn enhance(grid: &Grid<'_>, t: &[f64], spec: &Enhancement, tail: Tail) -> Vec<f64> {
    let mut scores = vec![0.0; t.len()];
    for &sign in signs(tail) {
        // Heights go up to the largest deviation of either sign; above the largest of this one nothing is left.
        let highest = t.iter().filter(|t| t.is_finite()).map(|t| t * sign).fold(0.0, f64::max);
        let mut previous = None;
        for height in (0..).map(|k| spec.start + f64::from(k) * spec.step).take_while(|&h| h < highest) {
            let strip = height - previous.unwrap_or(0.0);
            previous = Some(height);
            let (labels, n) = grid.label(|i| t[i] * sign > height);
            let mut extents = vec![0.0; n];
            for &label in labels.iter().filter(|label| **label < n) {
                extents[label] += 1.0;
            }
            let gains: Vec<f64> = extents
                .iter()
                .map(|&extent: &f64| extent.powf(spec.extent_power) * height.powf(spec.height_power) * strip)
                .collect();
            for (score, &label) in scores.iter_mut().zip(&labels).filter(|(_, label)| **label < n) {
                *score += gains[label];
            }
        }
    }
    scores
}

/// Channels × times; point `channel * n_times + time`.
pub(super) struct Grid<'a> {
    pub(super) adjacency: &'a Adjacency,
    pub(super) n_times: usize,
}

impl Grid<'_> {
    /// Joins points for which `is_in` holds: a label below the returned count for each of them, `usize::MAX` for others.
    pub(super) fn label(&self, is_in: impl Fn(usize) -> bool) -> (Vec<usize>, usize) {
        const OUT: usize = usize::MAX;
        let (n_channels, n_times) = (self.adjacency.n_channels(), self.n_times);
        let mut parent: Vec<usize> = (0..n_channels * n_times).map(|i| if is_in(i) { i } else { OUT }).collect();
        let join = |parent: &mut Vec<usize>, a: usize, b: usize| {
            if parent[a] != OUT && parent[b] != OUT {
                let (a, b) = (root(parent, a), root(parent, b));
                // The smaller index is the root, so that labels follow the order of the points.
                parent[a.max(b)] = a.min(b);
            }
        };
        for channel in 0..n_channels {
            let start = channel * n_times;
            for i in start + 1..start + n_times {
                join(&mut parent, i - 1, i);
            }
            for &other in self.adjacency.of(channel).iter().filter(|&&other| other < channel) {
                for time in 0..n_times {
                    join(&mut parent, other * n_times + time, start + time);
                }
            }
        }
        let mut labels = vec![OUT; parent.len()];
        let mut n = 0;
        for i in 0..parent.len() {
            if parent[i] == OUT {
                continue;
            }
            let root = root(&mut parent, i);
            if labels[root] == OUT {
                labels[root] = n;
                n += 1;
            }
            labels[i] = labels[root];
        }
        (labels, n)
    }
}

/// The point that stands for all that are joined with point `i`.
fn root(parent: &mut [usize], mut i: usize) -> usize {
    while parent[i] != i {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    i
}

fn signs(tail: Tail) -> &'static [f64] {
    match tail {
        Tail::Both => &[1.0, -1.0],
        Tail::Positive => &[1.0],
        Tail::Negative => &[-1.0],
    }
}

/// Values of all points as `(n_channels, n_times)`.
fn map_of(values: Vec<f64>, shape: (usize, usize)) -> Array2<f64> {
    Array2::from_shape_vec(shape, values).expect("a value for each point")
}

fn p_value(statistic: f64, null: &[f64]) -> f64 {
    // Sums of the same numbers in another order may differ in their last bits.
    let least = statistic * (1.0 - 1e-12);
    null.iter().filter(|&&other| other >= least).count() as f64 / null.len() as f64
}

fn standard_threshold(n_subjects: usize, tail: Tail) -> f64 {
    let share = if tail == Tail::Both { 0.975 } else { 0.95 };
    StudentsT::new(0.0, 1.0, (n_subjects - 1) as f64).expect("at least two subjects").inverse_cdf(share)
}

fn rows(maps: &ArrayRef3<f64>) -> Vec<Vec<f64>> {
    maps.outer_iter().map(|map| map.iter().copied().collect()).collect()
}

fn check(maps: &ArrayRef3<f64>, adjacency: &Adjacency) -> Result<()> {
    if maps.dim().0 < 2 {
        return Err(setting("subjects", maps.dim().0, "at least 2 for a test across subjects"));
    }
    if adjacency.n_channels() != maps.dim().1 {
        return Err(Error::Shape {
            what: "neighbours of channels".to_owned(),
            found: vec![adjacency.n_channels()],
            expected: format!("one list for each of the maps' {} channels", maps.dim().1),
        });
    }
    Ok(())
}

fn setting(name: &str, found: impl std::fmt::Display, expected: &str) -> Error {
    Error::Setting { name: name.to_owned(), found: found.to_string(), expected: expected.to_owned() }
}
