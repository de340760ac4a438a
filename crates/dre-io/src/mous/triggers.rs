//! The triggers of a recording.

use dre::events::{Consecutive, FindEvents};

use crate::recording::{Recording, read_events};
use crate::{Error, Result};

use super::{BLOCK, FIXATION, Trigger};

/// The triggers of a recording, from all its stimulus channels.
///
/// # Errors
/// [`Error::Format`] where no stimulus channel has a fixation or a block start; as [`read_events`].
pub fn read_triggers(recording: &mut dyn Recording) -> Result<Vec<Trigger>> {
    let (path, first_samp) = (recording.info().path.clone(), recording.info().first_samp);
    // A trigger may follow another without a return to 0 and stand for one sample only.
    let options =
        FindEvents { consecutive: Consecutive::Yes, shortest_event: 1, initial_event: true, ..FindEvents::default() };
    let triggers: Vec<Trigger> = read_events(recording, None, &options)?
        .iter()
        .map(|event| Trigger { sample: event.sample.saturating_sub(first_samp) as usize, value: event.value })
        .collect();
    if triggers.iter().any(|trigger| [FIXATION, BLOCK].contains(&trigger.value)) {
        return Ok(triggers);
    }
    let problem = format!("no trigger {FIXATION} or {BLOCK} among the {} of its stimulus channels", triggers.len());
    Err(Error::format(&path, problem, "check that this is a visual recording of MOUS, or set data.events = \"bids\""))
}
