//! Second moments of lagged signals, accumulated from epochs without a design matrix.
//!
//! Wanted are, for regressors a, b at lags l, m and targets c, with zeros outside of each epoch,
//!
//! ```text
//! G(a l, b m) = Σ x_a[t − l] x_b[t − m]    and    B(a l, c) = Σ x_a[t − l] y_c[t],
//! ```
//!
//! summed over epochs and the rows t₀ ≤ t < n of each. One step along a diagonal of a block of G changes one term at each
//! end of the sum only,
//!
//! ```text
//! G(a l+1, b m+1) = G(a l, b m) + x_a[t₀−1−l] x_b[t₀−1−m] − x_a[n−1−l] x_b[n−1−m],
//! ```
//!
//! so that it takes the first row and column of each block, which are correlations, computed over the frequencies of a
//! Fourier transform, and the moments of the epochs' two ends. This is the covariance method of linear prediction
//! (Makhoul 1975); with t₀ = 0 it gives what MNE-Python's `TimeDelayingRidge` calls edge correction.

use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, Mat, MatMut, MatRef, Par, c64};
use ndarray::{ArrayRef3, Axis};

use super::fft::{Fft, FftWork};
use super::lags::{Columns, LagRange};
use super::normal::Moments;
use crate::{Error, Result, parallel};

/// Epochs whose spectra are held at the same time.
const BLOCK: usize = 32;
/// Columns of the matrix of end moments that one piece of work updates.
const PANEL: usize = 64;

/// Accumulates moments of epochs of one length.
#[derive(Debug)]
pub struct LagMoments {
    columns: Columns,
    n_targets: usize,
    n_times: usize,
    first_row: usize,
    n_epochs: usize,
    n_threads: usize,
    fft: Fft,
    /// Per frequency, column-major: conj(windowed regressor a) × regressor b, summed over epochs.
    auto: Vec<c64>,
    /// Per frequency, column-major: regressor a × conj(target c), summed over epochs.
    cross: Vec<c64>,
    /// Column-major lower triangle, moments of the ends: what the diagonal step into each entry adds.
    steps: Vec<f64>,
    /// What the step into each column adds to the column's sum.
    sum_steps: Vec<f64>,
    /// Sum of each regressor's column at its first lag.
    first_sums: Vec<f64>,
    target_sums: Vec<f64>,
    buffers: Buffers,
}

/// Spectra of a block of epochs, `(signal, frequency, epoch)`, and its ends, `(epoch, column)`.
#[derive(Debug, Default)]
struct Buffers {
    windowed: Vec<c64>,
    full: Vec<c64>,
    targets: Vec<c64>,
    heads: Vec<f64>,
    tails: Vec<f64>,
}

impl LagMoments {
    /// An empty accumulator for epochs of `n_times` samples, of which those from `first_row` on are the rows.
    ///
    /// Takes 8 bytes per pair of columns and 16 bytes per pair of regressors, and of regressor and target, and frequency
    /// (about half as many as an epoch and its lags have samples).
    ///
    /// # Errors
    /// [`Error::Setting`] where there is no regressor, or no row.
    pub fn new(columns: Columns, n_targets: usize, n_times: usize, first_row: usize, n_threads: usize) -> Result<Self> {
        if columns.is_empty() {
            return Err(Error::Setting {
                name: "features".to_owned(),
                found: "none".to_owned(),
                expected: "at least one feature for a linear model; add one to the study".to_owned(),
            });
        }
        if first_row >= n_times {
            return Err(Error::Setting {
                name: "lags".to_owned(),
                found: first_row.to_string(),
                expected: format!("fewer lags (samples) than an epoch has samples, {n_times}"),
            });
        }
        let n = columns.n_regressors();
        let lags = || (0..columns.n_regressors()).map(|regressor| columns.lags(regressor));
        let span = lags().map(LagRange::last).max().unwrap_or(0) - lags().map(LagRange::first).min().unwrap_or(0);
        let reach = lags().map(|range| range.first().abs().max(range.last().abs())).max().unwrap_or(0);
        let fft = Fft::at_least(n_times + span.max(reach) as usize);
        let zero = c64::new(0.0, 0.0);
        Ok(Self {
            auto: vec![zero; fft.n_freqs() * n * n],
            cross: vec![zero; fft.n_freqs() * n * n_targets],
            steps: vec![0.0; columns.len() * columns.len()],
            sum_steps: vec![0.0; columns.len()],
            first_sums: vec![0.0; n],
            target_sums: vec![0.0; n_targets],
            buffers: Buffers::default(),
            n_epochs: 0,
            columns,
            n_targets,
            n_times,
            first_row,
            n_threads,
            fft,
        })
    }

    /// Adds epochs: regressors `(n_epochs, n_regressors, n_times)`, targets `(n_epochs, n_targets, n_times)`.
    ///
    /// # Errors
    /// [`Error::Shape`] where the arrays do not fit.
    pub fn push(&mut self, regressors: &ArrayRef3<f64>, targets: &ArrayRef3<f64>) -> Result<()> {
        let n_epochs = regressors.shape()[0];
        check_shape("the regressors", regressors, [n_epochs, self.columns.n_regressors(), self.n_times])?;
        check_shape("the targets", targets, [n_epochs, self.n_targets, self.n_times])?;
        let blocks = regressors.axis_chunks_iter(Axis(0), BLOCK).zip(targets.axis_chunks_iter(Axis(0), BLOCK));
        for (regressors, targets) in blocks {
            self.push_spectra(&regressors, &targets);
            self.push_ends(&regressors);
            self.push_sums(&regressors, &targets);
        }
        self.n_epochs += n_epochs;
        Ok(())
    }

    /// The rows that see a regressor's samples at its first lag.
    fn window(&self, regressor: usize) -> std::ops::Range<usize> {
        let lag = self.columns.lags(regressor).first();
        let clip = |t: isize| t.clamp(0, self.n_times as isize) as usize;
        clip(self.first_row as isize - lag)..clip(self.n_times as isize - lag)
    }

    fn push_spectra(&mut self, regressors: &ArrayRef3<f64>, targets: &ArrayRef3<f64>) {
        let (n_epochs, n, n_targets) = (regressors.shape()[0], self.columns.n_regressors(), self.n_targets);
        let mut buffers = std::mem::take(&mut self.buffers);
        self.transform(&mut buffers.full, regressors, |_| 0..self.n_times);
        self.transform(&mut buffers.windowed, regressors, |regressor| self.window(regressor));
        self.transform(&mut buffers.targets, targets, |_| self.first_row..self.n_times);
        let n_freqs = self.fft.n_freqs();
        let one = c64::new(1.0, 0.0);
        parallel::for_each_chunk(&mut self.auto, n * n, self.n_threads, |k, sums| {
            let (windowed, full) = (
                at_frequency(&buffers.windowed, k, [n, n_freqs, n_epochs]),
                at_frequency(&buffers.full, k, [n, n_freqs, n_epochs]),
            );
            let sums = MatMut::from_column_major_slice_mut(sums, n, n);
            matmul(sums, Accum::Add, windowed.conjugate(), full.transpose(), one, Par::Seq);
        });
        parallel::for_each_chunk(&mut self.cross, n * n_targets, self.n_threads, |k, sums| {
            let (full, targets) = (
                at_frequency(&buffers.full, k, [n, n_freqs, n_epochs]),
                at_frequency(&buffers.targets, k, [n_targets, n_freqs, n_epochs]),
            );
            let sums = MatMut::from_column_major_slice_mut(sums, n, n_targets);
            matmul(sums, Accum::Add, full, targets.adjoint(), one, Par::Seq);
        });
        self.buffers = buffers;
    }

    /// Spectra of the samples in `window` of each signal.
    fn transform(
        &self,
        spectra: &mut Vec<c64>,
        signals: &ArrayRef3<f64>,
        window: impl Fn(usize) -> std::ops::Range<usize> + Sync,
    ) {
        let (n_epochs, n_signals, n_freqs) = (signals.shape()[0], signals.shape()[1], self.fft.n_freqs());
        spectra.resize(n_signals * n_freqs * n_epochs, c64::new(0.0, 0.0));
        parallel::for_each_chunk(spectra, n_freqs * n_epochs, self.n_threads, |signal, chunk| {
            let mut work = self.fft.work();
            let window = window(signal);
            for epoch in 0..n_epochs {
                let row = signals.index_axis(Axis(0), epoch).index_axis_move(Axis(0), signal);
                work.set(row.iter().enumerate().map(|(t, &x)| if window.contains(&t) { x } else { 0.0 }));
                self.fft.forward(&mut work);
                for (out, &value) in chunk.iter_mut().skip(epoch).step_by(n_epochs).zip(&work.spectrum) {
                    *out = value;
                }
            }
        });
    }

    fn push_ends(&mut self, regressors: &ArrayRef3<f64>) {
        let (n_epochs, n_columns) = (regressors.shape()[0], self.columns.len());
        let Buffers { mut heads, mut tails, .. } = std::mem::take(&mut self.buffers);
        for (ends, from) in [(&mut heads, self.first_row), (&mut tails, self.n_times)] {
            ends.clear();
            for epoch in regressors.outer_iter() {
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
        }
        let heads_mat = MatRef::from_row_major_slice(&heads, n_epochs, n_columns);
        let tails_mat = MatRef::from_row_major_slice(&tails, n_epochs, n_columns);
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
        self.buffers.heads = heads;
        self.buffers.tails = tails;
    }

    fn push_sums(&mut self, regressors: &ArrayRef3<f64>, targets: &ArrayRef3<f64>) {
        for regressor in 0..self.columns.n_regressors() {
            let window = self.window(regressor);
            let part = regressors.slice(ndarray::s![.., regressor, window]);
            self.first_sums[regressor] += part.sum();
        }
        for (target, sum) in self.target_sums.iter_mut().enumerate() {
            *sum += targets.slice(ndarray::s![.., target, self.first_row..]).sum();
        }
    }

    /// The moments of all epochs so far.
    pub fn finish(self) -> Moments {
        let Self { columns, n_targets, n_times, first_row, n_epochs, n_threads, fft, auto, cross, .. } = self;
        let n = columns.n_regressors();
        let n_columns = columns.len();
        // A shift of d samples stands at d, or, where d is negative, counted from the end.
        let shifted = |signal: &[f64], d: isize| signal[d.rem_euclid(signal.len() as isize) as usize];
        let correlate = |spectrum: &dyn Fn(usize) -> c64, work: &mut FftWork| {
            for (k, value) in work.spectrum.iter_mut().enumerate() {
                *value = spectrum(k);
            }
            fft.inverse(work);
        };
        // First rows: entry (a first, b m), for all a (a row of this vector each) and all columns (b m).
        let mut first_rows = vec![0.0; n * n_columns];
        parallel::for_each_chunk(&mut first_rows, n_columns, n_threads, |a, row| {
            let mut work = fft.work();
            for b in 0..n {
                correlate(&|k| auto[k * n * n + b * n + a], &mut work);
                for (entry, lag) in row[columns.range(b)].iter_mut().zip(columns.lags(b).iter()) {
                    *entry = shifted(&work.signal, columns.lags(a).first() - lag);
                }
            }
        });
        let mut cross_moments = Mat::zeros(n_columns, n_targets);
        let mut work = fft.work();
        for target in 0..n_targets {
            for a in 0..n {
                correlate(&|k| cross[k * n * n_targets + target * n + a], &mut work);
                for (row, lag) in columns.range(a).zip(columns.lags(a).iter()) {
                    cross_moments[(row, target)] = shifted(&work.signal, -lag);
                }
            }
        }
        let mut gram = self.steps;
        for b in 0..n {
            for (j, column) in columns.range(b).enumerate() {
                let (before, from_here) = gram.split_at_mut(column * n_columns);
                let here = &mut from_here[..n_columns];
                let previous = if j == 0 { &[][..] } else { &before[(column - 1) * n_columns..] };
                for a in b..n {
                    for row in columns.range(a).skip(if a == b { j } else { 0 }) {
                        here[row] = if j == 0 {
                            first_rows[b * n_columns + row]
                        } else if row == columns.range(a).start {
                            first_rows[a * n_columns + column]
                        } else {
                            previous[row - 1] + here[row]
                        };
                    }
                }
            }
        }
        let mut sums = self.sum_steps;
        for a in 0..n {
            let range = columns.range(a);
            sums[range.start] = self.first_sums[a];
            for column in range.start + 1..range.end {
                sums[column] += sums[column - 1];
            }
        }
        Moments {
            gram,
            cross: cross_moments,
            sums,
            rounding: vec![0.0; n_columns],
            target_sums: self.target_sums,
            n_rows: n_epochs * (n_times - first_row),
            columns,
        }
    }
}

/// One frequency of spectra of the shape `(signal, frequency, epoch)`, as a matrix `(signal, epoch)`.
fn at_frequency(spectra: &[c64], k: usize, [n_signals, n_freqs, n_epochs]: [usize; 3]) -> MatRef<'_, c64> {
    MatRef::from_row_major_slice_with_stride(&spectra[k * n_epochs..], n_signals, n_epochs, n_freqs * n_epochs)
}

pub(super) fn check_shape(what: &str, array: &ArrayRef3<f64>, expected: [usize; 3]) -> Result<()> {
    if array.shape() == expected {
        return Ok(());
    }
    Err(Error::Shape { what: what.to_owned(), found: array.shape().to_vec(), expected: format!("{expected:?}") })
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;
    use proptest::prelude::*;

    use super::*;

    /// The same sums the plain way.
    fn naive(x: &Array3<f64>, y: &Array3<f64>, columns: &Columns, first_row: usize) -> (Mat<f64>, Mat<f64>, Vec<f64>) {
        let (n_epochs, _, n_times) = x.dim();
        let value = |e: usize, column: usize, t: usize| {
            let (a, lag) = columns.locate(column);
            let s = t as isize - lag;
            if (0..n_times as isize).contains(&s) { x[[e, a, s as usize]] } else { 0.0 }
        };
        let rows = || (0..n_epochs).flat_map(|e| (first_row..n_times).map(move |t| (e, t)));
        let gram = Mat::from_fn(columns.len(), columns.len(), |i, j| {
            rows().map(|(e, t)| value(e, i, t) * value(e, j, t)).sum()
        });
        let cross =
            Mat::from_fn(columns.len(), y.dim().1, |i, c| rows().map(|(e, t)| value(e, i, t) * y[[e, c, t]]).sum());
        let sums = (0..columns.len()).map(|i| rows().map(|(e, t)| value(e, i, t)).sum()).collect();
        (gram, cross, sums)
    }

    proptest! {
        #[test]
        fn equal_the_plain_sums(
            values in prop::collection::vec(-1f64..1.0, 3 * 5 * 14),
            lags in prop::collection::vec((-6isize..7, 0isize..9), 1..4),
            first_row in 0usize..9, n_threads in 1usize..3, split in 0usize..4,
        ) {
            let columns = Columns::new(lags.iter().map(|&(first, more)| LagRange::new(first, first + more).unwrap()).collect());
            let all = Array3::from_shape_vec((3, 5, 14), values).unwrap();
            let x = all.slice(ndarray::s![.., ..lags.len(), ..]).to_owned();
            let y = all.slice(ndarray::s![.., 3.., ..]).to_owned();
            let mut moments = LagMoments::new(columns.clone(), 2, 14, first_row, n_threads).unwrap();
            moments.push(&x.slice(ndarray::s![..split.min(3), .., ..]), &y.slice(ndarray::s![..split.min(3), .., ..])).unwrap();
            moments.push(&x.slice(ndarray::s![split.min(3).., .., ..]), &y.slice(ndarray::s![split.min(3).., .., ..])).unwrap();
            let found = moments.finish();
            let (gram, cross, sums) = naive(&x, &y, &columns, first_row);
            for i in 0..columns.len() {
                for j in 0..=i {
                    prop_assert!((found.gram()[(i, j)] - gram[(i, j)]).abs() < 1e-12, "gram {} {}", i, j);
                }
                for c in 0..2 {
                    prop_assert!((found.cross()[(i, c)] - cross[(i, c)]).abs() < 1e-12, "cross {} {}", i, c);
                }
                prop_assert!((found.sums[i] - sums[i]).abs() < 1e-12, "sum {}", i);
            }
            prop_assert_eq!(found.n_rows(), 3 * (14 - first_row));
        }
    }
}
