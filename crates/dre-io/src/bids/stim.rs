//! Continuous stimuli: `*_stim.tsv.gz` with its JSON (BIDS 1.10, "Physiological and other continuous recordings").

use std::path::{Path, PathBuf};

use super::inherit::{applicable, most_specific};
use super::name::label;
use super::sidecar::{Json, parse_object};
use super::{BidsError, BidsRecording};

/// The continuous stimulus of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct BidsStimulus {
    /// The compressed table, which has no header line.
    pub path: PathBuf,
    /// The JSON files that describe it, the least specific first.
    pub sidecars: Vec<PathBuf>,
    /// `StartTime`: time of the first row (s) from the recording's first sample.
    pub start: f64,
    /// `SamplingFrequency` (Hz).
    pub sfreq: f64,
    /// `Columns`: names of the columns.
    pub columns: Vec<String>,
}

pub(super) fn find(root: &Path, recording: &BidsRecording) -> Result<Option<BidsStimulus>, BidsError> {
    let tables = applicable(root, recording, "stim", ".tsv.gz", &["recording"])?;
    let Some(table) = most_specific(recording, tables)? else { return Ok(None) };
    let mut json = Json::default();
    let mut sidecars = Vec::new();
    for file in applicable(root, recording, "stim", ".json", &["recording"])? {
        let own = label(&file.name.entities, "recording");
        if own.is_none_or(|own| table.name.label("recording") == Some(own)) {
            json.merge(parse_object(&file.shown, &file.read()?)?);
            sidecars.push(file.path);
        }
    }
    let lacks = |key: &str| BidsError::StimulusKey { file: table.shown.clone(), key: key.to_owned() };
    Ok(Some(BidsStimulus {
        start: json
            .get("StartTime", "a number of seconds", |value| value.as_f64().filter(|s| s.is_finite()))?
            .ok_or_else(|| lacks("StartTime"))?,
        sfreq: json
            .above_zero("SamplingFrequency", "a number of Hz above 0")?
            .ok_or_else(|| lacks("SamplingFrequency"))?,
        columns: json
            .get("Columns", "a list of names", |value| {
                value.as_array()?.iter().map(|name| name.as_str().map(str::to_owned)).collect()
            })?
            .ok_or_else(|| lacks("Columns"))?,
        path: table.path,
        sidecars,
    }))
}
