//! What a chain of filters makes of a unit impulse.

use std::f64::consts::PI;

use rustfft::FftPlanner;
use rustfft::num_complex::Complex64;

/// The response of a whole chain to a unit impulse, at the recorded sampling frequency.
///
/// Filters, and the low-pass that keeps resampling from aliasing, count; a reference and decimation do not.
#[derive(Clone, Debug, PartialEq)]
pub struct ImpulseResponse {
    /// One value per sample.
    pub taps: Vec<f64>,
    /// Index of zero delay: the impulse's own sample. What lies before it is reached by filters that are not causal.
    pub origin: usize,
    /// Sampling frequency (Hz).
    pub sfreq: f64,
}

impl ImpulseResponse {
    /// The response of nothing at all.
    pub fn identity(sfreq: f64) -> Self {
        Self { taps: vec![1.0], origin: 0, sfreq }
    }

    /// Group delay (s) at `freq` (Hz): by how much the envelope of a wave of that frequency comes later. NaN where nothing
    /// passes.
    ///
    /// It is the real part of Σ t h(t) e^(−iωt) / Σ h(t) e^(−iωt), t from zero delay on (Oppenheim and Schafer,
    /// *Discrete-Time Signal Processing*, 3rd edition, section 5.1).
    pub fn delay(&self, freq: f64) -> f64 {
        let omega = 2.0 * PI * freq / self.sfreq;
        let (mut moment, mut sum) = (Complex64::default(), Complex64::default());
        for (i, tap) in self.taps.iter().enumerate() {
            let time = i as f64 - self.origin as f64;
            let value = Complex64::from_polar(*tap, -omega * time);
            moment += value * time;
            sum += value;
        }
        (moment / sum).re / self.sfreq
    }

    /// Seconds before and after zero delay of the shortest stretch around it that holds `share` (0 to 1) of the energy; the
    /// whole response where rounding keeps any stretch from holding it.
    pub fn span(&self, share: f64) -> [f64; 2] {
        let mut sums = Vec::with_capacity(self.taps.len() + 1);
        let mut sum = 0.0;
        sums.push(sum);
        for tap in &self.taps {
            sum += tap * tap;
            sums.push(sum);
        }
        let needed = share * sum;
        let last = self.taps.len() - 1;
        let mut best = (0, last);
        // As the stretch begins later, it may only end later.
        let mut end = self.origin;
        for start in 0..=self.origin.min(last) {
            while end < last && sums[end + 1] - sums[start] < needed {
                end += 1;
            }
            if sums[end + 1] - sums[start] < needed {
                break;
            }
            if end - start < best.1 - best.0 {
                best = (start, end);
            }
        }
        [(self.origin - best.0) as f64 / self.sfreq, best.1.saturating_sub(self.origin) as f64 / self.sfreq]
    }

    /// One filter after the other.
    pub(super) fn then(&self, next: &Self) -> Self {
        Self { taps: convolved(&self.taps, &next.taps), origin: self.origin + next.origin, sfreq: self.sfreq }
    }

    /// `delay 12 ms at 10 Hz`
    pub(super) fn delay_text(&self, freq: f64) -> String {
        let delay = 1e3 * self.delay(freq);
        // Ripple of the pass band makes delays near 0 negative at times.
        format!("delay {:.0} ms at {} Hz", if delay < 0.5 { 0.0 } else { delay }, rounded(freq))
    }
}

/// A frequency as people write it.
fn rounded(freq: f64) -> f64 {
    let digits = 10f64.powi(2 - freq.log10().ceil() as i32);
    (freq * digits).round() / digits
}

/// The frequency (Hz) at which a filter's delay is reported: 10 Hz where the pass band from `low` to `high` (Hz) holds it, else
/// the band's middle.
pub fn middle_of_band(low: f64, high: f64) -> f64 {
    match (low, high) {
        (low, high) if low < 10.0 && high > 10.0 => 10.0,
        (0.0, high) => high / 2.0,
        (low, high) => (low * high).sqrt(),
    }
}

fn convolved(a: &[f64], b: &[f64]) -> Vec<f64> {
    let n = a.len() + b.len() - 1;
    if a.len().min(b.len()) <= 64 {
        let mut out = vec![0.0; n];
        for (i, x) in a.iter().enumerate() {
            for (sum, y) in out[i..].iter_mut().zip(b) {
                *sum += x * y;
            }
        }
        return out;
    }
    let n_fft = n.next_power_of_two();
    let mut planner = FftPlanner::new();
    // Both as the real and the imaginary part of one signal: the product is half the imaginary part of its square.
    let mut both: Vec<Complex64> = (0..n_fft)
        .map(|i| Complex64::new(a.get(i).copied().unwrap_or(0.0), b.get(i).copied().unwrap_or(0.0)))
        .collect();
    planner.plan_fft_forward(n_fft).process(&mut both);
    both.iter_mut().for_each(|value| *value *= *value);
    planner.plan_fft_inverse(n_fft).process(&mut both);
    both[..n].iter().map(|value| value.im / 2.0 / n_fft as f64).collect()
}
