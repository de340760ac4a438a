//! From the values of events to a signal.

use ndarray::Array2;

use super::Layout;
use super::resolve::Item;
use crate::data::{EventTable, samples_of};
use crate::{Error, Result};

/// Lays values in time: `signal` holds one sample per prepared sample at `sfreq` (Hz). What lies outside is cut off.
pub(super) fn lay(
    item: &Item,
    events: &EventTable,
    values: &[Option<f64>],
    sfreq: f64,
    signal: &mut [f32],
) -> Result<()> {
    // A feature that is standardised by itself has no value where no event holds one.
    signal.fill(if item.spec.is_zscored() { f32::NAN } else { 0.0 });
    let n_times = signal.len();
    match item.spec.layout {
        Layout::Hold => {
            // The events are sorted by onset, so writing in their order lets the later one win.
            for (event, value) in values.iter().enumerate() {
                let Some(value) = value else { continue };
                let start = (events.onset[event] * sfreq).round_ties_even();
                let n_held = samples_of(duration_of(item, events, event)?, sfreq).max(1);
                let end = (start + n_held as f64).clamp(0.0, n_times as f64) as usize;
                let start = start.clamp(0.0, end as f64) as usize;
                signal[start..end].fill(*value as f32);
            }
        }
        Layout::Onset => {
            for (onset, value) in events.onset.iter().zip(values) {
                let at = (onset * sfreq).round_ties_even();
                if let Some(value) = value.filter(|_| at >= 0.0 && at < n_times as f64) {
                    signal[at as usize] = value as f32;
                }
            }
        }
        Layout::Interpolate => {
            let knots: Vec<(f64, f64)> =
                events.onset.iter().zip(values).filter_map(|(onset, value)| Some((onset * sfreq, (*value)?))).collect();
            interpolate(&knots, signal);
        }
    }
    Ok(())
}

/// Linear between knots (sample, value), which ascend; NaN outside. Of knots at one place the last one counts.
pub(super) fn interpolate(knots: &[(f64, f64)], signal: &mut [f32]) {
    let mut after = 0;
    for (sample, out) in signal.iter_mut().enumerate() {
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

fn duration_of(item: &Item, events: &EventTable, event: usize) -> Result<f64> {
    let duration = item.spec.duration.unwrap_or(events.duration[event]);
    if duration.is_finite() && duration >= 0.0 {
        return Ok(duration);
    }
    Err(Error::EventValue {
        event: event + 1,
        onset: events.onset[event],
        what: format!("duration (feature `{}`)", item.name),
        found: duration.to_string(),
        expected: "seconds, 0 or more".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_events_show_in_epochs() {
        let lay = |layout| lay_epochs(layout, &[14.0, 10.0], &[3.0, 2.9], &[5.0, 1.0], &[9.0, 15.0], 6).unwrap();
        assert_eq!(lay(Layout::Hold), ndarray::arr2(&[[0.0, 1.0, 1.0, 0.0, 0.0, 5.0], [5.0, 5.0, 0.0, 0.0, 0.0, 0.0]]));
        assert_eq!(lay(Layout::Onset), ndarray::arr2(&[[0.0, 1.0, 0.0, 0.0, 0.0, 5.0], [0.0; 6]]));
        assert!(lay_epochs(Layout::Interpolate, &[], &[], &[], &[], 6).unwrap_err().to_string().contains("\"hold\""));
    }
}
