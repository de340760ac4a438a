//! `dre info` on recordings and data sets that are made here.

use std::fs;
use std::path::Path;
use std::process::Command;

use dre::data::ChannelType;
use dre_io::recording::brainvision::write_brainvision;
use dre_io::recording::{Annotation, RecordingChannel, Unit};
use ndarray::Array2;

/// What `dre info` says, in a folder, without what a user's environment may add.
fn info(folder: &Path, path: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_dre"))
        .current_dir(folder)
        .args(["info", path])
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .env_remove("COLUMNS")
        .output()
        .expect("the program starts");
    let status = output.status.code().expect("ended by itself");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("status {status}\n--- stdout ---\n{stdout}--- stderr ---\n{stderr}").replace('\\', "/")
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().expect("inside")).expect("a folder");
    fs::write(path, text).expect("written");
}

fn recording(folder: &Path, path: &str, sfreq: f64, names: &[&str], annotations: &[Annotation]) {
    write(folder, path, "");
    let channels: Vec<RecordingChannel> =
        names.iter().map(|name| RecordingChannel::new(*name, ChannelType::Eeg, Unit::Volt)).collect();
    let data = Array2::from_elem((names.len(), (90.0 * sfreq) as usize), 1e-6);
    write_brainvision(&folder.join(path), sfreq, &channels, data.view(), annotations).expect("written");
}

fn events(folder: &Path, stem: &str, rows: &[(f64, &str)]) {
    let rows: Vec<String> = rows.iter().map(|(onset, kind)| format!("{onset}\t0.2\t{kind}\n")).collect();
    write(folder, &format!("{stem}_events.tsv"), &format!("onset\tduration\ttrial_type\n{}", rows.concat()));
}

fn data_set(folder: &Path) {
    let names = ["Fz", "Cz", "Pz"];
    for (stem, sfreq) in [("sub-01/eeg/sub-01_task-x_run-1", 100.0), ("sub-01/eeg/sub-01_task-x_run-2", 100.0)] {
        recording(folder, &format!("{stem}_eeg.vhdr"), sfreq, &names, &[]);
        events(folder, stem, &[(1.0, "target"), (2.0, "standard"), (3.0, "standard")]);
    }
    let stem = "sub-02/eeg/sub-02_task-x";
    recording(folder, &format!("{stem}_eeg.vhdr"), 200.0, &names, &[]);
    events(folder, stem, &[(1.0, "standard")]);
    write(
        folder,
        &format!("{stem}_channels.tsv"),
        "name\ttype\tunits\tstatus\nFz\tEEG\tuV\tbad\nCz\tEEG\tuV\tgood\nPz\tEOG\tuV\tgood\n",
    );
    write(folder, "sub-02/eeg/sub-02_electrodes.tsv", "name\tx\ty\tz\nCz\t0\t0\t90\n");
    let system = "{\"EEGCoordinateSystem\": \"CapTrak\", \"EEGCoordinateUnits\": \"mm\"}";
    write(folder, "sub-02/eeg/sub-02_coordsystem.json", system);
    let text = "filename\tacq_time\neeg/sub-02_task-x_eeg.vhdr\tn/a\neeg/sub-02_task-y_eeg.vhdr\tn/a\n";
    write(folder, "sub-02/sub-02_scans.tsv", text);
    // What cannot be used, each for its own reason.
    recording(folder, "sub-03/eeg/sub-03_task-x_eeg.vhdr", 100.0, &names, &[]);
    write(folder, "sub-04/eeg/sub-04_task-x_eeg.vhdr", "no header\n");
    recording(folder, "sub-05/eeg/sub-05_task-x_eeg.vhdr", 100.0, &names, &[]);
    events(folder, "sub-05/eeg/sub-05_task-x", &[(1.0, "standard"), (91.5, "standard")]);
    write(folder, "sub-06/eeg/sub-06_task-x_eeg.vhdr", "");
    write(folder, ".bidsignore", "sub-06\n");
    write(folder, "sub-emptyroom/meg/sub-emptyroom_task-noise_meg.fif", "");
    write(folder, "sub-01/meg/sub-01_acq-crosstalk_meg.fif", "");
    write(folder, "participants.tsv", "participant_id\tage\tgroup\nsub-01\t30\ta\nsub-02\tn/a\tb\nsub-09\t31\ta\n");
    write(folder, "dataset_description.json", "{\"Name\": \"x\", \"BIDSVersion\": \"1.10.0\"}");
}

#[test]
fn a_data_set_is_shown_with_what_is_left_out_and_why() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    data_set(&folder.path().join("data"));
    let text = info(folder.path(), "data");
    assert!(text.starts_with("status 0\n--- stdout ---\nBIDS data set data\n\nrecording "), "{text}");
    for expected in [
        "standard 2, target 1",
        "2 eeg, 1 eog (1 bad)",
        "  sub-06 (listed in .bidsignore)\n",
        "  sub-01/meg/sub-01_acq-crosstalk_meg.fif (calibration of the sensors)\n",
        "  sub-emptyroom (empty-room recording)\n",
        "  sub-03_task-x (no events for sub-03_task-x: found neither",
        "  sub-04_task-x (data/sub-04/eeg/sub-04_task-x_eeg.vhdr line 1: not a BrainVision header file",
        "line 3: onset 91.5 s is past the end of the recording (90.0 s)",
        "participants.tsv: no recording of sub-09\n",
        "sub-02_scans.tsv line 3: sub-02/eeg/sub-02_task-y_eeg.vhdr is not there\n",
        "recordings are sampled differently: 2 at 100 Hz, 1 at 200 Hz\n",
        "\n2 subjects, 3 recordings of 4.5 min, 7 events can be used; 6 left out\n",
        "participants.tsv: 3 rows, age, group\n",
        "electrodes: positions in CapTrak\n",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
}

#[test]
fn a_recording_is_described() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |onset: f64, duration: f64, text: &str| Annotation { onset, duration, description: text.to_owned() };
    let annotations = [at(1.0, 0.0, "Stimulus/S  1"), at(2.0, 0.0, "Stimulus/S  1"), at(3.0, 2.5, "Bad/blink")];
    recording(folder.path(), "rec.vhdr", 250.0, &["Fz", "Cz", "EOG"], &annotations);
    let text = info(folder.path(), "rec.vhdr");
    for expected in [
        "Recording rec.vhdr\n",
        "90.0 s (22500 samples at 250 Hz)\n",
        "  channels      3 eeg\n",
        "  bad           none\n",
        "2 × Stimulus/S  1",
        "1 × Bad/blink (2.5 s)",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
}

#[test]
fn a_data_set_without_recordings_says_what_was_looked_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), "data/sub-01/eeg/sub-01_task-x_events.tsv", "onset\n1\n");
    let text = info(folder.path(), "data");
    assert!(text.contains("no recording in data: found 1 folder sub-* without a recording"), "{text}");
    let text = info(folder.path(), "data/sub-01");
    assert!(text.contains("this is a subject's folder, give the folder that holds it"), "{text}");
}
