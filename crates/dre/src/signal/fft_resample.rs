//! Resampling in the frequency domain.

use std::f64::consts::PI;
use std::sync::Arc;

use realfft::num_complex::Complex64;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use super::{ImpulseResponse, resampled_len};

/// Zero crossings on each side that [`FftResample::response`] has; what lies beyond holds a ten-thousandth of the energy.
const N_CROSSINGS: usize = 1000;

/// Resampling as MNE-Python's `resample(method="fft", npad="auto")` does it: the signal is continued by its point
/// reflection to a power of two, transformed, cut off (or continued by zeros) at the new Nyquist frequency, and transformed
/// back.
///
/// Numbers of samples are rounded as there, before and after, so that times may be off by up to half a new sample.
///
/// Cost: one transform of the whole signal each way, which must therefore be in memory; see [`FftResample::memory`].
#[derive(Clone)]
pub struct FftResample {
    n_in: usize,
    n_out: usize,
    /// Samples put before the signal.
    n_before: usize,
    /// New samples that stand for those.
    n_skipped: usize,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
}

impl std::fmt::Debug for FftResample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FftResample").field("n_in", &self.n_in).field("n_out", &self.n_out).finish_non_exhaustive()
    }
}

impl FftResample {
    /// Plans for signals of `n_times` samples (at least 1) at `sfreq_in` that are to have `sfreq_out` (Hz).
    pub fn new(n_times: usize, sfreq_in: f64, sfreq_out: f64) -> Self {
        let padded = padded_len(n_times);
        let n_before = (padded - n_times) / 2;
        let mut planner = RealFftPlanner::new();
        Self {
            n_in: n_times,
            n_out: resampled_len(n_times, sfreq_in, sfreq_out),
            n_before,
            n_skipped: (sfreq_out / sfreq_in * n_before as f64).round_ties_even() as usize,
            forward: planner.plan_fft_forward(padded),
            inverse: planner.plan_fft_inverse(resampled_len(padded, sfreq_in, sfreq_out)),
        }
    }

    /// Number of samples after resampling.
    pub fn n_times(&self) -> usize {
        self.n_out
    }

    /// The ideal low-pass that cutting the spectrum is, from `sfreq_in` to `sfreq_out` (Hz): a sinc of 1000 zero crossings on
    /// each side, of a thousandth too little gain at most, as if the signal had no ends.
    pub fn response(sfreq_in: f64, sfreq_out: f64) -> ImpulseResponse {
        let ratio = sfreq_out / sfreq_in;
        if ratio >= 1.0 {
            return ImpulseResponse::identity(sfreq_in);
        }
        let n_half = (N_CROSSINGS as f64 / ratio) as isize;
        let tap = |time: isize| {
            let angle = PI * ratio * time as f64;
            if time == 0 { ratio } else { ratio * angle.sin() / angle }
        };
        ImpulseResponse { taps: (-n_half..=n_half).map(tap).collect(), origin: n_half as usize, sfreq: sfreq_in }
    }

    /// Bytes that a thread needs to resample a signal of `n_times` samples, without the signal itself.
    pub fn memory(n_times: usize, sfreq_in: f64, sfreq_out: f64) -> usize {
        let (old, new) = (padded_len(n_times), resampled_len(padded_len(n_times), sfreq_in, sfreq_out));
        // Both signals, the longer spectrum, and as much again for the transform.
        size_of::<f64>() * (old + new + 2 * old.max(new)) + n_times * size_of::<f64>()
    }

    /// Resamples a signal of the length that was planned.
    ///
    /// # Panics
    /// Where `x` has another length.
    pub fn resample(&self, x: &[f64]) -> Vec<f64> {
        assert_eq!(x.len(), self.n_in, "a signal of the length that was planned");
        let last = self.n_in - 1;
        let mut padded = self.forward.make_input_vec();
        for (i, value) in padded.iter_mut().enumerate() {
            *value = if i < self.n_before {
                let distance = self.n_before - i;
                if distance <= last { 2.0 * x[0] - x[distance] } else { 0.0 }
            } else if i - self.n_before <= last {
                x[i - self.n_before]
            } else {
                let distance = i - self.n_before - last;
                if distance <= last { 2.0 * x[last] - x[last - distance] } else { 0.0 }
            };
        }
        let (n_old, n_new) = (padded.len(), self.inverse.len());
        let mut spectrum = self.forward.make_output_vec();
        self.forward.process(&mut padded, &mut spectrum).expect("buffers were made by the transform for itself");
        drop(padded);
        // The outermost frequency of the shorter one stands for two of the longer one.
        let shorter = n_new.min(n_old);
        if shorter.is_multiple_of(2)
            && let Some(value) = spectrum.get_mut(shorter / 2)
        {
            *value *= if n_new < n_old { 2.0 } else { 0.5 };
        }
        spectrum.resize(n_new / 2 + 1, Complex64::default());
        spectrum[0].im = 0.0;
        if n_new.is_multiple_of(2) {
            spectrum[n_new / 2].im = 0.0;
        }
        let mut out = self.inverse.make_output_vec();
        self.inverse.process(&mut spectrum, &mut out).expect("the spectrum's ends are real and the lengths fit");
        let kept = out.iter().skip(self.n_skipped).take(self.n_out);
        kept.map(|value| value / n_old as f64).collect()
    }
}

/// The power of two that leaves an eighth of the signal, at most 100 samples, on each side.
fn padded_len(n_times: usize) -> usize {
    (n_times + 2 * (n_times / 8).min(100)).next_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_wave_keeps_its_shape_up_and_down() {
        for (n, from, to) in [(1000, 250.0, 100.0), (1000, 100.0, 250.0), (777, 120.0, 99.7)] {
            let wave = |time: f64| (2.0 * PI * 5.0 * time / from).sin();
            let plan = FftResample::new(n, from, to);
            let found = plan.resample(&(0..n).map(|i| wave(i as f64)).collect::<Vec<_>>());
            assert_eq!(found.len(), plan.n_times());
            let stretch = plan.forward.len() as f64 / plan.inverse.len() as f64;
            for (i, found) in found.iter().enumerate().skip(found.len() / 4).take(found.len() / 2) {
                let expected = wave((i + plan.n_skipped) as f64 * stretch - plan.n_before as f64);
                assert!((found - expected).abs() < 0.01, "{from} → {to}: {found} instead of {expected}");
            }
        }
    }

    #[test]
    fn short_signals_and_constants() {
        for n in 1..40 {
            for to in [30.0, 100.0, 190.0] {
                let plan = FftResample::new(n, 100.0, to);
                assert_eq!(plan.resample(&vec![1.0; n]).len(), plan.n_times());
            }
        }
        let constant = FftResample::new(1000, 100.0, 50.0).resample(&[2.0; 1000]);
        assert!(constant[100..400].iter().all(|value| (value - 2.0).abs() < 1e-3));
    }
}
