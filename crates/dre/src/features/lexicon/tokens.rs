//! From a text to the tokens whose frequencies wordfreq looks up.

use std::collections::BTreeSet;

use caseless::default_case_fold_str;
use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

use super::Language;
use super::classes::{MARK, OTHER_SYMBOL, SPACELESS, WORD};
use super::language::Cedillas;

/// What may follow `l'` in French and Catalan, so that the article is a token of its own.
const INITIAL_VOWELS: &str = "AEHIOUYÁÉÍÓÚÀÈÌÒÙÂÊÎÔÛÅÏÖŒaehiouyáéíóúàèìòùâêîôûåïöœ";

/// The tokens of a text as wordfreq's `lossy_tokenize` gives them: normalised, case-folded, taken apart at the word
/// boundaries of Unicode Annex 29 with wordfreq's exceptions, without punctuation, apostrophes straight.
pub fn tokenize(text: &str, language: Language) -> Vec<String> {
    let text: String = preprocess(text, language).nfc().collect();
    split(&text)
        .into_iter()
        .map(|token| default_case_fold_str(token.trim_matches('\'')).chars().map(straight).collect())
        .collect()
}

/// Curly and low quotation marks as straight ones.
fn straight(c: char) -> char {
    match c {
        '\u{2bc}' | '\u{2018}'..='\u{201b}' => '\'',
        '\u{201c}'..='\u{201f}' => '"',
        _ => c,
    }
}

fn preprocess(text: &str, language: Language) -> String {
    let mut text: String = if language.compatibility { text.nfkc().collect() } else { text.nfc().collect() };
    if language.remove_marks {
        // U+0640, the tatweel, only makes a word longer on paper.
        text.retain(|c| !MARK.contains(c) && c != '\u{640}');
    }
    if language.dotless_i {
        text = text.replace('İ', "i").replace('I', "ı");
    }
    text = default_case_fold_str(&text);
    match language.cedillas {
        None => text,
        Some(Cedillas::Commas) => text.replace('ş', "ș").replace('ţ', "ț"),
        Some(Cedillas::Cedillas) => text.replace('ș', "ş").replace('ț', "ţ"),
    }
}

/// Places of a text at which it may be cut.
struct Boundaries {
    words: BTreeSet<usize>,
    graphemes: Vec<usize>,
}

impl Boundaries {
    fn new(text: &str) -> Self {
        let end = std::iter::once(text.len());
        Self {
            words: text.split_word_bound_indices().map(|(at, _)| at).chain(end.clone()).collect(),
            graphemes: text.grapheme_indices(true).map(|(at, _)| at).chain(end).collect(),
        }
    }

    /// The first end of a grapheme after `at`.
    fn next_grapheme(&self, at: usize) -> Option<usize> {
        self.graphemes.get(self.graphemes.partition_point(|&end| end <= at)).copied()
    }
}

fn split(text: &str) -> Vec<&str> {
    let boundaries = Boundaries::new(text);
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        match token_end(text, at, &boundaries) {
            Some(end) => {
                tokens.push(&text[at..end]);
                at = end;
            }
            None => at += c.len_utf8(),
        }
    }
    tokens
}

/// Where the token that starts at `at` ends, if one does.
fn token_end(text: &str, at: usize, boundaries: &Boundaries) -> Option<usize> {
    let rest = &text[at..];
    // Scripts without spaces are left in one piece.
    let spaceless: usize = rest.chars().take_while(|&c| SPACELESS.contains(c)).map(char::len_utf8).sum();
    if spaceless > 0 {
        return Some(at + spaceless);
    }
    // The gender-neutral ending "@s" by itself.
    if rest.starts_with("@s") && boundaries.words.contains(&(at + 2)) {
        return Some(at + 2);
    }
    let first = rest.chars().next()?;
    if (WORD.contains(first) || OTHER_SYMBOL.contains(first)) && elision(rest, true).is_none() {
        let mut end = at;
        while let Some(next) = boundaries.next_grapheme(end) {
            end = next;
            if let Some(length) = gender_neutral(&text[end..]) {
                return Some(end + length);
            }
            if boundaries.words.contains(&end) {
                return Some(end);
            }
        }
        return None;
    }
    elision(rest, false).map(|length| at + length)
}

/// Length of one or two word characters and an apostrophe, two where both fit; `before_vowel` asks for a vowel after it.
fn elision(text: &str, before_vowel: bool) -> Option<usize> {
    let fits = |n: usize| {
        let mut chars = text.chars();
        let mut length = 0;
        for _ in 0..n {
            length += chars.next().filter(|&c| WORD.contains(c))?.len_utf8();
        }
        chars.next().filter(|&c| c == '\'')?;
        let vowel = || chars.clone().next().is_some_and(|c| INITIAL_VOWELS.contains(c));
        (!before_vowel || vowel()).then_some(length + 1)
    };
    fits(2).or_else(|| fits(1))
}

/// Length of "@s" or "@" at the start of a text where no word character follows.
fn gender_neutral(text: &str) -> Option<usize> {
    let ends = |n: usize| !text[n..].chars().next().is_some_and(|c| WORD.contains(c));
    ["@s", "@"].into_iter().find(|ending| text.starts_with(ending) && ends(ending.len())).map(str::len)
}
