//! Writing BrainVision files.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ndarray::ArrayView2;

use crate::recording::{Annotation, RecordingChannel, Unit};
use crate::store::{NewFile, write_file};
use crate::{Error, Result};

use super::text::escape;
use super::{HEADER_SIGNATURE, MARKER_SIGNATURE};

/// Writes a recording as a whole; see [`BrainVisionWriter`]. Returns the three paths, the header first.
///
/// `data` is `(n_channels, n_times)` in the channels' SI units.
///
/// # Errors
/// [`dre::Error::Shape`] where `data` does not have one row per channel or no sample, else as [`BrainVisionWriter`].
#[expect(clippy::needless_pass_by_value, reason = "views are passed by value, as elsewhere with ndarray")]
pub fn write_brainvision(
    path: &Path,
    sfreq: f64,
    channels: &[RecordingChannel],
    data: ArrayView2<'_, f64>,
    annotations: &[Annotation],
) -> Result<Vec<PathBuf>> {
    if data.nrows() != channels.len() || data.is_empty() {
        let expected = format!("({}, n_times), one row per channel and at least one sample", channels.len());
        return Err(dre::Error::Shape { what: "recording".to_owned(), found: data.shape().to_vec(), expected }.into());
    }
    let mut writer = BrainVisionWriter::new(path, sfreq, channels)?;
    writer.write(data)?;
    writer.finish(annotations)
}

/// Writes a recording block by block as `IEEE_FLOAT_32`, `MULTIPLEXED`: a `.vhdr` and, beside it, the `.vmrk` and `.eeg`.
///
/// Volts are stored in µV and teslas in fT, which every viewer shows well. Each file appears whole or not at all, the header
/// last, so that a header that is there has its data. Memory does not grow with the recording.
#[derive(Debug)]
pub struct BrainVisionWriter {
    path: PathBuf,
    sfreq: f64,
    channels: Vec<RecordingChannel>,
    /// Factors from SI units to what is stored.
    scales: Vec<f64>,
    data: NewFile,
    n_times: usize,
}

impl BrainVisionWriter {
    /// Starts a recording whose header will be at `path` (the `.vhdr`).
    ///
    /// # Errors
    /// [`Error::Format`] for a sampling frequency or name that the format cannot hold, [`Error::DuplicateChannel`],
    /// [`Error::Store`].
    pub fn new(path: &Path, sfreq: f64, channels: &[RecordingChannel]) -> Result<Self> {
        if !(sfreq.is_finite() && sfreq > 0.0) {
            return Err(Error::format(path, format!("sfreq is {sfreq} Hz"), "it must be positive"));
        }
        check_channels(path, channels)?;
        Ok(Self {
            path: path.to_owned(),
            sfreq,
            scales: channels.iter().map(|channel| stored_unit(&channel.unit).1).collect(),
            channels: channels.to_vec(),
            data: NewFile::new(&path.with_extension("eeg"))?,
            n_times: 0,
        })
    }

    /// Appends samples, `(n_channels, n_times)` in the channels' SI units.
    ///
    /// # Errors
    /// [`dre::Error::Shape`] where there is not one row per channel, [`Error::NotFinite`], [`Error::Store`].
    #[expect(clippy::needless_pass_by_value, reason = "views are passed by value, as elsewhere with ndarray")]
    pub fn write(&mut self, data: ArrayView2<'_, f64>) -> Result<()> {
        if data.nrows() != self.channels.len() {
            let expected = format!("({}, n_times), one row per channel", self.channels.len());
            let what = "block of samples".to_owned();
            return Err(dre::Error::Shape { what, found: data.shape().to_vec(), expected }.into());
        }
        self.check_finite(&data)?;
        let mut bytes = Vec::with_capacity(4 * data.len());
        for sample in data.columns() {
            for (value, scale) in sample.iter().zip(&self.scales) {
                bytes.extend(((value * scale) as f32).to_le_bytes());
            }
        }
        self.data.write(&bytes)?;
        self.n_times += data.ncols();
        Ok(())
    }

    /// Writes markers and header, and puts the files in place; returns their paths, the header first. Annotations
    /// `type/description` become markers of that type, others comments.
    ///
    /// # Errors
    /// [`Error::Format`] for an annotation that the format cannot hold, or where no sample was written;
    /// [`Error::Store`].
    pub fn finish(self, annotations: &[Annotation]) -> Result<Vec<PathBuf>> {
        let Self { path, sfreq, channels, data, n_times, .. } = self;
        if n_times == 0 {
            return Err(Error::format(&path, "no samples were written", "write at least one"));
        }
        let (data_file, marker_file) = (path.with_extension("eeg"), path.with_extension("vmrk"));
        let markers = markers(&path, sfreq, &data_file, annotations)?;
        let header = header(sfreq, &channels, &data_file, &marker_file);
        data.finish()?;
        write_file(&marker_file, |writer| writer.write_all(markers.as_bytes()))?;
        write_file(&path, |writer| writer.write_all(header.as_bytes()))?;
        Ok(vec![path, marker_file, data_file])
    }

    fn check_finite(&self, data: &ArrayView2<'_, f64>) -> Result<()> {
        for (channel, row) in self.channels.iter().zip(data.rows()) {
            if let Some((sample, value)) = row.iter().enumerate().find(|(_, value)| !value.is_finite()) {
                let sample = self.n_times + sample;
                return Err(Error::NotFinite {
                    path: self.path.clone(),
                    channel: channel.name.clone(),
                    sample,
                    time: sample as f64 / self.sfreq,
                    value: *value,
                    advice: "every sample must be a finite number",
                });
            }
        }
        Ok(())
    }
}

/// The unit that samples are stored in, and the factor from the SI unit to it.
fn stored_unit(unit: &Unit) -> (&str, f64) {
    match unit {
        Unit::Volt => ("µV", 1e6),
        Unit::Tesla => ("fT", 1e15),
        Unit::TeslaPerMetre => ("fT/cm", 1e13),
        Unit::Other(text) => (text, 1.0),
    }
}

fn check_channels(path: &Path, channels: &[RecordingChannel]) -> Result<()> {
    for (index, channel) in channels.iter().enumerate() {
        let name = &channel.name;
        if name.trim() != name || name.is_empty() || name.contains(['\n', '\r']) {
            let problem = format!("channel {} is called `{}`", index + 1, name.escape_default());
            return Err(Error::format(path, problem, "a name is one line of text without blanks around it"));
        }
        if let Some(first) = channels[..index].iter().position(|other| other.name == *name) {
            return Err(Error::DuplicateChannel {
                path: path.to_owned(),
                name: name.clone(),
                first: first + 1,
                second: index + 1,
            });
        }
    }
    Ok(())
}

fn header(sfreq: f64, channels: &[RecordingChannel], data_file: &Path, marker_file: &Path) -> String {
    let name = |path: &Path| path.file_name().unwrap_or_default().display().to_string();
    let mut text = format!(
        "{HEADER_SIGNATURE}\r\n\r\n[Common Infos]\r\nCodepage=UTF-8\r\nDataFile={}\r\nMarkerFile={}\r\n\
         DataFormat=BINARY\r\nDataOrientation=MULTIPLEXED\r\nNumberOfChannels={}\r\nSamplingInterval={}\r\n\r\n\
         [Binary Infos]\r\nBinaryFormat=IEEE_FLOAT_32\r\n\r\n[Channel Infos]\r\n",
        name(data_file),
        name(marker_file),
        channels.len(),
        1e6 / sfreq
    );
    for (index, channel) in channels.iter().enumerate() {
        let (unit, _) = stored_unit(&channel.unit);
        let unit = if unit.is_empty() { "n/a" } else { unit };
        writeln!(text, "Ch{}={},,1,{}\r", index + 1, escape(&channel.name), escape(unit))
            .expect("writing to a string cannot fail");
    }
    text
}

fn markers(path: &Path, sfreq: f64, data_file: &Path, annotations: &[Annotation]) -> Result<String> {
    let mut text = format!(
        "{MARKER_SIGNATURE}\r\n\r\n[Common Infos]\r\nCodepage=UTF-8\r\nDataFile={}\r\n\r\n[Marker Infos]\r\n",
        data_file.file_name().unwrap_or_default().display()
    );
    for (index, annotation) in annotations.iter().enumerate() {
        let Annotation { onset, duration, description } = annotation;
        let writable = onset.is_finite() && *onset >= 0.0 && duration.is_finite() && *duration >= 0.0;
        if !writable || description.contains(['\n', '\r']) {
            return Err(Error::format(
                path,
                format!("annotation {} is `{}`, {duration} s from {onset} s", index + 1, description.escape_default()),
                "onset and duration must be 0 s or more and the description one line",
            ));
        }
        let (kind, description) = description.split_once('/').unwrap_or(("Comment", description));
        writeln!(
            text,
            "Mk{}={},{},{},{},0\r",
            index + 1,
            escape(kind),
            escape(description),
            (onset * sfreq).round() as u64 + 1,
            ((duration * sfreq).round() as u64).max(1)
        )
        .expect("writing to a string cannot fail");
    }
    Ok(text)
}
