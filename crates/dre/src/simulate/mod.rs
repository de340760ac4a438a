//! A simulated reading study with a known truth.
//!
//! Subjects read sentences word by word while MEG or EEG is recorded. Current dipoles in a spherical head respond to each
//! word ([`field`], [`potential`]); the alpha rhythm, background activity, heart, eyes, the surroundings and the sensors
//! add what recordings hold beside. Responses saturate, adapt, depend on alpha power, and differ between subjects: each
//! with a switch of its own in [`Effects`].

mod alpha;
mod body;
mod brain;
mod config;
pub mod field;
mod head;
mod noise;
pub mod potential;
mod recording;
mod stimulus;
mod stream;
pub(crate) mod vector;

use std::collections::BTreeMap;
use std::sync::Arc;

use ndarray::Array2;

pub use config::{Effects, SimulationConfig, Timing};
pub use recording::RecordingStream;
pub use stimulus::WORD_COLUMNS;

use crate::data::{Channel, ChannelType, Cohort, CohortRecording, Gaps, Lack, Signals};
use crate::features::{FeatureSpec, FeatureValue, Features, Source};
use crate::sensors::Coil;
use crate::{Error, Result, Stop, parallel};
use stimulus::Corpus;

/// A channel of a simulated recording.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatedChannel {
    /// Name, unique within a recording.
    pub name: String,
    /// `Mag` (T), `Grad` (T/m), `Eeg`, `Eog` or `Ecg` (V).
    pub kind: ChannelType,
    /// Of the array's sensors: in device coordinates for MEG, in head coordinates for EEG (m).
    pub position: Option<[f64; 3]>,
    /// The coil of a MEG sensor.
    pub coil: Option<Coil>,
}

impl SimulatedChannel {
    /// Whether it belongs to the array, not to eye or heart.
    pub fn is_sensor(&self) -> bool {
        self.position.is_some()
    }

    /// White noise of the sensor, one-sided (unit per root Hz). MEG: what makers state, 3–5 fT and 3 fT/cm; EEG: amplifier and
    /// electrode together.
    fn noise_density(&self) -> f64 {
        match self.kind {
            ChannelType::Mag => 4e-15,
            ChannelType::Grad => 3e-13,
            _ => 4e-8,
        }
    }
}

/// What went into one recording.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordingTruth {
    /// Factor on the responses to words: the subject's gain, the session's, and `snr`.
    pub gain: f64,
    /// How much later than usual each response is (s).
    pub latency_shifts: Vec<f64>,
    /// The subject's alpha frequency, about which it drifts (Hz).
    pub alpha_freq: f64,
    /// The responses, then the sources of the alpha rhythm where it is on.
    pub source_names: Vec<String>,
    /// What the array's sensors see of each source, before any gain: `(n_sensors, n_sources)`. Of a response at its peak for a word
    /// of mean property after a long pause; of the alpha rhythm at its root mean square.
    pub topographies: Array2<f64>,
    /// One for each word.
    pub words: Vec<WordTruth>,
}

/// The state of a brain at a word, and what it makes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct WordTruth {
    /// Onset of the word (s).
    pub onset: f64,
    /// Alpha power in the 0.3 s before the word, relative to its mean over time.
    pub alpha_power: f64,
    /// Phase of the alpha rhythm at the onset (rad, from 0 to 2π).
    pub alpha_phase: f64,
    /// What alpha power makes of responses that depend on it.
    pub alpha_gain: f64,
    /// What is left of each response so soon after the previous word.
    pub recoveries: Vec<f64>,
    /// Size of each response: word property, recovery and alpha together, before the subject's gain and saturation.
    pub sizes: Vec<f64>,
}

/// The response to a word: what is the same in all subjects.
#[derive(Clone, Debug, PartialEq)]
pub struct ResponseTruth {
    /// Its name.
    pub name: &'static str,
    /// Column of the events that scales it.
    pub column: &'static str,
    /// Size for a word of mean property.
    pub size: f64,
    /// What a unit of the property adds.
    pub slope: f64,
    /// The property's mean.
    pub mean: f64,
    /// Latency of its first peak (s).
    pub latency: f64,
    /// Standard deviation of its latency between subjects (s).
    pub latency_std: f64,
    /// What is lost right after another word, and the time (s) in which it comes back.
    pub adaptation: Option<(f64, f64)>,
    /// Whether it depends on alpha power.
    pub alpha_gain: bool,
}

/// The responses to words.
pub fn responses() -> Vec<ResponseTruth> {
    brain::RESPONSES
        .iter()
        .map(|r| ResponseTruth {
            name: r.name,
            column: r.property.column,
            size: r.size.0,
            slope: r.size.1 / r.property.std,
            mean: r.property.mean,
            latency: r.peaks[0].0,
            latency_std: r.latency_std,
            adaptation: r.adaptation,
            alpha_gain: r.alpha_gain,
        })
        .collect()
}

/// Courses of the responses from the word's onset on, the usual latency, `(n_responses, n_times)` at `sfreq` (Hz).
pub fn kernels(sfreq: f64) -> Array2<f64> {
    let end = brain::RESPONSES.iter().map(|r| r.end(0.0)).fold(0.0, f64::max);
    let n_times = (end * sfreq).ceil() as usize + 1;
    Array2::from_shape_fn((brain::RESPONSES.len(), n_times), |(r, t)| brain::RESPONSES[r].at(t as f64 / sfreq, 0.0))
}

/// A study that is about to be simulated.
#[derive(Clone, Debug)]
pub struct Simulator {
    config: SimulationConfig,
    corpus: Corpus,
}

impl Simulator {
    /// Checks the settings and makes up the sentences.
    ///
    /// # Errors
    /// As [`SimulationConfig::check`].
    pub fn new(config: &SimulationConfig) -> Result<Self> {
        config.check()?;
        Ok(Self { config: config.clone(), corpus: Corpus::new(config) })
    }

    /// The settings.
    pub fn config(&self) -> &SimulationConfig {
        &self.config
    }

    /// A recording, to be read block by block; subject and session from 0.
    ///
    /// # Errors
    /// [`Error::Setting`] for a subject or session that the study does not have.
    pub fn recording(&self, subject: usize, session: usize) -> Result<RecordingStream> {
        for (name, found, n) in
            [("subject", subject, self.config.n_subjects), ("session", session, self.config.n_sessions)]
        {
            if found >= n {
                return Err(Error::Setting {
                    name: name.to_owned(),
                    found: found.to_string(),
                    expected: format!("below {n}"),
                });
            }
        }
        RecordingStream::new(&self.config, &self.corpus, subject, session)
    }
}

/// Simulated recordings and what went into them.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// Sampling frequency (Hz).
    pub sfreq: f64,
    /// The array's sensors, in the place that they have for a head in the usual position.
    pub channels: Vec<Channel>,
    /// One recording for each subject and session.
    pub recordings: Vec<SimulatedRecording>,
}

/// One recording.
#[derive(Clone, Debug)]
pub struct SimulatedRecording {
    /// Subject, such as `sub-01`.
    pub subject: String,
    /// Session, such as `ses-01`; none in a study of one session.
    pub session: Option<String>,
    /// Continuous data of the array's sensors (SI units), `(n_channels, n_times)`.
    pub data: Array2<f32>,
    /// Words, and bad segments as `BAD_muscle`.
    pub events: crate::data::EventTable,
    /// Missing channels and bad segments.
    pub gaps: Gaps,
    /// What went into it.
    pub truth: RecordingTruth,
}

impl Simulation {
    /// Simulates recordings in memory.
    ///
    /// # Errors
    /// As [`SimulationConfig::check`].
    pub fn new(config: &SimulationConfig) -> Result<Self> {
        Self::with_threads(config, 1)
    }

    /// The same on up to `n_threads` threads, with the same result.
    ///
    /// # Errors
    /// As [`Simulation::new`].
    pub fn with_threads(config: &SimulationConfig, n_threads: usize) -> Result<Self> {
        Self::until(config, n_threads, &Stop::never())
    }

    /// As [`Simulation::with_threads`], with who may stop it between recordings.
    ///
    /// # Errors
    /// Those of [`Simulation::new`]; [`crate::Error::Stopped`].
    pub fn until(config: &SimulationConfig, n_threads: usize, stop: &Stop) -> Result<Self> {
        let simulator = Simulator::new(config)?;
        let place = config.array.device_to_head();
        let sensors = config.array.sensors();
        let channels = sensors
            .iter()
            .map(|s| Channel { name: s.name.clone(), kind: s.kind, position: Some(place.point(s.position)) })
            .collect();
        let n = config.n_subjects * config.n_sessions;
        let make = |i: usize| {
            stop.check()?;
            let stream = simulator.recording(i / config.n_sessions, i % config.n_sessions)?;
            Ok(SimulatedRecording::new(stream, sensors.len()))
        };
        let recordings = parallel::map(n, n_threads, make).into_iter().collect::<Result<_>>()?;
        Ok(Self { sfreq: config.sfreq, channels, recordings })
    }

    /// The recordings as a cohort with these features, as if they had been prepared without a filter.
    ///
    /// # Errors
    /// Those of [`Features::new`] and [`Features::build`].
    pub fn cohort(&self, specs: &[FeatureSpec]) -> Result<Cohort> {
        let tables: Vec<_> = self.recordings.iter().map(|recording| &recording.events).collect();
        let features = Features::new(specs, BTreeMap::new(), &tables)?;
        let mut subjects: Vec<String> = self.recordings.iter().map(|recording| recording.subject.clone()).collect();
        subjects.dedup();
        let recordings = self
            .recordings
            .iter()
            .map(|recording| {
                let n_times = recording.data.ncols();
                let source = Source { events: &recording.events, tracks: &BTreeMap::new() };
                let signals = features.build(&source, self.sfreq, n_times)?;
                let session = recording.session.as_ref().map_or(String::new(), |session| format!("_{session}"));
                Ok(CohortRecording {
                    id: format!("{}{session}_task-reading", recording.subject),
                    subject: subjects.iter().position(|s| *s == recording.subject).unwrap_or_default(),
                    n_times,
                    data: Signals::new(
                        Arc::new(recording.data.t().iter().copied().collect::<Vec<f32>>()),
                        self.channels.len(),
                    ),
                    features: Arc::new(signals.iter().copied().collect::<Vec<f32>>()),
                    events: recording.events.clone(),
                    gaps: recording.gaps.clone(),
                })
            })
            .collect::<Result<_>>()?;
        let (sfreq, channels) = (self.sfreq, self.channels.clone());
        Ok(Cohort { sfreq, channels, features: features.names(), subjects, recordings })
    }
}

impl SimulatedRecording {
    fn new(mut stream: RecordingStream, n_sensors: usize) -> Self {
        let mut data = Array2::zeros((stream.channels.len(), stream.n_times));
        stream.read(data.view_mut(), 1);
        let data = data.slice(ndarray::s![..n_sensors, ..]).to_owned();
        let missing = stream.missing.iter().map(|&row| (row, Lack::Absent)).collect();
        let sample = |time: f64| ((time * stream.sfreq).round() as usize).min(stream.n_times);
        let bad = stream.bad_segments.iter().map(|&(onset, length)| sample(onset)..sample(onset + length)).collect();
        Self {
            gaps: Gaps::new(missing, bad),
            subject: stream.subject,
            session: stream.session,
            data,
            events: stream.events,
            truth: stream.truth,
        }
    }
}

/// The features that a linear model needs to explain the responses of [`SimulationConfig::linear`] in full: `word_onset` and
/// [`WORD_COLUMNS`], each at the sample of the word's onset.
pub fn word_features() -> Vec<FeatureSpec> {
    let words = BTreeMap::from([("trial_type".to_owned(), vec!["word".to_owned()])]);
    std::iter::once(FeatureSpec::new("word_onset", FeatureValue::Presence))
        .chain(WORD_COLUMNS.map(|column| FeatureSpec::new(column, FeatureValue::Column { column: column.to_owned() })))
        .map(|spec| FeatureSpec { events: words.clone(), layout: crate::features::Layout::Onset, ..spec })
        .collect()
}

#[cfg(test)]
mod tests;
