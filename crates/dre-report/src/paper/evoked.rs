//! Evoked responses: at one channel, of all channels, over the head.

use dre::results::{Evoked, Results};

use super::heads::{Source, any_finite, at_times, peaks};
use super::{Figures, Numbers, Sheet, channel_names};
use crate::charts::butterfly::{self, ButterflyOf};
use crate::charts::evoked::{PanelOf, Traces, panel};
use crate::charts::{LegendEntry, Look, Size, legend};
use crate::evoked::{marks, ranking};
use crate::families::looks;
use crate::scale::extent;
use crate::svg::Svg;
use crate::topography::Pairs;
use crate::topography::sensors::Montage;

pub(super) fn add(results: &Results, montage: &Montage, all: &mut Figures) {
    let shown = || results.evoked.iter().filter(|evoked| any_finite(&evoked.truth));
    let order = ranking(results);
    let Some(&best) = order.first() else { return };
    for evoked in shown() {
        let sources = sources(results, evoked);
        let mut sheet = Sheet::new();
        sheet.put("", &key(&sources));
        sheet.next_row();
        sheet.put(
            &format!("{}, {}", evoked.condition, channel_names(results)[best]),
            &at_channel(results, evoked, best, &sources),
        );
        all.add(&["evoked", &evoked.condition], sheet, table(results, &sources));
    }
    for evoked in shown().filter(|_| results.cohort.channels.len() > 1) {
        let sources = sources(results, evoked);
        let values = sources.iter().flat_map(|s| s.rows).flatten().map(|v| f64::from(*v));
        let domain = extent(values.chain([0.0])).unwrap_or((0.0, 0.0));
        let mut sheet = Sheet::new();
        for source in &sources {
            let what = ButterflyOf {
                condition: &evoked.condition,
                name: source.name,
                class: &source.class,
                lines: butterfly::Lines::Drawn,
                rows: source.rows,
                domain,
            };
            sheet.put(source.name, &butterfly::draw(&what, &results.times, &marks(results)));
        }
        all.add(&["butterfly", &evoked.condition], sheet, table(results, &sources));
        let window = [results.score_from, results.times.last().copied().unwrap_or(0.0)];
        let at = peaks(&evoked.truth, &results.times, window);
        let heads: Vec<Source<'_>> =
            sources.iter().map(|s| Source { name: s.name.to_owned(), rows: s.rows, marked: None }).collect();
        let sheet = at_times(&heads, &at, &results.times, "amplitude (scaled units)", Pairs::Rms, montage);
        all.add(&["evoked", &evoked.condition, "map"], sheet, table(results, &sources));
    }
}

/// The true response or a model's.
struct Shown<'a> {
    name: &'a str,
    class: String,
    model: Option<Look>,
    rows: &'a [Vec<f32>],
}

fn sources<'a>(results: &'a Results, evoked: &'a Evoked) -> Vec<Shown<'a>> {
    let truth = Shown { name: "true response", class: "truth".to_owned(), model: None, rows: &evoked.truth };
    let models = results.models.keys().zip(looks(results)).filter_map(|(name, look)| {
        Some(Shown { name, class: look.class(), model: Some(look), rows: evoked.predicted.get(name)? })
    });
    std::iter::once(truth).chain(models).collect()
}

fn key(sources: &[Shown<'_>]) -> String {
    let entries: Vec<LegendEntry> = sources.iter().map(|s| (s.class.clone(), s.name.to_owned())).collect();
    let width = Size::Wide.width();
    let height = legend(&mut Svg::new(0.0, 0.0, ""), &entries, (0.0, width), 0.0);
    let mut svg = Svg::new(width, height, "");
    legend(&mut svg, &entries, (0.0, width), 11.0);
    svg.finish()
}

fn at_channel(results: &Results, evoked: &Evoked, channel: usize, sources: &[Shown<'_>]) -> String {
    let row = |source: &Shown<'_>| source.rows.get(channel).map_or(&[][..], |row| row.as_slice()).to_vec();
    let rows: Vec<Vec<f32>> = sources.iter().map(row).collect();
    let predicted = sources.iter().zip(&rows).filter_map(|(s, row)| Some((s.model?, s.name, row.as_slice())));
    let traces = Traces { truth: &rows[0], predicted: predicted.collect() };
    let what =
        PanelOf { id: 0, condition: &evoked.condition, channel: channel_names(results)[channel], size: Size::Wide };
    panel(&what, &traces, &results.times, traces.extent().unwrap_or((0.0, 0.0)), &marks(results))
}

fn table(results: &Results, sources: &[Shown<'_>]) -> Numbers {
    let names: Vec<String> =
        sources.iter().map(|s| format!("{}_scaled_units", if s.model.is_none() { "true" } else { s.name })).collect();
    let columns: Vec<&str> = ["channel", "time_s"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let mut table = Numbers::new(&columns);
    let rows: Vec<&[Vec<f32>]> = sources.iter().map(|s| s.rows).collect();
    table.channels_by_times(&[], &channel_names(results), &results.times, &rows);
    table
}
