//! Settings that make no sense, and systems that have no unique solution, in words.

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

/// The error for a dependent column: says which regressor is at fault and, where it can, why.
pub(super) fn singular(
    model: &str,
    (columns, n_rows): (&Columns, usize),
    ridge: &Ridge,
    found: Dependent,
    names: &[String],
    alpha: f64,
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
        format!(
            "{} at lag {lag} depends on other lags and features; {} columns, {n_rows} samples",
            name(regressor),
            columns.len(),
        )
    };
    Error::Singular {
        model: model.to_owned(),
        reason,
        advice: format!("leave it out, use fewer lags, or raise alpha = {alpha:e}"),
    }
}
