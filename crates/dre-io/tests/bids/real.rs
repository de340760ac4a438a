//! Real data sets, where they are.

use std::fs;
use std::path::Path;

use dre::data::ChannelType;
use dre_io::bids::{BidsDataset, BidsError};

use crate::{shared, write};

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
    assert!(matches!(&error, BidsError::NoRecordings { .. }), "{error}");

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
