//! Responses by brain state.

use dre::results::{Results, StateResult};

use super::heads::{Source, at_times, peaks};
use super::{Figures, Numbers, Sheet, channel_names};
use crate::charts::state::gains;
use crate::charts::{Size, delta, strips};
use crate::evoked::marks;
use crate::state::{
    STRIPS, bin_names, bins_of, difference_of, over_time_of, panels, rows, series, shown_channel, sources,
};
use crate::topography::Pairs;
use crate::topography::sensors::Montage;

pub(super) fn add(results: &Results, montage: &Montage, all: &mut Figures) {
    for (index, found) in results.state.iter().enumerate() {
        one(results, index, found, montage, all);
    }
}

fn one(results: &Results, index: usize, found: &StateResult, montage: &Montage, all: &mut Figures) {
    if found.subjects.is_empty() {
        return;
    }
    let by = found.by.name();
    let (names, sources, channels) = (bin_names(found), sources(results, found), channel_names(results));
    if let (Some(channel), Some(maps)) = (shown_channel(found), &found.maps) {
        let mut sheet = Sheet::new();
        panels(results, index, found, channel)
            .iter()
            .for_each(|panel| sheet.put(&format!("{}, {}", panel.title, channels[channel]), &panel.svg));
        let mut table = Numbers::new(&["source", "bin", "channel", "time_s", "amplitude_scaled_units"]);
        for (source, (name, _)) in sources.iter().enumerate() {
            for (rows, label) in bins_of(maps, source, name).into_iter().flatten().zip(&names) {
                table.channels_by_times(&[name, label], &channels, &results.times, &[rows]);
            }
        }
        all.add(&["state", by], sheet, table);
    }

    let series = series(results, found);
    let mut table = Numbers::new(&["source", "subject", "bin", "size_of_response"]);
    for one in &series {
        for (label, gains) in &one.subjects {
            gains.iter().zip(&names).for_each(|(gain, bin)| table.row(&[&one.name, label, bin, gain]));
        }
    }
    all.add(&["state", by, "size"], Sheet::of(&gains(&series, &names, Size::Wide)), table);

    let mut table = Numbers::new(&["model", "subject", "r_of_difference", "r_across_halves"]);
    for (model, captured) in &found.models {
        captured.subjects.iter().for_each(|(label, one)| table.row(&[model, label, &one.r, &one.crossed]));
    }
    let svg = strips::draw(&rows(results, found), STRIPS, Size::Wide);
    all.add(&["state", by, "captured"], Sheet::of(&svg), table);

    let columns = ["model", "time_s", "r_across_halves", "ci_low", "ci_high", "r_of_difference"];
    let mut table = Numbers::new(&columns);
    for (model, captured) in &found.models {
        for (t, (time, crossed)) in results.times.iter().zip(&captured.over_time).enumerate() {
            let [low, high] = captured.over_time_confidence.get(t).copied().unwrap_or([f64::NAN; 2]);
            let r = captured.r_over_time.get(t).copied().unwrap_or(f64::NAN);
            table.row(&[model, time, crossed, &low, &high, &r]);
        }
    }
    let svg = delta::draw(&over_time_of(results, index, found), &results.times, &marks(results), Size::Wide);
    all.add(&["state", by, "captured-time"], Sheet::of(&svg), table);

    let marked = |clusters: Option<&dre::results::ClusterSummary>| {
        clusters.map(|c| c.significant.iter().flat_map(|cluster| cluster.points.iter().copied()).collect())
    };
    let differences: Vec<Vec<Vec<f32>>> = sources
        .iter()
        .enumerate()
        .map(|(source, (name, _))| difference_of(found, (source > 0).then_some(name.as_str())))
        .collect();
    let mut heads = Vec::new();
    for ((source, (name, _)), rows) in sources.iter().enumerate().zip(&differences) {
        let clusters = match source {
            0 => found.truth.clusters.as_ref(),
            _ => found.models.get(name).and_then(|model| model.clusters.as_ref()),
        };
        heads.push(Source { name: name.clone(), rows, marked: marked(clusters) });
    }
    let mut table = Numbers::new(&["source", "channel", "time_s", "difference_scaled_units"]);
    for head in &heads {
        table.channels_by_times(&[&head.name], &channels, &results.times, &[head.rows]);
    }
    if found.maps.is_some() {
        let at = peaks(&differences[0], &results.times, found.scored);
        let sheet = at_times(&heads, &at, &results.times, "difference (scaled units)", Pairs::Rms, montage);
        all.add(&["state", by, "map"], sheet, table);
    }
}
