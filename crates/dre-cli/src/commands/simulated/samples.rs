//! The samples of a simulated recording: FIF for MEG, BrainVision for EEG.

use dre::data::ChannelType;
use dre::sensors::{electrode_names, position_by_name};
use dre::simulate::{RecordingStream, SimulatedChannel};
use dre_io::recording::brainvision::write_brainvision;
use dre_io::recording::fif::{FifOptions, FifWriter, SplitNaming};
use dre_io::recording::{Coil, DigKind, DigPoint, RecordingChannel, RecordingInfo, Unit};
use ndarray::{Array2, ArrayViewMut2, s};

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
    if stream.device_to_head.is_none() {
        let mut data = Array2::zeros((channels.len(), stream.n_times));
        fill(stream, &rows, data.view_mut(), n_threads, context)?;
        write_brainvision(&files.of_task("eeg.vhdr"), stream.sfreq, &channels, data.view(), &[])?;
        return Ok(());
    }
    channels.push(RecordingChannel::new(TRIGGER, ChannelType::Stim, Unit::Volt));
    let path = files.of_task("meg.fif");
    let mut info = RecordingInfo::new(&path, stream.sfreq, stream.n_times, channels);
    info.device_to_head = stream.device_to_head.map(|transform| transform.matrix());
    info.digitisation = digitisation();
    let options = FifOptions { split_naming: SplitNaming::Bids, ..FifOptions::default() };
    let mut writer = FifWriter::new(&path, &info, &options)?;
    let mut block = Array2::zeros((rows.len() + 1, BLOCK.min(stream.n_times)));
    while stream.n_left() > 0 {
        let (start, n) = (stream.n_times - stream.n_left(), stream.n_left().min(BLOCK));
        let mut part = block.slice_mut(s![.., ..n]);
        let (sensors, mut trigger) = part.view_mut().split_at(ndarray::Axis(0), rows.len());
        fill(stream, &rows, sensors, n_threads, context)?;
        trigger.fill(0.0);
        let length = ((TRIGGER_DURATION * stream.sfreq).ceil() as usize).max(1);
        for onset in words(stream) {
            let first = (onset * stream.sfreq).round() as usize;
            for sample in first.max(start)..(first + length).min(start + n) {
                trigger[[0, sample - start]] = 1.0;
            }
        }
        writer.write(part.view())?;
    }
    writer.finish()?;
    Ok(())
}

/// Makes as many samples as `out` takes.
fn fill(
    stream: &mut RecordingStream,
    rows: &[usize],
    mut out: ArrayViewMut2<'_, f64>,
    n_threads: usize,
    context: &Context<'_>,
) -> Result<()> {
    let mut block = Array2::zeros((stream.channels.len(), BLOCK.min(out.ncols())));
    for mut piece in out.axis_chunks_iter_mut(ndarray::Axis(1), BLOCK) {
        if context.interrupt.requested() {
            return Err(CliError::Stopped);
        }
        let mut made = block.slice_mut(s![.., ..piece.ncols()]);
        stream.read(made.view_mut(), n_threads);
        for (mut to, &row) in piece.outer_iter_mut().zip(rows) {
            to.zip_mut_with(&made.row(row), |to, from| *to = f64::from(*from));
        }
    }
    Ok(())
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
