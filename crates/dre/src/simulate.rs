//! Simulated EEG of listeners, with a known truth.
//!
//! A plain generator for demonstrations and tests: words evoke responses at known latencies, scaled by an adaptation
//! that a linear response to the words cannot follow, on top of an alpha oscillation whose near future follows from
//! its past, and of 1/f noise.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use ndarray::{Array2, ArrayViewMut1};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};

use crate::data::{Channel, ChannelType, EventTable};
use crate::{Error, Result};

/// Columns of the simulated events that describe the word, beside `trial_type`.
pub const WORD_COLUMNS: [&str; 4] = ["word_length", "word_frequency", "first_word", "last_word"];

/// What is simulated.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulationConfig {
    /// Number of subjects, labelled `sub-01` and on.
    pub n_subjects: usize,
    /// Sampling frequency (Hz).
    pub sfreq: f64,
    /// Length of each subject's recording (s).
    pub duration: f64,
    /// Subjects differ, and are the same for the same seed, however many there are.
    pub seed: u64,
}

impl Default for SimulationConfig {
    /// Six subjects, 2.5 minutes each at 128 Hz.
    fn default() -> Self {
        Self { n_subjects: 6, sfreq: 128.0, duration: 150.0, seed: 0 }
    }
}

/// Simulated recordings and what went into them.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// Sampling frequency (Hz).
    pub sfreq: f64,
    /// Eight EEG channels of the 10–20 system with positions.
    pub channels: Vec<Channel>,
    /// One recording per subject.
    pub subjects: Vec<SimulatedSubject>,
    /// What went into all of them.
    pub truth: Truth,
}

/// The recording of one subject.
#[derive(Clone, Debug)]
pub struct SimulatedSubject {
    /// Label, such as `sub-01`.
    pub label: String,
    /// Continuous data (V), `(n_channels, n_times)`.
    pub data: Array2<f32>,
    /// Words: `trial_type` is `word`; [`WORD_COLUMNS`] hold letters, Zipf frequency, and 0 or 1.
    pub events: EventTable,
    /// Factor on this subject's evoked responses.
    pub gain: f64,
}

/// What the simulated brains do.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    /// Evoked responses that add up.
    pub responses: Vec<EvokedResponse>,
    /// How responses recover from the previous word.
    pub adaptation: Adaptation,
    /// Frequency of the alpha oscillation (Hz).
    pub alpha_freq: f64,
    /// Time (s) after which the oscillation's correlation with its own past has fallen to 1/e.
    pub alpha_coherence: f64,
}

/// Responses are small soon after another word and whole after a pause: they are scaled by the logistic function of
/// (Δ − `midpoint`) / `width`, Δ being the time since the previous word's onset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adaptation {
    /// Pause (s) after which a response has half its size.
    pub midpoint: f64,
    /// How gradual the recovery is (s).
    pub width: f64,
}

impl Adaptation {
    /// The factor after a pause (s).
    fn factor(self, pause: f64) -> f64 {
        1.0 / (1.0 + (-(pause - self.midpoint) / self.width).exp())
    }
}

/// The response to one property of a word: a Gaussian bump in time.
#[derive(Clone, Debug, PartialEq)]
pub struct EvokedResponse {
    /// A name of [`WORD_COLUMNS`] (per standard deviation of the property), or `word_onset` (per word).
    pub feature: &'static str,
    /// Peak (s) after the word's onset.
    pub latency: f64,
    /// Standard deviation of the bump (s).
    pub width: f64,
    /// Peak (V) at each channel for a subject of gain 1 after a long pause.
    pub topography: Vec<f64>,
}

impl EvokedResponse {
    /// The response relative to its peak at a time (s) after the word's onset; 0 before the word.
    fn at(&self, time: f64) -> f64 {
        if time < 0.0 { 0.0 } else { (-0.5 * ((time - self.latency) / self.width).powi(2)).exp() }
    }

    /// Time (s) after the onset from which nothing is left of the response.
    fn end(&self) -> f64 {
        self.latency + 4.0 * self.width
    }
}

/// Name and direction from the head's centre (right, front, up) of each channel.
const CHANNELS: [(&str, [f64; 3]); 8] = [
    ("Fz", [0.0, 0.588, 0.809]),
    ("F3", [-0.545, 0.673, 0.5]),
    ("F4", [0.545, 0.673, 0.5]),
    ("Cz", [0.0, 0.0, 1.0]),
    ("Pz", [0.0, -0.588, 0.809]),
    ("P3", [-0.545, -0.673, 0.5]),
    ("P4", [0.545, -0.673, 0.5]),
    ("Oz", [0.0, -0.951, 0.309]),
];

/// Radius of the head (m).
const HEAD_RADIUS: f64 = 0.095;
/// Standard deviation of the alpha oscillation where it is strongest (V).
const ALPHA_SD: f64 = 7e-6;
/// Standard deviation of the 1/f noise (V).
const NOISE_SD: f64 = 4e-6;
/// How long a word lasts (s).
const WORD_DURATION: f64 = 0.25;

impl Simulation {
    /// Simulates recordings.
    ///
    /// # Errors
    /// [`Error::Setting`] where there is no subject, or recordings are too short or too slow to hold the responses.
    pub fn new(config: &SimulationConfig) -> Result<Self> {
        let refuse = |name: &str, found: f64, expected: &str| {
            Err(Error::Setting { name: name.to_owned(), found: found.to_string(), expected: expected.to_owned() })
        };
        if config.n_subjects == 0 {
            return refuse("n_subjects", 0.0, "1 or above");
        }
        if !(config.sfreq >= 64.0 && config.sfreq.is_finite()) {
            return refuse("sfreq", config.sfreq, "64 Hz or above, to hold the responses");
        }
        if !(config.duration >= 10.0 && config.duration.is_finite()) {
            return refuse("duration", config.duration, "10 s or above, to hold a few words");
        }
        let channels: Vec<Channel> = CHANNELS
            .iter()
            .map(|(name, direction)| Channel {
                name: (*name).to_owned(),
                kind: ChannelType::Eeg,
                position: Some(direction.map(|x| x * HEAD_RADIUS)),
            })
            .collect();
        let truth = Truth {
            responses: vec![
                EvokedResponse { feature: "word_onset", latency: 0.1, width: 0.03, topography: bump("Cz", 9e-6) },
                EvokedResponse { feature: "word_length", latency: 0.15, width: 0.03, topography: bump("P3", 9e-6) },
                EvokedResponse { feature: "word_frequency", latency: 0.4, width: 0.07, topography: bump("Pz", 8e-6) },
            ],
            adaptation: Adaptation { midpoint: 0.55, width: 0.06 },
            alpha_freq: 10.0,
            alpha_coherence: 1.5,
        };
        let subjects = (0..config.n_subjects).map(|i| simulate_subject(i, config, &truth)).collect();
        Ok(Self { sfreq: config.sfreq, channels, subjects, truth })
    }
}

/// A topography: `peak` (V) at a channel, less the farther from it.
fn bump(centre: &str, peak: f64) -> Vec<f64> {
    const WIDTH: f64 = 0.9; // of the head's radius
    let centre = CHANNELS.iter().find(|(name, _)| *name == centre).map_or([0.0; 3], |(_, direction)| *direction);
    let weight = |direction: &[f64; 3]| {
        let squared: f64 = direction.iter().zip(centre).map(|(a, b)| (a - b).powi(2)).sum();
        peak * (-0.5 * squared / (WIDTH * WIDTH)).exp()
    };
    CHANNELS.iter().map(|(_, direction)| weight(direction)).collect()
}

fn simulate_subject(index: usize, config: &SimulationConfig, truth: &Truth) -> SimulatedSubject {
    let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
    rng.set_stream(index as u64 + 1);
    let n_times = (config.duration * config.sfreq) as usize;
    let gain = 1.0 + 0.25 * normal(&mut rng);
    let gain = gain.clamp(0.4, 1.6);
    let words = Word::sequence(config.duration, &mut rng);

    let mut data = Array2::<f64>::zeros((CHANNELS.len(), n_times));
    for response in &truth.responses {
        let course = evoked_course(response, &words, truth.adaptation, n_times, config.sfreq);
        for (mut row, peak) in data.outer_iter_mut().zip(&response.topography) {
            row.scaled_add(gain * peak, &course);
        }
    }
    let alpha = alpha_course(truth, n_times, config.sfreq, &mut rng);
    for (mut row, peak) in data.outer_iter_mut().zip(bump("Oz", ALPHA_SD)) {
        row.scaled_add(peak, &alpha);
    }
    for row in data.outer_iter_mut() {
        add_noise(row, config.sfreq, &mut rng);
    }
    SimulatedSubject {
        label: format!("sub-{:02}", index + 1),
        data: data.mapv(|v| v as f32),
        events: event_table(&words),
        gain,
    }
}

/// One word of a sentence.
#[derive(Clone, Copy, Debug)]
struct Word {
    onset: f64,
    /// Time since the previous word's onset (s); long for the first of all.
    pause: f64,
    letters: f64,
    zipf: f64,
    first: bool,
    last: bool,
}

/// Mean and standard deviation of word lengths (letters).
const LETTERS: (f64, f64) = (4.8, 2.2);
/// Mean and standard deviation of Zipf word frequencies.
const ZIPF: (f64, f64) = (5.2, 1.1);
/// Correlation of length and frequency before rounding.
const LENGTH_FREQUENCY: f64 = -0.7;

impl Word {
    /// Sentences of 5–9 words, a word about every 0.6 s, more after a sentence.
    fn sequence(duration: f64, rng: &mut ChaCha8Rng) -> Vec<Self> {
        let mut words: Vec<Self> = Vec::new();
        let (mut onset, mut pause) = (1.0, 10.0);
        while onset < duration - 2.0 {
            let n_words = rng.random_range(5..10);
            for i in 0..n_words {
                let z = normal(rng);
                let other = LENGTH_FREQUENCY * z + (1.0 - LENGTH_FREQUENCY.powi(2)).sqrt() * normal(rng);
                let letters = (LETTERS.0 + LETTERS.1 * z).round().clamp(1.0, 14.0);
                let zipf = ((ZIPF.0 + ZIPF.1 * other) * 100.0).round() / 100.0;
                words.push(Self { onset, pause, letters, zipf, first: i == 0, last: i + 1 == n_words });
                pause = rng.random_range(0.3..0.8);
                if i + 1 == n_words {
                    pause += 0.4;
                }
                // Events files have milliseconds.
                pause = (pause * 1000.0).round() / 1000.0;
                onset += pause;
                if onset >= duration - 2.0 {
                    break;
                }
            }
        }
        words
    }

    /// Size of the word's property in standard deviations; 1 for its mere presence.
    fn property(&self, feature: &str) -> f64 {
        match feature {
            "word_length" => (self.letters - LETTERS.0) / LETTERS.1,
            "word_frequency" => (self.zipf - ZIPF.0) / ZIPF.1,
            "first_word" => f64::from(u8::from(self.first)),
            "last_word" => f64::from(u8::from(self.last)),
            _ => 1.0,
        }
    }
}

fn event_table(words: &[Word]) -> EventTable {
    let flag = |on: bool| u8::from(on).to_string();
    let column = |text: &dyn Fn(&Word) -> String| words.iter().map(text).collect::<Vec<_>>();
    let columns = BTreeMap::from([
        ("trial_type".to_owned(), vec!["word".to_owned(); words.len()]),
        (WORD_COLUMNS[0].to_owned(), column(&|w| w.letters.to_string())),
        (WORD_COLUMNS[1].to_owned(), column(&|w| w.zipf.to_string())),
        (WORD_COLUMNS[2].to_owned(), column(&|w| flag(w.first))),
        (WORD_COLUMNS[3].to_owned(), column(&|w| flag(w.last))),
    ]);
    // Sums of milliseconds are not milliseconds in binary.
    let onset = words.iter().map(|w| (w.onset * 1000.0).round() / 1000.0).collect();
    EventTable { onset, duration: vec![WORD_DURATION; words.len()], columns }
}

/// The response to all words relative to its peak.
fn evoked_course(
    response: &EvokedResponse,
    words: &[Word],
    adaptation: Adaptation,
    n_times: usize,
    sfreq: f64,
) -> ndarray::Array1<f64> {
    let mut course = ndarray::Array1::zeros(n_times);
    for word in words {
        let size = word.property(response.feature) * adaptation.factor(word.pause);
        let first = (word.onset * sfreq).ceil() as usize;
        let last = ((word.onset + response.end()) * sfreq) as usize;
        for sample in first..=last.min(n_times - 1) {
            course[sample] += size * response.at(sample as f64 / sfreq - word.onset);
        }
    }
    course
}

/// A noisy oscillator of standard deviation 1: a complex autoregressive process of first order, real part.
fn alpha_course(truth: &Truth, n_times: usize, sfreq: f64, rng: &mut ChaCha8Rng) -> ndarray::Array1<f64> {
    let keep = (-1.0 / (truth.alpha_coherence * sfreq)).exp();
    let fresh = (1.0 - keep * keep).sqrt();
    let (sin, cos) = (TAU * truth.alpha_freq / sfreq).sin_cos();
    let (mut re, mut im) = (normal(rng), normal(rng));
    ndarray::Array1::from_shape_simple_fn(n_times, || {
        (re, im) =
            (keep * (cos * re - sin * im) + fresh * normal(rng), keep * (sin * re + cos * im) + fresh * normal(rng));
        re
    })
}

/// Adds noise whose power falls as 1/f: autoregressive processes with time constants an octave apart, of equal power.
fn add_noise(mut row: ArrayViewMut1<'_, f64>, sfreq: f64, rng: &mut ChaCha8Rng) {
    const N_OCTAVES: i32 = 8;
    const SLOWEST: f64 = 0.5; // s
    let scale = NOISE_SD / f64::from(N_OCTAVES).sqrt();
    for octave in 0..N_OCTAVES {
        let time_constant = SLOWEST / 2f64.powi(octave);
        let keep = (-1.0 / (time_constant * sfreq)).exp();
        let fresh = (1.0 - keep * keep).sqrt();
        let mut state = normal(rng);
        for value in &mut row {
            state = keep * state + fresh * normal(rng);
            *value += scale * state;
        }
    }
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> SimulationConfig {
        SimulationConfig { n_subjects: 2, duration: 60.0, ..SimulationConfig::default() }
    }

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    fn correlation(a: &[f64], b: &[f64]) -> f64 {
        let (ma, mb) = (mean(a), mean(b));
        let sum = |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(b).map(|(x, y)| f(x - ma, y - mb)).sum::<f64>();
        sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt()
    }

    fn numbers(subject: &SimulatedSubject, column: &str) -> Vec<f64> {
        subject.events.columns[column].iter().map(|text| text.parse().expect("a number")).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_subjects_however_many() {
        let two = Simulation::new(&small()).expect("valid");
        let one = Simulation::new(&SimulationConfig { n_subjects: 1, ..small() }).expect("valid");
        assert_eq!(one.subjects[0].data, two.subjects[0].data);
        assert_eq!(one.subjects[0].events, two.subjects[0].events);
        assert_ne!(two.subjects[0].data, two.subjects[1].data);
        let other = Simulation::new(&SimulationConfig { seed: 1, ..small() }).expect("valid");
        assert_ne!(other.subjects[0].data, two.subjects[0].data);
    }

    #[test]
    fn words_are_as_described() {
        let simulation = Simulation::new(&SimulationConfig { duration: 600.0, ..small() }).expect("valid");
        for subject in &simulation.subjects {
            subject.events.check().expect("sorted, finite, of one length");
            let events = &subject.events;
            assert!(events.onset.windows(2).all(|pair| (0.299..=1.201).contains(&(pair[1] - pair[0]))));
            let rate = events.len() as f64 / 600.0;
            assert!((rate - 1.0 / 0.6).abs() < 0.15, "{rate} words per second");
            assert!(events.onset[0] >= 1.0 && events.onset[events.len() - 1] <= 598.0);
            let r = correlation(&numbers(subject, "word_length"), &numbers(subject, "word_frequency"));
            assert!((r + 0.7).abs() < 0.08, "length and frequency correlate with {r}");
            let (first, last) = (numbers(subject, "first_word"), numbers(subject, "last_word"));
            assert!((first[0] - 1.0).abs() < f64::EPSILON);
            // A sentence begins exactly after another one ends.
            assert_eq!(first[1..], last[..last.len() - 1]);
        }
    }

    #[test]
    fn a_response_peaks_at_its_latency_with_its_size() {
        let response = EvokedResponse { feature: "word_onset", latency: 0.25, width: 0.05, topography: vec![1.0] };
        let word = Word { onset: 1.0, pause: 0.5, letters: 4.0, zipf: 5.0, first: true, last: false };
        let adaptation = Adaptation { midpoint: 0.5, width: 0.1 };
        let course = evoked_course(&response, &[word], adaptation, 300, 100.0);
        let (peak, value) =
            course.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(i, v)| (i, *v)).expect("not empty");
        assert_eq!(peak, 125);
        assert!((value - 0.5).abs() < 1e-12, "half its size after a pause of 0.5 s");
        assert!(course.iter().take(100).all(|v| v.abs() < f64::MIN_POSITIVE), "nothing before the word");
    }

    #[test]
    fn alpha_has_unit_power_and_fades_as_the_truth_says() {
        let simulation = Simulation::new(&small()).expect("valid");
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let sfreq = 100.0;
        let alpha = alpha_course(&simulation.truth, 1_000_000, sfreq, &mut rng).to_vec();
        let power = mean(&alpha.iter().map(|v| v * v).collect::<Vec<_>>());
        assert!((power - 1.0).abs() < 0.1, "power {power}");
        // After whole cycles only the coherence is left: 1.5 s are 15 cycles of 10 Hz.
        let lag = (simulation.truth.alpha_coherence * sfreq) as usize;
        let r = correlation(&alpha[..alpha.len() - lag], &alpha[lag..]);
        assert!((r - (-1.0f64).exp()).abs() < 0.05, "correlation after the coherence time: {r}");
        let half_cycle = correlation(&alpha[..alpha.len() - 5], &alpha[5..]);
        assert!(half_cycle < -0.9, "opposite after half a cycle: {half_cycle}");
    }

    #[test]
    fn noise_falls_as_one_over_frequency() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let (sfreq, n_times) = (128.0, 1 << 16);
        let mut row = ndarray::Array1::zeros(n_times);
        add_noise(row.view_mut(), sfreq, &mut rng);
        let sd = mean(&row.iter().map(|v: &f64| v * v).collect::<Vec<_>>()).sqrt();
        assert!((sd / NOISE_SD - 1.0).abs() < 0.1, "standard deviation {sd} V");
        // Mean power in octaves, each over many Fourier frequencies.
        let mut spectrum: Vec<_> = row.iter().map(|v| (*v, 0.0)).collect();
        fft(&mut spectrum);
        let octave = |low: f64| {
            let bin = |freq: f64| (freq / sfreq * n_times as f64) as usize;
            mean(&spectrum[bin(low)..bin(2.0 * low)].iter().map(|(re, im)| re * re + im * im).collect::<Vec<_>>())
        };
        for low in [1.0, 2.0, 4.0, 8.0] {
            let ratio = octave(low) / octave(2.0 * low);
            assert!(
                (1.5..2.7).contains(&ratio),
                "from {low} Hz to its octave the power falls {ratio} times, not about 2"
            );
        }
    }

    /// Radix-2, recursive; enough for a test.
    fn fft(values: &mut [(f64, f64)]) {
        let n = values.len();
        if n == 1 {
            return;
        }
        let (mut even, mut odd): (Vec<_>, Vec<_>) = values.chunks(2).map(|pair| (pair[0], pair[1])).unzip();
        fft(&mut even);
        fft(&mut odd);
        for k in 0..n / 2 {
            let (sin, cos) = (-TAU * k as f64 / n as f64).sin_cos();
            let (re, im) = (cos * odd[k].0 - sin * odd[k].1, cos * odd[k].1 + sin * odd[k].0);
            values[k] = (even[k].0 + re, even[k].1 + im);
            values[k + n / 2] = (even[k].0 - re, even[k].1 - im);
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (config, message) in [
            (SimulationConfig { n_subjects: 0, ..small() }, "n_subjects = 0, expected 1 or above"),
            (SimulationConfig { sfreq: 10.0, ..small() }, "sfreq = 10, expected 64 Hz or above, to hold the responses"),
            (
                SimulationConfig { duration: f64::NAN, ..small() },
                "duration = NaN, expected 10 s or above, to hold a few words",
            ),
        ] {
            assert_eq!(Simulation::new(&config).expect_err("refused").to_string(), message);
        }
    }
}
