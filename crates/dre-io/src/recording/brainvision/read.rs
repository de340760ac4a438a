//! The samples (`.eeg`).

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use ndarray::ArrayViewMut2;

use crate::recording::{Recording, RecordingInfo, check_request, check_there};
use crate::{Error, Result};

use super::header::{Header, Orientation, SampleFormat};
use super::markers;

/// Bytes read at a time: within a core's cache, so that taking channels out of interleaved samples stays cheap.
const BLOCK_BYTES: usize = 1 << 18;

/// An open BrainVision recording.
#[derive(Debug)]
pub struct BrainVision {
    info: RecordingInfo,
    header: Header,
    file: File,
    bytes: Vec<u8>,
}

impl BrainVision {
    /// Opens a recording by its header (`.vhdr`), reads header and markers, and checks the data file's size.
    ///
    /// # Errors
    /// [`Error::Line`] and [`Error::Format`] for faults in header and markers, [`Error::MissingPart`] where the data
    /// file is not there, [`Error::DataSize`] where its size does not match the header,
    /// [`Error::DuplicateChannel`], [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self> {
        let header = Header::read(path)?;
        let mut files = vec![path.to_owned()];
        let mut notes = Vec::new();
        let mut annotations = Vec::new();
        match &header.marker_file {
            Some(marker_file) if marker_file.is_file() => {
                annotations = markers::read(marker_file, header.sfreq)?;
                files.push(marker_file.clone());
            }
            Some(marker_file) => notes.push(format!(
                "{}: names the marker file `{}`, which is not in its folder; no markers were read",
                path.display(),
                marker_file.file_name().unwrap_or_default().display()
            )),
            None => {}
        }
        if !header.data_file.is_file() && !header.data_file.is_symlink() {
            return Err(missing_data(path, &header));
        }
        check_there(&header.data_file)?;
        let file = File::open(&header.data_file).map_err(Error::io("open", &header.data_file))?;
        let n_bytes = file.metadata().map_err(Error::io("read", &header.data_file))?.len();
        let n_times = n_times(path, &header, n_bytes)?;
        files.push(header.data_file.clone());
        let info = RecordingInfo {
            files,
            annotations,
            notes,
            ..RecordingInfo::new(path, header.sfreq, n_times, header.channels.clone())
        };
        Ok(Self { info, header, file, bytes: Vec::new() })
    }

    /// Reads `n_bytes` from `offset` on into the buffer.
    fn fetch(&mut self, offset: u64, n_bytes: usize) -> Result<()> {
        self.bytes.resize(n_bytes, 0);
        self.file
            .seek(SeekFrom::Start(offset))
            .and_then(|_| self.file.read_exact(&mut self.bytes))
            .map_err(Error::io("read", &self.header.data_file))
    }

    fn read_multiplexed(&mut self, channels: &[usize], start: usize, out: &mut ArrayViewMut2<'_, f64>) -> Result<()> {
        let n_sample = self.header.format.n_bytes();
        let n_frame = n_sample * self.header.channels.len();
        let n_block = (BLOCK_BYTES / n_frame).max(1);
        let n_times = out.ncols();
        for first in (0..n_times).step_by(n_block) {
            let n = n_block.min(n_times - first);
            self.fetch((start + first) as u64 * n_frame as u64, n * n_frame)?;
            for (channel, mut row) in channels.iter().zip(out.rows_mut()) {
                let scale = self.header.scales[*channel];
                let samples = self.bytes.chunks_exact(n_frame).map(|frame| &frame[channel * n_sample..]);
                for (to, bytes) in row.iter_mut().skip(first).zip(samples) {
                    *to = self.header.value(bytes) * scale;
                }
            }
        }
        Ok(())
    }

    fn read_vectorized(&mut self, channels: &[usize], start: usize, out: &mut ArrayViewMut2<'_, f64>) -> Result<()> {
        let n_sample = self.header.format.n_bytes();
        let n_block = BLOCK_BYTES / n_sample;
        let n_times = out.ncols();
        for (channel, mut row) in channels.iter().zip(out.rows_mut()) {
            let scale = self.header.scales[*channel];
            let origin = *channel as u64 * self.info.n_times as u64 + start as u64;
            for first in (0..n_times).step_by(n_block) {
                let n = n_block.min(n_times - first);
                self.fetch((origin + first as u64) * n_sample as u64, n * n_sample)?;
                for (to, bytes) in row.iter_mut().skip(first).zip(self.bytes.chunks_exact(n_sample)) {
                    *to = self.header.value(bytes) * scale;
                }
            }
        }
        Ok(())
    }
}

impl Recording for BrainVision {
    fn info(&self) -> &RecordingInfo {
        &self.info
    }

    fn read(&mut self, channels: &[usize], start: usize, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_request(&self.info, channels, start, &out)?;
        match self.header.orientation {
            Orientation::Multiplexed => self.read_multiplexed(channels, start, &mut out),
            Orientation::Vectorized => self.read_vectorized(channels, start, &mut out),
        }
    }
}

impl Header {
    /// The stored value at the start of `bytes`.
    fn value(&self, bytes: &[u8]) -> f64 {
        let four = || [bytes[0], bytes[1], bytes[2], bytes[3]];
        match (self.format, self.big_endian) {
            (SampleFormat::Int16, false) => f64::from(i16::from_le_bytes([bytes[0], bytes[1]])),
            (SampleFormat::Int16, true) => f64::from(i16::from_be_bytes([bytes[0], bytes[1]])),
            (SampleFormat::Int32, false) => f64::from(i32::from_le_bytes(four())),
            (SampleFormat::Int32, true) => f64::from(i32::from_be_bytes(four())),
            (SampleFormat::Float32, false) => f64::from(f32::from_le_bytes(four())),
            (SampleFormat::Float32, true) => f64::from(f32::from_be_bytes(four())),
        }
    }
}

/// Number of samples, from the size of the data file, checked against the header.
fn n_times(path: &Path, header: &Header, n_bytes: u64) -> Result<usize> {
    let n_channels = header.channels.len();
    let n_frame = header.format.n_bytes() as u64 * n_channels as u64;
    let frame = format!("{n_channels} channels × {} bytes", header.format.n_bytes());
    let mismatch = |expected: String| Error::DataSize {
        path: header.data_file.clone(),
        header: path.to_owned(),
        found: n_bytes,
        expected,
    };
    if let Some(n_times) = header.n_times
        && n_frame.checked_mul(n_times as u64) != Some(n_bytes)
    {
        let expected = n_frame.saturating_mul(n_times as u64);
        return Err(mismatch(format!("{expected} bytes ({n_times} samples × {frame})")));
    }
    if n_bytes == 0 || !n_bytes.is_multiple_of(n_frame) {
        return Err(mismatch(format!("a multiple of {n_frame} bytes ({frame})")));
    }
    Ok((n_bytes / n_frame) as usize)
}

fn missing_data(path: &Path, header: &Header) -> Error {
    let named = header.data_file.file_name().unwrap_or_default().display().to_string();
    let advice = ["eeg", "dat", "EEG"]
        .iter()
        .map(|extension| path.with_extension(extension))
        .find(|candidate| candidate.is_file())
        .map_or("copy it there from the source".to_owned(), |candidate| {
            format!(
                "if the files were renamed, write DataFile={} in the header",
                candidate.file_name().unwrap_or_default().display()
            )
        });
    Error::MissingPart { path: path.to_owned(), what: "data file", name: named, advice }
}
