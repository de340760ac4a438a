//! Reading `_stim.tsv.gz`.

use std::fs::File;
use std::io::{BufRead as _, BufReader};

use dre::features::Track;
use flate2::bufread::MultiGzDecoder;

use crate::Error;
use crate::bids::{BidsDataset, BidsRecording, BidsStimulus};
use crate::error::suggest;
use crate::pipeline::{PipelineError, Result};

/// The stimulus of a recording, or an error that names the feature that asks for it.
pub(super) fn of(dataset: &BidsDataset, recording: &BidsRecording, feature: &str) -> Result<BidsStimulus> {
    dataset.stimulus(recording)?.ok_or_else(|| PipelineError::InRecording {
        recording: recording.id.clone(),
        source: dre::Error::Feature {
            feature: feature.to_owned(),
            reason: "no *_stim.tsv.gz applies to this recording; add one beside it, or leave the recording out"
                .to_owned(),
        },
    })
}

/// Reads one column of a continuous stimulus, line by line; `n/a` is no value.
///
/// # Errors
/// [`Error::Io`]; [`Error::Format`] where the column is not there; [`Error::Line`] for a row that is not as the JSON says.
pub fn read_stim(stimulus: &BidsStimulus, column: &str) -> crate::Result<Track> {
    let path = &stimulus.path;
    let Some(at) = stimulus.columns.iter().position(|name| name == column) else {
        let known = suggest(column, "its columns", stimulus.columns.iter().map(String::as_str));
        return Err(Error::format(path, format!("it has no column `{column}`"), known));
    };
    let file = File::open(path).map_err(Error::io("open", path))?;
    let mut values = Vec::new();
    for (i, line) in BufReader::new(MultiGzDecoder::new(BufReader::new(file))).lines().enumerate() {
        let line =
            line.map_err(|e| Error::line(path, i + 1, format!("cannot be read ({e})"), "copy the file again"))?;
        let mut fields = line.split('\t');
        let n = fields.clone().count();
        if n != stimulus.columns.len() {
            let problem = format!("{n} fields, but `Columns` of its JSON names {}", stimulus.columns.len());
            return Err(Error::line(
                path,
                i + 1,
                problem,
                "the table has no header line and one field for each column",
            ));
        }
        let text = fields.nth(at).unwrap_or_default().trim();
        values.push(match text.parse::<f64>() {
            Ok(value) if value.is_finite() => value,
            _ if text.eq_ignore_ascii_case("n/a") || text.eq_ignore_ascii_case("nan") => f64::NAN,
            _ => {
                let problem = format!("column `{column}` is `{text}`, expected a number or n/a");
                return Err(Error::line(path, i + 1, problem, "the table has no header line; correct the value"));
            }
        });
    }
    Ok(Track { start: stimulus.start, sfreq: stimulus.sfreq, values, band: None })
}
