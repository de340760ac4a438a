//! Real Fourier transforms of a fixed length.

use std::sync::Arc;

use faer::c64;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

/// A pair of transforms of one length, in f64. The inverse divides by the length.
#[derive(Clone)]
pub(super) struct Fft {
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
}

impl std::fmt::Debug for Fft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fft({})", self.len())
    }
}

impl Fft {
    /// Transforms of the next length from `least` on that has no prime factor above 5.
    pub(super) fn at_least(least: usize) -> Self {
        let mut planner = RealFftPlanner::new();
        let length = fast_len(least);
        Self { forward: planner.plan_fft_forward(length), inverse: planner.plan_fft_inverse(length) }
    }

    /// Length of the signals.
    pub(super) fn len(&self) -> usize {
        self.forward.len()
    }

    /// Number of frequencies: half the length and one.
    pub(super) fn n_freqs(&self) -> usize {
        self.forward.complex_len()
    }

    /// Buffers for one thread.
    pub(super) fn work(&self) -> FftWork {
        FftWork {
            signal: self.forward.make_input_vec(),
            spectrum: self.forward.make_output_vec(),
            scratch: vec![c64::new(0.0, 0.0); self.forward.get_scratch_len().max(self.inverse.get_scratch_len())],
        }
    }

    /// Transforms `work.signal`, which it overwrites, into `work.spectrum`.
    pub(super) fn forward(&self, work: &mut FftWork) {
        self.forward
            .process_with_scratch(&mut work.signal, &mut work.spectrum, &mut work.scratch)
            .expect("the buffers were made for this length");
    }

    /// Transforms `work.spectrum`, which it overwrites, into `work.signal`.
    pub(super) fn inverse(&self, work: &mut FftWork) {
        // The first and, at an even length, the last frequency of a real signal are real up to rounding.
        work.spectrum[0].im = 0.0;
        if self.len().is_multiple_of(2) {
            let last = work.spectrum.len() - 1;
            work.spectrum[last].im = 0.0;
        }
        self.inverse
            .process_with_scratch(&mut work.spectrum, &mut work.signal, &mut work.scratch)
            .expect("the buffers were made for this length");
        let factor = 1.0 / self.len() as f64;
        work.signal.iter_mut().for_each(|value| *value *= factor);
    }
}

/// Buffers of one thread for one [`Fft`].
#[derive(Debug)]
pub(super) struct FftWork {
    pub(super) signal: Vec<f64>,
    pub(super) spectrum: Vec<c64>,
    scratch: Vec<c64>,
}

impl FftWork {
    /// Sets the signal: `values`, then zeros.
    pub(super) fn set(&mut self, values: impl Iterator<Item = f64>) {
        let mut end = 0;
        for (out, value) in self.signal.iter_mut().zip(values) {
            *out = value;
            end += 1;
        }
        self.signal[end..].fill(0.0);
    }
}

fn fast_len(least: usize) -> usize {
    let is_fast = |mut n: usize| {
        for factor in [2, 3, 5] {
            while n.is_multiple_of(factor) {
                n /= factor;
            }
        }
        n == 1
    };
    let mut n = least.max(2);
    while !is_fast(n) {
        n += 1;
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_by_hand() {
        assert_eq!([1, 7, 8, 241, 601].map(fast_len), [2, 8, 8, 243, 625]);
    }

    #[test]
    fn there_and_back() {
        for least in [2, 3, 15, 60] {
            let fft = Fft::at_least(least);
            let mut work = fft.work();
            work.set((0..least).map(|i| (i as f64).sin()));
            fft.forward(&mut work);
            fft.inverse(&mut work);
            for (i, value) in work.signal.iter().enumerate() {
                let expected = if i < least { (i as f64).sin() } else { 0.0 };
                assert!((value - expected).abs() < 1e-14);
            }
        }
    }
}
