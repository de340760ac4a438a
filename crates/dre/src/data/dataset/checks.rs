//! What is looked at before anything is computed.

use std::collections::BTreeSet;

use crate::data::prepare::Candidates;
use crate::data::split::Kept;
use crate::data::{CleaningSpec, Cohort, EpochSpec, Set, SplitSpec};
use crate::{Error, Result};

/// Where a selection of events finds none at all, says what there is to select.
pub(super) fn check_selection(cohort: &Cohort, spec: &EpochSpec, found: &[Candidates]) -> Result<()> {
    if spec.events.is_empty() || found.is_empty() || found.iter().any(|one| one.n_events > 0) {
        return Ok(());
    }
    let there: Vec<String> = spec
        .events
        .keys()
        .map(|column| {
            let texts: BTreeSet<&str> = cohort
                .recordings
                .iter()
                .filter_map(|recording| recording.events.columns.get(column))
                .flatten()
                .map(String::as_str)
                .collect();
            let shown: Vec<String> = texts.iter().take(12).map(|text| format!("`{text}`")).collect();
            format!("`{column}` holds {}{}", shown.join(", "), if texts.len() > 12 { ", …" } else { "" })
        })
        .collect();
    Err(Error::NoEpochs {
        what: "epochs.events selects no event".to_owned(),
        advice: format!("check its spelling: {}", there.join("; ")),
    })
}

pub(super) fn check_cohort(cohort: &Cohort) -> Result<()> {
    if !(cohort.sfreq.is_finite() && cohort.sfreq > 0.0) {
        return Err(setting("sfreq", cohort.sfreq, "a positive number of Hz"));
    }
    for recording in &cohort.recordings {
        let check = |what: &str, found: usize, n_rows: usize| {
            (found == n_rows * recording.n_times).then_some(()).ok_or_else(|| Error::Shape {
                what: format!("the {what} of {}", recording.id),
                found: vec![found],
                expected: format!("{n_rows} rows of {} samples", recording.n_times),
            })
        };
        let n_channels = if recording.data.n_channels() == cohort.channels.len() { cohort.channels.len() } else { 0 };
        check("data", recording.data.len(), n_channels)?;
        check("features", (*recording.features).as_ref().len(), cohort.features.len())?;
        if let Some((&row, _)) = recording.gaps.channels().range(cohort.channels.len()..).next() {
            let expected = format!("rows below the {} of the cohort's channels", cohort.channels.len());
            return Err(setting("a missing channel", row, &expected).at(recording.id.as_str()));
        }
        if recording.subject >= cohort.subjects.len() {
            return Err(setting("subject", recording.subject, &format!("an index below {}", cohort.subjects.len()))
                .at(recording.id.as_str()));
        }
    }
    Ok(())
}

/// Refuses a gap that takes all epochs of a set, which borders without a gap would have left some; `kept` with it, `without` it.
pub(super) fn check_gap(split: &SplitSpec, kept: &[Kept], without: &[Kept]) -> Result<()> {
    let count = |kept: &[Kept], set: Set| kept.iter().map(|one| one.sets[set as usize].len()).sum::<usize>();
    for set in Set::ALL {
        let (n, n_without) = (count(kept, set), count(without, set));
        if n == 0 && n_without > 0 {
            return Err(setting(
                "split.gap",
                format!("{:.3} s", split.gap.unwrap_or(0.0)),
                &format!(
                    "a shorter stretch: it leaves none of the {n_without} epochs of the {} set that share no sample with another set \
                     (where not set, it is as long as the filters reach); 0 accepts that filters reach across the borders",
                    set.name()
                ),
            ));
        }
    }
    Ok(())
}

pub(super) fn check_cleaning(cleaning: &CleaningSpec) -> Result<()> {
    if cleaning.reject_above > 0.0 {
        return Ok(());
    }
    Err(setting("cleaning.reject_above", cleaning.reject_above, "a positive number of interquartile ranges, or inf"))
}

fn setting(name: &str, found: impl std::fmt::Display, expected: &str) -> Error {
    Error::Setting { name: name.to_owned(), found: found.to_string(), expected: expected.to_owned() }
}
