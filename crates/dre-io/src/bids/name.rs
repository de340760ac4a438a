//! File names of BIDS: `key-label_…_suffix.extension`, and folders in a fixed order.

use std::cmp::Ordering;
use std::fs;
use std::path::{Path, PathBuf};

use super::BidsError;

/// A file name, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BidsName {
    /// Keys and labels in the order of the name.
    pub(super) entities: Vec<(String, String)>,
    /// What stands before the extension, such as `eeg` or `events`.
    pub(super) suffix: String,
    /// From the first dot, in lower case; empty where there is none.
    pub(super) extension: String,
}

impl BidsName {
    /// `None` where the name does not follow the pattern.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (stem, extension) = name.split_at(name.find('.').unwrap_or(name.len()));
        let (before, suffix) = stem.rsplit_once('_').map_or((None, stem), |(before, suffix)| (Some(before), suffix));
        let mut entities: Vec<(String, String)> = Vec::new();
        for part in before.into_iter().flat_map(|before| before.split('_')) {
            let (key, label) = part.split_once('-')?;
            if key.is_empty() || label.is_empty() || entities.iter().any(|(other, _)| other == key) {
                return None;
            }
            entities.push((key.to_owned(), label.to_owned()));
        }
        let plain = !suffix.is_empty() && suffix.chars().all(|c| c.is_ascii_alphanumeric());
        plain.then(|| Self { entities, suffix: suffix.to_owned(), extension: extension.to_lowercase() })
    }

    /// The label of an entity.
    pub(super) fn label(&self, key: &str) -> Option<&str> {
        label(&self.entities, key)
    }
}

/// The label of an entity.
pub(super) fn label<'a>(entities: &'a [(String, String)], key: &str) -> Option<&'a str> {
    entities.iter().find(|(k, _)| k == key).map(|(_, label)| label.as_str())
}

/// A file or folder inside a folder.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) path: PathBuf,
}

/// What a folder holds, by name, without hidden files and names that are not text.
pub(super) fn entries(dir: &Path) -> Result<Vec<Entry>, BidsError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(BidsError::read(dir))? {
        let entry = entry.map_err(BidsError::read(dir))?;
        match entry.file_name().into_string() {
            Ok(name) if !name.starts_with('.') => found.push(Entry { name, path: entry.path() }),
            _ => {}
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Order of labels: those without before those with, numbers by value and before other texts.
pub(super) fn compare_labels(a: Option<&str>, b: Option<&str>) -> Ordering {
    let key = |label: &str| label.parse::<u64>().map_or((1, 0), |number| (0, number));
    match (a, b) {
        (Some(a), Some(b)) => key(a).cmp(&key(b)).then_with(|| a.cmp(b)),
        _ => a.is_some().cmp(&b.is_some()),
    }
}
