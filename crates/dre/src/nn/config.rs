//! Settings of the network and of its training.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

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

impl NetworkConfig {
    /// Input columns other than the data: mask, subject embedding, features.
    pub(crate) fn n_rest(&self, dims: super::Dims) -> usize {
        1 + self.subject_dim + dims.n_features
    }

    /// The length that the released code pads an epoch of `n` samples to, so that the transposed convolutions return at
    /// least `n`.
    pub(crate) fn padded_length(&self, n: usize) -> usize {
        let down = (0..self.conv_layers).fold(n, |n, _| n.div_ceil(self.stride) + 1);
        (0..self.conv_layers).fold(down, |n, _| (n - 1) * self.stride)
    }

    /// Checks the settings that do not depend on the data.
    ///
    /// # Errors
    /// [`Error::Setting`] that names the setting and its range.
    pub fn check(&self) -> Result<()> {
        let between = |name: &str, found: usize, low: usize, high: usize| {
            if (low..=high).contains(&found) {
                return Ok(());
            }
            let expected = format!("a whole number from {low} to {high}");
            Err(Error::Setting { name: name.into(), found: found.to_string(), expected })
        };
        between("conv_layers", self.conv_layers, 0, 4)?;
        between("lstm_layers", self.lstm_layers, 0, 3)?;
        between("kernel", self.kernel, 1, 64)?;
        between("stride", self.stride, 1, 16)?;
        between("conv_filters", self.conv_filters, 1, 1 << 14)?;
        between("lstm_hidden", self.lstm_hidden, 1, 1 << 14)?;
        between("subject_dim", self.subject_dim, 0, 1 << 12)
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

/// How the products of training are made; weights, sums and the optimiser are `f32` either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// From `f32` numbers.
    #[default]
    F32,
    /// From numbers rounded to `bf16` (8 significant bits), summed in `f32`. Needs a processor with AVX-512 BF16; faster
    /// than `f32` only where that instruction runs at full rate, as on AMD Zen 4 and 5.
    Bf16,
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
    /// How products are made.
    pub precision: Precision,
}

impl TrainConfig {
    /// The released configuration of the paper.
    pub fn paper() -> Self {
        Self { lr: 1e-4, batch_size: 32, n_passes: 60, loss: Loss::Mse, precision: Precision::F32 }
    }
}

impl TrainConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::Setting`] that names the setting and its range.
    pub fn check(&self) -> Result<()> {
        let fail = |name: &str, found: String, expected: &str| {
            Err(Error::Setting { name: name.into(), found, expected: expected.into() })
        };
        if !(self.lr > 0.0 && self.lr <= 1.0) {
            return fail("lr", self.lr.to_string(), "a step size above 0 and at most 1");
        }
        if self.batch_size == 0 {
            return fail("batch_size", "0".into(), "at least one epoch per batch");
        }
        if self.n_passes == 0 {
            return fail("n_passes", "0".into(), "at least one pass over the training epochs");
        }
        Ok(())
    }
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self::paper()
    }
}
