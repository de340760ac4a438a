//! What processing alone predicts: the r that filters, resampling and a baseline give to a prediction of noise, and what a filter
//! that is not causal carries from a response into the samples before it.
//!
//! A filter makes neighbouring samples alike, so a model that is given the first samples of an epoch predicts those after them to
//! some extent even where the recording is white noise and no stimulus does anything. [`processing_floor`] is the r of the best
//! linear prediction then; a model's r means something as far as it lies above it. For noise of a known covariance, such as 1/f
//! noise, [`best_linear_r`] is the same. Both are computed from covariances, without a simulation.

mod covariance;
mod leak;

pub use covariance::{best_linear_r, noise_autocovariance, processing_floor};
pub use leak::{LEAK_DURATIONS, Leak, leak};
