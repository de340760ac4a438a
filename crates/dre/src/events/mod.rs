//! Events from trigger channels, with the meaning of MNE-Python's `find_events`.
//!
//! [`StimSteps`] takes a channel's samples in blocks and keeps where they change; [`find_events`] makes events of the
//! changes.

mod find;
mod steps;

pub use find::{Consecutive, EventOutput, FindEvents, MaskType, TriggerEvent, find_events, merge_events};
pub use steps::StimSteps;
