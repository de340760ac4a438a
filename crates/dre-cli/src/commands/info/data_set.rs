//! A BIDS data set: what is there, what will be used, and why the rest is left out.

use std::fmt::Write as _;
use std::path::Path;

use dre_io::bids::{BidsDataset, BidsError, BidsRecording};
use dre_io::pipeline::open_described;
use dre_io::recording::RecordingInfo;

use super::recording::{channels, format, shown};
use crate::error::{CliError, Result};
use crate::table::aligned;
use crate::text::{counted, joined, number_of};

/// Above this many recordings there is a row for each subject, not for each recording.
const MAX_ROWS: usize = 60;
/// Kinds of events that a row names.
const MAX_KINDS: usize = 6;

/// A recording that can be used.
struct Used<'a> {
    recording: &'a BidsRecording,
    info: RecordingInfo,
    /// Kinds of events.
    events: Vec<String>,
}

/// What is there, what will be used, what is left out.
pub(super) fn describe(path: &Path) -> Result<String> {
    let dataset = match BidsDataset::open(path) {
        Ok(dataset) => dataset,
        // A folder that was not meant to be a data set.
        Err(BidsError::NoRecordings { .. }) if !looks_like_bids(path) => {
            return Err(CliError::Unknown { path: path.to_path_buf() });
        }
        Err(error) => return Err(error.into()),
    };
    let mut used = Vec::new();
    let mut left_out: Vec<String> =
        dataset.skipped().iter().map(|skipped| format!("{} ({})", skipped.path.display(), skipped.reason)).collect();
    let mut notes = dataset.notes();
    for recording in dataset.recordings() {
        match look_at(&dataset, recording, &mut notes) {
            Ok(found) => used.push(found),
            Err(error) => left_out.push(format!("{} ({error})", recording.id)),
        }
    }
    notes.extend(differences(&used));
    let mut text = format!("BIDS data set {}\n", path.display());
    if !used.is_empty() {
        text += "\n";
        text += &table(&used);
    }
    for (title, lines) in [("left out", &left_out), ("to know", &notes)] {
        if !lines.is_empty() {
            let _ = write!(text, "\n{title}\n");
            for line in lines {
                let _ = writeln!(text, "  {line}");
            }
        }
    }
    let _ = write!(text, "\n{}", totals(&dataset, &used, &left_out));
    Ok(text)
}

fn looks_like_bids(path: &Path) -> bool {
    let has_subject = || {
        let mut entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.any(|entry| entry.file_name().to_string_lossy().starts_with("sub-"))
    };
    let itself = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("sub-"));
    itself || path.join("dataset_description.json").is_file() || has_subject()
}

fn look_at<'a>(dataset: &BidsDataset, recording: &'a BidsRecording, notes: &mut Vec<String>) -> Result<Used<'a>> {
    let opened = open_described(dataset, recording)?;
    let info = opened.info().clone();
    let events = dataset.events_file_at(recording, Some(info.sfreq))?;
    events.check_within(info.seconds())?;
    notes.extend(info.notes.iter().chain(&events.notes).map(|note| format!("{}: {note}", recording.id)));
    let columns = &events.table.columns;
    let kinds = match columns.get("trial_type").or_else(|| columns.get("value")) {
        Some(kinds) => kinds.clone(),
        None => vec!["events".to_owned(); events.table.len()],
    };
    Ok(Used { recording, info, events: kinds })
}

fn kinds<'a>(used: impl Iterator<Item = &'a Used<'a>>) -> String {
    let counts = counted(used.flat_map(|used| used.events.iter().map(String::as_str)));
    let more = counts.len().saturating_sub(MAX_KINDS);
    let text = joined(&counts[..counts.len() - more]);
    if more > 0 { format!("{text} and {more} other kinds") } else { text }
}

fn minutes<'a>(used: impl Iterator<Item = &'a Used<'a>>) -> String {
    format!("{:.1}", used.map(|used| used.info.seconds()).sum::<f64>() / 60.0)
}

fn with_bad(info: &RecordingInfo) -> String {
    let n_bad = info.channels.iter().filter(|channel| channel.bad).count();
    if n_bad == 0 { channels(info) } else { format!("{} ({n_bad} bad)", channels(info)) }
}

fn table(used: &[Used<'_>]) -> String {
    let by_subject = used.len() > MAX_ROWS;
    let title = if by_subject { "subject" } else { "recording" };
    let header = [title, "format", "channels", "Hz", "min", "events"].map(str::to_owned);
    let mut rows = vec![header.to_vec()];
    let groups = used.chunk_by(|a, b| by_subject && a.recording.subject == b.recording.subject);
    for group in groups {
        let distinct = |mut values: Vec<String>| {
            values.dedup();
            values.join(" | ")
        };
        let first = &group[0];
        let name = if by_subject {
            format!("{} ({})", first.recording.subject, number_of(group.len(), "recording"))
        } else {
            first.recording.id.clone()
        };
        rows.push(vec![
            name,
            distinct(group.iter().map(|used| format(&used.info.path)).collect()),
            distinct(group.iter().map(|used| with_bad(&used.info)).collect()),
            distinct(group.iter().map(|used| shown(used.info.sfreq)).collect()),
            minutes(group.iter()),
            kinds(group.iter()),
        ]);
    }
    let all = [
        number_of(used.len(), "recording"),
        String::new(),
        String::new(),
        String::new(),
        minutes(used.iter()),
        kinds(used.iter()),
    ];
    rows.push(all.to_vec());
    aligned(&rows, &[0, 1, 2, 5])
}

/// In what recordings differ that a cohort must share.
fn differences(used: &[Used<'_>]) -> Vec<String> {
    let mut notes = Vec::new();
    let frequencies: Vec<String> = used.iter().map(|used| format!("{} Hz", shown(used.info.sfreq))).collect();
    let frequencies = counted(frequencies.iter().map(String::as_str));
    if frequencies.len() > 1 {
        let list: Vec<String> = frequencies.iter().map(|(sfreq, n)| format!("{n} at {sfreq}")).collect();
        notes.push(format!("recordings are sampled differently: {}", list.join(", ")));
    }
    let names = |used: &Used<'_>| {
        let good = used.info.channels.iter().filter(|channel| !channel.bad);
        good.map(|channel| channel.name.as_str()).collect::<Vec<_>>().join("\n")
    };
    let sets: Vec<String> = used.iter().map(names).collect();
    let sets = counted(sets.iter().map(String::as_str));
    if sets.len() > 1 {
        notes.push(format!("recordings have {} different sets of good channels", sets.len()));
    }
    notes
}

fn totals(dataset: &BidsDataset, used: &[Used<'_>], left_out: &[String]) -> String {
    let mut subjects: Vec<&str> = used.iter().map(|used| used.recording.subject.as_str()).collect();
    subjects.dedup();
    let n_events: usize = used.iter().map(|used| used.events.len()).sum();
    let mut text = format!(
        "{}, {} of {:.1} min, {} can be used; {} left out",
        number_of(subjects.len(), "subject"),
        number_of(used.len(), "recording"),
        used.iter().map(|used| used.info.seconds()).sum::<f64>() / 60.0,
        number_of(n_events, "event"),
        left_out.len()
    );
    if let Some(table) = dataset.participants().ok().flatten() {
        let columns = if table.columns.is_empty() { "no columns".to_owned() } else { table.columns.join(", ") };
        let _ = write!(text, "\nparticipants.tsv: {}, {columns}", number_of(table.rows.len(), "row"));
    }
    let systems: Vec<String> = used
        .iter()
        .filter_map(|used| dataset.electrodes(used.recording).ok().flatten())
        .filter_map(|electrodes| electrodes.system)
        .collect();
    if !systems.is_empty() {
        let systems = counted(systems.iter().map(String::as_str));
        let names: Vec<&str> = systems.iter().map(|(name, _)| *name).collect();
        let _ = write!(text, "\nelectrodes: positions in {}", names.join(", "));
    }
    text
}
