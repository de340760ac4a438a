//! `cargo xtask bench linear`: TRF, RTRF and banded ridge beside MNE-Python, scikit-learn and himalaya.

use std::path::{Path, PathBuf};

use super::{ROUNDS, build_release, interleave, python_with, run, spread};
use crate::record;

/// How it is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinearOptions {
    pub(crate) threads: usize,
    /// Whether the two large RTRFs are left out, which take a minute and, at the peer, about 10 GB.
    pub(crate) small: bool,
}

impl LinearOptions {
    pub(crate) fn parse(args: &[&str]) -> Result<Self, String> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut options = Self { threads, small: false };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match *arg {
                "--small" => options.small = true,
                "--threads" => {
                    let value = args.next().ok_or("--threads needs a number")?;
                    options.threads = value
                        .parse()
                        .ok()
                        .filter(|n| *n > 0)
                        .ok_or_else(|| format!("--threads is `{value}`, expected a whole number above 0"))?;
                }
                other => return Err(format!("unknown option `{other}`")),
            }
        }
        Ok(options)
    }
}

/// A case of the example, and who does the same.
struct Case {
    name: &'static str,
    peer: Option<(&'static str, &'static str, &'static str)>,
    /// The peer's turns; slow ones have one.
    rounds: usize,
}

const CASES: [Case; 5] = [
    Case { name: "trf", peer: Some(("MNE-Python", "mne", "mne_trf.py")), rounds: ROUNDS },
    Case { name: "banded", peer: Some(("himalaya", "himalaya", "himalaya_banded.py")), rounds: ROUNDS },
    Case { name: "rtrf-small", peer: Some(("scikit-learn", "sklearn", "sklearn_rtrf.py")), rounds: ROUNDS },
    Case { name: "rtrf-wide", peer: Some(("scikit-learn", "sklearn", "sklearn_rtrf.py")), rounds: 1 },
    Case { name: "rtrf-large", peer: None, rounds: 1 },
];

/// Those that `--small` leaves out.
const LARGE: [&str; 2] = ["rtrf-wide", "rtrf-large"];

/// The numbers under a key of a line of JSON, in a list or alone; none where the key is not there.
fn numbers(line: &str, key: &str) -> Vec<f64> {
    let Some((_, rest)) = line.split_once(&format!("\"{key}\": ")) else { return Vec::new() };
    let text = match rest.strip_prefix('[') {
        Some(list) => list.split(']').next().unwrap_or(""),
        None => rest.split([',', '}']).next().unwrap_or(""),
    };
    text.split(',').filter_map(|number| number.trim().parse().ok()).collect()
}

/// Lines of all turns of one side.
#[derive(Default)]
struct Side(Vec<String>);

impl Side {
    fn times(&self, key: &str) -> (f64, f64, f64) {
        spread(&mut self.0.iter().flat_map(|line| numbers(line, key)).collect::<Vec<_>>())
    }

    fn last(&self, key: &str) -> f64 {
        self.0.last().and_then(|line| numbers(line, key).pop()).unwrap_or(f64::NAN)
    }
}

/// Times all cases, prints a table and adds it to the records.
pub(crate) fn linear(options: LinearOptions, root: &Path) -> bool {
    if !build_release(root, &["--example", "linear"]) {
        return false;
    }
    let mut text = format!("{options:?}; seconds: min / median / max\n");
    let (mut wide_unit, mut is_complete) = (f64::NAN, !options.small);
    for case in CASES.iter().filter(|case| !(options.small && LARGE.contains(&case.name))) {
        let (ours, peer, found) = match turns(case, options, root) {
            Ok(sides) => sides,
            Err(message) => {
                crate::say(&format!("error: {}: {message}", case.name));
                return false;
            }
        };
        is_complete &= found || case.peer.is_none();
        for key in ["fit", "predict", "five"] {
            let own = ours.times(key);
            if own.1.is_nan() {
                continue;
            }
            text += &format!("{:11} {key:8} dre {:.3} / {:.3} / {:.3}", case.name, own.0, own.1, own.2);
            let other = peer.times(key);
            if let Some((name, ..)) = case.peer.filter(|_| !other.1.is_nan()) {
                let ratio = other.1 / own.1;
                text +=
                    &format!("   {name} {:.3} / {:.3} / {:.3}   {ratio:.1} times as fast", other.0, other.1, other.2);
            }
            text.push('\n');
        }
        text += &format!("{:11} score    dre {:.6}", case.name, ours.last("score"));
        if found {
            text += &format!("   peer {:.6}", peer.last("score"));
        }
        text += &format!("   peak memory {:.0} MiB\n", ours.last("peak_mib"));
        // What a unit of work is: one row times one pair of columns.
        let unit = |side: &Side| side.times("fit").1 / side.last("rows") / side.last("columns").powi(2);
        if case.name == "rtrf-wide" {
            wide_unit = unit(&peer);
        }
        if case.name == "rtrf-large" {
            let ratio = ours.times("five").1 / ours.times("fit").1;
            text += &format!("rtrf-large  five penalties take {ratio:.2} times as long as one");
            if wide_unit.is_finite() {
                text += &format!(
                    "; {:.1} times as fast as scikit-learn with as many columns, per unit of work",
                    wide_unit / unit(&ours)
                );
            }
            text.push('\n');
        }
    }
    crate::say(&text);
    if !is_complete {
        crate::say("Not all cases and peers were run (PYTHON=…), so there is no record.");
        return true;
    }
    let written = record::heading(root, "linear references", "cargo xtask bench linear").and_then(|page| {
        let page = format!("{page}.\n\n{}", record::verbatim(&text));
        record::write(root, "linear", &page)
    });
    record::tell(written)
}

/// Lets both sides take turns; says whether the peer was found.
fn turns(case: &Case, options: LinearOptions, root: &Path) -> Result<(Side, Side, bool), String> {
    let folder = root.join("target/bench-linear").join(case.name).display().to_string();
    let threads = options.threads.to_string();
    let example = root.join("target/release/examples/linear");
    let python: Option<PathBuf> = case.peer.and_then(|(_, module, _)| python_with(module));
    let (mut ours, mut peer) = (Side::default(), Side::default());
    let mut n_turns = 0;
    let mut own_turn = || {
        n_turns += 1;
        if n_turns <= case.rounds {
            ours.0.push(run(root, &example, &[case.name.to_owned(), folder.clone(), threads.clone()])?);
        }
        Ok(())
    };
    let mut n_peer_turns = 0;
    let mut peer_turn = || {
        n_peer_turns += 1;
        if let (Some(python), Some((_, _, script))) = (&python, case.peer)
            && n_peer_turns <= case.rounds
        {
            peer.0.push(run(root, python, &[format!("bench/peers/{script}"), folder.clone(), threads.clone()])?);
        }
        Ok(())
    };
    interleave(&mut [&mut own_turn, &mut peer_turn])?;
    Ok((ours, peer, python.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_and_their_faults() {
        let options = LinearOptions::parse(&["--threads", "3", "--small"]).expect("valid");
        assert_eq!(options, LinearOptions { threads: 3, small: true });
        for (args, message) in [
            (&["--tiny"][..], "unknown option `--tiny`"),
            (&["--threads"], "--threads needs a number"),
            (&["--threads", "0"], "--threads is `0`, expected a whole number above 0"),
        ] {
            assert_eq!(LinearOptions::parse(args), Err(message.to_owned()));
        }
    }

    #[test]
    fn numbers_are_read() {
        let line = "{\"fit\": [0.5, 1e-3], \"score\": 0.25, \"rows\": 7}";
        assert_eq!(numbers(line, "fit"), [0.5, 0.001]);
        assert_eq!((numbers(line, "score"), numbers(line, "rows")), (vec![0.25], vec![7.0]));
        assert!(numbers(line, "predict").is_empty());
    }
}
