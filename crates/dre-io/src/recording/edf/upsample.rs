//! Signals that are sampled less often than others, on the time axis of these.

use realfft::RealFftPlanner;

/// Longest result (samples) that is made: its transform takes about 32 bytes of memory per sample.
pub(super) const MOST_SAMPLES: usize = 1 << 24;

/// Band-limited interpolation of a whole signal to `n` samples through its Fourier transform, as MNE-Python's
/// `resample(..., npad=0)` does it: the signal is taken for periodic.
pub(super) fn fourier(mut x: Vec<f64>, n: usize) -> Vec<f64> {
    let n_old = x.len();
    let mut planner = RealFftPlanner::<f64>::new();
    let forward = planner.plan_fft_forward(n_old);
    let mut spectrum = forward.make_output_vec();
    // The lengths are those that the plan asks for, and then nothing can go wrong; see `RealToComplex::process`.
    let mut fine = forward.process(&mut x, &mut spectrum).is_ok();
    drop(x);
    if n_old.is_multiple_of(2)
        && let Some(nyquist) = spectrum.last_mut()
    {
        *nyquist *= 0.5;
    }
    let backward = planner.plan_fft_inverse(n);
    spectrum.resize(n / 2 + 1, 0.0.into());
    for value in &mut spectrum {
        *value /= n_old as f64;
    }
    // A real signal's first and last coefficient have no imaginary part; rounding may have left one.
    for index in [0, if n.is_multiple_of(2) { n / 2 } else { 0 }] {
        spectrum[index].im = 0.0;
    }
    let mut y = backward.make_output_vec();
    fine &= backward.process(&mut spectrum, &mut y).is_ok();
    debug_assert!(fine, "the lengths are the plans'");
    y
}

/// For each of `n` samples of a record which of its `n_old` samples a trigger holds: the last one that has begun. The times
/// are compared as rounded by MNE-Python.
pub(super) fn held(n_old: usize, n: usize) -> Vec<usize> {
    let (step_old, step) = (1.0 / n_old as f64, 1.0 / n as f64);
    let mut at = 0;
    (0..n)
        .map(|k| {
            let time = k as f64 * step;
            while at + 1 < n_old && (at + 1) as f64 * step_old <= time {
                at += 1;
            }
            at
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sine_stays_a_sine() {
        for (n_old, n) in [(50, 200), (51, 128), (64, 65), (1, 7), (2, 5)] {
            let wave = |n: usize| -> Vec<f64> {
                let cycles = if n_old < 10 { 0.0 } else { 5.0 };
                (0..n).map(|k| (std::f64::consts::TAU * cycles * k as f64 / n as f64 + 0.3).cos()).collect()
            };
            for (found, expected) in fourier(wave(n_old), n).iter().zip(wave(n)) {
                assert!((found - expected).abs() < 1e-12, "{n_old} to {n}: {found} instead of {expected}");
            }
        }
    }

    #[test]
    fn triggers_are_held() {
        assert_eq!(held(2, 6), [0, 0, 0, 1, 1, 1]);
        assert_eq!(held(3, 4), [0, 0, 1, 2]);
    }
}
