//! Maps of the head at a few times, side by side.

use super::Sheet;
use crate::format;
use crate::scale::extent;
use crate::topography::sensors::Montage;
use crate::topography::{Frame, Maps, MapsFigure, Pairs, Row, Series};

/// Maps to a row at most.
const MOST: usize = 4;
/// Least time between two maps (s).
const APART: f64 = 0.05;

/// Draws what is shown first, with a colour bar for each row's scale where it changes.
pub(super) fn still(figure: &MapsFigure, sheet: &mut Sheet) {
    let rows = figure.rows();
    for (i, row) in rows.iter().enumerate() {
        let heading: Vec<&str> =
            [row.title.as_str(), row.kind.as_str()].into_iter().filter(|t| !t.is_empty()).collect();
        if !heading.is_empty() {
            sheet.heading(&heading.join(", "));
        }
        // Names of as many lines, so that heads stand on one level.
        let n_lines = row.maps.iter().map(|map| map.name.lines().count()).max().unwrap_or(0);
        for map in &row.maps {
            let missing = n_lines - map.name.lines().count();
            sheet.put(&format!("{}{}", map.name, "\n\u{a0}".repeat(missing)), &map.svg);
        }
        let scale = |row: &crate::topography::RowFigure| (row.low.clone(), row.high.clone(), row.kind.clone());
        if rows.get(i + 1).is_none_or(|next| scale(next) != scale(row)) {
            sheet.colour_bar((&row.low, &row.high), row.signed, figure.units());
        }
        sheet.next_row();
    }
}

/// One source of maps: its name, its values (channels × times), and what is marked, as (channel, time).
pub(super) struct Source<'a> {
    pub(super) name: String,
    pub(super) rows: &'a [Vec<f32>],
    pub(super) marked: Option<Vec<(usize, usize)>>,
}

/// A row of maps for each source, at the same times, on one scale; `units` as on the page.
pub(super) fn at_times(
    sources: &[Source<'_>],
    at: &[usize],
    times: &[f64],
    units: &'static str,
    pairs: Pairs,
    montage: &Montage,
) -> Sheet {
    let mut sheet = Sheet::new();
    let column = |rows: &[Vec<f32>], t: usize| -> Vec<f64> {
        rows.iter().map(|row| row.get(t).map_or(f64::NAN, |v| f64::from(*v))).collect()
    };
    let rows = sources.iter().map(|source| Row {
        title: source.name.clone(),
        series: at
            .iter()
            .map(|&t| Series {
                name: format!("{}\u{202f}s", format::fixed(times[t], 3)),
                class: String::new(),
                values: vec![column(source.rows, t)],
                significant: source
                    .marked
                    .as_ref()
                    .map(|marked| vec![(0..source.rows.len()).map(|c| marked.contains(&(c, t))).collect()]),
            })
            .collect(),
    });
    let maps = Maps {
        id: String::new(),
        caption: String::new(),
        units,
        axis: "",
        frames: vec![Frame { label: String::new(), at: None }],
        first: 0,
        rows: rows.collect(),
        pairs,
    };
    if let Some((figure, _)) = maps.draw(montage) {
        still(&figure, &mut sheet);
    }
    sheet
}

/// Samples, in order, at which the values of all channels are strongest: the highest local maxima of their root mean square
/// within `window` (s) that are at least 50 ms apart, four at most; where there is none, the middle of the window.
pub(super) fn peaks(rows: &[Vec<f32>], times: &[f64], window: [f64; 2]) -> Vec<usize> {
    let power = |t: usize| {
        let values = rows.iter().filter_map(|row| row.get(t)).filter(|v| v.is_finite());
        values.map(|v| f64::from(*v).powi(2)).sum::<f64>()
    };
    let inside: Vec<usize> =
        (0..times.len()).filter(|&t| (window[0] - 1e-9..=window[1] + 1e-9).contains(&times[t])).collect();
    let powers: Vec<f64> = inside.iter().map(|&t| power(t)).collect();
    let is_peak = |i: usize| {
        powers[i] > 0.0
            && (i == 0 || powers[i] >= powers[i - 1])
            && powers.get(i + 1).is_none_or(|next| powers[i] > *next)
    };
    let mut found: Vec<usize> = (0..inside.len()).filter(|&i| is_peak(i)).collect();
    found.sort_by(|&a, &b| powers[b].total_cmp(&powers[a]));
    let mut kept: Vec<usize> = Vec::new();
    for i in found {
        if kept.len() < MOST && kept.iter().all(|&t| (times[t] - times[inside[i]]).abs() >= APART - 1e-9) {
            kept.push(inside[i]);
        }
    }
    if kept.is_empty() {
        kept.extend(inside.get(inside.len() / 2));
    }
    kept.sort_unstable();
    kept
}

/// Whether any value is finite.
pub(super) fn any_finite(rows: &[Vec<f32>]) -> bool {
    extent(rows.iter().flatten().map(|v| f64::from(*v))).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_are_the_strongest_in_order_and_apart() {
        let times: Vec<f64> = (0..100).map(|t| f64::from(t) * 0.01).collect();
        let bump = |t: usize, at: usize, size: f64| size * (-0.5 * ((t as f64 - at as f64) / 2.0).powi(2)).exp();
        // The second lies too close to the first; the last outside the window.
        let course = |t| (bump(t, 20, 3.0) + bump(t, 23, 1.0) + bump(t, 50, 2.0) + bump(t, 90, 9.0)) as f32;
        let rows = vec![(0..100).map(course).collect::<Vec<f32>>(), vec![f32::NAN; 100]];
        assert_eq!(peaks(&rows, &times, [0.0, 0.7]), [20, 50]);
        assert_eq!(peaks(&[vec![0.0; 100]], &times, [0.1, 0.3]), [20], "the middle where nothing rises");
    }
}
