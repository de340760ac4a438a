//! Finding the recordings of a data set.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::BidsError;
use super::error::listed;
use super::ignore::Ignore;
use super::name::{BidsName, Entry, compare_labels, entries, folders, label};

/// File name extensions of the recordings that can be read; `.ds` is a folder (CTF).
pub const RECORDING_EXTENSIONS: [&str; 6] = [".vhdr", ".edf", ".bdf", ".set", ".fif", ".ds"];

/// Files that share a recording's suffix and belong to one.
const COMPANION_EXTENSIONS: [&str; 6] = [".eeg", ".vmrk", ".fdt", ".json", ".tsv", ".tsv.gz"];

/// Suffixes of FIF files in derivatives that hold no continuous data.
const OTHER_SUFFIXES: [&str; 10] = ["epo", "ave", "cov", "ica", "fwd", "inv", "trans", "proj", "src", "bem"];

/// Kind of recording: the name of its folder and its suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Datatype {
    /// Electroencephalography.
    Eeg,
    /// Magnetoencephalography.
    Meg,
}

impl Datatype {
    /// `eeg` or `meg`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Eeg => "eeg",
            Self::Meg => "meg",
        }
    }
}

/// One recording of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BidsRecording {
    /// Entities without suffix in the order of the file name, such as `sub-01_ses-01_task-p300_run-01`; unique in the
    /// data set. A `split` entity is left out; `_eeg` and `_meg` are added where one name stands for both.
    pub id: String,
    /// The file, or the folder of a CTF recording; begins with the path that the data set was opened with.
    pub path: PathBuf,
    /// `sub-01`.
    pub subject: String,
    /// Label of the session without `ses-`.
    pub session: Option<String>,
    /// Label of the task without `task-`.
    pub task: Option<String>,
    /// Label of the run without `run-`.
    pub run: Option<String>,
    /// Whether it is EEG or MEG.
    pub datatype: Datatype,
    /// Keys and labels in the order of the file name.
    pub(super) entities: Vec<(String, String)>,
}

/// Why a file that looks like a recording is not one of the data set's recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkipReason {
    /// Recorded without a subject (`sub-emptyroom`, `task-noise`).
    EmptyRoom,
    /// Second or later file of a recording that is split over several.
    SplitContinuation,
    /// Calibration of the sensors (`acq-crosstalk`, `acq-calibration`).
    Calibration,
    /// A format that is not read.
    OtherFormat,
    /// Epochs, averages and other results of processing.
    NotContinuous,
    /// The data set's `.bidsignore` lists it.
    Ignored,
    /// A name that does not follow BIDS.
    NotBids,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmptyRoom => "empty-room recording",
            Self::SplitContinuation => "continuation of a split recording",
            Self::Calibration => "calibration of the sensors",
            Self::OtherFormat => "format that is not read",
            Self::NotContinuous => "no continuous data",
            Self::Ignored => "listed in .bidsignore",
            Self::NotBids => "name that does not follow BIDS",
        })
    }
}

/// A file or folder that looks like a recording and was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Relative to the data set's root.
    pub path: PathBuf,
    /// Why.
    pub reason: SkipReason,
}

/// All recordings, sorted, and what was left out.
pub(super) fn walk(
    root: &Path,
    base: &Path,
    ignore: &Ignore,
    derivatives: bool,
) -> Result<(Vec<BidsRecording>, Vec<Skipped>), BidsError> {
    let mut walk = Walk { root, base, ignore, derivatives, recordings: Vec::new(), skipped: Vec::new(), n_subjects: 0 };
    for subject in folders(base, |name| name.starts_with("sub-"))? {
        if walk.is_ignored(&subject.path) {
            walk.skip(&subject.path, SkipReason::Ignored);
            continue;
        }
        if subject.name == "sub-emptyroom" {
            walk.skip(&subject.path, SkipReason::EmptyRoom);
            continue;
        }
        walk.n_subjects += 1;
        walk.folder(&subject.path, &subject.name, None)?;
        for session in folders(&subject.path, |name| name.starts_with("ses-"))? {
            walk.folder(&session.path, &subject.name, Some(&session.name))?;
        }
    }
    walk.finish()
}

struct Walk<'a> {
    /// What paths in messages are relative to.
    root: &'a Path,
    /// The folder that holds `sub-*`.
    base: &'a Path,
    ignore: &'a Ignore,
    /// Whether names are as programs write them that process recordings.
    derivatives: bool,
    recordings: Vec<BidsRecording>,
    skipped: Vec<Skipped>,
    n_subjects: usize,
}

impl Walk<'_> {
    /// The folders `eeg` and `meg` of a subject's or session's folder.
    fn folder(&mut self, dir: &Path, subject: &str, session: Option<&str>) -> Result<(), BidsError> {
        for datatype in [Datatype::Eeg, Datatype::Meg] {
            for folder in folders(dir, |name| name == datatype.name())? {
                for entry in entries(&folder.path)? {
                    self.entry(entry, datatype, subject, session)?;
                }
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        entry: Entry,
        datatype: Datatype,
        subject: &str,
        session: Option<&str>,
    ) -> Result<(), BidsError> {
        let Some(name) = BidsName::parse(&entry.name) else {
            if RECORDING_EXTENSIONS.iter().any(|extension| entry.name.to_lowercase().ends_with(extension)) {
                self.skip(&entry.path, SkipReason::NotBids);
            }
            return Ok(());
        };
        let readable = RECORDING_EXTENSIONS.contains(&name.extension.as_str());
        // MNE-BIDS-Pipeline writes `_raw.fif` for `_meg.fif`.
        let is_raw = self.derivatives && name.suffix == "raw" && name.extension == ".fif";
        let skip = if name.suffix != datatype.name() && !is_raw {
            // `headshape.pos`, `events.tsv` and the like are no recordings; a recording under another suffix is odd.
            if !readable {
                return Ok(());
            }
            let processed = self.derivatives && OTHER_SUFFIXES.contains(&name.suffix.as_str());
            Some(if processed { SkipReason::NotContinuous } else { SkipReason::NotBids })
        } else if COMPANION_EXTENSIONS.contains(&name.extension.as_str()) {
            return Ok(());
        } else if matches!(name.label("acq"), Some("crosstalk" | "calibration")) {
            Some(SkipReason::Calibration)
        } else if !readable {
            Some(SkipReason::OtherFormat)
        } else if matches!(name.label("task"), Some("noise" | "emptyroom")) {
            Some(SkipReason::EmptyRoom)
        } else {
            match name.label("split").map(str::parse::<u64>) {
                None | Some(Ok(0 | 1)) => None,
                Some(Ok(_)) => Some(SkipReason::SplitContinuation),
                Some(Err(_)) => Some(SkipReason::NotBids),
            }
        };
        let skip = if self.is_ignored(&entry.path) { Some(SkipReason::Ignored) } else { skip };
        if let Some(reason) = skip {
            self.skip(&entry.path, reason);
            return Ok(());
        }
        for (key, expected) in [("sub", Some(subject)), ("ses", session)] {
            let found = name.label(key).map(|label| format!("{key}-{label}"));
            if found.as_deref() != expected {
                return Err(BidsError::WrongFolder {
                    file: self.relative(&entry.path),
                    found: found.unwrap_or_else(|| format!("no {key}-")),
                    expected: expected.map_or_else(|| format!("no {key}-"), str::to_owned),
                });
            }
        }
        self.recordings.push(recording(entry.path, name, datatype));
        Ok(())
    }

    fn relative(&self, path: &Path) -> PathBuf {
        path.strip_prefix(self.root).unwrap_or(path).to_path_buf()
    }

    /// Whether `.bidsignore`, which lies beside the subjects, lists a file or folder.
    fn is_ignored(&self, path: &Path) -> bool {
        self.ignore.covers(path.strip_prefix(self.base).unwrap_or(path), path.is_dir())
    }

    fn skip(&mut self, path: &Path, reason: SkipReason) {
        let reason = if self.is_ignored(path) { SkipReason::Ignored } else { reason };
        self.skipped.push(Skipped { path: self.relative(path), reason });
    }

    fn finish(mut self) -> Result<(Vec<BidsRecording>, Vec<Skipped>), BidsError> {
        if self.recordings.is_empty() {
            return Err(self.nothing());
        }
        self.recordings.sort_by(compare);
        let mut of_id: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (i, recording) in self.recordings.iter().enumerate() {
            of_id.entry(&recording.id).or_default().push(i);
        }
        let mut both: Vec<usize> = Vec::new();
        for same in of_id.values().filter(|same| same.len() > 1) {
            for pair in same.windows(2) {
                let (first, second) = (&self.recordings[pair[0]], &self.recordings[pair[1]]);
                if first.datatype == second.datatype {
                    let (first, second, id) = (&first.path, &second.path, first.id.clone());
                    return Err(BidsError::SameRecording {
                        id,
                        first: self.relative(first),
                        second: self.relative(second),
                    });
                }
            }
            both.extend(same);
        }
        for i in both {
            let recording = &mut self.recordings[i];
            recording.id = format!("{}_{}", recording.id, recording.datatype.name());
        }
        Ok((self.recordings, self.skipped))
    }

    fn nothing(&self) -> BidsError {
        let inside_subject = self.base.file_name().is_some_and(|name| name.to_string_lossy().starts_with("sub-"));
        let left_out: Vec<String> =
            self.skipped.iter().map(|skipped| format!("{} ({})", skipped.path.display(), skipped.reason)).collect();
        let mut found = match self.n_subjects {
            0 => "no folder sub-*".to_owned(),
            1 => "1 folder sub-* without a recording".to_owned(),
            n => format!("{n} folders sub-* without a recording"),
        };
        if !left_out.is_empty() {
            found = format!("{found}, but for {}", listed(&left_out));
        }
        BidsError::NoRecordings {
            dir: self.base.to_path_buf(),
            found,
            looked_for: format!(
                "sub-*/[ses-*/]eeg/*_eeg and sub-*/[ses-*/]meg/*_meg with the extension {}",
                RECORDING_EXTENSIONS.join(", ")
            ),
            advice: if inside_subject {
                "this is a subject's folder, give the folder that holds it".to_owned()
            } else {
                "give the folder that holds sub-*, with the recordings downloaded".to_owned()
            },
        }
    }
}

fn recording(path: PathBuf, name: BidsName, datatype: Datatype) -> BidsRecording {
    let entities = name.entities;
    let id: Vec<String> =
        entities.iter().filter(|(key, _)| key != "split").map(|(key, label)| format!("{key}-{label}")).collect();
    let owned = |key: &str| label(&entities, key).map(str::to_owned);
    BidsRecording {
        id: id.join("_"),
        path,
        subject: format!("sub-{}", label(&entities, "sub").unwrap_or_default()),
        session: owned("ses"),
        task: owned("task"),
        run: owned("run"),
        datatype,
        entities,
    }
}

fn compare(a: &BidsRecording, b: &BidsRecording) -> std::cmp::Ordering {
    let by = |key: &str| compare_labels(label(&a.entities, key), label(&b.entities, key));
    by("sub")
        .then_with(|| by("ses"))
        .then_with(|| by("task"))
        .then_with(|| by("run"))
        .then_with(|| a.id.cmp(&b.id))
        .then_with(|| a.datatype.cmp(&b.datatype))
        .then_with(|| a.path.cmp(&b.path))
}
