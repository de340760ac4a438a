//! The report's figures as files fit for a paper, each with its numbers.

mod analyses;
mod evoked;
mod heads;
mod scores;
mod sheet;
mod state;
mod style;
mod table;

use std::collections::BTreeSet;

use dre::results::Results;

use crate::check;
use crate::error::Result;
use crate::topography::sensors::Montage;
use sheet::Sheet;
use table::Numbers;

/// A figure of a study, on white, styled in itself.
///
/// Text is 7 pt or larger at the stated size, colours can be told apart by people with colour-blindness.
#[derive(Clone, Debug, PartialEq)]
pub struct PaperFigure {
    /// What it is called, and its file without an ending: letters, digits, `-`, `_` and `.`, no two alike.
    pub name: String,
    /// The picture as SVG 1.1 without a style sheet.
    pub svg: String,
    /// Width (mm), 180 at most where the figure is not made of a very long name.
    pub width: f64,
    /// Height (mm).
    pub height: f64,
    /// Its numbers as tab-separated values, at full precision; columns carry units, missing values are `n/a`.
    pub table: String,
}

/// Every figure that `results` have the numbers for, in the report's order.
///
/// # Errors
/// As [`write_html`](crate::write_html()).
pub fn figures(results: &Results) -> Result<Vec<PaperFigure>> {
    check::check(results)?;
    let montage = Montage::new(&results.cohort.channels);
    let mut all = Figures::default();
    scores::add(results, &montage, &mut all);
    evoked::add(results, &montage, &mut all);
    analyses::coefficients(results, &montage, &mut all);
    analyses::importance(results, &montage, &mut all);
    state::add(results, &montage, &mut all);
    analyses::decoding(results, &montage, &mut all);
    analyses::adaptation(results, &mut all);
    scores::training(results, &mut all);
    Ok(all.figures)
}

/// Figures so far.
#[derive(Debug, Default)]
struct Figures {
    figures: Vec<PaperFigure>,
    taken: BTreeSet<String>,
}

impl Figures {
    /// Adds a figure, unless nothing was drawn. `parts` make its name, such as `importance`, `dre`.
    fn add(&mut self, parts: &[&str], sheet: Sheet, table: Numbers) {
        if sheet.is_empty() {
            return;
        }
        let name = self.free(&parts.iter().map(|part| plain(part)).collect::<Vec<_>>().join("-"));
        let (svg, width, height) = sheet.finish(&parts.join(", "));
        self.figures.push(PaperFigure { name, svg, width, height, table: table.finish() });
    }

    /// A name that no other figure has, whatever the file system makes of capitals.
    fn free(&mut self, name: &str) -> String {
        let numbered = (2..).map(|n| format!("{name}-{n}"));
        let mut all = std::iter::once(name.to_owned()).chain(numbered);
        all.find(|name| self.taken.insert(name.to_lowercase())).expect("there is no end of numbers")
    }
}

/// A name that any file system takes.
fn plain(text: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let name: String = text.trim().chars().map(safe).take(60).collect();
    if name.is_empty() { "unnamed".to_owned() } else { name }
}

fn channel_names(results: &Results) -> Vec<&str> {
    results.cohort.channels.iter().map(|channel| channel.name.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_and_no_two_alike() {
        let mut all = Figures::default();
        assert_eq!([plain("a b/c"), plain(" é<1> "), plain("")], ["a_b_c", "é_1_", "unnamed"]);
        assert_eq!(
            [all.free("evoked-A"), all.free("evoked-a"), all.free("evoked-A")],
            ["evoked-A", "evoked-a-2", "evoked-A-3"]
        );
    }
}
