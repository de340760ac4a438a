//! What models that are given the first samples of each epoch need: a phase that was decided on, and a baseline window that
//! ends before these samples do.
#![allow(missing_docs)]

mod common;

use std::path::Path;

use common::{STUDY, Watch, data_set, job, run};
use dre_io::pipeline::{fit, prepare};
use dre_io::study::Study;

fn parse(text: &str) -> Result<Study, String> {
    Study::parse(text, Path::new("study.toml")).map_err(|e| e.to_string())
}

/// The common study with a table `[prepare]`.
fn prepared(keys: &str) -> String {
    STUDY.replace("[epochs]", &format!("[prepare]\n{keys}\n[epochs]"))
}

#[test]
fn a_study_whose_models_have_an_init_window_states_the_phase() {
    insta::assert_snapshot!(parse(&prepared("l_freq = 1.0\nh_freq = 30.0")).unwrap_err());
    insta::assert_snapshot!(parse(&prepared("sfreq = 50.0")).unwrap_err());
    for keys in ["l_freq = 1.0", "h_freq = 20.0", "notch_freqs = [50.0]", "sfreq = 100.0", "l_freq = 0.01\ndecim = 2"] {
        let text = parse(&prepared(keys)).unwrap_err();
        assert!(text.starts_with("study.toml line 4: prepare.phase = not set, expected \"minimum\""), "{text}");
        assert!(text.contains("`rtrf` and `dre` are given the first samples") && !text.contains("NaN"), "{text}");
    }
    for stated in ["phase = \"zero\"", "phase = \"minimum\"", "phase = \"minimum-half\"", "method = \"iir\""] {
        let study = parse(&prepared(&format!("l_freq = 1.0\n{stated}"))).unwrap();
        assert_eq!(parse(&study.to_toml().unwrap()), Ok(study));
    }
    // Nothing has a phase, or no model an init window.
    parse(&prepared("decim = 2")).unwrap();
    let text = prepared("l_freq = 1.0").replace("n_init_times = 12", "n_init_times = 0");
    parse(&text).unwrap();
    let one = prepared("l_freq = 1.0").replacen("n_init_times = 12", "n_init_times = 0", 1);
    assert!(parse(&one).unwrap_err().contains("because `dre` is given the first samples"));
}

#[test]
fn a_phase_that_does_not_fit_is_refused_with_its_line() {
    for (keys, message) in [
        ("phase = 'minimum'", "line 5: prepare.phase = \"minimum\" without a filter"),
        ("phase = 'minimal'\nl_freq = 1.0", "line 5: prepare.phase is \"minimal\"; did you mean `minimum`?"),
        (
            "l_freq = 1.0\nmethod = 'iir'\nphase = 'zero'",
            "line 7: prepare.phase = \"zero\", expected \"minimum\", or none",
        ),
        ("l_freq = 1.0\nmethod = 'butter'", "line 6: prepare.method is \"butter\"; expected one of fir, iir"),
        ("l_freq = 1.0\nmethod = 'iir'\niir_order = 0", "line 7: prepare.iir_order = 0, expected an order of 1 to 16"),
        ("l_freq = 1.0\nphase = 'zero'\niir_order = 2", "line 7: prepare.iir_order = 2, expected none, unless method"),
        (
            "sfreq = 64\nphase = 'minimum'\nresample = 'fft'",
            "line 7: prepare.resample = \"fft\", expected \"polyphase\", or none, beside phase = \"minimum\"",
        ),
    ] {
        let text = parse(&prepared(keys)).expect_err(keys);
        assert!(text.starts_with(&format!("study.toml {message}")), "{keys}: {text}");
    }
}

#[test]
fn an_unstable_filter_is_refused_with_the_recording_s_rate() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let text = run(&job(home.path(), &prepared("l_freq = 1e-7\nmethod = 'iir'"))).unwrap_err();
    let text = with_causes(&text);
    assert!(text.contains("l_freq = 0.0000001 Hz") && text.contains("lower iir_order"), "{text}");
}

/// An error with its causes.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[test]
fn a_baseline_window_past_an_init_window_is_refused_where_the_rate_is_known() {
    // 12 samples at 64 Hz from -0.2 s (13 samples before the event): up to -0.03125 s.
    let with = |baseline: &str, keys: &str| {
        prepared(keys).replace("tmax = 0.5\n", &format!("tmax = 0.5\nbaseline = {baseline}\n"))
    };
    insta::assert_snapshot!(parse(&with("true", "sfreq = 64.0\nphase = 'minimum'")).unwrap_err());
    parse(&with("{ tmax = -0.03 }", "sfreq = 64.0\nphase = 'minimum'")).unwrap();
    assert!(parse(&with("{ tmin = -0.1 }", "sfreq = 64.0\nphase = 'minimum'")).is_err());
    // Without `sfreq` the recordings say, before the first fit.
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let refused = job(home.path(), &with("{ tmax = 0.0 }", "decim = 1"));
    let mut watch = Watch::default();
    let cohort = prepare(&refused, &mut watch).unwrap();
    let text = fit(&refused, &cohort, &mut watch).unwrap_err().to_string();
    assert!(
        text.contains("epochs.baseline = -0.203125 to 0 s, expected false, or a window that ends at or before"),
        "{text}"
    );
    assert!(text.contains("(models.rtrf)"), "{text}");
    assert!(!refused.out.join("models").exists());
    let allowed = job(home.path(), &with("{ tmax = -0.04 }", "decim = 1"));
    fit(&allowed, &cohort, &mut watch).unwrap();
    let no_init = with("true", "decim = 1").replace("n_init_times = 12", "n_init_times = 0");
    fit(&job(home.path(), &no_init), &cohort, &mut watch).unwrap();
}
