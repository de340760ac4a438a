//! Linear references: the temporal receptive field (TRF) and its autoregressive relative (RTRF).
//!
//! Estimators ([`Trf`], [`Rtrf`], and [`fit_trf`], [`fit_rtrf`] for whole cohorts) gather second moments of lagged
//! signals once ([`LagMoments`]) and hand them to a [`solver`], which knows nothing of lags, epochs or subjects.

mod cohort;
mod config;
mod convolve;
mod fft;
mod lags;
mod moments;
mod normal;
mod rows;
mod rtrf;
pub mod solver;
mod trf;

pub use cohort::{CohortRtrf, CohortTrf, FitSpec, SubjectFit, fit_rtrf, fit_trf};
pub use config::{Penalty, RtrfConfig, TrfConfig};
pub use lags::{Columns, LagRange};
pub use moments::LagMoments;
pub use normal::Moments;
pub use rows::Runs;
pub use rtrf::{Rollout, Rtrf};
pub use trf::Trf;
