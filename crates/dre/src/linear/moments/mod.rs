//! Second moments of lagged signals, accumulated from epochs without a design matrix.
//!
//! Wanted are, for regressors a, b at lags l, m and targets c, with zeros outside of each epoch,
//!
//! ```text
//! G(a l, b m) = Σ x_a[t − l] x_b[t − m]    and    B(a l, c) = Σ x_a[t − l] y_c[t],
//! ```
//!
//! summed over epochs and the runs of rows s ≤ t < e of each. One step along a diagonal of a block of G changes one term at
//! each end of a run only,
//!
//! ```text
//! G(a l+1, b m+1) = G(a l, b m) + x_a[s−1−l] x_b[s−1−m] − x_a[e−1−l] x_b[e−1−m],
//! ```
//!
//! so that it takes the first row and column of each block, which are correlations, computed over the frequencies of a
//! Fourier transform, and the moments of the runs' two ends. This is the covariance method of linear prediction
//! (Makhoul 1975); where an epoch is one run it gives what MNE-Python's `TimeDelayingRidge` calls edge correction.

mod ends;
mod finish;
mod spectra;
#[cfg(test)]
mod tests;

use faer::c64;
use ndarray::{ArrayRef3, Axis};

use super::fft::Fft;
use super::lags::{Columns, LagRange};
use super::rows::{self, Runs};
use crate::{Error, Result};

/// Epochs whose spectra are held at the same time.
pub(super) const BLOCK: usize = 32;

/// Accumulates moments of epochs of one length.
#[derive(Debug)]
pub struct LagMoments {
    columns: Columns,
    n_targets: usize,
    n_times: usize,
    first_row: usize,
    n_rows: usize,
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
    target_squares: Vec<f64>,
    buffers: Buffers,
}

/// Spectra of a block of epochs, `(signal, frequency, epoch)`, and ends of runs that wait, `(run, column)`.
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
            target_squares: vec![0.0; n_targets],
            buffers: Buffers::default(),
            n_rows: 0,
            columns,
            n_targets,
            n_times,
            first_row,
            n_threads,
            fft,
        })
    }

    /// Adds epochs, of which all samples from the first row on count: regressors `(n_epochs, n_regressors, n_times)`,
    /// targets `(n_epochs, n_targets, n_times)`.
    ///
    /// # Errors
    /// [`Error::Shape`] where the arrays do not fit.
    pub fn push(&mut self, regressors: &ArrayRef3<f64>, targets: &ArrayRef3<f64>) -> Result<()> {
        let whole: Runs = std::iter::once(self.first_row..self.n_times).collect();
        self.push_rows(regressors, targets, &vec![whole; regressors.shape()[0]])
    }

    /// Adds epochs of which only some rows count, for each epoch its runs. Samples that are no row are still what rows
    /// see at their lags; targets at samples that are no row do not matter.
    ///
    /// # Errors
    /// [`Error::Shape`] where the arrays or the runs do not fit.
    pub fn push_rows(&mut self, regressors: &ArrayRef3<f64>, targets: &ArrayRef3<f64>, rows: &[Runs]) -> Result<()> {
        let n_epochs = regressors.shape()[0];
        check_shape("the regressors", regressors, [n_epochs, self.columns.n_regressors(), self.n_times])?;
        check_shape("the targets", targets, [n_epochs, self.n_targets, self.n_times])?;
        let fit = |runs: &Runs| {
            let mut end = self.first_row;
            runs.iter().all(|run| {
                let in_order = end <= run.start && run.start <= run.end;
                end = run.end;
                in_order && run.end <= self.n_times
            })
        };
        if rows.len() != n_epochs || !rows.iter().all(fit) {
            return Err(Error::Shape {
                what: "the rows".to_owned(),
                found: vec![rows.len()],
                expected: format!(
                    "runs in order within samples {} to {} for {n_epochs} epochs",
                    self.first_row, self.n_times
                ),
            });
        }
        let blocks = regressors.axis_chunks_iter(Axis(0), BLOCK).zip(targets.axis_chunks_iter(Axis(0), BLOCK));
        for ((regressors, targets), rows) in blocks.zip(rows.chunks(BLOCK)) {
            if rows::count(rows) == 0 {
                continue;
            }
            self.push_spectra(&regressors, &targets, rows);
            self.push_ends(&regressors, rows);
            self.push_sums(&regressors, &targets, rows);
            self.n_rows += rows::count(rows);
        }
        Ok(())
    }
}

pub(super) fn check_shape(what: &str, array: &ArrayRef3<f64>, expected: [usize; 3]) -> Result<()> {
    if array.shape() == expected {
        return Ok(());
    }
    Err(Error::Shape { what: what.to_owned(), found: array.shape().to_vec(), expected: format!("{expected:?}") })
}
