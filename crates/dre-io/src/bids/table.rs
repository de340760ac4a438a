//! Tables of tab-separated values.

use std::path::{Path, PathBuf};

use super::BidsError;
use super::error::listed;

/// A table as text; every row has as many fields as there are columns.
pub(super) struct Table {
    /// For messages.
    pub(super) file: PathBuf,
    /// Names of the columns.
    pub(super) names: Vec<String>,
    /// Rows in the order of the file.
    pub(super) rows: Vec<Row>,
}

/// A row of a table.
pub(super) struct Row {
    /// Line in the file, from 1.
    pub(super) line: usize,
    pub(super) fields: Vec<String>,
}

impl Table {
    /// Takes a file's content apart. `expected` names the columns that must be there, for the error about an empty file.
    ///
    /// Each line is a row, so that a stray quotation mark cannot swallow the lines after it; empty lines are skipped.
    pub(super) fn parse(file: &Path, bytes: &[u8], expected: &str) -> Result<Self, BidsError> {
        let text = decode(file, bytes)?;
        let mut lines =
            text.lines().enumerate().map(|(i, line)| (i + 1, line)).filter(|(_, line)| !line.trim().is_empty());
        let Some((_, header)) = lines.next() else {
            return Err(BidsError::EmptyFile { file: file.to_path_buf(), expected: expected.to_owned() });
        };
        let names: Vec<String> = split(header).into_iter().map(|name| name.trim().to_owned()).collect();
        if let Some((_, column)) = names.iter().enumerate().find(|(i, name)| names[..*i].contains(name)) {
            return Err(BidsError::RepeatedColumn { file: file.to_path_buf(), column: column.clone() });
        }
        let mut rows = Vec::new();
        for (line, content) in lines {
            let mut fields = split(content);
            if fields.len() != names.len() && content.contains('"') {
                fields = content.split('\t').map(str::to_owned).collect();
            }
            if fields.len() != names.len() {
                return Err(BidsError::FieldCount {
                    file: file.to_path_buf(),
                    line,
                    found: fields.len(),
                    expected: names.len(),
                    columns: listed(&names),
                });
            }
            rows.push(Row { line, fields });
        }
        Ok(Self { file: file.to_path_buf(), names, rows })
    }

    /// Index of a column that may be absent.
    pub(super) fn find(&self, column: &str) -> Option<usize> {
        self.names.iter().position(|name| name == column)
    }

    /// Index of a column that must be there.
    pub(super) fn column(&self, column: &'static str) -> Result<usize, BidsError> {
        self.find(column).ok_or_else(|| {
            let other_case = self.names.iter().find(|name| name.eq_ignore_ascii_case(column));
            let advice = match other_case {
                Some(name) => format!("rename `{name}` to `{column}`"),
                None if self.names.len() == 1 => "columns must be separated by tabs".to_owned(),
                None => format!("add or rename the column `{column}`"),
            };
            let found = self.names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
            BidsError::NoColumn { file: self.file.clone(), column, found: listed(&found), advice }
        })
    }

    /// The error about one value.
    pub(super) fn value(
        &self,
        row: &Row,
        column: &'static str,
        found: &str,
        expected: &'static str,
        advice: &'static str,
    ) -> BidsError {
        BidsError::Value { file: self.file.clone(), line: row.line, column, found: found.to_owned(), expected, advice }
    }
}

/// Whether a value is given as not available.
pub(super) fn is_missing(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case("n/a")
}

/// A finite number.
pub(super) fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|number| number.is_finite())
}

/// UTF-8 with or without a byte order mark.
pub(super) fn decode<'a>(file: &Path, bytes: &'a [u8]) -> Result<&'a str, BidsError> {
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let at = e.valid_up_to();
        let line = bytes[..at].split(|&byte| byte == b'\n').count();
        BidsError::NotUtf8 { file: file.to_path_buf(), line, byte: bytes[at] }
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// The fields of a line. BIDS encloses a text that holds a tab in quotation marks, and doubles the marks inside it; a
/// mark that does not enclose its whole field is an ordinary character, as in a list of words with punctuation.
fn split(line: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut rest = Some(line);
    while let Some(text) = rest {
        if let Some((field, after)) = quoted(text) {
            fields.push(field);
            rest = after;
        } else if let Some((field, after)) = text.split_once('\t') {
            fields.push(field.to_owned());
            rest = Some(after);
        } else {
            fields.push(text.to_owned());
            rest = None;
        }
    }
    fields
}

/// A quoted field at the start of a text, and what follows the tab after it.
fn quoted(text: &str) -> Option<(String, Option<&str>)> {
    let mut rest = text.strip_prefix('"')?;
    let mut field = String::new();
    loop {
        let (before, after) = rest.split_once('"')?;
        field.push_str(before);
        if after.is_empty() {
            return Some((field, None));
        }
        if let Some(next) = after.strip_prefix('\t') {
            return Some((field, Some(next)));
        }
        rest = after.strip_prefix('"')?;
        field.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotation_marks_enclose_a_whole_field_or_mean_themselves() {
        assert_eq!(split("1\t\"a\tb\"\tc"), ["1", "a\tb", "c"]);
        assert_eq!(split("\"say \"\"x\"\"\"\t2"), ["say \"x\"", "2"]);
        assert_eq!(split("\"Hello\t2"), ["\"Hello", "2"]);
        assert_eq!(split("a\"b\"\t\"c\"d\t\""), ["a\"b\"", "\"c\"d", "\""]);
        assert_eq!(split("\"\"\t"), ["", ""]);
    }

    #[test]
    fn the_header_decides_where_quotation_marks_are_ambiguous() {
        let parse = |line: &str| {
            let text = format!("a\tb\tc\n{line}\n");
            Table::parse(Path::new("t.tsv"), text.as_bytes(), "a")
                .map(|t| t.rows[0].fields.clone())
                .expect("three fields")
        };
        assert_eq!(parse("\"Oh\t1\tno\""), ["\"Oh", "1", "no\""]);
        assert_eq!(parse("\"Oh\t1\"\t2\tno"), ["Oh\t1", "2", "no"]);
    }
}
