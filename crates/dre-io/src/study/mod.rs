//! The study file: one TOML text that says which data, how they are prepared, and which models are compared.
//!
//! Every key has a default or is named in the error when it is missing; every key that is not known is refused with the
//! nearest one that is. See `examples/p300.toml` for a complete file.

mod ablate;
mod de;
mod error;
mod events;
mod init_window;
mod model;
mod picks;
mod section;
mod validate;

use std::io;
use std::path::{Path, PathBuf};

use dre::data::{AuditSpec, ChannelType, CleaningSpec, EpochSpec, SplitSpec};
use dre::features::{FeatureSpec, FeatureValue};
use dre::importance::ImportanceSpec;
use dre::linear::DecodeConfig;
use dre::metrics::WindowSpec;
use dre::signal::PrepareSpec;
use dre::state::StateSpec;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

pub use ablate::{AblateSpec, DreChange};
pub use error::StudyError;
pub use events::{EventSource, TriggerSpec};
pub use model::{
    BandedSpec, DreSpec, InitSpec, ModelSpec, PoolSpec, ReductionSpec, RtrfSpec, SeedSpec, SeenSpec, TrfSpec,
};
use section::Section;

/// Everything that a study file says, defaults filled in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Study {
    /// Name of the study: letters, digits, `-`, `_` and `.`, since folders are named after it.
    pub name: String,
    /// Seed of everything random: initial weights, order of the batches.
    pub seed: u64,
    /// Which recordings.
    pub data: DataSpec,
    /// How recordings are prepared.
    pub prepare: PrepareSpec,
    /// Which stretch around each event is an epoch.
    pub epochs: EpochSpec,
    /// How epochs are divided into training, validation and test sets.
    pub split: SplitSpec,
    /// How data are scaled and what is left out.
    pub cleaning: CleaningSpec,
    /// What the audit of the sets looks at.
    pub audit: AuditSpec,
    /// Stimulus features, in the order of the file.
    pub features: Vec<FeatureSpec>,
    /// What is scored and shown.
    pub report: ReportSpec,
    /// What is permuted to learn what predictions rest on; nothing where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub importance: Option<ImportanceSpec>,
    /// Responses by brain state; none where the table is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<StateSpec>,
    /// Backward models, which tell features from data; none where the table is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decode: Option<DecodeConfig>,
    /// What `dre ablate` changes; the paper's ablations where the table is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ablate: Option<AblateSpec>,
    /// Models by name, in the order of the file; those of the past alone that [`ReportSpec::past_alone`] adds come last.
    pub models: IndexMap<String, ModelSpec>,
}

/// Which recordings of a data set are used. An empty list leaves nothing out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataSpec {
    /// Root of the BIDS data set; in a study file, relative to that file. `--data` replaces it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bids: Option<PathBuf>,
    /// Name of the folder below `derivatives` whose recordings are used in place of the raw ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub derivatives: Option<String>,
    /// Task label without `task-`; all tasks where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Subject labels, with or without `sub-`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<String>,
    /// Session labels, with or without `ses-`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<String>,
    /// Run labels, with or without `run-`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<String>,
    /// Labels of acquisitions, with or without `acq-`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub acquisitions: Vec<String>,
    /// Labels of ways of processing, with or without `proc-`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub processings: Vec<String>,
    /// Labels of recordings of one run, with or without `recording-`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recordings: Vec<String>,
    /// Labels of coordinate systems, with or without `space-`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spaces: Vec<String>,
    /// Labels of descriptions, with or without `desc-`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub descriptions: Vec<String>,
    /// Where events come from.
    #[serde(skip_serializing_if = "EventSource::is_default")]
    pub events: EventSource,
    /// Folder of the logs of `events = "mous"`; in a study file, relative to that file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logs: Option<PathBuf>,
    /// How events are found in trigger channels, for `events = "triggers"`.
    #[serde(skip_serializing_if = "TriggerSpec::is_default")]
    pub triggers: TriggerSpec,
    /// Channel types that are predicted. In a study file `meg` stands for `mag` and `grad`; MEG reference channels and
    /// triggers are no data.
    #[serde(deserialize_with = "picks::read")]
    pub picks: Vec<ChannelType>,
    /// Which channels count where recordings do not have the same good ones.
    pub channels: ChannelSet,
    /// Names of channels that are left out, beside those that `channels.tsv` marks as bad.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
}

impl Default for DataSpec {
    /// All recordings; magnetometers, gradiometers and EEG, whichever there are.
    fn default() -> Self {
        Self {
            bids: None,
            derivatives: None,
            task: None,
            subjects: Vec::new(),
            sessions: Vec::new(),
            runs: Vec::new(),
            acquisitions: Vec::new(),
            processings: Vec::new(),
            recordings: Vec::new(),
            spaces: Vec::new(),
            descriptions: Vec::new(),
            events: EventSource::default(),
            logs: None,
            triggers: TriggerSpec::default(),
            picks: vec![ChannelType::Mag, ChannelType::Grad, ChannelType::Eeg],
            channels: ChannelSet::All,
            exclude: Vec::new(),
        }
    }
}

/// Which channels of a data set count. Recordings are matched by the channels' names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelSet {
    /// All that are good in any recording; where one is bad or absent, it is masked in input, loss and scores.
    #[default]
    All,
    /// Those that are good in every recording; the others are left out and named.
    Common,
}

/// What is scored and shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReportSpec {
    /// Column of the events; evoked responses are shown for each of its values. One mean over all epochs where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Column of the events that says which stimulus an event is: from epochs with the same text in it the noise ceiling is
    /// estimated. None is where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeats: Option<String>,
    /// First time (s) that counts for the mean score; what any model of the study is shown never does.
    pub score_from: f64,
    /// Whether each model with an init window is also fitted without any feature, under its name and `-past`: how much
    /// better the model with features predicts is what the stimulus adds to the brain's own past.
    pub past_alone: bool,
    /// Channels and times that are scored by themselves, beside the mean over everything.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<WindowSpec>,
}

impl Default for ReportSpec {
    fn default() -> Self {
        Self { condition: None, repeats: None, score_from: 0.0, past_alone: true, windows: Vec::new() }
    }
}

/// What is put behind a model's name to call its fit without features.
const PAST: &str = "-past";

impl Study {
    /// Reads the text of a study file. `file` is what messages call it; relative paths in the text stay relative.
    ///
    /// # Errors
    /// Whatever is wrong with the text, with its line; settings that make no sense, as in [`Study::validate`].
    pub fn parse(text: &str, file: &Path) -> Result<Self, StudyError> {
        let document = toml::de::DeTable::parse(text).map_err(|e| error::syntax(&e, text, file))?;
        let mut study = Self::from_section(Section::root(&document)).map_err(|f| f.in_file(text, file))?;
        study.add_past_alone();
        study.validate().map_err(|refused| error::setting(refused, &document, text, file))?;
        Ok(study)
    }

    fn from_section(mut root: Section<'_, '_>) -> Result<Self, de::Fault> {
        let study = Self {
            name: root.required("name")?,
            seed: root.optional("seed")?,
            data: root.optional("data")?,
            prepare: root.optional("prepare")?,
            epochs: root.required("epochs")?,
            split: root.optional("split")?,
            cleaning: root.optional("cleaning")?,
            audit: root.optional("audit")?,
            features: root.optional("features")?,
            report: root.optional("report")?,
            importance: root.optional("importance")?,
            state: root.optional("state")?,
            decode: root.optional("decode")?,
            ablate: root.optional("ablate")?,
            models: root
                .sections("models")?
                .into_iter()
                .map(|(name, section)| Ok((name, ModelSpec::from_section(section)?)))
                .collect::<Result<_, de::Fault>>()?,
        };
        root.finish()?;
        Ok(study)
    }

    /// Adds the fits without features that [`ReportSpec::past_alone`] stands for, where the study has none like them.
    fn add_past_alone(&mut self) {
        if !self.report.past_alone || self.features.is_empty() {
            return;
        }
        let models: Vec<(String, ModelSpec)> = self.models.iter().map(|(n, m)| (n.clone(), m.clone())).collect();
        for (name, model) in models.iter().filter(|(_, model)| !model.seen().is_none()) {
            let Some(past) = model.past_alone() else { continue };
            let place = format!("{name}{PAST}");
            // A model of that name that is another one stays what it is.
            if self.without_features(name).is_none() && !self.models.contains_key(&place) {
                self.models.insert(place, past);
            }
        }
    }

    /// The model of the study that is as this one but is given no feature.
    pub fn without_features(&self, name: &str) -> Option<&str> {
        let past = self.models.get(name)?.past_alone()?;
        self.models.iter().find(|(other, model)| *other != name && **model == past).map(|(other, _)| other.as_str())
    }

    /// The study as a file that [`Study::parse`] reads back to an equal value, every default written out.
    ///
    /// # Errors
    /// [`StudyError::Write`] where a path is not valid UTF-8.
    pub fn to_toml(&self) -> Result<String, StudyError> {
        toml::to_string(self).map_err(StudyError::Write)
    }
}

/// A study file as it lies on the disk.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its text as it was read, for the record of where results come from.
    pub text: String,
    /// What it says; paths are no longer relative to the file but to the working folder, or absolute.
    pub study: Study,
}

impl StudyFile {
    /// Reads a study file.
    ///
    /// # Errors
    /// [`StudyError::Read`] where the file cannot be read or is not UTF-8, else as [`Study::parse`].
    pub fn read(path: &Path) -> Result<Self, StudyError> {
        let text = crate::files::read(path)
            .and_then(|bytes| String::from_utf8(bytes).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e)))
            .map_err(|source| StudyError::Read { file: path.to_path_buf(), source })?;
        let mut study = Study::parse(&text, path)?;
        let data = &mut study.data;
        for place in [&mut data.bids, &mut data.logs].into_iter().flatten() {
            *place = path.parent().unwrap_or(Path::new("")).join(&*place);
        }
        for feature in &mut study.features {
            if let (FeatureValue::Zipf { lexicon, .. }, Some(folder)) = (&mut feature.value, path.parent()) {
                *lexicon = folder.join(&*lexicon).to_string_lossy().into_owned();
            }
        }
        Ok(Self { path: path.to_path_buf(), text, study })
    }
}
