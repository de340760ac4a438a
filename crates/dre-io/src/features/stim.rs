//! Reading `_stim.tsv.gz`.

use std::io::{BufRead as _, BufReader, Read as _};

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

/// The longest stimulus (s) that is read: a week.
const MOST_SECONDS: f64 = 7.0 * 24.0 * 3600.0;

/// The most values that are read, whatever their sampling frequency: 2 GiB of them.
const MOST_VALUES: usize = 1 << 28;

/// The longest line (bytes).
const MOST_LINE: u64 = 1 << 20;

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
    let file = crate::files::open(path).map_err(Error::io("open", path))?;
    let most = MOST_VALUES.min((MOST_SECONDS * stimulus.sfreq) as usize);
    let mut values = Vec::new();
    let mut lines = BufReader::new(MultiGzDecoder::new(BufReader::new(file)));
    let mut line = String::new();
    for i in 0.. {
        line.clear();
        let read = lines.by_ref().take(MOST_LINE).read_line(&mut line);
        let n = read.map_err(|e| Error::line(path, i + 1, format!("cannot be read ({e})"), "copy the file again"))?;
        if n == 0 {
            break;
        }
        // A few kilobytes may stand for gigabytes.
        if n as u64 == MOST_LINE || values.len() == most {
            let problem = if values.len() == most {
                format!("more than {most} rows at {} Hz", stimulus.sfreq)
            } else {
                format!("longer than {MOST_LINE} bytes")
            };
            let advice = "a stimulus has a line for each sample, and at most a week of them";
            return Err(Error::line(path, i + 1, problem, advice));
        }
        let line = line.trim_end_matches(['\n', '\r']);
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
