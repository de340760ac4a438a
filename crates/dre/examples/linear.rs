//! Times the linear references for `cargo xtask bench linear`, on data that it makes and, for the peers, writes as raw f32.
//!
//!     linear trf|rtrf-small|rtrf-wide|rtrf-large|banded FOLDER N_THREADS
//!
//! Prints one line of JSON. `rtrf-large` makes its epochs block by block, as they would come from a mapped file, and counts
//! only the time of the fit.
#![allow(clippy::print_stdout)]

use std::fs;
use std::path::Path;
use std::time::Instant;

use dre::linear::solver::{Candidates, PenaltyMatrix, refit, search};
use dre::linear::{AlphaUnit, Columns, LagMoments, LagRange, Moments, Penalty, Trf, TrfConfig, band_weights};
use ndarray::{Array3, Axis, concatenate, s};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The same noise for the same seed, in ±1.
fn noise(shape: (usize, usize, usize), seed: u64) -> Array3<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Array3::from_shape_simple_fn(shape, || f64::from(rng.random_range(-1.0f32..1.0)))
}

fn save(folder: &Path, name: &str, array: &Array3<f64>) {
    let bytes: Vec<u8> = array.iter().flat_map(|&v| (v as f32).to_le_bytes()).collect();
    fs::write(folder.join(format!("{name}.f32")), bytes).expect("the folder can be written to");
    let shape = array.shape().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    fs::write(folder.join(format!("{name}.shape")), shape).expect("the folder can be written to");
}

/// What this process held at most (MiB), where the system says so.
fn peak() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
    kib.map_or(f64::NAN, |kib| kib / 1024.0)
}

/// Mean over channels of r over all samples of all epochs.
fn mean_r(a: &Array3<f64>, b: &Array3<f64>) -> f64 {
    let r = |(a, b): (ndarray::ArrayView2<'_, f64>, ndarray::ArrayView2<'_, f64>)| {
        let (a, b) = (&a - a.mean().unwrap_or(0.0), &b - b.mean().unwrap_or(0.0));
        (&a * &b).sum() / ((&a * &a).sum() * (&b * &b).sum()).sqrt()
    };
    let n = a.dim().1 as f64;
    a.axis_iter(Axis(1)).zip(b.axis_iter(Axis(1))).map(r).sum::<f64>() / n
}

/// Data that follow features by smooth kernels, with noise.
fn driven(features: &Array3<f64>, n_channels: usize) -> Array3<f64> {
    let (n_epochs, n_features, n_times) = features.dim();
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let model = Trf {
        coef: Array3::from_shape_fn((n_channels, n_features, 60), |(_, _, lag)| {
            f64::from(rng.random_range(-1.0f32..1.0)) * (-(lag as f64) / 15.0).exp()
        }),
        intercept: ndarray::Array1::zeros(n_channels),
        lag_min: 0,
    };
    let clean = model.predict(features, 2).expect("the features are the model's");
    // Rounded to f32, as the peers read it.
    (clean + noise((n_epochs, n_channels, n_times), 8) * 3.0).mapv(|v| f64::from(v as f32))
}

fn trf(folder: &Path, n_threads: usize) {
    let features = noise((300, 6, 301), 1);
    let data = driven(&features, 273);
    save(folder, "features", &features);
    save(folder, "data", &data);
    let config = TrfConfig { lag_min: 0, lag_max: 260, penalty: Penalty::Ridge, ..TrfConfig::default() };
    let (mut fit, mut predict, mut r) = (Vec::new(), Vec::new(), 0.0);
    for _ in 0..3 {
        let start = Instant::now();
        let model = Trf::fit(&features, &data, &[], &config, 1.0, n_threads).expect("a valid system");
        fit.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        let predicted = model.predict(&features, n_threads).expect("the model's features");
        predict.push(start.elapsed().as_secs_f64());
        r = mean_r(&data, &predicted);
    }
    println!("{{\"fit\": {fit:?}, \"predict\": {predict:?}, \"score\": {r:.9}, \"peak_mib\": {:.0}}}", peak());
}

const N_LAGS: usize = 40;

fn rtrf_columns(n_channels: usize, n_features: usize) -> Columns {
    let lags = |first: isize| LagRange::new(first, first + N_LAGS as isize - 1).expect("in order");
    Columns::new([vec![lags(1); n_channels], vec![lags(0); n_features]].concat())
}

/// Epochs of noise of which each sample keeps some of the last.
fn autoregressive(n_epochs: usize, n_channels: usize, seed: u64) -> (Array3<f64>, Array3<f64>) {
    let features = noise((n_epochs, 6, 301), 2 * seed);
    let mut data = noise((n_epochs, n_channels, 301), 2 * seed + 1);
    for t in 1..301 {
        let (past, mut rest) = data.view_mut().split_at(Axis(2), t);
        let mut now = rest.slice_mut(s![.., .., 0]);
        now.scaled_add(0.6, &past.slice(s![.., .., t - 1]));
    }
    (features, data.mapv(|v| f64::from(v as f32)))
}

/// Seconds for moments and for one and five penalties; the mean squared coefficient as the score.
fn rtrf(blocks: &[u64], n_epochs: usize, n_channels: usize, folder: Option<&Path>, n_threads: usize) {
    let columns = rtrf_columns(n_channels, 6);
    let n_columns = columns.len();
    let mut seconds = 0.0;
    let start = Instant::now();
    let mut moments = LagMoments::new(columns, n_channels, 301, N_LAGS, n_threads).expect("valid lags");
    seconds += start.elapsed().as_secs_f64();
    for &seed in blocks {
        let (features, data) = autoregressive(n_epochs, n_channels, seed);
        if let Some(folder) = folder {
            save(folder, "features", &features);
            save(folder, "data", &data);
        }
        let start = Instant::now();
        let both = concatenate![Axis(1), data, features];
        moments.push(&both, &data).expect("arrays that fit");
        seconds += start.elapsed().as_secs_f64();
    }
    let start = Instant::now();
    let mut moments: Moments = moments.finish();
    moments.centre();
    let n_rows = moments.n_rows();
    let (mut ridge, cross) = moments.into_ridge(n_threads);
    seconds += start.elapsed().as_secs_f64();
    let penalty = PenaltyMatrix::diagonal(&vec![1.0; n_columns]);
    let (mut solves, mut score) = (Vec::new(), 0.0);
    for alpha in [1.0, 1e-3, 1e-1, 1e1, 1e3] {
        let start = Instant::now();
        let weights = ridge.solve(cross.as_ref(), &penalty, alpha).expect("a valid system");
        solves.push(start.elapsed().as_secs_f64());
        if solves.len() == 1 {
            score = weights.squared_norm_l2() / n_channels as f64;
        }
    }
    let (one, five) = (seconds + solves[0], seconds + solves.iter().sum::<f64>());
    println!(
        "{{\"fit\": [{one}], \"five\": [{five}], \"moments\": [{seconds}], \"rows\": {n_rows}, \"columns\": {n_columns}, \
         \"score\": {score:.9}, \"peak_mib\": {:.0}}}",
        peak()
    );
}

fn banded(folder: &Path, n_threads: usize) {
    let (n_epochs, n_folds) = (40, 5);
    let features = noise((n_epochs, 4, 301), 3);
    let data = driven(&features, 64);
    let gammas = band_weights(4, 12, &[0.1, 1.0], 5).expect("valid settings");
    let alphas: Vec<f64> = (0..8).map(|i| 10f64.powi(i - 2)).collect();
    save(folder, "features", &features);
    save(folder, "data", &data);
    let flat = gammas.iter().flatten().copied().collect();
    save(folder, "gammas", &Array3::from_shape_vec((1, 12, 4), flat).expect("12 sets of 4"));
    let gammas: Vec<Vec<f64>> = gammas.iter().map(|g| g.iter().map(|&v| f64::from(v as f32)).collect()).collect();
    let columns = Columns::new(vec![LagRange::new(0, N_LAGS as isize - 1).expect("in order"); 4]);
    let band_of: Vec<usize> = (0..columns.len()).map(|c| columns.locate(c).0).collect();
    let (mut seconds, mut score) = (Vec::new(), 0.0);
    for _ in 0..3 {
        let start = Instant::now();
        let folds: Vec<Moments> = (0..n_folds)
            .map(|f| {
                let range = f * n_epochs / n_folds..(f + 1) * n_epochs / n_folds;
                let mut moments = LagMoments::new(columns.clone(), 64, 301, 0, n_threads).expect("valid lags");
                let part = |array: &Array3<f64>| array.slice(s![range.clone(), .., ..]).to_owned();
                moments.push(&part(&features), &part(&data)).expect("arrays that fit");
                moments.finish()
            })
            .collect();
        let sum = |left_out: Option<usize>| {
            let mut kept = folds.iter().enumerate().filter(|(f, _)| Some(*f) != left_out).map(|(_, fold)| fold);
            let mut sum = kept.next().expect("several folds").clone();
            kept.for_each(|fold| sum.add(fold));
            sum
        };
        let rest: Vec<Moments> = (0..n_folds).map(|f| sum(Some(f))).collect();
        let splits: Vec<_> = rest.iter().zip(&folds).map(|(a, b)| (a.for_search(), b.for_search())).collect();
        let candidates = Candidates {
            band_of: &band_of,
            gammas: &gammas,
            alphas: &alphas,
            unit: AlphaUnit::Absolute,
            per_target: true,
        };
        let found = search(&splits, &candidates, n_threads);
        refit(&sum(None).for_search(), &candidates, &found, n_threads).expect("a valid system");
        seconds.push(start.elapsed().as_secs_f64());
        let best = |t: usize| found.scores.iter().map(|s| s[t]).fold(f64::NEG_INFINITY, f64::max);
        score = (0..64).map(best).sum::<f64>() / 64.0;
    }
    println!("{{\"fit\": {seconds:?}, \"score\": {score:.9}, \"peak_mib\": {:.0}}}", peak());
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [case, folder, n_threads] = args.as_slice() else {
        panic!("usage: linear trf|rtrf-small|rtrf-wide|rtrf-large|banded FOLDER N_THREADS");
    };
    let (folder, n_threads) = (Path::new(folder), n_threads.parse().expect("a number of threads"));
    fs::create_dir_all(folder).expect("the folder can be made");
    match case.as_str() {
        "trf" => trf(folder, n_threads),
        "rtrf-small" => rtrf(&[7], 24, 100, Some(folder), n_threads),
        // As many columns as the large one, on as many epochs as a design matrix can hold.
        "rtrf-wide" => rtrf(&[7], 100, 273, Some(folder), n_threads),
        // 50 blocks of 38 epochs are 1,900.
        "rtrf-large" => rtrf(&(0..50).collect::<Vec<_>>(), 38, 273, None, n_threads),
        "banded" => banded(folder, n_threads),
        other => panic!("{other} is no case"),
    }
}
