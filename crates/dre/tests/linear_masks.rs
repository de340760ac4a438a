//! Linear models of data with gaps, against plain least squares on design matrices.
#![allow(missing_docs)]

mod common;

use dre::linear::{AlphaUnit, Penalty, Rtrf, RtrfConfig, Trf, TrfConfig};
use indexmap::IndexMap;
use ndarray::{Array2, Array3, Axis};
use proptest::prelude::*;

/// (`XᵀX` + α I)⁻¹ Xᵀ y by Gaussian elimination with partial pivoting.
fn ridge(rows: &[Vec<f64>], y: &[f64], alpha: f64) -> Vec<f64> {
    let n = rows[0].len();
    // Each row of the system with its right-hand side at the end.
    let mut system = vec![vec![0.0; n + 1]; n];
    for (row, y) in rows.iter().zip(y) {
        for (i, line) in system.iter_mut().enumerate() {
            (0..n).for_each(|j| line[j] += row[i] * row[j]);
            line[n] += row[i] * y;
        }
    }
    (0..n).for_each(|i| system[i][i] += alpha);
    for i in 0..n {
        let pivot = (i..n).max_by(|&a, &b| system[a][i].abs().total_cmp(&system[b][i].abs())).unwrap();
        system.swap(i, pivot);
        let line = system[i].clone();
        for below in system.iter_mut().skip(i + 1) {
            let factor = below[i] / line[i];
            (i..=n).for_each(|j| below[j] -= factor * line[j]);
        }
    }
    let mut w = vec![0.0; n];
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|j| system[i][j] * w[j]).sum();
        w[i] = (system[i][n] - known) / system[i][i];
    }
    w
}

fn mean(values: impl Iterator<Item = f64> + Clone) -> f64 {
    values.clone().sum::<f64>() / values.count() as f64
}

fn names(n: usize) -> Vec<String> {
    (0..n).map(|f| format!("f{f}")).collect()
}

const SHAPE: (usize, usize, usize) = (4, 3, 18);

fn arrays(values: &[f64], kept: &[bool], missing: Option<usize>) -> (Array3<f64>, Array3<f64>, Array3<bool>) {
    let (n_epochs, n_channels, n_times) = SHAPE;
    let x = Array3::from_shape_vec((n_epochs, 2, n_times), values[..n_epochs * 2 * n_times].to_vec()).unwrap();
    let y = Array3::from_shape_vec(SHAPE, values[n_epochs * 2 * n_times..].to_vec()).unwrap();
    let measured = Array3::from_shape_fn(SHAPE, |(e, c, t)| {
        // Segments of three samples of all channels; one channel is missing in the first two epochs.
        kept[e * n_times + t - t % 3] && !(missing == Some(c) && e < 2)
    });
    let y = Array3::from_shape_fn((n_epochs, n_channels, n_times), |i| if measured[i] { y[i] } else { 0.0 });
    (x, y, measured)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_trf_counts_the_measured_samples_only(
        values in prop::collection::vec(-1f64..1.0, 4 * 5 * 18),
        kept in prop::collection::vec(prop::bool::weighted(0.8), 4 * 18),
        missing in prop::option::of(0usize..3),
        own in (-5isize..4, 0isize..5), other in (-3isize..3, 0isize..4), alpha in 0.1f64..5.0, n_threads in 1usize..3,
    ) {
        let (x, y, measured) = arrays(&values, &kept, missing);
        prop_assume!((0..3).all(|c| measured.index_axis(Axis(1), c).iter().any(|&m| m)));
        let windows = [(own.0, own.0 + own.1), (other.0, other.0 + other.1)];
        let config = TrfConfig {
            alpha_unit: AlphaUnit::Absolute,
            lag_min: windows[0].0,
            lag_max: windows[0].1,
            lags: IndexMap::from([("f1".to_owned(), [windows[1].0, windows[1].1])]),
            penalty: Penalty::Ridge,
            ..TrfConfig::default()
        };
        let fitted = &Trf::fit_measured(&x, &y, Some(&measured), &names(2), &config, &[alpha], n_threads).unwrap()[0];
        let columns: Vec<(usize, isize)> =
            windows.iter().enumerate().flat_map(|(f, &(first, last))| (first..=last).map(move |lag| (f, lag))).collect();
        for c in 0..3 {
            let at: Vec<(usize, usize)> =
                (0..4).flat_map(|e| (0..18).map(move |t| (e, t))).filter(|&(e, t)| measured[[e, c, t]]).collect();
            let x_mean: Vec<f64> = (0..2).map(|f| mean(at.iter().map(|&(e, t)| x[[e, f, t]]))).collect();
            let y_mean = mean(at.iter().map(|&(e, t)| y[[e, c, t]]));
            let row = |e: usize, t: usize| -> Vec<f64> {
                columns.iter().map(|&(f, lag)| {
                    let s = t as isize - lag;
                    if (0..18).contains(&s) { x[[e, f, s as usize]] - x_mean[f] } else { 0.0 }
                }).collect()
            };
            let rows: Vec<Vec<f64>> = at.iter().map(|&(e, t)| row(e, t)).collect();
            let target: Vec<f64> = at.iter().map(|&(e, t)| y[[e, c, t]] - y_mean).collect();
            let w = ridge(&rows, &target, alpha);
            let mut intercept = y_mean;
            let mut coef = Array2::<f64>::zeros((2, fitted.coef.dim().2));
            for (&(f, lag), &w) in columns.iter().zip(&w) {
                coef[[f, (lag - fitted.lag_min) as usize]] = w;
                intercept -= w * x_mean[f];
            }
            let found = fitted.coef.index_axis(Axis(0), c);
            prop_assert!((&found - &coef).iter().all(|d| d.abs() < 1e-9), "channel {}: {} for {}", c, found, coef);
            prop_assert!((fitted.intercept[c] - intercept).abs() < 1e-9);
        }
    }

    #[test]
    fn an_rtrf_counts_rows_whose_past_was_measured(
        values in prop::collection::vec(-1f64..1.0, 4 * 5 * 18),
        kept in prop::collection::vec(prop::bool::weighted(0.9), 4 * 18),
        missing in prop::option::of(0usize..3), alpha in 0.1f64..5.0, lags in (1usize..4, 0usize..4),
    ) {
        let (x, y, measured) = arrays(&values, &kept, missing);
        let config = RtrfConfig { alpha_unit: AlphaUnit::Absolute, n_lags_data: lags.0, n_lags_features: lags.1, ..RtrfConfig::default() };
        // Half of the samples must have all channels, or the least measured one is no regressor; the rule, by hand.
        let all = |channels: &[usize], e: usize, t: usize| channels.iter().all(|&c| measured[[e, c, t]]);
        let grid: Vec<(usize, usize)> = (0..4).flat_map(|e| (0..18).map(move |t| (e, t))).collect();
        let some = grid.iter().filter(|&&(e, t)| (0..3).any(|c| measured[[e, c, t]])).count();
        let together = grid.iter().filter(|&&(e, t)| all(&[0, 1, 2], e, t)).count();
        let present: Vec<usize> =
            (0..3).filter(|&c| missing != Some(c) || 2 * together >= some).collect();
        let first = lags.0.max(lags.1.saturating_sub(1));
        let rows_of = |c: usize| -> Vec<(usize, usize)> {
            grid.iter().copied()
                .filter(|&(e, t)| t >= first && measured[[e, c, t]] && (1..=lags.0).all(|l| all(&present, e, t - l)))
                .collect()
        };
        prop_assume!((0..3).all(|c| !rows_of(c).is_empty()));
        let fitted = &Rtrf::fit_measured(&x, &y, Some(&measured), &names(2), &config, &[alpha], 1).unwrap()[0];
        for c in 0..3 {
            let at = rows_of(c);
            let raw = |e: usize, t: usize| -> Vec<f64> {
                let data = present.iter().flat_map(|&d| (1..=lags.0).map(move |l| (d, l))).map(|(d, l)| y[[e, d, t - l]]);
                let features = (0..2).flat_map(|f| (0..lags.1).map(move |m| (f, m))).map(|(f, m)| x[[e, f, t - m]]);
                data.chain(features).collect()
            };
            let mut rows: Vec<Vec<f64>> = at.iter().map(|&(e, t)| raw(e, t)).collect();
            let means: Vec<f64> = (0..rows[0].len()).map(|i| mean(rows.iter().map(|row| row[i]))).collect();
            rows.iter_mut().for_each(|row| row.iter_mut().zip(&means).for_each(|(v, m)| *v -= m));
            let y_mean = mean(at.iter().map(|&(e, t)| y[[e, c, t]]));
            let target: Vec<f64> = at.iter().map(|&(e, t)| y[[e, c, t]] - y_mean).collect();
            let w = ridge(&rows, &target, alpha);
            for (i, &d) in present.iter().enumerate() {
                for l in 0..lags.0 {
                    prop_assert!((fitted.coef_data[[c, l, d]] - w[i * lags.0 + l]).abs() < 1e-9);
                }
            }
            for f in 0..2 {
                for m in 0..lags.1 {
                    let expected = w[present.len() * lags.0 + f * lags.1 + m];
                    prop_assert!((fitted.coef_features[[c, m, f]] - expected).abs() < 1e-9);
                }
            }
            let intercept = y_mean - means.iter().zip(&w).map(|(m, w)| m * w).sum::<f64>();
            prop_assert!((fitted.intercept[c] - intercept).abs() < 1e-9);
        }
    }
}

#[test]
fn a_channel_that_was_never_measured_is_predicted_as_zero() {
    let values: Vec<f64> = (0..4 * 5 * 18).map(|i| f64::from((i * 7919) % 101) / 50.0 - 1.0).collect();
    let (x, y, mut measured) = arrays(&values, &[true; 4 * 18], None);
    measured.index_axis_mut(Axis(1), 1).fill(false);
    let config = TrfConfig { alpha_unit: AlphaUnit::Absolute, lag_max: 2, ..TrfConfig::default() };
    let trf = &Trf::fit_measured(&x, &y, Some(&measured), &names(2), &config, &[1.0], 1).unwrap()[0];
    assert!(trf.predict(&x, 1).unwrap().index_axis(Axis(1), 1).iter().all(|&v| v == 0.0));
    let config =
        RtrfConfig { alpha_unit: AlphaUnit::Absolute, n_lags_data: 2, n_lags_features: 2, ..RtrfConfig::default() };
    let rtrf = &Rtrf::fit_measured(&x, &y, Some(&measured), &names(2), &config, &[1.0], 1).unwrap()[0];
    assert!(rtrf.coef_data.index_axis(Axis(2), 1).iter().all(|&v| v == 0.0));
    assert!(rtrf.coef_data.index_axis(Axis(0), 1).iter().all(|&v| v == 0.0));
    let nothing = Array3::from_elem(y.dim(), false);
    assert!(
        Trf::fit_measured(
            &x,
            &y,
            Some(&nothing),
            &names(2),
            &TrfConfig { alpha_unit: AlphaUnit::Absolute, lag_max: 2, ..TrfConfig::default() },
            &[1.0],
            1
        )
        .is_err()
    );
    let wrong = Array3::from_elem((4, 2, 18), true);
    let text = Rtrf::fit_measured(&x, &y, Some(&wrong), &names(2), &config, &[1.0], 1).unwrap_err().to_string();
    assert!(text.contains("mask"), "{text}");
}
