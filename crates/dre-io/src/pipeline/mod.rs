//! The steps of a study, from folders to folders: prepare, fit, evaluate, importance, brain states.
//!
//! Each step looks first whether what it would make is there and up to date.

mod ablate;
mod adapt;
mod channels;
mod check;
mod decode;
mod evaluate;
mod events;
mod fit;
mod floor;
mod importance;
mod inputs;
mod linear;
mod prepare;
mod segments;
mod state;
mod stimulus;

use std::ops::ControlFlow;
use std::path::PathBuf;

use dre::Stop;
use dre::nn::Progress;
use dre::results::PassRecord;

use crate::study::Study;

pub use ablate::{ABLATION_FOLDER, ablation};
pub use adapt::{ADAPT_FOLDER, AdaptRequest, adapt};
pub use evaluate::{RESULTS_FILE, evaluate};
pub use events::open_described;
pub use fit::{MODELS_FOLDER, audit, fit};
pub use importance::{IMPORTANCE_FOLDER, importance};
pub use prepare::{COHORT_FOLDER, open_prepared, prepare, summarise_features};
pub use state::{STATE_FOLDER, read_state_maps, state};

/// Name of the report in a run's folder.
pub const REPORT_FILE: &str = "report.html";

/// A study with all that a run of it needs.
#[derive(Clone, Debug)]
pub struct Job {
    /// What to do.
    pub study: Study,
    /// The study file's text as it was read.
    pub text: String,
    /// Root of the BIDS data set.
    pub data: PathBuf,
    /// Folder for everything that is written; it may not exist yet.
    pub out: PathBuf,
    /// Number of threads.
    pub n_threads: usize,
    /// Continue interrupted fits.
    pub resume: bool,
    /// Do again what is up to date.
    pub force: bool,
    /// Names of the models to fit and score, in the order of the study file.
    pub models: Vec<String>,
}

impl Job {
    /// Whether all models of the study are asked for, and with them what is about the study as a whole.
    pub(crate) fn is_whole(&self) -> bool {
        self.models.len() == self.study.models.len()
    }
}

/// Who watches a run.
pub trait Monitor {
    /// A step begins or has ended: a verb and what it is about.
    fn step(&self, verb: &str, text: &str);

    /// Something that the user should know although the work goes on.
    fn warn(&self, text: &str);

    /// Something that only the curious want to know.
    fn detail(&self, _text: &str) {}

    /// Who may stop work that takes long and is lost if it is; asked for anew for each piece of work.
    fn stop(&self) -> Stop {
        Stop::never()
    }

    /// Whether to stop at the next place where nothing is lost.
    fn stop_requested(&self) -> bool {
        self.stop().is_asked()
    }

    /// A model starts to train: its name, passes in all and done, epochs per pass, samples per epoch.
    fn training(&mut self, _model: &str, _passes: (usize, usize), _n_epochs: usize, _n_times: usize) {}

    /// After each batch.
    fn on_batch(&mut self, _progress: &Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// After each pass.
    fn on_pass(&mut self, _record: &PassRecord) {}

    /// The training that [`Monitor::training`] announced has ended.
    fn trained(&mut self) {}

    /// Inputs of a model start to be permuted: its name, and the number of permuted epochs to come.
    fn permuting(&mut self, _model: &str, _n_epochs: usize) {}

    /// After each batch, the number of permuted epochs so far.
    fn on_permuted(&mut self, _n_epochs: usize) {}

    /// The work that [`Monitor::permuting`] announced has ended.
    fn permuted(&mut self) {}
}

/// What can go wrong in a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// Recordings.
    #[error(transparent)]
    Recording(crate::Error),
    /// The BIDS data set.
    #[error(transparent)]
    Bids(#[from] crate::bids::BidsError),
    /// The program's own files.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// The science.
    #[error(transparent)]
    Dre(dre::Error),
    /// The science, on one recording.
    #[error("{recording}: {source}")]
    InRecording {
        /// Recording.
        recording: String,
        /// What went wrong.
        source: dre::Error,
    },
    /// The science, on one model.
    #[error("{model}: {source}")]
    InModel {
        /// Name of the model, or of several that are fitted together.
        model: String,
        /// What went wrong.
        source: Box<dre::Error>,
    },
    /// A channel is not of the same type in all recordings.
    #[error(
        "{recording}: channel {channel} is of type {found}, in {first} of type {expected}; correct channels.tsv, or leave the \
         channel out with data.exclude"
    )]
    ChannelTypeDiffers {
        /// The first recording.
        first: String,
        /// The one that differs.
        recording: String,
        /// Name of the channel.
        channel: String,
        /// Its type there.
        found: &'static str,
        /// Its type in the first.
        expected: &'static str,
    },
    /// A file of the data set was changed while it was read.
    #[error(
        "{}: was changed while it was read, so that nobody can say what was made of it; wait until nothing writes to the data set, \
         then run the same command again",
        path.display()
    )]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// No channel is good in all recordings.
    #[error(
        "no channel is good in all {n_recordings} recordings, as data.channels = \"common\" asks; say \"all\" to mask what \
         is missing"
    )]
    NothingInCommon {
        /// Number of recordings.
        n_recordings: usize,
    },
    /// A model that is fitted per subject cannot predict one that is held out.
    #[error(
        "model `{model}` (kind {kind}) is fitted for each subject by itself and cannot predict {subjects}, held out by \
         split.method = \"subjects\"; leave it out of the study, or fit the others with --model"
    )]
    HeldOut {
        /// Name of the model.
        model: String,
        /// Its kind.
        kind: &'static str,
        /// The subjects.
        subjects: String,
    },
    /// A decoder that is fitted per subject cannot tell anything of one that is held out.
    #[error(
        "[decode]: a backward model is fitted for each subject by itself and cannot tell features of {subjects}, held out by \
         split.method = \"subjects\"; remove [decode], or split by another method"
    )]
    HeldOutDecoder {
        /// The subjects.
        subjects: String,
    },
    /// No channel is left.
    #[error("{recording}: no channel of type {picks} that is good and not excluded; it has {found}")]
    NoChannels {
        /// Recording.
        recording: String,
        /// Types asked for.
        picks: String,
        /// What there is.
        found: String,
    },
    /// Recordings do not have the same sampling frequency.
    #[error(
        "{recording} is sampled at {found} Hz, {first} at {expected} Hz; leave one kind out, or resample the recordings first"
    )]
    SfreqDiffers {
        /// The first recording.
        first: String,
        /// The one that differs.
        recording: String,
        /// Its frequency (Hz).
        found: f64,
        /// The first one's (Hz).
        expected: f64,
    },
    /// A checkpoint is there and the user has not said what to do with it.
    #[error(
        "{}: a fit of model `{model}` was interrupted after {passes} passes; continue it with --resume or start again with --force",
        path.display()
    )]
    Interrupted {
        /// The checkpoint.
        path: PathBuf,
        /// Name of the model.
        model: String,
        /// Passes done.
        passes: usize,
    },
    /// A checkpoint of another configuration.
    #[error(
        "{}: the checkpoint was made with another configuration ({difference}); undo the change, or start again with --force",
        path.display()
    )]
    OtherConfiguration {
        /// The checkpoint.
        path: PathBuf,
        /// What differs.
        difference: String,
    },
    /// The user stopped a fit; its checkpoint is saved.
    #[error("stopped; the checkpoint is saved in {}", checkpoint.display())]
    Stopped {
        /// The checkpoint.
        checkpoint: PathBuf,
    },
    /// The user stopped between two steps; nothing is half-done.
    #[error("stopped; what was finished is kept")]
    Cancelled,
    /// A step before this one has not been done.
    #[error("{} is not there or not up to date with the study; run `dre {step}` first", path.display())]
    Missing {
        /// What is missing.
        path: PathBuf,
        /// The step that makes it.
        step: &'static str,
    },
}

impl From<crate::Error> for PipelineError {
    fn from(source: crate::Error) -> Self {
        match source {
            crate::Error::Dre(dre::Error::Stopped) => Self::Cancelled,
            source => Self::Recording(source),
        }
    }
}

impl From<dre::Error> for PipelineError {
    fn from(source: dre::Error) -> Self {
        match source {
            dre::Error::Stopped => Self::Cancelled,
            source => Self::Dre(source),
        }
    }
}

/// A result whose error is [`PipelineError`].
pub type Result<T> = std::result::Result<T, PipelineError>;

/// The paths at which two JSON values differ, such as `training.lr: 0.001 → 0.0001`; the first few.
fn difference(old: &serde_json::Value, new: &serde_json::Value) -> String {
    fn walk(path: &str, old: &serde_json::Value, new: &serde_json::Value, out: &mut Vec<String>) {
        match (old, new) {
            (serde_json::Value::Object(a), serde_json::Value::Object(b)) => {
                let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
                for key in keys {
                    let null = serde_json::Value::Null;
                    let at = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    walk(&at, a.get(key).unwrap_or(&null), b.get(key).unwrap_or(&null), out);
                }
            }
            _ if old != new => out.push(format!("{path}: {old} → {new}")),
            _ => {}
        }
    }
    let mut out = Vec::new();
    walk("", old, new, &mut out);
    let more = out.len().saturating_sub(4);
    out.truncate(4);
    if more > 0 {
        out.push(format!("and {more} more"));
    }
    out.join("; ")
}
