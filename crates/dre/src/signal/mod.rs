//! Filters and decimation: from recorded to prepared signals, one channel at a time.
//!
//! [`FirFilter`] designs MNE-Python's default filter, [`FirPlan`] applies it, [`Preparation`] chains notch, band
//! filter and decimation as a study asks for them with a [`PrepareSpec`]. All of it is `f64` until the prepared
//! sample. Channels are independent of each other, so they are spread over threads.

mod fir;
mod overlap_add;
mod prepare;

pub use fir::{Band, FirFilter};
pub use overlap_add::{FirPlan, FirScratch};
pub use prepare::{Advice, Preparation, PrepareSpec, decimated_len};
