//! Tables of text, and how numbers of statistics are written.

use serde::Serialize;

use crate::format;

/// A table of the page.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

#[derive(Debug, Serialize)]
struct Column {
    name: String,
    /// Whether it holds text rather than numbers.
    text: bool,
}

impl Table {
    /// Columns at the places `text` hold text.
    pub(crate) fn new(columns: &[&str], text: &[usize], rows: Vec<Vec<String>>) -> Self {
        let column = |(i, name): (usize, &&str)| Column { name: (*name).to_owned(), text: text.contains(&i) };
        Self { columns: columns.iter().enumerate().map(column).collect(), rows }
    }

    /// None where there is no row.
    pub(crate) fn if_any(self) -> Option<Self> {
        (!self.rows.is_empty()).then_some(self)
    }
}

/// `0.012 to 0.034`, or a dash.
pub(crate) fn interval(interval: Option<[f64; 2]>) -> String {
    interval.map_or_else(|| format::NONE.to_owned(), |[low, high]| format!("{} to {}", format::r(low), format::r(high)))
}

/// Three decimals, `< 0.001`, or a dash.
pub(crate) fn p_value(p: Option<f64>) -> String {
    match p {
        Some(p) if p < 0.001 => "< 0.001".to_owned(),
        Some(p) if p.is_finite() => format::fixed(p, 3),
        _ => format::NONE.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_p_values_are_bounds() {
        assert_eq!(
            [Some(0.0004), Some(0.0312), Some(1.0), None].map(p_value),
            ["< 0.001", "0.031", "1.000", format::NONE]
        );
        assert_eq!(p_value(Some(f64::NAN)), format::NONE);
    }
}
