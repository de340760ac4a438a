//! Exact errors of leaving one out, without refitting.
//!
//! With A = `XᵀX` + α P of all rows and the residuals e of the fit to them, the residuals of rows E as predicted by a fit to
//! all other rows are (1 − H)⁻¹ e, where H = `X_E` A⁻¹ `X_Eᵀ`: a downdate of A by a block (Cook & Weisberg 1982; for single rows
//! Allen's PRESS). Means are those of all rows and stay; they are no part of the downdate.

use faer::{Mat, MatRef, Side};
use ndarray::{Array2, Array3, ArrayRef3};

use super::faults::{check_alpha, singular};
use super::masks::{Group, Measured};
use super::solver::{PenaltyMatrix, Ridge};
use super::trf_system::{Pass, TrfPart, TrfSystem, in_blocks};
use super::{AlphaUnit, Effort, Penalty, Trf, TrfConfig};
use crate::{Error, Result, Stop, parallel};

/// What is left out at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// All samples of one epoch.
    Epoch,
    /// One sample. Its neighbours, which data as autocorrelated as M/EEG resemble, stay: such errors are far too small,
    /// and the penalties that they choose with them.
    Sample,
}

impl Trf {
    /// Mean squared error of each channel for each alpha, `(n_alphas, n_channels)`, where each epoch or sample is predicted
    /// by the fit to all others; exact, but for the means, which stay those of all. NaN for a channel never measured.
    ///
    /// Takes about n² multiplications for each row and alpha, with n columns.
    ///
    /// # Errors
    /// As [`Trf::fit_measured`]; [`Error::Singular`] where what is left does not determine the fit.
    pub fn leave_one_out(
        (features, data): (&ArrayRef3<f64>, &ArrayRef3<f64>),
        measured: Option<&Array3<bool>>,
        names: &[String],
        config: &TrfConfig,
        alphas: &[f64],
        (left_out, n_threads): (LeftOut, usize),
    ) -> Result<Array2<f64>> {
        let system = TrfSystem::of_arrays(features, data, measured, names, config, n_threads)?;
        let mut seen = Measured::new(data.shape()[1], data.shape()[2]);
        seen.push(data.shape()[0], measured);
        let pass = in_blocks(features, data);
        let penalty = (config.penalty, config.alpha_unit);
        system.leave_one_out(&seen.groups(0), &pass, (penalty, alphas), (left_out, (n_threads, &Stop::never())))
    }
}

impl TrfSystem {
    /// As [`Trf::leave_one_out`], for the groups and epochs that this system was gathered from.
    pub(super) fn leave_one_out(
        &self,
        groups: &[Group],
        pass: &Pass<'_>,
        ((penalty, unit), alphas): ((Penalty, AlphaUnit), &[f64]),
        (left_out, (n_threads, stop)): (LeftOut, Effort<'_>),
    ) -> Result<Array2<f64>> {
        alphas.iter().try_for_each(|&alpha| check_alpha(alpha))?;
        let mut errors = Array2::from_elem((alphas.len(), self.n_targets), f64::NAN);
        for (part, group) in self.parts.iter().zip(groups) {
            let moments = &part.moments;
            let matrix = PenaltyMatrix::new(penalty, moments.columns()).times(moments.unit(unit));
            let mut ridge =
                Ridge::new(moments.gram.clone(), moments.rounding.clone(), n_threads).stopped_by(stop.clone());
            for (a, &alpha) in alphas.iter().enumerate() {
                let weights = ridge.solve(moments.cross(), &matrix, alpha);
                stop.check()?;
                let weights = weights.map_err(|found| {
                    singular(
                        "TRF",
                        (moments.columns(), moments.n_rows()),
                        &ridge,
                        found,
                        self.layout.names(),
                        &format!("alpha = {alpha}"),
                    )
                })?;
                let mut sums = vec![0.0; part.targets.len()];
                pass(&mut |features, data, first| {
                    // Each epoch is a piece of work, and its sums are added in the order of epochs.
                    let by_epoch = parallel::map(data.shape()[0], n_threads, |e| {
                        let rows: Vec<usize> = group.rows[first + e].iter().cloned().flatten().collect();
                        let (x, y) = part.rows(&features, &data, e, &rows);
                        left_out_squares(&ridge, &weights, &x, &y, left_out)
                    });
                    for squares in by_epoch {
                        let squares = squares.ok_or_else(|| Error::Singular {
                            model: "TRF, leaving one out".to_owned(),
                            reason: "the other epochs do not determine the fit".to_owned(),
                            advice: format!("raise alpha = {alpha}, or use fewer lags"),
                        })?;
                        sums.iter_mut().zip(squares).for_each(|(sum, square)| *sum += square);
                    }
                    Ok(())
                })?;
                for (&target, sum) in part.targets.iter().zip(sums) {
                    errors[[a, target]] = sum / moments.n_rows().max(1) as f64;
                }
            }
        }
        Ok(errors)
    }
}

impl TrfPart {
    /// Lagged features `(n_columns, n_rows)` and targets `(n_rows, n_targets)` of some samples of an epoch.
    fn rows(&self, features: &Array3<f64>, data: &Array3<f64>, epoch: usize, rows: &[usize]) -> (Mat<f64>, Mat<f64>) {
        let columns = self.moments.columns();
        let n_times = features.dim().2 as isize;
        let x = Mat::from_fn(columns.len(), rows.len(), |column, row| {
            let (f, lag) = columns.locate(column);
            let t = rows[row] as isize - lag;
            if (0..n_times).contains(&t) { features[[epoch, f, t as usize]] - self.means.features[f] } else { 0.0 }
        });
        let y = Mat::from_fn(rows.len(), self.targets.len(), |row, t| {
            data[[epoch, self.targets[t], rows[row]]] - self.means.data[t]
        });
        (x, y)
    }
}

/// Sum of squared errors of each target; none where the rest does not determine the fit.
fn left_out_squares(
    ridge: &Ridge,
    weights: &Mat<f64>,
    x: &Mat<f64>,
    y: &Mat<f64>,
    left_out: LeftOut,
) -> Option<Vec<f64>> {
    let residuals = y - x.transpose() * weights;
    let half = ridge.half_solve(x.as_ref());
    let squares = |errors: MatRef<'_, f64>| {
        errors.col_iter().map(|column| column.iter().map(|error| error * error).sum()).collect()
    };
    match left_out {
        LeftOut::Epoch => {
            let n = y.nrows();
            let hat = half.transpose() * &half;
            let rest = Mat::from_fn(n, n, |i, j| f64::from(u8::from(i == j)) - hat[(i, j)]);
            let factor = rest.llt(Side::Lower).ok()?;
            let mut errors = residuals;
            let memory = &mut faer::dyn_stack::MemBuffer::new(
                faer::linalg::cholesky::llt::solve::solve_in_place_scratch::<f64>(n, errors.ncols(), faer::Par::Seq),
            );
            faer::linalg::cholesky::llt::solve::solve_in_place(
                factor.L(),
                errors.as_mut(),
                faer::Par::Seq,
                faer::dyn_stack::MemStack::new(memory),
            );
            Some(squares(errors.as_ref()))
        }
        LeftOut::Sample => {
            let leverage: Vec<f64> = half.col_iter().map(|column| column.iter().map(|v| v * v).sum()).collect();
            if leverage.iter().any(|h| 1.0 - h <= f64::EPSILON) {
                return None;
            }
            let errors = Mat::from_fn(y.nrows(), y.ncols(), |i, t| residuals[(i, t)] / (1.0 - leverage[i]));
            Some(squares(errors.as_ref()))
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Axis, concatenate, s};
    use rand::{RngExt as _, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn random(shape: (usize, usize, usize), seed: u64) -> Array3<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        Array3::from_shape_simple_fn(shape, || rng.random_range(-1.0..1.0))
    }

    /// Without means to take off: each epoch is followed by its negative, and both are left out together or alone.
    #[test]
    fn an_epoch_left_out_is_a_refit_without_it() {
        let (half_x, half_y) = (random((4, 2, 12), 1), random((4, 3, 12), 2));
        let x = concatenate![Axis(2), half_x, -&half_x];
        let y = concatenate![Axis(2), half_y, -&half_y];
        let config = TrfConfig { lag_min: -1, lag_max: 2, alpha_unit: AlphaUnit::Absolute, ..TrfConfig::default() };
        for penalty in [Penalty::Ridge, Penalty::Laplacian] {
            let config = TrfConfig { penalty, ..config.clone() };
            let alphas = [0.1, 3.0];
            let found = Trf::leave_one_out((&x, &y), None, &[], &config, &alphas, (LeftOut::Epoch, 2)).unwrap();
            let mut expected = Array2::<f64>::zeros((2, 3));
            for e in 0..4 {
                let rest: Vec<usize> = (0..4).filter(|&other| other != e).collect();
                let (x_rest, y_rest) = (x.select(Axis(0), &rest), y.select(Axis(0), &rest));
                let fits = Trf::fit_measured(&x_rest, &y_rest, None, &[], &config, &alphas, 1).unwrap();
                for (a, fit) in fits.iter().enumerate() {
                    let error = fit.predict(&x.slice(s![e..=e, .., ..]), 1).unwrap() - y.slice(s![e..=e, .., ..]);
                    for c in 0..3 {
                        expected[[a, c]] += error.index_axis(Axis(1), c).iter().map(|v| v * v).sum::<f64>() / 96.0;
                    }
                }
            }
            assert!((&found - &expected).iter().all(|d| d.abs() < 1e-10), "{found} for {expected}");
        }
    }

    #[test]
    fn a_sample_left_out_is_a_refit_without_it() {
        let (x, y) = (random((2, 1, 9), 3), random((2, 1, 9), 4));
        let config = TrfConfig { lag_min: 0, lag_max: 1, alpha_unit: AlphaUnit::Absolute, ..TrfConfig::default() };
        let found = Trf::leave_one_out((&x, &y), None, &[], &config, &[0.5], (LeftOut::Sample, 1)).unwrap()[[0, 0]];
        // The same with means that stay: by plain least squares on what is left.
        let (x, y) = (&x - x.mean().unwrap(), &y - y.mean().unwrap());
        let row = |e: usize, t: usize| [x[[e, 0, t]], if t > 0 { x[[e, 0, t - 1]] } else { 0.0 }];
        let all: Vec<(usize, usize)> = (0..2).flat_map(|e| (0..9).map(move |t| (e, t))).collect();
        let mut expected = 0.0;
        for &out in &all {
            let (mut g, mut b) = ([0.5, 0.0, 0.5], [0.0, 0.0]);
            for &(e, t) in all.iter().filter(|&&other| other != out) {
                let [p, q] = row(e, t);
                g = [g[0] + p * p, g[1] + p * q, g[2] + q * q];
                b = [b[0] + p * y[[e, 0, t]], b[1] + q * y[[e, 0, t]]];
            }
            let det = g[0] * g[2] - g[1] * g[1];
            let w = [(g[2] * b[0] - g[1] * b[1]) / det, (g[0] * b[1] - g[1] * b[0]) / det];
            let [p, q] = row(out.0, out.1);
            expected += (y[[out.0, 0, out.1]] - w[0] * p - w[1] * q).powi(2) / 18.0;
        }
        assert!((found - expected).abs() < 1e-12, "{found} for {expected}");
    }
}
