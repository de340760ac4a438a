//! Writing a cohort, one recording at a time.

use std::fs;
use std::path::Path;

use dre::data::{Channel, EventTable, Gaps, HalfScale};
use dre::signal::Storage;
use half::f16;

use super::events::write_events;
use super::{AUDIT_FILE, COHORT_FILE, CohortAudit, CohortInfo, Recorded, RecordingInfo};
use crate::store::{NewFolder, NpyWriter, RowFile, RowSink, StoreError, write_json};

/// One prepared recording on its way to the disk.
#[derive(Clone, Copy, Debug)]
pub struct NewRecording<'a> {
    /// BIDS entities.
    pub id: &'a str,
    /// Subject label.
    pub subject: &'a str,
    /// Number of samples.
    pub n_times: usize,
    /// How it was before it was prepared.
    pub recorded: Recorded,
    /// Channels of the cohort.
    pub channels: &'a [Channel],
    /// What was not measured.
    pub gaps: &'a Gaps,
    /// `(n_features, n_times)`.
    pub features: &'a [f32],
    /// Events.
    pub events: &'a EventTable,
}

/// The rows of the channels that a recording has.
struct PresentRows<'a> {
    file: &'a mut RowFile,
    rows: Vec<usize>,
}

impl RowSink for PresentRows<'_> {
    fn write(&mut self, row: usize, column: usize, values: &[f32]) -> Result<(), StoreError> {
        self.file.write(self.rows[row], column, values)
    }
}

/// Writes a cohort beside its place; samples pass through, piece by piece.
#[derive(Debug)]
pub struct CohortWriter {
    folder: NewFolder,
    storage: Storage,
    recordings: Vec<RecordingInfo>,
}

impl CohortWriter {
    /// Starts a cohort that will be at `place`.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn new(place: &Path, storage: Storage) -> Result<Self, StoreError> {
        Ok(Self { folder: NewFolder::new(place)?, storage, recordings: Vec::new() })
    }

    /// Adds a recording. `fill` writes the samples of the channels that it has, in the cohort's order, SI units,
    /// `(n_channels − missing, n_times)`; it may keep temporary files in the folder that it is given.
    ///
    /// # Errors
    /// [`StoreError::Write`], and those of `fill`.
    ///
    /// # Panics
    /// Where features are not whole rows.
    pub fn push<E: From<StoreError>>(
        &mut self,
        recording: &NewRecording<'_>,
        fill: impl FnOnce(&mut dyn RowSink, &Path) -> Result<(), E>,
    ) -> Result<(), E> {
        let folder = self.folder.path().join(recording.id);
        fs::create_dir(&folder).map_err(StoreError::write(&folder))?;
        let (n_channels, n_times, gaps) = (recording.channels.len(), recording.n_times, recording.gaps);
        let mut file = RowFile::temporary(&folder, n_channels, n_times)?;
        let (rows, missing): (Vec<usize>, Vec<usize>) = (0..n_channels).partition(|row| gaps.has_channel(*row));
        if !missing.is_empty() {
            let nothing = vec![f32::NAN; n_times];
            missing.iter().try_for_each(|row| file.write(*row, 0, &nothing))?;
        }
        fill(&mut PresentRows { file: &mut file, rows }, &folder)?;
        let scales = write_by_time(&mut file, (n_channels, n_times), self.storage, &folder.join("data.npy"))?;
        let features = recording.features;
        assert!(features.len().is_multiple_of(n_times), "features are not whole rows");
        let mut out = NpyWriter::create(&folder.join("features.npy"), features.len() / n_times.max(1), n_times)?;
        out.push(features)?;
        out.finish()?;
        write_events(&folder.join("events.tsv"), recording.events)?;
        self.recordings.push(RecordingInfo {
            id: recording.id.to_owned(),
            subject: recording.subject.to_owned(),
            n_times,
            recorded: recording.recorded,
            missing: gaps.channels().iter().map(|(&row, &lack)| (recording.channels[row].name.clone(), lack)).collect(),
            scales,
            bad_segments: gaps.segments().iter().map(|segment| (segment.start, segment.end)).collect(),
        });
        Ok(())
    }

    /// SHA-256 of the samples of a recording that was added, in hexadecimal; equal for recordings that are there twice.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub fn data_hash(&self, id: &str) -> Result<String, StoreError> {
        let path = self.folder.path().join(id).join("data.npy");
        crate::hash::file(&path).map_err(StoreError::read(&path))
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

/// Samples of time that are held at once.
const TIMES_AT_ONCE: usize = 4096;

/// Writes rows by channel as `(n_times, n_channels)`; the scales of the channels where they are stored with half precision.
fn write_by_time(
    rows: &mut RowFile,
    (n_channels, n_times): (usize, usize),
    storage: Storage,
    path: &Path,
) -> Result<Vec<HalfScale>, StoreError> {
    match storage {
        Storage::F32 => {
            let mut out = NpyWriter::<f32>::create(path, n_times, n_channels)?;
            by_time(rows, (n_channels, n_times), |block| out.push(block))?;
            out.finish()?;
            Ok(Vec::new())
        }
        Storage::F16 => {
            let scale = |row| Ok(HalfScale::of(&rows.read_row(row)?));
            let scales: Vec<HalfScale> = (0..n_channels).map(scale).collect::<Result<_, StoreError>>()?;
            let mut out = NpyWriter::<f16>::create(path, n_times, n_channels)?;
            by_time(rows, (n_channels, n_times), |block| {
                let samples = block.iter().zip(scales.iter().cycle());
                out.push(&samples.map(|(&x, scale)| scale.store(x)).collect::<Vec<_>>())
            })?;
            out.finish()?;
            Ok(scales)
        }
    }
}

/// Hands over stretches of time, `(n, n_channels)` each.
fn by_time(
    rows: &mut RowFile,
    (n_channels, n_times): (usize, usize),
    mut push: impl FnMut(&[f32]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut read = vec![0.0; TIMES_AT_ONCE];
    let mut block = Vec::new();
    for first in (0..n_times).step_by(TIMES_AT_ONCE) {
        let n = TIMES_AT_ONCE.min(n_times - first);
        block.resize(n * n_channels, 0.0);
        for row in 0..n_channels {
            rows.read(row, first, &mut read[..n])?;
            block[row..].iter_mut().step_by(n_channels).zip(&read[..n]).for_each(|(out, &x)| *out = x);
        }
        push(&block)?;
    }
    Ok(())
}
