//! The bytes of a file, checked against its size.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::recording::check_there;
use crate::{Error, Result};

/// Bytes read ahead, so that the many small tags at a file's start cost few calls.
const WINDOW: u64 = 4096;

/// What to do about a file that breaks off or contradicts itself.
pub(super) const COPY_AGAIN: &str = "the file is damaged or was cut short: copy it again from the source";

/// An open file with a window on its bytes.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) len: u64,
    file: File,
    window: Vec<u8>,
    window_start: u64,
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<Self> {
        check_there(path)?;
        let file = crate::files::open(path).map_err(Error::io("open", path))?;
        let len = file.metadata().map_err(Error::io("read", path))?.len();
        Ok(Self { path: path.to_owned(), len, file, window: Vec::new(), window_start: 0 })
    }

    /// A fault of this file at a byte.
    pub(super) fn fault(&self, offset: u64, problem: impl Into<String>) -> Error {
        Error::at(&self.path, offset, problem, COPY_AGAIN)
    }

    /// Checks that `n` bytes from `offset` on are there.
    pub(super) fn check(&self, offset: u64, n: u64, what: &str) -> Result<()> {
        if offset.checked_add(n).is_some_and(|end| end <= self.len) {
            return Ok(());
        }
        Err(self.fault(offset, format!("{what} of {n} bytes reaches past the end of the file at {}", self.len)))
    }

    /// The `n` bytes from `offset` on; `what` names them, for the error.
    pub(super) fn bytes(&mut self, offset: u64, n: u64, what: &str) -> Result<&[u8]> {
        self.check(offset, n, what)?;
        let inside = offset >= self.window_start && offset + n <= self.window_start + self.window.len() as u64;
        if !inside {
            let n_window = n.max(WINDOW.min(self.len - offset));
            let mut window = std::mem::take(&mut self.window);
            window.clear();
            window.resize(n_window as usize, 0);
            self.read_into(offset, &mut window)?;
            (self.window, self.window_start) = (window, offset);
        }
        let start = (offset - self.window_start) as usize;
        Ok(&self.window[start..start + n as usize])
    }

    /// Fills `into` with the bytes from `offset` on.
    pub(super) fn read_into(&mut self, offset: u64, into: &mut [u8]) -> Result<()> {
        self.file
            .seek(SeekFrom::Start(offset))
            .and_then(|_| self.file.read_exact(into))
            .map_err(Error::io("read", &self.path))
    }

    /// Lets go of the window, which may have grown to the size of the largest tag.
    pub(super) fn shrink(&mut self) {
        self.window = Vec::new();
        self.window_start = 0;
    }
}
