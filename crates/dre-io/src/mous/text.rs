//! Text files as numbered lines.

use std::path::Path;

use crate::{Error, Result};

/// Lines with their numbers from 1, without line ends.
pub(super) fn lines(path: &Path, bytes: &[u8]) -> Result<Vec<(usize, String)>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut lines = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let text = std::str::from_utf8(line).map_err(|error| {
            let problem = format!("byte {} of the line is not UTF-8 text", error.valid_up_to() + 1);
            Error::line(path, index + 1, problem, "save the file in the encoding UTF-8")
        })?;
        lines.push((index + 1, text.trim_end_matches('\r').to_owned()));
    }
    Ok(lines)
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    crate::recording::check_there(path)?;
    crate::files::read(path).map_err(Error::io("read", path))
}

/// A text as a message can hold it.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    shown
}
