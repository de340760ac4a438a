//! From the values of events to a signal.

use std::ops::Range;

use ndarray::Array2;

use super::Layout;
use super::resolve::{Item, fail};
use crate::data::{EventTable, samples_of};
use crate::{Error, Result};

/// A feature of events in one recording: the value that each event gives, and where in time it is laid.
///
/// [`super::Features::build`] lays it over the whole recording. It is kept apart where values are to be exchanged, as
/// permutation importance does.
#[derive(Clone, Debug)]
pub struct EventSignal {
    /// By event; none for an event that gives nothing, NaN for one whose missing value counts as the mean.
    values: Vec<Option<f64>>,
    place: Place,
    /// What the signal is where no event holds a value.
    outside: f32,
}

#[derive(Clone, Debug)]
enum Place {
    /// By event: the samples that hold its value, and the end of the longest one so far; later events cover earlier ones.
    Held { samples: Vec<Range<usize>>, reach: Vec<usize> },
    /// Sample (not rounded) of each event.
    Knots(Vec<f64>),
}

impl EventSignal {
    /// Lays `values`, one for each event of `events`, at `sfreq` (Hz) in a recording of `n_times` samples: `duration` (s)
    /// is how long an event holds its value, the event's own duration where it is none. `outside` is what the signal is
    /// where no event holds a value: 0, or NaN for no value.
    ///
    /// # Errors
    /// [`Error::Shape`] where there is not one value for each event; [`Error::EventValue`] for a duration that is not a
    /// number of seconds of 0 or more.
    pub fn new(
        events: &EventTable,
        values: Vec<Option<f64>>,
        layout: Layout,
        duration: Option<f64>,
        outside: f32,
        (sfreq, n_times): (f64, usize),
    ) -> Result<Self> {
        if values.len() != events.len() {
            return Err(Error::Shape {
                what: "the values of a feature".to_owned(),
                found: vec![values.len()],
                expected: format!("one for each of {} events", events.len()),
            });
        }
        let first = |event: usize| (events.onset[event] * sfreq).round_ties_even();
        let cut = |from: f64, to: f64| {
            let end = to.clamp(0.0, n_times as f64);
            from.clamp(0.0, end) as usize..end as usize
        };
        let samples: Vec<Range<usize>> = match layout {
            Layout::Hold => (0..events.len())
                .map(|event| {
                    // Events that give nothing need no duration.
                    let held = if values[event].is_some() { duration_of(duration, events, event)? } else { 0.0 };
                    Ok(cut(first(event), first(event) + samples_of(held, sfreq).max(1) as f64))
                })
                .collect::<Result<_>>()?,
            Layout::Onset => (0..events.len()).map(|event| cut(first(event), first(event) + 1.0)).collect(),
            Layout::Interpolate => {
                let knots = events.onset.iter().map(|onset| onset * sfreq).collect();
                return Ok(Self { values, place: Place::Knots(knots), outside: f32::NAN });
            }
        };
        let mut longest = 0;
        let reach = samples
            .iter()
            .map(|samples| {
                longest = longest.max(samples.end);
                longest
            })
            .collect();
        Ok(Self { values, place: Place::Held { samples, reach }, outside })
    }

    /// The signal of a study's feature.
    pub(super) fn of(
        item: &Item,
        events: &EventTable,
        values: Vec<Option<f64>>,
        (sfreq, n_times): (f64, usize),
    ) -> Result<Self> {
        // A feature that is standardised by itself has no value where no event holds one.
        let outside = if item.spec.is_zscored() { f32::NAN } else { 0.0 };
        Self::new(events, values, item.spec.layout, item.spec.duration, outside, (sfreq, n_times)).map_err(|error| {
            match error {
                Error::EventValue { event, onset, what, found, expected } => {
                    let what = format!("{what} (feature `{}`)", item.name);
                    Error::EventValue { event, onset, what, found, expected }
                }
                other => fail(&item.name, other.to_string()),
            }
        })
    }

    /// The value that each event gives: none for an event that gives nothing, NaN for one whose missing value counts as
    /// the mean.
    pub fn values(&self) -> &[Option<f64>] {
        &self.values
    }

    /// The events whose values the samples `range` of the recording can show, ascending.
    pub fn touching(&self, range: &Range<usize>) -> Vec<usize> {
        let has_value = |event: &usize| self.values[*event].is_some();
        match &self.place {
            Place::Held { samples, reach } => {
                let from = reach.partition_point(|&end| end <= range.start);
                let to = samples.partition_point(|samples| samples.start < range.end);
                let overlaps = |event: &usize| samples[*event].end > range.start && !samples[*event].is_empty();
                (from..to.max(from)).filter(overlaps).filter(has_value).collect()
            }
            Place::Knots(knots) => {
                let there: Vec<usize> = (0..knots.len()).filter(has_value).collect();
                let last = range.end.saturating_sub(1) as f64;
                let before = there.partition_point(|&event| knots[event] <= range.start as f64).saturating_sub(1);
                let after = there.partition_point(|&event| knots[event] <= last);
                there[before..(after + 1).min(there.len())].to_vec()
            }
        }
    }

    /// The samples `range` of the recording, `value` giving the value of each event that has one.
    ///
    /// # Panics
    /// Where `out` has not the length of `range`.
    pub fn lay(&self, range: &Range<usize>, value: impl Fn(usize) -> f64, out: &mut [f32]) {
        assert_eq!(out.len(), range.len(), "a sample for each place");
        out.fill(self.outside);
        let events = self.touching(range);
        match &self.place {
            Place::Held { samples, .. } => {
                // The events are sorted by onset, so writing in their order lets the later one win.
                for event in events {
                    let from = samples[event].start.max(range.start) - range.start;
                    let to = samples[event].end.min(range.end) - range.start;
                    out[from..to].fill(value(event) as f32);
                }
            }
            Place::Knots(knots) => {
                let knots: Vec<(f64, f64)> = events.into_iter().map(|event| (knots[event], value(event))).collect();
                interpolate(&knots, range.start, out);
            }
        }
    }

    /// The whole recording, each event with its own value.
    pub(crate) fn lay_all(&self, signal: &mut [f32]) {
        self.lay(&(0..signal.len()), |event| self.values[event].unwrap_or(f64::NAN), signal);
    }
}

/// Linear between knots (sample, value), which ascend; NaN outside. Of knots at one place the last one counts. The signal
/// starts at sample `first`.
fn interpolate(knots: &[(f64, f64)], first: usize, signal: &mut [f32]) {
    let mut after = 0;
    for (sample, out) in (first..).zip(signal) {
        let t = sample as f64;
        while after < knots.len() && knots[after].0 <= t {
            after += 1;
        }
        let before = after.checked_sub(1).map(|i| knots[i]);
        *out = match (before, knots.get(after)) {
            (Some((at, value)), _) if (at - t).abs() == 0.0 => value as f32,
            (Some((t0, v0)), Some(&(t1, v1))) => (v0 + (v1 - v0) * (t - t0) / (t1 - t0)) as f32,
            _ => f32::NAN,
        };
    }
}

/// Lays a value per event into epochs of `n_times` samples that are there already: `(n_epochs, n_times)`.
///
/// `onsets` and `durations` of the events and `starts` of the epochs are in samples of the same recording. Every event shows
/// in every epoch that it falls into, not only in its own; where two are held at once, the later one counts. 0 elsewhere.
///
/// # Errors
/// [`Error::Shape`] where there is not one duration and value per event; [`Error::Setting`] for [`Layout::Interpolate`],
/// which has no value before the first and after the last event.
pub fn lay_epochs(
    layout: Layout,
    onsets: &[f64],
    durations: &[f64],
    values: &[f64],
    starts: &[f64],
    n_times: usize,
) -> Result<Array2<f32>> {
    for (what, found) in [("durations", durations.len()), ("values", values.len())] {
        if found != onsets.len() {
            let expected = format!("one for each of {} events", onsets.len());
            return Err(Error::Shape { what: what.to_owned(), found: vec![found], expected });
        }
    }
    let held: Vec<usize> = match layout {
        Layout::Hold => durations.iter().map(|&duration| samples_of(duration, 1.0).max(1)).collect(),
        Layout::Onset => vec![1; onsets.len()],
        Layout::Interpolate => {
            return Err(Error::Setting {
                name: "layout".to_owned(),
                found: "interpolate".to_owned(),
                expected: "\"hold\" or \"onset\" for epochs".to_owned(),
            });
        }
    };
    let mut order: Vec<usize> = (0..onsets.len()).collect();
    order.sort_by(|&a, &b| onsets[a].total_cmp(&onsets[b]));
    let sorted: Vec<f64> = order.iter().map(|&event| onsets[event]).collect();
    let longest = held.iter().copied().max().unwrap_or(0) as f64;
    let mut laid = Array2::zeros((starts.len(), n_times));
    for (mut row, &start) in laid.outer_iter_mut().zip(starts) {
        // A sample of slack on either side for rounding.
        let from = sorted.partition_point(|&onset| onset < start - longest - 1.0);
        for &event in &order[from..] {
            let at = (onsets[event] - start).round_ties_even();
            if at >= n_times as f64 {
                break;
            }
            let end = (at + held[event] as f64).clamp(0.0, n_times as f64) as usize;
            let at = at.clamp(0.0, end as f64) as usize;
            row.slice_mut(ndarray::s![at..end]).fill(values[event] as f32);
        }
    }
    Ok(laid)
}

fn duration_of(duration: Option<f64>, events: &EventTable, event: usize) -> Result<f64> {
    let duration = duration.unwrap_or(events.duration[event]);
    if duration.is_finite() && duration >= 0.0 {
        return Ok(duration);
    }
    Err(Error::EventValue {
        event: event + 1,
        onset: events.onset[event],
        what: "duration".to_owned(),
        found: duration.to_string(),
        expected: "seconds, 0 or more".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_equal_the_whole_to_the_bit(
            events in prop::collection::vec((0u16..300, 0u8..40, prop::option::of(-3f64..3.0)), 1..20),
            from in 0usize..100, n in 1usize..80, which in 0usize..3,
        ) {
            let mut events = events;
            events.sort_by_key(|event| event.0);
            let table = EventTable {
                // Between samples, so that rounding and interpolation count.
                onset: events.iter().map(|event| f64::from(event.0) / 200.0 - 0.1).collect(),
                duration: events.iter().map(|event| f64::from(event.1) / 100.0).collect(),
                ..EventTable::default()
            };
            let values: Vec<Option<f64>> = events.iter().map(|event| event.2).collect();
            let layout = [Layout::Hold, Layout::Onset, Layout::Interpolate][which];
            let signal = EventSignal::new(&table, values, layout, None, 0.0, (100.0, 180)).unwrap();
            let mut whole = vec![0.0; 180];
            signal.lay_all(&mut whole);
            let range = from..from + n;
            let mut part = vec![0.0; n];
            signal.lay(&range, |event| signal.values()[event].unwrap(), &mut part);
            for (a, b) in part.iter().zip(&whole[range.clone()]) {
                prop_assert_eq!(a.to_bits(), b.to_bits());
            }
            // An event that does not touch a stretch cannot change it.
            let touching = signal.touching(&range);
            let mut changed = vec![0.0; n];
            signal.lay(&range, |event| if touching.contains(&event) { 1.0 } else { f64::INFINITY }, &mut changed);
            prop_assert!(changed.iter().all(|value| !value.is_infinite()));
        }
    }

    #[test]
    fn neighbouring_events_show_in_epochs() {
        let lay = |layout| lay_epochs(layout, &[14.0, 10.0], &[3.0, 2.9], &[5.0, 1.0], &[9.0, 15.0], 6).unwrap();
        assert_eq!(lay(Layout::Hold), ndarray::arr2(&[[0.0, 1.0, 1.0, 0.0, 0.0, 5.0], [5.0, 5.0, 0.0, 0.0, 0.0, 0.0]]));
        assert_eq!(lay(Layout::Onset), ndarray::arr2(&[[0.0, 1.0, 0.0, 0.0, 0.0, 5.0], [0.0; 6]]));
        assert!(lay_epochs(Layout::Interpolate, &[], &[], &[], &[], 6).unwrap_err().to_string().contains("\"hold\""));
    }
}
