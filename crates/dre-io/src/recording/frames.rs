//! Samples that lie in a file as plain numbers in a fixed order; for the formats that store them so.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use ndarray::ArrayViewMut2;

use crate::{Error, Result};

/// Bytes read at a time: within a core's cache, so that taking channels out of interleaved samples stays cheap.
const BLOCK_BYTES: usize = 1 << 18;

/// A number as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberType {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
}

impl NumberType {
    pub(crate) fn n_bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    /// Whether it holds whole numbers only.
    pub(crate) fn is_integer(self) -> bool {
        !matches!(self, Self::F32 | Self::F64)
    }

    /// The number that the first bytes hold; 0 where they are too few.
    pub(crate) fn decode(self, bytes: &[u8], big_endian: bool) -> f64 {
        macro_rules! number {
            ($type:ty, $to_f64:expr) => {
                bytes.first_chunk().map_or(0.0, |bytes| {
                    let number =
                        if big_endian { <$type>::from_be_bytes(*bytes) } else { <$type>::from_le_bytes(*bytes) };
                    $to_f64(number)
                })
            };
        }
        match self {
            Self::I8 => number!(i8, f64::from),
            Self::U8 => number!(u8, f64::from),
            Self::I16 => number!(i16, f64::from),
            Self::U16 => number!(u16, f64::from),
            Self::I32 => number!(i32, f64::from),
            Self::U32 => number!(u32, f64::from),
            Self::I64 => number!(i64, |number| number as f64),
            Self::U64 => number!(u64, |number| number as f64),
            Self::F32 => number!(f32, f64::from),
            Self::F64 => number!(f64, std::convert::identity),
        }
    }
}

/// How samples follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Orientation {
    /// All channels of the first sample, then of the second …
    Multiplexed,
    /// All samples of the first channel, then of the second …
    Vectorized,
}

/// Where in a file the samples lie, and how.
#[derive(Debug)]
pub(crate) struct Frames {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    /// Bytes before the first sample.
    pub(crate) offset: u64,
    pub(crate) number: NumberType,
    pub(crate) big_endian: bool,
    pub(crate) orientation: Orientation,
    /// Channels in the file, which may be more than the recording shows.
    pub(crate) n_channels: usize,
    pub(crate) n_times: usize,
    /// Scratch for one block.
    pub(crate) bytes: Vec<u8>,
}

impl Frames {
    /// Reads a block whose request has been checked; each channel times its scale.
    pub(crate) fn read(
        &mut self,
        channels: &[usize],
        start: usize,
        scales: &[f64],
        out: &mut ArrayViewMut2<'_, f64>,
    ) -> Result<()> {
        match self.orientation {
            Orientation::Multiplexed => self.read_multiplexed(channels, start, scales, out),
            Orientation::Vectorized => self.read_vectorized(channels, start, scales, out),
        }
    }

    /// Reads `n_bytes` from `offset` on into the scratch.
    fn fetch(&mut self, offset: u64, n_bytes: usize) -> Result<()> {
        self.bytes.resize(n_bytes, 0);
        self.file
            .seek(SeekFrom::Start(self.offset + offset))
            .and_then(|_| self.file.read_exact(&mut self.bytes))
            .map_err(Error::io("read", &self.path))
    }

    fn read_multiplexed(
        &mut self,
        channels: &[usize],
        start: usize,
        scales: &[f64],
        out: &mut ArrayViewMut2<'_, f64>,
    ) -> Result<()> {
        let n_sample = self.number.n_bytes();
        let n_frame = n_sample * self.n_channels;
        let n_block = (BLOCK_BYTES / n_frame).max(1);
        let n_times = out.ncols();
        for first in (0..n_times).step_by(n_block) {
            let n = n_block.min(n_times - first);
            self.fetch((start + first) as u64 * n_frame as u64, n * n_frame)?;
            for (channel, mut row) in channels.iter().zip(out.rows_mut()) {
                let samples = self.bytes.chunks_exact(n_frame).map(|frame| &frame[channel * n_sample..]);
                for (to, bytes) in row.iter_mut().skip(first).zip(samples) {
                    *to = self.number.decode(bytes, self.big_endian) * scales[*channel];
                }
            }
        }
        Ok(())
    }

    fn read_vectorized(
        &mut self,
        channels: &[usize],
        start: usize,
        scales: &[f64],
        out: &mut ArrayViewMut2<'_, f64>,
    ) -> Result<()> {
        let n_sample = self.number.n_bytes();
        let n_block = BLOCK_BYTES / n_sample;
        let n_times = out.ncols();
        for (channel, mut row) in channels.iter().zip(out.rows_mut()) {
            let origin = *channel as u64 * self.n_times as u64 + start as u64;
            for first in (0..n_times).step_by(n_block) {
                let n = n_block.min(n_times - first);
                self.fetch((origin + first as u64) * n_sample as u64, n * n_sample)?;
                for (to, bytes) in row.iter_mut().skip(first).zip(self.bytes.chunks_exact(n_sample)) {
                    *to = self.number.decode(bytes, self.big_endian) * scales[*channel];
                }
            }
        }
        Ok(())
    }
}
