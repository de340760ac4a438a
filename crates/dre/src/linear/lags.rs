//! Lags, and the columns that they make of regressors.

use crate::{Error, Result};

/// A range of lags (samples), both ends included; a positive lag is the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LagRange {
    first: isize,
    last: isize,
}

impl LagRange {
    /// Lags from `first` to `last`, included.
    ///
    /// # Errors
    /// [`Error::Setting`] where `last` is before `first`.
    pub fn new(first: isize, last: isize) -> Result<Self> {
        if first <= last {
            return Ok(Self { first, last });
        }
        Err(Error::Setting {
            name: "lag_max".to_owned(),
            found: last.to_string(),
            expected: format!("a lag (samples) not below lag_min = {first}"),
        })
    }

    /// The first lag.
    pub fn first(self) -> isize {
        self.first
    }

    /// The last lag.
    pub fn last(self) -> isize {
        self.last
    }

    /// Number of lags.
    pub fn len(self) -> usize {
        (self.last - self.first) as usize + 1
    }

    /// Never; a range holds one lag at least.
    pub fn is_empty(self) -> bool {
        false
    }

    pub(super) fn iter(self) -> impl Iterator<Item = isize> {
        self.first..=self.last
    }
}

/// Which regressor and lag each column of a lagged system stands for: by regressor, then by lag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    lags: Vec<LagRange>,
    offsets: Vec<usize>,
}

impl Columns {
    /// Columns for regressors with these lags.
    pub fn new(lags: Vec<LagRange>) -> Self {
        let mut offsets = vec![0];
        for range in &lags {
            offsets.push(offsets[offsets.len() - 1] + range.len());
        }
        Self { lags, offsets }
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        self.offsets[self.lags.len()]
    }

    /// Whether there is no column.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of regressors.
    pub fn n_regressors(&self) -> usize {
        self.lags.len()
    }

    /// Lags of a regressor.
    pub fn lags(&self, regressor: usize) -> LagRange {
        self.lags[regressor]
    }

    /// The columns of a regressor.
    pub fn range(&self, regressor: usize) -> std::ops::Range<usize> {
        self.offsets[regressor]..self.offsets[regressor + 1]
    }

    /// Regressor and lag of a column.
    pub fn locate(&self, column: usize) -> (usize, isize) {
        let regressor = self.offsets.partition_point(|&offset| offset <= column) - 1;
        (regressor, self.lags[regressor].first + (column - self.offsets[regressor]) as isize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_by_hand() {
        let columns = Columns::new(vec![LagRange::new(-1, 1).unwrap(), LagRange::new(2, 3).unwrap()]);
        assert_eq!((columns.len(), columns.range(1)), (5, 3..5));
        assert_eq!([0, 2, 3, 4].map(|c| columns.locate(c)), [(0, -1), (0, 1), (1, 2), (1, 3)]);
    }
}
