//! The steps of a study, from folders to folders. Each is one subcommand; `dre run` does them in turn.

use std::path::{Path, PathBuf};

use dre::results::Results;
use dre::simulate::Simulation;
use dre_io::study::Study;

use crate::commands::Context;
use crate::error::{CliError, Result};

/// A study with the command line's answers filled in.
#[derive(Debug)]
pub(crate) struct Job {
    /// What to do.
    pub(crate) study: Study,
    /// The study file's text as it was read.
    pub(crate) text: String,
    /// Root of the BIDS data set; it exists.
    pub(crate) data: PathBuf,
    /// Folder for everything that is written; it may not exist yet.
    pub(crate) out: PathBuf,
    /// Number of threads.
    pub(crate) n_threads: usize,
    /// Continue interrupted fits.
    pub(crate) resume: bool,
    /// Do again what is up to date.
    pub(crate) force: bool,
    /// Names of the models to fit, in the order of the study file.
    pub(crate) models: Vec<String>,
}

/// Prepares the recordings; gives the cohort's folder.
pub(crate) fn prepare(job: &Job, context: &Context<'_>) -> Result<PathBuf> {
    Err(CliError::NotBuilt("prepare"))
}

/// Fits `job.models` on the prepared cohort; gives the folder that holds the models.
pub(crate) fn fit(job: &Job, context: &Context<'_>) -> Result<PathBuf> {
    Err(CliError::NotBuilt("fit"))
}

/// Scores the fitted models and writes `results.json`.
pub(crate) fn evaluate(job: &Job, context: &Context<'_>) -> Result<Results> {
    Err(CliError::NotBuilt("evaluate"))
}

/// Writes the report into the folder; gives the page's path.
pub(crate) fn report(results: &Results, folder: &Path) -> Result<PathBuf> {
    Err(CliError::NotBuilt("report"))
}

/// Writes simulated recordings as a BIDS data set into a folder that may exist.
pub(crate) fn write_bids(simulation: &Simulation, folder: &Path) -> Result<()> {
    Err(CliError::NotBuilt("writing BIDS"))
}

/// Says what a folder or file holds that is neither a study file nor the results of a run: a BIDS data set, a cohort, a
/// checkpoint.
pub(crate) fn describe(path: &Path) -> Result<String> {
    Err(CliError::Unknown { path: path.to_path_buf() })
}
