//! `cargo xtask bench python`: the TRF of the Python package beside MNE-Python's.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::step::numbers;
use super::{ROUNDS, ThreadsOption, python_with, run, spread};
use crate::record;

/// Times both in a Python that has them (`PYTHON`, else `python3`), and adds a record.
pub(crate) fn python(options: ThreadsOption, root: &Path) -> bool {
    record::tell(measure(options, root))
}

fn measure(options: ThreadsOption, root: &Path) -> Result<PathBuf, String> {
    let python = python_with("neurodre, mne").ok_or(
        "no Python with neurodre and mne was found; `cargo xtask test --only python` makes one, \
         PYTHON=target/python/venv/bin/python",
    )?;
    let args = ["bench/peers/python_trf.py".to_owned(), options.threads.to_string(), ROUNDS.to_string()];
    let text = table(options, &run(root, &python, &args)?)?;
    crate::say(&text);
    let mut page = record::heading(root, "the TRF in Python", "cargo xtask bench python")?;
    let _ = write!(page, ".\n\n{}", record::verbatim(&text));
    record::write(root, "python", &page)
}

fn table(options: ThreadsOption, line: &str) -> Result<String, String> {
    let mut text = format!(
        "300 epochs x 301 samples, 6 features x 261 lags, 273 channels; {} threads; seconds: min / median / max of {ROUNDS}\n",
        options.threads
    );
    for (what, ours, peer) in [("fit", "fit", "peer_fit"), ("predict", "predict", "peer_predict")] {
        let (a, b) = (spread(&mut numbers(line, ours)?), spread(&mut numbers(line, peer)?));
        let _ = writeln!(
            text,
            "{what:8} neurodre.TRF {:.3} / {:.3} / {:.3}   mne.decoding.ReceptiveField {:.3} / {:.3} / {:.3}   {:.1} times as fast",
            a.0,
            a.1,
            a.2,
            b.0,
            b.1,
            b.2,
            b.1 / a.1
        );
    }
    let largest = |key: &str| Ok::<f64, String>(numbers(line, key)?.first().copied().unwrap_or(f64::NAN));
    let _ = writeln!(
        text,
        "largest difference, relative to the largest value: coefficients {:.1e}, predictions {:.1e}",
        largest("difference")?,
        largest("predicted")?
    );
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_those_of_medians() {
        let line = "{\"fit\": [0.5, 0.4, 0.6], \"predict\": [0.1], \"peer_fit\": [5.0], \"peer_predict\": [4.0], \
                    \"difference\": [1e-7], \"predicted\": [2e-6]}";
        let text = table(ThreadsOption { threads: 2 }, line).expect("whole");
        assert!(
            text.contains("10.0 times as fast") && text.contains("40.0 times") && text.contains("1.0e-7"),
            "{text}"
        );
    }
}
