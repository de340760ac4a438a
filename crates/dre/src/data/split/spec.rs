//! The settings of a split.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::signal::ImpulseResponse;
use crate::{Error, Result};

/// How epochs are divided into training, validation and test sets.
///
/// Whatever the method, an epoch that shares a sample of its recording with a kept epoch of another set, or lies nearer to it than
/// `gap`, is dropped: test epochs stay, validation epochs give way to them, training epochs to both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SplitSpec {
    /// What decides an epoch's set.
    pub method: SplitMethod,
    /// Columns of the events whose texts together name a group, such as a sentence or a block, that stays whole; each
    /// epoch for itself where empty. In a study file one text or a list.
    #[serde(deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// Share that trains; with `fold`, what neither tests nor validates.
    pub train: f64,
    /// Share that chooses (alpha, best pass). The rest is the test set.
    pub valid: f64,
    /// Which fold tests, `"2 of 5"`; needed for `kfold`, possible for `stimulus` and `subjects`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fold: Option<Fold>,
    /// Labels of the subjects that are held out, with or without `sub-`; for `subjects`, in place of `fold`.
    #[serde(deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub test_subjects: Vec<String>,
    /// Share of each held-out subject's recordings, the first in time, that fits their scalers and is neither trained on
    /// nor scored; for `subjects`.
    #[serde(skip_serializing_if = "is_default_calibration")]
    pub calibration: f64,
    /// Stretch (s) of a recording that is left free between epochs of different sets, so that what a filter carries from one does
    /// not reach the other. Where absent, none here; in a study as long as the response of its filters holds
    /// [`REACH_SHARE`] of its energy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<f64>,
    /// Seed of the hash that `stimulus` splits by; the study's where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

impl Default for SplitSpec {
    fn default() -> Self {
        Self {
            method: SplitMethod::Chronological,
            by: Vec::new(),
            train: 0.7,
            valid: 0.1,
            fold: None,
            test_subjects: Vec::new(),
            calibration: CALIBRATION,
            gap: None,
            seed: None,
        }
    }
}

const CALIBRATION: f64 = 0.2;

/// Share of the energy of a filter's response to an impulse that says how far the filter reaches.
pub const REACH_SHARE: f64 = 0.999;

/// How long (s) a response holds [`REACH_SHARE`] of its energy, before and after zero delay together; rounded up to the
/// microsecond, so that it can be written down. Of the energy of a sample's response, less than the rest reaches another sample that
/// is farther away. This is the gap of a study that states none.
pub fn reach_of(response: &ImpulseResponse) -> f64 {
    (response.span(REACH_SHARE).iter().sum::<f64>() * 1e6).ceil() / 1e6
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_default_calibration(share: &f64) -> bool {
    *share == CALIBRATION
}

/// What decides an epoch's set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitMethod {
    /// Its place in its recording: the first share trains, the next validates, the last tests.
    #[default]
    Chronological,
    /// Its place in its recording: of `k` parts of equal length, one tests, what follows it (cyclically) validates, the
    /// others train. Each epoch tests in one of the `k` folds.
    Kfold,
    /// A hash of its stimulus (the texts in the columns `by`): a stimulus is on the same side for every subject and
    /// recording, whichever others there are.
    Stimulus,
    /// Its subject: some subjects are held out and test, the others train and (the end of their recordings) validate.
    Subjects,
}

impl SplitMethod {
    /// The text in a study file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chronological => "chronological",
            Self::Kfold => "kfold",
            Self::Stimulus => "stimulus",
            Self::Subjects => "subjects",
        }
    }
}

/// One of `of` folds, counted from 1; `"2 of 5"` in a study file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fold {
    /// Which, from 1.
    pub index: usize,
    /// How many there are.
    pub of: usize,
}

impl fmt::Display for Fold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.index, self.of)
    }
}

impl From<Fold> for String {
    fn from(fold: Fold) -> Self {
        fold.to_string()
    }
}

impl TryFrom<String> for Fold {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        let parts = text.split_once(" of ").map(|(index, of)| (index.trim().parse(), of.trim().parse()));
        match parts {
            Some((Ok(index), Ok(of))) => Ok(Self { index, of }),
            _ => Err(format!("found \"{text}\", expected a fold such as \"2 of 5\"")),
        }
    }
}

impl SplitSpec {
    /// Checks what the types cannot: shares, folds, keys that belong to another method.
    ///
    /// # Errors
    /// [`Error::Setting`] under the setting's name in a study file.
    pub fn check(&self) -> Result<()> {
        for (name, share) in [("split.train", self.train), ("split.valid", self.valid)] {
            if !(share > 0.0 && share < 1.0) {
                return Err(setting(name, share, "a share between 0 and 1, both excluded"));
            }
        }
        if self.train + self.valid >= 1.0 {
            let sum = self.train + self.valid;
            return Err(setting("split.train + split.valid", sum, "less than 1, so that a test set is left"));
        }
        if let Some(column) = self.by.iter().find(|column| column.trim().is_empty()) {
            return Err(setting("split.by", format!("\"{column}\""), "names of columns of the events"));
        }
        self.check_fold()?;
        let is_subjects = self.method == SplitMethod::Subjects;
        match self.method {
            SplitMethod::Kfold if self.fold.is_none() => {
                return Err(setting("split.fold", "none", "which fold tests, such as \"1 of 5\""));
            }
            SplitMethod::Stimulus if self.by.is_empty() => {
                let expected = "the column (or columns) of the events that say which stimulus an epoch belongs to";
                return Err(setting("split.by", "none", expected));
            }
            SplitMethod::Subjects if self.fold.is_some() != self.test_subjects.is_empty() => {
                let expected = "either fold = \"1 of N\" or test_subjects = [\"sub-01\"], not both";
                return Err(setting("split.test_subjects", format!("{:?}", self.test_subjects), expected));
            }
            _ => {}
        }
        if !is_subjects && !self.test_subjects.is_empty() {
            let expected = "method = \"subjects\" beside it";
            return Err(setting("split.test_subjects", format!("{:?}", self.test_subjects), expected));
        }
        if !(self.calibration > 0.0 && self.calibration < 1.0) {
            return Err(setting("split.calibration", self.calibration, "a share between 0 and 1, both excluded"));
        }
        if let Some(gap) = self.gap
            && !(gap.is_finite() && gap >= 0.0)
        {
            return Err(setting("split.gap", format!("{gap} s"), "a finite number of seconds, 0 or above"));
        }
        Ok(())
    }

    /// The gap in samples at `sfreq` (Hz), rounded up; 0 where none is set.
    pub fn gap_samples(&self, sfreq: f64) -> usize {
        // A gap of whole samples stays so, whatever its decimals.
        (self.gap.unwrap_or(0.0) * sfreq - 1e-6).ceil().max(0.0) as usize
    }

    fn check_fold(&self) -> Result<()> {
        let Some(fold) = self.fold else { return Ok(()) };
        if self.method == SplitMethod::Chronological {
            let expected = "method = \"kfold\" beside it (or \"stimulus\", \"subjects\")";
            return Err(setting("split.fold", format!("\"{fold}\""), expected));
        }
        if fold.of < 2 || fold.index < 1 || fold.index > fold.of {
            return Err(setting("split.fold", format!("\"{fold}\""), "\"1 of K\" to \"K of K\", K being 2 or more"));
        }
        let left = 1.0 - 1.0 / fold.of as f64;
        if self.method != SplitMethod::Subjects && self.valid >= left {
            let expected = format!("a share below {left:.3}, since a fold tests and some epochs must train");
            return Err(setting("split.valid", self.valid, &expected));
        }
        Ok(())
    }
}

pub(super) fn setting(name: &str, found: impl fmt::Display, expected: &str) -> Error {
    Error::Setting { name: name.to_owned(), found: found.to_string(), expected: expected.to_owned() }
}

/// Reads one text as a list of one.
pub(crate) fn one_or_many<'de, D: Deserializer<'de>>(source: D) -> std::result::Result<Vec<String>, D::Error> {
    struct OneOrMany;

    impl<'de> Visitor<'de> for OneOrMany {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text in quotes or a list of them")
        }

        fn visit_str<E>(self, text: &str) -> std::result::Result<Vec<String>, E> {
            Ok(vec![text.to_owned()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Vec<String>, A::Error> {
            let mut texts = Vec::new();
            while let Some(text) = items.next_element()? {
                texts.push(text);
            }
            Ok(texts)
        }
    }

    source.deserialize_any(OneOrMany)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> std::result::Result<SplitSpec, String> {
        let spec: SplitSpec = toml::from_str(text).map_err(|e| e.to_string())?;
        spec.check().map(|()| spec).map_err(|e| e.to_string())
    }

    #[test]
    fn forms_and_round_trip() {
        let spec = parse("method = 'kfold'\nby = 'sentence'\nfold = '2 of 5'").unwrap();
        assert_eq!((spec.by.as_slice(), spec.fold), (&["sentence".to_owned()][..], Some(Fold { index: 2, of: 5 })));
        assert_eq!(parse(&toml::to_string(&spec).unwrap()).unwrap(), spec);
        let spec = parse("method = 'stimulus'\nby = ['list', 'sentence']").unwrap();
        assert_eq!(spec.by.len(), 2);
        let samples = |gap: f64| SplitSpec { gap: Some(gap), ..SplitSpec::default() }.gap_samples(128.0);
        assert_eq!([0.0, 0.5, 0.501, 1.0 / 128.0].map(samples), [0, 64, 65, 1]);
        assert_eq!(SplitSpec::default().gap_samples(128.0), 0);
    }

    #[test]
    fn keys_that_do_not_fit_are_refused() {
        for (text, expected) in [
            ("method = 'kfold'", "split.fold = none"),
            ("method = 'kfold'\nfold = '3'", "such as \"2 of 5\""),
            ("method = 'kfold'\nfold = '6 of 5'", "split.fold = \"6 of 5\""),
            ("method = 'kfold'\nfold = '0 of 5'", "split.fold = \"0 of 5\""),
            ("method = 'kfold'\nfold = '1 of 2'\nvalid = 0.5\ntrain = 0.1", "split.valid = 0.5"),
            ("fold = '1 of 5'", "method = \"kfold\""),
            ("method = 'stimulus'", "split.by = none"),
            ("method = 'subjects'", "either fold"),
            ("method = 'subjects'\nfold = '1 of 3'\ntest_subjects = ['a']", "not both"),
            ("test_subjects = 'a'", "method = \"subjects\""),
            ("method = 'subjects'\ntest_subjects = 'a'\ncalibration = 1.0", "split.calibration = 1"),
            ("gap = -0.1", "split.gap = -0.1 s"),
            ("gap = inf", "split.gap = inf s"),
            ("gap = nan", "split.gap = NaN s"),
            ("by = ''", "split.by"),
            ("by = 3", "a text in quotes or a list"),
        ] {
            let message = parse(text).unwrap_err();
            assert!(message.contains(expected), "{text:?}: {message:?} lacks {expected:?}");
        }
    }
}
