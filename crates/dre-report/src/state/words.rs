//! What was found by state, in sentences and tables.

use dre::results::{CapturedResult, ComparisonResult, ModulationResult, StateResult, TestResult};

use super::compared;
use crate::format;
use crate::values::{Table, interval, p_value};

/// Differences below this p are called so.
const SIGNIFICANT: f64 = 0.05;

pub(super) fn sentences(found: &StateResult) -> String {
    let (plus, minus) = compared(found);
    let truth = &found.truth;
    let mut text = if let Some(clusters) = &truth.clusters {
        match clusters.significant.first() {
            Some(first) => format!(
                "Responses after {plus} differ from those after {minus}: {} of channels and times {} (p ≤ 0.05, corrected), the \
                 first from {} to {} s (p = {}). ",
                format::counted(clusters.significant.len(), "cluster", "clusters"),
                if clusters.significant.len() == 1 { "deviates" } else { "deviate" },
                format::trimmed(first.start),
                format::trimmed(first.end),
                p_value(Some(first.p))
            ),
            None => format!(
                "No cluster of channels and times tells responses after {plus} from those after {minus} (smallest p = {}). ",
                p_value(clusters.smallest_p)
            ),
        }
    } else {
        String::new()
    };
    text += &format!("Responses are {}", size_of(truth, &plus, &minus));
    let mut models: Vec<(&String, &CapturedResult)> =
        found.models.iter().filter(|(_, m)| m.crossed.is_finite()).collect();
    models.sort_by(|a, b| b.1.crossed.total_cmp(&a.1.crossed));
    let said = models
        .iter()
        .map(|(name, model)| format!("{name} {} ({})", format::signed_r(model.crossed), tested(model.test, model.q)));
    let said: Vec<String> = said.collect();
    if !said.is_empty() {
        text += &format!(
            " What models predict of it in one half of the epochs follows what is true in the other half (r across halves): {}.",
            said.join("; ")
        );
    }
    if let Some(first) = found.comparisons.first() {
        let said = found
            .comparisons
            .iter()
            .filter(|c| c.difference.is_finite())
            .map(|c| format!("{} {} ({})", c.first, format::signed_r(c.difference), tested(c.test, c.q)));
        let said: Vec<String> = said.collect();
        if !said.is_empty() {
            text += &format!(" Beyond {}, which sees the stimulus alone: {}.", first.second, said.join("; "));
        }
    }
    text
}

/// `p (FDR) = 0.004`, or that chance may do the same; the p itself where it was not adjusted.
fn tested(test: Option<TestResult>, q: Option<f64>) -> String {
    let (name, p) = match (test, q) {
        (_, Some(q)) => ("p (FDR)", q),
        (Some(test), None) => ("p", test.p),
        (None, None) => return "not tested".to_owned(),
    };
    let chance = if p <= SIGNIFICANT { "" } else { ", not told from chance" };
    format!("{name} = {}{chance}", p_value(Some(p)))
}

/// `smaller after most power: …`.
fn size_of(truth: &ModulationResult, plus: &str, minus: &str) -> String {
    let numbers = format!(
        "{} of the mean response{}{}",
        format::signed_r(truth.contrast),
        truth.confidence.map_or_else(String::new, |c| format!(", 95 % CI {}", interval(Some(c)))),
        truth.test.map_or_else(String::new, |test| format!(", p = {}", p_value(Some(test.p))))
    );
    match truth.test {
        Some(test) if test.p <= SIGNIFICANT => {
            let which = if truth.contrast < 0.0 { "smaller" } else { "larger" };
            format!("{which} after {plus} than after {minus} ({numbers}).")
        }
        Some(_) => format!("about as large after {plus} as after {minus} ({numbers})."),
        None => format!("different in size by {numbers}, after {plus} less after {minus}; this was not tested."),
    }
}

/// How large responses are in the two bins.
pub(super) fn sizes(found: &StateResult) -> Option<Table> {
    let row = |name: &str, m: &ModulationResult| {
        let p = p_value(m.test.map(|test| test.p));
        vec![name.to_owned(), format::signed_r(m.contrast), interval(m.confidence), p]
    };
    if found.subjects.is_empty() {
        return None;
    }
    let models = found.models.iter().map(|(name, model)| row(name, &model.modulation));
    let rows = std::iter::once(row("true response", &found.truth)).chain(models).collect();
    Table::new(&["", "Difference in size", "95 % CI", "p"], &[0], rows).if_any()
}

/// What models capture of the difference.
pub(super) fn captured(found: &StateResult) -> Option<Table> {
    let row = |(name, model): (&String, &CapturedResult)| {
        vec![
            name.clone(),
            format::r(model.r),
            format::signed_r(model.crossed),
            interval(model.confidence),
            p_value(model.test.map(|test| test.p)),
            p_value(model.q),
        ]
    };
    let columns = ["", "r of the difference", "r across halves", "95 % CI", "p", "p (FDR)"];
    Table::new(&columns, &[0], found.models.iter().map(row).collect()).if_any()
}

/// r across halves of each model less that of the model of the stimulus alone.
pub(super) fn comparisons(found: &StateResult) -> Option<Table> {
    let row = |c: &ComparisonResult| {
        vec![
            format!("{} − {}", c.first, c.second),
            format::signed_r(c.difference),
            interval(c.confidence),
            p_value(c.test.map(|test| test.p)),
            p_value(c.q),
        ]
    };
    let columns = ["Difference of r across halves", "Mean", "95 % CI", "p", "p (FDR)"];
    Table::new(&columns, &[0], found.comparisons.iter().map(row).collect()).if_any()
}
