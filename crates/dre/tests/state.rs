//! Responses by brain state: what was planted is found, by models that know it and not by those that do not.
#![allow(missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::ops::ControlFlow;
use std::sync::Arc;

use common::{Plan, epoch_spec, lenient};
use dre::data::{BadSegments, Batch, Cohort, Dataset, EpochSpec, Gaps, Lack, Set, Signals};
use dre::model::{Inputs, Predictor};
use dre::state::{BinSpec, By, Captured, StateSummarySpec, States, analyse, summarise};
use dre::stats::PermutationSpec;
use ndarray::{Array3, Axis, s};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const N_CHANNELS: usize = 5;
/// Response of each channel (µV), at its peak, to an event after strong alpha; after weak alpha there is none.
const RESPONSE: [f64; N_CHANNELS] = [0.0, 0.0, 40.0, -20.0, 0.0];
/// Alpha of each channel (µV).
const ALPHA: [f64; N_CHANNELS] = [10.0, -6.0, 0.0, 0.0, 3.0];
/// The response's peak (samples after the event).
const PEAK: usize = 25;

/// What sizes of responses follow.
#[derive(Clone, Copy, PartialEq)]
enum Sizes {
    /// The strength of alpha before them.
    State,
    /// Feature `b` at the event, which alpha knows nothing of.
    Stimulus,
    /// Their sum.
    Both,
}

/// 10 Hz at 100 Hz, strong or weak from one event to the next, ending with the event so that the response is not alpha.
fn dataset() -> Dataset {
    of_cohort(cohort(3, Sizes::State))
}

fn of_cohort(cohort: Cohort) -> Dataset {
    let (split, cleaning) = lenient();
    Dataset::new(Arc::new(cohort), &epoch_spec(-0.5, 0.4), &split, &cleaning, 1).unwrap()
}

fn cohort(n_subjects: usize, sizes: Sizes) -> Cohort {
    let mut cohort =
        Plan { n_subjects, n_recordings: 1, n_channels: N_CHANNELS, n_times: 12_000, soa: 120, ..Plan::default() }
            .cohort();
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for recording in &mut cohort.recordings {
        let n = recording.n_times;
        let mut data: Vec<f32> = (0..N_CHANNELS * n).map(|_| rng.random_range(-2e-6..2e-6)).collect();
        let mut features = vec![0.0; 2 * n];
        for &onset in &recording.events.onset {
            let event = (onset * 100.0).round() as usize;
            let (strength, start) = (rng.random_range(0.1..1.0), rng.random_range(0.0..TAU));
            let shown: f64 = rng.random_range(0.1..1.0);
            features[n + event] = shown as f32;
            let size = match sizes {
                Sizes::State => strength,
                Sizes::Stimulus => shown,
                Sizes::Both => strength + shown,
            };
            for channel in 0..N_CHANNELS {
                let mut add = |t: usize, value: f64| {
                    if t < n {
                        data[channel * n + t] += (value * 1e-6) as f32;
                    }
                };
                for t in event.saturating_sub(50)..event {
                    let angle = TAU * 10.0 * (t as f64 - event as f64) / 100.0 + start;
                    add(t, ALPHA[channel] * strength * angle.cos());
                }
                for t in 0..50 {
                    add(event + t, RESPONSE[channel] * size * bump(t));
                    // What comes after follows the phase.
                    add(event + t, ALPHA[channel] * (start + TAU * 10.0 * t as f64 / 100.0).cos());
                }
            }
        }
        (recording.data, recording.features) = (Signals::of_rows(&data, N_CHANNELS), Arc::new(features));
    }
    cohort
}

/// Course of a response, `t` samples after its event.
fn bump(t: usize) -> f64 {
    (-0.5 * ((t as f64 - PEAK as f64) / 6.0).powi(2)).exp()
}

/// Predicts what is there.
struct Oracle;

impl Predictor for Oracle {
    fn predict(&self, batch: &Batch) -> dre::Result<Array3<f32>> {
        Ok(batch.data.clone())
    }

    fn inputs(&self) -> Inputs {
        Inputs::FEATURES
    }
}

/// Predicts the same response to every event.
struct Blind;

impl Predictor for Blind {
    fn predict(&self, batch: &Batch) -> dre::Result<Array3<f32>> {
        let mut same = Array3::zeros(batch.data.dim());
        same.axis_iter_mut(Axis(2)).enumerate().for_each(|(t, mut at)| at.fill((t as f32 / 9.0).sin()));
        Ok(same)
    }

    fn inputs(&self) -> Inputs {
        Inputs::FEATURES
    }
}

/// Predicts the response's course with a size that is told of each epoch.
struct Sized(fn(&Batch, usize) -> f64);

impl Predictor for Sized {
    fn predict(&self, batch: &Batch) -> dre::Result<Array3<f32>> {
        let (_, _, n_times) = batch.data.dim();
        let sizes: Vec<f64> = (0..batch.n_epochs()).map(|epoch| (self.0)(batch, epoch)).collect();
        let at = |(epoch, channel, t): (usize, usize, usize)| {
            if t < EVENT { 0.0 } else { (RESPONSE[channel] * sizes[epoch] * bump(t - EVENT)) as f32 }
        };
        Ok(Array3::from_shape_fn((sizes.len(), N_CHANNELS, n_times), at))
    }

    fn inputs(&self) -> Inputs {
        Inputs::FEATURES
    }
}

/// By what is presented.
const STIMULUS: Sized = Sized(|batch, epoch| f64::from(batch.features[[epoch, 1, EVENT]]));
/// By the data before the event.
const PAST: Sized = Sized(|batch, epoch| {
    batch.data.slice(s![epoch, 0, ..EVENT]).iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt()
});

/// The event's sample in an epoch, the first that counts.
const EVENT: usize = 50;

const SPEC: BinSpec = BinSpec {
    band: [8.0, 13.0],
    window: 0..50,
    channels: Vec::new(),
    n_bins: 4,
    set: Set::Train,
    min_epochs: 1,
    score_from: EVENT,
    batch_size: 7,
    n_threads: 1,
};

fn states(set: &Dataset, models: &[&dyn Predictor], by: By, spec: &BinSpec) -> States {
    analyse(set, models, by, spec, &mut || ControlFlow::Continue(())).unwrap().expect("nobody stops it")
}

#[test]
fn a_response_that_follows_power_is_found_where_it_is() {
    let set = dataset();
    let power = states(&set, &[&Oracle, &Blind], By::Power, &SPEC);
    assert_eq!((power.by, power.subjects.len()), (By::Power, 3));
    let truth = power.truth();
    for subject in 0..3 {
        let bins = &power.subjects[subject].bins;
        assert!(bins.windows(2).all(|pair| pair[0].value < pair[1].value));
        let most = bins.iter().map(|bin| bin.n_epochs).max().unwrap();
        assert!(bins.iter().all(|bin| most - bin.n_epochs <= 1), "quantiles are equal in number");
        // Largest on channel 2 at its peak, with the other sign on channel 3, half as large in µV.
        let at = |channel: usize, t: usize| truth[[subject, channel, t]];
        let peak = (50..90).max_by(|&a, &b| at(2, a).total_cmp(&at(2, b))).unwrap();
        assert!(peak.abs_diff(50 + PEAK) <= 3, "{peak}");
        assert!(at(3, 50 + PEAK) < 0.0);
    }
    for subject in &power.subjects {
        let [oracle, blind] = &subject.captured[..] else { panic!("two models") };
        assert!((oracle.r - 1.0).abs() < 1e-5 && (oracle.map[[2, 50 + PEAK]] - 1.0).abs() < 1e-5);
        assert!(blind.r.abs() < 1e-6 && blind.map.iter().all(|r| r.abs() < 1e-6));
        assert!(blind.crossed.abs() < 1e-6 && blind.crossed_map.iter().all(|r| r.abs() < 1e-6));
        // The response repeats from half to half.
        assert!(oracle.crossed > 0.5 && oracle.crossed < 1.0, "{}", oracle.crossed);
        assert!(oracle.crossed_map[[2, 50 + PEAK]] > 0.5, "{}", oracle.crossed_map[[2, 50 + PEAK]]);
        assert_eq!(blind.r_over_time.len(), set.n_times());
        let expected = (10.0f32 / 9.0).sin();
        assert!(subject.bins.iter().all(|bin| (bin.predicted[1][[0, 10]] - expected).abs() < 1e-6));
    }
}

/// Mean over subjects.
fn mean(found: &States, model: usize, of: impl Fn(&Captured) -> f64) -> f64 {
    found.subjects.iter().map(|subject| of(&subject.captured[model])).sum::<f64>() / found.subjects.len() as f64
}

#[test]
fn a_model_of_the_stimulus_follows_bins_by_chance_and_not_across_halves() {
    let power = states(&of_cohort(cohort(36, Sizes::Stimulus)), &[&STIMULUS, &PAST], By::Power, &SPEC);
    // Bins differ in their stimuli, and the model knows these.
    assert!(mean(&power, 0, |one| one.r) > 0.4, "{}", mean(&power, 0, |one| one.r));
    let at_peak = |one: &Captured| f64::from(one.map[[2, EVENT + PEAK]]);
    assert!(mean(&power, 0, at_peak) > 0.5, "{}", mean(&power, 0, at_peak));
    // A response that does not follow the state leaves nothing to follow, also for a model that knows the past. Of responses
    // that differ in size alone r across halves is the sine of a chance angle: a mean of 36 has a standard deviation of 0.12.
    for model in 0..2 {
        let found = mean(&power, model, |one| one.crossed);
        assert!(found.abs() < 0.35, "{model}: {found}");
        let over_time = mean(&power, model, |one| one.crossed_over_time[EVENT + PEAK]);
        let across_bins = mean(&power, model, |one| f64::from(one.crossed_map[[2, EVENT + PEAK]]));
        assert!(over_time.abs() < 0.35 && across_bins.abs() < 0.35, "{model}: {over_time} and {across_bins}");
    }
}

#[test]
fn a_model_that_knows_the_past_follows_across_halves_where_responses_follow_the_state() {
    let power = states(&of_cohort(cohort(3, Sizes::State)), &[&PAST], By::Power, &SPEC);
    for subject in &power.subjects {
        let past = &subject.captured[0];
        assert!(past.crossed > 0.5 && past.crossed_over_time[EVENT + PEAK] > 0.5, "{}", past.crossed);
        assert!(past.crossed_map[[2, EVENT + PEAK]] > 0.5, "{}", past.crossed_map[[2, EVENT + PEAK]]);
    }
}

#[test]
fn a_state_that_a_model_does_not_know_takes_nothing_from_it() {
    let power = states(&of_cohort(cohort(36, Sizes::Both)), &[&STIMULUS, &PAST, &Oracle], By::Power, &SPEC);
    let [stimulus, past, oracle] = [0, 1, 2].map(|model| mean(&power, model, |one| one.crossed));
    assert!(stimulus.abs() < 0.35, "{stimulus}");
    assert!(past > 0.5 && oracle > 0.5, "{past} and {oracle}");
    for model in 1..3 {
        assert!(power.subjects.iter().all(|subject| subject.captured[model].crossed > 0.0));
    }
}

#[test]
fn neither_threads_nor_other_models_change_a_bit() {
    let set = dataset();
    for by in [By::Power, By::Phase] {
        let one = states(&set, &[&PAST], by, &SPEC);
        assert!(states(&set, &[&PAST], by, &BinSpec { n_threads: 3, ..SPEC }) == one, "threads change no bit");
        let beside = states(&set, &[&Oracle, &PAST], by, &SPEC);
        assert!(beside.subjects.iter().zip(&one.subjects).all(|(a, b)| a.captured[1] == b.captured[0]));
    }
}

#[test]
fn epochs_that_overlap_are_in_one_half_only() {
    // Events every 120 samples: epochs of 91 samples share none, those of 181 do at the borders of blocks.
    for (tmax, n_lost) in [(0.4, 0), (1.3, 7)] {
        let (split, cleaning) = lenient();
        let spec = epoch_spec(-0.5, tmax);
        let set = Dataset::new(Arc::new(cohort(1, Sizes::State)), &spec, &split, &cleaning, 1).unwrap();
        let found = states(&set, &[], By::Power, &SPEC);
        let bins = &found.subjects[0].bins;
        let (all, kept) = (
            bins.iter().map(|bin| bin.n_epochs).sum::<usize>(),
            bins.iter().map(|bin| bin.n_halves[0] + bin.n_halves[1]).sum::<usize>(),
        );
        assert_eq!((all, all - kept), (set.subject_epochs(Set::Train, 0).len(), n_lost));
    }
}

#[test]
fn a_bin_that_is_empty_in_a_half_is_named() {
    // One epoch in each bin: either half lacks half of the bins.
    let set = dataset();
    let n_bins = set.subject_epochs(Set::Train, 0).len();
    let spec = BinSpec { n_bins, ..SPEC };
    let found = states(&set, &[&PAST], By::Power, &spec);
    assert!(found.subjects.iter().all(|subject| subject.captured[0].crossed.is_nan()));
    assert!(found.subjects.iter().all(|subject| subject.captured[0].r.is_finite()));
    let summary = StateSummarySpec { bins: spec, flips: PermutationSpec::default(), reference: None };
    let result = summarise(&set, &["past"], &found, &summary).unwrap();
    assert!(result.models["past"].crossed.is_nan() && result.models["past"].r.is_finite());
    let labels: Vec<&str> = found.subjects.iter().map(|subject| subject.subject.as_str()).collect();
    let note = format!("no r across halves where a bin has no epoch in one half: {}; use", labels.join(", "));
    assert!(result.notes.iter().any(|one| one.starts_with(&note)), "{:?}", result.notes);
}

/// What was measured and one more; something else where nothing was.
struct OneMore;

impl Predictor for OneMore {
    fn predict(&self, batch: &Batch) -> dre::Result<Array3<f32>> {
        let mut out = batch.data.mapv(|v| v + 1.0);
        if let Some(measured) = &batch.measured {
            out.iter_mut().zip(measured).filter(|(_, is)| !**is).for_each(|(v, _)| *v = 55.0);
        }
        Ok(out)
    }

    fn inputs(&self) -> Inputs {
        Inputs::FEATURES
    }
}

#[test]
fn only_what_was_measured_counts() {
    let mut with_gaps = cohort(2, Sizes::State);
    // One subject lacks the last channel and, after half of its recording, pieces of all.
    let segments = (0..20).map(|i| 4000 + 200 * i..4003 + 200 * i).collect();
    with_gaps.recordings[0].gaps = Gaps::new(BTreeMap::from([(4, Lack::Absent)]), segments);
    let spec = EpochSpec { bad_segments: BadSegments::Mask, ..epoch_spec(-0.5, 0.4) };
    let (split, cleaning) = lenient();
    let set = Dataset::new(Arc::new(with_gaps), &spec, &split, &cleaning, 1).unwrap();
    let found = states(&set, &[&OneMore], By::Power, &SPEC);
    let [first, second] = &found.subjects[..] else { panic!("{:?}", found.left_out) };
    for (subject, n_channels) in [(first, 4), (second, 5)] {
        for bin in &subject.bins {
            for ((at, truth), predicted) in bin.truth.indexed_iter().zip(&bin.predicted[0]) {
                if at.0 < n_channels {
                    assert!((predicted - truth - 1.0).abs() < 1e-4, "{at:?}: {predicted} and {truth}");
                } else {
                    assert!(predicted.is_nan() && truth.is_nan(), "{at:?}");
                }
            }
        }
        let captured = &subject.captured[0];
        assert!((captured.r - 1.0).abs() < 1e-4 && captured.crossed > 0.0 && captured.crossed < 1.0, "{captured:?}");
        assert!((0..5).all(|channel| captured.map[[channel, 60]].is_nan() == (channel >= n_channels)));
    }
}

#[test]
fn phases_are_told_of_a_channel_that_subjects_share() {
    // The first channel has most of the rhythm, and one subject lacks it.
    let mut lacking = cohort(3, Sizes::State);
    let without =
        |channels: &[usize]| Gaps::new(channels.iter().map(|&channel| (channel, Lack::Absent)).collect(), Vec::new());
    lacking.recordings[1].gaps = without(&[0]);
    let phase = states(&of_cohort(lacking.clone()), &[], By::Phase, &SPEC);
    assert_eq!(phase.subjects.len(), 3, "{:?}", phase.left_out);
    let truth = phase.truth();
    let at_event = |subject: usize, channel: usize| truth[[subject, channel, EVENT]] / ALPHA[channel];
    let signs: Vec<bool> = (0..3).map(|subject| at_event(subject, 1) > 0.0).collect();
    assert!(signs.iter().all(|sign| *sign == signs[0]), "phase 0 is the same for all: {truth}");
    // No channel is in all: the one that most have, and the subject without it is named.
    lacking.recordings[0].gaps = without(&[1, 4, 2]);
    lacking.recordings[2].gaps = without(&[3]);
    lacking.recordings[1].gaps = without(&[0, 2, 3]);
    let phase = states(&of_cohort(lacking), &[], By::Phase, &BinSpec { channels: vec![0, 1, 4], ..SPEC });
    assert_eq!((phase.subjects.len(), phase.left_out.len()), (2, 1));
    assert!(phase.left_out[0].1.contains("phases are told relative to channel C0, which was never measured"));
}

#[test]
fn what_follows_phase_is_found_where_it_is() {
    let set = dataset();
    let phase = states(&set, &[&Oracle], By::Phase, &SPEC);
    let truth = phase.truth();
    for subject in 0..3 {
        assert!((phase.subjects[subject].frequency - 10.0).abs() <= 0.25);
        let recording = set.subject_epochs(Set::Train, subject)[0].recording;
        let (_, scaler) = set.scalers().find(|&(i, _)| i == recording).unwrap();
        let at = |channel: usize, t: usize| truth[[subject, channel, t]] * scaler.scale[channel] * 1e6;
        // Epochs around phase 0 less those around π, at the event: twice the cosine's mean over a quarter of the circle.
        let expected = 2.0 * (2.0 * 2f64.sqrt() / std::f64::consts::PI);
        for channel in [0, 1, 4] {
            let found = at(channel, 50) / ALPHA[channel];
            assert!((found - expected).abs() < 0.35, "subject {subject}, channel {channel}: {found} for {expected}");
        }
        assert!(at(0, 55) < -10.0, "half a cycle later it is the other way round: {}", at(0, 55));
    }
}

#[test]
fn only_the_named_channels_tell_the_state() {
    let set = dataset();
    // Channel 3 has no alpha: what it tells apart is chance, and the response on channel 2 does not follow.
    let of_all = states(&set, &[], By::Power, &SPEC);
    let of_none = states(&set, &[], By::Power, &BinSpec { channels: vec![3], ..SPEC });
    let size = |found: &States| found.truth().slice(s![.., 2, 50 + PEAK]).iter().sum::<f64>() / 3.0;
    assert!(size(&of_none).abs() < 0.25 * size(&of_all), "{} of {}", size(&of_none), size(&of_all));
}

#[test]
fn impossible_requests_are_refused_and_subjects_with_few_epochs_left_out() {
    let set = dataset();
    let go_on = &mut || ControlFlow::Continue(());
    let mut text = |spec: &BinSpec| analyse(&set, &[], By::Power, spec, go_on).unwrap_err().to_string();
    assert!(text(&BinSpec { n_bins: 2, ..SPEC }).contains("n_bins = 2, expected 3 or above"));
    assert!(text(&BinSpec { window: 0..500, ..SPEC }).contains("samples of the epoch, which has 91"));
    let power = states(&set, &[], By::Power, &BinSpec { n_bins: 12, min_epochs: 1000, ..SPEC });
    assert_eq!((power.subjects.len(), power.left_out.len()), (0, 3));
    let reason = &power.left_out[0].1;
    assert!(
        reason.starts_with("the smallest of 12 bins of power has ") && reason.contains("fewer than 1000"),
        "{reason}"
    );
    assert!(
        analyse(&set, &[], By::Power, &SPEC, &mut || ControlFlow::Break(())).unwrap().is_none(),
        "it stops where it is asked to"
    );
}
