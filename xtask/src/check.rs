//! A check: a command that must succeed, or the reason why it is not run.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// What became of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed,
    Skipped(String),
}

/// A check that was run, for the summary.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    pub(crate) name: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) time: Duration,
}

/// Runs a check and says so.
pub(crate) fn run(name: &'static str, check: impl FnOnce() -> Outcome) -> Finished {
    crate::say(&format!("\n── {name} ──"));
    let start = Instant::now();
    let outcome = check();
    Finished { name, outcome, time: start.elapsed() }
}

/// Runs a command in a folder, its output shown as it comes. `environment` adds variables.
pub(crate) fn command(folder: &Path, line: &[&str], environment: &[(&str, &str)]) -> Outcome {
    crate::say(&format!("$ {}", line.join(" ")));
    let [program, args @ ..] = line else { return Outcome::Skipped("no command".to_owned()) };
    match Command::new(program).args(args).envs(environment.iter().copied()).current_dir(folder).status() {
        Ok(status) if status.success() => Outcome::Passed,
        Ok(_) => Outcome::Failed,
        Err(error) => {
            crate::say(&format!("cannot start {program}: {error}"));
            Outcome::Failed
        }
    }
}

/// Whether a command starts and succeeds; its output is thrown away.
pub(crate) fn available(line: &[&str]) -> bool {
    let [program, args @ ..] = line else { return false };
    Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
}

/// A table of all checks; whether none failed.
pub(crate) fn summary(checks: &[Finished]) -> (String, bool) {
    let width = checks.iter().map(|c| c.name.len()).max().unwrap_or(0);
    let mut text = "\n── summary ──\n".to_owned();
    for Finished { name, outcome, time } in checks {
        let seconds = time.as_secs_f64();
        let line = match outcome {
            Outcome::Passed => format!("passed   {name:<width$}  {seconds:6.1} s"),
            Outcome::Failed => format!("FAILED   {name:<width$}  {seconds:6.1} s"),
            Outcome::Skipped(reason) => format!("skipped  {name:<width$}  {reason}"),
        };
        text.push_str(&line);
        text.push('\n');
    }
    (text, checks.iter().all(|c| c.outcome != Outcome::Failed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_fails_all_and_a_skipped_check_does_not() {
        let finished = |outcome| Finished { name: "lints", outcome, time: Duration::from_millis(1500) };
        let skipped = finished(Outcome::Skipped("not installed".to_owned()));
        let (text, passed) = summary(&[finished(Outcome::Passed), skipped.clone()]);
        assert!(passed);
        assert_eq!(text, "\n── summary ──\npassed   lints     1.5 s\nskipped  lints  not installed\n");
        assert!(!summary(&[finished(Outcome::Failed), skipped]).1);
    }

    #[test]
    fn a_program_that_is_not_there_is_a_failure() {
        assert!(!available(&["no-such-program-anywhere"]));
        assert_eq!(command(Path::new("."), &["no-such-program-anywhere"], &[]), Outcome::Failed);
    }
}
