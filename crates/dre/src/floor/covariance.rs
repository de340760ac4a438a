//! The best linear prediction of a stationary process from the start of an epoch.

use std::ops::Range;

use faer::{Mat, Side};
use rustfft::FftPlanner;
use rustfft::num_complex::Complex64;

use crate::signal::ImpulseResponse;
use crate::{Error, Result};

/// Power of the white noise that stands under each sample of the init window, as a share of the mean variance of these samples.
///
/// A process that a filter limits strictly to a band is predictable without end from samples that are free of noise; numbers of
/// finite precision are not. Rounding to `f32` adds about 10⁻¹⁵, to `f16` about 10⁻⁷; this lies between. Where a filter's stop band
/// passes more (−53 dB for the Hamming window), as with all filters of this program, it changes the floor by less than 0.001.
const NOISE: f64 = 1e-10;

/// A variance below this share of the process's counts as none.
const NO_VARIANCE: f64 = 1e-12;

/// The *processing floor*: the r that the best linear prediction from the first `n_init_times` samples of an epoch reaches at each
/// time where the recording is white noise.
///
/// `response` is that of all filters, at the recorded sampling frequency; `sfreq` (Hz) is that of the prepared epochs of `n_times`
/// samples; `baseline` holds the samples whose mean is subtracted from the epoch, if any. NaN inside the init window, which is
/// known, and where the baseline leaves no variance. It depends on the gain of the filters and not on their phase.
///
/// # Errors
/// [`Error::Setting`] for an init window of no sample or of the whole epoch (then there is nothing to predict, or nothing to
/// predict it from), a baseline window outside the epoch, and rates that are not above 0.
pub fn processing_floor(
    response: &ImpulseResponse,
    sfreq: f64,
    n_times: usize,
    baseline: Option<Range<usize>>,
    n_init_times: usize,
) -> Result<Vec<f64>> {
    best_linear_r(&noise_autocovariance(response, sfreq, n_times)?, baseline, n_init_times)
}

/// The r that the best linear prediction from the first `n_init_times` samples of an epoch reaches at each time, for a stationary
/// process of mean 0 whose autocovariance at lags of 0, 1, … samples is `autocovariance`; the epoch is as long as that.
///
/// `baseline`: samples whose mean is subtracted from the whole epoch. With R the covariance of the samples (Toeplitz) and
/// B = I − 1wᵀ, w being 1/n in the baseline window, that of the epoch is C = B R Bᵀ, and
/// r(t) = √(c(t)ᵀ `C_ii`⁻¹ c(t) / `C_tt`), where i runs over the init window and c(t) is the covariance of its samples with sample t
/// (the coefficient of multiple correlation). `C_ii` is that of samples with white noise of 10⁻¹⁰ of their variance added,
/// since it is singular for a band-limited process and for a baseline inside the init window. NaN inside the init window and
/// where the baseline leaves no variance.
///
/// # Errors
/// As [`processing_floor`]; [`Error::NotFinite`] for values that are not finite, [`Error::Setting`] for a variance that is not
/// above 0.
pub fn best_linear_r(autocovariance: &[f64], baseline: Option<Range<usize>>, n_init_times: usize) -> Result<Vec<f64>> {
    let n_times = autocovariance.len();
    check_windows(n_times, baseline.as_ref(), n_init_times)?;
    if let Some((lag, &value)) = autocovariance.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        let place = format!("lag {lag}");
        return Err(Error::NotFinite { what: "the autocovariance".to_owned(), place, value });
    }
    if autocovariance[0] <= 0.0 {
        return Err(setting("variance", autocovariance[0], "above 0".to_owned()));
    }
    let covariance = Epochs::new(autocovariance, baseline);
    let given = Mat::from_fn(n_init_times, n_init_times, |i, j| covariance.at(i, j));
    let mean = (0..n_init_times).map(|i| given[(i, i)]).sum::<f64>() / n_init_times as f64;
    let noise = NOISE * mean.max(NO_VARIANCE * autocovariance[0]);
    // Eigenvalues rather than a factorisation: rounding leaves some of a singular matrix below 0.
    let eigen = given.self_adjoint_eigen(Side::Lower).map_err(|_| Error::NotFinite {
        what: "the covariance of the init window".to_owned(),
        place: "its eigenvalues".to_owned(),
        value: f64::NAN,
    })?;
    let with = Mat::from_fn(n_init_times, n_times - n_init_times, |i, t| covariance.at(i, n_init_times + t));
    let projected = eigen.U().transpose() * &with;
    let values: Vec<f64> = eigen.S().column_vector().iter().map(|value| value.max(0.0) + noise).collect();
    let mut r = vec![f64::NAN; n_init_times];
    r.extend((n_init_times..n_times).map(|t| {
        let variance = covariance.at(t, t);
        if variance <= NO_VARIANCE * autocovariance[0] {
            return f64::NAN;
        }
        let column = projected.col(t - n_init_times);
        let explained: f64 = column.iter().zip(&values).map(|(x, value)| x * x / value).sum();
        (explained / variance).clamp(0.0, 1.0).sqrt()
    }));
    Ok(r)
}

/// Autocovariance of white noise of variance 1 after a filter, at lags of 0 to `n_times − 1` samples at `sfreq` (Hz).
///
/// Where the recorded rate is a multiple of `sfreq`, it is Σ h(k) h(k + m·decim), exactly. Otherwise the recorded rate's own is
/// interpolated by a sinc, as is right for a response without anything above half the recorded rate: exact for resampling by
/// Fourier transform; a polyphase filter, whose samples change their weights from one to the next, has this as its mean.
///
/// # Errors
/// [`Error::Setting`] where `sfreq`, the response's own rate or its energy is not above 0.
pub fn noise_autocovariance(response: &ImpulseResponse, sfreq: f64, n_times: usize) -> Result<Vec<f64>> {
    for (name, value) in [("sfreq", sfreq), ("sfreq of the response", response.sfreq)] {
        if !(value.is_finite() && value > 0.0) {
            return Err(setting(name, value, "a sampling frequency (Hz) above 0".to_owned()));
        }
    }
    let own = autocovariance(&response.taps);
    if !own.first().is_some_and(|variance| *variance > 0.0) {
        return Err(setting("response", "without energy", "at least one value that is not 0".to_owned()));
    }
    let step = response.sfreq / sfreq;
    if (step - step.round()).abs() <= 1e-9 * step && step >= 0.5 {
        let decim = step.round() as usize;
        return Ok((0..n_times).map(|lag| own.get(lag * decim).copied().unwrap_or(0.0)).collect());
    }
    Ok((0..n_times).map(|lag| interpolated(&own, lag as f64 * step)).collect())
}

/// Σ h(k) h(k + lag) for all lags from 0 on, by Fourier transform.
fn autocovariance(taps: &[f64]) -> Vec<f64> {
    let n = (2 * taps.len()).next_power_of_two();
    let mut values = vec![Complex64::default(); n];
    values.iter_mut().zip(taps).for_each(|(value, tap)| value.re = *tap);
    let mut planner = FftPlanner::new();
    planner.plan_fft_forward(n).process(&mut values);
    values.iter_mut().for_each(|value| *value = Complex64::new(value.norm_sqr(), 0.0));
    planner.plan_fft_inverse(n).process(&mut values);
    values[..taps.len()].iter().map(|value| value.re / n as f64).collect()
}

/// The symmetric sequence `values`, from lag 0 on, at `place` between its samples: Σ values(|k|) sinc(place − k).
fn interpolated(values: &[f64], place: f64) -> f64 {
    let nearest = place.round();
    let offset = place - nearest;
    if offset.abs() < 1e-9 {
        return values.get(nearest as usize).copied().unwrap_or(0.0);
    }
    // sin(π (place − k)) is the same for all k but for its sign.
    let sine = (std::f64::consts::PI * offset).sin() / std::f64::consts::PI;
    let last = values.len() as isize - 1;
    let sum: f64 = (-last..=last)
        .map(|k| {
            let distance = nearest - k as f64;
            let sign = if distance.rem_euclid(2.0) < 0.5 { 1.0 } else { -1.0 };
            sign * values[k.unsigned_abs()] / (distance + offset)
        })
        .sum();
    sine * sum
}

/// Covariances of the samples of an epoch.
struct Epochs<'a> {
    autocovariance: &'a [f64],
    /// Covariance of each sample with the baseline's mean; 0 without one.
    with_baseline: Vec<f64>,
    /// Variance of the baseline's mean.
    of_baseline: f64,
}

impl<'a> Epochs<'a> {
    fn new(autocovariance: &'a [f64], baseline: Option<Range<usize>>) -> Self {
        let n_times = autocovariance.len();
        let Some(window) = baseline else {
            return Self { autocovariance, with_baseline: vec![0.0; n_times], of_baseline: 0.0 };
        };
        let n = window.len() as f64;
        let with = |t: usize| window.clone().map(|b| autocovariance[t.abs_diff(b)]).sum::<f64>() / n;
        let with_baseline: Vec<f64> = (0..n_times).map(with).collect();
        let of_baseline = with_baseline[window].iter().sum::<f64>() / n;
        Self { autocovariance, with_baseline, of_baseline }
    }

    fn at(&self, i: usize, j: usize) -> f64 {
        self.autocovariance[i.abs_diff(j)] - self.with_baseline[i] - self.with_baseline[j] + self.of_baseline
    }
}

fn check_windows(n_times: usize, baseline: Option<&Range<usize>>, n_init_times: usize) -> Result<()> {
    check_init_window(n_times, n_init_times)?;
    if let Some(window) = baseline
        && (window.start >= window.end || window.end > n_times)
    {
        let expected = format!("samples within 0..{n_times}");
        return Err(setting("baseline", format!("{window:?}"), expected));
    }
    Ok(())
}

pub(super) fn check_init_window(n_times: usize, n_init_times: usize) -> Result<()> {
    if n_init_times == 0 || n_init_times >= n_times {
        let expected = format!("at least 1, and fewer than the {n_times} samples of an epoch");
        return Err(setting("n_init_times", n_init_times, expected));
    }
    Ok(())
}

fn setting(name: &str, found: impl std::fmt::Display, expected: String) -> Error {
    Error::Setting { name: name.to_owned(), found: found.to_string(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(taps: &[f64]) -> ImpulseResponse {
        ImpulseResponse { taps: taps.to_vec(), origin: 0, sfreq: 100.0 }
    }

    #[test]
    fn white_noise_without_processing_predicts_nothing_and_a_baseline_something() {
        let nothing = processing_floor(&ImpulseResponse::identity(100.0), 100.0, 20, None, 8).unwrap();
        assert!(nothing[..8].iter().all(|r| r.is_nan()) && nothing[8..].iter().all(|r| *r == 0.0), "{nothing:?}");
        // The mean of five samples of the baseline is in every sample with a variance of 1/5. The three other samples of the init
        // window say something of it; the five sum to zero whatever it is.
        let within = processing_floor(&ImpulseResponse::identity(100.0), 100.0, 20, Some(2..7), 8).unwrap();
        let expected = (3.0 * 0.2f64.powi(2) / (1.0 + 3.0 * 0.2) / 1.2).sqrt();
        assert!(within[8..].iter().all(|r| (r - expected).abs() < 1e-6), "{within:?} instead of {expected}");
    }

    #[test]
    fn a_moving_average_by_hand() {
        // x(t) + x(t−1): the next sample from the last alone has r = 1/2; from n samples r² = n / (2 (n + 1)); nothing after it.
        let moving = response(&[1.0, 1.0]);
        for n in [1usize, 2, 5, 30] {
            let r = processing_floor(&moving, 100.0, n + 3, None, n).unwrap();
            let expected = (n as f64 / (2.0 * (n as f64 + 1.0))).sqrt();
            assert!((r[n] - expected).abs() < 1e-7, "{n}: {} instead of {expected}", r[n]);
            assert!(r[n + 1].abs() < 1e-7 && r[n + 2].abs() < 1e-7);
        }
        // Every second sample of it is white again.
        let kept = processing_floor(&moving, 50.0, 6, None, 3).unwrap();
        assert!(kept[3..].iter().all(|r| r.abs() < 1e-7), "{kept:?}");
    }

    #[test]
    fn a_first_order_process_is_predicted_by_its_last_sample_alone() {
        let a = 0.8f64;
        let autocovariance: Vec<f64> = (0..30).map(|lag| 3.0 * a.powi(lag)).collect();
        for n in [1, 4, 12] {
            let r = best_linear_r(&autocovariance, None, n).unwrap();
            for (t, r) in r.iter().enumerate().skip(n) {
                let expected = a.powi((t + 1 - n) as i32);
                assert!((r - expected).abs() < 1e-6, "{n}, {t}: {r} instead of {expected}");
            }
        }
    }

    #[test]
    fn units_and_phase_do_not_matter() {
        let taps: Vec<f64> = (0..40).map(|k| (-0.1 * f64::from(k)).exp() * (0.7 * f64::from(k)).cos()).collect();
        let reversed: Vec<f64> = taps.iter().rev().map(|tap| 1e-12 * tap).collect();
        let floor = |taps: &[f64]| processing_floor(&response(taps), 50.0, 60, Some(3..20), 24).unwrap();
        for (a, b) in floor(&taps).iter().zip(floor(&reversed)).skip(24) {
            assert!((a - b).abs() < 1e-9, "{a} and {b}");
        }
    }

    #[test]
    fn rates_between_are_interpolated() {
        // A Gaussian response has a Gaussian autocovariance, which is all but band-limited.
        let width = 3.0f64;
        let taps: Vec<f64> = (-40..=40).map(|k| (-f64::from(k).powi(2) / (2.0 * width * width)).exp()).collect();
        let found = noise_autocovariance(&response(&taps), 100.0 / 1.7, 12).unwrap();
        for (lag, value) in found.iter().enumerate() {
            let place = 1.7 * lag as f64;
            let expected = found[0] * (-place * place / (4.0 * width * width)).exp();
            assert!((value - expected).abs() < 1e-9 * found[0], "{lag}: {value} instead of {expected}");
        }
    }

    #[test]
    fn windows_and_rates_that_cannot_be_are_refused() {
        let one = ImpulseResponse::identity(100.0);
        let message = |sfreq, baseline, n| processing_floor(&one, sfreq, 10, baseline, n).unwrap_err().to_string();
        for n in [0, 10, 11] {
            assert_eq!(
                message(100.0, None, n),
                format!("n_init_times = {n}, expected at least 1, and fewer than the 10 samples of an epoch")
            );
        }
        assert!(message(100.0, Some(4..11), 5).starts_with("baseline = 4..11"));
        assert!(message(100.0, Some(4..4), 5).starts_with("baseline = 4..4"));
        assert!(message(0.0, None, 5).starts_with("sfreq = 0"));
        assert!(processing_floor(&response(&[0.0]), 100.0, 10, None, 5).is_err());
        assert!(best_linear_r(&[1.0, f64::NAN, 0.0], None, 1).is_err());
        assert!(best_linear_r(&[0.0, 0.0, 0.0], None, 1).is_err());
    }
}
