//! Recordings that lack channels or have bad segments: what was not measured touches nothing.
#![allow(missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use common::{Plan, epoch_spec, lenient};
use dre::data::{BadSegments, Batch, Cohort, Dataset, Epoch, Gaps, Lack, Set, Signals};
use dre::metrics::{ScoreSpec, Scores, score};
use dre::nn::{Dims, DreModel, Network, NetworkConfig, Observer, Progress, Tensor, Threads, TrainConfig, Training};
use ndarray::{Axis, s};
use proptest::prelude::*;

/// Channel 1 is bad in the first recording, channel 2 absent in both recordings of the second subject; the second recording
/// has bad segments. What was not measured holds `garbage`.
fn cohort(segments: &[Range<usize>], garbage: f32) -> Cohort {
    let mut cohort = Plan::default().cohort();
    cohort.recordings[0].gaps = Gaps::new(BTreeMap::from([(1, Lack::Bad)]), Vec::new());
    cohort.recordings[1].gaps = Gaps::new(BTreeMap::new(), segments.to_vec());
    for recording in &mut cohort.recordings[2..] {
        recording.gaps = Gaps::new(BTreeMap::from([(2, Lack::Absent)]), Vec::new());
    }
    for recording in &mut cohort.recordings {
        let mut data = recording.data.to_rows();
        for (row, samples) in data.chunks_exact_mut(recording.n_times).enumerate() {
            if !recording.gaps.has_channel(row) {
                samples.fill(garbage);
            }
            for segment in recording.gaps.segments() {
                samples[segment.clone()].fill(garbage);
            }
        }
        recording.data = Signals::of_rows(&data, 3);
    }
    cohort
}

fn dataset(cohort: Cohort, bad_segments: BadSegments) -> Dataset {
    let (split, cleaning) = lenient();
    let epochs = dre::data::EpochSpec { bad_segments, ..epoch_spec(-0.2, 0.5) };
    Dataset::new(Arc::new(cohort), &epochs, &split, &cleaning, 1).unwrap()
}

fn segments() -> Vec<Range<usize>> {
    vec![100..130, 700..704, 1500..1700, 1790..1800]
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

fn fit(data: &Dataset) -> (Vec<Tensor>, Vec<[u64; 2]>, Scores) {
    let config =
        NetworkConfig { n_init_times: 20, subject_dim: 2, conv_filters: 5, lstm_hidden: 4, ..NetworkConfig::paper() };
    let dims = Dims { n_channels: data.n_channels(), n_features: data.n_features(), n_subjects: data.n_subjects() };
    let network = Network::new(config, dims, 1, Threads::new(1)).unwrap();
    let settings = TrainConfig { n_passes: 2, batch_size: 16, lr: 1e-2, ..TrainConfig::paper() };
    let mut training = Training::new(network, settings, 1).unwrap();
    training.run(data, &mut Silent).unwrap();
    let losses = training.history().iter().map(|p| [p.train_loss.to_bits(), p.valid_loss.to_bits()]).collect();
    let model = DreModel::new(training.best(), data.n_times(), 64).unwrap();
    let spec = ScoreSpec { set: Set::Test, score_from: 0.0, batch_size: 7, condition: Some("trial_type".to_owned()) };
    (training.best().state(), losses, score(data, &model, &spec).unwrap())
}

/// Bits of everything in the scores; every NaN is the same.
fn bits(scores: &Scores) -> Vec<u64> {
    let maps = scores.subjects.iter().flat_map(|s| s.map.iter().chain([&s.r]).chain(&s.r_over_time).copied());
    let evoked = scores.evoked.iter().flat_map(|e| e.truth.iter().chain(&e.predicted).copied());
    let means = scores.r_over_time.iter().chain(&scores.r_per_channel).chain([&scores.mean_r]).copied();
    maps.chain(evoked).chain(means).map(|v| if v.is_nan() { u64::MAX } else { v.to_bits() }).collect()
}

#[test]
fn garbage_where_nothing_was_measured_changes_no_bit() {
    let [a, b, c] = [0.0, f32::NAN, 1e30].map(|garbage| dataset(cohort(&segments(), garbage), BadSegments::Mask));
    assert!(a.scalers().eq(b.scalers()) && a.scalers().eq(c.scalers()));
    let mut batches = [Batch::default(), Batch::default()];
    for set in Set::ALL {
        assert!(a.epochs(set) == b.epochs(set) && a.epochs(set) == c.epochs(set));
        a.draw(a.epochs(set), &mut batches[0]);
        b.draw(b.epochs(set), &mut batches[1]);
        assert_eq!(batches[0].data, batches[1].data);
        assert_eq!(batches[0].measured, batches[1].measured);
        let marks = batches[1].measured.as_ref().unwrap();
        assert!(batches[1].data.iter().zip(marks).all(|(&value, &is)| is || value == 0.0));
    }
    let (weights, losses, scores) = fit(&a);
    for other in [&b, &c] {
        let (other_weights, other_losses, other_scores) = fit(other);
        assert!(weights == other_weights && losses == other_losses && bits(&scores) == bits(&other_scores));
    }
}

#[test]
fn a_subject_has_no_r_where_it_has_no_channel_and_means_leave_it_out() {
    let data = dataset(cohort(&segments(), f32::NAN), BadSegments::Mask);
    let (_, _, scores) = fit(&data);
    let [first, second] = &scores.subjects[..] else { panic!("two subjects") };
    assert!(first.map.iter().all(|r| r.is_finite()));
    assert!(second.map.row(2).iter().all(|r| r.is_nan()));
    assert!(second.map.slice(s![..2, ..]).iter().all(|r| r.is_finite()));
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let scored = data.times().iter().position(|&t| t >= 0.0).unwrap();
    let own: Vec<f64> = second.map.slice(s![..2, scored..]).iter().copied().collect();
    assert!((second.r - mean(&own)).abs() < 1e-12);
    let row: Vec<f64> = first.map.slice(s![2, scored..]).to_vec();
    assert!((scores.r_per_channel[2] - mean(&row)).abs() < 1e-12, "the first subject alone has the channel");
    assert!((scores.mean_r - f64::midpoint(first.r, second.r)).abs() < 1e-12);
    assert!(scores.evoked.iter().all(|e| e.truth.iter().chain(&e.predicted).all(|v| v.is_finite())));
}

#[test]
fn the_summary_says_what_was_masked() {
    let summary = dataset(cohort(&segments(), f32::NAN), BadSegments::Mask).summary(Vec::new());
    let masked = &summary.masked;
    assert_eq!(masked.len(), 4);
    assert_eq!(
        (masked[0].recording.as_str(), &masked[0].bad[..], masked[0].absent.len()),
        ("sub-00_run-00", &["C1".to_owned()][..], 0)
    );
    assert_eq!((masked[1].n_segments, masked[1].seconds), (4, 2.44));
    assert_eq!((masked[3].subject.as_str(), &masked[3].absent[..]), ("sub-01", &["C2".to_owned()][..]));
}

#[test]
fn nothing_is_marked_where_nothing_is_missing() {
    // Bad segments between epochs, or ignored, are as good as none.
    let clean = dataset(Plan::default().cohort(), BadSegments::Mask);
    let mut ignored = Plan::default().cohort();
    ignored.recordings[1].gaps = Gaps::new(BTreeMap::new(), segments());
    let ignored = dataset(ignored, BadSegments::Ignore);
    let mut batches = [Batch::default(), Batch::default()];
    for set in Set::ALL {
        assert_eq!(clean.epochs(set), ignored.epochs(set));
        clean.draw(clean.epochs(set), &mut batches[0]);
        ignored.draw(ignored.epochs(set), &mut batches[1]);
        assert!(batches.iter().all(|batch| batch.measured.is_none()));
        assert_eq!(batches[0].data, batches[1].data);
    }
    assert!(clean.summary(Vec::new()).masked.is_empty());
}

#[test]
fn a_batch_forgets_the_marks_of_the_one_before() {
    let data = dataset(cohort(&segments(), f32::NAN), BadSegments::Mask);
    let whole = |e: &&Epoch| e.recording == 1 && segments().iter().all(|s| e.start + 71 <= s.start || s.end <= e.start);
    let whole: Vec<Epoch> = data.epochs(Set::Train).iter().filter(whole).copied().collect();
    let mut batch = Batch::default();
    data.draw(&data.epochs(Set::Train)[..whole.len()], &mut batch);
    assert!(batch.measured.is_some());
    data.draw(&whole, &mut batch);
    assert!(batch.measured.is_none());
}

/// Median and interquartile range, the obvious way.
fn spread(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = share * (values.len() - 1) as f64;
        let i = place.floor() as usize;
        values[i] + (values[(i + 1).min(values.len() - 1)] - values[i]) * place.fract()
    };
    (at(0.5), at(0.75) - at(0.25))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn masked_epochs_equal_a_naive_cut(stretches in prop::collection::vec((0usize..2000, 1usize..40), 1..12), reject in any::<bool>()) {
        let stretches: Vec<Range<usize>> = stretches.iter().map(|&(at, n)| at..(at + n).min(2000)).collect();
        let mode = if reject { BadSegments::Reject } else { BadSegments::Mask };
        let clean = dataset(Plan::default().cohort(), mode);
        let (split, cleaning) = lenient();
        let epochs = dre::data::EpochSpec { bad_segments: mode, ..epoch_spec(-0.2, 0.5) };
        let Ok(data) = Dataset::new(Arc::new(cohort(&stretches, f32::NAN)), &epochs, &split, &cleaning, 1) else { return Ok(()) };
        let is_bad = |t: usize| stretches.iter().any(|s| s.contains(&t));
        let recording = &clean.cohort().recordings[1];
        let base = data.window().baseline.clone().unwrap();
        let n = data.n_times();
        // Corrected by the mean of the measured baseline.
        let cut = |row: usize, start: usize| -> Vec<Option<f64>> {
            let x: Vec<Option<f64>> =
                {
                let channel = recording.data.channel(row);
                (start..start + n).map(|t| (!is_bad(t)).then(|| f64::from(channel[t]))).collect()
            };
            let base: Vec<f64> = x[base.clone()].iter().flatten().copied().collect();
            let mean = base.iter().sum::<f64>() / base.len() as f64;
            x.iter().map(|v| v.map(|v| v - mean)).collect()
        };
        let mine = |set: Set| data.epochs(set).iter().filter(|e| e.recording == 1).copied().collect::<Vec<_>>();
        let summary = &data.summary(Vec::new()).subjects[0];
        prop_assert_eq!(summary.n_events, summary.n_outside + summary.n_bad + summary.n_border + summary.n_rejected
            + summary.n_train + summary.n_valid + summary.n_test);
        prop_assume!(summary.n_rejected == 0);
        let train = mine(Set::Train);
        let mut batch = Batch::default();
        for epoch in Set::ALL.into_iter().flat_map(mine) {
            let bad: Vec<usize> = (0..n).filter(|t| is_bad(epoch.start + t)).collect();
            prop_assert!(!reject || bad.is_empty());
            prop_assert!(base.clone().any(|t| !bad.contains(&t)));
            data.draw(&[epoch], &mut batch);
            for row in 0..data.n_channels() {
                let (median, iqr) = spread(train.iter().flat_map(|e| cut(row, e.start)).flatten().collect());
                for (t, expected) in cut(row, epoch.start).into_iter().enumerate() {
                    let found = f64::from(batch.data[[0, row, t]]);
                    let marked = batch.measured.as_ref().is_none_or(|m| m[[0, row, t]]);
                    prop_assert_eq!(marked, expected.is_some());
                    let expected = expected.map_or(0.0, |v| (v - median) / iqr);
                    prop_assert!((found - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{} {}", found, expected);
                }
            }
        }
        prop_assert_eq!(batch.data.len_of(Axis(1)), 3);
    }
}

#[test]
fn epochs_without_a_measured_baseline_are_dropped_and_counted() {
    let clean = dataset(Plan::default().cohort(), BadSegments::Mask);
    let hit = clean.epochs(Set::Test)[0];
    let at = |range: Range<usize>, mode| {
        let mut cohort = Plan::default().cohort();
        cohort.recordings[hit.recording].gaps = Gaps::new(BTreeMap::new(), vec![range]);
        let summary = dataset(cohort, mode).summary(Vec::new()).subjects[hit.subject].clone();
        summary.n_bad
    };
    let baseline = hit.start..hit.start + 21;
    // One sample of the baseline is enough; MNE-Python's rule drops whatever overlaps.
    assert_eq!(at(baseline.start..baseline.end - 1, BadSegments::Mask), 0);
    assert!(at(baseline.clone(), BadSegments::Mask) >= 1);
    assert!(at(baseline.start..baseline.start + 1, BadSegments::Reject) >= 1);
    assert_eq!(at(0..2000, BadSegments::Ignore), 0);
}

/// All linear models of a cohort with gaps, as bits of their predictions and choices.
fn linear(data: &Dataset) -> Vec<u64> {
    use dre::Stop;
    use dre::linear::{
        AlphaUnit, BandedConfig, FitSpec, LinearOptions, RtrfConfig, TrfConfig, fit_banded, fit_rtrf, fit_trf,
    };
    let spec = FitSpec { valid_from: 5, batch_size: 9, n_threads: 2, stop: Stop::never() };
    let plain = LinearOptions::DEFAULT;
    let options = LinearOptions { alpha_per_channel: true, n_folds: 3, ..plain };
    let trf = TrfConfig {
        lag_min: -2,
        lag_max: 6,
        alpha_unit: AlphaUnit::Absolute,
        alphas: vec![1.0, 100.0],
        ..TrfConfig::default()
    };
    let banded = BandedConfig {
        lag_min: -2,
        lag_max: 6,
        alpha_unit: AlphaUnit::Absolute,
        alphas: vec![1.0, 100.0],
        n_iter: 4,
        ..BandedConfig::default()
    };
    let rtrf =
        RtrfConfig { n_lags_data: 3, n_lags_features: 3, alpha_unit: AlphaUnit::Absolute, alphas: vec![1.0, 100.0] };
    let score_spec = ScoreSpec { set: Set::Test, score_from: 0.0, batch_size: 7, condition: None };
    let mut all = Vec::new();
    for options in [plain, options] {
        let models: [Box<dyn dre::model::Predictor>; 3] = [
            Box::new(fit_trf(data, &trf, options, &spec).unwrap()),
            Box::new(fit_banded(data, &banded, options, 1, &spec).unwrap()),
            Box::new(fit_rtrf(data, &rtrf, 5, options, &spec).unwrap()),
        ];
        for model in models {
            let scores = score(data, &*model, &score_spec).unwrap();
            assert!(scores.mean_r.is_finite());
            all.extend(
                scores.subjects.iter().flat_map(|s| s.map.iter()).map(
                    |r| {
                        if r.is_nan() { u64::MAX } else { r.to_bits() }
                    },
                ),
            );
        }
    }
    all
}

#[test]
fn linear_models_do_not_see_what_was_not_measured() {
    for bad_segments in [BadSegments::Reject, BadSegments::Mask] {
        let fitted = |garbage: f32| linear(&dataset(cohort(&segments(), garbage), bad_segments));
        assert_eq!(fitted(0.0), fitted(1e-4));
    }
}
