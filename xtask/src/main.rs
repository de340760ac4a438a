//! What needs code to do: `cargo xtask test`, `cargo xtask recovery`, `cargo xtask faults` and `cargo xtask bench`.

mod bench;
mod check;
mod faults;
mod python;
mod record;
mod recovery;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  test [--only NAME]...   all checks: format, lints, tests, documentation, licences, Python package
  recovery [OPTIONS]      simulated truths are found again; a dated file in bench/records where all of it is run
      --only CASE         one of: full, linear, rhythm, subjects; may be repeated
      --subjects N        subjects [12]
      --minutes N         length of each recording [8]
      --threads N         number of threads, which changes no result [all cores]
  faults [OPTIONS]        runs are killed, starved, met by others and given damaged files; nothing may be lost
      --minutes N         how long [10]
      --seed N            what is tried [0]
      --record            a dated file in bench/records, too
  bench cohort [OPTIONS]  size, memory and speed of a cohort as large as the paper's, on the disk
      --subjects N        subjects [68]
      --minutes N         length of each recording [60]
      --storage NAME      f16 or f32 [f16]
      --batches N         batches that are timed at once [40]
      --rounds N          how often [3]
      --threads N         number of threads [all cores]
      --folder DIR        keep the cohort there, or use the one that is
  bench linear [OPTIONS]  TRF, RTRF and banded ridge beside MNE-Python, scikit-learn and himalaya
      --threads N         number of threads [all cores]
      --small             without the large RTRF (2 GB)
  bench python [OPTIONS]  the Python package's TRF beside MNE-Python's
      --threads N         number of threads [all cores]
  bench kernels [OPTIONS] every product and loop of a training step at paper size, as a share of the machine's ceiling
      --threads N         number of threads [all cores]
  bench step [OPTIONS]    time of one training step at paper size
      --batch N           epochs per batch [32]
      --threads N         number of threads [all cores]
      --channels N        channels [273]
      --times N           samples per epoch [301]
      --filters N         filters of each convolution [512]
      --hidden N          units of each LSTM layer [512]
      --precision NAME    our products: f32 or bf16 [f32]
      --json FILE         the numbers as JSON, too
      --record            a dated file in bench/records, too
  bench prepare [OPTIONS] time and memory of preparing a FIF recording
      --minutes N         length of the recording that is timed [5]
      --long-minutes N    length of the one whose memory is compared with it [15]
      --channels N        channels [273]
      --sfreq N           its sampling frequency in Hz [1200]
      --decim N           every so many-th sample is kept [10]
      --threads N         number of threads [all cores]
      --json FILE         the numbers as JSON, too
      --record            a dated file in bench/records, too
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args.as_slice() {
        ["test", rest @ ..] => test::Options::parse(rest).map(|options| test::execute(&options, &workspace_root())),
        ["recovery", rest @ ..] => {
            recovery::Options::parse(rest).map(|options| recovery::recovery(&options, &workspace_root()))
        }
        ["faults", rest @ ..] => {
            faults::Options::parse(rest).map(|options| faults::faults(&options, &workspace_root()))
        }
        ["bench", "cohort", rest @ ..] => {
            bench::CohortOptions::parse(rest).map(|options| bench::cohort(&options, &workspace_root()))
        }
        ["bench", "python", rest @ ..] => {
            bench::ThreadsOption::parse(rest).map(|options| bench::python(options, &workspace_root()))
        }
        ["bench", "kernels", rest @ ..] => {
            bench::ThreadsOption::parse(rest).map(|options| bench::kernels(options, &workspace_root()))
        }
        ["bench", "step", rest @ ..] => {
            bench::StepOptions::parse(rest).map(|options| bench::step(&options, &workspace_root()))
        }
        ["bench", "prepare", rest @ ..] => {
            bench::PrepareOptions::parse(rest).map(|options| bench::prepare(&options, &workspace_root()))
        }
        ["bench", "linear", rest @ ..] => {
            bench::LinearOptions::parse(rest).map(|options| bench::linear(options, &workspace_root()))
        }
        ["help" | "--help" | "-h"] => {
            say(USAGE);
            return ExitCode::SUCCESS;
        }
        [] => Err("which command?".to_owned()),
        [other, ..] => Err(format!("unknown command `{other}`")),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            say(&format!("error: {message}\n\n{USAGE}"));
            ExitCode::from(2)
        }
    }
}

/// The folder of the workspace's `Cargo.toml`.
fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// The one place that prints.
#[expect(clippy::print_stdout, reason = "a tool for people at a terminal")]
fn say(text: &str) {
    println!("{}", text.trim_end_matches('\n'));
}
