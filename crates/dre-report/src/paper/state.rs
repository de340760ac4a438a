//! Responses by brain state.

use dre::results::{Results, StateResult};

use super::heads::{Source, at_times, peaks};
use super::{Figures, Numbers, Sheet, channel_names};
use crate::charts::state::gains;
use crate::charts::{Size, delta, strips};
use crate::evoked::marks;
use crate::state::{STRIPS, bin_names, over_time_of, panels, rows, rows_of, series, shown_channel, sources};
use crate::topography::Pairs;
use crate::topography::sensors::Montage;

pub(super) fn add(results: &Results, montage: &Montage, all: &mut Figures) {
    for (index, found) in results.state.iter().enumerate() {
        one(results, index, found, montage, all);
    }
}

fn one(results: &Results, index: usize, found: &StateResult, montage: &Montage, all: &mut Figures) {
    let Some(channel) = shown_channel(found) else { return };
    let by = found.by.name();
    let (names, sources, channels) = (bin_names(found), sources(results, found), channel_names(results));
    let mut sheet = Sheet::new();
    panels(results, index, found, channel)
        .iter()
        .for_each(|panel| sheet.put(&format!("{}, {}", panel.title, channels[channel]), &panel.svg));
    let mut table = Numbers::new(&["source", "bin", "channel", "time_s", "amplitude_scaled_units"]);
    for (source, (name, _)) in sources.iter().enumerate() {
        for (bin, label) in found.bins.iter().zip(&names) {
            let source_name = if source == 0 { "true" } else { name.as_str() };
            if let Some(rows) = rows_of(bin, source, name) {
                table.channels_by_times(&[source_name, label], &channels, &results.times, &[rows]);
            }
        }
    }
    all.add(&["state", by], sheet, table);

    let series = series(results, found);
    let mut table = Numbers::new(&["source", "subject", "bin", "size_of_response"]);
    for one in &series {
        for (label, gains) in &one.subjects {
            gains.iter().zip(&names).for_each(|(gain, bin)| table.row(&[&one.name, label, bin, gain]));
        }
    }
    all.add(&["state", by, "size"], Sheet::of(&gains(&series, &names, Size::Wide)), table);

    let mut table = Numbers::new(&["model", "subject", "r_of_difference"]);
    for (model, captured) in &found.models {
        captured.subjects.iter().for_each(|(label, r)| table.row(&[model, label, r]));
    }
    let svg = strips::draw(&rows(results, found), STRIPS, Size::Wide);
    all.add(&["state", by, "captured"], Sheet::of(&svg), table);

    let mut table = Numbers::new(&["model", "time_s", "r_of_difference", "ci_low", "ci_high"]);
    for (model, captured) in &found.models {
        for (t, (time, r)) in results.times.iter().zip(&captured.over_time).enumerate() {
            let [low, high] = captured.over_time_confidence.get(t).copied().unwrap_or([f64::NAN; 2]);
            table.row(&[model, time, r, &low, &high]);
        }
    }
    let svg = delta::draw(&over_time_of(results, index, found), &results.times, &marks(results), Size::Wide);
    all.add(&["state", by, "captured-time"], Sheet::of(&svg), table);

    let marked = |clusters: Option<&dre::results::ClusterSummary>| {
        clusters.map(|c| c.significant.iter().flat_map(|cluster| cluster.points.iter().copied()).collect())
    };
    let mut heads = Vec::new();
    for (source, (name, _)) in sources.iter().enumerate() {
        let (modulation, clusters) = if source == 0 {
            (&found.truth, found.truth.clusters.as_ref())
        } else {
            let Some(model) = found.models.get(name) else { continue };
            (&model.modulation, model.clusters.as_ref())
        };
        heads.push(Source { name: name.clone(), rows: &modulation.difference, marked: marked(clusters) });
    }
    let mut table = Numbers::new(&["source", "channel", "time_s", "difference_scaled_units"]);
    for head in &heads {
        table.channels_by_times(&[&head.name], &channels, &results.times, &[head.rows]);
    }
    let at = peaks(&found.truth.difference, &results.times, found.scored);
    let sheet = at_times(&heads, &at, &results.times, "difference (scaled units)", Pairs::Rms, montage);
    all.add(&["state", by, "map"], sheet, table);
}
