//! The simulated studies: what is on in each, how they are made, fitted and scored.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Instant, UNIX_EPOCH};

use super::Options;
use super::found::{Scores, Truth};
use crate::bench::run;

/// The study file, with `CASE` for its name.
const STUDY: &str = include_str!("study.toml");
/// What is added to it where importance is recovered.
const IMPORTANCE: &str = include_str!("importance.toml");

/// Sensors, sampling frequency and timing, the same for all cases.
const SIMULATION: [&str; 8] =
    ["--array", "eeg19", "--sfreq", "100", "--timing", "jittered", "--words-per-sentence", "5-9"];

/// A simulated study.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    /// For people.
    pub(super) what: &'static str,
    /// Switches and sizes of `dre simulate`.
    pub(super) switches: &'static [&'static str],
    /// Whether what importance finds is compared with the truth.
    pub(super) importance: bool,
}

/// All of them; a case with a switch differs from `linear` by it alone.
pub(super) const CASES: [Case; 4] = [
    Case { name: "full", what: "everything on", switches: &["--snr", "3"], importance: true },
    Case {
        name: "linear",
        what: "everything off but white noise of the sensors",
        switches: &["--snr", "0.5", "--linear"],
        importance: true,
    },
    Case {
        name: "rhythm",
        what: "linear, and the alpha rhythm",
        switches: &["--snr", "0.5", "--linear", "--with", "alpha"],
        importance: false,
    },
    Case {
        name: "subjects",
        what: "linear, and subjects who differ in gain, latency and head",
        switches: &[
            "--snr",
            "0.5",
            "--linear",
            "--with",
            "subject-gain",
            "--with",
            "subject-latency",
            "--with",
            "head-position",
        ],
        importance: false,
    },
];

/// What a case gave.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The study's models.
    pub(super) models: Scores,
    /// The network and its variants.
    pub(super) variants: Scores,
    /// What went in.
    pub(super) truth: Truth,
    /// How long it took to make (min); none where it was made in parts.
    pub(super) minutes: Option<f64>,
}

impl Case {
    /// Arguments of `dre simulate` but for the folder.
    pub(super) fn simulation(&self, options: &Options) -> Vec<String> {
        let own = SIMULATION.iter().chain(self.switches).map(|arg| (*arg).to_owned());
        let sizes = [("--subjects", options.subjects), ("--minutes", options.minutes)];
        own.chain(sizes.into_iter().flat_map(|(name, n)| [name.to_owned(), n.to_string()])).collect()
    }

    fn study(&self) -> String {
        let more = if self.importance { IMPORTANCE } else { "" };
        format!("{}{more}", STUDY.replace("CASE", self.name))
    }

    /// Simulates, fits and scores with the program, into a folder of the case's own. Recordings that the same program simulated with
    /// the same settings are kept; which models are up to date then, the program knows itself.
    pub(super) fn run(&self, program: &Path, options: &Options, root: &Path) -> Result<Outcome, String> {
        let folder = root.join("target/recovery").join(self.name);
        let (bids, results, study) = (folder.join("bids"), folder.join("results"), folder.join("study.toml"));
        let stamp = format!("{}\n{}\n", fingerprint(program)?, self.simulation(options).join(" "));
        let (mark, done) = (folder.join("made-with.txt"), folder.join("done.txt"));
        let is_same = fs::read_to_string(&mark).is_ok_and(|found| found == stamp);
        if !is_same && folder.exists() {
            fs::remove_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        }
        let start = Instant::now();
        fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        write(&study, &self.study())?;
        if !is_same {
            write(&mark, &stamp)?;
        }
        let text = |path: &Path| path.display().to_string();
        let threads = options.threads.to_string();
        let dre = |args: &[&str]| {
            let args: Vec<String> =
                [args, &["--threads", &threads, "--quiet"]].concat().into_iter().map(str::to_owned).collect();
            run(root, program, &args).map_err(|message| format!("{}: {message}", self.name))
        };
        if !bids.is_dir() {
            crate::say(&format!("{}: simulating", self.name));
            let simulation = self.simulation(options);
            let args: Vec<&str> = simulation.iter().map(String::as_str).collect();
            dre(&[&["simulate", "--out", &text(&bids)], &args[..]].concat())?;
        }
        for (command, what) in [("run", "the study"), ("ablate", "ablations")] {
            crate::say(&format!("{}: {what}", self.name));
            dre(&[command, &text(&study), "--out", &text(&results), "--resume"])?;
        }
        if !done.is_file() {
            let minutes = start.elapsed().as_secs_f64() / 60.0;
            write(&done, &if is_same { "in parts".to_owned() } else { format!("{minutes:.1} minutes") })?;
        }
        Ok(Outcome {
            models: Scores::read(&results.join("results.json"))?,
            variants: Scores::read(&results.join("ablation/results.json"))?,
            truth: Truth::read(&bids.join("derivatives/truth"))?,
            minutes: fs::read_to_string(&done).ok().and_then(|text| text.strip_suffix(" minutes")?.parse().ok()),
        })
    }
}

/// Size and time of the program: what another program made is made again.
fn fingerprint(program: &Path) -> Result<String, String> {
    let about = fs::metadata(program).map_err(|e| format!("{}: {e}", program.display()))?;
    let time = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Ok(format!("{} bytes, {} ns", about.len(), time.map_or(0, |time| time.as_nanos())))
}

fn write(path: &PathBuf, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}
