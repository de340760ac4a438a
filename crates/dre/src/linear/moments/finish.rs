//! From sums over frequencies and ends to moments.

use faer::{MatRef, c64};

use super::super::fft::FftWork;
use super::super::normal::Moments;
use super::LagMoments;
use crate::parallel;

impl LagMoments {
    /// The moments of all epochs so far.
    pub fn finish(mut self) -> Moments {
        self.flush_ends();
        let Self { columns, n_targets, n_rows, n_threads, fft, auto, cross, .. } = self;
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
        drop(auto);
        let mut by_target = vec![0.0; n_columns * n_targets];
        parallel::for_each_chunk(&mut by_target, n_columns, n_threads, |target, column| {
            let mut work = fft.work();
            for a in 0..n {
                correlate(&|k| cross[k * n * n_targets + target * n + a], &mut work);
                for (entry, lag) in column[columns.range(a)].iter_mut().zip(columns.lags(a).iter()) {
                    *entry = shifted(&work.signal, -lag);
                }
            }
        });
        drop(cross);
        let cross_moments = MatRef::from_column_major_slice(&by_target, n_columns, n_targets).to_owned();
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
            target_squares: self.target_squares,
            n_rows,
            columns,
        }
    }
}
