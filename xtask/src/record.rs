//! Dated records of what was measured.

use std::fs;
use std::path::{Path, PathBuf};

use crate::bench::run;

/// Starts a record: date, machine, commit and command. `what` is its title, such as `a training step`.
///
/// # Errors
/// Where the system does not tell the date.
pub(crate) fn heading(root: &Path, what: &str, command: &str) -> Result<String, String> {
    let commit = line(root, "git", &["rev-parse", "--short", "HEAD"]).unwrap_or_else(|_| "unknown".to_owned());
    let status = line(root, "git", &["status", "--porcelain", "--untracked-files=no"]);
    let changed = if status.is_ok_and(|files| !files.is_empty()) { " with changes" } else { "" };
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(format!(
        "# {}, {what}\n\nMachine: {n_cores} cores of {}. Commit {commit}{changed}. Command: `{command}`",
        today(root)?,
        model.trim_start_matches(['\t', ' ', ':']).trim().replace("  ", " "),
    ))
}

/// Writes `bench/records/DATE-NAME.md`; gives its path.
pub(crate) fn write(root: &Path, name: &str, page: &str) -> Result<PathBuf, String> {
    let path = root.join(format!("bench/records/{}-{name}.md", today(root)?));
    fs::write(&path, page).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(path)
}

/// Says where a record is, or why there is none; whether there is one.
pub(crate) fn tell(written: Result<PathBuf, String>) -> bool {
    match written {
        Ok(path) => {
            crate::say(&format!("Record: {}", path.display()));
            true
        }
        Err(message) => {
            crate::say(&format!("error: {message}"));
            false
        }
    }
}

/// Text as Markdown shows it unchanged.
pub(crate) fn verbatim(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("    {line}\n") }).collect()
}

/// The machine's load over the last minute, where the system tells.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().filter(|first| !first.is_empty()).unwrap_or("unknown").to_owned()
}

fn today(root: &Path) -> Result<String, String> {
    line(root, "date", &["-u", "+%F"])
}

fn line(root: &Path, program: &str, args: &[&str]) -> Result<String, String> {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    run(root, Path::new(program), &args).map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_says_where_and_how() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let found = heading(root, "a trial", "cargo xtask trial").expect("a date");
        assert!(found.starts_with("# 2") && found.contains(", a trial\n\nMachine: "), "{found}");
        assert!(found.ends_with("Command: `cargo xtask trial`"), "{found}");
        assert_eq!(verbatim("a\n\nb"), "    a\n\n    b\n");
    }
}
