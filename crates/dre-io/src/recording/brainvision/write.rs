//! Writing BrainVision files.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ndarray::ArrayView2;

use crate::recording::{Annotation, RecordingChannel, Unit};
use crate::store::write_file;
use crate::{Error, Result};

use super::text::escape;
use super::{HEADER_SIGNATURE, MARKER_SIGNATURE};

/// Writes a recording as `IEEE_FLOAT_32`, `MULTIPLEXED`: `path` (the `.vhdr`) and, beside it, the `.vmrk` and `.eeg`.
/// Returns the three paths, the header first.
///
/// `data` is `(n_channels, n_times)` in the channels' SI units; volts are stored in µV and teslas in fT, which every
/// viewer shows well. Annotations `type/description` become markers of that type, others comments. Each file appears
/// whole or not at all, the header last, so that a header that is there has its data.
///
/// # Errors
/// [`dre::Error::Shape`] where `data` does not have one row per channel, [`Error::NotFinite`],
/// [`Error::Format`] for a sampling frequency, name, onset or duration that the format cannot hold,
/// [`Error::DuplicateChannel`], [`Error::Store`].
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
    if !(sfreq.is_finite() && sfreq > 0.0) {
        return Err(Error::format(path, format!("sfreq is {sfreq} Hz"), "it must be positive"));
    }
    check_channels(path, sfreq, channels, &data)?;
    let (data_file, marker_file) = (path.with_extension("eeg"), path.with_extension("vmrk"));
    let markers = markers(path, sfreq, &data_file, annotations)?;
    let header = header(sfreq, channels, &data_file, &marker_file);

    let scales: Vec<f64> = channels.iter().map(|channel| stored_unit(&channel.unit).1).collect();
    write_file(&data_file, |writer| {
        let mut frame = Vec::with_capacity(4 * channels.len());
        for sample in data.columns() {
            frame.clear();
            for (value, scale) in sample.iter().zip(&scales) {
                frame.extend(((value * scale) as f32).to_le_bytes());
            }
            writer.write_all(&frame)?;
        }
        Ok(())
    })?;
    write_file(&marker_file, |writer| writer.write_all(markers.as_bytes()))?;
    write_file(path, |writer| writer.write_all(header.as_bytes()))?;
    Ok(vec![path.to_owned(), marker_file, data_file])
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

fn check_channels(path: &Path, sfreq: f64, channels: &[RecordingChannel], data: &ArrayView2<'_, f64>) -> Result<()> {
    for (index, (channel, row)) in channels.iter().zip(data.rows()).enumerate() {
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
        if let Some((sample, value)) = row.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(Error::NotFinite {
                path: path.to_owned(),
                channel: name.clone(),
                sample,
                time: sample as f64 / sfreq,
                value: *value,
                advice: "every sample must be a finite number",
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
