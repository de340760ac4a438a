//! Scalers: fitted on training epochs only.

use serde::{Deserialize, Serialize};

/// Robust scaling of one recording: `(x - centre) / scale` per channel, after baseline correction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RobustScaler {
    /// Median over the training epochs' samples, per channel (SI units); 0 for a channel that the recording lacks.
    pub centre: Vec<f64>,
    /// Interquartile range over the same samples, per channel (SI units), positive; 1 for a channel that the recording
    /// lacks.
    pub scale: Vec<f64>,
}

/// Standardisation of the features, the same for the whole cohort: `(x - mean) / std` per feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeatureScaler {
    /// Mean over those samples of all training epochs at which the feature has a value (is not NaN), per feature.
    pub mean: Vec<f64>,
    /// Standard deviation (dividing by n) over all samples of all training epochs, those without a value counting as
    /// the mean; 1 where the feature is constant there. So the standardised feature has mean 0 and variance 1.
    pub std: Vec<f64>,
    /// Which features are constant over the training epochs, and so carry no information.
    pub constant: Vec<bool>,
}

impl FeatureScaler {
    /// The standardisation of some of the features, given by their places.
    ///
    /// # Panics
    /// Where there is no such feature.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            mean: rows.iter().map(|&row| self.mean[row]).collect(),
            std: rows.iter().map(|&row| self.std[row]).collect(),
            constant: rows.iter().map(|&row| self.constant[row]).collect(),
        }
    }
}

/// Median and interquartile range, percentiles interpolated linearly between neighbours as `numpy.percentile` does.
///
/// Reorders `values`, which must not be empty and must be finite. Takes time proportional to their number.
pub(crate) fn median_and_iqr(values: &mut [f64]) -> (f64, f64) {
    let median = percentile(values, 0.5);
    (median, percentile(values, 0.75) - percentile(values, 0.25))
}

fn percentile(values: &mut [f64], share: f64) -> f64 {
    let place = share * (values.len() - 1) as f64;
    let (below, fraction) = (place.floor() as usize, place.fract());
    let (_, &mut low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    if fraction == 0.0 {
        return low;
    }
    let high = above.iter().copied().fold(f64::INFINITY, f64::min);
    low + (high - low) * fraction
}

/// Running mean and sum of squared deviations, which can be merged (Chan, Golub and others 1983).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spread {
    n: f64,
    mean: f64,
    squares: f64,
    /// Number of NaN, which are in none of the other numbers.
    n_missing: f64,
}

impl Spread {
    /// The spread of a block of values; NaN are counted apart.
    pub(crate) fn of(values: &[f32]) -> Self {
        if values.iter().any(|v| v.is_nan()) {
            let there: Vec<f32> = values.iter().copied().filter(|v| !v.is_nan()).collect();
            return Self { n_missing: (values.len() - there.len()) as f64, ..Self::of(&there) };
        }
        let Some(&first) = values.first() else { return Self::default() };
        // Taken relative to the first value, so that the deviations of a constant are exactly zero.
        let (n, first) = (values.len() as f64, f64::from(first));
        let offset = values.iter().map(|&v| f64::from(v) - first).sum::<f64>() / n;
        let squares = values.iter().map(|&v| (f64::from(v) - first - offset).powi(2)).sum();
        Self { n, mean: first + offset, squares, n_missing: 0.0 }
    }

    /// The spread of both blocks together.
    pub(crate) fn merge(self, other: Self) -> Self {
        let n = self.n + other.n;
        let n_missing = self.n_missing + other.n_missing;
        if n == 0.0 {
            return Self { n_missing, ..self };
        }
        let step = other.mean - self.mean;
        Self {
            n,
            mean: self.mean + step * other.n / n,
            squares: self.squares + other.squares + step * step * self.n * other.n / n,
            n_missing,
        }
    }
}

impl FeatureScaler {
    /// The scaler for features of these spreads.
    pub(crate) fn from_spreads(spreads: &[Spread]) -> Self {
        let constant: Vec<bool> = spreads.iter().map(|s| s.squares == 0.0).collect();
        Self {
            mean: spreads.iter().map(|s| s.mean).collect(),
            std: spreads
                .iter()
                .zip(&constant)
                .map(|(s, &c)| if c { 1.0 } else { (s.squares / (s.n + s.n_missing)).sqrt() })
                .collect(),
            constant,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percentiles_by_hand() {
        // NumPy: median 2.5, percentiles 1.75 and 3.25.
        assert_eq!(median_and_iqr(&mut [4.0, 1.0, 3.0, 2.0]), (2.5, 1.5));
        assert_eq!(median_and_iqr(&mut [7.0]), (7.0, 0.0));
        assert_eq!(median_and_iqr(&mut [5.0, 1.0, 3.0]), (3.0, 2.0));
    }

    proptest! {
        #[test]
        fn percentiles_equal_those_of_sorted_values(mut values in prop::collection::vec(-1e3..1e3f64, 1..60)) {
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let at = |share: f64| {
                let place = share * (sorted.len() - 1) as f64;
                let (i, f) = (place.floor() as usize, place.fract());
                sorted[i] + (sorted[(i + 1).min(sorted.len() - 1)] - sorted[i]) * f
            };
            prop_assert_eq!(median_and_iqr(&mut values), (at(0.5), at(0.75) - at(0.25)));
        }

        #[test]
        fn merged_spreads_equal_the_whole(a in prop::collection::vec(-9f32..9.0, 0..40), b in prop::collection::vec(-9f32..9.0, 1..40)) {
            let whole = Spread::of(&[a.clone(), b.clone()].concat());
            let merged = Spread::of(&a).merge(Spread::of(&b));
            prop_assert!((whole.mean - merged.mean).abs() < 1e-12);
            prop_assert!((whole.squares - merged.squares).abs() < 1e-9);
        }
    }

    #[test]
    fn constants_are_named() {
        let blocks = [[0.1f32; 7], [0.1; 7]].map(|block| Spread::of(&block));
        let varying = Spread::of(&[1.0, 3.0]);
        let scaler = FeatureScaler::from_spreads(&[blocks[0].merge(blocks[1]), varying]);
        assert_eq!(scaler.constant, [true, false]);
        assert_eq!((scaler.std[0], scaler.std[1], scaler.mean[1]), (1.0, 1.0, 2.0));
    }
}
