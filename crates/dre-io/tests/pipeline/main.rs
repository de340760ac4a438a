//! A whole study on a small BIDS data set that the test writes: what it leaves, how it stops and goes on, what it refuses.
#![allow(missing_docs)]

#[path = "../common/mod.rs"]
mod common;
mod interrupted;
mod masked;
mod refused;
mod scored;
mod stimulus;
mod up_to_date;

use std::fs;
use std::path::PathBuf;

use common::{SFREQ, STUDY, Watch, data_set, job, noise, run, temporary, write_subject};
use dre_io::pipeline::{Job, evaluate, fit, prepare};
use interrupted::weights;

#[test]
fn a_study_leaves_what_it_promises_and_is_not_done_twice() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let job = job(home.path(), STUDY);
    let results = run(&job).unwrap();
    assert_eq!(results.models.keys().collect::<Vec<_>>(), ["trf", "banded", "rtrf", "dre"]);
    assert_eq!(results.ratios.len(), 1, "the RTRF is given as much as the network");
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
    let said: Vec<String> = watch.said.borrow().iter().filter(|line| !line.starts_with("warning ")).cloned().collect();
    assert_eq!(
        said,
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
    fs::remove_file(half.out.join("cohort/dre-manifest.json")).unwrap();
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
