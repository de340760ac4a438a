//! How much of what a brain state does to responses a model captures.

use ndarray::Array2;

use super::{By, StateBin};

/// Products of deviations below this are those of constants.
const FLOOR: f64 = 1e-20;

/// Response of the last quantile less that of the first; of phases, of the bin at 0 less that at π.
pub(super) fn difference(by: By, bins: &[StateBin], of: impl Fn(&StateBin) -> &Array2<f32>) -> Array2<f64> {
    let (plus, minus) = by.contrast(bins.len());
    of(&bins[plus]).mapv(f64::from) - of(&bins[minus]).mapv(f64::from)
}

/// How large the response of each bin is relative to a subject's mean response, from sample `first` on: its size along that
/// response, 1 for the response itself. Of predicted responses it is the size along the true one.
///
/// The mean response is that of other epochs, `template`, since a mean that holds the bin's own epochs shares their noise: the
/// bin with the most noise, as after much power of a rhythm that goes on, would seem to have the largest response. Where there
/// is no template, each bin is measured along the mean over the other bins, and sizes are such that their mean is 1. NaN where
/// there is no mean response.
pub(super) fn gains(
    bins: &[StateBin],
    of: impl Fn(&StateBin) -> &Array2<f32>,
    first: usize,
    template: Option<&Array2<f32>>,
) -> Vec<f64> {
    let (n_channels, n_times) = bins[0].truth.dim();
    let n_epochs: f64 = bins.iter().map(|bin| bin.n_epochs as f64).sum();
    let (mut crosses, mut square) = (vec![0.0; bins.len()], 0.0);
    for at in (0..n_channels).flat_map(|channel| (first..n_times).map(move |time| [channel, time])) {
        let truth = |bin: &StateBin| f64::from(bin.truth[at]);
        let sum: f64 = bins.iter().map(|bin| truth(bin) * bin.n_epochs as f64).sum();
        // NaN where a bin has no truth here.
        if !sum.is_finite() || template.is_some_and(|template| !template[at].is_finite()) {
            continue;
        }
        for (cross, bin) in crosses.iter_mut().zip(bins) {
            let n = bin.n_epochs as f64;
            let along =
                template.map_or_else(|| (sum - n * truth(bin)) / (n_epochs - n), |template| f64::from(template[at]));
            *cross += f64::from(of(bin)[at]) * along;
            square += n / n_epochs * if template.is_some() { along * along } else { truth(bin) * along };
        }
    }
    crosses.into_iter().map(|cross| if square > FLOOR { cross / square } else { f64::NAN }).collect()
}

/// How two sides vary together: sums of squared deviations of each, and of their products; NaN where a value is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Together {
    xx: f64,
    yy: f64,
    xy: f64,
}

impl Together {
    pub(super) fn new(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> Self {
        let (n, x, y) = pairs.clone().fold((0.0, 0.0, 0.0), |(n, x, y), (a, b)| (n + 1.0, x + a, y + b));
        let (x, y) = (x / n, y / n);
        let mut sums = Self { xx: 0.0, yy: 0.0, xy: 0.0 };
        for (a, b) in pairs {
            sums.xx += (a - x).powi(2);
            sums.yy += (b - y).powi(2);
            sums.xy += (a - x) * (b - y);
        }
        sums
    }

    /// Over all places that have both; NaN where fewer than three do.
    pub(super) fn over_places(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> Self {
        let finite = pairs.filter(|(a, b)| a.is_finite() && b.is_finite());
        if finite.clone().take(3).count() < 3 {
            return Self { xx: f64::NAN, yy: f64::NAN, xy: f64::NAN };
        }
        Self::new(finite)
    }

    /// Over channels at each time of maps `(n_channels, n_times)`, whose values at a place, time last, are `pair`; NaN where fewer
    /// than three channels have both.
    pub(super) fn over_channels(
        (n_channels, n_times): (usize, usize),
        pair: impl Fn(usize) -> (f64, f64),
    ) -> Vec<Self> {
        let at = |t: usize| Self::over_places((0..n_channels).map(|channel| pair(channel * n_times + t)));
        (0..n_times).map(at).collect()
    }

    /// Pearson's r; 0 where one side does not vary.
    pub(super) fn r(&self) -> f64 {
        self.in_units_of(self)
    }

    /// The covariance of this in units of the standard deviations of `other`.
    pub(super) fn in_units_of(&self, other: &Self) -> f64 {
        self.xy / (other.xx * other.yy + FLOOR).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use rand::{RngExt as _, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn bin(truth: f32, predicted: f32) -> StateBin {
        StateBin { n_epochs: 1, value: 0.0, truth: array![[truth, 1.0]], predicted: vec![array![[predicted, 0.0]]] }
    }

    /// Noise that is larger in the last bin, and no difference between responses.
    #[test]
    fn noise_of_a_bin_is_no_size() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut noisy =
            |sd: f64| Array2::from_shape_simple_fn((4, 500), || (0.3 + sd * rng.random_range(-1.7..1.7)) as f32);
        let template = noisy(0.5);
        let sds = [0.5, 0.8, 1.1, 1.4];
        let bins = sds.map(|sd| StateBin { n_epochs: 10, value: 0.0, truth: noisy(sd), predicted: Vec::new() });
        for template in [Some(&template), None] {
            let found = gains(&bins, |bin| &bin.truth, 0, template);
            assert!((found[3] - found[0]).abs() < 0.35, "{found:?}");
        }
        // Along a mean that holds the bins' own noise the difference is (1.4² − 0.5²) / 4 over about 0.09 + 1.1 / 4.
        let mean = bins.iter().fold(Array2::zeros((4, 500)), |sum, bin| sum + &bin.truth / 4.0);
        let circular = gains(&bins, |bin| &bin.truth, 0, Some(&mean));
        assert!(circular[3] - circular[0] > 0.8, "{circular:?}");
    }

    #[test]
    fn differences_and_r_by_hand() {
        let bins = [bin(1.0, 2.0), bin(2.0, 4.0), bin(4.0, 8.0), bin(3.0, 6.0)];
        assert_eq!(difference(By::Power, &bins, |bin| &bin.truth), array![[2.0, 0.0]]);
        assert_eq!(difference(By::Phase, &bins, |bin| &bin.truth), array![[-3.0, 0.0]]);
        let across = |t: usize| {
            Together::new(bins.iter().map(|bin| (bin.truth[[0, t]].into(), bin.predicted[0][[0, t]].into()))).r()
        };
        assert!((across(0) - 1.0).abs() < 1e-9 && across(1).abs() < 1e-12);
        let mean = array![[2.5, 1.0]];
        let gain = |of: fn(&StateBin) -> &Array2<f32>, first: usize| gains(&bins, of, first, Some(&mean));
        // Along 2.5 and 1; then along the constant one alone.
        let expected = [1.0, 2.0, 4.0, 3.0].map(|value: f64| (2.5 * value + 1.0) / 7.25);
        assert!(gain(|bin| &bin.truth, 0).iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12));
        assert!(gain(|bin| &bin.truth, 1).iter().all(|g| (g - 1.0).abs() < 1e-12));
        // Twice the truth on the first sample, nothing on the second.
        let expected = [2.0, 4.0, 8.0, 6.0].map(|value: f64| 2.5 * value / 7.25);
        assert!(gain(|bin| &bin.predicted[0], 0).iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12));
        assert!(gain(|bin| &bin.predicted[0], 1).iter().all(|g| g.abs() < 1e-12), "nothing is predicted there");
        // Without a template each along the mean of the others.
        let crosses = [1.0, 2.0, 4.0, 3.0].map(|value: f64| value * (10.0 - value) / 3.0 + 1.0);
        let mean = crosses.iter().sum::<f64>() / 4.0;
        let found = gains(&bins, |bin| &bin.truth, 0, None);
        assert!(found.iter().zip(crosses).all(|(a, b)| (a - b / mean).abs() < 1e-12));
        let pairs = [(1.0, 2.0), (2.0, 4.0), (f64::NAN, 5.0), (3.0, 6.0)];
        assert!((Together::over_places(pairs.into_iter()).r() - 1.0).abs() < 1e-9, "of those that have both");
        assert!(Together::over_places(pairs.into_iter().take(3)).r().is_nan(), "two are too few");
        // The same on one channel after the other at the first time, with the other sign at the second.
        let both =
            |place: usize| (pairs[place / 2].0, pairs[place / 2].1 * if place.is_multiple_of(2) { 1.0 } else { -1.0 });
        let over: Vec<f64> = Together::over_channels((4, 2), both).iter().map(Together::r).collect();
        assert!((over[0] - 1.0).abs() < 1e-9 && (over[1] + 1.0).abs() < 1e-9, "{over:?}");
        assert!(Together::over_channels((2, 2), both).iter().all(|at| at.r().is_nan()), "two channels are too few");
        // A third of the deviations on both sides: a ninth of the covariance.
        let told = Together::new([(0.0, 0.0), (3.0, 6.0), (6.0, 12.0)].into_iter());
        let less = Together::new([(0.0, 0.0), (1.0, 2.0), (2.0, 4.0)].into_iter());
        assert!((told.r() - 1.0).abs() < 1e-9 && (less.in_units_of(&told) - 1.0 / 9.0).abs() < 1e-9);
    }
}
