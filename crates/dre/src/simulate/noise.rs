//! Noise whose power falls as 1/f.

use std::f64::consts::TAU;

use rand_chacha::ChaCha8Rng;

use super::stream::normal;

/// Below this frequency (Hz) the power falls no longer.
const LOWEST: f64 = 0.1;
/// Frequency (Hz) at which the power is stated.
pub(super) const REFERENCE: f64 = 10.0;
/// Poles are two octaves apart, a zero between each two: the power follows 1/f within a third of a decibel up to an eighth
/// of the sampling frequency, and falls less from there on.
const SPACING: f64 = 4.0;

/// A cascade of filters of first order for white noise: Keshner (1982), "1/f noise", Proceedings of the IEEE 70:212–218.
#[derive(Clone, Debug)]
pub(super) struct Pink {
    /// Pole and zero of each filter.
    sections: Vec<(f64, f64)>,
    /// Last input and output of each.
    state: Vec<(f64, f64)>,
    gain: f64,
    rng: ChaCha8Rng,
}

impl Pink {
    /// Noise at `sfreq` (Hz) with a one-sided spectral density of 1 per root Hz at 10 Hz.
    pub(super) fn new(sfreq: f64, rng: ChaCha8Rng) -> Self {
        let place = |freq: f64| (-TAU * freq / sfreq).exp();
        let mut sections = Vec::new();
        let mut freq = LOWEST;
        while freq < sfreq {
            sections.push((place(freq), place(freq * SPACING.sqrt())));
            freq *= SPACING;
        }
        // |1 − c e^(−iω)|² = 1 − 2 c cos ω + c².
        let cos = (TAU * REFERENCE / sfreq).cos();
        let squared = |c: f64| 1.0 - 2.0 * c * cos + c * c;
        let power: f64 = sections.iter().map(|&(pole, zero)| squared(zero) / squared(pole)).product();
        // White noise of standard deviation 1 has a one-sided density of 2 / sfreq.
        let gain = (sfreq / 2.0 / power).sqrt();
        let mut pink = Self { state: vec![(0.0, 0.0); sections.len()], sections, gain, rng };
        // Until the slowest filter has forgotten that it began.
        for _ in 0..(sfreq / LOWEST) as usize {
            pink.next();
        }
        pink
    }

    pub(super) fn next(&mut self) -> f64 {
        let mut x = normal(&mut self.rng);
        for ((pole, zero), (input, output)) in self.sections.iter().zip(&mut self.state) {
            let y = x - zero * *input + pole * *output;
            (*input, *output) = (x, y);
            x = y;
        }
        self.gain * x
    }
}
