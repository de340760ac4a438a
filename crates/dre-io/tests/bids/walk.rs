//! Which recordings there are.

use std::fs;
use std::path::Path;

use dre_io::bids::{BidsDataset, BidsError, Datatype, SkipReason};

use crate::{RUN, folder, ids, message};

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
        (dir.path().to_path_buf(), "no recording in DATA: found 1 folder sub-* without a recording; looked for"),
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
    assert!(text.contains("found 1 folder sub-* without a recording, but for sub-01/meg/sub-01_task-x_meg.con (format that is not read);"), "{text}");
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
