//! Settings of an analysis by brain state.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::By;
use super::rhythm::LEAST_CYCLES;
use crate::data::{Channel, samples_within};
use crate::stats::PermutationSpec;
use crate::{Error, Result};

/// Sign flips at most; all are held in memory.
const MOST_FLIPS: usize = 1_000_000;

/// More bins than this hold too few epochs each to be told apart.
const MOST_BINS: usize = 12;

/// The settings of an analysis by brain state: the table `[state]` of a study file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StateSpec {
    /// First and last frequency (Hz) of the rhythm.
    pub band: [f64; 2],
    /// What epochs are ordered by.
    pub by: Vec<By>,
    /// Number of quantiles of power, and of sectors of phase.
    pub n_bins: usize,
    /// First time (s) of the window in which the rhythm is measured; the epoch's start where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tmin: Option<f64>,
    /// Last time (s) of that window; the end of the longest init window of the study's models where absent, or the event where
    /// no model has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tmax: Option<f64>,
    /// Names of the channels on which the rhythm is measured; all where empty. Responses are those of all channels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
    /// Names of the models; all of the study where empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// A subject with fewer test epochs than this in any bin is left out.
    pub min_epochs: usize,
    /// Number of sign flips of the cluster tests, the observed one included.
    pub n_permutations: usize,
}

impl Default for StateSpec {
    /// Alpha, 8–13 Hz, power and phase in four bins of at least ten epochs, 1024 sign flips.
    fn default() -> Self {
        Self {
            band: [8.0, 13.0],
            by: vec![By::Power, By::Phase],
            n_bins: 4,
            tmin: None,
            tmax: None,
            channels: Vec::new(),
            models: Vec::new(),
            min_epochs: 10,
            n_permutations: PermutationSpec::default().n_permutations,
        }
    }
}

impl StateSpec {
    /// The samples in which the rhythm is measured, of an epoch with these times (s); the init window, or what lies before the
    /// event, where the settings do not say.
    pub fn window(&self, times: &[f64], n_init_times: usize) -> Range<usize> {
        let Range { start, end } = samples_within(times, self.tmin, self.tmax);
        let end = match self.tmax {
            Some(_) => end,
            None if n_init_times > 0 => n_init_times.min(times.len()),
            None => samples_within(times, Some(0.0), None).start,
        };
        start..end.max(start)
    }

    /// The channels on which it is measured, as rows of the data; none where all are.
    ///
    /// # Errors
    /// [`Error::Setting`] for a name that is none of `all`.
    pub fn rows(&self, all: &[Channel]) -> Result<Vec<usize>> {
        let index = |name: &String| {
            all.iter().position(|channel| channel.name == *name).ok_or_else(|| {
                let names: Vec<&str> = all.iter().take(8).map(|channel| channel.name.as_str()).collect();
                let more = if all.len() > names.len() { ", …" } else { "" };
                Error::Setting {
                    name: "state.channels".to_owned(),
                    found: format!("`{name}`"),
                    expected: format!("names of the cohort's {} channels: {}{more}", all.len(), names.join(", ")),
                }
            })
        };
        self.channels.iter().map(index).collect()
    }

    /// Checks what the types cannot.
    ///
    /// # Errors
    /// [`Error::Setting`] that names the setting.
    pub fn check(&self) -> Result<()> {
        let check = |holds: bool, name: &str, found: String, expected: &str| {
            if holds {
                return Ok(());
            }
            Err(Error::Setting { name: name.to_owned(), found, expected: expected.to_owned() })
        };
        let [low, high] = self.band;
        let found = format!("[{low}, {high}]");
        let is_band = low.is_finite() && high.is_finite() && low > 0.0 && low <= high;
        check(is_band, "band", found, "two frequencies (Hz) above 0, the lower one first, such as [8.0, 13.0]")?;
        check(!self.by.is_empty(), "by", "[]".to_owned(), "at least one of power, phase")?;
        let expected = format!("3 to {MOST_BINS}, so that a correlation across bins means something");
        check((3..=MOST_BINS).contains(&self.n_bins), "n_bins", self.n_bins.to_string(), &expected)?;
        check(self.min_epochs > 0, "min_epochs", "0".to_owned(), "1 epoch or above")?;
        let expected = format!("20 to {MOST_FLIPS}; with fewer, p cannot reach 0.05");
        let n = self.n_permutations;
        check((20..=MOST_FLIPS).contains(&n), "n_permutations", n.to_string(), &expected)?;
        if let (Some(tmin), Some(tmax)) = (self.tmin, self.tmax) {
            let least = LEAST_CYCLES / low;
            let expected = format!("at least {least:.3} s after tmin ({tmin} s): {LEAST_CYCLES} cycles of {low} Hz");
            check(tmax - tmin >= least - 1e-9, "tmax", tmax.to_string(), &expected)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_make_no_sense_are_named() {
        let refused = |change: fn(&mut StateSpec)| {
            let mut spec = StateSpec::default();
            change(&mut spec);
            spec.check().unwrap_err().to_string()
        };
        assert!(StateSpec::default().check().is_ok());
        assert!(refused(|s| s.band = [13.0, 8.0]).starts_with("band = [13, 8], expected two frequencies"));
        assert!(refused(|s| s.band = [f64::NAN, 8.0]).starts_with("band = [NaN, 8]"));
        assert!(refused(|s| s.by.clear()).starts_with("by = [], expected at least one of power, phase"));
        assert!(refused(|s| s.n_bins = 13).starts_with("n_bins = 13, expected 3 to 12"));
        assert!(refused(|s| s.min_epochs = 0).starts_with("min_epochs = 0"));
        assert!(refused(|s| s.n_permutations = 19).starts_with("n_permutations = 19, expected 20 to 1000000"));
        let short = |s: &mut StateSpec| (s.tmin, s.tmax) = (Some(-0.3), Some(-0.1));
        assert!(refused(short).starts_with("tmax = -0.1, expected at least 0.250 s after tmin (-0.3 s)"));
    }
}
