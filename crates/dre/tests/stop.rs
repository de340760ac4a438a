//! Work that is asked to stop ends soon, and says so.
#![allow(missing_docs)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Plan, epoch_spec, lenient};
use dre::data::{Batch, Dataset, Epoch, EpochSource, Set};
use dre::linear::{
    BandedConfig, DecodeConfig, FitSpec, LinearOptions, RtrfConfig, TrfConfig, fit_banded, fit_decoder, fit_rtrf,
    fit_trf,
};
use dre::metrics::{ScoreSpec, score};
use dre::model::{Predictor, Stoppable};
use dre::simulate::{Simulation, SimulationConfig};
use dre::stats::{Adjacency, Enhancement, PermutationSpec, Tail, Threshold, cluster_test, tfce_test};
use dre::{Error, Stop};
use ndarray::Array3;

/// Epochs of which the n-th batch that is drawn asks to stop.
struct StopsAt<'a> {
    epochs: &'a Dataset,
    at: usize,
    n_drawn: AtomicUsize,
    stop: Stop,
}

impl EpochSource for StopsAt<'_> {
    fn channel_names(&self) -> Vec<String> {
        self.epochs.channel_names()
    }

    fn features(&self) -> &[String] {
        self.epochs.features()
    }

    fn subjects(&self) -> &[String] {
        self.epochs.subjects()
    }

    fn n_channels(&self) -> usize {
        self.epochs.n_channels()
    }

    fn n_times(&self) -> usize {
        self.epochs.n_times()
    }

    fn epochs(&self, set: Set) -> &[Epoch] {
        self.epochs.epochs(set)
    }

    fn subject_epochs(&self, set: Set, subject: usize) -> &[Epoch] {
        self.epochs.subject_epochs(set, subject)
    }

    fn draw(&self, epochs: &[Epoch], batch: &mut Batch) {
        if self.n_drawn.fetch_add(1, Ordering::Relaxed) + 1 == self.at {
            self.stop.ask();
        }
        self.epochs.draw(epochs, batch);
    }
}

/// What fits a model.
type Fit<'a> = &'a dyn Fn(&StopsAt<'_>, &FitSpec) -> Result<(), Error>;

#[test]
fn a_linear_fit_asked_to_stop_draws_no_other_batch() {
    let (split, cleaning) = lenient();
    let cohort = Plan { n_subjects: 2, ..Plan::default() }.cohort();
    let dataset = Dataset::new(Arc::new(cohort), &epoch_spec(-0.1, 0.3), &split, &cleaning, 1).unwrap();
    let options = LinearOptions { n_components: 2, ..LinearOptions::DEFAULT };
    let folds = LinearOptions { n_folds: 3, ..LinearOptions::DEFAULT };
    let left_out = LinearOptions { leave_one_out: true, ..LinearOptions::DEFAULT };
    let alphas = vec![0.1, 10.0];
    let trf = TrfConfig { lag_max: 4, alphas: alphas.clone(), ..TrfConfig::default() };
    let banded = BandedConfig { lag_max: 4, n_iter: 3, alphas: alphas.clone(), ..BandedConfig::default() };
    let rtrf = RtrfConfig { n_lags_data: 2, n_lags_features: 3, alphas: alphas.clone(), ..RtrfConfig::default() };
    let decoder = DecodeConfig { lag_min: -3, n_components: 2, alphas, ..DecodeConfig::default() };
    let fits: [(&str, Fit<'_>); 7] = [
        ("trf", &|s, spec| fit_trf(s, &trf, options, spec).map(drop)),
        ("trf, folds", &|s, spec| fit_trf(s, &trf, folds, spec).map(drop)),
        ("trf, leaving one out", &|s, spec| fit_trf(s, &trf, left_out, spec).map(drop)),
        ("banded", &|s, spec| fit_banded(s, &banded, options, 0, spec).map(drop)),
        ("banded, folds", &|s, spec| fit_banded(s, &banded, folds, 0, spec).map(drop)),
        ("rtrf", &|s, spec| fit_rtrf(s, &rtrf, 5, options, spec).map(drop)),
        ("decoder", &|s, spec| fit_decoder(s, &decoder, spec).map(drop)),
    ];
    for (name, fit) in fits {
        let (mut at, mut n_drawn) = (1, usize::MAX);
        while at <= n_drawn {
            let source = StopsAt { epochs: &dataset, at, n_drawn: AtomicUsize::new(0), stop: Stop::new() };
            // The first fit is not asked to stop, and counts.
            let source = if n_drawn == usize::MAX { StopsAt { stop: Stop::never(), ..source } } else { source };
            let spec = FitSpec { valid_from: 5, batch_size: 16, n_threads: 1, stop: source.stop.clone() };
            let done = fit(&source, &spec);
            if n_drawn == usize::MAX {
                done.unwrap();
                n_drawn = source.n_drawn.into_inner();
                assert!(n_drawn > 4, "{name}");
                continue;
            }
            // What follows the last batch may be too short for anyone to look.
            if at < n_drawn {
                assert!(matches!(done, Err(Error::Stopped)), "{name}, batch {at}");
                assert_eq!(source.n_drawn.into_inner(), at, "{name}");
            }
            // Every batch of the first few and some of the others, since each of them is a fit.
            at += 1 + at / 8;
        }
    }
}

#[test]
fn predictions_asked_to_stop_say_so() {
    let (split, cleaning) = lenient();
    let cohort = Plan { n_subjects: 2, ..Plan::default() }.cohort();
    let dataset = Dataset::new(Arc::new(cohort), &epoch_spec(-0.1, 0.3), &split, &cleaning, 1).unwrap();
    let trf = TrfConfig { lag_max: 4, ..TrfConfig::default() };
    let spec = FitSpec { valid_from: 0, batch_size: 16, n_threads: 1, stop: Stop::never() };
    let fitted = fit_trf(&dataset, &trf, LinearOptions::DEFAULT, &spec).unwrap();
    let stop = Stop::new();
    let model = Stoppable { model: &fitted, stop: &stop };
    let scores = ScoreSpec { set: Set::Test, score_from: 0.0, batch_size: 16, condition: None };
    let [one, other] = [score(&dataset, &model, &scores), score(&dataset, &fitted, &scores)]
        .map(|found| found.unwrap().mean_r.to_bits());
    assert_eq!(one, other);
    assert_eq!(model.inputs(), fitted.inputs());
    stop.ask();
    assert!(matches!(score(&dataset, &model, &scores), Err(Error::Stopped)));
}

#[test]
fn tests_and_simulations_asked_to_stop_say_so() {
    let maps = Array3::from_shape_fn((6, 2, 5), |(s, c, t)| ((s * 7 + c * 3 + t) % 5) as f64 - 1.0);
    let adjacency = Adjacency::from_pairs(2, [(0, 1)]);
    let stop = Stop::new();
    let spec = PermutationSpec { stop: stop.clone(), ..PermutationSpec::default() };
    let cluster = || cluster_test(&maps, &adjacency, Threshold::Standard, Tail::Both, &spec).map(drop);
    let tfce = || tfce_test(&maps, &adjacency, &Enhancement::default(), Tail::Both, &spec).map(drop);
    let config = SimulationConfig { n_subjects: 1, n_sessions: 1, ..SimulationConfig::default() };
    cluster().unwrap();
    tfce().unwrap();
    stop.ask();
    assert!(matches!(cluster(), Err(Error::Stopped)));
    assert!(matches!(tfce(), Err(Error::Stopped)));
    assert!(matches!(Simulation::until(&config, 1, &stop), Err(Error::Stopped)));
}
