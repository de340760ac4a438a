//! What is permuted, and how.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::features::Features;
use crate::model::Predictor;
use crate::{Error, Result};

/// Permutations of an input at most: the maps of all of them are gathered at once.
const MOST_PERMUTATIONS: usize = 10_000;

/// Which values of an input are permuted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The value of a feature that the epoch's own event carries, among the subject's test epochs; the other events of the
    /// epoch keep theirs. A continuous feature has no events: its whole stretch is exchanged with another epoch's.
    #[default]
    Event,
    /// The values of a feature that all events of the epoch carry, among all events that the subject's test epochs show.
    Epoch,
    /// The data of the init window, among the subject's test epochs.
    Init,
    /// Which subject an epoch is said to be of: all epochs of a subject get the embedding of another.
    Subject,
    /// The time of all features: each recording's are shifted in a circle by a random time of at least an epoch, which
    /// keeps their autocorrelation and breaks their relation to the data. A null for a single subject.
    Shift,
}

impl Mode {
    /// The text of a mode in a study file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Epoch => "epoch",
            Self::Init => "init",
            Self::Subject => "subject",
            Self::Shift => "shift",
        }
    }
}

/// The settings of an importance analysis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImportanceSpec {
    /// Features that are permuted, each by itself; all of the study where empty. The indicators of a category go together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// Groups of features that are permuted together, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, Vec<String>>,
    /// Which values are permuted. Those that a model does not have (the init window of a TRF) are passed over.
    pub modes: Vec<Mode>,
    /// Whether mode `event` is also done conditionally on the other features.
    pub conditional: bool,
    /// Number of permutations of each input.
    pub n_permutations: usize,
    /// Number of shifts of mode `shift`.
    pub n_shifts: usize,
    /// Names of the models; all of the study where empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// First time (s) that counts for means and tests; that of the scores where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tmin: Option<f64>,
    /// Last time (s) that counts for means and tests; the epoch's end where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tmax: Option<f64>,
    /// Whether threshold-free cluster enhancement is computed beside clusters.
    pub tfce: bool,
}

impl Default for ImportanceSpec {
    /// The own event's value of every feature, 20 times, plain and conditional; 200 shifts where shifts are asked for.
    fn default() -> Self {
        Self {
            features: Vec::new(),
            groups: BTreeMap::new(),
            modes: vec![Mode::Event],
            conditional: true,
            n_permutations: 20,
            n_shifts: 200,
            models: Vec::new(),
            tmin: None,
            tmax: None,
            tfce: false,
        }
    }
}

impl ImportanceSpec {
    /// Checks what the types cannot.
    ///
    /// # Errors
    /// [`Error::Setting`] that names the setting.
    pub fn check(&self) -> Result<()> {
        let refuse = |name: &str, found: String, expected: &str| {
            Err(Error::Setting { name: name.to_owned(), found, expected: expected.to_owned() })
        };
        if self.modes.is_empty() {
            return refuse("modes", "[]".to_owned(), "at least one of event, epoch, init, subject, shift");
        }
        for (name, n) in [("n_permutations", self.n_permutations), ("n_shifts", self.n_shifts)] {
            if !(1..=MOST_PERMUTATIONS).contains(&n) {
                let expected = format!("1 to {MOST_PERMUTATIONS}; 20 or more for a stable mean");
                return refuse(name, n.to_string(), &expected);
            }
        }
        if let Some((name, _)) = self.groups.iter().find(|(_, members)| members.is_empty()) {
            return refuse(&format!("groups.{name}"), "[]".to_owned(), "at least one feature");
        }
        for (name, time) in [("tmin", self.tmin), ("tmax", self.tmax)] {
            if let Some(time) = time.filter(|time| !time.is_finite()) {
                return refuse(name, time.to_string(), "a time (s) relative to the event");
            }
        }
        match (self.tmin, self.tmax) {
            (Some(tmin), Some(tmax)) if tmin > tmax => {
                refuse("tmax", tmax.to_string(), &format!("a time not before tmin ({tmin} s)"))
            }
            _ => Ok(()),
        }
    }

    /// What is permuted, model by model the same but for what a model does not have.
    ///
    /// # Errors
    /// [`Error::Setting`] for a name that is no feature.
    pub fn targets(&self, features: &Features) -> Result<Vec<Target>> {
        let own = features.feature_names().into_iter().map(str::to_owned).collect();
        self.targets_among(&features.names(), own, |name| features.signals_of(name))
    }

    /// The same where each feature is a signal by itself, of these names.
    ///
    /// # Errors
    /// As [`ImportanceSpec::targets`].
    pub fn targets_of_signals(&self, names: &[String]) -> Result<Vec<Target>> {
        self.targets_among(names, names.to_vec(), |name| names.iter().position(|n| n == name).into_iter().collect())
    }

    /// `signals` are the rows of the features, `features` what is permuted where the settings name none.
    fn targets_among(
        &self,
        signals: &[String],
        features: Vec<String>,
        signals_of: impl Fn(&str) -> Vec<usize>,
    ) -> Result<Vec<Target>> {
        let members = |key: String, names: &[String]| -> Result<Vec<usize>> {
            let mut all = Vec::new();
            for name in names {
                let own = signals_of(name);
                if own.is_empty() {
                    let expected = format!("names of features: {}", signals.join(", "));
                    return Err(Error::Setting { name: key, found: format!("`{name}`"), expected });
                }
                all.extend(own);
            }
            all.sort_unstable();
            all.dedup();
            Ok(all)
        };
        let mut sets: Vec<(String, Vec<usize>)> = Vec::new();
        let names = if self.features.is_empty() { features } else { self.features.clone() };
        for name in names {
            sets.push((name.clone(), members("importance.features".to_owned(), &[name])?));
        }
        for (name, list) in &self.groups {
            sets.push((name.clone(), members(format!("importance.groups.{name}"), list)?));
        }
        let mut targets = Vec::new();
        let mut modes = self.modes.clone();
        modes.sort_unstable();
        modes.dedup();
        for mode in modes {
            let plain = |name: &str, features: &[usize]| Target {
                name: name.to_owned(),
                features: features.to_vec(),
                mode,
                conditional: false,
                n_permutations: if mode == Mode::Shift { self.n_shifts } else { self.n_permutations },
            };
            match mode {
                Mode::Event | Mode::Epoch => {
                    for (name, features) in &sets {
                        targets.push(plain(name, features));
                        if mode == Mode::Event && self.conditional {
                            targets.push(Target { conditional: true, ..plain(name, features) });
                        }
                    }
                }
                Mode::Init => targets.push(plain("init window", &[])),
                Mode::Subject => targets.push(plain("subject", &[])),
                Mode::Shift => {
                    let all: Vec<usize> = (0..signals.len()).collect();
                    targets.push(plain("all features", &all));
                }
            }
        }
        Ok(targets)
    }
}

/// One input that is permuted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What people call it.
    pub name: String,
    /// The features that are permuted together, as rows of the cohort's features; none for the init window or the subject.
    pub features: Vec<usize>,
    /// Which of their values.
    pub mode: Mode,
    /// Whether only what the other features do not say is permuted; for [`Mode::Event`] alone.
    pub conditional: bool,
    /// Number of permutations.
    pub n_permutations: usize,
}

impl Target {
    /// Whether a model has this input at all.
    pub fn concerns(&self, model: &dyn Predictor) -> bool {
        let inputs = model.inputs();
        match self.mode {
            Mode::Event | Mode::Epoch | Mode::Shift => {
                model.features().is_none_or(|seen| self.features.iter().any(|feature| seen.contains(feature)))
            }
            Mode::Init => inputs.n_init_times > 0,
            Mode::Subject => inputs.has_subject_embedding,
        }
    }
}
