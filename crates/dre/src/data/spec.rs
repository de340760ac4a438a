//! How epochs are cut, split, scaled and rejected.

use std::collections::BTreeMap;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::BadSegments;

/// Which stretch around each event is an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochSpec {
    /// First time (s) relative to the event; the epoch starts at the nearest sample, as in MNE-Python.
    pub tmin: f64,
    /// Last time (s) relative to the event; the epoch ends with the nearest sample, included, as in MNE-Python.
    pub tmax: f64,
    /// What becomes of epochs that overlap a bad segment.
    #[serde(default)]
    pub bad_segments: BadSegments,
    /// Window whose mean is subtracted from each epoch and channel; none by default. It may not reach past a model's init
    /// window; see [`super::check_baseline`].
    #[serde(default)]
    pub baseline: BaselineSpec,
    /// Only events whose column holds one of these texts; all events where empty.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub events: BTreeMap<String, Vec<String>>,
}

/// Baseline window, both ends included; an absent end is the epoch's own. None by default.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum BaselineSpec {
    /// `false`: no correction. `true`: from the epoch's start to the event, MNE-Python's `(None, 0)`.
    Switch(bool),
    /// The mean of this window is subtracted.
    Window {
        /// Start (s).
        #[serde(skip_serializing_if = "Option::is_none")]
        tmin: Option<f64>,
        /// End (s).
        #[serde(skip_serializing_if = "Option::is_none")]
        tmax: Option<f64>,
    },
}

impl<'de> Deserialize<'de> for BaselineSpec {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BaselineVisitor)
    }
}

/// Reads a [`BaselineSpec`] by hand: an untagged enum would accept unknown keys without a word.
struct BaselineVisitor;

impl<'de> Visitor<'de> for BaselineVisitor {
    type Value = BaselineSpec;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("true, false, or a window such as { tmin = -0.2, tmax = 0.0 } in seconds")
    }

    fn visit_bool<E>(self, on: bool) -> Result<BaselineSpec, E> {
        Ok(BaselineSpec::Switch(on))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<BaselineSpec, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Window {
            #[serde(default)]
            tmin: Option<f64>,
            #[serde(default)]
            tmax: Option<f64>,
        }
        let Window { tmin, tmax } = Window::deserialize(MapAccessDeserializer::new(map))?;
        Ok(BaselineSpec::Window { tmin, tmax })
    }
}

impl Default for BaselineSpec {
    fn default() -> Self {
        Self::Switch(false)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn baseline_forms() {
        let parse = |text: &str| {
            toml::from_str::<EpochSpec>(&format!("tmin = -0.5\ntmax = 1.0\n{text}")).map_err(|e| e.to_string())
        };
        assert_eq!(parse("").unwrap().baseline, BaselineSpec::default());
        assert_eq!(parse("baseline = false").unwrap().baseline, BaselineSpec::Switch(false));
        let window = BaselineSpec::Window { tmin: Some(-0.2), tmax: None };
        assert_eq!(parse("baseline = { tmin = -0.2 }").unwrap().baseline, window);
        assert!(parse("baseline = { tmn = -0.2 }").unwrap_err().contains("unknown field `tmn`"));
        assert!(parse("baseline = 3").unwrap_err().contains("true, false, or a window"));
    }

    #[test]
    fn serialisation_round_trips() {
        let window = BaselineSpec::Window { tmin: None, tmax: Some(0.0) };
        for baseline in [BaselineSpec::default(), BaselineSpec::Switch(true), window] {
            let spec = EpochSpec {
                tmin: -0.5,
                tmax: 1.0,
                bad_segments: BadSegments::Reject,
                baseline,
                events: BTreeMap::new(),
            };
            assert_eq!(toml::from_str::<EpochSpec>(&toml::to_string(&spec).unwrap()).unwrap(), spec);
        }
    }
}
