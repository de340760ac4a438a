//! What the other features say about a feature.

use super::FeatureValues;
use crate::data::{Dataset, Set};

/// Share of a column's variance that must be left, after what the columns before it explain, for it to say anything new.
const LEAST_NEW: f64 = 1e-9;
/// Variance as a share of the mean square below which a column is constant but for rounding; the values are of `f64`.
const LEAST_VARIANCE: f64 = 1e-20;

/// A feature's own values as the other features predict them.
#[derive(Clone, Debug)]
pub(super) struct Fitted {
    /// For each epoch of the set that was asked for: what the others predict; NaN where the own event gives no value.
    pub(super) values: Vec<f64>,
    /// Share of the variance that is explained.
    pub(super) explained: f64,
}

/// Regresses the own events' values of a feature on those of all other features of events that are not in `group`, with an
/// intercept, by least squares over all epochs of all sets and subjects; none where no other feature varies.
///
/// Stimuli alone enter it, so that epochs of all sets may. A value that is missing counts as the mean.
pub(super) fn regress(
    dataset: &Dataset,
    values: &FeatureValues,
    feature: usize,
    group: &[usize],
    set: Set,
) -> Option<Fitted> {
    let epochs: Vec<_> = Set::ALL.iter().flat_map(|&set| dataset.epochs(set)).collect();
    let target: Vec<Option<f64>> = epochs.iter().map(|epoch| finite(values.own(epoch, feature))).collect();
    let rows: Vec<usize> = (0..epochs.len()).filter(|&row| target[row].is_some()).collect();
    let mean = rows.iter().filter_map(|&row| target[row]).sum::<f64>() / rows.len().max(1) as f64;
    let centred: Vec<f64> = rows.iter().filter_map(|&row| target[row]).map(|value| value - mean).collect();
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for other in (0..dataset.n_features()).filter(|other| !group.contains(other)) {
        let column: Vec<Option<f64>> = rows.iter().map(|&row| finite(values.own(epochs[row], other))).collect();
        let there: Vec<f64> = column.iter().copied().flatten().collect();
        let mean = there.iter().sum::<f64>() / there.len().max(1) as f64;
        let square = dot(&there, &there);
        let mut column: Vec<f64> = column.into_iter().map(|value| value.map_or(0.0, |value| value - mean)).collect();
        let before = dot(&column, &column);
        // Twice, since one pass of the Gram–Schmidt process leaves rounding errors that grow with correlation.
        for _ in 0..2 {
            for direction in &basis {
                let along = dot(direction, &column);
                column.iter_mut().zip(direction).for_each(|(x, d)| *x -= along * d);
            }
        }
        let left = dot(&column, &column);
        if left > LEAST_NEW * before && before > LEAST_VARIANCE * square {
            column.iter_mut().for_each(|x| *x /= left.sqrt());
            basis.push(column);
        }
    }
    if basis.is_empty() {
        return None;
    }
    let mut fitted = vec![0.0; rows.len()];
    for direction in &basis {
        let along = dot(direction, &centred);
        fitted.iter_mut().zip(direction).for_each(|(fit, d)| *fit += along * d);
    }
    let all = dot(&centred, &centred);
    let explained = if all > 0.0 { dot(&fitted, &fitted) / all } else { 0.0 };
    let mut by_epoch = vec![f64::NAN; epochs.len()];
    for (row, fit) in rows.into_iter().zip(fitted) {
        by_epoch[row] = mean + fit;
    }
    let before: usize = Set::ALL.iter().take_while(|&&other| other != set).map(|&s| dataset.epochs(s).len()).sum();
    let values = by_epoch[before..before + dataset.epochs(set).len()].to_vec();
    Some(Fitted { values, explained })
}

fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
