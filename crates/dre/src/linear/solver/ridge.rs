//! Ridge regression: one Gram matrix, any number of penalties.

use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Mat, MatRef, Par};

use super::{PenaltyMatrix, cholesky};
use crate::{Stop, parallel};

/// The system has no unique solution: a column depends on those before it, to working precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column} depends on the columns before it")]
pub struct Dependent {
    /// The first such column.
    pub column: usize,
}

/// Normal equations, factorised where they lie: the Gram matrix above the diagonal, the factor below it. A second matrix
/// of the size is never held.
#[derive(Clone, Debug)]
pub struct Ridge {
    n: usize,
    square: Vec<f64>,
    diagonal: Vec<f64>,
    rounding: Vec<f64>,
    n_threads: usize,
    stop: Stop,
}

/// Columns that are mirrored together, so that a cache line is read once.
const LINE: usize = 8;

impl Ridge {
    /// Takes the lower triangle of a column-major Gram matrix `(n, n)`. `rounding` is the error that each diagonal entry
    /// may carry, which no column is resolved below.
    ///
    /// # Panics
    /// Where the lengths do not fit.
    pub fn new(gram: Vec<f64>, rounding: Vec<f64>, n_threads: usize) -> Self {
        let n = rounding.len();
        assert_eq!(gram.len(), n * n, "the Gram matrix and its rounding errors do not fit");
        let mut square = gram;
        let diagonal = (0..n).map(|i| square[i * n + i]).collect();
        // The upper triangle of column j is the row j of the lower triangle, which lies to its left.
        for start in (0..n).step_by(LINE) {
            let (left, here) = square.split_at_mut(start * n);
            let width = LINE.min(n - start);
            for column in 0..start {
                for j in 0..width {
                    here[j * n + column] = left[column * n + start + j];
                }
            }
            for j in 0..width {
                for i in 0..j {
                    here[j * n + start + i] = here[i * n + start + j];
                }
            }
        }
        Self { n, square, diagonal, rounding, n_threads, stop: Stop::never() }
    }

    /// The same equations, with who may end a solution before it is one.
    #[must_use]
    pub fn stopped_by(self, stop: Stop) -> Self {
        Self { stop, ..self }
    }

    /// Number of columns.
    pub fn n_columns(&self) -> usize {
        self.n
    }

    /// An entry of the Gram matrix.
    pub fn gram(&self, i: usize, j: usize) -> f64 {
        if i == j { self.diagonal[i] } else { self.square[i.max(j) * self.n + i.min(j)] }
    }

    /// The rounding error that a diagonal entry may carry.
    pub fn rounding(&self, i: usize) -> f64 {
        self.rounding[i]
    }

    /// Solves (gram + alpha × penalty) w = cross, with `cross` `(n, n_targets)`.
    ///
    /// Takes n³/3 multiplications, and 2 n² for each target. The result does not depend on the number of threads. Where
    /// [`Ridge::stopped_by`] asked to end, it is no solution.
    ///
    /// # Errors
    /// [`Dependent`] where the penalised matrix is singular to working precision.
    ///
    /// # Panics
    /// Where the shapes do not fit.
    pub fn solve(
        &mut self,
        cross: MatRef<'_, f64>,
        penalty: &PenaltyMatrix,
        alpha: f64,
    ) -> Result<Mat<f64>, Dependent> {
        let n = self.n;
        assert_eq!((cross.nrows(), penalty.n_columns()), (n, n), "the system's shapes do not fit");
        self.restore();
        for &(row, column, value) in penalty.entries() {
            self.square[column * n + row] += alpha * value;
        }
        // A pivot is what its column leaves unexplained by those before it; at this size it is rounding.
        let least: Vec<f64> =
            (0..n).map(|i| (n as f64 * f64::EPSILON * self.square[i * n + i]).max(self.rounding[i])).collect();
        cholesky::factorise(&mut self.square, n, (self.n_threads, &self.stop))?;
        if self.stop.is_asked() {
            return Ok(Mat::zeros(n, cross.ncols()));
        }
        let is_resolved = |i: usize| self.square[i * n + i].powi(2) > least[i];
        if let Some(column) = (0..n).find(|&i| !is_resolved(i)) {
            return Err(Dependent { column });
        }
        Ok(cholesky::solve(&self.square, n, cross, self.n_threads))
    }

    /// L⁻¹ `right` for the factor L of the last solution, `right` `(n, n_right)`: its columns' inner products are those of
    /// `right` in the inverse of the penalised matrix.
    ///
    /// # Panics
    /// Where the shapes do not fit.
    pub fn half_solve(&self, right: MatRef<'_, f64>) -> Mat<f64> {
        assert_eq!(right.nrows(), self.n, "the system's shapes do not fit");
        let mut solution = right.to_owned();
        let factor = MatRef::from_column_major_slice(&self.square, self.n, self.n);
        solve_lower_triangular_in_place(factor, solution.as_mut(), Par::Seq);
        solution
    }

    /// Puts the Gram matrix back into the lower triangle.
    fn restore(&mut self) {
        let n = self.n;
        for start in (0..n).step_by(LINE * LINE) {
            let end = (start + LINE * LINE).min(n);
            let (left, right) = self.square.split_at_mut(end * n);
            let panel = &mut left[start * n..];
            for j in start..end {
                panel[(j - start) * n + j] = self.diagonal[j];
                for i in j + 1..end {
                    panel[(j - start) * n + i] = panel[(i - start) * n + j];
                }
            }
            parallel::for_each_chunk(panel, LINE * n, self.n_threads, |line, columns| {
                let first = start + line * LINE;
                for i in end..n {
                    for (j, column) in columns.chunks_exact_mut(n).enumerate() {
                        column[i] = right[(i - end) * n + first + j];
                    }
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(n: usize, entry: impl Fn(usize, usize) -> f64) -> Ridge {
        let lower = (0..n * n).map(|k| if k % n >= k / n { entry(k % n, k / n) } else { f64::NAN }).collect();
        Ridge::new(lower, vec![0.0; n], 2)
    }

    #[test]
    fn two_equations_by_hand() {
        let mut ridge = system(2, |i, j| [[2.0, 0.0], [1.0, 3.0]][i][j]);
        let cross = Mat::from_fn(2, 1, |i, _| [5.0, 10.0][i]);
        // [[3, 1], [1, 4]] w = [5, 10].
        let w = ridge.solve(cross.as_ref(), &PenaltyMatrix::diagonal(&[1.0, 1.0]), 1.0).unwrap();
        assert!((w[(0, 0)] - 10.0 / 11.0).abs() < 1e-14 && (w[(1, 0)] - 25.0 / 11.0).abs() < 1e-14);
    }

    #[test]
    fn one_penalty_after_the_other_leaves_the_system_as_it_was() {
        let n = 150;
        let gram = |i: usize, j: usize| if i == j { 200.0 } else { ((i * 31 + j * 17) % 13) as f64 / 13.0 };
        let mut ridge = system(n, gram);
        let cross = Mat::from_fn(n, 3, |i, c| (i % 7 + c) as f64);
        let penalty = PenaltyMatrix::diagonal(&vec![1.0; n]);
        for alpha in [1e-3, 10.0, 1e3] {
            let again = ridge.solve(cross.as_ref(), &penalty, alpha).unwrap();
            assert_eq!(again, system(n, gram).solve(cross.as_ref(), &penalty, alpha).unwrap());
        }
        assert!((0..n).all(|i| (0..=i).all(|j| ridge.gram(i, j).to_bits() == gram(i, j).to_bits())));
    }

    #[test]
    fn the_dependent_column_is_named() {
        // The third column is the sum of the first two.
        let rows = [[1.0, 2.0, 3.0, 0.3], [0.5, -1.0, -0.5, 1.0], [2.0, 0.1, 2.1, 0.0], [0.2, 0.3, 0.5, 2.0]];
        let mut ridge = system(4, |i, j| rows.iter().map(|row| row[i] * row[j]).sum());
        let cross = Mat::from_fn(4, 1, |_, _| 1.0);
        let mut solve = |alpha| ridge.solve(cross.as_ref(), &PenaltyMatrix::diagonal(&[1.0; 4]), alpha);
        assert_eq!(solve(0.0).unwrap_err(), Dependent { column: 2 });
        assert!(solve(1e-6).is_ok());
    }
}
