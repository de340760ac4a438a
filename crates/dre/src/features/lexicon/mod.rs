//! Word frequencies as the Python package wordfreq gives them, and other numbers by word.
//!
//! Source of the rules: wordfreq 3.1.1 (R. Speer, Apache-2.0, <https://github.com/rspeer/wordfreq>), whose documentation
//! describes the file format, the tokeniser and how frequencies are combined.

mod classes;
mod language;
mod numbers;
mod tokens;

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization as _;

pub use language::Language;
pub use tokens::tokenize;

use crate::{Error, Result};

/// Numbers by word.
#[derive(Clone, Debug)]
pub struct Lexicon {
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    /// wordfreq's: the frequency of a word is `10^(-index / 100)`.
    Frequencies { index: HashMap<String, u32>, language: Language },
    /// A table's: the number itself.
    Table(HashMap<String, f64>),
}

impl Lexicon {
    /// wordfreq's frequencies: `buckets[i]` holds the words of frequency `10^(-i / 100)`.
    pub fn from_buckets(buckets: impl IntoIterator<Item = Vec<String>>, language: Language) -> Self {
        let mut index = HashMap::new();
        for (i, words) in (0u32..).zip(buckets) {
            index.extend(words.into_iter().map(|word| (word, i)));
        }
        Self { content: Content::Frequencies { index, language } }
    }

    /// A table of words and numbers, words compared after Unicode normalisation (NFC) without blanks at their ends.
    ///
    /// # Errors
    /// [`Error::Setting`] where a word has two different numbers, or a number is not finite.
    pub fn from_table(rows: impl IntoIterator<Item = (String, f64)>) -> Result<Self> {
        let mut table: HashMap<String, f64> = HashMap::new();
        for (word, value) in rows {
            let word: String = word.trim().nfc().collect();
            let fail = |found: String, expected: &str| {
                Err(Error::Setting { name: format!("lexicon entry `{word}`"), found, expected: expected.to_owned() })
            };
            if !value.is_finite() {
                return fail(value.to_string(), "a finite number");
            }
            match table.get(&word) {
                Some(&other) if other.to_bits() != value.to_bits() => {
                    return fail(format!("{other} and {value}"), "one number for each word");
                }
                _ => table.insert(word, value),
            };
        }
        Ok(Self { content: Content::Table(table) })
    }

    /// Number of words.
    pub fn len(&self) -> usize {
        match &self.content {
            Content::Frequencies { index, .. } => index.len(),
            Content::Table(table) => table.len(),
        }
    }

    /// Whether there is no word.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number for a text.
    ///
    /// Frequencies: wordfreq's `zipf_frequency(text, language, minimum=minimum)`, log₁₀ of the occurrences in 10⁹ words,
    /// rounded to hundredths; `minimum` for what is not known, so never none. Tables: the word as it is, else in lower
    /// case, else without what is neither letter nor digit at its ends; none where it is not there.
    pub fn value(&self, text: &str, minimum: f64) -> Option<f64> {
        match &self.content {
            Content::Frequencies { index, language } => Some(zipf(index, *language, text, minimum)),
            Content::Table(table) => {
                let word: String = text.trim().nfc().collect();
                let lower = word.to_lowercase();
                let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
                [word.clone(), lower.clone(), bare(&word), bare(&lower)].iter().find_map(|w| table.get(w)).copied()
            }
        }
    }
}

fn zipf(index: &HashMap<String, u32>, language: Language, text: &str, minimum: f64) -> f64 {
    let frequency = frequency(index, language, text, 10f64.powf(minimum) / 1e9);
    // As Python's math.log(x, 10): a quotient of natural logarithms.
    round(frequency.ln() / 10f64.ln() + 9.0, 2)
}

/// wordfreq's `word_frequency`: of several tokens, the reciprocal of the sum of reciprocals; three significant digits.
///
/// The factor for inferred spaces applies to Chinese alone, which [`Language`] does not know.
fn frequency(index: &HashMap<String, u32>, language: Language, text: &str, minimum: f64) -> f64 {
    let tokens = tokenize(text, language);
    if tokens.is_empty() {
        return minimum;
    }
    let mut reciprocals = 0.0;
    for token in tokens {
        let smashed = numbers::smash(&token);
        let Some(&i) = index.get(&smashed) else { return minimum };
        let mut frequency = 10f64.powf(-f64::from(i) / 100.0);
        if smashed != token {
            frequency *= numbers::digits_frequency(&token);
        }
        reciprocals += 1.0 / frequency;
    }
    let unrounded = (1.0 / reciprocals).max(minimum);
    if unrounded == 0.0 {
        return 0.0;
    }
    let leading_zeros = (-(unrounded.ln() / 10f64.ln())).floor();
    round(unrounded, (leading_zeros.max(0.0) as usize) + 3)
}

/// Rounds to `n` decimals as Python does: the decimal nearest to the binary number, ties to even.
fn round(value: f64, n: usize) -> f64 {
    format!("{value:.n$}").parse().unwrap_or(value)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "rounded decimals are equal or not")]
mod tests {
    use super::*;

    fn lexicon() -> Lexicon {
        let mut buckets = vec![Vec::new(); 400];
        buckets[100] = vec!["the".to_owned()];
        buckets[200] = vec!["cat".to_owned(), "0000".to_owned()];
        Lexicon::from_buckets(buckets, "en".parse().unwrap())
    }

    #[test]
    fn frequencies_by_hand() {
        let zipf = |text: &str| lexicon().value(text, 0.0).unwrap();
        // One in ten words is a Zipf value of 8, one in a hundred of 7.
        assert_eq!((zipf("the"), zipf("CAT"), zipf("dog"), zipf("")), (8.0, 7.0, 0.0, 0.0));
        // 1 / (1 / 0.1 + 1 / 0.01) = 0.00909.
        assert_eq!(zipf("The cat!"), round(0.00909f64.log10() + 9.0, 2));
        assert_eq!(lexicon().value("dog", 2.5), Some(2.5));
    }

    #[test]
    fn tables_by_hand() {
        let table = Lexicon::from_table([("Haus".to_owned(), 3.5), ("cafe\u{301}".to_owned(), 2.0)]).unwrap();
        let value = |text| table.value(text, 0.0);
        assert_eq!(
            (value("Haus"), value("haus"), value(" caf\u{e9}! "), value("CAF\u{c9}"), value("x")),
            (Some(3.5), None, Some(2.0), Some(2.0), None)
        );
        assert!(
            Lexicon::from_table([("a".to_owned(), 1.0), ("a".to_owned(), 2.0)])
                .unwrap_err()
                .to_string()
                .contains("`a`")
        );
        assert!(Lexicon::from_table([("a".to_owned(), f64::NAN)]).is_err());
    }
}
