//! A prepared cohort as a folder.
//!
//! ```text
//! cohort.json                     what it holds and where it comes from
//! audit.json                      recordings that are there twice, values of the features
//! sub-01_task-x_run-01/data.npy      (n_times, n_channels) f32, SI units, filtered and decimated; NaN throughout for a
//!                                    channel that the recording lacks; or f16, scaled by channel as cohort.json says
//! sub-01_task-x_run-01/features.npy  (n_features, n_times) f32
//! sub-01_task-x_run-01/events.tsv    onset and duration (s), other columns as in the data set
//! ```

mod audit;
mod events;
mod read;
mod write;

use std::collections::BTreeMap;

use dre::data::{Channel, HalfScale, Lack};
use dre::results::Exclusion;
use serde::{Deserialize, Serialize};

pub use audit::{AUDIT_FILE, CohortAudit};
pub use read::{CohortFolder, open_cohort};
pub use write::{CohortWriter, NewRecording};

/// File with everything about a cohort but its numbers.
pub const COHORT_FILE: &str = "cohort.json";

/// Version of the layout that this program writes and reads. 2: a recording may lack channels. 3: samples
/// lie by time. 4: how recordings were recorded.
pub const COHORT_FORMAT: u32 = 4;

/// Content of `cohort.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CohortInfo {
    /// Version of the layout.
    pub format: u32,
    /// Version of the program that wrote it.
    pub version: String,
    /// Sampling frequency (Hz).
    pub sfreq: f64,
    /// Channels, in the order of the rows.
    pub channels: Vec<Channel>,
    /// Features, sorted, in the order of the rows.
    pub features: Vec<String>,
    /// Subject labels, sorted.
    pub subjects: Vec<String>,
    /// Recordings.
    pub recordings: Vec<RecordingInfo>,
    /// Steps of the preparation as people describe them.
    pub steps: Vec<String>,
    /// How long (s) the impulse response of the filters holds 99.9 % of its energy; the longest over recordings.
    pub reach: f64,
    /// What was left out and why.
    pub excluded: Vec<Exclusion>,
    /// The settings that made it; it is up to date while they and the inputs are the same.
    pub recipe: serde_json::Value,
    /// The files that it was made of.
    pub inputs: Vec<InputFile>,
}

/// One recording of a cohort.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecordingInfo {
    /// BIDS entities; the name of its folder.
    pub id: String,
    /// Subject label.
    pub subject: String,
    /// Number of samples.
    pub n_times: usize,
    /// How it was before it was prepared.
    pub recorded: Recorded,
    /// The cohort's channels that it lacks, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub missing: BTreeMap<String, Lack>,
    /// Of data stored with half precision: what the numbers of each channel stand for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scales: Vec<HalfScale>,
    /// Bad segments: first sample, and the one after the last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bad_segments: Vec<(usize, usize)>,
}

/// A recording before it was prepared: what its filters follow from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Sampling frequency (Hz).
    pub sfreq: f64,
    /// Number of samples.
    pub n_times: usize,
    /// Low-pass (Hz) of the amplifier, where the recording tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowpass: Option<f64>,
}

/// A file that a cohort was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Path within the data set.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Time of the last change, nanoseconds since 1970.
    pub modified: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}
