//! First rows and columns of the blocks: correlations, over frequencies.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par, c64};
use ndarray::{ArrayRef3, Axis, s};

use super::super::rows::{Runs, shifted};
use super::LagMoments;
use crate::parallel;

impl LagMoments {
    pub(super) fn push_spectra(&mut self, regressors: &ArrayRef3<f64>, targets: &ArrayRef3<f64>, rows: &[Runs]) {
        let (n_epochs, n, n_targets) = (regressors.shape()[0], self.columns.n_regressors(), self.n_targets);
        let mut buffers = std::mem::take(&mut self.buffers);
        self.transform(&mut buffers.full, regressors, None, |_| 0);
        self.transform(&mut buffers.windowed, regressors, Some(rows), |a| self.columns.lags(a).first());
        self.transform(&mut buffers.targets, targets, Some(rows), |_| 0);
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

    /// Spectra of each signal's samples that the rows see at the signal's lag, or of all samples.
    fn transform(
        &self,
        spectra: &mut Vec<c64>,
        signals: &ArrayRef3<f64>,
        rows: Option<&[Runs]>,
        lag: impl Fn(usize) -> isize + Sync,
    ) {
        let (n_epochs, n_signals, n_freqs) = (signals.shape()[0], signals.shape()[1], self.fft.n_freqs());
        spectra.resize(n_signals * n_freqs * n_epochs, c64::new(0.0, 0.0));
        parallel::for_each_chunk(spectra, n_freqs * n_epochs, self.n_threads, |signal, chunk| {
            let mut work = self.fft.work();
            for epoch in 0..n_epochs {
                let row = signals.index_axis(Axis(0), epoch).index_axis_move(Axis(0), signal);
                if let Some(rows) = rows {
                    work.signal.fill(0.0);
                    for run in &rows[epoch] {
                        let seen = shifted(run, lag(signal), self.n_times);
                        let part = row.slice(s![seen.clone()]);
                        work.signal[seen].iter_mut().zip(part).for_each(|(out, &value)| *out = value);
                    }
                } else {
                    work.set(row.iter().copied());
                }
                self.fft.forward(&mut work);
                for (out, &value) in chunk.iter_mut().skip(epoch).step_by(n_epochs).zip(&work.spectrum) {
                    *out = value;
                }
            }
        });
    }
}

/// One frequency of spectra of the shape `(signal, frequency, epoch)`, as a matrix `(signal, epoch)`.
fn at_frequency(spectra: &[c64], k: usize, [n_signals, n_freqs, n_epochs]: [usize; 3]) -> MatRef<'_, c64> {
    MatRef::from_row_major_slice_with_stride(&spectra[k * n_epochs..], n_signals, n_epochs, n_freqs * n_epochs)
}
