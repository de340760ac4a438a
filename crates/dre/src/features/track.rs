//! Continuous stimuli: from their own sampling to that of the prepared data.

use crate::signal::FirFilter;
use crate::{Error, Result};

/// Share of the prepared sampling frequency that a stimulus sampled faster is low-passed at; half of it is the limit.
const PASS: f64 = 0.4;

/// A stretch of a continuous stimulus.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Time of the first sample (s) from the recording's first.
    pub start: f64,
    /// Sampling frequency (Hz).
    pub sfreq: f64,
    /// Samples; NaN where there is no value.
    pub values: Vec<f64>,
    /// Frequency (Hz) above which it holds nothing, where known.
    pub band: Option<f64>,
}

impl Track {
    /// Low-passes the stimulus at `h_freq` (Hz) with zero phase; missing values are bridged linearly for the filter and
    /// stay missing.
    ///
    /// # Errors
    /// [`Error::Setting`] where `h_freq` is not below half the sampling frequency.
    pub fn low_pass(&mut self, h_freq: f64) -> Result<()> {
        let filter = FirFilter::band(self.sfreq, None, Some(h_freq))?;
        let missing: Vec<bool> = self.values.iter().map(|v| v.is_nan()).collect();
        bridge(&mut self.values);
        self.values = filter.plan(1).filter(&self.values);
        self.values.iter_mut().zip(missing).filter(|(_, m)| *m).for_each(|(v, _)| *v = f64::NAN);
        self.band = Some(filter.stop_above().unwrap_or(h_freq));
        Ok(())
    }

    /// Lays the stimulus over `signal`, prepared samples at `sfreq` (Hz), where it has a value (NaN counts as one).
    ///
    /// It is low-passed before where it is sampled faster, then interpolated linearly between its samples.
    ///
    /// # Errors
    /// [`Error::Setting`] for a sampling frequency that is not positive.
    pub(super) fn lay(mut self, sfreq: f64, signal: &mut [f32]) -> Result<()> {
        if !(self.sfreq.is_finite() && self.sfreq > 0.0 && self.start.is_finite()) {
            return Err(Error::Setting {
                name: "sfreq".to_owned(),
                found: format!("{} Hz from {} s", self.sfreq, self.start),
                expected: "a positive number of Hz and a finite start".to_owned(),
            });
        }
        let is_smooth = self.band.is_some_and(|band| band <= sfreq / 2.0);
        if self.sfreq > sfreq * (1.0 + 1e-6) && !is_smooth && self.values.len() > 1 {
            self.low_pass(PASS * sfreq)?;
        }
        let last = self.values.len() as f64 - 1.0;
        for (sample, out) in signal.iter_mut().enumerate() {
            let mut at = (sample as f64 / sfreq - self.start) * self.sfreq;
            // Samples that rounding puts beside one of the stimulus' own are that one.
            if (at - at.round()).abs() < 1e-6 {
                at = at.round();
            }
            if at < 0.0 || at > last {
                continue;
            }
            let (i, part) = (at as usize, at.fract());
            let value = self.values[i];
            *out = if part == 0.0 { value } else { value + (self.values[i + 1] - value) * part } as f32;
        }
        Ok(())
    }
}

/// Puts straight lines over NaN, and the nearest value before the first and after the last; 0 where there is none.
fn bridge(values: &mut [f64]) {
    let mut before: Option<usize> = None;
    for i in 0..=values.len() {
        if i < values.len() && values[i].is_nan() {
            continue;
        }
        let first = before.map_or(0, |b| b + 1);
        let (left, right) = (before.map(|b| values[b]), values.get(i).copied());
        let n = (i - first + 1) as f64;
        for (k, value) in values[first..i].iter_mut().enumerate() {
            *value = match (left, right) {
                (Some(l), Some(r)) => l + (r - l) * (k + 1) as f64 / n,
                (Some(one), None) | (None, Some(one)) => one,
                (None, None) => 0.0,
            };
        }
        before = Some(i);
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these values are exact")]
mod tests {
    use super::*;

    fn track(sfreq: f64, start: f64, values: Vec<f64>) -> Track {
        Track { start, sfreq, values, band: None }
    }

    #[test]
    fn gaps_are_bridged_by_hand() {
        let n = f64::NAN;
        for (mut values, expected) in [
            (vec![n, 1.0, n, n, 4.0, n], vec![1.0, 1.0, 2.0, 3.0, 4.0, 4.0]),
            (vec![n, n], vec![0.0, 0.0]),
            (vec![], vec![]),
            (vec![2.0], vec![2.0]),
        ] {
            bridge(&mut values);
            assert_eq!(values, expected);
        }
    }

    #[test]
    fn slow_stimuli_are_interpolated_and_end_where_they_end() {
        let mut signal = vec![-1.0; 8];
        track(5.0, 0.2, vec![0.0, 2.0, 4.0]).lay(10.0, &mut signal).unwrap();
        assert_eq!(signal, [-1.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, -1.0]);
        let mut signal = vec![0.0; 3];
        track(10.0, -0.1, vec![1.0, 2.0, f64::NAN, 4.0]).lay(10.0, &mut signal).unwrap();
        assert!(signal[0] == 2.0 && signal[1].is_nan() && signal[2] == 4.0);
        assert!(track(0.0, 0.0, vec![1.0]).lay(10.0, &mut signal).is_err());
    }

    #[test]
    fn fast_stimuli_keep_what_fits_and_lose_what_would_alias() {
        // 1 kHz to 100 Hz: 3 Hz stays, 97 Hz would appear as 3 Hz.
        let tone =
            |f: f64| (0..4000).map(|i| (std::f64::consts::TAU * f * f64::from(i) / 1000.0).sin()).collect::<Vec<_>>();
        for (f, gain) in [(3.0, 1.0), (97.0, 0.0)] {
            let mut signal = vec![0.0f32; 400];
            track(1000.0, 0.0, tone(f)).lay(100.0, &mut signal).unwrap();
            for (i, &value) in signal.iter().enumerate().skip(100).take(200) {
                let expected = gain * (std::f64::consts::TAU * 3.0 * i as f64 / 100.0).sin();
                assert!((f64::from(value) - expected).abs() < 0.01, "{f} Hz, sample {i}: {value} against {expected}");
            }
        }
    }
}
