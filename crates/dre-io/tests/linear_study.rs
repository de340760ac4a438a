//! Linear models in a study: what is found before a fit, what a run goes on despite of, what decoders leave.
#![allow(missing_docs)]

mod common;

use std::fs;

use common::{STUDY, Watch, data_set, job, run, write_subject};
use dre_io::pipeline::{evaluate, fit, prepare};

/// Cohort made, the message of a fit that fails; no model may be left.
fn refused(study: &str) -> String {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let job = job(home.path(), study);
    let cohort = prepare(&job, &mut Watch::default()).unwrap();
    let message = fit(&job, &cohort, &mut Watch::default()).unwrap_err().to_string();
    assert!(!job.out.join("models").exists(), "something was fitted before: {message}");
    message
}

/// Epochs of 46 samples of 2 channels.
#[test]
fn a_mistake_in_the_last_model_is_found_before_the_first_is_fitted() {
    for (old, new, message) in [
        (
            "lag_max = 10\nn_iter",
            "lag_min = -90\nlag_max = 10\nn_iter",
            "banded: lag_min, lag_max = -90 to 10, 101 lags, expected at most twice as many lags as an epoch has samples, 46",
        ),
        (
            "lag_max = 10\nn_iter",
            "lag_max = 10\nlags = { length = [0, 99] }\nn_iter",
            "banded: lags.length = 0 to 99, 100 lags, expected at most twice",
        ),
        ("n_lags_data = 4", "n_lags_data = 46", "rtrf: n_lags_data = 46, expected between 1 and 45 samples"),
        (
            "n_lags_data = 4",
            "n_lags_data = 4\nn_components = 3",
            "rtrf: n_components = 3, expected at most the number of channels, 2",
        ),
        ("n_lags_data = 4", "n_lags_data = 4\nn_folds = 500", "rtrf: sub-01: n_folds = 500, expected between 2 and"),
        ("conv_filters = 6", "conv_filters = 6\nn_components = 3", "dre: n_components = 3"),
        ("lag_min = -10", "lag_min = -120", "decode: lag_min, lag_max = -120 to 0, 121 lags"),
        ("lag_min = -10", "lag_min = -10\nn_folds = 400", "decode: sub-01: n_folds = 400"),
    ] {
        assert!(STUDY.contains(old), "{old}");
        let found = refused(&STUDY.replacen(old, new, 1));
        assert!(found.contains(message), "`{message}` is not in: {found}");
    }
}

#[test]
fn a_decoder_of_features_that_are_one_another_goes_on_without_their_patterns() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    // `size` is `length` again.
    let study = STUDY
        .replace("features = [\"length\"]", "features = [\"length\", \"size\"]\nn_components = 1\nn_folds = 3")
        .replace(
            "[report]",
            "[[features]]\nname = 'size'\nkind = 'column'\ncolumn = 'length'\nduration = 0.1\n[report]",
        );
    let job = job(home.path(), &study);
    let mut watch = Watch::default();
    let cohort = prepare(&job, &mut watch).unwrap();
    fit(&job, &cohort, &mut watch).unwrap();
    let results = evaluate(&job, &cohort, &mut watch).unwrap();
    let decoding = results.decoding.unwrap();
    let [length, size] = decoding.features.as_slice() else { panic!("two features, not {decoding:?}") };
    assert_eq!((length.pattern.len(), size.pattern.len()), (0, 0));
    assert_eq!((length.n_times, size.n_times, size.mean_r.to_bits()), (0, 0, 0.0f64.to_bits()));
    let said = watch.said.borrow().join("\n");
    for expected in [
        "warning feature `size` is a sum of `length`: ",
        "warning decode: `size` is constant or a sum of other features in 2 of 2 subjects",
        "warning decode: `length` is constant or a sum of other features in 2 of 2 subjects",
        "warning decode: `length` has no r on the test epochs of 2 of 2 subjects: at every sample it is constant",
    ] {
        assert!(said.contains(expected), "`{expected}` is not in: {said}");
    }
    assert!(decoding.choices.iter().any(|(name, _)| name == "variance in the principal components"));
    let table = fs::read_to_string(job.out.join("decoding/coef.tsv")).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows[0], ["subject", "feature", "channel", "lag_s", "coef", "pattern"]);
    assert_eq!(rows.len(), 1 + 2 * 2 * 2 * 11);
    assert!(rows[1..].iter().all(|row| row[5] == "n/a" && row[4].parse::<f64>().is_ok()));
    let ceiling = results.statistics.ceiling.unwrap();
    assert!(ceiling.note.contains("report.repeats names no column") && ceiling.mean.is_nan());
}

#[test]
fn banded_ridge_names_the_features_that_make_it_ill_posed() {
    let study = STUDY.replace("n_iter = 5", "n_iter = 5\nalphas = [0.0]").replace(
        "[report]",
        "[[features]]\nname = 'size'\nkind = 'column'\ncolumn = 'length'\nduration = 0.1\n[report]",
    );
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let mut job = job(home.path(), &study);
    job.models = vec!["banded".to_owned()];
    let cohort = prepare(&job, &mut Watch::default()).unwrap();
    let message = fit(&job, &cohort, &mut Watch::default()).unwrap_err().to_string();
    assert!(message.contains("banded: ") && message.contains("`size` is a multiple of `length`"), "{message}");
    assert!(message.contains("raise alphas = [0.0]"), "{message}");
}

#[test]
fn what_is_allowed_but_hardly_meant_is_said_before_the_fit() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let study = STUDY
        .replacen("n_init_times = 12", "n_init_times = 3", 1)
        .replacen("lag_max = 10", "lag_max = 46", 1)
        .replace("[report]", "[state]\nband = [1.0, 2.0]\n[report]");
    let job = job(home.path(), &study);
    let mut watch = Watch::default();
    let cohort = prepare(&job, &mut watch).unwrap();
    fit(&job, &cohort, &mut watch).unwrap();
    let said = watch.said.into_inner();
    let first_fit = said.iter().position(|line| line.starts_with("Fitting")).unwrap();
    for expected in [
        "warning trf: lags 0 to 46 reach as far as an epoch is long, 46 samples",
        "warning rtrf: n_init_times = 3 is below n_lags_data = 4",
        "warning [state] will not be computed: window = 0.188 s, expected at least 2.000 s",
    ] {
        let place = said.iter().position(|line| line.contains(expected));
        assert!(place.is_some_and(|place| place < first_fit), "`{expected}` is not said before the fit: {said:?}");
    }
    let wrong = study.replace("band = [1.0, 2.0]", "channels = ['Q1']");
    let message = run(&common::job(home.path(), &wrong)).unwrap_err().to_string();
    assert!(message.contains("state.channels = `Q1`") && message.contains("Cz, Pz"), "{message}");
}

#[test]
fn leaving_one_of_overlapping_epochs_out_is_warned_of() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let warns = |tmax: &str| {
        let study = STUDY
            .replace("tmax = 0.5", tmax)
            .replacen("lag_max = 10", "lag_max = 10\nleave_one_out = true", 1)
            .replace("[decode]\nfeatures = [\"length\"]\nlag_min = -10\n", "");
        let mut job = job(home.path(), &study);
        job.models = vec!["trf".to_owned()];
        let mut watch = Watch::default();
        let cohort = prepare(&job, &mut watch).unwrap();
        fit(&job, &cohort, &mut watch).unwrap();
        let said = watch.said.into_inner();
        said.iter().any(|line| line.starts_with("warning trf: leave_one_out, but "))
    };
    // Events are 0.8 s apart.
    assert!(!warns("tmax = 0.5"));
    assert!(warns("tmax = 0.7"));
}

#[test]
fn a_decoder_of_a_held_out_subject_is_refused_with_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("bids");
    data_set(&root);
    write_subject(&root, 3, &["Cz", "Pz"], |c, t| common::noise(3_000_003 + c * 10_007 + t));
    let start = STUDY.find("[models.trf]").unwrap();
    let end = STUDY.find("[models.dre]").unwrap();
    let study = format!("{}{}", &STUDY[..start], &STUDY[end..])
        .replace("[report]", "[split]\nmethod = \"subjects\"\nfold = \"2 of 3\"\n[report]");
    let message = run(&job(home.path(), &study)).unwrap_err().to_string();
    assert!(
        message.contains("[decode]") && message.contains("sub-02") && message.contains("remove [decode]"),
        "{message}"
    );
}
