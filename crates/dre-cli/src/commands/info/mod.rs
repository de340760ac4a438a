//! `dre info`: what a file or folder holds.

mod data_set;
mod output;
mod recording;

use std::path::Path;

use dre_io::study::StudyFile;

use super::Context;
use crate::args::InfoArgs;
use crate::error::{CliError, Result};
use crate::results;

pub(super) fn execute(args: &InfoArgs, context: &Context<'_>) -> Result<()> {
    let path = args.path.as_path();
    std::fs::metadata(path).map_err(|source| CliError::Read { path: path.to_path_buf(), source })?;
    let console = context.console;
    let results_file = results::file_in(path);
    if path.extension().is_some_and(|extension| extension == "toml") {
        console.result(study(path)?);
    } else if results_file.extension().is_some_and(|extension| extension == "json") && results_file.is_file() {
        super::show(&results::read(&results_file)?, None, console);
    } else {
        console.result(anything_else(path)?);
    }
    Ok(())
}

/// The study with every default written out.
fn study(path: &Path) -> Result<String> {
    let file = StudyFile::read(path)?;
    Ok(format!("# {} with every default written out\n\n{}", path.display(), file.study.to_toml()?.trim_end()))
}

/// What is neither a study file nor the results of a run: a cohort, a model, a checkpoint, a recording, a BIDS data set.
fn anything_else(path: &Path) -> Result<String> {
    if let Some(text) = output::describe(path)? {
        return Ok(text);
    }
    if path.is_file() || path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ds")) {
        return Ok(recording::describe(dre_io::open_recording(path)?.info()));
    }
    data_set::describe(path)
}
