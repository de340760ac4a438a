//! Scores and importance in the windows that the study file names.

use dre::results::{Results, WindowResult};
use serde::Serialize;

use crate::format;
use crate::importance::name as input_name;
use crate::values::{Table, interval, p_value};

/// The section's tables.
#[derive(Debug, Serialize)]
pub(crate) struct Windows {
    /// What each window holds.
    held: Table,
    scores: Table,
    comparisons: Option<Table>,
    importance: Option<Table>,
}

/// What was found in named windows; none where the study names none.
pub(crate) fn section(results: &Results) -> Option<Windows> {
    let windows = &results.windows;
    if windows.is_empty() {
        return None;
    }
    let held = windows.iter().map(|w| vec![w.name.clone(), times(w), channels(w, results.cohort.channels.len())]);
    let scores = windows.iter().flat_map(|w| {
        w.models.iter().map(|(model, score)| {
            vec![
                w.name.clone(),
                model.clone(),
                format::r(score.mean_r),
                interval(score.confidence),
                p_value(score.test.map(|test| test.p)),
            ]
        })
    });
    let comparisons = windows.iter().flat_map(|w| {
        w.comparisons.iter().map(|c| {
            vec![
                w.name.clone(),
                format!("{} − {}", c.first, c.second),
                format::signed_r(c.difference),
                interval(c.confidence),
                p_value(c.test.map(|test| test.p)),
                p_value(c.q),
            ]
        })
    });
    let importance = results.importance.iter().filter(|found| !found.subjects.is_empty()).flat_map(|found| {
        found.windows.iter().map(|w| {
            vec![
                w.name.clone(),
                found.model.clone(),
                input_name(found),
                format::signed_r(w.delta_r),
                interval(w.confidence),
                p_value(w.test.map(|test| test.p)),
                p_value(w.q),
            ]
        })
    });
    let compared = ["Window", "Difference of r", "Mean", "95 % CI", "p", "p (FDR)"];
    let permuted = ["Window", "Model", "Permuted", "Δr", "95 % CI", "p", "p (FDR)"];
    Some(Windows {
        held: Table::new(&["Window", "Times", "Channels"], &[0, 1, 2], held.collect()),
        scores: Table::new(&["Window", "Model", "Mean r", "95 % CI", "p"], &[0, 1], scores.collect()),
        comparisons: Table::new(&compared, &[0, 1], comparisons.collect()).if_any(),
        importance: Table::new(&permuted, &[0, 1, 2], importance.collect()).if_any(),
    })
}

fn times(window: &WindowResult) -> String {
    format!("{} to {} s", format::trimmed(window.tmin), format::trimmed(window.tmax))
}

/// Names of a few channels, else their number.
fn channels(window: &WindowResult, n_all: usize) -> String {
    match window.channels.len() {
        n if n == n_all => "all".to_owned(),
        1..=8 => window.channels.join(", "),
        n => format::counted(n, "channel", "channels"),
    }
}
