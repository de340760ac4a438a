//! Stimuli that are seen on both sides.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::AuditSpec;
use crate::Result;
use crate::data::{Dataset, Set};

/// Columns that BIDS has for the stimulus of an event (specification 1.10, "Events" and "Stimuli").
const BIDS_COLUMNS: [&str; 2] = ["stim_file", "stim_id"];

/// Shown in full; more are counted.
const N_EXAMPLES: usize = 5;

/// Stimuli seen on both sides: by an epoch that trains or validates and by one that tests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StimuliAudit {
    /// Columns whose texts together name the stimulus; empty where none is known.
    pub columns: Vec<String>,
    /// Where the columns come from, or that none is known and what to do.
    pub note: String,
    /// Distinct stimuli of all epochs used.
    pub n_stimuli: usize,
    /// Epochs whose event names no stimulus (`n/a` or empty).
    pub n_epochs_without: usize,
    /// Stimuli seen on both sides by anyone: the same subject or another.
    pub n_on_both_sides: usize,
    /// Test epochs whose stimulus someone's training or validation epochs show, too.
    pub n_test_epochs_seen: usize,
    /// Stimuli that training and validation epochs share.
    pub n_in_train_and_valid: usize,
    /// By subject.
    pub subjects: Vec<SubjectStimuli>,
    /// Some of those seen on both sides.
    pub examples: Vec<String>,
}

/// Stimuli of one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectStimuli {
    /// Label.
    pub subject: String,
    /// Distinct stimuli.
    pub n_stimuli: usize,
    /// Those that the subject itself saw on both sides.
    pub n_on_both_sides: usize,
}

/// Which sets a stimulus is in, over all subjects and for each.
#[derive(Default)]
struct Seen {
    anyone: [bool; 3],
    by_subject: BTreeMap<usize, [bool; 3]>,
    n_test: usize,
}

fn on_both_sides(sets: [bool; 3]) -> bool {
    sets[2] && (sets[0] || sets[1])
}

pub(super) fn audit(data: &Dataset, spec: &AuditSpec) -> Result<StimuliAudit> {
    let (columns, note) = columns(data, spec)?;
    let mut stimuli: BTreeMap<Vec<&str>, Seen> = BTreeMap::new();
    let mut n_epochs_without = 0;
    if !columns.is_empty() {
        for set in Set::ALL {
            for epoch in data.epochs(set) {
                let texts: Vec<&str> =
                    columns.iter().filter_map(|c| data.event_text(epoch, c)).map(str::trim).collect();
                let is_missing = |text: &&str| text.is_empty() || text.eq_ignore_ascii_case("n/a");
                if texts.len() < columns.len() || texts.iter().any(is_missing) {
                    n_epochs_without += 1;
                    continue;
                }
                let seen = stimuli.entry(texts).or_default();
                seen.anyone[set as usize] = true;
                seen.by_subject.entry(epoch.subject).or_default()[set as usize] = true;
                seen.n_test += usize::from(set == Set::Test);
            }
        }
    }
    let both = || stimuli.iter().filter(|(_, seen)| on_both_sides(seen.anyone));
    let subjects = data.subjects().iter().enumerate().map(|(subject, label)| {
        let mine = || stimuli.values().filter_map(|seen| seen.by_subject.get(&subject));
        SubjectStimuli {
            subject: label.clone(),
            n_stimuli: mine().count(),
            n_on_both_sides: mine().filter(|sets| on_both_sides(**sets)).count(),
        }
    });
    Ok(StimuliAudit {
        n_stimuli: stimuli.len(),
        n_epochs_without,
        n_on_both_sides: both().count(),
        n_test_epochs_seen: both().map(|(_, seen)| seen.n_test).sum(),
        n_in_train_and_valid: stimuli.values().filter(|seen| seen.anyone[0] && seen.anyone[1]).count(),
        subjects: if columns.is_empty() { Vec::new() } else { subjects.collect() },
        examples: both().take(N_EXAMPLES).map(|(texts, _)| texts.join(" / ")).collect(),
        columns,
        note,
    })
}

/// The columns that name a stimulus, and where they come from.
fn columns(data: &Dataset, spec: &AuditSpec) -> Result<(Vec<String>, String)> {
    let used: BTreeSet<usize> = data.scalers().map(|(recording, _)| recording).collect();
    let tables = || used.iter().map(|&i| &data.cohort().recordings[i]);
    if !spec.stimulus.is_empty() {
        for recording in tables() {
            for column in &spec.stimulus {
                recording
                    .events
                    .column(column, || "audit.stimulus".to_owned())
                    .map_err(|e| e.at(recording.id.as_str()))?;
            }
        }
        return Ok((spec.stimulus.clone(), "as audit.stimulus says".to_owned()));
    }
    let by = &data.split().by;
    if !by.is_empty() {
        return Ok((by.clone(), "the columns of split.by".to_owned()));
    }
    let there = |column: &&str| tables().all(|recording| recording.events.columns.contains_key(*column));
    Ok(match BIDS_COLUMNS.into_iter().find(there) {
        Some(column) => (vec![column.to_owned()], format!("`{column}`, BIDS's column for the stimulus")),
        None => (
            Vec::new(),
            "no stimulus column is known, so whether a stimulus is on both sides was not looked at; name one with \
             audit.stimulus"
                .to_owned(),
        ),
    })
}
