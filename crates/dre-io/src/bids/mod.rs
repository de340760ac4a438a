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
mod ignore;
mod inherit;
mod name;
mod participants;
mod scans;
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
pub use participants::Participants;
pub use scans::{Scan, ScansFile};
pub use sidecar::Sidecar;
pub use stim::BidsStimulus;
pub use walk::{BidsRecording, Datatype, RECORDING_EXTENSIONS, SkipReason, Skipped};

/// A BIDS data set and the EEG and MEG recordings in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BidsDataset {
    root: PathBuf,
    /// The folder that holds `sub-*`: the root, or that of derivatives below it.
    base: PathBuf,
    recordings: Vec<BidsRecording>,
    skipped: Vec<Skipped>,
}

impl BidsDataset {
    /// Finds the recordings below `dir`, the folder that holds `sub-*`, of raw data or of derivatives. Opens folders, `.bidsignore`
    /// and `dataset_description.json` only.
    ///
    /// # Errors
    /// [`BidsError::Missing`], [`BidsError::NotFolder`], [`BidsError::Read`] where the folder cannot be read;
    /// [`BidsError::NoRecordings`]; [`BidsError::WrongFolder`] and [`BidsError::SameRecording`] where names contradict
    /// each other; [`BidsError::NotUtf8`], [`BidsError::Json`] and [`BidsError::JsonValue`] for those two files.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, BidsError> {
        let dir = dir.as_ref();
        Self::open_below(dir, dir.to_path_buf(), false)
    }

    /// Finds the recordings in `derivatives/NAME` of the data set at `dir`. Their events, where the derivatives have none, are those of
    /// the raw recording.
    ///
    /// # Errors
    /// [`BidsError::NoDerivatives`] where there is no such folder; else as [`BidsDataset::open`].
    pub fn open_derivatives(dir: impl AsRef<Path>, name: &str) -> Result<Self, BidsError> {
        let dir = dir.as_ref();
        check_folder(dir)?;
        let all = dir.join("derivatives");
        let base = all.join(name);
        let inside = Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        if !(inside && !name.is_empty() && base.is_dir()) {
            let existing: Vec<String> = if all.is_dir() {
                name::folders(&all, |_| true)?.into_iter().map(|folder| folder.name).collect()
            } else {
                Vec::new()
            };
            return Err(BidsError::NoDerivatives {
                dir: dir.to_path_buf(),
                name: error::clipped(name),
                existing: if existing.is_empty() { "none".to_owned() } else { error::listed(&existing) },
            });
        }
        Self::open_below(dir, base, true)
    }

    fn open_below(root: &Path, base: PathBuf, derivatives: bool) -> Result<Self, BidsError> {
        check_folder(&base)?;
        let derivatives = derivatives || sidecar::is_derivative(&base)?;
        let (recordings, skipped) = walk::walk(root, &base, &ignore::Ignore::read(&base)?, derivatives)?;
        Ok(Self { root: root.to_path_buf(), base, recordings, skipped })
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
    /// kept as text. The sampling frequency of the sidecar takes the column `sample` to seconds where an onset is `n/a`.
    ///
    /// # Errors
    /// [`BidsError::NoEventsFile`], [`BidsError::Ambiguous`], [`BidsError::Read`]; [`BidsError::NoEvents`] where the file
    /// has only a header; [`BidsError::NotUtf8`], [`BidsError::EmptyFile`], [`BidsError::NoColumn`],
    /// [`BidsError::RepeatedColumn`], [`BidsError::FieldCount`] and [`BidsError::Value`] for the rest that can be wrong with
    /// it.
    pub fn events_file(&self, recording: &BidsRecording) -> Result<EventsFile, BidsError> {
        let sfreq = self.sidecar(recording)?.sfreq;
        self.events_file_at(recording, sfreq)
    }

    /// As [`BidsDataset::events_file`], for a recording that is known to be sampled at `sfreq` Hz: the column `sample`, where there is
    /// one, gives onsets that are `n/a`, and is compared with those that are not.
    ///
    /// # Errors
    /// As [`BidsDataset::events_file`].
    pub fn events_file_at(&self, recording: &BidsRecording, sfreq: Option<f64>) -> Result<EventsFile, BidsError> {
        let mut file = self.table_for(recording, "events")?;
        if file.is_none() && self.base != self.root {
            let raw = self.raw_twin(recording);
            file = most_specific(&raw, applicable(&self.root, &raw, "events", ".tsv", &[])?)?;
        }
        let file = file.ok_or_else(|| self.no_events_file(recording))?;
        EventsFile::parse(&file.shown, &file.read()?, sfreq)
    }

    /// Where the raw data of a derived recording are: the same folders and entities, below the root.
    fn raw_twin(&self, recording: &BidsRecording) -> BidsRecording {
        let relative = recording.path.strip_prefix(&self.base).unwrap_or(&recording.path);
        BidsRecording { path: self.root.join(relative), ..recording.clone() }
    }

    /// The table of participants, that of the raw data where derivatives have none; `None` without such a file.
    ///
    /// # Errors
    /// [`BidsError::Value`] for a participant that is not called `sub-…`, [`BidsError::RepeatedName`], and those of
    /// [`BidsDataset::events_file`] for a damaged table.
    pub fn participants(&self) -> Result<Option<Participants>, BidsError> {
        match participants::read(&self.base)? {
            None if self.base != self.root => participants::read(&self.root),
            found => Ok(found),
        }
    }

    /// The tables `*_scans.tsv` of all subjects and sessions that have recordings.
    ///
    /// # Errors
    /// [`BidsError::Value`] for a row without a file or a time that is none, and those of [`BidsDataset::events_file`] for a
    /// damaged table.
    pub fn scans(&self) -> Result<Vec<ScansFile>, BidsError> {
        scans::read(&self.base, &self.recordings)
    }

    /// What the tables of participants and scans say that the folders do not bear out, and what is wrong in these tables, for
    /// the user to know: nothing else depends on them.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        match self.participants() {
            Err(error) => notes.push(error.to_string()),
            Ok(None) => {}
            Ok(Some(table)) => {
                let mut subjects: Vec<&str> = self.recordings.iter().map(|r| r.subject.as_str()).collect();
                subjects.dedup();
                let path = table.path.display();
                let absent: Vec<&str> =
                    table.rows.keys().map(String::as_str).filter(|id| !subjects.contains(id)).collect();
                if !absent.is_empty() {
                    notes.push(format!("{path}: no recording of {}", error::listed(&absent)));
                }
                subjects.retain(|subject| !table.rows.contains_key(*subject));
                if !subjects.is_empty() {
                    notes.push(format!("{path}: has no row for {}", error::listed(&subjects)));
                }
            }
        }
        match self.scans() {
            Err(error) => notes.push(error.to_string()),
            Ok(tables) => {
                for (table, row) in tables.iter().flat_map(|table| table.rows.iter().map(move |row| (table, row))) {
                    if !row.is_there {
                        let (path, file) = (table.path.display(), row.file.display());
                        notes.push(format!("{path} line {}: {file} is not there", row.line));
                    }
                }
            }
        }
        notes
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
        electrodes::read(&self.base, recording)
    }

    /// What the `*_eeg.json` or `*_meg.json` files that apply to a recording say together; the more specific one holds
    /// where two say something. All fields are `None` without such a file.
    ///
    /// # Errors
    /// [`BidsError::Read`], [`BidsError::NotUtf8`], [`BidsError::Json`], [`BidsError::JsonValue`].
    pub fn sidecar(&self, recording: &BidsRecording) -> Result<Sidecar, BidsError> {
        sidecar::read(&self.base, recording)
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
            let found = applicable(&self.base, recording, suffix, extension, &["space"])?;
            files.extend(found.into_iter().map(|file| file.path));
        }
        if self.base != self.root {
            let raw = self.raw_twin(recording);
            let found = applicable(&self.root, &raw, "events", ".tsv", &[])?;
            files.extend(found.into_iter().map(|file| file.path));
        }
        Ok(files)
    }

    fn table_for(&self, recording: &BidsRecording, suffix: &str) -> Result<Option<Applicable>, BidsError> {
        most_specific(recording, applicable(&self.base, recording, suffix, ".tsv", &[])?)
    }

    fn no_events_file(&self, recording: &BidsRecording) -> BidsError {
        let entities: Vec<String> = recording.entities.iter().map(|(key, label)| format!("{key}-{label}")).collect();
        let folders = levels(&self.base, recording);
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

fn check_folder(dir: &Path) -> Result<(), BidsError> {
    match fs::metadata(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(BidsError::Missing { dir: dir.to_path_buf() }),
        Err(source) => Err(BidsError::Read { path: dir.to_path_buf(), source }),
        Ok(metadata) if !metadata.is_dir() => Err(BidsError::NotFolder { dir: dir.to_path_buf() }),
        Ok(_) => Ok(()),
    }
}
