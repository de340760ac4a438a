//! NumPy's `.npy` files of `f32` or `f16`, written as a stream and read where they lie.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::marker::PhantomData;
use std::ops::Range;
use std::path::{Path, PathBuf};

use dre::data::Block;
use half::f16;
use memmap2::Mmap;
use ndarray::{ArrayBase, ArrayViewD, Data, Dimension};
use ndarray_npy::{ViewNpyExt, WritableElement, WriteNpyExt};

use super::{StoreError, write_file};

/// A number that is streamed into a `.npy` file.
pub trait Number: bytemuck::Pod {
    /// NumPy's name of it.
    const DESCR: &str;
    /// Its bytes, the least significant first.
    type Bytes: IntoIterator<Item = u8>;

    /// Its bytes, the least significant first.
    fn little(self) -> Self::Bytes;
}

impl Number for f32 {
    const DESCR: &str = "<f4";
    type Bytes = [u8; 4];

    fn little(self) -> [u8; 4] {
        self.to_le_bytes()
    }
}

impl Number for f16 {
    const DESCR: &str = "<f2";
    type Bytes = [u8; 2];

    fn little(self) -> [u8; 2] {
        self.to_le_bytes()
    }
}

/// A memory-mapped `.npy` file of `f32` in C order.
#[derive(Debug)]
pub struct MappedNpy {
    map: Mmap,
    start: usize,
    shape: Vec<usize>,
}

/// A memory-mapped `.npy` file of `f16`, as [`NpyWriter`] wrote it.
#[derive(Debug)]
pub struct MappedHalfNpy {
    map: Mmap,
    start: usize,
}

impl MappedHalfNpy {
    /// Maps a file that must hold this many rows and columns.
    ///
    /// # Errors
    /// [`StoreError::Read`], or [`StoreError::Format`] where it does not hold them.
    pub fn open(path: &Path, n_rows: usize, n_columns: usize) -> Result<Self, StoreError> {
        if cfg!(target_endian = "big") {
            let found = "16-bit floats whose least significant byte is first";
            return Err(StoreError::damaged(path, found, "prepare.storage = \"f32\" on this processor"));
        }
        let map = mapped(path)?;
        let header = header(f16::DESCR, &[n_rows, n_columns]);
        if !map.starts_with(&header) || map.len() != header.len() + n_rows * n_columns * size_of::<f16>() {
            let expected = format!("a .npy file of 16-bit floats with shape ({n_rows}, {n_columns})");
            return Err(StoreError::damaged(path, "another header or size", expected));
        }
        Ok(Self { map, start: header.len() })
    }
}

impl AsRef<[f16]> for MappedHalfNpy {
    fn as_ref(&self) -> &[f16] {
        bytemuck::cast_slice(&self.map[self.start..])
    }
}

impl Block<f16> for MappedHalfNpy {
    fn will_need(&self, range: Range<usize>) {
        will_need::<f16>(&self.map, self.start, range);
    }

    fn release(&self) {
        release(&self.map);
    }
}

impl Block<f32> for MappedNpy {
    fn will_need(&self, range: Range<usize>) {
        will_need::<f32>(&self.map, self.start, range);
    }

    fn release(&self) {
        release(&self.map);
    }
}

impl MappedNpy {
    /// For stretches that lie anywhere and are announced by [`Block::will_need`]: what lies around them is not read ahead.
    #[must_use]
    pub fn at_random(self) -> Self {
        at_random(&self.map);
        self
    }
}

impl MappedHalfNpy {
    /// As [`MappedNpy::at_random`].
    #[must_use]
    pub fn at_random(self) -> Self {
        at_random(&self.map);
        self
    }
}

/// The system may refuse: that costs time only.
fn at_random(map: &Mmap) {
    #[cfg(unix)]
    let _ = map.advise(memmap2::Advice::Random);
    #[cfg(not(unix))]
    let _ = map;
}

/// Takes the file's pages out of this program's memory; they stay in the system's cache as long as it likes.
fn release(map: &Mmap) {
    #[cfg(unix)]
    // SAFETY: the map is a read-only one of a file, so that nothing written is lost: a page that is read again comes from the
    // file (madvise(2): "subsequent accesses … will repopulate the memory contents from the up-to-date contents of the
    // underlying mapped file").
    let _ = unsafe { map.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
    #[cfg(not(unix))]
    let _ = map;
}

/// Asks the system to read numbers ahead, of which the first lies at byte `start`. It may refuse: that costs time only.
fn will_need<T>(map: &Mmap, start: usize, range: Range<usize>) {
    #[cfg(unix)]
    let _ =
        map.advise_range(memmap2::Advice::WillNeed, start + range.start * size_of::<T>(), range.len() * size_of::<T>());
    #[cfg(not(unix))]
    let _ = (map, start, range);
}

fn mapped(path: &Path) -> Result<Mmap, StoreError> {
    let file = crate::files::open(path).map_err(StoreError::read(path))?;
    // SAFETY: the map is only read, and nothing of this program changes the file: cohorts are written elsewhere and renamed
    // into place. Another program that changes the file meanwhile changes the numbers read, as with any memory-mapped file.
    unsafe { Mmap::map(&file) }.map_err(StoreError::read(path))
}

impl MappedNpy {
    /// Maps a file and checks its header against its size.
    ///
    /// # Errors
    /// [`StoreError::Read`], or [`StoreError::Format`] where it is not a whole `.npy` file of `f32` in C order.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let map = mapped(path)?;
        let (start, shape) = {
            let view = ArrayViewD::<f32>::view_npy(&map)
                .map_err(|e| StoreError::damaged(path, e.to_string(), "a .npy file of 32-bit floats"))?;
            if !view.is_standard_layout() {
                return Err(StoreError::damaged(path, "Fortran order", "C order"));
            }
            (map.len() - view.len() * size_of::<f32>(), view.shape().to_vec())
        };
        Ok(Self { map, start, shape })
    }

    /// Shape of the array.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }
}

impl AsRef<[f32]> for MappedNpy {
    fn as_ref(&self) -> &[f32] {
        bytemuck::cast_slice(&self.map[self.start..])
    }
}

/// Writes an array of two dimensions row by row, without holding it.
#[derive(Debug)]
pub struct NpyWriter<T> {
    path: PathBuf,
    out: BufWriter<File>,
    left: usize,
    number: PhantomData<T>,
}

impl<T: Number> NpyWriter<T> {
    /// Starts a file of shape `(n_rows, n_columns)`.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn create(path: &Path, n_rows: usize, n_columns: usize) -> Result<Self, StoreError> {
        let file = File::create(path).map_err(StoreError::write(path))?;
        let mut out = BufWriter::with_capacity(1 << 20, file);
        out.write_all(&header(T::DESCR, &[n_rows, n_columns])).map_err(StoreError::write(path))?;
        Ok(Self { path: path.to_path_buf(), out, left: n_rows * n_columns, number: PhantomData })
    }

    /// Appends numbers.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    ///
    /// # Panics
    /// Beyond the array's end.
    pub fn push(&mut self, values: &[T]) -> Result<(), StoreError> {
        self.left = self.left.checked_sub(values.len()).expect("more numbers than the array holds");
        let little = values.iter().flat_map(|v| v.little());
        if cfg!(target_endian = "little") {
            self.out.write_all(bytemuck::cast_slice(values)).map_err(StoreError::write(&self.path))
        } else {
            self.out.write_all(&little.collect::<Vec<_>>()).map_err(StoreError::write(&self.path))
        }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    ///
    /// # Panics
    /// Where numbers are missing.
    pub fn finish(mut self) -> Result<(), StoreError> {
        assert_eq!(self.left, 0, "numbers are missing");
        let synced = self.out.flush().and_then(|()| self.out.get_ref().sync_all());
        synced.map_err(StoreError::write(&self.path))
    }
}

/// The header of format version 1.0 (NumPy Enhancement Proposal 1), padded so that the numbers start at a multiple of 64.
pub(super) fn header(descr: &str, shape: &[usize]) -> Vec<u8> {
    let shape: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let shape = shape.trim_end_matches(' ');
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
    let total = (10 + text.len() + 1).next_multiple_of(64);
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend(u16::try_from(total - 10).expect("a short header").to_le_bytes());
    out.extend(text.bytes());
    out.resize(total - 1, b' ');
    out.push(b'\n');
    out
}

/// Writes an array as a whole, as [`write_file`].
///
/// # Errors
/// [`StoreError::Write`].
pub fn write_npy<A: WritableElement, S: Data<Elem = A>, D: Dimension>(
    path: &Path,
    array: &ArrayBase<S, D>,
) -> Result<(), StoreError> {
    write_file(path, |out| {
        array.write_npy(out).map_err(|e| match e {
            // Kept as it is, so that a full disk is still known as one.
            ndarray_npy::WriteNpyError::Io(e) => e,
            other => std::io::Error::other(other),
        })
    })
}

/// Writes an array of `f32` of some shape part by part, without holding it, as [`write_file`]. Parts are in C order.
///
/// # Errors
/// [`StoreError::Write`].
///
/// # Panics
/// Where the parts are not as many numbers as the array holds.
pub fn write_npy_parts<'a, P: IntoIterator<Item = &'a f32>>(
    path: &Path,
    shape: &[usize],
    parts: impl Iterator<Item = P>,
) -> Result<(), StoreError> {
    write_file(path, |out| {
        out.write_all(&header(f32::DESCR, shape))?;
        let mut left = shape.iter().product::<usize>();
        for part in parts {
            let bytes: Vec<u8> = part.into_iter().flat_map(|v| v.to_le_bytes()).collect();
            left = left.checked_sub(bytes.len() / size_of::<f32>()).expect("more numbers than the array holds");
            out.write_all(&bytes)?;
        }
        assert_eq!(left, 0, "numbers are missing");
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_of_any_shape_are_written_part_by_part() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        for shape in [&[2usize, 3, 1, 2][..], &[12]] {
            let numbers: Vec<f32> = (0..12u8).map(f32::from).collect();
            write_npy_parts(&path, shape, numbers.chunks(5)).unwrap();
            let read: ndarray::ArrayD<f32> = ndarray_npy::read_npy(&path).unwrap();
            assert_eq!((read.shape(), read.iter().copied().collect::<Vec<f32>>()), (shape, numbers));
        }
    }

    #[test]
    fn what_is_streamed_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        let mut out = NpyWriter::create(&path, 2, 3).unwrap();
        out.push(&[1.0, 2.0]).unwrap();
        out.push(&[3.0, 4.0, 5.0, -6.5]).unwrap();
        out.finish().unwrap();
        let x = MappedNpy::open(&path).unwrap();
        assert_eq!((x.shape(), x.as_ref()), (&[2, 3][..], &[1.0, 2.0, 3.0, 4.0, 5.0, -6.5][..]));
    }

    #[test]
    fn halves_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        let mut out = NpyWriter::create(&path, 1, 3).unwrap();
        out.push(&[1.0, -2.5, 0.125].map(f16::from_f32)).unwrap();
        out.finish().unwrap();
        let x = MappedHalfNpy::open(&path, 1, 3).unwrap();
        assert_eq!(x.as_ref(), [1.0, -2.5, 0.125].map(f16::from_f32));
        for (rows, columns) in [(3, 1), (1, 2), (1, 4)] {
            assert!(MappedHalfNpy::open(&path, rows, columns).unwrap_err().to_string().contains("x.npy"));
        }
        assert!(MappedNpy::open(&path).is_err());
    }

    #[test]
    fn a_cut_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        let mut out = NpyWriter::create(&path, 1, 4).unwrap();
        out.push(&[0.0; 4]).unwrap();
        out.finish().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for n in 0..bytes.len() {
            std::fs::write(&path, &bytes[..n]).unwrap();
            assert!(MappedNpy::open(&path).unwrap_err().to_string().contains("x.npy"), "{n} bytes");
        }
    }
}
