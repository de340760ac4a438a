//! Causal filters: against MNE-Python and SciPy (`golden/mne/causal-*` and the committed `fixtures/causal.safetensors`), and that
//! nothing comes before its cause.

#![allow(clippy::print_stderr, reason = "errors found and skipped cases are worth reading in the test's log")]
#![allow(missing_docs)]

mod common;

use std::path::Path;

use common::{Golden, golden_dir};
use dre::signal::{
    ChannelScratch, FirFilter, IirFilter, ImpulseResponse, Method, Phase, Polyphase, Preparation, PrepareSpec, Resample,
};
use ndarray::{Ix1, Ix2};
use proptest::prelude::*;
use serde_json::Value;

/// ‖found − expected‖ / ‖expected‖
fn relative_error<'a>(found: impl IntoIterator<Item = f64>, expected: impl IntoIterator<Item = &'a f64>) -> f64 {
    let (mut difference, mut norm, mut expected) = (0.0, 0.0, expected.into_iter());
    for found in found {
        let expected = expected.next().expect("as many values");
        difference += (found - expected).powi(2);
        norm += expected.powi(2);
    }
    assert!(expected.next().is_none(), "as many values");
    (difference / norm).sqrt()
}

fn phase(text: &str) -> Phase {
    serde_json::from_value(Value::from(text)).unwrap()
}

/// White noise of variance 1/3.
fn noise(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..n).map(|_| draw()).collect()
}

/// A channel prepared on one thread; its amplifier stopped all that decimation could fold.
fn prepared(spec: &PrepareSpec, sfreq: f64, x: &[f64]) -> Vec<f32> {
    let preparation = Preparation::new(spec, sfreq, x.len(), Some(1.0)).unwrap();
    let mut out = vec![0.0; preparation.n_times()];
    preparation.apply(x, &mut out, 1).unwrap();
    out
}

#[test]
fn minimum_phase_filters_of_a_real_recording_agree_with_mne() {
    let Some(folder) = golden_dir() else { return };
    let golden = Golden::read(&folder.join("causal-sub-01_ses-01_task-p300_run-01_eeg.vhdr.safetensors"));
    let sfreq = golden.meta["sfreq"].as_f64().unwrap();
    let raw = golden.get::<Ix2>("raw");
    for name in ["minimum", "minimum-half"] {
        for (band, l_freq, h_freq) in
            [("1_30", Some(1.0), Some(30.0)), ("hp1", Some(1.0), None), ("lp30", None, Some(30.0))]
        {
            let filter = FirFilter::band(sfreq, l_freq, h_freq).unwrap().with_phase(phase(name)).unwrap();
            let kernel = golden.get::<Ix1>(&format!("kernel_{name}_{band}"));
            let plan = filter.plan(1);
            let found = raw.rows().into_iter().flat_map(|row| plan.filter(row.to_slice().unwrap()));
            let errors = [
                relative_error(filter.taps().iter().copied(), &kernel),
                relative_error(found, &golden.get::<Ix2>(&format!("{name}_{band}"))),
            ];
            eprintln!("{filter}: {:.1e} {:.1e}", errors[0], errors[1]);
            assert!(errors.iter().all(|error| *error <= 1e-6), "{name} {band}: relative errors {errors:?}");
        }
    }
}

#[test]
fn minimum_phase_filters_of_a_made_up_signal_agree_with_mne_and_butterworth_filters_with_scipy() {
    let golden = Golden::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/causal.safetensors"));
    let raw = golden.get::<Ix1>("raw").to_vec();
    for kind in ["fir", "iir"] {
        let cases = golden.meta[kind].as_object().unwrap();
        assert!(cases.len() >= 6);
        for (name, case) in cases {
            let number = |key: &str| case[key].as_f64();
            let (sfreq, l_freq, h_freq) = (number("sfreq").unwrap(), number("l_freq"), number("h_freq"));
            let n_times = case["n_times"].as_u64().map_or(raw.len(), |n| n as usize);
            let notches: Option<Vec<f64>> =
                case["notch_freqs"].as_array().map(|list| list.iter().map(|freq| freq.as_f64().unwrap()).collect());
            let found = if kind == "fir" {
                let filter = match &notches {
                    Some(freqs) => FirFilter::notch(sfreq, freqs),
                    None => FirFilter::band(sfreq, l_freq, h_freq),
                };
                let filter = filter.unwrap().with_phase(phase(case["phase"].as_str().unwrap())).unwrap();
                filter.plan(1).filter(&raw[..n_times])
            } else {
                let order = case["order"].as_u64().unwrap() as usize;
                let filter = match &notches {
                    Some(freqs) => IirFilter::notch(sfreq, freqs, order),
                    None => IirFilter::band(sfreq, l_freq, h_freq, order),
                };
                filter.unwrap().filter(&raw)
            };
            let error = relative_error(found, &golden.get::<Ix1>(name));
            eprintln!("{name}: {error:.1e}");
            assert!(error <= 1e-7, "{name}: relative error {error:e}");
        }
    }
}

fn spec(phase: Option<Phase>, method: Method) -> PrepareSpec {
    PrepareSpec { l_freq: Some(1.0), h_freq: Some(30.0), phase, method, ..PrepareSpec::default() }
}

/// Every kind of causal chain.
fn causal_chains() -> Vec<PrepareSpec> {
    let (minimum, iir) = (spec(Some(Phase::Minimum), Method::Fir), spec(None, Method::Iir));
    let low = PrepareSpec { l_freq: None, ..minimum.clone() };
    vec![
        PrepareSpec { decim: 2, ..minimum.clone() },
        PrepareSpec { notch_freqs: vec![50.0], decim: 3, ..minimum.clone() },
        spec(Some(Phase::MinimumHalf), Method::Fir),
        PrepareSpec { sfreq: Some(100.0), ..minimum },
        PrepareSpec { h_freq: None, sfreq: Some(300.0), ..low.clone() },
        PrepareSpec { h_freq: None, sfreq: Some(100.0), resample: Some(Resample::Polyphase), ..low },
        PrepareSpec { decim: 2, ..iir.clone() },
        PrepareSpec { notch_freqs: vec![50.0, 100.0], iir_order: 3, ..iir.clone() },
        PrepareSpec { sfreq: Some(128.0), ..iir },
    ]
}

#[test]
fn no_sample_depends_on_a_later_one() {
    let (sfreq, n, from) = (256.0, 6000, 3500);
    let x = noise(n, 1);
    let mut changed = x.clone();
    changed[from..].iter_mut().zip(noise(n - from, 2)).for_each(|(x, y)| *x = 100.0 * y);
    for spec in causal_chains() {
        let (before, after) = (prepared(&spec, sfreq, &x), prepared(&spec, sfreq, &changed));
        // The samples at or after the change, on the new clock.
        let first = (from as f64 * before.len() as f64 / n as f64).ceil() as usize;
        // Transforms of blocks round to 10⁻¹⁶ of the largest sample in them.
        let same = before[..first].iter().zip(&after[..first]).all(|(x, y)| (x - y).abs() <= 1e-6);
        assert!(same, "{spec:?}");
        assert!(before[first + 5..].iter().zip(&after[first + 5..]).any(|(x, y)| (x - y).abs() > 1.0), "{spec:?}");
    }
    // The same with zero phase fails, so that the test says something.
    let spec = spec(Some(Phase::Zero), Method::Fir);
    let (before, after) = (prepared(&spec, sfreq, &x), prepared(&spec, sfreq, &changed));
    assert!(before[..from].iter().zip(&after).any(|(x, y)| (x - y).abs() > 1.0));
}

#[test]
fn pieces_and_threads_do_not_change_a_bit() {
    let (n_channels, n) = (3, 2500);
    let x = noise(n_channels * n, 3);
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    for spec in causal_chains() {
        let preparation = Preparation::new(&spec, 256.0, n, None).unwrap();
        let run = |n_threads| {
            let mut out = vec![0.0f32; n_channels * preparation.n_times()];
            preparation.apply(&x, &mut out, n_threads).unwrap();
            bits(&out)
        };
        let expected = run(1);
        assert_eq!(run(2), expected, "{spec:?}");
        for piece in [1, 37, 1024] {
            let (mut scratch, mut found) = (ChannelScratch::default(), Vec::new());
            for row in x.chunks(n) {
                let mut stream = preparation.stream();
                let n_done = found.len();
                for piece in row.chunks(piece) {
                    preparation.push(&mut stream, piece, &mut scratch, &mut found);
                }
                assert_eq!(found.len() - n_done, preparation.n_times());
            }
            assert_eq!(bits(&found), expected, "pieces of {piece}: {spec:?}");
        }
    }
}

/// Length of a wave: whole numbers of samples remain after decimation by 2 and 3.
const N_WAVE: usize = 42_000;

/// The middle of a slow wave's way through a chain: its gain and its delay (s).
fn gain_and_delay(spec: &PrepareSpec, sfreq: f64, freq: f64) -> [f64; 2] {
    let n = N_WAVE;
    let omega = 2.0 * std::f64::consts::PI * freq;
    let x: Vec<f64> = (0..n).map(|i| (omega * i as f64 / sfreq).sin()).collect();
    let out = prepared(spec, sfreq, &x);
    let rate = sfreq * out.len() as f64 / n as f64;
    let (mut sine, mut cosine, mut power) = (0.0, 0.0, 0.0);
    // Whole periods, far from the start.
    let n_period = rate / freq;
    let range =
        out.len() / 2..out.len() / 2 + ((out.len() as f64 / 4.0 / n_period).floor() * n_period).round() as usize;
    for (i, y) in out.iter().enumerate().skip(range.start).take(range.len()) {
        let angle = omega * i as f64 / rate;
        sine += f64::from(*y) * angle.sin();
        cosine += f64::from(*y) * angle.cos();
        power += 0.5;
    }
    [sine.hypot(cosine) / power, (-cosine).atan2(sine) / omega]
}

#[test]
fn the_response_says_what_the_chain_does_to_a_wave() {
    let sfreq = 256.0;
    let mut chains = causal_chains();
    chains.push(spec(Some(Phase::Zero), Method::Fir));
    chains.push(PrepareSpec { sfreq: Some(100.0), ..PrepareSpec::default() });
    chains.push(PrepareSpec { sfreq: Some(100.0), resample: Some(Resample::Fft), ..PrepareSpec::default() });
    for spec in chains {
        let response = Preparation::new(&spec, sfreq, N_WAVE, Some(1.0)).unwrap().response();
        assert!(spec.is_causal() == (response.origin == 0), "{spec:?}");
        let freq = 8.0;
        let omega = 2.0 * std::f64::consts::PI * freq / sfreq;
        let (mut sine, mut cosine) = (0.0, 0.0);
        for (i, tap) in response.taps.iter().enumerate() {
            let angle = omega * (i as f64 - response.origin as f64);
            sine += tap * angle.sin();
            cosine += tap * angle.cos();
        }
        let expected = [sine.hypot(cosine), sine.atan2(cosine) / (omega * sfreq)];
        let found = gain_and_delay(&spec, sfreq, freq);
        assert!((found[0] - expected[0]).abs() < 2e-3, "gain {found:?}, expected {expected:?}: {spec:?}");
        // Resampling by Fourier transform rounds the numbers of samples before and after, as MNE-Python does.
        let rounding = if spec.resample == Some(Resample::Fft) { 0.5 / 100.0 } else { 2e-4 };
        assert!((found[1] - expected[1]).abs() < rounding, "delay {found:?}, expected {expected:?}: {spec:?}");
        // The group delay is the slope of the phase.
        let slope = (expected_phase(&response, freq + 0.01) - expected_phase(&response, freq - 0.01)) / 0.02;
        let slope = slope / (2.0 * std::f64::consts::PI);
        assert!((response.delay(freq) - slope).abs() < 1e-5, "{} instead of {slope}", response.delay(freq));
    }
}

/// By how much (rad) a wave of `freq` (Hz) comes later.
fn expected_phase(response: &ImpulseResponse, freq: f64) -> f64 {
    let omega = 2.0 * std::f64::consts::PI * freq / response.sfreq;
    let (mut sine, mut cosine) = (0.0, 0.0);
    for (i, tap) in response.taps.iter().enumerate() {
        let angle = omega * (i as f64 - response.origin as f64);
        sine += tap * angle.sin();
        cosine += tap * angle.cos();
    }
    f64::atan2(sine, cosine)
}

#[test]
fn an_offset_passes_a_causal_chain_without_a_transient() {
    let x = vec![1e4; 3000];
    for spec in causal_chains() {
        let out = prepared(&spec, 256.0, &x);
        let (low, high) = out.iter().fold((f32::MAX, f32::MIN), |(low, high), y| (low.min(*y), high.max(*y)));
        assert!(high - low < 1e-3, "from {low} to {high}: {spec:?}");
        // As many taps as the symmetric filter leave 10⁻³ of what it stops with half its attenuation, 10⁻⁵ with all of it.
        let taps = Preparation::new(&spec, 256.0, x.len(), Some(1.0)).unwrap().response().taps;
        let expected = if spec.l_freq.is_some() { 1e4 * taps.iter().sum::<f64>() } else { 1e4 };
        assert!((f64::from(low) - expected).abs() < 0.1, "{low} instead of {expected}: {spec:?}");
    }
}

#[test]
fn spans_and_delays_by_hand() {
    let response = ImpulseResponse { taps: vec![1.0, 2.0, 0.0, 3.0, 1.0], origin: 2, sfreq: 10.0 };
    let samples = |response: &ImpulseResponse, share| response.span(share).map(|time| (10.0 * time).round() as usize);
    // Energies 1, 4, 0, 9, 1.
    for (share, expected) in [(0.6, [0, 1]), (0.8, [1, 1]), (0.95, [2, 2]), (1.0, [2, 2])] {
        assert_eq!(samples(&response, share), expected, "{share}");
    }
    assert_eq!(samples(&ImpulseResponse::identity(10.0), 0.999), [0, 0]);
    assert!(ImpulseResponse::identity(10.0).delay(3.0).abs() < 1e-15);
    let late = ImpulseResponse { taps: vec![0.0, 0.0, 0.0, 0.5], origin: 1, sfreq: 10.0 };
    assert!((late.delay(4.0) - 0.2).abs() < 1e-12);
    assert_eq!(samples(&late, 0.5), [0, 2]);
}

#[test]
fn steps_say_the_phase_and_the_delay() {
    let steps = |spec: &PrepareSpec| Preparation::new(spec, 256.0, 9999, None).unwrap().steps().join("; ");
    assert_step(
        &steps(&spec(Some(Phase::Minimum), Method::Fir)),
        "band-pass 1–30 Hz (minimum-phase FIR, 845 taps, delay ",
    );
    assert_step(
        &steps(&spec(Some(Phase::MinimumHalf), Method::Fir)),
        "band-pass 1–30 Hz (minimum-phase (half) FIR, 845 taps",
    );
    assert_step(&steps(&spec(None, Method::Iir)), "band-pass 1–30 Hz (causal Butterworth, order 4, delay ");
    assert_eq!(steps(&spec(Some(Phase::Zero), Method::Fir)), "band-pass 1–30 Hz (zero-phase FIR, 845 taps)");
    let notch = PrepareSpec { notch_freqs: vec![50.0], method: Method::Iir, ..PrepareSpec::default() };
    assert_eq!(steps(&notch), "notch 50 Hz (causal Butterworth, order 4)");
    let resampled = PrepareSpec { phase: Some(Phase::Minimum), sfreq: Some(100.0), ..PrepareSpec::default() };
    assert_step(&steps(&resampled), "resampled by minimum-phase polyphase filter (256 → 100 Hz, delay ");
}

fn assert_step(found: &str, start: &str) {
    assert!(found.starts_with(start) && (found.ends_with(')') || found.contains(" ms at 10 Hz)")), "{found}");
}

#[test]
fn what_does_not_fit_the_phase_is_refused_by_name() {
    let message = |spec: PrepareSpec| Preparation::new(&spec, 256.0, 9999, None).unwrap_err().to_string();
    let iir = spec(None, Method::Iir);
    let bare = PrepareSpec::default();
    for (spec, start) in [
        (PrepareSpec { phase: Some(Phase::Minimum), ..bare.clone() }, "phase = \"minimum\" without a filter, expected"),
        (PrepareSpec { phase: Some(Phase::Zero), decim: 2, ..bare.clone() }, "phase = \"zero\" without a filter"),
        (PrepareSpec { method: Method::Iir, sfreq: Some(100.0), ..bare.clone() }, "method = \"iir\" without a filter"),
        (PrepareSpec { phase: Some(Phase::Zero), ..iir.clone() }, "phase = \"zero\", expected \"minimum\", or none"),
        (PrepareSpec { phase: Some(Phase::MinimumHalf), ..iir.clone() }, "phase = \"minimum-half\", expected"),
        (PrepareSpec { iir_order: 0, ..iir.clone() }, "iir_order = 0, expected an order of 1 to 16"),
        (PrepareSpec { iir_order: 17, ..iir.clone() }, "iir_order = 17, expected an order of 1 to 16"),
        (PrepareSpec { iir_order: 2, l_freq: Some(1.0), ..bare }, "iir_order = 2, expected none, unless method"),
        (
            PrepareSpec { sfreq: Some(100.0), resample: Some(Resample::Fft), ..iir.clone() },
            "resample = \"fft\", expected \"polyphase\", or none, beside method = \"iir\"",
        ),
        (
            PrepareSpec {
                sfreq: Some(100.0),
                resample: Some(Resample::Fft),
                ..self::spec(Some(Phase::Minimum), Method::Fir)
            },
            "resample = \"fft\", expected \"polyphase\", or none, beside phase = \"minimum\"",
        ),
        (PrepareSpec { l_freq: Some(1e-9), ..iir.clone() }, "l_freq = 0.000000001 Hz, expected a frequency farther"),
        (PrepareSpec { l_freq: Some(1e-4), ..iir.clone() }, "l_freq = 0.0001 Hz, expected a frequency farther"),
        (PrepareSpec { h_freq: Some(127.999_999_999), ..iir.clone() }, "h_freq = 127.999999999 Hz, expected a"),
        (PrepareSpec { h_freq: Some(128.0), ..iir.clone() }, "h_freq = 128 Hz, expected a frequency between 0 and"),
        (PrepareSpec { notch_freqs: vec![0.2], ..iir }, "notch_freqs = 0.2 Hz"),
        (
            PrepareSpec { l_freq: Some(0.01), h_freq: None, ..self::spec(Some(Phase::Minimum), Method::Fir) },
            "phase = \"minimum\" for a filter of 84481 taps, expected at most 65536 taps",
        ),
    ] {
        let text = message(spec.clone());
        assert!(text.starts_with(start), "{spec:?}: {text}");
    }
}

#[test]
fn half_the_attenuation_before_decimation_comes_with_advice() {
    let spec = PrepareSpec { decim: 2, ..spec(Some(Phase::MinimumHalf), Method::Fir) };
    let advice = |lowpass| Preparation::new(&spec, 256.0, 9999, lowpass).unwrap().advice().len();
    assert_eq!((advice(None), advice(Some(40.0))), (1, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn butterworth_filters_are_stable_with_their_gain_or_refused(
        order in 1usize..=16, low in -7.0f64..2.0, width in -7.0f64..2.0, sfreq in 50.0f64..5000.0,
    ) {
        let (low, width) = (10f64.powf(low), 10f64.powf(width));
        for (l_freq, h_freq) in [(Some(low), Some(low + width)), (Some(low), None), (None, Some(low))] {
            if let Ok(filter) = IirFilter::band(sfreq, l_freq, h_freq, order) {
                let x = noise(2000, 7);
                let y = filter.filter(&x);
                // No gain above 1 in the pass band, but for ringing.
                prop_assert!(y.iter().all(|y| y.abs() < 10.0), "{filter:?}");
            }
        }
    }

    #[test]
    fn a_causal_resampler_keeps_what_came_before_to_the_bit(
        x in prop::collection::vec(-1.0f64..1.0, 2..900), to in 20.0f64..300.0, share in 0.0f64..1.0,
    ) {
        let plan = Polyphase::causal(x.len(), 100.0, to);
        let from = (share * x.len() as f64) as usize;
        let mut changed = x.clone();
        changed[from..].iter_mut().for_each(|x| *x = 1e3);
        let first = (from * plan.n_times()).div_ceil(x.len());
        prop_assert_eq!(&plan.resample(&x)[..first], &plan.resample(&changed)[..first]);
    }
}
