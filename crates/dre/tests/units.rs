//! The unit that data are in changes no score, choice or importance: volts, tesla, microvolts or counts of a converter, left as
//! they are.
#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use dre::data::{ArraysInfo, Channel, ChannelType, Dataset, EpochArrays, EpochBlock, EpochLabels, Set};
use dre::importance::{FeatureValues, ImportanceSpec, Mode, PermuteSpec, SummarySpec, permute, summarise};
use dre::linear::{
    AlphaUnit, BandedConfig, CohortRtrf, CohortTrf, Counted, DecodeConfig, FitSpec, LinearOptions, Rtrf, RtrfConfig,
    SubjectFit, TrfConfig, fit_banded, fit_decoder, fit_rtrf, fit_trf,
};
use dre::metrics::{CeilingSpec, PartialCorrelation, ScoreSpec, noise_ceiling, score, score_parts};
use dre::model::Predictor;
use dre::state::{BinSpec, By, StateSummarySpec, analyse};
use dre::stats::PermutationSpec;
use dre::{Result, Stop};
use ndarray::{Array1, Array3};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SFREQ: f64 = 100.0;
const N_CHANNELS: usize = 3;
const N_TIMES: usize = 70;
/// First sample after the event.
const EVENT: usize = 30;
const N_SUBJECTS: usize = 2;
const PER_SUBJECT: usize = 90;
const N_EPOCHS: usize = N_SUBJECTS * PER_SUBJECT;
/// From femtotesla squared by mistake to large counts.
const POWERS: [i32; 7] = [-18, -13, -6, -3, 3, 6, 12];
/// What rounding of the data to f32 may change in an r.
const ROUNDING: f64 = 2e-5;

/// Epochs with a stimulus of two numbers, repeated 3 times each, on a 10 Hz rhythm, and noise.
struct Simulated {
    data: Array3<f32>,
    features: Array3<f32>,
    stimuli: Vec<String>,
}

impl Simulated {
    fn new() -> Self {
        Self::following(1.0)
    }

    /// `gain`: how much responses grow with the strength of the rhythm.
    fn following(gain: f64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut data = Array3::zeros((N_EPOCHS, N_CHANNELS, N_TIMES));
        let mut features = Array3::zeros((N_EPOCHS, 2, N_TIMES));
        let shown: Vec<[f64; 2]> =
            (0..N_EPOCHS / 3).map(|_| std::array::from_fn(|_| rng.random_range(-1.0..1.0))).collect();
        let mut stimuli = Vec::new();
        for epoch in 0..N_EPOCHS {
            let stimulus = epoch / PER_SUBJECT * PER_SUBJECT / 3 + epoch % (PER_SUBJECT / 3);
            stimuli.push(format!("s{stimulus}"));
            let [a, b] = shown[stimulus];
            features.slice_mut(ndarray::s![epoch, 0, EVENT..EVENT + 5]).fill(a as f32);
            features.slice_mut(ndarray::s![epoch, 1, EVENT..EVENT + 5]).fill(b as f32);
            let (phase, strength) = (rng.random_range(0.0..6.3), rng.random_range(0.1..1.0));
            for channel in 0..N_CHANNELS {
                let mut noise = 0.0;
                for t in 0..N_TIMES {
                    noise = 0.8 * noise + 0.3 * rng.random_range(-1.0f64..1.0);
                    let after = t as f64 - EVENT as f64;
                    let response = (-0.5 * ((after - 12.0) / 5.0).powi(2)).exp();
                    let own = ([a, b, a + b][channel] + gain * strength) * response;
                    let rhythm = strength * (std::f64::consts::TAU * 10.0 * after / SFREQ + phase).cos();
                    // An offset, as data without a baseline have.
                    data[[epoch, channel, t]] = (3.0 + noise + own + rhythm) as f32;
                }
            }
        }
        Self { data, features, stimuli }
    }

    fn scaled(&self, power: i32) -> Self {
        let scale = |v: &f32| (f64::from(*v) * 10f64.powi(power)) as f32;
        Self { data: self.data.map(scale), features: self.features.clone(), stimuli: self.stimuli.clone() }
    }

    /// The epochs as they are, with the sets that `set` gives to an epoch's number within its subject.
    fn arrays(&self, set: impl Fn(usize) -> Set) -> EpochArrays<'_> {
        let names = |of: &str, n: usize| (0..n).map(|i| format!("{of}{i}")).collect::<Vec<_>>();
        let labels = EpochLabels {
            channels: names("C", N_CHANNELS),
            features: names("f", 2),
            subjects: names("s", N_SUBJECTS),
            recordings: names("r", N_SUBJECTS),
        };
        let block = EpochBlock {
            data: self.data.as_slice(),
            n_data_times: N_TIMES,
            features: self.features.as_slice().unwrap(),
            measured: None,
            subjects: (0..N_EPOCHS).map(|e| e / PER_SUBJECT).collect(),
            recordings: (0..N_EPOCHS).map(|e| e / PER_SUBJECT).collect(),
            sets: (0..N_EPOCHS).map(|e| Some(set(e % PER_SUBJECT))).collect(),
        };
        EpochArrays::new(labels, vec![block], N_TIMES).unwrap()
    }

    fn for_fits(&self) -> EpochArrays<'_> {
        self.arrays(|place| if place % 5 == 4 { Set::Valid } else { Set::Train })
    }

    /// All epochs as a test set.
    fn dataset(&self) -> Dataset {
        let channel = |c: usize| Channel { name: format!("C{c}"), kind: ChannelType::Eeg, position: None };
        let info = ArraysInfo {
            sfreq: SFREQ,
            first: -(EVENT as isize),
            channels: (0..N_CHANNELS).map(channel).collect(),
            columns: BTreeMap::from([("stimulus".to_owned(), self.stimuli.clone())]),
        };
        Dataset::of_arrays(&self.arrays(|_| Set::Test), &info).unwrap()
    }
}

/// `found` on the data as they are, and on the data times each power of ten, with the power.
fn each_unit<T>(found: impl Fn(&Simulated, i32) -> T) -> (T, Vec<(i32, T)>) {
    each_unit_of(&Simulated::new(), found)
}

fn each_unit_of<T>(plain: &Simulated, found: impl Fn(&Simulated, i32) -> T) -> (T, Vec<(i32, T)>) {
    let others = POWERS.iter().map(|&power| (power, found(&plain.scaled(power), power))).collect();
    (found(plain, 0), others)
}

fn assert_close(power: i32, what: &str, found: &[f64], expected: &[f64], allowed: f64) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!(a.is_nan() == b.is_nan(), "{what}, data · 1e{power}: {a} for {b}");
        assert!(a.is_nan() || (a - b).abs() <= allowed, "{what}, data · 1e{power}: {a} for {b}");
    }
}

fn fit_spec() -> FitSpec {
    FitSpec { valid_from: 0, batch_size: 16, n_threads: 1, stop: Stop::never() }
}

fn score_spec() -> ScoreSpec {
    ScoreSpec { set: Set::Test, score_from: 0.0, batch_size: 16, condition: None }
}

fn trf(arrays: &EpochArrays<'_>, options: LinearOptions) -> CohortTrf {
    let (alphas, alpha_unit) = (vec![0.1, 3.0, 30.0, 1000.0], AlphaUnit::Absolute);
    let config = TrfConfig { lag_max: 30, alphas, alpha_unit, ..TrfConfig::default() };
    fit_trf(arrays, &config, options, &fit_spec()).unwrap()
}

#[test]
fn a_trf_s_choices_and_scores() {
    let all = LinearOptions::DEFAULT;
    for options in [
        all,
        LinearOptions { alpha_per_channel: true, n_folds: 4, ..all },
        LinearOptions { leave_one_out: true, ..all },
        LinearOptions { n_components: 2, ..all },
    ] {
        let (plain, others) = each_unit(|simulated, _| {
            let fitted = trf(&simulated.for_fits(), options);
            let scores = score(&simulated.dataset(), &fitted, &score_spec()).unwrap();
            let alphas: Vec<Vec<f64>> = fitted.subjects.iter().map(|fit| fit.alphas.clone()).collect();
            let valid: Vec<f64> = fitted.subjects.iter().flat_map(|fit| fit.valid_r.clone()).collect();
            (alphas, valid, scores.mean_r, scores.r_over_time)
        });
        assert!(plain.2 > 0.2, "{}", plain.2);
        for (power, (alphas, valid, mean_r, over_time)) in others {
            assert_eq!(alphas, plain.0, "{options:?}, data · 1e{power}");
            assert_close(power, "r of validation", &valid, &plain.1, ROUNDING);
            assert_close(power, "mean r", &[mean_r], &[plain.2], ROUNDING);
            assert_close(power, "r over time", &over_time, &plain.3, 10.0 * ROUNDING);
        }
    }
}

#[test]
fn banded_ridge_s_weights_shares_and_scores() {
    let (plain, others) = each_unit(|simulated, _| {
        let config = BandedConfig { lag_max: 30, n_iter: 12, alphas: vec![0.3, 30.0], ..BandedConfig::default() };
        let options = LinearOptions { alpha_per_channel: true, nested: true, n_folds: 3, ..LinearOptions::DEFAULT };
        let fitted = fit_banded(&simulated.for_fits(), &config, options, 1, &fit_spec()).unwrap();
        let weights: Vec<f64> = fitted.weights.iter().flatten().copied().collect();
        let alphas: Vec<Vec<f64>> = fitted.subjects.iter().map(|fit| fit.alphas.clone()).collect();
        let nested: Vec<f64> = fitted.subjects.iter().filter_map(|fit| fit.nested_r2).collect();
        let data = simulated.dataset();
        let bands: Vec<_> = (0..fitted.bands.len()).map(|band| fitted.band(band)).collect();
        let parts: Vec<&dyn Predictor> = bands.iter().map(|part| part as &dyn Predictor).collect();
        let shares = score_parts(&data, &fitted, &parts, &score_spec()).unwrap().concat();
        (weights, alphas, nested, shares, score(&data, &fitted, &score_spec()).unwrap().mean_r)
    });
    assert!(plain.0.iter().any(|w| (w - plain.0[0]).abs() > 1e-3), "something was chosen");
    for (power, found) in others {
        assert_close(power, "weights", &found.0, &plain.0, 1e-12);
        assert_eq!(found.1, plain.1, "data · 1e{power}");
        assert_close(power, "nested R²", &found.2, &plain.2, ROUNDING);
        assert_close(power, "shares", &found.3, &plain.3, ROUNDING);
        assert_close(power, "mean r", &[found.4], &[plain.4], ROUNDING);
    }
}

/// Penalties of an autoregression are in units of the data squared where it sees no features.
#[test]
fn an_autoregression_s_choices_and_scores() {
    let (plain, others) = each_unit(|simulated, power| {
        let unit = 10f64.powi(2 * power);
        let alphas = [0.1, 10.0, 1000.0].map(|alpha| alpha * unit).to_vec();
        let config = RtrfConfig { n_lags_data: 4, n_lags_features: 0, alphas, alpha_unit: AlphaUnit::Absolute };
        let fitted = fit_rtrf(&simulated.for_fits(), &config, EVENT, LinearOptions::DEFAULT, &fit_spec()).unwrap();
        let chosen: Vec<usize> = fitted
            .subjects
            .iter()
            .map(|fit| config.alphas.iter().position(|a| a.to_bits() == fit.alphas[0].to_bits()).unwrap())
            .collect();
        (chosen, score(&simulated.dataset(), &fitted, &score_spec()).unwrap().mean_r)
    });
    assert!(plain.1 > 0.05, "{}", plain.1);
    for (power, (chosen, mean_r)) in others {
        assert_eq!(chosen, plain.0, "data · 1e{power}");
        assert_close(power, "mean r", &[mean_r], &[plain.1], 10.0 * ROUNDING);
    }
}

/// Relative penalties are in the unit of the data's past and of the features, each for itself.
#[test]
fn an_autoregression_with_features_s_choices_and_scores() {
    let (plain, others) = each_unit(|simulated, _| {
        let config = RtrfConfig { n_lags_data: 4, n_lags_features: 30, ..RtrfConfig::default() };
        let fitted = fit_rtrf(&simulated.for_fits(), &config, EVENT, LinearOptions::DEFAULT, &fit_spec()).unwrap();
        let alphas: Vec<f64> = fitted.subjects.iter().map(|fit| fit.alphas[0]).collect();
        (alphas, score(&simulated.dataset(), &fitted, &score_spec()).unwrap().mean_r)
    });
    assert!(plain.1 > 0.2, "{}", plain.1);
    for (power, (alphas, mean_r)) in others {
        assert_eq!(alphas, plain.0, "data · 1e{power}");
        assert_close(power, "mean r", &[mean_r], &[plain.1], 10.0 * ROUNDING);
    }
}

/// With coefficients in the data's unit, one that comes to rest and one that does not.
#[test]
fn a_roll_out_is_held_at_the_same_place() {
    for (gain, diverges) in [(0.9, false), (1.6, true)] {
        let (plain, others) = each_unit(|simulated, power| {
            let unit = 10f64.powi(power);
            let model = Rtrf {
                coef_data: Array3::from_shape_fn(
                    (N_CHANNELS, 1, N_CHANNELS),
                    |(c, _, d)| {
                        if c == d { gain } else { 0.0 }
                    },
                ),
                coef_features: Array3::from_elem((N_CHANNELS, 10, 2), 0.1 * unit),
                intercept: Array1::from_elem(N_CHANNELS, 0.3 * unit),
            };
            let fit = |s: usize| SubjectFit {
                subject: format!("s{s}"),
                model: model.clone(),
                alphas: vec![1.0],
                valid_r: Vec::new(),
                nested_r2: None,
            };
            let cohort = CohortRtrf::new((0..N_SUBJECTS).map(fit).collect(), EVENT, 1);
            let counted = Counted::new(&cohort);
            let scores = score(&simulated.dataset(), &counted, &score_spec()).unwrap();
            (counted.n_diverged(), scores.r_over_time)
        });
        assert_eq!(plain.0, if diverges { N_EPOCHS } else { 0 });
        for (power, (n_diverged, over_time)) in others {
            assert_eq!(n_diverged, plain.0, "gain {gain}, data · 1e{power}");
            assert_close(power, "r over time", &over_time[..EVENT + 20], &plain.1[..EVENT + 20], 1e-3);
        }
    }
}

#[test]
fn what_a_decoder_tells() {
    let (plain, others) = each_unit(|simulated, power| {
        let unit = 10f64.powi(2 * power);
        let alphas = [1.0, 100.0, 1e4].map(|alpha| alpha * unit).to_vec();
        let own = DecodeConfig { lag_min: -20, lag_max: 0, alphas: alphas.clone(), ..DecodeConfig::default() };
        let config = DecodeConfig { alpha_unit: AlphaUnit::Absolute, ..own };
        let fitted = fit_decoder(&simulated.for_fits(), &config, &fit_spec()).unwrap();
        let chosen: Vec<usize> = fitted
            .subjects
            .iter()
            .flat_map(|fit| fit.alphas.clone())
            .map(|alpha| alphas.iter().position(|a| a.to_bits() == alpha.to_bits()).unwrap())
            .collect();
        let arrays = simulated.arrays(|_| Set::Test);
        let told = fitted.score(&arrays, Set::Test, 16, 1).unwrap();
        (chosen, told.concat().iter().map(|score| score.r).collect::<Vec<_>>())
    });
    assert!(plain.1.iter().all(|r| *r > 0.2), "{:?}", plain.1);
    for (power, (chosen, told)) in others {
        assert_eq!(chosen, plain.0, "data · 1e{power}");
        assert_close(power, "r of features", &told, &plain.1, 10.0 * ROUNDING);
    }
}

#[test]
fn partial_correlations() {
    let (plain, others) = each_unit(|simulated, _| {
        let mut sums = PartialCorrelation::new(N_CHANNELS, N_TIMES);
        sums.push(&simulated.data).unwrap();
        sums.r(0, 1, &[2]).into_iter().map(Option::unwrap).collect::<Vec<_>>()
    });
    assert!(plain.iter().any(|r| r.abs() > 0.1));
    others.iter().for_each(|(power, r)| assert_close(*power, "partial r", r, &plain, 10.0 * ROUNDING));
}

#[test]
fn the_noise_ceiling() {
    let (plain, others) = each_unit(|simulated, _| {
        let spec = CeilingSpec {
            set: Set::Test,
            column: "stimulus".to_owned(),
            score_from: 0.0,
            seed: 0,
            n_threads: 1,
            stop: Stop::never(),
        };
        let found = noise_ceiling(&simulated.dataset(), &spec).unwrap();
        (found.mean, found.per_channel)
    });
    assert!(plain.0 > 0.2, "{}", plain.0);
    for (power, (mean, per_channel)) in others {
        assert_close(power, "ceiling", &[mean], &[plain.0], 10.0 * ROUNDING);
        assert_close(power, "ceiling per channel", &per_channel, &plain.1, 10.0 * ROUNDING);
    }
}

#[test]
fn importance() {
    let (plain, others) = each_unit(|simulated, _| {
        let fitted = trf(&simulated.for_fits(), LinearOptions::DEFAULT);
        let data = simulated.dataset();
        let spec = ImportanceSpec {
            modes: vec![Mode::Event],
            conditional: true,
            n_permutations: 4,
            ..ImportanceSpec::default()
        };
        let targets = spec.targets_of_signals(data.features()).unwrap();
        let values = FeatureValues::of_arrays(&data).unwrap();
        let window = EVENT..N_TIMES;
        let plan = PermuteSpec { set: Set::Test, window: window.clone(), batch_size: 16, seed: 1, n_threads: 1 };
        let found = permute(&data, &values, &fitted, &targets, &plan, &mut |_| ControlFlow::Continue(()));
        let summary = SummarySpec { window, tfce: false, seed: 0, n_threads: 1, stop: Stop::never() };
        let results = summarise(&data, "trf", &found.unwrap().unwrap(), &summary).unwrap();
        assert_eq!(results.len(), 4);
        results.iter().map(|result| (result.delta_r, result.peak)).collect::<Vec<_>>()
    });
    assert!(plain.iter().all(|(delta_r, _)| *delta_r > 0.03), "{plain:?}");
    for (power, found) in others {
        let numbers = |found: &[(f64, Option<f64>)]| found.iter().map(|(r, _)| *r).collect::<Vec<_>>();
        assert_close(power, "Δr", &numbers(&found), &numbers(&plain), 10.0 * ROUNDING);
        assert!(found.iter().zip(&plain).all(|(a, b)| a.1 == b.1), "peaks, data · 1e{power}");
    }
}

/// The truth and a prediction in the data's unit that is half of it: what follows the state is captured.
struct Half;

impl Predictor for Half {
    fn predict(&self, batch: &dre::data::Batch) -> Result<Array3<f32>> {
        Ok(batch.data.mapv(|v| 0.5 * v))
    }

    fn inputs(&self) -> dre::model::Inputs {
        dre::model::Inputs::FEATURES
    }
}

#[test]
fn responses_by_brain_state() {
    for by in [By::Power, By::Phase] {
        let (plain, others) = each_unit_of(&Simulated::following(2.5), |simulated, power| {
            let data = simulated.dataset();
            let bins = BinSpec {
                band: [9.0, 11.0],
                window: 0..EVENT,
                channels: Vec::new(),
                n_bins: 3,
                set: Set::Test,
                min_epochs: 5,
                score_from: EVENT,
                batch_size: 16,
                n_threads: 1,
            };
            let states = analyse(&data, &[&Half], by, &bins, &mut || ControlFlow::Continue(())).unwrap().unwrap();
            let flips = PermutationSpec { n_permutations: 20, ..PermutationSpec::default() };
            let spec = StateSummarySpec { bins, flips, reference: None };
            let found = dre::state::summarise(&data, &["half"], &states, &spec).unwrap();
            let sizes: Vec<usize> = states.subjects.iter().flat_map(|s| s.bins.iter().map(|b| b.n_epochs)).collect();
            let model = &found.models["half"];
            let difference = found.maps.unwrap().difference(by, None)[0][EVENT + 12];
            let numbers = vec![
                model.r,
                model.crossed,
                found.truth.contrast,
                model.modulation.contrast,
                f64::from(difference) / 10f64.powi(power),
            ];
            (sizes, numbers, model.over_time.clone())
        });
        assert!(plain.1[..2].iter().all(|r| *r > 0.2), "{by:?}: {:?}", plain.1);
        for (power, (sizes, numbers, over_time)) in others {
            assert_eq!(sizes, plain.0, "{by:?}, data · 1e{power}");
            assert_close(power, by.name(), &numbers, &plain.1, 1e-3);
            assert_close(power, "r across halves over time", &over_time, &plain.2, 1e-3);
        }
    }
}
