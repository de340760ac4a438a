//! Pearson's r across epochs, accumulated batch by batch.

use ndarray::{Array2, Array3, ArrayRef3, Axis};

use crate::{Error, Result};

/// Added to the product of the two variances before the root is taken, so that a constant gives r = 0, not NaN.
pub(super) const VARIANCE_FLOOR: f64 = 1e-20;

/// Epochs that a channel × time that was not measured in all of them needs for an r: across two it is ±1, whatever they are.
const MIN_MEASURED: u32 = 3;

/// Pearson's r across epochs for each channel × time, in one pass and in f64.
///
/// Means and co-moments are updated epoch by epoch (Welford 1962), which loses no digits to large means. With it, r =
/// cov(x, y) / √(var(x) var(y) + 10⁻²⁰). Where epochs were not measured throughout, each channel × time counts those that
/// were measured there.
#[derive(Clone, Debug)]
pub struct Correlation {
    shape: [usize; 2],
    n_epochs: usize,
    cells: Vec<Cell>,
    /// Epochs by channel × time; none while all are measured throughout.
    counts: Option<Vec<u32>>,
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
        Self {
            shape: [n_channels, n_times],
            n_epochs: 0,
            cells: vec![Cell::default(); n_channels * n_times],
            counts: None,
        }
    }

    /// Number of epochs so far.
    pub fn n_epochs(&self) -> usize {
        self.n_epochs
    }

    /// Adds epochs that were measured throughout, both arrays `(n_epochs, n_channels, n_times)`.
    ///
    /// # Errors
    /// [`Error::Shape`] where the arrays do not fit.
    pub fn push(&mut self, truth: &ArrayRef3<f32>, predicted: &ArrayRef3<f32>) -> Result<()> {
        self.push_measured(truth, predicted, None)
    }

    /// Adds epochs as [`Correlation::push`], where `measured`, in the shape of both, is true; everywhere where it is none.
    ///
    /// # Errors
    /// [`Error::Shape`] where the arrays do not fit.
    pub fn push_measured(
        &mut self,
        truth: &ArrayRef3<f32>,
        predicted: &ArrayRef3<f32>,
        measured: Option<&Array3<bool>>,
    ) -> Result<()> {
        let [n_channels, n_times] = self.shape;
        let shapes = [("the true data", Some(truth.shape())), ("the prediction", Some(predicted.shape()))];
        let marks = ("what was measured", measured.map(ndarray::ArrayBase::shape));
        for (what, shape) in shapes.into_iter().chain([marks]) {
            let Some(shape) = shape else { continue };
            if shape != [truth.len_of(ndarray::Axis(0)), n_channels, n_times] {
                return Err(Error::Shape {
                    what: what.to_owned(),
                    found: shape.to_vec(),
                    expected: format!("({} epochs, {n_channels} channels, {n_times} samples)", truth.shape()[0]),
                });
            }
        }
        if measured.is_some() && self.counts.is_none() {
            self.counts = Some(vec![self.n_epochs as u32; self.cells.len()]);
        }
        for (epoch, (x, y)) in truth.outer_iter().zip(predicted.outer_iter()).enumerate() {
            self.n_epochs += 1;
            let Some(counts) = &mut self.counts else {
                let share = 1.0 / self.n_epochs as f64;
                for ((cell, &x), &y) in self.cells.iter_mut().zip(x).zip(y) {
                    cell.add(x, y, share);
                }
                continue;
            };
            let marks = measured.map(|measured| measured.index_axis(Axis(0), epoch));
            let mut marks = marks.iter().flatten();
            for (((cell, count), &x), &y) in self.cells.iter_mut().zip(counts).zip(x).zip(y) {
                if marks.next().is_none_or(|&is| is) {
                    *count += 1;
                    cell.add(x, y, 1.0 / f64::from(*count));
                }
            }
        }
        Ok(())
    }

    /// r for each channel × time, `(n_channels, n_times)`; 0 where either side does not vary or there is no epoch; NaN
    /// where some epochs were not measured and fewer than three were.
    pub fn r(&self) -> Array2<f64> {
        let mut r = Array2::zeros(self.shape);
        for (i, (r, c)) in r.iter_mut().zip(&self.cells).enumerate() {
            let n = match &self.counts {
                Some(counts) if (counts[i] as usize) < self.n_epochs && counts[i] < MIN_MEASURED => {
                    *r = f64::NAN;
                    continue;
                }
                Some(counts) => f64::from(counts[i].max(1)),
                None => self.n_epochs.max(1) as f64,
            };
            *r = (c.xy / n) / ((c.xx / n) * (c.yy / n) + VARIANCE_FLOOR).sqrt();
        }
        r
    }

    /// [`Correlation::r`] as a score: NaN throughout where there were fewer than three epochs, across which r means nothing.
    pub fn score(&self) -> Array2<f64> {
        if self.n_epochs < MIN_MEASURED as usize { Array2::from_elem(self.shape, f64::NAN) } else { self.r() }
    }
}

impl Cell {
    /// Adds one epoch's values; `share` is 1 / the number of epochs with it.
    fn add(&mut self, x: f32, y: f32, share: f64) {
        let (x, y) = (f64::from(x), f64::from(y));
        let (dx, dy) = (x - self.mean_x, y - self.mean_y);
        self.mean_x += dx * share;
        self.mean_y += dy * share;
        self.xx += dx * (x - self.mean_x);
        self.yy += dy * (y - self.mean_y);
        self.xy += dx * (y - self.mean_y);
    }
}

#[cfg(test)]
mod tests {
    use ndarray::s;
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

    proptest! {
        #[test]
        fn each_cell_counts_the_epochs_that_were_measured_there(
            values in prop::collection::vec(-3f32..3.0, 2 * 6 * 9), marks in prop::collection::vec(any::<bool>(), 6 * 9),
            split in 0usize..9,
        ) {
            let (mut truth, predicted) = arrays(&values, 9);
            let measured = Array3::from_shape_vec((9, 2, 3), marks).unwrap();
            truth.zip_mut_with(&measured, |x, &is| if !is { *x = f32::NAN });
            let mut found = Correlation::new(2, 3);
            for part in [0..split, split..9] {
                let marks = measured.slice(s![part.clone(), .., ..]).to_owned();
                found.push_measured(&truth.slice(s![part.clone(), .., ..]), &predicted.slice(s![part, .., ..]), Some(&marks)).unwrap();
            }
            for ((c, t), &r) in found.r().indexed_iter() {
                // The same cell alone, from the epochs that have it.
                let has: Vec<usize> = (0..9).filter(|&e| measured[[e, c, t]]).collect();
                let column = |a: &Array3<f32>| Array3::from_shape_fn((has.len(), 1, 1), |(e, _, _)| a[[has[e], c, t]]);
                let mut alone = Correlation::new(1, 1);
                alone.push(&column(&truth), &column(&predicted)).unwrap();
                if has.len() < 3 {
                    prop_assert!(r.is_nan());
                } else {
                    prop_assert_eq!(r.to_bits(), alone.r()[[0, 0]].to_bits());
                }
            }
        }

        #[test]
        fn marks_that_are_all_true_change_no_bit(values in prop::collection::vec(-3f32..3.0, 2 * 6 * 9), n in 0usize..9) {
            let (truth, predicted) = arrays(&values, 9);
            let (truth, predicted) = (truth.slice(s![..n, .., ..]), predicted.slice(s![..n, .., ..]));
            let (mut plain, mut marked) = (Correlation::new(2, 3), Correlation::new(2, 3));
            plain.push(&truth, &predicted).unwrap();
            marked.push_measured(&truth, &predicted, Some(&Array3::from_elem((n, 2, 3), true))).unwrap();
            prop_assert_eq!(plain.r(), marked.r());
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
    fn there_is_no_score_across_fewer_than_three_epochs() {
        let truth = Array3::from_shape_fn((3, 1, 2), |(e, _, t)| (e * e + t) as f32);
        let mut correlation = Correlation::new(1, 2);
        for n in 1..=3 {
            let one = truth.slice(s![n - 1..n, .., ..]);
            correlation.push(&one, &one).unwrap();
            assert!(correlation.score().iter().all(|r| if n < 3 { r.is_nan() } else { (r - 1.0).abs() < 1e-9 }));
        }
    }

    #[test]
    fn shapes_are_checked() {
        let mut correlation = Correlation::new(1, 2);
        let found = correlation.push(&Array3::zeros((4, 1, 2)), &Array3::zeros((3, 1, 2)));
        assert!(found.unwrap_err().to_string().contains("prediction has shape [3, 1, 2]"));
    }
}
