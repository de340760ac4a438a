//! Partial correlation across epochs, accumulated batch by batch.

use ndarray::ArrayRef3;

use crate::data::LEAST_EPOCHS;
use crate::{Error, Result};

/// A signal of which the others leave less than this share of the variance does not vary: the rest is rounding of f32.
const LEAST_SHARE: f64 = 1e-9;

/// Co-moments across epochs of several signals at each sample, from which correlations follow with other signals held
/// constant.
///
/// Means and co-moments are updated epoch by epoch (Welford 1962).
#[derive(Clone, Debug)]
pub struct PartialCorrelation {
    shape: [usize; 2],
    n_epochs: usize,
    /// By time, then signal.
    means: Vec<f64>,
    /// By time, then the lower triangle row after row.
    products: Vec<f64>,
}

impl PartialCorrelation {
    /// An empty accumulator for epochs of this shape. Takes about 4 `n_signals`² bytes per sample.
    pub fn new(n_signals: usize, n_times: usize) -> Self {
        let means = vec![0.0; n_signals * n_times];
        let products = vec![0.0; n_signals * (n_signals + 1) / 2 * n_times];
        Self { shape: [n_signals, n_times], n_epochs: 0, means, products }
    }

    /// Number of signals.
    pub fn n_signals(&self) -> usize {
        self.shape[0]
    }

    /// Adds epochs, `(n_epochs, n_signals, n_times)`.
    ///
    /// # Errors
    /// [`Error::Shape`] where the array does not fit.
    pub fn push(&mut self, signals: &ArrayRef3<f32>) -> Result<()> {
        let [n, n_times] = self.shape;
        if signals.shape()[1..] != self.shape {
            return Err(Error::Shape {
                what: "the signals".to_owned(),
                found: signals.shape().to_vec(),
                expected: format!("(n_epochs, {n} signals, {n_times} samples)"),
            });
        }
        let mut offsets = vec![0.0; n];
        for epoch in signals.outer_iter() {
            self.n_epochs += 1;
            let share = 1.0 / self.n_epochs as f64;
            let by_time =
                self.means.chunks_exact_mut(n.max(1)).zip(self.products.chunks_exact_mut((n * (n + 1) / 2).max(1)));
            for ((means, products), values) in by_time.zip(epoch.columns()) {
                for ((offset, mean), &value) in offsets.iter_mut().zip(means.iter_mut()).zip(values) {
                    *offset = f64::from(value) - *mean;
                    *mean += *offset * share;
                }
                let mut products = products.iter_mut();
                for i in 0..n {
                    let rest = offsets[i] * (1.0 - share);
                    offsets[..=i].iter().zip(&mut products).for_each(|(offset, product)| *product += rest * offset);
                }
            }
        }
        Ok(())
    }

    /// r between signals `x` and `y` at each sample, across epochs and with the signals `given` held constant in both (taken
    /// off by regression with an intercept). None where `x`, given them, does not vary, or fewer than [`LEAST_EPOCHS`] epochs
    /// more than they are remain; 0 where `y` alone does not vary.
    ///
    /// # Panics
    /// Where there is no such signal.
    pub fn r(&self, x: usize, y: usize, given: &[usize]) -> Vec<Option<f64>> {
        let [n, n_times] = self.shape;
        assert!(given.iter().chain([&x, &y]).all(|&signal| signal < n), "there are {n} signals");
        let order: Vec<usize> = given.iter().copied().chain([x, y]).collect();
        (0..n_times).map(|t| self.r_at(t, &order)).collect()
    }

    /// r of the last two signals of `order` given the others.
    fn r_at(&self, t: usize, order: &[usize]) -> Option<f64> {
        let (n, m) = (self.shape[0], order.len());
        let products = &self.products[t * n * (n + 1) / 2..];
        let entry = |i: usize, j: usize| products[i.max(j) * (i.max(j) + 1) / 2 + i.min(j)];
        let mut left: Vec<Vec<f64>> = order.iter().map(|&i| order.iter().map(|&j| entry(i, j)).collect()).collect();
        let whole: Vec<f64> = (0..m).map(|i| left[i][i]).collect();
        let varies = |left: &[Vec<f64>], i: usize| whole[i] > 0.0 && left[i][i] > LEAST_SHARE * whole[i];
        let mut n_given = 0;
        for k in 0..m - 2 {
            if !varies(&left, k) {
                continue;
            }
            n_given += 1;
            let pivot = left[k].clone();
            for row in left.iter_mut().skip(k + 1) {
                let gain = row[k] / pivot[k];
                row.iter_mut().zip(&pivot).skip(k + 1).for_each(|(value, above)| *value -= gain * above);
            }
        }
        let (x, y) = (m - 2, m - 1);
        if self.n_epochs < n_given + LEAST_EPOCHS || !varies(&left, x) {
            return None;
        }
        if !varies(&left, y) {
            return Some(0.0);
        }
        // One root after the other: the product of two small squares may be none.
        Some((left[x][y] / left[x][x].sqrt() / left[y][y].sqrt()).clamp(-1.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, s};
    use rand::{RngExt as _, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn pushed(signals: &Array3<f32>) -> PartialCorrelation {
        let mut sums = PartialCorrelation::new(signals.dim().1, signals.dim().2);
        // In two goes, as batches come.
        let half = signals.dim().0 / 2;
        sums.push(&signals.slice(s![..half, .., ..])).unwrap();
        sums.push(&signals.slice(s![half.., .., ..])).unwrap();
        sums
    }

    /// `r_xy.z = (r_xy − r_xz r_yz) / √((1 − r_xz²) (1 − r_yz²))`, the textbook's formula for one signal held constant.
    #[test]
    fn one_signal_held_constant_is_the_formula() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut signals = Array3::from_shape_simple_fn((40, 3, 5), || rng.random_range(-1.0f32..1.0));
        let common = signals.slice(s![.., 2, ..]).to_owned();
        for signal in 0..2 {
            let mut own = signals.slice_mut(s![.., signal, ..]);
            own += &(&common * 2.0);
        }
        let sums = pushed(&signals);
        let plain = |a, b| sums.r(a, b, &[]).into_iter().map(Option::unwrap).collect::<Vec<_>>();
        let (xy, xz, yz) = (plain(0, 1), plain(0, 2), plain(1, 2));
        for (t, found) in sums.r(0, 1, &[2]).into_iter().enumerate() {
            let expected = (xy[t] - xz[t] * yz[t]) / ((1.0 - xz[t].powi(2)) * (1.0 - yz[t].powi(2))).sqrt();
            assert!((found.unwrap() - expected).abs() < 1e-12);
            assert!(xy[t] > 0.6 && expected < xy[t]);
        }
        // A signal that is held constant twice is held constant once.
        assert_eq!(sums.r(0, 1, &[2, 2]), sums.r(0, 1, &[2]));
    }

    #[test]
    fn what_does_not_vary_given_others_has_no_r() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let mut signals = Array3::from_shape_simple_fn((12, 3, 2), || rng.random_range(-1.0f32..1.0));
        let twice = &signals.slice(s![.., 0, ..]) * 2.0;
        signals.slice_mut(s![.., 2, ..]).assign(&twice);
        signals.slice_mut(s![.., 1, 1]).fill(7.0);
        let sums = pushed(&signals);
        assert_eq!(sums.r(0, 1, &[2]), [None, None]);
        assert_eq!(sums.r(1, 0, &[]), [sums.r(0, 1, &[])[0], None]);
        assert_eq!(sums.r(0, 1, &[])[1], Some(0.0));
        let few = pushed(&signals.slice(s![..3, .., ..]).to_owned());
        assert!(few.r(0, 1, &[])[0].is_some() && few.r(0, 2, &[1])[0].is_none());
    }
}
