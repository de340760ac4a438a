//! A small recovery of simulated truths; `cargo xtask recovery` is the whole of it.
#![allow(missing_docs)]

mod common;

use std::ops::ControlFlow;
use std::sync::Arc;

use common::epoch_spec;
use dre::Stop;
use dre::data::{BaselineSpec, CleaningSpec, Dataset, EpochSpec, Set, SplitSpec};
use dre::linear::{AlphaUnit, FitSpec, LinearOptions, TrfConfig, fit_trf};
use dre::metrics::{ScoreSpec, Scores, score};
use dre::nn::{Dims, DreModel, Network, NetworkConfig, Observer, Progress, Threads, TrainConfig, Training};
use dre::simulate::{Effects, Simulation, SimulationConfig, word_features};

/// Samples that are shown: the second before the word.
const N_INIT: usize = 64;

/// Four readers for five minutes, in white noise that leaves a linear model an r of about a third.
fn readers(effects: Effects) -> Dataset {
    let config = SimulationConfig {
        n_subjects: 4,
        duration: 300.0,
        sfreq: 64.0,
        snr: 0.3,
        effects,
        ..SimulationConfig::default()
    };
    let cohort = Simulation::new(&config).unwrap().cohort(&word_features()).unwrap();
    let epochs = EpochSpec { baseline: BaselineSpec::Switch(false), ..epoch_spec(-1.0, 1.0) };
    Dataset::new(Arc::new(cohort), &epochs, &SplitSpec::default(), &CleaningSpec::default(), 1).unwrap()
}

struct Silent;

impl Observer for Silent {
    type Error = dre::Error;

    fn on_batch(&mut self, _: &Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn on_pass(&mut self, _: &Training) -> Result<(), dre::Error> {
        Ok(())
    }
}

const SCORE: ScoreSpec = ScoreSpec { set: Set::Test, score_from: 0.0, batch_size: 32, condition: None };

fn mean_r(scores: &Scores) -> f64 {
    scores.subjects.iter().map(|subject| subject.r).sum::<f64>() / scores.subjects.len() as f64
}

fn trf(data: &Dataset) -> f64 {
    let config = TrfConfig {
        lag_min: 0,
        lag_max: 64,
        alpha_unit: AlphaUnit::Absolute,
        alphas: vec![1e-1, 1e1, 1e3, 1e5],
        ..TrfConfig::default()
    };
    let spec = FitSpec { valid_from: N_INIT, batch_size: 32, n_threads: 1, stop: Stop::never() };
    let fitted = fit_trf(data, &config, LinearOptions::DEFAULT, &spec).unwrap();
    mean_r(&score(data, &fitted, &SCORE).unwrap())
}

fn dre(data: &Dataset, n_init_times: usize) -> f64 {
    let config =
        NetworkConfig { n_init_times, subject_dim: 4, conv_filters: 24, lstm_hidden: 24, ..NetworkConfig::paper() };
    let dims = Dims { n_channels: data.n_channels(), n_features: data.n_features(), n_subjects: data.n_subjects() };
    let settings = TrainConfig { n_passes: 20, batch_size: 8, lr: 2e-3, ..TrainConfig::paper() };
    let mut training = Training::new(Network::new(config, dims, 1, Threads::new(1)).unwrap(), settings, 1).unwrap();
    training.run(data, &mut Silent).unwrap();
    mean_r(&score(data, &DreModel::new(training.best(), data.n_times(), 32).unwrap(), &SCORE).unwrap())
}

#[test]
fn where_responses_are_linear_the_network_does_not_fall_behind() {
    let data = readers(Effects::LINEAR);
    let (trf, dre) = (trf(&data), dre(&data, N_INIT));
    assert!((0.2..0.6).contains(&trf), "limited by noise, and predictable: {trf}");
    assert!(dre >= trf - 0.01, "DRE {dre}, TRF {trf}");
}

#[test]
fn where_a_rhythm_carries_across_the_word_the_init_window_predicts_it() {
    let data = readers(Effects { alpha: true, ..Effects::LINEAR });
    let (trf, dre, no_init) = (trf(&data), dre(&data, N_INIT), dre(&data, 0));
    assert!(trf > 0.0 && dre >= 3.0 * trf, "DRE {dre}, TRF {trf}");
    assert!(no_init < dre - 0.1, "without the init window {no_init}, with it {dre}");
}
