//! From parsed TOML to Rust values, with errors that know their place and are data until they are shown.
//!
//! `toml`'s own deserializer gives errors as finished sentences about Rust types; here they stay typed, so that the
//! nearest key can be suggested and expectations can be said in words.

use std::fmt;
use std::path::Path;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, IntoDeserializer as _, MapAccess, SeqAccess, Unexpected, Visitor,
};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::error::{StudyError, line_of, nearest, suggest};

/// Where in the file: the dotted path of a key, and the byte at which it stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    path: String,
    byte: usize,
}

impl Place {
    pub(super) fn root() -> Self {
        Self::default()
    }

    /// The key `name` of the table at this place.
    pub(super) fn key(&self, name: &str, span: std::ops::Range<usize>) -> Self {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Self { path, byte: span.start }
    }

    fn item(&self, index: usize, span: std::ops::Range<usize>) -> Self {
        Self { path: format!("{}[{index}]", self.path), byte: span.start }
    }

    /// Refuses the first key (in the order of the file) of `table` that is not `known`.
    pub(super) fn refuse_unknown(&self, table: &DeTable<'_>, known: &[&str]) -> Result<(), Fault> {
        match in_file_order(table).into_iter().find(|(key, _)| !known.contains(&key.get_ref().as_ref())) {
            None => Ok(()),
            Some((key, _)) => Err(Fault {
                place: Some(Self { path: self.path.clone(), byte: key.span().start }),
                kind: FaultKind::UnknownKey {
                    key: key.get_ref().to_string(),
                    known: known.iter().map(|k| (*k).to_owned()).collect(),
                },
            }),
        }
    }
}

/// The entries of a table in the order of the file; `DeTable` sorts them by name.
pub(super) fn in_file_order<'de, 'i>(
    table: &'de DeTable<'i>,
) -> Vec<(&'de Spanned<DeString<'i>>, &'de Spanned<DeValue<'i>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// What is wrong with a value, and where.
#[derive(Debug)]
pub(super) struct Fault {
    place: Option<Place>,
    kind: FaultKind,
}

#[derive(Debug)]
enum FaultKind {
    UnknownKey { key: String, known: Vec<String> },
    MissingKey { key: String, similar: Option<String> },
    Value { found: String, expected: String },
    Choice { found: String, choices: Vec<String> },
    Other(String),
}

impl Fault {
    fn new(kind: FaultKind) -> Self {
        Self { place: None, kind }
    }

    /// Says where the fault is, unless something closer to it already did.
    pub(super) fn at(mut self, place: &Place) -> Self {
        self.place.get_or_insert_with(|| place.clone());
        self
    }

    /// As [`Fault::at`]; a key that is missing is looked for among the table's keys, as it may be misspelt there.
    pub(super) fn at_table(mut self, place: &Place, table: &DeTable<'_>) -> Self {
        if let (None, FaultKind::MissingKey { key, similar }) = (&self.place, &mut self.kind) {
            *similar = nearest(key, table.keys().map(|k| k.get_ref().as_ref()));
        }
        self.at(place)
    }

    /// The fault as the error that users see.
    pub(super) fn in_file(self, text: &str, file: &Path) -> StudyError {
        let Place { path, byte } = self.place.unwrap_or_default();
        let (file, line) = (file.to_path_buf(), line_of(text, byte));
        match self.kind {
            FaultKind::UnknownKey { key, known } => {
                let advice = suggest(&key, &known, "known keys are");
                StudyError::UnknownKey { file, line, table: path, key, advice }
            }
            FaultKind::MissingKey { key, similar } => StudyError::MissingKey { file, line, table: path, key, similar },
            FaultKind::Value { found, expected } => StudyError::Value { file, line, key: path, found, expected },
            FaultKind::Choice { found, choices } => {
                let advice = suggest(&found, &choices, "expected one of");
                StudyError::Choice { file, line, key: path, found, advice }
            }
            FaultKind::Other(reason) => StudyError::Refused { file, line, key: path, reason },
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.kind)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(FaultKind::Other(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(FaultKind::Value { found: describe(found), expected: in_words(&expected.to_string()) })
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let choices = expected.iter().map(|c| (*c).to_owned()).collect();
        Self::new(FaultKind::Choice { found: variant.to_owned(), choices })
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let known = expected.iter().map(|c| (*c).to_owned()).collect();
        Self::new(FaultKind::UnknownKey { key: field.to_owned(), known })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(FaultKind::MissingKey { key: field.to_owned(), similar: None })
    }
}

fn describe(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Str(text) => format!("the text \"{text}\""),
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Signed(value) => value.to_string(),
        Unexpected::Unsigned(value) => value.to_string(),
        Unexpected::Float(value) => value.to_string(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a table".to_owned(),
        Unexpected::Other(what) => what.to_owned(),
        other => other.to_string(),
    }
}

/// Serde names Rust types; users know numbers, texts, lists and tables.
fn in_words(expected: &str) -> String {
    match expected {
        "f32" | "f64" => "a number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or above",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "a string" | "a borrowed string" | "path string" => "a text in quotes",
        "a boolean" => "true or false",
        "a sequence" => "a list in [ ]",
        "a map" => "a table",
        other if other.starts_with("struct ") => "a table",
        other => other,
    }
    .to_owned()
}

/// One value of the file, ready to be read as any type.
pub(super) struct ValueReader<'de, 'i> {
    value: &'de Spanned<DeValue<'i>>,
    place: Place,
}

impl<'de, 'i> ValueReader<'de, 'i> {
    pub(super) fn new(value: &'de Spanned<DeValue<'i>>, place: Place) -> Self {
        Self { value, place }
    }

    /// The value as a table.
    pub(super) fn table(self) -> Result<(&'de DeTable<'i>, Place), Fault> {
        match self.value.get_ref() {
            DeValue::Table(table) => Ok((table, self.place)),
            other => Err(<Fault as de::Error>::invalid_type(unexpected_kind(other), &"a table").at(&self.place)),
        }
    }
}

fn unexpected_kind<'de>(value: &'de DeValue<'_>) -> Unexpected<'de> {
    match value {
        DeValue::String(text) => Unexpected::Str(text),
        DeValue::Boolean(value) => Unexpected::Bool(*value),
        DeValue::Integer(value) => Unexpected::Other(value.as_str()),
        DeValue::Float(value) => Unexpected::Other(value.as_str()),
        DeValue::Datetime(_) => Unexpected::Other("a date"),
        DeValue::Array(_) => Unexpected::Seq,
        DeValue::Table(_) => Unexpected::Map,
    }
}

impl<'de> Deserializer<'de> for ValueReader<'de, '_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let place = self.place;
        let result = match self.value.get_ref() {
            DeValue::String(text) => visitor.visit_borrowed_str(text),
            DeValue::Boolean(value) => visitor.visit_bool(*value),
            DeValue::Integer(value) => match i64::from_str_radix(value.as_str(), value.radix()) {
                Ok(value) => visitor.visit_i64(value),
                Err(_) => Err(de::Error::invalid_value(Unexpected::Other(value.as_str()), &"an integer of 64 bits")),
            },
            DeValue::Float(value) => match value.as_str().parse() {
                Ok(value) => visitor.visit_f64(value),
                Err(_) => Err(de::Error::invalid_value(Unexpected::Other(value.as_str()), &"f64")),
            },
            DeValue::Datetime(_) => Err(de::Error::invalid_type(Unexpected::Other("a date"), &visitor)),
            DeValue::Array(items) => visitor.visit_seq(Items { items: items.iter().enumerate(), place: &place }),
            DeValue::Table(table) => {
                return visitor
                    .visit_map(Table::new(table, &place, None))
                    .map_err(|fault| fault.at_table(&place, table));
            }
        };
        result.map_err(|fault| fault.at(&place))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    /// Refuses keys that the struct has no field for, whether or not its type says `deny_unknown_fields`.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if let DeValue::Table(table) = self.value.get_ref() {
            self.place.refuse_unknown(table, fields)?;
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let result = match self.value.get_ref() {
            DeValue::String(text) => visitor.visit_enum(text.as_ref().into_deserializer()),
            other => {
                let choices = variants.iter().map(|v| format!("\"{v}\"")).collect::<Vec<_>>().join(", ");
                Err(de::Error::invalid_type(unexpected_kind(other), &format!("one of {choices}").as_str()))
            }
        };
        result.map_err(|fault: Fault| fault.at(&self.place))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

/// The entries of a table, all or those with some names.
pub(super) struct Table<'p, 'de, 'i> {
    entries: std::vec::IntoIter<(&'de Spanned<DeString<'i>>, &'de Spanned<DeValue<'i>>)>,
    value: Option<ValueReader<'de, 'i>>,
    place: &'p Place,
}

impl<'p, 'de, 'i> Table<'p, 'de, 'i> {
    pub(super) fn new(table: &'de DeTable<'i>, place: &'p Place, only: Option<&[&str]>) -> Self {
        let mut entries = in_file_order(table);
        if let Some(names) = only {
            entries.retain(|(key, _)| names.contains(&key.get_ref().as_ref()));
        }
        Self { entries: entries.into_iter(), value: None, place }
    }
}

impl<'de> MapAccess<'de> for Table<'_, 'de, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        let name = key.get_ref().as_ref();
        self.value = Some(ValueReader::new(value, self.place.key(name, value.span())));
        let at_key = Place { path: self.place.path.clone(), byte: key.span().start };
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some).map_err(|fault: Fault| fault.at(&at_key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let reader = self.value.take().expect("serde asks for a value only after its key");
        // A type that converts what it read, with `try_from`, refuses it only after the reader is gone.
        let place = reader.place.clone();
        seed.deserialize(reader).map_err(|fault| fault.at(&place))
    }
}

/// The items of a list.
struct Items<'p, 'de, 'i> {
    items: std::iter::Enumerate<std::slice::Iter<'de, Spanned<DeValue<'i>>>>,
    place: &'p Place,
}

impl<'de> SeqAccess<'de> for Items<'_, 'de, '_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some((index, value)) = self.items.next() else { return Ok(None) };
        let place = self.place.item(index, value.span());
        seed.deserialize(ValueReader::new(value, place.clone())).map(Some).map_err(|fault| fault.at(&place))
    }
}
