//! Events (`EEG.event`): type, latency (samples, from 1), duration (samples).

use std::path::Path;

use crate::recording::Annotation;
use crate::{Error, Result};

use super::value::Value;

/// The events as annotations whose onset counts from the first sample.
pub(super) fn read(path: &Path, events: &Value, sfreq: f64, notes: &mut Vec<String>) -> Result<Vec<Annotation>> {
    let Value::Structs(events) = events else { return Ok(Vec::new()) };
    if events.rows.is_empty() {
        return Ok(Vec::new());
    }
    let (Some(kind), Some(latency)) = (events.place("type"), events.place("latency")) else {
        let advice = "open the dataset in EEGLAB, which checks it, and save it again";
        return Err(Error::format(path, "EEG.event has no fields `type` and `latency`", advice));
    };
    let duration = events.place("duration");
    let mut annotations = Vec::with_capacity(events.rows.len());
    let mut n_without = 0;
    for (index, row) in events.rows.iter().enumerate() {
        let number = |place: usize| row.get(place).and_then(Value::number).filter(|number| !number.is_nan());
        let Some(latency) = number(latency) else {
            n_without += 1;
            continue;
        };
        // Resampling in EEGLAB leaves events up to a sample before the first; anything earlier is a mistake.
        if (latency - 1.0).round_ties_even() < -1.0 || latency.is_infinite() {
            return Err(Error::format(
                path,
                format!("event {} has the latency {latency}, expected samples counted from 1", index + 1),
                "correct or remove it in EEGLAB",
            ));
        }
        annotations.push(Annotation {
            onset: (latency - 1.0) / sfreq,
            duration: duration.and_then(number).unwrap_or(0.0) / sfreq,
            description: row.get(kind).map_or_else(String::new, Value::to_text),
        });
    }
    if n_without > 0 {
        notes.push(format!("{}: {n_without} events have no latency and were left out", path.display()));
    }
    let n_boundaries = annotations.iter().filter(|annotation| annotation.description == "boundary").count();
    if n_boundaries > 0 {
        notes.push(format!(
            "{}: {n_boundaries} events of type `boundary` mark places where samples are missing; epochs and filters should \
             not reach across them",
            path.display()
        ));
    }
    Ok(annotations)
}
