//! The Deep Recurrent Encoder on the CPU.
//!
//! The graph is fixed, so forward and backward are written by hand over buffers that are allocated once
//! ([`Workspace`]). Parameters live in one flat vector in the layout that the kernels read; PyTorch's names and shapes
//! exist at the border only ([`Network::state`]). Signals are `(time, epoch, column)` inside, so that a step of the LSTM
//! is a block of rows.

mod adam;
mod backward;
mod config;
mod forward;
#[allow(
    clippy::inline_always,
    clippy::needless_range_loop,
    clippy::too_many_arguments,
    clippy::wildcard_imports,
    reason = "kernels are inlined into wrappers with their instruction set, index small arrays that live in registers, and \
              take their operands one by one"
)]
mod kernels;
mod network;
mod operations;
mod ops;
mod params;
pub mod plain;
mod plan;
mod predictor;
mod train;
mod workspace;

pub use adam::Adam;
pub use config::{Loss, NetworkConfig, Precision, TrainConfig};
pub(crate) use kernels::matmul::{Mat, matmul};
pub use kernels::{Isa, Threads};
pub use network::Network;
pub use operations::Operations;
pub use params::{Dims, Tensor};
pub use predictor::DreModel;
pub use train::{Ended, Observer, Progress, Training, TrainingState};
pub use workspace::Workspace;
