//! Stimulus features: from the events of a recording, and from continuous stimuli, to continuous signals.

mod build;
mod kinds;
mod layout;
pub mod lexicon;
mod resolve;
mod sentence;
mod spec;
mod summary;
mod track;
mod values;

pub use build::{Features, Source};
pub use kinds::{COMMON_KEYS, EVENT_KEYS, KINDS, KindInfo, kind_info};
pub use layout::{EventSignal, lay_epochs};
pub use lexicon::Lexicon;
pub use spec::{FeatureSpec, FeatureValue, Layout, Missing, Transform};
pub use summary::FeatureSummary;
pub use track::Track;
