//! Stimulus features: from the events of a recording to continuous signals.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How one feature is made from the events.
///
/// The signal is zero except while an event holds it: from the sample nearest to its onset for `duration` seconds. Where
/// two events overlap, the later one wins from its onset on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureSpec {
    /// Name of the feature, unique within a study.
    pub name: String,
    /// What value an event carries.
    #[serde(flatten)]
    pub value: FeatureValue,
    /// How long an event holds its value (s); the event's own duration where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
}

/// The value that an event gives to a feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FeatureValue {
    /// 1 for every event.
    Presence,
    /// The number in a column of the events; `n/a` gives 0.
    Column {
        /// Name of the column.
        column: String,
    },
    /// A number for each of some texts in a column; an event with another text gives nothing.
    Map {
        /// Name of the column.
        #[serde(default = "trial_type")]
        column: String,
        /// Number by text.
        values: BTreeMap<String, f64>,
    },
}

fn trial_type() -> String {
    "trial_type".to_owned()
}
