//! Writing a cohort, one recording at a time.

use std::fs;
use std::path::Path;

use dre::data::EventTable;

use super::events::write_events;
use super::{AUDIT_FILE, COHORT_FILE, CohortAudit, CohortInfo, RecordingInfo};
use crate::store::{NewFolder, NpyWriter, StoreError, write_json};

/// One prepared recording on its way to the disk.
#[derive(Clone, Copy, Debug)]
pub struct NewRecording<'a> {
    /// BIDS entities.
    pub id: &'a str,
    /// Subject label.
    pub subject: &'a str,
    /// Number of samples.
    pub n_times: usize,
    /// `(n_channels, n_times)`, SI units.
    pub data: &'a [f32],
    /// `(n_features, n_times)`.
    pub features: &'a [f32],
    /// Events.
    pub events: &'a EventTable,
}

/// Writes a cohort beside its place; only one recording at a time is in memory.
#[derive(Debug)]
pub struct CohortWriter {
    folder: NewFolder,
    recordings: Vec<RecordingInfo>,
}

impl CohortWriter {
    /// Starts a cohort that will be at `place`.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn new(place: &Path) -> Result<Self, StoreError> {
        Ok(Self { folder: NewFolder::new(place)?, recordings: Vec::new() })
    }

    /// Adds a recording.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    ///
    /// # Panics
    /// Where data or features are not whole rows.
    pub fn push(&mut self, recording: &NewRecording<'_>) -> Result<(), StoreError> {
        let folder = self.folder.path().join(recording.id);
        fs::create_dir(&folder).map_err(StoreError::write(&folder))?;
        for (name, values) in [("data.npy", recording.data), ("features.npy", recording.features)] {
            assert!(values.len().is_multiple_of(recording.n_times), "{name} is not whole rows");
            let mut out = NpyWriter::create(&folder.join(name), values.len() / recording.n_times, recording.n_times)?;
            out.push(values)?;
            out.finish()?;
        }
        write_events(&folder.join("events.tsv"), recording.events)?;
        self.recordings.push(RecordingInfo {
            id: recording.id.to_owned(),
            subject: recording.subject.to_owned(),
            n_times: recording.n_times,
        });
        Ok(())
    }

    /// Writes `audit.json`.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn audit(&self, audit: &CohortAudit) -> Result<(), StoreError> {
        write_json(&self.folder.path().join(AUDIT_FILE), audit)
    }

    /// Writes `cohort.json` (the recordings in `info` are replaced by those written) and puts the folder in its place.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn finish(self, info: CohortInfo) -> Result<CohortInfo, StoreError> {
        let info = CohortInfo { recordings: self.recordings, ..info };
        write_json(&self.folder.path().join(COHORT_FILE), &info)?;
        self.folder.finish()?;
        Ok(info)
    }
}
