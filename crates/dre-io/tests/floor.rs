//! A study's processing floor, leak, gap between sets and what the audit says of them.
#![allow(missing_docs)]

mod common;

use std::fs;

use common::{SFREQ, STUDY, Watch, data_set, job, run};
use dre::data::REACH_SHARE;
use dre::floor::processing_floor;
use dre::results::FloorResult;
use dre::signal::{Phase, Preparation, PrepareSpec};
use dre_io::pipeline::{audit, open_prepared, prepare};

fn study(phase: &str, split: &str) -> String {
    format!(
        "{STUDY}\n[prepare]\nl_freq = 1.0\nh_freq = 20.0\nphase = \"{phase}\"\n[split]\ntrain = 0.6\nvalid = 0.2\n{split}\n"
    )
}

fn preparation(phase: Phase) -> Preparation {
    let spec = PrepareSpec { l_freq: Some(1.0), h_freq: Some(20.0), phase: Some(phase), ..PrepareSpec::default() };
    Preparation::new(&spec, SFREQ, common::N_TIMES, None).unwrap()
}

#[test]
fn results_hold_the_floor_and_the_leak_of_their_processing() {
    for (text, phase) in [("zero", Phase::Zero), ("minimum", Phase::Minimum)] {
        let home = tempfile::tempdir().unwrap();
        data_set(&home.path().join("bids"));
        let job = job(home.path(), &study(text, ""));
        let results = run(&job).unwrap();
        let [floor] = results.floors.as_slice() else { panic!("{:?}", results.floors) };
        assert_eq!((floor.n_init_times, floor.models.as_slice()), (12, &["rtrf".to_owned(), "dre".to_owned()][..]));
        let preparation = preparation(phase);
        let response = preparation.response();
        let expected = processing_floor(&response, SFREQ, results.times.len(), None, 12).unwrap();
        for (found, expected) in floor.r_over_time.iter().zip(&expected) {
            assert!(found.is_nan() && expected.is_nan() || (found - expected).abs() < 1e-9);
        }
        assert_eq!(floor.steps, preparation.steps());
        assert_eq!(floor.leak.is_none(), phase.is_causal(), "{:?}", floor.leak);
        assert_eq!(floor.leak.latencies, results.times[12..]);
        // Sets are as far apart as the filter reaches, and the run says so.
        let cohort = open_prepared(&job).unwrap();
        let reach: f64 = response.span(REACH_SHARE).iter().sum();
        assert!((cohort.info.reach - reach).abs() < 2e-6);
        let gap = format!("epochs of different sets at least {:.3} s apart", cohort.info.reach);
        assert!(results.cohort.steps.contains(&gap), "{:?}", results.cohort.steps);
        let audit = audit(&job, &cohort).unwrap();
        let found = audit.reach.unwrap();
        assert_eq!((found.n_pairs(), found.gap), (0, cohort.info.reach));
        // As text, since inside the init window they are not a number.
        let text = |floors: &[FloorResult]| serde_json::to_string(floors).unwrap();
        assert_eq!(text(&audit.floors), text(&results.floors));
        let recipe: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(job.out.join("models/trf/model.json")).unwrap()).unwrap();
        assert_eq!(recipe["recipe"]["split"]["gap"], cohort.info.reach);
    }
}

#[test]
fn a_gap_is_the_studys_own_where_it_names_one() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let audit_of = |split: &str| {
        let job = job(home.path(), &study("zero", split));
        let cohort = prepare(&job, &mut Watch::default()).unwrap();
        audit(&job, &cohort)
    };
    let open = audit_of("gap = 0").unwrap();
    let reach = open.reach.clone().unwrap();
    assert!(reach.gap == 0.0 && reach.n_train_within_valid > 0 && reach.crossing > 0.0, "{reach:?}");
    assert!(open.is_clean() && open.findings().iter().any(|finding| finding.contains("split.gap = 0.000 s")));
    let text = audit_of("gap = 60").unwrap_err().to_string();
    assert!(text.starts_with("split.gap = 60.000 s, expected a shorter stretch"), "{text}");
}

#[test]
fn a_study_without_init_windows_or_filters_has_neither_floor_nor_gap() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let start = STUDY.find("[models.rtrf]").unwrap();
    let results = run(&job(home.path(), &STUDY[..start])).unwrap();
    assert!(results.floors.is_empty() && results.cohort.steps.iter().all(|step| !step.contains("apart")));
    let text = fs::read_to_string(home.path().join("out/results.json")).unwrap();
    assert!(!text.contains("\"floors\""));
}

/// What goes into a study of white noise: lines below `[prepare]`, those below `[epochs]`.
const CHAINS: [(&str, &str); 7] = [
    ("l_freq = 1.0\nh_freq = 20.0\nphase = \"zero\"", ""),
    ("l_freq = 1.0\nh_freq = 20.0\nphase = \"minimum\"", "baseline = { tmax = -0.02 }"),
    ("l_freq = 1.0\nh_freq = 20.0\nphase = \"minimum-half\"\ndecim = 1", ""),
    ("l_freq = 1.0\nh_freq = 20.0\nmethod = \"iir\"\nreference = \"average\"", ""),
    ("h_freq = 20.0\nnotch_freqs = [12.0]\nphase = \"minimum\"\nstorage = \"f16\"", ""),
    ("sfreq = 48.0\nresample = \"polyphase\"\nphase = \"minimum\"", ""),
    ("sfreq = 48.0\nresample = \"fft\"\nphase = \"zero\"", ""),
];

/// The null in which nothing but the processing can be predicted: the program's own models, on test epochs, through all of it.
#[test]
fn no_model_predicts_more_of_white_noise_than_the_floor() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("bids");
    data_set(&root);
    fs::remove_dir_all(root.join("sub-02")).unwrap();
    let channels = ["Fz", "C3", "Cz", "C4", "P3", "Pz", "P4", "Oz"];
    // 20 minutes, 1,197 epochs that do not overlap, 300 of them to be tested on.
    common::write_recording(&root, (1, 76_800, 1.0), &channels, |c, t| common::noise(c * 1_000_003 + t));
    for (place, (prepare, epochs)) in CHAINS.iter().enumerate() {
        let text = format!(
            "name = \"noise\"\n[data]\npicks = [\"eeg\"]\n[prepare]\n{prepare}\n[epochs]\ntmin = -0.25\ntmax = 0.5\n{epochs}\n\
             [split]\ntrain = 0.65\nvalid = 0.1\n[[features]]\nname = \"onset\"\nkind = \"presence\"\nduration = 0.1\n\
             [[features]]\nname = \"length\"\nkind = \"column\"\ncolumn = \"length\"\nduration = 0.1\n\
             [models.rtrf]\nkind = \"rtrf\"\nn_lags_data = 12\nn_lags_features = 8\nn_init_times = 15\n"
        );
        let mut job = job(home.path(), &text);
        job.out = home.path().join(format!("out-{place}"));
        let results = run(&job).unwrap();
        let [floor] = results.floors.as_slice() else { panic!("{:?}", results.floors) };
        for (name, model) in &results.models {
            // r of 300 epochs has a standard error of 0.06; over 8 channels and a few independent times its mean has one of 0.01.
            let above = model.mean_r - floor.mean_r;
            assert!(above < 0.03, "{prepare}: {name} {} and {}", model.mean_r, floor.mean_r);
            // The best prediction uses more than twelve lags, the same at every time; without a baseline or a recursive filter it does
            // not gain much by it.
            assert!(above > -0.06 || place > 0, "{prepare}: {name} {} and {}", model.mean_r, floor.mean_r);
        }
    }
}
