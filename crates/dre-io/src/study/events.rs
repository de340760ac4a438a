//! Where a study's events come from.

use dre::events::{Consecutive, FindEvents};
use serde::{Deserialize, Serialize};

/// Where events come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventSource {
    /// The `*_events.tsv` of BIDS.
    #[default]
    Bids,
    /// The logs of MOUS, see [`crate::mous`].
    Mous,
    /// The trigger channels of the recordings.
    Triggers,
}

impl EventSource {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How events are found in trigger channels, with the meaning of MNE-Python's `find_events`.
///
/// Each event has its trigger's value as text in the columns `value` and `trial_type`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TriggerSpec {
    /// Names of the trigger channels; `STI101`, else `STI 014`, else all of type `stim`, where empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
    /// Shortest time (s) that a value must last to be an event.
    pub min_duration: f64,
    /// Only these bits of the values count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask: Option<i64>,
    /// Whether a change from one value to another without a 0 between them is an event as well: `false`, `true`, or, where
    /// absent, if the value increases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consecutive: Option<bool>,
}

impl TriggerSpec {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The settings of the search.
    pub(crate) fn options(&self) -> FindEvents {
        FindEvents {
            min_duration: self.min_duration,
            mask: self.mask,
            consecutive: match self.consecutive {
                Some(true) => Consecutive::Yes,
                Some(false) => Consecutive::No,
                None => Consecutive::Increasing,
            },
            ..FindEvents::default()
        }
    }
}
