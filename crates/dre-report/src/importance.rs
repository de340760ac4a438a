//! What predictions rest on: Δr of every permuted input, over time and over the head.

use dre::importance::Mode;
use dre::results::{ClusterSummary, ImportanceResult, Results};
use serde::Serialize;

use crate::charts::delta::{Drawing, Line, class, draw};
use crate::charts::{Drawn, both};
use crate::evoked::marks;
use crate::topography::sensors::Montage;
use crate::topography::{Maps, MapsFigure, MapsStore, Pairs, Row, Series, thinned};
use crate::values::{Table, interval, p_value};
use crate::{format, maps};

/// One model's part of the section.
#[derive(Debug, Serialize)]
pub(crate) struct ModelImportance {
    model: String,
    table: Table,
    wide: String,
    narrow: String,
    caption: String,
    maps: Option<MapsFigure>,
    /// What to know about single inputs.
    notes: Vec<String>,
}

/// A part for each model whose inputs were permuted; the numbers of maps are added to `numbers`.
pub(crate) fn section(results: &Results, montage: &Montage, numbers: &mut Vec<MapsStore>) -> Vec<ModelImportance> {
    let mut names: Vec<&str> = Vec::new();
    for found in &results.importance {
        if !names.contains(&found.model.as_str()) {
            names.push(&found.model);
        }
    }
    let parts = names.into_iter().enumerate().map(|(i, model)| {
        let own: Vec<&ImportanceResult> = results.importance.iter().filter(|found| found.model == model).collect();
        let (figure, store) = heads(results, i, &own, montage).unzip();
        numbers.extend(store);
        ModelImportance { maps: figure, ..one(results, i, model, &own) }
    });
    parts.collect()
}

/// What was permuted, in a few words.
pub(crate) fn name(found: &ImportanceResult) -> String {
    let mode = match found.mode {
        Mode::Event | Mode::Init | Mode::Subject => "",
        Mode::Epoch => " (whole epoch)",
        Mode::Shift => " (shifted)",
    };
    let conditional = if found.conditional { ", given the others" } else { "" };
    format!("{}{mode}{conditional}", found.name)
}

/// Inputs that are drawn: those with a result; a shifted stimulus is a null for single subjects, not an input.
pub(crate) fn drawn<'a>(own: &[&'a ImportanceResult]) -> Vec<&'a ImportanceResult> {
    own.iter().copied().filter(|found| !found.subjects.is_empty() && found.mode != Mode::Shift).collect()
}

fn one(results: &Results, index: usize, model: &str, own: &[&ImportanceResult]) -> ModelImportance {
    let rows = own.iter().map(|found| {
        let peak = found.peak.map_or_else(|| format::NONE.to_owned(), |t| format!("{} s", format::fixed(t, 3)));
        let has_result = !found.subjects.is_empty();
        let clusters = found.clusters.as_ref().map_or_else(|| format::NONE.to_owned(), clusters);
        vec![
            name(found),
            if has_result { format::signed_r(found.delta_r) } else { format::NONE.to_owned() },
            interval(found.confidence),
            p_value(found.test.map(|test| test.p)),
            p_value(found.q),
            if has_result { peak } else { format::NONE.to_owned() },
            clusters,
        ]
    });
    let columns = ["Permuted", "Δr", "95 % CI", "p", "p (FDR)", "Peak", "Significant clusters"];
    let table = Table::new(&columns, &[0, 6], rows.collect());
    let inputs = drawn(own);
    let names: Vec<String> = inputs.iter().map(|found| name(found)).collect();
    let lines = lines(index, &inputs, &names);
    let Drawn { wide, narrow } = both(|size| draw(&lines, &results.times, &marks(results), size));
    let n = own.iter().map(|found| found.n_permutations).max().unwrap_or(0);
    let caption = format!(
        "How much r of {model} falls, averaged over channels, where an input is permuted among the test epochs of each subject \
         (mean over {n} permutations): what the prediction rests on, and when. Bands are 95 % intervals across subjects; bars \
         below mark clusters over channels and times with p ≤ 0.05."
    );
    let notes =
        own.iter().flat_map(|found| found.notes.iter().map(|note| format!("{}: {note}.", name(found)))).collect();
    ModelImportance { model: model.to_owned(), table, wide, narrow, caption, maps: None, notes }
}

/// Δr over time of every input; `names` are theirs.
pub(crate) fn lines<'a>(index: usize, inputs: &[&'a ImportanceResult], names: &'a [String]) -> Drawing<'a> {
    let line = |(i, (found, name)): (usize, (&&'a ImportanceResult, &'a String))| Line {
        name,
        class: class(i),
        mean: &found.over_time,
        interval: &found.over_time_confidence,
        significant: found.clusters.iter().flat_map(|c| c.significant.iter().map(|c| (c.start, c.end))).collect(),
    };
    let lines = inputs.iter().zip(names).enumerate().map(line).collect();
    Drawing { id: format!("importance-{index}"), axis: "Δr", lines }
}

/// `0.25 to 0.43 s (12 channels, p = 0.031)` for each.
fn clusters(found: &ClusterSummary) -> String {
    if found.significant.is_empty() {
        return found
            .smallest_p
            .map_or_else(|| "no cluster".to_owned(), |p| format!("none (smallest p = {})", p_value(Some(p))));
    }
    let one = |c: &dre::results::ClusterResult| {
        format!(
            "{} to {} s ({}, p = {})",
            format::trimmed(c.start),
            format::trimmed(c.end),
            format::counted(c.channels.len(), "channel", "channels"),
            p_value(Some(c.p))
        )
    };
    found.significant.iter().take(3).map(one).collect::<Vec<_>>().join("; ")
}

/// Δr over the head, moved over time.
fn heads(
    results: &Results,
    index: usize,
    own: &[&ImportanceResult],
    montage: &Montage,
) -> Option<(MapsFigure, MapsStore)> {
    let inputs = drawn(own);
    let n_times = results.times.len();
    let (from, to) = inputs.first().map(|found| (found.window[0], found.window[1]))?;
    let strongest = maps::strongest(n_times, |t| {
        let counts = (from - 1e-9..=to + 1e-9).contains(&results.times[t]);
        inputs.iter().filter(move |_| counts).flat_map(move |f| f.map.iter().filter_map(move |row| row.get(t).copied()))
    });
    let kept = thinned(n_times, strongest, inputs.len(), results.cohort.channels.len());
    let series = inputs.iter().enumerate().map(|(i, found)| {
        let marked = found.clusters.as_ref().map(|clusters| {
            let mut marked = vec![vec![false; found.map.len()]; n_times];
            for (channel, t) in clusters.significant.iter().flat_map(|cluster| &cluster.points) {
                if let Some(place) = marked.get_mut(*t).and_then(|frame| frame.get_mut(*channel)) {
                    *place = true;
                }
            }
            kept.iter().map(|t| marked[*t].clone()).collect()
        });
        Series { name: name(found), class: class(i), values: maps::by_frame(&found.map, &kept), significant: marked }
    });
    let maps = Maps {
        id: format!("importance-{index}"),
        caption: "Δr over the head, seen from above, nose up, at the time of the slider; one scale for all inputs. Ringed sensors \
                  belong to a significant cluster at this time."
            .to_owned(),
        units: "Δr",
        axis: "time",
        frames: maps::frames(&results.times, &kept),
        first: kept.iter().position(|t| *t == strongest).unwrap_or(0),
        rows: vec![Row { title: String::new(), series: series.collect() }],
        pairs: Pairs::Mean,
    };
    maps.draw(montage)
}
