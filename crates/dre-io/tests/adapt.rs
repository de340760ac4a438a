//! A study's network adapted to one of its subjects.
#![allow(missing_docs)]

mod common;

use common::{STUDY, Watch, data_set, job, run};
use dre_io::pipeline::{AdaptRequest, Job, PipelineError, adapt, prepare};

fn request(subject: &str, minutes: &[f64]) -> AdaptRequest {
    AdaptRequest { subject: subject.to_owned(), model: None, minutes: minutes.to_vec() }
}

fn adapted(
    job: &Job,
    request: &AdaptRequest,
    watch: &mut Watch,
) -> Result<dre::results::AdaptationResult, PipelineError> {
    let cohort = prepare(job, watch)?;
    adapt(job, &cohort, request, watch)
}

#[test]
fn a_subject_is_left_out_of_training_and_then_adapted_to() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let job = job(home.path(), STUDY);
    let whole = run(&job).unwrap();
    let mut watch = Watch::default();
    let found = adapted(&job, &request("02", &[0.1, 5.0]), &mut watch).unwrap();
    assert_eq!((found.subject.as_str(), found.model.as_str(), found.points.len()), ("sub-02", "dre", 2));
    assert_eq!(found.trained_with, Some(whole.models["dre"].subjects["sub-02"].r));
    assert!(found.points[0].minutes <= 0.1 && found.points[0].n_epochs < found.points[1].n_epochs);
    assert!(watch.said.borrow().iter().any(|text| text.starts_with("Training dre")));
    let cut = "warning --minutes 5: sub-02 has ";
    assert!(watch.said.borrow().iter().any(|text| text.starts_with(cut)), "more than there is, and said so");
    for file in ["adaptation.json", "adaptation.tsv", "dre/model.json"] {
        assert!(job.out.join("adapt/sub-02").join(file).is_file(), "{file}");
    }
    // The network without the subject is trained once; by default all lengths up to all data are tried.
    let mut watch = Watch::default();
    let again = adapted(&job, &request("sub-02", &[]), &mut watch).unwrap();
    assert!(watch.said.borrow().iter().any(|text| text == "Up to date model dre without sub-02"));
    assert!(again.points.len() >= 2 && again.points.windows(2).all(|pair| pair[0].minutes < pair[1].minutes));
    assert_eq!(again.unadapted.to_bits(), found.unadapted.to_bits());
}

#[test]
fn requests_that_make_no_sense_are_named() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let refused = |study: &str, request: &AdaptRequest| {
        let job = job(home.path(), study);
        adapted(&job, request, &mut Watch::default()).unwrap_err().to_string()
    };
    let text = refused(STUDY, &request("09", &[]));
    assert_eq!(text, "--subject = 09, expected one of sub-01, sub-02");
    let text = refused(STUDY, &request("01", &[0.001]));
    assert!(text.contains("--minutes = 0.001, expected a number of minutes from 0.012 (one epoch) on"), "{text}");
    let no_subject = STUDY.replace("subject_dim = 2", "subject_dim = 0");
    assert!(refused(&no_subject, &request("01", &[])).contains("models.dre.subject_dim = 0"));
    let named = AdaptRequest { model: Some("trf".to_owned()), ..request("01", &[]) };
    assert!(
        refused(STUDY, &named)
            .contains("--model = `trf`, expected a model of kind \"dre\" in the study, which has: dre")
    );
    let alone = STUDY.split("[models.dre]").next().unwrap();
    assert!(refused(alone, &request("01", &[])).contains("a model of kind \"dre\" in the study, which has none"));
}
