//! The files that a cohort is made of, and whether they are still the same.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::events::events_of;
use super::{Job, PipelineError, Result};
use crate::bids::{BidsDataset, BidsRecording};
use crate::cohort::{CohortInfo, InputFile};
use crate::features::{lexicon_files, track_files};
use crate::store::StoreError;

fn stamp(path: &Path) -> std::io::Result<(u64, u64)> {
    let about = std::fs::metadata(path)?;
    let modified = about.modified()?.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64);
    Ok((about.len(), modified))
}

/// What tells that a file was written to or replaced while this program ran: size, time of the last change, and on Unix the file's
/// number and the time of the last change of anything about it, which no program can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    bytes: u64,
    modified: u64,
    #[cfg(unix)]
    inode: (u64, u64, i64, i64),
}

impl Seen {
    fn of(path: &Path) -> Result<Self> {
        let (bytes, modified) = stamp(path).map_err(StoreError::read(path))?;
        #[cfg(unix)]
        let inode = {
            use std::os::unix::fs::MetadataExt;
            let about = std::fs::metadata(path).map_err(StoreError::read(path))?;
            (about.dev(), about.ino(), about.ctime(), about.ctime_nsec())
        };
        Ok(Self {
            bytes,
            modified,
            #[cfg(unix)]
            inode,
        })
    }
}

/// The files that a cohort is made of, as they were before any of them was read.
pub(super) struct Inputs<'a> {
    root: &'a Path,
    seen: HashMap<PathBuf, Seen>,
}

impl<'a> Inputs<'a> {
    /// None yet; paths are told within the data set at `root`.
    pub(super) fn new(root: &'a Path) -> Self {
        Self { root, seen: HashMap::new() }
    }

    /// Looks at a file that is going to be read, or at all files of a recording that is a folder. The first look counts.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub(super) fn look(&mut self, path: &Path) -> Result<()> {
        if self.seen.contains_key(path) {
            return Ok(());
        }
        if !path.is_dir() {
            self.seen.insert(path.to_path_buf(), Seen::of(path)?);
            return Ok(());
        }
        for entry in std::fs::read_dir(path).map_err(StoreError::read(path))? {
            self.look(&entry.map_err(StoreError::read(path))?.path())?;
        }
        Ok(())
    }

    /// What is remembered of a file that was looked at and has been read since.
    ///
    /// # Errors
    /// [`PipelineError::Changed`] where it is not as it was when it was looked at; [`StoreError::Read`].
    pub(super) fn read(&self, path: &Path) -> Result<InputFile> {
        let before = self.seen.get(path).copied().map_or_else(|| Seen::of(path), Ok)?;
        let sha256 = crate::hash::file(path).map_err(StoreError::read(path))?;
        if Seen::of(path)? != before {
            return Err(PipelineError::Changed { path: path.to_path_buf() });
        }
        Ok(InputFile { path: shown(self.root, path), bytes: before.bytes, modified: before.modified, sha256 })
    }
}

/// A path within the data set as it is written down.
fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// Whether the data set still selects the same recordings and their files have kept size and time.
pub(super) fn inputs_unchanged(
    job: &Job,
    dataset: &BidsDataset,
    recordings: &[&BidsRecording],
    info: &CohortInfo,
) -> bool {
    let same =
        recordings.len() == info.recordings.len() && recordings.iter().zip(&info.recordings).all(|(a, b)| a.id == b.id);
    let unchanged = |input: &InputFile| {
        stamp(&dataset.root().join(&input.path)).is_ok_and(|now| now == (input.bytes, input.modified))
    };
    // A table that is new, or was inherited before, changes what applies without changing any old file.
    let known: HashSet<&str> = info.inputs.iter().map(|i| i.path.as_str()).collect();
    let is_known = |file: &std::path::PathBuf| known.contains(shown(dataset.root(), file).as_str());
    let has_stimuli = job.study.features.iter().any(|feature| feature.value.is_continuous());
    let covered = |recording: &&BidsRecording| {
        let stimuli = || {
            let events = events_of(job, dataset, recording)?;
            track_files(&job.study.features, dataset, recording, &events)
        };
        dataset.metadata_files(recording).is_ok_and(|files| {
            // A recording that is a folder is known by the files in it.
            let own = (!recording.path.is_dir()).then_some(&recording.path);
            files.iter().chain(own).all(is_known)
        }) && (!has_stimuli || stimuli().is_ok_and(|files| files.iter().all(is_known)))
    };
    lexicon_files(&job.study.features).iter().all(is_known)
        && same
        && recordings.iter().all(covered)
        && info.inputs.iter().all(unchanged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changes_between_the_look_and_the_reading_is_an_error() {
        let home = tempfile::tempdir().unwrap();
        let (root, path) = (home.path(), home.path().join("sub-01/events.tsv"));
        std::fs::create_dir(root.join("sub-01")).unwrap();
        std::fs::write(&path, "onset\n1\n").unwrap();
        let mut inputs = Inputs::new(root);
        // A folder stands for the files in it.
        inputs.look(root).unwrap();
        let found = inputs.read(&path).unwrap();
        assert_eq!((found.path.as_str(), found.bytes), ("sub-01/events.tsv", 8));
        // Replaced by one of the same size and, where the system tells files apart, of the same time.
        let (other, before) = (root.join("other"), std::fs::metadata(&path).unwrap().modified().unwrap());
        std::fs::write(&other, if cfg!(unix) { "onset\n2\n" } else { "onset\n22\n" }).unwrap();
        std::fs::File::options().write(true).open(&other).unwrap().set_modified(before).unwrap();
        std::fs::rename(&other, &path).unwrap();
        let message = inputs.read(&path).unwrap_err().to_string();
        assert!(message.contains("events.tsv: was changed while it was read"), "{message}");
        // A second look does not make up for the first.
        inputs.look(&path).unwrap();
        assert!(inputs.read(&path).is_err());
    }
}
