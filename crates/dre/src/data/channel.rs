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
    /// System status (unitless).
    Syst,
    /// Flux excitation (unitless).
    Exci,
    /// Internal active shielding.
    Ias,
    /// Continuous head position: quaternions, goodness of fit, movement.
    Chpi,
    /// Stereotactic EEG (V).
    Seeg,
    /// Electrocorticogram (V).
    Ecog,
    /// Deep-brain electrode (V).
    Dbs,
    /// Current source density (V/m²).
    Csd,
    /// Respiration.
    Resp,
    /// Another biological signal (V).
    Bio,
    /// Temperature (°C).
    Temperature,
    /// Galvanic skin response (S).
    Gsr,
    /// Position of the gaze.
    Eyegaze,
    /// Size of the pupil.
    Pupil,
    /// Oxygenated haemoglobin (mol/m³).
    Hbo,
    /// Deoxygenated haemoglobin (mol/m³).
    Hbr,
    /// Near-infrared light, continuous wave, amplitude (V).
    FnirsCwAmplitude,
    /// Near-infrared light, frequency domain, amplitude (V).
    FnirsFdAcAmplitude,
    /// Near-infrared light, frequency domain, phase (rad).
    FnirsFdPhase,
    /// Near-infrared light, time domain, gated amplitude.
    FnirsTdGatedAmplitude,
    /// Near-infrared light, time domain, intensity.
    FnirsTdMomentsIntensity,
    /// Near-infrared light, time domain, mean time of flight (s).
    FnirsTdMomentsMean,
    /// Near-infrared light, time domain, variance of the time of flight (s²).
    FnirsTdMomentsVariance,
    /// Near-infrared light, optical density.
    FnirsOd,
    /// Amplitude of a fitted dipole (Am).
    Dipole,
    /// Goodness of a dipole fit.
    Gof,
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
            Self::Syst => "syst",
            Self::Exci => "exci",
            Self::Ias => "ias",
            Self::Chpi => "chpi",
            Self::Seeg => "seeg",
            Self::Ecog => "ecog",
            Self::Dbs => "dbs",
            Self::Csd => "csd",
            Self::Resp => "resp",
            Self::Bio => "bio",
            Self::Temperature => "temperature",
            Self::Gsr => "gsr",
            Self::Eyegaze => "eyegaze",
            Self::Pupil => "pupil",
            Self::Hbo => "hbo",
            Self::Hbr => "hbr",
            Self::FnirsCwAmplitude => "fnirs_cw_amplitude",
            Self::FnirsFdAcAmplitude => "fnirs_fd_ac_amplitude",
            Self::FnirsFdPhase => "fnirs_fd_phase",
            Self::FnirsTdGatedAmplitude => "fnirs_td_gated_amplitude",
            Self::FnirsTdMomentsIntensity => "fnirs_td_moments_intensity",
            Self::FnirsTdMomentsMean => "fnirs_td_moments_mean",
            Self::FnirsTdMomentsVariance => "fnirs_td_moments_variance",
            Self::FnirsOd => "fnirs_od",
            Self::Dipole => "dipole",
            Self::Gof => "gof",
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
