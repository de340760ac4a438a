//! Responses by brain state: what was planted is found, by models that know it and not by those that do not.
#![allow(missing_docs)]

mod common;

use std::f64::consts::TAU;
use std::ops::ControlFlow;
use std::sync::Arc;

use common::{Plan, epoch_spec, lenient};
use dre::data::{Batch, Dataset, Set, Signals};
use dre::model::{Inputs, Predictor};
use dre::state::{BinSpec, By, States, analyse};
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

/// 10 Hz at 100 Hz, strong or weak from one event to the next, ending with the event so that the response is not alpha.
fn dataset() -> Dataset {
    let mut cohort =
        Plan { n_subjects: 3, n_recordings: 1, n_channels: N_CHANNELS, n_times: 12_000, soa: 120, ..Plan::default() }
            .cohort();
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for recording in &mut cohort.recordings {
        let n = recording.n_times;
        let mut data: Vec<f32> = (0..N_CHANNELS * n).map(|_| rng.random_range(-2e-6..2e-6)).collect();
        for &onset in &recording.events.onset {
            let event = (onset * 100.0).round() as usize;
            let (strength, start) = (rng.random_range(0.1..1.0), rng.random_range(0.0..TAU));
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
                    let bump = (-0.5 * ((t as f64 - PEAK as f64) / 6.0).powi(2)).exp();
                    add(event + t, RESPONSE[channel] * strength * bump);
                    // What comes after follows the phase.
                    add(event + t, ALPHA[channel] * (start + TAU * 10.0 * t as f64 / 100.0).cos());
                }
            }
        }
        recording.data = Signals::of_rows(&data, N_CHANNELS);
    }
    let (split, cleaning) = lenient();
    Dataset::new(Arc::new(cohort), &epoch_spec(-0.5, 0.4), &split, &cleaning, 1).unwrap()
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

/// First sample that counts.
const SCORE_FROM: usize = 50;

const SPEC: BinSpec = BinSpec {
    band: [8.0, 13.0],
    window: 0..50,
    channels: Vec::new(),
    n_bins: 4,
    set: Set::Train,
    min_epochs: 1,
    batch_size: 7,
};

fn states(set: &Dataset, models: &[&dyn Predictor], spec: &BinSpec) -> [States; 2] {
    analyse(set, models, spec, &mut || ControlFlow::Continue(())).unwrap().expect("nobody stops it")
}

#[test]
fn a_response_that_follows_power_is_found_where_it_is() {
    let set = dataset();
    let [power, _] = states(&set, &[&Oracle, &Blind], &SPEC);
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
    let [oracle, blind] = [0, 1].map(|model| power.captured(model, SCORE_FROM));
    for (oracle, blind) in oracle.iter().zip(&blind) {
        assert!((oracle.r - 1.0).abs() < 1e-6 && (oracle.map[[2, 50 + PEAK]] - 1.0).abs() < 1e-6);
        assert!(blind.r.abs() < 1e-6 && blind.map.iter().all(|r| r.abs() < 1e-6));
        assert_eq!(blind.r_over_time.len(), set.n_times());
    }
}

#[test]
fn what_follows_phase_is_found_where_it_is() {
    let set = dataset();
    let [_, phase] = states(&set, &[&Oracle], &SPEC);
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
    let [of_all, _] = states(&set, &[], &SPEC);
    let [of_none, _] = states(&set, &[], &BinSpec { channels: vec![3], ..SPEC });
    let size = |found: &States| found.truth().slice(s![.., 2, 50 + PEAK]).iter().sum::<f64>() / 3.0;
    assert!(size(&of_none).abs() < 0.25 * size(&of_all), "{} of {}", size(&of_none), size(&of_all));
}

#[test]
fn impossible_requests_are_refused_and_subjects_with_few_epochs_left_out() {
    let set = dataset();
    let go_on = &mut || ControlFlow::Continue(());
    let mut text = |spec: &BinSpec| analyse(&set, &[], spec, go_on).unwrap_err().to_string();
    assert!(text(&BinSpec { n_bins: 2, ..SPEC }).contains("n_bins = 2, expected 3 or above"));
    assert!(text(&BinSpec { window: 0..500, ..SPEC }).contains("samples of the epoch, which has 91"));
    let [power, _] = states(&set, &[], &BinSpec { n_bins: 12, min_epochs: 1000, ..SPEC });
    assert_eq!((power.subjects.len(), power.left_out.len()), (0, 3));
    let reason = &power.left_out[0].1;
    assert!(
        reason.starts_with("the smallest of 12 bins of power has ") && reason.contains("fewer than 1000"),
        "{reason}"
    );
    assert!(
        analyse(&set, &[], &SPEC, &mut || ControlFlow::Break(())).unwrap().is_none(),
        "it stops where it is asked to"
    );
}
