//! `cargo xtask bench prepare`: reading, filtering and decimating a FIF recording, beside MNE-Python.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{build_release, interleave, python_with, run, spread};
use crate::record::{self, load};

/// Size of the recording that is prepared; the defaults are those of a CTF or Neuromag system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PrepareOptions {
    channels: usize,
    sfreq: usize,
    decim: usize,
    minutes: usize,
    long_minutes: usize,
    threads: usize,
    json: Option<PathBuf>,
    record: bool,
}

impl PrepareOptions {
    pub(crate) fn parse(args: &[&str]) -> Result<Self, String> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut options = Self {
            channels: 273,
            sfreq: 1200,
            decim: 10,
            minutes: 5,
            long_minutes: 15,
            threads,
            json: None,
            record: false,
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            let field = match *arg {
                "--channels" => &mut options.channels,
                "--sfreq" => &mut options.sfreq,
                "--decim" => &mut options.decim,
                "--minutes" => &mut options.minutes,
                "--long-minutes" => &mut options.long_minutes,
                "--threads" => &mut options.threads,
                "--json" => {
                    options.json = Some(value()?.into());
                    continue;
                }
                "--record" => {
                    options.record = true;
                    continue;
                }
                other => return Err(format!("unknown option `{other}`")),
            };
            let value = value()?;
            *field = value
                .parse()
                .ok()
                .filter(|n| *n > 0)
                .ok_or_else(|| format!("{arg} is `{value}`, expected a whole number above 0"))?;
        }
        Ok(options)
    }
}

/// What one program needed.
#[derive(Clone, Debug, Default)]
struct Needs {
    seconds: Vec<f64>,
    /// Largest resident memory (MB).
    peak: f64,
}

impl Needs {
    fn add(&mut self, seconds: f64, peak: f64) {
        self.seconds.push(seconds);
        self.peak = self.peak.max(peak);
    }
}

/// A number of a flat JSON object on one line.
fn number(line: &str, key: &str) -> Result<f64, String> {
    let rest = line.split_once(&format!("\"{key}\": ")).map(|(_, rest)| rest);
    let text = rest.and_then(|rest| rest.split([',', '}']).next());
    text.and_then(|text| text.trim().parse().ok()).ok_or_else(|| format!("no number `{key}` in `{line}`"))
}

/// Runs a program to its end; gives seconds and its largest resident memory (MB; Linux only, else 0).
fn watched(root: &Path, program: &Path, args: &[String]) -> Result<(f64, f64), String> {
    let start = Instant::now();
    let mut child = Command::new(program)
        .args(args)
        .current_dir(root)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("{}: {e}", program.display()))?;
    let mut peak = 0.0f64;
    loop {
        // The system's own high-water mark, so that looking seldom misses nothing but the last moment.
        if let Ok(status) = fs::read_to_string(format!("/proc/{}/status", child.id())) {
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
            peak = peak.max(kilobytes.unwrap_or(0.0) / 1024.0);
        }
        if child.try_wait().map_err(|e| e.to_string())?.is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let seconds = start.elapsed().as_secs_f64();
    let out = child.wait_with_output().map_err(|e| e.to_string())?;
    if out.status.success() { Ok((seconds, peak)) } else { Err(String::from_utf8_lossy(&out.stderr).into_owned()) }
}

/// Bytes of all files below a folder.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|e| if e.path().is_dir() { size(&e.path()) } else { e.metadata().map_or(0, |about| about.len()) }).sum()
}

/// A folder that is removed when the benchmark ends.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// One recording and the programs that prepare it.
struct Case<'a> {
    root: &'a Path,
    folder: PathBuf,
    options: &'a PrepareOptions,
}

impl Case<'_> {
    fn make(&self, minutes: usize) -> Result<(), String> {
        let options = self.options;
        let mut args = vec![self.folder.display().to_string()];
        args.extend([options.channels, options.sfreq, minutes * 60, options.decim].map(|n| n.to_string()));
        run(self.root, &self.root.join("target/release/examples/bench_recording"), &args).map(drop)
    }

    fn ours(&self) -> Result<(f64, f64), String> {
        let place = |name: &str| self.folder.join(name).display().to_string();
        let args = ["prepare", &place("study.toml"), "--force", "--quiet", "--out", &place("out"), "--threads"];
        let mut args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        args.push(self.options.threads.to_string());
        watched(self.root, &self.root.join("target/release/dre"), &args)
    }

    /// MNE-Python's seconds and memory with so many jobs.
    fn peer(&self, python: &Path, n_jobs: usize, mode: &str) -> Result<(f64, f64), String> {
        let meg = self.folder.join("bids/sub-01/meg");
        let whole = meg.join("sub-01_task-x_meg.fif");
        let first = if whole.is_file() { whole } else { meg.join("sub-01_task-x_split-01_meg.fif") };
        let (decim, out) = (self.options.decim.to_string(), self.folder.join("mne.npy").display().to_string());
        let args =
            ["bench/peers/mne_prepare.py", &first.display().to_string(), &decim, &n_jobs.to_string(), mode, &out];
        let line = run(self.root, python, &args.map(str::to_owned))?;
        Ok((number(&line, "seconds")?, number(&line, "peak")? + number(&line, "workers")?))
    }
}

/// Measures time, memory and size, ours and MNE-Python's in turns where a Python with mne is found (`PYTHON`, else `python3`).
pub(crate) fn prepare(options: &PrepareOptions, root: &Path) -> bool {
    match measure(options, root) {
        Ok(()) => true,
        Err(message) => {
            crate::say(&format!("error: {message}"));
            false
        }
    }
}

fn measure(options: &PrepareOptions, root: &Path) -> Result<(), String> {
    let built = build_release(root, &["--bin", "dre"]) && build_release(root, &["--example", "bench_recording"]);
    if !built {
        return Err("the program could not be built".to_owned());
    }
    let python = python_with("mne");
    let folder = root.join("target").join(format!("bench-prepare-{}", std::process::id()));
    let temporary = Temporary(folder);
    let case = Case { root, folder: temporary.0.join("short"), options };
    case.make(options.minutes)?;
    let load_before = load();
    let mut ours = Needs::default();
    let mut peers = [1, options.threads].map(|n_jobs| (n_jobs, Needs::default()));
    let mut our_turn = || case.ours().map(|(seconds, peak)| ours.add(seconds, peak));
    let mut peer_turn = || {
        let Some(python) = &python else { return Ok(()) };
        for (n_jobs, needs) in &mut peers {
            let (seconds, peak) = case.peer(python, *n_jobs, "preload")?;
            needs.add(seconds, peak);
        }
        Ok(())
    };
    interleave(&mut [&mut our_turn, &mut peer_turn])?;
    let streamed = python.as_ref().map(|python| case.peer(python, 1, "stream")).transpose()?;
    let n_bytes = size(&case.folder.join("out"));
    fs::remove_dir_all(&case.folder).map_err(|e| e.to_string())?;
    let long = Case { root, folder: temporary.0.join("long"), options };
    long.make(options.long_minutes)?;
    let (long_seconds, long_peak) = long.ours()?;

    let (low, median, high) = spread(&mut ours.seconds);
    let an_hour = n_bytes as f64 * 60.0 / options.minutes as f64;
    let mut text = format!(
        "{} channels, {} Hz, float32 FIF, band-pass 1–30 Hz, every {}-th sample; {} threads; load {load_before} before, {} after\n",
        options.channels,
        options.sfreq,
        options.decim,
        options.threads,
        load()
    );
    let mut json = format!(
        "{{\n  \"options\": \"{options:?}\",\n  \"load\": [\"{load_before}\", \"{}\"],\n  \"dre\": {{ \"seconds\": {:?}, \
         \"peak_mb\": {:.0}, \"long_seconds\": {long_seconds:.3}, \"long_peak_mb\": {long_peak:.0} }},\n",
        load(),
        ours.seconds,
        ours.peak
    );
    let mut line = |text_line: String| {
        text.push_str(&text_line);
        text.push('\n');
    };
    line(format!("seconds for {} min: min / median / max of {} each", options.minutes, ours.seconds.len()));
    line(format!("  dre prepare           {low:7.2} / {median:7.2} / {high:7.2}   peak {:5.0} MB", ours.peak));
    if python.is_some() {
        let mut best = f64::INFINITY;
        for (n_jobs, needs) in &mut peers {
            let (low, median, high) = spread(&mut needs.seconds);
            best = best.min(median);
            line(format!(
                "  MNE-Python, n_jobs={n_jobs}  {low:7.2} / {median:7.2} / {high:7.2}   peak {:5.0} MB",
                needs.peak
            ));
            let _ = writeln!(
                json,
                "  \"mne_n_jobs_{n_jobs}\": {{ \"seconds\": {:?}, \"peak_mb\": {:.0} }},",
                needs.seconds, needs.peak
            );
        }
        line(format!("  MNE-Python's best median / ours: {:.2}", best / median));
        if let Some((_, peak)) = streamed {
            line(format!("  MNE-Python, preload=False and then loaded for the filter: peak {peak:.0} MB"));
        }
    } else {
        line("no Python with mne was found (PYTHON=…), so MNE-Python was not timed".to_owned());
    }
    line(format!("  dre prepare of {} min: {long_seconds:.2} s, peak {long_peak:.0} MB", options.long_minutes));
    line(format!("  cohort of one hour: {:.2} GB", an_hour / 1e9));
    let _ = writeln!(json, "  \"cohort_bytes_per_hour\": {an_hour:.0}\n}}");
    crate::say(&text);
    if let Some(path) = &options.json {
        fs::write(path, json).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    if options.record { keep(root, &text) } else { Ok(()) }
}

fn keep(root: &Path, text: &str) -> Result<(), String> {
    let mut page = record::heading(root, "preparing a FIF recording", "cargo xtask bench prepare")?;
    page.push_str(".\n\n");
    page.push_str(&record::verbatim(text));
    record::write(root, "prepare", &page).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_replace_the_defaults() {
        let options = PrepareOptions::parse(&["--minutes", "2", "--record", "--json", "x.json"]).expect("valid");
        assert_eq!((options.minutes, options.channels, options.record), (2, 273, true));
        assert_eq!(options.json, Some(PathBuf::from("x.json")));
    }

    #[test]
    fn wrong_options_are_named() {
        for (args, message) in [
            (&["--minute", "8"][..], "unknown option `--minute`"),
            (&["--minutes"], "--minutes needs a value"),
            (&["--minutes", "0"], "--minutes is `0`, expected a whole number above 0"),
        ] {
            assert_eq!(PrepareOptions::parse(args), Err(message.to_owned()));
        }
    }

    #[test]
    fn numbers_are_read() {
        let line = "{\"seconds\": 1.5, \"peak\": 20}";
        assert_eq!((number(line, "seconds"), number(line, "peak")), (Ok(1.5), Ok(20.0)));
        assert!(number(line, "read").is_err());
    }
}
