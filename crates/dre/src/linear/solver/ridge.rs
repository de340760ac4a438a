//! Ridge regression by Cholesky's factorisation.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::{factor, solve};
use faer::{Mat, MatRef, Par};

use super::PenaltyMatrix;

/// The system has no unique solution: a column depends on those before it, to working precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column} depends on the columns before it")]
pub struct Dependent {
    /// The first such column.
    pub column: usize,
}

/// Solves (gram + alpha × penalty) w = cross, with `gram`'s lower triangle `(n, n)` and `cross` `(n, n_targets)`.
/// `rounding` is the error that each diagonal entry of `gram` may carry, which no column is resolved below.
///
/// Takes n³/3 multiplications and a copy of `gram`.
///
/// # Errors
/// [`Dependent`] where the penalised matrix is singular to working precision.
///
/// # Panics
/// Where the shapes do not fit.
pub fn ridge(
    gram: MatRef<'_, f64>,
    cross: MatRef<'_, f64>,
    penalty: &PenaltyMatrix,
    alpha: f64,
    rounding: &[f64],
) -> Result<Mat<f64>, Dependent> {
    let n = gram.nrows();
    assert!(gram.ncols() == n && cross.nrows() == n && rounding.len() == n, "the system's shapes do not fit");
    assert!(penalty.n_columns() == n, "the penalty does not fit the system");
    let mut factor = Mat::zeros(n, n);
    factor.copy_from_triangular_lower(gram);
    for &(row, column, value) in penalty.entries() {
        factor[(row, column)] += alpha * value;
    }
    // A pivot is what its column leaves unexplained by those before it; at this size it is rounding.
    let least: Vec<f64> = (0..n).map(|i| (n as f64 * f64::EPSILON * factor[(i, i)]).max(rounding[i])).collect();
    let mut memory = MemBuffer::new(factor::cholesky_in_place_scratch::<f64>(n, Par::Seq, faer::Spec::default()));
    factor::cholesky_in_place(
        factor.as_mut(),
        factor::LltRegularization::default(),
        Par::Seq,
        MemStack::new(&mut memory),
        faer::Spec::default(),
    )
    .map_err(|factor::LltError::NonPositivePivot { index }| Dependent { column: index })?;
    let is_resolved = |i: usize| factor[(i, i)].powi(2) > least[i];
    if let Some(column) = (0..n).find(|&i| !is_resolved(i)) {
        return Err(Dependent { column });
    }
    let mut solution = cross.to_owned();
    let mut memory = MemBuffer::new(solve::solve_in_place_scratch::<f64>(n, solution.ncols(), Par::Seq));
    solve::solve_in_place(factor.as_ref(), solution.as_mut(), Par::Seq, MemStack::new(&mut memory));
    Ok(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_equations_by_hand() {
        let gram = Mat::from_fn(2, 2, |i, j| [[2.0, 0.0], [1.0, 3.0]][i][j]);
        let cross = Mat::from_fn(2, 1, |i, _| [5.0, 10.0][i]);
        // [[3, 1], [1, 4]] w = [5, 10].
        let w = ridge(gram.as_ref(), cross.as_ref(), &PenaltyMatrix::diagonal(&[1.0, 1.0]), 1.0, &[0.0; 2]).unwrap();
        assert!((w[(0, 0)] - 10.0 / 11.0).abs() < 1e-14 && (w[(1, 0)] - 25.0 / 11.0).abs() < 1e-14);
    }

    #[test]
    fn the_dependent_column_is_named() {
        // The third column is the sum of the first two.
        let rows = [[1.0, 2.0, 3.0, 0.3], [0.5, -1.0, -0.5, 1.0], [2.0, 0.1, 2.1, 0.0], [0.2, 0.3, 0.5, 2.0]];
        let gram = Mat::from_fn(4, 4, |i, j| rows.iter().map(|row| row[i] * row[j]).sum());
        let cross = Mat::from_fn(4, 1, |_, _| 1.0);
        let solve = |alpha| ridge(gram.as_ref(), cross.as_ref(), &PenaltyMatrix::diagonal(&[1.0; 4]), alpha, &[0.0; 4]);
        assert_eq!(solve(0.0).unwrap_err(), Dependent { column: 2 });
        assert!(solve(1e-6).is_ok());
    }
}
