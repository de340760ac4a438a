//! The events of a recording, from wherever the study takes them, and the recording as its data set describes it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use dre::data::EventTable;

use super::{Job, Result};
use crate::bids::{BidsDataset, BidsRecording};
use crate::mous;
use crate::recording::{ChannelNote, Recording, describe, open_recording, read_events as read_triggers};
use crate::store::StoreError;
use crate::study::{EventSource, TriggerSpec};

/// The events of a recording, with what is to be said of them.
pub(super) struct Events {
    pub(super) table: EventTable,
    pub(super) notes: Vec<String>,
    /// Files that [`BidsDataset::metadata_files`] does not know.
    pub(super) files: Vec<PathBuf>,
}

/// Reads the events that the study asks for.
///
/// # Errors
/// [`super::PipelineError`], for what is wrong in tables, logs or trigger channels.
pub(super) fn read_events(
    job: &Job,
    dataset: &BidsDataset,
    recording: &BidsRecording,
    reader: &mut dyn Recording,
) -> Result<Events> {
    let (sfreq, n_times, seconds) = (reader.info().sfreq, reader.info().n_times, reader.info().seconds());
    let data = &job.study.data;
    if data.events == EventSource::Triggers {
        let table = from_triggers(reader, &data.triggers)?;
        return Ok(Events { table, notes: Vec::new(), files: Vec::new() });
    }
    if let (EventSource::Mous, Some(logs)) = (data.events, &data.logs) {
        let triggers = mous::read_triggers(reader)?;
        let (events, used) = mous::read_events(logs, &recording.subject, &triggers, sfreq, n_times)?;
        let files = std::iter::once(used.log).chain(used.stimuli).collect::<Vec<_>>();
        // Inputs are found again from the data set's root, so that paths which are not below it must be complete.
        let files =
            files.iter().map(std::path::absolute).collect::<std::io::Result<_>>().map_err(StoreError::read(logs))?;
        return Ok(Events { table: events.table, notes: events.notes, files });
    }
    let events = dataset.events_file_at(recording, Some(sfreq))?;
    events.check_within(seconds)?;
    Ok(Events { table: events.table, notes: events.notes, files: Vec::new() })
}

/// One event for each trigger; its value stands in the columns `value` and `trial_type`.
fn from_triggers(reader: &mut dyn Recording, spec: &TriggerSpec) -> Result<EventTable> {
    let names: Vec<&str> = spec.channels.iter().map(String::as_str).collect();
    let found = read_triggers(reader, (!names.is_empty()).then_some(&names[..]), &spec.options())?;
    let (sfreq, first_samp) = (reader.info().sfreq, reader.info().first_samp);
    let values: Vec<String> = found.iter().map(|event| event.value.to_string()).collect();
    Ok(EventTable {
        onset: found.iter().map(|event| (event.sample - first_samp) as f64 / sfreq).collect(),
        duration: vec![0.0; found.len()],
        columns: BTreeMap::from([("trial_type".to_owned(), values.clone()), ("value".to_owned(), values)]),
    })
}

/// The events of a recording, which is opened where the tables alone do not tell them.
///
/// # Errors
/// As [`read_events`].
pub(super) fn events_of(job: &Job, dataset: &BidsDataset, recording: &BidsRecording) -> Result<EventTable> {
    if job.study.data.events == EventSource::Bids
        && let Ok(events) = dataset.events(recording)
    {
        return Ok(events);
    }
    let mut reader = open_described(dataset, recording)?;
    Ok(read_events(job, dataset, recording, &mut *reader)?.table)
}

/// Opens a recording with what `channels.tsv` and `electrodes.tsv` say about its channels.
///
/// # Errors
/// [`super::PipelineError`], for what is wrong in the recording or in the tables about it.
pub fn open_described(dataset: &BidsDataset, recording: &BidsRecording) -> Result<Box<dyn Recording>> {
    let reader = open_recording(&recording.path)?;
    let channels = dataset.channels(recording)?.unwrap_or_default();
    let electrodes = dataset.electrodes(recording)?.map(|e| e.positions).unwrap_or_default();
    let mut notes: Vec<ChannelNote<'_>> = channels
        .iter()
        .map(|c| ChannelNote {
            name: &c.name,
            kind: Some(c.kind),
            unit: c.units.as_deref(),
            bad: c.is_bad,
            position: electrodes.get(&c.name).copied(),
        })
        .collect();
    if channels.is_empty() {
        // Positions alone; a table of electrodes may list some that were not recorded.
        let names: Vec<String> = reader.info().channels.iter().map(|c| c.name.clone()).collect();
        let known = electrodes.iter().filter(|(name, _)| names.contains(name));
        notes = known
            .map(|(name, &at)| ChannelNote { name, kind: None, unit: None, bad: false, position: Some(at) })
            .collect();
        return Ok(describe(reader, notes)?);
    }
    Ok(describe(reader, notes)?)
}
