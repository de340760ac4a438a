//! What can go wrong in the program.

use std::io;
use std::path::PathBuf;

use dre_io::bids::BidsError;
use dre_io::pipeline::PipelineError;
use dre_io::store::{MANIFEST_FILE, RUN_FILE, StoreError};
use dre_io::study::StudyError;

/// A result whose error is [`CliError`].
pub(crate) type Result<T> = std::result::Result<T, CliError>;

/// An error that ends the program.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error(transparent)]
    Study(#[from] StudyError),
    #[error(transparent)]
    Dre(#[from] dre::Error),
    #[error("{}: the study does not say where its data are", file.display())]
    NoData { file: PathBuf },
    #[error("{}: no such folder", path.display())]
    NoFolder { path: PathBuf },
    #[error("{}: the study has no model `{name}`; it has {known}", file.display())]
    UnknownModel { file: PathBuf, name: String, known: String },
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is not a results file of this program", path.display())]
    ResultsSyntax { path: PathBuf, source: serde_json::Error },
    #[error("{} has format {found}; this program reads {}", path.display(), dre::results::RESULTS_FORMAT)]
    ResultsFormat { path: PathBuf, found: u64 },
    #[error("{}: neither a study file, a run's folder, nor anything else that dre writes", path.display())]
    Unknown { path: PathBuf },
    #[error("`{name}` is neither a kind of feature nor a study file; kinds are {known}")]
    UnknownKind { name: String, known: String },
    #[error("{}: no audit.json; `dre fit` writes it, and `dre audit STUDY.toml` makes one of a prepared cohort", path.display())]
    NoAudit { path: PathBuf },
    #[error("the sets are not apart: {findings}")]
    Leaks { findings: String },
    #[error("the audit cannot be written as JSON")]
    Json { source: serde_json::Error },
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    #[error(transparent)]
    Recording(#[from] dre_io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Bids(#[from] BidsError),
    #[error(transparent)]
    Report(#[from] dre_report::Error),
    #[error("{}: is there already", path.display())]
    Exists { path: PathBuf },
    #[error("{}: its name does not end in .fif, and FIF is what is written", path.display())]
    NotFif { path: PathBuf },
    #[error("{}: is part of the recording that is read", path.display())]
    OwnFile { path: PathBuf },
    #[error("{}: nothing that dre wrote is there ({MANIFEST_FILE} or {RUN_FILE} would say so)", path.display())]
    NothingToVerify { path: PathBuf },
    #[error("{n_faults} of {n_files} files are not as they were written")]
    Damaged { n_faults: usize, n_files: usize },
    #[error("--out {}: is a file, not a folder", path.display())]
    OutIsFile { path: PathBuf },
    #[error("{}: is there and was not written by the demo", path.display())]
    NotTheDemos { path: PathBuf },
    #[error("{}: is there and was not written by `dre simulate` of this version", path.display())]
    NotSimulated { path: PathBuf },
    #[error("{}: no such file", path.display())]
    NoResults { path: PathBuf },
    #[error("there is no figure `{name}`; there are {known}")]
    UnknownFigure { name: String, known: String },
    #[error("figure {name}: {reason}")]
    Figure { name: String, reason: String },
    #[error("the results could not be written to the standard output: {reason}")]
    Output { reason: String },
    #[error("stopped; nothing was written")]
    Stopped,
    #[error("cannot listen for Ctrl-C")]
    Signal(#[source] io::Error),
}

impl CliError {
    /// What the user can do, where the message does not say it already.
    pub(crate) fn advice(&self) -> Option<String> {
        match self {
            Self::NoData { .. } => Some("give --data DIR, or write `bids = \"DIR\"` below [data]".to_owned()),
            Self::NoResults { .. } => {
                Some("`dre run` or `dre evaluate` writes results.json into a run's folder; name that folder".to_owned())
            }
            Self::NotFif { .. } | Self::OwnFile { .. } => Some("name another file, such as recording_raw.fif".to_owned()),
            Self::Damaged { .. } => Some(
                "restore them, or delete the folder that each lies in and run `dre run` again, which makes what is missing"
                    .to_owned(),
            ),
            Self::Exists { .. } => Some("choose another file, or give --force to replace it".to_owned()),
            Self::OutIsFile { .. } => Some("choose another name for the folder".to_owned()),
            Self::NotSimulated { .. } | Self::NotTheDemos { .. } => Some("choose another folder with --out".to_owned()),
            Self::NoFolder { .. } => Some("check the path; it is relative to the working folder".to_owned()),
            Self::ResultsSyntax { .. } => Some("run `dre evaluate` to write it again".to_owned()),
            Self::ResultsFormat { found, .. } if *found > u64::from(dre::results::RESULTS_FORMAT) => {
                Some("it was written by a newer version; update dre".to_owned())
            }
            Self::ResultsFormat { .. } => Some(
                "it was written by an older version; `dre evaluate STUDY.toml` writes it again from the fitted models"
                    .to_owned(),
            ),
            Self::Pipeline(PipelineError::Stopped { .. }) => {
                Some("the same command with --resume continues from there".to_owned())
            }
            _ => None,
        }
    }

    /// The program's exit status.
    pub(crate) fn exit_status(&self) -> u8 {
        match self {
            Self::Pipeline(PipelineError::Stopped { .. } | PipelineError::Cancelled) | Self::Stopped => {
                crate::interrupt::EXIT_STATUS
            }
            _ => 1,
        }
    }
}
