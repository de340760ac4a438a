//! Filters, resampling and decimation: from recorded to prepared signals, one channel at a time and a piece at a time.
//!
//! [`FirFilter`] designs MNE-Python's filters, [`FirPlan`] applies them, [`IirFilter`] is a causal Butterworth filter,
//! [`Polyphase`] and [`FftResample`] change the sampling frequency, and [`Preparation`] chains what a study asks for with a
//! [`PrepareSpec`]; [`ImpulseResponse`] says how far a chain reaches in time. All of it is `f64` until the prepared sample. Channels are independent of each other, so they are spread over threads, and signals may arrive in
//! pieces of any length without changing a bit of the result.

mod fft_resample;
mod filter;
mod fir;
mod iir;
mod minimum;
mod overlap_save;
mod phase;
mod polyphase;
mod prepare;
mod response;
mod spec;

pub use fft_resample::FftResample;
pub use fir::{Band, FirFilter};
pub use iir::{IirFilter, IirStream};
pub use overlap_save::{FirPlan, FirScratch, FirStream};
pub use phase::{Method, Phase};
pub use polyphase::{Polyphase, PolyphaseStream};
pub use prepare::{ChannelScratch, ChannelStream, Preparation, Work};
pub use response::{ImpulseResponse, middle_of_band};
pub use spec::{Advice, PrepareSpec, Reference, Resample, Storage, decimated_len, resampled_len};
