//! Arrays whose rows are written a piece at a time, in any order.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::StoreError;

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

/// A file of `f32` rows that has no name and vanishes with this value, or with the program. What was not written reads as 0.
#[derive(Debug)]
pub struct RowFile {
    /// Where it lies.
    folder: PathBuf,
    file: File,
    n_rows: usize,
    n_columns: usize,
}

impl RowFile {
    /// A file in `folder`.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn temporary(folder: &Path, n_rows: usize, n_columns: usize) -> Result<Self, StoreError> {
        let file = tempfile::tempfile_in(folder).map_err(StoreError::write(folder))?;
        let n_bytes = (n_rows * n_columns * size_of::<f32>()) as u64;
        file.set_len(n_bytes).map_err(StoreError::write(folder))?;
        Ok(Self { folder: folder.to_path_buf(), file, n_rows, n_columns })
    }

    fn seek(&mut self, row: usize, column: usize, n: usize) -> std::io::Result<()> {
        assert!(row < self.n_rows && column + n <= self.n_columns, "a place outside the array");
        let place = ((row * self.n_columns + column) * size_of::<f32>()) as u64;
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
        let mut values = vec![0.0; self.n_columns];
        self.read(row, 0, &mut values)?;
        Ok(values)
    }

    /// Reads a row from a column on.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    ///
    /// # Panics
    /// Outside the array.
    pub fn read(&mut self, row: usize, column: usize, values: &mut [f32]) -> Result<(), StoreError> {
        let read = self.seek(row, column, values.len());
        let read = read.and_then(|()| self.file.read_exact(bytemuck::cast_slice_mut(values)));
        read.map_err(StoreError::read(&self.folder))
    }
}

impl RowSink for RowFile {
    fn write(&mut self, row: usize, column: usize, values: &[f32]) -> Result<(), StoreError> {
        let put = self.seek(row, column, values.len());
        let put = put.and_then(|()| self.file.write_all(bytemuck::cast_slice(values)));
        put.map_err(StoreError::write(&self.folder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_in_any_order_make_an_array() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = RowFile::temporary(folder.path(), 2, 3).unwrap();
        file.write(1, 1, &[5.0, 6.0]).unwrap();
        file.write(0, 0, &[1.0, 2.0, 3.0]).unwrap();
        assert_eq!(file.read_row(1).unwrap(), [0.0, 5.0, 6.0]);
        file.write(1, 0, &[4.0]).unwrap();
        let mut part = [0.0; 2];
        file.read(1, 0, &mut part).unwrap();
        assert_eq!((file.read_row(0).unwrap(), part), (vec![1.0, 2.0, 3.0], [4.0, 5.0]));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file has no name");
    }
}
