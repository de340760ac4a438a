//! What a filter carries from a response to the samples before it.

use crate::signal::ImpulseResponse;
use crate::{Error, Result};

use super::covariance::check_init_window;

/// Durations (s) of the responses whose leak a study reports: an impulse, whose energy is mostly at high frequencies and leaks least,
/// and one as slow as a P300, which a high-pass filter smears most.
pub const LEAK_DURATIONS: [f64; 2] = [0.0, 0.4];

/// How much of a response a filter carries into the init window, by the response's latency.
#[derive(Clone, Debug, PartialEq)]
pub struct Leak {
    /// Latencies (s) at which the response starts, relative to the event: the times of the epoch after the init window.
    pub latencies: Vec<f64>,
    /// For each latency, the share (0 to 1) of the energy of the filtered response that lies inside the init window.
    pub shares: Vec<f64>,
    /// Mean of `shares`.
    pub mean: f64,
}

/// The share of the energy of the filtered response that lies inside the init window, for a response that starts at each time after
/// it; 0 throughout for a causal filter.
///
/// `times` (s) are those of the epoch, of which the first `n_init_times` are the init window. The response is one half-wave of a
/// squared sine, `duration` (s) long; an impulse where that is below two samples. With y what the filter makes of it and τ its
/// latency, the share is Σ y(t − τ)² over the times t of the init window, divided by Σ y² over all.
///
/// # Errors
/// [`crate::Error::Setting`] for an init window of no sample or of the whole epoch, and for a duration that is not 0 or above.
pub fn leak(response: &ImpulseResponse, times: &[f64], n_init_times: usize, duration: f64) -> Result<Leak> {
    check_init_window(times.len(), n_init_times)?;
    if !(duration.is_finite() && duration >= 0.0) {
        return Err(Error::Setting {
            name: "duration".to_owned(),
            found: format!("{duration} s"),
            expected: "a finite number of seconds, 0 or above".to_owned(),
        });
    }
    let mut sums = vec![0.0];
    let mut sum = 0.0;
    for tap in &filtered_pulse(&response.taps, (duration * response.sfreq).round() as usize) {
        sum += tap * tap;
        sums.push(sum);
    }
    // Energy of the response before a time (s) after the impulse, that sample included.
    let until = |time: f64| {
        let sample = (time * response.sfreq + 1e-6).floor() + response.origin as f64;
        if sample < 0.0 { 0.0 } else { sums[(sample as usize + 1).min(sums.len() - 1)] }
    };
    let [first, last] = [times[0], times[n_init_times - 1]];
    let before = 1.0 / response.sfreq;
    let latencies = times[n_init_times..].to_vec();
    let share = |latency: &f64| (until(last - latency) - until(first - latency - before)).max(0.0) / sum;
    let shares: Vec<f64> = latencies.iter().map(share).collect();
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    Ok(Leak { latencies, shares, mean })
}

/// What a filter makes of a half-wave of a squared sine of `n` samples, an impulse for 0 or 1.
fn filtered_pulse(taps: &[f64], n: usize) -> Vec<f64> {
    let n = n.max(1);
    let mut out = vec![0.0; taps.len() + n - 1];
    for i in 0..n {
        let value = (std::f64::consts::PI * (i as f64 + 0.5) / n as f64).sin().powi(2);
        out[i..].iter_mut().zip(taps).for_each(|(out, tap)| *out += value * tap);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(n: usize, first: isize, sfreq: f64) -> Vec<f64> {
        (0..n as isize).map(|i| (first + i) as f64 / sfreq).collect()
    }

    #[test]
    fn shares_by_hand() {
        // Energies 1, 4, 9, 4, 1 around the impulse.
        let response = ImpulseResponse { taps: vec![1.0, 2.0, 3.0, 2.0, 1.0], origin: 2, sfreq: 10.0 };
        let found = leak(&response, &times(8, -4, 10.0), 4, 0.0).unwrap();
        assert_eq!(found.latencies, times(4, 0, 10.0));
        for (found, expected) in found.shares.iter().zip([5.0 / 19.0, 1.0 / 19.0, 0.0, 0.0]) {
            assert!((found - expected).abs() < 1e-12, "{found} instead of {expected}");
        }
        assert!((found.mean - 6.0 / 19.0 / 4.0).abs() < 1e-12);
        // Of an init window of one sample, what lies before it does not count.
        let short = leak(&response, &times(5, -1, 10.0), 1, 0.0).unwrap();
        assert!((short.shares[0] - 4.0 / 19.0).abs() < 1e-12 && (short.shares[1] - 1.0 / 19.0).abs() < 1e-12);
        // At half the rate, samples between those that are kept count all the same.
        let kept = leak(&response, &times(4, -2, 5.0), 2, 0.0).unwrap();
        assert!((kept.shares[0] - 1.0 / 19.0).abs() < 1e-12, "{:?}", kept.shares);
    }

    #[test]
    fn slow_responses_leak_more_through_a_high_pass_filter() {
        let filter = crate::signal::FirFilter::band(128.0, Some(1.0), Some(30.0)).unwrap();
        let taps = filter.taps().to_vec();
        let response = ImpulseResponse { origin: taps.len() / 2, taps, sfreq: 128.0 };
        let mean = |duration| leak(&response, &times(193, -64, 128.0), 64, duration).unwrap().mean;
        let means = [0.0, 0.1, 0.2, 0.4].map(mean);
        assert!(means[0] > 0.0 && means.windows(2).all(|pair| pair[0] < pair[1]), "{means:?}");
    }

    #[test]
    fn a_causal_filter_leaks_nothing() {
        let response = ImpulseResponse { taps: vec![0.5, 1.0, -2.0], origin: 0, sfreq: 256.0 };
        for response in [response, ImpulseResponse::identity(256.0)] {
            for duration in LEAK_DURATIONS {
                let found = leak(&response, &times(193, -64, 128.0), 64, duration).unwrap();
                assert!(found.shares.iter().all(|share| *share == 0.0) && found.mean == 0.0);
            }
        }
    }

    #[test]
    fn an_init_window_that_leaves_nothing_is_refused() {
        for n in [0, 5, 6] {
            assert!(leak(&ImpulseResponse::identity(10.0), &times(5, 0, 10.0), n, 0.0).is_err());
        }
        for duration in [-0.1, f64::NAN, f64::INFINITY] {
            assert!(leak(&ImpulseResponse::identity(10.0), &times(5, 0, 10.0), 2, duration).is_err());
        }
    }
}
