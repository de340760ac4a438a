//! Which penalty predicts held-out epochs best.

use ndarray::{Array2, Array3, ArrayView1, Axis, s};

use super::source::Source;
use crate::data::{Batch, Epoch, LEAST_EPOCHS};
use crate::metrics::Correlation;
use crate::{Error, Result};

/// The choice among models that differ in alpha.
pub(super) struct Choice {
    /// Index of the alpha for each channel or component.
    pub(super) chosen: Vec<usize>,
    /// Mean r for each alpha; empty where the choice was made by squared error.
    pub(super) valid_r: Vec<f64>,
}

impl Choice {
    /// The least of errors `(n_alphas, n_targets)`, for each target or for their sum; a target that was never measured has
    /// NaN and no say.
    pub(super) fn of_errors(errors: &Array2<f64>, per_target: bool) -> Self {
        let negative = |values: ArrayView1<'_, f64>| values.iter().map(|error| -error).collect::<Vec<_>>();
        let sums = errors.map_axis(Axis(1), |row| row.iter().filter(|error| error.is_finite()).sum::<f64>());
        let best = first_best(&negative(sums.view()));
        let own = |target: ArrayView1<'_, f64>| if per_target { first_best(&negative(target)) } else { best };
        Self { chosen: errors.axis_iter(Axis(1)).map(own).collect(), valid_r: Vec::new() }
    }
}

/// Refuses to choose one of several candidates on fewer than [`LEAST_EPOCHS`] epochs: the first of them would win.
pub(super) fn check_enough(n_candidates: usize, n_epochs: usize) -> Result<()> {
    if n_candidates <= 1 || n_epochs >= LEAST_EPOCHS {
        return Ok(());
    }
    Err(Error::Setting {
        name: "number of validation epochs".to_owned(),
        found: n_epochs.to_string(),
        expected: format!(
            "at least {LEAST_EPOCHS} to choose a penalty on, since r across fewer is 1 or −1 whatever was measured; give more \
             validation epochs, choose on folds of the training epochs (n_folds), or give one penalty"
        ),
    })
}

/// Scores models, one per alpha, on epochs that they have not seen: r across all of them for each channel × time, averaged
/// over the samples from `valid_from` on. Components are compared as the channels that they stand for, unless each has a
/// choice of its own.
///
/// # Errors
/// As [`check_enough`]; what predicting reports.
pub(super) fn choose<M>(
    source: &Source<'_>,
    sets: &[(Vec<M>, &[Epoch])],
    valid_from: usize,
    per_target: bool,
    predict: impl Fn(&M, &Batch) -> Result<Array3<f64>>,
) -> Result<Choice> {
    let n_alphas = sets.first().map_or(0, |(models, _)| models.len());
    check_enough(n_alphas, sets.iter().map(|(_, epochs)| epochs.len()).sum())?;
    let restored = source.pca.filter(|_| !per_target);
    let n_rows = if restored.is_some() { source.dataset.n_channels() } else { source.n_targets() };
    let mut scores = vec![Correlation::new(n_rows, source.dataset.n_times()); n_alphas];
    for (models, epochs) in sets {
        source.batches(epochs, |drawn, seen| {
            for (model, score) in models.iter().zip(&mut scores) {
                source.stop.check()?;
                let predicted = predict(model, seen)?;
                let (predicted, truth) = match restored {
                    Some(pca) => (pca.restore(&predicted)?, drawn),
                    None => (predicted, seen),
                };
                score.push_measured(&truth.data, &predicted.mapv(|v| v as f32), truth.measured.as_ref())?;
            }
            Ok(())
        })?;
    }
    // Mean over samples of each channel, for each alpha; what could not be measured counts in no mean.
    let by_row: Vec<Vec<f64>> = scores
        .iter()
        .map(|score| {
            let r = score.score();
            let late = r.slice(s![.., valid_from..]);
            late.axis_iter(Axis(0)).map(|row| mean(row.iter().copied())).collect()
        })
        .collect();
    let valid_r: Vec<f64> = by_row.iter().map(|rows| mean(rows.iter().copied())).collect();
    let best = first_best(&valid_r);
    let chosen = (0..source.n_targets())
        .map(|row| if per_target { first_best(&by_row.iter().map(|rows| rows[row]).collect::<Vec<_>>()) } else { best })
        .collect();
    Ok(Choice { chosen, valid_r })
}

/// The first of equals, as a strict comparison in the order of the configuration gives.
fn first_best(values: &[f64]) -> usize {
    (0..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.filter(|v| v.is_finite()).fold((0.0, 0usize), |(sum, n), v| (sum + v, n + 1));
    if n == 0 { 0.0 } else { sum / n as f64 }
}
