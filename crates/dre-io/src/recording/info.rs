//! What a recording holds.

use std::fmt;
use std::path::PathBuf;

use dre::data::{Channel, ChannelType};
use dre::text::plain;

/// What a recording holds, without its samples.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordingInfo {
    /// The file, or the folder for formats that are folders, that was opened.
    pub path: PathBuf,
    /// Every file that makes up the recording, for hashing and for copying.
    pub files: Vec<PathBuf>,
    /// Sampling frequency (Hz).
    pub sfreq: f64,
    /// Number of samples per channel.
    pub n_times: usize,
    /// High-pass that was applied when recording (Hz), where the file tells.
    pub highpass: Option<f64>,
    /// Low-pass that was applied when recording (Hz), where the file tells.
    pub lowpass: Option<f64>,
    /// Channels, in the file's order.
    pub channels: Vec<RecordingChannel>,
    /// Markers and annotations, in order of onset.
    pub annotations: Vec<Annotation>,
    /// Samples that passed between the start of the acquisition and the first sample (FIF's `first_samp`); 0 elsewhere.
    pub first_samp: u64,
    /// Takes device coordinates (m) to head coordinates (m), row-major homogeneous; MEG only.
    pub device_to_head: Option<[[f64; 4]; 4]>,
    /// Digitised points of the head, in head coordinates.
    pub digitisation: Vec<DigPoint>,
    /// Signal-space projectors that come with the recording.
    pub projectors: Vec<Projector>,
    /// The compensations that the recording can be taken to or from (CTF).
    pub compensations: Vec<Compensation>,
    /// Grade of the gradient compensation that the samples carry (CTF: 0–3); none where there is none.
    pub compensation_grade: Option<u32>,
    /// When the acquisition began, where the file tells.
    pub meas_date: Option<MeasDate>,
    /// What the reader passed over and the user should know of.
    pub notes: Vec<String>,
}

impl RecordingInfo {
    /// A recording of one file at `path` of which nothing more is known yet.
    pub fn new(path: impl Into<PathBuf>, sfreq: f64, n_times: usize, channels: Vec<RecordingChannel>) -> Self {
        let path = path.into();
        Self {
            files: vec![path.clone()],
            path,
            sfreq,
            n_times,
            highpass: None,
            lowpass: None,
            channels,
            annotations: Vec::new(),
            first_samp: 0,
            device_to_head: None,
            digitisation: Vec::new(),
            projectors: Vec::new(),
            compensations: Vec::new(),
            compensation_grade: None,
            meas_date: None,
            notes: Vec::new(),
        }
    }

    /// Length of the recording (s): `n_times / sfreq`.
    pub fn seconds(&self) -> f64 {
        self.n_times as f64 / self.sfreq
    }

    /// The channel at `index` as a cohort keeps it, its position in head coordinates where they are known: EEG positions are
    /// in them, MEG sensors are taken there by [`RecordingInfo::device_to_head`] and stay in device coordinates without it.
    ///
    /// # Panics
    /// Where there is no channel at `index`.
    pub fn cohort_channel(&self, index: usize) -> Channel {
        let channel = &self.channels[index];
        let is_meg = matches!(channel.kind, ChannelType::Mag | ChannelType::Grad | ChannelType::RefMeg);
        let to_head = self.device_to_head.filter(|_| is_meg);
        let position = channel.position.map(|p| match to_head {
            Some(m) => [0, 1, 2].map(|i| m[i][0] * p[0] + m[i][1] * p[1] + m[i][2] * p[2] + m[i][3]),
            None => p,
        });
        Channel { name: plain(&channel.name).into_owned(), kind: channel.kind, position }
    }

    /// `64 eeg, 2 eog, 1 stim (3 bad)`, for messages.
    pub fn channel_summary(&self) -> String {
        let mut kinds: Vec<(ChannelType, usize)> = Vec::new();
        for channel in &self.channels {
            match kinds.iter_mut().find(|(kind, _)| *kind == channel.kind) {
                Some((_, count)) => *count += 1,
                None => kinds.push((channel.kind, 1)),
            }
        }
        let n_bad = self.channels.iter().filter(|channel| channel.bad).count();
        let list: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        format!("{} ({n_bad} bad)", list.join(", "))
    }
}

/// One channel of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordingChannel {
    /// Name, unique within the recording.
    pub name: String,
    /// What it measures.
    pub kind: ChannelType,
    /// Unit of the samples that [`super::Recording::read`] gives.
    pub unit: Unit,
    /// Whether it is marked as bad.
    pub bad: bool,
    /// Position (m), where known; what MNE-Python has in `loc[:3]`: head coordinates for EEG, device coordinates for MEG.
    pub position: Option<[f64; 3]>,
    /// Coil of a MEG sensor.
    pub coil: Option<Coil>,
}

/// The coil of a MEG sensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coil {
    /// Type with the numbers of the FIF format, such as 3012 (Neuromag planar), 3024 (Neuromag magnetometer), 5001 (CTF
    /// axial gradiometer).
    pub kind: i32,
    /// Unit vectors x, y, z of the coil's own coordinates in device coordinates (MNE-Python's `loc[3:12]`); z is the normal.
    pub axes: [[f64; 3]; 3],
}

/// A digitised point of the head.
#[derive(Clone, Debug, PartialEq)]
pub struct DigPoint {
    /// What it marks.
    pub kind: DigKind,
    /// Its number among those of its kind, as in the FIF format (cardinal: 1 left, 2 nasion, 3 right).
    pub ident: i32,
    /// Position in head coordinates (m).
    pub position: [f64; 3],
}

/// What a digitised point marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigKind {
    /// Nasion or preauricular point.
    Cardinal,
    /// Head-position coil.
    Hpi,
    /// EEG electrode.
    Eeg,
    /// Point of the scalp.
    Extra,
}

/// A moment in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MeasDate {
    /// Seconds since 1970.
    pub seconds: i64,
    /// Microseconds after that.
    pub microseconds: u32,
}

/// How reference channels are taken out of MEG channels: compensated = uncompensated − `weights` · references.
#[derive(Clone, Debug, PartialEq)]
pub struct Compensation {
    /// Its grade (CTF: 1–3).
    pub grade: u32,
    /// The channels that are compensated.
    pub channels: Vec<String>,
    /// The reference channels.
    pub references: Vec<String>,
    /// `(channels.len(), references.len())`, for samples in SI units.
    pub weights: ndarray::Array2<f64>,
}

/// What a signal-space projector was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectorKind {
    /// Principal components of measured fields.
    Field,
    /// The average over the EEG electrodes.
    AverageReference,
    /// Another kind, with the number of the FIF format.
    Other(i32),
}

/// A signal-space projector: the directions (rows) that are taken out of its channels.
#[derive(Clone, Debug, PartialEq)]
pub struct Projector {
    /// What it removes, such as `PCA-v1`.
    pub name: String,
    /// What it was made from.
    pub kind: ProjectorKind,
    /// Whether the samples on disk already had it applied.
    pub active: bool,
    /// The channels it acts on.
    pub channels: Vec<String>,
    /// `(n_vectors, channels.len())`.
    pub vectors: ndarray::Array2<f64>,
    /// Share of the variance that the vectors explained, where known.
    pub explained_variance: Option<f64>,
}

impl RecordingChannel {
    /// A good channel without a position.
    pub fn new(name: impl Into<String>, kind: ChannelType, unit: Unit) -> Self {
        Self { name: name.into(), kind, unit, bad: false, position: None, coil: None }
    }
}

/// The unit of a channel's samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    /// V.
    Volt,
    /// T.
    Tesla,
    /// T/m.
    TeslaPerMetre,
    /// Another unit or none, as the file writes it; samples are then not scaled.
    Other(String),
}

impl Unit {
    /// Reads a unit such as `µV` or `fT/cm`, and the factor that takes values in it to the SI unit.
    ///
    /// Both code points of µ and the letter u are understood. What is not V, T or T/m stays as it is, with factor 1.
    pub fn parse(text: &str) -> (Self, f64) {
        for (base, unit, factor) in [
            ("T/cm", Self::TeslaPerMetre, 100.0),
            ("T/m", Self::TeslaPerMetre, 1.0),
            ("T", Self::Tesla, 1.0),
            ("V", Self::Volt, 1.0),
        ] {
            let prefix = match text.strip_suffix(base) {
                Some("") => 1.0,
                Some("m") => 1e-3,
                Some("µ" | "μ" | "u") => 1e-6,
                Some("n") => 1e-9,
                Some("p") => 1e-12,
                Some("f") => 1e-15,
                _ => continue,
            };
            return (unit, prefix * factor);
        }
        (Self::Other(text.to_owned()), 1.0)
    }

    /// The SI unit that channels of this type must have; none for types that may have any.
    pub fn of(kind: ChannelType) -> Option<Self> {
        match kind {
            ChannelType::Mag => Some(Self::Tesla),
            ChannelType::Grad => Some(Self::TeslaPerMetre),
            ChannelType::Eeg
            | ChannelType::Eog
            | ChannelType::Ecg
            | ChannelType::Emg
            | ChannelType::Seeg
            | ChannelType::Ecog
            | ChannelType::Dbs => Some(Self::Volt),
            _ => None,
        }
    }

    /// The unit as text.
    pub fn name(&self) -> &str {
        match self {
            Self::Volt => "V",
            Self::Tesla => "T",
            Self::TeslaPerMetre => "T/m",
            Self::Other(text) => text,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A marker or annotated stretch in a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotation {
    /// Start (s) from the recording's first sample.
    pub onset: f64,
    /// Length (s).
    pub duration: f64,
    /// What it says, as MNE-Python writes it; BrainVision: `Stimulus/S  1`.
    pub description: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_of_meg_sensors_are_taken_to_the_head() {
        let place =
            |kind, unit| RecordingChannel { position: Some([1.0, 2.0, 3.0]), ..RecordingChannel::new("x", kind, unit) };
        let channels = vec![place(ChannelType::Mag, Unit::Tesla), place(ChannelType::Eeg, Unit::Volt)];
        let mut info = RecordingInfo::new("x", 1.0, 1, channels);
        assert_eq!(info.cohort_channel(0).position, Some([1.0, 2.0, 3.0]));
        // A quarter turn about z, then 10 m along x.
        info.device_to_head =
            Some([[0.0, -1.0, 0.0, 10.0], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]);
        assert_eq!(info.cohort_channel(0).position, Some([8.0, 1.0, 3.0]));
        assert_eq!(info.cohort_channel(1).position, Some([1.0, 2.0, 3.0]));
    }

    #[test]
    fn units_are_taken_to_si() {
        for (text, unit, factor) in [
            ("V", Unit::Volt, 1.0),
            ("mV", Unit::Volt, 1e-3),
            ("µV", Unit::Volt, 1e-6),
            ("μV", Unit::Volt, 1e-6),
            ("uV", Unit::Volt, 1e-6),
            ("nV", Unit::Volt, 1e-9),
            ("fT", Unit::Tesla, 1e-15),
            ("fT/cm", Unit::TeslaPerMetre, 1e-13),
            ("T/m", Unit::TeslaPerMetre, 1.0),
            ("µS", Unit::Other("µS".into()), 1.0),
            ("°C", Unit::Other("°C".into()), 1.0),
            ("", Unit::Other(String::new()), 1.0),
            ("xV", Unit::Other("xV".into()), 1.0),
        ] {
            let (found, scale) = Unit::parse(text);
            assert_eq!(found, unit, "{text}");
            assert!((scale / factor - 1.0).abs() < 1e-15, "{text}: {scale}");
        }
    }
}
