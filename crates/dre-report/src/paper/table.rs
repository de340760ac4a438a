//! The numbers of a figure as tab-separated values.

use std::fmt::Write as _;

/// What a cell shows.
pub(super) trait Cell {
    fn text(&self) -> String;
}

/// To 12 significant digits, beyond which there is rounding only; what is not a number is `n/a`, as in BIDS.
impl Cell for f64 {
    fn text(&self) -> String {
        if !self.is_finite() {
            return "n/a".to_owned();
        }
        format!("{self:.11e}").parse::<f64>().map_or_else(|_| self.to_string(), |rounded| rounded.to_string())
    }
}

impl Cell for f32 {
    fn text(&self) -> String {
        if self.is_finite() { self.to_string() } else { "n/a".to_owned() }
    }
}

impl Cell for usize {
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Cell for bool {
    fn text(&self) -> String {
        self.to_string()
    }
}

/// A name may hold anything.
impl Cell for str {
    fn text(&self) -> String {
        self.replace(['\t', '\n', '\r'], " ")
    }
}

impl Cell for String {
    fn text(&self) -> String {
        self.as_str().text()
    }
}

impl<T: Cell + ?Sized> Cell for &T {
    fn text(&self) -> String {
        (*self).text()
    }
}

/// A table that is filled row by row.
#[derive(Debug)]
pub(super) struct Numbers(String);

impl Numbers {
    /// Columns carry their units: `time_s`.
    pub(super) fn new(columns: &[&str]) -> Self {
        Self(columns.join("\t") + "\n")
    }

    pub(super) fn row(&mut self, cells: &[&dyn Cell]) {
        for (i, cell) in cells.iter().enumerate() {
            let _ = write!(self.0, "{}{}", if i > 0 { "\t" } else { "" }, cell.text());
        }
        self.0.push('\n');
    }

    /// A row for each channel and time of several sources, one column each after `channel` and `time`.
    pub(super) fn channels_by_times(
        &mut self,
        before: &[&str],
        channels: &[&str],
        times: &[f64],
        sources: &[&[Vec<f32>]],
    ) {
        for (c, channel) in channels.iter().enumerate() {
            for (t, time) in times.iter().enumerate() {
                let values: Vec<f32> = sources
                    .iter()
                    .map(|rows| rows.get(c).and_then(|row| row.get(t)).copied().unwrap_or(f32::NAN))
                    .collect();
                let mut cells: Vec<&dyn Cell> = before.iter().map(|text| text as &dyn Cell).collect();
                cells.push(channel);
                cells.push(time);
                cells.extend(values.iter().map(|v| v as &dyn Cell));
                self.row(&cells);
            }
        }
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole_and_gaps_are_named() {
        let mut table = Numbers::new(&["model", "r"]);
        table.row(&[&"a\tb", &(0.1f64 + 0.2)]);
        table.row(&[&"c", &f64::NAN]);
        table.row(&[&"NaN", &f32::NEG_INFINITY]);
        assert_eq!(table.finish(), "model\tr\na b\t0.3\nc\tn/a\nNaN\tn/a\n");
    }
}
