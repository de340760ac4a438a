//! The science of `dre`: prepared data, splits and scalers, linear references, the Deep Recurrent Encoder, scores.
//!
//! Nothing here opens a file, reads the clock or the environment, prints, or keeps global state: thread counts,
//! random generators' seeds and progress observers are arguments. Arrays are `(n_epochs, n_channels | n_features,
//! n_times)` with time last, in SI units, unless an item says otherwise.

pub mod adapt;
pub mod data;
mod error;
pub mod events;
pub mod features;
pub mod floor;
pub mod importance;
pub mod linear;
pub mod metrics;
pub mod model;
pub mod nn;
mod parallel;
pub mod results;
mod rounding;
pub mod sensors;
pub mod signal;
pub mod simulate;
pub mod state;
pub mod stats;
mod stop;
pub mod text;

pub use error::{Error, Result};
pub use stop::Stop;
