//! Simulated recordings as a BIDS data set.
//!
//! BIDS specification 1.10: "Magnetoencephalography", "Electroencephalography", "Coordinate systems".

mod samples;
mod sidecars;
mod truth;

use std::path::{Path, PathBuf};

use dre::simulate::{RecordingStream, Simulator};
use dre_io::store::NewFolder;

use super::Context;
use crate::error::{CliError, Result};

/// Name of the data set.
const NAME: &str = "Simulated reading study";
/// The task.
const TASK: &str = "reading";

/// Whether a folder holds a data set that [`write_bids`] of this version wrote.
pub(super) fn is_simulated(place: &Path) -> bool {
    let about: Option<serde_json::Value> =
        std::fs::read(place.join("dataset_description.json")).ok().and_then(|text| serde_json::from_slice(&text).ok());
    about.is_some_and(|about| about["Name"] == NAME && about["GeneratedBy"][0]["Version"] == env!("CARGO_PKG_VERSION"))
}

/// Writes the data set as a whole; one that was there is replaced.
pub(super) fn write_bids(simulator: &Simulator, place: &Path, n_threads: usize, context: &Context<'_>) -> Result<()> {
    // A data set has files that BIDS names, and its root no others.
    let folder = NewFolder::with_manifest_at(place, truth::FOLDER)?;
    let config = simulator.config();
    sidecars::study(folder.path(), config)?;
    truth::study(&folder.path().join(truth::FOLDER), config)?;
    for subject in 0..config.n_subjects {
        for session in 0..config.n_sessions {
            let mut stream = simulator.recording(subject, session)?;
            let files = Files::new(folder.path(), &stream, config.array.is_meg());
            context.console.step("Simulating", format_args!("{} of {} subjects", stream.label(), config.n_subjects));
            sidecars::recording(&files, &stream, config)?;
            // Before the samples: afterwards the recording is at its end.
            truth::recording(&folder.path().join(truth::FOLDER), &stream)?;
            samples::write(&files, &mut stream, n_threads, context)?;
        }
    }
    if context.interrupt.requested() {
        return Err(CliError::Stopped);
    }
    folder.finish()?;
    Ok(())
}

/// Where the files of a recording are.
struct Files {
    folder: PathBuf,
    /// Without the task.
    label: String,
    suffix: &'static str,
}

impl Files {
    fn new(root: &Path, stream: &RecordingStream, is_meg: bool) -> Self {
        let suffix = if is_meg { "meg" } else { "eeg" };
        Self { folder: recording_folder(root, stream).join(suffix), label: stream.label(), suffix }
    }

    /// A file of the recording.
    fn of_task(&self, suffix: &str) -> PathBuf {
        self.folder.join(format!("{}_task-{TASK}_{suffix}", self.label))
    }

    /// A file of all recordings of that day.
    fn of_session(&self, suffix: &str) -> PathBuf {
        self.folder.join(format!("{}_{suffix}", self.label))
    }
}

/// The folder of a subject, or of a session of it.
fn recording_folder(root: &Path, stream: &RecordingStream) -> PathBuf {
    let subject = root.join(&stream.subject);
    stream.session.as_ref().map_or_else(|| subject.clone(), |session| subject.join(session))
}
