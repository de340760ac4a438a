//! From the values of events to a signal.

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
