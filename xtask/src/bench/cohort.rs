//! `cargo xtask bench cohort`: a cohort at the size of a large study, on the disk, and training from it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::step::numbers;
use super::{build_release, run, spread};
use crate::record;

/// Size of the cohort and of what is timed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CohortOptions {
    subjects: usize,
    minutes: usize,
    batches: usize,
    rounds: usize,
    threads: usize,
    storage: String,
    folder: Option<PathBuf>,
}

impl CohortOptions {
    pub(crate) fn parse(args: &[&str]) -> Result<Self, String> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let storage = "f16".to_owned();
        let mut options = Self { subjects: 68, minutes: 60, batches: 40, rounds: 3, threads, storage, folder: None };
        for pair in args.chunks(2) {
            let value = *pair.get(1).ok_or_else(|| format!("{} needs a value", pair[0]))?;
            let field = match pair[0] {
                "--subjects" => &mut options.subjects,
                "--minutes" => &mut options.minutes,
                "--batches" => &mut options.batches,
                "--rounds" => &mut options.rounds,
                "--threads" => &mut options.threads,
                "--folder" => {
                    options.folder = Some(value.into());
                    continue;
                }
                "--storage" if ["f16", "f32"].contains(&value) => {
                    value.clone_into(&mut options.storage);
                    continue;
                }
                "--storage" => return Err(format!("--storage is `{value}`, expected f16 or f32")),
                other => return Err(format!("unknown option `{other}`")),
            };
            *field = value
                .parse()
                .ok()
                .filter(|n| *n > 0)
                .ok_or_else(|| format!("{} is `{value}`, expected a whole number above 0", pair[0]))?;
        }
        Ok(options)
    }
}

impl CohortOptions {
    /// The command that measures the same.
    fn command(&self) -> String {
        let Self { subjects, minutes, batches, rounds, threads, storage, .. } = self;
        format!(
            "cargo xtask bench cohort --subjects {subjects} --minutes {minutes} --storage {storage} --batches {batches} --rounds \
             {rounds} --threads {threads}"
        )
    }
}

/// Makes the cohort, measures, prints and adds a record; the cohort is removed unless its folder was named.
pub(crate) fn cohort(options: &CohortOptions, root: &Path) -> bool {
    let temporary = root.join("target/bench-cohort");
    let done = measure(options, root, options.folder.as_deref().unwrap_or(&temporary));
    if options.folder.is_none() {
        let _ = fs::remove_dir_all(temporary);
    }
    record::tell(done)
}

fn measure(options: &CohortOptions, root: &Path, folder: &Path) -> Result<PathBuf, String> {
    if !build_release(root, &["--example", "bench_cohort"]) {
        return Err("the benchmark could not be built".to_owned());
    }
    let before = record::load();
    let mut args = vec![folder.display().to_string()];
    args.extend([options.subjects, options.minutes].map(|n| n.to_string()));
    args.push(options.storage.clone());
    args.extend([options.threads, options.batches, options.rounds].map(|n| n.to_string()));
    let line = run(root, &root.join("target/release/examples/bench_cohort"), &args)?;
    let text = table(options, &line, &before)?;
    crate::say(&text);
    let mut page = record::heading(root, "a cohort at the size of a large study", &options.command())?;
    let _ = write!(page, ".\n\n{}", record::verbatim(&text));
    record::write(root, &format!("cohort-{}", options.storage), &page)
}

/// What was measured, as people read it.
fn table(options: &CohortOptions, line: &str, load: &str) -> Result<String, String> {
    let one = |key: &str| Ok::<f64, String>(numbers(line, key)?.first().copied().unwrap_or(f64::NAN));
    let (n_subjects, n_channels, n_batches) = (one("subjects")?, one("channels")?, one("batches")?);
    let (making, cutting) = (one("making")?, one("cutting")?);
    let hours = n_subjects * options.minutes as f64 / 60.0;
    let mut text = format!(
        "{n_subjects} subjects x {} min x {n_channels} channels at 120 Hz, {}, {} threads; load {load} before, {} after\n",
        options.minutes,
        options.storage,
        options.threads,
        record::load()
    );
    let _ = writeln!(text, "disk                      {:.2} GB", one("bytes")? / 1e9);
    if making > 1.0 {
        let _ = writeln!(text, "simulated and written in  {making:.0} s, {:.0} x real time", hours * 3600.0 / making);
    }
    let n_train = one("train_epochs")?;
    let _ = writeln!(
        text,
        "cut, scaled, rejected in  {cutting:.0} s; {n_train} training epochs of {} samples",
        one("times")?
    );
    let _ = writeln!(
        text,
        "memory beside the cache   {} MiB after cutting, {} MiB at most in training",
        one("cutting_mb")?,
        one("training_mb")?
    );
    for (what, disk, memory) in [("training", "disk", "memory"), ("drawing alone", "draw_disk", "draw_memory")] {
        let (disk, memory) = (spread(&mut numbers(line, disk)?), spread(&mut numbers(line, memory)?));
        let rate = |times: (f64, f64, f64)| n_batches / times.1;
        let _ = writeln!(
            text,
            "{what:25} {:.2} batches/s from disk, {:.2} from memory: {:.1} % (medians of {}; from disk {:.2} to {:.2})",
            rate(disk),
            rate(memory),
            100.0 * rate(disk) / rate(memory),
            options.rounds,
            n_batches / disk.2,
            n_batches / disk.0
        );
        if what == "training" {
            let pass = n_train / 32.0 / rate(disk);
            let _ = writeln!(text, "a pass over all epochs    {:.1} h here", pass / 3600.0);
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_replace_the_defaults() {
        let options = CohortOptions::parse(&["--subjects", "20", "--storage", "f32"]).expect("valid");
        assert_eq!((options.subjects, options.minutes, options.storage.as_str()), (20, 60, "f32"));
        for (args, message) in [
            (&["--storage", "f8"][..], "--storage is `f8`, expected f16 or f32"),
            (&["--subjects"], "--subjects needs a value"),
            (&["--rounds", "0"], "--rounds is `0`, expected a whole number above 0"),
            (&["--far", "1"], "unknown option `--far`"),
        ] {
            assert_eq!(CohortOptions::parse(args), Err(message.to_owned()));
        }
    }

    #[test]
    fn a_table_holds_rates() {
        let options = CohortOptions::parse(&["--subjects", "2"]).expect("valid");
        let line = "{\"subjects\": [2], \"channels\": [275], \"bytes\": [1e9], \"train_epochs\": [3200], \"times\": [301], \
                    \"making\": [72.0], \"cutting\": [5.0], \"cutting_mb\": [70], \"training_mb\": [700], \"batches\": [40], \
                    \"disk\": [20.0, 22.0, 21.0], \"memory\": [20.0, 20.0, 20.0], \"draw_disk\": [1.0], \"draw_memory\": [0.5]}";
        let text = table(&options, line, "0.1").expect("whole");
        assert!(
            text.contains("100 x real time") && text.contains("1.90 batches/s from disk, 2.00 from memory: 95.2 %"),
            "{text}"
        );
    }
}
