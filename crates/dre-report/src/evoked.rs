//! Evoked responses: which channel to show first, the pictures, and all channels in a compact form for the script.

use dre::results::{Evoked, Results};
use serde::Serialize;

use crate::charts::butterfly::{self, ButterflyOf};
use crate::charts::evoked::{PanelOf, Traces, panel, tile};
use crate::charts::{Look, Size, TimeMarks};
use crate::compact::{self, Compact};
use crate::families;
use crate::headline::init_window;
use crate::maps;
use crate::scale::extent;
use crate::topography::sensors::Montage;
use crate::topography::{MapsFigure, MapsStore};

/// About so many small multiples in all, and at most so many channels.
const MAX_TILES: usize = 32;
const MAX_TILED_CHANNELS: usize = 16;
/// Bytes of base64 that the evoked responses may add to the page.
const BUDGET: usize = 2_000_000;

/// The section on evoked responses.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct EvokedSection {
    /// Channel of the large panels.
    pub(crate) channel: String,
    /// Names of the channels that the script can show, the first the default.
    pub(crate) channels: Vec<String>,
    /// Total number of channels.
    pub(crate) n_channels: usize,
    /// One large panel per condition.
    pub(crate) panels: Vec<Panel>,
    /// Small multiples per condition.
    pub(crate) tiles: Vec<TileRow>,
    pub(crate) n_tiles: usize,
    /// Butterfly plots per condition; none where there is one channel only.
    pub(crate) butterflies: Vec<ButterflyRow>,
    /// Whether butterfly plots and maps leave out models of the past alone.
    pub(crate) leaves_out_past: bool,
    pub(crate) maps: Option<MapsFigure>,
    /// Conditions with no epochs or no values.
    pub(crate) empty: Vec<String>,
}

/// A picture of one condition.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Panel {
    pub(crate) condition: String,
    pub(crate) n_epochs: String,
    /// Empty where the narrow picture serves every width.
    pub(crate) wide: String,
    pub(crate) narrow: String,
}

/// Butterfly plots of one condition: the true response, then each model's.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ButterflyRow {
    pub(crate) condition: String,
    pub(crate) plots: Vec<Butterfly>,
}

/// One butterfly plot.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Butterfly {
    pub(crate) name: String,
    pub(crate) class: String,
    pub(crate) svg: String,
}

/// Small multiples of one condition.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TileRow {
    pub(crate) condition: String,
    pub(crate) tiles: Vec<Tile>,
}

/// One small multiple; `index` counts in [`EvokedSection::channels`].
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Tile {
    pub(crate) index: usize,
    pub(crate) svg: String,
}

/// What the script needs to draw another channel.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct EvokedStore {
    channels: Vec<String>,
    traces: Vec<TraceName>,
    /// Per channel: (condition, trace, time).
    values: Vec<Compact>,
}

/// A trace's name, and the index of its model where it is a prediction.
#[derive(Clone, Debug, Serialize)]
struct TraceName {
    name: String,
    model: Option<usize>,
}

impl TraceName {
    fn new((name, model): (&str, Option<usize>)) -> Self {
        Self { name: name.to_owned(), model }
    }
}

/// Channels, best predicted first: by r of the model with the highest mean r, else by the strength of the response.
pub(crate) fn ranking(results: &Results) -> Vec<usize> {
    let n = results.cohort.channels.len();
    let best = results.models.values().filter(|m| m.r_per_channel.iter().any(|r| r.is_finite()));
    let best = best.max_by(|a, b| or_lowest(a.mean_r).total_cmp(&or_lowest(b.mean_r)));
    let value = |c: usize| match best {
        Some(model) => model.r_per_channel[c],
        None => results.evoked.iter().map(|e| strength(e, c)).fold(f64::NAN, f64::max),
    };
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| or_lowest(value(*b)).total_cmp(&or_lowest(value(*a))));
    order
}

fn or_lowest(value: f64) -> f64 {
    if value.is_nan() { f64::NEG_INFINITY } else { value }
}

/// Sum of squares of the true response.
fn strength(evoked: &Evoked, channel: usize) -> f64 {
    let row = evoked.truth.get(channel).map_or(&[][..], Vec::as_slice);
    row.iter().filter(|v| v.is_finite()).map(|v| f64::from(*v).powi(2)).sum()
}

/// What is marked on every time axis.
pub(crate) fn marks(results: &Results) -> TimeMarks {
    TimeMarks {
        init: init_window(results),
        score_from: results.score_from,
        end: results.times.last().copied().unwrap_or(f64::NEG_INFINITY),
    }
}

/// Pictures and store; none where there is nothing to show. The numbers of the maps are added to `numbers`.
pub(crate) fn section(
    results: &Results,
    montage: &Montage,
    numbers: &mut Vec<MapsStore>,
) -> Option<(EvokedSection, EvokedStore)> {
    let names: Vec<&str> = results.cohort.channels.iter().map(|c| c.name.as_str()).collect();
    let has_values = |e: &Evoked| e.truth.iter().flatten().any(|v| v.is_finite());
    let (shown, empty): (Vec<&Evoked>, Vec<&Evoked>) = results.evoked.iter().partition(|e| has_values(e));
    if shown.is_empty() || results.times.is_empty() {
        return None;
    }
    let models: Vec<(Look, &str)> = families::looks(results)
        .into_iter()
        .zip(results.models.keys().map(String::as_str))
        .filter(|(_, name)| shown.iter().any(|e| e.predicted.contains_key(*name)))
        .collect();
    let order = ranking(results);
    let per_channel = compact::size(shown.len() * (1 + models.len()) * results.times.len());
    let stored = &order[..order.len().min((BUDGET / per_channel.max(1)).max(1))];
    let traces = |evoked, channel| channel_traces(evoked, channel, &models);
    let domain = |channels: &[usize]| {
        let all = channels.iter().flat_map(|c| shown.iter().filter_map(|e| traces(e, *c).extent()));
        extent(all.flat_map(|(lo, hi)| [lo, hi])).unwrap_or((0.0, 0.0))
    };
    let marks = marks(results);
    let default = order[0];
    let domain_of_default = domain(&[default]);
    let panels = shown.iter().enumerate().map(|(i, evoked)| {
        let traces = traces(evoked, default);
        let draw = |size| {
            let what = PanelOf { id: i, condition: &evoked.condition, channel: names[default], size };
            panel(&what, &traces, &results.times, domain_of_default, &marks)
        };
        Panel {
            condition: evoked.condition.clone(),
            n_epochs: crate::format::counted(evoked.n_epochs, "test epoch", "test epochs"),
            // A single panel has the whole width; several stand two by two at a phone's width.
            wide: if shown.len() == 1 { draw(Size::Wide) } else { String::new() },
            narrow: draw(Size::Narrow),
        }
    });
    // Whole rows of four.
    let n_tiled = (MAX_TILES / shown.len() / 4 * 4).clamp(4, MAX_TILED_CHANNELS);
    let tiled = if names.len() > 1 { &stored[..stored.len().min(n_tiled)] } else { &[] };
    let shared = domain(tiled);
    let tiles = shown.iter().filter(|_| !tiled.is_empty()).map(|evoked| TileRow {
        condition: evoked.condition.clone(),
        tiles: tiled
            .iter()
            .enumerate()
            .map(|(index, &c)| Tile {
                index,
                svg: tile(&evoked.condition, names[c], &traces(evoked, c), &results.times, shared, &marks),
            })
            .collect(),
    });
    let channels: Vec<String> = stored.iter().map(|c| names[*c].to_owned()).collect();
    let (figure, map_numbers) = maps::evoked(results, &shown, montage).unzip();
    numbers.extend(map_numbers);
    let section = EvokedSection {
        channel: names[default].to_owned(),
        channels: channels.clone(),
        n_channels: names.len(),
        panels: panels.collect(),
        tiles: tiles.collect(),
        n_tiles: tiled.len(),
        butterflies: if names.len() > 1 { butterflies(results, &shown, &models, &marks) } else { Vec::new() },
        leaves_out_past: families::of_the_past(results).next().is_some(),
        maps: figure,
        empty: empty.iter().map(|e| e.condition.clone()).collect(),
    };
    let values = stored.iter().map(|&channel| {
        let all: Vec<f64> = shown.iter().flat_map(|e| values(&traces(e, channel), results.times.len())).collect();
        Compact::new(&all)
    });
    let store = EvokedStore {
        channels,
        values: values.collect(),
        traces: std::iter::once(("true", None))
            .chain(models.iter().map(|m| (m.1, Some(m.0.index()))))
            .map(TraceName::new)
            .collect(),
    };
    Some((section, store))
}

/// The true response and those of models with features: pictures of the past alone would crowd them out.
fn butterflies(results: &Results, shown: &[&Evoked], models: &[(Look, &str)], marks: &TimeMarks) -> Vec<ButterflyRow> {
    let with_features: Vec<&str> = families::with_features(results).map(|(name, _)| name).collect();
    let times = &results.times;
    let all = shown.iter().flat_map(|e| std::iter::once(&e.truth).chain(e.predicted.values()));
    let domain = extent(all.flatten().flatten().map(|v| f64::from(*v)).chain([0.0])).unwrap_or((0.0, 0.0));
    let rows = shown.iter().enumerate().map(|(condition, evoked)| {
        let plot = |trace: usize, name: &str, class: String, rows: &[Vec<f32>]| {
            let lines = butterfly::Lines::ByScript(condition, trace);
            let what = ButterflyOf { condition: &evoked.condition, name, class: &class, lines, rows, domain };
            Butterfly { name: name.to_owned(), svg: butterfly::draw(&what, times, marks), class }
        };
        let shown = models.iter().enumerate().filter(|(_, (_, name))| with_features.contains(name));
        let predicted =
            shown.filter_map(|(k, (look, name))| Some(plot(k + 1, name, look.class(), evoked.predicted.get(*name)?)));
        let truth = plot(0, "true response", "truth".to_owned(), &evoked.truth);
        ButterflyRow { condition: evoked.condition.clone(), plots: std::iter::once(truth).chain(predicted).collect() }
    });
    rows.collect()
}

fn channel_traces<'a>(evoked: &'a Evoked, channel: usize, models: &[(Look, &'a str)]) -> Traces<'a> {
    let row = |rows: &'a [Vec<f32>]| rows.get(channel).map_or(&[][..], Vec::as_slice);
    let predicted =
        models.iter().map(|(look, name)| (*look, *name, evoked.predicted.get(*name).map_or(&[][..], |p| row(p))));
    Traces { truth: row(&evoked.truth), predicted: predicted.collect() }
}

/// Every trace, one after the other; an absent one is missing throughout.
fn values(traces: &Traces<'_>, n_times: usize) -> Vec<f64> {
    let rows = std::iter::once(traces.truth).chain(traces.predicted.iter().map(|p| p.2));
    let row = |row: &[f32]| (0..n_times).map(|i| row.get(i).map_or(f64::NAN, |v| f64::from(*v))).collect::<Vec<_>>();
    rows.flat_map(row).collect()
}
