//! What the stimulus adds to the past: models without features, of some features, of all subjects, and with several seeds.

use std::fs;

use dre::results::Results;
use dre_io::models::{read_info, read_model};
use dre_io::pipeline::{evaluate, fit, importance, prepare};
use dre_io::study::Study;

use crate::common::{STUDY, Watch, data_set, job, run};

/// The small study with references, and the lines `more` at its end.
fn study(more: &str) -> String {
    format!("{}{more}", STUDY.replace("past_alone = false\n", ""))
}

fn finished(more: &str) -> (tempfile::TempDir, Results) {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let results = run(&job(home.path(), &study(more))).unwrap();
    (home, results)
}

#[test]
fn every_model_with_an_init_window_is_beside_its_past_alone() {
    let (_home, results) = finished("");
    let names: Vec<&str> = results.models.keys().map(String::as_str).collect();
    assert_eq!(names, ["trf", "banded", "rtrf", "dre", "rtrf-past", "dre-past"]);
    assert_eq!(results.models["rtrf-past"].title, "RTRF (autoregressive TRF, ridge), without features");
    let shares: Vec<(&str, Option<&str>)> =
        results.stimulus.iter().map(|s| (s.model.as_str(), s.without.as_deref())).collect();
    assert_eq!(shares, [("trf", None), ("banded", None), ("rtrf", Some("rtrf-past")), ("dre", Some("dre-past"))]);
    for share in &results.stimulus {
        let (own, without) = (&results.models[&share.model], share.without.as_ref().map(|name| &results.models[name]));
        let past = without.map_or(0.0, |model| model.mean_r);
        assert!((share.delta_r - (own.mean_r - past)).abs() < 1e-12, "{}", share.model);
        for (label, delta) in &share.subjects {
            let past = without.map_or(0.0, |model| model.subjects[label].r);
            assert!((delta - (own.subjects[label].r - past)).abs() < 1e-12);
        }
        assert_eq!((share.over_time.len(), share.per_channel.len()), (results.times.len(), 2));
        // Two subjects are too few for a test.
        assert_eq!((share.p, share.seeds), (None, None));
    }
    assert!(results.models["rtrf-past"].linear.as_ref().unwrap().coefficients.is_empty());
    // References are compared with the model whose past they are, not with every other model.
    let names: Vec<&str> = results.statistics.comparisons.iter().flat_map(|c| [&*c.first, &*c.second]).collect();
    assert_eq!(names.len(), 2 * 6);
    assert!(!names.iter().any(|name| name.ends_with("-past")), "{names:?}");
    assert_eq!(results.ratios.len(), 1);
}

#[test]
fn a_study_may_name_its_own_reference_or_none() {
    let own =
        "[models.before]\nkind = \"rtrf\"\nn_lags_data = 4\nn_lags_features = 4\nn_init_times = 12\nfeatures = []\n";
    let parse = |text: &str| Study::parse(text, std::path::Path::new("study.toml")).unwrap();
    let study_of_own = parse(&study(own));
    assert_eq!(study_of_own.without_features("rtrf"), Some("before"));
    assert!(!study_of_own.models.contains_key("rtrf-past") && study_of_own.models.contains_key("dre-past"));
    assert_eq!(parse(STUDY).models.len(), 4);
    // Written out and read again, references are not added twice.
    assert_eq!(parse(&study_of_own.to_toml().unwrap()), study_of_own);
}

#[test]
fn models_of_some_features_and_of_all_subjects() {
    let more = "[models.one]\nkind = \"trf\"\nlag_max = 10\nfeatures = [\"length\"]\n\
                [models.both]\nkind = \"trf\"\nlag_max = 10\npooled = true\n";
    let (home, results) = finished(more);
    let (one, both) = (&results.models["one"], &results.models["both"]);
    assert_eq!(one.title, "TRF (temporal receptive field, ridge), from length");
    assert_eq!(both.title, "TRF (temporal receptive field, ridge), one for all subjects");
    let linear = one.linear.as_ref().unwrap();
    assert_eq!((&linear.features[..], linear.coefficients.len()), (&["length".to_owned()][..], 1));
    assert!(one.n_parameters < results.models["trf"].n_parameters);
    assert_eq!(both.n_parameters * 2, results.models["trf"].n_parameters);
    let alphas: Vec<&str> =
        both.choices.iter().map(|(name, _)| name.as_str()).filter(|name| name.starts_with("alpha")).collect();
    assert_eq!(alphas, ["alpha (all subjects)"]);
    let table = fs::read_to_string(home.path().join("out/models/one/coef.tsv")).unwrap();
    assert!(table.contains("length") && !table.contains("onset"));
}

#[test]
fn a_pooled_model_predicts_a_subject_that_it_has_not_seen() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("bids");
    data_set(&root);
    crate::common::write_subject(&root, 3, &["Cz", "Pz"], |c, t| crate::common::noise(3_000_003 + c * 10_007 + t));
    let split = "[split]\nmethod = \"subjects\"\nfold = \"2 of 3\"\n[report]";
    let text = study("[models.both]\nkind = \"trf\"\nlag_max = 10\npooled = true\n").replace("[report]", split);
    let text = text.replace("[decode]\nfeatures = [\"length\"]\nlag_min = -10\n", "");
    let mut job = job(home.path(), &text);
    job.models = vec!["both".to_owned(), "dre".to_owned()];
    let results = run(&job).unwrap();
    assert_eq!(results.models["both"].subjects.keys().collect::<Vec<_>>(), ["sub-02"]);
    assert!(results.models["both"].mean_r.is_finite());
}

#[test]
fn a_network_with_several_seeds_predicts_their_mean_and_shows_their_spread() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let text = STUDY.replace("n_passes = 3", "n_passes = 3\nn_seeds = 2");
    let text = format!("{text}[importance]\nmodels = [\"dre\"]\nmodes = [\"init\"]\nn_permutations = 2\n");
    let job = job(home.path(), &text);
    let results = run(&job).unwrap();
    let model = &results.models["dre"];
    assert_eq!(model.title, "DRE (Deep Recurrent Encoder), mean prediction of 2 fits");
    let seeds: Vec<u64> = model.seeds.iter().map(|fit| fit.seed).collect();
    assert_eq!(seeds, [3, 4]);
    // Single fits are those that a study with that seed alone would make.
    let alone = |seed: &str| {
        let home = tempfile::tempdir().unwrap();
        data_set(&home.path().join("bids"));
        let mut job = crate::common::job(home.path(), &STUDY.replace("seed = 3", seed));
        job.models = vec!["dre".to_owned()];
        run(&job).unwrap().models["dre"].mean_r
    };
    assert_eq!(model.seeds[0].mean_r.to_bits(), alone("seed = 3").to_bits());
    assert_eq!(model.seeds[1].mean_r.to_bits(), alone("seed = 4").to_bits());
    assert!(model.seeds.iter().all(|fit| fit.mean_r.to_bits() != model.mean_r.to_bits()));
    let comparison = results.statistics.comparisons.iter().find(|c| c.first == "rtrf" && c.second == "dre").unwrap();
    let spread = comparison.seeds.unwrap();
    assert_eq!((spread.n_seeds, spread.confidence), ([1, 2], None));
    let mean = f64::midpoint(model.seeds[0].mean_r, model.seeds[1].mean_r);
    assert!((spread.mean - (results.models["rtrf"].mean_r - mean)).abs() < 1e-12 && spread.sd > 0.0);
    // Nothing is fitted again, one more seed is one more fit, and inputs are permuted for all of them at once.
    let folder = job.out.join("models/dre");
    assert_eq!(read_info(&folder).unwrap().members, ["seed-3", "seed-4"]);
    let mut watch = Watch::default();
    let cohort = prepare(&job, &mut watch).unwrap();
    fit(&job, &cohort, &mut watch).unwrap();
    assert!(watch.said.borrow().contains(&"Up to date model dre".to_owned()));
    let permuted = importance(&job, &cohort, results.clone(), &[], &mut watch).unwrap();
    assert_eq!(permuted.importance.len(), 1);
    let mut more = job.clone();
    more.study = Study::parse(&text.replace("n_seeds = 2", "n_seeds = 3"), std::path::Path::new("study.toml")).unwrap();
    let mut watch = Watch::default();
    fit(&more, &cohort, &mut watch).unwrap();
    let said = watch.said.borrow().clone();
    for expected in ["Up to date model dre, seed 3", "Up to date model dre, seed 4"] {
        assert!(said.contains(&expected.to_owned()), "{said:?}");
    }
    assert!(said.iter().any(|text| text.starts_with("Training dre, seed 5")), "{said:?}");
    assert_eq!(evaluate(&more, &cohort, &mut Watch::default()).unwrap().models["dre"].seeds.len(), 3);
    assert!(read_model(&folder, &dre::nn::Threads::new(1)).is_ok());
}

#[test]
fn what_no_model_can_see_or_be_is_refused() {
    let refused = |from: &str, to: &str| {
        let text = STUDY.replace(from, to);
        Study::parse(&text, std::path::Path::new("study.toml")).unwrap_err().to_string()
    };
    for (to, message) in [
        (
            "kind = \"trf\"\nfeatures = [\"lenght\"]",
            "models.trf.features = `lenght`, expected names of features of the study",
        ),
        ("kind = \"trf\"\nfeatures = []", "models.trf.features = [], expected at least one: a model of kind \"trf\""),
        ("kind = \"trf\"\nfeatures = [\"onset\", \"onset\"]", "models.trf.features = `onset` twice"),
        ("kind = \"trf\"\nn_seeds = 2", "unknown key `n_seeds` in [models.trf]"),
        ("kind = \"trf\"\nalpha_unit = \"volts\"", "alpha_unit"),
    ] {
        let found = refused("kind = \"trf\"", to);
        assert!(found.contains(message), "{found}");
    }
    let found = refused("n_passes = 3", "n_passes = 3\nn_seeds = 0");
    assert!(found.contains("models.dre.n_seeds = 0, expected 1 to 100 fits"), "{found}");
    let found = refused("n_passes = 3", "n_passes = 3\npooled = true");
    assert!(found.contains("unknown key `pooled`"), "{found}");
}
