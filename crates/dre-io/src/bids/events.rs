//! Tables of events.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dre::data::EventTable;

use super::BidsError;
use super::table::{Row, Table, is_missing, number};

/// The events of a recording and where each is written.
#[derive(Clone, Debug, PartialEq)]
pub struct EventsFile {
    /// The file, relative to the data set's root.
    pub path: PathBuf,
    /// The events, sorted by onset, ties in the file's order.
    pub table: EventTable,
    /// Line of each event of `table`, from 1.
    pub lines: Vec<usize>,
}

impl EventsFile {
    /// Checks that every event begins within a recording of `duration` seconds (number of samples / sfreq).
    ///
    /// # Errors
    /// [`BidsError::PastEnd`] for the first event at or after the end.
    pub fn check_within(&self, duration: f64) -> Result<(), BidsError> {
        match self.table.onset.iter().zip(&self.lines).find(|&(&onset, _)| onset >= duration) {
            Some((&onset, &line)) => Err(BidsError::PastEnd { file: self.path.clone(), line, onset, duration }),
            None => Ok(()),
        }
    }

    pub(super) fn parse(file: &Path, bytes: &[u8]) -> Result<Self, BidsError> {
        let table = Table::parse(file, bytes, "the columns onset and duration")?;
        let (onset, duration) = (table.column("onset")?, table.find("duration"));
        let mut events = Vec::with_capacity(table.rows.len());
        for row in &table.rows {
            let duration = duration.map_or(Ok(0.0), |column| duration_of(&table, row, &row.fields[column]))?;
            events.push((onset_of(&table, row, &row.fields[onset])?, duration, row));
        }
        if events.is_empty() {
            return Err(BidsError::NoEvents { file: table.file });
        }
        events.sort_by(|a, b| a.0.total_cmp(&b.0));
        let columns: BTreeMap<String, Vec<String>> = table
            .names
            .iter()
            .enumerate()
            .filter(|&(column, _)| column != onset && Some(column) != duration)
            .map(|(column, name)| (name.clone(), events.iter().map(|e| e.2.fields[column].clone()).collect()))
            .collect();
        Ok(Self {
            path: table.file.clone(),
            lines: events.iter().map(|e| e.2.line).collect(),
            table: EventTable {
                onset: events.iter().map(|e| e.0).collect(),
                duration: events.iter().map(|e| e.1).collect(),
                columns,
            },
        })
    }
}

fn onset_of(table: &Table, row: &Row, text: &str) -> Result<f64, BidsError> {
    const EXPECTED: &str = "seconds from the recording's first sample, 0 or more";
    match number(text) {
        // Adding zero turns -0 into 0, which sorts with the other zero.
        Some(onset) if onset >= 0.0 => Ok(onset + 0.0),
        Some(_) => {
            let advice = "an event before the first sample has no data; remove the row";
            Err(table.value(row, "onset", text, EXPECTED, advice))
        }
        None if is_missing(text) => {
            Err(table.value(row, "onset", text, EXPECTED, "an event needs a time; remove the row or give its onset"))
        }
        None => {
            Err(table.value(row, "onset", text, EXPECTED, "write a number with a decimal point, or remove the row"))
        }
    }
}

fn duration_of(table: &Table, row: &Row, text: &str) -> Result<f64, BidsError> {
    if is_missing(text) {
        return Ok(0.0);
    }
    number(text).filter(|&duration| duration >= 0.0).map(|duration| duration + 0.0).ok_or_else(|| {
        table.value(row, "duration", text, "seconds, 0 or more, or n/a", "write n/a where it is not known")
    })
}
