//! A network that was trained on others learns a new subject's embedding from little data.
#![allow(missing_docs)]

mod common;

use std::ops::ControlFlow;
use std::sync::Arc;

use common::{Plan, epoch_spec, lenient};
use dre::adapt::{AdaptSpec, adapt, first_minutes, unadapted, with_mean_embedding};
use dre::data::{Dataset, EpochSource, Part, Set, Signals};
use dre::linear::TrfConfig;
use dre::metrics::ScoreSpec;
use dre::nn::{Dims, Loss, Network, NetworkConfig, Observer, Precision, Progress, Threads, TrainConfig, Training};
use dre::{Error, Result};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Sign of each subject's response to feature `b`, a noise that every sample has; the last is new.
const SIGNS: [f64; 5] = [1.0, -1.0, 1.0, -1.0, -1.0];
const NEW: usize = 4;

fn dataset() -> Dataset {
    let plan = Plan { n_subjects: 5, n_recordings: 1, n_channels: 2, n_times: 6000, soa: 40, ..Plan::default() };
    let mut cohort = plan.cohort();
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    for recording in &mut cohort.recordings {
        let (sign, feature) = (SIGNS[recording.subject], recording.feature(1).to_vec());
        let data = (0..2 * recording.n_times).map(|i| {
            let t = i % recording.n_times;
            let signal = if t > 0 { sign * (f64::from(feature[t - 1]) - 1.5) } else { 0.0 };
            ((signal + rng.random_range(-0.5..0.5)) * 1e-6) as f32
        });
        recording.data = Signals::of_rows(&data.collect::<Vec<f32>>(), 2);
    }
    let (split, cleaning) = lenient();
    Dataset::new(Arc::new(cohort), &epoch_spec(-0.1, 0.3), &split, &cleaning, 1).unwrap()
}

struct Silent;

impl Observer for Silent {
    type Error = Error;

    fn on_batch(&mut self, _: &Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn on_pass(&mut self, _: &Training) -> Result<()> {
        Ok(())
    }
}

const TRAIN: TrainConfig =
    TrainConfig { lr: 1e-2, batch_size: 16, n_passes: 12, loss: Loss::Mse, precision: Precision::F32 };

fn network(set: &Dataset) -> Network {
    let config = NetworkConfig {
        n_init_times: 0,
        subject_dim: 2,
        conv_layers: 0,
        lstm_layers: 1,
        lstm_hidden: 16,
        ..NetworkConfig::paper()
    };
    let dims = Dims { n_channels: 2, n_features: set.n_features(), n_subjects: 5 };
    let network = Network::new(config, dims, 1, Threads::new(1)).unwrap();
    let others = Part::new(set, |_, epoch| epoch.subject != NEW);
    assert!(others.epochs(Set::Train).len() > 300 && others.epochs(Set::Train).iter().all(|e| e.subject != NEW));
    let mut training = Training::new(network, TRAIN, 1).unwrap();
    training.run(&others, &mut Silent).unwrap();
    with_mean_embedding(&training.best(), &[0, 1, 2, 3], &[NEW]).unwrap()
}

fn spec() -> AdaptSpec {
    AdaptSpec {
        train: TrainConfig { lr: 5e-2, n_passes: 20, ..TRAIN },
        trf: TrfConfig { lag_max: 2, ..TrfConfig::default() },
        map_alphas: vec![1.0, 100.0],
        score: ScoreSpec { set: Set::Test, score_from: 0.0, batch_size: 32, condition: None },
        seed: 3,
        n_threads: 1,
        stop: dre::Stop::never(),
    }
}

#[test]
fn an_embedding_of_one_row_is_fitted_and_nothing_else() {
    let set = dataset();
    let base = network(&set);
    let mut training = Training::of_subject(base.clone(), TRAIN, 1, NEW).unwrap();
    training.run(&Part::new(&set, |_, epoch| epoch.subject == NEW), &mut Silent).unwrap();
    for (before, after) in base.state().iter().zip(training.network().state()) {
        if before.name == "subject_embedding.weight" {
            assert_eq!(before.data[..2 * NEW], after.data[..2 * NEW], "the others' rows");
            assert_ne!(before.data[2 * NEW..], after.data[2 * NEW..], "the subject's own row");
        } else {
            assert_eq!(before.data, after.data, "{}", before.name);
        }
    }
}

#[test]
fn a_new_subject_is_predicted_after_a_minute_of_data() {
    let set = dataset();
    let base = network(&set);
    let spec = spec();
    // The mean of the others' embeddings stands for no sign in particular, and not for this subject's.
    let before = unadapted(&base, &set, NEW, &spec.score).unwrap();
    assert!(before < 0.5, "{before}");
    let (_, all) = first_minutes(&set, NEW, 100.0);
    let [short, long] = [0.1, all].map(|minutes| adapt(&base, &set, NEW, minutes, &spec).unwrap().unwrap());
    assert!(short.minutes <= 0.1 && short.n_epochs < long.n_epochs && (long.minutes - all).abs() < 1e-12);
    assert!(long.embedding > 0.85, "{long:?}");
    assert!(short.embedding > before + 0.3, "{short:?} after {before}");
    assert!(long.trf > 0.85, "the response is linear: {long:?}");
    // A linear map can turn a prediction's sign, too.
    assert!(long.mapped > 0.85, "{long:?}");
    assert_eq!(adapt(&base, &set, NEW, 0.0, &spec).unwrap(), None);
    let stop = dre::Stop::new();
    stop.ask();
    assert!(matches!(adapt(&base, &set, NEW, all, &AdaptSpec { stop, ..spec }), Err(dre::Error::Stopped)));
}

#[test]
fn a_training_that_goes_on_leaves_alone_what_it_left_alone_before() {
    let set = dataset();
    let base = network(&set);
    let part = Part::new(&set, |_, epoch| epoch.subject == NEW);
    let mut training = Training::of_subject(base.clone(), TrainConfig { n_passes: 2, ..TRAIN }, 1, NEW).unwrap();
    training.run(&part, &mut Silent).unwrap();
    let (state, tensors) = training.state();
    let mut on = Training::from_state(base.clone(), TRAIN, 1, state.clone(), &tensors).unwrap();
    on.run(&part, &mut Silent).unwrap();
    let mut whole = Training::of_subject(base.clone(), TRAIN, 1, NEW).unwrap();
    whole.run(&part, &mut Silent).unwrap();
    for (a, b) in on.network().state().iter().zip(whole.network().state()) {
        assert_eq!(a.data, b.data, "{}", a.name);
    }
    // A history that another number of passes left is no state of it.
    let torn = dre::nn::TrainingState { pass: 1, ..state };
    let message = Training::from_state(base, TRAIN, 1, torn, &tensors).unwrap_err().to_string();
    assert!(message.contains("pass = 1, expected 2"), "{message}");
}

#[test]
fn minutes_count_each_sample_once() {
    let set = dataset();
    let (epochs, all) = first_minutes(&set, NEW, 100.0);
    assert_eq!(epochs.len(), set.subject_epochs(Set::Train, NEW).len());
    let mut covered = vec![false; 6000];
    epochs.iter().for_each(|epoch| covered[epoch.start..epoch.start + set.n_times()].fill(true));
    let expected = covered.iter().filter(|&&is| is).count() as f64 / set.sfreq() / 60.0;
    assert!((all - expected).abs() < 1e-12, "{all} for {expected}");
    let (some, minutes) = first_minutes(&set, NEW, 0.2);
    assert!(minutes <= 0.2 && !some.is_empty() && some[..] == epochs[..some.len()]);
}

#[test]
fn a_network_without_embedding_cannot_be_adapted() {
    let set = dataset();
    let dims = Dims { n_channels: 2, n_features: set.n_features(), n_subjects: 5 };
    let config = NetworkConfig { subject_dim: 0, conv_filters: 4, lstm_hidden: 4, ..NetworkConfig::paper() };
    let network = Network::new(config, dims, 1, Threads::new(1)).unwrap();
    let text = Training::of_subject(network, TRAIN, 1, NEW).unwrap_err().to_string();
    assert!(text.contains("subject_dim = 0"), "{text}");
}
