//! The chain from a recorded to a prepared channel.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Error, Result, parallel};

use super::{FirFilter, FirPlan, FirScratch};

/// How recordings are filtered and thinned out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrepareSpec {
    /// Lower edge of the passband (Hz); no high-pass where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub l_freq: Option<f64>,
    /// Upper edge of the passband (Hz); no low-pass where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub h_freq: Option<f64>,
    /// Lines to remove (Hz), such as 50 or 60 and harmonics.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notch_freqs: Vec<f64>,
    /// Every `decim`-th sample is kept, from the first on.
    pub decim: usize,
}

impl Default for PrepareSpec {
    fn default() -> Self {
        Self { l_freq: None, h_freq: None, notch_freqs: Vec::new(), decim: 1 }
    }
}

/// Something that is allowed and that the user should know of.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Advice {
    /// Part of the low-pass filter's transition band lies above the new Nyquist frequency.
    Aliasing {
        /// Sampling frequency after decimation (Hz).
        sfreq: f64,
        /// Frequency (Hz) from which on nothing passes the filter.
        stop_above: f64,
    },
    /// The signal is shorter than the filter, so that edges reach everywhere.
    ShortSignal {
        /// Length of the signal (samples).
        n_times: usize,
        /// Length of the longest filter (taps).
        n_taps: usize,
    },
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aliasing { sfreq, stop_above } => write!(
                f,
                "after decimation to {sfreq} Hz, what the low-pass filter leaves between {} and {stop_above} Hz \
                 folds back; a lower h_freq or decim avoids it",
                sfreq / 2.0
            ),
            Self::ShortSignal { n_times, n_taps } => write!(
                f,
                "the recording ({n_times} samples) is shorter than the filter ({n_taps} taps); expect distortion, or \
                 raise l_freq"
            ),
        }
    }
}

/// Number of samples that decimation leaves of `n_times`.
///
/// # Panics
/// Where `decim` is 0.
pub fn decimated_len(n_times: usize, decim: usize) -> usize {
    n_times.div_ceil(decim)
}

/// Notch, band filter and decimation, designed for one sampling frequency and length; shared between threads.
#[derive(Clone, Debug)]
pub struct Preparation {
    filters: Vec<(FirFilter, FirPlan)>,
    decim: usize,
    sfreq_in: f64,
    n_times_in: usize,
    advice: Vec<Advice>,
}

impl Preparation {
    /// Designs the chain for recordings of `n_times` samples at `sfreq` (Hz).
    ///
    /// `recorded_lowpass` is the low-pass (Hz) that the amplifier applied, where the recording tells; it counts when
    /// decimation is checked for aliasing.
    ///
    /// # Errors
    /// [`Error::Setting`] for filters that cannot be (see [`FirFilter`]), for `decim` 0, and for a decimation that
    /// would fold frequencies of the passband onto others because nothing removes them first.
    pub fn new(spec: &PrepareSpec, sfreq: f64, n_times: usize, recorded_lowpass: Option<f64>) -> Result<Self> {
        let mut filters = Vec::new();
        if !spec.notch_freqs.is_empty() {
            filters.push(FirFilter::notch(sfreq, &spec.notch_freqs)?);
        }
        if spec.l_freq.is_some() || spec.h_freq.is_some() {
            filters.push(FirFilter::band(sfreq, spec.l_freq, spec.h_freq)?);
        }
        let mut advice = Vec::new();
        let stop_above = filters.iter().find_map(FirFilter::stop_above);
        advice.extend(check_decimation(spec, sfreq, stop_above, recorded_lowpass)?);
        let n_taps = filters.iter().map(|filter| filter.taps().len()).max().unwrap_or(0);
        if n_taps > n_times {
            advice.push(Advice::ShortSignal { n_times, n_taps });
        }
        let filters = filters
            .into_iter()
            .map(|filter| {
                let plan = filter.plan(n_times);
                (filter, plan)
            })
            .collect();
        Ok(Self { filters, decim: spec.decim, sfreq_in: sfreq, n_times_in: n_times, advice })
    }

    /// Sampling frequency of the prepared signal (Hz).
    pub fn sfreq(&self) -> f64 {
        self.sfreq_in / self.decim as f64
    }

    /// Number of samples of the prepared signal.
    pub fn n_times(&self) -> usize {
        decimated_len(self.n_times_in, self.decim)
    }

    /// What the user should know of, if anything.
    pub fn advice(&self) -> &[Advice] {
        &self.advice
    }

    /// Each step as people describe it, in order.
    pub fn steps(&self) -> Vec<String> {
        let mut steps: Vec<String> = self.filters.iter().map(|(filter, _)| filter.to_string()).collect();
        if self.decim > 1 {
            steps.push(format!("decimated by {} ({} → {} Hz)", self.decim, self.sfreq_in, self.sfreq()));
        }
        steps
    }

    /// Prepares channels on up to `n_threads` threads: filters `x`, `(n_channels, n_times of the recording)`, in place
    /// and writes every `decim`-th sample to `out`, `(n_channels, n_times())`. The number of threads does not change the
    /// result.
    ///
    /// # Errors
    /// [`Error::Shape`] where `x` and `out` are not as many whole rows.
    pub fn apply(&self, x: &mut [f64], out: &mut [f32], n_threads: usize) -> Result<()> {
        let (n_in, n_out) = (self.n_times_in, self.n_times());
        if n_in == 0 || !x.len().is_multiple_of(n_in) || out.len() != x.len() / n_in * n_out {
            return Err(Error::Shape {
                what: "recorded and prepared samples".to_owned(),
                found: vec![x.len(), out.len()],
                expected: format!("rows of {n_in} (at least 1) and as many rows of {n_out} samples"),
            });
        }
        let n_rows = x.len() / n_in;
        let rows = x.chunks_mut(n_in).zip(out.chunks_mut(n_out));
        parallel::for_each_with(rows, n_rows, n_threads, FirScratch::default, |scratch, (x, out)| {
            for (_, plan) in &self.filters {
                plan.apply(x, scratch);
            }
            for (to, from) in out.iter_mut().zip(x.iter().step_by(self.decim)) {
                *to = *from as f32;
            }
        });
        Ok(())
    }
}

fn check_decimation(
    spec: &PrepareSpec,
    sfreq: f64,
    stop_above: Option<f64>,
    recorded_lowpass: Option<f64>,
) -> Result<Option<Advice>> {
    let decim = spec.decim;
    if decim == 0 {
        return Err(Error::Setting {
            name: "decim".to_owned(),
            found: "0".to_owned(),
            expected: "1 to keep every sample, 2 for every second one, or more".to_owned(),
        });
    }
    let new_sfreq = sfreq / decim as f64;
    let nyquist = new_sfreq / 2.0;
    if decim == 1 || recorded_lowpass.is_some_and(|lowpass| lowpass <= nyquist) {
        return Ok(None);
    }
    match (spec.h_freq, stop_above) {
        (Some(h_freq), Some(stop_above)) if h_freq <= nyquist => {
            Ok((stop_above > nyquist).then_some(Advice::Aliasing { sfreq: new_sfreq, stop_above }))
        }
        (h_freq, _) => Err(Error::Setting {
            name: "decim".to_owned(),
            found: decim.to_string(),
            expected: format!(
                "1: {sfreq} Hz would become {new_sfreq} Hz, which carries frequencies up to {nyquist} Hz, but {}; set \
                 h_freq to {nyquist} Hz or less, or lower decim",
                h_freq.map_or("no low-pass filter is set".to_owned(), |h| format!("h_freq lets pass up to {h} Hz"))
            ),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(l_freq: Option<f64>, h_freq: Option<f64>, decim: usize) -> PrepareSpec {
        PrepareSpec { l_freq, h_freq, decim, ..PrepareSpec::default() }
    }

    #[test]
    fn a_slow_wave_survives_and_every_second_sample_is_kept() {
        let n = 2001;
        let prepare = Preparation::new(&spec(Some(1.0), Some(30.0), 2), 256.0, n, None).unwrap();
        assert!((prepare.sfreq() - 128.0).abs() < f64::EPSILON);
        assert_eq!(prepare.n_times(), 1001);
        let wave = |i: usize| (2.0 * std::f64::consts::PI * 8.0 * i as f64 / 256.0).sin();
        let mut x: Vec<f64> = (0..n).map(wave).collect();
        let mut out = vec![0.0; 1001];
        prepare.apply(&mut x, &mut out, 1).unwrap();
        for (i, value) in out.iter().enumerate().skip(450).take(100) {
            assert!((f64::from(*value) - wave(2 * i)).abs() < 5e-3);
        }
        assert_eq!(prepare.steps(), ["band-pass 1–30 Hz (zero-phase FIR, 845 taps)", "decimated by 2 (256 → 128 Hz)"]);
        assert!(prepare.advice().is_empty());
    }

    #[test]
    fn no_filter_and_no_decimation_copies() {
        let prepare = Preparation::new(&PrepareSpec::default(), 100.0, 4, None).unwrap();
        let mut out = [0.0; 4];
        prepare.apply(&mut [1.0, 2.0, 3.0, 4.0], &mut out, 1).unwrap();
        assert_eq!(out.map(f32::to_bits), [1.0f32, 2.0, 3.0, 4.0].map(f32::to_bits));
        assert!(prepare.steps().is_empty());
    }

    #[test]
    fn decimation_that_aliases_is_refused() {
        let message = |l, h, decim| Preparation::new(&spec(l, h, decim), 256.0, 9999, None).unwrap_err().to_string();
        assert_eq!(
            message(Some(1.0), None, 2),
            "decim = 2, expected 1: 256 Hz would become 128 Hz, which carries frequencies up to 64 Hz, but no low-pass filter is \
             set; set h_freq to 64 Hz or less, or lower decim"
        );
        assert!(message(None, Some(30.0), 8).contains("but h_freq lets pass up to 30 Hz"));
        assert!(message(None, None, 0).starts_with("decim = 0"));
        // The amplifier's own low-pass is enough.
        assert!(Preparation::new(&spec(None, None, 2), 256.0, 9999, Some(60.0)).is_ok());
    }

    #[test]
    fn what_is_allowed_but_doubtful_comes_with_advice() {
        let prepare = Preparation::new(&spec(None, Some(30.0), 4), 256.0, 100, None).unwrap();
        let texts: Vec<String> = prepare.advice().iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "after decimation to 64 Hz, what the low-pass filter leaves between 32 and 37.5 Hz folds back; a lower \
                 h_freq or decim avoids it",
                "the recording (100 samples) is shorter than the filter (113 taps); expect distortion, or raise l_freq"
            ]
        );
    }

    #[test]
    fn the_number_of_threads_does_not_change_the_result() {
        let prepare = Preparation::new(&spec(Some(1.0), Some(30.0), 3), 256.0, 1000, None).unwrap();
        let x: Vec<f64> = (0..7000).map(|i| (f64::from(i) * 0.1).sin() + f64::from(i % 13)).collect();
        let run = |n_threads| {
            let mut out = vec![0.0f32; 7 * prepare.n_times()];
            prepare.apply(&mut x.clone(), &mut out, n_threads).unwrap();
            out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        let expected = run(1);
        for n_threads in [0, 2, 3, 16] {
            assert_eq!(run(n_threads), expected);
        }
    }

    #[test]
    fn wrong_lengths_are_refused() {
        let prepare = Preparation::new(&PrepareSpec::default(), 100.0, 4, None).unwrap();
        assert!(prepare.apply(&mut [0.0; 3], &mut [0.0; 4], 1).is_err());
        assert!(prepare.apply(&mut [0.0; 4], &mut [0.0; 3], 1).is_err());
        assert!(prepare.apply(&mut [0.0; 8], &mut [0.0; 4], 1).is_err());
        let empty = Preparation::new(&PrepareSpec::default(), 100.0, 0, None).unwrap();
        assert!(empty.apply(&mut [], &mut [], 1).is_err());
    }
}
