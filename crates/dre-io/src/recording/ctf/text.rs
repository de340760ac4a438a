//! Text files of a `.ds` folder.

use std::io;
use std::path::Path;
use std::str::FromStr;

use crate::recording::check_there;
use crate::{Error, Result};

/// A line and its number, from 1.
pub(super) type Line = (usize, String);

/// The lines of a file that may be absent, without white space around them; empty ones stay.
pub(super) fn lines(path: &Path) -> Result<Option<Vec<Line>>> {
    let bytes = match crate::files::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // A link to content that was never fetched is not the same as no file.
            return if path.is_symlink() { check_there(path).map(|()| None) } else { Ok(None) };
        }
        Err(error) => return Err(Error::io("read", path)(error)),
    };
    let mut lines = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let text = std::str::from_utf8(line).map_err(|error| {
            let problem = format!("byte {} of the line is not UTF-8 text", error.valid_up_to() + 1);
            Error::line(path, index + 1, problem, "save the file in the encoding UTF-8")
        })?;
        lines.push((index + 1, text.trim().to_owned()));
    }
    Ok(Some(lines))
}

/// A finite number.
pub(super) fn finite(text: &str) -> Option<f64> {
    f64::from_str(text).ok().filter(|number| number.is_finite())
}

/// A text as a message can hold it.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    shown
}
