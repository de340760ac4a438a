//! Choosing recordings.

use dre_io::bids::{BidsDataset, BidsFilter};
use tempfile::TempDir;

use crate::{folder, message};

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
        ..BidsFilter::default()
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

#[test]
fn every_entity_of_a_name_can_be_asked_for() {
    let stem = "sub-01/meg/sub-01_task-x";
    let names = ["acq-full", "acq-short", "proc-sss", "recording-eye", "space-head", "desc-clean"];
    let dir = folder(&[]);
    for name in names {
        crate::write(dir.path(), &format!("{stem}_{name}_meg.fif"), b"");
    }
    let dataset = BidsDataset::open(dir.path()).expect("a data set");
    let one = |label: &str| vec![label.to_owned()];
    let cases = [
        (BidsFilter { acquisitions: one("full"), ..BidsFilter::default() }, "acq-full"),
        (BidsFilter { acquisitions: one("acq-short"), ..BidsFilter::default() }, "acq-short"),
        (BidsFilter { processings: one("proc-sss"), ..BidsFilter::default() }, "proc-sss"),
        (BidsFilter { recordings: one("eye"), ..BidsFilter::default() }, "recording-eye"),
        (BidsFilter { spaces: one("head"), ..BidsFilter::default() }, "space-head"),
        (BidsFilter { descriptions: one("clean"), ..BidsFilter::default() }, "desc-clean"),
    ];
    for (filter, expected) in cases {
        let found = dataset.select(&filter).expect("one");
        let ids: Vec<&str> = found.iter().map(|recording| recording.id.as_str()).collect();
        assert_eq!(ids, [format!("sub-01_task-x_{expected}")]);
    }
    let filter = BidsFilter { descriptions: one("clear"), ..BidsFilter::default() };
    let text = message(&dir, &dataset.select(&filter).expect_err("none"));
    assert_eq!(
        text,
        "no description desc-clear in DATA; there are: desc-clean; did you mean desc-clean?; correct the filter"
    );
}
