//! The alpha rhythm's state: amplitude, frequency and phase, which later ones follow from.

use std::f64::consts::TAU;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::stream::{bounded_normal, normal};

/// States per second; much faster than anything that changes, and the same for every sampling frequency.
const RATE: f64 = 100.0;
/// Standard deviation of the logarithm of the amplitude, and the time (s) in which it forgets. Bursts of about a second:
/// the dynamics of Linkenkaer-Hansen and others (2001), "Long-range temporal correlations and scaling behavior in human brain
/// oscillations", Journal of Neuroscience 21:1370–1377, at the time scale of an epoch.
const AMPLITUDE: (f64, f64) = (0.5, 1.0);
/// The same of the frequency's drift (Hz, s).
const DRIFT: (f64, f64) = (0.3, 3.0);
/// Time (s) in which the phase loses its way beside the drift.
const COHERENCE: f64 = 1.5;
/// Mean and standard deviation over subjects of the frequency (Hz): Haegens and others (2014), "Inter- and intra-individual variability in
/// alpha peak frequency", `NeuroImage` 92:46–55.
const FREQUENCY: (f64, f64) = (10.2, 0.9);
/// How strongly the logarithm of power before a word scales responses: Iemi and others (2019), "Multiple mechanisms link
/// prestimulus neural oscillations to sensory responses", eLife 8:e43620.
const GAIN: f64 = 0.4;
/// Time before a word whose power counts (s).
const BEFORE: f64 = 0.3;

/// A subject's frequency (Hz).
pub(super) fn frequency(rng: &mut ChaCha8Rng) -> f64 {
    FREQUENCY.0 + FREQUENCY.1 * bounded_normal(rng, 2.0)
}

/// The rhythm's state over a recording.
#[derive(Clone, Debug)]
pub(super) struct Alpha {
    /// Standard scores of the logarithm of the amplitude.
    score: Vec<f64>,
    /// rad, not wrapped.
    phase: Vec<f64>,
}

impl Alpha {
    pub(super) fn new(duration: f64, frequency: f64, rng: &mut ChaCha8Rng) -> Self {
        let n = (duration * RATE).ceil() as usize + 2;
        let keep = |time: f64| (-1.0 / (time * RATE)).exp();
        let (keep_score, keep_drift) = (keep(AMPLITUDE.1), keep(DRIFT.1));
        let fresh = |keep: f64| (1.0 - keep * keep).sqrt();
        let (mut z, mut drift) = (normal(rng), normal(rng));
        let mut angle = rng.random_range(0.0..TAU);
        let wander = (2.0 / (COHERENCE * RATE)).sqrt();
        let (mut score, mut phase) = (Vec::with_capacity(n), Vec::with_capacity(n));
        for _ in 0..n {
            score.push(z);
            phase.push(angle);
            z = keep_score * z + fresh(keep_score) * normal(rng);
            drift = keep_drift * drift + fresh(keep_drift) * normal(rng);
            angle += TAU * (frequency + DRIFT.0 * drift) / RATE + wander * normal(rng);
        }
        Self { score, phase }
    }

    fn between(values: &[f64], time: f64) -> f64 {
        let place = (time.max(0.0) * RATE).min((values.len() - 2) as f64);
        let i = place as usize;
        values[i] + (values[i + 1] - values[i]) * (place - i as f64)
    }

    /// Amplitude relative to its root mean square over time.
    pub(super) fn amplitude(&self, time: f64) -> f64 {
        // The mean of exp(2 s z) is exp(2 s²).
        (AMPLITUDE.0 * Self::between(&self.score, time) - AMPLITUDE.0 * AMPLITUDE.0).exp()
    }

    /// Phase (rad), not wrapped.
    pub(super) fn phase(&self, time: f64) -> f64 {
        Self::between(&self.phase, time)
    }

    /// Power in the 0.3 s before a time, relative to its mean.
    pub(super) fn power_before(&self, time: f64) -> f64 {
        let n = (BEFORE * RATE) as usize;
        let sum: f64 = (0..n).map(|i| self.amplitude(time - (i as f64 + 0.5) / RATE).powi(2)).sum();
        sum / n as f64
    }

    /// What a power before the word, relative to its mean, makes of a response; 1 for the median power.
    pub(super) fn gain(power: f64) -> f64 {
        // The median of the power is exp(−2 s²) of its mean.
        (power * (2.0 * AMPLITUDE.0 * AMPLITUDE.0).exp()).powf(-GAIN).clamp(0.25, 2.5)
    }
}
