//! The visual recordings of MOUS, "Mother of Unification Studies": words one by one, in sentences and in word lists.
//!
//! Schoffelen et al., "A 204-subject multimodal neuroimaging dataset to study language processing", Sci. Data 6, 17 (2019). Its events are not
//! in `events.tsv` but in the logs of the program Presentation (`V1001-MEG-MOUS-Vis….log`), on Presentation's clock; triggers
//! in the recording (20 at each fixation cross, 10 at the start of each block) tie that clock to the samples. What the words were
//! part of is in `stimuli.txt`.

mod align;
mod files;
mod log;
mod stimuli;
mod text;
mod triggers;
mod words;

use std::path::Path;

use dre::data::EventTable;

pub use align::Trigger;
pub use files::MousFiles;
pub use log::{LogEvent, PresentationLog};
pub use stimuli::Stimuli;
pub use triggers::read_triggers;
pub use words::{Condition, Word};

use crate::Result;

/// Value of the trigger channel when a fixation cross appears.
pub const FIXATION: i64 = 20;
/// Value of the trigger channel when a block starts.
pub const BLOCK: i64 = 10;

/// The words of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct MousEvents {
    /// One event a word, by onset. Columns: `word`; `condition` (`sentence` or `word_list`); `block` (from 1); `sequence`, the
    /// running number of the sentence or list in the recording (from 1); `position` of the word in it (from 1); `stimulus`, its
    /// number in `stimuli.txt`, or `n/a`.
    pub table: EventTable,
    /// What was left out and what was found odd.
    pub notes: Vec<String>,
}

/// The words of a recording of `n_times` samples at `sfreq` Hz from its log and the triggers in it.
///
/// A word's onset is the log's time since the last fixation or block start before it, counted from that one's trigger.
/// Words before the first trigger or after the last sample are left out and noted.
///
/// # Errors
/// [`crate::Error::Line`] for what is wrong in the log, [`crate::Error::Format`] where log and triggers do not fit together.
pub fn events(
    log: &PresentationLog,
    stimuli: Option<&Stimuli>,
    triggers: &[Trigger],
    sfreq: f64,
    n_times: usize,
) -> Result<MousEvents> {
    let parsed = words::words(log)?;
    let times = align::align(log, &parsed.anchors, triggers, sfreq)?;
    let mut notes = times.notes.clone();
    let mut table = EventTable::default();
    let columns = ["block", "condition", "position", "sequence", "stimulus", "word"];
    for column in columns {
        table.columns.insert(column.to_owned(), Vec::new());
    }
    let (mut n_outside, mut unknown) = (0, Vec::new());
    let numbers: Vec<Option<u32>> = parsed.sequences.iter().map(|s| stimuli.and_then(|known| known.find(s))).collect();
    if stimuli.is_some() {
        let missing = parsed.sequences.iter().zip(&numbers).filter(|(_, number)| number.is_none());
        unknown.extend(missing.map(|(words, _)| words.join(" ")));
    }
    let end = n_times as f64 / sfreq;
    for word in &parsed.words {
        let Some(onset) = times.seconds(word.time).filter(|onset| (0.0..end).contains(onset)) else {
            n_outside += 1;
            continue;
        };
        table.onset.push(onset);
        table.duration.push(word.duration as f64 / log::TICKS_PER_SECOND);
        let stimulus = numbers[word.sequence].map_or_else(|| "n/a".to_owned(), |number| number.to_string());
        let values = [
            word.block.to_string(),
            word.condition.name().to_owned(),
            (word.position + 1).to_string(),
            (word.sequence + 1).to_string(),
            stimulus,
            word.text.clone(),
        ];
        for (column, value) in columns.into_iter().zip(values) {
            table.columns.entry(column.to_owned()).or_default().push(value);
        }
    }
    let shown = log.path().display();
    if n_outside > 0 {
        notes.push(format!("{shown}: {n_outside} words lie outside the recording or its triggers and were left out"));
    }
    if let Some(first) = unknown.first() {
        let n = unknown.len();
        notes.push(format!("{shown}: {n} of {} sequences are not in stimuli.txt, such as `{first}`", numbers.len()));
    }
    if table.is_empty() {
        let problem = format!("none of its {} words lies within the recording ({end:.1} s)", parsed.words.len());
        return Err(crate::Error::format(log.path(), problem, "check that log and recording belong together"));
    }
    Ok(MousEvents { table, notes })
}

/// The words of a subject's recording: finds and reads log and stimuli in the folder `logs`.
///
/// # Errors
/// As [`MousFiles::find`], [`PresentationLog::read`], [`Stimuli::read`] and [`events`].
pub fn read_events(
    logs: &Path,
    subject: &str,
    triggers: &[Trigger],
    sfreq: f64,
    n_times: usize,
) -> Result<(MousEvents, MousFiles)> {
    let files = MousFiles::find(logs, subject)?;
    let log = PresentationLog::read(&files.log)?;
    let stimuli = files.stimuli.as_deref().map(Stimuli::read).transpose()?;
    let mut events = events(&log, stimuli.as_ref(), triggers, sfreq, n_times)?;
    if stimuli.is_none() {
        events.notes.push(format!("{}: no stimuli.txt there or above; `stimulus` is n/a", logs.display()));
    }
    Ok((events, files))
}
