//! `participants.tsv` and `*_scans.tsv`.

use std::path::{Path, PathBuf};

use crate::{RUN, message, with};

const SCANS: &str = "sub-01/sub-01_scans.tsv";

#[test]
fn participants_keep_their_columns() {
    let text = "age\tparticipant_id\tgroup\n31\tsub-01\tn/a\nn/a\tsub-02\tpatient\n";
    let (_dir, dataset) = with(&[("participants.tsv", text), ("sub-07/eeg/sub-07_task-x_eeg.edf", "")]);
    let table = dataset.participants().expect("sound").expect("there");
    assert_eq!(table.columns, ["age", "group"]);
    assert_eq!(table.rows.keys().collect::<Vec<_>>(), ["sub-01", "sub-02"]);
    let of = |participant, column| table.value(participant, column);
    assert_eq!(
        (of("sub-01", "age"), of("sub-01", "group"), of("sub-02", "group")),
        (Some("31"), None, Some("patient"))
    );
    assert_eq!((of("sub-03", "age"), of("sub-01", "sex")), (None, None));
    let notes = ["participants.tsv: no recording of sub-02", "participants.tsv: has no row for sub-07"];
    assert_eq!(dataset.notes(), notes);
    let (_dir, dataset) = with(&[]);
    assert_eq!(dataset.participants().expect("no file is no error"), None);
    assert!(dataset.notes().is_empty());
}

#[test]
fn what_is_wrong_with_participants_is_said_with_its_line() {
    for (text, expected) in [
        ("", "participants.tsv is empty, expected a header line with the column participant_id"),
        ("id\nsub-01\n", "participants.tsv line 1: no column `participant_id`; found `id`"),
        ("participant_id\n01\n", "participants.tsv line 2: participant_id is `01`, expected sub- and a label"),
        ("participant_id\nsub-01\nsub-01\n", "participants.tsv line 3: `sub-01` is already on line 2"),
    ] {
        let (dir, dataset) = with(&[("participants.tsv", text)]);
        let text = message(&dir, &dataset.participants().expect_err(expected));
        assert!(text.starts_with(expected), "{text}");
        assert_eq!(dataset.notes(), [text], "nothing depends on this table, so that its faults are told, not fatal");
    }
}

#[test]
fn scans_say_when_and_which_files_are_missing() {
    let own = RUN.strip_prefix("sub-01/").expect("of this subject");
    let text = format!("filename\tacq_time\n{own}\t2012-03-02T10:23:12.5Z\neeg/gone.edf\tn/a\n");
    let (_dir, dataset) = with(&[(SCANS, &text)]);
    let scans = dataset.scans().expect("sound");
    assert_eq!((scans.len(), scans[0].path.as_path()), (1, Path::new(SCANS)));
    let rows: Vec<_> = scans[0].rows.iter().map(|r| (r.file.clone(), r.acq_time.as_deref(), r.is_there)).collect();
    let expected = [
        (PathBuf::from(RUN), Some("2012-03-02T10:23:12.5Z"), true),
        (PathBuf::from("sub-01/eeg/gone.edf"), None, false),
    ];
    assert_eq!(rows, expected);
    assert_eq!(dataset.notes(), [format!("{SCANS} line 3: sub-01/eeg/gone.edf is not there")]);
}

#[test]
fn what_is_wrong_with_scans_is_said_with_its_line() {
    for (text, expected) in [
        ("file\nx\n", " line 1: no column `filename`"),
        ("filename\nn/a\n", " line 2: filename is `n/a`, expected the path of a file"),
        ("filename\tacq_time\nx\t2.3.2012\n", " line 2: acq_time is `2.3.2012`, expected a time such as"),
        ("filename\tacq_time\nx\t2012-03-02T10:23:12.\n", " line 2: acq_time is `2012-03-02T10:23:12.`"),
    ] {
        let (dir, dataset) = with(&[(SCANS, text)]);
        let text = message(&dir, &dataset.scans().expect_err(expected));
        assert!(text.starts_with(&format!("{SCANS}{expected}")), "{text}");
    }
}
