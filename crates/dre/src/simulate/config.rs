//! What is simulated.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::sensors::SensorArray;
use crate::{Error, Result};

/// What is simulated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulationConfig {
    /// The sensors.
    pub array: SensorArray,
    /// Number of subjects, labelled `sub-01` and on.
    pub n_subjects: usize,
    /// Recordings of each subject, on different days.
    pub n_sessions: usize,
    /// Sampling frequency (Hz).
    pub sfreq: f64,
    /// Length of each recording (s).
    pub duration: f64,
    /// How words follow each other.
    pub timing: Timing,
    /// Fewest and most words of a sentence.
    pub words_per_sentence: (usize, usize),
    /// Factor on the responses to words; 1 is a realistic size.
    pub snr: f64,
    /// What the brains, bodies and machines do.
    pub effects: Effects,
    /// Channels that are absent from each recording, drawn anew for each.
    pub missing_channels: usize,
    /// Stretches of 1–3 s of each recording in which the subject clenches the teeth.
    pub bad_segments: usize,
    /// Subjects differ, and are the same for the same seed, however many there are.
    pub seed: u64,
}

/// How words follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Timing {
    /// Words of 300 ms, an onset every 600 ms.
    Fixed,
    /// Words of 200 ms, onsets 300–1100 ms apart at random, as eyes move in reading.
    Jittered,
    /// Words of 300–1400 ms, longer for longer ones, 300 ms apart: as Schoffelen and others (2019), "A 204-subject
    /// multimodal neuroimaging dataset to study language processing", Scientific Data 6:17, describe MOUS.
    Mous,
}

/// What the brains, bodies and machines do; each is on or off by itself and draws from random numbers of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Effects {
    /// The current of a response saturates: responses that overlap add up to less.
    pub saturation: bool,
    /// Responses are small soon after another word and recover with the time since.
    pub adaptation: bool,
    /// Responses are smaller where alpha power before the word is high.
    pub alpha_gain: bool,
    /// Responses differ in size between subjects, and a little between sessions.
    pub subject_gain: bool,
    /// Responses differ in latency between subjects.
    pub subject_latency: bool,
    /// Heads differ in their place below the sensors, and sources in their place in the head.
    pub head_position: bool,
    /// The alpha rhythm, with drifting frequency and amplitude.
    pub alpha: bool,
    /// Background activity of the brain, its power falling as 1/f.
    pub background: bool,
    /// The heart.
    pub heartbeat: bool,
    /// Blinks.
    pub blinks: bool,
    /// Fields of the mains, and slow fields of the surroundings (MEG).
    pub environment: bool,
    /// White noise of the sensors.
    pub sensor_noise: bool,
}

impl Effects {
    /// Everything, as in a recording.
    pub const ALL: Self = Self {
        saturation: true,
        adaptation: true,
        alpha_gain: true,
        subject_gain: true,
        subject_latency: true,
        head_position: true,
        alpha: true,
        background: true,
        heartbeat: true,
        blinks: true,
        environment: true,
        sensor_noise: true,
    };

    /// Responses to words alone: linear, the same in all subjects, without any noise.
    pub const NONE: Self = Self {
        saturation: false,
        adaptation: false,
        alpha_gain: false,
        subject_gain: false,
        subject_latency: false,
        head_position: false,
        alpha: false,
        background: false,
        heartbeat: false,
        blinks: false,
        environment: false,
        sensor_noise: false,
    };

    /// Linear and stationary responses in white noise.
    pub const LINEAR: Self = Self { sensor_noise: true, ..Self::NONE };

    /// Names of the switches, in the order of the fields.
    pub const NAMES: [&str; 12] = [
        "saturation",
        "adaptation",
        "alpha-gain",
        "subject-gain",
        "subject-latency",
        "head-position",
        "alpha",
        "background",
        "heartbeat",
        "blinks",
        "environment",
        "sensor-noise",
    ];

    /// The switch of this name; none for a name that is not of [`Effects::NAMES`].
    pub fn switch(&mut self, name: &str) -> Option<&mut bool> {
        Some(match name {
            "saturation" => &mut self.saturation,
            "adaptation" => &mut self.adaptation,
            "alpha-gain" => &mut self.alpha_gain,
            "subject-gain" => &mut self.subject_gain,
            "subject-latency" => &mut self.subject_latency,
            "head-position" => &mut self.head_position,
            "alpha" => &mut self.alpha,
            "background" => &mut self.background,
            "heartbeat" => &mut self.heartbeat,
            "blinks" => &mut self.blinks,
            "environment" => &mut self.environment,
            "sensor-noise" => &mut self.sensor_noise,
            _ => return None,
        })
    }
}

impl Default for SimulationConfig {
    /// Small and quick: EEG of six subjects with 19 electrodes, 2.5 minutes each at 128 Hz, everything on.
    fn default() -> Self {
        Self {
            array: SensorArray::Eeg19,
            n_subjects: 6,
            n_sessions: 1,
            sfreq: 128.0,
            duration: 150.0,
            timing: Timing::Jittered,
            words_per_sentence: (5, 9),
            snr: 1.0,
            effects: Effects::ALL,
            missing_channels: 0,
            bad_segments: 0,
            seed: 0,
        }
    }
}

/// Time before the first word and after the last one (s).
pub(super) const MARGINS: (f64, f64) = (1.0, 2.0);
/// The longest bad segment (s).
pub(super) const LONGEST_BAD: f64 = 3.0;
/// The mains (Hz).
pub(super) const LINE_FREQ: f64 = 50.0;

impl SimulationConfig {
    /// A MEG study with 275 channels: six subjects, five minutes each at 600 Hz, word timing as in MOUS.
    pub fn study() -> Self {
        Self {
            array: SensorArray::Ctf275,
            sfreq: 600.0,
            duration: 300.0,
            timing: Timing::Mous,
            words_per_sentence: (9, 15),
            ..Self::default()
        }
    }

    /// These settings with linear and stationary responses in white noise: what a linear model can explain in full.
    #[must_use]
    pub fn linear(self) -> Self {
        Self { effects: Effects::LINEAR, ..self }
    }

    /// Samples of each recording.
    pub fn n_times(&self) -> usize {
        (self.duration * self.sfreq).floor() as usize
    }

    /// Whether everything can be done.
    ///
    /// # Errors
    /// [`Error::Setting`] for the first setting that cannot be, with the reason.
    pub fn check(&self) -> Result<()> {
        count("subjects", self.n_subjects, 1..=9999, "")?;
        count("sessions", self.n_sessions, 1..=99, "")?;
        let (fewest, most) = self.words_per_sentence;
        if fewest == 0 || fewest > most || most > 60 {
            return refuse(
                "words_per_sentence",
                format!("{fewest}-{most}"),
                "1 to 60 words, the fewest first".to_owned(),
            );
        }
        if !(64.0..=20_000.0).contains(&self.sfreq) {
            let expected =
                "64 to 20000 Hz: the responses and the alpha rhythm reach to 30 Hz, half of which is not enough";
            return refuse("sfreq", self.sfreq, expected.to_owned());
        }
        let least = MARGINS.0 + most as f64 * self.timing.longest_onset() + MARGINS.1;
        if !(least..=86_400.0).contains(&self.duration) {
            let expected = format!("{least:.1} s at least, to hold a sentence of {most} words, and a day at most");
            return refuse("duration", self.duration, expected);
        }
        if !(0.0..=1000.0).contains(&self.snr) {
            return refuse("snr", self.snr, "0 to 1000, 1 being a realistic size".to_owned());
        }
        let n_sensors = self.array.sensors().len();
        if self.missing_channels >= n_sensors {
            let expected = format!("below {n_sensors}, the number of channels of {}", self.array);
            return refuse("missing_channels", self.missing_channels, expected);
        }
        let most_bad = (self.duration / (2.0 * LONGEST_BAD)).floor() as usize;
        count("bad_segments", self.bad_segments, 0..=most_bad, ", so that half of the recording stays good")?;
        if self.effects.alpha_gain && !self.effects.alpha {
            let expected = "off where alpha is off: its power before a word cannot be seen then";
            return refuse("alpha-gain", "on", expected.to_owned());
        }
        Ok(())
    }
}

impl Timing {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Fixed, Self::Jittered, Self::Mous];

    /// Its name, such as `mous`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Jittered => "jittered",
            Self::Mous => "mous",
        }
    }

    /// The longest time from a word's onset to that of the next one of the sentence (s).
    pub(super) fn longest_onset(self) -> f64 {
        match self {
            Self::Fixed => 0.6,
            Self::Jittered => 1.1,
            Self::Mous => 1.7,
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "numbers and texts alike")]
fn refuse<T>(name: &str, found: impl std::fmt::Display, expected: String) -> Result<T> {
    Err(Error::Setting { name: name.to_owned(), found: format!("{found}"), expected })
}

fn count(name: &str, found: usize, range: RangeInclusive<usize>, why: &str) -> Result<()> {
    if range.contains(&found) {
        return Ok(());
    }
    refuse(name, found, format!("{} to {}{why}", range.start(), range.end()))
}
