//! The triggers of a recording.

use dre::data::ChannelType;
use ndarray::Array2;

use crate::recording::Recording;
use crate::{Error, Result};

use super::{BLOCK, FIXATION, Trigger};

/// Samples that are read at a time.
const BLOCK_SAMPLES: usize = 1 << 15;

/// The triggers of the stimulus channel that has most fixations and block starts: each change to a value that is not 0.
///
/// # Errors
/// [`Error::Format`] where no stimulus channel has any; what the reader finds.
pub fn read_triggers(recording: &mut dyn Recording) -> Result<Vec<Trigger>> {
    let info = recording.info();
    let (path, n_times) = (info.path.clone(), info.n_times);
    let stimulus = |index: &usize| info.channels[*index].kind == ChannelType::Stim;
    let channels: Vec<usize> = (0..info.channels.len()).filter(stimulus).collect();
    let mut triggers = vec![Vec::new(); channels.len()];
    let mut before = vec![0; channels.len()];
    for start in (0..n_times).step_by(BLOCK_SAMPLES) {
        let mut block = Array2::zeros((channels.len(), BLOCK_SAMPLES.min(n_times - start)));
        recording.read(&channels, start, block.view_mut())?;
        for ((row, triggers), before) in block.outer_iter().zip(&mut triggers).zip(&mut before) {
            for (index, value) in row.iter().enumerate() {
                let value = value.round() as i64;
                if value != *before && value != 0 {
                    triggers.push(Trigger { sample: start + index, value });
                }
                *before = value;
            }
        }
    }
    let wanted = |triggers: &[Trigger]| triggers.iter().filter(|t| [FIXATION, BLOCK].contains(&t.value)).count();
    // The first of those that have as many.
    triggers
        .into_iter()
        .rev()
        .max_by_key(|triggers| wanted(triggers))
        .filter(|triggers| wanted(triggers) > 0)
        .ok_or_else(|| {
            let problem =
                format!("none of its {} stimulus channels has a trigger {FIXATION} or {BLOCK}", channels.len());
            Error::format(
                &path,
                problem,
                "check that this is a visual recording of MOUS, or set data.events = \"bids\"",
            )
        })
}
