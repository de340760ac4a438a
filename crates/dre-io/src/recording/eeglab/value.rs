//! What a MATLAB file holds, as far as a reader wants it.

use std::fs::File;

use crate::recording::frames::NumberType;

/// What is wanted of a MATLAB value; what is not mentioned is passed over without being held in memory.
#[derive(Debug)]
pub(super) enum Want {
    /// A number or a text, or those in cells.
    Value,
    /// The samples: where they are, not their values.
    Samples,
    /// These fields of a structure.
    Fields(&'static [(&'static str, Want)]),
}

impl Want {
    pub(super) fn field(&self, name: &str) -> Option<&'static Want> {
        let Self::Fields(fields) = self else { return None };
        fields.iter().find(|(field, _)| *field == name).map(|(_, want)| want)
    }
}

/// A MATLAB value.
#[derive(Debug)]
pub(super) enum Value {
    /// `[]`, `''`, or an empty cell or structure.
    Empty,
    /// One number, and whether it is stored as a whole one.
    Number(f64, bool),
    Text(String),
    Cells(Vec<Value>),
    Structs(Box<Structs>),
    Samples(Box<Stored>),
    /// What was not wanted or is of another kind: several numbers, functions, objects, sparse or complex numbers.
    Other,
}

/// An array of structures with the same fields.
#[derive(Debug, Default)]
pub(super) struct Structs {
    pub(super) names: Vec<String>,
    /// One for each element, in the order of the names.
    pub(super) rows: Vec<Vec<Value>>,
}

/// Where samples are.
#[derive(Debug)]
pub(super) struct Stored {
    /// Size as MATLAB has it: channels, times, trials.
    pub(super) dims: Vec<u64>,
    pub(super) place: Place,
}

/// See [`Stored`].
pub(super) enum Place {
    /// In a file, the first dimension varying fastest.
    File { file: File, offset: u64, number: NumberType, big_endian: bool },
    /// In a data set of an HDF5 file.
    Hdf5(Box<hdf5_reader::Dataset>, NumberType),
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File { offset, number, .. } => write!(f, "{number:?} at byte {offset}"),
            Self::Hdf5(dataset, number) => write!(f, "{number:?} in {}", dataset.name()),
        }
    }
}

impl Value {
    /// One number; several are of no use to anyone here.
    pub(super) fn from_numbers(values: &[f64], integer: bool) -> Self {
        match values {
            [] => Self::Empty,
            [value] => Self::Number(*value, integer),
            _ => Self::Other,
        }
    }

    pub(super) fn from_text(text: String) -> Self {
        if text.is_empty() { Self::Empty } else { Self::Text(text) }
    }

    /// The number, where it is one.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(value, _) => Some(*value),
            Self::Cells(cells) if cells.len() == 1 => cells[0].number(),
            _ => None,
        }
    }

    /// As Python would write it: whole numbers with a point only where they are stored as real ones.
    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(value, true) => format!("{value:.0}"),
            Self::Number(value, false) => format!("{value:?}"),
            Self::Cells(cells) if cells.len() == 1 => cells[0].to_text(),
            _ => "[]".to_owned(),
        }
    }
}

impl Structs {
    /// The place of a field in each row.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|other| other == name)
    }

    /// Takes a field of the first structure.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        let place = self.place(name)?;
        let value = self.rows.first_mut()?.get_mut(place)?;
        Some(std::mem::replace(value, Value::Other))
    }
}
