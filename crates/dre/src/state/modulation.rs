//! How much of what a brain state does to responses a model captures.

use ndarray::Array2;

use super::{By, StateBin};
use crate::rounding::varies;

/// A sum of products below this share of their sizes is rounding: they are of `f32`.
const LEAST_SHARE: f64 = f32::EPSILON as f64;

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
/// is no template, each bin is measured along the mean over the other bins, and sizes are such that their mean is 1. Noise of
/// the template makes it longer, and so sizes smaller, all by the same factor. NaN where there is no mean response.
pub(super) fn gains(
    bins: &[StateBin],
    of: impl Fn(&StateBin) -> &Array2<f32>,
    first: usize,
    template: Option<&Array2<f32>>,
) -> Vec<f64> {
    let (n_channels, n_times) = bins[0].truth.dim();
    let n_epochs: f64 = bins.iter().map(|bin| bin.n_epochs as f64).sum();
    let (mut crosses, mut square, mut size) = (vec![0.0; bins.len()], 0.0, 0.0);
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
            let product = if template.is_some() { along * along } else { truth(bin) * along };
            square += n / n_epochs * product;
            size += n / n_epochs * product.abs();
        }
    }
    let has_mean = square > LEAST_SHARE * size;
    crosses.into_iter().map(|cross| if has_mean { cross / square } else { f64::NAN }).collect()
}

/// Those places of which all values are there.
pub(super) fn measured<const N: usize>(
    values: impl Iterator<Item = [f64; N]> + Clone,
) -> impl Iterator<Item = [f64; N]> + Clone {
    values.filter(|values| values.iter().all(|value| value.is_finite()))
}

/// Means; none of fewer than three, of which correlations mean nothing.
fn means<const N: usize>(values: impl Iterator<Item = [f64; N]>) -> Option<[f64; N]> {
    let (mut n, mut sums) = (0usize, [0.0; N]);
    for values in values {
        n += 1;
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    }
    (n >= 3).then(|| sums.map(|sum| sum / n as f64))
}

/// Pearson's r of pairs: 0 where one side does not vary, NaN with fewer than three pairs or where a value is NaN.
pub(super) fn r(pairs: impl Iterator<Item = [f64; 2]> + Clone) -> f64 {
    let Some([x, y]) = means(pairs.clone()) else { return f64::NAN };
    let (mut n, mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0, 0.0);
    for [a, b] in pairs {
        n += 1.0;
        xx += (a - x).powi(2);
        yy += (b - y).powi(2);
        xy += (a - x) * (b - y);
    }
    ratio(xy, (xx, x.abs()), (yy, y.abs()), n)
}

/// A sum of `n` products by the roots of both sides' sums of squares, each with the size of what was taken off; 0 where a side
/// varies by rounding alone.
fn ratio(product: f64, (xx, x): (f64, f64), (yy, y): (f64, f64), n: f64) -> f64 {
    if product.is_nan() {
        return product;
    }
    let vary = varies((xx / n).sqrt(), x, 0.0) && varies((yy / n).sqrt(), y, 0.0);
    if vary { product / xx.sqrt() / yy.sqrt() } else { 0.0 }
}

/// r across halves of `[true in A, true in B, predicted in A, predicted in B]`: how the true values of one half and the predicted
/// ones of the other vary together,
///
/// `(⟨T_A, P_B⟩ + ⟨T_B, P_A⟩) / √((|T_A|² + |T_B|²) (|P_A|² + |P_B|²))`,
///
/// each of the four less its mean, as in Pearson's r: what all places share, as a reference does, is no pattern. Within ±1 by
/// Cauchy and Schwarz. No product is of values from the same epochs, so that what true and predicted responses share by chance,
/// such as the stimuli that fell into a bin, is 0 on average, as in cross-validated distances (Walther et al. 2016,
/// doi:10.1016/j.neuroimage.2015.12.012); r is, or little less (0.03 below 0 where a state is strong and places are few),
/// since what makes a product large by chance makes the true difference long, too. 0 where one side does not vary in either half, NaN with fewer than three places
/// or where a value is NaN.
pub(super) fn r_across_halves(values: impl Iterator<Item = [f64; 4]> + Clone) -> f64 {
    let Some(means) = means(values.clone()) else { return f64::NAN };
    let (mut n, mut tt, mut pp, mut tp) = (0.0, 0.0, 0.0, 0.0);
    for mut values in values {
        n += 2.0;
        values.iter_mut().zip(means).for_each(|(value, mean)| *value -= mean);
        let [true_a, true_b, predicted_a, predicted_b] = values;
        tt += true_a.powi(2) + true_b.powi(2);
        pp += predicted_a.powi(2) + predicted_b.powi(2);
        tp += true_a * predicted_b + true_b * predicted_a;
    }
    let [true_a, true_b, predicted_a, predicted_b] = means.map(f64::abs);
    ratio(tp, (tt, true_a.max(true_b)), (pp, predicted_a.max(predicted_b)), n)
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use rand::{RngExt as _, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::stats::{Tail, test_group};

    fn bin(truth: f32, predicted: f32) -> StateBin {
        StateBin {
            n_epochs: 1,
            n_halves: [1, 0],
            value: 0.0,
            truth: array![[truth, 1.0]],
            predicted: vec![array![[predicted, 0.0]]],
        }
    }

    /// Noise that is larger in the last bin, and no difference between responses.
    #[test]
    fn noise_of_a_bin_is_no_size() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut noisy =
            |sd: f64| Array2::from_shape_simple_fn((4, 500), || (0.3 + sd * rng.random_range(-1.7..1.7)) as f32);
        let template = noisy(0.5);
        let sds = [0.5, 0.8, 1.1, 1.4];
        let bins = sds.map(|sd| StateBin {
            n_epochs: 10,
            n_halves: [5, 5],
            value: 0.0,
            truth: noisy(sd),
            predicted: Vec::new(),
        });
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
        let across = |t: usize| r(bins.iter().map(|bin| [bin.truth[[0, t]].into(), bin.predicted[0][[0, t]].into()]));
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
    }

    #[test]
    fn correlations_are_of_what_was_measured_and_within_one() {
        let pairs = [[1.0, 2.0], [2.0, 4.0], [f64::NAN, 5.0], [3.0, 6.0]];
        assert!((r(measured(pairs.into_iter())) - 1.0).abs() < 1e-9, "of those that have both");
        assert!(r(pairs.into_iter()).is_nan() && r(pairs.into_iter().take(2)).is_nan(), "two are too few");
        assert!(r([[1.0, 2.0], [1.0, 3.0], [1.0, 7.0]].into_iter()).abs() < 1e-12, "nothing varies");
        // By hand: deviations of A true −1, 0, 1; B true 1, 0, −1; A predicted −2, 0, 2; B predicted −1, 2, −1.
        let values = [[0.0, 2.0, 3.0, 0.0], [1.0, 1.0, 5.0, 3.0], [2.0, 0.0, 7.0, 0.0]];
        let expected = -4.0 / (4.0f64 * (8.0 + 6.0)).sqrt();
        assert!((r_across_halves(values.into_iter()) - expected).abs() < 1e-9);
        assert!(r_across_halves(values.into_iter().take(2)).is_nan());
        // The same in both halves and on both sides, whatever each is measured from.
        let same = [0.0, 3.0, 1.0].map(|v: f64| [v, v + 5.0, 2.0 * v, 2.0 * v - 1.0]);
        assert!((r_across_halves(same.into_iter()) - 1.0).abs() < 1e-9);
        let silent = values.map(|[a, b, ..]| [a, b, 7.0, 8.0]);
        assert!(r_across_halves(silent.into_iter()).abs() < 1e-12, "a model that predicts no difference");
    }

    /// Studies of 12 subjects whose responses follow a state that no model knows. Bins of a half differ in their stimuli by
    /// chance, which enters true responses and what models predict alike; the second model is the first with noise of its own.
    #[test]
    fn models_that_do_not_know_the_state_are_seldom_said_to_capture_it() {
        const N_STUDIES: usize = 600;
        const N_SUBJECTS: usize = 12;
        const N_PLACES: usize = 6;
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        // About normal.
        let mut normal = move || (0..6).map(|_| rng.random_range(-1.0..1.0)).sum::<f64>() / 2f64.sqrt();
        let mut rejected = [[0usize; 2]; 2];
        let (mut sum, mut plain) = (0.0, 0.0);
        for _ in 0..N_STUDIES {
            let (mut one, mut other, mut state) = (Vec::new(), Vec::new(), [0.0; N_PLACES]);
            state.iter_mut().for_each(|value| *value = 2.0 * normal());
            for _ in 0..N_SUBJECTS {
                let mut places = [[0.0; 6]; N_PLACES];
                for (place, values) in places.iter_mut().enumerate() {
                    let own = state[place] + 0.5 * normal();
                    for half in 0..2 {
                        let chance = normal();
                        values[half] = own + chance + 0.7 * normal();
                        values[2 + half] = chance;
                        values[4 + half] = chance + 0.7 * normal();
                    }
                }
                one.push(r_across_halves(places.iter().map(|v| [v[0], v[1], v[2], v[3]])));
                other.push(r_across_halves(places.iter().map(|v| [v[0], v[1], v[4], v[5]])));
                plain += r(places.iter().map(|v| [v[0] + v[1], v[2] + v[3]]));
            }
            for (model, values) in [&one, &other].into_iter().enumerate() {
                let p = |tail: Tail| test_group(values, tail).expect("values differ from 0").p;
                rejected[0][model] += usize::from(p(Tail::Positive) <= 0.05);
            }
            let differences: Vec<f64> = other.iter().zip(&one).map(|(a, b)| a - b).collect();
            for (count, tail) in rejected[1].iter_mut().zip([Tail::Both, Tail::Positive]) {
                *count += usize::from(test_group(&differences, tail).expect("models differ").p <= 0.05);
            }
            sum += one.iter().sum::<f64>() + other.iter().sum::<f64>();
        }
        let n = (N_STUDIES * N_SUBJECTS) as f64;
        let (mean, plain) = (sum / (2.0 * n), plain / n);
        assert!(plain > 0.2, "what bins share by chance is there: {plain}");
        // What makes the product large makes the true difference long: a little below 0.
        assert!((-0.05..0.01).contains(&mean), "{mean}");
        let most = N_STUDIES * 8 / 100;
        assert!(rejected.as_flattened().iter().all(|count| *count <= most), "{rejected:?} of {N_STUDIES}");
    }
}
