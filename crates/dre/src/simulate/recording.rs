//! One recording, made block by block.

use std::f64::consts::TAU;
use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayViewMut2, Axis};
use rand::RngExt as _;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;

use super::alpha::{self, Alpha};
use super::body::Repeated;
use super::brain::{ALPHA, Dipole, RESPONSES, SATURATION};
use super::config::{LINE_FREQ, LONGEST_BAD, MARGINS};
use super::head::{Head, anywhere, individual};
use super::noise::Pink;
use super::stimulus::{Corpus, Word, milliseconds};
use super::stream::{Part, Streams, bounded_normal, normal};
use super::{RecordingTruth, SimulatedChannel, SimulationConfig, WordTruth};
use crate::data::{ChannelType, EventTable};
use crate::sensors::Transform;
use crate::{Result, parallel};

/// Samples that are made at a time.
const BLOCK: usize = 1024;
/// Channels that one thread mixes at a time.
const GROUP: usize = 16;
/// Dipoles whose noise is the brain's background.
const N_BACKGROUND: usize = 120;
/// Their spectral density at 10 Hz (A·m per root Hz).
const BACKGROUND: f64 = 1.5e-9;
/// The surroundings' field at 10 Hz (T per root Hz).
const SURROUNDINGS: f64 = 3e-14;
/// How much stronger than sensor noise clenched teeth are.
const MUSCLE: f32 = 60.0;

/// A simulated recording that is made block by block, so that its length takes no memory.
#[derive(Debug)]
pub struct RecordingStream {
    /// Its subject, such as `sub-01`.
    pub subject: String,
    /// Its session, such as `ses-01`; none in a study of one session.
    pub session: Option<String>,
    /// Sampling frequency (Hz).
    pub sfreq: f64,
    /// Number of samples.
    pub n_times: usize,
    /// Words, and bad segments as `BAD_muscle`.
    pub events: EventTable,
    /// Channels, in the order of the rows.
    pub channels: Vec<SimulatedChannel>,
    /// Rows that the recording lacks, in ascending order. Their samples are made, but belong to nobody.
    pub missing: Vec<usize>,
    /// Bad segments (s): onset and duration.
    pub bad_segments: Vec<(f64, f64)>,
    /// From device to head coordinates (MEG).
    pub device_to_head: Option<Transform>,
    /// What went into it.
    pub truth: RecordingTruth,
    shared: Shared,
    rows: Vec<Row>,
    /// What each channel sees of each row, `(n_channels, n_rows)`.
    mixing: Array2<f32>,
    noise: Vec<(f32, ChaCha8Rng)>,
    bad: Vec<Range<usize>>,
    next: usize,
}

/// What several rows depend on.
#[derive(Debug)]
struct Shared {
    sfreq: f64,
    words: Vec<Word>,
    /// Of each response, for each word: its size with all that changes it but saturation.
    sizes: Vec<Vec<f64>>,
    /// Of each response (s).
    later: Vec<f64>,
    saturation: bool,
    alpha: Alpha,
}

/// What happens over time at one source.
#[derive(Debug)]
enum Row {
    Response(usize),
    Alpha(f64),
    Pink(Box<Pink>, f64),
    Repeated(Repeated),
    /// Frequency (Hz) and phase (rad).
    Line(f64, f64),
}

impl RecordingStream {
    pub(super) fn new(config: &SimulationConfig, corpus: &Corpus, subject: usize, session: usize) -> Result<Self> {
        let of_subject = Streams::study(config.seed).subject(subject);
        let streams = of_subject.session(session);
        let head = Head::new(config.array, config, of_subject, streams);
        let words = corpus.present(config, streams);
        let bad_segments = bad_segments(config, streams);
        let effects = &config.effects;

        let gain = {
            let log = 0.25 * bounded_normal(&mut of_subject.rng(Part::Gain, 0), 2.0)
                + 0.08 * bounded_normal(&mut streams.rng(Part::Gain, 0), 2.0);
            if effects.subject_gain { log.exp() } else { 1.0 }
        };
        let mut rng = of_subject.rng(Part::Latency, 0);
        let later: Vec<f64> = RESPONSES
            .iter()
            .map(|response| response.latency_std * bounded_normal(&mut rng, 2.0))
            .map(|later| if effects.subject_latency { later } else { 0.0 })
            .collect();
        let mut rng = of_subject.rng(Part::Alpha, 0);
        let frequency = alpha::frequency(&mut rng);
        let alpha = Alpha::new(config.duration, frequency, &mut streams.rng(Part::Alpha, 0));
        let truths: Vec<WordTruth> = words.iter().map(|word| word_truth(word, &alpha, config)).collect();

        let mut sources = Sources::brain(config, &head, of_subject, streams, gain)?;
        let heart = Repeated::heart(config.duration, &mut streams.rng(Part::Heart, 0));
        let blinks = Repeated::blinks(config.duration, &mut streams.rng(Part::Blinks, 0));
        let ecg = effects.heartbeat.then(|| sources.add(Row::Repeated(heart), head.heart()));
        let eog = if effects.blinks { Some(sources.add(Row::Repeated(blinks), head.blink()?)) } else { None };
        if effects.environment {
            surroundings(&head, config, streams, &mut sources);
        }
        let mut channels = head.channels();
        let n_sensors = channels.len();
        for (kind, name, row, size) in [(ChannelType::Eog, "VEOG", eog, 2.5e-4), (ChannelType::Ecg, "ECG", ecg, 1.2e-3)]
        {
            channels.push(SimulatedChannel { name: name.to_owned(), kind, position: None, coil: None });
            sources.body(row, size);
        }
        let sfreq = config.sfreq;
        let noise = channels
            .iter()
            .enumerate()
            .map(|(i, channel)| {
                let density = if effects.sensor_noise { channel.noise_density() } else { 0.0 };
                ((density * (sfreq / 2.0).sqrt()) as f32, streams.rng(Part::SensorNoise, i))
            })
            .collect();
        let missing = {
            let mut rng = streams.rng(Part::Missing, 0);
            let mut rows = sample(&mut rng, n_sensors, config.missing_channels).into_vec();
            rows.sort_unstable();
            rows
        };
        let sizes = (0..RESPONSES.len()).map(|r| truths.iter().map(|word| word.sizes[r]).collect()).collect();
        let n_times = config.n_times();
        let sample_of = |time: f64| ((time * sfreq).round() as usize).min(n_times);
        let truth = RecordingTruth {
            gain: gain * config.snr,
            latency_shifts: later.clone(),
            alpha_freq: frequency,
            source_names: sources.names,
            topographies: Array2::from_shape_fn((n_sensors, sources.topographies.len()), |(c, s)| {
                sources.topographies[s][c]
            }),
            words: truths,
        };
        Ok(Self {
            subject: format!("sub-{:02}", subject + 1),
            session: (config.n_sessions > 1).then(|| format!("ses-{:02}", session + 1)),
            sfreq,
            n_times,
            events: corpus.events(&words, &bad_segments),
            mixing: Array2::from_shape_fn((channels.len(), sources.rows.len()), |(c, r)| sources.mixing[r][c] as f32),
            missing,
            device_to_head: config.array.is_meg().then_some(head.placement),
            truth,
            shared: Shared { sfreq, words, sizes, later, saturation: effects.saturation, alpha },
            rows: sources.rows,
            noise,
            bad: bad_segments.iter().map(|&(onset, length)| sample_of(onset)..sample_of(onset + length)).collect(),
            bad_segments,
            channels,
            next: 0,
        })
    }

    /// Names as in BIDS without a task, such as `sub-01_ses-02`.
    pub fn label(&self) -> String {
        self.session.as_ref().map_or(self.subject.clone(), |session| format!("{}_{session}", self.subject))
    }

    /// Number of samples that are left.
    pub fn n_left(&self) -> usize {
        self.n_times - self.next
    }

    /// Makes the next samples, `(n_channels, n_times)` in SI units, on up to `n_threads` threads. Neither the size of the
    /// pieces nor the number of threads changes a sample.
    ///
    /// # Panics
    /// Where `out` does not have a row for each channel, or more samples than are left.
    pub fn read(&mut self, mut out: ArrayViewMut2<'_, f32>, n_threads: usize) {
        assert_eq!(out.nrows(), self.channels.len(), "a row for each channel");
        assert!(out.ncols() <= self.n_left(), "more samples than are left");
        let mut courses = Array2::zeros((self.rows.len(), BLOCK));
        for mut piece in out.axis_chunks_iter_mut(Axis(1), BLOCK) {
            let (start, n, shared) = (self.next, piece.ncols(), &self.shared);
            let n_rows = self.rows.len();
            let items = self.rows.iter_mut().zip(courses.outer_iter_mut());
            parallel::for_each_with(
                items,
                n_rows,
                n_threads,
                || (),
                |(), (row, mut course)| {
                    let course = course.as_slice_mut().expect("rows are contiguous");
                    row.fill(&mut course[..n], start, shared);
                },
            );
            let courses = courses.slice(ndarray::s![.., ..n]);
            let loud = loudness(&self.bad, start, n);
            let groups = piece
                .axis_chunks_iter_mut(Axis(0), GROUP)
                .zip(self.mixing.axis_chunks_iter(Axis(0), GROUP))
                .zip(self.noise.chunks_mut(GROUP));
            let n_groups = self.channels.len().div_ceil(GROUP);
            parallel::for_each_with(
                groups,
                n_groups,
                n_threads,
                || (),
                |(), ((mut out, mixing), noise)| {
                    general_mat_mul(1.0, &mixing, &courses, 0.0, &mut out);
                    for (mut row, (size, rng)) in out.outer_iter_mut().zip(noise) {
                        if *size > 0.0 {
                            for (value, loud) in row.iter_mut().zip(&loud) {
                                *value += *size * loud * rng.sample::<f32, _>(rand_distr::StandardNormal);
                            }
                        }
                    }
                },
            );
            self.next += n;
        }
    }

    /// Course of a named source from sample `start` on, relative to what its topography stands for. Responses include gain
    /// and saturation.
    ///
    /// # Panics
    /// Where `source` is not below the number of [`RecordingTruth::source_names`].
    pub fn course(&self, source: usize, start: usize, out: &mut [f32]) {
        match &self.rows[source] {
            Row::Response(response) => {
                self.shared.response(*response, out, start);
                out.iter_mut().for_each(|v| *v *= self.truth.gain as f32);
            }
            Row::Alpha(phase) => self.shared.alpha(*phase, out, start),
            _ => panic!("source {source} is not one of the named ones"),
        }
    }
}

impl Row {
    /// Writes samples from sample number `start` on.
    fn fill(&mut self, out: &mut [f32], start: usize, shared: &Shared) {
        match self {
            Self::Response(response) => shared.response(*response, out, start),
            Self::Alpha(phase) => shared.alpha(*phase, out, start),
            Self::Pink(pink, size) => out.iter_mut().for_each(|v| *v = (*size * pink.next()) as f32),
            Self::Repeated(repeated) => {
                out.fill(0.0);
                repeated.add(out, start, shared.sfreq);
            }
            Self::Line(freq, phase) => {
                let step = TAU * *freq / shared.sfreq;
                for (i, v) in out.iter_mut().enumerate() {
                    *v = (step * (start + i) as f64 + *phase).sin() as f32;
                }
            }
        }
    }
}

impl Shared {
    fn response(&self, index: usize, out: &mut [f32], start: usize) {
        let (response, later) = (&RESPONSES[index], self.later[index]);
        out.fill(0.0);
        let reach = response.end(later);
        let (from, to) = (start as f64 / self.sfreq - reach, (start + out.len()) as f64 / self.sfreq);
        let first = self.words.partition_point(|word| word.onset < from);
        for (word, size) in self.words[first..].iter().zip(&self.sizes[index][first..]) {
            if word.onset >= to {
                break;
            }
            let onset = word.onset * self.sfreq - start as f64;
            let low = onset.max(0.0).ceil() as usize;
            let high = (onset + reach * self.sfreq).max(0.0).ceil() as usize;
            for (i, value) in out.iter_mut().enumerate().take(high).skip(low) {
                *value += (size * response.at((i as f64 - onset) / self.sfreq, later)) as f32;
            }
        }
        if self.saturation {
            let limit = (response.size.0 / SATURATION) as f32;
            out.iter_mut().for_each(|v| *v = limit * (*v / limit).tanh());
        }
    }

    /// Root mean square 1.
    fn alpha(&self, phase: f64, out: &mut [f32], start: usize) {
        for (i, v) in out.iter_mut().enumerate() {
            let time = (start + i) as f64 / self.sfreq;
            let wave = (self.alpha.phase(time) + phase).cos();
            *v = (std::f64::consts::SQRT_2 * self.alpha.amplitude(time) * wave) as f32;
        }
    }
}

/// Sources while they are gathered.
#[derive(Default)]
struct Sources {
    rows: Vec<Row>,
    mixing: Vec<Vec<f64>>,
    names: Vec<String>,
    topographies: Vec<Vec<f64>>,
}

impl Sources {
    /// Responses, alpha and background of a subject.
    fn brain(config: &SimulationConfig, head: &Head, of_subject: Streams, streams: Streams, gain: f64) -> Result<Self> {
        let mut anatomy = of_subject.rng(Part::Anatomy, 0);
        let mut own = |dipoles: &[Dipole]| -> Vec<Dipole> {
            dipoles.iter().map(|dipole| individual(dipole, config, &mut anatomy)).collect()
        };
        let (mut sources, effects) = (Self::default(), &config.effects);
        for (i, response) in RESPONSES.iter().enumerate() {
            let topography = head.topography(&own(response.dipoles))?;
            sources.name(response.name, &topography);
            sources.add(Row::Response(i), topography.iter().map(|v| v * gain * config.snr).collect());
        }
        for (name, dipole, phase) in &ALPHA {
            let topography = head.topography(&own(&[*dipole]))?;
            if effects.alpha {
                sources.name(name, &topography);
                sources.add(Row::Alpha(*phase), topography);
            }
        }
        if effects.background {
            let mut places = of_subject.rng(Part::BackgroundPlaces, 0);
            for i in 0..N_BACKGROUND {
                let topography = head.topography(&[anywhere(BACKGROUND, &mut places)])?;
                let pink = Pink::new(config.sfreq, streams.rng(Part::Background, i));
                sources.add(Row::Pink(Box::new(pink), 1.0), topography);
            }
        }
        Ok(sources)
    }

    fn name(&mut self, name: &str, topography: &[f64]) {
        self.names.push(name.to_owned());
        self.topographies.push(topography.to_vec());
    }

    /// Its number.
    fn add(&mut self, row: Row, topography: Vec<f64>) -> usize {
        self.rows.push(row);
        self.mixing.push(topography);
        self.rows.len() - 1
    }

    /// A further channel, which sees one row.
    fn body(&mut self, row: Option<usize>, size: f64) {
        for (i, column) in self.mixing.iter_mut().enumerate() {
            column.push(if Some(i) == row { size } else { 0.0 });
        }
    }
}

fn word_truth(word: &Word, alpha: &Alpha, config: &SimulationConfig) -> WordTruth {
    let power = alpha.power_before(word.onset);
    let gain = if config.effects.alpha_gain { Alpha::gain(power) } else { 1.0 };
    let recoveries: Vec<f64> = RESPONSES
        .iter()
        .map(|response| if config.effects.adaptation { response.recovery(word.pause) } else { 1.0 })
        .collect();
    let sizes = RESPONSES
        .iter()
        .zip(&recoveries)
        .map(|(response, recovery)| {
            let (size, slope) = response.size;
            let gain = if response.alpha_gain { gain } else { 1.0 };
            (size + slope * word.score(response.property)) * recovery * gain
        })
        .collect();
    let phase = alpha.phase(word.onset).rem_euclid(TAU);
    WordTruth { onset: word.onset, alpha_power: power, alpha_phase: phase, alpha_gain: gain, recoveries, sizes }
}

/// Apart from each other, in order.
fn bad_segments(config: &SimulationConfig, streams: Streams) -> Vec<(f64, f64)> {
    let mut rng = streams.rng(Part::BadSegments, 0);
    let room = (config.duration - MARGINS.0) / config.bad_segments.max(1) as f64;
    (0..config.bad_segments)
        .map(|i| {
            let length = rng.random_range(1.0..LONGEST_BAD);
            let onset = MARGINS.0 + room * i as f64 + rng.random_range(0.0..1.0) * (room - LONGEST_BAD).max(0.0);
            (milliseconds(onset), milliseconds(length))
        })
        .collect()
}

/// How much louder than usual the noise is.
fn loudness(bad: &[Range<usize>], start: usize, n: usize) -> Vec<f32> {
    let mut loud = vec![1.0; n];
    for range in bad {
        for sample in range.start.max(start)..range.end.min(start + n) {
            // Rises and falls.
            let place = (sample - range.start) as f32 / range.len() as f32;
            loud[sample - start] += MUSCLE * (std::f32::consts::PI * place).sin();
        }
    }
    loud
}

/// Mains, and for MEG the slow fields of whatever moves outside.
fn surroundings(head: &Head, config: &SimulationConfig, streams: Streams, sources: &mut Sources) {
    let mut rng = streams.rng(Part::Environment, 0);
    for (harmonic, share) in [(1.0, 1.0), (3.0, 0.25)] {
        // Sine and cosine, so that channels differ in phase.
        let sizes: Vec<[f64; 2]> = head
            .kinds()
            .map(|kind| {
                [
                    line_size(kind) * share * (1.0 + 0.4 * normal(&mut rng)),
                    0.3 * line_size(kind) * share * normal(&mut rng),
                ]
            })
            .collect();
        let freq = harmonic * LINE_FREQ;
        // An amplifier filters what its sampling frequency cannot hold.
        if freq < config.sfreq / 2.0 {
            for part in [0, 1] {
                let phase = part as f64 * TAU / 4.0;
                sources.add(Row::Line(freq, phase), sizes.iter().map(|size| size[part]).collect());
            }
        }
    }
    if config.array.is_meg() {
        for (i, topography) in head.surroundings().into_iter().enumerate() {
            let pink = Pink::new(config.sfreq, streams.rng(Part::EnvironmentNoise, i));
            sources.add(Row::Pink(Box::new(pink), SURROUNDINGS), topography);
        }
    }
}

/// Amplitude of the mains in a shielded room.
fn line_size(kind: ChannelType) -> f64 {
    match kind {
        ChannelType::Mag => 4e-14,
        ChannelType::Grad => 8e-13,
        _ => 1e-6,
    }
}
