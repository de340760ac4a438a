//! Prepared data: a cohort of continuous recordings, and the data set of epochs that is cut from it.

mod batch;
mod channel;
mod cohort;
mod event;
mod spec;

pub use batch::Batch;
pub use channel::{Channel, ChannelType};
pub use cohort::{Cohort, CohortRecording, Samples};
pub use event::EventTable;
pub use spec::{BaselineSpec, CleaningSpec, EpochSpec, SplitSpec};
