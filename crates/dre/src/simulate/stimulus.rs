//! What is read: made-up words in sentences that all subjects see, in an order of their own.

use std::collections::BTreeMap;

use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Exp};

use super::config::MARGINS;
use super::stream::{Part, Streams, normal};
use super::{SimulationConfig, Timing};
use crate::data::EventTable;

/// Columns of the simulated events that describe the word, beside `trial_type`, `word`, `sentence_id`, `sentence` and
/// `pause`.
pub const WORD_COLUMNS: [&str; 3] = ["word_length", "word_frequency", "word_position"];

/// Different words.
const N_WORDS: usize = 600;
/// Different sentences, as many as in MOUS.
const N_SENTENCES: usize = 360;
/// Correlation of a word's length with its frequency before rounding: frequent words are short (Zipf 1935).
const LENGTH_FREQUENCY: f64 = -0.7;

/// A property of words: mean and standard deviation, by which responses are scaled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Property {
    pub(super) column: &'static str,
    pub(super) mean: f64,
    pub(super) std: f64,
}

/// Letters.
pub(super) const LENGTH: Property = Property { column: WORD_COLUMNS[0], mean: 4.8, std: 2.2 };
/// Zipf frequency.
pub(super) const FREQUENCY: Property = Property { column: WORD_COLUMNS[1], mean: 5.2, std: 1.1 };
/// Position in the sentence, from 1.
pub(super) const POSITION: Property = Property { column: WORD_COLUMNS[2], mean: 5.0, std: 3.0 };

#[derive(Clone, Debug)]
struct Entry {
    text: String,
    letters: f64,
    zipf: f64,
}

/// The words and sentences of a study.
#[derive(Clone, Debug)]
pub(super) struct Corpus {
    words: Vec<Entry>,
    /// Words of each sentence.
    sentences: Vec<Vec<usize>>,
}

/// A word as it was shown.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word {
    /// s from the recording's first sample.
    pub(super) onset: f64,
    pub(super) duration: f64,
    /// Time since the previous word's onset (s); none for the first one.
    pub(super) pause: Option<f64>,
    text: usize,
    sentence: usize,
    position: usize,
    letters: f64,
    zipf: f64,
}

impl Word {
    /// A property in standard deviations from its mean.
    pub(super) fn score(&self, property: Property) -> f64 {
        let value = match property.column {
            "word_length" => self.letters,
            "word_frequency" => self.zipf,
            _ => self.position as f64,
        };
        (value - property.mean) / property.std
    }
}

impl Corpus {
    pub(super) fn new(config: &SimulationConfig) -> Self {
        let streams = Streams::study(config.seed);
        let mut rng = streams.rng(Part::Vocabulary, 0);
        let words = (0..N_WORDS)
            .map(|_| {
                let z = normal(&mut rng);
                let other = LENGTH_FREQUENCY * z + (1.0 - LENGTH_FREQUENCY.powi(2)).sqrt() * normal(&mut rng);
                let letters = (LENGTH.mean + LENGTH.std * z).round().clamp(1.0, 14.0);
                let zipf = ((FREQUENCY.mean + FREQUENCY.std * other) * 100.0).round().clamp(100.0, 780.0) / 100.0;
                Entry { text: made_up(letters as usize, &mut rng), letters, zipf }
            })
            .collect();
        let mut rng = streams.rng(Part::Corpus, 0);
        let (fewest, most) = config.words_per_sentence;
        let sentences = (0..N_SENTENCES)
            .map(|_| {
                let n = rng.random_range(fewest..=most);
                (0..n).map(|_| rng.random_range(0..N_WORDS)).collect()
            })
            .collect();
        Self { words, sentences }
    }

    /// The words of one recording: whole sentences until no other one fits.
    pub(super) fn present(&self, config: &SimulationConfig, streams: Streams) -> Vec<Word> {
        let mut order: Vec<usize> = (0..self.sentences.len()).collect();
        let mut order_rng = streams.rng(Part::Order, 0);
        order.shuffle(&mut order_rng);
        let mut rng = streams.rng(Part::Timing, 0);
        let mut words: Vec<Word> = Vec::new();
        let mut onset = MARGINS.0;
        for sentence in order.iter().copied().cycle() {
            let before = words.len();
            for (i, &text) in self.sentences[sentence].iter().enumerate() {
                let (letters, zipf) = (self.words[text].letters, self.words[text].zipf);
                let (duration, until_next) = config.timing.draw(letters, &mut rng);
                let pause = words.last().map(|last| milliseconds(onset - last.onset));
                words.push(Word { onset, duration, pause, text, sentence, position: i + 1, letters, zipf });
                onset = milliseconds(onset + until_next);
            }
            if words[words.len() - 1].onset > config.duration - MARGINS.1 {
                words.truncate(before);
                return words;
            }
            // A cross between sentences, 1.2–2.2 s in MOUS.
            onset = milliseconds(onset + rng.random_range(1.2..2.2));
        }
        words
    }

    /// The words as events; `bad` segments among them.
    pub(super) fn events(&self, words: &[Word], bad: &[(f64, f64)]) -> EventTable {
        const NONE: &str = "n/a";
        let text_of = |text: usize| self.words[text].text.as_str();
        let mut rows: Vec<(f64, f64, [String; 8])> = words
            .iter()
            .map(|word| {
                let sentence: Vec<&str> = self.sentences[word.sentence].iter().map(|&text| text_of(text)).collect();
                let columns = [
                    "word".to_owned(),
                    text_of(word.text).to_owned(),
                    word.letters.to_string(),
                    word.zipf.to_string(),
                    word.position.to_string(),
                    (word.sentence + 1).to_string(),
                    sentence.join(" "),
                    word.pause.map_or(NONE.to_owned(), |pause| pause.to_string()),
                ];
                (word.onset, word.duration, columns)
            })
            .collect();
        rows.extend(bad.iter().map(|&(onset, duration)| {
            let mut columns = std::array::from_fn(|_| NONE.to_owned());
            "BAD_muscle".clone_into(&mut columns[0]);
            (onset, duration, columns)
        }));
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        let names = [
            "trial_type",
            "word",
            WORD_COLUMNS[0],
            WORD_COLUMNS[1],
            WORD_COLUMNS[2],
            "sentence_id",
            "sentence",
            "pause",
        ];
        let column = |i: usize| rows.iter().map(|row| row.2[i].clone()).collect();
        let columns: BTreeMap<String, Vec<String>> =
            names.iter().enumerate().map(|(i, name)| ((*name).to_owned(), column(i))).collect();
        EventTable {
            onset: rows.iter().map(|row| row.0).collect(),
            duration: rows.iter().map(|row| row.1).collect(),
            columns,
        }
    }
}

impl Timing {
    /// A word's duration and the time until the next onset (s).
    fn draw(self, letters: f64, rng: &mut ChaCha8Rng) -> (f64, f64) {
        match self {
            Self::Fixed => (0.3, 0.6),
            Self::Jittered => (0.2, milliseconds(rng.random_range(0.3..1.1))),
            Self::Mous => {
                let more = Exp::new(1.0 / 0.12).expect("a positive rate").sample(rng);
                let duration = milliseconds((0.3 + 0.03 * (letters - 3.0).max(0.0) + more).clamp(0.3, 1.4));
                (duration, milliseconds(duration + 0.3))
            }
        }
    }
}

/// Times in events are whole milliseconds; sums of them are not, in binary.
pub(super) fn milliseconds(time: f64) -> f64 {
    (time * 1000.0).round() / 1000.0
}

/// A word that can be pronounced.
fn made_up(letters: usize, rng: &mut ChaCha8Rng) -> String {
    const CONSONANTS: &[u8] = b"bdfgklmnprstvz";
    const VOWELS: &[u8] = b"aeiou";
    let starts = usize::from(rng.random_bool(0.4));
    (0..letters)
        .map(|i| {
            let letters = if (i + starts) % 2 == 0 { CONSONANTS } else { VOWELS };
            char::from(letters[rng.random_range(0..letters.len())])
        })
        .collect()
}
