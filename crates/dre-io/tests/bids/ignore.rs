//! `.bidsignore`.

use dre_io::bids::{BidsDataset, SkipReason};

use crate::{folder, ids, message};

#[test]
fn what_a_data_set_asks_to_leave_alone_is_left_alone() {
    let dir = folder(&[
        (".bidsignore", "# broken\n*_run-02_*\n/sub-03/\n!sub-04/**/*_run-02_*\n"),
        ("sub-01/eeg/sub-01_task-x_run-01_eeg.edf", ""),
        ("sub-01/eeg/sub-01_task-x_run-02_eeg.edf", ""),
        ("sub-03/eeg/sub-03_task-x_run-01_eeg.edf", ""),
        ("sub-04/eeg/sub-04_task-x_run-02_eeg.edf", ""),
    ]);
    let dataset = BidsDataset::open(dir.path()).expect("a data set");
    assert_eq!(ids(dataset.recordings()), ["sub-01_task-x_run-01", "sub-04_task-x_run-02"]);
    let skipped: Vec<String> = dataset.skipped().iter().map(|s| s.path.to_string_lossy().replace('\\', "/")).collect();
    assert_eq!(skipped, ["sub-01/eeg/sub-01_task-x_run-02_eeg.edf", "sub-03"]);
    assert!(dataset.skipped().iter().all(|s| s.reason == SkipReason::Ignored));
    assert_eq!(SkipReason::Ignored.to_string(), "listed in .bidsignore");
}

#[test]
fn a_file_of_patterns_that_is_no_text_is_refused() {
    let dir = folder(&[("sub-01/eeg/sub-01_task-x_eeg.edf", "")]);
    crate::write(dir.path(), ".bidsignore", b"a\n\xff\n");
    let text = message(&dir, &BidsDataset::open(dir.path()).expect_err("not UTF-8"));
    assert_eq!(text, ".bidsignore line 2: byte 0xff is not UTF-8 text; save the file in the encoding UTF-8");
}
