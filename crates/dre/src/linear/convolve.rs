//! Predictions: each regressor convolved with its kernel, summed over regressors.

use faer::c64;
use ndarray::{Array3, ArrayRef3, Axis};

use super::fft::Fft;
use super::lags::LagRange;
use crate::parallel;

/// Convolves each epoch with kernels, zeros outside of the epoch: regressors `(n_epochs, n_regressors, n_times)`, kernels
/// `(n_targets, n_regressors, n_lags)`, result `(n_epochs, n_targets, n_times)`.
///
/// Through the frequencies: a transform per epoch and regressor, per kernel, and per epoch and target.
pub(super) fn convolve(
    regressors: &ArrayRef3<f64>,
    kernels: &ArrayRef3<f64>,
    lags: LagRange,
    n_threads: usize,
) -> Array3<f64> {
    let (n_epochs, n_regressors, n_times) = (regressors.shape()[0], regressors.shape()[1], regressors.shape()[2]);
    let n_targets = kernels.shape()[0];
    if n_regressors == 0 {
        return Array3::zeros((n_epochs, n_targets, n_times));
    }
    let reach = lags.last().max(-lags.first()).max(0);
    let fft = Fft::at_least(n_times + reach as usize);
    let n_freqs = fft.n_freqs();
    let mut kernel = vec![c64::new(0.0, 0.0); n_targets * n_regressors * n_freqs];
    parallel::for_each_chunk(&mut kernel, n_regressors * n_freqs, n_threads, |target, out| {
        kernel_spectra(&kernels.index_axis(Axis(0), target), lags, &fft, out);
    });
    let mut predicted = Array3::zeros((n_epochs, n_targets, n_times));
    let Some(out) = predicted.as_slice_mut().filter(|out| !out.is_empty()) else { return predicted };
    parallel::for_each_chunk(out, n_targets * n_times, n_threads, |epoch, out| {
        let mut work = fft.work();
        let mut spectra = vec![c64::new(0.0, 0.0); n_regressors * n_freqs];
        let signals = regressors.index_axis(Axis(0), epoch);
        for (row, out) in signals.outer_iter().zip(spectra.chunks_exact_mut(n_freqs)) {
            work.set(row.iter().copied());
            fft.forward(&mut work);
            out.copy_from_slice(&work.spectrum);
        }
        for (out, kernel) in out.chunks_exact_mut(n_times).zip(kernel.chunks_exact(n_regressors * n_freqs)) {
            work.spectrum.fill(c64::new(0.0, 0.0));
            for (x, w) in spectra.chunks_exact(n_freqs).zip(kernel.chunks_exact(n_freqs)) {
                for ((sum, x), w) in work.spectrum.iter_mut().zip(x).zip(w) {
                    *sum += x * w;
                }
            }
            fft.inverse(&mut work);
            out.copy_from_slice(&work.signal[..n_times]);
        }
    });
    predicted
}

/// Spectra of one target's kernels `(n_regressors, n_lags)`, one after the other.
fn kernel_spectra(kernels: &ndarray::ArrayRef2<f64>, lags: LagRange, fft: &Fft, spectra: &mut [c64]) {
    let mut work = fft.work();
    for (kernel, out) in kernels.outer_iter().zip(spectra.chunks_exact_mut(fft.n_freqs())) {
        work.signal.fill(0.0);
        // A negative lag stands at the end, where a circular convolution reaches around to it.
        for (i, &value) in kernel.iter().enumerate() {
            let place = (lags.first() + i as isize).rem_euclid(fft.len() as isize);
            work.signal[place as usize] = value;
        }
        fft.forward(&mut work);
        out.copy_from_slice(&work.spectrum);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn equals_the_plain_sum(
            x in prop::collection::vec(-1f64..1.0, 2 * 2 * 9), w in prop::collection::vec(-1f64..1.0, 3 * 2 * 5),
            first in -12isize..12, n_threads in 1usize..3,
        ) {
            let x = Array3::from_shape_vec((2, 2, 9), x).unwrap();
            let w = Array3::from_shape_vec((3, 2, 5), w).unwrap();
            let found = convolve(&x, &w, LagRange::new(first, first + 4).unwrap(), n_threads);
            for ((e, c, t), value) in found.indexed_iter() {
                let mut sum = 0.0;
                for a in 0..2 {
                    for i in 0..5 {
                        let s = t as isize - (first + i as isize);
                        if (0..9).contains(&s) {
                            sum += w[[c, a, i]] * x[[e, a, s as usize]];
                        }
                    }
                }
                prop_assert!((value - sum).abs() < 1e-13);
            }
        }
    }
}
