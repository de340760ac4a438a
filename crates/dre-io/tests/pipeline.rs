//! A whole study on a small BIDS data set that the test writes: what it leaves, how it stops and goes on, what it refuses.
#![allow(missing_docs)]

mod common;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::{SFREQ, STUDY, Watch, data_set, job, noise, recording_stem, run, temporary, write_subject};
use dre_io::cohort::COHORT_FORMAT;
use dre_io::pipeline::{Job, Monitor, PipelineError, evaluate, fit, importance, open_prepared, prepare};

fn weights(job: &Job) -> Vec<u8> {
    fs::read(job.out.join("models/dre/model.safetensors")).unwrap()
}

#[test]
fn a_study_leaves_what_it_promises_and_is_not_done_twice() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let job = job(home.path(), STUDY);
    let results = run(&job).unwrap();
    assert_eq!(results.models.keys().collect::<Vec<_>>(), ["trf", "banded", "rtrf", "dre"]);
    assert_eq!(results.ratios.len(), 3);
    let counted: usize = results.models["dre"].subjects.values().map(|s| s.n_epochs).sum();
    assert_eq!(counted, results.cohort.subjects.iter().map(|s| s.n_test).sum::<usize>());
    assert!(counted > 10);
    assert_eq!(results.models["dre"].history.len(), 3);
    let conditions: Vec<&str> = results.evoked.iter().map(|e| e.condition.as_str()).collect();
    assert_eq!(conditions[1..], ["even", "odd"]);
    for file in ["results.json", "audit.json", "cohort/cohort.json", "scores/dre.npy", "models/trf/coef.npy"] {
        assert!(job.out.join(file).is_file(), "{file}");
    }
    assert!(!job.out.join("models/dre/checkpoint.safetensors").exists());
    assert_eq!(temporary(&job.out), Vec::<PathBuf>::new());

    let mut watch = Watch::default();
    let cohort = prepare(&job, &mut watch).unwrap();
    fit(&job, &cohort, &mut watch).unwrap();
    assert_eq!(
        *watch.said.borrow(),
        [
            "Up to date cohort of 2 recordings",
            "Up to date model trf",
            "Up to date model banded",
            "Up to date model rtrf",
            "Up to date model dre",
            "Up to date backward models"
        ]
    );
    // What is read back predicts as what was fitted.
    let again = evaluate(&job, &cohort, &mut watch).unwrap();
    for (name, model) in &results.models {
        assert_eq!(model.mean_r.to_bits(), again.models[name].mean_r.to_bits(), "{name}");
    }
    let decoding = results.decoding.expect("the study asks for it");
    assert_eq!(Some(&decoding), again.decoding.as_ref());
    let [length] = decoding.features.as_slice() else { panic!("one feature is told, not {decoding:?}") };
    assert_eq!((length.name.as_str(), length.subjects.len(), length.pattern.len()), ("length", 2, 2));
    assert_eq!((length.pattern[0].len(), decoding.lags[0], decoding.lags[10]), (11, -10.0 / SFREQ, 0.0));
}

#[test]
fn importance_is_kept_while_it_is_up_to_date() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let text = STUDY.replace(
        "[models.trf]",
        "[importance]\nmodes = ['event', 'init', 'subject', 'shift']\nn_permutations = 3\nn_shifts = 4\ngroups = { both = \
         ['length', 'onset'] }\n[models.trf]",
    );
    let text = text.replace("condition = \"kind\"", "condition = \"kind\"\nrepeats = \"kind\"");
    let job = job(home.path(), &text);
    run(&job).unwrap();
    let permute_of = |job: &Job, only: &[String]| {
        let mut watch = Watch::default();
        let cohort = open_prepared(job).unwrap();
        let results = evaluate(job, &cohort, &mut watch).unwrap();
        watch.said.borrow_mut().clear();
        let results = importance(job, &cohort, results, only, &mut watch).unwrap();
        (results, watch.said.into_inner())
    };
    let permute = |job: &Job| permute_of(job, &[]);
    let (first, said) = permute(&job);
    let n_test: usize = first.cohort.subjects.iter().map(|s| s.n_test).sum();
    let most = n_test * (1 + 3 * 3 + 4);
    let announced = format!("Permuting 4 inputs of trf: {most} predictions of an epoch at most");
    assert!(said.contains(&announced), "{said:?}");
    let constant = "warning trf, onset, mode event: not computed: its value is the same in all test epochs, so that \
                    permuting it changes nothing";
    assert!(said.contains(&constant.to_owned()), "{said:?}");
    let inputs = |model: &str| -> Vec<String> {
        let of = first.importance.iter().filter(|r| r.model == model);
        of.map(|r| format!("{} {}{}", r.name, r.mode.name(), if r.conditional { " conditional" } else { "" })).collect()
    };
    assert_eq!(inputs("trf"), ["length event", "onset event", "both event", "all features shift"]);
    assert_eq!(
        inputs("dre"),
        ["length event", "onset event", "both event", "init window init", "subject subject", "all features shift"]
    );
    for file in ["importance.json", "importance.tsv", "over_time.tsv", "length_event.npy", "init_window_init_sd.npy"] {
        assert!(job.out.join("importance/dre").join(file).is_file(), "{file}");
    }
    let table = fs::read_to_string(job.out.join("importance/dre/importance.tsv")).unwrap();
    // Two subjects for each input but the constant one.
    assert_eq!(table.lines().count(), 1 + 2 * 5);
    assert!(first.statistics.note.as_ref().unwrap().contains("there are 2"));
    assert!(first.statistics.ceiling.as_ref().unwrap().note.contains("no noise ceiling"));
    assert_eq!(first.statistics.comparisons.len(), 6);

    // The same again, on more threads: nothing is done, and scores made anew have it, too.
    let (again, said) = permute(&Job { n_threads: 2, ..job.clone() });
    assert_eq!(said, ["trf", "banded", "rtrf", "dre"].map(|m| format!("Up to date importance of {m}'s inputs")));
    let numbers = |results: &dre::results::Results| serde_json::to_string(&results.importance).unwrap();
    assert_eq!(numbers(&again), numbers(&first));
    let forced = Job { n_threads: 2, force: true, ..job.clone() };
    assert_eq!(numbers(&permute(&forced).0), numbers(&first), "threads change no digit");
    // One model done again: the others' analyses stay.
    let (one, said) = permute_of(&forced, &["trf".to_owned()]);
    assert!(said[0].starts_with("Permuting 4 inputs of trf") && said.iter().all(|s| !s.contains("dre")), "{said:?}");
    assert_eq!(numbers(&one), numbers(&first));
    // With other settings it is not taken for theirs.
    let mut other = job.clone();
    other.study.importance.as_mut().unwrap().n_permutations = 2;
    let cohort = open_prepared(&other).unwrap();
    assert!(evaluate(&other, &cohort, &mut Watch::default()).unwrap().importance.is_empty());
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
fn a_channel_marked_as_bad_later_makes_everything_again() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("bids");
    data_set(&root);
    let job = job(home.path(), STUDY);
    run(&job).unwrap();
    for subject in 1..=2 {
        let table = "name\ttype\tunits\tstatus\nCz\tEEG\tµV\tbad\nPz\tEEG\tµV\tgood\n";
        fs::write(format!("{}_channels.tsv", recording_stem(&root, subject).display()), table).unwrap();
    }
    assert!(open_prepared(&job).unwrap_err().to_string().contains("run `dre prepare` first"));
    let results = run(&job).unwrap();
    let names: Vec<&str> = results.cohort.channels.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["Pz"]);
    assert_eq!(results.models["dre"].r_per_channel.len(), 1);
}

/// Subject 2 has its channels in another order and, where `bad`, no good Cz.
fn partial(root: &Path, bad: bool) {
    let value = |c: usize, t: usize| noise(2 * 1_000_003 + (1 - c) * 10_007 + t);
    write_subject(root, 2, &["Pz", "Cz"], value);
    let status = if bad { "bad" } else { "good" };
    let table = format!("name\ttype\tunits\tstatus\nPz\tEEG\tµV\tgood\nCz\tEEG\tµV\t{status}\n");
    fs::write(format!("{}_channels.tsv", recording_stem(root, 2).display()), table).unwrap();
}

#[test]
fn the_order_of_the_channels_in_a_recording_changes_nothing() {
    let homes = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let results = [0, 1].map(|i| {
        let root = homes[i].path().join("bids");
        data_set(&root);
        if i == 1 {
            partial(&root, false);
        }
        run(&job(homes[i].path(), STUDY)).unwrap()
    });
    assert!(results[0].cohort.masked.is_empty() && results[1].cohort.masked.is_empty());
    for (name, model) in &results[0].models {
        let other = &results[1].models[name];
        assert_eq!(model.mean_r.to_bits(), other.mean_r.to_bits(), "{name}");
        assert_eq!(model.r_per_channel, other.r_per_channel, "{name}");
    }
}

#[test]
fn a_channel_that_is_bad_in_one_recording_is_masked_there() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("bids");
    data_set(&root);
    partial(&root, true);
    let job = job(home.path(), STUDY);
    let results = run(&job).unwrap();
    let names: Vec<&str> = results.cohort.channels.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["Cz", "Pz"]);
    let masked = &results.cohort.masked[..];
    assert_eq!(masked.len(), 1);
    assert_eq!((masked[0].recording.as_str(), &masked[0].bad[..]), ("sub-02_task-x", &["Cz".to_owned()][..]));
    // Other tools see that there is nothing.
    let data: ndarray::Array2<f32> = ndarray_npy::read_npy(job.out.join("cohort/sub-02_task-x/data.npy")).unwrap();
    assert!(data.column(0).iter().all(|v| v.is_nan()) && data.column(1).iter().all(|v| v.is_finite()));
    let dre = &results.models["dre"];
    let map: ndarray::Array3<f64> = ndarray_npy::read_npy(job.out.join("scores/dre.npy")).unwrap();
    assert!(map.slice(ndarray::s![1, 0, ..]).iter().all(|r| r.is_nan()));
    assert!(dre.mean_r.is_finite() && dre.r_per_channel.iter().all(|r| r.is_finite()));
    // What was read from the cohort predicts as before, and the channel's samples do not matter.
    let spoilt = tempfile::tempdir().unwrap();
    let other = spoilt.path().join("bids");
    data_set(&other);
    partial(&other, true);
    let value = |c: usize, t: usize| if c == 1 { 1e3 } else { noise(2 * 1_000_003 + 10_007 + t) };
    write_subject(&other, 2, &["Pz", "Cz"], value);
    let again = run(&Job { data: other, out: spoilt.path().join("out"), ..job.clone() }).unwrap();
    assert_eq!(again.models["dre"].mean_r.to_bits(), dre.mean_r.to_bits());

    let common = STUDY.replace("seed = 3", "seed = 3\n[data]\nchannels = \"common\"");
    let results = run(&Job { out: home.path().join("common"), ..self::job(home.path(), &common) }).unwrap();
    assert_eq!(results.cohort.channels.len(), 1);
    let excluded = &results.cohort.excluded[0];
    assert_eq!(excluded.what, "Cz");
    assert!(excluded.reason.contains("bad in sub-02_task-x"), "{}", excluded.reason);
}

#[test]
fn bad_segments_in_the_events_are_masked_or_dropped() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("bids");
    data_set(&root);
    let file = format!("{}_events.tsv", recording_stem(&root, 1).display());
    let rows = fs::read_to_string(&file).unwrap();
    let rows: Vec<String> = rows.lines().skip(1).map(|line| format!("{line}\tword\n")).collect();
    let bad = "20.1\t1.5\tn/a\t0\tBAD_movement\n";
    fs::write(&file, format!("onset\tduration\tkind\tlength\ttrial_type\n{}{bad}", rows.concat())).unwrap();
    let other = format!("{}_events.tsv", recording_stem(&root, 2).display());
    let table = fs::read_to_string(&other).unwrap().replace("\tlength\n", "\tlength\ttrial_type\n");
    let table = table.lines().enumerate().map(|(i, l)| if i == 0 { format!("{l}\n") } else { format!("{l}\tword\n") });
    fs::write(&other, table.collect::<String>()).unwrap();
    let study = STUDY.replace("tmax = 0.5", "tmax = 0.5\nevents = { trial_type = [\"word\"] }");
    let masked = run(&job(home.path(), &study)).unwrap();
    assert_eq!((masked.cohort.masked[0].n_segments, masked.cohort.masked[0].seconds), (1, 97.0 / 64.0));
    let rejecting = study.replace("tmax = 0.5", "tmax = 0.5\nbad_segments = \"reject\"");
    let rejected = run(&Job { out: home.path().join("reject"), ..job(home.path(), &rejecting) }).unwrap();
    // Epochs around 19.7, 20.5, 21.3 s reach into 20.1 to 21.6 s; the first from 19.5 to 20.2.
    assert_eq!(rejected.cohort.subjects[0].n_bad, 3);
    assert!(masked.cohort.subjects[0].n_bad < 3);
}

#[test]
fn a_cohort_of_an_older_layout_is_made_again() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let job = job(home.path(), STUDY);
    prepare(&job, &mut Watch::default()).unwrap();
    let file = job.out.join("cohort/cohort.json");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace(&format!("\"format\": {COHORT_FORMAT}"), "\"format\": 1")).unwrap();
    let message = open_prepared(&job).unwrap_err().to_string();
    assert!(message.contains("format 1, expected format"), "{message}");
    let mut watch = Watch::default();
    prepare(&job, &mut watch).unwrap();
    let said = watch.said.borrow();
    assert!(said[0].contains("the cohort is made again") && said[0].contains("older version"), "{said:?}");
    assert!(open_prepared(&job).is_ok());
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

#[test]
fn a_held_out_subject_is_predicted_with_the_mean_embedding_and_by_no_model_of_others() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("bids");
    data_set(&root);
    write_subject(&root, 3, &["Cz", "Pz"], |c, t| noise(3_000_003 + c * 10_007 + t));
    let split = "[split]\nmethod = \"subjects\"\nfold = \"2 of 3\"\n[report]";
    let study = STUDY.replace("[report]", split);
    let refused = run(&job(home.path(), &study)).unwrap_err().to_string();
    assert!(refused.contains("`trf`") && refused.contains("sub-02") && refused.contains("leave it out"), "{refused}");
    let mut job = job(home.path(), &study);
    job.models = vec!["dre".to_owned()];
    let results = run(&job).unwrap();
    let scored: Vec<&String> = results.models["dre"].subjects.keys().collect();
    assert_eq!(scored, ["sub-02"]);
    assert!(results.models["dre"].mean_r.is_finite());
    let bytes = weights(&job);
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let embedding: Vec<f32> = tensors
        .tensor("subject_embedding.weight")
        .unwrap()
        .data()
        .as_chunks::<4>()
        .0
        .iter()
        .map(|b| f32::from_le_bytes(*b))
        .collect();
    for k in 0..2 {
        assert!((embedding[2 + k] - f32::midpoint(embedding[k], embedding[4 + k])).abs() < 1e-6, "{embedding:?}");
    }
    let audit: dre::data::Audit = dre_io::store::read_json(&job.out.join("audit.json")).unwrap();
    assert_eq!(audit.split.held_out, ["sub-02"]);
    assert_eq!(audit.split.n_recordings_in_test_and_other, 0);
    assert!(audit.is_clean());
}

#[test]
fn a_cohort_tells_which_recordings_are_there_twice_and_what_its_features_hold() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("bids");
    data_set(&root);
    write_subject(&root, 3, &["Cz", "Pz"], |c, t| noise(1_000_003 + c * 10_007 + t));
    let job = job(home.path(), STUDY);
    let mut watch = Watch::default();
    let cohort = prepare(&job, &mut watch).unwrap();
    let said = watch.said.borrow().join("\n");
    assert!(said.contains("sub-01_task-x and sub-03_task-x hold the very same data"), "{said}");
    let audit: serde_json::Value = dre_io::store::read_json(&job.out.join("cohort/audit.json")).unwrap();
    assert_eq!(audit["identical_recordings"][0][1], "sub-03_task-x");
    assert_eq!((&audit["features"][0]["name"], &audit["features"][0]["n_values"]), (&"length".into(), &180.into()));
    // Chronologically, a subject's epochs are in all sets, so the copies are found only where they fall apart.
    let found = dre_io::pipeline::audit(&job, &cohort).unwrap();
    assert_eq!(found.samples.n_train_sharing_test, 0);
}

#[test]
fn a_lexicon_that_changes_makes_the_cohort_again() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let lexicon = home.path().join("words.tsv");
    fs::write(&lexicon, "odd\t1\neven\t2\n").unwrap();
    let path = lexicon.display().to_string().replace('\\', "/");
    let feature =
        format!("[[features]]\nname = \"w\"\nkind = \"zipf\"\ncolumn = \"kind\"\nlexicon = \"{path}\"\n[report]");
    let job = job(home.path(), &STUDY.replace("[report]", &feature));
    let said = || {
        let mut watch = Watch::default();
        prepare(&job, &mut watch).unwrap();
        watch.said.into_inner().remove(0)
    };
    assert!(said().starts_with("Preparing"));
    assert!(said().starts_with("Up to date"));
    let values = dre_io::pipeline::summarise_features(&job).unwrap();
    assert_eq!((values[2].name.as_str(), values[2].min, values[2].max), ("w", Some(1.0), Some(2.0)));
    fs::write(&lexicon, "odd\t1\neven\t2.5\n").unwrap();
    assert!(open_prepared(&job).is_err());
    assert!(said().starts_with("Preparing"));
    fs::write(&lexicon, "odd\t1\n").unwrap();
    let message = prepare(&job, &mut Watch::default()).unwrap_err().to_string();
    assert!(message.contains("feature `w` is `even`") && message.contains("missing = "), "{message}");
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
    assert_eq!(expected.len(), 2 + 2 * 3);
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

#[test]
fn half_as_large_is_nearly_the_same() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let whole = job(home.path(), STUDY);
    let half = Job {
        out: home.path().join("half"),
        ..job(home.path(), &STUDY.replace("[epochs]", "[prepare]\nstorage = 'f16'\n[epochs]"))
    };
    let cohorts = [&whole, &half].map(|job| prepare(job, &mut Watch::default()).unwrap());
    let size = |job: &Job, id: &str| fs::metadata(job.out.join("cohort").join(id).join("data.npy")).unwrap().len();
    for recordings in cohorts[0].cohort.recordings.iter().zip(&cohorts[1].cohort.recordings) {
        let (n, id) = (recordings.0.n_times, &recordings.0.id);
        let n_samples = recordings.0.data.len() as u64;
        assert!(size(&whole, id).abs_diff(4 * n_samples) < 200 && size(&half, id).abs_diff(2 * n_samples) < 200);
        let (one, other) = (recordings.0.data.to_rows(), recordings.1.data.to_rows());
        assert!(one != other);
        let n_channels = recordings.0.data.n_channels();
        for (x, y) in one.chunks(n).zip(other.chunks(n)) {
            let mean = x.iter().sum::<f32>() / n as f32;
            let largest = x.iter().fold(0.0_f32, |max, x| max.max((x - mean).abs()));
            assert!(x.iter().zip(y).all(|(x, y)| (x - y).abs() <= 1.01 * (x - mean).abs() / 2048.0 + 1e-6 * largest));
        }
        assert_eq!(one.len(), n * n_channels);
    }
    // The samples' layout is part of what a cohort says of itself.
    let path = half.out.join("cohort/cohort.json");
    let mut info: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let opened = |info: &serde_json::Value| {
        fs::write(&path, info.to_string()).unwrap();
        dre_io::cohort::open_cohort(&half.out.join("cohort")).unwrap_err().to_string()
    };
    info["recordings"][0]["scales"][0]["exponent"] = 9999.into();
    let message = opened(&info);
    assert!(message.contains("cohort.json") && message.contains("9999"), "{message}");
    let scales = info["recordings"][0]["scales"].as_array_mut().unwrap();
    scales.pop();
    let n = scales.len();
    let message = opened(&info);
    assert!(message.contains("cohort.json") && message.contains(&format!("{n} scales")), "{message}");
}
