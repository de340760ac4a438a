//! `cargo xtask bench`: ours beside the peers, in turns, in the same run.

mod cohort;
mod kernels;
mod linear;
mod prepare;
mod python;
mod step;

use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) use cohort::{CohortOptions, cohort};
pub(crate) use kernels::kernels;
pub(crate) use linear::{LinearOptions, linear};
pub(crate) use prepare::{PrepareOptions, prepare};
pub(crate) use python::python;
pub(crate) use step::{StepOptions, step};

/// How often ours and the peer take turns, so that a machine whose speed drifts is fair to both.
const ROUNDS: usize = 3;

/// What benchmarks ask whose one option is the number of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ThreadsOption {
    threads: usize,
}

impl ThreadsOption {
    pub(crate) fn parse(args: &[&str]) -> Result<Self, String> {
        let mut threads = std::thread::available_parallelism().map_or(1, usize::from);
        for pair in args.chunks(2) {
            let ["--threads", value] = pair else { return Err(format!("unknown or incomplete option `{}`", pair[0])) };
            threads = value
                .parse()
                .ok()
                .filter(|n| *n > 0)
                .ok_or_else(|| format!("--threads is `{value}`, expected a whole number above 0"))?;
        }
        Ok(Self { threads })
    }
}

/// Minimum, median, maximum.
fn spread(times: &mut [f64]) -> (f64, f64, f64) {
    times.sort_by(f64::total_cmp);
    let at = |i: usize| times.get(i).copied().unwrap_or(f64::NAN);
    (at(0), at(times.len() / 2), at(times.len().saturating_sub(1)))
}

/// A `cargo` that builds with the release profile, in `root`. Always the whole workspace's features, so that nothing that is
/// there already is built again.
pub(crate) fn build_release(root: &Path, args: &[&str]) -> bool {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let status = Command::new(cargo)
        .args(["build", "--release", "--locked", "--workspace"])
        .args(args)
        .current_dir(root)
        .status();
    status.is_ok_and(|status| status.success())
}

/// A Python (`PYTHON`, else `python3`) that has `module`; none where there is none.
fn python_with(module: &str) -> Option<PathBuf> {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let found = Command::new(&python).args(["-c", &format!("import {module}")]).output();
    found.is_ok_and(|output| output.status.success()).then(|| python.into())
}

/// Runs a program in `root` and gives what it printed; its messages where it fails.
pub(crate) fn run(root: &Path, program: &Path, args: &[String]) -> Result<String, String> {
    let out = Command::new(program)
        .args(args)
        .current_dir(root)
        .output()
        .map_err(|e| format!("{}: {e}", program.display()))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if out.status.success() { Ok(text(&out.stdout)) } else { Err(text(&out.stderr)) }
}

/// Lets ours and the peer take turns, [`ROUNDS`] times each; stops at the first failure.
fn interleave(turns: &mut [&mut dyn FnMut() -> Result<(), String>]) -> Result<(), String> {
    for _ in 0..ROUNDS {
        for turn in &mut *turns {
            turn()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_and_their_faults() {
        assert_eq!(ThreadsOption::parse(&["--threads", "3"]), Ok(ThreadsOption { threads: 3 }));
        assert_eq!(ThreadsOption::parse(&["--threads"]), Err("unknown or incomplete option `--threads`".to_owned()));
        assert!(ThreadsOption::parse(&["--threads", "0"]).is_err());
    }

    #[test]
    fn times_are_spread() {
        assert_eq!(spread(&mut [0.5, 0.25, 1.0]), (0.25, 0.5, 1.0));
        assert!(spread(&mut []).1.is_nan());
    }

    #[test]
    fn turns_alternate_and_stop_at_a_failure() {
        let said = std::cell::RefCell::new(String::new());
        let mut ours = || {
            said.borrow_mut().push('o');
            Ok(())
        };
        let mut peer = || {
            said.borrow_mut().push('p');
            if said.borrow().len() < 4 { Ok(()) } else { Err("broken".to_owned()) }
        };
        assert_eq!(interleave(&mut [&mut ours, &mut peer]), Err("broken".to_owned()));
        assert_eq!(*said.borrow(), "opop");
    }
}
