//! `participants.tsv`: who took part.

use std::io;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use indexmap::map::Entry;

use super::BidsError;
use super::error::clipped;
use super::table::Table;

/// Name of the file, in the root of a data set.
const FILE: &str = "participants.tsv";

/// The table of participants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participants {
    /// The file, relative to the data set's root.
    pub path: PathBuf,
    /// Names of the columns beside `participant_id`, in the file's order.
    pub columns: Vec<String>,
    /// Values of these columns by participant (`sub-01`), in the file's order; `n/a` stays `n/a`.
    pub rows: IndexMap<String, Vec<String>>,
}

impl Participants {
    /// What a column says about a participant; none for an unknown one of either and for `n/a`.
    pub fn value(&self, participant: &str, column: &str) -> Option<&str> {
        let column = self.columns.iter().position(|name| name == column)?;
        let value = self.rows.get(participant)?.get(column)?.as_str();
        (!super::table::is_missing(value)).then_some(value)
    }
}

pub(super) fn read(root: &Path) -> Result<Option<Participants>, BidsError> {
    let path = root.join(FILE);
    match crate::files::read(&path) {
        Ok(bytes) => parse(Path::new(FILE), &bytes).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => Ok(None),
        Err(source) => Err(BidsError::Read { path, source }),
    }
}

fn parse(file: &Path, bytes: &[u8]) -> Result<Participants, BidsError> {
    let table = Table::parse(file, bytes, "the column participant_id")?;
    let id = table.column("participant_id")?;
    let others: Vec<usize> = (0..table.names.len()).filter(|column| *column != id).collect();
    let mut rows = IndexMap::new();
    let mut lines: Vec<usize> = Vec::new();
    for row in &table.rows {
        let name = row.fields[id].trim();
        if name.strip_prefix("sub-").is_none_or(str::is_empty) {
            let advice = "write it as the participant's folder is called";
            return Err(table.value(row, "participant_id", name, "sub- and a label", advice));
        }
        match rows.entry(name.to_owned()) {
            Entry::Occupied(first) => {
                let (file, name, first_line) = (table.file.clone(), clipped(first.key()), lines[first.index()]);
                return Err(BidsError::RepeatedName { file, line: row.line, name, first_line });
            }
            Entry::Vacant(entry) => {
                entry.insert(others.iter().map(|column| row.fields[*column].clone()).collect());
                lines.push(row.line);
            }
        }
    }
    Ok(Participants {
        path: table.file.clone(),
        columns: others.iter().map(|column| table.names[*column].clone()).collect(),
        rows,
    })
}
