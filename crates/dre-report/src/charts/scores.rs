//! Every subject's score as a dot, one row per model.

use super::{Frame, Size, model_class};
use crate::format;
use crate::scale::{extent, padded};
use crate::svg::{Anchor, Svg, path};

/// Above this many subjects, lines between their dots would hide the dots.
const MAX_JOINED: usize = 40;
const RADIUS: f64 = 4.5;

/// One model's row.
#[derive(Clone, Debug)]
pub(crate) struct Row<'a> {
    /// Name in the study file.
    pub(crate) name: &'a str,
    /// Mean over subjects.
    pub(crate) mean: f64,
    /// Subject label and r, the same subjects in the same order in every row.
    pub(crate) subjects: Vec<(&'a str, f64)>,
}

/// Draws the rows; empty where no score is finite.
pub(crate) fn draw(rows: &[Row<'_>], size: Size) -> String {
    let values = rows.iter().flat_map(|row| row.subjects.iter().map(|s| s.1).chain([row.mean, 0.0]));
    let Some(domain) = extent(values).filter(|_| rows.iter().any(|r| r.subjects.iter().any(|s| s.1.is_finite())))
    else {
        return String::new();
    };
    let wide = size == Size::Wide;
    let crowd = rows.iter().map(|r| r.subjects.len()).max().unwrap_or(0);
    let row_height = if crowd > 12 { 76.0 } else { 60.0 };
    // Labels stand left of the rows on a wide page and above each row on a phone.
    let left = if wide { 200.0 } else { 10.0 };
    let lift = if wide { 0.0 } else { 10.0 };
    let height = rows.len() as f64 * row_height;
    let frame = Frame::new((left, size.width() - 14.0), (6.0, 6.0 + height), padded(domain, 0.04), (0.0, 1.0));
    let label = format!("Mean r of every subject. {}.", spoken(rows));
    let mut svg = Svg::new(size.width(), height + 46.0, &label);
    frame.draw_x(&mut svg, "mean r per subject");
    for tick in crate::scale::ticks(frame.x.domain, (frame.width() / 80.0).round() as usize) {
        let class = if tick.value == 0.0 { "zero" } else { "grid" };
        svg.line(class, (frame.x.at(tick.value), frame.top), (frame.x.at(tick.value), frame.bottom));
    }
    let places: Vec<Vec<Option<(f64, f64)>>> = rows
        .iter()
        .enumerate()
        .map(|(i, row)| {
            let centre = frame.top + (i as f64 + 0.5) * row_height + lift;
            let half = row_height / 2.0 - lift - RADIUS - 3.0;
            let x: Vec<f64> = row.subjects.iter().map(|s| frame.x.at(s.1)).collect();
            swarm(&x, half).into_iter().zip(x).map(|(dy, x)| dy.map(|dy| (x, centre + dy))).collect()
        })
        .collect();
    if crowd <= MAX_JOINED {
        for subject in 0..crowd {
            let points = places.iter().map(|row| row.get(subject).copied().flatten());
            svg.path("join", &path(points.map(|p| p.unwrap_or((f64::NAN, f64::NAN)))), "");
        }
    }
    for (i, (row, places)) in rows.iter().zip(&places).enumerate() {
        let centre = frame.top + (i as f64 + 0.5) * row_height + lift;
        let class = model_class(i);
        svg.group(&class);
        for ((subject, r), place) in row.subjects.iter().zip(places) {
            if let Some(place) = place {
                let title = format!("{subject}: r = {} ({})", format::r(*r), row.name);
                svg.dot("subject", *place, RADIUS, Some(&title));
            }
        }
        if row.mean.is_finite() && crowd > 1 {
            let x = frame.x.at(row.mean);
            svg.line("mean halo-line", (x, centre - 15.0), (x, centre + 15.0));
            svg.line("mean", (x, centre - 15.0), (x, centre + 15.0));
        }
        let mean = format!("mean r {}", format::r(row.mean));
        if wide {
            svg.text_titled("name", (0.0, centre - 2.0), Anchor::Start, &format::ellipsis(row.name, 24), row.name);
            svg.text("label", (0.0, centre + 14.0), Anchor::Start, &mean);
        } else {
            let text = format::ellipsis(row.name, 28);
            let y = frame.top + i as f64 * row_height + 13.0;
            svg.text_titled("name halo", (0.0, y), Anchor::Start, &text, row.name);
            svg.text("label halo", (size.width() - 14.0, y), Anchor::End, &mean);
        }
        svg.end();
    }
    svg.finish()
}

fn spoken(rows: &[Row<'_>]) -> String {
    let rows = rows.iter().map(|row| {
        let range = extent(row.subjects.iter().map(|s| s.1));
        let range = range.map_or_else(String::new, |(lo, hi)| format!(", from {} to {}", format::r(lo), format::r(hi)));
        format!("{}: {}{range}", row.name, format::r(row.mean))
    });
    rows.collect::<Vec<_>>().join("; ")
}

/// Vertical places around 0 at which dots do not overlap, as far as ± `half` allows; none for values that are not
/// finite.
fn swarm(x: &[f64], half: f64) -> Vec<Option<f64>> {
    let mut order: Vec<usize> = (0..x.len()).filter(|i| x[*i].is_finite()).collect();
    order.sort_by(|a, b| x[*a].total_cmp(&x[*b]));
    let step = RADIUS;
    let levels = (half / step).floor().max(0.0) as i32;
    let offsets: Vec<f64> =
        (0..=levels).flat_map(|k| if k == 0 { vec![0] } else { vec![-k, k] }).map(|k| f64::from(k) * step).collect();
    let mut places: Vec<Option<f64>> = vec![None; x.len()];
    let mut placed: Vec<(f64, f64)> = Vec::new();
    for i in order {
        let room = |dy: f64| {
            let near = placed.iter().filter(|p| x[i] - p.0 < 2.0 * RADIUS);
            near.map(|p| (x[i] - p.0).hypot(dy - p.1)).fold(f64::INFINITY, f64::min)
        };
        let free = offsets.iter().copied().find(|dy| room(*dy) >= 2.0 * RADIUS - 0.5);
        let best =
            free.unwrap_or_else(|| offsets.iter().copied().max_by(|a, b| room(*a).total_cmp(&room(*b))).unwrap_or(0.0));
        placed.push((x[i], best));
        places[i] = Some(best);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_that_would_overlap_move_apart() {
        let places = swarm(&[10.0, 10.0, 10.0, f64::NAN, 100.0], 30.0);
        let y: Vec<f64> = places[..3].iter().map(|p| p.expect("finite")).collect();
        assert!((y[0] - y[1]).abs() >= 2.0 * RADIUS - 0.5 && (y[1] - y[2]).abs() >= 2.0 * RADIUS - 0.5, "{y:?}");
        assert_eq!(places[3], None);
        assert_eq!(places[4], Some(0.0));
    }

    #[test]
    fn nothing_is_drawn_without_a_score() {
        let rows = [Row { name: "trf", mean: f64::NAN, subjects: vec![("sub-01", f64::NAN)] }];
        assert_eq!(draw(&rows, Size::Wide), "");
    }
}
