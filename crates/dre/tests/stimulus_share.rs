//! What the stimulus adds to the past: penalties that mean the same everywhere, models that see some features or all
//! subjects at once, means of several fits, and the rate at which nothing is found where there is nothing.
#![allow(missing_docs)]

mod common;

use std::sync::Arc;

use common::{Plan, epoch_spec, lenient};
use dre::data::{ALL_SUBJECTS, Batch, Dataset, EpochSource, Pooled, Selected, Set, feature_rows};
use dre::linear::{
    AlphaUnit, BandedConfig, FitSpec, LinearOptions, Rtrf, RtrfConfig, Trf, TrfConfig, fit_banded, fit_rtrf, fit_trf,
};
use dre::metrics::Correlation;
use dre::model::{Ensemble, Inputs, OnFeatures, Predictor};
use dre::stats::{Tail, test_group};
use dre::{Result, Stop};
use ndarray::{Array3, Axis, concatenate, s};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const PLAIN: LinearOptions = LinearOptions::DEFAULT;
const FIT: FitSpec = FitSpec { valid_from: 5, batch_size: 9, n_threads: 2, stop: Stop::never() };

fn dataset() -> Dataset {
    let cohort = Plan { n_subjects: 2, n_times: 3000, ..Plan::default() }.cohort();
    let (split, cleaning) = lenient();
    Dataset::new(Arc::new(cohort), &epoch_spec(-0.2, 0.5), &split, &cleaning, 1).unwrap()
}

fn noise(rng: &mut ChaCha8Rng, shape: (usize, usize, usize)) -> Array3<f64> {
    Array3::from_shape_simple_fn(shape, || rng.random_range(-1.0..1.0) + rng.random_range(-1.0..1.0))
}

fn close(a: &Array3<f64>, b: &Array3<f64>) -> bool {
    let size = b.iter().fold(0.0f64, |most, v| most.max(v.abs()));
    a.dim() == b.dim() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-9 * size)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn a_relative_penalty_means_the_same_in_any_unit_and_for_any_number_of_rows(power in -9i32..9, alpha in 1e-3..1e2f64) {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let (x, y) = (noise(&mut rng, (6, 2, 40)), noise(&mut rng, (6, 3, 40)));
        let names = ["a".to_owned(), "b".to_owned()];
        let unit = 10f64.powi(power);
        let twice = |a: &Array3<f64>| concatenate![Axis(0), a.view(), a.view()];
        let config = TrfConfig { lag_max: 3, ..TrfConfig::default() };
        let fit = |x: &Array3<f64>, y: &Array3<f64>| Trf::fit(x, y, &names, &config, alpha, 1).unwrap().coef;
        let coef = fit(&x, &y);
        prop_assert!(close(&fit(&twice(&x), &twice(&y)), &coef));
        prop_assert!(close(&fit(&(&x * unit), &y), &(&coef / unit)));
        prop_assert!(close(&fit(&x, &(&y * unit)), &(&coef * unit)));
        let config = RtrfConfig { n_lags_data: 3, n_lags_features: 2, ..RtrfConfig::default() };
        let fit = |x: &Array3<f64>, y: &Array3<f64>| Rtrf::fit(x, y, &names, &config, alpha, 1).unwrap();
        let (plain, scaled) = (fit(&x, &y), fit(&(&x * unit), &(&y * unit)));
        prop_assert!(close(&scaled.coef_data, &plain.coef_data) && close(&scaled.coef_features, &plain.coef_features));
        let longer = fit(&twice(&x), &twice(&y));
        prop_assert!(close(&longer.coef_data, &plain.coef_data));
    }
}

#[test]
fn an_absolute_penalty_is_added_to_the_gram_matrix() {
    // One column without a mean: w = Σ x y / (Σ x² + alpha), and alpha = c Σ x² in relative units.
    let x = Array3::from_shape_vec((1, 1, 4), vec![1.0, -1.0, 2.0, -2.0]).unwrap();
    let (y, names) = (&x * 3.0, ["a".to_owned()]);
    let fit = |alpha_unit, alpha| {
        let config = TrfConfig { lag_max: 0, alpha_unit, ..TrfConfig::default() };
        Trf::fit(&x, &y, &names, &config, alpha, 1).unwrap().coef[[0, 0, 0]]
    };
    assert!((fit(AlphaUnit::Absolute, 5.0) - 30.0 / 15.0).abs() < 1e-12);
    assert!((fit(AlphaUnit::Relative, 0.5) - 30.0 / 15.0).abs() < 1e-12);
}

#[test]
fn with_equal_weights_banded_ridge_is_ridge_with_the_same_relative_penalty() {
    let set = dataset();
    let alphas = vec![0.7];
    let trf = TrfConfig { lag_max: 6, alphas: alphas.clone(), ..TrfConfig::default() };
    let banded = BandedConfig { lag_max: 6, alphas, n_iter: 1, unique: false, ..BandedConfig::default() };
    let (ridge, banded) =
        (fit_trf(&set, &trf, PLAIN, &FIT).unwrap(), fit_banded(&set, &banded, PLAIN, 0, &FIT).unwrap());
    for (a, b) in ridge.subjects.iter().zip(&banded.subjects) {
        assert!(close(&b.model.coef, &a.model.coef));
    }
}

#[test]
fn a_model_of_some_features_sees_no_others() {
    let set = dataset();
    let names = ["b".to_owned()];
    let seen = Selected::new(&set, &names).unwrap();
    assert_eq!((seen.features(), seen.rows()), (&names[..], &[1][..]));
    let config = TrfConfig { lag_max: 6, alphas: vec![0.1], ..TrfConfig::default() };
    let fitted = fit_trf(&seen, &config, PLAIN, &FIT).unwrap();
    assert_eq!(fitted.subjects[0].model.coef.dim().1, 1);
    let model = OnFeatures { model: &fitted, rows: seen.rows().to_vec() };
    let mut batch = Batch::default();
    set.draw(set.epochs(Set::Test), &mut batch);
    let predicted = model.predict(&batch).unwrap();
    batch.features.slice_mut(s![.., 0, ..]).fill(7.0);
    assert_eq!(model.predict(&batch).unwrap(), predicted);
    batch.features.slice_mut(s![.., 1, ..]).fill(7.0);
    assert_ne!(model.predict(&batch).unwrap(), predicted);
    assert_eq!(model.features(), Some(&[1][..]));
    let message = Selected::new(&set, &["c".to_owned()]).err().unwrap().to_string();
    assert_eq!(message, "features = `c`, expected names of features of the data: a, b");
    assert!(feature_rows(set.features(), &[]).unwrap().is_empty());
}

#[test]
fn a_model_of_no_feature_predicts_from_the_past_alone() {
    let set = dataset();
    let seen = Selected::new(&set, &[]).unwrap();
    let config = RtrfConfig { n_lags_data: 3, n_lags_features: 3, ..RtrfConfig::default() };
    let fitted = fit_rtrf(&seen, &config, 5, PLAIN, &FIT).unwrap();
    let mut batch = Batch::default();
    seen.draw(set.epochs(Set::Test), &mut batch);
    assert_eq!(batch.features.len_of(Axis(1)), 0);
    let predicted = fitted.predict(&batch).unwrap();
    // What is shown is given back, and what is not shown does not count.
    assert_eq!(predicted.slice(s![.., .., ..5]), batch.data.slice(s![.., .., ..5]));
    batch.data.slice_mut(s![.., .., 5..]).fill(3.0);
    assert_eq!(fitted.predict(&batch).unwrap(), predicted);
}

#[test]
fn a_pooled_model_is_fitted_to_all_epochs_and_serves_every_subject() {
    let set = dataset();
    let pooled = Pooled::new(&set);
    assert_eq!((pooled.n_subjects(), pooled.subjects()), (1, &[ALL_SUBJECTS.to_owned()][..]));
    let config = TrfConfig { lag_max: 4, alphas: vec![0.1], ..TrfConfig::default() };
    let one = fit_trf(&pooled, &config, PLAIN, &FIT).unwrap();
    let mut batch = Batch::default();
    pooled.draw(set.epochs(Set::Train), &mut batch);
    assert!(batch.subjects.iter().all(|&subject| subject == 0));
    let (x, y) = (batch.features.mapv(f64::from), batch.data.mapv(f64::from));
    let direct = Trf::fit(&x, &y, set.features(), &config, 0.1, 1).unwrap();
    assert!(close(&one.subjects[0].model.coef, &direct.coef));
    let n_parameters = one.n_parameters();
    let shared = one.shared_by(set.subjects());
    assert_eq!((shared.subjects.len(), shared.n_parameters()), (2, n_parameters));
    assert_eq!(shared.choices(), [("alpha (all subjects)".to_owned(), "0.1000".to_owned())]);
    let mut batch = Batch::default();
    set.draw(set.subject_epochs(Set::Test, 1), &mut batch);
    let as_second = shared.predict(&batch).unwrap();
    batch.subjects.fill(0);
    assert_eq!(shared.predict(&batch).unwrap(), as_second);
}

struct Constant(f32);

impl Predictor for Constant {
    fn predict(&self, batch: &Batch) -> Result<Array3<f32>> {
        Ok(Array3::from_elem(batch.data.dim(), self.0))
    }

    fn inputs(&self) -> Inputs {
        Inputs { n_init_times: 3, has_subject_embedding: true }
    }
}

#[test]
fn several_fits_predict_their_mean() {
    let batch = Batch { data: Array3::zeros((2, 1, 4)), ..Batch::default() };
    let of = |values: &[f32]| {
        let members = values.iter().map(|&value| Box::new(Constant(value)) as Box<dyn Predictor>);
        Ensemble::new(members.collect())
    };
    let three = of(&[1.0, 2.0, 6.0]).unwrap();
    assert_eq!(three.predict(&batch).unwrap(), Array3::from_elem((2, 1, 4), 3.0f32));
    assert_eq!((three.members().len(), three.inputs().n_init_times), (3, 3));
    assert_eq!(of(&[0.1]).unwrap().predict(&batch).unwrap(), Array3::from_elem((2, 1, 4), 0.1f32));
    assert!(of(&[]).is_err());
}

/// Δr of one subject's RTRF with a feature over the one without, where the feature adds `response` to autocorrelated noise.
fn share(rng: &mut ChaCha8Rng, response: f64) -> f64 {
    const N_EPOCHS: usize = 40;
    const N_TIMES: usize = 24;
    const N_INIT: usize = 8;
    let mut epochs = |n: usize| {
        let (mut x, mut y) = (Array3::<f64>::zeros((n, 1, N_TIMES)), Array3::<f64>::zeros((n, 1, N_TIMES)));
        for e in 0..n {
            let value = rng.random_range(-1.0..1.0);
            let mut before = 0.0;
            for t in 0..N_TIMES {
                let driven = if t == N_INIT { value } else { 0.0 };
                x[[e, 0, t]] = driven;
                before = 0.8 * before + response * driven + rng.random_range(-1.0..1.0);
                y[[e, 0, t]] = before;
            }
        }
        (x, y)
    };
    let (train, test) = (epochs(N_EPOCHS), epochs(N_EPOCHS));
    let config = RtrfConfig { n_lags_data: 2, n_lags_features: 2, ..RtrfConfig::default() };
    let r = |keep: usize| {
        let part = |x: &Array3<f64>| x.slice(s![.., ..keep, ..]).to_owned();
        let names = vec!["a".to_owned(); keep];
        let model = Rtrf::fit(&part(&train.0), &train.1, &names, &config, 1e-3, 1).unwrap();
        let predicted = model.roll_out(&part(&test.0), &test.1, N_INIT, 1e6, 1).unwrap().prediction;
        let mut correlation = Correlation::new(1, N_TIMES);
        correlation.push(&test.1.mapv(|v| v as f32), &predicted.mapv(|v| v as f32)).unwrap();
        correlation.r().slice(s![.., N_INIT..]).mean().unwrap()
    };
    r(1) - r(0)
}

/// Of studies of eight subjects, the share in which the stimulus is found to add something (one-sided p < 0.05).
fn found(n_studies: u64, response: f64) -> f64 {
    let is_found = |study: &u64| {
        let mut rng = ChaCha8Rng::seed_from_u64(*study);
        let deltas: Vec<f64> = (0..8).map(|_| share(&mut rng, response)).collect();
        test_group(&deltas, Tail::Positive).is_some_and(|test| test.p < 0.05)
    };
    (0..n_studies).filter(is_found).count() as f64 / n_studies as f64
}

#[test]
fn where_there_is_no_response_the_stimulus_is_found_to_add_something_in_one_study_of_twenty_at_most() {
    // Of 200 studies at a true rate of 0.05 more than 0.095 are false in fewer than one of 100 such series.
    let rate = found(200, 0.0);
    assert!(rate <= 0.095, "{rate}");
}

#[test]
fn a_planted_response_is_found() {
    assert!(found(20, 1.5) >= 0.95);
}
