//! The models of a study.

use dre::linear::{BandedConfig, LinearOptions, RtrfConfig, TrfConfig};
use dre::nn::{NetworkConfig, TrainConfig};
use serde::{Deserialize, Serialize};

use super::de::Fault;
use super::section::Section;

/// A model and its settings, chosen by `kind` in the table `[models.NAME]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[non_exhaustive]
pub enum ModelSpec {
    /// Temporal receptive field, `kind = "trf"`.
    Trf(TrfSpec),
    /// Autoregressive temporal receptive field, `kind = "rtrf"`.
    Rtrf(RtrfSpec),
    /// Banded ridge regression, `kind = "banded"`.
    Banded(BandedSpec),
    /// Deep Recurrent Encoder, `kind = "dre"`.
    Dre(DreSpec),
}

/// Settings of a Deep Recurrent Encoder: one table in the study file.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DreSpec {
    /// Shape of the network.
    #[serde(flatten)]
    pub network: NetworkConfig,
    /// How it is trained.
    #[serde(flatten)]
    pub train: TrainConfig,
    /// What it predicts.
    #[serde(flatten)]
    pub reduction: ReductionSpec,
}

/// A reduction of the data before a model sees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReductionSpec {
    /// Number of principal components, fitted on the training epochs, that the model is given and predicts; what it predicts
    /// is mapped back to channels. 0 for the channels themselves.
    pub n_components: usize,
}

/// Settings of a temporal receptive field: one table in the study file.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TrfSpec {
    /// Lags and penalties.
    #[serde(flatten)]
    pub linear: TrfConfig,
    /// How penalties are chosen.
    #[serde(flatten)]
    pub options: LinearOptions,
}

/// Settings of banded ridge regression: one table in the study file.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct BandedSpec {
    /// Lags, bands and penalties.
    #[serde(flatten)]
    pub linear: BandedConfig,
    /// How penalties are chosen.
    #[serde(flatten)]
    pub options: LinearOptions,
}

/// Settings of an autoregressive temporal receptive field: one table in the study file.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RtrfSpec {
    /// Lags and penalties.
    #[serde(flatten)]
    pub linear: RtrfConfig,
    /// How penalties are chosen.
    #[serde(flatten)]
    pub options: LinearOptions,
    /// Where its roll-out starts.
    #[serde(flatten)]
    pub init: InitSpec,
}

/// The init window of a roll-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InitSpec {
    /// True samples shown at the start of each epoch.
    pub n_init_times: usize,
}

impl Default for InitSpec {
    /// As many as the network is shown.
    fn default() -> Self {
        Self { n_init_times: NetworkConfig::paper().n_init_times }
    }
}

/// What `kind` may be.
const KINDS: [&str; 4] = ["trf", "rtrf", "banded", "dre"];

impl ModelSpec {
    /// The text of `kind` in the study file.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Trf(_) => KINDS[0],
            Self::Rtrf(_) => KINDS[1],
            Self::Banded(_) => KINDS[2],
            Self::Dre(_) => KINDS[3],
        }
    }

    /// True samples that the model is shown at the start of each epoch.
    pub fn n_init_times(&self) -> usize {
        match self {
            Self::Trf(_) | Self::Banded(_) => 0,
            Self::Rtrf(spec) => spec.init.n_init_times,
            Self::Dre(spec) => spec.network.n_init_times,
        }
    }

    pub(super) fn from_section(mut section: Section<'_, '_>) -> Result<Self, Fault> {
        let model = match section.choice("kind", &KINDS)? {
            "trf" => Self::Trf(TrfSpec { linear: section.part()?, options: section.part()? }),
            "rtrf" => Self::Rtrf(RtrfSpec { linear: section.part()?, options: section.part()?, init: section.part()? }),
            "banded" => Self::Banded(BandedSpec { linear: section.part()?, options: section.part()? }),
            _ => Self::Dre(DreSpec { network: section.part()?, train: section.part()?, reduction: section.part()? }),
        };
        section.finish()?;
        Ok(model)
    }
}
