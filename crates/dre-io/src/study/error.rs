//! What can be wrong with a study file.

use std::io;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// An error in a study file. Messages name the file, the line, what was found, what is expected, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StudyError {
    /// The file cannot be read.
    #[error("cannot read the study file {}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The text is not TOML.
    #[error("{} line {line}, column {column}: not valid TOML: {reason}", file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the parser says.
        reason: String,
    },
    /// A key that is not known.
    #[error("{} line {line}: unknown key `{key}` {}; {advice}", file.display(), inside(table))]
    UnknownKey {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Dotted path of the table that holds it; empty for the top level.
        table: String,
        /// The key.
        key: String,
        /// The known key that is most like it, or all known keys.
        advice: String,
    },
    /// A key that must be there is not.
    #[error(
        "{} line {line}: `{key}` is missing {}{}", file.display(), inside(table),
        similar.as_ref().map(|s| format!("; `{s}` is there, is that what it should be?")).unwrap_or_default()
    )]
    MissingKey {
        /// The file.
        file: PathBuf,
        /// Line of the table, from 1.
        line: usize,
        /// Dotted path of the table that should hold it; empty for the top level.
        table: String,
        /// The key.
        key: String,
        /// A key of this table that may be a misspelling of it.
        similar: Option<String>,
    },
    /// A value of the wrong type.
    #[error("{} line {line}: {key} is {found}, expected {expected}", file.display())]
    Value {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Dotted path of the key.
        key: String,
        /// What is there, in words.
        found: String,
        /// What is allowed, in words.
        expected: String,
    },
    /// A text that is none of the allowed ones.
    #[error("{} line {line}: {key} is \"{found}\"; {advice}", file.display())]
    Choice {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Dotted path of the key.
        key: String,
        /// What is there.
        found: String,
        /// The choice that is most like it, or all of them.
        advice: String,
    },
    /// A value that its own type refuses.
    #[error("{} line {line}: {key}: {reason}", file.display())]
    Refused {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Dotted path of the key.
        key: String,
        /// Why, and what is expected.
        reason: String,
    },
    /// A value that makes no sense, alone or beside others.
    #[error("{}{}: {refused}", file.display(), line.map(|l| format!(" line {l}")).unwrap_or_default())]
    Setting {
        /// The file.
        file: PathBuf,
        /// Line, from 1, where the file has the key.
        line: Option<usize>,
        /// Which setting, what was found, what is expected.
        refused: Box<dre::Error>,
    },
    /// A study cannot be written as TOML.
    #[error("the study cannot be written as TOML; paths in it must be valid UTF-8")]
    Write(#[source] toml::ser::Error),
}

fn inside(table: &str) -> String {
    match table {
        "" => "at the top level".to_owned(),
        item if item.ends_with(']') => format!("in {item}"),
        _ => format!("in [{table}]"),
    }
}

/// Names the candidate that is most like `name`, or else all of them.
pub(super) fn suggest(name: &str, candidates: &[String], intro: &str) -> String {
    match nearest(name, candidates.iter().map(String::as_str)) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("{intro} {}", candidates.join(", ")),
    }
}

/// The candidate that is most like `name`, where one is like it enough to be a slip of the hand.
pub(super) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    let lower = name.to_lowercase();
    candidates
        .map(|c| (strsim::damerau_levenshtein(&lower, &c.to_lowercase()), c))
        .filter(|(distance, c)| *distance <= (c.len().max(name.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c.to_owned())
}

/// Line (from 1) of a byte of the text.
pub(super) fn line_of(text: &str, byte: usize) -> usize {
    1 + text.as_bytes().iter().take(byte).filter(|b| **b == b'\n').count()
}

pub(super) fn syntax(error: &toml::de::Error, text: &str, file: &Path) -> StudyError {
    let byte = error.span().map_or(0, |span| span.start.min(text.len()));
    let line_start = text.as_bytes()[..byte].iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
    let column = 1 + String::from_utf8_lossy(&text.as_bytes()[line_start..byte]).chars().count();
    let reason = error.message().lines().collect::<Vec<_>>().join("; ");
    StudyError::Syntax { file: file.to_path_buf(), line: line_of(text, byte), column, reason }
}

/// Finds the line of a setting that was refused, by its dotted name.
pub(super) fn setting(refused: dre::Error, document: &Spanned<DeTable<'_>>, text: &str, file: &Path) -> StudyError {
    let line = match &refused {
        dre::Error::Setting { name, .. } => find(document.get_ref(), name).map(|byte| line_of(text, byte)),
        _ => None,
    };
    StudyError::Setting { file: file.to_path_buf(), line, refused: Box::new(refused) }
}

/// Where the deepest part of a dotted path that the file has stands.
fn find(document: &DeTable<'_>, path: &str) -> Option<usize> {
    let mut table = Some(document);
    let mut byte = None;
    for step in path.split('.') {
        let (name, index) = match step.split_once('[') {
            Some((name, rest)) => (name, rest.trim_end_matches(']').parse::<usize>().ok()),
            None => (step, None),
        };
        let Some((key, value)) = table.and_then(|t| t.get_key_value(name)) else { break };
        byte = Some(key.span().start);
        let value = match index {
            Some(index) => value.get_ref().get(index).inspect(|item| byte = Some(item.span().start)),
            None => Some(value),
        };
        table = value.and_then(|v| match v.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => None,
        });
    }
    byte
}
