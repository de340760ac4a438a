//! Settings that make no sense, and systems that have no unique solution, in words.

use faer::linalg::solvers::Solve;
use faer::{Mat, Side};

use super::lags::Columns;
use super::solver::{Dependent, Ridge};
use crate::{Error, Result};

/// Alpha must be a number from 0 on.
pub(super) fn check_alpha(alpha: f64) -> Result<()> {
    if alpha.is_finite() && alpha >= 0.0 {
        return Ok(());
    }
    Err(Error::Setting {
        name: "alpha".to_owned(),
        found: alpha.to_string(),
        expected: "a finite number, 0 or more".to_owned(),
    })
}

/// `name`, at how many lags.
fn shown(name: &str, n_lags: usize) -> String {
    if n_lags == 1 { name.to_owned() } else { format!("{name} at {n_lags} lags") }
}

/// Columns that a message looks into at most: what it takes grows with their cube.
const MOST_COLUMNS: usize = 3000;

/// Partners that a message names at most.
const MOST_PARTNERS: usize = 4;

/// A column's share in the sum, relative to the dependent column, below which it has no say.
const LEAST_SHARE: f64 = 1e-3;

/// Which regressors before a dependent column add up to it, and at how many lags: those with the largest share first. None
/// where too many do for the sum to tell anything.
fn partners(columns: &Columns, ridge: &Ridge, column: usize) -> Vec<(usize, usize)> {
    if column == 0 || column > MOST_COLUMNS {
        return Vec::new();
    }
    // Regression of the column on those before it; a little ridge, since these may depend on each other, too.
    let size = |i: usize| ridge.gram(i, i).max(f64::MIN_POSITIVE).sqrt();
    let gram =
        Mat::from_fn(column, column, |i, j| ridge.gram(i, j) / (size(i) * size(j)) + if i == j { 1e-10 } else { 0.0 });
    let right = Mat::from_fn(column, 1, |i, _| ridge.gram(i, column) / (size(i) * size(column)));
    let Ok(factor) = gram.llt(Side::Lower) else { return Vec::new() };
    let shares = factor.solve(&right);
    let mut partners: Vec<(f64, usize, usize)> = Vec::new();
    for i in 0..column {
        let share = shares[(i, 0)].abs();
        if share < LEAST_SHARE {
            continue;
        }
        let regressor = columns.locate(i).0;
        match partners.last_mut().filter(|(_, last, _)| *last == regressor) {
            Some((total, _, n)) => {
                *total += share;
                *n += 1;
            }
            None => partners.push((share, regressor, 1)),
        }
    }
    if partners.len() > MOST_PARTNERS {
        return Vec::new();
    }
    partners.sort_by(|a, b| b.0.total_cmp(&a.0));
    partners.into_iter().map(|(_, regressor, n)| (regressor, n)).collect()
}

/// The error for a dependent column: says which regressor is at fault and, where it can, why. `penalty` is
/// what was tried, as `alpha = 0`.
pub(super) fn singular(
    model: &str,
    (columns, n_rows): (&Columns, usize),
    ridge: &Ridge,
    found: Dependent,
    names: &[String],
    penalty: &str,
) -> Error {
    let (regressor, lag) = columns.locate(found.column);
    let name = |regressor: usize| {
        names.get(regressor).map_or_else(|| format!("regressor {regressor}"), |name| format!("`{name}`"))
    };
    let square = |column: usize| ridge.gram(column, column);
    let offset = found.column - columns.range(regressor).start;
    // Whether an earlier regressor, at the same lag, points the same way.
    let is_twin = |other: usize| {
        let column = columns.range(other).start + offset;
        let both = square(found.column) * square(column);
        both > 0.0 && ridge.gram(found.column, column).powi(2) >= both * (1.0 - 1e-12)
    };
    let twin = (0..regressor).find(|&other| columns.lags(other) == columns.lags(regressor) && is_twin(other));
    let reason = if square(found.column) <= ridge.rounding(found.column) {
        format!("{} is constant", name(regressor))
    } else if let Some(twin) = twin {
        format!("{} is a multiple of {}", name(regressor), name(twin))
    } else {
        let of = match partners(columns, ridge, found.column).as_slice() {
            [] => "other lags and features".to_owned(),
            partners => {
                partners.iter().map(|&(regressor, n)| shown(&name(regressor), n)).collect::<Vec<_>>().join(", ")
            }
        };
        let n_columns = columns.len();
        format!("{} at lag {lag} is a sum of {of}; {n_columns} columns, {n_rows} samples", name(regressor))
    };
    Error::Singular {
        model: model.to_owned(),
        reason,
        advice: format!("leave it out, use fewer lags, or raise {penalty}"),
    }
}
