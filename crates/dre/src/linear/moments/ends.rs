//! What each step along a diagonal adds: moments of the two ends of every run of rows.

use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, MatMut, MatRef, Par};
use ndarray::{ArrayRef3, s};

use super::super::rows::{Runs, shifted};
use super::LagMoments;
use crate::parallel;

/// Columns of the matrix of end moments that one piece of work updates.
const PANEL: usize = 64;
/// Runs whose ends are gathered before the matrix, which may be far larger than the caches, is gone through.
const WAITING: usize = 256;

impl LagMoments {
    pub(super) fn push_ends(&mut self, regressors: &ArrayRef3<f64>, rows: &[Runs]) {
        for (epoch, runs) in regressors.outer_iter().zip(rows) {
            for run in runs.iter().filter(|run| !run.is_empty()) {
                for (ends, from) in [(&mut self.buffers.heads, run.start), (&mut self.buffers.tails, run.end)] {
                    for (regressor, signal) in epoch.outer_iter().enumerate() {
                        let range = self.columns.lags(regressor);
                        ends.extend(range.iter().map(|lag| {
                            let t = from as isize - lag;
                            // The step into a first lag is never taken: first rows and columns are correlations.
                            if lag > range.first() && (0..self.n_times as isize).contains(&t) {
                                signal[t as usize]
                            } else {
                                0.0
                            }
                        }));
                    }
                }
                if self.buffers.tails.len() >= WAITING * self.columns.len() {
                    self.flush_ends();
                }
            }
        }
    }

    /// Adds the ends that wait to the moments.
    pub(super) fn flush_ends(&mut self) {
        let n_columns = self.columns.len();
        let n_runs = self.buffers.tails.len() / n_columns;
        if n_runs == 0 {
            return;
        }
        let (mut heads, mut tails) = (std::mem::take(&mut self.buffers.heads), std::mem::take(&mut self.buffers.tails));
        let heads_mat = MatRef::from_row_major_slice(&heads, n_runs, n_columns);
        let tails_mat = MatRef::from_row_major_slice(&tails, n_runs, n_columns);
        let has_heads = heads.iter().any(|&value| value != 0.0);
        parallel::for_each_chunk(&mut self.steps, PANEL * n_columns, self.n_threads, |panel, steps| {
            let (first, width) = (panel * PANEL, steps.len() / n_columns);
            let mut steps = MatMut::from_column_major_slice_mut(steps, n_columns, width);
            let mut add = |ends: MatRef<'_, f64>, sign: f64| {
                let own = ends.subcols(first, width);
                let square = steps.as_mut().submatrix_mut(first, 0, width, width);
                triangular::matmul(
                    square,
                    BlockStructure::TriangularLower,
                    Accum::Add,
                    own.transpose(),
                    BlockStructure::Rectangular,
                    own,
                    BlockStructure::Rectangular,
                    sign,
                    Par::Seq,
                );
                let below = first + width;
                let rest = steps.as_mut().submatrix_mut(below, 0, n_columns - below, width);
                matmul(rest, Accum::Add, ends.subcols(below, n_columns - below).transpose(), own, sign, Par::Seq);
            };
            if has_heads {
                add(heads_mat, 1.0);
            }
            add(tails_mat, -1.0);
        });
        for (head, tail) in heads.chunks_exact(n_columns).zip(tails.chunks_exact(n_columns)) {
            for ((sum, head), tail) in self.sum_steps.iter_mut().zip(head).zip(tail) {
                *sum += head - tail;
            }
        }
        heads.clear();
        tails.clear();
        self.buffers.heads = heads;
        self.buffers.tails = tails;
    }

    pub(super) fn push_sums(&mut self, regressors: &ArrayRef3<f64>, targets: &ArrayRef3<f64>, rows: &[Runs]) {
        for (epoch, runs) in rows.iter().enumerate() {
            for run in runs {
                for (regressor, sum) in self.first_sums.iter_mut().enumerate() {
                    let seen = shifted(run, self.columns.lags(regressor).first(), self.n_times);
                    *sum += regressors.slice(s![epoch, regressor, seen]).sum();
                }
                for (target, (sum, squares)) in self.target_sums.iter_mut().zip(&mut self.target_squares).enumerate() {
                    let own = targets.slice(s![epoch, target, run.clone()]);
                    *sum += own.sum();
                    *squares += own.iter().map(|value| value * value).sum::<f64>();
                }
            }
        }
    }
}
