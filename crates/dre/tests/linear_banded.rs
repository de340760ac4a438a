//! Banded ridge, choices per channel, components, single lags: what must be equal is.
#![allow(missing_docs, clippy::print_stderr)]

mod common;

use std::sync::Arc;

use common::{Golden, Plan, epoch_spec, lenient};
use dre::Stop;
use dre::data::{Batch, Cohort, Dataset, Set, Signals};
use dre::linear::solver::{Candidates, Sums, refit, search};
use dre::linear::{
    AlphaUnit, BandedConfig, Counted, FeatureModel, FeatureTask, FitSpec, LinearOptions, Penalty, RtrfConfig,
    TrfConfig, fit_banded, fit_feature_models, fit_rtrf, fit_trf,
};
use dre::metrics::{ScoreSpec, score, score_parts};
use dre::model::Predictor;
use faer::Mat;
use ndarray::{Array1, Array2, Axis};

const PLAIN: LinearOptions = LinearOptions::DEFAULT;
const FIT: FitSpec = FitSpec { valid_from: 5, batch_size: 9, n_threads: 2, stop: Stop::never() };

fn dataset(cohort: Cohort) -> Dataset {
    let (split, cleaning) = lenient();
    Dataset::new(Arc::new(cohort), &epoch_spec(-0.2, 0.5), &split, &cleaning, 1).unwrap()
}

/// Data that follow the second feature on the first two channels.
fn driven() -> Cohort {
    let mut cohort = Plan { n_subjects: 2, n_times: 3000, ..Plan::default() }.cohort();
    for recording in &mut cohort.recordings {
        let feature = recording.feature(1).to_vec();
        let n = recording.n_times;
        let data: Vec<f32> = recording.data.to_rows();
        let driven: Vec<f32> = data
            .iter()
            .enumerate()
            .map(|(i, v)| if i / n < 2 && i % n > 3 { v + 2e-4 * feature[i % n - 3] } else { *v })
            .collect();
        recording.data = Signals::of_rows(&driven, 3);
    }
    cohort
}

fn trf() -> TrfConfig {
    TrfConfig {
        lag_min: -2,
        lag_max: 8,
        alpha_unit: AlphaUnit::Absolute,
        alphas: vec![1.0, 1e2, 1e4],
        ..TrfConfig::default()
    }
}

fn banded() -> BandedConfig {
    BandedConfig {
        lag_min: -2,
        lag_max: 8,
        alpha_unit: AlphaUnit::Absolute,
        alphas: vec![1.0, 1e2, 1e4],
        n_iter: 12,
        ..BandedConfig::default()
    }
}

fn test_spec() -> ScoreSpec {
    ScoreSpec { set: Set::Test, score_from: 0.0, batch_size: 16, condition: None }
}

/// Gram matrix, products with the targets, squares of the targets, number of rows.
type Parts = (Mat<f64>, Mat<f64>, Vec<f64>, usize);

fn sums(m: &Parts) -> Sums<'_> {
    Sums { gram: m.0.as_ref(), cross: m.1.as_ref(), squares: &m.2, n_rows: m.3 }
}

#[test]
fn the_search_is_himalaya_s() {
    let path = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/banded-himalaya.safetensors");
    let golden = Golden::read(&path);
    let (x, y): (Array2<f64>, Array2<f64>) = (golden.get("x"), golden.get("y"));
    let gammas: Array2<f64> = golden.get("gammas");
    let alphas: Array1<f64> = golden.get("alphas");
    let band_of: Vec<usize> = golden.get::<ndarray::Ix1>("band_of").iter().map(|&b| b as usize).collect();
    let n_folds = golden.meta["n_folds"].as_u64().unwrap() as usize;
    let moments = |rows: &[usize]| {
        let (x, y) = (x.select(Axis(0), rows), y.select(Axis(0), rows));
        let dense = |a: Array2<f64>| Mat::from_fn(a.nrows(), a.ncols(), |i, j| a[[i, j]]);
        let squares: Vec<f64> = y.axis_iter(Axis(1)).map(|c| c.iter().map(|v| v * v).sum()).collect();
        (dense(x.t().dot(&x)), dense(x.t().dot(&y)), squares, rows.len())
    };
    let n = x.nrows();
    let all: Vec<usize> = (0..n).collect();
    let parts: Vec<_> = (0..n_folds)
        .map(|f| {
            let (start, end) = (f * n / n_folds, (f + 1) * n / n_folds);
            let rest: Vec<usize> = (0..start).chain(end..n).collect();
            (moments(&rest), moments(&all[start..end]))
        })
        .collect();
    let splits: Vec<_> = parts.iter().map(|(train, test)| (sums(train), sums(test))).collect();
    let gammas: Vec<Vec<f64>> = gammas.outer_iter().map(|row| row.to_vec()).collect();
    let (alphas, whole) = (alphas.to_vec(), moments(&all));
    for (per_target, name) in [(true, "local"), (false, "shared")] {
        let candidates =
            Candidates { band_of: &band_of, gammas: &gammas, alphas: &alphas, unit: AlphaUnit::Absolute, per_target };
        let found = search(&splits, &candidates, 2);
        let scores: Array2<f64> = golden.get(&format!("scores_{name}"));
        for (i, own) in found.scores.iter().enumerate() {
            for (t, score) in own.iter().enumerate() {
                assert!((score - scores[[i, t]]).abs() < 1e-8 * scores[[i, t]].abs(), "{name} {i} {t}");
            }
        }
        if per_target {
            let deltas: Array2<f64> = golden.get("deltas");
            let weights: Array2<f64> = golden.get("weights");
            let fitted = refit(&sums(&whole), &candidates, &found, 1).unwrap();
            for t in 0..y.ncols() {
                for band in 0..gammas[0].len() {
                    let delta = (gammas[found.gamma[t]][band] / alphas[found.alpha[t]]).ln();
                    assert!((delta - deltas[[band, t]]).abs() < 1e-8, "delta {band} {t}");
                }
                for i in 0..x.ncols() {
                    assert!((fitted[(i, t)] - weights[[i, t]]).abs() < 1e-8, "weight {i} {t}");
                }
            }
        }
    }
}

#[test]
fn equal_bands_are_ridge() {
    let set = dataset(driven());
    let one = BandedConfig { n_iter: 1, alpha_unit: AlphaUnit::Absolute, alphas: vec![50.0], ..banded() };
    let found = fit_banded(&set, &one, PLAIN, 3, &FIT).unwrap();
    // Two bands of weight ½: alpha / ½ each.
    let ridge =
        fit_trf(&set, &TrfConfig { alpha_unit: AlphaUnit::Absolute, alphas: vec![100.0], ..trf() }, PLAIN, &FIT)
            .unwrap();
    for (a, b) in found.subjects.iter().zip(&ridge.subjects) {
        assert!((&a.model.coef - &b.model.coef).iter().all(|d| d.abs() < 1e-10));
        assert!((&a.model.intercept - &b.model.intercept).iter().all(|d| d.abs() < 1e-10));
    }
}

#[test]
fn the_band_that_drives_the_data_is_found() {
    let set = dataset(driven());
    let options = LinearOptions { alpha_per_channel: true, ..PLAIN };
    let found = fit_banded(&set, &banded(), options, 3, &FIT).unwrap();
    for weights in &found.weights {
        assert!(weights[[0, 1]] > weights[[0, 0]] && weights[[1, 1]] > weights[[1, 0]], "{weights}");
    }
    let spec = test_spec();
    let whole = score(&set, &found, &spec).unwrap();
    let parts = (found.band(0), found.band(1));
    let shares = score_parts(&set, &found, &[&parts.0, &parts.1], &spec).unwrap();
    for (shares, subject) in shares.iter().zip(&whole.subjects) {
        assert!((shares.iter().sum::<f64>() - subject.r).abs() < 1e-5, "{shares:?} for {}", subject.r);
        assert!(shares[1] > 0.9 * subject.r);
    }
    assert_eq!(found.without.len(), 2);
    let r = |band: usize| score(&set, &found.without(band), &spec).unwrap().mean_r;
    assert!((whole.mean_r - r(0)).abs() < 0.05 && whole.mean_r - r(1) > 0.2, "{} {} {}", whole.mean_r, r(0), r(1));
    // The parts sum to the prediction less its intercepts.
    let mut batch = Batch::default();
    set.draw(set.subject_epochs(Set::Test, 1), &mut batch);
    let sum = parts.0.predict(&batch).unwrap() + parts.1.predict(&batch).unwrap();
    let intercept = found.subjects[1].model.intercept.mapv(|v| v as f32);
    let predicted = found.predict(&batch).unwrap() - intercept.view().insert_axis(Axis(1));
    assert!((&sum - &predicted).iter().all(|d| d.abs() < 1e-4));
}

#[test]
fn a_choice_per_channel_is_a_loop_over_channels() {
    let cohort = driven();
    let options = LinearOptions { alpha_per_channel: true, ..PLAIN };
    for n_folds in [0, 3] {
        let options = LinearOptions { n_folds, ..options };
        let together = fit_trf(&dataset(cohort.clone()), &trf(), options, &FIT).unwrap();
        let banded_together = fit_banded(&dataset(cohort.clone()), &banded(), options, 1, &FIT).unwrap();
        for c in 0..3 {
            let mut one = cohort.clone();
            one.channels = vec![cohort.channels[c].clone()];
            for recording in &mut one.recordings {
                recording.data = Signals::of_rows(&recording.data.channel(c), 1);
            }
            // Rejection looks at each channel: nothing is rejected here, so that the epochs are the same.
            let one = dataset(one);
            let alone = fit_trf(&one, &trf(), PLAIN_FOLDS[usize::from(n_folds > 0)], &FIT).unwrap();
            let banded_alone = fit_banded(&one, &banded(), PLAIN_FOLDS[usize::from(n_folds > 0)], 1, &FIT).unwrap();
            let pairs = [(&together.subjects, &alone.subjects), (&banded_together.subjects, &banded_alone.subjects)];
            for (all, own) in pairs.into_iter().flat_map(|(all, own)| all.iter().zip(own)) {
                assert!((all.alphas[c] - own.alphas[0]).abs() < 1e-12, "channel {c}, {n_folds} folds");
                let (a, b) = (all.model.coef.index_axis(Axis(0), c), own.model.coef.index_axis(Axis(0), 0));
                assert!((&a - &b).iter().all(|d| d.abs() < 1e-9));
            }
        }
    }
}

const PLAIN_FOLDS: [LinearOptions; 2] = [PLAIN, LinearOptions { n_folds: 3, ..PLAIN }];

#[test]
fn all_components_are_the_channels() {
    let set = dataset(driven());
    let options = LinearOptions { n_components: 3, ..PLAIN };
    let mut batch = Batch::default();
    set.draw(set.epochs(Set::Test), &mut batch);
    let (a, b) = (fit_trf(&set, &trf(), PLAIN, &FIT).unwrap(), fit_trf(&set, &trf(), options, &FIT).unwrap());
    let close = |a: &dyn Predictor, b: &dyn Predictor, tolerance: f32| {
        let (a, b) = (a.predict(&batch).unwrap(), b.predict(&batch).unwrap());
        assert!((&a - &b).iter().all(|d| d.abs() < tolerance), "{:?}", (&a - &b).iter().copied().fold(0.0, f32::max));
    };
    close(&a, &b, 1e-4);
    assert!(a.subjects.iter().zip(&b.subjects).all(|(a, b)| a.alphas == b.alphas));
    let config =
        RtrfConfig { n_lags_data: 4, n_lags_features: 3, alpha_unit: AlphaUnit::Absolute, alphas: vec![1.0, 100.0] };
    let (a, b) = (fit_rtrf(&set, &config, 6, PLAIN, &FIT).unwrap(), fit_rtrf(&set, &config, 6, options, &FIT).unwrap());
    close(&a, &b, 1e-3);
    let fewer = fit_trf(&set, &trf(), LinearOptions { n_components: 1, ..PLAIN }, &FIT).unwrap();
    let one = &fewer.subjects[0].model.coef;
    let pca = fewer.pca.as_ref().unwrap();
    // All channels follow one component.
    assert!(
        (0..3)
            .all(|c| (one[[c, 1, 5]] * pca.components[[0, 0]] - one[[0, 1, 5]] * pca.components[[0, c]]).abs() < 1e-9)
    );
    assert_eq!(fewer.predict(&batch).unwrap().dim(), batch.data.dim());
    let many = fit_trf(&set, &trf(), LinearOptions { n_components: 4, ..PLAIN }, &FIT).unwrap_err().to_string();
    assert!(many.contains("number of channels, 3"), "{many}");
}

#[test]
fn models_that_share_moments_are_those_fitted_alone() {
    let set = dataset(driven());
    let (trf, banded) = (trf(), banded());
    let other = TrfConfig { lag_max: 4, ..trf.clone() };
    let tasks =
        [FeatureTask::Trf(&trf, PLAIN), FeatureTask::Banded(&banded, PLAIN, 4), FeatureTask::Trf(&other, PLAIN)];
    let mut models = fit_feature_models(&set, &tasks, &FIT).unwrap().into_iter();
    let (Some(FeatureModel::Trf(a)), Some(FeatureModel::Banded(b)), Some(FeatureModel::Trf(c))) =
        (models.next(), models.next(), models.next())
    else {
        panic!("the models come in the order of the tasks")
    };
    assert_eq!(a.subjects, fit_trf(&set, &trf, PLAIN, &FIT).unwrap().subjects);
    assert_eq!(b.subjects, fit_banded(&set, &banded, PLAIN, 4, &FIT).unwrap().subjects);
    assert_eq!(c.subjects, fit_trf(&set, &other, PLAIN, &FIT).unwrap().subjects);
}

#[test]
fn single_lags_peak_at_the_planted_one() {
    let set = dataset(driven());
    let config = TrfConfig { single_lags: true, ..trf() };
    let fitted = fit_trf(&set, &config, PLAIN, &FIT).unwrap();
    let lags = fitted.lags();
    assert_eq!(lags, (-2..=8).collect::<Vec<_>>());
    let r: Vec<f64> = (0..lags.len()).map(|i| score(&set, &fitted.at_lag(i), &test_spec()).unwrap().mean_r).collect();
    let best = (0..r.len()).max_by(|&a, &b| r[a].total_cmp(&r[b])).unwrap();
    assert_eq!(lags[best], 3, "{r:?}");
    // Each is a fit with that one lag.
    let alone = TrfConfig {
        lag_min: 3,
        lag_max: 3,
        alpha_unit: AlphaUnit::Absolute,
        alphas: fitted.subjects[0].alphas.clone(),
        ..trf()
    };
    let alone = fit_trf(&set, &alone, PLAIN, &FIT).unwrap();
    let (a, b) = (&fitted.single_lags[0][5], &alone.subjects[0].model);
    assert!((0..3).all(|c| (0..2).all(|f| (a.coef[[c, f, 5]] - b.coef[[c, f, 0]]).abs() < 1e-10)));
}

#[test]
fn nested_scores_are_high_where_the_data_follow_a_feature() {
    let set = dataset(driven());
    let options = LinearOptions { n_folds: 4, nested: true, alpha_per_channel: true, ..PLAIN };
    let found = fit_banded(&set, &BandedConfig { unique: false, ..banded() }, options, 3, &FIT).unwrap();
    let ridge = fit_trf(&set, &trf(), options, &FIT).unwrap();
    for fit in found.subjects.iter().chain(&ridge.subjects) {
        let r2 = fit.nested_r2.unwrap();
        assert!(r2 > 0.3 && r2 < 1.0, "{r2}");
    }
    let two = LinearOptions { n_folds: 2, ..options };
    assert!(fit_banded(&set, &banded(), two, 3, &FIT).unwrap_err().to_string().contains("at least 3"));
    let laplacian = TrfConfig { penalty: Penalty::Laplacian, ..trf() };
    assert!(fit_trf(&set, &laplacian, options, &FIT).unwrap_err().to_string().contains("nested"));
    let many = LinearOptions { n_folds: 100_000, ..PLAIN };
    assert!(fit_trf(&set, &trf(), many, &FIT).unwrap_err().to_string().contains("n_folds = 100000"));
}

#[test]
fn folds_choose_for_an_rtrf() {
    let set = dataset(driven());
    let config =
        RtrfConfig { n_lags_data: 3, n_lags_features: 5, alpha_unit: AlphaUnit::Absolute, alphas: vec![1.0, 1e7] };
    let options = LinearOptions { n_folds: 3, alpha_per_channel: true, ..PLAIN };
    let fitted = fit_rtrf(&set, &config, 6, options, &FIT).unwrap();
    assert!(fitted.subjects.iter().all(|fit| (fit.alphas[0] - 1.0).abs() < 1e-12 && fit.alphas.len() == 3));
    let counted = Counted::new(&fitted);
    let scores = score(&set, &counted, &test_spec()).unwrap();
    assert!(scores.mean_r > 0.3 && counted.n_diverged() == 0);
}
