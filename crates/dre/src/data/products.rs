//! Products of signals about their means: which of them others fix, and what a regression on the others leaves.

use ndarray::Array2;

/// A signal of which others leave less than this share has nothing of its own: the rest is rounding of f32.
const LEAST_SHARE: f64 = 1e-9;

/// A weight counts where it moves the sum by more than this share of its size.
const LEAST_WEIGHT: f64 = 1e-4;

/// Means and products of several signals over samples, updated sample by sample (Welford 1962).
#[derive(Clone, Debug)]
pub(crate) struct ProductSums {
    n: f64,
    means: Vec<f64>,
    /// Lower triangle.
    products: Array2<f64>,
    offsets: Vec<f64>,
}

impl ProductSums {
    /// None yet, of `n` signals.
    pub(crate) fn new(n: usize) -> Self {
        Self { n: 0.0, means: vec![0.0; n], products: Array2::zeros((n, n)), offsets: vec![0.0; n] }
    }

    /// Adds a sample of every signal.
    pub(crate) fn push(&mut self, values: &[f64]) {
        self.n += 1.0;
        let share = 1.0 / self.n;
        for ((offset, mean), value) in self.offsets.iter_mut().zip(&mut self.means).zip(values) {
            *offset = value - *mean;
            *mean += *offset * share;
        }
        for (i, mut row) in self.products.outer_iter_mut().enumerate() {
            let rest = self.offsets[i] * (1.0 - share);
            row.iter_mut().zip(&self.offsets[..=i]).for_each(|(product, offset)| *product += rest * offset);
        }
    }

    pub(crate) fn means(&self) -> &[f64] {
        &self.means
    }

    /// Sum of the products of two signals about their means.
    pub(crate) fn product(&self, i: usize, j: usize) -> f64 {
        self.products[[i.max(j), i.min(j)]]
    }

    /// Regression of a signal on the `others`: their weights, and the squares that are left, 0 where they fix it. Others
    /// that are fixed by those before them get no weight.
    pub(crate) fn regression(&self, target: usize, others: &[usize]) -> (Vec<(usize, f64)>, f64) {
        let order: Vec<usize> = others.iter().copied().chain([target]).collect();
        let last = others.len();
        // Elimination: each signal that is kept becomes a row of a triangular system.
        let mut left: Vec<Vec<f64>> =
            order.iter().map(|&i| order.iter().map(|&j| self.product(i, j)).collect()).collect();
        let mut kept: Vec<usize> = Vec::new();
        for k in 0..last {
            if left[k][k] <= LEAST_SHARE * self.product(order[k], order[k]) {
                continue;
            }
            kept.push(k);
            let pivot = left[k].clone();
            for row in left.iter_mut().skip(k + 1) {
                let gain = row[k] / pivot[k];
                row.iter_mut().zip(&pivot).skip(k).for_each(|(value, above)| *value -= gain * above);
            }
        }
        let mut weights: Vec<f64> = vec![0.0; last];
        for &k in kept.iter().rev() {
            let known: f64 = (k + 1..last).map(|j| left[k][j] * weights[j]).sum();
            weights[k] = (left[k][last] - known) / left[k][k];
        }
        let rest = left[last][last];
        let is_left = rest > LEAST_SHARE * self.product(target, target);
        (others.iter().copied().zip(weights).collect(), if is_left { rest } else { 0.0 })
    }

    /// Signals that are sums of those before them, with these; constant ones are none.
    pub(crate) fn fixed(&self) -> Vec<(usize, Vec<usize>)> {
        let varies = |i: usize| self.product(i, i) > 0.0;
        let mut free: Vec<usize> = Vec::new();
        let mut fixed = Vec::new();
        for target in (0..self.means.len()).filter(|&i| varies(i)) {
            let (weights, rest) = self.regression(target, &free);
            if rest > 0.0 {
                free.push(target);
                continue;
            }
            let size = |i: usize| self.product(i, i).sqrt();
            let counts = |&(i, weight): &(usize, f64)| weight.abs() * size(i) > LEAST_WEIGHT * size(target);
            fixed.push((target, weights.into_iter().filter(counts).map(|(i, _)| i).collect()));
        }
        fixed
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn sums() -> ProductSums {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut sums = ProductSums::new(6);
        for _ in 0..200 {
            let [a, b, c]: [f64; 3] = std::array::from_fn(|_| rng.random_range(-1.0..1.0));
            // The third is constant, the fourth 2 a + 5, the fifth a sum of the first two, the sixth free but for a share of b.
            sums.push(&[a, b, 3.0, 2.0 * a + 5.0, a - 0.5 * b, c + 4.0 * b]);
        }
        sums
    }

    #[test]
    fn sums_of_others_are_named_with_these() {
        assert_eq!(sums().fixed(), [(3, vec![0]), (4, vec![0, 1])]);
    }

    #[test]
    fn a_regression_leaves_what_others_do_not_tell() {
        let sums = sums();
        let (weights, rest) = sums.regression(5, &[0, 1, 2, 3, 4]);
        // Least squares of c on noise gives a little; b has its 4.
        assert!((weights[1].1 - 4.0).abs() < 0.3 && weights[2].1 == 0.0 && weights[3].1 == 0.0, "{weights:?}");
        let own = rest / 200.0;
        assert!((own - 1.0 / 3.0).abs() < 0.06, "{own}");
        assert!(sums.regression(3, &[0]).1 == 0.0 && (sums.regression(3, &[0]).0[0].1 - 2.0).abs() < 1e-9);
    }
}
