//! The samples.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use dre::data::ChannelType;
use ndarray::ArrayViewMut2;

use crate::recording::frames::{Frames, NumberType, Orientation};
use crate::recording::tidy::{tidy_annotations, unique_names};
use crate::recording::{Recording, RecordingChannel, RecordingInfo, Unit, check_request};
use crate::{Error, Result};

use super::header::{Header, Signal, filters};
use super::tal::Tals;
use super::upsample::{MOST_SAMPLES, fourier, held};

/// Bytes read at a time, and the size up to which records are read as a whole.
const BLOCK_BYTES: usize = 1 << 18;

/// An open EDF or BDF recording.
#[derive(Debug)]
pub struct Edf {
    info: RecordingInfo,
    header: Header,
    /// Samples of the recording in a record.
    n_record: usize,
    file: File,
    channels: Vec<Source>,
    bytes: Vec<u8>,
}

/// Where a channel's samples come from.
#[derive(Debug)]
struct Source {
    signal: Signal,
    /// From the signal's unit to SI.
    gain: f64,
    /// Whether only the lower 17 bits count, as in MNE-Python's trigger channels.
    masked: bool,
    rate: Rate,
}

#[derive(Debug)]
enum Rate {
    /// That of the recording.
    Full,
    /// Lower; the sample of the record that each of the recording's samples holds.
    Held(Vec<usize>),
    /// Lower; interpolated as a whole when first asked for and then kept in a temporary file.
    Interpolated(Option<Frames>),
}

impl Edf {
    /// Opens an `.edf` or, by its extension, a `.bdf`, and reads header and annotations.
    ///
    /// Records that are not complete are left out, with a note. Channels that are sampled less often than the fastest are
    /// interpolated over the whole recording as MNE-Python does it, which takes memory of about 32 bytes per sample of one
    /// channel; where that is more than half a gigabyte the channel is left out, with a note.
    ///
    /// # Errors
    /// [`Error::Format`] for faults in the header, with the byte, and for a file without signals or out-of-order records;
    /// [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self> {
        let is_bdf = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("bdf"));
        let mut file = crate::files::open(path).map_err(Error::io("open", path))?;
        let header = Header::read(path, &mut file, if is_bdf { 3 } else { 2 })?;
        let mut notes = header.notes.clone();
        let (channels, sources, n_record) = channels(path, &header, is_bdf, &mut notes)?;
        let names: Vec<String> = channels.iter().map(|channel: &RecordingChannel| channel.name.clone()).collect();
        let mut tals = Tals::read(path, &mut file, &header, &names)?;
        let name = path.display();
        if tals.latin1 {
            notes.push(format!("{name}: some annotations are not UTF-8; they were taken for Latin-1"));
        }
        if header.interrupted {
            let (n_gaps, seconds) =
                tals.close_gaps(header.record_seconds, 0.5 * header.record_seconds / n_record as f64);
            if n_gaps > 0 {
                notes.push(format!(
                    "{name}: the recording was interrupted {n_gaps} times, {seconds:.3} s are missing; each place is annotated as \
                     `BAD boundary`, and annotations were moved with the samples"
                ));
            }
        }
        let mut info =
            RecordingInfo::new(path, n_record as f64 / header.record_seconds, header.n_records * n_record, channels);
        if !info.sfreq.is_finite() {
            return Err(Error::format(
                path,
                format!("byte 244: a record of {n_record} samples lasts {} s", header.record_seconds),
                "the header is damaged; copy the file again from the source",
            ));
        }
        info.annotations = tals.annotations;
        info.notes = notes;
        tidy_annotations(&mut info);
        let filtered: Vec<&str> = sources
            .iter()
            .filter(|source| !source.is_trigger())
            .map(|source| source.signal.prefilter.as_str())
            .collect();
        (info.highpass, info.lowpass) = filters(&filtered);
        info.lowpass = info.lowpass.filter(|lowpass| *lowpass > 0.0);
        if let Some(highpass) = info.highpass
            && highpass > info.lowpass.unwrap_or(info.sfreq / 2.0)
        {
            info.notes.push(format!(
                "{name}: the header gives a high-pass of {highpass} Hz above the low-pass; neither is believed"
            ));
            (info.highpass, info.lowpass) = (None, None);
        }
        Ok(Self { info, header, n_record, file, channels: sources, bytes: Vec::new() })
    }

    /// Reads bytes of the file into the scratch.
    fn fetch(&mut self, at: u64, n_bytes: usize) -> Result<()> {
        self.bytes.resize(n_bytes, 0);
        self.file
            .seek(SeekFrom::Start(at))
            .and_then(|_| self.file.read_exact(&mut self.bytes))
            .map_err(Error::io("read", &self.info.path))
    }

    /// Reads some samples, all of one record, of one channel.
    fn read_piece(&mut self, channel: usize, record: usize, first: usize, out: &mut [f64]) -> Result<()> {
        let Self { header, channels, .. } = self;
        let source = &channels[channel];
        let (from, to) = source.stored(first, out.len());
        let n_bytes = header.n_bytes;
        let at = header.data_offset + (record * header.record_bytes + source.signal.at + from * n_bytes) as u64;
        self.fetch(at, (to - from) * n_bytes)?;
        self.channels[channel].decode(&self.bytes, n_bytes, first, out.iter_mut());
        Ok(())
    }

    /// Interpolates a channel as a whole into a temporary file.
    fn interpolate(&mut self, channel: usize) -> Result<Frames> {
        let n_samples = self.channels[channel].signal.n_samples;
        let mut x = Vec::with_capacity(self.header.n_records * n_samples);
        for record in 0..self.header.n_records {
            let at =
                self.header.data_offset + (record * self.header.record_bytes + self.channels[channel].signal.at) as u64;
            self.fetch(at, n_samples * self.header.n_bytes)?;
            let source = &self.channels[channel];
            x.extend(self.bytes.chunks_exact(self.header.n_bytes).map(|bytes| source.value(bytes)));
        }
        let n_times = self.info.n_times;
        let y = fourier(x, n_times);
        let path = std::env::temp_dir();
        let file = tempfile::tempfile().map_err(Error::io("make a temporary file in", &path))?;
        let mut writer = BufWriter::new(&file);
        y.iter()
            .try_for_each(|value| writer.write_all(&value.to_le_bytes()))
            .and_then(|()| writer.flush())
            .map_err(Error::io("write a temporary file in", &path))?;
        drop(writer);
        Ok(Frames {
            path,
            file,
            offset: 0,
            number: NumberType::F64,
            big_endian: false,
            orientation: Orientation::Multiplexed,
            n_channels: 1,
            n_times,
            bytes: Vec::new(),
        })
    }

    /// Reads records as a whole, several at a time.
    fn read_records(&mut self, channels: &[usize], start: usize, out: &mut ArrayViewMut2<'_, f64>) -> Result<()> {
        let (n_record, record_bytes) = (self.n_record, self.header.record_bytes);
        let end = start + out.ncols();
        let n_block = (BLOCK_BYTES / record_bytes).max(1);
        let last = end.div_ceil(n_record);
        for block in (start / n_record..last).step_by(n_block) {
            let n = n_block.min(last - block);
            self.fetch(self.header.data_offset + block as u64 * record_bytes as u64, n * record_bytes)?;
            for (channel, mut row) in channels.iter().zip(out.rows_mut()) {
                let source = &self.channels[*channel];
                if matches!(source.rate, Rate::Interpolated(_)) {
                    continue;
                }
                for (record, bytes) in (block..).zip(self.bytes.chunks_exact(record_bytes)) {
                    let first = (record * n_record).max(start);
                    let n = ((record + 1) * n_record).min(end) - first;
                    let within = first - record * n_record;
                    let (from, to) = source.stored(within, n);
                    let n_bytes = self.header.n_bytes;
                    let bytes = &bytes[source.signal.at + from * n_bytes..source.signal.at + to * n_bytes];
                    source.decode(bytes, n_bytes, within, row.iter_mut().skip(first - start).take(n));
                }
            }
        }
        Ok(())
    }

    /// Reads channel by channel, for records that are too long to be read as a whole.
    fn read_pieces(&mut self, channels: &[usize], start: usize, out: &mut ArrayViewMut2<'_, f64>) -> Result<()> {
        let end = start + out.ncols();
        let mut piece = vec![0.0; (BLOCK_BYTES / 8).min(out.ncols())];
        for (channel, mut row) in channels.iter().zip(out.rows_mut()) {
            if matches!(self.channels[*channel].rate, Rate::Interpolated(_)) {
                continue;
            }
            let mut first = start;
            while first < end {
                let (record, within) = (first / self.n_record, first % self.n_record);
                let n = piece.len().min(self.n_record - within).min(end - first);
                self.read_piece(*channel, record, within, &mut piece[..n])?;
                for (to, value) in row.iter_mut().skip(first - start).zip(&piece[..n]) {
                    *to = *value;
                }
                first += n;
            }
        }
        Ok(())
    }
}

impl Recording for Edf {
    fn info(&self) -> &RecordingInfo {
        &self.info
    }

    fn read(&mut self, channels: &[usize], start: usize, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_request(&self.info, channels, start, &out)?;
        if out.is_empty() {
            return Ok(());
        }
        if self.header.record_bytes <= BLOCK_BYTES {
            self.read_records(channels, start, &mut out)?;
        } else {
            self.read_pieces(channels, start, &mut out)?;
        }
        for (row, &channel) in channels.iter().enumerate() {
            if matches!(self.channels[channel].rate, Rate::Interpolated(None)) {
                self.channels[channel].rate = Rate::Interpolated(Some(self.interpolate(channel)?));
            }
            if let Rate::Interpolated(Some(frames)) = &mut self.channels[channel].rate {
                let mut row = out.slice_mut(ndarray::s![row..=row, ..]);
                frames.read(&[0], start, &[1.0], &mut row)?;
            }
        }
        Ok(())
    }
}

impl Source {
    fn is_trigger(&self) -> bool {
        self.masked || matches!(self.rate, Rate::Held(_))
    }

    /// The stored samples of a record that `n` samples from `first` on come from.
    fn stored(&self, first: usize, n: usize) -> (usize, usize) {
        match &self.rate {
            Rate::Held(held) => (held[first], held[first + n - 1] + 1),
            _ => (first, first + n),
        }
    }

    /// Decodes the samples that [`Self::stored`] named.
    fn decode<'a>(&self, bytes: &[u8], n_bytes: usize, first: usize, out: impl Iterator<Item = &'a mut f64>) {
        match &self.rate {
            Rate::Held(held) => {
                let from = held[first];
                for (to, at) in out.zip(&held[first..]) {
                    *to = self.value(&bytes[(at - from) * n_bytes..(at - from + 1) * n_bytes]);
                }
            }
            _ => {
                for (to, bytes) in out.zip(bytes.chunks_exact(n_bytes)) {
                    *to = self.value(bytes);
                }
            }
        }
    }

    fn value(&self, bytes: &[u8]) -> f64 {
        let raw = match *bytes {
            [a, b] => i32::from(i16::from_le_bytes([a, b])),
            [a, b, c] => i32::from_le_bytes([0, a, b, c]) >> 8,
            _ => 0,
        };
        let value = (f64::from(raw) * self.signal.cal + self.signal.offset) * self.gain;
        if self.masked { ((value as i64) & 0x1_ffff) as f64 } else { value }
    }
}

/// The channels, where their samples come from, and how many the fastest has in a record.
fn channels(
    path: &Path,
    header: &Header,
    is_bdf: bool,
    notes: &mut Vec<String>,
) -> Result<(Vec<RecordingChannel>, Vec<Source>, usize)> {
    let name = path.display();
    let mut signals: Vec<Signal> = header.signals.iter().filter(|signal| !signal.is_annotations()).cloned().collect();
    let mut names: Vec<String> = signals.iter().map(|signal| signal.name.clone()).collect();
    let repeated = unique_names(&mut names);
    if !repeated.is_empty() {
        notes.push(format!("{name}: several channels are called {}; they were numbered", repeated.join(", ")));
    }
    for (signal, unique) in signals.iter_mut().zip(names) {
        signal.name = unique;
    }
    // The first of each name, whatever its case, as in MNE-Python.
    let triggers: Vec<String> = ["status", "trigger"]
        .iter()
        .filter_map(|wanted| signals.iter().find(|signal| signal.name.to_lowercase() == **wanted))
        .map(|signal| signal.name.clone())
        .collect();
    let is_trigger = |signal: &Signal| triggers.contains(&signal.name);
    let fastest =
        |signals: &mut dyn Iterator<Item = &Signal>| signals.map(|signal| signal.n_samples).max().unwrap_or(0);
    let fastest_other = fastest(&mut signals.iter().filter(|signal| !is_trigger(signal)));
    let n_record = if fastest_other == 0 { fastest(&mut signals.iter()) } else { fastest_other };
    if n_record == 0 {
        return Err(Error::format(
            path,
            "holds annotations and no signals",
            "choose the file with the recording itself",
        ));
    }
    let n_times = header.n_records * n_record;
    let (mut channels, mut sources, mut interpolated) = (Vec::new(), Vec::new(), Vec::new());
    for mut signal in signals {
        let (n_samples, trigger) = (signal.n_samples, is_trigger(&signal));
        let left_out = if n_samples == 0 {
            Some("has no samples".to_owned())
        } else if n_samples > n_record {
            Some("is a trigger that is sampled more often than the other channels".to_owned())
        } else if n_samples < n_record && !trigger && n_times > MOST_SAMPLES {
            Some(format!("is sampled less often than others and would have to be interpolated to {n_times} samples"))
        } else {
            None
        };
        if let Some(reason) = left_out {
            notes.push(format!("{name}: channel `{}` {reason}; it is left out", signal.name));
            continue;
        }
        let rate = match (n_samples == n_record, trigger) {
            (true, _) => Rate::Full,
            (false, true) => Rate::Held(held(n_samples, n_record)),
            (false, false) => {
                interpolated.push(signal.name.clone());
                Rate::Interpolated(None)
            }
        };
        let (kind, unit, gain) = if trigger {
            if is_bdf {
                (signal.cal, signal.offset) = (1.0, 0.0);
            }
            (ChannelType::Stim, Unit::Other(String::new()), 1.0)
        } else {
            let (unit, gain) = unit(&signal.unit);
            (ChannelType::Eeg, unit, gain)
        };
        let masked = trigger && matches!(rate, Rate::Full);
        channels.push(RecordingChannel::new(&signal.name, kind, unit));
        sources.push(Source { signal, gain, masked, rate });
    }
    if channels.is_empty() {
        return Err(Error::format(path, "no channel can be read", notes.join("; ")));
    }
    if !interpolated.is_empty() {
        notes.push(format!(
            "{name}: {} sampled less often than the others and interpolated",
            if interpolated.len() == 1 {
                format!("{} is", interpolated[0])
            } else {
                format!("{} are", interpolated.join(", "))
            }
        ));
    }
    Ok((channels, sources, n_record))
}

/// The unit in SI and the factor to it; `µ` may be written in Shift-JIS, which reads as two characters here.
fn unit(text: &str) -> (Unit, f64) {
    if text == "\u{83}\u{ca}V" { (Unit::Volt, 1e-6) } else { Unit::parse(text) }
}
