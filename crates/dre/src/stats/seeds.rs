//! Differences of models of which one or both were fitted several times.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::LEAST_SUBJECTS;
use crate::metrics::mean_of;
use crate::results::SeedSpread;

/// Resamples of an interval.
const N_RESAMPLES: usize = 4_000;

/// Compares single fits of two models: `first` and `second` hold r by fit, then by subject (the same subjects in the same
/// order, NaN for one that a model does not have). None where neither has several fits, or no subject has both.
///
/// The interval draws subjects and, independently, each model's fits with replacement, so that it holds for new subjects and
/// new seeds.
pub fn compare_fits(first: &[Vec<f64>], second: &[Vec<f64>], seed: u64) -> Option<SeedSpread> {
    if first.len().max(second.len()) < 2 || first.is_empty() || second.is_empty() {
        return None;
    }
    let has = |fits: &[Vec<f64>], subject: usize| fits.iter().all(|r| r.get(subject).is_some_and(|r| r.is_finite()));
    let subjects: Vec<usize> = (0..first[0].len()).filter(|&s| has(first, s) && has(second, s)).collect();
    if subjects.is_empty() {
        return None;
    }
    let mean = |fit: &[f64], of: &[usize]| mean_of(of.iter().map(|&subject| fit[subject]));
    let spread = |fits: &[Vec<f64>]| {
        let means: Vec<f64> = fits.iter().map(|fit| mean(fit, &subjects)).collect();
        let centre = mean_of(means.iter().copied());
        let squares: f64 = means.iter().map(|m| (m - centre).powi(2)).sum();
        (centre, if means.len() < 2 { 0.0 } else { squares / (means.len() - 1) as f64 })
    };
    let ((a, var_a), (b, var_b)) = (spread(first), spread(second));
    Some(SeedSpread {
        n_seeds: [first.len(), second.len()],
        mean: a - b,
        sd: (var_a + var_b).sqrt(),
        confidence: (subjects.len() >= LEAST_SUBJECTS).then(|| interval(first, second, &subjects, seed)),
    })
}

fn interval(first: &[Vec<f64>], second: &[Vec<f64>], subjects: &[usize], seed: u64) -> [f64; 2] {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut drawn = vec![0; subjects.len()];
    let mut differences: Vec<f64> = (0..N_RESAMPLES)
        .map(|_| {
            drawn.iter_mut().for_each(|place| *place = subjects[rng.random_range(0..subjects.len())]);
            let mut side = |fits: &[Vec<f64>]| {
                let fits: Vec<&Vec<f64>> = fits.iter().map(|_| &fits[rng.random_range(0..fits.len())]).collect();
                mean_of(fits.iter().flat_map(|fit| drawn.iter().map(|&subject| fit[subject])))
            };
            side(first) - side(second)
        })
        .collect();
    differences.sort_by(f64::total_cmp);
    let at = |share: f64| differences[((share * N_RESAMPLES as f64) as usize).min(N_RESAMPLES - 1)];
    [at(0.025), at(0.975)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // Means of the first's fits: 0.2 and 0.4 (variance 0.02); the second has one fit of mean 0.1.
        let first = [vec![0.1, 0.3], vec![0.3, 0.5]];
        let found = compare_fits(&first, &[vec![0.0, 0.2]], 0).unwrap();
        assert_eq!((found.n_seeds, found.confidence), ([2, 1], None));
        assert!((found.mean - 0.2).abs() < 1e-12 && (found.sd - 0.02f64.sqrt()).abs() < 1e-12);
        // A subject that one of the fits lacks counts in neither.
        let lacks = compare_fits(&[vec![0.1, f64::NAN], vec![0.3, 0.5]], &[vec![0.0, 0.2]], 0).unwrap();
        assert!((lacks.mean - 0.2).abs() < 1e-12);
        assert!(compare_fits(&first[..1], &[vec![0.0, 0.2]], 0).is_none());
        assert!(compare_fits(&[vec![f64::NAN], vec![0.0]], &[vec![0.0]], 0).is_none());
    }

    #[test]
    fn the_interval_grows_with_the_spread_over_seeds_and_over_subjects() {
        let fits = |of_seed: f64, of_subject: f64| -> Vec<Vec<f64>> {
            let one = |k: usize| (0..8).map(|s| 0.1 + of_seed * k as f64 + of_subject * f64::from(s)).collect();
            (0..5).map(one).collect()
        };
        let width = |of_seed: f64, of_subject: f64| {
            let found = compare_fits(&fits(of_seed, of_subject), &[vec![0.0; 8]], 3).unwrap();
            let [low, high] = found.confidence.unwrap();
            // Means of equal numbers differ in their last bits.
            assert!(low - 1e-12 <= found.mean && found.mean <= high + 1e-12);
            high - low
        };
        assert!(width(0.0, 0.0) < 1e-12);
        let (seeds, subjects, both) = (width(0.01, 0.0), width(0.0, 0.01), width(0.01, 0.01));
        assert!(seeds > 0.005 && subjects > 0.005 && both > seeds.max(subjects), "{seeds}, {subjects}, {both}");
    }
}
