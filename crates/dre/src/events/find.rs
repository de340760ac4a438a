//! Events from changes.

use crate::{Error, Result};

use super::steps::{Step, StimSteps};

/// An event in a trigger channel: a row of MNE-Python's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TriggerEvent {
    /// The sample, counted as the recording counts.
    pub sample: u64,
    /// The value before; for [`EventOutput::Offset`] the value after.
    pub previous: i64,
    /// The event's value.
    pub value: i64,
}

/// Which change is an event's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventOutput {
    /// The first sample with the value.
    Onset,
    /// The last sample with the value.
    Offset,
    /// Both changes, each as an event.
    Step,
}

/// What becomes of changes from one value to another that is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consecutive {
    /// Each is an event.
    Yes,
    /// None is: events begin and end at 0.
    No,
    /// Those to a larger value are.
    Increasing,
}

/// What a mask does to values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskType {
    /// Keeps its bits.
    And,
    /// Removes its bits.
    NotAnd,
}

/// How events are found; the defaults are MNE-Python's.
#[derive(Clone, Debug, PartialEq)]
pub struct FindEvents {
    /// Which change is an event's place.
    pub output: EventOutput,
    /// What becomes of changes between values other than 0.
    pub consecutive: Consecutive,
    /// The shortest time (s) that a value must hold to be seen.
    pub min_duration: f64,
    /// The fewest samples between events; fewer are an error.
    pub shortest_event: u64,
    /// Bits of the values, where not all count.
    pub mask: Option<i64>,
    /// What the mask does.
    pub mask_type: MaskType,
    /// Whether values are taken modulo 2¹⁶; for [`StimSteps::new`].
    pub uint_cast: bool,
    /// Whether a value other than 0 in the first sample is an event.
    pub initial_event: bool,
}

impl Default for FindEvents {
    fn default() -> Self {
        Self {
            output: EventOutput::Onset,
            consecutive: Consecutive::Increasing,
            min_duration: 0.0,
            shortest_event: 2,
            mask: None,
            mask_type: MaskType::And,
            uint_cast: false,
            initial_event: false,
        }
    }
}

/// Finds the events in a channel's changes; `first_samp` is the number of its first sample.
///
/// Changes are merged within `min_duration`, masked, and told apart into onsets and offsets; an offset without an onset at
/// the start and an onset without an offset at the end do not count.
///
/// # Errors
/// [`Error::Setting`] for a duration that is negative or not finite, for events that are closer than `shortest_event`, and
/// for offsets that do not pair with onsets.
pub fn find_events(steps: &StimSteps, sfreq: f64, first_samp: u64, options: &FindEvents) -> Result<Vec<TriggerEvent>> {
    let setting =
        |name: &str, found: String, expected: String| Error::Setting { name: name.to_owned(), found, expected };
    let min_samples = options.min_duration * sfreq;
    if !(min_samples.is_finite() && min_samples >= 0.0) {
        let expected = "a number of seconds, 0 or more".to_owned();
        return Err(setting("min_duration", options.min_duration.to_string(), expected));
    }
    // Changes exactly `min_samples` apart are kept.
    let whole = min_samples.floor();
    let merge = if whole < min_samples { whole as u64 } else { (whole as u64).saturating_sub(1) };
    let mut changes = steps.merged(first_samp, merge);
    if options.initial_event && steps.initial() != 0 {
        changes.insert(0, Step { sample: first_samp, before: 0, after: steps.initial() });
    }
    if let Some(mask) = options.mask {
        let mask = if options.mask_type == MaskType::NotAnd { !mask } else { mask };
        for step in &mut changes {
            step.before &= mask;
            step.after &= mask;
        }
    }
    changes.retain(|step| step.before != step.after);

    let (onsets, offsets) = onsets_and_offsets(&changes, options.consecutive);
    let event = |step: &Step| TriggerEvent { sample: step.sample, previous: step.before, value: step.after };
    let events: Vec<TriggerEvent> = match options.output {
        EventOutput::Onset => onsets.iter().map(|i| event(&changes[*i])).collect(),
        EventOutput::Step => {
            let mut both: Vec<usize> = onsets.into_iter().chain(offsets).collect();
            both.sort_unstable();
            both.dedup();
            both.iter().map(|i| event(&changes[*i])).collect()
        }
        EventOutput::Offset => {
            if onsets.len() != offsets.len() {
                let expected = format!(
                    "onset or step: {} onsets and {} offsets do not pair in this channel",
                    onsets.len(),
                    offsets.len()
                );
                return Err(setting("output", "offset".to_owned(), expected));
            }
            let pairs = onsets.iter().zip(&offsets);
            pairs
                .map(|(onset, offset)| {
                    let end = &changes[*offset];
                    // A change has a sample before it.
                    let sample = end.sample.saturating_sub(1);
                    TriggerEvent { sample, previous: end.after, value: changes[*onset].after }
                })
                .collect()
        }
    };
    let n_short = events
        .windows(2)
        .filter(|pair| {
            let apart = i128::from(pair[1].sample) - i128::from(pair[0].sample);
            apart < i128::from(options.shortest_event)
        })
        .count();
    if n_short > 0 {
        let expected = format!(
            "at most the shortest event ({n_short} are shorter); raise min_duration to merge spurious changes, such as \
             {} s for one sample",
            1.0 / sfreq
        );
        return Err(setting("shortest_event", format!("{} samples", options.shortest_event), expected));
    }
    Ok(events)
}

/// Which changes begin and which end an event.
fn onsets_and_offsets(changes: &[Step], consecutive: Consecutive) -> (Vec<usize>, Vec<usize>) {
    let is_onset = |step: &Step| match consecutive {
        Consecutive::Increasing => step.after > step.before,
        Consecutive::Yes => step.after > 0,
        Consecutive::No => step.before == 0,
    };
    let is_offset = |step: &Step| match consecutive {
        Consecutive::Increasing => (is_onset(step) || step.after == 0) && step.before > 0,
        Consecutive::Yes => step.before > 0,
        Consecutive::No => step.after == 0,
    };
    let places = |is: &dyn Fn(&Step) -> bool| -> Vec<usize> {
        changes.iter().enumerate().filter(|(_, step)| is(step)).map(|(i, _)| i).collect()
    };
    let (mut onsets, mut offsets) = (places(&is_onset), places(&is_offset));
    if let (Some(onset), Some(offset)) = (onsets.first(), offsets.first())
        && onset > offset
    {
        offsets.remove(0);
    }
    match (onsets.last(), offsets.last()) {
        (Some(onset), Some(offset)) if onset > offset => {
            onsets.pop();
        }
        (Some(_), Some(_)) => {}
        _ => return (Vec::new(), Vec::new()),
    }
    (onsets, offsets)
}

/// The events of several channels as one list, in order of samples; what two channels tell the same of counts once.
///
/// Events at the same sample are in the order of their values before and after; MNE-Python leaves their order open.
pub fn merge_events(channels: Vec<Vec<TriggerEvent>>) -> Vec<TriggerEvent> {
    let mut events: Vec<TriggerEvent> = channels.into_iter().flatten().collect();
    events.sort_unstable();
    events.dedup();
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(samples: &[i32], options: &FindEvents) -> Result<Vec<(u64, i64, i64)>> {
        let mut steps = StimSteps::new(options.uint_cast);
        steps.extend(samples.iter().map(|sample| f64::from(*sample)));
        let events = find_events(&steps, 1000.0, 0, options)?;
        Ok(events.iter().map(|event| (event.sample, event.previous, event.value)).collect())
    }

    #[test]
    fn the_examples_in_the_documentation_of_mne() {
        // Its docstring's: 0 → 32 → 33 → 32 → 0 at samples 1, 3, 4, 5.
        let samples = [0, 32, 32, 33, 32, 0];
        let with = |consecutive, output| FindEvents { consecutive, output, shortest_event: 1, ..FindEvents::default() };
        let onset = EventOutput::Onset;
        assert_eq!(found(&samples, &with(Consecutive::Increasing, onset)).unwrap(), [(1, 0, 32), (3, 32, 33)]);
        assert_eq!(found(&samples, &with(Consecutive::No, onset)).unwrap(), [(1, 0, 32)]);
        assert_eq!(found(&samples, &with(Consecutive::Yes, onset)).unwrap(), [(1, 0, 32), (3, 32, 33), (4, 33, 32)]);
        assert_eq!(
            found(&samples, &with(Consecutive::Yes, EventOutput::Offset)).unwrap(),
            [(2, 33, 32), (3, 32, 33), (4, 0, 32)]
        );
        assert_eq!(
            found(&samples, &with(Consecutive::Yes, EventOutput::Step)).unwrap(),
            [(1, 0, 32), (3, 32, 33), (4, 33, 32), (5, 32, 0)]
        );
        let long = FindEvents { min_duration: 0.002, ..with(Consecutive::Yes, onset) };
        assert_eq!(found(&samples, &long).unwrap(), [(1, 0, 32)]);
    }

    #[test]
    fn short_events_are_an_error_with_advice() {
        let message = found(&[0, 1, 2, 0, 0], &FindEvents::default()).unwrap_err().to_string();
        assert!(message.contains("shortest_event = 2 samples") && message.contains("min_duration"), "{message}");
    }

    #[test]
    fn offsets_that_do_not_pair_are_an_error() {
        let options = FindEvents { output: EventOutput::Offset, ..FindEvents::default() };
        let message = found(&[5, 5, 7, 7, 0, 0], &options).unwrap_err().to_string();
        assert!(message.contains("1 onsets and 2 offsets"), "{message}");
    }

    #[test]
    fn nothing_is_found_where_nothing_changes() {
        for samples in [&[][..], &[3, 3, 3], &[5, 0, 0, 0, 3]] {
            assert_eq!(found(samples, &FindEvents::default()).unwrap(), []);
        }
    }

    #[test]
    fn negative_values_lose_their_sign_or_are_taken_modulo_two_to_the_sixteenth() {
        let samples = [0, 0, -32768, -32768, 0, 0, 32768, 32768, -32768, 0];
        let plain = [(2, 0, 32768), (6, 0, 32768)];
        assert_eq!(found(&samples, &FindEvents::default()).unwrap(), plain);
        let cast = FindEvents { uint_cast: true, ..FindEvents::default() };
        assert_eq!(found(&[0, 0, -32766, -32766, 0], &cast).unwrap(), [(2, 0, 32770)]);
    }
}
