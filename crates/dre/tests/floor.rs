//! The processing floor: against NumPy and MNE-Python, and against what a regression reaches on noise that has been through the
//! program's own processing.

#![allow(clippy::print_stderr, reason = "what was found is worth reading in the test's log")]
#![allow(missing_docs)]

use std::ops::Range;

use dre::floor::{best_linear_r, leak, noise_autocovariance, processing_floor};
use dre::signal::{FirFilter, ImpulseResponse, Method, Phase, Preparation, PrepareSpec, Resample};
use faer::linalg::solvers::Solve;
use faer::{Mat, Side};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

#[test]
fn floors_of_mne_filters_agree_with_numpy() {
    // bench/golden/floor.py
    let golden: Value = serde_json::from_str(include_str!("fixtures/floor.json")).unwrap();
    let (sfreq, decim) = (golden["meta"]["sfreq"].as_f64().unwrap(), golden["meta"]["decim"].as_f64().unwrap());
    let n_times = golden["meta"]["n_times"].as_u64().unwrap() as usize;
    for case in golden["cases"].as_array().unwrap() {
        let phase: Phase = serde_json::from_value(case["phase"].clone()).unwrap();
        let filter = FirFilter::band(sfreq, case["l_freq"].as_f64(), case["h_freq"].as_f64()).unwrap();
        let filter = filter.with_phase(phase).unwrap();
        let response = ImpulseResponse { taps: filter.taps().to_vec(), origin: 0, sfreq };
        let [baseline, n_init] = ["baseline", "n_init"].map(|key| case[key].as_u64().unwrap() as usize);
        let baseline = (baseline > 0).then_some(0..baseline);
        let found = processing_floor(&response, sfreq / decim, n_times, baseline, n_init).unwrap();
        assert!(found.len() == n_times && found[..n_init].iter().all(|r| r.is_nan()));
        for (t, expected) in case["r"].as_array().unwrap().iter().enumerate() {
            let (found, expected) = (found[n_init + t], expected.as_f64().unwrap());
            assert!((found - expected).abs() < 2e-5, "{case}: {found} instead of {expected} at sample {}", n_init + t);
        }
    }
}

/// Samples of an epoch, of its init window, and from one epoch's start to the next one's.
const N_TIMES: usize = 64;
const N_INIT: usize = 24;
const STRIDE: usize = 80;
/// Epochs that a regression is fitted to and scored on.
const N_TRAIN: usize = 6000;
const N_TEST: usize = 4000;

/// r at each time of the other half's epochs, predicted from their first [`N_INIT`] samples by a regression on the first half.
/// NaN inside the init window.
fn out_of_sample(x: &[f64], baseline: Option<&Range<usize>>) -> Vec<f64> {
    let epochs: Vec<Vec<f64>> = x
        .chunks_exact(STRIDE)
        .take(N_TRAIN + N_TEST)
        .map(|chunk| {
            let mean = baseline.map_or(0.0, |range| {
                let n = range.len() as f64;
                chunk[range.clone()].iter().sum::<f64>() / n
            });
            chunk[..N_TIMES].iter().map(|value| value - mean).collect()
        })
        .collect();
    assert_eq!(epochs.len(), N_TRAIN + N_TEST);
    let (train, test) = epochs.split_at(N_TRAIN);
    let block = |epochs: &[Vec<f64>], range: Range<usize>| {
        Mat::from_fn(epochs.len(), range.len(), |i, t| epochs[i][range.start + t])
    };
    let (shown, hidden) = (block(train, 0..N_INIT), block(train, N_INIT..N_TIMES));
    let mut gram = shown.transpose() * &shown;
    let mean = (0..N_INIT).map(|i| gram[(i, i)]).sum::<f64>() / N_INIT as f64;
    (0..N_INIT).for_each(|i| gram[(i, i)] += 1e-9 * mean);
    let weights = gram.llt(Side::Lower).expect("positive definite").solve(shown.transpose() * &hidden);
    let (predicted, truth) = (block(test, 0..N_INIT) * weights, block(test, N_INIT..N_TIMES));
    let r = (0..N_TIMES - N_INIT).map(|t| {
        let (a, b) = (predicted.col(t), truth.col(t));
        let product = |x: faer::ColRef<'_, f64>, y: faer::ColRef<'_, f64>| {
            x.iter().zip(y.iter()).map(|(x, y)| x * y).sum::<f64>()
        };
        product(a, b) / (product(a, a) * product(b, b)).sqrt()
    });
    std::iter::repeat_n(f64::NAN, N_INIT).chain(r).collect()
}

/// At every time, r found is not above the one that the covariance allows, and not below what is left of it by fitting to
/// [`N_TRAIN`] epochs: an r of f becomes f² / √(f² + (1 − f²) p / n) with p coefficients fitted to n epochs. Four and a half
/// standard errors to either side.
fn assert_agrees(what: &str, found: &[f64], best: &[f64]) {
    let share = N_INIT as f64 / N_TRAIN as f64;
    let mean = |r: &[f64]| r[N_INIT..].iter().sum::<f64>() / (N_TIMES - N_INIT) as f64;
    eprintln!("{what}: mean r {:.4}, best {:.4}", mean(found), mean(best));
    for t in N_INIT..N_TIMES {
        let (found, best) = (found[t], best[t]);
        let interval = 4.5 * (1.0 - best * best) / (N_TEST as f64).sqrt() + 1e-6;
        let left = best * best / (best * best + (1.0 - best * best) * share).sqrt();
        assert!(found <= best + interval, "{what}, sample {t}: {found} above {best} by more than {interval}");
        assert!(found >= left - interval, "{what}, sample {t}: {found} below {left} by more than {interval}");
    }
}

fn white(n: usize, seed: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// What the chain makes of `make(n)`, n recorded samples, with its sampling frequency and response.
fn prepared(spec: &PrepareSpec, sfreq: f64, make: impl Fn(usize) -> Vec<f64>) -> (Vec<f64>, f64, ImpulseResponse) {
    let rate = Preparation::new(spec, sfreq, 1 << 12, Some(sfreq / 8.0)).unwrap().sfreq();
    // The ends of a recording are not those of stationary noise.
    let margin = 4096;
    let n = (((N_TRAIN + N_TEST) * STRIDE) as f64 * sfreq / rate).ceil() as usize + 2 * margin;
    let preparation = Preparation::new(spec, sfreq, n, Some(sfreq / 8.0)).unwrap();
    let mut out = vec![0.0; preparation.n_times()];
    preparation.apply(&make(n), &mut out, 2).unwrap();
    let skip = (margin as f64 * rate / sfreq) as usize;
    (out[skip..].iter().map(|x| f64::from(*x)).collect(), rate, preparation.response())
}

#[test]
fn on_white_noise_no_regression_exceeds_the_floor_and_many_epochs_come_near_it() {
    let band = PrepareSpec { l_freq: Some(1.0), h_freq: Some(30.0), decim: 2, ..PrepareSpec::default() };
    let with = |phase| PrepareSpec { phase: Some(phase), ..band.clone() };
    let nothing = PrepareSpec::default();
    let cases = [
        ("zero phase", 256.0, with(Phase::Zero)),
        ("minimum phase", 256.0, with(Phase::Minimum)),
        ("half the gain", 256.0, with(Phase::MinimumHalf)),
        ("Butterworth", 256.0, PrepareSpec { method: Method::Iir, ..band.clone() }),
        ("high-pass alone", 128.0, PrepareSpec { l_freq: Some(2.0), ..nothing.clone() }),
        ("low-pass and decimation", 256.0, PrepareSpec { h_freq: Some(20.0), decim: 4, ..nothing.clone() }),
        ("polyphase", 250.0, PrepareSpec { sfreq: Some(120.0), h_freq: Some(30.0), ..nothing.clone() }),
        (
            "causal polyphase alone",
            256.0,
            PrepareSpec {
                sfreq: Some(100.0),
                phase: Some(Phase::Minimum),
                resample: Some(Resample::Polyphase),
                ..nothing
            },
        ),
    ];
    for (seed, (what, sfreq, spec)) in cases.into_iter().enumerate() {
        let (x, rate, response) = prepared(&spec, sfreq, |n| white(n, seed as u64));
        for baseline in [None, Some(4..20)] {
            let floor = processing_floor(&response, rate, N_TIMES, baseline.clone(), N_INIT).unwrap();
            let what = format!("{what}, baseline {baseline:?}");
            assert_agrees(&what, &out_of_sample(&x, baseline.as_ref()), &floor);
        }
    }
}

/// Weights and memories of first-order processes whose sum has a spectrum like 1/f over three decades.
fn pink() -> Vec<(f64, f64)> {
    (0..6).map(|i| (1.0, 1.0 - 0.5 / 4f64.powi(i))).collect()
}

/// A sum of first-order processes, each with variance `weight` / 3 and autocovariance memory^lag.
fn pink_noise(n: usize, seed: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut out = vec![0.0; n];
    for (weight, memory) in pink() {
        let (mut state, drive) = (0.0, (weight * (1.0 - memory * memory)).sqrt());
        for value in &mut out {
            state = memory * state + drive * rng.random_range(-1.0..1.0);
            *value += state;
        }
    }
    out
}

fn pink_autocovariance(lag: usize) -> f64 {
    pink().iter().map(|(weight, memory)| weight * memory.powi(lag as i32)).sum()
}

/// Autocovariance of 1/f noise behind a filter: that of the filter, convolved with that of the noise, at every `decim`-th lag.
fn filtered_pink_autocovariance(response: &ImpulseResponse, decim: usize) -> Vec<f64> {
    let n = response.taps.len();
    let filter = noise_autocovariance(response, response.sfreq, n).unwrap();
    let noise: Vec<f64> = (0..n + decim * N_TIMES).map(pink_autocovariance).collect();
    (0..N_TIMES)
        .map(|lag| {
            let at = |k: isize| filter[k.unsigned_abs()] * noise[((lag * decim) as isize - k).unsigned_abs()];
            (1 - n as isize..n as isize).map(at).sum()
        })
        .collect()
}

#[test]
fn on_1_f_noise_a_regression_reaches_what_the_covariance_allows() {
    let band = PrepareSpec { l_freq: Some(1.0), h_freq: Some(30.0), decim: 2, ..PrepareSpec::default() };
    for (seed, phase) in [Phase::Zero, Phase::Minimum].into_iter().enumerate() {
        let spec = PrepareSpec { phase: Some(phase), ..band.clone() };
        let (x, _, response) = prepared(&spec, 256.0, |n| pink_noise(n, 10 + seed as u64));
        let autocovariance = filtered_pink_autocovariance(&response, 2);
        let best = best_linear_r(&autocovariance, None, N_INIT).unwrap();
        assert_agrees(&format!("1/f noise, {phase} phase"), &out_of_sample(&x, None), &best);
    }
}

#[test]
fn a_baseline_that_reaches_past_the_init_window_raises_r_by_what_the_covariance_predicts() {
    let n = (N_TRAIN + N_TEST) * STRIDE;
    let x = pink_noise(n, 20);
    let autocovariance: Vec<f64> = (0..N_TIMES).map(pink_autocovariance).collect();
    let mean = |r: &[f64]| {
        let r: Vec<f64> = r.iter().copied().filter(|r| r.is_finite()).collect();
        r.iter().sum::<f64>() / r.len() as f64
    };
    let best = |baseline: Option<Range<usize>>| best_linear_r(&autocovariance, baseline, N_INIT).unwrap();
    // A window with as many samples before the init window's end as after it, and one that ends where the init window does.
    let (past, within) = (0..2 * N_INIT, 0..N_INIT);
    for baseline in [past.clone(), within.clone()] {
        let found = out_of_sample(&x, Some(&baseline));
        assert_agrees(&format!("1/f noise, baseline {baseline:?}"), &found, &best(Some(baseline)));
    }
    // Why it is refused: on the same white noise, one gives away the mean of what is hidden and the other nothing of it.
    let white = |baseline: Range<usize>| {
        mean(
            &processing_floor(&ImpulseResponse::identity(128.0), 128.0, N_TIMES, Some(baseline), N_INIT).unwrap()
                [N_INIT..2 * N_INIT],
        )
    };
    let (raised, honest) = (white(past), white(within));
    eprintln!("white noise: {raised:.3} with a baseline past the init window, {honest:.3} with one in it");
    assert!(raised > 0.1 && honest < 1e-6);
}

#[test]
fn the_leak_is_what_filtering_a_response_shows() {
    // A response of 0.2 s that starts 50 ms after the event, through the program's own zero-phase filter.
    let (sfreq, event, n) = (256.0, 4000usize, 8000);
    let spec =
        PrepareSpec { l_freq: Some(1.0), h_freq: Some(30.0), phase: Some(Phase::Zero), ..PrepareSpec::default() };
    let preparation = Preparation::new(&spec, sfreq, n, None).unwrap();
    let (start, length) = (event + 13, (0.2 * sfreq).round() as usize);
    let mut x = vec![0.0; n];
    for i in 0..length {
        x[start + i] = (std::f64::consts::PI * (i as f64 + 0.5) / length as f64).sin().powi(2);
    }
    let mut y = vec![0.0f32; n];
    preparation.apply(&x, &mut y, 1).unwrap();
    let energy = |range: Range<usize>| y[range].iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
    let times: Vec<f64> = (-128..=256).map(|i| f64::from(i) / sfreq).collect();
    // The init window ends one sample before the event.
    let found = leak(&preparation.response(), &times, 128, 0.2).unwrap();
    let expected = energy(event - 128..event) / energy(0..n);
    assert!((found.shares[13] - expected).abs() < 1e-5, "{} instead of {expected}", found.shares[13]);
    assert!(expected > 0.03, "{expected}: a zero-phase filter leaks");
}
