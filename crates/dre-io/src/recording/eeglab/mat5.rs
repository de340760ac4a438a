//! MATLAB files of version 5 to 7: elements with a tag, one in another, each variable deflated or not.
//!
//! Values are read as they pass by; of samples only their place is taken, or, where they are deflated, a copy in a temporary
//! file, so that memory does not grow with them. Deflated bytes can grow a thousandfold: what is held in memory of one file
//! is limited ([`MOST_HELD`]), and a copy of samples ends with the deflated bytes that are there.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::recording::frames::NumberType;
use crate::{Error, Result};

use super::mat5_source::{Inflated, Plain, Source};
use super::value::{Place, Stored, Structs, Value, Want};

/// Most inflated bytes of values that are held in memory; names and events of 24 hours are a tenth of it.
const MOST_HELD: u64 = 256 << 20;
/// Bytes that a value takes in memory beside its text.
const VALUE_BYTES: u64 = 64;
/// Bytes that are allocated and read at a time.
const BLOCK_BYTES: usize = 1 << 16;
/// How deep values may lie in one another.
const MOST_DEPTH: usize = 16;

/// Types of elements.
const MI_INT8: u32 = 1;
const MI_UINT8: u32 = 2;
const MI_UINT16: u32 = 4;
const MI_INT32: u32 = 5;
const MI_UINT32: u32 = 6;
const MI_MATRIX: u32 = 14;
const MI_COMPRESSED: u32 = 15;
const MI_UTF8: u32 = 16;
const MI_UTF16: u32 = 17;
const MI_UTF32: u32 = 18;

/// Reads the variables of a file that are wanted, as fields of one structure.
pub(super) fn read(path: &Path, file: &File, want: &Want) -> Result<Structs> {
    let io = |error| Error::io("read", path)(error);
    let mut head = file.try_clone().map_err(io)?;
    let file_bytes = head.seek(SeekFrom::End(0)).map_err(io)?;
    head.seek(SeekFrom::Start(126)).map_err(io)?;
    let mut mark = [0; 2];
    let big_endian = match head.read_exact(&mut mark) {
        Ok(()) if &mark == b"IM" => false,
        Ok(()) if &mark == b"MI" => true,
        _ => {
            let problem = "byte 126: there is no byte-order mark, which every MATLAB file of version 5 or later has";
            return Err(Error::format(path, problem, "save the dataset again in EEGLAB"));
        }
    };
    let mut variables = Structs { names: Vec::new(), rows: vec![Vec::new()] };
    let mut held = 0;
    let mut at = 128;
    while at + 8 <= file_bytes {
        let mut inflated;
        let mut plain = Plain::new(file.try_clone().map_err(io)?, at).map_err(io)?;
        let mut parser = Parser { path, source: &mut plain, big_endian, at, end: file_bytes, in_file: at, held };
        let tag = parser.tag(file_bytes)?;
        let start = at + 8;
        let next = start + tag.n_bytes;
        let kind = if tag.small.is_some() { 0 } else { tag.kind };
        let variable = match kind {
            MI_MATRIX => Some(parser.matrix(next, &|name| want.field(name), 0)?),
            MI_COMPRESSED => {
                held = parser.held;
                inflated = Inflated::new(file.try_clone().map_err(io)?, start, tag.n_bytes).map_err(io)?;
                parser = Parser { path, source: &mut inflated, big_endian, at: 0, end: u64::MAX, in_file: start, held };
                let tag = parser.tag(u64::MAX)?;
                let end = parser.at.saturating_add(tag.n_bytes);
                if tag.kind == MI_MATRIX { Some(parser.matrix(end, &|name| want.field(name), 0)?) } else { None }
            }
            kind => return Err(parser.fault(&format!("an element of type {kind} stands where a variable is expected"))),
        };
        held = parser.held;
        if let Some((name, value)) = variable
            && want.field(&name).is_some()
        {
            variables.names.push(name);
            variables.rows[0].push(value);
        }
        // Deflated variables are not padded.
        at = if tag.kind == MI_COMPRESSED { next } else { next.next_multiple_of(8) };
    }
    Ok(variables)
}

/// What stands before the bytes of an element.
#[derive(Clone, Copy)]
struct Tag {
    kind: u32,
    n_bytes: u64,
    /// The bytes themselves, where there are at most four.
    small: Option<[u8; 4]>,
}

struct Parser<'a> {
    path: &'a Path,
    source: &'a mut dyn Source,
    big_endian: bool,
    /// Bytes read so far; in the file, or since the start of a deflated variable.
    at: u64,
    /// Where they end.
    end: u64,
    /// Where in the file the variable begins, for messages.
    in_file: u64,
    /// Bytes that were taken into memory so far.
    held: u64,
}

impl Parser<'_> {
    fn fault(&self, problem: &str) -> Error {
        let place = match self.source.place() {
            Some(place) => format!("byte {place}"),
            None => format!("variable at byte {}, inflated byte {}", self.in_file, self.at),
        };
        let advice =
            "the file is damaged or incomplete; copy it again from the source, or save the dataset again in EEGLAB";
        Error::format(self.path, format!("{place}: {problem}"), advice)
    }

    fn take(&mut self, out: &mut [u8]) -> Result<()> {
        if self.source.read(out).is_err() {
            return Err(self.fault(&format!("the bytes end where {} more are needed", out.len())));
        }
        self.at += out.len() as u64;
        Ok(())
    }

    fn skip_to(&mut self, end: u64) -> Result<()> {
        let n_bytes = end.saturating_sub(self.at);
        if self.source.skip(n_bytes).is_err() {
            return Err(self.fault(&format!("the bytes end where {n_bytes} more should follow")));
        }
        self.at += n_bytes;
        Ok(())
    }

    fn number(&self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    /// Reads a tag, whose element must end at `end` at the latest.
    fn tag(&mut self, end: u64) -> Result<Tag> {
        let mut bytes = [0; 8];
        self.take(&mut bytes)?;
        let (first, second) = bytes.split_at(4);
        let [first, second] = [first, second].map(|half| half.try_into().unwrap_or_default());
        let word = self.number(first);
        let tag = match word >> 16 {
            0 => Tag { kind: word, n_bytes: u64::from(self.number(second)), small: None },
            n_bytes => Tag { kind: word & 0xffff, n_bytes: u64::from(n_bytes), small: Some(second) },
        };
        let fits = match tag.small {
            Some(_) => tag.n_bytes <= 4,
            None => self.at.checked_add(tag.n_bytes).is_some_and(|last| last <= end.min(self.end)),
        };
        if fits {
            return Ok(tag);
        }
        Err(self
            .fault(&format!("an element of {} bytes (type {}) does not fit into what holds it", tag.n_bytes, tag.kind)))
    }

    /// Counts bytes that are taken into memory. Those that lie in the file as they are cannot be more than it has.
    fn hold(&mut self, n_bytes: u64) -> Result<()> {
        if self.source.place().is_none() {
            self.held += n_bytes;
        }
        if self.held <= MOST_HELD {
            return Ok(());
        }
        Err(self.fault(&format!("names and events take more than {} MiB", MOST_HELD >> 20)))
    }

    /// Reads the bytes of an element into memory, and the padding after it.
    fn bytes(&mut self, tag: Tag) -> Result<Vec<u8>> {
        self.hold(tag.n_bytes)?;
        if let Some(small) = tag.small {
            return Ok(small[..tag.n_bytes as usize].to_vec());
        }
        let mut bytes = Vec::new();
        let mut left = tag.n_bytes as usize;
        // Memory grows with the bytes that are there, not with the number that the tag gives.
        while left > 0 {
            let (from, n) = (bytes.len(), left.min(BLOCK_BYTES));
            bytes.resize(from + n, 0);
            self.take(&mut bytes[from..])?;
            left -= n;
        }
        self.padding(tag)?;
        Ok(bytes)
    }

    fn padding(&mut self, tag: Tag) -> Result<()> {
        let n = (8 - tag.n_bytes % 8) % 8;
        if tag.small.is_none() && n > 0 && self.at + n <= self.end { self.skip_to(self.at + n) } else { Ok(()) }
    }

    /// Reads an element that must be of this type and of a size below `most`.
    fn part(&mut self, end: u64, kind: u32, most: u64, what: &str) -> Result<Vec<u8>> {
        let tag = self.tag(end)?;
        // Some writers store small whole numbers in fewer bytes than their type asks for, but not here.
        if tag.kind != kind || tag.n_bytes > most {
            let found = format!("{} bytes of type {}", tag.n_bytes, tag.kind);
            return Err(
                self.fault(&format!("{found} stand where {what} is expected (type {kind}, at most {most} bytes)"))
            );
        }
        self.bytes(tag)
    }

    /// Reads a value up to `end`, after its tag; `choose` says what is wanted of it once its name is known.
    fn matrix(
        &mut self,
        end: u64,
        choose: &dyn Fn(&str) -> Option<&'static Want>,
        depth: usize,
    ) -> Result<(String, Value)> {
        const OPAQUE: u32 = 17;
        if self.at == end {
            return Ok((String::new(), Value::Empty));
        }
        if depth > MOST_DEPTH {
            return Err(self.fault("values lie too deep in one another"));
        }
        let outer = std::mem::replace(&mut self.end, end);
        let flags = self.part(end, MI_UINT32, 8, "the kind of an array")?;
        let flags = self.number(flags.first_chunk().copied().unwrap_or_default());
        let (class, complex) = (flags & 0xff, flags & 0x800 != 0);
        if class == OPAQUE {
            self.skip_to(end)?;
            self.end = outer;
            return Ok((String::new(), Value::Other));
        }
        let dims = self.part(end, MI_INT32, 32 * 4, "the size of an array")?;
        let dims: Vec<u64> = dims.as_chunks::<4>().0.iter().map(|bytes| u64::from(self.number(*bytes))).collect();
        let name = self.part(end, MI_INT8, 1024, "the name of an array")?;
        let name = String::from_utf8_lossy(&name).into_owned();
        let n_elements = dims.iter().try_fold(1, |product: u64, n| product.checked_mul(*n));
        let Some(n_elements) = n_elements else {
            return Err(self.fault(&format!("an array has the size {dims:?}, which no memory holds")));
        };
        let value = match (choose(&name), class) {
            (Some(_), 1..=4 | 6..=15) if n_elements == 0 => Value::Empty,
            (Some(want @ Want::Value), 1) => self.cells(end, n_elements, want, depth)?,
            (Some(want @ Want::Fields(_)), 2) => Value::Structs(Box::new(self.structs(end, n_elements, want, depth)?)),
            (Some(Want::Value | Want::Samples), 4) => self.text(end)?,
            (Some(Want::Value), 6..=15) if !complex => self.numbers(end)?,
            (Some(Want::Samples), 6..=15) if !complex => self.samples(end, dims, n_elements)?,
            _ => Value::Other,
        };
        self.skip_to(end)?;
        self.end = outer;
        Ok((name, value))
    }

    /// Reads one value in another, with the padding after it.
    fn inner(&mut self, end: u64, want: Option<&'static Want>, depth: usize) -> Result<Value> {
        let tag = self.tag(end)?;
        if tag.kind != MI_MATRIX || tag.small.is_some() {
            return Err(self.fault(&format!("an element of type {} stands where an array is expected", tag.kind)));
        }
        let end = self.at + tag.n_bytes;
        let value = match want {
            Some(want) => self.matrix(end, &|_| Some(want), depth + 1)?.1,
            None => Value::Other,
        };
        self.skip_to(end)?;
        self.padding(tag)?;
        Ok(value)
    }

    fn cells(&mut self, end: u64, n_elements: u64, want: &'static Want, depth: usize) -> Result<Value> {
        let mut cells = Vec::new();
        for _ in 0..n_elements {
            self.hold(VALUE_BYTES)?;
            cells.push(self.inner(end, Some(want), depth)?);
        }
        Ok(Value::Cells(cells))
    }

    fn structs(&mut self, end: u64, n_elements: u64, want: &Want, depth: usize) -> Result<Structs> {
        let width = self.part(end, MI_INT32, 4, "the length of names of fields")?;
        let width = self.number(width.first_chunk().copied().unwrap_or_default()) as usize;
        let names = self.part(end, MI_INT8, 1 << 20, "the names of fields")?;
        if width == 0 || width > 4096 {
            return Err(self.fault(&format!("names of fields are {width} bytes long")));
        }
        let fields: Vec<(String, Option<&'static Want>)> = names
            .chunks_exact(width)
            .map(|name| {
                let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
                let name = String::from_utf8_lossy(name).into_owned();
                let want = want.field(&name);
                (name, want)
            })
            .collect();
        let names = fields.iter().filter(|(_, want)| want.is_some()).map(|(name, _)| name.clone()).collect();
        let mut structs = Structs { names, rows: Vec::new() };
        if structs.names.is_empty() {
            return Ok(structs);
        }
        for _ in 0..n_elements {
            self.hold(VALUE_BYTES * structs.names.len() as u64)?;
            let mut row = Vec::with_capacity(structs.names.len());
            for (_, want) in &fields {
                let value = self.inner(end, *want, depth)?;
                if want.is_some() {
                    row.push(value);
                }
            }
            structs.rows.push(row);
        }
        Ok(structs)
    }

    fn text(&mut self, end: u64) -> Result<Value> {
        let tag = self.tag(end)?;
        let bytes = self.bytes(tag)?;
        let latin1 = |bytes: &[u8]| bytes.iter().map(|byte| char::from(*byte)).collect();
        let text: String = match tag.kind {
            MI_UINT16 | MI_UTF16 => {
                let units =
                    bytes.as_chunks::<2>().0.iter().map(|unit| {
                        if self.big_endian { u16::from_be_bytes(*unit) } else { u16::from_le_bytes(*unit) }
                    });
                char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
            }
            MI_UTF32 | MI_UINT32 => {
                let points = bytes.as_chunks::<4>().0.iter().map(|bytes| self.number(*bytes));
                points.map(|point| char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
            }
            MI_UTF8 => std::str::from_utf8(&bytes).map_or_else(|_| latin1(&bytes), str::to_owned),
            MI_INT8 | MI_UINT8 => latin1(&bytes),
            kind => return Err(self.fault(&format!("a text is stored as type {kind}"))),
        };
        Ok(Value::from_text(text))
    }

    fn number_type(&self, tag: Tag) -> Result<NumberType> {
        Ok(match tag.kind {
            1 => NumberType::I8,
            2 => NumberType::U8,
            3 => NumberType::I16,
            4 => NumberType::U16,
            5 => NumberType::I32,
            6 => NumberType::U32,
            7 => NumberType::F32,
            9 => NumberType::F64,
            12 => NumberType::I64,
            13 => NumberType::U64,
            kind => return Err(self.fault(&format!("numbers are stored as type {kind}"))),
        })
    }

    fn numbers(&mut self, end: u64) -> Result<Value> {
        let tag = self.tag(end)?;
        let number = self.number_type(tag)?;
        let bytes = self.bytes(tag)?;
        let values: Vec<f64> =
            bytes.chunks_exact(number.n_bytes()).map(|bytes| number.decode(bytes, self.big_endian)).collect();
        Ok(Value::from_numbers(&values, number.is_integer()))
    }

    fn samples(&mut self, end: u64, dims: Vec<u64>, n_elements: u64) -> Result<Value> {
        let tag = self.tag(end)?;
        let number = self.number_type(tag)?;
        if n_elements.checked_mul(number.n_bytes() as u64) != Some(tag.n_bytes) {
            return Err(self.fault(&format!("{} bytes of samples do not fit their size {dims:?}", tag.n_bytes)));
        }
        let temporary = |error| Error::io("write a temporary file in", std::env::temp_dir())(error);
        let (file, offset) = match (self.source.place(), tag.small) {
            (Some(place), None) => (crate::files::open(self.path).map_err(Error::io("open", self.path))?, place),
            (_, Some(small)) => {
                let mut file = tempfile::tempfile().map_err(temporary)?;
                file.write_all(&small[..tag.n_bytes as usize]).map_err(temporary)?;
                (file, 0)
            }
            (None, None) => {
                let mut file = tempfile::tempfile().map_err(temporary)?;
                let mut block = vec![0; BLOCK_BYTES];
                let mut left = tag.n_bytes;
                while left > 0 {
                    let n = left.min(BLOCK_BYTES as u64);
                    self.take(&mut block[..n as usize])?;
                    file.write_all(&block[..n as usize]).map_err(temporary)?;
                    left -= n;
                }
                (file, 0)
            }
        };
        Ok(Value::Samples(Box::new(Stored {
            dims,
            place: Place::File { file, offset, number, big_endian: self.big_endian },
        })))
    }
}
