//! The files that a cohort is made of, and whether they are still the same.

use std::collections::HashSet;
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::events::events_of;
use super::{Job, Result};
use crate::bids::{BidsDataset, BidsRecording};
use crate::cohort::{CohortInfo, InputFile};
use crate::features::{lexicon_files, track_files};
use crate::store::StoreError;

fn stamp(path: &Path) -> std::io::Result<(u64, u64)> {
    let about = std::fs::metadata(path)?;
    let modified = about.modified()?.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64);
    Ok((about.len(), modified))
}

/// A path within the data set as it is written down.
fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// What is remembered of a file.
///
/// # Errors
/// [`StoreError::Read`].
pub(super) fn input(root: &Path, path: &Path) -> Result<InputFile> {
    let (bytes, modified) = stamp(path).map_err(StoreError::read(path))?;
    let sha256 = crate::hash::file(path).map_err(StoreError::read(path))?;
    Ok(InputFile { path: shown(root, path), bytes, modified, sha256 })
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
