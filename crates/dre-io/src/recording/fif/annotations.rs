//! Annotations, which MNE-Python keeps in a block of their own.

use crate::Result;
use crate::recording::{Annotation, MeasDate};

use super::constants::{block, tag};
use super::source::Source;
use super::tree::{ROOT, Tree};

/// What onsets in the file are relative to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) meas_date: Option<MeasDate>,
    pub(super) sfreq: f64,
    /// Samples between the start of the acquisition and the first sample that the file tells of.
    pub(super) first_told: u64,
    /// The same to the first sample that there is; later where the file begins with a skip.
    pub(super) first_samp: u64,
    pub(super) n_times: u64,
}

/// Reads the annotations with onsets from the recording's first sample; what lies outside of the recording is cut off
/// or left out, as in MNE-Python.
pub(super) fn read(
    source: &mut Source,
    tree: &Tree,
    clock: &Clock,
    notes: &mut Vec<String>,
) -> Result<Vec<Annotation>> {
    let Some(node) = tree.find(ROOT, block::MNE_ANNOTATIONS).next() else { return Ok(Vec::new()) };
    let (mut onsets, mut ends, mut descriptions) = (Vec::new(), Vec::new(), Vec::new());
    let mut origin = None;
    let mut offset = 0;
    for tag in tree.tags(node) {
        match tag.kind {
            tag::MNE_BASELINE_MIN => (onsets, offset) = (source.numbers(tag)?, tag.offset),
            tag::MNE_BASELINE_MAX => ends = source.numbers(tag)?,
            tag::COMMENT => descriptions = source.names(tag)?,
            tag::MEAS_DATE => {
                let numbers = source.numbers(tag)?;
                origin = match numbers.as_slice() {
                    [seconds] => Some((*seconds, 0.0)),
                    [seconds, microseconds] => Some((*seconds, *microseconds)),
                    _ => return Err(source.fault(tag.offset, "the annotations' date is incomplete")),
                };
            }
            _ => {}
        }
    }
    if onsets.len() != ends.len() || onsets.len() != descriptions.len() {
        let problem = format!(
            "annotations have {} onsets, {} ends and {} descriptions, expected as many of each",
            onsets.len(),
            ends.len(),
            descriptions.len()
        );
        return Err(source.fault(offset, problem));
    }
    let path = source.path.display().to_string();
    // Seconds that are taken from the file's onsets.
    let shift = match (clock.meas_date, origin) {
        (Some(date), Some((seconds, microseconds))) => {
            let apart = (date.seconds as f64 - seconds) + (f64::from(date.microseconds) - microseconds) / 1e6;
            apart + clock.first_samp as f64 / clock.sfreq
        }
        (Some(_), None) => 0.0,
        (None, None) => clock.first_told as f64 / clock.sfreq,
        (None, Some(_)) => {
            notes.push(format!(
                "{path}: its annotations have a date but the recording has none; they were taken to count from the \
                 start of the acquisition"
            ));
            clock.first_samp as f64 / clock.sfreq
        }
    };
    let end_of_data = microsecond(clock.n_times as f64 / clock.sfreq);
    let mut annotations = Vec::with_capacity(onsets.len());
    let mut n_outside = 0;
    for ((onset, end), description) in onsets.into_iter().zip(ends).zip(descriptions) {
        if !onset.is_finite() {
            return Err(source.fault(offset, format!("annotation `{description}` has the onset {onset}")));
        }
        let duration = end - onset;
        let duration = if duration.is_finite() { duration } else { 0.0 };
        let onset = microsecond(onset) - shift;
        let end = onset + duration;
        if microsecond(onset) > end_of_data || microsecond(end) < 0.0 || duration < 0.0 {
            n_outside += 1;
            continue;
        }
        let inside = microsecond(onset) >= 0.0 && microsecond(end) <= end_of_data;
        let (onset, duration) = if inside {
            (onset, duration)
        } else {
            let start = onset.max(0.0);
            (start, end.min(end_of_data) - start)
        };
        annotations.push(Annotation { onset, duration, description });
    }
    if n_outside > 0 {
        notes.push(format!("{path}: {n_outside} annotations outside of the recording were left out"));
    }
    Ok(annotations)
}

/// Seconds to the microsecond, the resolution that MNE-Python gives times.
fn microsecond(seconds: f64) -> f64 {
    (seconds * 1e6).round_ties_even() / 1e6
}

/// Puts annotations in MNE-Python's order: by onset, then by duration.
pub(super) fn sort(annotations: &mut [Annotation]) {
    annotations.sort_by(|a, b| a.onset.total_cmp(&b.onset).then(a.duration.total_cmp(&b.duration)));
}
