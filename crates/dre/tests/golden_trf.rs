//! Linear references against MNE-Python (TRF) and scikit-learn (RTRF).
#![allow(missing_docs, clippy::print_stderr)]

mod common;

use common::{Golden, golden_dir, relative};
use dre::linear::{AlphaUnit, Decoder, Penalty, Rtrf, RtrfConfig, Trf, TrfConfig};
use dre::metrics::Correlation;
use ndarray::{Array1, Array2, Array3};

/// The bar: f64 against f64.
const TOLERANCE: f64 = 1e-8;

fn cases(prefix: &str) -> Vec<(String, Golden)> {
    let fixtures = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut cases = Vec::new();
    for dir in std::iter::once(fixtures).chain(golden_dir()) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with(prefix) {
                cases.push((name, Golden::read(&path)));
            }
        }
    }
    assert!(!cases.is_empty(), "no case {prefix}*");
    cases
}

fn names(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("f{i}")).collect()
}

#[test]
fn trf_equals_that_of_mne() {
    for (name, golden) in cases("trf-") {
        let meta = &golden.meta;
        let penalty = match meta["reg_type"].as_str().unwrap() {
            "ridge" => Penalty::Ridge,
            "laplacian" => Penalty::Laplacian,
            other => panic!("{name}: unknown penalty {other}"),
        };
        let config = TrfConfig {
            lag_min: meta["lag_min"].as_i64().unwrap() as isize,
            lag_max: meta["lag_max"].as_i64().unwrap() as isize,
            alpha_unit: AlphaUnit::Absolute,
            alphas: Vec::new(),
            penalty,
            ..TrfConfig::default()
        };
        let (features, data): (Array3<f64>, Array3<f64>) = (golden.get("features"), golden.get("data"));
        let alpha = meta["alpha"].as_f64().unwrap();
        let trf = Trf::fit(&features, &data, &names(features.dim().1), &config, alpha, 2).unwrap();
        let predicted = trf.predict(&features, 2).unwrap();
        let (n_epochs, n_channels, n_times) = data.dim();
        let mut correlation = Correlation::new(n_channels, n_times);
        let single = |array: &Array3<f64>| array.mapv(|v| v as f32);
        correlation.push(&single(&data), &single(&predicted)).unwrap();
        let r: Array2<f64> = golden.get("score_across_epochs");
        let r_error = (&correlation.r().reversed_axes() - &r).iter().fold(0.0f64, |worst, v| worst.max(v.abs()));
        let errors = [
            ("coef", relative(&trf.coef, &golden.get("coef"))),
            ("intercept", relative(&trf.intercept, &golden.get::<ndarray::Ix1>("intercept"))),
            ("prediction", relative(&predicted, &golden.get("prediction"))),
        ];
        eprintln!("{name}: {errors:?}, r off by at most {r_error:.1e}");
        for (what, error) in errors {
            assert!(error <= TOLERANCE, "{name}: {what} is off by {error:e}");
        }
        // The scores are taken from f32.
        assert!(n_epochs == 1 || r_error <= 1e-6, "{name}: r is off by {r_error:e}");
    }
}

#[test]
fn rtrf_equals_that_of_scikit_learn() {
    for (name, golden) in cases("rtrf-") {
        let setting = |key: &str| golden.meta[key].as_u64().unwrap() as usize;
        let config = RtrfConfig {
            n_lags_data: setting("n_lags_data"),
            n_lags_features: setting("n_lags_features"),
            alpha_unit: AlphaUnit::Absolute,
            alphas: Vec::new(),
        };
        let (features, data): (Array3<f64>, Array3<f64>) = (golden.get("features"), golden.get("data"));
        let alpha = golden.meta["alpha"].as_f64().unwrap();
        let rtrf = Rtrf::fit(&features, &data, &names(features.dim().1), &config, alpha, 2).unwrap();
        let rollout = rtrf.roll_out(&features, &data, setting("n_init_times"), 1e6, 2).unwrap();
        let errors = [
            ("coef_data", relative(&rtrf.coef_data, &golden.get("coef_data"))),
            ("coef_features", relative(&rtrf.coef_features, &golden.get("coef_features"))),
            ("intercept", relative(&rtrf.intercept, &golden.get::<ndarray::Ix1>("intercept"))),
            ("rollout", relative(&rollout.prediction, &golden.get("rollout"))),
        ];
        eprintln!("{name}: {errors:?}, spectral radius {:.4}", rtrf.spectral_radius());
        for (what, error) in errors {
            assert!(error <= TOLERANCE, "{name}: {what} is off by {error:e}");
        }
        assert_eq!(rollout.n_diverged, 0);
        let _: Array1<f64> = rtrf.intercept;
    }
}

#[test]
fn decoder_equals_that_of_mne() {
    let path = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/decoder-mne.safetensors");
    let golden = Golden::read(&path);
    let (features, data): (Array3<f64>, Array3<f64>) = (golden.get("features"), golden.get("data"));
    let config = TrfConfig {
        lag_min: -6,
        lag_max: 2,
        alpha_unit: AlphaUnit::Absolute,
        alphas: Vec::new(),
        ..TrfConfig::default()
    };
    let decoder = Decoder::fit(&data, &features, &names(data.dim().1), &config, 2.0, 1).unwrap();
    let predicted = decoder.model.predict(&data, 1).unwrap();
    // MNE leaves out the scale of patterns.
    let n = features.len() as f64;
    let centred = &features - features.mean().unwrap();
    let patterns = &decoder.patterns * ((&centred * &centred).sum() / (n - 1.0).powi(2));
    for (what, error) in [
        ("coef", relative(&decoder.model.coef, &golden.get("coef"))),
        ("prediction", relative(&predicted, &golden.get("prediction"))),
        ("patterns", relative(&patterns, &golden.get("patterns"))),
    ] {
        eprintln!("{what}: {error:e}");
        assert!(error <= TOLERANCE, "{what} is off by {error:e}");
    }
}
