//! BIDS data sets: small folders written here, and the real ones of the shared data where they are.

#![allow(clippy::print_stderr, reason = "a test that needs absent data says so")]
#![allow(clippy::float_cmp, reason = "numbers that are read have one right value")]

mod channels;
mod damaged;
mod derivatives;
mod events;
mod filter;
mod ignore;
mod inherit;
mod real;
mod tables;
mod walk;

use std::fs;
use std::path::{Path, PathBuf};

use dre_io::bids::{BidsDataset, BidsError, BidsRecording};
use tempfile::TempDir;

/// A data set with the given files. Readers of recordings are not at work here, so recordings are empty.
pub(crate) fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (path, content) in files {
        write(dir.path(), path, content.as_bytes());
    }
    dir
}

pub(crate) fn write(root: &Path, path: &str, content: &[u8]) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("inside the root")).expect("a folder");
    fs::write(path, content).expect("a file");
}

pub(crate) const RUN: &str = "sub-01/eeg/sub-01_task-x_run-01_eeg.vhdr";
pub(crate) const EVENTS: &str = "sub-01/eeg/sub-01_task-x_run-01_events.tsv";

/// One recording and files about it.
pub(crate) fn with(files: &[(&str, &str)]) -> (TempDir, BidsDataset) {
    let dir = folder(&[(RUN, "")]);
    for (path, content) in files {
        write(dir.path(), path, content.as_bytes());
    }
    let dataset = BidsDataset::open(dir.path()).expect("a data set");
    (dir, dataset)
}

pub(crate) fn ids(recordings: &[BidsRecording]) -> Vec<&str> {
    recordings.iter().map(|recording| recording.id.as_str()).collect()
}

/// A message with the temporary folder's name taken out.
pub(crate) fn message(dir: &TempDir, error: &BidsError) -> String {
    error.to_string().replace(&dir.path().display().to_string(), "DATA")
}

/// A data set of the shared data; says so where it is absent.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let dir = std::env::var_os("DRE_DATA_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from)
        .join(name);
    if !dir.is_dir() {
        eprintln!("SKIPPED: there is no {}; set DRE_DATA_DIR to the folder that holds {name}", dir.display());
        return None;
    }
    Some(dir)
}
