//! Events from the trigger channels of a recording.

use dre::data::ChannelType;
use dre::events::{FindEvents, StimSteps, TriggerEvent, find_events, merge_events};
use ndarray::Array2;

use crate::error::suggest;
use crate::{Error, Result};

use super::{Recording, RecordingInfo};

/// Samples of a channel that are read at a time.
const BLOCK: usize = 1 << 16;

/// The channels in which MNE-Python looks for events if none are named: `STI101`, else `STI 014`, else all of type
/// `stim` that are not bad.
pub fn stim_channels(info: &RecordingInfo) -> Vec<usize> {
    for name in ["STI101", "STI 014"] {
        if let Some(channel) = info.channels.iter().position(|channel| channel.name == name) {
            return vec![channel];
        }
    }
    let is_stim = |channel: &usize| info.channels[*channel].kind == ChannelType::Stim && !info.channels[*channel].bad;
    (0..info.channels.len()).filter(is_stim).collect()
}

/// Finds events in trigger channels, read in blocks, as MNE-Python's `find_events`; [`stim_channels`] where none are named.
///
/// Sample numbers count from the start of the acquisition, so that the recording's first sample is number
/// [`RecordingInfo::first_samp`].
///
/// # Errors
/// [`Error::Format`] where a channel that is named, or any trigger channel, is missing,
/// [`dre::Error::Setting`] as [`find_events`], and whatever reading fails with.
pub fn read_events(
    recording: &mut dyn Recording,
    names: Option<&[&str]>,
    options: &FindEvents,
) -> Result<Vec<TriggerEvent>> {
    let info = recording.info();
    let (sfreq, first_samp, n_times) = (info.sfreq, info.first_samp, info.n_times);
    let channels = match names {
        None => stim_channels(info),
        Some(names) => names
            .iter()
            .map(|name| {
                info.channels.iter().position(|channel| channel.name == *name).ok_or_else(|| {
                    let all = info.channels.iter().map(|channel| channel.name.as_str());
                    Error::format(&info.path, format!("has no channel `{name}`"), suggest(name, "its channels", all))
                })
            })
            .collect::<Result<Vec<usize>>>()?,
    };
    if channels.is_empty() {
        let advice = "name the channel that holds the triggers, or use annotations";
        return Err(Error::format(&info.path, "has no channel of type stim", advice));
    }
    let path = info.path.clone();
    let labels: Vec<String> = channels.iter().map(|channel| info.channels[*channel].name.clone()).collect();
    let mut steps: Vec<StimSteps> = channels.iter().map(|_| StimSteps::new(options.uint_cast)).collect();
    let mut block = Array2::zeros((channels.len(), BLOCK.min(n_times)));
    for start in (0..n_times).step_by(BLOCK) {
        let n = BLOCK.min(n_times - start);
        let mut block = block.slice_mut(ndarray::s![.., ..n]);
        recording.read(&channels, start, block.view_mut())?;
        for (steps, row) in steps.iter_mut().zip(block.rows()) {
            steps.extend(row.iter().copied());
        }
    }
    let found = steps
        .iter()
        .zip(labels)
        .map(|(steps, label)| {
            find_events(steps, sfreq, first_samp, options)
                .map_err(|error| error.at(format!("{}, channel `{label}`", path.display())))
        })
        .collect::<dre::Result<Vec<_>>>()?;
    Ok(merge_events(found))
}
