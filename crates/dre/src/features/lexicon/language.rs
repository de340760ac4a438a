//! What differs between languages.

use std::str::FromStr;

use crate::{Error, Result};

/// A language whose words wordfreq's regular expression takes apart, with what it does to their text before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Language {
    code: &'static str,
    pub(super) compatibility: bool,
    pub(super) remove_marks: bool,
    pub(super) dotless_i: bool,
    pub(super) cedillas: Option<Cedillas>,
}

/// Which of the two look-alike forms of ş and ţ a language writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cedillas {
    /// Turkish.
    Cedillas,
    /// Romanian.
    Commas,
}

/// Languages in the Latin, Greek and Cyrillic scripts, normalised by NFC.
const CANONICAL: [&str; 29] = [
    "bg", "ca", "cs", "da", "de", "el", "en", "es", "fi", "fil", "fr", "hu", "id", "is", "it", "lt", "lv", "mk", "ms",
    "nb", "nl", "pl", "pt", "ru", "sk", "sl", "sv", "uk", "vi",
];
/// Languages in other scripts, normalised by NFKC.
const COMPATIBILITY: [&str; 3] = ["bn", "hi", "ta"];
/// Languages whose marks are removed.
const ABJADS: [&str; 4] = ["ar", "fa", "he", "ur"];

impl Language {
    /// ISO 639 code.
    pub fn code(self) -> &'static str {
        self.code
    }

    /// The codes that are known, in words.
    pub fn known() -> String {
        let mut codes: Vec<&str> = [&CANONICAL[..], &COMPATIBILITY, &ABJADS, &["ro", "tr"]].concat();
        codes.sort_unstable();
        codes.join(", ")
    }
}

impl FromStr for Language {
    type Err = Error;

    /// # Errors
    /// [`Error::Setting`] for a language that is not known, or that is written in several scripts or without spaces.
    fn from_str(code: &str) -> Result<Self> {
        let plain = |code| Self { code, compatibility: false, remove_marks: false, dotless_i: false, cedillas: None };
        let find = |codes: &[&'static str]| codes.iter().find(|known| **known == code).copied();
        if let Some(code) = find(&CANONICAL) {
            return Ok(plain(code));
        }
        if let Some(code) = find(&COMPATIBILITY) {
            return Ok(Self { compatibility: true, ..plain(code) });
        }
        if let Some(code) = find(&ABJADS) {
            return Ok(Self { compatibility: true, remove_marks: true, ..plain(code) });
        }
        match code {
            "ro" => Ok(Self { cedillas: Some(Cedillas::Commas), ..plain("ro") }),
            "tr" => Ok(Self { dotless_i: true, cedillas: Some(Cedillas::Cedillas), ..plain("tr") }),
            _ => Err(Error::Setting {
                name: "language".to_owned(),
                found: format!("\"{code}\""),
                expected: format!(
                    "one of {} (wordfreq takes Chinese, Japanese and Korean apart with dictionaries, and transliterates \
                     Serbian and Azerbaijani: make a table of word<TAB>value for these)",
                    Self::known()
                ),
            }),
        }
    }
}
