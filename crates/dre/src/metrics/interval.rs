//! Confidence intervals across subjects.

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::stats::LEAST_SUBJECTS;

/// Draws of the bootstrap.
const N_DRAWS: usize = 10_000;

/// The 95 % confidence interval of the mean across subjects by the percentile bootstrap (Efron 1979): subjects are drawn
/// with replacement, 10 000 times; the interval holds the middle 95 % of the means. None with fewer than
/// [`LEAST_SUBJECTS`] finite values: the bootstrap can only give back what it is given.
///
/// With few subjects such intervals are too narrow; they do not account for the noise within a subject.
pub fn bootstrap_interval(values: &[f64], seed: u64) -> Option<[f64; 2]> {
    let values: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    if values.len() < LEAST_SUBJECTS {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let n = values.len();
    let mut means: Vec<f64> =
        (0..N_DRAWS).map(|_| (0..n).map(|_| values[rng.random_range(0..n)]).sum::<f64>() / n as f64).collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| means[((N_DRAWS - 1) as f64 * share).round() as usize];
    Some([at(0.025), at(0.975)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_wide_as_theory_says() {
        // 100 values of variance 1/12: the mean's standard error is √(1/1200).
        let values: Vec<f64> = (0..100).map(|i| (f64::from(i) + 0.5) / 100.0).collect();
        let [low, high] = bootstrap_interval(&values, 1).expect("enough values");
        let half = 1.96 * (1.0f64 / 1200.0).sqrt();
        assert!((low - (0.5 - half)).abs() < 0.005 && (high - (0.5 + half)).abs() < 0.005, "{low} {high}");
        assert_eq!(bootstrap_interval(&values, 1), bootstrap_interval(&values, 1));
    }

    #[test]
    fn few_values_give_none() {
        assert_eq!(bootstrap_interval(&[0.1, 0.2, 0.3, 0.4, f64::NAN], 0), None);
        let [low, high] = bootstrap_interval(&[0.2; 5], 0).expect("enough values");
        assert!((low - 0.2).abs() < 1e-12 && (high - 0.2).abs() < 1e-12);
    }
}
