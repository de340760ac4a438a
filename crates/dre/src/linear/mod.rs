//! Linear references: the temporal receptive field (TRF) and its autoregressive relative (RTRF).
//!
//! Estimators ([`Trf`], [`Rtrf`], and [`fit_trf`], [`fit_rtrf`] for whole cohorts) gather second moments of lagged
//! signals once ([`LagMoments`]) and hand them to a [`solver`], which knows nothing of lags, epochs or subjects.

mod bands;
mod cohort;
mod config;
mod convolve;
mod decode;
mod faults;
mod fft;
mod lags;
mod leave_out;
mod masks;
mod moments;
mod normal;
mod pca;
mod rows;
mod rtrf;
mod rtrf_system;
pub mod solver;
mod trf;
mod trf_system;

pub use bands::{Bands, band_weights};
pub use cohort::{
    CohortBanded, CohortDecoder, CohortRtrf, CohortTrf, Counted, DecodeScore, FeatureModel, FeatureTask, FitSpec,
    SubjectFit, check_components, fit_banded, fit_decoder, fit_feature_models, fit_pca, fit_rtrf, fit_trf,
};
pub use config::{AlphaUnit, BandedConfig, DecodeConfig, FeatureLags, LinearOptions, Penalty, RtrfConfig, TrfConfig};
pub use decode::Decoder;
pub use lags::{Columns, LagRange};
pub use leave_out::LeftOut;
pub use moments::LagMoments;
pub use normal::Moments;
pub use pca::{ComponentSource, OnComponents, Pca, PcaSums};
pub use rows::Runs;
pub use rtrf::{Rollout, Rtrf};
pub use trf::Trf;

use crate::Stop;

/// Threads that work, and who may stop it.
type Effort<'a> = (usize, &'a Stop);

/// The one model that was fitted for one alpha.
fn only<M>(models: Vec<M>) -> M {
    let Some(model) = models.into_iter().next() else { unreachable!("a model is fitted for each alpha") };
    model
}
