//! Backward models of cohorts, and penalties chosen by leaving one epoch out.
#![allow(missing_docs)]

mod common;

use std::sync::Arc;

use common::{Plan, epoch_spec, lenient};
use dre::Stop;
use dre::data::{Batch, Cohort, Dataset, Set, Signals};
use dre::linear::{
    AlphaUnit, DecodeConfig, DecodeScore, Decoder, FitSpec, LeftOut, LinearOptions, Trf, TrfConfig, fit_decoder,
    fit_trf,
};
use ndarray::{Array3, Axis, concatenate};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const FIT: FitSpec = FitSpec { valid_from: 0, batch_size: 7, n_threads: 2, stop: Stop::never() };

/// Feature `a` reaches the three channels 2 samples later, with these weights (µV) and noise of 1 µV.
const WEIGHTS: [f64; 3] = [8.0, -5.0, 0.0];
/// Variance of the feature's values.
const VARIANCE: f64 = 1.7 * 1.7 / 3.0;

/// At each event feature `a` is 2 and a value that varies, or 2 alone.
fn dataset_with(varies: bool) -> Dataset {
    let mut cohort: Cohort = Plan { n_subjects: 2, n_times: 6000, soa: 90, ..Plan::default() }.cohort();
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for recording in &mut cohort.recordings {
        let mut features = recording.features.as_ref().as_ref().to_vec();
        for value in features[..recording.n_times].iter_mut().filter(|value| **value > 0.0) {
            *value = 2.0 + if varies { rng.random_range(-1.7..1.7) } else { 0.0 };
        }
        let data = (0..3 * recording.n_times).map(|i| {
            let (channel, t) = (i / recording.n_times, i % recording.n_times);
            let signal = if t >= 2 { WEIGHTS[channel] * f64::from(features[t - 2]) } else { 0.0 };
            ((signal + rng.random_range(-1.7..1.7)) * 1e-6) as f32
        });
        recording.data = Signals::of_rows(&data.collect::<Vec<f32>>(), 3);
        recording.features = Arc::new(features);
    }
    let (split, cleaning) = lenient();
    Dataset::new(Arc::new(cohort), &epoch_spec(-0.2, 0.5), &split, &cleaning, 1).unwrap()
}

fn dataset() -> Dataset {
    dataset_with(true)
}

fn training(set: &Dataset, subject: usize) -> (Array3<f64>, Array3<f64>) {
    let mut batch = Batch::default();
    set.draw(set.subject_epochs(Set::Train, subject), &mut batch);
    (batch.features.mapv(f64::from), batch.data.mapv(f64::from))
}

#[test]
fn a_cohort_s_decoder_is_that_of_each_subject_s_arrays() {
    let set = dataset();
    let config = DecodeConfig {
        features: vec!["a".to_owned()],
        lag_min: -4,
        lag_max: 1,
        alpha_unit: AlphaUnit::Absolute,
        alphas: vec![3.0],
        ..DecodeConfig::default()
    };
    let fitted = fit_decoder(&set, &config, &FIT).unwrap();
    assert_eq!(fitted.features, ["a"]);
    let names: Vec<String> = set.cohort().channels.iter().map(|c| c.name.clone()).collect();
    let arrays = TrfConfig { lag_min: -4, lag_max: 1, alpha_unit: AlphaUnit::Absolute, ..TrfConfig::default() };
    for (subject, fit) in fitted.subjects.iter().enumerate() {
        let (features, data) = training(&set, subject);
        // What feature `b` does not tell of feature `a`.
        let [a, b] = [0, 1].map(|f| {
            let signal = features.select(Axis(1), &[f]);
            let mean = signal.mean().unwrap();
            signal - mean
        });
        let own = &a - &(&b * ((&a * &b).sum() / (&b * &b).sum()));
        let alone = Decoder::fit(&data, &own, &names, &arrays, 3.0, 1).unwrap();
        for (found, expected) in [(&fit.model.model.coef, &alone.model.coef), (&fit.model.patterns, &alone.patterns)] {
            assert!((found - expected).iter().all(|d| d.abs() < 1e-10), "{found} for {expected}");
        }
    }
}

#[test]
fn what_is_in_the_data_is_told_and_patterns_show_where() {
    let set = dataset();
    let config = DecodeConfig { lag_min: -4, lag_max: 1, ..DecodeConfig::default() };
    let fitted = fit_decoder(&set, &config, &FIT).unwrap();
    assert_eq!(fitted.features, ["a", "b"]);
    let scores = fitted.score(&set, Set::Test, 5, 2).unwrap();
    // Of all linear sums of channels the best has this share of the values' variance.
    let signal = WEIGHTS.iter().map(|w| w * w).sum::<f64>() * VARIANCE / (1.7 * 1.7 / 3.0);
    let best = (signal / (1.0 + signal)).sqrt();
    for (subject, fit) in fitted.subjects.iter().enumerate() {
        let [a, b] = scores[subject][..] else { panic!("two features, not {scores:?}") };
        // The value varies at the event's own sample alone; noise at all 71.
        assert_eq!((a.n_times, b.n_times), (1, 71));
        assert!((a.r - best).abs() < 0.03, "{scores:?} for {best}");
        assert!(b.r.abs() < 0.12, "{scores:?}");
        // The data of two samples later, at place 2 of −4 … 1, follow the feature; the silent channel does not.
        let pattern = fit.model.patterns.index_axis(Axis(0), 0);
        let size = |channel: usize, lag: usize| pattern[[channel, lag]];
        assert!(size(0, 2) > 0.0 && size(1, 2) < 0.0, "{pattern}");
        assert!(size(2, 2).abs() < 0.1 * size(1, 2).abs(), "{pattern}");
        assert_eq!((fit.valid_r.len(), fit.alphas.len()), (config.alphas.len(), 2));
    }
    let again = fit_decoder(&set, &config, &FitSpec { n_threads: 1, ..FIT }).unwrap();
    assert_eq!(again.subjects, fitted.subjects);
}

/// The data follow the event and the value's offset from its mean, with opposite signs; the value itself is mostly the event.
#[test]
fn what_is_told_of_a_value_does_not_depend_on_its_mean() {
    let score = |mean: f64| {
        let mut cohort: Cohort = Plan { n_subjects: 2, n_times: 6000, soa: 90, ..Plan::default() }.cohort();
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        for recording in &mut cohort.recordings {
            let n = recording.n_times;
            // `a` is 1 at an event, `b` its value.
            let mut features = recording.features.as_ref().as_ref().to_vec();
            features[n..].fill(0.0);
            let mut values = vec![0.0; n];
            let events: Vec<usize> = (0..n).filter(|&t| features[t] > 0.0).collect();
            for t in events {
                values[t] = rng.random_range(-1.7..1.7);
                features[n + t] = (mean + values[t]) as f32;
            }
            let data = (0..3 * n).map(|i| {
                let (channel, t) = (i / n, i % n);
                let signal = if t >= 2 { 9.0 * f64::from(features[t - 2]) - 2.0 * values[t - 2] } else { 0.0 };
                ((signal * WEIGHTS[channel] / 8.0 + rng.random_range(-1.7..1.7)) * 1e-6) as f32
            });
            recording.data = Signals::of_rows(&data.collect::<Vec<f32>>(), 3);
            recording.features = Arc::new(features);
        }
        let (split, cleaning) = lenient();
        let set = Dataset::new(Arc::new(cohort), &epoch_spec(-0.2, 0.5), &split, &cleaning, 1).unwrap();
        let config =
            DecodeConfig { features: vec!["b".to_owned()], lag_min: -4, lag_max: 1, ..DecodeConfig::default() };
        fit_decoder(&set, &config, &FIT).unwrap().score(&set, Set::Test, 5, 2).unwrap()
    };
    let (with, without) = (score(5.0), score(0.0));
    for (with, without) in with.iter().flatten().zip(without.iter().flatten()) {
        assert!(with.r > 0.7 && (with.r - without.r).abs() < 0.02, "{with:?} beside {without:?}");
    }
}

/// The decoder knows well when an event comes, and that is not worth a score.
#[test]
fn telling_when_an_event_comes_does_not_count() {
    let set = dataset_with(false);
    let config = DecodeConfig { features: vec!["a".to_owned()], lag_min: -4, lag_max: 1, ..DecodeConfig::default() };
    let fitted = fit_decoder(&set, &config, &FIT).unwrap();
    let scores = fitted.score(&set, Set::Test, 5, 2).unwrap();
    assert!(scores.iter().flatten().all(|score| *score == DecodeScore { r: 0.0, n_times: 0 }), "{scores:?}");
}

#[test]
fn each_feature_chooses_its_penalty_on_the_validation_set_or_on_folds() {
    let set = dataset();
    let alphas = vec![1e-3, 1e6];
    let of = |features: &[&str], alphas: &[f64], n_folds: usize| {
        let features = features.iter().map(|&name| name.to_owned()).collect();
        let config = DecodeConfig {
            features,
            lag_min: -4,
            lag_max: 1,
            alpha_unit: AlphaUnit::Absolute,
            alphas: alphas.to_vec(),
            n_folds,
            ..DecodeConfig::default()
        };
        fit_decoder(&set, &config, &FIT).unwrap()
    };
    for n_folds in [0, 3] {
        let both = of(&["a", "b"], &alphas, n_folds);
        for (f, name) in ["a", "b"].into_iter().enumerate() {
            let alone = of(&[name], &alphas, n_folds);
            for (joint, own) in both.subjects.iter().zip(&alone.subjects) {
                assert_eq!(joint.alphas[f].to_bits(), own.alphas[0].to_bits());
                // Of one feature `valid_r` is its own.
                let best = (0..2).max_by(|&i, &j| own.valid_r[i].total_cmp(&own.valid_r[j])).unwrap();
                assert_eq!(own.alphas[0].to_bits(), alphas[best].to_bits());
                let fixed = of(&[name], &[own.alphas[0]], n_folds);
                assert!(fixed.subjects.iter().any(|fit| fit.model.model == own.model.model));
            }
        }
    }
}

/// But for the rounding of components to f32.
#[test]
fn as_many_components_as_channels_are_the_channels() {
    let set = dataset();
    let fit = |n_components: usize| {
        let config = DecodeConfig {
            lag_min: -4,
            lag_max: 3,
            alpha_unit: AlphaUnit::Absolute,
            alphas: vec![5.0],
            n_components,
            ..DecodeConfig::default()
        };
        fit_decoder(&set, &config, &FIT).unwrap()
    };
    let (channels, components) = (fit(0), fit(3));
    assert!(channels.explained.is_none() && components.explained.is_some_and(|share| share > 0.999_999));
    for (a, b) in channels.subjects.iter().zip(&components.subjects) {
        for (a, b) in [(&a.model.model.coef, &b.model.model.coef), (&a.model.patterns, &b.model.patterns)] {
            assert!((a - b).iter().all(|d| d.abs() < 1e-7), "{a} for {b}");
        }
    }
    let two = fit(2);
    assert!(two.explained.is_some_and(|share| share < components.explained.unwrap()));
}

/// A constant feature and a sum of others have no pattern of their own; those before them keep theirs.
#[test]
fn a_feature_without_a_share_of_its_own_has_no_pattern() {
    let set = dataset();
    let (features, data) = training(&set, 0);
    let twice = &features.select(Axis(1), &[0]) * 2.0;
    let constant = Array3::from_elem(twice.dim(), 3.0);
    let all = concatenate![Axis(1), constant, features, twice];
    let config = TrfConfig { lag_min: -4, lag_max: 1, ..TrfConfig::default() };
    let fit = |features: &Array3<f64>| Decoder::fit(&data, features, &[], &config, 3.0, 1).unwrap();
    let (with, without) = (fit(&all), fit(&features));
    let pattern = |f: usize| with.patterns.index_axis(Axis(0), f);
    assert!(pattern(0).iter().chain(pattern(3)).all(|value| value.is_nan()));
    for f in 0..2 {
        let expected = without.patterns.index_axis(Axis(0), f);
        assert!((&pattern(f + 1) - &expected).iter().all(|d| d.abs() < 1e-10));
    }
}

#[test]
fn a_decoder_s_bad_settings_are_named() {
    let set = dataset();
    let unknown = DecodeConfig { features: vec!["b2".to_owned()], ..DecodeConfig::default() };
    let text = fit_decoder(&set, &unknown, &FIT).unwrap_err().to_string();
    assert!(text.contains("b2") && text.contains("one of a"), "{text}");
    let none = DecodeConfig { alpha_unit: AlphaUnit::Absolute, alphas: Vec::new(), ..DecodeConfig::default() };
    assert!(fit_decoder(&set, &none, &FIT).unwrap_err().to_string().contains("at least one penalty"));
    let long = DecodeConfig { lag_min: -150, ..DecodeConfig::default() };
    let text = fit_decoder(&set, &long, &FIT).unwrap_err().to_string();
    assert!(text.contains("lag_min, lag_max = -150 to 0, 151 lags"), "{text}");
    let many = DecodeConfig { n_components: 4, ..DecodeConfig::default() };
    assert!(fit_decoder(&set, &many, &FIT).unwrap_err().to_string().contains("at most the number of channels, 3"));
}

#[test]
fn penalties_chosen_by_leaving_one_epoch_out_have_the_least_error() {
    let set = dataset();
    let alphas = vec![1e-2, 10.0, 100.0, 1e4];
    let config =
        TrfConfig { lag_max: 30, alpha_unit: AlphaUnit::Absolute, alphas: alphas.clone(), ..TrfConfig::default() };
    for alpha_per_channel in [false, true] {
        let options = LinearOptions { leave_one_out: true, alpha_per_channel, ..LinearOptions::DEFAULT };
        let fitted = fit_trf(&set, &config, options, &FIT).unwrap();
        for (subject, fit) in fitted.subjects.iter().enumerate() {
            let (features, data) = training(&set, subject);
            let errors =
                Trf::leave_one_out((&features, &data), None, &[], &config, &alphas, (LeftOut::Epoch, 2)).unwrap();
            let best = |error: &dyn Fn(usize) -> f64| {
                alphas[(0..alphas.len()).min_by(|&a, &b| error(a).total_cmp(&error(b))).unwrap()]
            };
            let expected: Vec<f64> = if alpha_per_channel {
                (0..3).map(|channel| best(&|a| errors[[a, channel]])).collect()
            } else {
                vec![best(&|a| errors.row(a).sum())]
            };
            assert_eq!(fit.alphas, expected);
            assert!(fit.valid_r.is_empty());
        }
        // Something was chosen, not the first or last by default.
        assert!(fitted.subjects.iter().flat_map(|fit| &fit.alphas).any(|&alpha| alpha > 1e-2), "{fitted:?}");
    }
}
