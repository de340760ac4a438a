//! Events: what was presented, when.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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
}
