//! Second moments, ready for a solver.

use std::ops::Range;

use faer::{Mat, MatRef};

use super::AlphaUnit;
use super::lags::Columns;
use super::solver::{Ridge, Sums};

/// Second moments of lagged regressors and targets.
#[derive(Clone, Debug)]
pub struct Moments {
    pub(super) columns: Columns,
    /// Column-major; only the lower triangle counts.
    pub(super) gram: Vec<f64>,
    pub(super) cross: Mat<f64>,
    pub(super) sums: Vec<f64>,
    pub(super) target_sums: Vec<f64>,
    pub(super) target_squares: Vec<f64>,
    pub(super) rounding: Vec<f64>,
    pub(super) n_rows: usize,
}

impl Moments {
    /// What the columns stand for.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Gram matrix of the columns; only the lower triangle holds values.
    pub fn gram(&self) -> MatRef<'_, f64> {
        MatRef::from_column_major_slice(&self.gram, self.columns.len(), self.columns.len())
    }

    /// Moments of columns with targets, `(n_columns, n_targets)`.
    pub fn cross(&self) -> MatRef<'_, f64> {
        self.cross.as_ref()
    }

    /// The rounding error that each diagonal entry of the Gram matrix may carry from taking means off.
    pub fn rounding(&self) -> &[f64] {
        &self.rounding
    }

    /// Says that the regressors had these means taken off before they were pushed.
    pub(super) fn set_means_taken_off(&mut self, means: &[f64]) {
        for (regressor, mean) in means.iter().enumerate() {
            let error = self.n_rows as f64 * (4.0 * f64::EPSILON * mean).powi(2);
            self.rounding[self.columns.range(regressor)].fill(error);
        }
    }

    /// The normal equations, to be solved for any penalty, and the moments with the targets `(n_columns, n_targets)`. The
    /// Gram matrix is moved, not copied.
    pub fn into_ridge(self, n_threads: usize) -> (Ridge, Mat<f64>) {
        (Ridge::new(self.gram, self.rounding, n_threads), self.cross)
    }

    /// Sum of squares of each target over the rows, about the mean once [`Moments::centre`] was called.
    pub fn target_squares(&self) -> &[f64] {
        &self.target_squares
    }

    /// Adds the moments of other rows; both must be of the same columns and targets.
    ///
    /// # Panics
    /// Where they are not.
    pub fn add(&mut self, other: &Self) {
        assert_eq!(self.columns, other.columns, "moments of other columns cannot be added");
        let sum = |own: &mut [f64], other: &[f64]| own.iter_mut().zip(other).for_each(|(own, other)| *own += other);
        sum(&mut self.gram, &other.gram);
        sum(&mut self.sums, &other.sums);
        sum(&mut self.rounding, &other.rounding);
        sum(&mut self.target_sums, &other.target_sums);
        sum(&mut self.target_squares, &other.target_squares);
        self.cross += &other.cross;
        self.n_rows += other.n_rows;
    }

    /// The moments as a search takes them.
    pub fn for_search(&self) -> Sums<'_> {
        Sums { gram: self.gram(), cross: self.cross(), squares: &self.target_squares, n_rows: self.n_rows }
    }

    /// What alpha is counted in.
    pub(super) fn unit(&self, unit: AlphaUnit) -> f64 {
        self.unit_of(unit, 0..self.columns.len())
    }

    /// What alpha is counted in for some columns, of which a model has several kinds.
    pub(super) fn unit_of(&self, unit: AlphaUnit, columns: Range<usize>) -> f64 {
        let n = self.columns.len();
        unit.of(columns.map(|column| self.gram[column * n + column]))
    }

    /// Number of rows, over all epochs.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Mean of each column and of each target over the rows.
    pub fn means(&self) -> (Vec<f64>, Vec<f64>) {
        let n = self.n_rows.max(1) as f64;
        let mean = |sums: &[f64]| sums.iter().map(|sum| sum / n).collect();
        (mean(&self.sums), mean(&self.target_sums))
    }

    /// Moments about the means of columns and targets, as an unpenalised intercept asks for.
    pub fn centre(&mut self) {
        let (means, target_means) = self.means();
        let n_columns = self.columns.len();
        for (column, rounding) in self.rounding.iter_mut().enumerate() {
            *rounding = 16.0 * f64::EPSILON * self.gram[column * n_columns + column];
        }
        for (column, (entries, mean)) in self.gram.chunks_exact_mut(n_columns).zip(&means).enumerate() {
            for (entry, sum) in entries.iter_mut().zip(&self.sums).skip(column) {
                *entry -= sum * mean;
            }
        }
        for (target, mean) in target_means.iter().enumerate() {
            self.target_squares[target] -= self.target_sums[target] * mean;
            for (column, sum) in self.sums.iter().enumerate() {
                self.cross[(column, target)] -= sum * mean;
            }
        }
    }
}
