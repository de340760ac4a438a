//! Ablations: a network of the study with one thing changed.

use dre::Error;
use dre::nn::{Loss, Precision};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{DreSpec, ModelSpec, Study};

/// Which network is changed, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AblateSpec {
    /// Name of the model of kind `dre`; the first of the study where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Changes by name: those of [`AblateSpec::BUILT_IN`] and of `changes`.
    pub variants: Vec<String>,
    /// More changes, as keys of the model's table with their new values.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub changes: IndexMap<String, DreChange>,
}

impl Default for AblateSpec {
    /// The paper's four.
    fn default() -> Self {
        let variants = Self::BUILT_IN.map(|(name, _)| name.to_owned()).to_vec();
        Self { model: None, variants, changes: IndexMap::new() }
    }
}

/// New values of some keys of a network's table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DreChange {
    /// [`dre::nn::NetworkConfig::n_init_times`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_init_times: Option<usize>,
    /// [`dre::nn::NetworkConfig::subject_dim`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_dim: Option<usize>,
    /// [`dre::nn::NetworkConfig::conv_layers`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conv_layers: Option<usize>,
    /// [`dre::nn::NetworkConfig::kernel`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<usize>,
    /// [`dre::nn::NetworkConfig::stride`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stride: Option<usize>,
    /// [`dre::nn::NetworkConfig::conv_filters`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conv_filters: Option<usize>,
    /// [`dre::nn::NetworkConfig::lstm_layers`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lstm_layers: Option<usize>,
    /// [`dre::nn::NetworkConfig::lstm_hidden`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lstm_hidden: Option<usize>,
    /// [`super::ReductionSpec::n_components`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_components: Option<usize>,
    /// [`dre::nn::TrainConfig::lr`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lr: Option<f64>,
    /// [`dre::nn::TrainConfig::batch_size`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<usize>,
    /// [`dre::nn::TrainConfig::n_passes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_passes: Option<usize>,
    /// [`dre::nn::TrainConfig::loss`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,
    /// [`dre::nn::TrainConfig::precision`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
}

/// Makes a change out of one field.
type Build = fn() -> DreChange;

impl AblateSpec {
    /// The ablations of Chehab et al. 2021: without convolutions, without the init window, without the subject embedding, on
    /// 40 principal components.
    pub const BUILT_IN: [(&'static str, Build); 4] = [
        ("no-conv", || DreChange { conv_layers: Some(0), ..DreChange::default() }),
        ("no-init", || DreChange { n_init_times: Some(0), ..DreChange::default() }),
        ("no-subject", || DreChange { subject_dim: Some(0), ..DreChange::default() }),
        ("pca-40", || DreChange { n_components: Some(40), ..DreChange::default() }),
    ];

    /// Name and settings of the network that is changed.
    ///
    /// # Errors
    /// [`Error::Setting`] where the study has no such network.
    pub fn base<'a>(&'a self, study: &'a Study) -> dre::Result<(&'a str, &'a DreSpec)> {
        let networks = study.models.iter().filter_map(|(name, spec)| match spec {
            ModelSpec::Dre(spec) => Some((name.as_str(), spec)),
            _ => None,
        });
        let found = networks.clone().find(|(name, _)| self.model.as_deref().is_none_or(|wanted| wanted == *name));
        found.ok_or_else(|| {
            let names: Vec<&str> = networks.map(|(name, _)| name).collect();
            Error::Setting {
                name: "ablate.model".to_owned(),
                found: self.model.as_ref().map_or_else(|| "none".to_owned(), |name| format!("`{name}`")),
                expected: if names.is_empty() {
                    "a model of kind \"dre\" in the study".to_owned()
                } else {
                    format!("a model of kind \"dre\": {}", names.join(", "))
                },
            }
        })
    }

    /// The changed network of a variant.
    ///
    /// # Errors
    /// [`Error::Setting`] where there is no such variant, or it changes nothing.
    pub fn variant(&self, base: &DreSpec, name: &str) -> dre::Result<DreSpec> {
        let built_in = Self::BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, change)| change());
        let Some(change) = self.changes.get(name).cloned().or(built_in) else {
            let known = Self::BUILT_IN.iter().map(|(name, _)| *name).chain(self.changes.keys().map(String::as_str));
            return Err(Error::Setting {
                name: "ablate.variants".to_owned(),
                found: format!("`{name}`"),
                expected: format!(
                    "one of {}; a table [ablate.changes.{name}] makes it one",
                    known.collect::<Vec<_>>().join(", ")
                ),
            });
        };
        let changed = change.applied(base);
        if changed == *base {
            return Err(Error::Setting {
                name: "ablate.variants".to_owned(),
                found: format!("`{name}`, which changes nothing"),
                expected: "a variant that differs from the model".to_owned(),
            });
        }
        Ok(changed)
    }
}

impl DreChange {
    fn applied(&self, base: &DreSpec) -> DreSpec {
        fn set<T: Copy>(place: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *place = value;
            }
        }
        let mut spec = base.clone();
        let network = &mut spec.network;
        set(&mut network.n_init_times, self.n_init_times);
        set(&mut network.subject_dim, self.subject_dim);
        set(&mut network.conv_layers, self.conv_layers);
        set(&mut network.kernel, self.kernel);
        set(&mut network.stride, self.stride);
        set(&mut network.conv_filters, self.conv_filters);
        set(&mut network.lstm_layers, self.lstm_layers);
        set(&mut network.lstm_hidden, self.lstm_hidden);
        set(&mut spec.reduction.n_components, self.n_components);
        set(&mut spec.train.lr, self.lr);
        set(&mut spec.train.batch_size, self.batch_size);
        set(&mut spec.train.n_passes, self.n_passes);
        set(&mut spec.train.loss, self.loss);
        set(&mut spec.train.precision, self.precision);
        spec
    }
}
