//! What predictions rest on: planted effects are found at their time and place, others are not, and inputs are exchanged as
//! they should be.
#![allow(missing_docs)]

mod common;

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use common::words::{Effect, Made, Words, column};
use dre::data::{Batch, Dataset, Set};
use dre::features::{FeatureSpec, FeatureValue};
use dre::importance::{
    FeatureValues, Found, ImportanceSpec, Mode, PermuteSpec, SummarySpec, Target, n_predictions, permute, summarise,
};
use dre::linear::{AlphaUnit, CohortTrf, FitSpec, LinearOptions, TrfConfig, fit_trf};
use dre::model::{Inputs, Predictor};
use dre::nn::{Dims, DreModel, Network, NetworkConfig, Threads};
use dre::results::ImportanceResult;
use dre::{Result, Stop};
use ndarray::Array3;

fn trf(made: &Made, alphas: &[f64]) -> CohortTrf {
    let lag_max = (0.5 * made.dataset.sfreq()) as isize;
    let config =
        TrfConfig { lag_max, alpha_unit: AlphaUnit::Absolute, alphas: alphas.to_vec(), ..TrfConfig::default() };
    let spec = FitSpec { valid_from: 0, batch_size: 64, n_threads: 1, stop: Stop::never() };
    fit_trf(&made.dataset, &config, LinearOptions::DEFAULT, &spec).unwrap()
}

/// The samples from the event, or the settings' first time, on.
fn window(made: &Made, spec: &ImportanceSpec) -> std::ops::Range<usize> {
    let times = made.dataset.times();
    let end = spec.tmax.map_or(times.len(), |tmax| times.partition_point(|&t| t <= tmax + 1e-9));
    times.partition_point(|&t| t < spec.tmin.unwrap_or(0.0) - 1e-9)..end
}

fn plan(made: &Made, spec: &ImportanceSpec, n_threads: usize) -> PermuteSpec {
    PermuteSpec { set: Set::Test, window: window(made, spec), batch_size: 16, seed: 1, n_threads }
}

fn run(made: &Made, model: &dyn Predictor, spec: &ImportanceSpec, n_threads: usize) -> Vec<Found> {
    let targets = spec.targets(&made.features).unwrap();
    let mut go_on = |_| ControlFlow::Continue(());
    permute(&made.dataset, &made.values, model, &targets, &plan(made, spec, n_threads), &mut go_on).unwrap().unwrap()
}

fn importance(made: &Made, model: &dyn Predictor, spec: &ImportanceSpec) -> Vec<ImportanceResult> {
    let summary =
        SummarySpec { window: window(made, spec), tfce: spec.tfce, seed: 0, n_threads: 1, stop: Stop::never() };
    summarise(&made.dataset, "model", &run(made, model, spec, 1), &summary).unwrap()
}

fn named<'a>(results: &'a [ImportanceResult], name: &str, conditional: bool) -> &'a ImportanceResult {
    results.iter().find(|r| r.name == name && r.conditional == conditional).unwrap()
}

fn pearson(a: &[f64], b: &[f64]) -> f64 {
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let sum = |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(b).map(|(x, y)| f(x - ma, y - mb)).sum::<f64>();
    sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt()
}

const FEW: [f64; 2] = [1.0, 100.0];

#[test]
fn planted_effects_are_found_at_their_time_and_place() {
    // r across epochs is nearly proportional to the size of an effect that is small against the noise.
    let effects = vec![
        Effect { column: "a", latency: 0.15, topography: vec![0.8, 0.6, 0.3, 0.1, 0.0, 0.2] },
        Effect { column: "b", latency: 0.40, topography: vec![0.0, 0.1, 0.2, 0.5, 0.8, 0.6] },
    ];
    let words = Words { n_events: 400, n_channels: 6, sfreq: 100.0, effects: effects.clone(), ..Words::default() };
    let made = words.make();
    let spec = ImportanceSpec { tfce: true, ..ImportanceSpec::default() };
    let results = importance(&made, &trf(&made, &[1.0, 100.0, 1e4]), &spec);
    for effect in &effects {
        for conditional in [false, true] {
            let found = named(&results, effect.column, conditional);
            let peak = found.peak.unwrap();
            assert!((peak - effect.latency).abs() <= 0.025, "{} peaks at {peak}", effect.column);
            let at = made.dataset.times().iter().position(|&t| (t - peak).abs() < 1e-9).unwrap();
            let topography: Vec<f64> = found.map.iter().map(|row| f64::from(row[at])).collect();
            let alike = pearson(&topography, &effect.topography);
            assert!(alike >= 0.8, "{}: {alike}", effect.column);
            // All five subjects agree: 1/32.
            assert!((found.test.unwrap().p - 1.0 / 32.0).abs() < 1e-12);
            for summary in [found.clusters.as_ref().unwrap(), found.tfce.as_ref().unwrap()] {
                assert!(summary.over_sensors && summary.exact);
                let cluster = &summary.significant[0];
                assert!(cluster.start < effect.latency && effect.latency < cluster.end, "{cluster:?}");
                assert!(cluster.p < 0.05);
            }
        }
    }
    let none = named(&results, "c", false);
    assert!(none.delta_r < 0.1 * named(&results, "a", false).delta_r);
}

#[test]
fn a_feature_without_effect_is_blamed_in_less_than_one_data_set_of_twenty() {
    let n_sets = 200;
    let (mut by_mean, mut by_cluster, mut real) = (0, 0, 0);
    for seed in 0..n_sets {
        let effects = vec![Effect { column: "a", latency: 0.2, topography: vec![1.0, 0.7] }];
        let made = Words { n_events: 60, sfreq: 25.0, effects, seed, ..Words::default() }.make();
        let spec = ImportanceSpec { n_permutations: 10, conditional: false, ..ImportanceSpec::default() };
        let results = importance(&made, &trf(&made, &FEW), &spec);
        let is_significant = |name: &str| named(&results, name, false).test.unwrap().p <= 0.05;
        by_mean += u64::from(is_significant("c"));
        real += u64::from(is_significant("a"));
        by_cluster += u64::from(!named(&results, "c", false).clusters.as_ref().unwrap().significant.is_empty());
    }
    assert!(by_mean * 20 <= n_sets, "{by_mean} of {n_sets} by the mean");
    assert!(by_cluster * 20 <= n_sets, "{by_cluster} of {n_sets} by clusters");
    assert!(real * 2 > n_sets, "the real effect is found in {real} of {n_sets}");
}

#[test]
fn the_conditional_version_does_not_blame_a_correlated_feature_without_effect() {
    // A penalty far above the features' power shares the weight between them in proportion to their covariance with the
    // data, so that the model does use the feature that has no effect.
    let n_sets = 20;
    let (mut plain, mut conditional, mut real) = (0, 0, 0);
    for seed in 0..n_sets {
        let effects = vec![Effect { column: "a", latency: 0.2, topography: vec![1.0, 1.0] }];
        let features = ["a", "b"].map(column).to_vec();
        let words = Words { n_events: 400, correlation: -0.7, effects, features, seed, ..Words::default() };
        let made = words.make();
        let spec = ImportanceSpec { tmin: Some(0.14), tmax: Some(0.26), ..ImportanceSpec::default() };
        let results = importance(&made, &trf(&made, &[1e6]), &spec);
        let is_significant = |name: &str, conditional| {
            let found = named(&results, name, conditional);
            if conditional {
                let explained = found.explained_by_others.unwrap();
                assert!((explained - 0.49).abs() < 0.1, "{explained}");
            }
            u64::from(found.test.unwrap().p <= 0.05)
        };
        plain += is_significant("b", false);
        conditional += is_significant("b", true);
        real += is_significant("a", true);
    }
    assert!(plain >= 18, "the plain version blames `b` in {plain} of {n_sets}");
    assert!(conditional <= 2, "the conditional version blames `b` in {conditional} of {n_sets}");
    assert!(real >= 18, "the conditional version finds `a` in {real} of {n_sets}");
}

fn small_network(made: &Made) -> DreModel {
    let config = NetworkConfig {
        conv_filters: 4,
        lstm_hidden: 4,
        lstm_layers: 1,
        subject_dim: 3,
        n_init_times: 5,
        ..NetworkConfig::paper()
    };
    let dims = Dims {
        n_channels: made.dataset.n_channels(),
        n_features: made.dataset.n_features(),
        n_subjects: made.dataset.n_subjects(),
    };
    let network = Network::new(config, dims, 3, Threads::new(1)).unwrap();
    DreModel::new(network, made.dataset.n_times(), 16).unwrap()
}

const ALL_MODES: [Mode; 5] = [Mode::Event, Mode::Epoch, Mode::Init, Mode::Subject, Mode::Shift];

#[test]
fn threads_and_other_targets_change_no_digit() {
    let made = Words { n_subjects: 3, n_events: 60, ..Words::default() }.make();
    let model = small_network(&made);
    let spec =
        ImportanceSpec { modes: ALL_MODES.to_vec(), n_permutations: 3, n_shifts: 4, ..ImportanceSpec::default() };
    let one = run(&made, &model, &spec, 1);
    let modes: Vec<Mode> = one.iter().map(|found| found.target.mode).collect();
    for mode in ALL_MODES {
        assert!(modes.contains(&mode), "{mode:?}");
    }
    assert!(one == run(&made, &model, &spec, 3));
    let few = ImportanceSpec { features: vec!["b".to_owned()], modes: vec![Mode::Event], ..spec };
    for found in run(&made, &model, &few, 1) {
        assert!(one.contains(&found), "{:?}", found.target);
    }
}

#[test]
fn what_a_model_does_not_have_is_passed_over() {
    let made = Words { n_subjects: 2, n_events: 60, ..Words::default() }.make();
    let spec = ImportanceSpec { modes: vec![Mode::Init, Mode::Subject], ..ImportanceSpec::default() };
    assert!(run(&made, &trf(&made, &FEW), &spec, 1).is_empty());
}

#[test]
fn the_init_window_and_the_subject_matter_to_a_network_that_copies_them() {
    /// Predicts the mean of the init window, plus the subject's index.
    struct Copier;
    impl Predictor for Copier {
        fn predict(&self, batch: &Batch) -> Result<Array3<f32>> {
            Ok(Array3::from_shape_fn(batch.data.dim(), |(e, c, t)| {
                batch.data[[e, c, t.min(4)]] + batch.subjects[e] as f32
            }))
        }
        fn inputs(&self) -> Inputs {
            Inputs { n_init_times: 5, has_subject_embedding: true }
        }
    }
    let made = Words { n_subjects: 3, n_events: 60, ..Words::default() }.make();
    let spec = ImportanceSpec { modes: vec![Mode::Init, Mode::Subject], ..ImportanceSpec::default() };
    let found = run(&made, &Copier, &spec, 1);
    for subject in &found[0].subjects {
        // What is shown is predicted perfectly, until it is another epoch's.
        assert!((subject.r[[0, 2]] - 1.0).abs() < 1e-6 && subject.delta[[0, 2]] > 0.8);
        assert!(subject.delta[[0, 20]].abs() < 0.5);
    }
    for subject in &found[1].subjects {
        // A constant added to all epochs of a subject changes no correlation.
        assert!(subject.delta.iter().all(|d| d.abs() < 1e-5) && subject.permuted_r.len() == 20);
    }
}

/// Predicts 0 and keeps what it was shown.
#[derive(Default)]
struct Keeper(Mutex<Vec<(Vec<u32>, Vec<f32>)>>);

impl Predictor for Keeper {
    fn predict(&self, batch: &Batch) -> Result<Array3<f32>> {
        let mut kept = self.0.lock().unwrap();
        for e in 0..batch.n_epochs() {
            let key = batch.data.index_axis(ndarray::Axis(0), e).iter().map(|x| x.to_bits()).collect();
            kept.push((key, batch.features.index_axis(ndarray::Axis(0), e).iter().copied().collect()));
        }
        Ok(Array3::zeros(batch.data.dim()))
    }

    fn inputs(&self) -> Inputs {
        Inputs::FEATURES
    }
}

/// By epoch of the test set, in order: features as they are, and those of each permuted version that was predicted.
fn shown(made: &Made, spec: &ImportanceSpec) -> Vec<(Vec<f32>, Vec<Vec<f32>>)> {
    let keeper = Keeper::default();
    run(made, &keeper, spec, 1);
    let kept = keeper.0.into_inner().unwrap();
    let mut batch = Batch::default();
    made.dataset
        .epochs(Set::Test)
        .iter()
        .map(|epoch| {
            made.dataset.draw(&[*epoch], &mut batch);
            let key: Vec<u32> = batch.data.iter().map(|x| x.to_bits()).collect();
            let own: Vec<f32> = batch.features.iter().copied().collect();
            let all: Vec<Vec<f32>> = kept.iter().filter(|(k, _)| *k == key).map(|(_, f)| f.clone()).collect();
            assert_eq!(all[0], own, "the epoch as it is comes first");
            (own, all[1..].to_vec())
        })
        .collect()
}

fn once(mode: Mode) -> ImportanceSpec {
    ImportanceSpec {
        features: vec!["a".to_owned()],
        modes: vec![mode],
        conditional: false,
        n_permutations: 1,
        ..ImportanceSpec::default()
    }
}

#[test]
fn only_the_own_event_s_value_is_exchanged_and_within_the_subject() {
    let made = Words { n_subjects: 3, n_events: 60, ..Words::default() }.make();
    let n_times = made.dataset.n_times();
    let onset = (0.1 * made.dataset.sfreq()) as usize;
    let shown = shown(&made, &once(Mode::Event));
    let mut n_changed = 0;
    for subject in 0..3 {
        let first: usize = (0..subject).map(|s| made.dataset.subject_epochs(Set::Test, s).len()).sum();
        let n = made.dataset.subject_epochs(Set::Test, subject).len();
        let mut values = (Vec::new(), Vec::new());
        for (own, permuted) in &shown[first..first + n] {
            let new = permuted.first().unwrap_or(own);
            values.0.push(own[onset]);
            values.1.push(new[onset]);
            for (i, (a, b)) in own.iter().zip(new).enumerate() {
                // 60 ms at 50 Hz are 3 samples of the first feature.
                let is_own = (onset..onset + 3).contains(&i) && i < n_times;
                assert!(is_own || a.to_bits() == b.to_bits(), "sample {i}");
            }
            n_changed += permuted.len();
        }
        values.0.sort_by(f32::total_cmp);
        values.1.sort_by(f32::total_cmp);
        assert_eq!(values.0, values.1, "subject {subject}");
    }
    assert!(n_changed > 20);
}

#[test]
fn all_events_of_the_epoch_change_in_mode_epoch() {
    let made = Words { n_subjects: 2, n_events: 60, ..Words::default() }.make();
    let n_times = made.dataset.n_times();
    let mut n_others = 0;
    for (own, permuted) in shown(&made, &once(Mode::Epoch)) {
        for new in permuted {
            let changed: Vec<usize> = (0..own.len()).filter(|&i| own[i].to_bits() != new[i].to_bits()).collect();
            assert!(changed.iter().all(|&i| i < n_times), "other features stay");
            n_others += usize::from(changed.iter().any(|&i| !(5..8).contains(&i)));
        }
    }
    assert!(n_others > 5);
}

#[test]
fn words_that_are_hidden_by_later_ones_stay_hidden() {
    // Held for 2 s, each word is covered by the next, 0.5 to 0.8 s later.
    let features = vec![FeatureSpec { duration: Some(2.0), ..column("a") }];
    let made = Words { n_subjects: 2, n_events: 60, features, ..Words::default() }.make();
    let spec = once(Mode::Event);
    for (own, permuted) in shown(&made, &spec) {
        for new in permuted {
            let changed: Vec<usize> = (0..own.len()).filter(|&i| own[i].to_bits() != new[i].to_bits()).collect();
            assert!(changed[0] == 5 && changed.len() >= 24, "{changed:?}");
            assert!(changed.windows(2).all(|pair| pair[1] == pair[0] + 1));
        }
    }
}

#[test]
fn constants_are_named_in_place_of_zeros() {
    let features = vec![column("a"), FeatureSpec::new("word", FeatureValue::Presence)];
    let made = Words { n_events: 60, features, ..Words::default() }.make();
    let results = importance(&made, &trf(&made, &FEW), &ImportanceSpec::default());
    let word = named(&results, "word", false);
    assert!(word.subjects.is_empty() && word.map.is_empty() && word.delta_r.is_nan());
    assert!(word.notes[0].contains("not computed: its value is the same in all test epochs"), "{:?}", word.notes);
    // Nothing else varies, so that there is no conditional version.
    assert!(results.iter().all(|result| !result.conditional));
    let text = serde_json::to_string(&results).unwrap();
    let read: Vec<ImportanceResult> = serde_json::from_str(&text).unwrap();
    // What cannot be computed is `null` in JSON.
    let place = results.iter().position(|result| result.name == "word").unwrap();
    assert!(read[place].delta_r.is_nan() && read[place].notes == word.notes);
    assert!(read[1 - place].over_time_q[0].is_nan() && read[1 - place].clusters == results[1 - place].clusters);
}

#[test]
fn a_continuous_feature_gets_the_stretch_of_another_epoch_of_the_subject() {
    let (split, cleaning) = common::lenient();
    let cohort = common::Plan::default().cohort();
    let n_recordings = cohort.recordings.len();
    let dataset = Dataset::new(Arc::new(cohort), &common::epoch_spec(-0.1, 0.3), &split, &cleaning, 1).unwrap();
    let values = FeatureValues::new(&dataset, vec![vec![None, None]; n_recordings]).unwrap();
    let keeper = Keeper::default();
    let target =
        Target { name: "b".to_owned(), features: vec![1], mode: Mode::Event, conditional: false, n_permutations: 1 };
    let n_times = dataset.n_times();
    let spec = PermuteSpec { set: Set::Test, window: 0..n_times, batch_size: 1000, seed: 1, n_threads: 1 };
    let mut go_on = |_| ControlFlow::Continue(());
    let found = permute(&dataset, &values, &keeper, &[target], &spec, &mut go_on).unwrap().unwrap();
    let results = summarise(
        &dataset,
        "model",
        &found,
        &SummarySpec { window: 0..n_times, tfce: false, seed: 0, n_threads: 1, stop: Stop::never() },
    );
    assert!(results.unwrap()[0].notes.iter().any(|note| note.contains("whole stretches")));
    let mut kept = keeper.0.into_inner().unwrap().into_iter();
    // The first subject's epochs as they are, then those that got another one's stretch.
    let n = dataset.subject_epochs(Set::Test, 0).len();
    let own: Vec<Vec<f32>> = kept.by_ref().take(n).map(|(_, features)| features).collect();
    let is_one = |f: &[f32]| own.iter().any(|own| own[n_times..] == f[n_times..]);
    let changed = kept.take_while(|(_, features)| is_one(features)).count();
    assert!(changed <= n && changed > n / 2, "{changed} of {n}");
}

#[test]
fn few_subjects_are_told_so() {
    let made = Words { n_subjects: 3, n_events: 60, ..Words::default() }.make();
    let results = importance(&made, &trf(&made, &FEW), &ImportanceSpec::default());
    let a = named(&results, "a", false);
    assert!(a.test.is_none() && a.clusters.is_none() && a.over_time_q.is_empty() && a.confidence.is_none());
    assert!(a.over_time_confidence.is_empty());
    assert!(a.notes.iter().any(|note| note.contains("no tests across subjects, and no intervals: there are 3")));
}

#[test]
fn shifts_give_a_null_for_each_subject() {
    let effects = vec![Effect { column: "a", latency: 0.2, topography: vec![2.0, 2.0] }];
    let words = Words { n_subjects: 2, n_events: 200, effects, features: vec![column("a")], ..Words::default() };
    let made = words.make();
    let spec = ImportanceSpec { modes: vec![Mode::Shift], n_shifts: 40, ..ImportanceSpec::default() };
    let results = importance(&made, &trf(&made, &FEW), &spec);
    for subject in results[0].subjects.values() {
        assert!((subject.p - 1.0 / 41.0).abs() < 1e-12 && subject.r > 0.05, "{subject:?}");
        // Without the stimulus there is nothing to predict by.
        assert!((subject.r - subject.delta_r).abs() < 0.05, "{subject:?}");
    }
}

#[test]
fn equal_inputs_are_predicted_once_and_work_can_be_stopped() {
    let map = FeatureValue::Map {
        column: "stimulus".to_owned(),
        values: [("s0".to_owned(), 1.0), ("s1".to_owned(), -1.0)].into(),
    };
    let features = vec![FeatureSpec { duration: Some(0.06), ..FeatureSpec::new("odd", map) }];
    let made = Words { n_events: 60, stimuli: Some((2, 0.0)), features, ..Words::default() }.make();
    let keeper = Keeper::default();
    let targets = ImportanceSpec::default().targets(&made.features).unwrap();
    let n_test = made.dataset.epochs(Set::Test).len();
    let mut seen = Vec::new();
    let mut watch = |progress: dre::importance::Progress| {
        seen.push(progress);
        ControlFlow::Continue(())
    };
    permute(&made.dataset, &made.values, &keeper, &targets, &plan(&made, &ImportanceSpec::default(), 1), &mut watch)
        .unwrap()
        .unwrap();
    // Each epoch with its own value and with the only other one.
    assert_eq!(keeper.0.into_inner().unwrap().len(), 2 * n_test);
    let plain: Vec<Target> = targets.into_iter().filter(|t| !t.conditional).collect();
    assert_eq!(seen.last().unwrap().total, n_predictions(&made.dataset, Set::Test, &plain));
    assert!(seen.windows(2).all(|pair| pair[0].done <= pair[1].done));
    let mut stop = |_| ControlFlow::Break(());
    let model = Keeper::default();
    assert!(
        permute(&made.dataset, &made.values, &model, &plain, &plan(&made, &ImportanceSpec::default(), 1), &mut stop)
            .unwrap()
            .is_none()
    );
}

#[test]
fn mistakes_are_named() {
    let made = Words { n_subjects: 2, n_events: 60, ..Words::default() }.make();
    let message = |spec: ImportanceSpec| spec.targets(&made.features).unwrap_err().to_string();
    let unknown = ImportanceSpec { features: vec!["lenght".to_owned()], ..ImportanceSpec::default() };
    assert_eq!(message(unknown), "importance.features = `lenght`, expected names of features: a, b, c");
    let none = ImportanceSpec { n_permutations: 0, ..ImportanceSpec::default() };
    assert!(none.check().unwrap_err().to_string().contains("n_permutations"));
    let spec = PermuteSpec { window: 0..1000, ..plan(&made, &ImportanceSpec::default(), 1) };
    let mut go_on = |_| ControlFlow::Continue(());
    let error = permute(&made.dataset, &made.values, &Keeper::default(), &[], &spec, &mut go_on).unwrap_err();
    assert!(error.to_string().contains("window"), "{error}");
}
