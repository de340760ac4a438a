//! `results.json`: where it is, and reading it.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use dre::results::{RESULTS_FORMAT, Results};
use dre_io::pipeline::read_state_maps;
use serde_json::Value;

use crate::error::{CliError, Result};

/// Name of the file in a run's folder.
pub(crate) const FILE_NAME: &str = "results.json";

/// The results file that a path means: itself, or the one in the folder.
pub(crate) fn file_in(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(FILE_NAME) } else { path.to_path_buf() }
}

/// Reads results with what lies beside them. The format is looked at first, since another one need not fit.
pub(crate) fn read(path: &Path) -> Result<Results> {
    let file = File::open(path).map_err(|source| CliError::Read { path: path.to_path_buf(), source })?;
    let syntax = |source| CliError::ResultsSyntax { path: path.to_path_buf(), source };
    let value: Value = serde_json::from_reader(BufReader::new(file)).map_err(syntax)?;
    match value.get("format").and_then(Value::as_u64) {
        Some(found) if found != u64::from(RESULTS_FORMAT) => {
            Err(CliError::ResultsFormat { path: path.to_path_buf(), found })
        }
        _ => {
            let mut results = serde_json::from_value(value).map_err(syntax)?;
            read_state_maps(path.parent().unwrap_or(Path::new(".")), &mut results)?;
            Ok(results)
        }
    }
}
