//! Applying an FIR filter with zero phase: overlap-add over blocks in the frequency domain.

use std::sync::Arc;

use realfft::num_complex::Complex64;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

/// A filter ready to be applied to many signals: its spectrum and the transforms, shared between threads.
///
/// Before filtering, a signal is continued at each end by its own point reflection (odd reflection around the edge
/// sample), as far as the filter reaches or the signal lasts, and by zeros beyond: MNE-Python's `reflect_limited`.
///
/// Cost: about `n_times * log2(n_fft)` operations per signal.
#[derive(Clone)]
pub struct FirPlan {
    n_taps: usize,
    n_fft: usize,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    /// Spectrum of the taps, divided by `n_fft` because the transforms do not normalise.
    spectrum: Vec<Complex64>,
}

/// Working memory of [`FirPlan::apply`], one per thread; grows to what it needs and is kept for the next signal.
#[derive(Clone, Debug, Default)]
pub struct FirScratch {
    extended: Vec<f64>,
    block: Vec<f64>,
    spectrum: Vec<Complex64>,
    transform: Vec<Complex64>,
}

impl std::fmt::Debug for FirPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FirPlan").field("n_taps", &self.n_taps).field("n_fft", &self.n_fft).finish_non_exhaustive()
    }
}

impl FirPlan {
    /// Plans for symmetric `taps` (an odd number); `n_times` is the usual length of a signal and only decides how
    /// fast other lengths are.
    pub(super) fn new(taps: &[f64], n_times: usize) -> Self {
        let n_taps = taps.len();
        let n_fft = block_length(n_taps, n_times + 2 * (n_taps - 1));
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(n_fft);
        let inverse = planner.plan_fft_inverse(n_fft);
        let mut padded = vec![0.0; n_fft];
        for (to, tap) in padded.iter_mut().zip(taps) {
            *to = tap / n_fft as f64;
        }
        let mut spectrum = forward.make_output_vec();
        forward.process(&mut padded, &mut spectrum).expect("buffers were made by the transform for itself");
        Self { n_taps, n_fft, forward, inverse, spectrum }
    }

    /// Filters one signal in place. Any length works, also one shorter than the filter (its result is then dominated
    /// by the edges).
    #[expect(clippy::missing_panics_doc, reason = "the transforms fail only on buffers of another length than theirs")]
    pub fn apply(&self, x: &mut [f64], scratch: &mut FirScratch) {
        if x.is_empty() {
            return;
        }
        let n_edge = self.n_taps.min(x.len()) - 1;
        let FirScratch { extended, block, spectrum, transform } = scratch;
        extend(x, n_edge, extended);
        block.resize(self.n_fft, 0.0);
        spectrum.resize(self.n_fft / 2 + 1, Complex64::default());
        let n_transform = self.forward.get_scratch_len().max(self.inverse.get_scratch_len());
        transform.resize(n_transform, Complex64::default());

        x.fill(0.0);
        // Sample i of the full convolution of the extended signal belongs to sample i - shift of the result.
        let shift = self.n_taps / 2 + n_edge;
        let step = self.n_fft - self.n_taps + 1;
        for (index, part) in extended.chunks(step).enumerate() {
            let start = index * step;
            if start >= shift + x.len() {
                break;
            }
            block[..part.len()].copy_from_slice(part);
            block[part.len()..].fill(0.0);
            self.forward
                .process_with_scratch(block, spectrum, transform)
                .expect("buffers have the lengths that the transform asks for");
            for (value, tap) in spectrum.iter_mut().zip(&self.spectrum) {
                *value *= tap;
            }
            // The ends of a real signal's spectrum are real; rounding in the product must not make them complex.
            spectrum[0].im = 0.0;
            if self.n_fft.is_multiple_of(2) {
                spectrum[self.n_fft / 2].im = 0.0;
            }
            self.inverse
                .process_with_scratch(spectrum, block, transform)
                .expect("the spectrum's ends are real and the lengths fit");
            // Never beyond the block: shift < 2 * n_taps - 1 <= n_fft.
            let skip = shift.saturating_sub(start);
            for (to, value) in x[start + skip - shift..].iter_mut().zip(&block[skip..]) {
                *to += value;
            }
        }
    }
}

/// Writes `x` with `n_edge` reflected samples on each side (`n_edge < x.len()`).
fn extend(x: &[f64], n_edge: usize, extended: &mut Vec<f64>) {
    let last = x.len() - 1;
    extended.clear();
    extended.reserve(x.len() + 2 * n_edge);
    extended.extend((1..=n_edge).rev().map(|i| 2.0 * x[0] - x[i]));
    extended.extend_from_slice(x);
    extended.extend((1..=n_edge).map(|i| 2.0 * x[last] - x[last - i]));
}

/// The power of two that needs the fewest operations for `n_total` samples.
fn block_length(n_taps: usize, n_total: usize) -> usize {
    let smallest = (2 * n_taps - 1).next_power_of_two();
    let largest = n_total.next_power_of_two().max(smallest);
    let mut best = (smallest, f64::INFINITY);
    let mut n_fft = smallest;
    while n_fft <= largest {
        let n_blocks = n_total.div_ceil(n_fft - n_taps + 1) as f64;
        let n = n_fft as f64;
        // The last term keeps blocks within the cache: a longer transform costs more than its operations.
        let cost = n_blocks * n * (n.log2() + 1.0) + 4e-5 * n * n_total as f64;
        if cost < best.1 {
            best = (n_fft, cost);
        }
        n_fft *= 2;
    }
    best.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::signal::FirFilter;

    /// The definition: reflect, zeros beyond, convolve, centre.
    fn direct(x: &[f64], taps: &[f64]) -> Vec<f64> {
        let n_edge = (taps.len().min(x.len()) - 1) as isize;
        let n = x.len() as isize;
        let at = |i: isize| match i {
            i if i < -n_edge || i >= n + n_edge => 0.0,
            i if i < 0 => 2.0 * x[0] - x[(-i) as usize],
            i if i >= n => 2.0 * x[x.len() - 1] - x[(2 * (n - 1) - i) as usize],
            i => x[i as usize],
        };
        let half = (taps.len() / 2) as isize;
        (0..n).map(|i| taps.iter().enumerate().map(|(k, tap)| tap * at(i + half - k as isize)).sum()).collect()
    }

    fn check(x: &[f64], filter: &FirFilter, plan: &FirPlan) {
        let mut y = x.to_vec();
        plan.apply(&mut y, &mut FirScratch::default());
        for (found, expected) in y.iter().zip(direct(x, filter.taps())) {
            assert!((found - expected).abs() < 1e-11, "{found} instead of {expected}, {} samples", x.len());
        }
    }

    #[test]
    fn every_length_agrees_with_the_definition() {
        let filter = FirFilter::band(100.0, Some(2.0), Some(20.0)).unwrap();
        let plan = filter.plan(300);
        for n in 1..400 {
            let x: Vec<f64> = (0..n).map(|i| (f64::from(i * i) * 0.37).sin() + 0.5).collect();
            check(&x, &filter, &plan);
        }
    }

    #[test]
    fn a_constant_passes_a_low_pass_and_not_a_high_pass() {
        let low = FirFilter::band(100.0, None, Some(10.0)).unwrap();
        let mut x = vec![3.0; 1000];
        low.plan(1000).apply(&mut x, &mut FirScratch::default());
        assert!(x.iter().all(|value| (value - 3.0).abs() < 1e-12));
        let high = FirFilter::band(100.0, Some(10.0), None).unwrap();
        high.plan(1000).apply(&mut x, &mut FirScratch::default());
        assert!(x.iter().all(|value| value.abs() < 1e-12));
    }

    #[test]
    fn an_empty_signal_stays_empty() {
        let filter = FirFilter::band(100.0, None, Some(10.0)).unwrap();
        filter.plan(0).apply(&mut [], &mut FirScratch::default());
    }

    proptest! {
        #[test]
        fn scratch_and_plan_can_be_reused(
            signals in prop::collection::vec(prop::collection::vec(-1.0f64..1.0, 1..700), 1..4), planned in 1usize..3000,
        ) {
            let filter = FirFilter::band(120.0, Some(1.5), Some(30.0)).unwrap();
            let plan = filter.plan(planned);
            let mut scratch = FirScratch::default();
            for x in signals {
                let mut y = x.clone();
                plan.apply(&mut y, &mut scratch);
                for (found, expected) in y.iter().zip(direct(&x, filter.taps())) {
                    prop_assert!((found - expected).abs() < 1e-11);
                }
            }
        }
    }
}
