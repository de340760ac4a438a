//! The samples of a simulated recording: FIF for MEG, BrainVision for EEG.

use dre::data::ChannelType;
use dre::sensors::{electrode_names, position_by_name};
use dre::simulate::{RecordingStream, SimulatedChannel};
use dre_io::recording::brainvision::BrainVisionWriter;
use dre_io::recording::fif::{FifOptions, FifWriter, SplitNaming};
use dre_io::recording::{Annotation, Coil, DigKind, DigPoint, RecordingChannel, RecordingInfo, Unit};
use ndarray::{Array2, ArrayViewMut1, s};

use super::Files;
use crate::commands::Context;
use crate::error::{CliError, Result};

/// Samples per channel that are made and written at a time.
const BLOCK: usize = 1 << 13;
/// Name of the trigger channel.
pub(super) const TRIGGER: &str = "STI101";
/// How long a trigger lasts (s), as long as one sample at least.
const TRIGGER_DURATION: f64 = 0.01;

/// The rows of a recording that are written.
pub(super) fn rows(stream: &RecordingStream) -> Vec<usize> {
    (0..stream.channels.len()).filter(|row| stream.missing.binary_search(row).is_err()).collect()
}

pub(super) fn write(
    files: &Files,
    stream: &mut RecordingStream,
    n_threads: usize,
    context: &Context<'_>,
) -> Result<()> {
    let rows = rows(stream);
    let mut channels: Vec<RecordingChannel> = rows.iter().map(|&row| channel(&stream.channels[row])).collect();
    let is_meg = stream.device_to_head.is_some();
    if is_meg {
        channels.push(RecordingChannel::new(TRIGGER, ChannelType::Stim, Unit::Volt));
    }
    let mut writer = Writer::new(files, stream, channels)?;
    let mut made = Array2::zeros((stream.channels.len(), BLOCK.min(stream.n_times)));
    let mut block = Array2::zeros((rows.len() + usize::from(is_meg), BLOCK.min(stream.n_times)));
    while stream.n_left() > 0 {
        if context.interrupt.requested() {
            return Err(CliError::Stopped);
        }
        let (start, n) = (stream.n_times - stream.n_left(), stream.n_left().min(BLOCK));
        let mut made = made.slice_mut(s![.., ..n]);
        stream.read(made.view_mut(), n_threads);
        let mut block = block.slice_mut(s![.., ..n]);
        for (mut to, &row) in block.outer_iter_mut().zip(&rows) {
            to.zip_mut_with(&made.row(row), |to, from| *to = f64::from(*from));
        }
        if is_meg {
            trigger(stream, start, block.row_mut(rows.len()));
        }
        match &mut writer {
            Writer::Fif(writer) => writer.write(block.view())?,
            Writer::BrainVision(writer) => writer.write(block.view())?,
        }
    }
    match writer {
        Writer::Fif(writer) => writer.finish()?,
        Writer::BrainVision(writer) => writer.finish(&markers(stream))?,
    };
    Ok(())
}

/// BIDS has MEG in FIF but no EEG.
enum Writer {
    Fif(Box<FifWriter>),
    BrainVision(Box<BrainVisionWriter>),
}

impl Writer {
    fn new(files: &Files, stream: &RecordingStream, channels: Vec<RecordingChannel>) -> Result<Self> {
        let Some(transform) = stream.device_to_head else {
            let path = files.of_task("eeg.vhdr");
            return Ok(Self::BrainVision(Box::new(BrainVisionWriter::new(&path, stream.sfreq, &channels)?)));
        };
        let path = files.of_task("meg.fif");
        let mut info = RecordingInfo::new(&path, stream.sfreq, stream.n_times, channels);
        info.device_to_head = Some(transform.matrix());
        info.digitisation = digitisation();
        let options = FifOptions { split_naming: SplitNaming::Bids, ..FifOptions::default() };
        Ok(Self::Fif(Box::new(FifWriter::new(&path, &info, &options)?)))
    }
}

/// The trigger channel from sample `start` on: 1 from each word's onset, for 10 ms.
fn trigger(stream: &RecordingStream, start: usize, mut out: ArrayViewMut1<'_, f64>) {
    out.fill(0.0);
    let length = ((TRIGGER_DURATION * stream.sfreq).ceil() as usize).max(1);
    for onset in words(stream) {
        let first = (onset * stream.sfreq).round() as usize;
        for sample in first.max(start)..(first + length).min(start + out.len()) {
            out[sample - start] = 1.0;
        }
    }
}

/// A marker at each word's onset.
fn markers(stream: &RecordingStream) -> Vec<Annotation> {
    let marker = |onset| Annotation { onset, duration: 0.0, description: "Stimulus/S  1".to_owned() };
    words(stream).map(marker).collect()
}

fn words(stream: &RecordingStream) -> impl Iterator<Item = f64> + '_ {
    stream.truth.words.iter().map(|word| word.onset)
}

fn channel(channel: &SimulatedChannel) -> RecordingChannel {
    let unit = Unit::of(channel.kind).unwrap_or(Unit::Volt);
    RecordingChannel {
        position: channel.position,
        coil: channel.coil.map(|coil| Coil { kind: coil.kind.fif_number(), axes: coil.axes }),
        ..RecordingChannel::new(channel.name.clone(), channel.kind, unit)
    }
}

/// Ears and nasion, then points all over the scalp, for coregistration.
fn digitisation() -> Vec<DigPoint> {
    let cardinal = [(1, "T9"), (2, "Nz"), (3, "T10")].map(|(ident, name)| (DigKind::Cardinal, ident, name.to_owned()));
    let extra = electrode_names().into_iter().zip(1..).map(|(name, ident)| (DigKind::Extra, ident, name));
    cardinal
        .into_iter()
        .chain(extra)
        .filter_map(|(kind, ident, name)| Some(DigPoint { kind, ident, position: position_by_name(&name)? }))
        .collect()
}
