//! The share of r that each part of a prediction has.

use ndarray::{Array3, Axis};

use super::score::ScoreSpec;
use crate::data::{Batch, Dataset};
use crate::model::Predictor;
use crate::rounding::varies;
use crate::{Error, Result};

/// Sums for one channel × time, updated epoch by epoch (Welford 1962).
#[derive(Clone, Debug, Default)]
struct Cell {
    n: f64,
    mean_truth: f64,
    mean_whole: f64,
    truth: f64,
    whole: f64,
    /// Mean of each part, and its co-moment with the truth.
    parts: Vec<(f64, f64)>,
}

impl Cell {
    fn add(&mut self, truth: f64, whole: f64, parts: impl Iterator<Item = f64>) {
        self.n += 1.0;
        let (d_truth, d_whole) = (truth - self.mean_truth, whole - self.mean_whole);
        self.mean_truth += d_truth / self.n;
        self.mean_whole += d_whole / self.n;
        self.truth += d_truth * (truth - self.mean_truth);
        self.whole += d_whole * (whole - self.mean_whole);
        for ((mean, product), value) in self.parts.iter_mut().zip(parts) {
            *mean += (value - *mean) / self.n;
            *product += d_truth * (value - *mean);
        }
    }

    /// Standard deviations of the truth and of the whole prediction.
    fn sds(&self) -> [f64; 2] {
        [self.truth, self.whole].map(|squares| (squares / self.n.max(1.0)).sqrt())
    }

    /// The share of each part, 0 where r is; `largest` are the largest sizes of both sides on the channel.
    fn shares(&self, largest: [f64; 2]) -> impl Iterator<Item = f64> {
        let ([sd_truth, sd_whole], n) = (self.sds(), self.n.max(1.0));
        let has_r = varies(sd_truth, self.mean_truth, largest[0]) && varies(sd_whole, self.mean_whole, largest[1]);
        self.parts.iter().map(move |(_, product)| if has_r { product / n / sd_truth / sd_whole } else { 0.0 })
    }
}

/// How the score of a model is shared out over the parts of its prediction, for each subject (of the data set, in its
/// order) and part: the product measure (Hoffman 1960, Pratt 1987) of r.
///
/// With parts that sum to the prediction, up to a constant, r = `Σ_b` cov(y, `ŷ_b`) / (`σ_y` `σ_ŷ`); each summand is a part's
/// share, as in himalaya's `correlation_score_split`. Taken across epochs for each channel × time as r is, then averaged
/// over channels and times from `spec.score_from` on. A part that works against the others has a negative share.
///
/// # Errors
/// As [`score`](super::score).
pub fn score_parts(
    dataset: &Dataset,
    whole: &dyn Predictor,
    parts: &[&dyn Predictor],
    spec: &ScoreSpec,
) -> Result<Vec<Vec<f64>>> {
    let (n_channels, n_times) = (dataset.n_channels(), dataset.n_times());
    let first = spec.first_sample(dataset, whole)?;
    let mut batch = Batch::default();
    let mut shares = Vec::new();
    for subject in 0..dataset.n_subjects() {
        let empty = Cell { parts: vec![(0.0, 0.0); parts.len()], ..Cell::default() };
        let mut cells = vec![empty; n_channels * n_times];
        for epochs in dataset.subject_epochs(spec.set, subject).chunks(spec.batch_size) {
            dataset.draw(epochs, &mut batch);
            let predicted = whole.predict(&batch)?;
            let by_part: Vec<Array3<f32>> = parts.iter().map(|part| part.predict(&batch)).collect::<Result<_>>()?;
            for array in by_part.iter().chain([&predicted]) {
                if array.dim() != batch.data.dim() {
                    return Err(Error::Shape {
                        what: "a part of the prediction".to_owned(),
                        found: array.shape().to_vec(),
                        expected: format!("{:?}", batch.data.shape()),
                    });
                }
            }
            for epoch in 0..batch.n_epochs() {
                let measured = batch.measured.as_ref().map(|m| m.index_axis(Axis(0), epoch));
                for c in 0..n_channels {
                    for t in (first..n_times).filter(|&t| measured.as_ref().is_none_or(|m| m[[c, t]])) {
                        let at = |array: &Array3<f32>| f64::from(array[[epoch, c, t]]);
                        cells[c * n_times + t].add(at(&batch.data), at(&predicted), by_part.iter().map(at));
                    }
                }
            }
        }
        let mut own = vec![0.0; parts.len()];
        let mut n = 0usize;
        for channel in cells.chunks_exact(n_times) {
            let largest = channel.iter().fold([0.0f64; 2], |[truth, whole], cell| {
                let [sd_truth, sd_whole] = cell.sds();
                [truth.max(sd_truth.hypot(cell.mean_truth)), whole.max(sd_whole.hypot(cell.mean_whole))]
            });
            for cell in channel.iter().filter(|cell| cell.n > 0.0) {
                n += 1;
                own.iter_mut().zip(cell.shares(largest)).for_each(|(sum, share)| *sum += share);
            }
        }
        shares.push(own.into_iter().map(|sum| sum / n.max(1) as f64).collect());
    }
    Ok(shares)
}
