//! What can be wrong with a BIDS data set.

use std::io;
use std::path::{Path, PathBuf};

/// An error in a BIDS data set. Files are named relative to the data set's root, lines count from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BidsError {
    /// The root is not there.
    #[error("there is no folder {}; expected the root of a BIDS data set, the folder that holds sub-*; check the path", dir.display())]
    Missing {
        /// The folder.
        dir: PathBuf,
    },
    /// The root is a file.
    #[error("{} is a file, expected a folder: the root of a BIDS data set, which holds sub-*; give that folder", dir.display())]
    NotFolder {
        /// The file.
        dir: PathBuf,
    },
    /// The operating system refuses to read a file or folder.
    #[error("cannot read {}{}", path.display(), read_advice(source))]
    Read {
        /// File or folder, as opened.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A continuous stimulus whose JSON does not say what a reader needs.
    #[error(
        "{}: no *_stim.json that applies to it has `{key}`; BIDS asks for StartTime (s), SamplingFrequency (Hz) and Columns",
        file.display()
    )]
    StimulusKey {
        /// The table.
        file: PathBuf,
        /// The key.
        key: String,
    },
    /// No derivatives of that name.
    #[error("no folder derivatives/{name} in {}; there are: {existing}; correct data.derivatives", dir.display())]
    NoDerivatives {
        /// The root.
        dir: PathBuf,
        /// The name.
        name: String,
        /// The derivatives that there are.
        existing: String,
    },
    /// No recording in the whole data set.
    #[error("no recording in {}: found {found}; looked for {looked_for}; {advice}", dir.display())]
    NoRecordings {
        /// The root.
        dir: PathBuf,
        /// What there is, in words.
        found: String,
        /// Which names are recordings.
        looked_for: String,
        /// What to do.
        advice: String,
    },
    /// A file whose name contradicts the folder that it lies in.
    #[error("{}: its name says {found}, but its folder {expected}; rename it or move it to its folder", file.display())]
    WrongFolder {
        /// The file.
        file: PathBuf,
        /// The entity in its name, or that there is none.
        found: String,
        /// The entity of its folder.
        expected: String,
    },
    /// Two files that are the same recording.
    #[error("{} and {} are both the recording {id}; expected one file for each recording; remove one or name them apart", first.display(), second.display())]
    SameRecording {
        /// Entities of both.
        id: String,
        /// One file.
        first: PathBuf,
        /// The other file.
        second: PathBuf,
    },
    /// A filter asks for labels that the data set does not have.
    #[error("no {what} {labels} in {}; there are: {existing}{suggestion}; correct the filter", dir.display())]
    UnknownLabel {
        /// The root.
        dir: PathBuf,
        /// `subject`, `session`, `task` or `run`.
        what: &'static str,
        /// The labels that match nothing.
        labels: String,
        /// The labels that exist.
        existing: String,
        /// `; did you mean …?`, or nothing.
        suggestion: String,
    },
    /// All labels of a filter exist, but not together.
    #[error("no recording in {} has all of {wanted}{whose}; of the subject{whose} there are: {existing}; widen the filter or leave the subject out", dir.display(), whose = subject.as_ref().map(|s| format!(" for {s}")).unwrap_or_default())]
    NothingSelected {
        /// The root.
        dir: PathBuf,
        /// The filter in words.
        wanted: String,
        /// The subject that was asked for by name and has no such recording; `None` where nothing is left at all.
        subject: Option<String>,
        /// The recordings that there are.
        existing: String,
    },
    /// Two files of one level that claim the same recording.
    #[error("{} and {} both describe {id} and neither is the more specific one; BIDS allows one of them; remove or rename the other", first.display(), second.display())]
    Ambiguous {
        /// The recording.
        id: String,
        /// One file.
        first: PathBuf,
        /// The other file.
        second: PathBuf,
    },
    /// Text in another encoding.
    #[error("{} line {line}: byte 0x{byte:02x} is not UTF-8 text; save the file in the encoding UTF-8", file.display())]
    NotUtf8 {
        /// The file.
        file: PathBuf,
        /// Line.
        line: usize,
        /// The first byte that is not UTF-8.
        byte: u8,
    },
    /// A table without even a header.
    #[error("{} is empty, expected a header line with {expected}; restore the file or remove it", file.display())]
    EmptyFile {
        /// The file.
        file: PathBuf,
        /// Columns that must be there.
        expected: String,
    },
    /// A column that must be there is not.
    #[error("{} line 1: no column `{column}`; found {found}; {advice}", file.display())]
    NoColumn {
        /// The file.
        file: PathBuf,
        /// The column.
        column: &'static str,
        /// The columns that there are.
        found: String,
        /// What to do.
        advice: String,
    },
    /// Two columns of one name.
    #[error("{} line 1: column `{column}` is there twice, expected each name once; rename one", file.display())]
    RepeatedColumn {
        /// The file.
        file: PathBuf,
        /// The column.
        column: String,
    },
    /// A row that is longer or shorter than the header.
    #[error("{} line {line}: {found} field{}, expected {expected} as in the header ({columns}); separate fields by one tab each and write n/a where a value is missing", file.display(), if *found == 1 { "" } else { "s" })]
    FieldCount {
        /// The file.
        file: PathBuf,
        /// Line.
        line: usize,
        /// Number of fields.
        found: usize,
        /// Number of columns.
        expected: usize,
        /// Names of the columns.
        columns: String,
    },
    /// A value in a table that is not what its column holds.
    #[error("{} line {line}: {column} is `{found}`, expected {expected}; {advice}", file.display())]
    Value {
        /// The file.
        file: PathBuf,
        /// Line.
        line: usize,
        /// The column.
        column: &'static str,
        /// The text that is there.
        found: String,
        /// What is allowed, with units.
        expected: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// A name that two rows share.
    #[error("{} line {line}: `{name}` is already on line {first_line}, expected each name once; rename or remove one", file.display())]
    RepeatedName {
        /// The file.
        file: PathBuf,
        /// Line of the second.
        line: usize,
        /// The name.
        name: String,
        /// Line of the first.
        first_line: usize,
    },
    /// An event after the last sample.
    #[error("{} line {line}: onset {onset:?} s is past the end of the recording ({duration:?} s); remove the row or check sfreq", file.display())]
    PastEnd {
        /// The file.
        file: PathBuf,
        /// Line.
        line: usize,
        /// Onset (s).
        onset: f64,
        /// Duration of the recording (s).
        duration: f64,
    },
    /// No table of events applies to a recording.
    #[error("no events for {id}: found neither {looked_for}; add the file, or leave the recording out")]
    NoEventsFile {
        /// The recording.
        id: String,
        /// The names that were looked for.
        looked_for: String,
    },
    /// A table of events that has only a header.
    #[error("{}: no events, only a header line; expected at least one row; add the events or leave the recording out", file.display())]
    NoEvents {
        /// The file.
        file: PathBuf,
    },
    /// A file that is not JSON, or whose top level is no object.
    #[error("{} line {line}, column {column}: {reason}, expected a JSON object, {{ … }}; correct or remove the file", file.display())]
    Json {
        /// The file.
        file: PathBuf,
        /// Line.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        reason: String,
    },
    /// A value in a JSON file that is not what its key holds.
    #[error("{} line {line}: {key} is {found}, expected {expected}; correct it, or write \"n/a\" where it is not known", file.display())]
    JsonValue {
        /// The file.
        file: PathBuf,
        /// Line of the key.
        line: usize,
        /// The key.
        key: &'static str,
        /// The value that is there, as JSON.
        found: String,
        /// What is allowed, with units.
        expected: &'static str,
    },
}

impl BidsError {
    pub(super) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::Read { path: path.to_path_buf(), source }
    }
}

fn read_advice(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::PermissionDenied => "; ask its owner for permission to read it",
        io::ErrorKind::NotFound => "; if it is a link whose content was never fetched (DataLad), fetch it first",
        _ => "",
    }
}

/// `a, b, c`, cut short where there are many.
pub(super) fn listed<T: AsRef<str>>(items: &[T]) -> String {
    const SHOWN: usize = 30;
    let text = items.iter().take(SHOWN).map(|item| clipped(item.as_ref())).collect::<Vec<_>>().join(", ");
    if items.len() > SHOWN { format!("{text} and {} more", items.len() - SHOWN) } else { text }
}

/// A text of a file as a message can hold it: on one line, not endless.
pub(super) fn clipped(text: &str) -> String {
    const SHOWN: usize = 100;
    let mut shown: String = text
        .chars()
        .take(SHOWN)
        .flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] })
        .collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}
