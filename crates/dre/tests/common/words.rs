//! Small simulated cohorts whose features have known effects.

use std::collections::BTreeMap;
use std::sync::Arc;

use dre::data::{Channel, ChannelType, Cohort, CohortRecording, Dataset, EventTable, Gaps, Signals};
use dre::features::{EventSignal, FeatureSpec, FeatureValue, Features, Source};
use dre::importance::FeatureValues;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// An effect of a column of the events: a bump in time, of a height (noise has standard deviation 1) on each channel.
#[derive(Clone, Debug)]
pub struct Effect {
    pub column: &'static str,
    pub latency: f64,
    pub topography: Vec<f64>,
}

/// Words with the standard normal numbers `a`, `b` (which correlate) and `c`, one every 0.5 to 0.8 s.
#[derive(Clone, Debug)]
pub struct Words {
    pub n_subjects: usize,
    pub n_events: usize,
    pub n_channels: usize,
    pub sfreq: f64,
    /// Correlation of `a` and `b`.
    pub correlation: f64,
    pub effects: Vec<Effect>,
    /// Features by kind; each of `a`, `b`, `c` as it is where empty.
    pub features: Vec<FeatureSpec>,
    /// Number of different stimuli, in the column `stimulus`, each with a response of its own of this standard deviation
    /// that lasts from 0.1 s to 0.4 s.
    pub stimuli: Option<(usize, f64)>,
    pub seed: u64,
}

impl Default for Words {
    fn default() -> Self {
        Self {
            n_subjects: 5,
            n_events: 150,
            n_channels: 2,
            sfreq: 50.0,
            correlation: 0.0,
            effects: Vec::new(),
            features: ["a", "b", "c"].map(column).to_vec(),
            stimuli: None,
            seed: 0,
        }
    }
}

/// A feature of a column, held for 60 ms.
pub fn column(name: &str) -> FeatureSpec {
    let value = FeatureValue::Column { column: name.to_owned() };
    FeatureSpec { duration: Some(0.06), ..FeatureSpec::new(name, value) }
}

/// What a simulated study consists of.
pub struct Made {
    pub dataset: Dataset,
    pub features: Features,
    pub values: FeatureValues,
}

impl Words {
    pub fn make(&self) -> Made {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let normal = |rng: &mut ChaCha8Rng| -> f64 { StandardNormal.sample(rng) };
        let positions = |c: usize| {
            let (x, y) = ((c % 3) as f64 - 1.0, (c / 3) as f64 - 0.5);
            [0.05 * x, 0.051 * y, 0.1 - 0.01 * (x * x + y * y)]
        };
        let channels = (0..self.n_channels).map(|c| Channel {
            name: format!("C{c}"),
            kind: ChannelType::Eeg,
            position: (self.n_channels > 3).then(|| positions(c)),
        });
        let channels: Vec<Channel> = channels.collect();
        let responses: Vec<f64> = (0..self.stimuli.map_or(0, |(n, _)| n)).map(|_| normal(&mut rng)).collect();
        let (mut tables, mut recordings) = (Vec::new(), Vec::new());
        for subject in 0..self.n_subjects {
            let mut events = EventTable::default();
            let mut onset = 1.0;
            let mut texts: BTreeMap<&str, Vec<String>> = BTreeMap::new();
            for word in 0..self.n_events {
                let (a, other) = (normal(&mut rng), normal(&mut rng));
                let b = self.correlation * a + (1.0 - self.correlation.powi(2)).sqrt() * other;
                for (name, value) in [("a", a), ("b", b), ("c", normal(&mut rng))] {
                    texts.entry(name).or_default().push(value.to_string());
                }
                let stimulus = self.stimuli.map_or(0, |(n, _)| word % n);
                texts.entry("stimulus").or_default().push(format!("s{stimulus}"));
                events.onset.push(onset);
                events.duration.push(0.1);
                onset += rng.random_range(0.5..0.8);
            }
            let n_times = ((onset + 2.0) * self.sfreq) as usize;
            let number = |name: &str, word: usize| texts[name][word].parse::<f64>().unwrap();
            let data: Vec<f32> = (0..self.n_channels)
                .flat_map(|c| {
                    let mut signal: Vec<f64> = (0..n_times).map(|_| normal(&mut rng)).collect();
                    for (word, &onset) in events.onset.iter().enumerate() {
                        for (t, value) in signal.iter_mut().enumerate() {
                            let time = t as f64 / self.sfreq - onset;
                            if !(0.0..0.8).contains(&time) {
                                continue;
                            }
                            for effect in &self.effects {
                                let bump = (-0.5 * ((time - effect.latency) / 0.03).powi(2)).exp();
                                *value += effect.topography[c] * bump * number(effect.column, word);
                            }
                            if let Some((n, sd)) = self.stimuli
                                && (0.1..0.4).contains(&time)
                            {
                                *value += sd * responses[word % n];
                            }
                        }
                    }
                    signal.into_iter().map(|value| (value * 1e-6) as f32)
                })
                .collect();
            events.columns = texts.into_iter().map(|(name, list)| (name.to_owned(), list)).collect();
            tables.push(events.clone());
            recordings.push(CohortRecording {
                id: format!("sub-{subject:02}"),
                subject,
                n_times,
                data: Signals::of_rows(&data, self.n_channels),
                features: Arc::new(Vec::<f32>::new()),
                events,
                gaps: Gaps::default(),
            });
        }
        let features = Features::new(&self.features, BTreeMap::new(), &tables.iter().collect::<Vec<_>>()).unwrap();
        let mut signals: Vec<Vec<Option<EventSignal>>> = Vec::new();
        for recording in &mut recordings {
            let source = Source { events: &recording.events, tracks: &BTreeMap::new() };
            let built = features.build(&source, self.sfreq, recording.n_times).unwrap();
            recording.features = Arc::new(built.into_raw_vec_and_offset().0);
            signals.push(features.event_signals(&recording.events, self.sfreq, recording.n_times).unwrap());
        }
        let cohort = Cohort {
            sfreq: self.sfreq,
            channels,
            features: features.names(),
            subjects: (0..self.n_subjects).map(|s| format!("sub-{s:02}")).collect(),
            recordings,
        };
        let (split, cleaning) = super::lenient();
        let spec = super::epoch_spec(-0.1, 0.6);
        let spec = dre::data::EpochSpec { baseline: dre::data::BaselineSpec::Switch(false), ..spec };
        let dataset = Dataset::new(Arc::new(cohort), &spec, &split, &cleaning, 1).unwrap();
        let values = FeatureValues::new(&dataset, signals).unwrap();
        Made { dataset, features, values }
    }
}
