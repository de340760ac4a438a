//! What a solver adds to the Gram matrix.

use super::super::lags::Columns;
use super::super::{AlphaUnit, Penalty};

impl AlphaUnit {
    /// The unit for a Gram matrix with this diagonal. Where all columns are 0, whatever their penalty, it is 1.
    pub(in super::super) fn of(self, diagonal: impl ExactSizeIterator<Item = f64>) -> f64 {
        let n = diagonal.len().max(1) as f64;
        let mean = diagonal.sum::<f64>() / n;
        match self {
            Self::Relative if mean > 0.0 => mean,
            _ => 1.0,
        }
    }
}

/// A sparse symmetric matrix, times alpha added to the Gram matrix: `(row, column, value)` of its lower triangle.
#[derive(Clone, Debug, PartialEq)]
pub struct PenaltyMatrix {
    n_columns: usize,
    entries: Vec<(usize, usize, f64)>,
}

impl PenaltyMatrix {
    /// The penalty for these columns. The Laplacian of lags needs two lags, that of features two features with equally
    /// many lags; where neither applies, it is the ridge, as in MNE-Python.
    pub fn new(penalty: Penalty, columns: &Columns) -> Self {
        let ridge = || Self::diagonal(&vec![1.0; columns.len()]);
        match penalty {
            Penalty::Ridge => ridge(),
            Penalty::Laplacian => {
                let mut laplacian = Self { n_columns: columns.len(), entries: Vec::new() };
                for regressor in 0..columns.n_regressors() {
                    let range = columns.range(regressor);
                    for column in range.start + 1..range.end {
                        laplacian.join(column - 1, column);
                    }
                    if regressor > 0 && columns.range(regressor - 1).len() == range.len() {
                        for (before, column) in columns.range(regressor - 1).zip(range) {
                            laplacian.join(before, column);
                        }
                    }
                }
                if laplacian.entries.is_empty() { ridge() } else { laplacian }
            }
        }
    }

    /// A penalty of its own for each column, as banded ridge has.
    pub fn diagonal(weights: &[f64]) -> Self {
        let entries = weights.iter().enumerate().map(|(column, &weight)| (column, column, weight)).collect();
        Self { n_columns: weights.len(), entries }
    }

    /// The same penalty in another unit.
    #[must_use]
    pub fn times(mut self, unit: f64) -> Self {
        self.entries.iter_mut().for_each(|(_, _, value)| *value *= unit);
        self
    }

    /// Number of columns.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// `(row, column, value)` of the lower triangle; entries at the same place add up.
    pub fn entries(&self) -> &[(usize, usize, f64)] {
        &self.entries
    }

    /// Penalises the squared difference of two columns' coefficients.
    fn join(&mut self, before: usize, column: usize) {
        self.entries.extend([(before, before, 1.0), (column, column, 1.0), (column, before, -1.0)]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::lags::LagRange;
    use super::*;

    fn dense(penalty: Penalty, n_regressors: usize, n_lags: isize) -> Vec<Vec<f64>> {
        let columns = Columns::new(vec![LagRange::new(0, n_lags - 1).unwrap(); n_regressors]);
        let matrix = PenaltyMatrix::new(penalty, &columns);
        let mut dense = vec![vec![0.0; columns.len()]; columns.len()];
        for &(row, column, value) in matrix.entries() {
            dense[row][column] += value;
        }
        dense
    }

    #[test]
    fn laplacians_by_hand() {
        let of_lags = dense(Penalty::Laplacian, 1, 3);
        assert_eq!(of_lags, [[1., 0., 0.], [-1., 2., 0.], [0., -1., 1.]]);
        let of_features = dense(Penalty::Laplacian, 2, 2);
        assert_eq!(of_features, [[2., 0., 0., 0.], [-1., 2., 0., 0.], [-1., 0., 2., 0.], [0., -1., -1., 2.]]);
        assert_eq!(dense(Penalty::Laplacian, 1, 1), [[1.]]);
        assert_eq!(dense(Penalty::Ridge, 1, 2), [[1., 0.], [0., 1.]]);
    }
}
