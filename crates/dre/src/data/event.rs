//! Events: what was presented, when.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The events of one recording, a column each, as in a BIDS `events.tsv`.
///
/// All columns have the same length, [`EventTable::len`]. Onsets need not be sorted in the file; here they are, by
/// onset, ties in the file's order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventTable {
    /// Onset of each event (s) from the recording's first sample.
    pub onset: Vec<f64>,
    /// Duration of each event (s); 0 where the file says `n/a`.
    pub duration: Vec<f64>,
    /// Every other column by name, as text; `n/a` stays `n/a`.
    pub columns: BTreeMap<String, Vec<String>>,
}

impl EventTable {
    /// Number of events.
    pub fn len(&self) -> usize {
        self.onset.len()
    }

    /// Whether there is no event.
    pub fn is_empty(&self) -> bool {
        self.onset.is_empty()
    }

    /// The texts of a column. `wanted_by` names the setting that asks for it, for the error.
    ///
    /// # Errors
    /// [`Error::NoColumn`], with the columns that there are and the one that is spelt most alike.
    pub fn column(&self, name: &str, wanted_by: impl FnOnce() -> String) -> Result<&[String]> {
        self.columns.get(name).map(Vec::as_slice).ok_or_else(|| Error::NoColumn {
            column: name.to_owned(),
            wanted_by: wanted_by(),
            found: match self.columns.len() {
                0 => "only onset and duration".to_owned(),
                _ => self.columns.keys().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", "),
            },
            suggestion: nearest(name, self.columns.keys())
                .map(|key| format!("; did you mean `{key}`?"))
                .unwrap_or_default(),
        })
    }

    /// Checks what the rest of the library relies on: columns of one length, finite onsets in ascending order.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::EventValue`].
    pub fn check(&self) -> Result<()> {
        let lengths = std::iter::once(("duration", self.duration.len()))
            .chain(self.columns.iter().map(|(name, texts)| (name.as_str(), texts.len())));
        for (name, length) in lengths {
            if length != self.len() {
                return Err(Error::Shape {
                    what: format!("events column `{name}`"),
                    found: vec![length],
                    expected: format!("one entry per onset, {}", self.len()),
                });
            }
        }
        let mut previous = f64::NEG_INFINITY;
        for (event, &onset) in self.onset.iter().enumerate() {
            if !(onset.is_finite() && onset >= previous) {
                return Err(Error::EventValue {
                    event: event + 1,
                    onset,
                    what: "onset".to_owned(),
                    found: onset.to_string(),
                    expected: format!("a finite number of seconds, not before the previous event ({previous} s)"),
                });
            }
            previous = onset;
        }
        Ok(())
    }
}

/// The candidate that is spelt most like `name`, if one is near enough to be a slip.
fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a String>) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .min_by_key(|&(distance, _)| distance)
        .filter(|&(distance, _)| distance <= 1 + name.chars().count() / 4)
        .map(|(_, candidate)| candidate.as_str())
}
