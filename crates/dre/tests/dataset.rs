//! Properties of the data set: every epoch is counted once, nothing is shared, drawing equals a naive cut.
#![allow(missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::{Plan, epoch_spec, lenient};
use dre::data::{Batch, CleaningSpec, Cohort, Dataset, Set, Signals, SplitSpec};
use proptest::prelude::*;

fn dataset(cohort: Cohort) -> Dataset {
    let (split, cleaning) = lenient();
    Dataset::new(Arc::new(cohort), &epoch_spec(-0.2, 0.5), &split, &cleaning, 1).unwrap()
}

fn samples(values: Vec<f32>) -> dre::data::Samples {
    Arc::new(values)
}

fn edit(cohort: &mut Cohort, recording: usize, change: impl FnOnce(&mut [f32])) {
    let mut data = cohort.recordings[recording].data.to_rows();
    change(&mut data);
    cohort.recordings[recording].data = Signals::of_rows(&data, 3);
}

/// Epochs cut, corrected and scaled the obvious way, in f64.
fn naive(set: &Dataset, epochs: &[dre::data::Epoch]) -> Vec<f64> {
    let (cohort, window) = (set.cohort(), set.window());
    let mut out = Vec::new();
    for epoch in epochs {
        let recording = &cohort.recordings[epoch.recording];
        let sample = (recording.events.onset[epoch.event] * set.sfreq()).round_ties_even() as isize;
        let cut = |row: usize, start: usize| -> Vec<f64> {
            let x: Vec<f64> =
                recording.data.channel(row)[start..start + set.n_times()].iter().map(|&v| f64::from(v)).collect();
            let base = &x[window.baseline.clone().unwrap()];
            let mean = base.iter().sum::<f64>() / base.len() as f64;
            x.iter().map(|v| v - mean).collect()
        };
        for row in 0..set.n_channels() {
            let mut all: Vec<f64> = set
                .epochs(Set::Train)
                .iter()
                .filter(|e| e.recording == epoch.recording)
                .flat_map(|e| cut(row, e.start))
                .collect();
            all.sort_by(f64::total_cmp);
            let at = |share: f64| {
                let place = share * (all.len() - 1) as f64;
                let i = place.floor() as usize;
                all[i] + (all[(i + 1).min(all.len() - 1)] - all[i]) * place.fract()
            };
            let (median, iqr) = (at(0.5), at(0.75) - at(0.25));
            out.extend(cut(row, (sample + window.first) as usize).iter().map(|v| (v - median) / iqr));
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn sets_are_disjoint_and_counts_add_up(
        seed in 0u64..1000, soa in 5usize..90, n_times in 600usize..2500,
        train in 0.3f64..0.8, valid in 0.05f64..0.19, reject_above in 1.0f64..3.0,
    ) {
        let cohort = Arc::new(Plan { n_times, soa, seed, ..Plan::default() }.cohort());
        let cleaning = CleaningSpec { reject_above, min_epochs_per_recording: 1, min_epochs_per_subject: 0 };
        let Ok(set) =
            Dataset::new(cohort.clone(), &epoch_spec(-0.2, 0.5), &SplitSpec { train, valid, ..SplitSpec::default() }, &cleaning, 1)
        else { return Ok(()) };
        let audit = set.audit();
        prop_assert!(audit.is_clean(), "{audit:?}");
        prop_assert_eq!(audit.n_train + audit.n_valid + audit.n_test, Set::ALL.map(|s| set.epochs(s).len()).iter().sum::<usize>());
        let summary = set.summary(Vec::new());
        for (subject, s) in summary.subjects.iter().enumerate() {
            prop_assert_eq!(s.n_events, s.n_outside + s.n_border + s.n_rejected + s.n_train + s.n_valid + s.n_test);
            prop_assert_eq!(s.n_train, set.subject_epochs(Set::Train, subject).len());
            prop_assert_eq!(&s.subject, &set.subjects()[subject]);
        }
        let mut all: Vec<_> = Set::ALL.iter().flat_map(|&s| set.epochs(s)).map(|e| (e.recording, e.event)).collect();
        let n = all.len();
        all.sort_unstable();
        all.dedup();
        prop_assert_eq!(all.len(), n);
        for recording in 0..cohort.recordings.len() {
            let of = |s: Set| set.epochs(s).iter().filter(move |e| e.recording == recording).map(|e| e.start);
            let last_train = of(Set::Train).max().unwrap_or(0);
            prop_assert!(of(Set::Valid).chain(of(Set::Test)).all(|start| start > last_train));
            let last_valid = of(Set::Valid).max().unwrap_or(0);
            prop_assert!(of(Set::Test).all(|start| start > last_valid));
        }
    }

    #[test]
    fn drawing_equals_a_naive_cut(seed in 0u64..1000) {
        let set = dataset(Plan { seed, ..Plan::default() }.cohort());
        let mut batch = Batch::default();
        for chosen in [&set.epochs(Set::Test)[..5], &set.epochs(Set::Train)[3..5], &set.epochs(Set::Valid)[..0]] {
            set.draw(chosen, &mut batch);
            prop_assert_eq!(batch.data.dim(), (chosen.len(), 3, 71));
            prop_assert_eq!(batch.features.dim(), (chosen.len(), 2, 71));
            prop_assert_eq!(&batch.subjects, &chosen.iter().map(|e| e.subject).collect::<Vec<_>>());
            for (&drawn, expected) in batch.data.iter().zip(naive(&set, chosen)) {
                prop_assert!((f64::from(drawn) - expected).abs() <= 1e-6 * expected.abs().max(1.0));
            }
        }
    }
}

#[test]
fn training_features_have_mean_0_and_std_1() {
    let set = dataset(Plan::default().cohort());
    let mut batch = Batch::default();
    set.draw(set.epochs(Set::Train), &mut batch);
    for row in 0..2 {
        let values: Vec<f64> = batch.features.index_axis(ndarray::Axis(1), row).iter().map(|&v| f64::from(v)).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let var = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
        assert!(mean.abs() < 1e-6 && (var - 1.0).abs() < 1e-5, "feature {row}: mean {mean}, variance {var}");
    }
    assert!(set.constant_features().is_empty());
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let cohort = Arc::new(Plan::default().cohort());
    let (split, cleaning) = lenient();
    let make = |n| Dataset::new(cohort.clone(), &epoch_spec(-0.2, 0.5), &split, &cleaning, n).unwrap();
    let (one, four) = (make(1), make(4));
    assert!(one.scalers().eq(four.scalers()));
    assert_eq!(one.feature_scaler(), four.feature_scaler());
    assert!(Set::ALL.iter().all(|&s| one.epochs(s) == four.epochs(s)));
}

#[test]
fn chronological_split_by_hand() {
    // Thirty epochs of 71 samples, 100 samples apart: none overlap, 21 / 3 / 6.
    let mut cohort = Plan { n_subjects: 1, n_recordings: 1, n_times: 3100, ..Plan::default() }.cohort();
    cohort.recordings[0].events.onset = (0..30).map(|i| 0.5 + f64::from(i)).collect();
    cohort.recordings[0].events.duration = vec![0.0; 30];
    cohort.recordings[0].events.columns.clear();
    let summary = dataset(cohort.clone()).summary(Vec::new()).subjects.remove(0);
    assert_eq!((summary.n_train, summary.n_valid, summary.n_test, summary.n_border), (21, 3, 6, 0));
    // Half a second apart: each overlaps the next alone. The last one that validated overlaps the first that tests, and is
    // dropped: two are left, across which there is no r to choose by.
    cohort.recordings[0].events.onset = (0..30).map(|i| 0.5 + 0.5 * f64::from(i)).collect();
    let (split, mut cleaning) = lenient();
    cleaning.min_epochs_per_subject = 1;
    let error = Dataset::new(Arc::new(cohort.clone()), &epoch_spec(-0.2, 0.5), &split, &cleaning, 1).unwrap_err();
    assert!(error.to_string().contains("sub-00: 2 validation epochs left, at least 3 needed"), "{error}");
    let split = SplitSpec { train: 0.5, valid: 0.2, ..SplitSpec::default() };
    let set = Dataset::new(Arc::new(cohort), &epoch_spec(-0.2, 0.5), &split, &cleaning, 1).unwrap();
    let summary = set.summary(Vec::new()).subjects.remove(0);
    assert_eq!((summary.n_train, summary.n_valid, summary.n_test, summary.n_border), (14, 5, 9, 2));
}

#[test]
fn epochs_that_leave_the_recording_are_counted() {
    let mut cohort = Plan::default().cohort();
    let events = &mut cohort.recordings[0].events;
    events.onset.insert(0, 0.0);
    events.onset.push(19.99);
    events.duration.extend([0.0, 0.0]);
    for texts in events.columns.values_mut() {
        texts.extend(["odd".to_owned(), "odd".to_owned()]);
    }
    let before = dataset(Plan::default().cohort()).summary(Vec::new()).subjects.remove(0);
    let after = dataset(cohort).summary(Vec::new()).subjects.remove(0);
    assert_eq!((after.n_events, after.n_outside), (before.n_events + 2, before.n_outside + 2));
}

#[test]
fn events_are_selected_by_their_columns() {
    let cohort = Arc::new(Plan::default().cohort());
    let (split, cleaning) = lenient();
    let mut spec = epoch_spec(-0.2, 0.5);
    spec.events = BTreeMap::from([("trial_type".to_owned(), vec!["odd".to_owned()])]);
    let set = Dataset::new(cohort.clone(), &spec, &split, &cleaning, 1).unwrap();
    for s in Set::ALL {
        assert!(set.epochs(s).iter().all(|e| set.event_text(e, "trial_type") == Some("odd")));
    }
    spec.events = BTreeMap::from([("trial_type".to_owned(), vec!["Odd".to_owned()])]);
    let message = Dataset::new(cohort.clone(), &spec, &split, &cleaning, 1).unwrap_err().to_string();
    assert!(message.contains("`trial_type` holds `even`, `odd`"), "{message}");
    spec.events = BTreeMap::from([("trial_typ".to_owned(), vec!["odd".to_owned()])]);
    let message = Dataset::new(cohort, &spec, &split, &cleaning, 1).unwrap_err().to_string();
    assert!(message.starts_with("sub-00_run-00: ") && message.contains("did you mean `trial_type`?"), "{message}");
}

#[test]
fn a_burst_is_rejected_and_counted() {
    let mut cohort = Plan { soa: 80, ..Plan::default() }.cohort();
    let clean = dataset(cohort.clone());
    let hit = clean.epochs(Set::Test)[0];
    edit(&mut cohort, hit.recording, |data| data[hit.start + 30] = 1.0);
    let set = dataset(cohort);
    assert!(!set.epochs(Set::Test).contains(&hit));
    let (before, after) = (clean.summary(Vec::new()), set.summary(Vec::new()));
    assert_eq!(after.subjects[0].n_rejected, before.subjects[0].n_rejected + 1);
    assert_eq!(after.subjects[0].n_test, before.subjects[0].n_test - 1);
}

#[test]
fn small_recordings_and_subjects_are_left_out_and_named() {
    let mut cohort = Plan { n_subjects: 3, ..Plan::default() }.cohort();
    for (recording, n) in [(0, 5), (2, 30), (3, 30)] {
        let events = &mut cohort.recordings[recording].events;
        events.onset.truncate(n);
        events.duration.truncate(n);
        events.columns.values_mut().for_each(|texts| texts.truncate(n));
    }
    let cleaning = CleaningSpec { min_epochs_per_recording: 20, min_epochs_per_subject: 65, ..CleaningSpec::default() };
    let set = Dataset::new(Arc::new(cohort), &epoch_spec(-0.2, 0.5), &SplitSpec::default(), &cleaning, 1).unwrap();
    let excluded: Vec<_> = set.summary(Vec::new()).excluded.into_iter().map(|e| (e.what, e.reason)).collect();
    assert_eq!(excluded.len(), 2, "{excluded:?}");
    assert_eq!(excluded[0].0, "sub-00_run-00");
    assert!(excluded[0].1.contains("min_epochs_per_recording = 20"));
    assert_eq!(excluded[1].0, "sub-01");
    assert!(excluded[1].1.contains("58 epochs, fewer than min_epochs_per_subject = 65"), "{}", excluded[1].1);
    assert_eq!(set.subjects(), ["sub-00", "sub-02"]);
    assert!(set.epochs(Set::Train).iter().all(|e| e.subject < 2));
}

#[test]
fn a_flat_channel_leaves_its_recording_out() {
    let mut cohort = Plan::default().cohort();
    edit(&mut cohort, 1, |data| data[2000..4000].fill(3e-5));
    let set = dataset(cohort);
    let excluded = set.summary(Vec::new()).excluded;
    assert_eq!(excluded[0].what, "sub-00_run-01");
    assert!(excluded[0].reason.contains("channel C1 is flat"), "{}", excluded[0].reason);
}

#[test]
fn a_value_that_is_not_finite_is_an_error_that_says_where() {
    let mut cohort = Plan::default().cohort();
    let at = dataset(cohort.clone()).epochs(Set::Valid)[0];
    edit(&mut cohort, at.recording, |data| data[2 * 2000 + at.start + 3] = f32::NAN);
    let (split, cleaning) = lenient();
    let message = Dataset::new(Arc::new(cohort), &epoch_spec(-0.2, 0.5), &split, &cleaning, 2).unwrap_err().to_string();
    let place = format!("channel C2 holds NaN at {} s (sample {})", (at.start + 3) as f64 / 100.0, at.start + 3);
    assert!(message.starts_with("sub-00_run-00: ") && message.contains(&place), "{message}");
}

#[test]
fn a_constant_feature_is_named_and_harmless() {
    let mut cohort = Plan::default().cohort();
    for recording in &mut cohort.recordings {
        let mut features = (*recording.features).as_ref().to_vec();
        features[2000..].fill(0.7);
        recording.features = samples(features);
    }
    let set = dataset(cohort);
    assert_eq!(set.constant_features(), ["b"]);
    let mut batch = Batch::default();
    set.draw(set.epochs(Set::Test), &mut batch);
    assert!(batch.features.iter().all(|v| v.is_finite()));
}

#[test]
fn settings_and_shapes_are_checked() {
    let cohort = Plan::default().cohort();
    let (split, cleaning) = lenient();
    let message = |cohort: &Cohort, split: &SplitSpec, cleaning: &CleaningSpec| {
        Dataset::new(Arc::new(cohort.clone()), &epoch_spec(-0.2, 0.5), split, cleaning, 1).unwrap_err().to_string()
    };
    assert!(
        message(&cohort, &SplitSpec { train: 0.9, valid: 0.1, ..SplitSpec::default() }, &cleaning)
            .contains("less than 1")
    );
    assert!(
        message(&cohort, &SplitSpec { train: 0.9, valid: 0.0, ..SplitSpec::default() }, &cleaning)
            .contains("split.valid = 0")
    );
    let negative = CleaningSpec { reject_above: -1.0, ..cleaning.clone() };
    assert!(message(&cohort, &split, &negative).contains("reject_above = -1"));
    let many = CleaningSpec { min_epochs_per_recording: 1000, ..cleaning.clone() };
    assert!(message(&cohort, &split, &many).contains("min_epochs_per_recording = 1000"));
    let mut short = cohort.clone();
    short.recordings[1].data = Signals::new(samples(vec![0.0; 10]), 3);
    assert!(message(&short, &split, &cleaning).contains("data of sub-00_run-01 has shape [10]"));
}
