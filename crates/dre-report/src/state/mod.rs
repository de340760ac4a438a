//! Responses by brain state: true and predicted, and what models capture of their difference.

mod words;

use dre::results::{ClusterSummary, ModulationResult, Results, StateMaps, StateResult};
use dre::state::By;
use serde::Serialize;

use crate::charts::state::{BinLine, Gains, ResponsesOf, bin_class, drawn_bins, gains, responses};
use crate::charts::{Drawn, Look, both, delta, strips};
use crate::evoked::marks;
use crate::families::looks;
use crate::scale::extent;
use crate::topography::sensors::Montage;
use crate::topography::{Maps, MapsFigure, MapsStore, Pairs, Row, Series, thinned};
use crate::values::Table;
use crate::{format, maps};
use words::{captured, comparisons, sentences, sizes};

/// What models capture, as an axis says it.
const CROSSED: &str = "r across halves";

/// Responses by power, or by phase.
#[derive(Debug, Serialize)]
pub(crate) struct StatePart {
    title: String,
    /// What was found, in sentences; empty where nothing was computed.
    found: String,
    /// How states were told.
    how: String,
    /// What to know, or why there is nothing.
    notes: Vec<String>,
    /// Responses at one channel: the true ones, then each model's.
    panels: Vec<Panel>,
    panels_caption: String,
    gains: Drawing,
    captured: Drawing,
    over_time: Drawing,
    maps: Option<MapsFigure>,
    /// How large responses are; what models capture; that of each model less that of the model of the stimulus alone.
    tables: Vec<Table>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) svg: String,
}

/// A picture at both widths; empty where there is nothing to draw.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Drawing {
    pub(crate) wide: String,
    pub(crate) narrow: String,
}

impl From<Drawn> for Drawing {
    fn from(Drawn { wide, narrow }: Drawn) -> Self {
        Self { wide, narrow }
    }
}

/// A part for each way of ordering; the numbers of maps are added to `numbers`.
pub(crate) fn section(results: &Results, montage: &Montage, numbers: &mut Vec<MapsStore>) -> Vec<StatePart> {
    let part = |(index, found): (usize, &StateResult)| {
        let (figure, store) = heads(results, index, found, montage).unzip();
        numbers.extend(store);
        StatePart { maps: figure, ..one(results, index, found) }
    };
    results.state.iter().enumerate().map(part).collect()
}

/// `power at 8–13 Hz`.
pub(crate) fn title(found: &StateResult) -> String {
    let [low, high] = found.band.map(format::trimmed);
    format!("{} at {low}–{high}\u{202f}Hz", found.by.name())
}

fn one(results: &Results, index: usize, found: &StateResult) -> StatePart {
    let seconds = |[from, to]: [f64; 2]| format!("{} to {} s", format::trimmed(from), format::trimmed(to));
    let order = match found.by {
        By::Power => format!("quantiles of their power within each recording, mean over {}", on(found)),
        By::Phase => format!(
            "sectors of their phase at the window’s end, of the pattern of {} in which most power lies",
            on(found)
        ),
    };
    let how = format!(
        "The test epochs of each subject are put into {} {order}, measured from {}. Sizes, correlations and tests count times from \
         {}, after that window.",
        found.bins.len(),
        seconds(found.window),
        seconds(found.scored)
    );
    let is_empty = found.subjects.is_empty();
    let mut notes: Vec<String> = found.notes.iter().map(|note| capitalised(note)).collect();
    if !is_empty && found.maps.is_none() {
        notes.push(
            "Responses over channels and times are not shown: they lie in the folder state beside results.json, and those of \
             these results are not there. `dre state STUDY.toml` makes them again."
                .to_owned(),
        );
    }
    let channel = shown_channel(found);
    StatePart {
        title: title(found),
        found: if is_empty { String::new() } else { sentences(found) },
        how: if is_empty { String::new() } else { how },
        notes,
        panels: channel.map_or_else(Vec::new, |c| panels(results, index, found, c)),
        panels_caption: channel.map_or_else(String::new, |c| {
            format!(
                "Responses in each bin at {}, where they differ most, mean over subjects: the true ones, then as each model \
                 predicts them, on one scale (scaled units).",
                channel_name(results, c)
            )
        }),
        gains: both(|size| gains(&series(results, found), &bin_names(found), size)).into(),
        captured: both(|size| strips::draw(&rows(results, found), STRIPS, size)).into(),
        over_time: both(|size| delta::draw(&over_time_of(results, index, found), &results.times, &marks(results), size)).into(),
        maps: None,
        tables: [sizes(found), captured(found), comparisons(found)].into_iter().flatten().collect(),
    }
}

pub(crate) const STRIPS: strips::Style =
    strips::Style { axis: CROSSED, mean: "mean r across halves", dots: "subjects", radius: 4.5 };

fn on(found: &StateResult) -> String {
    match found.channels.len() {
        0 => "all channels".to_owned(),
        1..=6 => found.channels.join(", "),
        n => format!("{n} channels"),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.trim().trim_end_matches('.').chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

fn channel_name(results: &Results, channel: usize) -> &str {
    results.cohort.channels.get(channel).map_or("?", |channel| channel.name.as_str())
}

/// What bins are called: `least`, `2`, `3`, `most`; or degrees.
pub(crate) fn bin_names(found: &StateResult) -> Vec<String> {
    let n = found.bins.len();
    let name = |(i, bin): (usize, &dre::results::StateBinResult)| match found.by {
        By::Phase => {
            let degrees = bin.value.to_degrees().round();
            format!("{}°", format::fixed(if degrees > 180.0 { degrees - 360.0 } else { degrees }, 0))
        }
        By::Power if i == 0 => "least".to_owned(),
        By::Power if i + 1 == n => "most".to_owned(),
        By::Power => (i + 1).to_string(),
    };
    found.bins.iter().enumerate().map(name).collect()
}

/// The two bins that are compared, in words.
fn compared(found: &StateResult) -> (String, String) {
    match found.by {
        By::Power => ("most power".to_owned(), "least power".to_owned()),
        By::Phase => {
            let (plus, minus) = found.by.contrast(found.bins.len());
            let names = bin_names(found);
            (format!("phase {}", names[plus]), format!("phase {}", names[minus]))
        }
    }
}

/// The channel that differs most: the one that is longest in significant clusters of the true difference; where there are none or
/// several, the one whose difference is largest. None where nothing is finite.
pub(crate) fn shown_channel(found: &StateResult) -> Option<usize> {
    let power = |row: &Vec<f32>| row.iter().filter(|v| v.is_finite()).map(|v| f64::from(*v).powi(2)).sum::<f64>();
    let points = || found.truth.clusters.iter().flat_map(|c| c.significant.iter().flat_map(|cluster| &cluster.points));
    let n_points = |channel: usize| points().filter(|point| point.0 == channel).count();
    let difference = difference_of(found, None);
    let rows = difference.iter().map(power).enumerate().filter(|(_, power)| *power > 0.0);
    let rows = rows.map(|(channel, power)| (channel, n_points(channel), power));
    rows.max_by(|a, b| a.1.cmp(&b.1).then(a.2.total_cmp(&b.2))).map(|(channel, ..)| channel)
}

/// The true difference of responses, or a model's: per channel, per time; nothing where it was not read.
pub(crate) fn difference_of(found: &StateResult, model: Option<&str>) -> Vec<Vec<f32>> {
    found.maps.as_ref().map(|maps| maps.difference(found.by, model)).unwrap_or_default()
}

/// Sources of responses: the true ones, then each model's; with their classes.
pub(crate) fn sources(results: &Results, found: &StateResult) -> Vec<(String, String)> {
    let models = results.models.keys().zip(looks(results)).filter(|(name, _)| found.models.contains_key(*name));
    let models = models.map(|(name, look)| (name.clone(), look.class()));
    std::iter::once(("true response".to_owned(), "truth".to_owned())).chain(models).collect()
}

/// Responses of a source by bin.
pub(crate) fn bins_of<'a>(maps: &'a StateMaps, source: usize, name: &str) -> Option<&'a Vec<Vec<Vec<f32>>>> {
    if source == 0 { Some(&maps.truth) } else { maps.predicted.get(name) }
}

/// A panel for each source at one channel.
pub(crate) fn panels(results: &Results, index: usize, found: &StateResult, channel: usize) -> Vec<Panel> {
    let names = bin_names(found);
    let sources = sources(results, found);
    let row = |bin: usize, source: usize| {
        let bins = bins_of(found.maps.as_ref()?, source, &sources[source].0)?;
        bins.get(bin)?.get(channel).map(Vec::as_slice)
    };
    let bins = drawn_bins(found.bins.len());
    let all = bins.iter().flat_map(|&bin| (0..sources.len()).filter_map(move |source| row(bin, source)));
    let domain = extent(all.flatten().map(|v| f64::from(*v)).chain([0.0])).unwrap_or((0.0, 0.0));
    let panel = |(source, (name, _)): (usize, &(String, String))| {
        let lines: Vec<BinLine<'_>> = bins
            .iter()
            .filter_map(|&bin| {
                let class = bin_class(bin, found.bins.len(), found.by == By::Power);
                Some(BinLine { name: &names[bin], class, values: row(bin, source)? })
            })
            .collect();
        let id = format!("state-{index}-{source}");
        let what = ResponsesOf { id: &id, source: name, channel: channel_name(results, channel), domain };
        let svg = responses(&what, &lines, &results.times, &marks(results));
        (!svg.is_empty()).then(|| Panel { title: name.clone(), svg })
    };
    sources.iter().enumerate().filter_map(panel).collect()
}

/// Gains of every source.
pub(crate) fn series<'a>(results: &'a Results, found: &'a StateResult) -> Vec<Gains<'a>> {
    let subjects = |modulation: &'a ModulationResult| {
        modulation.gains.iter().map(|(label, gains)| (label.as_str(), gains.as_slice())).collect()
    };
    let truth = Gains { name: "true response", class: "truth".to_owned(), subjects: subjects(&found.truth) };
    let models = results.models.keys().zip(looks(results)).filter_map(|(name, look)| {
        let model = found.models.get(name)?;
        Some(Gains { name, class: look.class(), subjects: subjects(&model.modulation) })
    });
    std::iter::once(truth).chain(models).collect()
}

/// r across halves of every subject, a row per model.
pub(crate) fn rows<'a>(results: &'a Results, found: &'a StateResult) -> Vec<strips::Row<'a>> {
    let row = |(name, look): (&'a String, Look)| {
        let model = found.models.get(name)?;
        Some(strips::Row {
            name: name.clone(),
            look,
            mean: model.crossed,
            interval: model.confidence,
            dots: model.subjects.iter().map(|(label, one)| (label.as_str(), one.crossed)).collect(),
        })
    };
    results.models.keys().zip(looks(results)).filter_map(row).collect()
}

/// r across halves over channels at each time, a line per model.
pub(crate) fn over_time_of<'a>(results: &'a Results, index: usize, found: &'a StateResult) -> delta::Drawing<'a> {
    let line = |(name, look): (&'a String, Look)| {
        let model = found.models.get(name)?;
        Some(delta::Line {
            name,
            class: look.class(),
            mean: &model.over_time,
            interval: &model.over_time_confidence,
            significant: model.clusters.iter().flat_map(|c| c.significant.iter().map(|c| (c.start, c.end))).collect(),
        })
    };
    delta::Drawing {
        id: format!("state-{index}"),
        axis: CROSSED,
        lines: results.models.keys().zip(looks(results)).filter_map(line).collect(),
    }
}

/// Channels and times of significant clusters, per frame.
fn marked(clusters: Option<&ClusterSummary>, kept: &[usize], n_channels: usize) -> Option<Vec<Vec<bool>>> {
    let points: std::collections::BTreeSet<(usize, usize)> =
        clusters?.significant.iter().flat_map(|cluster| cluster.points.iter().copied()).collect();
    Some(kept.iter().map(|t| (0..n_channels).map(|c| points.contains(&(c, *t))).collect()).collect())
}

/// True and predicted difference over the head, moved over time.
fn heads(results: &Results, index: usize, found: &StateResult, montage: &Montage) -> Option<(MapsFigure, MapsStore)> {
    let n_times = results.times.len();
    let n_channels = results.cohort.channels.len();
    let [from, to] = found.scored;
    let truth = difference_of(found, None);
    let strongest = maps::strongest(n_times, |t| {
        let counts = (from - 1e-9..=to + 1e-9).contains(&results.times[t]);
        truth.iter().filter(move |_| counts).filter_map(move |row| row.get(t).copied())
    });
    let sources = sources(results, found);
    let kept = thinned(n_times, strongest, sources.len(), n_channels);
    let series = sources.iter().enumerate().filter_map(|(source, (name, class))| {
        let (model, clusters) = if source == 0 {
            (None, found.truth.clusters.as_ref())
        } else {
            (Some(name.as_str()), found.models.get(name)?.clusters.as_ref())
        };
        Some(Series {
            name: name.clone(),
            class: class.clone(),
            values: maps::by_frame(&difference_of(found, model), &kept),
            significant: marked(clusters, &kept, n_channels),
        })
    });
    let (plus, minus) = if truth.is_empty() || found.bins.is_empty() { return None } else { compared(found) };
    let maps = Maps {
        id: format!("state-{index}"),
        caption: format!(
            "Responses after {plus} less those after {minus} over the head, seen from above, nose up, at the time of the slider; \
             one scale for all. Ringed sensors belong to a significant cluster at this time: of the true difference, where it \
             deviates from 0; of a model’s, where its prediction follows the true responses of the other half of the epochs across bins."
        ),
        units: "difference (scaled units)",
        axis: "time",
        frames: maps::frames(&results.times, &kept),
        first: kept.iter().position(|t| *t == strongest).unwrap_or(0),
        rows: vec![Row { title: String::new(), series: series.collect() }],
        pairs: Pairs::Rms,
    };
    maps.draw(montage)
}
