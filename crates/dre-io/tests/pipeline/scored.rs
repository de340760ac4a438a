//! What is scored: never what a model is shown; windows that were named in advance; what is said of few epochs.

use dre::results::Results;
use dre_io::pipeline::{Job, evaluate, fit, importance, prepare};

use crate::common::{STUDY, Watch, data_set, job, run};

/// The study with init windows of `n` samples; epochs of 46 samples from −13/64 s on.
fn shown(n: usize) -> String {
    STUDY.replace("n_init_times = 12", &format!("n_init_times = {n}"))
}

fn run_watched(job: &Job) -> (Results, Vec<String>) {
    let mut watch = Watch::default();
    let cohort = prepare(job, &mut watch).unwrap();
    fit(job, &cohort, &mut watch).unwrap();
    let results = evaluate(job, &cohort, &mut watch).unwrap();
    (results, watch.said.into_inner())
}

/// The message of a fit that is refused before anything is fitted.
fn refused(study: &str) -> String {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let job = job(home.path(), study);
    let message = run(&job).unwrap_err().to_string();
    assert!(!job.out.join("models").exists(), "something was fitted before: {message}");
    message
}

#[test]
fn samples_that_a_model_was_shown_are_never_scored() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    // The recordings are noise, of which nothing is known but what is shown.
    for n in [12, 13, 30, 44] {
        let job = job(home.path(), &shown(n));
        let (results, said) = run_watched(&job);
        assert_eq!(results.score_from_asked, Some(0.0));
        assert_eq!(results.score_from.to_bits(), results.times[n.max(13)].to_bits(), "{n}");
        for (name, model) in &results.models {
            assert!(model.mean_r.abs() < 0.5, "{n}: {name} reaches {}", model.mean_r);
            for subject in model.subjects.values() {
                let scored = &subject.r_over_time[n.max(13)..];
                let mean = scored.iter().sum::<f64>() / scored.len() as f64;
                assert!((subject.r - mean).abs() < 1e-12, "{n}: {name}");
            }
        }
        assert!(results.models["rtrf"].r_over_time[5] > 0.99, "what is shown is handed on");
        let moved =
            said.iter().any(|line| line.starts_with("warning report.score_from = 0 s lies within the init window of"));
        assert_eq!(moved, n > 13, "{n}: {said:?}");
        let page = dre_report_would_show(&results);
        assert!(page >= n, "figures and scores agree");
    }
}

/// The first sample that figures count, which compare times with `score_from`.
fn dre_report_would_show(results: &Results) -> usize {
    results.times.iter().position(|t| *t >= results.score_from).unwrap()
}

#[test]
fn a_study_with_nothing_left_to_score_is_refused_before_a_fit() {
    let message = refused(&shown(46));
    let expected = "models.rtrf.n_init_times = 46, expected at most 45 of the 46 samples of an epoch, since samples that a model is shown";
    assert!(message.contains(expected), "{message}");
    let late = STUDY.replace("tmax = 0.5", "tmax = 0.505").replace("[report]", "[report]\nscore_from = 0.504");
    let message = refused(&late);
    assert!(message.contains("report.score_from = 0.504") && message.contains("46 samples to score"), "{message}");
    for (window, expected) in [
        ("channels = ['Qz']", "report.windows[1].channels = `Qz`, expected names of the cohort's 2 channels: Cz, Pz"),
        ("channels = ['Cz', 'Cz']", "report.windows[1].channels = `Cz` twice"),
        (
            "tmin = 0.001\ntmax = 0.002",
            "report.windows[1].tmax = 0.001 to 0.002 s, expected a window that holds a sample",
        ),
        ("tmin = -0.2\ntmax = -0.1", "report.windows[1].tmax = -0.2 to -0.1 s, within the init window"),
    ] {
        let windows = format!("[[report.windows]]\nname = 'a'\n[[report.windows]]\nname = 'b'\n{window}\n[decode]");
        let message = refused(&STUDY.replace("[decode]", &windows));
        assert!(message.contains(expected), "`{expected}` is not in: {message}");
    }
}

#[test]
fn windows_that_are_named_in_advance_are_scored_by_themselves() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let windows = "[[report.windows]]\nname = 'late'\nchannels = ['Pz']\ntmin = 0.1\ntmax = 0.4\n[[report.windows]]\nname = \
                   'all'\n[importance]\nmodes = ['event']\nn_permutations = 2\n[decode]";
    let study = shown(30).replace("[decode]", windows);
    let job = job(home.path(), &study);
    let (results, _) = run_watched(&job);
    let [late, all] = results.windows.as_slice() else { panic!("two windows, not {:?}", results.windows) };
    // Up to 0.25 s is shown.
    assert_eq!((late.name.as_str(), late.tmin, late.tmax), ("late", 17.0 / 64.0, 25.0 / 64.0));
    assert_eq!((&late.channels[..], all.channels.len()), (&["Pz".to_owned()][..], 2));
    assert_eq!(all.models.keys().collect::<Vec<_>>(), results.models.keys().collect::<Vec<_>>());
    for (name, model) in &results.models {
        assert!((all.models[name].mean_r - model.mean_r).abs() < 1e-12, "everything from `score_from` on");
        let map: ndarray::Array3<f64> = ndarray_npy::read_npy(job.out.join(format!("scores/{name}.npy"))).unwrap();
        let mean = map.slice(ndarray::s![1, 1, 30..39]).mean().unwrap();
        assert!((late.models[name].subjects["sub-02"].unwrap() - mean).abs() < 1e-12, "{name}");
        assert!(late.models[name].confidence.is_none() && late.models[name].test.is_none(), "of two subjects");
    }
    assert_eq!(late.comparisons.len(), 6);
    let cohort = dre_io::pipeline::open_prepared(&job).unwrap();
    let results = importance(&job, &cohort, results, &["trf".to_owned()], &mut Watch::default()).unwrap();
    let length = results.importance.iter().find(|found| found.name == "length").unwrap();
    assert_eq!(length.window[0].to_bits(), (17.0f64 / 64.0).to_bits());
    let [_, all] = length.windows.as_slice() else { panic!("two windows, not {:?}", length.windows) };
    assert!((all.delta_r - length.delta_r).abs() < 1e-12);
    let text = serde_json::to_string(&results).unwrap();
    let again: Results = serde_json::from_str(&text).unwrap();
    assert_eq!((again.windows, &again.importance[0].windows), (results.windows, &results.importance[0].windows));
}

#[test]
fn few_epochs_are_said() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let (_, said) = run_watched(&job(home.path(), STUDY));
    let expected = "warning fewer than 20 test epochs: sub-01 (12), sub-02 (12); r across 12 epochs is noisy, with a standard \
                    deviation of 0.30 where nothing is predicted";
    assert!(said.iter().any(|line| line == expected), "{said:?}");
    // 2 validation epochs: the subjects are left out, and nobody is left.
    let message = refused(&STUDY.replace("[report]", "[split]\ntrain = 0.75\nvalid = 0.04\n[report]"));
    assert!(message.contains("2 validation epochs left, at least 3 needed"), "{message}");
}
