//! The numbers of a figure as tab-separated values.

use std::fmt::{Display, Write as _};

/// A table that is filled row by row.
#[derive(Debug)]
pub(super) struct Numbers(String);

impl Numbers {
    /// Columns carry their units: `time_s`.
    pub(super) fn new(columns: &[&str]) -> Self {
        Self(columns.join("\t") + "\n")
    }

    pub(super) fn row(&mut self, cells: &[&dyn Display]) {
        for (i, cell) in cells.iter().enumerate() {
            let text = cell.to_string();
            // A name may hold anything; what is not a number is `n/a`, as in BIDS.
            let text = if matches!(text.as_str(), "NaN" | "inf" | "-inf") { "n/a".to_owned() } else { text };
            let text = text.replace(['\t', '\n', '\r'], " ");
            let _ = write!(self.0, "{}{text}", if i > 0 { "\t" } else { "" });
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
                let mut cells: Vec<&dyn Display> = before.iter().map(|text| text as &dyn Display).collect();
                cells.push(channel);
                cells.push(time);
                cells.extend(values.iter().map(|v| v as &dyn Display));
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
        table.row(&[&"a\tb", &0.1f64]);
        table.row(&[&"c", &f64::NAN]);
        assert_eq!(table.finish(), "model\tr\na b\t0.1\nc\tn/a\n");
    }
}
