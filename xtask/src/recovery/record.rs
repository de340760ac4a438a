//! The dated record of a whole proof.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::Options;
use super::case::CASES;
use crate::record;

/// How numbers were obtained, and what they do not show.
const NOTES: &str = include_str!("notes.md");

/// Writes `bench/records/DATE-recovery.md`; gives its path. `minutes` is how long everything took to make, where that is known.
pub(super) fn write(root: &Path, options: &Options, text: &str, minutes: Option<f64>) -> Result<PathBuf, String> {
    let mut page = record::heading(root, "recovery of simulated truths", "cargo xtask recovery")?;
    if let Some(minutes) = minutes {
        let threads = options.threads;
        let _ = write!(page, ";\nabout {minutes:.0} minutes with {threads} threads, whatever else the machine did");
    }
    page.push_str(".\n\n");
    page.push_str(&record::verbatim(text));
    page.push_str("\nThe studies:\n\n");
    for case in &CASES {
        let _ = writeln!(page, "- {}: {}. `dre simulate {}`", case.name, case.what, case.simulation(options).join(" "));
    }
    page.push('\n');
    page.push_str(NOTES);
    record::write(root, "recovery", &page)
}
