//! Pearson's r across epochs, accumulated batch by batch.

use ndarray::{Array2, Array3, ArrayRef3, Axis};

use crate::data::LEAST_EPOCHS;
use crate::rounding::varies;
use crate::{Error, Result};

/// Pearson's r across epochs for each channel × time, in one pass and in f64.
///
/// Means and co-moments are updated epoch by epoch (Welford 1962), which loses no digits to large means. r does not depend on
/// the unit of either side: it is 0 where a side varies by no more than the rounding of its values, and else the textbook's
/// formula. Where epochs were not measured throughout, each channel × time counts those that were measured there.
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
    /// where some epochs were not measured and fewer than [`LEAST_EPOCHS`] were.
    pub fn r(&self) -> Array2<f64> {
        let mut r = Array2::zeros(self.shape);
        let n_times = self.shape[1];
        let n_of = |i: usize| self.counts.as_ref().map_or(self.n_epochs, |counts| counts[i] as usize);
        for (channel, mut row) in r.outer_iter_mut().enumerate() {
            let cells = channel * n_times..(channel + 1) * n_times;
            let largest = cells.clone().fold([0.0f64; 2], |[x, y], i| {
                let [of_x, of_y] = self.cells[i].sizes(n_of(i));
                [x.max(of_x), y.max(of_y)]
            });
            for (r, i) in row.iter_mut().zip(cells) {
                let n = n_of(i);
                *r = if n < self.n_epochs && n < LEAST_EPOCHS { f64::NAN } else { self.cells[i].r(n, largest) };
            }
        }
        r
    }

    /// [`Correlation::r`] as a score: NaN throughout where there were fewer than [`LEAST_EPOCHS`] epochs.
    pub fn score(&self) -> Array2<f64> {
        if self.n_epochs < LEAST_EPOCHS { Array2::from_elem(self.shape, f64::NAN) } else { self.r() }
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

    /// Root mean squares of both sides over `n` epochs.
    fn sizes(&self, n: usize) -> [f64; 2] {
        let n = n.max(1) as f64;
        [(self.xx / n).sqrt().hypot(self.mean_x), (self.yy / n).sqrt().hypot(self.mean_y)]
    }

    /// r across `n` epochs; `largest` are the largest sizes of both sides on the channel.
    fn r(&self, n: usize, largest: [f64; 2]) -> f64 {
        let n = n.max(1) as f64;
        let (sd_x, sd_y) = ((self.xx / n).sqrt(), (self.yy / n).sqrt());
        // Values that are not finite stay so, in order to be seen.
        let is_known = sd_x.is_finite() && sd_y.is_finite();
        if is_known && !(varies(sd_x, self.mean_x, largest[0]) && varies(sd_y, self.mean_y, largest[1])) {
            return 0.0;
        }
        // One root after the other: the product of two small variances may be none.
        (self.xy / n / sd_x / sd_y).clamp(-1.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::s;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

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
            let expected = mean(&x * &y) / (mean(&x * &x) * mean(&y * &y)).mapv(f64::sqrt);
            for (a, b) in streaming.r().iter().zip(&expected) {
                prop_assert!(b.is_nan() || (a - b).abs() < 1e-9, "{} against {}", a, b);
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
                if has.len() < LEAST_EPOCHS {
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

    proptest! {
        #[test]
        fn the_units_of_neither_side_matter(
            values in prop::collection::vec(-3f32..3.0, 2 * 6 * 9), powers in (-34i32..30, -34i32..30),
        ) {
            let (truth, predicted) = arrays(&values, 9);
            let r = |truth: &Array3<f32>, predicted: &Array3<f32>| {
                let mut correlation = Correlation::new(2, 3);
                correlation.push(truth, predicted).unwrap();
                correlation.r()
            };
            let scaled = |array: &Array3<f32>, power: i32| array.mapv(|v| (f64::from(v) * 10f64.powi(power)) as f32);
            let found = r(&scaled(&truth, powers.0), &scaled(&predicted, powers.1));
            for (a, b) in found.iter().zip(&r(&truth, &predicted)) {
                prop_assert!((a - b).abs() < 1e-5, "{} against {}", a, b);
            }
        }
    }

    #[test]
    fn the_least_numbers_of_f32_have_an_r() {
        // In units of the least one, 1.4 · 10⁻⁴⁵.
        let truth = Array3::from_shape_fn((5, 1, 1), |(e, ..)| f32::from_bits([3, 9, 4, 1, 8][e]));
        let mut correlation = Correlation::new(1, 1);
        correlation.push(&truth, &truth.mapv(|v| 3.0 * v)).unwrap();
        assert!((correlation.r()[[0, 0]] - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_a_transform_leaves_of_nothing_is_no_prediction() {
        // Before a response, 0 but for the rounding of its size: 10⁻¹⁶ of it.
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let truth = Array3::from_shape_simple_fn((40, 1, 2), || rng.random_range(-1.0f32..1.0));
        let predicted = Array3::from_shape_fn((40, 1, 2), |(_, _, t)| rng.random_range(-1.0f32..1.0) * [1e-16, 1.0][t]);
        let mut correlation = Correlation::new(1, 2);
        correlation.push(&truth, &predicted).unwrap();
        let r = correlation.r();
        assert!(r[[0, 0]] == 0.0 && r[[0, 1]] != 0.0);
    }

    #[test]
    fn what_is_not_finite_gives_no_number() {
        let truth = Array3::from_shape_fn((4, 1, 1), |(e, ..)| e as f32);
        let mut correlation = Correlation::new(1, 1);
        correlation.push(&truth, &truth.mapv(|v| if v > 2.0 { f32::INFINITY } else { v })).unwrap();
        assert!(correlation.r()[[0, 0]].is_nan());
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
