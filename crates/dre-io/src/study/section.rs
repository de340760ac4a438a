//! A table of the study file whose keys are taken one by one, so that whatever is left is known to be a mistake.

use std::collections::BTreeSet;

use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use toml::Spanned;
use toml::de::DeTable;

use super::de::{Fault, Place, Table, ValueReader, in_file_order};

/// A table and the keys that were asked of it so far.
pub(super) struct Section<'de, 'i> {
    table: &'de DeTable<'i>,
    place: Place,
    known: BTreeSet<&'static str>,
}

impl<'de, 'i> Section<'de, 'i> {
    /// The whole file.
    pub(super) fn root(document: &'de Spanned<DeTable<'i>>) -> Self {
        Self { table: document.get_ref(), place: Place::root(), known: BTreeSet::new() }
    }

    fn take(&mut self, key: &'static str) -> Option<ValueReader<'de, 'i>> {
        self.known.insert(key);
        let value = self.table.get(key)?;
        Some(ValueReader::new(value, self.place.key(key, value.span())))
    }

    /// The value of a key that must be there.
    pub(super) fn required<T: Deserialize<'de>>(&mut self, key: &'static str) -> Result<T, Fault> {
        match self.take(key) {
            Some(reader) => T::deserialize(reader),
            None => Err(Fault::missing_field(key).at_table(&self.place, self.table)),
        }
    }

    /// The value of a key, or its default.
    pub(super) fn optional<T: Deserialize<'de> + Default>(&mut self, key: &'static str) -> Result<T, Fault> {
        self.take(key).map_or_else(|| Ok(T::default()), T::deserialize)
    }

    /// A text that must be one of `choices`.
    pub(super) fn choice(
        &mut self,
        key: &'static str,
        choices: &'static [&'static str],
    ) -> Result<&'static str, Fault> {
        let found: &str = self.required(key)?;
        choices.iter().find(|choice| **choice == found).copied().ok_or_else(|| {
            let place = self.place.key(key, self.table[key].span());
            Fault::unknown_variant(found, choices).at(&place)
        })
    }

    /// The tables below a key, by name, in the order of the file; none where the key is absent.
    pub(super) fn sections(&mut self, key: &'static str) -> Result<Vec<(String, Section<'de, 'i>)>, Fault> {
        let Some(reader) = self.take(key) else { return Ok(Vec::new()) };
        let (table, place) = reader.table()?;
        in_file_order(table)
            .into_iter()
            .map(|(name, value)| {
                let place = place.key(name.get_ref(), value.span());
                let (table, place) = ValueReader::new(value, place).table()?;
                Ok((name.get_ref().to_string(), Section { table, place, known: BTreeSet::new() }))
            })
            .collect()
    }

    /// A struct whose fields are some of this table's keys.
    pub(super) fn part<T: Deserialize<'de>>(&mut self) -> Result<T, Fault> {
        T::deserialize(Part(self))
    }

    /// Ends the reading.
    pub(super) fn finish(self) -> Result<(), Fault> {
        let known: Vec<&str> = self.known.into_iter().collect();
        self.place.refuse_unknown(self.table, &known)
    }
}

/// Gives a struct those keys of a section that it has fields for.
struct Part<'s, 'de, 'i>(&'s mut Section<'de, 'i>);

impl<'de> Deserializer<'de> for Part<'_, 'de, '_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_map(Table::new(self.0.table, &self.0.place, None))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.0.known.extend(fields);
        visitor
            .visit_map(Table::new(self.0.table, &self.0.place, Some(fields)))
            .map_err(|fault| fault.at_table(&self.0.place, self.0.table))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
