//! Scores in windows of channels and times that were named before anything was fitted.

use std::ops::Range;

use indexmap::IndexMap;
use ndarray::ArrayRef2;
use serde::{Deserialize, Serialize};

use super::{Scores, bootstrap_interval, mean_of};
use crate::data::{Channel, samples_within};
use crate::results::{WindowResult, WindowScore};
use crate::stats::{Tail, adjust_comparisons, compare_models, test_group};
use crate::{Error, Result};

/// Channels and times that are scored by themselves: one table `[[report.windows]]` of a study file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowSpec {
    /// What the window is called.
    pub name: String,
    /// Names of its channels; all where empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
    /// First time (s) relative to the event; the first one that is scored where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tmin: Option<f64>,
    /// Last time (s), included; the epoch's last where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tmax: Option<f64>,
}

/// A window as rows and samples of a map `(n_channels, n_times)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// What it is called.
    pub name: String,
    /// Its channels.
    pub channels: Vec<usize>,
    /// Its samples, at least one.
    pub samples: Range<usize>,
}

/// What of an epoch may be scored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scorable<'a> {
    /// The data's channels.
    pub channels: &'a [Channel],
    /// Time of each sample (s).
    pub times: &'a [f64],
    /// First time (s) that counts for scores of whole epochs.
    pub score_from: f64,
    /// Samples at the epoch's start that some model is shown: they are in no window.
    pub n_init_times: usize,
}

impl WindowSpec {
    /// The window of these channels and times; what lies in the init window is cut off. `key` is what messages call the table.
    ///
    /// # Errors
    /// [`Error::Setting`] for a channel that is not there, or named twice, and where no sample is left.
    pub fn resolve(&self, key: &str, scorable: Scorable<'_>) -> Result<Window> {
        let Scorable { channels, times, score_from, n_init_times } = scorable;
        let refuse = |name: &str, found: String, expected: String| Error::Setting {
            name: format!("{key}.{name}"),
            found,
            expected,
        };
        let mut rows = Vec::new();
        for name in &self.channels {
            let Some(row) = channels.iter().position(|channel| channel.name == *name) else {
                let known: Vec<&str> = channels.iter().take(8).map(|channel| channel.name.as_str()).collect();
                let more = if channels.len() > known.len() { ", …" } else { "" };
                let expected = format!("names of the cohort's {} channels: {}{more}", channels.len(), known.join(", "));
                return Err(refuse("channels", format!("`{name}`"), expected));
            };
            if rows.contains(&row) {
                return Err(refuse("channels", format!("`{name}` twice"), "each channel once".to_owned()));
            }
            rows.push(row);
        }
        if self.channels.is_empty() {
            rows.extend(0..channels.len());
        }
        let tmin = self.tmin.unwrap_or(score_from);
        let all = samples_within(times, Some(tmin), self.tmax);
        let samples = all.start.max(n_init_times)..all.end;
        if samples.is_empty() {
            let last = self.tmax.or(times.last().copied()).unwrap_or(tmin);
            let (found, expected) = if all.is_empty() {
                (format!("{tmin} to {last} s"), "a window that holds a sample of the epoch".to_owned())
            } else {
                let shown = times[n_init_times.min(times.len()) - 1];
                (
                    format!("{tmin} to {last} s, within the init window"),
                    format!("times after {shown:.3} s: what models are shown is not scored"),
                )
            };
            return Err(refuse(if self.tmax.is_some() { "tmax" } else { "tmin" }, found, expected));
        }
        Ok(Window { name: self.name.clone(), channels: rows, samples })
    }
}

impl Window {
    /// Mean of a map `(n_channels, n_times)` over the window, NaN left out; NaN where there is nothing else.
    pub fn mean(&self, map: &ArrayRef2<f64>) -> f64 {
        mean_of(self.channels.iter().flat_map(|&c| self.samples.clone().map(move |t| map[[c, t]])))
    }
}

/// Which models' scores are tested.
#[derive(Clone, Copy, Debug)]
pub struct Tested<'a> {
    /// Models of which every pair is compared.
    pub pairs: &'a [&'a str],
    /// Models whose r is tested against 0: those that are shown no data. Any other has an r above 0 by the filter alone.
    pub alone: &'a [&'a str],
}

/// The mean r of each model in each window, by subject, and what `tested` says tested across these. p of the comparisons is adjusted for all pairs in all windows together (Benjamini & Hochberg 1995).
///
/// `subjects` are the data set's, in its order; a subject that a model has no score of is left out of its means. `seed` is
/// that of the bootstrap intervals.
///
/// # Panics
/// Where a window does not fit the scores' maps.
pub fn score_windows(
    models: &[(&str, &Scores)],
    tested: Tested<'_>,
    subjects: &[String],
    windows: &[Window],
    (channels, times): (&[Channel], &[f64]),
    seed: u64,
) -> Vec<WindowResult> {
    let mut results: Vec<WindowResult> = windows
        .iter()
        .map(|window| {
            let by_subject = |scores: &Scores| -> Vec<f64> {
                let of = |label: &String| scores.subjects.iter().find(|own| own.subject == *label);
                subjects.iter().map(|label| of(label).map_or(f64::NAN, |own| window.mean(&own.map))).collect()
            };
            let r: Vec<(&str, Vec<f64>)> = models.iter().map(|(name, scores)| (*name, by_subject(scores))).collect();
            let score = |name: &str, r: &[f64]| WindowScore {
                mean_r: mean_of(r.iter().copied()),
                subjects: subjects.iter().cloned().zip(r.iter().map(|r| r.is_finite().then_some(*r))).collect(),
                confidence: bootstrap_interval(r, seed),
                test: if tested.alone.contains(&name) { test_group(r, Tail::Both) } else { None },
            };
            let pairs: Vec<_> = r.iter().filter(|(name, _)| tested.pairs.contains(name)).cloned().collect();
            WindowResult {
                name: window.name.clone(),
                channels: window.channels.iter().map(|&c| channels[c].name.clone()).collect(),
                tmin: times[window.samples.start],
                tmax: times[window.samples.end - 1],
                models: r.iter().map(|(name, r)| ((*name).to_owned(), score(name, r))).collect::<IndexMap<_, _>>(),
                comparisons: compare_models(&pairs, seed),
            }
        })
        .collect();
    adjust_comparisons(results.iter_mut().flat_map(|window| &mut window.comparisons));
    results
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::super::SubjectScores;
    use super::*;
    use crate::data::ChannelType;

    fn channels() -> Vec<Channel> {
        ["Cz", "Pz"].map(|name| Channel { name: name.to_owned(), kind: ChannelType::Eeg, position: None }).to_vec()
    }

    fn spec(channels: &[&str], tmin: Option<f64>, tmax: Option<f64>) -> WindowSpec {
        WindowSpec { name: "late".to_owned(), channels: channels.iter().map(|&c| c.to_owned()).collect(), tmin, tmax }
    }

    fn resolved(spec: &WindowSpec, n_init_times: usize) -> Result<Window> {
        let times: Vec<f64> = (-3..=6).map(|t| f64::from(t) / 10.0).collect();
        let scorable = Scorable { channels: &channels(), times: &times, score_from: 0.0, n_init_times };
        spec.resolve("report.windows[1]", scorable)
    }

    #[test]
    fn times_at_the_border_of_a_sample_are_in_and_what_is_shown_is_not() {
        // 0.1 · 3 is above 0.3.
        let window = resolved(&spec(&["Pz"], Some(0.1), Some(0.1 * 3.0)), 0).unwrap();
        assert_eq!((window.channels, window.samples), (vec![1], 4..7));
        assert_eq!(resolved(&spec(&[], None, None), 0).unwrap().samples, 3..10);
        assert_eq!(
            resolved(&spec(&[], None, None), 5).unwrap(),
            Window { name: "late".to_owned(), channels: vec![0, 1], samples: 5..10 }
        );
        let map = array![[0.0; 10], [0.0, 0.0, 0.0, 0.0, 0.1, f64::NAN, 0.5, 9.0, 0.0, 0.0]];
        let window = resolved(&spec(&["Pz"], Some(0.1), Some(0.3)), 0).unwrap();
        assert!((window.mean(&map) - 0.3).abs() < 1e-15);
    }

    #[test]
    fn windows_that_make_no_sense_name_their_key() {
        for (spec, n_init_times, message) in [
            (
                spec(&["Qz"], None, None),
                0,
                "report.windows[1].channels = `Qz`, expected names of the cohort's 2 channels: Cz, Pz",
            ),
            (spec(&["Cz", "Cz"], None, None), 0, "report.windows[1].channels = `Cz` twice"),
            (
                spec(&[], Some(0.11), Some(0.19)),
                0,
                "report.windows[1].tmax = 0.11 to 0.19 s, expected a window that holds a sample",
            ),
            (
                spec(&[], Some(0.0), Some(0.2)),
                6,
                "report.windows[1].tmax = 0 to 0.2 s, within the init window, expected times after 0.200 s",
            ),
        ] {
            let found = resolved(&spec, n_init_times).unwrap_err().to_string();
            assert!(found.contains(message), "`{message}` is not in: {found}");
        }
    }

    /// Maps of six subjects of two models, the second of which is better on Pz after the event alone.
    #[test]
    fn models_are_compared_in_each_window_and_p_is_adjusted_over_all() {
        let times: Vec<f64> = (0..4).map(f64::from).collect();
        let maps = |gain: f64| -> Scores {
            let subject = |s: usize| {
                let own = 0.01 * s as f64;
                let map: Array2<f64> = array![[own; 4], [own, own, 0.2 + own + gain * (1.0 + own), 0.2 + own]];
                SubjectScores { subject: format!("s{s}"), n_epochs: 9, r: 0.0, r_over_time: Vec::new(), map }
            };
            Scores {
                subjects: (0..6).map(subject).collect(),
                mean_r: 0.0,
                r_over_time: Vec::new(),
                r_per_channel: Vec::new(),
                evoked: Vec::new(),
            }
        };
        let (trf, dre) = (maps(0.0), maps(0.1));
        let subjects: Vec<String> = (0..7).map(|s| format!("s{s}")).collect();
        let windows = [("early", vec![0, 1], 0..2), ("late", vec![1], 2..3)].map(|(name, channels, samples)| Window {
            name: name.to_owned(),
            channels,
            samples,
        });
        let models = [("trf", &trf), ("dre", &dre), ("dre-past", &trf)];
        let tested = Tested { pairs: &["trf", "dre"], alone: &["trf"] };
        let found = score_windows(&models, tested, &subjects, &windows, (&channels(), &times), 0);
        let [early, late] = found.as_slice() else { panic!("two windows, not {found:?}") };
        assert_eq!((late.tmin, late.tmax, &late.channels[..]), (2.0, 2.0, &["Pz".to_owned()][..]));
        assert_eq!(late.models["trf"].subjects["s6"], None, "nobody has scored it");
        assert!((late.models["trf"].mean_r - 0.225).abs() < 1e-12);
        assert!(
            late.models["trf"].confidence.is_some()
                && late.models["trf"].test.unwrap().n == 6
                && late.models["dre"].test.is_none()
        );
        assert!(late.models.contains_key("dre-past") && late.comparisons.len() == 1, "only the named are compared");
        let (same, better) = (&early.comparisons[0], &late.comparisons[0]);
        assert_eq!((same.test, same.q), (None, None), "no difference is no test");
        let p = better.test.unwrap().p;
        assert!((better.difference + 0.1025).abs() < 1e-12 && (p - 2.0 / 64.0).abs() < 1e-12);
        assert!((better.q.unwrap() - p).abs() < 1e-12, "one test in the family");
        // The same window twice: both are tests of the family, and q is p again, as both p are the same.
        let twice = [windows[1].clone(), windows[1].clone(), Window { samples: 0..4, ..windows[1].clone() }];
        let found = score_windows(&models, tested, &subjects, &twice, (&channels(), &times), 0);
        assert!(found.iter().all(|window| window.comparisons[0].q == Some(p)), "{found:?}");
    }
}
