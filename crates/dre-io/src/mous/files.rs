//! Which files belong to a subject.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Subjects whose logs are known to be broken: their words cannot be told apart or tied to the recording.
const BROKEN: [&str; 2] = ["1006", "1017"];
/// Where `stimuli.txt` may lie, seen from the folder of the logs.
const STIMULI: [&str; 5] =
    ["stimuli.txt", "stimuli/stimuli.txt", "../stimuli.txt", "../stimuli/stimuli.txt", "../../stimuli/stimuli.txt"];

/// The files about a subject's events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MousFiles {
    /// The log of the visual task.
    pub log: PathBuf,
    /// `stimuli.txt`, where there is one in the folder of the logs or near it.
    pub stimuli: Option<PathBuf>,
}

impl MousFiles {
    /// Finds `SUBJECT-MEG-MOUS-Vis*.log` in a folder; `subject` is a label such as `sub-V1001`, `V1001` or `1001`.
    ///
    /// # Errors
    /// [`Error::Format`] for the subjects 1006 and 1017, whose logs are broken, and where there is not exactly one log;
    /// [`Error::Io`].
    pub fn find(logs: &Path, subject: &str) -> Result<Self> {
        let label = subject.strip_prefix("sub-").unwrap_or(subject);
        let number = digits(label);
        if BROKEN.contains(&number) {
            let problem = format!("the log of subject {number} is known to be broken");
            return Err(Error::format(logs, problem, "leave the subject out with data.subjects"));
        }
        let mut found = Vec::new();
        for entry in fs::read_dir(logs).map_err(Error::io("read", logs))? {
            let entry = entry.map_err(Error::io("read", logs))?;
            let name = entry.file_name().to_string_lossy().to_lowercase();
            let is_log = Path::new(&name).extension().is_some_and(|extension| extension == "log");
            if let (true, Some((owner, _))) = (is_log, name.split_once("-meg-mous-vis")) {
                let owner = owner.strip_prefix("sub-").unwrap_or(owner);
                // The letter before the number is left out by some.
                let bare = owner == number || label == number;
                if owner == label.to_lowercase() || (bare && digits(owner) == number) {
                    found.push(entry.path());
                }
            }
        }
        found.sort();
        let names: Vec<String> =
            found.iter().map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned()).collect();
        let mut found = found.into_iter();
        let (Some(log), None) = (found.next(), found.next()) else {
            let problem = match names.as_slice() {
                [] => format!("no log {label}-MEG-MOUS-Vis*.log of {subject}"),
                names => format!("{} logs of {subject}: {}", names.len(), names.join(", ")),
            };
            return Err(Error::format(logs, problem, "keep one for each subject, or leave the subject out"));
        };
        let stimuli = STIMULI.iter().map(|place| logs.join(place)).find(|path| path.is_file());
        Ok(Self { log, stimuli })
    }
}

/// A label without the letters before its number.
fn digits(label: &str) -> &str {
    label.trim_start_matches(|c: char| !c.is_ascii_digit())
}
