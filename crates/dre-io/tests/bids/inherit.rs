//! The inheritance principle.

use std::path::PathBuf;

use dre_io::bids::{BidsDataset, BidsError, Sidecar};

use crate::{folder, message, with, write};

#[test]
fn the_most_specific_table_of_events_holds() {
    let table = |onset: u32| format!("onset\n{onset}\n");
    let dir = folder(&[("sub-01/ses-1/eeg/sub-01_ses-1_task-x_run-1_eeg.edf", "")]);
    let dataset = BidsDataset::open(dir.path()).expect("a data set");
    let add = |path: &str, onset: u32| {
        write(dir.path(), path, table(onset).as_bytes());
        dataset.events(&dataset.recordings()[0]).map(|events| events.onset[0])
    };
    // From the root downwards, then more entities in the same folder.
    assert_eq!(add("task-x_events.tsv", 1).expect("root"), 1.0);
    assert_eq!(add("task-x_run-1_events.tsv", 2).expect("more entities"), 2.0);
    assert_eq!(add("sub-01/sub-01_events.tsv", 3).expect("subject"), 3.0);
    assert_eq!(add("sub-01/ses-1/sub-01_ses-1_task-x_events.tsv", 4).expect("session"), 4.0);
    assert_eq!(add("sub-01/ses-1/eeg/sub-01_ses-1_run-2_events.tsv", 5).expect("another run"), 4.0);
    assert_eq!(add("sub-01/ses-1/eeg/sub-01_ses-1_run-1_events.tsv", 6).expect("same folder"), 6.0);
    let error = add("sub-01/ses-1/eeg/sub-01_ses-1_task-x_events.tsv", 7).expect_err("as specific");
    assert!(matches!(error, BidsError::Ambiguous { .. }), "{error}");
    assert_eq!(add("sub-01/ses-1/eeg/sub-01_ses-1_task-x_run-1_events.tsv", 8).expect("its own"), 8.0);
}

#[test]
fn metadata_are_merged_and_the_more_specific_holds() {
    let (_dir, dataset) = with(&[
        ("task-x_eeg.json", "\u{feff}{\"SamplingFrequency\": 250, \"PowerLineFrequency\": 60, \"TaskName\": \"x\"}"),
        ("task-y_eeg.json", "{\"SamplingFrequency\": 1}"),
        ("sub-01/sub-01_eeg.json", "{\"PowerLineFrequency\": \"n/a\"}"),
        ("sub-01/eeg/sub-01_task-x_run-01_eeg.json", "{\"SamplingFrequency\": 500.5, \"Other\": null}"),
    ]);
    let sidecar = dataset.sidecar(&dataset.recordings()[0]).expect("metadata");
    let files = ["task-x_eeg.json", "sub-01/sub-01_eeg.json", "sub-01/eeg/sub-01_task-x_run-01_eeg.json"];
    let expected = Sidecar {
        sfreq: Some(500.5),
        line_freq: None,
        recording_duration: None,
        task_name: Some("x".to_owned()),
        files: files.map(PathBuf::from).to_vec(),
    };
    assert_eq!(sidecar, expected);
    let (_dir, dataset) = with(&[]);
    assert_eq!(dataset.sidecar(&dataset.recordings()[0]).expect("none"), Sidecar::default());
}

#[test]
fn what_is_wrong_with_metadata_is_said_with_its_line() {
    let cases = [
        (
            "{\n\"SamplingFrequency\": 0}",
            " line 2: SamplingFrequency is 0, expected a number of Hz above 0; correct it",
        ),
        ("{\"SamplingFrequency\": \"250\"}", " line 1: SamplingFrequency is \"250\", expected a number of Hz"),
        (
            "{\n\n\"RecordingDuration\": -1.5}",
            " line 3: RecordingDuration is -1.5, expected a number of seconds above 0",
        ),
        ("{\"PowerLineFrequency\": null}", " line 1: PowerLineFrequency is null, expected a number of Hz"),
        ("{\"TaskName\": 3}", " line 1: TaskName is 3, expected a text"),
        ("{\n\"TaskName\": }", " line 2, column 13: not valid JSON (expected value), expected a JSON object"),
        ("[1]", " line 1, column 1: the top level is no object, expected a JSON object"),
    ];
    for (content, expected) in cases {
        let (dir, dataset) = with(&[("sub-01/eeg/sub-01_task-x_run-01_eeg.json", content)]);
        let text = message(&dir, &dataset.sidecar(&dataset.recordings()[0]).expect_err(expected));
        let expected = format!("sub-01/eeg/sub-01_task-x_run-01_eeg.json{expected}");
        assert!(text.starts_with(&expected), "{text}\n{expected}");
    }
}
