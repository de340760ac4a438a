//! Derivatives.

use dre_io::bids::{BidsDataset, SkipReason};

use crate::{folder, ids, message};

const DESCRIPTION: &str = "{\"Name\": \"x\", \"DatasetType\": \"derivative\"}";

#[test]
fn derivatives_are_read_below_their_data_set_with_its_events() {
    let own = "derivatives/clean/sub-01/meg/sub-01_task-x";
    let dir = folder(&[
        ("participants.tsv", "participant_id\tage\nsub-01\t30\n"),
        ("sub-01/meg/sub-01_task-x_meg.fif", ""),
        ("sub-01/meg/sub-01_task-x_events.tsv", "onset\n1\n"),
        ("sub-01/meg/sub-01_task-x_channels.tsv", "name\ttype\nMEG0111\tMEGMAG\n"),
        (&format!("{own}_proc-filt_raw.fif"), ""),
        (&format!("{own}_desc-sss_meg.fif"), ""),
        (&format!("{own}_epo.fif"), ""),
        (&format!("{own}_desc-sss_events.tsv"), "onset\n2\n"),
    ]);
    let dataset = BidsDataset::open_derivatives(dir.path(), "clean").expect("derivatives");
    assert_eq!(dataset.root(), dir.path());
    assert_eq!(ids(dataset.recordings()), ["sub-01_task-x_desc-sss", "sub-01_task-x_proc-filt"]);
    assert_eq!(dataset.skipped().len(), 1);
    assert_eq!(dataset.skipped()[0].reason, SkipReason::NotContinuous);
    assert_eq!(dataset.skipped()[0].path, std::path::Path::new(&format!("{own}_epo.fif")));
    let [sss, filtered] = dataset.recordings() else { panic!("two") };
    assert_eq!(dataset.events(sss).expect("its own").onset, [2.0]);
    assert_eq!(dataset.events(filtered).expect("those of the raw data").onset, [1.0]);
    // Whether channels are bad is for the program to say that made the derivatives.
    assert_eq!(dataset.channels(filtered).expect("no file"), None);
    assert!(dataset.participants().expect("sound").expect("that of the raw data").rows.contains_key("sub-01"));
    let files = dataset.metadata_files(filtered).expect("readable");
    assert_eq!(files, [dir.path().join("sub-01/meg/sub-01_task-x_events.tsv")]);
    let raw = BidsDataset::open(dir.path()).expect("a data set");
    assert_eq!(ids(raw.recordings()), ["sub-01_task-x"]);
}

#[test]
fn derivatives_may_be_a_data_set_of_their_own() {
    let name = "sub-01/meg/sub-01_task-x_proc-filt_raw.fif";
    let dir = folder(&[("dataset_description.json", DESCRIPTION), (name, "")]);
    let dataset = BidsDataset::open(dir.path()).expect("a data set");
    assert_eq!(ids(dataset.recordings()), ["sub-01_task-x_proc-filt"]);
    // In raw data the same name is wrong.
    let dir = folder(&[(name, ""), ("sub-01/meg/sub-01_task-x_meg.fif", "")]);
    let dataset = BidsDataset::open(dir.path()).expect("a data set");
    assert_eq!(dataset.skipped()[0].reason, SkipReason::NotBids);
}

#[test]
fn derivatives_that_are_not_there_are_named_with_those_that_are() {
    let dir = folder(&[("derivatives/clean/README", ""), ("derivatives/ica/README", "")]);
    for name in ["cleaned", "", "..", "../x"] {
        let text = message(&dir, &BidsDataset::open_derivatives(dir.path(), name).expect_err("none"));
        let expected = format!("no folder derivatives/{name} in DATA; there are: clean, ica; correct data.derivatives");
        assert_eq!(text, expected);
    }
    let dir = folder(&[("dataset_description.json", "{\"DatasetType\": \"derived\"}"), ("sub-01/x", "")]);
    let text = message(&dir, &BidsDataset::open(dir.path()).expect_err("unknown type"));
    assert!(
        text.starts_with("dataset_description.json line 1: DatasetType is \"derived\", expected \"raw\","),
        "{text}"
    );
}
