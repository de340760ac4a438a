//! Tables of the page, as text.

use dre::data::BadSegments;
use dre::results::{FloorResult, MaskedRecording, Results, SubjectSummary};
use serde::Serialize;

use crate::families;
use crate::format;
use crate::headline::standard_deviation;
use crate::scale::extent;
use crate::seeds;

/// One model in the score table.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ModelRow {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) class: String,
    pub(crate) mean: String,
    /// Its confidence interval.
    pub(crate) interval: String,
    pub(crate) sd: String,
    pub(crate) range: String,
    pub(crate) init: String,
    pub(crate) parameters: String,
    pub(crate) fit_time: String,
    pub(crate) is_best: bool,
    /// Whether it is the fit without features of the model above it.
    pub(crate) is_past: bool,
    /// Its fits with different seeds; empty for a model that has no seed.
    pub(crate) seeds: String,
}

/// One processing floor in the score table.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FloorRow {
    pub(crate) models: String,
    pub(crate) mean: String,
    pub(crate) init: String,
}

/// What processing alone predicts, for each length of the init window.
pub(crate) fn floors(results: &Results) -> Vec<FloorRow> {
    let row = |floor: &FloorResult| FloorRow {
        models: format::list(&floor.models),
        mean: format::r(floor.mean_r),
        init: format::count(floor.n_init_times),
    };
    results.floors.iter().map(row).collect()
}

/// One subject in the score table: test epochs, then r per model.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SubjectRow {
    pub(crate) subject: String,
    pub(crate) n_epochs: String,
    pub(crate) r: Vec<String>,
}

/// One subject in the table of data, or the totals.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct DataRow {
    pub(crate) subject: String,
    pub(crate) cells: Vec<String>,
}

/// Settings and choices of one model.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Choices {
    pub(crate) name: String,
    pub(crate) rows: Vec<(String, String)>,
}

/// The models, in their order.
pub(crate) fn models(results: &Results) -> Vec<ModelRow> {
    let best = extent(results.models.values().map(|m| m.mean_r)).map(|(_, hi)| hi);
    let looks = families::looks(results);
    let rows = results.models.iter().enumerate().map(|(i, (name, model))| {
        let r: Vec<f64> = model.subjects.values().map(|s| s.r).filter(|r| r.is_finite()).collect();
        ModelRow {
            name: name.clone(),
            title: if model.title.trim().is_empty() { name.clone() } else { model.title.clone() },
            class: looks[i].class(),
            mean: format::r(model.mean_r),
            interval: match model.confidence {
                Some([low, high]) if low.is_finite() && high.is_finite() => {
                    format!("{} to {}", format::r(low), format::r(high))
                }
                _ => "\u{2013}".to_owned(),
            },
            sd: standard_deviation(&r).map_or_else(|| "\u{2013}".to_owned(), format::r),
            range: match extent(r.iter().copied()) {
                Some((lo, hi)) if r.len() > 1 => format!("{} to {}", format::r(lo), format::r(hi)),
                _ => "\u{2013}".to_owned(),
            },
            init: match model.n_init_times {
                0 => "none".to_owned(),
                n => format::count(n),
            },
            parameters: format::count(model.n_parameters),
            fit_time: format::duration(model.fit_seconds),
            is_best: results.models.len() > 1 && Some(model.mean_r) == best,
            is_past: families::is_reference(results, name),
            seeds: seeds::of_model(model),
        }
    });
    rows.collect()
}

/// Subjects of any model, in the order in which they appear.
pub(crate) fn subject_labels(results: &Results) -> Vec<&str> {
    let mut labels: Vec<&str> = Vec::new();
    for label in results.models.values().flat_map(|m| m.subjects.keys()) {
        if !labels.contains(&label.as_str()) {
            labels.push(label);
        }
    }
    labels
}

/// r of every subject and model.
pub(crate) fn subjects(results: &Results) -> Vec<SubjectRow> {
    let rows = subject_labels(results).into_iter().map(|label| {
        let scores: Vec<_> = results.models.values().map(|m| m.subjects.get(label)).collect();
        let counts: Vec<String> = scores.iter().flatten().map(|s| format::count(s.n_epochs)).collect();
        let same = counts.windows(2).all(|w| w[0] == w[1]);
        SubjectRow {
            subject: label.to_owned(),
            // Models are scored on the same epochs; where they are not, the table shows it.
            n_epochs: if same { counts.first().cloned().unwrap_or_default() } else { counts.join(" / ") },
            r: scores.iter().map(|s| s.map_or_else(|| format::NONE.to_owned(), |s| format::r(s.r))).collect(),
        }
    });
    rows.collect()
}

/// Column names of [`data`].
pub(crate) const DATA_COLUMNS: [&str; 11] =
    ["recordings", "minutes", "events", "outside", "bad", "border", "rejected", "train", "valid", "test", "kept"];

/// Epoch counts per subject.
pub(crate) fn data(results: &Results) -> Vec<DataRow> {
    results.cohort.subjects.iter().map(|s| data_row(&s.subject, s)).collect()
}

/// Sums over subjects.
pub(crate) fn totals(results: &Results) -> SubjectSummary {
    results.cohort.subjects.iter().fold(SubjectSummary::default(), |sum, s| SubjectSummary {
        subject: sum.subject,
        n_recordings: sum.n_recordings + s.n_recordings,
        minutes: sum.minutes + s.minutes,
        n_events: sum.n_events + s.n_events,
        n_outside: sum.n_outside + s.n_outside,
        n_bad: sum.n_bad + s.n_bad,
        n_border: sum.n_border + s.n_border,
        n_rejected: sum.n_rejected + s.n_rejected,
        n_calibration: sum.n_calibration + s.n_calibration,
        n_train: sum.n_train + s.n_train,
        n_valid: sum.n_valid + s.n_valid,
        n_test: sum.n_test + s.n_test,
    })
}

/// The row of `s` under the name `subject`.
pub(crate) fn data_row(subject: &str, s: &SubjectSummary) -> DataRow {
    let kept = s.n_train + s.n_valid + s.n_test;
    let mut cells = vec![format::count(s.n_recordings), format::fixed(s.minutes, 1)];
    cells.extend(
        [s.n_events, s.n_outside, s.n_bad, s.n_border, s.n_rejected, s.n_train, s.n_valid, s.n_test].map(format::count),
    );
    cells.push(format::percent(kept, s.n_events));
    DataRow { subject: subject.to_owned(), cells }
}

/// One recording in the table of what was not measured.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct MaskedRow {
    pub(crate) recording: String,
    pub(crate) cells: [String; 4],
}

/// What was not measured, by recording.
pub(crate) fn masked(results: &Results) -> Vec<MaskedRow> {
    let names = |names: &[String]| if names.is_empty() { format::NONE.to_owned() } else { names.join(", ") };
    let row = |m: &MaskedRecording| MaskedRow {
        recording: m.recording.clone(),
        cells: [names(&m.bad), names(&m.absent), format::count(m.n_segments), format::fixed(m.seconds, 1)],
    };
    results.cohort.masked.iter().map(row).collect()
}

/// What it meant, in sentences; empty where everything was measured.
pub(crate) fn masked_statement(results: &Results) -> String {
    let masked = &results.cohort.masked;
    let mut text = Vec::new();
    let lacking = masked.iter().filter(|m| m.bad.len() + m.absent.len() > 0).count();
    if lacking > 0 {
        let recordings = format::counted(lacking, "recording lacks", "recordings lack");
        text.push(format!(
            "{recordings} channels that others have. They are masked there: they enter no input, no loss and no score, and \
             every mean is over what was measured."
        ));
    }
    let seconds: f64 = masked.iter().map(|m| m.seconds).sum();
    let n_bad: usize = results.cohort.subjects.iter().map(|s| s.n_bad).sum();
    if seconds > 0.0 {
        let dropped = format::counted(n_bad, "epoch was", "epochs were");
        let fate = match results.cohort.bad_segments {
            BadSegments::Mask => format!(
                "were masked, sample by sample; {dropped} dropped for being bad throughout, or throughout the baseline window"
            ),
            BadSegments::Reject => format!("were kept out: {dropped} dropped for overlapping one"),
            BadSegments::Ignore => "were used like any other, as the study file asks".to_owned(),
        };
        text.push(format!("Bad segments of {} s in all {fate}.", format::fixed(seconds, 1)));
    }
    text.join(" ")
}

/// Choices of every model that made any.
pub(crate) fn choices(results: &Results) -> Vec<Choices> {
    let models = results.models.iter().filter(|(_, m)| !m.choices.is_empty());
    models.map(|(name, m)| Choices { name: name.clone(), rows: m.choices.clone() }).collect()
}
