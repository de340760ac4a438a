//! From an open recording to prepared samples.

use dre::data::{Channel, ChannelType};
use dre::signal::{Advice, Preparation, PrepareSpec};
use ndarray::Array2;

use crate::recording::{Recording, RecordingInfo, Unit};
use crate::{Error, Result};

/// Memory (bytes) for unfiltered samples that suits a laptop: an hour of 64 channels at 500 Hz fits at once.
pub const READ_MEMORY: usize = 1 << 30;

/// A recording after filtering and decimation.
#[derive(Clone, Debug)]
pub struct PreparedRecording {
    /// Sampling frequency (Hz).
    pub sfreq: f64,
    /// Number of samples per channel.
    pub n_times: usize,
    /// The channels that were picked, in their order.
    pub channels: Vec<Channel>,
    /// Samples in SI units, `(n_channels, n_times)`, row-major.
    pub data: Vec<f32>,
    /// What was done, as people describe it.
    pub steps: Vec<String>,
    /// What the user should know of, if anything.
    pub advice: Vec<Advice>,
}

/// Positions of the channels that are of one of these types, not bad, and not excluded by name, in the file's order.
pub fn pick_channels(info: &RecordingInfo, kinds: &[ChannelType], exclude: &[String]) -> Vec<usize> {
    let wanted = |index: &usize| {
        let channel = &info.channels[*index];
        kinds.contains(&channel.kind) && !channel.bad && !exclude.contains(&channel.name)
    };
    (0..info.channels.len()).filter(wanted).collect()
}

/// Reads, filters and decimates the channels at `picks` on up to `n_threads` threads.
///
/// About `memory` bytes hold samples before decimation (at least one channel's, 8 bytes each); a recording that needs
/// more is read several times, some channels each time. The number of threads does not change the result.
///
/// # Errors
/// [`Error::NotFinite`] for NaN or infinity, with channel and sample; [`Error::ChannelUnit`] for a channel whose unit
/// does not fit its type; [`dre::Error::Setting`] for filters and decimations that cannot be; and what the reader finds.
#[expect(clippy::missing_panics_doc, reason = "leading rows of an array in standard layout are contiguous")]
pub fn prepare_recording(
    recording: &mut dyn Recording,
    picks: &[usize],
    spec: &PrepareSpec,
    n_threads: usize,
    memory: usize,
) -> Result<PreparedRecording> {
    let info = recording.info().clone();
    for pick in picks {
        check_unit(&info, *pick)?;
    }
    let n_times = info.n_times;
    let preparation = Preparation::new(spec, info.sfreq, n_times, info.lowpass)?;
    let mut data = vec![0.0f32; picks.len() * preparation.n_times()];
    let n_at_once = (memory / (n_times.max(1) * size_of::<f64>())).clamp(1, picks.len().max(1));
    let mut block = Array2::zeros((n_at_once, n_times));
    let groups = picks.chunks(n_at_once).zip(data.chunks_mut((n_at_once * preparation.n_times()).max(1)));
    for (picks, out) in groups {
        let mut rows = block.slice_mut(ndarray::s![..picks.len(), ..]);
        recording.read(picks, 0, rows.view_mut())?;
        let samples = rows.as_slice_mut().expect("leading rows of an array in standard layout are contiguous");
        check_finite(&info, picks, samples)?;
        preparation.apply(samples, out, n_threads)?;
    }
    Ok(PreparedRecording {
        sfreq: preparation.sfreq(),
        n_times: preparation.n_times(),
        channels: picks.iter().map(|pick| info.cohort_channel(*pick)).collect(),
        data,
        steps: preparation.steps(),
        advice: preparation.advice().to_vec(),
    })
}

fn check_unit(info: &RecordingInfo, pick: usize) -> Result<()> {
    let channel = &info.channels[pick];
    match Unit::of(channel.kind) {
        Some(unit) if unit != channel.unit => Err(Error::ChannelUnit {
            path: info.path.clone(),
            channel: channel.name.clone(),
            kind: channel.kind,
            found: channel.unit.to_string(),
            expected: unit.to_string(),
        }),
        _ => Ok(()),
    }
}

fn check_finite(info: &RecordingInfo, picks: &[usize], samples: &[f64]) -> Result<()> {
    let Some(place) = samples.iter().position(|value| !value.is_finite()) else { return Ok(()) };
    let (row, sample) = (place / info.n_times, place % info.n_times);
    Err(Error::NotFinite {
        path: info.path.clone(),
        channel: info.channels[picks[row]].name.clone(),
        sample,
        time: sample as f64 / info.sfreq,
        value: samples[place],
        advice: "mark the channel as bad in channels.tsv, or cut or interpolate the stretch",
    })
}
