//! The program on a small BIDS data set that the test writes: what it prints, leaves, and returns.
#![allow(missing_docs)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use dre::data::ChannelType;
use dre_io::recording::brainvision::write_brainvision;
use dre_io::recording::{RecordingChannel, Unit};
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
[report]
past_alone = false
[importance]
modes = ["event", "init"]
n_permutations = 2
[models.trf]
kind = "trf"
lag_max = 10
[models.dre]
kind = "dre"
conv_filters = 4
lstm_hidden = 4
subject_dim = 2
n_init_times = 12
n_passes = 2
"#;

fn study(home: &Path) {
    fs::write(home.join("study.toml"), STUDY).unwrap();
    let channels = [RecordingChannel::new("Cz", ChannelType::Eeg, Unit::Volt)];
    for subject in ["sub-01", "sub-02"] {
        let folder = home.join("bids").join(subject).join("eeg");
        fs::create_dir_all(&folder).unwrap();
        let data = Array2::from_shape_fn([1, 3200], |(_, t)| 1e-5 * ((t * t % 1009) as f64 / 500.0 - 1.0));
        let header = folder.join(format!("{subject}_task-x_eeg.vhdr"));
        write_brainvision(&header, 64.0, &channels, data.view(), &[]).unwrap();
        let rows: Vec<String> = (0..60).map(|i| format!("{}\t0.1\n", 0.5 + 0.8 * f64::from(i))).collect();
        fs::write(folder.join(format!("{subject}_task-x_events.tsv")), format!("onset\tduration\n{}", rows.concat()))
            .unwrap();
    }
}

fn dre(home: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dre")).args(args).current_dir(home).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn run_does_everything_and_each_step_can_be_done_alone() {
    let home = tempfile::tempdir().unwrap();
    study(home.path());
    let run = dre(home.path(), &["run", "study.toml", "--threads", "2"]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let (out, err) = (text(&run.stdout), text(&run.stderr));
    for part in ["sub-01", "sub-02", "trf", "dre", "mean of 2", "Report: dre-small/report.html"] {
        assert!(out.contains(part), "`{part}` is not in\n{out}");
    }
    for part in ["Importance: fall of r", "init window", "trf, onset: not computed", "no tests across subjects"] {
        assert!(out.contains(part), "`{part}` is not in\n{out}");
    }
    for part in ["Preparing", "pass 2/2", "Scoring", "Permuting"] {
        assert!(err.contains(part), "`{part}` is not in\n{err}");
    }
    let results: serde_json::Value =
        serde_json::from_slice(&fs::read(home.path().join("dre-small/results.json")).unwrap()).unwrap();
    for model in ["trf", "dre"] {
        let model = &results["models"][model];
        assert!(model["mean_r"].is_number() && model["r_over_time"].as_array().unwrap().len() == 46);
        assert!(model["subjects"]["sub-02"]["r"].is_number());
    }
    let page = fs::read_to_string(home.path().join("dre-small/report.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") || page.starts_with("<!doctype html>"));

    for step in ["prepare", "fit", "evaluate"] {
        let alone = dre(home.path(), &[step, "study.toml"]);
        assert_eq!(alone.status.code(), Some(0), "{step}: {}", text(&alone.stderr));
    }
    assert_eq!(dre(home.path(), &["report", "dre-small"]).status.code(), Some(0));
    let info = text(&dre(home.path(), &["info", "bids"]).stdout);
    assert!(info.lines().any(|line| line.contains("sub-02") && line.contains("BrainVision")), "{info}");
}

#[test]
fn a_bad_recording_is_status_1_with_a_message_and_no_results() {
    let home = tempfile::tempdir().unwrap();
    study(home.path());
    let file = home.path().join("bids/sub-02/eeg/sub-02_task-x_eeg.eeg");
    fs::write(&file, &fs::read(&file).unwrap()[..1001]).unwrap();
    let run = dre(home.path(), &["run", "study.toml"]);
    assert_eq!(run.status.code(), Some(1));
    assert_eq!(text(&run.stdout), "");
    let message = text(&run.stderr);
    assert!(message.contains("sub-02_task-x_eeg.eeg") && message.contains("1001 bytes"), "{message}");
    let left = fs::read_dir(home.path().join("dre-small")).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name != "dre-run.json" && name != ".dre-lock").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let home = tempfile::tempdir().unwrap();
    study(home.path());
    let run = dre(home.path(), &["run", "study.toml", "--out", "/dev/null/results"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(text(&run.stderr).contains("/dev/null/results"), "{}", text(&run.stderr));
}
