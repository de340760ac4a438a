//! The header file (`.vhdr`).

use std::path::{Path, PathBuf};

use dre::data::ChannelType;

use crate::recording::frames::{NumberType, Orientation};
use crate::recording::{RecordingChannel, Unit};
use crate::{Error, Result};

use super::text::{Entry, Sections, fields, shorten};
use super::{coordinates, filters};

/// Channels that MNE-Python takes for electrooculograms by their names.
const EOG_NAMES: [&str; 3] = ["HEOGL", "HEOGR", "VEOGb"];

/// How the samples are stored.
#[derive(Clone, Debug)]
pub(super) enum Encoding {
    Binary {
        number: NumberType,
        big_endian: bool,
    },
    /// One line of text for each sample.
    Text(TextLayout),
}

/// How lines of text hold the samples.
#[derive(Clone, Copy, Debug)]
pub(super) struct TextLayout {
    /// Lines before the first sample.
    pub(super) n_skip: usize,
    /// Words of each line before its first number.
    pub(super) n_skip_columns: usize,
    pub(super) decimal_comma: bool,
}

/// What the header says, checked.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) sfreq: f64,
    pub(super) data_file: PathBuf,
    pub(super) marker_file: Option<PathBuf>,
    pub(super) encoding: Encoding,
    pub(super) orientation: Orientation,
    /// Number of samples where the header gives it; most leave it to the size of the data file.
    pub(super) n_times: Option<usize>,
    /// Channels in the data file: one more than are described where the header is an `.ahdr`.
    pub(super) n_stored: usize,
    pub(super) highpass: Option<f64>,
    pub(super) lowpass: Option<f64>,
    pub(super) notes: Vec<String>,
    pub(super) channels: Vec<RecordingChannel>,
    /// Stored value times this is the value in the channel's SI unit.
    pub(super) scales: Vec<f64>,
}

/// Entries of a section with the place that messages name.
pub(super) struct Section<'a> {
    pub(super) path: &'a Path,
    name: &'static str,
    pub(super) entries: Vec<Entry<'a>>,
}

impl<'a> Section<'a> {
    pub(super) fn new(path: &'a Path, sections: &'a Sections, name: &'static str) -> Result<Self> {
        Ok(Self { path, name, entries: sections.entries(path, &name.to_lowercase())? })
    }

    pub(super) fn get(&self, key: &str) -> Option<&Entry<'a>> {
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

    pub(super) fn fault(&self, entry: &Entry<'_>, expected: &str) -> Error {
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
        let encoding = encoding(path, &common, &sections, orientation)?;
        let interval = common.need("SamplingInterval", advice)?;
        let sfreq = match interval.value.parse::<f64>() {
            Ok(microseconds) if microseconds.is_finite() && microseconds > 0.0 => frequency(microseconds),
            _ => return Err(common.fault(interval, "a positive number of microseconds")),
        };
        let n_times = match common.get("DataPoints") {
            Some(entry) => Some(entry.value.parse().map_err(|_| common.fault(entry, "a whole number of samples"))?),
            None => None,
        };
        let (mut channels, scales) = channels(path, &common, &Section::new(path, &sections, "Channel Infos")?)?;
        let mut notes = Vec::new();
        coordinates::place(&Section::new(path, &sections, "Coordinates")?, &mut channels, &mut notes)?;
        let names: Vec<&str> = channels.iter().map(|channel| channel.name.as_str()).collect();
        let (highpass, lowpass) = filters::read(path, sections.comment(), &names, &mut notes);
        let is_ahdr = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ahdr"));
        let n_stored = channels.len() + usize::from(is_ahdr);
        let data_file = beside(path, common.need("DataFile", advice)?.value);
        let marker_file =
            common.get("MarkerFile").filter(|entry| !entry.value.is_empty()).map(|entry| beside(path, entry.value));
        Ok(Self {
            sfreq,
            data_file,
            marker_file,
            encoding,
            orientation,
            n_times,
            n_stored,
            highpass,
            lowpass,
            notes,
            channels,
            scales,
        })
    }
}

fn encoding(path: &Path, common: &Section<'_>, sections: &Sections, orientation: Orientation) -> Result<Encoding> {
    let as_text = match common.get("DataFormat") {
        Some(entry) => common.choose(entry, &[("BINARY", false), ("ASCII", true)])?,
        None => false,
    };
    if as_text {
        if orientation == Orientation::Vectorized {
            return Err(Error::format(
                path,
                "the samples are stored as text (DataFormat=ASCII), one channel after the other",
                "export the recording again with DataFormat=BINARY or DataOrientation=MULTIPLEXED",
            ));
        }
        let infos = Section::new(path, sections, "ASCII Infos")?;
        let count = |key: &str| match infos.get(key) {
            Some(entry) => entry.value.parse().map_err(|_| infos.fault(entry, "a whole number")),
            None => Ok(0),
        };
        let (n_skip, n_skip_columns) = (count("SkipLines")?, count("SkipColumns")?);
        let decimal_comma = infos.get("DecimalSymbol").is_some_and(|entry| entry.value != ".");
        return Ok(Encoding::Text(TextLayout { n_skip, n_skip_columns, decimal_comma }));
    }
    let binary = Section::new(path, sections, "Binary Infos")?;
    let number = binary.choose(
        binary.need("BinaryFormat", "the header is incomplete; copy it again from the source")?,
        &[
            ("INT_16", NumberType::I16),
            ("UINT_16", NumberType::U16),
            ("INT_32", NumberType::I32),
            ("IEEE_FLOAT_32", NumberType::F32),
        ],
    )?;
    let big_endian = match binary.get("UseBigEndianOrder") {
        Some(entry) => binary.choose(entry, &[("YES", true), ("NO", false)])?,
        None => false,
    };
    Ok(Encoding::Binary { number, big_endian })
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
            "µS" | "uS" => (Unit::Other("S".to_owned()), 1e-6),
            text => Unit::parse(text),
        };
        let kind = match (&unit, name) {
            _ if EOG_NAMES.contains(&name) => ChannelType::Eog,
            (Unit::Volt, "STI 014") => ChannelType::Stim,
            (Unit::Volt, _) => ChannelType::Eeg,
            _ => ChannelType::Misc,
        };
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
