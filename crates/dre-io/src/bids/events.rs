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
    /// What was found odd and the user should know of.
    pub notes: Vec<String>,
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

    /// `sfreq` (Hz) takes the column `sample` to seconds.
    pub(super) fn parse(file: &Path, bytes: &[u8], sfreq: Option<f64>) -> Result<Self, BidsError> {
        let table = Table::parse(file, bytes, "the columns onset and duration")?;
        let (onset, duration) = (table.column("onset")?, table.find("duration"));
        let mut samples = Samples::new(&table, sfreq);
        let mut events = Vec::with_capacity(table.rows.len());
        for row in &table.rows {
            let duration = duration.map_or(Ok(0.0), |column| duration_of(&table, row, &row.fields[column]))?;
            let onset = match samples.seconds(row) {
                Some(seconds) if is_missing(&row.fields[onset]) => seconds,
                _ => onset_of(&table, row, &row.fields[onset])?,
            };
            samples.compare(row, onset);
            events.push((onset, duration, row));
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
            notes: samples.notes(),
            lines: events.iter().map(|e| e.2.line).collect(),
            table: EventTable {
                onset: events.iter().map(|e| e.0).collect(),
                duration: events.iter().map(|e| e.1).collect(),
                columns,
            },
        })
    }
}

/// The column `sample`, beside `onset`.
struct Samples<'a> {
    table: &'a Table,
    column: Option<usize>,
    sfreq: Option<f64>,
    /// Rows that disagree: how many, and line and distance (samples) of the worst.
    n_apart: usize,
    worst: (usize, f64),
}

impl<'a> Samples<'a> {
    /// Programs count samples from 0 or from 1, and round differently.
    const TOLERANCE: f64 = 1.5;

    fn new(table: &'a Table, sfreq: Option<f64>) -> Self {
        Self { table, column: table.find("sample"), sfreq, n_apart: 0, worst: (0, 0.0) }
    }

    fn sample(&self, row: &Row) -> Option<f64> {
        self.column.and_then(|column| number(&row.fields[column])).filter(|sample| *sample >= 0.0)
    }

    fn seconds(&self, row: &Row) -> Option<f64> {
        self.sample(row).zip(self.sfreq).map(|(sample, sfreq)| sample / sfreq)
    }

    fn compare(&mut self, row: &Row, onset: f64) {
        let Some((sample, sfreq)) = self.sample(row).zip(self.sfreq) else { return };
        let apart = (sample - onset * sfreq).abs();
        if apart > Self::TOLERANCE {
            self.n_apart += 1;
            if apart > self.worst.1 {
                self.worst = (row.line, apart);
            }
        }
    }

    fn notes(&self) -> Vec<String> {
        if self.n_apart == 0 {
            return Vec::new();
        }
        let (line, apart) = self.worst;
        vec![format!(
            "{}: onset and sample disagree at {} Hz on {} of {} rows, most on line {line} ({apart:.0} samples); onset is used",
            self.table.file.display(),
            self.sfreq.unwrap_or_default(),
            self.n_apart,
            self.table.rows.len(),
        )]
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
        None if is_missing(text) => Err(table.value(
            row,
            "onset",
            text,
            EXPECTED,
            "an event needs a time; remove the row or give its onset or its sample",
        )),
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
