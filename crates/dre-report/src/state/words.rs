//! What was found by state, in sentences and tables.

use dre::results::{CapturedResult, ComparisonResult, ModulationResult, StateResult, SubjectCaptured};

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
        found.models.iter().filter(|(_, m)| m.excess.is_finite()).collect();
    models.sort_by(|a, b| b.1.excess.total_cmp(&a.1.excess));
    let said = models.iter().map(|(name, model)| {
        let test = tested(model.q.or(model.test.map(|test| test.p)));
        let (excess, r, null_r) = (format::signed_r(model.excess), format::r(model.r), format::r(model.null_r));
        format!("{name} {excess} (r = {r}, with shuffled bins {null_r}; {test})")
    });
    let said: Vec<String> = said.collect();
    if !said.is_empty() {
        text += &format!(
            " Of the difference over channels and times, models capture beyond what shuffled bins give: {}.",
            said.join("; ")
        );
    }
    if let Some(first) = found.comparisons.first() {
        let said = found.comparisons.iter().filter(|c| c.difference.is_finite()).map(|c| {
            let test = tested(c.q.or(c.test.map(|test| test.p)));
            format!("{} {} ({test})", c.first, format::signed_r(c.difference))
        });
        let said: Vec<String> = said.collect();
        if !said.is_empty() {
            text += &format!(" Beyond {}, which sees the stimulus alone: {}.", first.second, said.join("; "));
        }
    }
    text
}

/// `p = 0.004`, or that chance may do the same.
fn tested(p: Option<f64>) -> String {
    match p {
        Some(p) if p <= SIGNIFICANT => format!("p = {}", p_value(Some(p))),
        Some(p) => format!("p = {}, not told from chance", p_value(Some(p))),
        None => "not tested".to_owned(),
    }
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
        let is_own = |one: &&SubjectCaptured| one.p <= SIGNIFICANT;
        vec![
            name.clone(),
            format::r(model.r),
            format::r(model.null_r),
            format::signed_r(model.excess),
            interval(model.confidence),
            p_value(model.test.map(|test| test.p)),
            p_value(model.q),
            format!("{} of {}", model.subjects.values().filter(is_own).count(), model.subjects.len()),
        ]
    };
    let columns =
        ["", "r of the difference", "with shuffled bins", "Excess", "95 % CI", "p", "p (FDR)", "Subjects p ≤ 0.05"];
    Table::new(&columns, &[0], found.models.iter().map(row).collect()).if_any()
}

/// Excess of each model less that of the model of the stimulus alone.
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
    let columns = ["Difference of excess", "Mean", "95 % CI", "p", "p (FDR)"];
    Table::new(&columns, &[0], found.comparisons.iter().map(row).collect()).if_any()
}
