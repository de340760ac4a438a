//! From the rows of a log to words in sentences and lists.

use crate::{Error, Result};

use super::log::{LogEvent, PresentationLog};
use super::{BLOCK, FIXATION};

/// What words were part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// A sentence (`ZINNEN`).
    Sentence,
    /// The words of a sentence in random order (`WOORDEN`).
    WordList,
}

impl Condition {
    /// `sentence` or `word_list`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sentence => "sentence",
            Self::WordList => "word_list",
        }
    }
}

/// A word as it was presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word, with its punctuation.
    pub text: String,
    /// When (0.1 ms) on Presentation's clock.
    pub time: i64,
    /// For how long (0.1 ms).
    pub duration: i64,
    /// What its block holds.
    pub condition: Condition,
    /// Number of its block, from 1.
    pub block: usize,
    /// Number of its sentence or list in the log, from 0.
    pub sequence: usize,
    /// Its place in it, from 0.
    pub position: usize,
}

/// A row that has a trigger: a fixation cross or the start of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchor {
    pub(super) time: i64,
    /// Value of the trigger.
    pub(super) value: i64,
}

pub(super) struct Parsed {
    pub(super) words: Vec<Word>,
    /// The words of each sentence and list.
    pub(super) sequences: Vec<Vec<String>>,
    pub(super) anchors: Vec<Anchor>,
}

enum Meaning<'a> {
    Block(Condition),
    Fixation,
    Word(&'a str),
    Other,
}

/// Digits and spaces around a code are numbers of trials and the like.
fn meaning(event: &LogEvent) -> Meaning<'_> {
    let around = |c: char| c.is_ascii_digit() || c.is_whitespace();
    let holds = |key: &str| event.code.split_whitespace().any(|part| part.trim_matches(around) == key);
    if event.kind == "Response" || ["Response", "ISI", "blank", "QUESTION", "pause", "PULSE"].into_iter().any(holds) {
        return Meaning::Other;
    }
    if holds("ZINNEN") {
        return Meaning::Block(Condition::Sentence);
    }
    if holds("WOORDEN") {
        return Meaning::Block(Condition::WordList);
    }
    if holds("FIX") {
        return Meaning::Fixation;
    }
    match event.code.trim_matches(around) {
        word if event.kind == "Picture" && !word.is_empty() => Meaning::Word(word),
        _ => Meaning::Other,
    }
}

pub(super) fn words(log: &PresentationLog) -> Result<Parsed> {
    let mut parsed = Parsed { words: Vec::new(), sequences: Vec::new(), anchors: Vec::new() };
    let (mut block, mut context) = (0, None);
    // A fixation opens a sentence or list, which the next word begins; between a block's start and its first fixation, as
    // before the first block, there are only instructions.
    let (mut open, mut fresh) = (false, false);
    for (index, event) in log.events().iter().enumerate() {
        match (meaning(event), context) {
            (Meaning::Block(condition), _) => {
                block += 1;
                context = Some(condition);
                open = false;
                parsed.anchors.push(Anchor { time: event.time, value: BLOCK });
            }
            (Meaning::Fixation, _) => {
                (open, fresh) = (true, true);
                parsed.anchors.push(Anchor { time: event.time, value: FIXATION });
            }
            (Meaning::Word(text), Some(condition)) if open => {
                if fresh {
                    parsed.sequences.push(Vec::new());
                    fresh = false;
                }
                let sequence = parsed.sequences.len() - 1;
                let position = parsed.sequences[sequence].len();
                parsed.sequences[sequence].push(text.to_owned());
                let next = log.events().get(index + 1).map_or(event.time, |next| next.time);
                let duration = event.duration.unwrap_or(next - event.time);
                let (text, time) = (text.to_owned(), event.time);
                parsed.words.push(Word { text, time, duration, condition, block, sequence, position });
            }
            _ => {}
        }
    }
    if parsed.words.is_empty() {
        return Err(Error::format(
            log.path(),
            "no word in a block of sentences (ZINNEN) or word lists (WOORDEN), after a fixation (FIX)",
            "check that this is the log of the visual task",
        ));
    }
    Ok(parsed)
}
