//! The program as users meet it: help, wrong usage, wrong files. Every snapshot holds arguments, status and streams.

use std::path::Path;
use std::process::{Command, Output};

const EXAMPLE: &str = include_str!("../../../examples/p300.toml");

/// Runs `dre` in a folder, without what a user's environment may add.
fn dre(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dre"))
        .current_dir(folder)
        .args(args)
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .env_remove("COLUMNS")
        .output()
        .expect("the program starts")
}

/// The run as text. The same on each system, whose error texts differ.
fn shown(args: &[&str], output: &Output) -> String {
    let part = |name: &str, bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        if text.is_empty() { String::new() } else { format!("--- {name} ---\n{text}") }
    };
    format!(
        "dre {}\nstatus {}\n{}{}",
        args.join(" "),
        output.status.code().expect("ended by itself"),
        part("stdout", &output.stdout),
        part("stderr", &output.stderr)
    )
    .replace("dre.exe", "dre")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

macro_rules! snapshot {
    ($name:literal, $folder:expr, $args:expr) => {{
        let output = dre($folder.path(), &$args);
        insta::assert_snapshot!($name, shown(&$args, &output));
        output
    }};
}

#[test]
fn help() {
    let folder = folder();
    let output = snapshot!("help", folder, ["--help"]);
    assert!(output.status.success() && output.stderr.is_empty(), "help is a result");
    for command in [
        "run",
        "prepare",
        "fit",
        "evaluate",
        "importance",
        "state",
        "report",
        "figures",
        "info",
        "features",
        "ablate",
        "adapt",
        "audit",
        "export",
        "simulate",
        "demo",
    ] {
        let args = [command, "--help"];
        let output = dre(folder.path(), &args);
        insta::assert_snapshot!(format!("help-{command}"), shown(&args, &output));
    }
}

#[test]
fn a_recording_is_exported_once_and_reads_back_equal() {
    let folder = folder();
    let channels =
        [dre_io::recording::RecordingChannel::new("Cz", dre::data::ChannelType::Eeg, dre_io::recording::Unit::Volt)];
    let samples = ndarray::Array2::from_shape_fn((1, 500), |(_, t)| (t as f64 * 0.1).sin() * 1e-5);
    let path = folder.path().join("x.vhdr");
    dre_io::recording::brainvision::write_brainvision(&path, 100.0, &channels, samples.view(), &[]).expect("written");
    let export = |args: &[&str]| dre(folder.path(), &[&["export", "x.vhdr", "x_raw.fif"], args].concat());
    assert!(export(&[]).status.success());
    let mut read = dre_io::open_recording(&folder.path().join("x_raw.fif")).expect("readable");
    let mut back = ndarray::Array2::zeros((1, 500));
    read.read(&[0], 0, back.view_mut()).expect("readable");
    assert!(back.iter().zip(&samples).all(|(a, b)| (a - b).abs() <= 1e-6 * 1e-5));
    assert_eq!(export(&[]).status.code(), Some(1), "it is not replaced unasked");
    assert!(export(&["--force"]).status.success());
}

#[test]
fn wrong_usage_is_status_2() {
    let folder = folder();
    for (name, args) in [
        ("no-command", &[][..]),
        ("unknown-command", &["rnu", "study.toml"]),
        ("unknown-option", &["run", "study.toml", "--thread", "2"]),
        ("no-study", &["run"]),
        ("zero-threads", &["run", "study.toml", "--threads", "0"]),
        ("resume-and-force", &["run", "study.toml", "--resume", "--force"]),
        ("quiet-and-verbose", &["info", ".", "-q", "-v"]),
    ] {
        let output = dre(folder.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
        insta::assert_snapshot!(format!("usage-{name}"), shown(args, &output));
    }
}

/// Writes a study file and runs `dre` on it; what it says.
fn failure(study: Option<&str>, args: &[&str]) -> String {
    let folder = folder();
    if let Some(text) = study {
        std::fs::write(folder.path().join("study.toml"), text).expect("written");
    }
    let before = listing(folder.path());
    let output = dre(folder.path(), args);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "messages go to stderr");
    assert_eq!(listing(folder.path()), before, "a failed command leaves nothing behind");
    shown(args, &output)
}

fn listing(folder: &Path) -> Vec<std::ffi::OsString> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).expect("readable").map(|entry| entry.expect("readable").file_name()).collect();
    names.sort();
    names
}

#[test]
#[cfg(unix)]
fn a_missing_study_file_is_named_with_its_cause() {
    insta::assert_snapshot!(failure(None, &["run", "study.toml"]));
}

#[test]
fn an_unknown_key_is_named_with_the_nearest_one() {
    let study = EXAMPLE.replace("lstm_hidden", "lstm_hiden");
    insta::assert_snapshot!(failure(Some(&study), &["run", "study.toml", "--data", "."]));
}

#[test]
fn a_study_without_data_says_how_to_give_them() {
    insta::assert_snapshot!(failure(Some(EXAMPLE), &["prepare", "study.toml"]));
}

#[test]
fn a_missing_data_folder_is_named() {
    insta::assert_snapshot!(failure(Some(EXAMPLE), &["prepare", "study.toml", "--data", "no/such"]));
}

#[test]
fn a_model_that_the_study_lacks_is_named() {
    let args = ["fit", "study.toml", "--data", ".", "--model", "transformer"];
    insta::assert_snapshot!(failure(Some(EXAMPLE), &args));
}

#[test]
fn info_says_that_it_does_not_know_a_folder() {
    insta::assert_snapshot!(failure(Some(EXAMPLE), &["info", "."]));
}

#[test]
fn info_shows_a_study_with_its_defaults() {
    let folder = folder();
    std::fs::write(folder.path().join("study.toml"), EXAMPLE).expect("written");
    snapshot!("info-study", folder, ["info", "study.toml"]);
}

#[test]
fn a_newer_results_file_is_refused() {
    let folder = folder();
    std::fs::write(folder.path().join("results.json"), r#"{"format": 99}"#).expect("written");
    let output = snapshot!("results-of-a-newer-version", folder, ["report", "."]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn an_older_results_file_is_refused_with_what_makes_it_again() {
    let folder = folder();
    std::fs::write(folder.path().join("results.json"), r#"{"format": 1}"#).expect("written");
    snapshot!("results-of-an-older-version", folder, ["figures", "."]);
}

#[test]
fn an_output_folder_that_is_a_file_is_named() {
    let folder = folder();
    std::fs::write(folder.path().join("results.json"), include_str!("results.json")).expect("written");
    snapshot!("out-is-a-file", folder, ["figures", ".", "--out", "results.json"]);
    std::fs::write(folder.path().join("study.toml"), EXAMPLE).expect("written");
    std::fs::create_dir(folder.path().join("data")).expect("made");
    let run = dre(folder.path(), &["run", "study.toml", "--data", "data", "--out", "results.json"]);
    assert!(String::from_utf8_lossy(&run.stderr).contains("--out results.json: is a file, not a folder"));
}

#[test]
fn colour_follows_the_option() {
    let folder = folder();
    for (when, coloured) in [("always", true), ("never", false), ("auto", false)] {
        let output = dre(folder.path(), &["info", "nothing", "--color", when]);
        assert_eq!(output.stderr.contains(&0x1b), coloured, "--color {when}, stderr is no terminal");
    }
}

#[test]
fn info_shows_the_scores_of_a_run() {
    let folder = folder();
    std::fs::write(folder.path().join("results.json"), include_str!("results.json")).expect("written");
    snapshot!("info-results", folder, ["info", "."]);
    let by_file = dre(folder.path(), &["info", "results.json"]);
    let by_folder = dre(folder.path(), &["info", "."]);
    assert_eq!(by_file.stdout, by_folder.stdout);
}

#[test]
fn a_report_is_made_and_its_numbers_are_printed() {
    let folder = folder();
    std::fs::write(folder.path().join("results.json"), include_str!("results.json")).expect("written");
    snapshot!("report-results", folder, ["report", "."]);
    assert!(folder.path().join("report.html").is_file());
}

#[test]
fn features_defines_every_kind() {
    let folder = folder();
    snapshot!("features", folder, ["features"]);
    snapshot!("features-zipf", folder, ["features", "zipf"]);
    let output = snapshot!("features-unknown", folder, ["features", "zip"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn an_audit_that_is_not_there_says_how_to_get_one() {
    insta::assert_snapshot!(failure(Some(EXAMPLE), &["audit", "."]));
}

#[test]
fn a_fold_of_a_study_without_folds_is_refused() {
    insta::assert_snapshot!(failure(Some(EXAMPLE), &["run", "study.toml", "--data", ".", "--fold", "2"]));
}

#[test]
fn figures_are_written_with_their_numbers() {
    let folder = folder();
    std::fs::write(folder.path().join("results.json"), include_str!("results.json")).expect("written");
    let output = dre(folder.path(), &["figures", ".", "--format", "svg,png,pdf", "--dpi", "100", "--quiet"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let files: Vec<String> =
        listing(&folder.path().join("figures")).into_iter().map(|name| name.into_string().expect("plain")).collect();
    insta::assert_snapshot!("figures-files", files.join("\n"));
    insta::assert_snapshot!("figures-result", shown(&["figures"], &output));
    let read = |name: &str| std::fs::read(folder.path().join("figures").join(name)).expect("readable");
    assert!(read("scores.pdf").starts_with(b"%PDF-"));
    // The size in pixels follows from that in millimetres.
    let svg = String::from_utf8(read("scores.svg")).expect("text");
    let start = svg.find("width=\"").expect("a width") + 7;
    let mm: f64 = svg[start..].split("mm").next().expect("in millimetres").parse().expect("a number");
    let png = read("scores.png");
    let pixels = u32::from_be_bytes([png[16], png[17], png[18], png[19]]);
    assert!((f64::from(pixels) - mm / 25.4 * 100.0).abs() <= 1.0, "{pixels} pixels for {mm} mm");

    let only = dre(folder.path(), &["figures", "results.json", "--only", "scores", "--out", "some"]);
    assert!(only.status.success());
    let some = listing(&folder.path().join("some"));
    assert!(some.iter().all(|name| name.to_string_lossy().starts_with("scores") || name == "dre-manifest.json"));
    let unknown = snapshot!("figures-unknown", folder, ["figures", ".", "--only", "scoers"]);
    assert_eq!(unknown.status.code(), Some(1));
}

#[test]
fn figures_of_a_run_without_results_say_how_to_get_them() {
    insta::assert_snapshot!(failure(Some(EXAMPLE), &["figures", "."]));
}
