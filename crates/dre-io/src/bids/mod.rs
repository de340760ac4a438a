//! Reading data sets in the Brain Imaging Data Structure (BIDS): which recordings there are, and what the files beside
//! them say. The recordings themselves are opened elsewhere.
//!
//! Source: BIDS specification 1.10, "Common principles" (file names, inheritance principle, tabular files),
//! "Electroencephalography" and "Magnetoencephalography", <https://bids-specification.readthedocs.io>.

mod channels;
mod electrodes;
mod error;
mod events;
mod filter;
mod inherit;
mod name;
mod sidecar;
mod stim;
mod table;
mod walk;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use dre::data::EventTable;

pub use channels::BidsChannel;
pub use electrodes::BidsElectrodes;
pub use error::BidsError;
pub use events::EventsFile;
pub use filter::BidsFilter;
use inherit::{Applicable, applicable, levels, most_specific};
pub use sidecar::Sidecar;
pub use stim::BidsStimulus;
pub use walk::{BidsRecording, Datatype, RECORDING_EXTENSIONS, SkipReason, Skipped};

/// A BIDS data set and the EEG and MEG recordings in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BidsDataset {
    root: PathBuf,
    recordings: Vec<BidsRecording>,
    skipped: Vec<Skipped>,
}

impl BidsDataset {
    /// Finds the recordings below `dir`, the folder that holds `sub-*`. Opens folders only, no file.
    ///
    /// # Errors
    /// [`BidsError::Missing`], [`BidsError::NotFolder`], [`BidsError::Read`] where the folder cannot be read;
    /// [`BidsError::NoRecordings`]; [`BidsError::WrongFolder`] and [`BidsError::SameRecording`] where names contradict
    /// each other.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, BidsError> {
        let dir = dir.as_ref();
        match fs::metadata(dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(BidsError::Missing { dir: dir.to_path_buf() }),
            Err(source) => return Err(BidsError::Read { path: dir.to_path_buf(), source }),
            Ok(metadata) if !metadata.is_dir() => return Err(BidsError::NotFolder { dir: dir.to_path_buf() }),
            Ok(_) => {}
        }
        let (recordings, skipped) = walk::walk(dir)?;
        Ok(Self { root: dir.to_path_buf(), recordings, skipped })
    }

    /// The folder that the data set was opened with.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// All recordings, sorted by subject, session, task and run, numbers by their value.
    pub fn recordings(&self) -> &[BidsRecording] {
        &self.recordings
    }

    /// What looks like a recording and was left out, with the reason, in the order of the folders.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// The recordings that a filter wants, in the same order.
    ///
    /// # Errors
    /// [`BidsError::UnknownLabel`] where a label is in no recording's name; [`BidsError::NothingSelected`] where nothing is
    /// left, or nothing of a subject that the filter names.
    pub fn select(&self, filter: &BidsFilter) -> Result<Vec<&BidsRecording>, BidsError> {
        filter.select(self)
    }

    /// The events of a recording. See [`BidsDataset::events_file`], which also tells where each is written.
    ///
    /// # Errors
    /// As [`BidsDataset::events_file`].
    pub fn events(&self, recording: &BidsRecording) -> Result<EventTable, BidsError> {
        self.events_file(recording).map(|file| file.table)
    }

    /// The events of a recording, from the most specific `*_events.tsv` that applies to it.
    ///
    /// A duration that is `n/a`, or a table without that column, gives 0 s. Columns other than onset and duration are
    /// kept as text.
    ///
    /// # Errors
    /// [`BidsError::NoEventsFile`], [`BidsError::Ambiguous`], [`BidsError::Read`]; [`BidsError::NoEvents`] where the file
    /// has only a header; [`BidsError::NotUtf8`], [`BidsError::EmptyFile`], [`BidsError::NoColumn`],
    /// [`BidsError::RepeatedColumn`], [`BidsError::FieldCount`] and [`BidsError::Value`] for the rest that can be wrong with
    /// it.
    pub fn events_file(&self, recording: &BidsRecording) -> Result<EventsFile, BidsError> {
        let file = self.table_for(recording, "events")?.ok_or_else(|| self.no_events_file(recording))?;
        EventsFile::parse(&file.shown, &file.read()?)
    }

    /// The channels of a recording, from the most specific `*_channels.tsv` that applies to it; `None` without such a
    /// file.
    ///
    /// # Errors
    /// [`BidsError::RepeatedName`], and those of [`BidsDataset::events_file`] for a damaged table.
    pub fn channels(&self, recording: &BidsRecording) -> Result<Option<Vec<BidsChannel>>, BidsError> {
        let Some(file) = self.table_for(recording, "channels")? else { return Ok(None) };
        channels::parse(&file.shown, &file.read()?).map(Some)
    }

    /// The electrodes' positions, from the most specific `*_electrodes.tsv` that applies to a recording and the
    /// `*_coordsystem.json` of the same space; `None` without such a file, or where the unit is `n/a` or not given. Of
    /// several spaces `CapTrak` is taken, else the first by name.
    ///
    /// # Errors
    /// [`BidsError::RepeatedName`], [`BidsError::Json`], [`BidsError::JsonValue`], and those of
    /// [`BidsDataset::events_file`] for a damaged table.
    pub fn electrodes(&self, recording: &BidsRecording) -> Result<Option<BidsElectrodes>, BidsError> {
        electrodes::read(&self.root, recording)
    }

    /// What the `*_eeg.json` or `*_meg.json` files that apply to a recording say together; the more specific one holds
    /// where two say something. All fields are `None` without such a file.
    ///
    /// # Errors
    /// [`BidsError::Read`], [`BidsError::NotUtf8`], [`BidsError::Json`], [`BidsError::JsonValue`].
    pub fn sidecar(&self, recording: &BidsRecording) -> Result<Sidecar, BidsError> {
        sidecar::read(&self.root, recording)
    }

    /// The continuous stimulus of a recording, from the most specific `*_stim.tsv.gz` that applies to it; `None` without
    /// such a file. Opens its JSON alone.
    ///
    /// # Errors
    /// [`BidsError::Ambiguous`], [`BidsError::Read`], [`BidsError::Json`], [`BidsError::JsonValue`];
    /// [`BidsError::StimulusKey`] where the JSON lacks a key.
    pub fn stimulus(&self, recording: &BidsRecording) -> Result<Option<BidsStimulus>, BidsError> {
        stim::find(&self.root, recording)
    }

    /// Every metadata file that applies to a recording by the inheritance principle: tables of events, channels and
    /// electrodes, coordinate systems and sidecars; absolute or relative as the data set was opened.
    ///
    /// # Errors
    /// [`BidsError::Read`] where a folder cannot be read.
    pub fn metadata_files(&self, recording: &BidsRecording) -> Result<Vec<PathBuf>, BidsError> {
        let mut files = Vec::new();
        for (suffix, extension) in [
            ("events", ".tsv"),
            ("channels", ".tsv"),
            ("electrodes", ".tsv"),
            ("coordsystem", ".json"),
            (recording.datatype.name(), ".json"),
        ] {
            let found = applicable(&self.root, recording, suffix, extension, &["space"])?;
            files.extend(found.into_iter().map(|file| file.path));
        }
        Ok(files)
    }

    fn table_for(&self, recording: &BidsRecording, suffix: &str) -> Result<Option<Applicable>, BidsError> {
        most_specific(recording, applicable(&self.root, recording, suffix, ".tsv", &[])?)
    }

    fn no_events_file(&self, recording: &BidsRecording) -> BidsError {
        let entities: Vec<String> = recording.entities.iter().map(|(key, label)| format!("{key}-{label}")).collect();
        let folders = levels(&self.root, recording);
        let shown = |folder: &PathBuf| match folder.strip_prefix(&self.root) {
            Ok(relative) if relative.as_os_str().is_empty() => "the root".to_owned(),
            Ok(relative) => relative.display().to_string(),
            Err(_) => folder.display().to_string(),
        };
        let own = folders.last().map(shown).unwrap_or_default();
        let above: Vec<String> = folders.iter().rev().skip(1).map(shown).collect();
        BidsError::NoEventsFile {
            id: recording.id.clone(),
            looked_for: format!(
                "{own}/{}_events.tsv nor an *_events.tsv with fewer of these entities there or in {}",
                entities.join("_"),
                above.join(", ")
            ),
        }
    }
}
