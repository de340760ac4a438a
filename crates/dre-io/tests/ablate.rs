//! Ablations and reduced networks: fitted on the same cohort, taken over where they are there, named where they make no sense.
#![allow(missing_docs)]

mod common;

use std::fs;

use common::{STUDY, Watch, data_set, job, run};
use dre::nn::Threads;
use dre_io::models::{Fitted, read_model};
use dre_io::pipeline::{Job, ablation, evaluate, fit, prepare};

const CHANGES: &str = "[ablate]\nvariants = ['no-conv', 'no-init', 'no-subject', 'pca-40', 'one']\n[ablate.changes.one]\n\
                       n_components = 1\n";

fn ablated(job: &Job, watch: &mut Watch) -> (Job, dre::results::Results) {
    let cohort = prepare(job, watch).unwrap();
    let ablation = ablation(job, &cohort, watch).unwrap();
    fit(&ablation, &cohort, watch).unwrap();
    let results = evaluate(&ablation, &cohort, watch).unwrap();
    (ablation, results)
}

#[test]
fn variants_differ_from_the_network_in_what_they_say() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let job = job(home.path(), &format!("{STUDY}{CHANGES}"));
    let whole = run(&job).unwrap();
    let mut watch = Watch::default();
    let (ablation, results) = ablated(&job, &mut watch);
    let names = ["dre", "dre-no-conv", "dre-no-init", "dre-no-subject", "dre-one"];
    assert_eq!(results.models.keys().collect::<Vec<_>>(), names);
    let said = watch.said.borrow();
    assert!(
        said.iter().any(|text| text == "Up to date model dre"),
        "the network that is there is taken over: {said:?}"
    );
    assert!(said.iter().any(|text| text.contains("pca-40 is left out: 40 components of 2 channels")), "{said:?}");
    // The same network has the same scores, and the study's own results are still there.
    assert_eq!(results.models["dre"].mean_r.to_bits(), whole.models["dre"].mean_r.to_bits());
    assert!(job.out.join("results.json").is_file());
    let n_init: Vec<usize> = results.models.values().map(|model| model.n_init_times).collect();
    assert_eq!(n_init, [12, 12, 0, 12, 12]);
    let read = |name: &str| {
        let folder = ablation.out.join("models").join(name);
        match read_model(&folder, &Threads::new(1)).unwrap().0 {
            Fitted::Dre(fitted) => *fitted,
            other => panic!("{name} is {}", other.title()),
        }
    };
    assert_eq!(read("dre-no-conv").network.config().conv_layers, 0);
    assert_eq!(read("dre-no-subject").network.config().subject_dim, 0);
    let reduced = read("dre-one");
    assert_eq!(reduced.network.dims().n_channels, 1);
    assert_eq!(reduced.pca.as_ref().unwrap().components.dim(), (1, 2));
    assert!(results.models["dre-one"].choices.iter().any(|(name, _)| name == "principal components"));
    // Done again, nothing is done.
    let mut watch = Watch::default();
    let (_, again) = ablated(&job, &mut watch);
    assert!(watch.said.borrow().iter().all(|text| !text.starts_with("Training")));
    assert_eq!(again.models["dre-one"].mean_r.to_bits(), results.models["dre-one"].mean_r.to_bits());
}

#[test]
fn a_network_of_components_keeps_its_reduction() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let job = job(home.path(), &STUDY.replace("kind = \"dre\"", "kind = \"dre\"\nn_components = 2"));
    let results = run(&job).unwrap();
    let fitted = read_model(&job.out.join("models/dre"), &Threads::new(1)).unwrap().0;
    let Fitted::Dre(fitted) = fitted else { panic!("not a network") };
    let pca = fitted.pca.unwrap();
    assert!((pca.explained - 1.0).abs() < 1e-9);
    assert!(results.models["dre"].mean_r.is_finite());
    // A reduction that is missing is named.
    fs::remove_file(job.out.join("models/dre/pca_mean.npy")).unwrap();
    let text = read_model(&job.out.join("models/dre"), &Threads::new(1)).unwrap_err().to_string();
    assert!(text.contains("pca_mean.npy"), "{text}");
}

#[test]
fn a_variant_does_not_take_a_model_s_name() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let job = job(home.path(), &format!("{STUDY}[models.dre-no-conv]\nkind = \"trf\"\nlag_max = 4\n"));
    let mut watch = Watch::default();
    let cohort = prepare(&job, &mut watch).unwrap();
    let text = ablation(&job, &cohort, &watch).unwrap_err().to_string();
    assert!(text.contains("models.dre-no-conv = a model of the study, expected another name"), "{text}");
}
