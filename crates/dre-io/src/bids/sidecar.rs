//! Metadata in JSON files.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::BidsError;
use super::BidsRecording;
use super::error::clipped;
use super::inherit::applicable;
use super::table::decode;

/// What the JSON files about a recording say; `None` where they say `n/a` or nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sidecar {
    /// `SamplingFrequency` (Hz), above 0.
    pub sfreq: Option<f64>,
    /// `PowerLineFrequency` (Hz), above 0.
    pub line_freq: Option<f64>,
    /// `RecordingDuration` (s), above 0.
    pub recording_duration: Option<f64>,
    /// `TaskName`.
    pub task_name: Option<String>,
    /// The files, relative to the data set's root, the least specific first.
    pub files: Vec<PathBuf>,
}

pub(super) fn read(root: &Path, recording: &BidsRecording) -> Result<Sidecar, BidsError> {
    let mut merged = Json::default();
    let mut files = Vec::new();
    for file in applicable(root, recording, recording.datatype.name(), ".json", &[])? {
        merged.merge(parse_object(&file.shown, &file.read()?)?);
        files.push(file.shown);
    }
    Ok(Sidecar {
        sfreq: merged.above_zero("SamplingFrequency", "a number of Hz above 0")?,
        line_freq: merged.above_zero("PowerLineFrequency", "a number of Hz above 0")?,
        recording_duration: merged.above_zero("RecordingDuration", "a number of seconds above 0")?,
        task_name: merged.text("TaskName", "a text", |text| Some(text.to_owned()))?,
        files,
    })
}

/// Whether `dataset_description.json` says that a data set holds derivatives.
pub(super) fn is_derivative(root: &Path) -> Result<bool, BidsError> {
    const FILE: &str = "dataset_description.json";
    let path = root.join(FILE);
    let bytes = match crate::files::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(BidsError::Read { path, source }),
    };
    let kind =
        parse_object(Path::new(FILE), &bytes)?.text("DatasetType", "\"raw\", \"derivative\" or \"study\"", |kind| {
            ["raw", "derivative", "study"].contains(&kind).then(|| kind == "derivative")
        })?;
    Ok(kind.unwrap_or(false))
}

/// The top level of one or more JSON files, with the place of each key.
#[derive(Default)]
pub(super) struct Json(HashMap<String, (Value, PathBuf, usize)>);

impl Json {
    /// Adds what a more specific file says, which holds where both say something.
    pub(super) fn merge(&mut self, more_specific: Self) {
        self.0.extend(more_specific.0);
    }

    /// A text as `convert` understands it; `None` where the key is absent or `n/a`.
    pub(super) fn text<T>(
        &self,
        key: &'static str,
        expected: &'static str,
        convert: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, BidsError> {
        self.get(key, expected, |value| value.as_str().and_then(convert))
    }

    pub(super) fn above_zero(&self, key: &'static str, expected: &'static str) -> Result<Option<f64>, BidsError> {
        self.get(key, expected, |value| value.as_f64().filter(|&number| number > 0.0 && number.is_finite()))
    }

    pub(super) fn get<T>(
        &self,
        key: &'static str,
        expected: &'static str,
        convert: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, BidsError> {
        let Some((value, file, line)) = self.0.get(key) else { return Ok(None) };
        if value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("n/a")) {
            return Ok(None);
        }
        convert(value).map(Some).ok_or_else(|| BidsError::JsonValue {
            file: file.clone(),
            line: *line,
            key,
            found: clipped(&value.to_string()),
            expected,
        })
    }
}

pub(super) fn parse_object(file: &Path, bytes: &[u8]) -> Result<Json, BidsError> {
    let text = decode(file, bytes)?;
    let problem = |line, column, reason: String| BidsError::Json { file: file.to_path_buf(), line, column, reason };
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => Ok(Json(
            object
                .into_iter()
                .map(|(key, value)| {
                    let line = line_of(text, &key);
                    (key, (value, file.to_path_buf(), line))
                })
                .collect(),
        )),
        Ok(_) => Err(problem(1, 1, "the top level is no object".to_owned())),
        Err(e) => {
            let reason = e.to_string();
            let reason = reason.rsplit_once(" at line ").map_or(reason.as_str(), |(before, _)| before);
            Err(problem(e.line(), e.column(), format!("not valid JSON ({reason})")))
        }
    }
}

/// The line of the first mention of a key.
fn line_of(text: &str, key: &str) -> usize {
    let quoted = format!("\"{key}\"");
    1 + text.lines().position(|line| line.contains(&quoted)).unwrap_or(0)
}
