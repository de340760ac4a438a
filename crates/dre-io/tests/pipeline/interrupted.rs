//! Studies that are stopped, fail or go on.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{STUDY, Watch, data_set, job, recording_stem, run, temporary};
use dre_io::pipeline::{Job, Monitor, PipelineError, fit, open_prepared, prepare};

pub(crate) fn weights(job: &Job) -> Vec<u8> {
    fs::read(job.out.join("models/dre/model.safetensors")).unwrap()
}

#[test]
fn an_interrupted_fit_goes_on_to_the_same_bits_on_any_number_of_threads() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let whole = job(home.path(), STUDY);
    run(&whole).unwrap();
    for stop_after in [1, 7, 13] {
        let mut job = Job { out: home.path().join(format!("stopped-{stop_after}")), ..whole.clone() };
        let mut watch = Watch { batches_left: Cell::new(Some(stop_after)), ..Watch::default() };
        let cohort = prepare(&job, &mut watch).unwrap();
        let stopped = fit(&job, &cohort, &mut watch).unwrap_err();
        assert!(matches!(stopped, PipelineError::Stopped { .. }), "{stopped}");
        let message = fit(&job, &cohort, &mut Watch::default()).unwrap_err().to_string();
        assert!(message.contains("--resume") && message.contains("--force"), "{message}");
        (job.resume, job.n_threads) = (true, 2);
        fit(&job, &cohort, &mut Watch::default()).unwrap();
        assert!(weights(&whole) == weights(&job), "stopped after {stop_after} batches");
    }
}

#[test]
fn a_checkpoint_of_another_configuration_is_refused_by_name() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let first = job(home.path(), STUDY);
    let mut watch = Watch { batches_left: Cell::new(Some(2)), ..Watch::default() };
    let cohort = prepare(&first, &mut watch).unwrap();
    fit(&first, &cohort, &mut watch).unwrap_err();
    let other = Job { resume: true, ..job(home.path(), &STUDY.replace("lr = 1e-3", "lr = 1e-2")) };
    let error = fit(&other, &cohort, &mut Watch::default()).unwrap_err().to_string();
    assert!(error.contains("checkpoint.safetensors") && error.contains("lr: 0.001 → 0.01"), "{error}");
    // More passes are no other configuration.
    let longer = Job { resume: true, ..job(home.path(), &STUDY.replace("n_passes = 3", "n_passes = 4")) };
    fit(&longer, &cohort, &mut Watch::default()).unwrap();
    // A damaged checkpoint is named, too.
    let checkpoint = first.out.join("models/dre/checkpoint.safetensors");
    fs::write(&checkpoint, b"not a checkpoint").unwrap();
    let again = Job { resume: true, ..job(home.path(), &STUDY.replace("lr = 1e-3", "lr = 3e-3")) };
    let error = fit(&again, &cohort, &mut Watch::default()).unwrap_err().to_string();
    assert!(error.contains("checkpoint.safetensors") && error.contains("expected a whole safetensors file"), "{error}");
}

#[test]
fn a_failed_preparation_keeps_the_cohort_that_was_there() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("bids");
    data_set(&root);
    let job = job(home.path(), STUDY);
    prepare(&job, &mut Watch::default()).unwrap();
    let before = fs::read(job.out.join("cohort/cohort.json")).unwrap();
    fs::remove_file(format!("{}_eeg.eeg", recording_stem(&root, 2).display())).unwrap();
    prepare(&job, &mut Watch::default()).unwrap_err();
    assert!(fs::read(job.out.join("cohort/cohort.json")).unwrap() == before);
    assert_eq!(temporary(&job.out), Vec::<PathBuf>::new());
}

#[test]
fn a_forced_fit_that_is_interrupted_can_be_resumed() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let first = job(home.path(), STUDY);
    run(&first).unwrap();
    let expected = weights(&first);
    let cohort = open_prepared(&first).unwrap();
    let forced = Job { force: true, ..first.clone() };
    let mut watch = Watch { batches_left: Cell::new(Some(5)), ..Watch::default() };
    fit(&forced, &cohort, &mut watch).unwrap_err();
    let resumed = Job { resume: true, ..first };
    fit(&resumed, &cohort, &mut Watch::default()).unwrap();
    assert!(weights(&resumed) == expected);
    assert!(!resumed.out.join("models/dre/checkpoint.safetensors").exists());
}

/// All files of a folder with their bytes.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut out = BTreeMap::new();
    let mut todo = vec![folder.to_path_buf()];
    while let Some(next) = todo.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else {
                out.insert(path.strip_prefix(folder).unwrap().to_path_buf(), fs::read(&path).unwrap());
            }
        }
    }
    out
}

/// Asks to stop at the n-th time that it may.
struct StopAt(Cell<usize>);

impl Monitor for StopAt {
    fn step(&self, _: &str, _: &str) {}

    fn warn(&self, _: &str) {}

    fn stop_requested(&self) -> bool {
        self.0.set(self.0.get().saturating_sub(1));
        self.0.get() == 0
    }
}

#[test]
fn a_preparation_stopped_anywhere_and_started_again_gives_the_same_bytes() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let whole = job(home.path(), STUDY);
    prepare(&whole, &mut Watch::default()).unwrap();
    let expected = content(&whole.out.join("cohort"));
    assert_eq!(expected.len(), 3 + 2 * 3);
    let mut n_stops = 0;
    for place in 1.. {
        let job = Job { out: home.path().join(format!("stopped-{place}")), ..whole.clone() };
        let stopped = prepare(&job, &mut StopAt(Cell::new(place)));
        if stopped.is_ok() {
            break;
        }
        assert!(matches!(stopped, Err(PipelineError::Cancelled)));
        assert_eq!(temporary(&job.out), Vec::<PathBuf>::new());
        prepare(&job, &mut Watch::default()).unwrap();
        assert!(content(&job.out.join("cohort")) == expected, "stopped at place {place}");
        n_stops += 1;
    }
    assert!(n_stops >= 2, "a recording each");
}
