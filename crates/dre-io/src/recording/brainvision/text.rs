//! The text layout that header and marker files share: a signature, then sections of `key=value` lines.

use std::fs;
use std::path::Path;

use crate::{Error, Result};

/// A header or marker file, split into sections.
#[derive(Debug)]
pub(super) struct Sections {
    sections: Vec<(String, Vec<Line>)>,
}

#[derive(Debug)]
struct Line {
    number: usize,
    text: String,
}

/// One `key=value` line.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    pub(super) line: usize,
    /// Lower case: writers do not agree about the case of keys.
    pub(super) key: String,
    pub(super) value: &'a str,
}

impl Sections {
    /// `kind` is `header` or `marker`, as the signature has it.
    pub(super) fn read(path: &Path, kind: &str) -> Result<Self> {
        let bytes = fs::read(path).map_err(Error::io("read", path))?;
        let text = decode(&bytes);
        let mut lines = text.lines().enumerate();
        let signature = lines.next().map_or("", |(_, line)| line).to_lowercase();
        let expected = format!("{kind} file");
        if !(signature.starts_with("brain") && signature.contains("vision") && signature.contains(&expected)) {
            return Err(Error::line(
                path,
                1,
                format!("not a BrainVision {kind} file: the first line is not its signature"),
                "check that this is the right file and that it is complete",
            ));
        }
        let mut sections: Vec<(String, Vec<Line>)> = Vec::new();
        for (index, line) in lines {
            let line = line.trim();
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                let name = name.to_lowercase();
                // Free text follows, which may look like anything.
                if name == "comment" {
                    break;
                }
                sections.push((name, Vec::new()));
            } else if !line.is_empty()
                && !line.starts_with(';')
                && let Some((_, lines)) = sections.last_mut()
            {
                lines.push(Line { number: index + 1, text: line.to_owned() });
            }
        }
        Ok(Self { sections })
    }

    /// The entries of a section, by its name in lower case.
    pub(super) fn entries(&self, path: &Path, section: &str) -> Result<Vec<Entry<'_>>> {
        let lines = self.sections.iter().filter(|(name, _)| name == section).flat_map(|(_, lines)| lines);
        lines
            .map(|line| match line.text.split_once('=') {
                Some((key, value)) => {
                    Ok(Entry { line: line.number, key: key.trim().to_lowercase(), value: value.trim() })
                }
                None => Err(Error::line(
                    path,
                    line.number,
                    format!("`{}` is not of the form key=value", shorten(&line.text)),
                    "the file is damaged; copy it again from the source",
                )),
            })
            .collect()
    }
}

/// UTF-8 where the file says so or is so, else Latin-1, as older recorders write.
fn decode(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// Commas within a field are written as `\1`.
pub(super) fn fields(value: &str) -> Vec<String> {
    value.split(',').map(|field| field.trim().replace("\\1", ",")).collect()
}

/// A field with its commas written as `\1`.
pub(super) fn escape(field: &str) -> String {
    field.replace(',', "\\1")
}

/// Enough of a text to be found again.
pub(super) fn shorten(text: &str) -> String {
    const MOST: usize = 40;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_codepages_give_the_same_text() {
        assert_eq!(decode("\u{feff}Ch1=Fp1,,1,µV".as_bytes()), "Ch1=Fp1,,1,µV");
        assert_eq!(decode(b"Ch1=Fp1,,1,\xb5V"), "Ch1=Fp1,,1,µV");
    }

    #[test]
    fn commas_travel_escaped() {
        assert_eq!(fields("Fp1\\1a, ref ,0.1,µV"), ["Fp1,a", "ref", "0.1", "µV"]);
        assert_eq!(escape("Fp1,a"), "Fp1\\1a");
    }
}
