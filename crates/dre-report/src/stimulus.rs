//! What the stimulus adds to predictions: Δr of models over their fits without features.

use dre::results::{Results, StimulusResult};
use dre::stats::LEAST_SUBJECTS;
use serde::Serialize;

use crate::charts::delta::{Drawing, Line, draw as draw_lines};
use crate::charts::{Look, both, strips};
use crate::evoked::marks;
use crate::figures::Figure;
use crate::store::{LineStore, PlotStore, rounded};
use crate::topography::sensors::Montage;
use crate::topography::{Frame, Maps, MapsFigure, MapsStore, Pairs, Row, Series};
use crate::values::{Table, interval, p_value};
use crate::{families, format, seeds, tables};

/// The section.
#[derive(Debug, Serialize)]
pub(crate) struct StimulusSection {
    table: Option<Table>,
    /// Δr of single fits.
    seeds: Option<Table>,
    /// What to know about its numbers.
    notes: Vec<String>,
    subjects: Option<Figure>,
    time: Option<Figure>,
    maps: Option<MapsFigure>,
    /// Of which models nothing is known, and what to do; may be empty.
    unknown: String,
}

/// The section and the numbers of Δr over time; none where no model has a Δr or lacks one. The numbers of maps are added to
/// `numbers`.
pub(crate) fn section(
    results: &Results,
    montage: &Montage,
    numbers: &mut Vec<MapsStore>,
) -> Option<(StimulusSection, PlotStore)> {
    let unknown = unknown(results);
    if results.stimulus.is_empty() && unknown.is_empty() {
        return None;
    }
    let (time, store) = time_figure(results);
    let (maps, map_numbers) = heads(results, montage).unzip();
    numbers.extend(map_numbers);
    let section = StimulusSection {
        table: table(results),
        seeds: seeds::table("Δr of", results.stimulus.iter().filter_map(|one| Some((one.model.clone(), one.seeds?)))),
        notes: notes(results),
        subjects: subjects_figure(results),
        time,
        maps,
        unknown,
    };
    Some((section, store))
}

/// Which models lack a fit without features, as a sentence; empty where none does.
pub(crate) fn unknown(results: &Results) -> String {
    let names = families::of_unknown_share(results);
    if names.is_empty() {
        return String::new();
    }
    format!(
        "How much the stimulus adds to {} is unknown: the study has no fit of {} without features. Set report.past_alone = true \
         to add {}.",
        format::list(&names),
        if names.len() == 1 { "this model" } else { "these models" },
        if names.len() == 1 { "it" } else { "them" },
    )
}

fn table(results: &Results) -> Option<Table> {
    let mean_r = |name: &str| results.models.get(name).map_or(f64::NAN, |model| model.mean_r);
    let row = |one: &StimulusResult| {
        let above = one.subjects.values().filter(|delta| **delta > 0.0).count();
        let without = match &one.without {
            Some(past) => format!("{} ({past})", format::r(mean_r(past))),
            None => format!("{} (a constant)", format::r(0.0)),
        };
        vec![
            one.model.clone(),
            format::r(mean_r(&one.model)),
            without,
            format::signed_r(one.delta_r),
            interval(one.confidence),
            p_value(one.p),
            format!("{above} of {}", one.subjects.len()),
        ]
    };
    let columns = ["Model", "r", "r without features", "Δr", "95 % CI", "p", "Above 0 in"];
    Table::new(&columns, &[0, 2], results.stimulus.iter().map(row).collect()).if_any()
}

fn notes(results: &Results) -> Vec<String> {
    let found = &results.stimulus;
    let mut notes = Vec::new();
    if found.iter().any(|one| one.p.is_some()) {
        notes.push(
            "p is Wilcoxon’s signed-rank test of the subjects’ Δr being above 0, one-sided, not adjusted for the number of models."
                .to_owned(),
        );
    }
    let untested = found.iter().filter(|one| one.p.is_none());
    if let Some(most) = untested.map(|one| one.subjects.len()).max() {
        notes.push(if most < LEAST_SUBJECTS {
            format!(
                "No p: with {} the signed-rank test cannot reach 0.05, whatever the data; it needs at least {LEAST_SUBJECTS}.",
                format::counted(most, "subject", "subjects")
            )
        } else {
            "No p where Δr is 0 in all subjects.".to_owned()
        });
    }
    notes
}

/// A row of dots for each model.
pub(crate) fn rows(results: &Results) -> Vec<strips::Row<'_>> {
    let labels = tables::subject_labels(results);
    let looks = families::looks(results);
    let row = |one: &StimulusResult| strips::Row {
        name: one.model.clone(),
        look: look(results, &looks, one),
        mean: one.delta_r,
        interval: one.confidence,
        dots: labels.iter().map(|l| (*l, one.subjects.get(*l).copied().unwrap_or(f64::NAN))).collect(),
    };
    results.stimulus.iter().map(row).collect()
}

/// How the dots are named.
pub(crate) const STYLE: strips::Style =
    strips::Style { axis: "Δr per subject", mean: "mean Δr", dots: "subjects", radius: 4.5 };

fn subjects_figure(results: &Results) -> Option<Figure> {
    let rows = rows(results);
    let mut caption = "What the stimulus adds in each subject: a dot is one subject’s Δr".to_owned();
    if rows.iter().any(|row| row.dots.len() > 1) {
        caption.push_str(", the upright bar the mean over subjects");
        if rows.iter().any(|row| row.interval.is_some()) {
            caption.push_str(", the level one its 95 % confidence interval");
        }
    }
    caption.push_str(". Right of 0 the model predicts better with features than without.");
    Figure::new("", "Δr of every subject", caption, both(|size| strips::draw(&rows, STYLE, size)))
}

/// Δr over time of each model; missing in its init window, which it can copy.
pub(crate) fn courses(results: &Results) -> Vec<Vec<f64>> {
    let course = |one: &StimulusResult| {
        let n_init = results.models.get(&one.model).map_or(0, |model| model.n_init_times);
        one.over_time.iter().enumerate().map(|(i, delta)| if i < n_init { f64::NAN } else { *delta }).collect()
    };
    results.stimulus.iter().map(course).collect()
}

/// The lines of `courses`.
pub(crate) fn lines<'a>(results: &'a Results, courses: &'a [Vec<f64>]) -> Drawing<'a> {
    let looks = families::looks(results);
    let line = |(one, mean): (&'a StimulusResult, &'a Vec<f64>)| Line {
        name: &one.model,
        class: look(results, &looks, one).class(),
        mean,
        interval: &[],
        significant: Vec::new(),
    };
    Drawing { id: "stimulus".to_owned(), axis: "Δr", lines: results.stimulus.iter().zip(courses).map(line).collect() }
}

fn time_figure(results: &Results) -> (Option<Figure>, PlotStore) {
    let courses = courses(results);
    let what = lines(results, &courses);
    let marks = marks(results);
    let mut caption = "What the stimulus adds at each time: Δr averaged over channels and subjects.".to_owned();
    if marks.init.is_some() {
        caption.push_str(" Models that are shown the true samples of the grey init window have no line there.");
    }
    let drawn = both(|size| draw_lines(&what, &results.times, &marks, size));
    let looks = families::looks(results);
    let line = |(one, course): (&StimulusResult, &Vec<f64>)| LineStore {
        name: one.model.clone(),
        model: look(results, &looks, one).index(),
        y: course.iter().map(|delta| rounded(*delta, 4)).collect(),
        subjects: None,
    };
    let store = PlotStore {
        name: "stimulus".to_owned(),
        before: "",
        after: "\u{202f}s",
        x: results.times.iter().map(|t| rounded(*t, 4)).collect(),
        decimals: 3,
        lines: results.stimulus.iter().zip(&courses).map(line).collect(),
    };
    (Figure::new("stimulus", "Δr over time", caption, drawn), store)
}

/// Δr of every channel over the head.
pub(crate) fn heads(results: &Results, montage: &Montage) -> Option<(MapsFigure, MapsStore)> {
    let looks = families::looks(results);
    let shown = results.stimulus.iter().filter(|one| !one.per_channel.is_empty());
    let series = shown.map(|one| Series {
        name: one.model.clone(),
        class: look(results, &looks, one).class(),
        values: vec![one.per_channel.clone()],
        significant: None,
    });
    let maps = Maps {
        id: "stimulus".to_owned(),
        caption: "Where the stimulus adds to the prediction: Δr of every channel over the head, averaged over subjects and scored \
                  times, seen from above, nose up; one scale for all models."
            .to_owned(),
        units: "Δr",
        axis: "",
        frames: vec![Frame { label: String::new(), at: None }],
        first: 0,
        rows: vec![Row { title: String::new(), series: series.collect() }],
        pairs: Pairs::Mean,
    };
    maps.draw(montage)
}

fn look(results: &Results, looks: &[Look], one: &StimulusResult) -> Look {
    results.models.get_index_of(&one.model).map_or(Look::new(0, 0, false), |i| looks[i])
}
