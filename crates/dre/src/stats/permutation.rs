//! Sign flips: what a map could have been were its sign chance.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::Stop;

/// Which deviations count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tail {
    /// Both.
    #[default]
    Both,
    /// Values above 0.
    Positive,
    /// Values below 0.
    Negative,
}

/// How many permutations, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermutationSpec {
    /// Number of permutations, the one that was observed included; all there are where there are no more.
    pub n_permutations: usize,
    /// Seed of the choice.
    pub seed: u64,
    /// Threads; they do not change the result.
    pub n_threads: usize,
    /// Ends the test with [`Error::Stopped`](crate::Error::Stopped).
    pub stop: Stop,
}

impl Default for PermutationSpec {
    fn default() -> Self {
        Self { n_permutations: 1024, seed: 0, n_threads: 1, stop: Stop::never() }
    }
}

/// Signs of `n_subjects` for each permutation but the observed one, and whether these are all there are.
///
/// With both tails, flipping every sign changes nothing, so that half of the assignments are all there are.
pub(super) fn sign_flips(n_subjects: usize, tail: Tail, spec: &PermutationSpec) -> (Vec<Vec<f64>>, bool) {
    let n_free = n_subjects - usize::from(tail == Tail::Both);
    let n_others = spec.n_permutations.saturating_sub(1);
    let sign = |negative: bool| if negative { -1.0 } else { 1.0 };
    if n_free < 32 && (1usize << n_free) - 1 <= n_others {
        let all = (1u32..1 << n_free).map(|code| (0..n_subjects).map(|s| sign(code >> s & 1 == 1)).collect());
        return (all.collect(), true);
    }
    let drawn = (0..n_others).map(|i| {
        // A generator of its own for each, so that the work can be shared out.
        let mut rng = ChaCha8Rng::seed_from_u64(spec.seed);
        rng.set_stream(i as u64 + 1);
        (0..n_subjects).map(|_| sign(rng.random::<bool>())).collect()
    });
    (drawn.collect(), false)
}

/// One-sample t statistics of maps `(n_subjects, n_points)` under sign flips.
pub(super) struct TStatistics<'a> {
    maps: &'a [Vec<f64>],
    /// Per point: number of subjects that have it, and the sum of their squares, which flips leave alone.
    n: Vec<f64>,
    squares: Vec<f64>,
}

impl<'a> TStatistics<'a> {
    pub(super) fn new(maps: &'a [Vec<f64>]) -> Self {
        let n_points = maps.first().map_or(0, Vec::len);
        let (mut n, mut squares) = (vec![0.0; n_points], vec![0.0; n_points]);
        for map in maps {
            for ((n, squares), &x) in n.iter_mut().zip(&mut squares).zip(map) {
                if x.is_finite() {
                    *n += 1.0;
                    *squares += x * x;
                }
            }
        }
        Self { maps, n, squares }
    }

    /// t per point; NaN where fewer than two subjects have it or all of them have the same value.
    pub(super) fn of(&self, signs: &[f64]) -> Vec<f64> {
        let mut t = vec![0.0; self.n.len()];
        for (map, sign) in self.maps.iter().zip(signs) {
            for (sum, &x) in t.iter_mut().zip(map) {
                if x.is_finite() {
                    *sum += sign * x;
                }
            }
        }
        for ((t, &n), &squares) in t.iter_mut().zip(&self.n).zip(&self.squares) {
            let mean = *t / n;
            let variance = (squares - n * mean * mean) / (n - 1.0);
            *t = if n >= 2.0 && variance > 1e-14 * squares { mean / (variance / n).sqrt() } else { f64::NAN };
        }
        t
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn few_subjects_give_every_assignment_once() {
        for (tail, n) in [(Tail::Both, 8), (Tail::Positive, 16)] {
            let (flips, is_exact) = sign_flips(4, tail, &PermutationSpec::default());
            assert!(is_exact);
            let different: HashSet<Vec<i8>> =
                flips.iter().map(|signs| signs.iter().map(|&s| s as i8).collect()).collect();
            assert_eq!(different.len() + 1, n);
        }
    }

    #[test]
    fn many_subjects_give_as_many_as_were_asked_for() {
        let spec = PermutationSpec { n_permutations: 100, ..PermutationSpec::default() };
        let (flips, is_exact) = sign_flips(30, Tail::Both, &spec);
        assert_eq!((flips.len(), is_exact), (99, false));
        assert_eq!(sign_flips(30, Tail::Both, &spec).0, flips);
    }
}
