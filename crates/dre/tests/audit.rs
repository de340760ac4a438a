//! The audit finds what was planted, and nothing where nothing was.
#![allow(missing_docs)]

mod common;

use std::sync::Arc;

use common::{Plan, epoch_spec, lenient};
use dre::data::{AuditSpec, Cohort, Dataset, Set, Signals, SplitMethod, SplitSpec};
use dre::signal::ImpulseResponse;

fn dataset(cohort: &Cohort, split: &SplitSpec) -> Dataset {
    let (_, cleaning) = lenient();
    Dataset::new(Arc::new(cohort.clone()), &epoch_spec(-0.1, 0.2), split, &cleaning, 1).unwrap()
}

fn edit(cohort: &mut Cohort, recording: usize, change: impl FnOnce(&mut [f32])) {
    let mut data = cohort.recordings[recording].data.to_rows();
    change(&mut data);
    cohort.recordings[recording].data = Signals::of_rows(&data, 3);
}

/// Copies the samples of one epoch over those of another, `factor` times as large.
fn copy(cohort: &mut Cohort, data: &Dataset, from: (Set, usize), to: (Set, usize), factor: f32) {
    let [from, to] = [from, to].map(|(set, i)| data.epochs(set)[i]);
    let (n, n_times) = (data.n_times(), cohort.recordings[0].n_times);
    let source = cohort.recordings[from.recording].data.to_rows();
    edit(cohort, to.recording, |target| {
        for row in 0..3 {
            for t in 0..n {
                target[row * n_times + to.start + t] = factor * source[row * n_times + from.start + t];
            }
        }
    });
}

fn with_column(cohort: &mut Cohort, column: &str, text: impl Fn(usize, usize) -> String) {
    for (r, recording) in cohort.recordings.iter_mut().enumerate() {
        let texts = (0..recording.events.len()).map(|i| text(r, i)).collect();
        recording.events.columns.insert(column.to_owned(), texts);
    }
}

fn plan() -> Plan {
    Plan { soa: 40, n_times: 4000, ..Plan::default() }
}

#[test]
fn noise_is_clean() {
    let data = dataset(&plan().cohort(), &SplitSpec::default());
    let audit = data.full_audit(&AuditSpec::default(), 1).unwrap();
    assert!(audit.is_clean() && audit.findings().is_empty(), "{audit:?}");
    assert!(audit.near_duplicates.complete);
    assert!(
        audit.stimuli.columns.is_empty() && audit.stimuli.note.contains("audit.stimulus"),
        "honest about what it cannot know"
    );
    assert_eq!(audit.scalers.len(), 4);
    assert!(audit.scalers.iter().all(|s| s.set == "training" && s.n_sharing_held_out == 0 && s.n_epochs > 0));
    assert_eq!(audit.scalers.iter().map(|s| s.n_epochs).sum::<usize>(), audit.samples.n_scaler);
    assert_eq!(audit.split.n_recordings_in_test_and_other, 4);
    let text = serde_json::to_string(&audit).unwrap();
    let mut read: dre::data::Audit = serde_json::from_str(&text).unwrap();
    // JSON's decimals may read back as a neighbouring number.
    read.split.shares = audit.split.shares;
    assert_eq!(read, audit);
}

#[test]
fn a_copied_epoch_is_found_in_any_pair_of_sets() {
    let clean = plan().cohort();
    let data = dataset(&clean, &SplitSpec::default());
    for (i, (from, to)) in
        [((Set::Train, 3), (Set::Test, 2)), ((Set::Train, 5), (Set::Valid, 1)), ((Set::Valid, 2), (Set::Test, 4))]
            .into_iter()
            .enumerate()
    {
        // Within one recording, so that both are scaled alike; the constant factor does not hide it.
        let mut cohort = clean.clone();
        copy(&mut cohort, &data, from, to, 0.8);
        let audit = dataset(&cohort, &SplitSpec::default()).full_audit(&AuditSpec::default(), 1).unwrap();
        let n = [
            audit.near_duplicates.n_train_test,
            audit.near_duplicates.n_train_valid,
            audit.near_duplicates.n_valid_test,
        ];
        let mut expected = [0; 3];
        expected[i] = 1;
        assert_eq!(n, expected);
        assert!(!audit.is_clean());
        assert!(audit.findings()[0].contains("is a recording there twice?"), "{:?}", audit.findings());
    }
}

#[test]
fn a_recording_that_is_there_twice_is_found_where_subjects_are_held_out() {
    let mut cohort = plan().cohort();
    let (data, events) = (cohort.recordings[0].data.clone(), cohort.recordings[0].events.clone());
    (cohort.recordings[2].data, cohort.recordings[2].events) = (data, events);
    let spec =
        SplitSpec { method: SplitMethod::Subjects, test_subjects: vec!["sub-01".to_owned()], ..SplitSpec::default() };
    let audit = dataset(&cohort, &spec).full_audit(&AuditSpec::default(), 2).unwrap();
    // The copies are scaled by other epochs' medians; most of the recording's epochs are found again all the same.
    assert!(audit.near_duplicates.n_pairs() > 30, "{:?}", audit.near_duplicates);
    assert_eq!(audit.split.held_out, ["sub-01"]);
    assert_eq!(audit.split.n_recordings_in_test_and_other, 0);
    let sets: Vec<&str> = audit.scalers.iter().map(|s| s.set.as_str()).collect();
    assert_eq!(sets, ["training", "training", "calibration", "calibration"]);
}

#[test]
fn the_threshold_decides() {
    let clean = plan().cohort();
    let data = dataset(&clean, &SplitSpec::default());
    let mut cohort = clean;
    copy(&mut cohort, &data, (Set::Train, 3), (Set::Test, 2), 1.0);
    let data = dataset(&cohort, &SplitSpec::default());
    let n = |above| {
        let spec = AuditSpec { duplicates_above: above, ..AuditSpec::default() };
        data.full_audit(&spec, 1).map(|audit| audit.near_duplicates.n_pairs())
    };
    assert_eq!(n(0.999).unwrap(), 1);
    assert_eq!(n(1.0).unwrap(), 0, "switched off");
    assert!(n(0.2).unwrap_err().to_string().contains("audit.duplicates_above"));
    assert!(n(f64::NAN).is_err());
}

#[test]
fn data_that_are_all_alike_end_the_search_early() {
    let mut cohort = Plan { soa: 20, n_times: 40_000, n_subjects: 1, n_recordings: 1, ..Plan::default() }.cohort();
    // Epochs around events that are whole periods apart are all the same.
    cohort.recordings[0].events.onset = (0..1200).map(|i| 1.0 + 0.32 * f64::from(i)).collect();
    cohort.recordings[0].events.duration = vec![0.0; 1200];
    cohort.recordings[0].events.columns.clear();
    edit(&mut cohort, 0, |data| {
        for (i, value) in data.iter_mut().enumerate() {
            *value = ((i % 40_000 % 32) as f32 * 0.7 + (i / 40_000) as f32).sin();
        }
    });
    let audit = dataset(&cohort, &SplitSpec::default()).full_audit(&AuditSpec::default(), 1).unwrap();
    assert!(!audit.near_duplicates.complete && audit.near_duplicates.n_pairs() >= 10_000);
    assert!(audit.findings()[0].starts_with("at least "));
}

#[test]
fn stimuli_on_both_sides_are_counted_for_each_and_for_all() {
    let mut cohort = plan().cohort();
    // Sentence i of a recording is unique to it, but every subject's last sentence is another's first.
    with_column(&mut cohort, "stim_file", |r, i| format!("{r}-{i}.wav"));
    let audit = |cohort: &Cohort, split: &SplitSpec, spec: &AuditSpec| {
        dataset(cohort, split).full_audit(spec, 1).unwrap().stimuli
    };
    let none = audit(&cohort, &SplitSpec::default(), &AuditSpec::default());
    assert_eq!((none.columns.as_slice(), none.n_on_both_sides), (&["stim_file".to_owned()][..], 0));
    let data = dataset(&cohort, &SplitSpec::default());
    let (mine, other) = (data.subject_epochs(Set::Train, 0)[4], data.subject_epochs(Set::Test, 1)[3]);
    let texts = |cohort: &mut Cohort, r: usize, e: usize, text: &str| {
        cohort.recordings[r].events.columns.get_mut("stim_file").unwrap()[e] = text.to_owned();
    };
    texts(&mut cohort, mine.recording, mine.event, "planted");
    texts(&mut cohort, other.recording, other.event, "planted");
    let across = audit(&cohort, &SplitSpec::default(), &AuditSpec::default());
    assert_eq!((across.n_on_both_sides, across.n_test_epochs_seen), (1, 1));
    assert_eq!(across.examples, ["planted"]);
    assert!(across.subjects.iter().all(|s| s.n_on_both_sides == 0), "no one saw it twice");
    let own = data.subject_epochs(Set::Test, 0)[0];
    texts(&mut cohort, own.recording, own.event, "planted");
    let within = audit(&cohort, &SplitSpec::default(), &AuditSpec::default());
    assert_eq!(within.subjects.iter().map(|s| s.n_on_both_sides).collect::<Vec<_>>(), [1, 0]);
    // Split by the stimulus, nothing is on both sides.
    let by = vec!["stim_file".to_owned()];
    let split = SplitSpec { method: SplitMethod::Stimulus, by, ..SplitSpec::default() };
    let disjoint = audit(&cohort, &split, &AuditSpec::default());
    assert_eq!((disjoint.n_on_both_sides, disjoint.n_in_train_and_valid), (0, 0));
    assert_eq!(disjoint.note, "the columns of split.by");
    // A column that the user names goes first.
    let named = AuditSpec { stimulus: vec!["trial_type".to_owned()], ..AuditSpec::default() };
    let kinds = audit(&cohort, &split, &named);
    assert_eq!((kinds.n_stimuli, kinds.n_on_both_sides), (2, 2));
    let wrong = AuditSpec { stimulus: vec!["stim_fil".to_owned()], ..AuditSpec::default() };
    let text = dataset(&cohort, &split).full_audit(&wrong, 1).unwrap_err().to_string();
    assert!(text.contains("audit.stimulus") && text.contains("did you mean `stim_file`?"), "{text}");
}

#[test]
fn the_filters_reach_is_counted_and_a_gap_as_long_leaves_nothing_within_it() {
    let plan = Plan { soa: 40, n_times: 12_000, ..Plan::default() };
    // A response of 0.8 s whose outermost samples hold a hundredth of the energy.
    let mut taps = vec![0.0; 81];
    (taps[0], taps[40], taps[80]) = (0.1, 1.0, 0.1);
    let response = ImpulseResponse { taps, origin: 40, sfreq: 100.0 };
    let audit = |gap: Option<f64>| {
        let data = dataset(&plan.cohort(), &SplitSpec { gap, ..SplitSpec::default() });
        let mut audit = data.full_audit(&AuditSpec::default(), 1).unwrap();
        let reach = data.reach_audit(|_| &response);
        audit.reach = Some(reach.clone());
        (reach, audit)
    };
    let (open, audit_open) = audit(None);
    assert!((open.reach - 0.8).abs() < 1e-12 && (open.whole - 0.8).abs() < 1e-12);
    assert!(open.n_train_within_valid >= 4 && open.n_valid_within_test >= 4, "{open:?}");
    assert!((open.crossing - 0.01 / 1.02).abs() < 1e-9, "{open:?}");
    assert!(audit_open.is_clean(), "no sample is shared");
    assert!(audit_open.findings()[0].contains("within the filters' reach"), "{:?}", audit_open.findings());
    let (closed, audit_closed) = audit(Some(open.reach));
    assert_eq!((closed.n_pairs(), closed.crossing), (0, 0.0));
    assert!(audit_closed.findings().is_empty());
    let n = |audit: &dre::data::Audit| (audit.split.n_border, audit.samples.n_test);
    assert!(n(&audit_closed).0 > n(&audit_open).0, "epochs at borders are dropped");
    assert_eq!(n(&audit_closed).1, n(&audit_open).1, "but none of the test set");
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let data = dataset(&plan().cohort(), &SplitSpec::default());
    let audit = |n| data.full_audit(&AuditSpec { duplicates_above: 0.6, ..AuditSpec::default() }, n).unwrap();
    assert_eq!(audit(1), audit(3));
}

#[test]
fn features_without_a_value_are_the_mean_of_training_epochs() {
    let mut cohort = plan().cohort();
    let data = dataset(&cohort, &SplitSpec::default());
    let train: Vec<_> = data.epochs(Set::Train).iter().map(|e| (e.recording, e.start)).collect();
    // A feature that is NaN everywhere but in three samples of each epoch, where it is 1, 2 or 6.
    for (r, recording) in cohort.recordings.iter_mut().enumerate() {
        let mut features = (*recording.features).as_ref().to_vec();
        let row = &mut features[recording.n_times..];
        row.fill(f32::NAN);
        for &(_, start) in train.iter().filter(|(recording, _)| *recording == r) {
            for (i, value) in [1.0, 2.0, 6.0].into_iter().enumerate() {
                row[start + 5 * i] = value;
            }
        }
        recording.features = Arc::new(features);
    }
    let data = dataset(&cohort, &SplitSpec::default());
    // Epochs may overlap, so only what follows from the definition is asked.
    let mut batch = dre::data::Batch::default();
    data.draw(data.epochs(Set::Train), &mut batch);
    let values: Vec<f64> = batch.features.index_axis(ndarray::Axis(1), 1).iter().map(|&v| f64::from(v)).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
    assert!(mean.abs() < 1e-6 && (variance - 1.0).abs() < 1e-5, "mean {mean}, variance {variance}");
    let n_zero = values.iter().filter(|v| **v == 0.0).count();
    assert!(n_zero > values.len() / 2, "no value is the mean");
}
