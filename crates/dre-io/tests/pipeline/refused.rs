//! What is refused, and how.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{STUDY, Watch, data_set, job, noise, recording_stem, run, temporary, write_subject};
use dre_io::pipeline::{evaluate, open_prepared, prepare};

/// Spoils a data set, runs the study, and gives the message; nothing half-written may be left.
fn refused(study: &str, spoil: impl FnOnce(&Path)) -> String {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("bids");
    data_set(&root);
    spoil(&root);
    let job = job(home.path(), study);
    let message = run(&job).map(|_| ()).unwrap_err().to_string();
    assert_eq!(temporary(&job.out), Vec::<PathBuf>::new(), "half-written files");
    assert!(!job.out.join("results.json").exists());
    message
}

#[test]
fn steps_in_the_wrong_order_are_named() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let job = job(home.path(), STUDY);
    assert!(open_prepared(&job).unwrap_err().to_string().contains("run `dre prepare` first"));
    let cohort = prepare(&job, &mut Watch::default()).unwrap();
    let error = evaluate(&job, &cohort, &mut Watch::default()).unwrap_err().to_string();
    assert!(error.contains("models/trf") && error.contains("run `dre fit` first"), "{error}");
}

#[test]
fn bad_data_are_refused_with_place_and_reason() {
    let has = |message: &str, parts: &[&str]| {
        for part in parts {
            assert!(message.contains(part), "`{part}` is not in: {message}");
        }
    };
    has(&refused(STUDY, |root| fs::remove_dir_all(root).unwrap()), &["bids"]);
    has(
        &refused(&STUDY.replace("seed = 3", "seed = 3\n[data]\nchannels = \"common\""), |root| {
            write_subject(root, 2, &["Oz", "Fz"], |c, t| noise(c * 31 + t));
        }),
        &["no channel is good in all 2 recordings", "data.channels = \"common\""],
    );
    has(
        &refused(STUDY, |root| {
            let file = format!("{}_events.tsv", recording_stem(root, 2).display());
            let table = fs::read_to_string(&file).unwrap() + "812.4\t0.1\todd\t3\n";
            fs::write(&file, table).unwrap();
        }),
        &["sub-02_task-x_events.tsv", "line 62", "812.4", "50", "s"],
    );
    has(
        &refused(STUDY, |root| {
            let file = format!("{}_events.tsv", recording_stem(root, 1).display());
            fs::write(&file, "onset\tduration\tkind\tlength\n").unwrap();
        }),
        &["sub-01_task-x_events.tsv", "no events"],
    );
    has(
        &refused(STUDY, |root| {
            fs::remove_file(format!("{}_events.tsv", recording_stem(root, 1).display())).unwrap();
        }),
        &["sub-01", "events.tsv"],
    );
    has(
        &refused(&STUDY.replace("condition = \"kind\"", "condition = \"knid\""), |_| {}),
        &["sub-01_task-x", "report.condition", "knid", "kind"],
    );
    has(
        &refused(&STUDY.replacen("n_init_times = 12", "n_init_times = 400", 1), |_| {}),
        &["models.rtrf.n_init_times = 400", "45 of the 46 samples"],
    );
    has(
        &refused(&STUDY.replace("column = \"length\"", "column = \"lenght\""), |_| {}),
        &["sub-01_task-x", "lenght", "length"],
    );
    has(
        &refused(STUDY, |root| {
            let file = format!("{}_eeg.eeg", recording_stem(root, 1).display());
            let mut bytes = fs::read(&file).unwrap();
            bytes[4000..4004].copy_from_slice(&f32::NAN.to_le_bytes());
            fs::write(&file, bytes).unwrap();
        }),
        &["sub-01_task-x_eeg", "Cz", "NaN", "sample 500"],
    );
    has(
        &refused(STUDY, |root| {
            let file = format!("{}_eeg.eeg", recording_stem(root, 1).display());
            let bytes = fs::read(&file).unwrap();
            fs::write(&file, &bytes[..bytes.len() - 3]).unwrap();
        }),
        &["sub-01_task-x_eeg.eeg", "25597 bytes"],
    );
    has(
        &refused(&STUDY.replace("seed = 3", "seed = 3\n[data]\npicks = [\"mag\"]"), |_| {}),
        &["sub-01_task-x", "mag", "2 eeg"],
    );
}
