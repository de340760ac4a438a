//! A preparation that is killed and started again: the same bytes, and nothing left lying about.
#![cfg(unix)]
#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use dre::data::ChannelType;
use dre_io::recording::brainvision::write_brainvision;
use dre_io::recording::{RecordingChannel, Unit};
use ndarray::Array2;

const SUBJECTS: usize = 4;
const STUDY: &str = r#"
name = "small"
[data]
bids = "bids"
[prepare]
l_freq = 1.0
h_freq = 20.0
decim = 2
[epochs]
tmin = -0.2
tmax = 0.5
[[features]]
name = "onset"
kind = "presence"
duration = 0.1
[models.trf]
kind = "trf"
lag_max = 10
"#;

fn study(home: &Path) {
    fs::write(home.join("study.toml"), STUDY).unwrap();
    let channels = ["Cz", "Pz", "Oz"].map(|name| RecordingChannel::new(name, ChannelType::Eeg, Unit::Volt));
    for subject in 1..=SUBJECTS {
        let folder = home.join(format!("bids/sub-0{subject}/eeg"));
        fs::create_dir_all(&folder).unwrap();
        let value = |(c, t): (usize, usize)| 1e-5 * ((t * t % (1009 + 8 * subject + c)) as f64 / 500.0 - 1.0);
        let header = folder.join(format!("sub-0{subject}_task-x_eeg.vhdr"));
        write_brainvision(&header, 100.0, &channels, Array2::from_shape_fn([3, 30_000], value).view(), &[]).unwrap();
        let rows: String = (0..60).map(|i| format!("{}\t0.1\n", 0.5 + 0.8 * f64::from(i))).collect();
        let events = folder.join(format!("sub-0{subject}_task-x_events.tsv"));
        fs::write(events, format!("onset\tduration\n{rows}")).unwrap();
    }
}

fn prepare(home: &Path, out: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dre"));
    command.args(["prepare", "study.toml", "--verbose", "--threads", "2", "--out", out]).current_dir(home);
    command
}

/// All files below a folder with their bytes.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut out = BTreeMap::new();
    let mut todo = vec![folder.to_path_buf()];
    while let Some(next) = todo.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else if path.file_name() != Some(".dre-lock".as_ref()) {
                // The lock says which process took it.
                out.insert(path.strip_prefix(folder).unwrap().to_path_buf(), fs::read(&path).unwrap());
            }
        }
    }
    out
}

#[test]
fn a_preparation_killed_at_any_recording_and_started_again_gives_the_same_bytes() {
    let home = tempfile::tempdir().unwrap();
    study(home.path());
    let done = prepare(home.path(), "whole").output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let expected = content(&home.path().join("whole"));
    assert_eq!(expected.len(), 4 + 3 * SUBJECTS, "with what says that the folders are dre's");
    for subject in 1..=SUBJECTS {
        let out = format!("killed-{subject}");
        // Killed twice, so that what the first one left lies before the second, too.
        for _ in 0..2 {
            let mut child = prepare(home.path(), &out).stderr(Stdio::piped()).spawn().unwrap();
            let id = format!("sub-0{subject}_task-x: ");
            let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
            let named = lines.any(|line| line.unwrap().contains(&id));
            child.kill().unwrap();
            child.wait().unwrap();
            // Unless the machine was so fast that the last recording was done meanwhile.
            assert!(named || subject == SUBJECTS, "{id}");
        }
        assert!(prepare(home.path(), &out).status().unwrap().success());
        assert!(content(&home.path().join(&out)) == expected, "killed at recording {subject}");
    }
}
