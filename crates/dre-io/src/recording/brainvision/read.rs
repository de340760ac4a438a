//! The samples (`.eeg`).

use std::path::Path;

use ndarray::ArrayViewMut2;

use crate::recording::frames::{Frames, NumberType};
use crate::recording::tidy::tidy_annotations;
use crate::recording::{Recording, RecordingInfo, check_request, check_there};
use crate::{Error, Result};

use super::ascii::Lines;
use super::header::{Encoding, Header};
use super::markers;

/// An open BrainVision recording.
#[derive(Debug)]
pub struct BrainVision {
    info: RecordingInfo,
    /// Stored value times this is the value in the channel's SI unit.
    scales: Vec<f64>,
    samples: Samples,
}

#[derive(Debug)]
enum Samples {
    Binary(Frames),
    Text(Lines),
}

impl BrainVision {
    /// Opens a recording by its header (`.vhdr`, `.ahdr`), reads header and markers, and checks the data file's size.
    ///
    /// # Errors
    /// [`Error::Line`] and [`Error::Format`] for faults in header and markers, [`Error::MissingPart`] where the data
    /// file is not there, [`Error::DataSize`] where its size does not match the header,
    /// [`Error::DuplicateChannel`], [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self> {
        let header = Header::read(path)?;
        let mut files = vec![path.to_owned()];
        let mut notes = header.notes.clone();
        let mut annotations = Vec::new();
        if let Some(named) = &header.marker_file {
            // Files are renamed, and headers then not corrected.
            let own = path.with_extension("vmrk");
            let found = [named, &own].into_iter().find(|candidate| candidate.is_file());
            if found != Some(named) {
                notes.push(format!(
                    "{}: names the marker file `{}`, which is not in its folder; {}",
                    path.display(),
                    named.file_name().unwrap_or_default().display(),
                    if found.is_some() { "the one of its own name was read" } else { "no markers were read" }
                ));
            }
            if let Some(marker_file) = found {
                annotations = markers::read(marker_file, header.sfreq)?;
                files.push(marker_file.clone());
            }
        }
        if !header.data_file.is_file() && !header.data_file.is_symlink() {
            return Err(missing_data(path, &header));
        }
        check_there(&header.data_file)?;
        let file = crate::files::open(&header.data_file).map_err(Error::io("open", &header.data_file))?;
        let n_bytes = file.metadata().map_err(Error::io("read", &header.data_file))?.len();
        let (samples, n_times) = match header.encoding {
            Encoding::Binary { number, big_endian } => {
                let n_times = n_times(path, &header, number, n_bytes)?;
                let frames = Frames {
                    path: header.data_file.clone(),
                    file,
                    offset: 0,
                    number,
                    big_endian,
                    orientation: header.orientation,
                    n_channels: header.n_stored,
                    n_times,
                    bytes: Vec::new(),
                };
                (Samples::Binary(frames), n_times)
            }
            Encoding::Text(layout) => {
                let lines = Lines::open(&header.data_file, file, layout, header.n_stored)?;
                let n_times = lines.n_times;
                (Samples::Text(lines), n_times)
            }
        };
        files.push(header.data_file.clone());
        let mut info = RecordingInfo {
            files,
            annotations,
            notes,
            highpass: header.highpass,
            lowpass: header.lowpass,
            ..RecordingInfo::new(path, header.sfreq, n_times, header.channels.clone())
        };
        tidy_annotations(&mut info);
        Ok(Self { info, scales: header.scales, samples })
    }
}

impl Recording for BrainVision {
    fn info(&self) -> &RecordingInfo {
        &self.info
    }

    fn read(&mut self, channels: &[usize], start: usize, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_request(&self.info, channels, start, &out)?;
        match &mut self.samples {
            Samples::Binary(frames) => frames.read(channels, start, &self.scales, &mut out),
            Samples::Text(lines) => lines.read(channels, start, &self.scales, &mut out),
        }
    }
}

/// Number of samples, from the size of the data file, checked against the header.
fn n_times(path: &Path, header: &Header, number: NumberType, n_bytes: u64) -> Result<usize> {
    let n_channels = header.n_stored;
    let n_frame = number.n_bytes() as u64 * n_channels as u64;
    let frame = format!("{n_channels} channels × {} bytes", number.n_bytes());
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
