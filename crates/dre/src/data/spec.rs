//! How epochs are cut, split, scaled and rejected.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Which stretch around each event is an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochSpec {
    /// First sample (s) relative to the event.
    pub tmin: f64,
    /// Last sample (s) relative to the event, included as in MNE-Python.
    pub tmax: f64,
    /// Window whose mean is subtracted from each epoch and channel; `false` in a study file turns it off.
    #[serde(default)]
    pub baseline: BaselineSpec,
    /// Only events whose column holds one of these texts; all events where empty.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub events: BTreeMap<String, Vec<String>>,
}

/// Baseline window, both ends included; an absent end is the epoch's own. `(None, 0)` by default, as in MNE-Python.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum BaselineSpec {
    /// `false`: no correction. `true`: the default window.
    Switch(bool),
    /// The mean of this window is subtracted.
    Window {
        /// Start (s).
        #[serde(default)]
        tmin: Option<f64>,
        /// End (s).
        #[serde(default)]
        tmax: Option<f64>,
    },
}

impl Default for BaselineSpec {
    fn default() -> Self {
        Self::Window { tmin: None, tmax: Some(0.0) }
    }
}

/// How epochs are divided into training, validation and test sets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SplitSpec {
    /// Share of each recording's epochs, the first in time, that trains.
    pub train: f64,
    /// Share that follows and chooses (alpha, best pass). The rest is the test set.
    pub valid: f64,
}

impl Default for SplitSpec {
    fn default() -> Self {
        Self { train: 0.7, valid: 0.1 }
    }
}

/// How data are scaled and which epochs and subjects are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CleaningSpec {
    /// Epochs whose scaled data exceed this anywhere, in interquartile ranges, are rejected.
    pub reject_above: f64,
    /// Recordings with fewer epochs than this are left out.
    pub min_epochs_per_recording: usize,
    /// Subjects with fewer epochs than this, over their recordings, are left out.
    pub min_epochs_per_subject: usize,
}

impl Default for CleaningSpec {
    fn default() -> Self {
        Self { reject_above: 16.0, min_epochs_per_recording: 20, min_epochs_per_subject: 0 }
    }
}
