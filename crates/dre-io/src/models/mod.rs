//! Fitted models as folders.
//!
//! ```text
//! model.json            what it is, what it was fitted on, how
//! model.safetensors     dre: weights under PyTorch's names
//! coef.npy              trf, banded: coefficients (subject, channel, feature, lag), float64
//! coef_data.npy         rtrf: (subject, predicted channel, lag from 1, channel)
//! coef_features.npy     rtrf: (subject, predicted channel, lag from 0, feature)
//! coef.tsv              the features' coefficients as a table: subject, channel, feature, lag (s), coefficient; of the
//!                       mean over subjects alone where the table of all of them would have over two million rows
//! intercept.npy         (subject, channel)
//! coef_single_lags.npy, intercept_single_lags.npy   trf with single_lags: (subject, channel, feature, lag), (subject,
//!                       channel, lag); each lag is a fit of its own
//! coef_without.npy, intercept_without.npy           banded with unique: a fit without each band, bands first
//! weights.npy           banded: weights of the bands (subject, channel or component, band)
//! pca_mean.npy, pca_components.npy                  with n_components: the reduction; linear coefficients are of channels all the same
//! fits.json             alphas and how they were chosen, lags, bands
//! coef.npy, patterns.npy, intercept.npy, coef.tsv, decoder.json   the folder `decoding`: backward models, (subject, feature,
//!                       channel, lag) and (subject, feature); the table only where it has up to two million rows
//! checkpoint.safetensors  dre, while it trains: weights, optimiser, history
//! seed-K/               dre with several seeds: a folder as this one for each fit; `model.json` above them names them
//! ```

mod checkpoint;
mod coefficients;
mod decoder;
mod folder;
mod linear;

use dre::data::{Channel, FeatureScaler, RobustScaler};
use dre::linear::{CohortBanded, CohortRtrf, CohortTrf, OnComponents, Pca};
use dre::model::{Ensemble, Predictor};
use dre::nn::{DreModel, Network};
use dre::results::PassRecord;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

pub use checkpoint::{CHECKPOINT_FILE, Checkpoint};
pub use coefficients::Coefficients;
pub use decoder::{is_decoder_current, read_decoder, write_decoder};
pub use folder::{MODEL_FILE, copy_model, is_model_of, read_info, read_model, write_info, write_model};

/// Version of the layout that this program writes; it refuses a larger one.
pub const MODEL_FORMAT: u32 = 1;

/// A model with what it learnt.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fitted {
    /// Temporal receptive field.
    Trf(CohortTrf),
    /// Autoregressive temporal receptive field.
    Rtrf(CohortRtrf),
    /// Banded ridge regression.
    Banded(CohortBanded),
    /// Deep Recurrent Encoder.
    Dre(Box<FittedNetwork>),
    /// Deep Recurrent Encoder that was fitted several times with different seeds.
    Seeds(Vec<FittedNetwork>),
}

/// A network, of channels or of their components.
#[derive(Clone, Debug)]
pub struct FittedNetwork {
    /// The network.
    pub network: Network,
    /// The reduction whose components it predicts; none where it predicts channels.
    pub pca: Option<Pca>,
}

impl FittedNetwork {
    /// A network of the channels themselves.
    pub fn of_channels(network: Network) -> Self {
        Self { network, pca: None }
    }

    /// The network as a model of channels, with the buffers to predict epochs of `n_times` samples, `max_batch` at a time.
    ///
    /// # Errors
    /// As [`DreModel::new`].
    pub fn into_predictor(self, n_times: usize, max_batch: usize) -> dre::Result<Box<dyn Predictor>> {
        let model = DreModel::new(self.network, n_times, max_batch)?;
        Ok(match self.pca {
            Some(pca) => Box::new(OnComponents { pca, model }),
            None => Box::new(model),
        })
    }
}

impl Fitted {
    /// The model as what predicts, with buffers for epochs of `n_times` samples, `max_batch` at a time where it needs them.
    ///
    /// # Errors
    /// As [`DreModel::new`].
    pub fn into_predictor(self, n_times: usize, max_batch: usize) -> dre::Result<Box<dyn Predictor>> {
        Ok(match self {
            Self::Trf(model) => Box::new(model),
            Self::Banded(model) => Box::new(model),
            Self::Rtrf(model) => Box::new(model),
            Self::Dre(fitted) => fitted.into_predictor(n_times, max_batch)?,
            Self::Seeds(members) => {
                let members = members.into_iter().map(|member| member.into_predictor(n_times, max_batch));
                Box::new(Ensemble::new(members.collect::<dre::Result<_>>()?)?)
            }
        })
    }

    /// What people call it.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Trf(_) => "TRF (temporal receptive field, ridge)",
            Self::Rtrf(_) => "RTRF (autoregressive TRF, ridge)",
            Self::Banded(_) => "Banded ridge (TRF with a penalty per band)",
            Self::Dre(_) | Self::Seeds(_) => "DRE (Deep Recurrent Encoder)",
        }
    }

    /// Fitted numbers.
    pub fn n_parameters(&self) -> usize {
        match self {
            Self::Trf(m) => m.n_parameters(),
            Self::Rtrf(m) => m.n_parameters(),
            Self::Banded(m) => m.n_parameters(),
            Self::Dre(m) => m.network.n_parameters(),
            Self::Seeds(members) => members.iter().map(|m| m.network.n_parameters()).sum(),
        }
    }
}

/// Content of `model.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Version of the layout.
    pub format: u32,
    /// Version of the program that wrote it.
    pub version: String,
    /// `trf`, `rtrf`, `banded` or `dre`.
    pub kind: String,
    /// Everything that decides the fit; the model is up to date while it is the same.
    pub recipe: serde_json::Value,
    /// Samples shown at the start of each epoch; 0 for none.
    pub n_init_times: usize,
    /// Sampling frequency (Hz).
    pub sfreq: f64,
    /// Time of each sample of an epoch (s).
    pub times: Vec<f64>,
    /// Channels predicted, in order.
    pub channels: Vec<Channel>,
    /// The features that it sees, in order.
    pub features: Vec<String>,
    /// Whether one linear model was fitted to all subjects at once; each subject's is then the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pooled: bool,
    /// Folders below this one of the fits that differ in their seed, for a network that was fitted several times; the model's
    /// prediction is the mean of theirs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
    /// Subjects, in order.
    pub subjects: Vec<String>,
    /// Scaling of the features.
    pub feature_scaler: FeatureScaler,
    /// Scaling of the data by recording.
    pub scalers: IndexMap<String, RobustScaler>,
    /// Wall-clock seconds.
    pub fit_seconds: f64,
    /// Choices worth showing, as name and text.
    pub choices: Vec<(String, String)>,
    /// Passes over the training epochs, for models that have them.
    pub history: Vec<PassRecord>,
    /// Pass whose weights were kept.
    pub best_pass: Option<usize>,
}
