//! `cargo xtask test`: everything that must hold before a change is kept.

use std::path::Path;

use crate::check::{Outcome, available, command, run, summary};

/// A name and what it stands for, done in the workspace's root.
type Check = (&'static str, fn(&Path) -> Outcome);

/// The checks, in the order in which they are run: what fails fast comes first.
const CHECKS: [Check; 7] = [
    ("format", format),
    ("lints", lints),
    ("tests", tests),
    ("faults", faults),
    ("documentation", documentation),
    ("licences", licences),
    ("python", crate::python::check),
];

/// Which checks are run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// Names of checks; all where empty.
    only: Vec<String>,
}

impl Options {
    pub(crate) fn parse(args: &[&str]) -> Result<Self, String> {
        let mut options = Self::default();
        for pair in args.chunks(2) {
            let ["--only", name] = pair else { return Err(format!("unknown or incomplete option `{}`", pair[0])) };
            if !CHECKS.iter().any(|(known, _)| known == name) {
                let known: Vec<&str> = CHECKS.iter().map(|(known, _)| *known).collect();
                return Err(format!("no check is called `{name}`; there are {}", known.join(", ")));
            }
            options.only.push((*name).to_owned());
        }
        Ok(options)
    }
}

/// Runs the checks, all of them even where one fails; whether none failed.
pub(crate) fn execute(options: &Options, root: &Path) -> bool {
    let wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|only| only == name);
    let finished: Vec<_> =
        CHECKS.iter().filter(|(name, _)| wanted(name)).map(|(name, check)| run(name, || check(root))).collect();
    let (text, passed) = summary(&finished);
    crate::say(&text);
    passed
}

fn format(root: &Path) -> Outcome {
    command(root, &["cargo", "fmt", "--all", "--check"], &[])
}

fn lints(root: &Path) -> Outcome {
    command(root, &["cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"], &[])
}

fn tests(root: &Path) -> Outcome {
    // Snapshots that differ are a failure, not something to write down.
    command(root, &["cargo", "test", "--workspace", "--locked", "--no-fail-fast"], &[("INSTA_UPDATE", "no")])
}

/// With the program that the tests have built.
fn faults(root: &Path) -> Outcome {
    if cfg!(not(unix)) {
        return Outcome::Skipped("signals and limits are those of Unix".to_owned());
    }
    if crate::faults::faults(&crate::faults::Options::short(), root) { Outcome::Passed } else { Outcome::Failed }
}

fn documentation(root: &Path) -> Outcome {
    // The program `dre` would be written over the library of the same name.
    let line = ["cargo", "doc", "--workspace", "--exclude", "dre-cli", "--exclude", "xtask", "--no-deps", "--locked"];
    command(root, &line, &[("RUSTDOCFLAGS", "-D warnings")])
}

fn licences(root: &Path) -> Outcome {
    if !available(&["cargo", "deny", "--version"]) {
        return Outcome::Skipped("cargo-deny is not installed (`cargo install --locked cargo-deny`)".to_owned());
    }
    // Advisories need the network and change from day to day, so they are looked at apart from the tests.
    command(root, &["cargo", "deny", "check", "bans", "licenses", "sources"], &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_chosen_by_name() {
        assert_eq!(Options::parse(&[]), Ok(Options::default()));
        let options = Options::parse(&["--only", "lints", "--only", "tests"]).expect("known names");
        assert_eq!(options.only, ["lints", "tests"]);
    }

    #[test]
    fn unknown_checks_and_options_are_named() {
        let known = "there are format, lints, tests, faults, documentation, licences, python";
        assert_eq!(Options::parse(&["--only", "lint"]), Err(format!("no check is called `lint`; {known}")));
        assert_eq!(Options::parse(&["--only"]), Err("unknown or incomplete option `--only`".to_owned()));
        assert_eq!(Options::parse(&["--fast", "1"]), Err("unknown or incomplete option `--fast`".to_owned()));
    }
}
