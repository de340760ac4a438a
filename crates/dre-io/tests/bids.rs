//! BIDS data sets: small folders written here, and the real ones of the shared data where they are.

use std::fs;
use std::path::{Path, PathBuf};

use dre::data::ChannelType;
use dre_io::bids::{BidsDataset, BidsError, BidsFilter, BidsRecording, Datatype, Sidecar, SkipReason};
use proptest::prelude::*;
use tempfile::TempDir;

/// A data set with the given files. Readers of recordings are not at work here, so recordings are empty.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (path, content) in files {
        write(dir.path(), path, content.as_bytes());
    }
    dir
}

fn write(root: &Path, path: &str, content: &[u8]) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("inside the root")).expect("a folder");
    fs::write(path, content).expect("a file");
}

const RUN: &str = "sub-01/eeg/sub-01_task-x_run-01_eeg.vhdr";
const EVENTS: &str = "sub-01/eeg/sub-01_task-x_run-01_events.tsv";

/// One recording and files about it.
fn with(files: &[(&str, &str)]) -> (TempDir, BidsDataset) {
    let dir = folder(&[(RUN, "")]);
    for (path, content) in files {
        write(dir.path(), path, content.as_bytes());
    }
    let dataset = BidsDataset::open(dir.path()).expect("a data set");
    (dir, dataset)
}

fn ids(recordings: &[BidsRecording]) -> Vec<&str> {
    recordings.iter().map(|recording| recording.id.as_str()).collect()
}

/// A message with the temporary folder's name taken out.
fn message(dir: &TempDir, error: &BidsError) -> String {
    error.to_string().replace(&dir.path().display().to_string(), "DATA")
}

/// A data set of the shared data; says so where it is absent.
fn shared(name: &str) -> Option<PathBuf> {
    let dir = std::env::var_os("DRE_DATA_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from)
        .join(name);
    if !dir.is_dir() {
        eprintln!("SKIPPED: there is no {}; set DRE_DATA_DIR to the folder that holds {name}", dir.display());
        return None;
    }
    Some(dir)
}

// ---- the walk ----

#[test]
fn recordings_are_found_in_order_and_the_rest_is_named() {
    let dir = folder(&[
        ("sub-02/eeg/sub-02_task-x_run-10_eeg.edf", ""),
        ("sub-02/eeg/sub-02_task-x_run-9_eeg.EDF", ""),
        ("sub-10/ses-b/meg/sub-10_ses-b_task-x_meg.fif", ""),
        ("sub-10/ses-b/meg/sub-10_ses-b_task-noise_meg.fif", ""),
        ("sub-10/ses-b/meg/sub-10_ses-b_acq-crosstalk_meg.fif", ""),
        ("sub-10/ses-b/meg/sub-10_ses-b_headshape.pos", ""),
        ("sub-9/ses-2/meg/sub-9_ses-2_task-x_split-01_meg.fif", ""),
        ("sub-9/ses-2/meg/sub-9_ses-2_task-x_split-02_meg.fif", ""),
        ("sub-9/ses-1/meg/sub-9_ses-1_task-x_meg.ds/x.meg4", ""),
        ("sub-9/ses-1/meg/sub-9_ses-1_task-y_meg.con", ""),
        ("sub-9/ses-1/meg/copy of recording.fif", ""),
        ("sub-9/ses-1/eeg/sub-9_ses-1_task-x_eeg.set", ""),
        ("sub-9/ses-1/eeg/sub-9_ses-1_task-x_eeg.fdt", ""),
        ("sub-9/ses-1/eeg/._sub-9_ses-1_task-x_eeg.set", ""),
        ("sub-9/ses-1/beh/sub-9_ses-1_task-x_beh.tsv", ""),
        ("sub-emptyroom/ses-1/meg/sub-emptyroom_ses-1_task-noise_meg.fif", ""),
        ("derivatives/sub-01/eeg/sub-01_task-x_eeg.edf", ""),
        ("sourcedata/sub-01/eeg/sub-01_task-x_eeg.edf", ""),
        ("code/sub-01/eeg/sub-01_task-x_eeg.edf", ""),
        (".git/sub-01/eeg/sub-01_task-x_eeg.edf", ""),
        ("sub-11", "a file, not a folder"),
    ]);
    let dataset = BidsDataset::open(dir.path()).expect("a data set");
    assert_eq!(
        ids(dataset.recordings()),
        [
            "sub-02_task-x_run-9",
            "sub-02_task-x_run-10",
            "sub-9_ses-1_task-x_eeg",
            "sub-9_ses-1_task-x_meg",
            "sub-9_ses-2_task-x",
            "sub-10_ses-b_task-x",
        ]
    );
    let split = &dataset.recordings()[4];
    assert_eq!(split.path, dir.path().join("sub-9/ses-2/meg/sub-9_ses-2_task-x_split-01_meg.fif"));
    assert_eq!((split.subject.as_str(), split.session.as_deref()), ("sub-9", Some("2")));
    assert_eq!((split.task.as_deref(), split.run.as_deref(), split.datatype), (Some("x"), None, Datatype::Meg));

    let skipped: Vec<(String, SkipReason)> =
        dataset.skipped().iter().map(|s| (s.path.to_string_lossy().replace('\\', "/"), s.reason)).collect();
    let expected = [
        ("sub-10/ses-b/meg/sub-10_ses-b_acq-crosstalk_meg.fif", SkipReason::Calibration),
        ("sub-10/ses-b/meg/sub-10_ses-b_task-noise_meg.fif", SkipReason::EmptyRoom),
        ("sub-9/ses-1/meg/copy of recording.fif", SkipReason::NotBids),
        ("sub-9/ses-1/meg/sub-9_ses-1_task-y_meg.con", SkipReason::OtherFormat),
        ("sub-9/ses-2/meg/sub-9_ses-2_task-x_split-02_meg.fif", SkipReason::SplitContinuation),
        ("sub-emptyroom", SkipReason::EmptyRoom),
    ];
    assert_eq!(skipped, expected.map(|(path, reason)| (path.to_owned(), reason)));
}

#[test]
fn a_folder_that_is_no_data_set_is_refused_with_what_was_looked_for() {
    let dir = folder(&[("sub-01/anat/sub-01_T1w.nii", ""), ("file", "")]);
    let refused = |path: &Path| message(&dir, &BidsDataset::open(path).expect_err("no data set"));
    let cases = [
        (dir.path().to_path_buf(), "no recording in DATA: found 1 folder(s) sub-*, none with a recording"),
        (
            dir.path().join("sub-01"),
            "no recording in DATA/sub-01: found no folder sub-*; looked for sub-*/[ses-*/]eeg/*_eeg",
        ),
        (dir.path().join("sub-01"), "this is a subject's folder, give the folder that holds it"),
        (dir.path().join("nowhere"), "there is no folder DATA/nowhere; expected the root of a BIDS data set"),
        (dir.path().join("file"), "DATA/file is a file, expected a folder"),
    ];
    for (path, expected) in cases {
        let text = refused(&path);
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn left_out_files_are_named_where_nothing_else_is_there() {
    let dir = folder(&[("sub-01/meg/sub-01_task-x_meg.con", "")]);
    let text = message(&dir, &BidsDataset::open(dir.path()).expect_err("no recording"));
    assert!(text.contains("left out sub-01/meg/sub-01_task-x_meg.con (format that is not read)"), "{text}");
}

#[cfg(unix)]
#[test]
fn an_unreadable_folder_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let dir = folder(&[(RUN, "")]);
    let closed = dir.path().join("sub-01/eeg");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).expect("permissions");
    let opened = BidsDataset::open(dir.path());
    let superuser = fs::read_dir(&closed).is_ok();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).expect("permissions");
    if superuser {
        eprintln!("SKIPPED: this user may read every folder");
        return;
    }
    let text = message(&dir, &opened.expect_err("no permission"));
    assert_eq!(text, "cannot read DATA/sub-01/eeg; ask its owner for permission to read it");
}

#[test]
fn names_that_contradict_each_other_are_refused() {
    let dir = folder(&[("sub-01/eeg/sub-02_task-x_eeg.edf", "")]);
    let text = message(&dir, &BidsDataset::open(dir.path()).expect_err("another subject"));
    assert_eq!(
        text,
        "sub-01/eeg/sub-02_task-x_eeg.edf: its name says sub-02, but its folder sub-01; rename it or move it to its folder"
    );
    let dir = folder(&[("sub-01/ses-1/eeg/sub-01_task-x_eeg.edf", "")]);
    let text = message(&dir, &BidsDataset::open(dir.path()).expect_err("no session"));
    assert!(text.contains("its name says no ses-, but its folder ses-1"), "{text}");

    let dir = folder(&[(RUN, ""), ("sub-01/eeg/sub-01_task-x_run-01_eeg.edf", "")]);
    let error = BidsDataset::open(dir.path()).expect_err("two files");
    assert!(matches!(&error, BidsError::SameRecording { id, .. } if id == "sub-01_task-x_run-01"), "{error}");
}

// ---- the filter ----

fn four() -> (TempDir, BidsDataset) {
    let dir = folder(&[
        ("sub-anna/ses-01/eeg/sub-anna_ses-01_task-x_run-01_eeg.edf", ""),
        ("sub-anna/ses-02/eeg/sub-anna_ses-02_task-x_run-02_eeg.edf", ""),
        ("sub-ben/ses-01/eeg/sub-ben_ses-01_task-x_run-01_eeg.edf", ""),
        ("sub-ben/ses-01/eeg/sub-ben_ses-01_task-y_run-01_eeg.edf", ""),
    ]);
    let dataset = BidsDataset::open(dir.path()).expect("a data set");
    (dir, dataset)
}

fn filter(task: Option<&str>, subjects: &[&str], sessions: &[&str], runs: &[&str]) -> BidsFilter {
    let owned = |labels: &[&str]| labels.iter().map(|&label| label.to_owned()).collect();
    BidsFilter {
        task: task.map(str::to_owned),
        subjects: owned(subjects),
        sessions: owned(sessions),
        runs: owned(runs),
    }
}

#[test]
fn a_filter_takes_labels_with_and_without_their_key() {
    let (_dir, dataset) = four();
    let selected = |f: BidsFilter| {
        dataset.select(&f).expect("something").iter().map(|recording| recording.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(selected(BidsFilter::default()).len(), 4);
    assert_eq!(selected(filter(Some("task-y"), &[], &[], &[])), ["sub-ben_ses-01_task-y_run-01"]);
    let both = ["sub-anna_ses-01_task-x_run-01", "sub-ben_ses-01_task-x_run-01"];
    assert_eq!(selected(filter(Some("x"), &["sub-anna", "ben"], &["ses-01"], &["1"])), both);
    assert_eq!(selected(filter(None, &["anna"], &["02"], &["run-02"])), ["sub-anna_ses-02_task-x_run-02"]);
}

#[test]
fn a_filter_that_matches_nothing_names_what_there_is() {
    let (dir, dataset) = four();
    let refused = |f: BidsFilter| message(&dir, &dataset.select(&f).expect_err("nothing"));
    assert_eq!(
        refused(filter(None, &["ana", "ben", "carl"], &[], &[])),
        "no subject sub-ana, sub-carl in DATA; there are: sub-anna, sub-ben; did you mean sub-anna?; correct the filter"
    );
    assert_eq!(
        refused(filter(Some("z"), &[], &[], &[])),
        "no task task-z in DATA; there are: task-x, task-y; correct the filter"
    );
    assert_eq!(
        refused(filter(None, &[], &["1"], &[])),
        "no session ses-1 in DATA; there are: ses-01, ses-02; correct the filter"
    );
    assert!(refused(filter(None, &[], &[], &["3"])).starts_with("no run run-3 in DATA; there are: run-01, run-02;"));
    let text = refused(filter(Some("y"), &["anna", "ben"], &[], &[]));
    assert!(text.starts_with("no recording in DATA has all of task-y for sub-anna;"), "{text}");
    assert!(text.contains("there are: sub-anna_ses-01_task-x_run-01, sub-anna_ses-02_task-x_run-02;"), "{text}");
    let text = refused(filter(Some("y"), &[], &["02"], &[]));
    assert!(text.starts_with("no recording in DATA has all of ses-02 and task-y;"), "{text}");
}

// ---- events ----

#[test]
fn events_are_sorted_with_columns_in_any_order() {
    let text = "\u{feff}trial_type\tduration\tonset\tword\r\nb\tn/a\t2.5\t\"x\ty\"\r\na\t0.25\t1\tn/a\r\n\r\nc\t0\t1\t\"Oh\r\n";
    let (_dir, dataset) = with(&[(EVENTS, text)]);
    let file = dataset.events_file(&dataset.recordings()[0]).expect("events");
    assert_eq!(file.path, Path::new(EVENTS));
    assert_eq!(file.table.onset, [1.0, 1.0, 2.5]);
    assert_eq!(file.table.duration, [0.25, 0.0, 0.0]);
    assert_eq!(file.lines, [3, 5, 2]);
    assert_eq!(file.table.columns.keys().collect::<Vec<_>>(), ["trial_type", "word"]);
    assert_eq!(file.table.columns["trial_type"], ["a", "c", "b"]);
    assert_eq!(file.table.columns["word"], ["n/a", "\"Oh", "x\ty"]);
    file.table.check().expect("a sound table");
}

#[test]
fn a_table_without_durations_has_durations_of_zero() {
    let (_dir, dataset) = with(&[(EVENTS, "onset\n0.5\n")]);
    let events = dataset.events(&dataset.recordings()[0]).expect("events");
    assert_eq!((events.onset, events.duration), (vec![0.5], vec![0.0]));
}

#[test]
fn an_event_past_the_end_is_named_with_its_line() {
    let (dir, dataset) = with(&[(EVENTS, "onset\tduration\n812.4\t0\n3\t0\n801\t0\n")]);
    let file = dataset.events_file(&dataset.recordings()[0]).expect("events");
    file.check_within(812.5).expect("all within");
    let text = message(&dir, &file.check_within(801.0).expect_err("two are not"));
    assert_eq!(
        text,
        format!(
            "{EVENTS} line 4: onset 801.0 s is past the end of the recording (801.0 s); remove the row or check sfreq"
        )
    );
    let text = message(&dir, &file.check_within(810.0).expect_err("one is not"));
    assert!(text.contains("line 2: onset 812.4 s is past the end of the recording (810.0 s)"), "{text}");
}

#[test]
fn what_is_wrong_with_a_table_of_events_is_said_with_its_line() {
    let cases: [(&[u8], &str); 16] = [
        (b"", " is empty, expected a header line with the columns onset and duration; restore"),
        (b"onset\tduration\n", ": no events, only a header line;"),
        (
            b"Onset\tduration\n1\t0\n",
            " line 1: no column `onset`; found `Onset`, `duration`; rename `Onset` to `onset`",
        ),
        (b"time\tduration\n1\t0\n", " line 1: no column `onset`; found `time`, `duration`; add or rename"),
        (
            b"onset,duration\n1,0\n",
            " line 1: no column `onset`; found `onset,duration`; columns must be separated by tabs",
        ),
        (b"onset\ta\ta\n1\t0\t0\n", " line 1: column `a` is there twice"),
        (b"onset\tduration\n1\t0\n2\n", " line 3: 1 field, expected 2 as in the header (onset, duration)"),
        (b"onset\tduration\n1\t0\t7\n", " line 2: 3 fields, expected 2"),
        (
            b"onset\tduration\n1,5\t0\n",
            " line 2: onset is `1,5`, expected seconds from the recording's first sample, 0 or more; write a number with a decimal point",
        ),
        (b"onset\tduration\n\n1\t0\nn/a\t0\n", " line 4: onset is `n/a`, expected seconds"),
        (b"onset\tduration\ninf\t0\n", " line 2: onset is `inf`, expected seconds"),
        (b"onset\tduration\nNaN\t0\n", " line 2: onset is `NaN`, expected seconds"),
        (
            b"onset\tduration\n-0.5\t0\n",
            " line 2: onset is `-0.5`, expected seconds from the recording's first sample, 0 or more; an event before the first sample has no data; remove the row",
        ),
        (b"onset\tduration\n0.5\t-1\n", " line 2: duration is `-1`, expected seconds, 0 or more, or n/a"),
        (b"onset\tduration\n0.5\t\n", " line 2: duration is ``, expected seconds"),
        (
            b"onset\tduration\tword\n1\t0\tok\n2\t0\tf\xfcr\n",
            " line 3: byte 0xfc is not UTF-8 text; save the file in the encoding UTF-8",
        ),
    ];
    for (content, expected) in cases {
        let (dir, dataset) = with(&[]);
        write(dir.path(), EVENTS, content);
        let text = message(&dir, &dataset.events(&dataset.recordings()[0]).expect_err(expected));
        let expected = format!("{EVENTS}{expected}");
        assert!(text.starts_with(&expected), "{text}\n{expected}");
    }
}

#[test]
fn without_events_the_names_that_were_looked_for_are_given() {
    let (dir, dataset) = with(&[
        ("sub-01/eeg/sub-01_task-y_events.tsv", "onset\n1\n"),
        ("task-x_run-01_desc-a_events.tsv", "onset\n1\n"),
    ]);
    let text = message(&dir, &dataset.events(&dataset.recordings()[0]).expect_err("no events"));
    assert_eq!(
        text,
        "no events for sub-01_task-x_run-01: found neither sub-01/eeg/sub-01_task-x_run-01_events.tsv nor an *_events.tsv \
         with fewer of these entities there or in sub-01, the root; add the file, or leave the recording out"
    );
}

// ---- inheritance ----

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

// ---- channels and electrodes ----

const CHANNELS: &str = "sub-01/eeg/sub-01_task-x_run-01_channels.tsv";

#[test]
fn channels_have_types_units_and_status() {
    let types = [
        ("EEG", ChannelType::Eeg),
        ("VEOG", ChannelType::Eog),
        ("HEOG", ChannelType::Eog),
        ("EOG", ChannelType::Eog),
        ("ECG", ChannelType::Ecg),
        ("EMG", ChannelType::Emg),
        ("MEGMAG", ChannelType::Mag),
        ("MEGGRADAXIAL", ChannelType::Mag),
        ("MEGGRADPLANAR", ChannelType::Grad),
        ("MEGREFMAG", ChannelType::RefMeg),
        ("MEGREFGRADAXIAL", ChannelType::RefMeg),
        ("TRIG", ChannelType::Stim),
        ("MISC", ChannelType::Misc),
        ("n/a", ChannelType::Misc),
    ];
    let mut text = "name\ttype\tunits\tstatus\n".to_owned();
    for (i, (bids_type, _)) in types.iter().enumerate() {
        let (units, status) = [("µV", "good"), ("n/a", "bad"), ("T", "n/a")][i % 3];
        text.push_str(&[&format!("c {i}"), *bids_type, units, status].join("\t"));
        text.push('\n');
    }
    let (_dir, dataset) = with(&[(CHANNELS, &text)]);
    let channels = dataset.channels(&dataset.recordings()[0]).expect("channels").expect("there is a file");
    assert_eq!(channels.iter().map(|c| c.kind).collect::<Vec<_>>(), types.map(|(_, kind)| kind));
    assert_eq!(channels.iter().map(|c| c.bids_type.as_str()).collect::<Vec<_>>(), types.map(|(text, _)| text));
    assert_eq!(channels[13].name, "c 13");
    assert_eq!(channels[0].units.as_deref(), Some("µV"));
    assert_eq!(channels[1].units, None);
    let bad: Vec<usize> = (0..types.len()).filter(|&i| channels[i].is_bad).collect();
    assert_eq!(bad, [1, 4, 7, 10, 13]);
    let (_dir, dataset) = with(&[]);
    assert_eq!(dataset.channels(&dataset.recordings()[0]).expect("no file is no error"), None);
}

#[test]
fn what_is_wrong_with_channels_is_said_with_its_line() {
    let cases = [
        ("name\tunits\nCz\tV\n", " line 1: no column `type`;"),
        ("type\tname\nEEG\tCz\nEEG\tPz\nEEG\tCz\n", " line 4: `Cz` is already on line 2"),
        ("name\ttype\tstatus\nCz\tEEG\tmaybe\n", " line 2: status is `maybe`, expected good, bad or n/a"),
        ("name\ttype\nn/a\tEEG\n", " line 2: name is `n/a`, expected the channel's name"),
    ];
    for (content, expected) in cases {
        let (dir, dataset) = with(&[(CHANNELS, content)]);
        let text = message(&dir, &dataset.channels(&dataset.recordings()[0]).expect_err(expected));
        assert!(text.starts_with(&format!("{CHANNELS}{expected}")), "{text}");
    }
}

const ELECTRODES: &str = "name\tx\ty\tz\nCz\t0\t-1.5\t10\nRef\tn/a\tn/a\tn/a\nOz\t1e1\t2\t3\n";

#[test]
fn electrodes_are_in_metres() {
    let system = |unit: &str| format!("{{\"EEGCoordinateUnits\": \"{unit}\", \"EEGCoordinateSystem\": \"Other\"}}");
    for (unit, scale) in [("m", 1.0), ("cm", 0.01), ("mm", 0.001)] {
        let (_dir, dataset) = with(&[
            ("sub-01/eeg/sub-01_electrodes.tsv", ELECTRODES),
            ("sub-01/eeg/sub-01_coordsystem.json", &system(unit)),
        ]);
        let found = dataset.electrodes(&dataset.recordings()[0]).expect("electrodes").expect("with a unit");
        assert_eq!(found.system.as_deref(), Some("Other"));
        assert_eq!(found.positions.keys().collect::<Vec<_>>(), ["Cz", "Oz"]);
        assert_eq!(found.positions["Cz"], [0.0, -1.5 * scale, 10.0 * scale]);
    }
    for files in [vec![], vec![("sub-01/eeg/sub-01_coordsystem.json", system("n/a"))]] {
        let (dir, dataset) = with(&[("sub-01/eeg/sub-01_electrodes.tsv", ELECTRODES)]);
        files.iter().for_each(|(path, content)| write(dir.path(), path, content.as_bytes()));
        assert_eq!(dataset.electrodes(&dataset.recordings()[0]).expect("no error"), None);
    }
}

#[test]
fn of_several_spaces_the_head_is_taken() {
    let file = |space: &str, what: &str| format!("sub-01/eeg/sub-01_space-{space}_{what}");
    let mut files = Vec::new();
    for (space, unit) in [("ACPC", "mm"), ("CapTrak", "cm"), ("Zebra", "m")] {
        files.push((file(space, "electrodes.tsv"), ELECTRODES.to_owned()));
        files.push((file(space, "coordsystem.json"), format!("{{\"EEGCoordinateUnits\": \"{unit}\"}}")));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect();
    let (dir, dataset) = with(&files);
    let found = || dataset.electrodes(&dataset.recordings()[0]).expect("electrodes").expect("with a unit");
    assert_eq!((found().system.as_deref(), found().positions["Oz"][0]), (Some("CapTrak"), 0.1));
    fs::remove_file(dir.path().join(file("CapTrak", "electrodes.tsv"))).expect("removed");
    assert_eq!((found().system.as_deref(), found().positions["Oz"][0]), (Some("ACPC"), 0.01));
}

#[test]
fn what_is_wrong_with_electrodes_is_said_with_its_line() {
    let unit = "{\"EEGCoordinateUnits\": \"m\"}";
    let cases = [
        (
            ELECTRODES,
            "{\"EEGCoordinateUnits\": \"inch\"}",
            "coordsystem.json line 1: EEGCoordinateUnits is \"inch\", expected \"m\", \"cm\" or \"mm\"",
        ),
        ("name\tx\ty\nCz\t0\t0\n", unit, "electrodes.tsv line 1: no column `z`"),
        ("name\tx\ty\tz\nCz\t0\t0\tup\n", unit, "electrodes.tsv line 2: z is `up`, expected a coordinate or n/a"),
        ("name\tx\ty\tz\nCz\t0\t0\t0\nCz\t0\t0\t1\n", unit, "electrodes.tsv line 3: `Cz` is already on line 2"),
    ];
    for (electrodes, system, expected) in cases {
        let (dir, dataset) =
            with(&[("sub-01/eeg/sub-01_electrodes.tsv", electrodes), ("sub-01/eeg/sub-01_coordsystem.json", system)]);
        let text = message(&dir, &dataset.electrodes(&dataset.recordings()[0]).expect_err(expected));
        assert!(text.starts_with(&format!("sub-01/eeg/sub-01_{expected}")), "{text}");
    }
}

// ---- damaged files ----

proptest! {
    #[test]
    fn damaged_events_never_panic(cut in 0_usize..90, flips in prop::collection::vec((0_usize..90, any::<u8>()), 0..4)) {
        let mut bytes = "\u{feff}onset\tduration\tword\r\n0.5\t0.2\t\"a\tb\"\n1.5\tn/a\tü\n2\t0\t\"x\n3e0\t.1\t\"\"\"\"\n".as_bytes().to_vec();
        for (at, byte) in flips {
            if let Some(place) = bytes.get_mut(at) {
                *place ^= byte;
            }
        }
        bytes.truncate(cut);
        let (dir, dataset) = with(&[]);
        write(dir.path(), EVENTS, &bytes);
        match dataset.events_file(&dataset.recordings()[0]) {
            Ok(file) => {
                file.table.check().expect("what is read is sound");
                prop_assert!(!file.table.is_empty() && file.lines.len() == file.table.len());
            }
            Err(error) => prop_assert!(error.to_string().starts_with(EVENTS), "{}", error),
        }
    }
}

// ---- real data sets ----

#[test]
fn the_p300_data_set() {
    let Some(dir) = shared("bids-p300") else { return };
    let dataset = BidsDataset::open(&dir).expect("a data set");
    assert_eq!(dataset.recordings().len(), 45);
    assert!(dataset.skipped().is_empty());
    let mut subjects: Vec<&str> = dataset.recordings().iter().map(|r| r.subject.as_str()).collect();
    subjects.dedup();
    assert_eq!(subjects, ["sub-01", "sub-02", "sub-03", "sub-04", "sub-05"]);
    let mut n_events = 0;
    for recording in dataset.recordings() {
        let file = dataset.events_file(recording).expect("events");
        n_events += file.table.len();
        assert!(file.table.columns["trial_type"].iter().all(|t| t == "target" || t == "nontarget"));
        assert!(file.table.duration.iter().all(|&d| d == 0.2));
        let sidecar = dataset.sidecar(recording).expect("metadata");
        assert_eq!((sidecar.sfreq, sidecar.line_freq), (Some(256.0), Some(60.0)));
        assert_eq!(sidecar.task_name.as_deref(), Some("p300"));
        file.check_within(sidecar.recording_duration.expect("given")).expect("all events within");
        let channels = dataset.channels(recording).expect("channels").expect("given");
        let electrodes = dataset.electrodes(recording).expect("electrodes").expect("given");
        assert_eq!(channels.len(), 4);
        for channel in &channels {
            assert_eq!((channel.kind, channel.units.as_deref()), (ChannelType::Eeg, Some("µV")));
            let radius = electrodes.positions[&channel.name].iter().map(|x| x * x).sum::<f64>().sqrt();
            assert!((0.05..0.15).contains(&radius), "{} is {radius} m from the origin", channel.name);
        }
    }
    assert_eq!(n_events, count_rows(&dir));
}

/// Lines of all tables of events but their headers.
fn count_rows(dir: &Path) -> usize {
    let mut n = 0;
    for entry in fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            n += count_rows(&path);
        } else if path.to_string_lossy().ends_with("_events.tsv") {
            n += fs::read_to_string(&path).expect("text").lines().count() - 1;
        }
    }
    n
}

#[test]
fn the_motor_data_set() {
    let Some(dir) = shared("bids-motor") else { return };
    let dataset = BidsDataset::open(&dir).expect("a data set");
    let runs: Vec<Option<&str>> = dataset.recordings().iter().map(|r| r.run.as_deref()).collect();
    assert_eq!(runs, ["03", "04", "05", "06", "07", "08"].map(Some));
    for recording in dataset.recordings() {
        let sidecar = dataset.sidecar(recording).expect("metadata");
        assert_eq!(sidecar.sfreq, Some(160.0));
        assert_eq!(dataset.channels(recording).expect("channels").expect("given").len(), 64);
        let file = dataset.events_file(recording).expect("events");
        assert_eq!((file.table.onset[0], file.table.duration[0]), (0.0, 4.2));
        assert_eq!(dataset.electrodes(recording).expect("none"), None);
    }
}

/// This data set comes without its recordings.
#[test]
fn the_words_data_set() {
    let Some(source) = shared("bids-words-events") else { return };
    let error = BidsDataset::open(&source).expect_err("there are no recordings");
    assert!(
        matches!(&error, BidsError::NoRecordings { found, .. } if found.contains("none with a recording")),
        "{error}"
    );

    let dir = tempfile::tempdir().expect("a temporary folder");
    for name in ["channels.tsv", "events.tsv", "meg.json"] {
        let file = format!("sub-001/meg/sub-001_task-words_{name}");
        write(dir.path(), &file, &fs::read(source.join(&file)).expect("in the data set"));
    }
    write(dir.path(), "sub-001/meg/sub-001_task-words_meg.fif", b"");
    let dataset = BidsDataset::open(dir.path()).expect("a data set");
    let recording = &dataset.recordings()[0];
    let events = dataset.events(recording).expect("events");
    assert_eq!((events.len(), events.onset[0]), (1097, 26.322));
    let channels = dataset.channels(recording).expect("channels").expect("given");
    let of_type = |kind| channels.iter().filter(|c| c.kind == kind).count();
    assert_eq!((channels.len(), of_type(ChannelType::Mag), of_type(ChannelType::Stim)), (193, 157, 1));
    assert!(channels.iter().any(|c| c.is_bad));
    assert_eq!(dataset.sidecar(recording).expect("metadata").sfreq, Some(1000.0));
}
