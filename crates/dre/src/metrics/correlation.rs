//! Pearson's r across epochs, accumulated batch by batch.

use ndarray::{Array2, ArrayRef3};

use crate::{Error, Result};

/// Added to the product of the two variances before the root is taken, so that a constant gives r = 0, not NaN.
pub(super) const VARIANCE_FLOOR: f64 = 1e-20;

/// Pearson's r across epochs for each channel × time, in one pass and in f64.
///
/// Means and co-moments are updated epoch by epoch (Welford 1962), which loses no digits to large means. With it, r =
/// cov(x, y) / √(var(x) var(y) + 10⁻²⁰).
#[derive(Clone, Debug)]
pub struct Correlation {
    shape: [usize; 2],
    n_epochs: usize,
    cells: Vec<Cell>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    mean_x: f64,
    mean_y: f64,
    xx: f64,
    yy: f64,
    xy: f64,
}

impl Correlation {
    /// An empty accumulator for epochs of this shape. Takes 40 bytes per channel and sample.
    pub fn new(n_channels: usize, n_times: usize) -> Self {
        Self { shape: [n_channels, n_times], n_epochs: 0, cells: vec![Cell::default(); n_channels * n_times] }
    }

    /// Number of epochs so far.
    pub fn n_epochs(&self) -> usize {
        self.n_epochs
    }

    /// Adds epochs, both arrays `(n_epochs, n_channels, n_times)`.
    ///
    /// # Errors
    /// [`Error::Shape`] where the arrays do not fit.
    pub fn push(&mut self, truth: &ArrayRef3<f32>, predicted: &ArrayRef3<f32>) -> Result<()> {
        let [n_channels, n_times] = self.shape;
        for (what, array) in [("the true data", truth), ("the prediction", predicted)] {
            if array.shape() != [truth.len_of(ndarray::Axis(0)), n_channels, n_times] {
                return Err(Error::Shape {
                    what: what.to_owned(),
                    found: array.shape().to_vec(),
                    expected: format!("({} epochs, {n_channels} channels, {n_times} samples)", truth.shape()[0]),
                });
            }
        }
        for (x, y) in truth.outer_iter().zip(predicted.outer_iter()) {
            self.n_epochs += 1;
            let share = 1.0 / self.n_epochs as f64;
            for ((cell, &x), &y) in self.cells.iter_mut().zip(x).zip(y) {
                let (x, y) = (f64::from(x), f64::from(y));
                let (dx, dy) = (x - cell.mean_x, y - cell.mean_y);
                cell.mean_x += dx * share;
                cell.mean_y += dy * share;
                cell.xx += dx * (x - cell.mean_x);
                cell.yy += dy * (y - cell.mean_y);
                cell.xy += dx * (y - cell.mean_y);
            }
        }
        Ok(())
    }

    /// r for each channel × time, `(n_channels, n_times)`; 0 where either side does not vary or there is no epoch.
    pub fn r(&self) -> Array2<f64> {
        let n = self.n_epochs.max(1) as f64;
        let mut r = Array2::zeros(self.shape);
        for (r, c) in r.iter_mut().zip(&self.cells) {
            *r = (c.xy / n) / ((c.xx / n) * (c.yy / n) + VARIANCE_FLOOR).sqrt();
        }
        r
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, Axis, s};
    use proptest::prelude::*;

    use super::*;

    fn arrays(values: &[f32], n: usize) -> (Array3<f32>, Array3<f32>) {
        let half = n * 6;
        let make = |part: &[f32]| Array3::from_shape_vec((n, 2, 3), part.to_vec()).unwrap();
        (make(&values[..half]), make(&values[half..2 * half]))
    }

    proptest! {
        #[test]
        fn equals_the_textbook_formula(
            values in prop::collection::vec(-3f32..3.0, 2 * 6 * 9), split in 0usize..9, offset in 0f32..1000.0,
        ) {
            let (truth, mut predicted) = arrays(&values, 9);
            predicted += offset;
            let mut streaming = Correlation::new(2, 3);
            streaming.push(&truth.slice(s![..split, .., ..]), &predicted.slice(s![..split, .., ..])).unwrap();
            streaming.push(&truth.slice(s![split.., .., ..]), &predicted.slice(s![split.., .., ..])).unwrap();
            let (x, y) = (truth.mapv(f64::from), predicted.mapv(f64::from));
            let (x, y) = (&x - &x.mean_axis(Axis(0)).unwrap(), &y - &y.mean_axis(Axis(0)).unwrap());
            let mean = |a: Array3<f64>| a.mean_axis(Axis(0)).unwrap();
            let expected = mean(&x * &y) / (mean(&x * &x) * mean(&y * &y) + 1e-20).mapv(f64::sqrt);
            for (a, b) in streaming.r().iter().zip(&expected) {
                prop_assert!((a - b).abs() < 1e-9, "{} against {}", a, b);
            }
        }
    }

    #[test]
    fn constants_give_zero() {
        let truth = Array3::from_shape_fn((4, 1, 2), |(e, _, _)| e as f32);
        let mut correlation = Correlation::new(1, 2);
        correlation.push(&truth, &Array3::from_elem((4, 1, 2), 3.0)).unwrap();
        assert_eq!(correlation.r(), ndarray::array![[0.0, 0.0]]);
        assert_eq!(Correlation::new(1, 2).r(), ndarray::array![[0.0, 0.0]]);
    }

    #[test]
    fn shapes_are_checked() {
        let mut correlation = Correlation::new(1, 2);
        let found = correlation.push(&Array3::zeros((4, 1, 2)), &Array3::zeros((3, 1, 2)));
        assert!(found.unwrap_err().to_string().contains("prediction has shape [3, 1, 2]"));
    }
}
