//! Channels (sensors).

use serde::{Deserialize, Serialize};

/// What a channel measures, with the names of MNE-Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChannelType {
    /// Magnetometer or axial gradiometer that MNE-Python calls `mag` (T).
    Mag,
    /// Planar gradiometer (T/m).
    Grad,
    /// MEG reference channel (T or T/m).
    RefMeg,
    /// Electroencephalogram (V).
    Eeg,
    /// Electrooculogram (V).
    Eog,
    /// Electrocardiogram (V).
    Ecg,
    /// Electromyogram (V).
    Emg,
    /// Trigger channel (unitless).
    Stim,
    /// Anything else.
    Misc,
}

impl ChannelType {
    /// The name that MNE-Python uses, such as `eeg`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mag => "mag",
            Self::Grad => "grad",
            Self::RefMeg => "ref_meg",
            Self::Eeg => "eeg",
            Self::Eog => "eog",
            Self::Ecg => "ecg",
            Self::Emg => "emg",
            Self::Stim => "stim",
            Self::Misc => "misc",
        }
    }
}

impl std::fmt::Display for ChannelType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// One channel of a cohort.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// Name, unique within a recording.
    pub name: String,
    /// What it measures; decides its unit (SI).
    pub kind: ChannelType,
    /// Position (m), where known: in head coordinates; of a MEG sensor whose place relative to the head is not known, in
    /// device coordinates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<[f64; 3]>,
}
