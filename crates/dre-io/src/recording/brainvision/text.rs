//! The text layout that header and marker files share: a signature, then sections of `key=value` lines.

use std::path::Path;

use crate::{Error, Result};

/// A header or marker file, split into sections.
#[derive(Debug)]
pub(super) struct Sections {
    sections: Vec<(String, Vec<Line>)>,
    /// The lines of the section [Comment], which is free text.
    comment: Vec<String>,
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
        let bytes = crate::files::read(path).map_err(Error::io("read", path))?;
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
        let mut comment = Vec::new();
        while let Some((index, line)) = lines.next() {
            let line = line.trim();
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                let name = name.to_lowercase();
                // Free text follows, which may look like anything.
                if name == "comment" {
                    comment.extend(lines.by_ref().map(|(_, line)| line.to_owned()));
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
        Ok(Self { sections, comment })
    }

    /// The lines of the free text at the end.
    pub(super) fn comment(&self) -> &[String] {
        &self.comment
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

/// As the file says (`Codepage=`) where it says ANSI, which is Windows-1252; else UTF-8 where it is that, else Latin-1, as
/// older recorders write.
fn decode(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let codepage = bytes.split(|byte| *byte == b'\n').find_map(|line| {
        let (key, value) = line.trim_ascii().split_at_checked(b"codepage=".len())?;
        key.eq_ignore_ascii_case(b"codepage=").then(|| value.trim_ascii().to_ascii_lowercase())
    });
    if matches!(codepage.as_deref(), Some(b"ansi" | b"cp1252" | b"windows-1252")) {
        return bytes.iter().map(|byte| windows_1252(*byte)).collect();
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// Latin-1 but for these 32 (Unicode consortium, `CP1252.TXT`); the five that are not assigned stay what they are.
fn windows_1252(byte: u8) -> char {
    const FROM_80: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";
    match byte {
        0x80..=0x9f => FROM_80.chars().nth(usize::from(byte - 0x80)).unwrap_or(char::from(byte)),
        _ => char::from(byte),
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
    fn a_codepage_that_is_named_is_used() {
        assert_eq!(decode(b"x\r\nCodepage=ANSI\r\nCh1=\x80 \xb5V"), "x\r\nCodepage=ANSI\r\nCh1=€ µV");
    }

    #[test]
    fn commas_travel_escaped() {
        assert_eq!(fields("Fp1\\1a, ref ,0.1,µV"), ["Fp1,a", "ref", "0.1", "µV"]);
        assert_eq!(escape("Fp1,a"), "Fp1\\1a");
    }
}
