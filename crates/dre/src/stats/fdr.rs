//! False discovery rate.

/// Adjusted p-values of Benjamini and Hochberg (1995), in the order of `p`: those at most q are discoveries of which a
/// share of q or less is false, for independent or positively dependent tests.
///
/// Values that are not finite are no tests and stay as they are.
pub fn false_discovery_rate(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).filter(|&i| p[i].is_finite()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let n = order.len() as f64;
    let mut adjusted = p.to_vec();
    let mut least = 1.0f64;
    for (rank, &i) in order.iter().enumerate().rev() {
        least = least.min(p[i] * n / (rank + 1) as f64);
        adjusted[i] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn four_tests_by_hand() {
        // Sorted 0.01, 0.02, 0.03, 0.5 times 4/1, 4/2, 4/3, 4/4.
        let adjusted = false_discovery_rate(&[0.5, 0.01, f64::NAN, 0.03, 0.02]);
        assert!(adjusted[2].is_nan());
        for (i, expected) in [(0, 0.5), (1, 0.04), (3, 0.04), (4, 0.04)] {
            assert!((adjusted[i] - expected).abs() < 1e-15, "{adjusted:?}");
        }
    }

    proptest! {
        #[test]
        fn order_is_kept_and_no_test_gains(p in prop::collection::vec(0.0..=1.0f64, 1..40)) {
            let adjusted = false_discovery_rate(&p);
            for i in 0..p.len() {
                prop_assert!(adjusted[i] >= p[i] && adjusted[i] <= 1.0);
                for j in 0..p.len() {
                    prop_assert!(p[i] > p[j] || adjusted[i] <= adjusted[j]);
                }
            }
        }
    }
}
