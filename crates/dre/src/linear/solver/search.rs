//! Random search over band weights and penalties, from moments alone.
//!
//! Banded ridge minimises ‖y − `Σ_b` `X_b` `w_b‖²` + α `Σ_b` ‖`w_b‖²` / `γ_b`. With `z_b` = √`γ_b` `x_b` it is ridge regression, so that a
//! band of weight 0 has no say and needs no special case. Held-out losses take no predictions: on rows with the moments G,
//! B, yᵀy the squared error of w is yᵀy − 2 wᵀB + wᵀG w. Search, scores and the order of comparisons are those of
//! himalaya's `solve_group_ridge_random_search` (Dupré la Tour, Eickenberg, Nunez-Elizalde & Gallant 2022).

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::{factor, solve};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};

use super::super::AlphaUnit;
use super::Dependent;
use crate::{Stop, parallel};

/// Second moments of columns and targets over some rows, both with their means taken off.
#[derive(Clone, Copy, Debug)]
pub struct Sums<'a> {
    /// Gram matrix; only the lower triangle counts.
    pub gram: MatRef<'a, f64>,
    /// Moments of columns with targets, `(n_columns, n_targets)`.
    pub cross: MatRef<'a, f64>,
    /// Sum of squares of each target.
    pub squares: &'a [f64],
    /// Number of rows.
    pub n_rows: usize,
}

/// What is tried.
#[derive(Clone, Copy, Debug)]
pub struct Candidates<'a> {
    /// Band of each column.
    pub band_of: &'a [usize],
    /// Weights of the bands, one list per try.
    pub gammas: &'a [Vec<f64>],
    /// Penalties that are tried with each of them.
    pub alphas: &'a [f64],
    /// Unit of the penalties: in [`AlphaUnit::Relative`] over the number of bands, so that with equal weights alpha
    /// penalises as in ridge regression.
    pub unit: AlphaUnit,
    /// Whether each target makes its own choice; else all make one, by the mean over targets.
    pub per_target: bool,
}

impl Candidates<'_> {
    /// What alpha is counted in, for a fit to these rows.
    fn unit_of(&self, sums: &Sums<'_>) -> f64 {
        let unit = self.unit.of((0..sums.gram.nrows()).map(|column| sums.gram[(column, column)]));
        match self.unit {
            AlphaUnit::Relative => unit / self.gammas.first().map_or(1, Vec::len).max(1) as f64,
            AlphaUnit::Absolute => unit,
        }
    }
}

/// What the search found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Index of the weights for each target.
    pub gamma: Vec<usize>,
    /// Index of the penalty for each target.
    pub alpha: Vec<usize>,
    /// For each try, each target's score with the best penalty: minus the mean squared error, averaged over splits.
    pub scores: Vec<Vec<f64>>,
}

/// Tries all candidates on splits into rows to fit and rows to score.
///
/// Takes n³/3 + 4 n² `n_targets` multiplications for each try, penalty and split. Ties go to the first.
///
/// # Panics
/// Where shapes do not fit, or there is no split or candidate.
pub fn search(splits: &[(Sums<'_>, Sums<'_>)], candidates: &Candidates<'_>, n_threads: usize) -> Found {
    search_until(splits, candidates, (n_threads, &Stop::never())).expect("nobody stops it")
}

/// As [`search`], with who may stop it.
///
/// # Errors
/// [`Error::Stopped`](crate::Error::Stopped).
pub(in super::super) fn search_until(
    splits: &[(Sums<'_>, Sums<'_>)],
    candidates: &Candidates<'_>,
    (n_threads, stop): (usize, &Stop),
) -> crate::Result<Found> {
    let n_targets = splits[0].0.cross.ncols();
    let Candidates { gammas, alphas, per_target, .. } = *candidates;
    let units: Vec<f64> = splits.iter().map(|(train, _)| candidates.unit_of(train)).collect();
    let whole: Vec<Mat<f64>> = splits.iter().map(|(_, test)| symmetric(test.gram)).collect();
    let tries = parallel::map(gammas.len(), n_threads, |i| {
        let scale = scales(candidates.band_of, &gammas[i]);
        let mut scores = vec![vec![0.0; n_targets]; alphas.len()];
        if stop.is_asked() {
            return scores;
        }
        for (((train, test), whole), unit) in splits.iter().zip(&whole).zip(&units) {
            let scaled = Scaled::new(train, &scale);
            for (alpha, scores) in alphas.iter().zip(&mut scores) {
                let losses = scaled.solve(train.cross, *alpha * unit).map(|w| losses(&w, test, whole.as_ref()));
                for (target, score) in scores.iter_mut().enumerate() {
                    // A penalty too small to be solved with cannot be chosen.
                    *score -= losses.as_ref().map_or(f64::INFINITY, |l| l[target]) / splits.len() as f64;
                }
            }
        }
        scores
    });
    stop.check()?;
    let mut found = Found { gamma: vec![0; n_targets], alpha: vec![0; n_targets], scores: Vec::new() };
    let mut best = vec![f64::NEG_INFINITY; n_targets];
    for (i, scores) in tries.into_iter().enumerate() {
        let mean = |scores: &Vec<f64>| scores.iter().sum::<f64>() / n_targets.max(1) as f64;
        let shared = first_best(scores.iter().map(mean));
        let chosen: Vec<usize> = (0..n_targets)
            .map(|target| if per_target { first_best(scores.iter().map(|s| s[target])) } else { shared })
            .collect();
        let own: Vec<f64> = chosen.iter().enumerate().map(|(target, &alpha)| scores[alpha][target]).collect();
        let shared_score = mean(&own);
        for target in 0..n_targets {
            let score = if per_target { own[target] } else { shared_score };
            if score > best[target] + f64::EPSILON {
                best[target] = score;
                (found.gamma[target], found.alpha[target]) = (i, chosen[target]);
            }
        }
        found.scores.push(own);
    }
    Ok(found)
}

/// Weights `(n_columns, n_targets)` of the choices that [`search`] found, fitted to all of `sums`; columns are not scaled.
///
/// # Errors
/// [`Dependent`] where a system is singular.
pub fn refit(
    sums: &Sums<'_>,
    candidates: &Candidates<'_>,
    found: &Found,
    n_threads: usize,
) -> Result<Mat<f64>, Dependent> {
    let n_targets = sums.cross.ncols();
    let unit = candidates.unit_of(sums);
    let mut pairs: Vec<(usize, usize)> = (0..n_targets).map(|t| (found.gamma[t], found.alpha[t])).collect();
    pairs.sort_unstable();
    pairs.dedup();
    let solved = parallel::map(pairs.len(), n_threads, |i| {
        let (gamma, alpha) = pairs[i];
        let own: Vec<usize> = (0..n_targets).filter(|&t| (found.gamma[t], found.alpha[t]) == (gamma, alpha)).collect();
        let cross = Mat::from_fn(sums.cross.nrows(), own.len(), |row, k| sums.cross[(row, own[k])]);
        let scale = scales(candidates.band_of, &candidates.gammas[gamma]);
        Scaled::new(sums, &scale).solve(cross.as_ref(), candidates.alphas[alpha] * unit).map(|w| (own, w))
    });
    let mut weights = Mat::zeros(sums.cross.nrows(), n_targets);
    for one in solved {
        let (own, w) = one?;
        for (k, &target) in own.iter().enumerate() {
            weights.col_mut(target).copy_from(w.col(k));
        }
    }
    Ok(weights)
}

fn scales(band_of: &[usize], gamma: &[f64]) -> Vec<f64> {
    band_of.iter().map(|&band| gamma[band].sqrt()).collect()
}

fn first_best(scores: impl Iterator<Item = f64>) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (i, score) in scores.enumerate() {
        if score > best.1 {
            best = (i, score);
        }
    }
    best.0
}

fn symmetric(lower: MatRef<'_, f64>) -> Mat<f64> {
    Mat::from_fn(lower.nrows(), lower.ncols(), |i, j| lower[(i.max(j), i.min(j))])
}

/// Normal equations of scaled columns.
struct Scaled<'a> {
    gram: Mat<f64>,
    scale: &'a [f64],
}

impl<'a> Scaled<'a> {
    fn new(sums: &Sums<'_>, scale: &'a [f64]) -> Self {
        let n = scale.len();
        let mut gram = Mat::zeros(n, n);
        for j in 0..n {
            for i in j..n {
                gram[(i, j)] = sums.gram[(i, j)] * scale[i] * scale[j];
            }
        }
        Self { gram, scale }
    }

    /// Weights of the columns before scaling.
    fn solve(&self, cross: MatRef<'_, f64>, alpha: f64) -> Result<Mat<f64>, Dependent> {
        let n = self.scale.len();
        let mut square = self.gram.clone();
        for i in 0..n {
            square[(i, i)] += alpha;
        }
        let least: Vec<f64> = (0..n).map(|i| n as f64 * f64::EPSILON * square[(i, i)]).collect();
        let mut memory = MemBuffer::new(factor::cholesky_in_place_scratch::<f64>(n, Par::Seq, faer::Spec::default()));
        factor::cholesky_in_place(
            square.as_mut(),
            factor::LltRegularization::default(),
            Par::Seq,
            MemStack::new(&mut memory),
            faer::Spec::default(),
        )
        .map_err(|factor::LltError::NonPositivePivot { index }| Dependent { column: index })?;
        if let Some(column) = (0..n).find(|&i| square[(i, i)].powi(2) <= least[i]) {
            return Err(Dependent { column });
        }
        let rescale = |w: &mut Mat<f64>| {
            for column in w.col_iter_mut() {
                column.iter_mut().zip(self.scale).for_each(|(value, scale)| *value *= scale);
            }
        };
        let mut solution = cross.to_owned();
        rescale(&mut solution);
        let mut memory = MemBuffer::new(solve::solve_in_place_scratch::<f64>(n, solution.ncols(), Par::Seq));
        solve::solve_in_place(square.as_ref(), solution.as_mut(), Par::Seq, MemStack::new(&mut memory));
        rescale(&mut solution);
        Ok(solution)
    }
}

/// Mean squared error of weights on each target.
fn losses(weights: &Mat<f64>, test: &Sums<'_>, gram: MatRef<'_, f64>) -> Vec<f64> {
    let mut seen = Mat::zeros(weights.nrows(), weights.ncols());
    matmul(seen.as_mut(), Accum::Replace, gram, weights.as_ref(), 1.0, Par::Seq);
    (0..weights.ncols())
        .map(|target| {
            let terms = weights.col(target).iter().zip(seen.col(target).iter()).zip(test.cross.col(target).iter());
            let explained: f64 = terms.map(|((w, seen), cross)| w * (2.0 * cross - seen)).sum();
            (test.squares[target] - explained) / test.n_rows.max(1) as f64
        })
        .collect()
}
