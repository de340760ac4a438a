//! The settings of a feature.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How one feature is made from the events.
///
/// The signal is zero except while an event holds it: from the sample nearest to its onset for `duration` seconds. Where
/// two events overlap, the later one wins from its onset on.
///
/// In a study file the fields stand side by side, and an unknown one is refused:
/// `{ name = "target", kind = "map", column = "trial_type", values = { target = 1.0 }, duration = 0.2 }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "FlatSpec", into = "FlatSpec")]
pub struct FeatureSpec {
    /// Name of the feature, unique within a study.
    pub name: String,
    /// What value an event carries.
    pub value: FeatureValue,
    /// How long an event holds its value (s); the event's own duration where absent.
    pub duration: Option<f64>,
}

/// The value that an event gives to a feature.
#[derive(Clone, Debug, PartialEq)]
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
        /// Name of the column; `trial_type` where the study file names none.
        column: String,
        /// Number by text.
        values: BTreeMap<String, f64>,
    },
}

/// The fields of a [`FeatureSpec`] as a study file has them, since `serde` cannot refuse unknown fields of a flattened
/// enum.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FlatSpec {
    name: String,
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    values: Option<BTreeMap<String, f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    duration: Option<f64>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Presence,
    Column,
    Map,
}

impl TryFrom<FlatSpec> for FeatureSpec {
    type Error = Error;

    fn try_from(flat: FlatSpec) -> Result<Self> {
        let FlatSpec { name, kind, column, values, duration } = flat;
        let fail = |reason: &str| Error::Feature { feature: name.clone(), reason: reason.to_owned() };
        let value = match (kind, column, values) {
            (Kind::Presence, None, None) => FeatureValue::Presence,
            (Kind::Presence, ..) => return Err(fail("kind `presence` takes neither `column` nor `values`")),
            (Kind::Column, Some(column), None) => FeatureValue::Column { column },
            (Kind::Column, None, _) => return Err(fail("kind `column` needs `column`, the name of an events column")),
            (Kind::Column, Some(_), Some(_)) => {
                return Err(fail("kind `column` takes no `values`; did you mean `map`?"));
            }
            (Kind::Map, column, Some(values)) => {
                FeatureValue::Map { column: column.unwrap_or_else(|| "trial_type".to_owned()), values }
            }
            (Kind::Map, _, None) => return Err(fail("kind `map` needs `values`, a number for each text")),
        };
        Ok(Self { name, value, duration })
    }
}

impl From<FeatureSpec> for FlatSpec {
    fn from(spec: FeatureSpec) -> Self {
        let (kind, column, values) = match spec.value {
            FeatureValue::Presence => (Kind::Presence, None, None),
            FeatureValue::Column { column } => (Kind::Column, Some(column), None),
            FeatureValue::Map { column, values } => (Kind::Map, Some(column), Some(values)),
        };
        Self { name: spec.name, kind, column, values, duration: spec.duration }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Study {
        features: Vec<FeatureSpec>,
    }

    fn one(text: &str) -> std::result::Result<FeatureSpec, String> {
        toml::from_str::<FeatureSpec>(text).map_err(|e| e.to_string())
    }

    #[test]
    fn the_example_study_parses() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/p300.toml");
        let study: Study = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(study.features.len(), 2);
        let values = BTreeMap::from([("target".to_owned(), 1.0), ("nontarget".to_owned(), -1.0)]);
        assert_eq!(study.features[1].value, FeatureValue::Map { column: "trial_type".to_owned(), values });
        assert_eq!(study.features[1].duration, Some(0.2));
    }

    #[test]
    fn serialisation_round_trips() {
        let spec = one("name = 'a'\nkind = 'map'\nvalues = { x = 2.0 }").unwrap();
        let text = toml::to_string(&spec).unwrap();
        assert_eq!(one(&text).unwrap(), spec);
    }

    #[test]
    fn unknown_and_misplaced_keys_are_refused() {
        for (text, expected) in [
            ("name = 'a'\nkind = 'presence'\ndurations = 0.2", "unknown field `durations`"),
            ("name = 'a'\nkind = 'presense'", "unknown variant `presense`"),
            ("name = 'a'\nkind = 'presence'\ncolumn = 'x'", "takes neither"),
            ("name = 'a'\nkind = 'column'", "needs `column`"),
            ("name = 'a'\nkind = 'column'\ncolumn = 'x'\nvalues = { x = 1.0 }", "did you mean `map`"),
            ("name = 'a'\nkind = 'map'", "needs `values`"),
        ] {
            let message = one(text).unwrap_err();
            assert!(message.contains(expected), "{message:?} lacks {expected:?}");
        }
    }
}
