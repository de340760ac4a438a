//! Arrays whose rows are written a piece at a time, in any order.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{StoreError, npy};

/// Where prepared samples go, piece by piece.
pub trait RowSink {
    /// Puts numbers into a row from a column on.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    ///
    /// # Panics
    /// Outside the array.
    fn write(&mut self, row: usize, column: usize, values: &[f32]) -> Result<(), StoreError>;
}

/// A file of `f32` rows: a `.npy` file, or a temporary one without a name. What was not written reads as 0.
#[derive(Debug)]
pub struct RowFile {
    path: PathBuf,
    file: File,
    /// Bytes before the numbers.
    start: u64,
    n_rows: usize,
    n_columns: usize,
}

impl RowFile {
    /// Starts a `.npy` file of shape `(n_rows, n_columns)`.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn create(path: &Path, n_rows: usize, n_columns: usize) -> Result<Self, StoreError> {
        let mut open = OpenOptions::new();
        open.read(true).write(true).create(true).truncate(true);
        let mut file = open.open(path).map_err(StoreError::write(path))?;
        let header = npy::header(&[n_rows, n_columns]);
        file.write_all(&header).map_err(StoreError::write(path))?;
        Self::of(path, file, header.len() as u64, n_rows, n_columns)
    }

    /// A file in `folder` that vanishes with this value, or with the program.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn temporary(folder: &Path, n_rows: usize, n_columns: usize) -> Result<Self, StoreError> {
        let file = tempfile::tempfile_in(folder).map_err(StoreError::write(folder))?;
        Self::of(folder, file, 0, n_rows, n_columns)
    }

    fn of(path: &Path, file: File, start: u64, n_rows: usize, n_columns: usize) -> Result<Self, StoreError> {
        let n_bytes = start + (n_rows * n_columns * size_of::<f32>()) as u64;
        file.set_len(n_bytes).map_err(StoreError::write(path))?;
        Ok(Self { path: path.to_path_buf(), file, start, n_rows, n_columns })
    }

    fn seek(&mut self, row: usize, column: usize, n: usize) -> std::io::Result<()> {
        assert!(row < self.n_rows && column + n <= self.n_columns, "a place outside the array");
        let place = self.start + ((row * self.n_columns + column) * size_of::<f32>()) as u64;
        self.file.seek(SeekFrom::Start(place)).map(drop)
    }

    /// Reads a row.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    ///
    /// # Panics
    /// Outside the array.
    pub fn read_row(&mut self, row: usize) -> Result<Vec<f32>, StoreError> {
        let mut bytes = vec![0; self.n_columns * size_of::<f32>()];
        let read = self.seek(row, 0, self.n_columns).and_then(|()| self.file.read_exact(&mut bytes));
        read.map_err(StoreError::read(&self.path))?;
        Ok(bytes.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)).collect())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn finish(self) -> Result<(), StoreError> {
        self.file.sync_all().map_err(StoreError::write(&self.path))
    }
}

impl RowSink for RowFile {
    fn write(&mut self, row: usize, column: usize, values: &[f32]) -> Result<(), StoreError> {
        let mut put = || {
            self.seek(row, column, values.len())?;
            if cfg!(target_endian = "little") {
                return self.file.write_all(bytemuck::cast_slice(values));
            }
            self.file.write_all(&values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>())
        };
        put().map_err(StoreError::write(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::super::MappedNpy;
    use super::*;

    #[test]
    fn pieces_in_any_order_make_an_array() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        let mut named = RowFile::create(&path, 2, 3).unwrap();
        let mut temporary = RowFile::temporary(folder.path(), 2, 3).unwrap();
        for file in [&mut named, &mut temporary] {
            file.write(1, 1, &[5.0, 6.0]).unwrap();
            file.write(0, 0, &[1.0, 2.0, 3.0]).unwrap();
            file.write(1, 0, &[4.0]).unwrap();
            assert_eq!(file.read_row(1).unwrap(), [4.0, 5.0, 6.0]);
        }
        named.finish().unwrap();
        let x = MappedNpy::open(&path).unwrap();
        assert_eq!((x.shape(), x.as_ref()), (&[2, 3][..], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0][..]));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "the temporary file has no name");
    }
}
