//! The dated record of a whole proof.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::Options;
use super::case::CASES;
use crate::bench::run;

/// How numbers were obtained, and what they do not show.
const NOTES: &str = include_str!("notes.md");

/// Writes `bench/records/DATE-recovery.md`; gives its path. `minutes` is how long everything took to make, where that is known.
pub(super) fn write(root: &Path, options: &Options, text: &str, minutes: Option<f64>) -> Result<PathBuf, String> {
    let line = |program: &str, args: &[&str]| {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        run(root, Path::new(program), &args).map(|text| text.trim().to_owned())
    };
    let date = line("date", &["+%F"])?;
    let commit = line("git", &["rev-parse", "--short", "HEAD"]).unwrap_or_else(|_| "unknown".to_owned());
    let changed = line("git", &["status", "--porcelain", "--untracked-files=no"]).is_ok_and(|files| !files.is_empty());
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut page = format!(
        "# {date}, recovery of simulated truths\n\nMachine: {n_cores} cores of {}. Commit {commit}{}. Command: `cargo xtask recovery`",
        model.trim_start_matches(['\t', ' ', ':']).trim().replace("  ", " "),
        if changed { " with changes" } else { "" },
    );
    if let Some(minutes) = minutes {
        let threads = options.threads;
        let _ = write!(page, ";\nabout {minutes:.0} minutes with {threads} threads, whatever else the machine did");
    }
    page.push_str(".\n\n");
    page.extend(text.lines().map(|line| format!("    {line}\n")));
    page.push_str("\nThe studies:\n\n");
    for case in &CASES {
        let _ = writeln!(page, "- {}: {}. `dre simulate {}`", case.name, case.what, case.simulation(options).join(" "));
    }
    page.push('\n');
    page.push_str(NOTES);
    let path = root.join(format!("bench/records/{date}-recovery.md"));
    fs::write(&path, page).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(path)
}
