//! The marker file (`.vmrk`).

use std::path::Path;

use crate::recording::Annotation;
use crate::{Error, Result};

use super::text::{Sections, fields, shorten};

/// Reads the markers as annotations `type/description`, the first sample of the recording at 0 s. A `New Segment` that comes
/// first only tells when the recording began and is none.
pub(super) fn read(path: &Path, sfreq: f64) -> Result<Vec<Annotation>> {
    let sections = Sections::read(path, "marker")?;
    let entries = sections.entries(path, "marker infos")?;
    let mut annotations = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().filter(|entry| entry.key.starts_with("mk")).enumerate() {
        let fields = fields(entry.value);
        let fault = |expected: &str| {
            Error::line(
                path,
                entry.line,
                format!("marker `{}`: expected {expected}", shorten(entry.value)),
                "correct the line as type,description,position,size,channel",
            )
        };
        let [kind, description, position, ..] = fields.as_slice() else {
            return Err(fault("at least three fields"));
        };
        if index == 0 && kind == "New Segment" {
            continue;
        }
        // Positions count from 1.
        let sample = match position.parse::<i64>() {
            Ok(position) => position as f64 - 1.0,
            Err(_) => return Err(fault("a whole number of samples in the third field")),
        };
        let n_samples = match fields.get(3).map_or("", String::as_str) {
            "" => 0.0,
            size => size.parse::<u64>().map_err(|_| fault("a whole number of samples in the fourth field"))? as f64,
        };
        annotations.push(Annotation {
            onset: sample / sfreq,
            duration: n_samples / sfreq,
            description: format!("{kind}/{description}"),
        });
    }
    Ok(annotations)
}
