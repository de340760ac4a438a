//! Settings of the network and of its training.

use serde::{Deserialize, Serialize};

/// Shape of the network; the defaults are the paper's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkConfig {
    /// True samples shown at the start of each epoch.
    pub n_init_times: usize,
    /// Size of the subject embedding; 0 for none.
    pub subject_dim: usize,
    /// Convolutions before, and transposed convolutions after, the LSTM (0–4).
    pub conv_layers: usize,
    /// Width of each convolution in samples.
    pub kernel: usize,
    /// Stride of each convolution in samples.
    pub stride: usize,
    /// Filters of each convolution.
    pub conv_filters: usize,
    /// LSTM layers (0–3).
    pub lstm_layers: usize,
    /// Units of each LSTM layer.
    pub lstm_hidden: usize,
}

impl NetworkConfig {
    /// The released configuration of the paper (Chehab et al. 2021, arXiv 2103.02339).
    pub fn paper() -> Self {
        Self {
            n_init_times: 40,
            subject_dim: 16,
            conv_layers: 2,
            kernel: 4,
            stride: 2,
            conv_filters: 512,
            lstm_layers: 2,
            lstm_hidden: 512,
        }
    }
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self::paper()
    }
}

/// The loss that training lowers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Loss {
    /// Mean squared error.
    #[default]
    Mse,
    /// Mean absolute error.
    L1,
}

/// How the network is trained; the defaults are the paper's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Step size of Adam.
    pub lr: f64,
    /// Epochs per batch.
    pub batch_size: usize,
    /// Passes over the training epochs.
    pub n_passes: usize,
    /// Loss over the whole epoch.
    pub loss: Loss,
}

impl TrainConfig {
    /// The released configuration of the paper.
    pub fn paper() -> Self {
        Self { lr: 1e-4, batch_size: 32, n_passes: 60, loss: Loss::Mse }
    }
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self::paper()
    }
}
