//! Heartbeats and blinks.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Exp};

use super::stream::bounded_normal;

/// Something that happens again and again with the same course.
#[derive(Clone, Debug)]
pub(super) struct Repeated {
    /// s, ascending.
    times: Vec<f64>,
    /// Centre (s after the time), standard deviation (s) before and after the centre, height.
    bumps: &'static [(f64, f64, f64, f64)],
    /// Around each time (s) there is nothing beyond this.
    reach: f64,
}

/// P, Q, R, S and T waves: the proportions of `McSharry`, Clifford, Tarassenko and Smith (2003), "A dynamical model for
/// generating synthetic electrocardiogram signals", IEEE Transactions on Biomedical Engineering 50:289–294.
const HEART: &[(f64, f64, f64, f64)] = &[
    (-0.17, 0.025, 0.025, 0.1),
    (-0.028, 0.008, 0.008, -0.12),
    (0.0, 0.010, 0.010, 1.0),
    (0.03, 0.009, 0.009, -0.22),
    (0.27, 0.055, 0.04, 0.25),
];
/// A lid closes faster than it opens.
const BLINK: &[(f64, f64, f64, f64)] = &[(0.0, 0.045, 0.075, 1.0)];

impl Repeated {
    /// A heart of about 70 beats per minute.
    pub(super) fn heart(duration: f64, rng: &mut ChaCha8Rng) -> Self {
        let rate = 0.86 + 0.08 * bounded_normal(rng, 2.0);
        let mut times = vec![-rate * 0.5];
        let mut now = times[0];
        while now < duration + 1.0 {
            // The breath's rhythm, 0.25 Hz, and what is irregular.
            let breath = 0.03 * (std::f64::consts::TAU * 0.25 * now).sin();
            now += rate * (1.0 + breath + 0.02 * bounded_normal(rng, 3.0));
            times.push(now);
        }
        Self { times, bumps: HEART, reach: 0.6 }
    }

    /// About 13 blinks per minute.
    pub(super) fn blinks(duration: f64, rng: &mut ChaCha8Rng) -> Self {
        let more = Exp::new(1.0 / 3.0).expect("a positive rate");
        let mut times = Vec::new();
        let mut now = more.sample(rng);
        while now < duration + 1.0 {
            times.push(now);
            now += 1.5 + more.sample(rng);
        }
        Self { times, bumps: BLINK, reach: 0.5 }
    }

    /// Adds its course to samples at `sfreq` (Hz) from sample number `start` on.
    pub(super) fn add(&self, out: &mut [f32], start: usize, sfreq: f64) {
        let (from, to) = (start as f64 / sfreq - self.reach, (start + out.len()) as f64 / sfreq + self.reach);
        let first = self.times.partition_point(|&time| time < from);
        for &time in self.times[first..].iter().take_while(|&&time| time < to) {
            for &(centre, before, after, height) in self.bumps {
                let middle = (time + centre) * sfreq - start as f64;
                let low = (middle - 5.0 * before * sfreq).max(0.0).ceil() as usize;
                let high = (middle + 5.0 * after * sfreq).max(0.0).ceil() as usize;
                for i in low..high.min(out.len()) {
                    let t = (i as f64 - middle) / sfreq;
                    let z = t / if t < 0.0 { before } else { after };
                    out[i] += (height * (-0.5 * z * z).exp()) as f32;
                }
            }
        }
    }
}
