//! The inheritance principle: which of the files in a recording's folder and the folders above describe it.

use std::path::{Path, PathBuf};

use super::name::{BidsName, entries, label};
use super::{BidsError, BidsRecording};

/// A file that applies to a recording.
#[derive(Clone, Debug)]
pub(super) struct Applicable {
    pub(super) path: PathBuf,
    /// Relative to the data set's root, for messages.
    pub(super) shown: PathBuf,
    pub(super) name: BidsName,
    /// Depth of its folder below the root, then number of entities that it shares with the recording: the greater, the
    /// more specific.
    pub(super) specificity: (usize, usize),
}

impl Applicable {
    pub(super) fn read(&self) -> Result<Vec<u8>, BidsError> {
        crate::files::read(&self.path).map_err(BidsError::read(&self.path))
    }
}

/// The folders that may hold files about a recording, from the root downwards.
pub(super) fn levels(root: &Path, recording: &BidsRecording) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = recording
        .path
        .ancestors()
        .skip(1)
        .take_while(|folder| folder.starts_with(root))
        .map(Path::to_path_buf)
        .collect();
    folders.reverse();
    folders
}

/// All files that apply to a recording, the least specific first. Entities named in `free` may differ.
pub(super) fn applicable(
    root: &Path,
    recording: &BidsRecording,
    suffix: &str,
    extension: &str,
    free: &[&str],
) -> Result<Vec<Applicable>, BidsError> {
    let mut found = Vec::new();
    for (depth, folder) in levels(root, recording).into_iter().enumerate() {
        for entry in entries(&folder)? {
            let Some(name) = BidsName::parse(&entry.name) else { continue };
            if name.suffix != suffix || name.extension != extension {
                continue;
            }
            let mut bound = name.entities.iter().filter(|(key, _)| !free.contains(&key.as_str()));
            if bound.clone().all(|(key, text)| label(&recording.entities, key) == Some(text)) {
                let specificity = (depth, bound.by_ref().count());
                let shown = entry.path.strip_prefix(root).unwrap_or(&entry.path).to_path_buf();
                found.push(Applicable { path: entry.path, shown, name, specificity });
            }
        }
    }
    // Stable: files of one specificity keep the order of their names.
    found.sort_by_key(|file| file.specificity);
    Ok(found)
}

/// The one file that describes a recording: the most specific.
pub(super) fn most_specific(
    recording: &BidsRecording,
    mut files: Vec<Applicable>,
) -> Result<Option<Applicable>, BidsError> {
    let Some(last) = files.pop() else { return Ok(None) };
    match files.pop() {
        Some(other) if other.specificity == last.specificity => {
            Err(BidsError::Ambiguous { id: recording.id.clone(), first: other.shown, second: last.shown })
        }
        _ => Ok(Some(last)),
    }
}
