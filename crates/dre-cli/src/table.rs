//! The score table.

use std::fmt::Write as _;

use dre::data::BadSegments;
use dre::results::{DecodedFeature, DecodingResult, MaskedRecording, ModelResult, Results};

/// Above this many subjects, only their spread is printed; each one is in `results.json`.
const MAX_ROWS: usize = 24;

/// Scores of all models: a row per subject, a column per model, the mean, ratios.
pub(crate) fn scores(results: &Results) -> String {
    let mut rows = vec![header(results)];
    let n_subjects = results.cohort.subjects.len();
    if n_subjects <= MAX_ROWS {
        rows.extend(results.cohort.subjects.iter().map(|s| subject_row(results, &s.subject, s.n_test)));
    } else {
        rows.extend(["lowest", "median", "highest"].into_iter().enumerate().map(|(i, name)| {
            let pick = |r: &[f64]| r[[0, r.len() / 2, r.len() - 1][i]];
            spread_row(results, name, pick)
        }));
    }
    let mean = format!("mean of {n_subjects}");
    let n_test: usize = results.cohort.subjects.iter().map(|s| s.n_test).sum();
    rows.push(row(mean, n_test.to_string(), results.models.values().map(|m| number(m.mean_r))));

    let mut text = format!(
        "Pearson's r across test epochs, mean over {} and times from {} to {} s\n\n",
        match results.cohort.channels.len() {
            1 => "1 channel".to_owned(),
            n => format!("{n} channels"),
        },
        time(results.score_from),
        results.times.last().map_or_else(|| "the end".to_owned(), |t| format!("{t:.3}")),
    );
    text += &aligned(&rows, &[0]);
    for floor in results.floors.iter().filter(|floor| floor.mean_r > 0.0) {
        let _ = write!(
            text,
            "\nprocessing floor of {}: r = {}, which a linear model would reach on white noise, prepared as here",
            floor.models.join(", "),
            number(floor.mean_r)
        );
    }
    for ratio in &results.ratios {
        let value =
            ratio.ratio.map_or_else(|| "undefined, as the latter is not above 0".to_owned(), |r| format!("{r:.1}"));
        let _ = write!(text, "\n{} / {} = {value}", ratio.numerator, ratio.denominator);
        if ratio.ratio.is_some() && results.models.get(&ratio.denominator).is_some_and(ModelResult::is_near_zero) {
            let _ = write!(text, ", which says little: the latter is close to 0");
        }
    }
    for line in results.models.iter().filter_map(|(name, model)| crate::stimulus::fits(name, model)) {
        let _ = write!(text, "\n{line}");
    }
    for (decoding, feature) in results.decoding.iter().flat_map(told) {
        let how = if decoding.hold_others { ", other features held constant" } else { "" };
        let interval = feature
            .confidence
            .map_or_else(String::new, |[low, high]| format!(" (95 % CI {} to {})", number(low), number(high)));
        let _ = write!(
            text,
            "\n{} told from the data: r = {}{interval}, across epochs{how}",
            feature.name,
            number(feature.mean_r)
        );
    }
    for masked in results.cohort.masked.iter().take(MAX_ROWS) {
        let _ = write!(text, "\nmasked: {}", missing(masked, results.cohort.bad_segments));
    }
    if results.cohort.masked.len() > MAX_ROWS {
        let _ = write!(text, "\nmasked: and {} more recordings", results.cohort.masked.len() - MAX_ROWS);
    }
    for exclusion in &results.cohort.excluded {
        let _ = write!(text, "\nleft out: {} ({})", exclusion.what, exclusion.reason);
    }
    text.push('\n');
    text
}

/// A time to the millisecond, without zeros at its end.
fn time(seconds: f64) -> String {
    let text = format!("{seconds:.3}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

/// Each feature, with what it belongs to.
fn told(decoding: &DecodingResult) -> impl Iterator<Item = (&DecodingResult, &DecodedFeature)> {
    decoding.features.iter().map(move |feature| (decoding, feature))
}

/// `sub-02_run-01 (bad Cz; absent Oz; 3 bad segments of 12.3 s)`.
fn missing(masked: &MaskedRecording, bad_segments: BadSegments) -> String {
    let mut parts = Vec::new();
    for (what, names) in [("bad", &masked.bad), ("absent", &masked.absent)] {
        match names.len() {
            0 => {}
            1..=8 => parts.push(format!("{what} {}", names.join(", "))),
            n => parts.push(format!("{what} {} and {} more", names[..8].join(", "), n - 8)),
        }
    }
    if masked.n_segments > 0 {
        let fate = match bad_segments {
            BadSegments::Mask => "",
            BadSegments::Reject => ", whose epochs were dropped",
            BadSegments::Ignore => ", not masked but ignored",
        };
        parts.push(format!("{} bad segments of {:.1} s{fate}", masked.n_segments, masked.seconds));
    }
    format!("{} ({})", masked.recording, parts.join("; "))
}

fn header(results: &Results) -> Vec<String> {
    row("subject".to_owned(), "test epochs".to_owned(), results.models.keys().cloned())
}

fn subject_row(results: &Results, subject: &str, n_test: usize) -> Vec<String> {
    let cells =
        results.models.values().map(|m| m.subjects.get(subject).map_or_else(|| "–".to_owned(), |s| number(s.r)));
    row(subject.to_owned(), n_test.to_string(), cells)
}

fn spread_row(results: &Results, name: &str, pick: impl Fn(&[f64]) -> f64) -> Vec<String> {
    let cells = results.models.values().map(|m| {
        let mut r: Vec<f64> = m.subjects.values().map(|s| s.r).filter(|r| !r.is_nan()).collect();
        r.sort_by(f64::total_cmp);
        if r.is_empty() { "–".to_owned() } else { number(pick(&r)) }
    });
    row(name.to_owned(), String::new(), cells)
}

fn row(name: String, epochs: String, cells: impl Iterator<Item = String>) -> Vec<String> {
    [name, epochs].into_iter().chain(cells).collect()
}

/// Three decimals, with a true minus sign; a dash where there is no r.
pub(crate) fn number(r: f64) -> String {
    if r.is_nan() { "–".to_owned() } else { format!("{r:.3}").replace('-', "−") }
}

/// The columns in `left` to the left, the others to the right, a rule below the first row and above the last.
pub(crate) fn aligned(rows: &[Vec<String>], left: &[usize]) -> String {
    let n_columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|r| r.get(column)).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..n_columns).map(width).collect();
    let rule = "─".repeat(widths.iter().sum::<usize>() + 2 * n_columns.saturating_sub(1));
    let mut text = String::new();
    for (i, cells) in rows.iter().enumerate() {
        if i == 1 || i + 1 == rows.len() {
            text += &rule;
            text.push('\n');
        }
        for (column, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            let gap = if column == 0 { "" } else { "  " };
            let _ = if left.contains(&column) {
                write!(text, "{gap}{cell:<width$}")
            } else {
                write!(text, "{gap}{cell:>width$}")
            };
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}
