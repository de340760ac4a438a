//! The study that is disturbed, the ways to disturb it, and what must hold afterwards.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::rng::Rng;

const STUDY: &str = include_str!("study.toml");

/// Files of the user's, beside dre's where dre lets others lie.
const USERS: [&str; 4] = ["notes.txt", "models/trf/notes.txt", "models/dre/only_copy.npy", "scores/table.xlsx"];

/// Where everything happens.
pub(super) struct Lab {
    program: PathBuf,
    home: PathBuf,
    /// What an undisturbed run leaves.
    expected: BTreeMap<String, Vec<u8>>,
    /// How long it takes.
    time: Duration,
}

impl Lab {
    /// Makes the data and the undisturbed run in an empty folder.
    pub(super) fn new(program: &Path, home: &Path) -> Result<Self, String> {
        if home.exists() {
            fs::remove_dir_all(home).map_err(|e| format!("{}: {e}", home.display()))?;
        }
        fs::create_dir_all(home).map_err(|e| format!("{}: {e}", home.display()))?;
        fs::write(home.join("study.toml"), STUDY).map_err(|e| e.to_string())?;
        let mut lab = Self {
            program: program.to_path_buf(),
            home: home.to_path_buf(),
            expected: BTreeMap::new(),
            time: Duration::ZERO,
        };
        let sizes = ["--array", "eeg19", "--subjects", "3", "--minutes", "2", "--sfreq", "200", "--quiet"];
        lab.must(&[&["simulate", "--out", "bids"], &sizes[..]].concat())?;
        let start = Instant::now();
        lab.must(&["run", "study.toml", "--out", "whole", "--threads", "1", "--quiet"])?;
        lab.time = start.elapsed();
        lab.expected = lab.content("whole");
        Ok(lab)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).current_dir(&self.home).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn must(&self, args: &[&str]) -> Result<(), String> {
        let output = self.command(args).output().map_err(|e| e.to_string())?;
        if output.status.success() { Ok(()) } else { Err(format!("dre {}: {}", args.join(" "), said(&output))) }
    }

    /// The run that is disturbed.
    fn run(&self) -> Command {
        self.command(&["run", "study.toml", "--out", "run", "--threads", "1", "--quiet", "--resume"])
    }

    /// Waits for a part of the time that a run takes.
    fn wait(&self, rng: &mut Rng) {
        sleep(self.time.mul_f64(rng.below(1000) as f64 / 1000.0));
    }

    /// An empty place, with files of the user's as soon as dre's folder is known as its own.
    pub(super) fn fresh(&self) -> Result<(), String> {
        let run = self.home.join("run");
        if run.exists() {
            fs::remove_dir_all(&run).map_err(|e| e.to_string())?;
        }
        fs::create_dir(&run).map_err(|e| e.to_string())?;
        fs::copy(self.home.join("whole/dre-run.json"), run.join("dre-run.json")).map_err(|e| e.to_string())?;
        for name in USERS {
            let path = run.join(name);
            fs::create_dir_all(path.parent().unwrap_or(&run)).map_err(|e| e.to_string())?;
            fs::write(path, format!("the user's {name}")).map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    /// As [`Lab::fresh`], finished.
    fn finished(&self) -> Result<(), String> {
        self.must(&["run", "study.toml", "--out", "run", "--threads", "1", "--quiet"])
    }

    /// Runs to the end what was disturbed; what is left must be what an undisturbed run leaves.
    pub(super) fn check(&self) -> Result<(), String> {
        let output = self.run().output().map_err(|e| e.to_string())?;
        if !output.status.success() {
            return Err(format!("the run afterwards: {:?}, {}", output.status, said(&output)));
        }
        let mut found = self.content("run");
        for name in USERS {
            match found.remove(name) {
                Some(text) if text == format!("the user's {name}").into_bytes() => {}
                Some(_) => return Err(format!("{name} of the user's has another content")),
                None => return Err(format!("{name} of the user's is gone")),
            }
        }
        let differs = |name: &&String| self.expected.get(*name) != found.get(*name);
        if let Some(name) = self.expected.keys().chain(found.keys()).find(differs) {
            return Err(format!("{name} is not as an undisturbed run leaves it"));
        }
        self.must(&["verify", "run"])
    }

    /// What a run leaves, without what tells times and processes.
    fn content(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![(String::new(), self.home.join(folder))];
        while let Some((prefix, folder)) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
                if entry.path().is_dir() {
                    folders.push((format!("{name}/"), entry.path()));
                    continue;
                }
                let bytes = fs::read(entry.path()).unwrap_or_default();
                match name.rsplit('/').next() {
                    // Checksums of what holds times.
                    Some(".dre-lock" | "dre-manifest.json" | "report.html") => {}
                    Some("results.json" | "model.json" | "cohort.json") => {
                        found.insert(name, timeless(&bytes));
                    }
                    _ => {
                        found.insert(name, bytes);
                    }
                }
            }
        }
        found
    }

    /// A file that dre wrote into the finished run.
    fn some_file(&self, rng: &mut Rng, wanted: impl Fn(&str) -> bool) -> PathBuf {
        let names: Vec<&String> = self.expected.keys().filter(|name| wanted(name)).collect();
        self.home.join("run").join(rng.pick(&names))
    }
}

/// JSON without the times that it tells.
fn timeless(bytes: &[u8]) -> Vec<u8> {
    fn strip(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(map) => {
                for key in ["fit_seconds", "seconds", "finished", "modified"] {
                    map.remove(key);
                }
                map.values_mut().for_each(strip);
            }
            serde_json::Value::Array(all) => all.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let Ok(mut value) = serde_json::from_slice(bytes) else { return bytes.to_vec() };
    strip(&mut value);
    value.to_string().into_bytes()
}

fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    text.lines().rev().take(3).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join(" / ")
}

/// How a program ended: by itself, as its manual says, or it was lost.
fn ended(child: Child) -> Result<String, String> {
    let output = child.wait_with_output().map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(code @ (0 | 1 | 130)) if !text.contains("panicked") => Ok(format!("status {code}")),
        _ => Err(format!("ended with {:?}: {}", output.status, said(&output))),
    }
}

fn start(command: &mut Command) -> Result<Child, String> {
    command.spawn().map_err(|e| e.to_string())
}

pub(super) fn killed(lab: &Lab, rng: &mut Rng) -> Result<String, String> {
    let n = 1 + rng.below(3);
    for _ in 0..n {
        let mut child = start(&mut lab.run())?;
        lab.wait(rng);
        child.kill().map_err(|e| e.to_string())?;
        child.wait().map_err(|e| e.to_string())?;
    }
    Ok(format!("{n} times"))
}

pub(super) fn terminated(lab: &Lab, rng: &mut Rng) -> Result<String, String> {
    let child = start(&mut lab.run())?;
    lab.wait(rng);
    let signal = *rng.pick(&["-TERM", "-INT", "-HUP"]);
    // Where it has ended already, there is nobody to hear it.
    Command::new("kill")
        .args([signal, &child.id().to_string()])
        .stderr(Stdio::null())
        .status()
        .map_err(|e| e.to_string())?;
    ended(child).map(|how| format!("{signal}, {how}"))
}

/// No file may be longer than some blocks, as on a disk that is nearly full.
pub(super) fn limited(lab: &Lab, rng: &mut Rng) -> Result<String, String> {
    let blocks = [1, 4, 16, 64, 256][rng.below(5)];
    let line = format!(
        "ulimit -f {blocks}; exec '{}' run study.toml --out run --threads 1 --quiet --resume",
        lab.program.display()
    );
    let mut command = Command::new("sh");
    command.args(["-c", &line]).current_dir(&lab.home).stdout(Stdio::null()).stderr(Stdio::piped());
    ended(start(&mut command)?)
}

pub(super) fn two_at_once(lab: &Lab, rng: &mut Rng) -> Result<String, String> {
    let first = start(&mut lab.run())?;
    lab.wait(rng);
    let second = start(&mut lab.run())?;
    let how = [ended(first)?, ended(second)?];
    if how.iter().any(|how| how == "status 0") { Ok(how.join(", ")) } else { Err("neither came to its end".to_owned()) }
}

/// Events are moved while recordings are prepared, and put back.
pub(super) fn input_changed(lab: &Lab, rng: &mut Rng) -> Result<String, String> {
    let path = lab.home.join(format!("bids/sub-0{0}/eeg/sub-0{0}_task-reading_events.tsv", 1 + rng.below(3)));
    let before = fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let child = start(&mut lab.run())?;
    sleep(lab.time.mul_f64(0.2 * rng.below(1000) as f64 / 1000.0));
    let text = String::from_utf8_lossy(&before).replace("\n1", "\n2");
    let written = fs::write(&path, text).map_err(|e| e.to_string());
    let how = ended(child);
    fs::write(&path, before).map_err(|e| e.to_string())?;
    written.and(how)
}

/// A file of the cohort becomes shorter while it is mapped.
pub(super) fn cut_short(lab: &Lab, rng: &mut Rng) -> Result<String, String> {
    lab.finished()?;
    fs::remove_dir_all(lab.home.join("run/models/rtrf")).map_err(|e| e.to_string())?;
    let path = lab.some_file(rng, |name| name.starts_with("cohort/sub-") && name.ends_with("data.npy"));
    let child = start(&mut lab.run())?;
    sleep(lab.time.mul_f64(0.3 * rng.below(1000) as f64 / 1000.0));
    let cut = fs::File::options().write(true).open(&path).and_then(|file| file.set_len(200));
    cut.map_err(|e| format!("{}: {e}", path.display()))?;
    ended(child)
}

/// One byte of a finished run is another one: `dre verify` finds it.
pub(super) fn damaged(lab: &Lab, rng: &mut Rng) -> Result<String, String> {
    lab.finished()?;
    let is_kept = |name: &str| name.contains('/') && !name.ends_with(".dre-lock");
    let path = lab.some_file(rng, is_kept);
    let mut bytes = fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let place = rng.below(bytes.len().max(1));
    bytes[place] ^= 1 << rng.below(8);
    fs::write(&path, &bytes).map_err(|e| e.to_string())?;
    if lab.must(&["verify", "run"]).is_ok() {
        return Err(format!("{}: byte {place} changed and `dre verify` found nothing", path.display()));
    }
    ended(start(&mut lab.run())?)?;
    // What the message says to do.
    if path.exists() {
        fs::remove_file(&path).map_err(|e| e.to_string())?;
    }
    Ok("found".to_owned())
}

pub(super) fn deleted(lab: &Lab, rng: &mut Rng) -> Result<String, String> {
    lab.finished()?;
    let path = lab.some_file(rng, |name| name != "dre-run.json");
    fs::remove_file(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok("made again".to_owned())
}
