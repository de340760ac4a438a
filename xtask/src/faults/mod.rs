//! `cargo xtask faults`: runs are killed, starved of disk, met by another run, given inputs that change and files that are damaged.
//! Afterwards the same command has to give what an undisturbed run gave, and nothing of the user's may be gone.
//!
//! What is tried follows from the seed; when it strikes depends on the machine.

mod rng;
mod run;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rng::Rng;
use run::Lab;

use crate::bench::build_release;
use crate::record;

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    seconds: u64,
    seed: u64,
    /// Of the release program, which is then built; else that of the tests, which is there already.
    is_release: bool,
    record: bool,
}

impl Options {
    pub(crate) fn parse(args: &[&str]) -> Result<Self, String> {
        let mut options = Self { seconds: 600, seed: 0, is_release: true, record: false };
        let mut args = args.iter();
        while let Some(name) = args.next() {
            let field = match *name {
                "--record" => {
                    options.record = true;
                    continue;
                }
                "--minutes" | "--seed" => *name,
                other => return Err(format!("unknown option `{other}`")),
            };
            let value = args.next().ok_or_else(|| format!("{field} needs a value"))?;
            let number = value.parse::<u64>().map_err(|_| format!("{field} is `{value}`, expected a whole number"))?;
            if field == "--seed" {
                options.seed = number;
            } else {
                options.seconds = 60 * number;
            }
        }
        Ok(options)
    }

    /// The short form that is part of the tests, on the program that they built.
    pub(crate) fn short() -> Self {
        Self { seconds: 60, seed: 1, is_release: false, record: false }
    }
}

/// A way to disturb a run: its name, and what it does to a copy of a finished or unfinished run; says what happened.
type Fault = (&'static str, fn(&Lab, &mut Rng) -> Result<String, String>);

const FAULTS: [Fault; 8] = [
    ("killed", run::killed),
    ("terminated", run::terminated),
    ("file size limited", run::limited),
    ("two at once", run::two_at_once),
    ("input changed meanwhile", run::input_changed),
    ("mapped file cut short", run::cut_short),
    ("file damaged", run::damaged),
    ("file deleted", run::deleted),
];

/// Disturbs runs until the time is over; whether every one came out as it had to.
pub(crate) fn faults(options: &Options, root: &Path) -> bool {
    match prove(options, root) {
        Ok(holds) => holds,
        Err(message) => {
            crate::say(&format!("error: {message}"));
            false
        }
    }
}

fn prove(options: &Options, root: &Path) -> Result<bool, String> {
    if options.is_release && !build_release(root, &["--bin", "dre"]) {
        return Err("the program could not be built".to_owned());
    }
    let program = root.join(if options.is_release { "target/release/dre" } else { "target/debug/dre" });
    if !program.is_file() {
        return Err(format!("{}: is not there; `cargo test` builds it", program.display()));
    }
    let lab = Lab::new(&program, &root.join("target/faults"))?;
    let mut rng = Rng::new(options.seed);
    let (start, limit) = (Instant::now(), Duration::from_secs(options.seconds));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let (mut n_tried, mut lost) = (0, Vec::new());
    while start.elapsed() < limit {
        let (name, fault) = FAULTS[n_tried % FAULTS.len()];
        n_tried += 1;
        match lab.fresh().and_then(|()| fault(&lab, &mut rng)).and_then(|said| lab.check().map(|()| said)) {
            Ok(said) => *counts.entry(format!("{name}: {said}")).or_default() += 1,
            Err(what) => {
                crate::say(&format!("LOST  try {n_tried}, {name}: {what}"));
                lost.push(format!("try {n_tried}, {name}: {what}"));
            }
        }
    }
    let mut text = format!("{n_tried} tries with seed {}, {} of them lost something\n", options.seed, lost.len());
    for (what, n) in &counts {
        let _ = writeln!(text, "  {n:4}  {what}");
    }
    lost.iter().for_each(|what| text.push_str(&format!("  LOST  {what}\n")));
    crate::say(&text);
    if options.record {
        let minutes = options.seconds / 60;
        let command = format!("cargo xtask faults --minutes {minutes} --seed {} --record", options.seed);
        let page = format!("{}.\n\n{}\n{NOTES}", record::heading(root, "faults", &command)?, record::verbatim(&text));
        record::tell(record::write(root, "faults", &page));
    }
    Ok(lost.is_empty())
}

/// What a try is, for the record.
const NOTES: &str = "\
Each try starts from a copy of a finished run, an empty folder, or a run that was killed, disturbs `dre run` of a small study (three
simulated subjects; TRF, RTRF, two fits of a network, decoder, importance, brain states), and then runs it to its end. Nothing was
lost where that ends with status 0, where every array, table and weight is that of the undisturbed run bit for bit (`results.json`, `cohort.json` and
`model.json` hold times and are compared without them), where `dre verify` finds nothing, and where files that the user had put beside
dre's are as they were. No program may end by a signal that it was not sent, or panic.
";
