//! Numbers of tab-separated tables.

/// A number as a cell: to 12 significant digits, beyond which there is rounding only; `n/a` where there is none, as in BIDS.
pub fn cell(value: f64) -> String {
    if !value.is_finite() {
        return "n/a".to_owned();
    }
    format!("{value:.11e}").parse::<f64>().map_or_else(|_| value.to_string(), |rounded| rounded.to_string())
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn numbers_are_short_and_gaps_are_named() {
        assert_eq!(
            [0.1 + 0.2, -2.0, 1.0 / 3.0, f64::NAN, f64::NEG_INFINITY].map(cell),
            ["0.3", "-2", "0.333333333333", "n/a", "n/a"]
        );
    }
}
