//! `*_scans.tsv`: which files a subject or session has, and when they were recorded.

use std::io;
use std::path::{Path, PathBuf};

use super::table::{Table, is_missing};
use super::{BidsError, BidsRecording};

/// The rows of one `*_scans.tsv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScansFile {
    /// The file, relative to the data set's root.
    pub path: PathBuf,
    /// Its rows, in the file's order.
    pub rows: Vec<Scan>,
}

/// A row of `*_scans.tsv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Line, from 1.
    pub line: usize,
    /// The file that it is about, relative to the data set's root.
    pub file: PathBuf,
    /// When it was recorded, as the table has it (`2012-03-02T10:23:12`); dates may have been shifted. `None` for `n/a`.
    pub acq_time: Option<String>,
    /// Whether that file is there.
    pub is_there: bool,
}

/// Reads the tables of all subjects and sessions that have recordings.
pub(super) fn read(root: &Path, recordings: &[BidsRecording]) -> Result<Vec<ScansFile>, BidsError> {
    let mut folders: Vec<(&Path, String)> = Vec::new();
    for recording in recordings {
        let Some(folder) = recording.path.parent().and_then(Path::parent) else { continue };
        let session = recording.session.as_ref().map(|session| format!("_ses-{session}")).unwrap_or_default();
        let name = format!("{}{session}_scans.tsv", recording.subject);
        if !folders.iter().any(|(known, _)| *known == folder) {
            folders.push((folder, name));
        }
    }
    let mut found = Vec::new();
    for (folder, name) in folders {
        let path = folder.join(name);
        let shown = path.strip_prefix(root).unwrap_or(&path).to_path_buf();
        match crate::files::read(&path) {
            Ok(bytes) => found.push(parse(root, folder, shown, &bytes)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => {}
            Err(source) => return Err(BidsError::Read { path, source }),
        }
    }
    Ok(found)
}

fn parse(root: &Path, folder: &Path, shown: PathBuf, bytes: &[u8]) -> Result<ScansFile, BidsError> {
    let table = Table::parse(&shown, bytes, "the column filename")?;
    let (filename, acq_time) = (table.column("filename")?, table.find("acq_time"));
    let mut rows = Vec::with_capacity(table.rows.len());
    for row in &table.rows {
        let name = row.fields[filename].trim();
        if name.is_empty() || is_missing(name) {
            let advice = "write it relative to the table's folder, such as eeg/sub-01_task-x_eeg.edf";
            return Err(table.value(row, "filename", name, "the path of a file", advice));
        }
        let time =
            acq_time.map(|column| row.fields[column].trim()).filter(|text| !text.is_empty() && !is_missing(text));
        if let Some(text) = time.filter(|text| !is_time(text)) {
            let advice = "write n/a where it is not known";
            return Err(table.value(row, "acq_time", text, "a time such as 2012-03-02T10:23:12, or n/a", advice));
        }
        let path = folder.join(name);
        rows.push(Scan {
            line: row.line,
            // A link whose content was not fetched is there.
            is_there: path.exists() || path.is_symlink(),
            file: path.strip_prefix(root).unwrap_or(&path).to_path_buf(),
            acq_time: time.map(str::to_owned),
        });
    }
    Ok(ScansFile { path: shown, rows })
}

/// `YYYY-MM-DDThh:mm:ss`, perhaps with fractions of a second and `Z`.
fn is_time(text: &str) -> bool {
    const PATTERN: &[u8] = b"0000-00-00T00:00:00";
    let (Some(time), Some(rest)) = (text.get(..PATTERN.len()), text.get(PATTERN.len()..)) else { return false };
    let fits = |(byte, pattern): (u8, &u8)| if *pattern == b'0' { byte.is_ascii_digit() } else { byte == *pattern };
    let fraction = rest.strip_suffix('Z').unwrap_or(rest);
    time.bytes().zip(PATTERN).all(fits)
        && (fraction.is_empty()
            || fraction.strip_prefix('.').is_some_and(|f| !f.is_empty() && f.bytes().all(|b| b.is_ascii_digit())))
}
