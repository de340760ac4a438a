//! Confidence intervals over subjects.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::LEAST_SUBJECTS;

/// An estimate and the interval around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The estimate from all subjects.
    pub estimate: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Mean over subjects with its percentile bootstrap interval (Efron & Tibshirani 1993, chapter 13) of `level`, such as
/// 0.95, from `n_resamples` resamples of subjects.
///
/// Values that are not finite are left out. None where fewer than [`LEAST_SUBJECTS`] are left.
pub fn bootstrap_mean(values: &[f64], level: f64, n_resamples: usize, seed: u64) -> Option<Interval> {
    let values: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    let mean = |picks: &mut dyn Iterator<Item = usize>| picks.map(|i| values[i]).sum::<f64>() / values.len() as f64;
    interval(values.len(), level, n_resamples, seed, &mean)
}

/// Mean of `numerator` divided by the mean of `denominator` over the same subjects, with its interval as in
/// [`bootstrap_mean`].
///
/// None where fewer than [`LEAST_SUBJECTS`] subjects have both or the mean of the denominator is not above 0; an end is infinite where a
/// share of resamples beyond it has a denominator that is not.
pub fn bootstrap_ratio(
    numerator: &[f64],
    denominator: &[f64],
    level: f64,
    n_resamples: usize,
    seed: u64,
) -> Option<Interval> {
    let pairs: Vec<(f64, f64)> = numerator
        .iter()
        .copied()
        .zip(denominator.iter().copied())
        .filter(|(a, b)| a.is_finite() && b.is_finite())
        .collect();
    let ratio = |picks: &mut dyn Iterator<Item = usize>| {
        let (a, b) = picks.fold((0.0, 0.0), |(a, b), i| (a + pairs[i].0, b + pairs[i].1));
        if b > 0.0 { a / b } else { f64::INFINITY }
    };
    interval(pairs.len(), level, n_resamples, seed, &ratio).filter(|i| i.estimate.is_finite())
}

fn interval(
    n: usize,
    level: f64,
    n_resamples: usize,
    seed: u64,
    estimate: &dyn Fn(&mut dyn Iterator<Item = usize>) -> f64,
) -> Option<Interval> {
    if n < LEAST_SUBJECTS || n_resamples == 0 {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut resampled: Vec<f64> =
        (0..n_resamples).map(|_| estimate(&mut (0..n).map(|_| rng.random_range(0..n)))).collect();
    resampled.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = share * (n_resamples - 1) as f64;
        let (low, high) = (resampled[place.floor() as usize], resampled[place.ceil() as usize]);
        // Equal ends, infinite ones among them, need no interpolation.
        if high > low { low + (high - low) * place.fract() } else { low }
    };
    Some(Interval {
        estimate: estimate(&mut (0..n)),
        low: at((1.0 - level) / 2.0),
        high: at(f64::midpoint(1.0, level)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_no_spread() {
        let found = bootstrap_mean(&[2.0, 2.0, 2.0, 2.0, 2.0, f64::NAN], 0.95, 200, 1).unwrap();
        assert_eq!(found, Interval { estimate: 2.0, low: 2.0, high: 2.0 });
        assert_eq!(bootstrap_mean(&[2.0, 2.0, 2.0, 2.0, f64::NAN], 0.95, 200, 1), None);
    }

    #[test]
    fn the_interval_of_a_mean_is_about_two_standard_errors_wide() {
        let values: Vec<f64> = (0..200).map(|i| f64::from(i % 10)).collect();
        let found = bootstrap_mean(&values, 0.95, 4000, 3).unwrap();
        let error = (8.25f64 / 200.0).sqrt();
        assert!((found.estimate - 4.5).abs() < 1e-12);
        assert!(((found.high - found.low) / (2.0 * 1.96 * error) - 1.0).abs() < 0.06, "{found:?}");
    }

    #[test]
    fn ratios_of_proportional_values_are_exact() {
        let low = [0.1, 0.2, 0.3, 0.4, 0.5];
        let found = bootstrap_ratio(&low.map(|x| 3.0 * x), &low, 0.95, 500, 1).unwrap();
        assert!((found.low - 3.0).abs() < 1e-12 && (found.high - 3.0).abs() < 1e-12);
        assert_eq!(bootstrap_ratio(&low, &[0.1, -0.2, -0.1, 0.0, 0.1], 0.95, 500, 1), None);
    }
}
