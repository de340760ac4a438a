//! Nothing of the user's is lost: folders, files and recordings that dre did not write stay as they are, and what it did write is
//! known again.
#![cfg(unix)]
#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use dre::data::ChannelType;
use dre_io::recording::brainvision::write_brainvision;
use dre_io::recording::{RecordingChannel, Unit};
use dre_io::store::Hold;
use ndarray::Array2;

const STUDY: &str = r#"
name = "small"
[data]
bids = "bids"
[epochs]
tmin = -0.2
tmax = 0.5
[[features]]
name = "onset"
kind = "presence"
duration = 0.1
[[features]]
name = "length"
kind = "column"
column = "length"
duration = 0.1
[models.trf]
kind = "trf"
lag_max = 10
[importance]
n_permutations = 2
"#;

fn study(home: &Path) {
    fs::write(home.join("study.toml"), STUDY).unwrap();
    let channels = ["Cz", "Pz"].map(|name| RecordingChannel::new(name, ChannelType::Eeg, Unit::Volt));
    let folder = home.join("bids/sub-01/eeg");
    fs::create_dir_all(&folder).unwrap();
    let value = |(c, t): (usize, usize)| 1e-5 * ((t * t % (1009 + c)) as f64 / 500.0 - 1.0);
    let data = Array2::from_shape_fn([2, 6_000], value);
    write_brainvision(&folder.join("sub-01_task-x_eeg.vhdr"), 100.0, &channels, data.view(), &[]).unwrap();
    let rows: String = (0..60).map(|i| format!("{}\t0.1\t{}\n", 0.5 + 0.9 * f64::from(i), i % 7)).collect();
    fs::write(folder.join("sub-01_task-x_events.tsv"), format!("onset\tduration\tlength\n{rows}")).unwrap();
}

fn dre(home: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dre")).args(args).current_dir(home).output().unwrap()
}

/// What it said, where it failed.
fn failure(home: &Path, args: &[&str]) -> String {
    let output = dre(home, args);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{args:?}: {text}");
    text
}

fn success(home: &Path, args: &[&str]) {
    let output = dre(home, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Everything below a folder: files with their bytes, links with where they lead.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            found.extend(content(&path));
        } else if kind.is_symlink() {
            found.insert(path.clone(), fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes());
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn a_folder_of_the_user_s_own_is_refused_and_stays_as_it_was() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    study(home);
    for name in [
        "cohort/thesis.docx",
        "cohort/raw/only_copy.fif",
        "models/trf/model.json",
        "importance/trf/hand_made.tsv",
        "state/diary.md",
        "scores/trf.npy",
        "decoding/mine.txt",
        "results.json",
        "report.html",
        "audit.json",
        "study.toml",
    ] {
        let path = home.join("mine").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "mine").unwrap();
    }
    symlink("cohort", home.join("mine/link")).unwrap();
    let before = content(&home.join("mine"));
    for args in [
        &["run", "study.toml", "--out", "mine"][..],
        &["prepare", "study.toml", "--out", "mine", "--force"],
        &["demo", "--out", "mine"],
        &["ablate", "study.toml", "--out", "mine"],
    ] {
        let message = failure(home, args);
        assert!(message.contains("mine: holds ") && message.contains("choose another folder"), "{message}");
        assert_eq!(content(&home.join("mine")), before, "{args:?}");
    }
    let message = failure(home, &["simulate", "--out", "mine", "--force"]);
    assert!(message.contains("was not written by `dre simulate`"), "{message}");
    assert_eq!(content(&home.join("mine")), before);
}

#[test]
fn files_that_the_user_adds_to_a_run_are_never_cleared() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    study(home);
    let run = ["run", "study.toml", "--out", "run"];
    success(home, &run);
    success(home, &["verify", "run"]);
    // Beside what dre writes they disturb nobody.
    let notes = ["models/trf/notes.txt", "scores/notes.txt", "notes.txt"].map(|name| home.join("run").join(name));
    notes.iter().for_each(|path| fs::write(path, "mine").unwrap());
    success(home, &[&run[..], &["--force"]].concat());
    assert!(notes.iter().all(|path| fs::read_to_string(path).unwrap() == "mine"));
    // In a folder that is replaced as a whole they are in the way.
    for name in ["cohort/notes.txt", "importance/trf/notes.txt"] {
        let path = home.join("run").join(name);
        fs::write(&path, "mine").unwrap();
        let message = failure(home, &[&run[..], &["--force"]].concat());
        assert!(message.contains(&format!("run/{name}: was not written by dre")), "{message}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        fs::remove_file(&path).unwrap();
    }
    // A link instead of a folder of dre's is not replaced, and what it leads to is not touched.
    fs::create_dir(home.join("elsewhere")).unwrap();
    fs::write(home.join("elsewhere/only_copy.txt"), "mine").unwrap();
    fs::remove_dir_all(home.join("run/importance")).unwrap();
    symlink("../elsewhere", home.join("run/importance")).unwrap();
    success(home, &run);
    assert_eq!(fs::read_to_string(home.join("elsewhere/only_copy.txt")).unwrap(), "mine");
    fs::remove_dir_all(home.join("run/cohort")).unwrap();
    symlink("../elsewhere", home.join("run/cohort")).unwrap();
    let message = failure(home, &run);
    assert!(message.contains("run/cohort: was not written by dre"), "{message}");
    assert_eq!(fs::read_to_string(home.join("elsewhere/only_copy.txt")).unwrap(), "mine");
}

#[test]
fn a_report_and_figures_replace_nothing_of_the_user_s() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    study(home);
    success(home, &["run", "study.toml", "--out", "run"]);
    fs::create_dir(home.join("mine")).unwrap();
    fs::copy(home.join("run/results.json"), home.join("mine/results.json")).unwrap();
    for name in ["report.html", "scores.svg"] {
        fs::write(home.join("mine").join(name), "mine").unwrap();
    }
    for args in [&["report", "mine"][..], &["figures", "run", "--out", "mine", "--only", "scores", "--format", "svg"]] {
        let message = failure(home, args);
        assert!(message.contains("was not written by dre"), "{message}");
    }
    for name in ["report.html", "scores.svg"] {
        assert_eq!(fs::read_to_string(home.join("mine").join(name)).unwrap(), "mine");
        fs::remove_file(home.join("mine").join(name)).unwrap();
    }
    // What it wrote itself it writes again, and figures of another call stay.
    for _ in 0..2 {
        success(home, &["report", "mine"]);
        success(home, &["figures", "run", "--out", "mine", "--only", "scores", "--format", "svg"]);
        success(home, &["figures", "run", "--out", "mine", "--only", "evoked", "--format", "svg"]);
    }
    assert!(home.join("mine/scores.svg").is_file() && home.join("mine/report.html").is_file());
    success(home, &["verify", "mine"]);
}

#[test]
fn one_program_works_in_a_folder_at_a_time() {
    let home = tempfile::tempdir().unwrap();
    study(home.path());
    let hold = Hold::take(&home.path().join("run")).unwrap();
    let message = failure(home.path(), &["run", "study.toml", "--out", "run"]);
    let holder = format!("run: another dre is working here (process {} since 2", std::process::id());
    assert!(message.contains(&holder), "{message}");
    drop(hold);
    success(home.path(), &["run", "study.toml", "--out", "run"]);
}

#[test]
fn what_has_changed_is_found_and_made_again() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    study(home);
    let run = ["run", "study.toml", "--out", "run"];
    success(home, &run);
    let before = content(&home.join("run"));
    let path = home.join("run/models/trf/coef.npy");
    // Another content of the same size is found by its checksum, also when the model is read.
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, &bytes).unwrap();
    let output = dre(home, &["verify", "run"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("run/models/trf/coef.npy: its content has changed"), "{said}");
    let message = failure(home, &["evaluate", "study.toml", "--out", "run"]);
    assert!(message.contains("coef.npy: another content"), "{message}");
    // One that is gone makes the model out of date.
    fs::remove_file(&path).unwrap();
    assert!(String::from_utf8_lossy(&dre(home, &["verify", "run"]).stdout).contains("coef.npy: is gone"));
    success(home, &run);
    assert_eq!(fs::read(&path).unwrap(), before[&path]);
    // So does one of an analysis.
    let path = home.join("run/importance/trf/importance.tsv");
    fs::remove_file(&path).unwrap();
    success(home, &run);
    assert_eq!(fs::read(&path).unwrap(), before[&path]);
    success(home, &["verify", "run"]);
    // A folder that was read elsewhere is named.
    fs::remove_file(home.join("run/cohort/sub-01_task-x/events.tsv")).unwrap();
    let message = failure(home, &["evaluate", "study.toml", "--out", "run"]);
    assert!(message.contains("events.tsv: nothing, expected the file that was written there"), "{message}");
}

#[test]
fn files_are_as_readable_as_the_user_s_mask_says() {
    let home = tempfile::tempdir().unwrap();
    study(home.path());
    for (mask, mode) in [("077", 0o600), ("022", 0o644), ("002", 0o664)] {
        let line = format!("umask {mask}; exec {} run study.toml --out run-{mask} --quiet", env!("CARGO_BIN_EXE_dre"));
        let done = Command::new("sh").args(["-c", &line]).current_dir(home.path()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        for path in content(&home.path().join(format!("run-{mask}"))).keys() {
            let found = fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(format!("{found:o}"), format!("{mode:o}"), "{}", path.display());
        }
    }
}

#[test]
fn the_names_of_what_lies_beside_are_matched_whole() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let simulate = ["simulate", "--array", "eeg19", "--subjects", "1", "--minutes", "1", "--quiet", "--out"];
    let simulated = |more: &[&str]| success(home, &[&simulate[..], more].concat());
    simulated(&["sim"]);
    // As after a kill of `dre simulate --out sim-b --force` between its two renames.
    for name in [".dre-old-sim-b-77-0", ".dre-new-sim-b-77-0"] {
        fs::create_dir(home.join(name)).unwrap();
    }
    fs::write(home.join(".dre-new-sim-b-77-0.lock"), "").unwrap();
    let copy = home.join(".dre-old-sim-b-77-0/only_copy");
    fs::write(&copy, "sim-b, moved aside").unwrap();
    simulated(&["sim", "--force"]);
    assert!(copy.exists());
    // What the user added to a simulated data set is not cleared with it.
    let own = home.join("sim/derivatives/mine.tsv");
    fs::write(&own, "mine").unwrap();
    let message = failure(home, &[&simulate[..], &["sim", "--force"]].concat());
    assert!(message.contains("sim/derivatives/mine.tsv: was not written by dre"), "{message}");
    assert_eq!(fs::read_to_string(&own).unwrap(), "mine");
    fs::remove_file(&own).unwrap();
    success(home, &["verify", "sim"]);
    // Its own is put back.
    let message = failure(home, &[&simulate[..], &["sim-b"]].concat());
    assert!(message.contains("sim-b: is there already") || message.contains("only_copy"), "{message}");
}

#[test]
fn a_recording_is_not_written_over_itself() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    study(home);
    let folder = "bids/sub-01/eeg/";
    let before = content(&home.join("bids"));
    let header = format!("{folder}sub-01_task-x_eeg.vhdr");
    for out in [format!("{folder}sub-01_task-x_eeg.eeg"), header.clone(), "copy.txt".to_owned()] {
        let message = failure(home, &["export", &header, &out, "--force"]);
        assert!(message.contains("does not end in .fif"), "{message}");
    }
    success(home, &["export", &header, "raw.fif"]);
    let message = failure(home, &["export", "raw.fif", "./raw.fif", "--force"]);
    assert!(message.contains("is part of the recording that is read"), "{message}");
    assert_eq!(content(&home.join("bids")), before);
}

#[test]
fn a_pipe_is_not_waited_for_and_a_full_disk_is_not_success() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    study(home);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_dre"));
    let output = command.args(["info", "bids"]).current_dir(home).stdout(Stdio::from(full)).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("could not be written to the standard output"));
    let events = home.join("bids/sub-01/eeg/sub-01_task-x_events.tsv");
    fs::remove_file(&events).unwrap();
    assert!(Command::new("mkfifo").arg(&events).status().unwrap().success());
    let message = failure(home, &["run", "study.toml", "--out", "run"]);
    assert!(message.contains("a named pipe, expected a regular file"), "{message}");
}

/// Eight recordings, prepared by a program that is sent a signal while it is at the first; how it ended, and what it said.
fn signalled(home: &Path, signal: &str, before: &str) -> (Option<i32>, String) {
    study(home);
    let folder = home.join("bids/sub-01/eeg");
    let channels = ["Cz", "Pz"].map(|name| RecordingChannel::new(name, ChannelType::Eeg, Unit::Volt));
    let data = Array2::from_shape_fn([2, 600_000], |(c, t)| 1e-5 * ((t * t % (1009 + c)) as f64 / 500.0 - 1.0));
    for run in 1..=8 {
        let stem = folder.join(format!("sub-01_task-x_run-{run}"));
        write_brainvision(&PathBuf::from(format!("{}_eeg.vhdr", stem.display())), 100.0, &channels, data.view(), &[])
            .unwrap();
        fs::copy(folder.join("sub-01_task-x_events.tsv"), format!("{}_events.tsv", stem.display())).unwrap();
    }
    fs::write(
        home.join("study.toml"),
        STUDY.replace("[epochs]", "[prepare]\nl_freq = 0.1\nphase = \"zero\"\n[epochs]"),
    )
    .unwrap();
    let line =
        format!("{before} exec {} prepare study.toml --out run --verbose --threads 1", env!("CARGO_BIN_EXE_dre"));
    let mut child = Command::new("sh").args(["-c", &line]).current_dir(home).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.by_ref().any(|line| line.contains("sub-01_task-x: ")));
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    let said = lines.collect::<Vec<_>>().join("\n");
    (child.wait().unwrap().code(), said)
}

#[test]
fn a_signal_ends_a_preparation_and_one_that_is_ignored_does_not() {
    let [terminated, hung_up, ignored] = [0; 3].map(|_| tempfile::tempdir().unwrap());
    for (home, signal) in [(&terminated, "-TERM"), (&hung_up, "-HUP")] {
        let (code, said) = signalled(home.path(), signal, "");
        assert_eq!(code, Some(130), "{said}");
        assert!(said.contains("stopped; what was finished is kept"), "{said}");
        assert!(!home.path().join("run/cohort").exists());
    }
    // As `nohup` does.
    let (code, said) = signalled(ignored.path(), "-HUP", "trap '' HUP;");
    assert_eq!(code, Some(0), "{said}");
    assert!(ignored.path().join("run/cohort/cohort.json").is_file());
}

#[test]
fn a_name_cannot_act_on_the_terminal_or_break_a_table() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    study(home);
    let header = home.join("bids/sub-01/eeg/sub-01_task-x_eeg.vhdr");
    let text = fs::read_to_string(&header).unwrap();
    fs::write(&header, text.replace("Pz", "P\u{1b}[2J\u{202e}z")).unwrap();
    success(home, &["run", "study.toml", "--out", "run"]);
    for args in [&["info", "run/cohort"][..], &["info", "bids/sub-01/eeg/sub-01_task-x_eeg.vhdr"], &["info", "run"]] {
        let output = dre(home, args);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!said.contains(['\u{1b}', '\u{202e}']), "{args:?}: {said}");
    }
    for (path, bytes) in content(&home.join("run")) {
        if path.extension().is_some_and(|ending| ending == "tsv" || ending == "html") {
            assert!(!String::from_utf8_lossy(&bytes).contains(['\u{1b}', '\u{202e}']), "{}", path.display());
        }
    }
}
