//! Linear models of simulated cohorts: the truth is found again, faults are named, scores are what they say.
#![allow(missing_docs)]

mod common;

use std::sync::Arc;

use common::{Plan, epoch_spec, lenient};
use dre::data::{Batch, Cohort, Dataset, Set, Signals};
use dre::linear::{
    AlphaUnit, CohortTrf, FitSpec, LinearOptions, Penalty, Rtrf, RtrfConfig, Trf, TrfConfig, fit_rtrf, fit_trf,
};
use dre::metrics::{ALL_EPOCHS, ScoreSpec, score};
use dre::model::{Inputs, Predictor};
use dre::{Error, Result, Stop};
use ndarray::{Array1, Array3, Axis};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn dataset(cohort: Cohort) -> Dataset {
    let (split, cleaning) = lenient();
    Dataset::new(Arc::new(cohort), &epoch_spec(-0.2, 0.5), &split, &cleaning, 1).unwrap()
}

/// A cohort whose data follow feature `a` by `kernel[subject]` (µV), the same on all channels, with noise of 1 µV.
fn driven(kernels: &[[f64; 4]]) -> Cohort {
    let mut cohort = Plan { n_subjects: kernels.len(), n_times: 6000, soa: 90, ..Plan::default() }.cohort();
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for recording in &mut cohort.recordings {
        let feature = recording.feature(0).to_vec();
        let data: Vec<f32> = (0..3 * recording.n_times)
            .map(|i| {
                let t = i % recording.n_times;
                let kernel = kernels[recording.subject].iter().enumerate();
                let signal: f64 = kernel.map(|(l, w)| if l <= t { w * f64::from(feature[t - l]) } else { 0.0 }).sum();
                ((signal + rng.random_range(-1.7..1.7)) * 1e-6) as f32
            })
            .collect();
        recording.data = Signals::of_rows(&data, 3);
    }
    cohort
}

fn random(shape: (usize, usize, usize), seed: u64) -> Array3<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Array3::from_shape_simple_fn(shape, || rng.random_range(-1.0..1.0))
}

fn names(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("f{i}")).collect()
}

const PLAIN: LinearOptions = LinearOptions::DEFAULT;
const FIT: FitSpec = FitSpec { valid_from: 10, batch_size: 7, n_threads: 2, stop: Stop::never() };

fn score_spec() -> ScoreSpec {
    ScoreSpec { set: Set::Test, score_from: 0.0, batch_size: 5, condition: Some("trial_type".to_owned()) }
}

#[test]
fn each_subject_s_kernel_is_found_again() {
    let truth = [[0.0, 6.0, -4.0, 2.0], [5.0, 0.0, 0.0, -6.0]];
    let set = dataset(driven(&truth));
    let config = TrfConfig { lag_max: 5, alpha_unit: AlphaUnit::Absolute, alphas: vec![1e-3], ..TrfConfig::default() };
    let fitted = fit_trf(&set, &config, PLAIN, &FIT).unwrap();
    let feature_std = set.feature_scaler().std[0];
    for (subject, kernel) in truth.iter().enumerate() {
        let recording = set.subject_epochs(Set::Train, subject)[0].recording;
        let (_, scaler) = set.scalers().find(|&(i, _)| i == recording).unwrap();
        for (lag, &expected) in kernel.iter().chain(&[0.0, 0.0]).enumerate() {
            // Back from scaled units to µV per unit of the feature.
            let found = fitted.subjects[subject].model.coef[[0, 0, lag]] * scaler.scale[0] / feature_std * 1e6;
            // The noise's standard error with about 80 events is 0.1 µV; runs differ in their scale by a few percent.
            assert!((found - expected).abs() < 0.6, "subject {subject} lag {lag}: {found} for {expected}");
        }
    }
    assert_eq!(fitted.n_parameters(), 2 * 3 * (2 * 6 + 1));
    assert_eq!(fitted.choices().len(), 2);
}

#[test]
fn the_number_of_threads_changes_no_digit() {
    let set = dataset(Plan { n_subjects: 3, ..Plan::default() }.cohort());
    let trf = |n_threads| fit_trf(&set, &TrfConfig::default(), PLAIN, &FitSpec { n_threads, ..FIT }).unwrap();
    let (one, three) = (trf(1), trf(3));
    assert_eq!(one.subjects, three.subjects);
    let spec = score_spec();
    assert_eq!(score(&set, &one, &spec).unwrap().subjects[1].map, score(&set, &three, &spec).unwrap().subjects[1].map);
    let (x, y) = (random((40, 3, 50), 1), random((40, 5, 50), 2));
    let fit = |n| Trf::fit(&x, &y, &names(3), &TrfConfig { lag_max: 30, ..TrfConfig::default() }, 1.0, n).unwrap();
    assert_eq!(fit(1), fit(4));
    let fit = |n| Rtrf::fit(&x, &y, &names(3), &RtrfConfig { n_lags_data: 20, ..RtrfConfig::default() }, 1.0, n);
    assert_eq!(fit(1).unwrap(), fit(4).unwrap());
}

#[test]
fn alpha_is_the_one_with_the_best_validation_r() {
    let set = dataset(driven(&[[0.0, 3.0, 0.0, 0.0]]));
    let fitted = fit_trf(&set, &TrfConfig { lag_max: 40, ..TrfConfig::default() }, PLAIN, &FIT).unwrap();
    let fit = &fitted.subjects[0];
    let best = fit.valid_r.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let place = TrfConfig::default().alphas.iter().position(|&a| (a - fit.alphas[0]).abs() < 1e-12).unwrap();
    assert!((fit.valid_r[place] - best).abs() < 1e-15);
    // What was compared is what scoring the validation set gives.
    let spec = ScoreSpec { set: Set::Valid, score_from: -0.1, ..score_spec() };
    assert!((score(&set, &fitted, &spec).unwrap().mean_r - best).abs() < 1e-9);
}

#[test]
fn an_autoregression_is_found_again() {
    // y(t) = 1.2 y(t−1) − 0.5 y(t−2) + x(t): modes of magnitude √0.5.
    let x = random((30, 1, 300), 3);
    let mut y = Array3::zeros((30, 1, 300));
    for e in 0..30 {
        for t in 2..300 {
            y[[e, 0, t]] = 1.2 * y[[e, 0, t - 1]] - 0.5 * y[[e, 0, t - 2]] + x[[e, 0, t]] + 0.25;
        }
    }
    let config = RtrfConfig { n_lags_data: 2, n_lags_features: 2, alpha_unit: AlphaUnit::Absolute, alphas: Vec::new() };
    let fitted = Rtrf::fit(&x, &y, &names(1), &config, 1e-9, 1).unwrap();
    for (found, expected) in fitted.coef_data.iter().zip([1.2, -0.5]) {
        assert!((found - expected).abs() < 1e-8, "{found} for {expected}");
    }
    for (found, expected) in fitted.coef_features.iter().zip([1.0, 0.0]) {
        assert!((found - expected).abs() < 1e-8, "{found} for {expected}");
    }
    assert!((fitted.intercept[0] - 0.25).abs() < 1e-8);
    assert!((fitted.spectral_radius() - 0.5f64.sqrt()).abs() < 1e-3, "{}", fitted.spectral_radius());
    let rollout = fitted.roll_out(&x, &y, 4, 1e3, 2).unwrap();
    assert_eq!(rollout.n_diverged, 0);
    assert!((&rollout.prediction - &y).iter().all(|error| error.abs() < 1e-6));
}

#[test]
fn spectral_radius_is_the_companion_matrix_s_largest_eigenvalue() {
    for seed in 0..8 {
        let (n, l) = (3, 4);
        let model = Rtrf {
            coef_data: random((n, l, n), seed) * 0.5,
            coef_features: Array3::zeros((n, 0, 1)),
            intercept: Array1::zeros(n),
        };
        let companion = faer::Mat::from_fn(n * l, n * l, |i, j| match i {
            _ if i < n => model.coef_data[[i, j / n, j % n]],
            _ => f64::from(u8::from(i == j + n)),
        });
        let largest = companion.eigenvalues().unwrap().iter().map(|v| v.norm()).fold(0.0, f64::max);
        let found = model.spectral_radius();
        assert!((found - largest).abs() < 2e-4 * largest, "seed {seed}: {found} for {largest}");
    }
}

#[test]
fn a_roll_out_that_diverges_is_held_and_counted() {
    let model = Rtrf {
        coef_data: Array3::from_shape_vec((1, 1, 1), vec![-1.5]).unwrap(),
        coef_features: Array3::zeros((1, 0, 1)),
        intercept: Array1::zeros(1),
    };
    assert!((model.spectral_radius() - 1.5).abs() < 1e-6);
    let mut data = Array3::zeros((3, 1, 400));
    data[[1, 0, 0]] = 1.0;
    let rollout = model.roll_out(&Array3::zeros((3, 1, 400)), &data, 1, 50.0, 1).unwrap();
    assert_eq!(rollout.n_diverged, 1);
    assert!(rollout.prediction.iter().all(|v| v.abs() <= 50.0));
    let quiet = rollout.prediction.index_axis(Axis(0), 2);
    assert!(quiet.iter().all(|&v| v == 0.0));
}

#[test]
fn cohort_rtrf_predicts_each_subject() {
    let set = dataset(Plan::default().cohort());
    let config =
        RtrfConfig { n_lags_data: 5, n_lags_features: 3, alpha_unit: AlphaUnit::Absolute, alphas: vec![1.0, 100.0] };
    let fitted = fit_rtrf(&set, &config, 10, PLAIN, &FIT).unwrap();
    let scores = score(&set, &fitted, &score_spec()).unwrap();
    // The init window shows the truth.
    assert!((scores.r_over_time[5] - 1.0).abs() < 1e-6);
    assert_eq!(fitted.choices().len(), 4);
    let mut batch = Batch::default();
    set.draw(&[set.epochs(Set::Test)[0], set.subject_epochs(Set::Test, 1)[0]], &mut batch);
    let rollout = fitted.roll_out(&batch).unwrap();
    let second = &fitted.subjects[1].model;
    let part = |array: &Array3<f32>| array.slice(ndarray::s![1..2, .., ..]).mapv(f64::from);
    let alone = second.roll_out(&part(&batch.features), &part(&batch.data), 10, 1e3, 1).unwrap();
    let same =
        rollout.prediction.index_axis(Axis(0), 1).iter().zip(&alone.prediction).all(|(a, b)| (a - b).abs() < 1e-6);
    assert!(same && rollout.n_diverged == 0);
}

#[test]
fn singular_systems_are_explained() {
    let y = random((5, 2, 60), 9);
    let mut x = random((5, 3, 60), 8);
    let config = TrfConfig { lag_max: 3, ..TrfConfig::default() };
    let message = |x: &Array3<f64>, config: &TrfConfig| {
        Trf::fit(x, &y, &["loud".to_owned(), "new".to_owned(), "word".to_owned()], config, 0.0, 1)
            .unwrap_err()
            .to_string()
    };
    let twin = x.index_axis(Axis(1), 0).mapv(|v| -2.0 * v + 1.0);
    x.index_axis_mut(Axis(1), 2).assign(&twin);
    let text = message(&x, &config);
    assert!(
        text.contains("TRF: ") && text.contains("`word` is a multiple of `loud`") && text.contains("alpha"),
        "{text}"
    );
    let sum = &x.index_axis(Axis(1), 0) - &(&x.index_axis(Axis(1), 1) * 3.0);
    x.index_axis_mut(Axis(1), 2).assign(&sum);
    let text = message(&x, &config);
    assert!(text.contains("`word` at lag ") && text.contains(" is a sum of `new`, `loud`; 12 columns"), "{text}");
    x.index_axis_mut(Axis(1), 1).fill(0.3);
    let text = message(&x, &config);
    assert!(text.contains("`new` is constant"), "{text}");
    let wide = TrfConfig { lag_max: 40, ..config.clone() };
    let few = random((1, 3, 60), 4);
    let text = Trf::fit(&few, &random((1, 1, 60), 5), &names(3), &wide, 0.0, 1).unwrap_err().to_string();
    assert!(text.contains("123 columns, 60 samples"), "{text}");
    assert!(Trf::fit(&x, &y, &names(3), &config, 1.0, 1).is_ok());
}

#[test]
fn settings_and_shapes_are_checked() {
    let (x, y) = (random((5, 2, 60), 1), random((5, 1, 60), 2));
    let fit = |config: &TrfConfig, alpha: f64| Trf::fit(&x, &y, &names(2), config, alpha, 1).unwrap_err().to_string();
    let config = TrfConfig { lag_max: 3, penalty: Penalty::Laplacian, ..TrfConfig::default() };
    assert!(fit(&TrfConfig { lag_min: 4, ..config.clone() }, 1.0).contains("lag_max = 3"));
    assert!(fit(&TrfConfig { lag_max: 500, ..config.clone() }, 1.0).contains("lag_min, lag_max = "));
    assert!(fit(&config, -1.0).contains("alpha = -1"));
    assert!(fit(&config, f64::NAN).contains("alpha = NaN"));
    let fitted = Trf::fit(&x, &y, &names(2), &config, 1.0, 1).unwrap();
    assert!(fitted.predict(&random((5, 3, 60), 1), 1).unwrap_err().to_string().contains("[5, 3, 60]"));
    let short = random((4, 1, 60), 2);
    assert!(matches!(Trf::fit(&x, &short, &names(2), &config, 1.0, 1), Err(Error::Shape { .. })));
    let none = Array3::zeros((0, 2, 60));
    assert!(matches!(Trf::fit(&none, &Array3::zeros((0, 1, 60)), &[], &config, 1.0, 1), Err(Error::NoEpochs { .. })));
    let featureless = Trf::fit(&Array3::zeros((5, 0, 60)), &y, &[], &config, 1.0, 1).unwrap_err().to_string();
    assert!(featureless.contains("at least one feature"), "{featureless}");
    let long = RtrfConfig { n_lags_data: 60, ..RtrfConfig::default() };
    assert!(Rtrf::fit(&x, &y, &names(2), &long, 1.0, 1).unwrap_err().to_string().contains("lags = 60"));
    let set = dataset(Plan::default().cohort());
    let none = TrfConfig { alpha_unit: AlphaUnit::Absolute, alphas: Vec::new(), ..config };
    assert!(fit_trf(&set, &none, PLAIN, &FIT).unwrap_err().to_string().contains("alphas = 0"));
}

/// Predicts the truth, or a part of it, or nonsense.
struct Oracle(fn(f32) -> f32);

impl Predictor for Oracle {
    fn predict(&self, batch: &Batch) -> Result<Array3<f32>> {
        Ok(batch.data.mapv(self.0))
    }

    fn inputs(&self) -> Inputs {
        Inputs::FEATURES
    }
}

#[test]
fn scores_of_known_predictions() {
    let set = dataset(Plan::default().cohort());
    let same = score(&set, &Oracle(|v| 2.0 * v + 3.0), &score_spec()).unwrap();
    assert!((same.mean_r - 1.0).abs() < 1e-9 && same.r_per_channel.iter().all(|r| (r - 1.0).abs() < 1e-9));
    let opposite = score(&set, &Oracle(|v| -v), &score_spec()).unwrap();
    assert!((opposite.mean_r + 1.0).abs() < 1e-9 && opposite.r_over_time.len() == set.n_times());
    let constant = score(&set, &Oracle(|_| 0.5), &score_spec()).unwrap();
    assert!(constant.mean_r == 0.0 && constant.subjects.iter().all(|s| s.map.iter().all(|&r| r == 0.0)));
    let by_label = same.subject_scores();
    assert_eq!(by_label.keys().collect::<Vec<_>>(), ["sub-00", "sub-01"]);
    assert_eq!(by_label["sub-01"].n_epochs, set.subject_epochs(Set::Test, 1).len());
}

#[test]
fn evoked_responses_are_means_of_subjects_means() {
    let set = dataset(Plan::default().cohort());
    let scores = score(&set, &Oracle(|v| -v), &score_spec()).unwrap();
    let names: Vec<_> = scores.evoked.iter().map(|e| e.condition.as_str()).collect();
    assert_eq!(names, [ALL_EPOCHS, "even", "odd"]);
    let mut batch = Batch::default();
    for evoked in &scores.evoked {
        let mut mean = ndarray::Array2::<f64>::zeros((set.n_channels(), set.n_times()));
        let mut n_epochs = 0;
        for subject in 0..set.n_subjects() {
            let own: Vec<_> = set
                .subject_epochs(Set::Test, subject)
                .iter()
                .filter(|e| {
                    evoked.condition == ALL_EPOCHS || set.event_text(e, "trial_type") == Some(&evoked.condition)
                })
                .copied()
                .collect();
            set.draw(&own, &mut batch);
            mean += &(batch.data.mapv(f64::from).mean_axis(Axis(0)).unwrap() / 2.0);
            n_epochs += own.len();
        }
        assert_eq!(evoked.n_epochs, n_epochs);
        assert!((&evoked.truth - &mean).iter().all(|d| d.abs() < 1e-12));
        assert!((&evoked.predicted + &mean).iter().all(|d| d.abs() < 1e-12));
    }
    let both = dre::metrics::Scores::evoked(&[("a", &scores), ("b", &scores)]);
    assert_eq!(both.len(), 3);
    assert_eq!(both[1].predicted.keys().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((both[0].truth.len(), both[0].truth[0].len()), (set.n_channels(), set.n_times()));
}

#[test]
fn predictions_that_are_not_finite_are_named() {
    let set = dataset(Plan::default().cohort());
    let text = score(&set, &Oracle(|v| if v > 1.0 { f32::NAN } else { v }), &score_spec()).unwrap_err().to_string();
    assert!(text.contains("sub-00_run-00 event") && text.contains("channel C"), "{text}");
    let late = ScoreSpec { score_from: 3.0, ..score_spec() };
    assert!(score(&set, &Oracle(|v| v), &late).unwrap_err().to_string().contains("score_from = 3"));
}

#[test]
fn a_linear_model_refuses_subjects_it_has_not_seen() {
    let set = dataset(Plan::default().cohort());
    let fitted = fit_trf(&set, &TrfConfig { lag_max: 5, ..TrfConfig::default() }, PLAIN, &FIT).unwrap();
    let first = CohortTrf::new(fitted.subjects[..1].to_vec(), 1);
    let mut batch = Batch::default();
    set.draw(set.subject_epochs(Set::Test, 1), &mut batch);
    assert!(first.predict(&batch).unwrap_err().to_string().contains("subject = 1"));
    assert_eq!(fitted.predict(&batch).unwrap().dim(), batch.data.dim());
}
