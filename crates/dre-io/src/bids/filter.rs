//! Choosing recordings.

use super::error::listed;
use super::name::{compare_labels, label};
use super::{BidsDataset, BidsError, BidsRecording};

/// Which recordings are wanted. What is empty or absent leaves nothing out. Labels may be written with or without
/// their key (`01` or `sub-01`); runs are numbers, so `1` is `run-01`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BidsFilter {
    /// Task.
    pub task: Option<String>,
    /// Subjects.
    pub subjects: Vec<String>,
    /// Sessions.
    pub sessions: Vec<String>,
    /// Runs.
    pub runs: Vec<String>,
    /// Acquisitions (`acq`).
    pub acquisitions: Vec<String>,
    /// Ways of processing (`proc`), in derivatives.
    pub processings: Vec<String>,
    /// Recordings of one run (`recording`).
    pub recordings: Vec<String>,
    /// Coordinate systems (`space`).
    pub spaces: Vec<String>,
    /// Descriptions (`desc`), in derivatives.
    pub descriptions: Vec<String>,
}

/// One entity that a filter looks at.
struct Part<'a> {
    /// What it is called in messages.
    what: &'static str,
    key: &'static str,
    /// Without the key.
    wanted: Vec<&'a str>,
}

impl Part<'_> {
    fn label<'r>(&self, recording: &'r BidsRecording) -> Option<&'r str> {
        label(&recording.entities, self.key)
    }

    fn is_one(&self, wanted: &str, label: &str) -> bool {
        let index = |text: &str| text.parse::<u64>().ok();
        wanted == label || (self.key == "run" && index(wanted).is_some() && index(wanted) == index(label))
    }

    fn keeps(&self, recording: &BidsRecording) -> bool {
        self.wanted.is_empty()
            || self.label(recording).is_some_and(|label| self.wanted.iter().any(|w| self.is_one(w, label)))
    }

    /// Refuses labels that no recording has.
    fn check(&self, dataset: &BidsDataset) -> Result<(), BidsError> {
        let mut existing: Vec<&str> = dataset.recordings().iter().filter_map(|r| self.label(r)).collect();
        existing.sort_by(|a, b| compare_labels(Some(a), Some(b)));
        existing.dedup();
        let unknown: Vec<&str> =
            self.wanted.iter().copied().filter(|w| !existing.iter().any(|label| self.is_one(w, label))).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let with_key = |labels: &[&str]| labels.iter().map(|l| format!("{}-{l}", self.key)).collect::<Vec<_>>();
        let mut near: Vec<&str> = unknown.iter().filter_map(|label| nearest(label, &existing)).collect();
        near.dedup();
        Err(BidsError::UnknownLabel {
            dir: dataset.root().to_path_buf(),
            what: self.what,
            labels: listed(&with_key(&unknown)),
            existing: if existing.is_empty() { "none".to_owned() } else { listed(&with_key(&existing)) },
            suggestion: match with_key(&near).as_slice() {
                [] => String::new(),
                near => format!("; did you mean {}?", listed(near)),
            },
        })
    }
}

impl BidsFilter {
    pub(super) fn select<'a>(&self, dataset: &'a BidsDataset) -> Result<Vec<&'a BidsRecording>, BidsError> {
        let parts = self.parts();
        for part in &parts {
            part.check(dataset)?;
        }
        let kept: Vec<&BidsRecording> =
            dataset.recordings().iter().filter(|recording| parts.iter().all(|part| part.keeps(recording))).collect();
        let subjects = &parts[0];
        // A subject that is asked for by name and silently absent would change the result unseen.
        let lost = subjects.wanted.iter().find(|wanted| {
            !kept.iter().any(|recording| subjects.label(recording).is_some_and(|label| subjects.is_one(wanted, label)))
        });
        if kept.is_empty() || lost.is_some() {
            let subject = lost.map(|label| format!("sub-{label}"));
            let of_subject = |recording: &&BidsRecording| subject.as_ref().is_none_or(|s| *s == recording.subject);
            let existing: Vec<&str> =
                dataset.recordings().iter().filter(of_subject).map(|recording| recording.id.as_str()).collect();
            return Err(BidsError::NothingSelected {
                dir: dataset.root().to_path_buf(),
                wanted: in_words(&parts[1..]),
                existing: listed(&existing),
                subject,
            });
        }
        Ok(kept)
    }

    fn parts(&self) -> [Part<'_>; 9] {
        [
            part("subject", "sub", &self.subjects),
            part("session", "ses", &self.sessions),
            part("task", "task", self.task.as_slice()),
            part("run", "run", &self.runs),
            part("acquisition", "acq", &self.acquisitions),
            part("processing", "proc", &self.processings),
            part("recording", "recording", &self.recordings),
            part("space", "space", &self.spaces),
            part("description", "desc", &self.descriptions),
        ]
    }
}

fn part<'a>(what: &'static str, key: &'static str, wanted: &'a [String]) -> Part<'a> {
    let bare = |text: &'a String| text.strip_prefix(key).and_then(|rest| rest.strip_prefix('-')).unwrap_or(text);
    Part { what, key, wanted: wanted.iter().map(bare).collect() }
}

/// `task-p300 and ses-01 or ses-02`.
fn in_words(parts: &[Part<'_>]) -> String {
    let words = |part: &Part<'_>| {
        part.wanted.iter().map(|label| format!("{}-{label}", part.key)).collect::<Vec<_>>().join(" or ")
    };
    parts.iter().filter(|part| !part.wanted.is_empty()).map(words).collect::<Vec<_>>().join(" and ")
}

/// The label that is spelt most like `wanted`, if one is near enough to be a slip.
fn nearest<'a>(wanted: &str, existing: &[&'a str]) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    existing
        .iter()
        .map(|label| (strsim::damerau_levenshtein(&wanted, &label.to_lowercase()), *label))
        .min_by_key(|&(distance, _)| distance)
        .filter(|&(distance, label)| distance <= 1 && label.chars().count() > 2)
        .map(|(_, label)| label)
}
