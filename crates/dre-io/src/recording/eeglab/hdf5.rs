//! MATLAB files of version 7.3, which are HDF5 files: structures are groups, cells and fields of arrays of structures are data
//! sets of references to objects in the group `#refs#`.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use hdf5_reader::error::{ByteOrder, Error as Hdf5Error};
use hdf5_reader::group::Group;
use hdf5_reader::reference::read_object_references;
use hdf5_reader::storage::{BlockCacheStorage, FileStorage};
use hdf5_reader::{Dataset, Datatype, Hdf5File, OpenOptions, SliceInfo, SliceInfoElem};
use ndarray::{ArrayD, ArrayViewMut2};

use crate::recording::frames::NumberType;
use crate::{Error, Result};

use super::value::{Place, Stored, Structs, Value, Want};

/// Memory (bytes) for inflated chunks that are likely to be read again.
const CHUNK_MEMORY: usize = 8 << 20;
/// Largest inflated chunk (bytes) that is read; MATLAB's and h5py's are below 1 MiB.
const MOST_CHUNK: usize = 256 << 20;
/// Largest data set of texts, numbers or references (bytes) that is held in memory.
const MOST_HELD: usize = 64 << 20;
/// Bytes of samples that are read at a time.
const BLOCK_BYTES: usize = 1 << 20;
/// How deep values may lie in one another.
const MOST_DEPTH: usize = 8;

/// Reads the variables of a file that are wanted, as fields of one structure.
pub(super) fn read(path: &Path, file: &File, want: &Want) -> Result<Structs> {
    let file = file.try_clone().map_err(Error::io("read", path))?;
    let reader = Reader { path, references: None };
    let opened = (|| {
        let storage = BlockCacheStorage::new(Arc::new(FileStorage::from_file(file)?), 1 << 16, 64);
        let options = OpenOptions {
            chunk_cache_bytes: CHUNK_MEMORY,
            max_chunk_bytes: MOST_CHUNK,
            max_read_bytes: MOST_HELD,
            ..OpenOptions::default()
        };
        Hdf5File::from_storage_with_options(Arc::new(storage), options)?.root_group()
    })();
    let root = opened.map_err(|error| reader.fault(&error))?;
    Reader { path, references: References::of(&root).map_err(|error| reader.fault(&error))? }.structs(&root, want, 0)
}

/// The objects that references lead to, by their address.
struct References(HashMap<u64, Object>);

enum Object {
    Dataset(Box<Dataset>),
    Group(Group),
}

impl References {
    fn of(root: &Group) -> std::result::Result<Option<Self>, Hdf5Error> {
        let (groups, _) = root.member_names()?;
        if !groups.iter().any(|name| name == "#refs#") {
            return Ok(None);
        }
        let (groups, datasets) = root.group("#refs#")?.members()?;
        let groups = groups.into_iter().map(|group| (group.address(), Object::Group(group)));
        let datasets = datasets.into_iter().map(|dataset| (dataset.address(), Object::Dataset(Box::new(dataset))));
        Ok(Some(Self(groups.chain(datasets).collect())))
    }
}

struct Reader<'a> {
    path: &'a Path,
    references: Option<References>,
}

impl Reader<'_> {
    fn fault(&self, error: &Hdf5Error) -> Error {
        fault(self.path, error)
    }

    fn problem(&self, problem: String) -> Error {
        Error::format(self.path, problem, ADVICE)
    }

    /// A structure, or an array of structures, whose fields are then all references.
    fn structs(&self, group: &Group, want: &Want, depth: usize) -> Result<Structs> {
        if depth > MOST_DEPTH {
            return Err(self.problem(format!("{}: values lie too deep in one another", group.name())));
        }
        let (groups, datasets) = group.member_names().map_err(|error| self.fault(&error))?;
        let mut structs = Structs::default();
        let mut columns = Vec::new();
        let mut arrays = true;
        for (name, is_group) in
            groups.iter().map(|name| (name.as_str(), true)).chain(datasets.iter().map(|name| (name.as_str(), false)))
        {
            let Some(want) = want.field(name) else { continue };
            let value = if is_group {
                arrays = false;
                let group = group.group(name).map_err(|error| self.fault(&error))?;
                self.of_group(&group, want, depth)?
            } else {
                let dataset = group.dataset(name).map_err(|error| self.fault(&error))?;
                arrays &= matches!(dataset.dtype(), Datatype::Reference { .. }) && class(&dataset).is_empty();
                self.of_dataset(&dataset, want, depth)?
            };
            structs.names.push(name.to_owned());
            columns.push(value);
        }
        if !arrays || columns.is_empty() {
            structs.rows.push(columns);
            return Ok(structs);
        }
        let columns: Vec<Vec<Value>> = columns
            .into_iter()
            .map(|column| if let Value::Cells(cells) = column { cells } else { vec![column] })
            .collect();
        let n_rows = columns[0].len();
        if let Some((name, column)) = structs.names.iter().zip(&columns).find(|(_, column)| column.len() != n_rows) {
            let problem =
                format!("{}: field `{name}` has {} elements, others have {n_rows}", group.name(), column.len());
            return Err(self.problem(problem));
        }
        let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
        structs.rows = (0..n_rows).map(|_| columns.iter_mut().filter_map(Iterator::next).collect()).collect();
        Ok(structs)
    }

    fn of_group(&self, group: &Group, want: &Want, depth: usize) -> Result<Value> {
        match want {
            Want::Fields(_) => Ok(Value::Structs(Box::new(self.structs(group, want, depth + 1)?))),
            _ => Ok(Value::Other),
        }
    }

    fn of_dataset(&self, dataset: &Dataset, want: &Want, depth: usize) -> Result<Value> {
        if depth > MOST_DEPTH {
            return Err(self.problem(format!("{}: values lie too deep in one another", dataset.name())));
        }
        let is_empty =
            dataset.attribute("MATLAB_empty").is_ok_and(|mark| mark.read_as_f64().is_ok_and(|mark| mark != 0.0));
        if is_empty || dataset.shape().contains(&0) {
            return Ok(Value::Empty);
        }
        if let Datatype::Reference { size, .. } = dataset.dtype() {
            let bytes = dataset.read_raw_bytes().map_err(|error| self.fault(&error))?;
            let addresses = read_object_references(&bytes, *size).map_err(|error| self.fault(&error))?;
            let cells =
                addresses.iter().map(|address| match self.references.as_ref().and_then(|all| all.0.get(address)) {
                    Some(Object::Dataset(dataset)) => self.of_dataset(dataset, want, depth + 1),
                    Some(Object::Group(group)) => self.of_group(group, want, depth + 1),
                    None => Err(self.problem(format!(
                        "{}: a reference leads to byte {address}, where no object is",
                        dataset.name()
                    ))),
                });
            return Ok(Value::Cells(cells.collect::<Result<_>>()?));
        }
        let Some((number, big_endian)) = number_type(dataset.dtype()) else { return Ok(Value::Other) };
        let is_text = class(dataset) == "char";
        match want {
            Want::Fields(_) => Ok(Value::Other),
            Want::Samples if !is_text => {
                // MATLAB's first dimension is the one that varies fastest, HDF5's the last.
                let dims = dataset.shape().iter().rev().copied().collect();
                Ok(Value::Samples(Box::new(Stored { dims, place: Place::Hdf5(Box::new(dataset.clone()), number) })))
            }
            _ => {
                let bytes = dataset.read_raw_bytes().map_err(|error| self.fault(&error))?;
                let values = bytes.chunks_exact(number.n_bytes()).map(|bytes| number.decode(bytes, big_endian));
                if !is_text {
                    return Ok(Value::from_numbers(&values.collect::<Vec<_>>(), number.is_integer()));
                }
                let text = char::decode_utf16(values.map(|unit| unit as u16));
                Ok(Value::from_text(text.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()))
            }
        }
    }
}

const ADVICE: &str =
    "the file is damaged or incomplete; copy it again from the source, or save the dataset again in EEGLAB";

fn fault(path: &Path, error: &Hdf5Error) -> Error {
    Error::format(path, format!("HDF5: {error}"), ADVICE)
}

/// MATLAB's name of the kind of value; empty where there is none.
fn class(dataset: &Dataset) -> String {
    dataset.attribute("MATLAB_class").and_then(|class| class.read_string()).unwrap_or_default()
}

fn number_type(dtype: &Datatype) -> Option<(NumberType, bool)> {
    let (number, order) = match dtype {
        Datatype::FixedPoint { size, signed, byte_order } => {
            let number = match (size, signed) {
                (1, true) => NumberType::I8,
                (1, false) => NumberType::U8,
                (2, true) => NumberType::I16,
                (2, false) => NumberType::U16,
                (4, true) => NumberType::I32,
                (4, false) => NumberType::U32,
                (8, true) => NumberType::I64,
                (8, false) => NumberType::U64,
                _ => return None,
            };
            (number, byte_order)
        }
        Datatype::FloatingPoint { size: 4, byte_order } => (NumberType::F32, byte_order),
        Datatype::FloatingPoint { size: 8, byte_order } => (NumberType::F64, byte_order),
        _ => return None,
    };
    Some((number, matches!(order, ByteOrder::BigEndian)))
}

/// Samples in a data set of shape `(n_times, n_channels)`.
#[derive(Debug)]
pub(super) struct Samples {
    pub(super) dataset: DatasetOf,
    pub(super) number: NumberType,
    pub(super) n_channels: usize,
}

/// A data set that can be named in messages for developers.
pub(super) struct DatasetOf(pub(super) Box<Dataset>);

impl std::fmt::Debug for DatasetOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name())
    }
}

impl Samples {
    /// Reads a block whose request has been checked; each channel times its scale.
    pub(super) fn read(
        &self,
        path: &Path,
        channels: &[usize],
        start: usize,
        scales: &[f64],
        out: &mut ArrayViewMut2<'_, f64>,
    ) -> Result<()> {
        let n_block = (BLOCK_BYTES / (8 * self.n_channels)).max(1);
        let n_times = out.ncols();
        for first in (0..n_times).step_by(n_block) {
            let n = n_block.min(n_times - first);
            let rows = self.rows((start + first) as u64, n as u64).map_err(|error| fault(path, &error))?;
            for (channel, mut row) in channels.iter().zip(out.rows_mut()) {
                let values = rows.iter().skip(*channel).step_by(self.n_channels);
                for (to, value) in row.iter_mut().skip(first).zip(values) {
                    *to = value * scales[*channel];
                }
            }
        }
        Ok(())
    }

    /// All channels of `n` samples.
    fn rows(&self, start: u64, n: u64) -> std::result::Result<ArrayD<f64>, Hdf5Error> {
        let selection = SliceInfo {
            selections: vec![
                SliceInfoElem::Slice { start, end: start + n, step: 1 },
                SliceInfoElem::Slice { start: 0, end: self.n_channels as u64, step: 1 },
            ],
        };
        macro_rules! as_f64 {
            ($type:ty) => {
                self.dataset.0.read_slice::<$type>(&selection)?.mapv(|value| value as f64)
            };
        }
        Ok(match self.number {
            NumberType::I8 => self.dataset.0.read_slice::<i8>(&selection)?.mapv(f64::from),
            NumberType::U8 => self.dataset.0.read_slice::<u8>(&selection)?.mapv(f64::from),
            NumberType::I16 => self.dataset.0.read_slice::<i16>(&selection)?.mapv(f64::from),
            NumberType::U16 => self.dataset.0.read_slice::<u16>(&selection)?.mapv(f64::from),
            NumberType::I32 => self.dataset.0.read_slice::<i32>(&selection)?.mapv(f64::from),
            NumberType::U32 => self.dataset.0.read_slice::<u32>(&selection)?.mapv(f64::from),
            NumberType::I64 => as_f64!(i64),
            NumberType::U64 => as_f64!(u64),
            NumberType::F32 => self.dataset.0.read_slice::<f32>(&selection)?.mapv(f64::from),
            NumberType::F64 => self.dataset.0.read_slice::<f64>(&selection)?,
        })
    }
}
