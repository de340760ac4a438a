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

/// The spline through values at sensors.
#[derive(Clone, Debug)]
pub(crate) struct Spline {
    directions: Vec<[f64; 3]>,
    coefficients: Vec<f64>,
    constant: f64,
}

impl Spline {
    /// Through the finite ones of `values` (one for each of `directions`, unit vectors, no two alike); none where there
    /// is no finite value. Costs n³/3 for n sensors.
    pub(crate) fn new(directions: &[[f64; 3]], values: &[f64]) -> Option<Self> {
        let known = directions.iter().zip(values).filter(|(_, v)| v.is_finite());
        let (directions, values): (Vec<[f64; 3]>, Vec<f64>) = known.map(|(d, v)| (*d, *v)).unzip();
        let n = values.len();
        let mut matrix: Vec<f64> = Vec::with_capacity(n * n);
        for a in &directions {
            matrix.extend(directions.iter().map(|b| kernel(dot(*a, *b))));
        }
        for i in 0..n {
            matrix[i * n + i] += SMOOTHING;
        }
        factor(&mut matrix, n);
        // The border of ones that makes the coefficients sum to 0, eliminated.
        let (of_values, of_ones) = (solve(&matrix, &values), solve(&matrix, &vec![1.0; n]));
        let constant = of_values.iter().sum::<f64>() / of_ones.iter().sum::<f64>();
        let coefficients = of_values.iter().zip(&of_ones).map(|(v, one)| v - constant * one).collect();
        (n > 0 && constant.is_finite()).then_some(Self { directions, coefficients, constant })
    }

    /// The value at a direction (unit vector).
    pub(crate) fn at(&self, direction: [f64; 3]) -> f64 {
        let parts = self.directions.iter().zip(&self.coefficients).map(|(d, c)| c * kernel(dot(*d, direction)));
        self.constant + parts.sum::<f64>()
    }

    /// Cosine of the angle to the nearest sensor.
    pub(crate) fn nearest(&self, direction: [f64; 3]) -> f64 {
        self.directions.iter().map(|d| dot(*d, direction)).fold(-1.0, f64::max)
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
        let spline = Spline::new(&golden.directions, &golden.values).expect("there are values");
        for (at, expected) in golden.at.iter().zip(&golden.expected) {
            let found = spline.at(*at);
            assert!((found - expected).abs() < 1e-9, "{at:?}: {found} against {expected}");
        }
    }

    #[test]
    fn a_value_that_is_missing_is_filled_from_the_others() {
        let golden = golden();
        let mut values = golden.values.clone();
        values[3] = f64::NAN;
        let spline = Spline::new(&golden.directions, &values).expect("there are values");
        assert!(spline.at(golden.directions[3]).is_finite());
        assert!((spline.at(golden.directions[4]) - values[4]).abs() < 0.05);
        assert!(Spline::new(&golden.directions, &[f64::NAN; 10]).is_none());
    }

    #[test]
    fn one_value_everywhere_stays_one_value() {
        let golden = golden();
        let spline = Spline::new(&golden.directions, &[2.5; 10]).expect("there are values");
        assert!(golden.at.iter().all(|d| (spline.at(*d) - 2.5).abs() < 1e-9));
    }
}
