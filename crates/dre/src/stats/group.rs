//! Tests of one number per subject, and comparisons of models.

use super::{Interval, Method, Tail, bootstrap_ratio, false_discovery_rate, signed_rank};
use crate::metrics::bootstrap_interval;
use crate::results::{ComparisonResult, RatioInterval, TestResult};

/// Fewest subjects that a test across subjects is made for, and an interval given: with 4, not even differences that all agree
/// reach a one-sided p of 0.05 (1/16), and the bootstrap has 35 different samples.
pub const LEAST_SUBJECTS: usize = 5;

/// Resamples of a ratio's interval.
const N_RESAMPLES: usize = 10_000;

/// Tests whether one number per subject differs from 0 (with [`Tail::Positive`]: lies above 0) by [`signed_rank`], with
/// its effect sizes: the matched-pairs rank-biserial correlation and Cohen's `d_z`.
///
/// Numbers that are not finite are left out. None with fewer than [`LEAST_SUBJECTS`] or where all are 0.
pub fn test_group(values: &[f64], tail: Tail) -> Option<TestResult> {
    let values: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    if values.len() < LEAST_SUBJECTS {
        return None;
    }
    let test = signed_rank(&values, tail)?;
    Some(TestResult {
        n: values.len(),
        p: test.p,
        one_sided: tail != Tail::Both,
        exact: test.method == Method::Exact,
        rank_biserial: test.rank_biserial(),
        cohens_dz: standardised_mean(&values),
    })
}

/// Mean divided by the standard deviation (n − 1); none where the values do not vary.
fn standardised_mean(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (variance > 1e-28 * mean * mean).then(|| mean / variance.sqrt())
}

/// Why a group of this size has no tests, or what limits them; none where there is nothing to say.
pub fn group_note(n_subjects: usize) -> Option<String> {
    let smallest = |n: usize| 2.0 / 2f64.powi(n as i32);
    if n_subjects < LEAST_SUBJECTS {
        return Some(format!(
            "no tests across subjects, and no intervals: there are {n_subjects}, and with fewer than {LEAST_SUBJECTS} the \
             signed-rank test cannot reach p = 0.05, whatever the data"
        ));
    }
    (smallest(n_subjects) > 0.05).then(|| {
        format!(
            "with {n_subjects} subjects the smallest two-sided p of the signed-rank test is {}, reached where all agree in \
             sign; one-sided it is {}",
            smallest(n_subjects),
            smallest(n_subjects) / 2.0
        )
    })
}

/// Compares every pair of models, given by name and one r per subject (the same subjects in the same order; NaN for one
/// that a model does not have): mean difference, signed-rank test adjusted for all pairs, and ratio, with bootstrap
/// intervals from `seed`.
pub fn compare_models(models: &[(&str, Vec<f64>)], seed: u64) -> Vec<ComparisonResult> {
    let mut found = Vec::new();
    for (place, (first, a)) in models.iter().enumerate() {
        for (second, b) in &models[place + 1..] {
            let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).filter(|d| d.is_finite()).collect();
            let interval = bootstrap_ratio(a, b, 0.95, N_RESAMPLES, seed);
            let end = |of: fn(&Interval) -> f64| interval.as_ref().map(of).filter(|end| end.is_finite());
            let ratio = ratio_of_means(a, b).map(|ratio| RatioInterval {
                ratio,
                low: end(|interval| interval.low),
                high: end(|interval| interval.high),
            });
            found.push(ComparisonResult {
                first: (*first).to_owned(),
                second: (*second).to_owned(),
                difference: differences.iter().sum::<f64>() / differences.len() as f64,
                confidence: bootstrap_interval(&differences, seed),
                test: test_group(&differences, Tail::Both),
                q: None,
                ratio,
                seeds: None,
            });
        }
    }
    adjust_comparisons(found.iter_mut());
    found
}

/// Ratio of the means over those that have both; none where the latter is not above 0.
fn ratio_of_means(a: &[f64], b: &[f64]) -> Option<f64> {
    let both = a.iter().zip(b).filter(|(a, b)| a.is_finite() && b.is_finite());
    let (a, b) = both.fold((0.0, 0.0), |sum, (a, b)| (sum.0 + a, sum.1 + b));
    (b > 0.0).then(|| a / b)
}

/// Adjusts the p of all of these comparisons as one family of tests.
pub(crate) fn adjust_comparisons<'a>(comparisons: impl Iterator<Item = &'a mut ComparisonResult>) {
    let mut all: Vec<&mut ComparisonResult> = comparisons.collect();
    let p: Vec<f64> = all.iter().map(|c| c.test.map_or(f64::NAN, |test| test.p)).collect();
    for (comparison, q) in all.iter_mut().zip(false_discovery_rate(&p)) {
        comparison.q = q.is_finite().then_some(q);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_subjects_by_hand() {
        // Ranks of |d|: 1 to 6, all positive but the smallest: W⁻ = 1, two-sided p = 2 · 2/64.
        let test = test_group(&[-0.1, 0.2, 0.3, 0.4, 0.5, 0.6, f64::NAN], Tail::Both).unwrap();
        assert_eq!((test.n, test.exact, test.one_sided), (6, true, false));
        assert!((test.p - 4.0 / 64.0).abs() < 1e-12);
        assert!((test.rank_biserial - 19.0 / 21.0).abs() < 1e-12);
        // Mean 1.9 / 6; squared deviations sum to 0.91 − 1.9² / 6.
        let (mean, squares) = (1.9 / 6.0, 0.91 - 1.9f64.powi(2) / 6.0);
        assert!((test.cohens_dz.unwrap() - mean / (squares / 5.0f64).sqrt()).abs() < 1e-12);
        assert_eq!(test_group(&[0.1; 4], Tail::Both), None);
        assert_eq!(test_group(&[0.5; 5], Tail::Positive).unwrap().cohens_dz, None);
    }

    #[test]
    fn few_subjects_have_a_ratio_without_an_interval() {
        let found = &compare_models(&[("dre", vec![0.2, 0.4, 0.6, 0.4]), ("trf", vec![0.1, 0.2, 0.3, 0.2])], 0)[0];
        assert_eq!((found.confidence, found.test), (None, None));
        let ratio = found.ratio.unwrap();
        assert!((ratio.ratio - 2.0).abs() < 1e-12 && ratio.low.is_none() && ratio.high.is_none());
    }

    #[test]
    fn small_groups_are_told_what_they_cannot_show() {
        assert!(group_note(4).unwrap().contains("no tests"));
        assert!(group_note(5).unwrap().contains("0.0625"));
        assert_eq!(group_note(6), None);
    }

    #[test]
    fn every_pair_is_compared_and_adjusted() {
        let base = [0.1, 0.2, 0.15, 0.3, 0.25, 0.12];
        let models = [("trf", base.to_vec()), ("same", base.to_vec()), ("dre", base.map(|r| 2.0 * r).to_vec())];
        let found = compare_models(&models, 0);
        let names: Vec<(&str, &str)> = found.iter().map(|c| (c.first.as_str(), c.second.as_str())).collect();
        assert_eq!(names, [("trf", "same"), ("trf", "dre"), ("same", "dre")]);
        assert_eq!((found[0].test, found[0].q), (None, None), "no difference is no test");
        let against = &found[1];
        assert!((against.difference + base.iter().sum::<f64>() / 6.0).abs() < 1e-12);
        assert!((against.test.unwrap().p - 2.0 / 64.0).abs() < 1e-12 && against.q == Some(against.test.unwrap().p));
        let ratio = against.ratio.unwrap();
        assert!([ratio.ratio, ratio.low.unwrap(), ratio.high.unwrap()].iter().all(|r| (r - 0.5).abs() < 1e-12));
        assert!(against.confidence.unwrap()[1] < 0.0);
    }
}
