//! Writing a cohort, one recording at a time.

use std::fs;
use std::path::Path;

use dre::data::{Channel, EventTable, Gaps};

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
    /// Channels of the cohort.
    pub channels: &'a [Channel],
    /// What was not measured.
    pub gaps: &'a Gaps,
    /// Samples of the channels that it has, in the cohort's order, SI units: `(n_channels − missing, n_times)`.
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
    /// Where data or features are not whole rows, or data not a row per channel that there is.
    pub fn push(&mut self, recording: &NewRecording<'_>) -> Result<(), StoreError> {
        let folder = self.folder.path().join(recording.id);
        fs::create_dir(&folder).map_err(StoreError::write(&folder))?;
        let (n_channels, n_times, gaps) = (recording.channels.len(), recording.n_times, recording.gaps);
        let n_rows = n_channels - gaps.channels().len();
        assert_eq!(recording.data.len(), n_rows * n_times, "data are not one row for each channel that there is");
        let mut out = NpyWriter::create(&folder.join("data.npy"), n_channels, n_times)?;
        let nothing = vec![f32::NAN; if n_rows < n_channels { n_times } else { 0 }];
        let mut rows = recording.data.chunks_exact(n_times);
        for row in 0..n_channels {
            let values = if gaps.has_channel(row) { rows.next() } else { Some(&nothing[..]) };
            out.push(values.expect("counted above"))?;
        }
        out.finish()?;
        let features = recording.features;
        assert!(features.len().is_multiple_of(n_times), "features are not whole rows");
        let mut out = NpyWriter::create(&folder.join("features.npy"), features.len() / n_times, n_times)?;
        out.push(features)?;
        out.finish()?;
        write_events(&folder.join("events.tsv"), recording.events)?;
        self.recordings.push(RecordingInfo {
            id: recording.id.to_owned(),
            subject: recording.subject.to_owned(),
            n_times,
            missing: gaps.channels().iter().map(|(&row, &lack)| (recording.channels[row].name.clone(), lack)).collect(),
            bad_segments: gaps.segments().iter().map(|segment| (segment.start, segment.end)).collect(),
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
