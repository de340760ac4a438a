//! Big-endian values from a file's content, with errors that name the place.

use std::path::Path;

use crate::{Error, Result};

/// What is done about a damaged file.
pub(super) const COPY_AGAIN: &str = "the file is damaged or cut off; copy the whole .ds folder again from the source";

/// A place in a file's content.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    place: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(path: &'a Path, bytes: &'a [u8]) -> Self {
        Self { path, bytes, place: 0 }
    }

    /// A cursor at another place of the same file.
    pub(super) fn at(&self, place: usize) -> Self {
        Self { place, ..self.clone() }
    }

    pub(super) fn place(&self) -> usize {
        self.place
    }

    /// The next `n` bytes; `what` they are is named where the file ends before.
    pub(super) fn take(&mut self, n: usize, what: &str) -> Result<&'a [u8]> {
        let taken = self.place.checked_add(n).and_then(|end| self.bytes.get(self.place..end));
        let Some(taken) = taken else {
            let problem = format!("expected {n} bytes of {what}, but the file ends at byte {}", self.bytes.len());
            return Err(Error::at(self.path, self.place as u64, problem, COPY_AGAIN));
        };
        self.place += n;
        Ok(taken)
    }

    pub(super) fn skip(&mut self, n: usize, what: &str) -> Result<()> {
        self.take(n, what).map(|_| ())
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, what)?);
        Ok(array)
    }

    pub(super) fn i16(&mut self, what: &str) -> Result<i16> {
        self.array(what).map(i16::from_be_bytes)
    }

    pub(super) fn i32(&mut self, what: &str) -> Result<i32> {
        self.array(what).map(i32::from_be_bytes)
    }

    pub(super) fn f64(&mut self, what: &str) -> Result<f64> {
        self.array(what).map(f64::from_be_bytes)
    }

    /// Three numbers.
    pub(super) fn vector(&mut self, what: &str) -> Result<[f64; 3]> {
        Ok([self.f64(what)?, self.f64(what)?, self.f64(what)?])
    }

    /// A text of at most `n` bytes, up to the first zero byte.
    pub(super) fn text(&mut self, n: usize, what: &str) -> Result<String> {
        let place = self.place;
        let bytes = self.take(n, what)?;
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(n);
        match std::str::from_utf8(&bytes[..end]) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(self.fault(place, format!("{what} is not UTF-8 text"))),
        }
    }

    /// The error about what stands at `place`.
    pub(super) fn fault(&self, place: usize, problem: impl Into<String>) -> Error {
        Error::at(self.path, place as u64, problem, COPY_AGAIN)
    }
}
