//! Opening a cohort; its numbers stay on the disk until they are used.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dre::data::{Cohort, CohortRecording, Gaps, Signals};

use super::events::read_events;
use super::{COHORT_FILE, COHORT_FORMAT, CohortInfo, RecordingInfo};
use crate::store::{Manifest, MappedHalfNpy, MappedNpy, StoreError, read_json};

/// An opened cohort.
#[derive(Clone, Debug)]
pub struct CohortFolder {
    /// Its place.
    pub path: PathBuf,
    /// What it holds and where it comes from.
    pub info: CohortInfo,
    /// The data, memory-mapped.
    pub cohort: Arc<Cohort>,
}

/// Opens a cohort that [`super::CohortWriter`] wrote.
///
/// # Errors
/// [`StoreError`] that names the file: missing, of a newer or older layout, of another shape than `cohort.json` says.
pub fn open_cohort(path: &Path) -> Result<CohortFolder, StoreError> {
    let info: CohortInfo = read_json(&path.join(COHORT_FILE))?;
    if info.format != COHORT_FORMAT {
        return Err(StoreError::Format {
            path: path.join(COHORT_FILE),
            found: format!("format {}", info.format),
            expected: format!("format {COHORT_FORMAT}"),
            advice: if info.format > COHORT_FORMAT {
                "it was written by a newer version; update dre".into()
            } else {
                "it was written by an older version; `dre prepare` makes it again".into()
            },
        });
    }
    if let Some(fault) = Manifest::read(path, "").and_then(|manifest| manifest.first_fault(path)) {
        return Err(fault.into());
    }
    let recordings = info.recordings.iter().map(|r| open_recording(path, &info, r)).collect::<Result<_, _>>()?;
    let cohort = Cohort {
        sfreq: info.sfreq,
        channels: info.channels.clone(),
        features: info.features.clone(),
        subjects: info.subjects.clone(),
        recordings,
    };
    Ok(CohortFolder { path: path.to_path_buf(), info, cohort: Arc::new(cohort) })
}

fn open_recording(path: &Path, info: &CohortInfo, recording: &RecordingInfo) -> Result<CohortRecording, StoreError> {
    let folder = path.join(&recording.id);
    let (n_channels, n_times) = (info.channels.len(), recording.n_times);
    let open = |name: &str, expected: [usize; 2]| -> Result<MappedNpy, StoreError> {
        let file = folder.join(name);
        let array = MappedNpy::open(&file)?;
        if array.shape() != expected {
            return Err(StoreError::damaged(&file, format!("shape {:?}", array.shape()), format!("{expected:?}")));
        }
        Ok(array)
    };
    let subject = info.subjects.iter().position(|s| *s == recording.subject).ok_or_else(|| {
        StoreError::damaged(&path.join(COHORT_FILE), format!("subject `{}`", recording.subject), "one of `subjects`")
    })?;
    let damaged = |found: String, expected: &str| StoreError::damaged(&path.join(COHORT_FILE), found, expected);
    let mut lacks = BTreeMap::new();
    for (name, &lack) in &recording.missing {
        let row = info.channels.iter().position(|channel| channel.name == *name);
        let row = row.ok_or_else(|| damaged(format!("missing channel `{name}`"), "one of `channels`"))?;
        lacks.insert(row, lack);
    }
    let segments: Vec<_> = recording.bad_segments.iter().map(|&(from, to)| from..to).collect();
    if let Some(wrong) = segments.iter().find(|s| s.start >= s.end || s.end > recording.n_times) {
        return Err(damaged(format!("bad segment {wrong:?}"), &format!("samples within 0..{}", recording.n_times)));
    }
    let data = match recording.scales.len() {
        0 => Signals::new(Arc::new(open("data.npy", [n_times, n_channels])?.at_random()), n_channels),
        n if n == n_channels => {
            if let Some(wrong) = recording.scales.iter().find(|scale| !scale.is_sound()) {
                return Err(damaged(format!("{wrong:?}"), "finite offsets and exponents from -126 to 127"));
            }
            let samples = MappedHalfNpy::open(&folder.join("data.npy"), n_times, n_channels)?;
            Signals::half(Arc::new(samples.at_random()), recording.scales.clone())
        }
        n => return Err(damaged(format!("{n} scales"), &format!("one for each of {n_channels} channels"))),
    };
    Ok(CohortRecording {
        gaps: Gaps::new(lacks, segments),
        id: recording.id.clone(),
        subject,
        n_times,
        data,
        features: Arc::new(open("features.npy", [info.features.len(), n_times])?),
        events: read_events(&folder.join("events.tsv"))?,
    })
}
