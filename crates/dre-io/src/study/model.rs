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
    /// How often it is fitted.
    #[serde(flatten)]
    pub seeds: SeedSpec,
    /// What it predicts from.
    #[serde(flatten)]
    pub seen: SeenSpec,
}

/// Which features a model sees.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeenSpec {
    /// Names of features of the study; all where absent, none where empty: a model of the past alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<String>>,
}

impl SeenSpec {
    /// Whether the model is given no feature at all.
    pub fn is_none(&self) -> bool {
        self.features.as_ref().is_some_and(Vec::is_empty)
    }
}

/// Whose epochs a linear model is fitted to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PoolSpec {
    /// Whether one model is fitted to the epochs of all subjects at once, as the network is; else each subject has its own.
    pub pooled: bool,
}

/// How often a network is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeedSpec {
    /// Number of fits that differ in their seed alone: the study's, the next one, and so on. The model's prediction is the
    /// mean of theirs.
    pub n_seeds: usize,
}

impl Default for SeedSpec {
    fn default() -> Self {
        Self { n_seeds: 1 }
    }
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
    /// Whose epochs it is fitted to.
    #[serde(flatten)]
    pub pool: PoolSpec,
    /// What it predicts from.
    #[serde(flatten)]
    pub seen: SeenSpec,
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
    /// What it predicts from.
    #[serde(flatten)]
    pub seen: SeenSpec,
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
    /// Whose epochs it is fitted to.
    #[serde(flatten)]
    pub pool: PoolSpec,
    /// What it predicts from.
    #[serde(flatten)]
    pub seen: SeenSpec,
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

    /// Which features it sees.
    pub fn seen(&self) -> &SeenSpec {
        match self {
            Self::Trf(spec) => &spec.seen,
            Self::Banded(spec) => &spec.seen,
            Self::Rtrf(spec) => &spec.seen,
            Self::Dre(spec) => &spec.seen,
        }
    }

    /// Whether one linear model is fitted to all subjects at once.
    pub fn is_pooled(&self) -> bool {
        match self {
            Self::Trf(spec) => spec.pool.pooled,
            Self::Rtrf(spec) => spec.pool.pooled,
            Self::Banded(_) | Self::Dre(_) => false,
        }
    }

    /// Number of fits that differ in their seed; 1 for what is not drawn.
    pub fn n_seeds(&self) -> usize {
        if let Self::Dre(spec) = self { spec.seeds.n_seeds } else { 1 }
    }

    /// The same model given no feature, which predicts from the past alone; none for one that sees no past, and of which
    /// nothing would be left.
    pub fn past_alone(&self) -> Option<Self> {
        let mut past = self.clone();
        match &mut past {
            Self::Rtrf(spec) => {
                spec.seen.features = Some(Vec::new());
                Some(past)
            }
            Self::Dre(spec) => {
                spec.seen.features = Some(Vec::new());
                Some(past)
            }
            Self::Trf(_) | Self::Banded(_) => None,
        }
        .filter(|past| past.n_init_times() > 0)
    }

    pub(super) fn from_section(mut section: Section<'_, '_>) -> Result<Self, Fault> {
        let model = match section.choice("kind", &KINDS)? {
            "trf" => Self::Trf(TrfSpec {
                linear: section.part()?,
                options: section.part()?,
                pool: section.part()?,
                seen: section.part()?,
            }),
            "rtrf" => Self::Rtrf(RtrfSpec {
                linear: section.part()?,
                options: section.part()?,
                init: section.part()?,
                pool: section.part()?,
                seen: section.part()?,
            }),
            "banded" => {
                Self::Banded(BandedSpec { linear: section.part()?, options: section.part()?, seen: section.part()? })
            }
            _ => Self::Dre(DreSpec {
                network: section.part()?,
                train: section.part()?,
                reduction: section.part()?,
                seeds: section.part()?,
                seen: section.part()?,
            }),
        };
        section.finish()?;
        Ok(model)
    }
}
