//! Epochs as sample ranges.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{BadSegments, BaselineSpec, EpochSpec};
use crate::{Error, Result};

/// What an epoch is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Set {
    /// Fits weights, coefficients and scalers.
    Train,
    /// Chooses penalties and the best pass.
    Valid,
    /// Scores.
    Test,
}

impl Set {
    /// All sets, in chronological order.
    pub const ALL: [Self; 3] = [Self::Train, Self::Valid, Self::Test];

    /// `training`, `validation` or `test`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Valid => "validation",
            Self::Test => "test",
        }
    }
}

/// Fewest epochs that an r is taken across, and that a set which chooses or scores holds for each subject: across two, r is 1
/// or −1 whatever was measured.
pub const LEAST_EPOCHS: usize = 3;

/// Below so many epochs a subject's r is mostly noise: across 20 epochs that have nothing to do with each other, its standard
/// deviation is 0.23.
pub const FEW_EPOCHS: usize = 20;

/// One epoch of a [`super::Dataset`]: where to cut, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch {
    /// Index into the data set's subjects.
    pub subject: usize,
    /// Index into the cohort's recordings.
    pub recording: usize,
    /// Index into the recording's events.
    pub event: usize,
    /// First sample in the recording.
    pub start: usize,
}

/// The samples of an epoch relative to its event.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochWindow {
    /// First sample relative to the event's.
    pub first: isize,
    /// Number of samples.
    pub n_times: usize,
    /// Samples of the epoch whose mean is subtracted; none where there is no baseline correction.
    pub baseline: Option<Range<usize>>,
}

impl EpochWindow {
    /// The window that `spec` describes at `sfreq` (Hz). As in MNE-Python, the epoch's ends are rounded to the nearest sample,
    /// ties to even, and the baseline is the samples from its `tmin` to its `tmax`, both included ([`samples_within`]).
    ///
    /// # Errors
    /// [`Error::Setting`] where a time is not finite, the epoch has no samples, or the baseline lies outside of it.
    pub fn new(spec: &EpochSpec, sfreq: f64) -> Result<Self> {
        let first = nearest_sample("epochs.tmin", spec.tmin, sfreq)?;
        let last = nearest_sample("epochs.tmax", spec.tmax, sfreq)?;
        if last <= first {
            return Err(Error::Setting {
                name: "epochs.tmax".to_owned(),
                found: spec.tmax.to_string(),
                expected: format!(
                    "a time (s) after epochs.tmin = {} by a sample ({} s) or more",
                    spec.tmin,
                    1.0 / sfreq
                ),
            });
        }
        let n_times = (last - first) as usize + 1;
        let window = match spec.baseline {
            BaselineSpec::Switch(false) => None,
            BaselineSpec::Switch(true) => Some((None, Some(0.0))),
            BaselineSpec::Window { tmin, tmax } => Some((tmin, tmax)),
        };
        let baseline = window
            .map(|(tmin, tmax)| {
                for (name, time) in [("epochs.baseline.tmin", tmin), ("epochs.baseline.tmax", tmax)] {
                    time.map_or(Ok(0), |time| nearest_sample(name, time, sfreq))?;
                }
                let within = samples_within(&times_of(first, n_times, sfreq), tmin, tmax);
                if within.is_empty() {
                    return Err(Error::Setting {
                        name: "epochs.baseline".to_owned(),
                        found: format!("{{ tmin = {}, tmax = {} }}", show(tmin), show(tmax)),
                        expected: format!(
                            "a window that holds a sample of the epoch, {} to {} s",
                            spec.tmin, spec.tmax
                        ),
                    });
                }
                Ok(within)
            })
            .transpose()?;
        Ok(Self { first, n_times, baseline })
    }

    /// Whether the baseline window ends within the first `n_init_times` samples, as it must where a model is given these and
    /// predicts the others: subtracting a mean over samples that the model must not know carries them into those that it knows.
    /// Shown and hidden samples of a baseline window sum to zero, so that the former say what the latter are on average.
    ///
    /// # Errors
    /// [`Error::Setting`], for `epochs.baseline`, where it reaches past them. No init window (0) is never reached past.
    pub fn check_baseline(&self, sfreq: f64, n_init_times: usize) -> Result<()> {
        let Some(baseline) = &self.baseline else { return Ok(()) };
        if n_init_times == 0 || baseline.end <= n_init_times {
            return Ok(());
        }
        // To the microsecond: times are whole samples, and a sampling frequency may be a third of something.
        let time = |sample: usize| ((self.first + sample as isize) as f64 / sfreq * 1e6).round() / 1e6;
        let last = time(n_init_times - 1);
        Err(Error::Setting {
            name: "epochs.baseline".to_owned(),
            found: format!("{} to {} s", time(baseline.start), time(baseline.end - 1)),
            expected: format!(
                "false, or a window that ends at or before {last} s, where the init window ends ({n_init_times} samples at \
                 {sfreq} Hz): the mean over later samples, subtracted from those that the model is given, gives away what it \
                 must predict; or set n_init_times to {} or more",
                baseline.end
            ),
        })
    }

    /// First sample of the epoch around an event at `onset` (s), or none where it would leave a recording of `n_times`
    /// samples. The event's sample is the one nearest to its onset, ties to even.
    pub fn start(&self, onset: f64, sfreq: f64, n_times: usize) -> Option<usize> {
        let start = (onset * sfreq).round_ties_even() + self.first as f64;
        (start >= 0.0 && start + self.n_times as f64 <= n_times as f64).then_some(start as usize)
    }

    /// Time of each sample (s) relative to the event.
    pub fn times(&self, sfreq: f64) -> Vec<f64> {
        times_of(self.first, self.n_times, sfreq)
    }
}

fn times_of(first: isize, n_times: usize, sfreq: f64) -> Vec<f64> {
    (0..n_times).map(|t| (first + t as isize) as f64 / sfreq).collect()
}

/// Whether the window `baseline` of epochs from `tmin` to `tmax` (s) at `sfreq` (Hz) ends within the first `n_init_times` samples;
/// see [`EpochWindow::check_baseline`].
///
/// # Errors
/// As [`EpochWindow::new`] and [`EpochWindow::check_baseline`].
pub fn check_baseline(baseline: BaselineSpec, [tmin, tmax]: [f64; 2], sfreq: f64, n_init_times: usize) -> Result<()> {
    let bad_segments = BadSegments::default();
    let spec = EpochSpec { tmin, tmax, bad_segments, baseline, events: BTreeMap::new() };
    EpochWindow::new(&spec, sfreq)?.check_baseline(sfreq, n_init_times)
}

fn show(time: Option<f64>) -> String {
    time.map_or_else(|| "none".to_owned(), |t| t.to_string())
}

fn nearest_sample(name: &str, time: f64, sfreq: f64) -> Result<isize> {
    let sample = (time * sfreq).round_ties_even();
    // Far above any recording's length, far below where f64 loses whole numbers.
    if sample.abs() < 1e12 {
        return Ok(sample as isize);
    }
    Err(Error::Setting {
        name: name.to_owned(),
        found: time.to_string(),
        expected: "a finite time in seconds relative to the event".to_owned(),
    })
}

/// A time that lies off a sample by less than this share of the way to the next one counts as the sample's.
const SAME_SAMPLE: f64 = 1e-6;

/// The samples of an epoch with these times (s), in order, from `tmin` to `tmax`, both included; an absent end is the
/// epoch's own. Empty where there is none.
pub fn samples_within(times: &[f64], tmin: Option<f64>, tmax: Option<f64>) -> Range<usize> {
    let slack = times.windows(2).next().map_or(0.0, |pair| SAME_SAMPLE * (pair[1] - pair[0]));
    let start = tmin.map_or(0, |tmin| times.partition_point(|&t| t < tmin - slack));
    let end = tmax.map_or(times.len(), |tmax| times.partition_point(|&t| t <= tmax + slack));
    start..end.max(start)
}

/// Whole samples in `duration` (s), rounded down, except that a product within 10⁻⁹ below a whole number counts as it.
pub(crate) fn samples_of(duration: f64, sfreq: f64) -> usize {
    (duration * sfreq + 1e-9).floor() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(tmin: f64, tmax: f64, baseline: BaselineSpec) -> EpochSpec {
        EpochSpec { tmin, tmax, baseline, events: BTreeMap::new(), bad_segments: BadSegments::Mask }
    }

    #[test]
    fn windows_by_hand() {
        let window = EpochWindow::new(&spec(-0.5, 1.0, BaselineSpec::Switch(true)), 128.0).unwrap();
        assert_eq!(window, EpochWindow { first: -64, n_times: 193, baseline: Some(0..65) });
        let times = window.times(128.0);
        assert_eq!((times[0], times[64], times[192]), (-0.5, 0.0, 1.0));
        // 0.3 * 10 is not a whole number in binary.
        let window = EpochWindow::new(&spec(-0.1 * 3.0, 0.7, BaselineSpec::Switch(false)), 10.0).unwrap();
        assert_eq!(window, EpochWindow { first: -3, n_times: 11, baseline: None });
        let part = BaselineSpec::Window { tmin: Some(-0.2), tmax: Some(-0.1) };
        assert_eq!(EpochWindow::new(&spec(-0.5, 1.0, part), 10.0).unwrap().baseline, Some(3..5));
    }

    #[test]
    fn a_baseline_window_ends_within_the_init_window_or_is_refused() {
        let until = |tmax| BaselineSpec::Window { tmin: None, tmax };
        let check = |baseline, n| check_baseline(baseline, [-0.5, 1.0], 128.0, n);
        // Sample 64 is the event's: the window up to it has 65 samples.
        assert!(check(until(Some(0.0)), 65).is_ok());
        assert!(check(until(Some(-1.0 / 128.0)), 64).is_ok());
        for none in [check(until(Some(0.0)), 0), check(BaselineSpec::Switch(false), 40)] {
            none.unwrap();
        }
        assert!(check(until(None), 193).is_ok() && check(until(None), 192).is_err());
        for baseline in [until(Some(0.0)), BaselineSpec::Switch(true)] {
            assert_eq!(
                check(baseline, 40).unwrap_err().to_string(),
                "epochs.baseline = -0.5 to 0 s, expected false, or a window that ends at or before -0.195313 s, where the init \
                 window ends (40 samples at 128 Hz): the mean over later samples, subtracted from those that the model is \
                 given, gives away what it must predict; or set n_init_times to 65 or more"
            );
        }
        assert!(
            check(until(Some(-0.7)), 40).unwrap_err().to_string().contains("a window that holds a sample of the epoch")
        );
    }

    #[test]
    fn windows_of_time_by_hand() {
        let times: Vec<f64> = (-2..=5).map(|t| f64::from(t) / 10.0).collect();
        assert_eq!(samples_within(&times, None, None), 0..8);
        assert_eq!(samples_within(&times, Some(0.1 * 3.0), Some(0.4)), 5..7);
        assert_eq!(samples_within(&times, Some(0.31), Some(0.39)), 6..6);
        assert_eq!(samples_within(&times, Some(0.6), None), 8..8);
        assert_eq!(samples_within(&times, None, Some(-0.3)), 0..0);
        assert_eq!(samples_within(&[], Some(0.0), None), 0..0);
        // At any sampling frequency: a thousandth of a sample is not none.
        let fine: Vec<f64> = times.iter().map(|t| t * 1e-9).collect();
        assert_eq!(samples_within(&fine, Some(0.1001e-9), Some(0.3e-9)), 4..6);
    }

    #[test]
    fn starts_stay_inside() {
        let window = EpochWindow { first: -2, n_times: 5, baseline: None };
        assert_eq!(window.start(0.2, 10.0, 100), Some(0));
        assert_eq!(window.start(0.1, 10.0, 100), None);
        assert_eq!(window.start(9.7, 10.0, 100), Some(95));
        assert_eq!(window.start(9.8, 10.0, 100), None);
        assert_eq!(window.start(-3.0, 10.0, 100), None);
    }

    #[test]
    fn settings_that_make_no_sense() {
        let message = |s: &EpochSpec| EpochWindow::new(s, 100.0).unwrap_err().to_string();
        assert!(message(&spec(0.5, 0.5, BaselineSpec::Switch(false))).contains("epochs.tmax"));
        assert!(message(&spec(f64::NAN, 0.5, BaselineSpec::Switch(false))).contains("epochs.tmin"));
        let after = BaselineSpec::Window { tmin: Some(0.7), tmax: None };
        assert!(message(&spec(-0.5, 0.5, after)).contains("epochs.baseline"));
    }
}
