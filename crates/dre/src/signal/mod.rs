//! Filters, resampling and decimation: from recorded to prepared signals, one channel at a time and a piece at a time.
//!
//! [`FirFilter`] designs MNE-Python's default filter, [`FirPlan`] applies it, [`Polyphase`] and [`FftResample`] change the
//! sampling frequency, and [`Preparation`] chains what a study asks for with a [`PrepareSpec`]. All of it is `f64` until the
//! prepared sample. Channels are independent of each other, so they are spread over threads, and signals may arrive in
//! pieces of any length without changing a bit of the result.

mod fft_resample;
mod fir;
mod overlap_save;
mod polyphase;
mod prepare;
mod spec;

pub use fft_resample::FftResample;
pub use fir::{Band, FirFilter};
pub use overlap_save::{FirPlan, FirScratch, FirStream};
pub use polyphase::{Polyphase, PolyphaseStream};
pub use prepare::{ChannelScratch, ChannelStream, Preparation, Work};
pub use spec::{Advice, PrepareSpec, Reference, Resample, Storage, decimated_len, resampled_len};
