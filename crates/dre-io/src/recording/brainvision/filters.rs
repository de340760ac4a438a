//! The filters of the amplifier or of the recorder, from the tables in the free text at the header's end.

use std::path::Path;

/// High-pass and low-pass (Hz) that all channels share, or the weakest where they differ, as MNE-Python reads them; none where
/// the text does not tell.
pub(super) fn read(
    path: &Path,
    comment: &[String],
    names: &[&str],
    notes: &mut Vec<String>,
) -> (Option<f64>, Option<f64>) {
    let Some(table) = Table::find(comment) else { return (None, None) };
    let Some((highpass, lowpass)) = table.cutoffs(names) else {
        notes.push(format!(
            "{}: its table of filters does not fit its channels; high-pass and low-pass are taken as unknown",
            path.display()
        ));
        return (None, None);
    };
    let differ = |cutoffs: &[Cutoff]| cutoffs.windows(2).any(|pair| pair[0] != pair[1]);
    if differ(&highpass) || differ(&lowpass) {
        notes.push(format!("{}: channels were recorded with different filters; the weakest count", path.display()));
    }
    // The weakest high-pass is the lowest, the weakest low-pass the highest; off is weaker than any.
    let weakest = |cutoffs: &[Cutoff], weaker: fn(f64, f64) -> f64| {
        cutoffs.iter().copied().map(|cutoff| cutoff.0).reduce(|a, b| Some(weaker(a?, b?))).flatten()
    };
    (weakest(&highpass, f64::min), weakest(&lowpass, f64::max))
}

/// The frequency (Hz), or none where the filter is off.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cutoff(Option<f64>);

/// A table of channels' filters.
struct Table<'a> {
    head: &'a str,
    rows: &'a [String],
    /// The amplifier's table, whose rows have the channels' names.
    named_rows: &'a [String],
    /// Whether it is the amplifier's own, where a row's first columns are those of its channel.
    is_named: bool,
}

impl<'a> Table<'a> {
    fn find(comment: &'a [String]) -> Option<Self> {
        let after = |lines: &'a [String], wanted: &str| -> Option<&'a [String]> {
            let index = lines.iter().position(|line| line.trim_end() == wanted)?;
            Some(&lines[index + 1..])
        };
        let head = |lines: &'a [String], first: &str| -> Option<(&'a str, &'a [String])> {
            let index = lines.iter().position(|line| {
                line.strip_prefix('#')
                    .is_some_and(|rest| rest.starts_with(char::is_whitespace) && rest.trim_start().starts_with(first))
            })?;
            Some((&lines[index], &lines[index + 1..]))
        };
        let lines = after(comment, "Channels")?;
        let (hardware_head, hardware) = head(lines, "Name")?;
        // Filters of the recorder's software come after those of the amplifier, and are what the samples went through.
        let software = after(lines, "S o f t w a r e  F i l t e r s").and_then(|lines| head(lines, "Low Cutoff"));
        Some(match software {
            Some((head, rows)) => Self { head, rows, named_rows: hardware, is_named: false },
            None => Self { head: hardware_head, rows: hardware, named_rows: hardware, is_named: true },
        })
    }

    /// High-pass and low-pass of each channel; none where the table does not fit the channels.
    fn cutoffs(&self, names: &[&str]) -> Option<(Vec<Cutoff>, Vec<Cutoff>)> {
        let (high_column, low_column) = if self.is_named { (4, 5) } else { (1, 2) };
        // Columns are two blanks apart at least; a single blank is part of a title.
        let titles: Vec<&str> = self.head.split("  ").map(str::trim).filter(|title| !title.is_empty()).collect();
        let in_seconds = |column: usize| titles.get(column).map(|title| title.contains("[s]"));
        let (high_seconds, low_seconds) = (in_seconds(high_column)?, in_seconds(low_column)?);
        // Newer files have the unit beside the resolution, in a column without a title.
        let shift = usize::from(self.head.contains("Resolution / Unit"));
        let (mut high, mut low) = (Vec::new(), Vec::new());
        for (index, name) in names.iter().enumerate() {
            if !self.named_rows.get(index)?.contains(name) {
                return None;
            }
            let words: Vec<&str> = self.rows.get(index)?.split_whitespace().collect();
            let more = if self.is_named { name.split_whitespace().count().max(1) - 1 } else { 0 };
            high.push(cutoff(words.get(high_column + shift + more)?, high_seconds, &["NaN", "Off"])?);
            low.push(cutoff(words.get(low_column + shift + more)?, low_seconds, &["NaN", "Off", "0"])?);
        }
        Some((high, low))
    }
}

/// A frequency, or a time constant (s): 1 / (2π t).
fn cutoff(text: &str, in_seconds: bool, off: &[&str]) -> Option<Cutoff> {
    if off.contains(&text) || text == "DC" {
        return Some(Cutoff(None));
    }
    let number: f64 = text.parse().ok().filter(|x: &f64| x.is_finite() && *x >= 0.0)?;
    let frequency = if in_seconds { 1.0 / (std::f64::consts::TAU * number) } else { number };
    Some(Cutoff(frequency.is_finite().then_some(frequency)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AMPLIFIER: &str = "\
Channels
--------
#     Name      Phys. Chn.    Resolution / Unit   Low Cutoff [s]   High Cutoff [Hz]   Notch [Hz]    Series Res. [kOhm]
1     Fp1         1                0.1 µV               10              250              Off                0
2     EOG left    2                0.1 µV                5              250              Off                0
";

    fn of(comment: &str) -> ((Option<f64>, Option<f64>), usize) {
        let lines: Vec<String> = comment.lines().map(str::to_owned).collect();
        let mut notes = Vec::new();
        (read(Path::new("x.vhdr"), &lines, &["Fp1", "EOG left"], &mut notes), notes.len())
    }

    #[test]
    fn the_weakest_filters_count_in_hertz() {
        let ((highpass, lowpass), n_notes) = of(AMPLIFIER);
        assert!((highpass.unwrap() - 1.0 / (std::f64::consts::TAU * 10.0)).abs() < 1e-15);
        assert_eq!((lowpass, n_notes), (Some(250.0), 1));
        assert_eq!(of(&AMPLIFIER.replace("250", "Off")).0.1, None);
    }

    #[test]
    fn software_filters_overrule_the_amplifiers() {
        let software = "
S o f t w a r e  F i l t e r s
==============================
#     Low Cutoff [s]   High Cutoff [Hz]   Notch [Hz]
1      Off               50               Off
2      Off               50               Off
";
        assert_eq!(of(&format!("{AMPLIFIER}{software}")), ((None, Some(50.0)), 0));
    }

    #[test]
    fn a_table_that_does_not_fit_is_not_believed() {
        assert_eq!(of(&AMPLIFIER.replace("Fp1", "Oz")), ((None, None), 1));
        assert_eq!(of("Channels\n#  Name\n"), ((None, None), 1));
        assert_eq!(of("nothing here"), ((None, None), 0));
    }
}
