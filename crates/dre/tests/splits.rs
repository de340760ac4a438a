//! Splits: whatever the method, sets are disjoint and share no sample; groups, stimuli and subjects stay on their side.
#![allow(missing_docs)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use common::{Plan, epoch_spec, lenient};
use dre::data::{Cohort, Dataset, Fold, Set, Signals, SplitMethod, SplitSpec};
use proptest::prelude::*;

/// A cohort whose events have a sentence, the same `n_sentences` in another order for every recording, and a block.
fn cohort(plan: &Plan, n_sentences: usize) -> Cohort {
    let mut cohort = plan.cohort();
    for (r, recording) in cohort.recordings.iter_mut().enumerate() {
        let n = recording.events.len();
        let sentence = |i: usize| format!("s{}", (i / 4 * 7 + r * 3) % n_sentences);
        recording.events.columns.insert("sentence".to_owned(), (0..n).map(sentence).collect());
        recording.events.columns.insert("block".to_owned(), (0..n).map(|i| (i / 10).to_string()).collect());
    }
    cohort
}

fn split(cohort: &Cohort, spec: &SplitSpec) -> dre::Result<Dataset> {
    let (_, cleaning) = lenient();
    Dataset::new(Arc::new(cohort.clone()), &epoch_spec(-0.1, 0.2), spec, &cleaning, 1)
}

/// The set of each epoch by recording and onset.
fn places(data: &Dataset) -> BTreeMap<(String, u64), Set> {
    Set::ALL
        .into_iter()
        .flat_map(|set| data.epochs(set).iter().map(move |e| (set, e)))
        .map(|(set, e)| {
            let recording = &data.cohort().recordings[e.recording];
            ((recording.id.clone(), recording.events.onset[e.event].to_bits()), set)
        })
        .collect()
}

/// The sets in which each text of a column is seen.
fn sets_of(data: &Dataset, column: &str, within_recordings: bool) -> BTreeMap<(usize, String), BTreeSet<Set>> {
    let mut found: BTreeMap<_, BTreeSet<Set>> = BTreeMap::new();
    for set in Set::ALL {
        for epoch in data.epochs(set) {
            let key = (
                if within_recordings { epoch.recording } else { 0 },
                data.event_text(epoch, column).unwrap().to_owned(),
            );
            found.entry(key).or_default().insert(set);
        }
    }
    found
}

fn any_split() -> impl Strategy<Value = SplitSpec> {
    let by = prop_oneof![
        Just(vec![]),
        Just(vec!["sentence".to_owned()]),
        Just(vec!["block".to_owned(), "sentence".to_owned()])
    ];
    let fold = (2usize..5).prop_flat_map(|of| (1..=of, Just(of))).prop_map(|(index, of)| Fold { index, of });
    (by, fold, 0usize..4, 0.3f64..0.7, 0.1f64..0.2, any::<u64>(), any::<bool>()).prop_map(
        |(by, fold, method, train, valid, seed, folds)| {
            let default = SplitSpec { train, valid, by, ..SplitSpec::default() };
            let stimulus = vec!["sentence".to_owned()];
            match method {
                0 => default,
                1 => SplitSpec { method: SplitMethod::Kfold, fold: Some(fold), ..default },
                2 => SplitSpec {
                    method: SplitMethod::Stimulus,
                    by: stimulus,
                    fold: folds.then_some(fold),
                    seed: Some(seed),
                    ..default
                },
                _ => SplitSpec {
                    method: SplitMethod::Subjects,
                    fold: Some(Fold { index: fold.index.min(2), of: 2 }),
                    ..default
                },
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_gap_parts_the_sets_and_drops_nothing_else(spec in any_split(), soa in 8usize..40, gap in 0usize..60, seed in 0u64..200) {
        let cohort = cohort(&Plan { soa, seed, n_subjects: 3, ..Plan::default() }, 11);
        let Ok(open) = split(&cohort, &spec) else { return Ok(()) };
        let Ok(data) = split(&cohort, &SplitSpec { gap: Some(gap as f64 / 100.0), ..spec }) else { return Ok(()) };
        let reach = data.n_times() + gap;
        for (i, a) in Set::ALL.into_iter().enumerate() {
            for b in &Set::ALL[..i] {
                for (x, y) in data.epochs(a).iter().flat_map(|x| data.epochs(*b).iter().map(move |y| (x, y))) {
                    prop_assert!(x.recording != y.recording || x.start.abs_diff(y.start) >= reach);
                }
            }
        }
        // A recording may be left without training epochs, and then tests nothing; no other test epoch gives way.
        let test = |data: &Dataset, r: usize| data.epochs(Set::Test).iter().filter(|epoch| epoch.recording == r).count();
        for (recording, _) in data.scalers() {
            prop_assert_eq!(test(&data, recording), test(&open, recording));
        }
        if gap == 0 {
            prop_assert_eq!(places(&data), places(&open));
        }
    }

    #[test]
    fn sets_are_disjoint_and_share_no_sample(spec in any_split(), soa in 8usize..40, seed in 0u64..500) {
        let cohort = cohort(&Plan { soa, seed, n_subjects: 3, ..Plan::default() }, 11);
        let Ok(data) = split(&cohort, &spec) else { return Ok(()) };
        let audit = data.audit();
        prop_assert!(audit.is_clean(), "{audit:?}");
        let n: usize = Set::ALL.into_iter().map(|set| data.epochs(set).len()).sum();
        prop_assert_eq!(places(&data).len(), n, "an epoch is in two sets");
        for s in data.summary(Vec::new()).subjects {
            let kept = s.n_train + s.n_valid + s.n_test + s.n_calibration;
            prop_assert_eq!(s.n_events, s.n_outside + s.n_border + s.n_rejected + kept);
        }
        if spec.method != SplitMethod::Subjects {
            for column in &spec.by[..spec.by.len().min(1)] {
                if spec.by.len() == 1 {
                    let within = spec.method != SplitMethod::Stimulus;
                    prop_assert!(sets_of(&data, column, within).values().all(|sets| sets.len() == 1), "{column} is torn apart");
                }
            }
        }
    }

    #[test]
    fn a_stimulus_keeps_its_side_whoever_else_is_there(seed in any::<u64>(), plan_seed in 0u64..500) {
        let spec = SplitSpec {
            method: SplitMethod::Stimulus, by: vec!["sentence".to_owned()], seed: Some(seed), train: 0.5, valid: 0.2, ..SplitSpec::default()
        };
        let plan = Plan { n_subjects: 3, seed: plan_seed, ..Plan::default() };
        let all = cohort(&plan, 13);
        let mut fewer = all.clone();
        fewer.subjects.truncate(2);
        fewer.recordings.retain(|r| r.subject < 2);
        let mut reordered = all.clone();
        reordered.recordings.reverse();
        let (Ok(a), Ok(b), Ok(c)) = (split(&all, &spec), split(&fewer, &spec), split(&reordered, &spec)) else { return Ok(()) };
        prop_assert!(sets_of(&a, "sentence", false).values().all(|sets| sets.len() == 1));
        let (a, b, c) = (places(&a), places(&b), places(&c));
        prop_assert!(b.iter().all(|(key, set)| a.get(key).is_none_or(|other| other == set)));
        prop_assert_eq!(a, c);
    }

    #[test]
    fn every_epoch_tests_in_one_fold(of in 2usize..6, by_sentence: bool) {
        let cohort = cohort(&Plan { soa: 40, n_times: 4000, ..Plan::default() }, 17);
        let by = if by_sentence { vec!["sentence".to_owned()] } else { vec![] };
        let mut tested: BTreeMap<(String, u64), usize> = BTreeMap::new();
        for index in 1..=of {
            let spec = SplitSpec { method: SplitMethod::Kfold, by: by.clone(), fold: Some(Fold { index, of }), ..SplitSpec::default() };
            let data = split(&cohort, &spec).unwrap();
            for (key, set) in places(&data) {
                *tested.entry(key).or_default() += usize::from(set == Set::Test);
            }
        }
        // Test epochs are never dropped at a border, and 40 samples apart nothing is rejected here.
        let n: usize = cohort.recordings.iter().map(|r| r.events.len()).sum();
        prop_assert!(tested.values().all(|&n| n == 1));
        prop_assert!(tested.len() + 2 * cohort.recordings.len() >= n, "{} of {n}", tested.len());
    }
}

#[test]
fn shares_of_stimuli_are_reached() {
    // 400 stimuli, of which 70, 10 and 20 % are wanted: within five standard deviations of a fair draw.
    let mut cohort = cohort(&Plan { n_subjects: 1, n_recordings: 1, n_times: 24_000, soa: 40, ..Plan::default() }, 5);
    let n = cohort.recordings[0].events.len();
    cohort.recordings[0].events.columns.insert("sentence".to_owned(), (0..n).map(|i| format!("w{i}")).collect());
    for seed in 0..20 {
        let spec = SplitSpec {
            method: SplitMethod::Stimulus,
            by: vec!["sentence".to_owned()],
            seed: Some(seed),
            ..SplitSpec::default()
        };
        let data = split(&cohort, &spec).unwrap();
        let counts = Set::ALL.map(|set| data.epochs(set).len() as f64);
        let total: f64 = counts.iter().sum();
        for (count, share) in counts.into_iter().zip([0.7, 0.1, 0.2]) {
            let deviation = (share * (1.0 - share) / total).sqrt();
            assert!((count / total - share).abs() < 5.0 * deviation, "seed {seed}: {counts:?}");
        }
    }
}

#[test]
fn held_out_subjects_only_test() {
    let cohort = cohort(&Plan { n_subjects: 4, ..Plan::default() }, 11);
    let spec =
        SplitSpec { method: SplitMethod::Subjects, test_subjects: vec!["02".to_owned()], ..SplitSpec::default() };
    let data = split(&cohort, &spec).unwrap();
    for (subject, label) in data.subjects().iter().enumerate() {
        let n = Set::ALL.map(|set| data.subject_epochs(set, subject).len());
        assert_eq!(label == "sub-02", data.is_held_out(subject));
        assert_eq!(label == "sub-02", n[2] > 0, "{label}: {n:?}");
        assert_eq!(label == "sub-02", n[0] + n[1] == 0, "{label}: {n:?}");
    }
    let summary = &data.summary(Vec::new()).subjects[2];
    assert!(summary.n_calibration > 0 && summary.n_calibration < summary.n_test);
    let folds: Vec<Vec<bool>> = (1..=4)
        .map(|index| {
            let fold = Some(Fold { index, of: 4 });
            let data =
                split(&cohort, &SplitSpec { method: SplitMethod::Subjects, fold, ..SplitSpec::default() }).unwrap();
            (0..4).map(|s| data.is_held_out(s)).collect()
        })
        .collect();
    assert!((0..4).all(|s| (0..4).all(|f| folds[f][s] == (f == s))), "one subject each: {folds:?}");
}

#[test]
fn what_the_held_out_subject_is_like_changes_no_scaler() {
    let cohort = cohort(&Plan { n_subjects: 3, ..Plan::default() }, 11);
    let spec =
        SplitSpec { method: SplitMethod::Subjects, test_subjects: vec!["sub-01".to_owned()], ..SplitSpec::default() };
    let before = split(&cohort, &spec).unwrap();
    let mut other = cohort.clone();
    for recording in other.recordings.iter_mut().filter(|r| r.subject == 1) {
        let n_calibrating = before.scalers().count();
        assert_eq!(n_calibrating, 6);
        // Everything after the calibration epochs, which end in the first half.
        let half = recording.n_times / 2;
        let mut data = recording.data.to_rows();
        let mut features = (*recording.features).as_ref().to_vec();
        for row in data.chunks_mut(recording.n_times).chain(features.chunks_mut(recording.n_times)) {
            row[half..].iter_mut().for_each(|v| *v *= 1.5);
        }
        (recording.data, recording.features) = (Signals::of_rows(&data, 3), Arc::new(features));
    }
    let after = split(&other, &spec).unwrap();
    assert!(before.scalers().eq(after.scalers()));
    assert_eq!(before.feature_scaler(), after.feature_scaler());
}

#[test]
fn settings_that_do_not_fit_the_cohort_are_named() {
    let cohort = cohort(&Plan::default(), 5);
    let message = |spec: SplitSpec| split(&cohort, &spec).unwrap_err().to_string();
    let subjects = |labels: &[&str]| SplitSpec {
        method: SplitMethod::Subjects,
        test_subjects: labels.iter().map(|&l| l.to_owned()).collect(),
        ..SplitSpec::default()
    };
    assert!(message(subjects(&["sub-9"])).contains("expected one of sub-00, sub-01"));
    assert!(message(subjects(&["00", "01"])).contains("left to train on"));
    let text = message(SplitSpec { by: vec!["sentense".to_owned()], ..SplitSpec::default() });
    assert!(
        text.contains("sub-00_run-00") && text.contains("split.by") && text.contains("did you mean `sentence`?"),
        "{text}"
    );
    let mut gaps = cohort.clone();
    gaps.recordings[1].events.columns.get_mut("sentence").unwrap()[7] = "n/a".to_owned();
    let text =
        split(&gaps, &SplitSpec { by: vec!["sentence".to_owned()], ..SplitSpec::default() }).unwrap_err().to_string();
    assert!(text.contains("sub-00_run-01: event 8") && text.contains("epochs.events"), "{text}");
}

#[test]
fn a_gap_that_leaves_nothing_of_a_set_is_refused_under_its_name() {
    let cohort = cohort(&Plan::default(), 11);
    let message =
        |gap: f64| split(&cohort, &SplitSpec { gap: Some(gap), ..SplitSpec::default() }).unwrap_err().to_string();
    for gap in [5.0, 1000.0] {
        let text = message(gap);
        assert!(text.starts_with(&format!("split.gap = {gap:.3} s, expected a shorter stretch")), "{text}");
    }
    assert!(message(-1.0).starts_with("split.gap = -1 s"));
    assert!(message(f64::NAN).starts_with("split.gap = NaN s"));
}
