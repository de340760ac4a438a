//! Interpolation over the head by spherical splines.
//!
//! Source: Perrin, Pernier, Bertrand and Echallier 1989, "Spherical splines for scalp potential and current density
//! mapping", Electroencephalography and Clinical Neurophysiology 72, equations 1 to 3. The value at the direction E is
//! c₀ + Σ cᵢ g(cos(E, Eᵢ)), with the constants from the values at the sensors and Σ cᵢ = 0.

use super::sensors::dot;

/// Order m of the spline; the paper recommends 3 or 4. The lower order keeps the finer patterns of dense MEG helmets.
pub(crate) const ORDER: i32 = 3;
/// Terms of the Legendre series: at order 3 the next one is below 10⁻⁸ of the first.
pub(crate) const TERMS: usize = 50;
/// Added to the diagonal of the sensors' matrix: what is finer than a helmet's sensors resolve is smoothed.
pub(crate) const SMOOTHING: f64 = 1e-6;

/// g(x) = 1/4π Σₙ (2n + 1) / (n (n + 1))ᵐ Pₙ(x), the paper's equation 3.
fn kernel(x: f64) -> f64 {
    let x = x.clamp(-1.0, 1.0);
    let (mut before, mut legendre, mut sum) = (1.0, x, 0.0);
    for n in 1..=TERMS {
        let k = n as f64;
        sum += (2.0 * k + 1.0) / (k * (k + 1.0)).powi(ORDER) * legendre;
        (before, legendre) = (legendre, ((2.0 * k + 1.0) * x * legendre - k * before) / (k + 1.0));
    }
    sum / (4.0 * std::f64::consts::PI)
}

/// Splines from fixed sensors to fixed targets, for many sets of values.
#[derive(Clone, Debug)]
pub(crate) struct Interpolator {
    sensors: Vec<[f64; 3]>,
    all: Factor,
    /// Target × sensor.
    kernels: Vec<f64>,
}

impl Interpolator {
    /// From `sensors` to `targets` (unit vectors; no two sensors alike). Costs n³/3 for n sensors, and n for each target.
    pub(crate) fn new(sensors: Vec<[f64; 3]>, targets: &[[f64; 3]]) -> Self {
        let all = Factor::new(&sensors);
        let kernels = targets.iter().flat_map(|t| sensors.iter().map(|s| kernel(dot(*t, *s)))).collect();
        Self { sensors, all, kernels }
    }

    /// The value at each target, from the finite ones of `values` (one per sensor); none where there is no finite value.
    pub(crate) fn at_targets(&self, values: &[f64]) -> Option<Vec<f64>> {
        let known: Vec<usize> = (0..self.sensors.len()).filter(|i| values[*i].is_finite()).collect();
        if known.is_empty() {
            return None;
        }
        let mut coefficients = vec![0.0; self.sensors.len()];
        let constant = if known.len() == values.len() {
            self.all.coefficients(values, &mut coefficients)
        } else {
            let sensors: Vec<[f64; 3]> = known.iter().map(|i| self.sensors[*i]).collect();
            let values: Vec<f64> = known.iter().map(|i| values[*i]).collect();
            let mut own = vec![0.0; known.len()];
            let constant = Factor::new(&sensors).coefficients(&values, &mut own);
            known.iter().zip(own).for_each(|(i, c)| coefficients[*i] = c);
            constant
        };
        let sum = |row: &[f64]| row.iter().zip(&coefficients).map(|(k, c)| k * c).sum::<f64>();
        Some(self.kernels.chunks_exact(self.sensors.len()).map(|row| constant + sum(row)).collect())
    }
}

/// What the constants follow from.
#[derive(Clone, Debug)]
struct Factor {
    lower: Vec<f64>,
    /// Solution for values of 1, which eliminates the border that makes the coefficients sum to 0.
    of_ones: Vec<f64>,
}

impl Factor {
    fn new(sensors: &[[f64; 3]]) -> Self {
        let n = sensors.len();
        let mut lower: Vec<f64> = sensors.iter().flat_map(|a| sensors.iter().map(|b| kernel(dot(*a, *b)))).collect();
        for i in 0..n {
            lower[i * n + i] += SMOOTHING;
        }
        factor(&mut lower, n);
        let of_ones = solve(&lower, &vec![1.0; n]);
        Self { lower, of_ones }
    }

    /// Fills the cᵢ and returns c₀.
    fn coefficients(&self, values: &[f64], out: &mut [f64]) -> f64 {
        let of_values = solve(&self.lower, values);
        let constant = of_values.iter().sum::<f64>() / self.of_ones.iter().sum::<f64>();
        for ((c, v), one) in out.iter_mut().zip(of_values).zip(&self.of_ones) {
            *c = v - constant * one;
        }
        constant
    }
}

/// Cholesky's factor of a symmetric positive definite n × n matrix, in its lower triangle.
fn factor(a: &mut [f64], n: usize) {
    for i in 0..n {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| a[i * n + k] * a[j * n + k]).sum();
            let rest = a[i * n + j] - known;
            a[i * n + j] = if i == j { rest.sqrt() } else { rest / a[j * n + j] };
        }
    }
}

fn solve(lower: &[f64], values: &[f64]) -> Vec<f64> {
    let n = values.len();
    let mut x = values.to_vec();
    for i in 0..n {
        let known: f64 = (0..i).map(|k| lower[i * n + k] * x[k]).sum();
        x[i] = (x[i] - known) / lower[i * n + i];
    }
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|k| lower[k * n + i] * x[k]).sum();
        x[i] = (x[i] - known) / lower[i * n + i];
    }
    x
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Golden {
        directions: Vec<[f64; 3]>,
        values: Vec<f64>,
        at: Vec<[f64; 3]>,
        expected: Vec<f64>,
    }

    fn golden() -> Golden {
        serde_json::from_str(include_str!("../../tests/fixtures/spline-mne.json")).expect("the fixture reads")
    }

    #[test]
    fn values_between_sensors_are_those_of_mne() {
        let golden = golden();
        let found = Interpolator::new(golden.directions, &golden.at).at_targets(&golden.values).expect("values");
        for (found, expected) in found.iter().zip(&golden.expected) {
            assert!((found - expected).abs() < 1e-9, "{found} against {expected}");
        }
    }

    #[test]
    fn a_value_that_is_missing_is_filled_from_the_others() {
        let mut golden = golden();
        golden.values[3] = f64::NAN;
        let interpolator = Interpolator::new(golden.directions.clone(), &golden.at);
        let found = interpolator.at_targets(&golden.values).expect("values");
        golden.directions.remove(3);
        golden.values.remove(3);
        let without = Interpolator::new(golden.directions, &golden.at).at_targets(&golden.values).expect("values");
        assert!(found.iter().zip(without).all(|(a, b)| (a - b).abs() < 1e-12));
        assert!(interpolator.at_targets(&[f64::NAN; 10]).is_none());
    }

    #[test]
    fn one_value_everywhere_stays_one_value() {
        let golden = golden();
        let found = Interpolator::new(golden.directions, &golden.at).at_targets(&[2.5; 10]).expect("values");
        assert!(found.iter().all(|v| (v - 2.5).abs() < 1e-9));
    }
}
