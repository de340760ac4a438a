//! Sentences and word lists (`stimuli.txt`).

use std::collections::HashMap;
use std::path::Path;

use crate::{Error, Result};

use super::text::{lines, read, shown};

/// Characters by which a sequence is known: the last words are missing in some logs.
const KEY_CHARS: usize = 45;

/// The numbers of sentences and word lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stimuli {
    numbers: HashMap<String, u32>,
}

impl Stimuli {
    /// Reads a file of lines `NUMBER word word …`.
    ///
    /// # Errors
    /// As [`Stimuli::parse`]; [`Error::Io`].
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(path, &read(path)?)
    }

    /// Reads the content of such a file, which messages call `path`.
    ///
    /// # Errors
    /// [`Error::Line`] for a line without number or words, a number 0, and stimuli that begin alike; [`Error::Format`] for an empty file.
    pub fn parse(path: &Path, content: &[u8]) -> Result<Self> {
        let mut numbers = HashMap::new();
        for (line, text) in lines(path, content)? {
            if text.trim().is_empty() {
                continue;
            }
            let parsed = text.trim().split_once(char::is_whitespace).and_then(|(number, words)| {
                number.parse::<u32>().ok().filter(|number| *number > 0).map(|number| (number, words))
            });
            let Some((number, words)) = parsed else {
                let problem = format!("`{}`, expected a number above 0 and words", shown(&text));
                return Err(Error::line(path, line, problem, "correct the line"));
            };
            if let Some(other) = numbers.insert(key(words.split_whitespace()), number) {
                let problem = format!("stimulus {number} begins as stimulus {other} does ({KEY_CHARS} characters)");
                return Err(Error::line(path, line, problem, "keep one of them"));
            }
        }
        if numbers.is_empty() {
            return Err(Error::format(path, "no stimuli", "copy the file again from the source"));
        }
        Ok(Self { numbers })
    }

    /// The number of a sequence of words, by its first 45 characters, without regard to case.
    pub fn find(&self, words: &[String]) -> Option<u32> {
        self.numbers.get(&key(words.iter().map(String::as_str))).copied()
    }
}

fn key<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let joined = words.collect::<Vec<_>>().join(" ").to_lowercase();
    joined.chars().take(KEY_CHARS).collect()
}
