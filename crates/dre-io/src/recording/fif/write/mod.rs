//! Writing FIF raw recordings.

mod describe;
mod tags;

use std::path::{Path, PathBuf};

use ndarray::ArrayView2;

use crate::recording::RecordingInfo;
use crate::store::NewFile;
use crate::{Error, Result};

use super::constants::{ROLE_NEXT_FILE, ROLE_PREV_FILE, block, data_type, tag};
use tags::Tags;

/// Bytes that are kept free for what follows the last buffer of a file.
const END_BYTES: u64 = 4096;
/// The most bytes that a file may have: places are signed 32-bit numbers.
const LARGEST_FILE: u64 = i32::MAX as u64;

/// How samples are stored.
#[derive(Clone, Debug, PartialEq)]
pub enum FifFormat {
    /// Single precision.
    Float32,
    /// Double precision.
    Float64,
    /// Multiples of each channel's calibration (in its SI unit), rounded, that fit into 16 bits.
    Int16(Vec<f64>),
    /// The same in 32 bits.
    Int32(Vec<f64>),
}

/// How the files of a recording that is too large for one are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitNaming {
    /// `x_raw.fif`, `x_raw-1.fif`, `x_raw-2.fif` …
    Neuromag,
    /// `x_meg.fif` where one file is enough, else `x_split-01_meg.fif`, `x_split-02_meg.fif` …
    Bids,
}

/// How a recording is written.
#[derive(Clone, Debug, PartialEq)]
pub struct FifOptions {
    /// How samples are stored.
    pub format: FifFormat,
    /// The most bytes of one file; at most 2³¹ − 1.
    pub split_size: u64,
    /// How several files are called.
    pub split_naming: SplitNaming,
    /// Samples per buffer; one second where absent. The last buffer may be shorter.
    pub buffer_samples: Option<usize>,
}

impl Default for FifOptions {
    fn default() -> Self {
        Self {
            format: FifFormat::Float32,
            split_size: LARGEST_FILE,
            split_naming: SplitNaming::Neuromag,
            buffer_samples: None,
        }
    }
}

/// Writes a recording as a whole; see [`FifWriter`].
///
/// # Errors
/// As [`FifWriter`].
#[expect(clippy::needless_pass_by_value, reason = "views are passed by value, as elsewhere with ndarray")]
pub fn write_fif(
    path: &Path,
    info: &RecordingInfo,
    data: ArrayView2<'_, f64>,
    options: &FifOptions,
) -> Result<Vec<PathBuf>> {
    let mut writer = FifWriter::new(path, info, options)?;
    writer.write(data)?;
    writer.finish()
}

/// Writes a recording block by block, in as many files as it takes.
///
/// Nothing is in place before [`FifWriter::finish`]; then the first file appears last, so that a recording that is there
/// is complete. Memory does not grow with the recording.
#[derive(Debug)]
pub struct FifWriter {
    path: PathBuf,
    channels: Vec<String>,
    sfreq: f64,
    first_samp: u64,
    split_naming: SplitNaming,
    split_size: u64,
    encoder: Encoder,
    buffer_samples: usize,
    /// Description and annotations, the same in each file.
    description: Vec<u8>,
    done: Vec<NewFile>,
    file: NewFile,
    /// Bytes in `file`.
    n_bytes: u64,
    /// Buffers in `file`.
    n_buffers: usize,
    /// Samples that were given.
    n_times: u64,
    /// Samples that are in files.
    n_flushed: u64,
    /// Encoded samples of the buffer that is being filled.
    pending: Vec<u8>,
}

impl FifWriter {
    /// Starts a recording at `path` with what `info` says; its `path`, `files`, `n_times` and `notes` are not used.
    ///
    /// # Errors
    /// [`Error::Format`], [`Error::ChannelUnit`], [`Error::DuplicateChannel`] for what the format cannot hold,
    /// [`dre::Error::Setting`] for options out of range, [`Error::Store`].
    pub fn new(path: &Path, info: &RecordingInfo, options: &FifOptions) -> Result<Self> {
        let encoder = Encoder::new(&options.format, info.channels.len())?;
        let buffer_samples = options.buffer_samples.unwrap_or(info.sfreq.ceil() as usize).max(1);
        let description = describe::describe(path, info, encoder.data_type(), &encoder.cals)?;
        let n_buffer = (buffer_samples * encoder.n_frame()) as u64;
        let least = description.len() as u64 + n_buffer + 2 * END_BYTES;
        let split_size = options.split_size;
        if !(least..=LARGEST_FILE).contains(&split_size) {
            return Err(dre::Error::Setting {
                name: "split_size".to_owned(),
                found: split_size.to_string(),
                expected: format!("between {least} (description and one buffer) and {LARGEST_FILE} bytes"),
            }
            .into());
        }
        if options.split_naming == SplitNaming::Bids && !stem(path).0.contains('_') {
            return Err(dre::Error::Setting {
                name: "split_naming".to_owned(),
                found: format!("bids for {}", path.display()),
                expected: "a name of the form entities_suffix.fif".to_owned(),
            }
            .into());
        }
        let mut writer = Self {
            path: path.to_owned(),
            channels: info.channels.iter().map(|channel| channel.name.clone()).collect(),
            sfreq: info.sfreq,
            first_samp: info.first_samp,
            split_naming: options.split_naming,
            split_size,
            encoder,
            buffer_samples,
            description,
            done: Vec::new(),
            file: NewFile::new(path)?,
            n_bytes: 0,
            n_buffers: 0,
            n_times: 0,
            n_flushed: 0,
            pending: Vec::new(),
        };
        writer.start_file(0)?;
        Ok(writer)
    }

    /// Appends samples, `(n_channels, n_times)` in the channels' SI units.
    ///
    /// # Errors
    /// [`dre::Error::Shape`] where there is not one row per channel, [`Error::NotFinite`], [`Error::Format`] for a value
    /// that does not fit into an integer format, [`Error::Store`].
    #[expect(clippy::needless_pass_by_value, reason = "views are passed by value, as elsewhere with ndarray")]
    pub fn write(&mut self, data: ArrayView2<'_, f64>) -> Result<()> {
        if data.nrows() != self.channels.len() {
            return Err(dre::Error::Shape {
                what: "block of samples".to_owned(),
                found: data.shape().to_vec(),
                expected: format!("({}, n_times), one row per channel", self.channels.len()),
            }
            .into());
        }
        let n_frame = self.encoder.n_frame();
        let mut start = 0;
        while start < data.ncols() {
            let room = self.buffer_samples - self.pending.len() / n_frame;
            let end = data.ncols().min(start + room);
            self.encoder
                .encode(data.slice(ndarray::s![.., start..end]), &mut self.pending)
                .map_err(|(channel, time, value)| self.refuse(channel, self.n_times + (start + time) as u64, value))?;
            start = end;
            if self.pending.len() == self.buffer_samples * n_frame {
                self.flush()?;
            }
        }
        self.n_times += data.ncols() as u64;
        Ok(())
    }

    /// Puts the files in place; returns them, the first one first.
    ///
    /// # Errors
    /// [`Error::Format`] where no sample was written, [`Error::Store`].
    pub fn finish(mut self) -> Result<Vec<PathBuf>> {
        if !self.pending.is_empty() {
            self.flush()?;
        }
        if self.n_times == 0 {
            return Err(Error::format(&self.path, "no samples were written", "write at least one"));
        }
        let mut tags = Tags::default();
        end_file(&mut tags);
        self.file.write(&tags.bytes)?;
        let (path, naming) = (self.path, self.split_naming);
        let mut files = self.done;
        files.push(self.file);
        let is_split = files.len() > 1;
        let mut places = Vec::with_capacity(files.len());
        for (number, mut file) in files.into_iter().enumerate().rev() {
            if is_split {
                file.rename(name(&path, naming, number));
            }
            places.push(file.finish()?);
        }
        places.reverse();
        Ok(places)
    }

    /// Writes what comes before the samples of a file.
    fn start_file(&mut self, number: usize) -> Result<()> {
        let mut tags = Tags::default();
        tags.start_file();
        tags.start(block::MEAS);
        tags.bytes.extend(&self.description);
        tags.start(block::RAW_DATA);
        let first = self.first_samp + self.n_flushed;
        if first > 0 {
            let first = i32::try_from(first).map_err(|_| {
                let problem = format!("sample number {first} begins a file");
                Error::format(&self.path, problem, format!("FIF holds numbers up to {}", i32::MAX))
            })?;
            tags.integer(tag::FIRST_SAMPLE, first);
        }
        if number > 0 {
            reference(&mut tags, ROLE_PREV_FILE, &name(&self.path, self.split_naming, number - 1), number - 1);
        }
        self.file.write(&tags.bytes)?;
        self.n_bytes = tags.bytes.len() as u64;
        self.n_buffers = 0;
        Ok(())
    }

    /// Writes the pending buffer, to a new file where it would not fit.
    fn flush(&mut self) -> Result<()> {
        let n = self.pending.len() as u64 + super::tree::TAG_HEADER;
        if self.n_buffers > 0 && self.n_bytes + n + END_BYTES > self.split_size {
            let number = self.done.len() + 1;
            let mut tags = Tags::default();
            let next = name(&self.path, self.split_naming, number);
            reference(&mut tags, ROLE_NEXT_FILE as i32, &next, number);
            end_file(&mut tags);
            self.file.write(&tags.bytes)?;
            let file = NewFile::new(&self.path)?;
            self.done.push(std::mem::replace(&mut self.file, file));
            self.start_file(number)?;
        }
        let mut tags = Tags::default();
        tags.header(tag::DATA_BUFFER, self.encoder.data_type(), self.pending.len());
        self.file.write(&tags.bytes)?;
        self.file.write(&self.pending)?;
        self.n_flushed += (self.pending.len() / self.encoder.n_frame()) as u64;
        self.pending.clear();
        self.n_bytes += n;
        self.n_buffers += 1;
        Ok(())
    }

    fn refuse(&self, channel: usize, sample: u64, value: f64) -> Error {
        let name = self.channels[channel].clone();
        if value.is_finite() {
            let problem = format!("channel `{name}` holds {value:e} at sample {sample}, which does not fit");
            return Error::format(&self.path, problem, "choose a larger calibration, or store floats");
        }
        Error::NotFinite {
            path: self.path.clone(),
            channel: name,
            sample: sample as usize,
            time: sample as f64 / self.sfreq,
            value,
            advice: "every sample must be a finite number",
        }
    }
}

fn end_file(tags: &mut Tags) {
    tags.end(block::RAW_DATA);
    tags.end(block::MEAS);
    tags.end_file();
}

/// A reference to the file before or after this one.
fn reference(tags: &mut Tags, role: i32, name: &str, number: usize) {
    tags.start(block::REF);
    tags.integer(tag::REF_ROLE, role);
    tags.text(tag::REF_FILE_NAME, name);
    tags.integer(tag::REF_FILE_NUM, number as i32);
    tags.end(block::REF);
}

/// Name without and with what follows the last dot.
fn stem(path: &Path) -> (String, String) {
    let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    (text(path.file_stem()), text(path.extension()))
}

/// The name of a file of a recording that is split.
fn name(path: &Path, naming: SplitNaming, number: usize) -> String {
    let (stem, extension) = stem(path);
    match (naming, stem.rsplit_once('_')) {
        (SplitNaming::Bids, Some((entities, suffix))) => {
            format!("{entities}_split-{:02}_{suffix}.{extension}", number + 1)
        }
        _ if number == 0 => format!("{stem}.{extension}"),
        _ => format!("{stem}-{number}.{extension}"),
    }
}

/// Turns samples into bytes.
#[derive(Debug)]
struct Encoder {
    format: FifFormat,
    /// Factor from what is stored to the SI unit.
    cals: Vec<f64>,
}

impl Encoder {
    fn new(format: &FifFormat, n_channels: usize) -> Result<Self> {
        let cals = match format {
            FifFormat::Float32 | FifFormat::Float64 => vec![1.0; n_channels],
            // As the file holds them.
            FifFormat::Int16(cals) | FifFormat::Int32(cals) => cals.iter().map(|cal| f64::from(*cal as f32)).collect(),
        };
        if cals.len() != n_channels || cals.iter().any(|cal| !(cal.is_finite() && *cal > 0.0)) {
            return Err(dre::Error::Setting {
                name: "calibrations".to_owned(),
                found: format!("{} of them", cals.len()),
                expected: format!("a positive number for each of {n_channels} channels"),
            }
            .into());
        }
        Ok(Self { format: format.clone(), cals })
    }

    fn data_type(&self) -> u32 {
        match self.format {
            FifFormat::Float32 => data_type::FLOAT,
            FifFormat::Float64 => data_type::DOUBLE,
            FifFormat::Int16(_) => data_type::DAU_PACK16,
            FifFormat::Int32(_) => data_type::INT,
        }
    }

    /// Bytes of one sample of all channels.
    fn n_frame(&self) -> usize {
        let n = match self.format {
            FifFormat::Int16(_) => 2,
            FifFormat::Float32 | FifFormat::Int32(_) => 4,
            FifFormat::Float64 => 8,
        };
        n * self.cals.len()
    }

    /// Appends samples; on a value that cannot be stored returns channel, time and value, and appends nothing.
    #[expect(clippy::needless_pass_by_value, reason = "views are passed by value, as elsewhere with ndarray")]
    fn encode(&self, data: ArrayView2<'_, f64>, into: &mut Vec<u8>) -> std::result::Result<(), (usize, usize, f64)> {
        let within = |least: f64, most: f64| move |value: f64| (least..=most).contains(&value.round());
        match self.format {
            FifFormat::Float32 => {
                let most = f64::from(f32::MAX);
                encode(data, &self.cals, into, move |x| x.abs() <= most, |x| (x as f32).to_be_bytes())
            }
            FifFormat::Float64 => encode(data, &self.cals, into, f64::is_finite, f64::to_be_bytes),
            FifFormat::Int16(_) => {
                let fits = within(f64::from(i16::MIN), f64::from(i16::MAX));
                encode(data, &self.cals, into, fits, |x| (x.round() as i16).to_be_bytes())
            }
            FifFormat::Int32(_) => {
                let fits = within(f64::from(i32::MIN), f64::from(i32::MAX));
                encode(data, &self.cals, into, fits, |x| (x.round() as i32).to_be_bytes())
            }
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "views are passed by value, as elsewhere with ndarray")]
fn encode<const N: usize>(
    data: ArrayView2<'_, f64>,
    cals: &[f64],
    into: &mut Vec<u8>,
    fits: impl Fn(f64) -> bool,
    bytes: impl Fn(f64) -> [u8; N],
) -> std::result::Result<(), (usize, usize, f64)> {
    let (start, n_channels) = (into.len(), cals.len());
    into.resize(start + data.len() * N, 0);
    let stored = into[start..].as_chunks_mut::<N>().0;
    let mut refused = None;
    for (channel, (row, cal)) in data.outer_iter().zip(cals).enumerate() {
        for (time, value) in row.iter().enumerate() {
            let scaled = value / cal;
            if !fits(scaled) {
                refused = refused.or(Some((channel, time, *value)));
            }
            stored[time * n_channels + channel] = bytes(scaled);
        }
    }
    match refused {
        None => Ok(()),
        Some(refused) => {
            into.truncate(start);
            Err(refused)
        }
    }
}
