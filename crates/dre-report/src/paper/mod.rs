//! The report's figures as files fit for a paper, each with its numbers.

mod analyses;
mod evoked;
mod heads;
mod scores;
mod sheet;
mod state;
mod stimulus;
mod style;
mod table;

use std::collections::BTreeSet;

use dre::results::Results;

use crate::check;
use crate::error::Result;
use crate::families;
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
    /// Its numbers as tab-separated values, to 12 significant digits; columns carry units, missing values are `n/a`.
    pub table: String,
}

/// The figures of a study.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PaperFigures {
    /// Those that the results have the numbers for, in the report's order.
    pub figures: Vec<PaperFigure>,
    /// Names of the maps that could not be drawn for want of the sensors' places.
    pub left_out: Vec<String>,
    /// Why; what else maps do not show. Empty where nothing is to be said.
    pub note: String,
}

/// Every figure that `results` have the numbers for.
///
/// # Errors
/// As [`write_html`](crate::write_html()).
pub fn figures(results: &Results) -> Result<PaperFigures> {
    check::check(results)?;
    let results = &*families::ordered(results);
    let montage = Montage::new(&results.cohort.channels);
    let mut all = Figures { has_places: !montage.groups.is_empty(), ..Figures::default() };
    scores::add(results, &montage, &mut all);
    stimulus::seeds(results, &mut all);
    stimulus::add(results, &montage, &mut all);
    evoked::add(results, &montage, &mut all);
    analyses::coefficients(results, &montage, &mut all);
    analyses::importance(results, &montage, &mut all);
    state::add(results, &montage, &mut all);
    analyses::decoding(results, &montage, &mut all);
    analyses::adaptation(results, &mut all);
    scores::training(results, &mut all);
    Ok(PaperFigures { figures: all.drawn, left_out: all.left_out, note: montage.note() })
}

/// Figures so far.
#[derive(Debug, Default)]
struct Figures {
    drawn: Vec<PaperFigure>,
    left_out: Vec<String>,
    taken: BTreeSet<String>,
    /// Whether any sensor has a place on a map.
    has_places: bool,
}

impl Figures {
    /// Adds a figure, unless nothing was drawn; a map that had no places is named. `parts` make its name, such as `importance`,
    /// `dre`; the last is `map` for one.
    fn add(&mut self, parts: &[&str], sheet: Sheet, table: Numbers) {
        let is_placeless = !self.has_places && parts.last() == Some(&"map");
        if sheet.is_empty() && !is_placeless {
            return;
        }
        let name = self.free(&parts.iter().map(|part| plain(part)).collect::<Vec<_>>().join("-"));
        if sheet.is_empty() {
            self.left_out.push(name);
            return;
        }
        let (svg, width, height) = sheet.finish(&parts.join(", "));
        self.drawn.push(PaperFigure { name, svg, width, height, table: table.finish() });
    }

    /// A name that no other figure has, whatever the file system makes of capitals.
    fn free(&mut self, name: &str) -> String {
        let numbered = (2..).map(|n| format!("{name}-{n}"));
        let mut all = std::iter::once(name.to_owned()).chain(numbered);
        all.find(|name| self.taken.insert(name.to_lowercase())).expect("there is no end of numbers")
    }
}

/// Most bytes of one part of a name: with three parts, what joins them, a number and an ending, names stay below the 255 bytes
/// that file systems take.
const MOST_BYTES: usize = 60;

/// A name that any file system takes.
fn plain(text: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let mut name: String = text.trim().chars().map(safe).collect();
    name.truncate(name.floor_char_boundary(MOST_BYTES));
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
        let long = [plain(&"語".repeat(100)), plain(&"x".repeat(100))];
        assert_eq!(long, ["語".repeat(20), "x".repeat(60)], "as many bytes as fit");
        assert_eq!(
            [all.free("evoked-A"), all.free("evoked-a"), all.free("evoked-A")],
            ["evoked-A", "evoked-a-2", "evoked-A-3"]
        );
    }
}
