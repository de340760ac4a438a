//! The header file (`.vhdr`).

use std::path::{Path, PathBuf};

use dre::data::ChannelType;

use crate::recording::{RecordingChannel, Unit};
use crate::{Error, Result};

use super::text::{Entry, Sections, fields, shorten};

/// How one sample is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SampleFormat {
    Int16,
    Int32,
    Float32,
}

impl SampleFormat {
    pub(super) fn n_bytes(self) -> usize {
        match self {
            Self::Int16 => 2,
            Self::Int32 | Self::Float32 => 4,
        }
    }
}

/// How samples follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Orientation {
    /// All channels of the first sample, then of the second …
    Multiplexed,
    /// All samples of the first channel, then of the second …
    Vectorized,
}

/// What the header says, checked.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) sfreq: f64,
    pub(super) data_file: PathBuf,
    pub(super) marker_file: Option<PathBuf>,
    pub(super) format: SampleFormat,
    pub(super) big_endian: bool,
    pub(super) orientation: Orientation,
    /// Number of samples where the header gives it; most leave it to the size of the data file.
    pub(super) n_times: Option<usize>,
    pub(super) channels: Vec<RecordingChannel>,
    /// Stored value times this is the value in the channel's SI unit.
    pub(super) scales: Vec<f64>,
}

/// Entries of a section with the place that messages name.
struct Section<'a> {
    path: &'a Path,
    name: &'static str,
    entries: Vec<Entry<'a>>,
}

impl<'a> Section<'a> {
    fn new(path: &'a Path, sections: &'a Sections, name: &'static str) -> Result<Self> {
        Ok(Self { path, name, entries: sections.entries(path, &name.to_lowercase())? })
    }

    fn get(&self, key: &str) -> Option<&Entry<'a>> {
        let key = key.to_lowercase();
        self.entries.iter().find(|entry| entry.key == key)
    }

    fn need(&self, key: &str, advice: &str) -> Result<&Entry<'a>> {
        self.get(key).ok_or_else(|| Error::format(self.path, format!("section [{}] has no `{key}`", self.name), advice))
    }

    /// Looks a value up, without regard to case, among those that are understood.
    fn choose<T: Copy>(&self, entry: &Entry<'_>, options: &[(&str, T)]) -> Result<T> {
        options.iter().find(|(name, _)| entry.value.eq_ignore_ascii_case(name)).map(|(_, option)| *option).ok_or_else(
            || {
                let names: Vec<&str> = options.iter().map(|(name, _)| *name).collect();
                self.fault(entry, &format!("one of {}", names.join(", ")))
            },
        )
    }

    fn fault(&self, entry: &Entry<'_>, expected: &str) -> Error {
        Error::line(
            self.path,
            entry.line,
            format!("{} is `{}`, expected {expected}", entry.key, shorten(entry.value)),
            "correct the header, or export the recording again",
        )
    }
}

impl Header {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let sections = Sections::read(path, "header")?;
        let common = Section::new(path, &sections, "Common Infos")?;
        let binary = Section::new(path, &sections, "Binary Infos")?;

        if let Some(entry) = common.get("DataFormat") {
            common.choose(entry, &[("BINARY", ())])?;
        }
        if let Some(entry) = common.get("DataType") {
            common.choose(entry, &[("TIMEDOMAIN", ())])?;
        }
        if let Some(entry) = common.get("SegmentationType") {
            common.choose(entry, &[("NOTSEGMENTED", ())])?;
        }
        let advice = "the header is incomplete; copy it again from the source";
        let orientation = common.choose(
            common.need("DataOrientation", advice)?,
            &[("MULTIPLEXED", Orientation::Multiplexed), ("VECTORIZED", Orientation::Vectorized)],
        )?;
        let format = binary.choose(
            binary.need("BinaryFormat", advice)?,
            &[
                ("INT_16", SampleFormat::Int16),
                ("INT_32", SampleFormat::Int32),
                ("IEEE_FLOAT_32", SampleFormat::Float32),
            ],
        )?;
        let big_endian = match binary.get("UseBigEndianOrder") {
            Some(entry) => binary.choose(entry, &[("YES", true), ("NO", false)])?,
            None => false,
        };
        let interval = common.need("SamplingInterval", advice)?;
        let sfreq = match interval.value.parse::<f64>() {
            Ok(microseconds) if microseconds.is_finite() && microseconds > 0.0 => frequency(microseconds),
            _ => return Err(common.fault(interval, "a positive number of microseconds")),
        };
        let n_times = match common.get("DataPoints") {
            Some(entry) => Some(entry.value.parse().map_err(|_| common.fault(entry, "a whole number of samples"))?),
            None => None,
        };
        let (channels, scales) = channels(path, &common, &Section::new(path, &sections, "Channel Infos")?)?;
        let data_file = beside(path, common.need("DataFile", advice)?.value);
        let marker_file =
            common.get("MarkerFile").filter(|entry| !entry.value.is_empty()).map(|entry| beside(path, entry.value));
        Ok(Self { sfreq, data_file, marker_file, format, big_endian, orientation, n_times, channels, scales })
    }
}

/// Sampling frequency (Hz) from an interval (µs). Intervals are written with few digits, so a frequency within a
/// billionth of a whole number is that number.
fn frequency(microseconds: f64) -> f64 {
    let sfreq = 1e6 / microseconds;
    if (sfreq / sfreq.round() - 1.0).abs() < 1e-9 { sfreq.round() } else { sfreq }
}

/// A file that the header names: `$b` stands for the header's own name, and only the last part of a path counts,
/// since the three files lie together.
fn beside(header: &Path, value: &str) -> PathBuf {
    let stem = header.file_stem().unwrap_or_default().to_string_lossy();
    let name = value.replace("$b", &stem);
    let name = name.rsplit(['/', '\\']).next().unwrap_or(&name);
    header.with_file_name(name)
}

fn channels(path: &Path, common: &Section<'_>, infos: &Section<'_>) -> Result<(Vec<RecordingChannel>, Vec<f64>)> {
    let entry = common.need("NumberOfChannels", "the header is incomplete; copy it again from the source")?;
    let n_channels = match entry.value.parse::<usize>() {
        Ok(n) if n > 0 => n,
        _ => return Err(common.fault(entry, "a positive whole number")),
    };
    let mut channels: Vec<RecordingChannel> = Vec::new();
    let mut scales = Vec::new();
    for number in 1..=n_channels {
        let entry = infos.need(
            &format!("Ch{number}"),
            &format!("NumberOfChannels is {n_channels}; correct it, or describe the channel"),
        )?;
        let fields = fields(entry.value);
        let field = |i: usize| fields.get(i).map_or("", String::as_str);
        let name = field(0);
        if name.is_empty() {
            return Err(infos.fault(entry, "name,reference,resolution,unit"));
        }
        if let Some(other) = channels.iter().position(|channel| channel.name == name) {
            return Err(Error::DuplicateChannel {
                path: path.to_owned(),
                name: name.to_owned(),
                first: other + 1,
                second: number,
            });
        }
        let resolution = match field(2) {
            "" => 1.0,
            text => match text.parse::<f64>() {
                Ok(value) if value.is_finite() && value != 0.0 => value,
                _ => return Err(infos.fault(entry, "a resolution that is a number other than 0 in the third field")),
            },
        };
        // Some writers encode µ twice, which leaves an Â before it.
        let (unit, factor) = match field(3).trim_start_matches('Â') {
            "" => (Unit::Volt, 1e-6),
            text => Unit::parse(text),
        };
        let kind = if unit == Unit::Volt { ChannelType::Eeg } else { ChannelType::Misc };
        channels.push(RecordingChannel::new(name, kind, unit));
        scales.push(resolution * factor);
    }
    Ok((channels, scales))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_file_lies_beside_the_header_under_the_name_that_it_gives() {
        let header = Path::new("folder/sub-01_eeg.vhdr");
        assert_eq!(beside(header, "$b.eeg"), Path::new("folder/sub-01_eeg.eeg"));
        assert_eq!(beside(header, r"C:\Recorder\x.eeg"), Path::new("folder/x.eeg"));
        assert_eq!(beside(header, "y.dat"), Path::new("folder/y.dat"));
    }

    #[test]
    fn intervals_become_the_frequency_that_was_meant() {
        for sfreq in [100.0, 120.0, 256.0, 300.0, 512.0, 600.0, 1000.0, 2048.0, 5000.0] {
            assert!((frequency(1e6 / sfreq) - sfreq).abs() < f64::EPSILON);
        }
        assert!((frequency(3333.3) - 1e6 / 3333.3).abs() < f64::EPSILON);
    }
}
