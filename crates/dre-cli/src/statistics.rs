//! Statistics, importance and brain states as text.

use dre::results::{ComparisonResult, ImportanceResult, ModulationResult, Results, StateResult, TestResult};
use dre::state::By;

use crate::stimulus::of_both;
use crate::table::{aligned, number};

/// Comparisons of models and the noise ceiling; none where there is nothing to say.
pub(crate) fn text(results: &Results) -> Option<String> {
    let statistics = &results.statistics;
    let mut lines = Vec::new();
    for pair in &statistics.comparisons {
        lines.push(compared(pair));
    }
    if let Some(ceiling) = &statistics.ceiling {
        if ceiling.mean.is_finite() {
            lines.push(format!(
                "noise ceiling {}{}: {}",
                number(ceiling.mean),
                interval(ceiling.confidence),
                ceiling.note
            ));
            for (name, model) in &statistics.models {
                if let Some(share) = model.of_ceiling {
                    lines.push(format!("{name} reaches {:.0} % of it", 100.0 * share));
                }
            }
        } else {
            lines.push(ceiling.note.clone());
        }
    }
    if lines.is_empty() {
        return None;
    }
    lines.extend(statistics.note.clone());
    Some(lines.join("\n") + "\n")
}

/// `dre − trf = 0.012 (95 % 0.008 to 0.016), p = 0.0312, q = 0.0312 over all pairs`.
fn compared(pair: &ComparisonResult) -> String {
    let mut line = format!("{} − {} = {}", pair.first, pair.second, number(pair.difference));
    line += &interval(pair.confidence);
    if let (Some(test), Some(q)) = (pair.test, pair.q) {
        line += &format!(", {}, q = {} over all pairs", tested(test), small(q));
    }
    if let Some(seeds) = &pair.seeds {
        line += &format!(", single fits {}{}", number(seeds.mean), of_both(seeds.confidence));
    }
    line
}

/// A row for each input that was permuted, in each model; none where none was.
pub(crate) fn importance(results: &Results) -> Option<String> {
    let first = results.importance.first()?;
    let header = [
        "model",
        "input",
        "permuted",
        "Δr",
        "95 % interval",
        "p",
        "q",
        "subjects p ≤ 0.05",
        "peak (s)",
        "clusters p ≤ 0.05 (s)",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(results.importance.iter().map(row));
    rows.push(vec![format!("{} inputs", results.importance.len())]);
    let mut text = format!(
        "Importance: fall of r when an input is permuted, mean over channels and times from {:.3} to {:.3} s; p one-sided\n\n",
        first.window[0], first.window[1]
    );
    text += &aligned(&rows, &[0, 1, 2, 9]);
    let mut notes: Vec<String> = Vec::new();
    for result in &results.importance {
        for note in &result.notes {
            let about = format!("{}, {}: ", result.model, result.name);
            let note = if result.subjects.is_empty() { about + note } else { note.clone() };
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
    }
    for note in notes {
        text += &format!("\n{note}");
    }
    Some(text)
}

fn row(result: &ImportanceResult) -> Vec<String> {
    let dash = || "–".to_owned();
    let conditional = if result.conditional { ", conditional" } else { "" };
    let interval = |[low, high]: [f64; 2]| format!("{} to {}", number(low), number(high));
    let clusters = result.clusters.as_ref().map_or_else(dash, |clusters| {
        let shown = clusters.significant.iter().map(|c| format!("{:.3}–{:.3}", c.start, c.end));
        let text = shown.collect::<Vec<_>>().join(", ");
        if text.is_empty() { dash() } else { text }
    });
    vec![
        result.model.clone(),
        result.name.clone(),
        format!("{}{conditional}", result.mode.name()),
        number(result.delta_r),
        result.confidence.map_or_else(dash, interval),
        result.test.map_or_else(dash, |test| small(test.p)),
        result.q.map_or_else(dash, small),
        match result.subjects.len() {
            0 => dash(),
            n => format!("{} of {n}", result.subjects.values().filter(|s| s.p <= 0.05).count()),
        },
        result.peak.map_or_else(dash, |peak| format!("{peak:.3}")),
        clusters,
    ]
}

/// What was found by each state; none where none was looked at.
pub(crate) fn state(results: &Results) -> Option<String> {
    let parts: Vec<String> = results.state.iter().map(one_state).collect();
    (!parts.is_empty()).then(|| parts.join("\n"))
}

fn one_state(found: &StateResult) -> String {
    let ([low, high], [from, to]) = (found.band, found.window);
    let mut text = format!("Responses by {} of {low} to {high} Hz from {from:.3} to {to:.3} s\n", found.by.name());
    if !found.subjects.is_empty() {
        let contrast = match found.by {
            By::Power => "gain, most less least",
            By::Phase => "gain, 0 less π",
        };
        let header = [
            "",
            contrast,
            "95 % interval",
            "p",
            "r of difference",
            "r across halves",
            "95 % interval",
            "p one-sided",
            "q",
        ];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        let dash = || "–".to_owned();
        let limits = |c: Option<[f64; 2]>| c.map_or_else(dash, |[a, b]| format!("{} to {}", number(a), number(b)));
        let p = |test: Option<TestResult>| test.map_or_else(dash, |test| small(test.p));
        let gain = |m: &ModulationResult| vec![number(m.contrast), limits(m.confidence), p(m.test)];
        rows.push([vec!["true".to_owned()], gain(&found.truth), vec![dash(); 5]].concat());
        rows.extend(found.models.iter().map(|(name, model)| {
            let r = vec![
                number(model.r),
                number(model.crossed),
                limits(model.confidence),
                p(model.test),
                model.q.map_or_else(dash, small),
            ];
            [vec![name.clone()], gain(&model.modulation), r].concat()
        }));
        rows.push(vec![format!("{} subjects", found.subjects.len())]);
        text += &format!("\n{}", aligned(&rows, &[0]));
        for pair in &found.comparisons {
            text += &format!("\nr across halves {}", compared(pair));
        }
    }
    found.notes.iter().for_each(|note| text += &format!("\n{note}"));
    text + "\n"
}

pub(crate) fn interval(confidence: Option<[f64; 2]>) -> String {
    confidence.map_or_else(String::new, |[low, high]| format!(" (95 % {} to {})", number(low), number(high)))
}

fn tested(test: TestResult) -> String {
    let dz = test.cohens_dz.map_or_else(String::new, |dz| format!(", d_z = {dz:.2}").replace('-', "−"));
    format!("p = {}{dz}", small(test.p))
}

/// A p-value to two digits, as `< 0.0001` below that.
pub(crate) fn small(p: f64) -> String {
    if p < 1e-4 { "< 0.0001".to_owned() } else { format!("{p:.4}") }
}
