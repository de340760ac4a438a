//! Opening a cohort; its numbers stay on the disk until they are used.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dre::data::{Cohort, CohortRecording, Samples};

use super::events::read_events;
use super::{COHORT_FILE, COHORT_FORMAT, CohortInfo, RecordingInfo};
use crate::store::{MappedNpy, StoreError, read_json};

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
/// [`StoreError`] that names the file: missing, of a newer layout, of another shape than `cohort.json` says.
pub fn open_cohort(path: &Path) -> Result<CohortFolder, StoreError> {
    let info: CohortInfo = read_json(&path.join(COHORT_FILE))?;
    if info.format > COHORT_FORMAT {
        return Err(StoreError::Format {
            path: path.join(COHORT_FILE),
            found: format!("format {}", info.format),
            expected: format!("at most {COHORT_FORMAT}"),
            advice: "it was written by a newer version; update dre".into(),
        });
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
    let open = |name: &str, n_rows: usize| -> Result<Samples, StoreError> {
        let file = folder.join(name);
        let array = MappedNpy::open(&file)?;
        let expected = [n_rows, recording.n_times];
        if array.shape() != expected {
            return Err(StoreError::damaged(&file, format!("shape {:?}", array.shape()), format!("{expected:?}")));
        }
        Ok(Arc::new(array))
    };
    let subject = info.subjects.iter().position(|s| *s == recording.subject).ok_or_else(|| {
        StoreError::damaged(&path.join(COHORT_FILE), format!("subject `{}`", recording.subject), "one of `subjects`")
    })?;
    Ok(CohortRecording {
        id: recording.id.clone(),
        subject,
        n_times: recording.n_times,
        data: open("data.npy", info.channels.len())?,
        features: open("features.npy", info.features.len())?,
        events: read_events(&folder.join("events.tsv"))?,
    })
}
