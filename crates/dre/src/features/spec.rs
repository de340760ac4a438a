//! The settings of a feature.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::kinds::kind_info;
use crate::{Error, Result};

/// How one feature is made.
///
/// In a study file the fields stand side by side, and an unknown one is refused:
/// `{ name = "target", kind = "map", column = "trial_type", values = { target = 1.0 }, duration = 0.2 }`.
/// [`super::KINDS`] defines every kind and key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "FlatSpec", into = "FlatSpec")]
pub struct FeatureSpec {
    /// Name of the feature, unique within a study.
    pub name: String,
    /// What value an event, or the feature at each time, has.
    pub value: FeatureValue,
    /// Only events whose column holds one of these texts; all events where empty.
    pub events: BTreeMap<String, Vec<String>>,
    /// What is done to the values, in this order.
    pub transform: Vec<Transform>,
    /// What becomes of values that are not available.
    pub missing: Missing,
    /// How an event's value is laid in time.
    pub layout: Layout,
    /// How long an event holds its value (s); the event's own duration where absent.
    pub duration: Option<f64>,
}

impl FeatureSpec {
    /// A feature of all events, held, without transforms.
    pub fn new(name: impl Into<String>, value: FeatureValue) -> Self {
        Self {
            name: name.into(),
            value,
            events: BTreeMap::new(),
            transform: Vec::new(),
            missing: Missing::default(),
            layout: Layout::default(),
            duration: None,
        }
    }

    /// Whether its values are standardised by themselves, without what lies between the events.
    pub fn is_zscored(&self) -> bool {
        self.transform.contains(&Transform::Zscore)
    }
}

/// The value of a feature.
#[derive(Clone, Debug, PartialEq)]
pub enum FeatureValue {
    /// 1 for every event.
    Presence,
    /// The number in a column of the events.
    Column {
        /// Name of the column; `onset` and `duration` are columns, too.
        column: String,
    },
    /// A number for each of some texts in a column; an event with another text gives nothing.
    Map {
        /// Name of the column; `trial_type` where the study file names none.
        column: String,
        /// Number by text.
        values: BTreeMap<String, f64>,
    },
    /// An indicator for each level of a column.
    Category {
        /// Name of the column.
        column: String,
        /// The levels; all texts there are where empty.
        levels: Vec<String>,
        /// The level without an indicator.
        reference: Option<String>,
    },
    /// Number of letters and digits.
    WordLength {
        /// Column that holds the word.
        column: String,
    },
    /// Zipf frequency, or a number from a table of words.
    Zipf {
        /// Column that holds the word.
        column: String,
        /// File of the lexicon, as the study file names it.
        lexicon: String,
        /// ISO code of the language.
        language: Option<String>,
        /// Least value, and that of unknown words.
        minimum: f64,
    },
    /// 1 for the first word of a sentence.
    FirstWord {
        /// Column that says which sentence it is.
        column: String,
    },
    /// 1 for the last word of a sentence.
    LastWord {
        /// Column that says which sentence it is.
        column: String,
    },
    /// Position in a sentence, from 1.
    Position {
        /// Column that says which sentence it is.
        column: String,
    },
    /// Product of other features' values.
    Product {
        /// Their names.
        of: Vec<String>,
    },
    /// A column of a `_stim.tsv.gz`.
    Stim {
        /// The column.
        column: String,
    },
    /// A `.npy` file.
    Npy {
        /// The file, with places to fill in.
        file: String,
        /// Its sampling frequency (Hz).
        sfreq: f64,
        /// Time of its first sample (s).
        start: f64,
        /// Row of a file of two dimensions.
        row: usize,
    },
    /// Envelope of a WAV file.
    Wav {
        /// The file, with places to fill in.
        file: String,
        /// Upper edge of what passes (Hz).
        h_freq: f64,
        /// Time of its first sample (s).
        start: f64,
    },
}

impl FeatureValue {
    /// The text of `kind` in a study file.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Presence => "presence",
            Self::Column { .. } => "column",
            Self::Map { .. } => "map",
            Self::Category { .. } => "category",
            Self::WordLength { .. } => "word_length",
            Self::Zipf { .. } => "zipf",
            Self::FirstWord { .. } => "first_word",
            Self::LastWord { .. } => "last_word",
            Self::Position { .. } => "position",
            Self::Product { .. } => "product",
            Self::Stim { .. } => "stim",
            Self::Npy { .. } => "npy",
            Self::Wav { .. } => "wav",
        }
    }

    /// Whether it comes from a signal and not from events.
    pub fn is_continuous(&self) -> bool {
        matches!(self, Self::Stim { .. } | Self::Npy { .. } | Self::Wav { .. })
    }
}

/// What is done to a feature's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    /// Natural logarithm of values above 0.
    Log,
    /// Decimal logarithm of values above 0.
    Log10,
    /// Natural logarithm of 1 + value, for values above −1.
    Log1p,
    /// Difference to the value of the event before; 0 for the first.
    Difference,
    /// Standardised over training epochs, between the events the mean.
    Zscore,
}

/// What becomes of values that are not available.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// An error that says where.
    #[default]
    Error,
    /// The event is as if it were not there.
    Skip,
    /// 0.
    Zero,
    /// 0 after standardisation: the mean over training epochs.
    Mean,
}

/// How an event's value is laid in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Held from the sample nearest to the onset, for the duration.
    #[default]
    Hold,
    /// At the sample nearest to the onset alone.
    Onset,
    /// Interpolated linearly between onsets.
    Interpolate,
}

/// The fields of a [`FeatureSpec`] as a study file has them, since `serde` cannot refuse unknown fields of a flattened
/// enum.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FlatSpec {
    name: String,
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    values: Option<BTreeMap<String, f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    levels: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lexicon: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    minimum: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sfreq: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    row: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    h_freq: Option<f64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    events: BTreeMap<String, Vec<String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    transform: Vec<Transform>,
    #[serde(default, skip_serializing_if = "is_default")]
    missing: Missing,
    #[serde(default, skip_serializing_if = "is_default")]
    layout: Layout,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    duration: Option<f64>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    Presence,
    Column,
    Map,
    Category,
    WordLength,
    Zipf,
    FirstWord,
    LastWord,
    Position,
    Product,
    Stim,
    Npy,
    Wav,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Presence => "presence",
            Self::Column => "column",
            Self::Map => "map",
            Self::Category => "category",
            Self::WordLength => "word_length",
            Self::Zipf => "zipf",
            Self::FirstWord => "first_word",
            Self::LastWord => "last_word",
            Self::Position => "position",
            Self::Product => "product",
            Self::Stim => "stim",
            Self::Npy => "npy",
            Self::Wav => "wav",
        }
    }
}

const H_FREQ: f64 = 10.0;

impl FlatSpec {
    /// Refuses keys that belong to another kind, and asks for those that this kind needs.
    fn check_keys(&self) -> std::result::Result<(), String> {
        let given = [
            ("column", self.column.is_some()),
            ("values", self.values.is_some()),
            ("levels", self.levels.is_some()),
            ("reference", self.reference.is_some()),
            ("lexicon", self.lexicon.is_some()),
            ("language", self.language.is_some()),
            ("minimum", self.minimum.is_some()),
            ("of", self.of.is_some()),
            ("file", self.file.is_some()),
            ("sfreq", self.sfreq.is_some()),
            ("start", self.start.is_some()),
            ("row", self.row.is_some()),
            ("h_freq", self.h_freq.is_some()),
        ];
        let kind = self.kind.name();
        let keys = kind_info(kind).map_or(&[][..], |info| info.keys);
        for &(key, needed, meaning) in keys.iter().filter(|(_, needed, _)| *needed) {
            if needed && given.iter().any(|&(name, there)| name == key && !there) {
                let meaning = match (kind, key) {
                    ("column", _) => "the name of an events column",
                    ("map", _) => "a number for each text",
                    _ => meaning,
                };
                return Err(format!("kind `{kind}` needs `{key}`, {meaning}"));
            }
        }
        let takes = |key: &str| keys.iter().any(|&(name, ..)| name == key);
        if let Some((key, _)) = given.iter().find(|&&(key, there)| there && !takes(key)) {
            if (kind, *key) == ("column", "values") {
                return Err("kind `column` takes no `values`; did you mean `map`?".to_owned());
            }
            let own: Vec<String> = keys.iter().map(|(name, ..)| format!("`{name}`")).collect();
            let own = if own.is_empty() { "none of its own".to_owned() } else { own.join(", ") };
            return Err(format!("kind `{kind}` takes no `{key}`; its keys are {own}"));
        }
        Ok(())
    }

    /// Refuses what contradicts itself or cannot be a number of its kind.
    fn check_values(&self) -> std::result::Result<(), String> {
        let continuous = matches!(self.kind, Kind::Stim | Kind::Npy | Kind::Wav);
        let (kind, has) = (self.kind.name(), |t: Transform| self.transform.contains(&t));
        if let Some(at) = self.transform.iter().position(|&t| t == Transform::Zscore)
            && at + 1 < self.transform.len()
        {
            return Err("transform \"zscore\" must come last, since it is fitted on the training epochs".to_owned());
        }
        if continuous && (self.layout != Layout::Hold || self.duration.is_some()) {
            return Err(format!("kind `{kind}` is continuous and takes neither `layout` nor `duration`"));
        }
        if continuous && has(Transform::Difference) {
            return Err(format!("transform \"difference\" is between events, and kind `{kind}` is continuous"));
        }
        if self.layout != Layout::Hold && self.duration.is_some() {
            return Err("`duration` goes with layout \"hold\" alone".to_owned());
        }
        if self.layout == Layout::Interpolate && self.missing == Missing::Mean {
            return Err("layout \"interpolate\" bridges what is missing with \"skip\"; it takes no \"mean\"".to_owned());
        }
        for (key, value, least, unit) in [
            ("sfreq", self.sfreq, 0.0, "Hz, above 0"),
            ("h_freq", self.h_freq, 0.0, "Hz, above 0"),
            ("start", self.start, f64::NEG_INFINITY, "s"),
            ("minimum", self.minimum, f64::NEG_INFINITY, "Zipf units"),
        ] {
            if let Some(value) = value.filter(|v| !(v.is_finite() && *v > least)) {
                return Err(format!("{key} = {value}, expected a finite number of {unit}"));
            }
        }
        if let Some((text, value)) = self.values.iter().flatten().find(|(_, value)| !value.is_finite()) {
            return Err(format!("values.{text} = {value}, expected a finite number"));
        }
        if let Some(of) = self.of.as_ref().filter(|of| of.len() < 2) {
            return Err(format!("of = {of:?}, expected two features or more"));
        }
        if let (Some(levels), Some(reference)) = (&self.levels, &self.reference)
            && !levels.contains(reference)
        {
            return Err(format!("reference = \"{reference}\", expected one of levels = {levels:?}"));
        }
        Ok(())
    }
}

impl TryFrom<FlatSpec> for FeatureSpec {
    type Error = Error;

    fn try_from(flat: FlatSpec) -> Result<Self> {
        if let Err(reason) = flat.check_keys().and_then(|()| flat.check_values()) {
            return Err(Error::Feature { feature: flat.name, reason });
        }
        let FlatSpec { name, kind, column, events, transform, missing, layout, duration, .. } = flat;
        let column_or = |default: &str| column.clone().unwrap_or_else(|| default.to_owned());
        let start = flat.start.unwrap_or(0.0);
        let file = flat.file.unwrap_or_default();
        let value = match kind {
            Kind::Presence => FeatureValue::Presence,
            Kind::Column => FeatureValue::Column { column: column_or("") },
            Kind::Map => FeatureValue::Map { column: column_or("trial_type"), values: flat.values.unwrap_or_default() },
            Kind::Category => FeatureValue::Category {
                column: column_or("trial_type"),
                levels: flat.levels.unwrap_or_default(),
                reference: flat.reference,
            },
            Kind::WordLength => FeatureValue::WordLength { column: column_or("word") },
            Kind::Zipf => FeatureValue::Zipf {
                column: column_or("word"),
                lexicon: flat.lexicon.unwrap_or_default(),
                language: flat.language,
                minimum: flat.minimum.unwrap_or(0.0),
            },
            Kind::FirstWord => FeatureValue::FirstWord { column: column_or("sentence") },
            Kind::LastWord => FeatureValue::LastWord { column: column_or("sentence") },
            Kind::Position => FeatureValue::Position { column: column_or("sentence") },
            Kind::Product => FeatureValue::Product { of: flat.of.unwrap_or_default() },
            Kind::Stim => FeatureValue::Stim { column: column_or("") },
            Kind::Npy => {
                FeatureValue::Npy { file, sfreq: flat.sfreq.unwrap_or(0.0), start, row: flat.row.unwrap_or(0) }
            }
            Kind::Wav => FeatureValue::Wav { file, h_freq: flat.h_freq.unwrap_or(H_FREQ), start },
        };
        Ok(Self { name, value, events, transform, missing, layout, duration })
    }
}

impl From<FeatureSpec> for FlatSpec {
    fn from(spec: FeatureSpec) -> Self {
        let FeatureSpec { name, value, events, transform, missing, layout, duration } = spec;
        let flat = Self { name, events, transform, missing, layout, duration, ..Self::default() };
        match value {
            FeatureValue::Presence => flat,
            FeatureValue::Column { column } => Self { kind: Kind::Column, column: Some(column), ..flat },
            FeatureValue::Map { column, values } => {
                Self { kind: Kind::Map, column: Some(column), values: Some(values), ..flat }
            }
            FeatureValue::Category { column, levels, reference } => Self {
                kind: Kind::Category,
                column: Some(column),
                levels: (!levels.is_empty()).then_some(levels),
                reference,
                ..flat
            },
            FeatureValue::WordLength { column } => Self { kind: Kind::WordLength, column: Some(column), ..flat },
            FeatureValue::Zipf { column, lexicon, language, minimum } => Self {
                kind: Kind::Zipf,
                column: Some(column),
                lexicon: Some(lexicon),
                language,
                minimum: Some(minimum),
                ..flat
            },
            FeatureValue::FirstWord { column } => Self { kind: Kind::FirstWord, column: Some(column), ..flat },
            FeatureValue::LastWord { column } => Self { kind: Kind::LastWord, column: Some(column), ..flat },
            FeatureValue::Position { column } => Self { kind: Kind::Position, column: Some(column), ..flat },
            FeatureValue::Product { of } => Self { kind: Kind::Product, of: Some(of), ..flat },
            FeatureValue::Stim { column } => Self { kind: Kind::Stim, column: Some(column), ..flat },
            FeatureValue::Npy { file, sfreq, start, row } => Self {
                kind: Kind::Npy,
                file: Some(file),
                sfreq: Some(sfreq),
                start: Some(start),
                row: Some(row),
                ..flat
            },
            FeatureValue::Wav { file, h_freq, start } => {
                Self { kind: Kind::Wav, file: Some(file), h_freq: Some(h_freq), start: Some(start), ..flat }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::KINDS;

    #[derive(Deserialize)]
    struct Study {
        features: Vec<FeatureSpec>,
    }

    fn one(text: &str) -> std::result::Result<FeatureSpec, String> {
        toml::from_str::<FeatureSpec>(text).map_err(|e| e.to_string())
    }

    #[test]
    fn the_example_study_parses() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/p300.toml");
        let study: Study = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(study.features.len(), 2);
        let values = BTreeMap::from([("target".to_owned(), 1.0), ("nontarget".to_owned(), -1.0)]);
        assert_eq!(study.features[1].value, FeatureValue::Map { column: "trial_type".to_owned(), values });
        assert_eq!(study.features[1].duration, Some(0.2));
    }

    #[test]
    fn every_kind_has_an_example_that_reads_back_equal() {
        for kind in KINDS {
            let study: Study = toml::from_str(&format!("features = [{}]", kind.example)).unwrap();
            let spec = &study.features[0];
            assert_eq!(spec.value.kind(), kind.name);
            assert_eq!(spec.value.is_continuous(), !kind.has_events());
            assert_eq!(&one(&toml::to_string(spec).unwrap()).unwrap(), spec);
        }
    }

    #[test]
    fn unknown_and_misplaced_keys_are_refused() {
        for (text, expected) in [
            ("name = 'a'\nkind = 'presence'\ndurations = 0.2", "unknown field `durations`"),
            ("name = 'a'\nkind = 'presense'", "unknown variant `presense`"),
            (
                "name = 'a'\nkind = 'presence'\ncolumn = 'x'",
                "kind `presence` takes no `column`; its keys are none of its own",
            ),
            ("name = 'a'\nkind = 'column'", "needs `column`"),
            ("name = 'a'\nkind = 'column'\ncolumn = 'x'\nvalues = { x = 1.0 }", "did you mean `map`"),
            ("name = 'a'\nkind = 'map'", "needs `values`"),
            ("name = 'a'\nkind = 'map'\nvalues = { x = nan }", "values.x = NaN"),
            ("name = 'a'\nkind = 'zipf'", "needs `lexicon`"),
            ("name = 'a'\nkind = 'presence'\ntransform = ['zscore', 'log']", "must come last"),
            ("name = 'a'\nkind = 'stim'\ncolumn = 'x'\nlayout = 'onset'", "takes neither"),
            ("name = 'a'\nkind = 'presence'\nlayout = 'onset'\nduration = 1.0", "layout \"hold\" alone"),
            ("name = 'a'\nkind = 'npy'\nfile = 'x'\nsfreq = 0.0", "sfreq = 0"),
            ("name = 'a'\nkind = 'product'\nof = ['x']", "two features or more"),
            ("name = 'a'\nkind = 'category'\nlevels = ['x']\nreference = 'y'", "reference = \"y\""),
            ("name = 'a'\nkind = 'position'\nmissing = 'none'", "unknown variant `none`"),
        ] {
            let message = one(text).unwrap_err();
            assert!(message.contains(expected), "{message:?} lacks {expected:?}");
        }
    }
}
