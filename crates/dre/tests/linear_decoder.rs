//! Backward models of cohorts, and penalties chosen by leaving one epoch out.
#![allow(missing_docs)]

mod common;

use std::sync::Arc;

use common::{Plan, epoch_spec, lenient};
use dre::data::{Batch, Cohort, Dataset, Set};
use dre::linear::{DecodeConfig, Decoder, FitSpec, LeftOut, LinearOptions, Trf, TrfConfig, fit_decoder, fit_trf};
use ndarray::{Array3, Axis};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const FIT: FitSpec = FitSpec { valid_from: 0, batch_size: 7, n_threads: 2 };

/// Feature `a` reaches the three channels 2 samples later, with these weights (µV) and noise of 1 µV.
const WEIGHTS: [f64; 3] = [8.0, -5.0, 0.0];

fn dataset() -> Dataset {
    let mut cohort: Cohort = Plan { n_subjects: 2, n_times: 6000, soa: 90, ..Plan::default() }.cohort();
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for recording in &mut cohort.recordings {
        let feature = recording.feature(0).to_vec();
        let data = (0..3 * recording.n_times).map(|i| {
            let (channel, t) = (i / recording.n_times, i % recording.n_times);
            let signal = if t >= 2 { WEIGHTS[channel] * f64::from(feature[t - 2]) } else { 0.0 };
            ((signal + rng.random_range(-1.7..1.7)) * 1e-6) as f32
        });
        recording.data = Arc::new(data.collect::<Vec<f32>>());
    }
    let (split, cleaning) = lenient();
    Dataset::new(Arc::new(cohort), &epoch_spec(-0.2, 0.5), &split, &cleaning, 1).unwrap()
}

fn training(set: &Dataset, subject: usize) -> (Array3<f64>, Array3<f64>) {
    let mut batch = Batch::default();
    set.draw(set.subject_epochs(Set::Train, subject), &mut batch);
    (batch.features.mapv(f64::from), batch.data.mapv(f64::from))
}

#[test]
fn a_cohort_s_decoder_is_that_of_each_subject_s_arrays() {
    let set = dataset();
    let config = DecodeConfig { features: vec!["a".to_owned()], lag_min: -4, lag_max: 1, alphas: vec![3.0] };
    let fitted = fit_decoder(&set, &config, &FIT).unwrap();
    assert_eq!(fitted.features, ["a"]);
    let names: Vec<String> = set.cohort().channels.iter().map(|c| c.name.clone()).collect();
    let arrays = TrfConfig { lag_min: -4, lag_max: 1, ..TrfConfig::default() };
    for (subject, fit) in fitted.subjects.iter().enumerate() {
        let (features, data) = training(&set, subject);
        let alone = Decoder::fit(&data, &features.select(Axis(1), &[0]), &names, &arrays, 3.0, 1).unwrap();
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
    let (a, others): (Vec<usize>, Vec<usize>) = (0..fitted.features.len()).partition(|&f| fitted.features[f] == "a");
    let r = fitted.score(&set, Set::Test, 5, 2).unwrap();
    // Of all linear sums of channels the best has this share of the feature's variance, with the noise's variance 1.7² / 3.
    let signal = WEIGHTS.iter().map(|w| w * w).sum::<f64>() * set.feature_scaler().std[0].powi(2) / (1.7 * 1.7 / 3.0);
    let best = (signal / (1.0 + signal)).sqrt();
    for (subject, fit) in fitted.subjects.iter().enumerate() {
        assert!((r[subject][a[0]] - best).abs() < 0.08, "{r:?} for {best}");
        assert!(others.iter().all(|&f| r[subject][f].abs() < 0.1), "{r:?}");
        // The data of two samples later, at place 2 of −4 … 1, follow the feature; the silent channel does not.
        let pattern = fit.model.patterns.index_axis(Axis(0), a[0]);
        let size = |channel: usize, lag: usize| pattern[[channel, lag]];
        assert!(size(0, 2) > 0.0 && size(1, 2) < 0.0, "{pattern}");
        assert!(size(2, 2).abs() < 0.1 * size(1, 2).abs(), "{pattern}");
        assert_eq!(fit.valid_r.len(), config.alphas.len());
    }
    let again = fit_decoder(&set, &config, &FitSpec { n_threads: 1, ..FIT }).unwrap();
    assert_eq!(again.subjects, fitted.subjects);
}

#[test]
fn a_decoder_s_bad_settings_are_named() {
    let set = dataset();
    let unknown = DecodeConfig { features: vec!["b2".to_owned()], ..DecodeConfig::default() };
    let text = fit_decoder(&set, &unknown, &FIT).unwrap_err().to_string();
    assert!(text.contains("b2") && text.contains("one of a"), "{text}");
    let none = DecodeConfig { alphas: Vec::new(), ..DecodeConfig::default() };
    assert!(fit_decoder(&set, &none, &FIT).unwrap_err().to_string().contains("at least one penalty"));
}

#[test]
fn penalties_chosen_by_leaving_one_epoch_out_have_the_least_error() {
    let set = dataset();
    let alphas = vec![1e-2, 10.0, 100.0, 1e4];
    let config = TrfConfig { lag_max: 30, alphas: alphas.clone(), ..TrfConfig::default() };
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
