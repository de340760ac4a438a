//! Events of a prepared recording as `events.tsv`.

use std::collections::BTreeMap;
use std::path::Path;

use dre::data::EventTable;

use crate::store::{StoreError, write_file};

/// Writes onset, duration, then the other columns by name. Numbers read back to the same bits.
pub(super) fn write_events(path: &Path, events: &EventTable) -> Result<(), StoreError> {
    write_file(path, |out| {
        let mut out = csv::WriterBuilder::new().delimiter(b'\t').from_writer(out);
        let names = events.columns.keys().map(String::as_str);
        out.write_record(["onset", "duration"].into_iter().chain(names))?;
        for i in 0..events.len() {
            let (onset, duration) = (events.onset[i].to_string(), events.duration[i].to_string());
            let rest = events.columns.values().map(|c| c[i].as_str());
            out.write_record([onset.as_str(), duration.as_str()].into_iter().chain(rest))?;
        }
        out.flush()
    })
}

/// Reads what [`write_events`] wrote.
pub(super) fn read_events(path: &Path) -> Result<EventTable, StoreError> {
    let damaged = |found: String, expected: &str| StoreError::damaged(path, found, expected);
    let file = crate::files::open(path).map_err(StoreError::read(path))?;
    let mut file = csv::ReaderBuilder::new().delimiter(b'\t').from_reader(file);
    let names: Vec<String> = match file.headers() {
        Ok(h) => h.iter().map(str::to_owned).collect(),
        Err(e) => return Err(damaged(e.to_string(), "a header line")),
    };
    if names.len() < 2 || names[0] != "onset" || names[1] != "duration" {
        return Err(damaged(names.join(", "), "the columns onset, duration, …"));
    }
    let mut events = EventTable::default();
    let mut columns: Vec<Vec<String>> = vec![Vec::new(); names.len() - 2];
    for (i, row) in file.records().enumerate() {
        let line = i + 2;
        let row = row.map_err(|e| damaged(e.to_string(), "as many fields as the header has"))?;
        let number = |field: &str| match field.parse::<f64>() {
            Ok(x) if x.is_finite() => Ok(x),
            _ => Err(damaged(format!("`{field}` on line {line}"), "seconds")),
        };
        events.onset.push(number(&row[0])?);
        events.duration.push(number(&row[1])?);
        for (column, field) in columns.iter_mut().zip(row.iter().skip(2)) {
            column.push(field.to_owned());
        }
    }
    events.columns = names.into_iter().skip(2).zip(columns).collect::<BTreeMap<_, _>>();
    Ok(events)
}
