//! The noise ceiling against a simulated truth.
#![allow(missing_docs)]

mod common;

use common::words::{Words, column};
use dre::data::Set;
use dre::metrics::{CeilingSpec, noise_ceiling};
use dre::results::{CeilingMethod, CeilingResult};
use dre::{Error, Stop};

fn ceiling(words: &Words) -> CeilingResult {
    let spec = CeilingSpec {
        set: Set::Test,
        column: "stimulus".to_owned(),
        score_from: 0.12,
        seed: 0,
        n_threads: 2,
        stop: Stop::never(),
    };
    noise_ceiling(&words.make().dataset, &spec).unwrap()
}

/// The mean over channels at the times at which stimuli have a response, of variance `sd`² beside noise of variance 1.
fn during_the_response(found: &CeilingResult) -> f64 {
    let at: Vec<f64> = found.over_time[12..24].to_vec();
    at.iter().sum::<f64>() / at.len() as f64
}

fn words(n_stimuli: usize, n_events: usize, sd: f64) -> Words {
    Words { n_events, stimuli: Some((n_stimuli, sd)), features: vec![column("a")], n_channels: 3, ..Words::default() }
}

/// Variance of the stimuli's responses in the simulation, which has few of them.
fn spread_of_responses(words: &Words) -> f64 {
    use rand::SeedableRng;
    use rand_distr::Distribution;
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(words.seed);
    let n = words.stimuli.unwrap().0;
    let drawn: Vec<f64> = (0..n).map(|_| rand_distr::StandardNormal.sample(&mut rng)).collect();
    let mean = drawn.iter().sum::<f64>() / n as f64;
    drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64
}

#[test]
fn repeated_stimuli_give_the_correlation_of_a_perfect_prediction() {
    // 200 test epochs of 40 stimuli: 5 repetitions.
    let words = words(40, 1000, 1.0);
    let found = ceiling(&words);
    assert_eq!(found.method, CeilingMethod::Repeats, "{}", found.note);
    let signal = spread_of_responses(&words);
    let expected = (signal / (signal + 1.0)).sqrt();
    let mean = during_the_response(&found);
    assert!((mean - expected).abs() < 0.04, "{mean} for {expected}");
    // Before a response there is nothing that stimuli share, and the signed root averages to about 0.
    let before: f64 = found.over_time[..5].iter().sum::<f64>() / 5.0;
    assert!(before.abs() < 0.15, "{before}");
    assert_eq!(found.subjects.len(), 5);
    assert!(found.confidence.unwrap()[0] < found.mean && found.mean < found.confidence.unwrap()[1]);
}

#[test]
fn shared_stimuli_give_a_lower_bound() {
    // 100 test epochs of 100 stimuli, each once.
    let words = words(100, 500, 1.0);
    let found = ceiling(&words);
    assert_eq!(found.method, CeilingMethod::Subjects, "{}", found.note);
    let signal = spread_of_responses(&words);
    // The mean of four others has a quarter of the noise.
    let expected = signal / ((signal + 1.0) * (signal + 0.25)).sqrt();
    let mean = during_the_response(&found);
    assert!((mean - expected).abs() < 0.05, "{mean} for {expected}");
}

#[test]
fn without_repetitions_none_is_made_up() {
    let found = ceiling(&words(4, 100, 1.0));
    assert_eq!(found.method, CeilingMethod::None);
    assert!(found.mean.is_nan() && found.subjects.values().all(Option::is_none));
    assert!(found.note.contains("no noise ceiling") && found.note.contains("10 are needed"), "{}", found.note);
    let text = serde_json::to_string(&found).unwrap();
    assert!(serde_json::from_str::<CeilingResult>(&text).unwrap().mean.is_nan());
}

#[test]
fn a_column_that_is_not_there_is_named() {
    let made = words(4, 100, 1.0).make();
    let spec = CeilingSpec {
        set: Set::Test,
        column: "stim".to_owned(),
        score_from: 0.0,
        seed: 0,
        n_threads: 1,
        stop: Stop::never(),
    };
    let message = noise_ceiling(&made.dataset, &spec).unwrap_err().to_string();
    assert!(message.contains("no column `stim`") && message.contains("report.repeats"), "{message}");
}

#[test]
fn one_that_is_asked_to_stop_says_so() {
    let made = words(40, 1000, 1.0).make();
    let stop = Stop::new();
    stop.ask();
    let spec =
        CeilingSpec { set: Set::Test, column: "stimulus".to_owned(), score_from: 0.0, seed: 0, n_threads: 1, stop };
    assert!(matches!(noise_ceiling(&made.dataset, &spec), Err(Error::Stopped)));
}
