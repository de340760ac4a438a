//! Presentation's clock and the recording's samples.

use crate::{Error, Result};

use super::log::{PresentationLog, TICKS_PER_SECOND};
use super::words::Anchor;
use super::{BLOCK, FIXATION};

/// An event of the trigger channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Sample of its onset, from 0.
    pub sample: usize,
    /// Value of the channel.
    pub value: i64,
}

/// Largest difference (s) between a trigger and where the one before it and the log say that it should be.
const TOLERANCE: f64 = 0.05;
/// Rows and triggers that vote for the offset between the clocks.
const MOST_VOTERS: usize = 1500;
/// Share of the log's anchors between the first and the last that were found which must be found.
const LEAST_FOUND: f64 = 0.9;

/// Presentation's clock on the recording's.
#[derive(Clone, Debug)]
pub(super) struct Times {
    /// Time (0.1 ms) of the log, and time (s) of the recording, of each anchor that was found; ascending.
    pairs: Vec<(i64, f64)>,
    pub(super) notes: Vec<String>,
}

impl Times {
    /// Time (s) in the recording: the log's time since the last anchor, from that anchor's trigger; none before the first.
    pub(super) fn seconds(&self, time: i64) -> Option<f64> {
        let after = self.pairs.partition_point(|(ticks, _)| *ticks <= time);
        let (ticks, seconds) = self.pairs.get(after.checked_sub(1)?)?;
        Some(seconds + (time - ticks) as f64 / TICKS_PER_SECOND)
    }
}

/// Finds the trigger of each anchor: the offset between the clocks that most pairs of them share, then one after the other
/// from there, so that missing and surplus triggers on either side do no harm and the clocks may drift.
pub(super) fn align(log: &PresentationLog, anchors: &[Anchor], triggers: &[Trigger], sfreq: f64) -> Result<Times> {
    let fault = |problem: String| {
        Error::format(log.path(), problem, "check that log and recording belong together, and the trigger channel")
    };
    let in_log: Vec<(f64, Anchor)> = anchors.iter().map(|a| (a.time as f64 / TICKS_PER_SECOND, *a)).collect();
    let found: Vec<(f64, i64)> = triggers
        .iter()
        .filter(|trigger| [FIXATION, BLOCK].contains(&trigger.value))
        .map(|trigger| (trigger.sample as f64 / sfreq, trigger.value))
        .collect();
    let Some((start, offset)) = offset(&in_log, &found) else {
        return Err(fault(format!(
            "{} fixations and block starts in the log, {} triggers {FIXATION} and {BLOCK} among the recording's {}: no two \
             fit together",
            in_log.len(),
            found.len(),
            triggers.len()
        )));
    };
    let mut pairs = Vec::new();
    for backwards in [true, false] {
        let mut offset = offset;
        let order: Box<dyn Iterator<Item = usize>> =
            if backwards { Box::new((0..start).rev()) } else { Box::new(start..in_log.len()) };
        for index in order {
            let (time, anchor) = in_log[index];
            if let Some(seconds) = nearest(&found, anchor.value, time + offset) {
                offset = seconds - time;
                pairs.push((anchor.time, seconds));
            }
        }
    }
    pairs.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let (Some(first), Some(last)) = (pairs.first(), pairs.last()) else {
        return Err(fault("no fixation or block start of the log has a trigger".to_owned()));
    };
    let between = anchors.iter().filter(|anchor| (first.0..=last.0).contains(&anchor.time)).count();
    if pairs.len() < 2 || (pairs.len() as f64) < LEAST_FOUND * between as f64 {
        return Err(fault(format!(
            "{} of {} fixations and block starts have a trigger within {TOLERANCE} s of their place, expected {} or more",
            pairs.len(),
            anchors.len(),
            ((LEAST_FOUND * between as f64).ceil() as usize).max(2)
        )));
    }
    let mut notes = Vec::new();
    if pairs.len() < anchors.len() {
        notes.push(format!(
            "{}: {} of {} fixations and block starts have no trigger; words after them are placed by the trigger before",
            log.path().display(),
            anchors.len() - pairs.len(),
            anchors.len()
        ));
    }
    Ok(Times { pairs, notes })
}

/// The recording's time minus the log's (s) that most pairs of one value share, and the first anchor that has it.
fn offset(in_log: &[(f64, Anchor)], found: &[(f64, i64)]) -> Option<(usize, f64)> {
    let mut votes: Vec<(f64, usize)> = Vec::new();
    for (index, (time, anchor)) in in_log.iter().take(MOST_VOTERS).enumerate() {
        let same = found.iter().take(MOST_VOTERS).filter(|(_, value)| *value == anchor.value);
        votes.extend(same.map(|(seconds, _)| (seconds - time, index)));
    }
    votes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut best: Option<(usize, usize)> = None;
    let mut end = 0;
    for start in 0..votes.len() {
        while end < votes.len() && votes[end].0 - votes[start].0 <= TOLERANCE {
            end += 1;
        }
        if best.is_none_or(|(from, to)| end - start > to - from) {
            best = Some((start, end));
        }
    }
    let (start, end) = best?;
    votes[start..end].iter().min_by_key(|(_, index)| *index).map(|(offset, index)| (*index, *offset))
}

/// The time of the trigger of this value that is nearest to where it is expected.
fn nearest(found: &[(f64, i64)], value: i64, expected: f64) -> Option<f64> {
    let from = found.partition_point(|(seconds, _)| *seconds < expected - TOLERANCE);
    found[from..]
        .iter()
        .take_while(|(seconds, _)| *seconds <= expected + TOLERANCE)
        .filter(|(_, v)| *v == value)
        .map(|(seconds, _)| *seconds)
        .min_by(|a, b| (a - expected).abs().total_cmp(&(b - expected).abs()))
}
