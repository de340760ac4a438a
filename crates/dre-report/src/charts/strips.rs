//! One row of dots per model: every subject's, or every channel's, r.

use super::{Frame, Look, Size};
use crate::format;
use crate::scale::{extent, padded};
use crate::svg::{Anchor, Svg, path};

/// Up to this many dots to a row, lines join the dots of one subject in rows below each other; more lines would hide the dots.
pub(crate) const MAX_JOINED: usize = 12;

/// What the dots are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// Name of the axis.
    pub(crate) axis: &'static str,
    /// What the mean is called beside a row.
    pub(crate) mean: &'static str,
    /// What a dot stands for, in the plural.
    pub(crate) dots: &'static str,
    /// Radius of a dot (px).
    pub(crate) radius: f64,
}

/// One model's row.
#[derive(Clone, Debug)]
pub(crate) struct Row<'a> {
    /// Name in the study file.
    pub(crate) name: String,
    /// The model’s look.
    pub(crate) look: Look,
    /// Mean over the dots.
    pub(crate) mean: f64,
    /// Confidence interval of the mean, where there is one.
    pub(crate) interval: Option<[f64; 2]>,
    /// Label and r of every dot; NaN where there is none.
    pub(crate) dots: Vec<(&'a str, f64)>,
}

/// Draws the rows; empty where no dot is finite.
pub(crate) fn draw(rows: &[Row<'_>], style: Style, size: Size) -> String {
    let Some((lo, hi)) = extent(rows.iter().flat_map(|row| row.dots.iter().map(|s| s.1))) else {
        return String::new();
    };
    let means = rows.iter().flat_map(|row| row.interval.into_iter().flatten().chain([row.mean]));
    let domain = extent(means.chain([lo, hi, 0.0])).unwrap_or((lo, hi));
    let wide = size == Size::Wide;
    let crowd = rows.iter().map(|row| row.dots.len()).max().unwrap_or(0);
    let row_height = if crowd > MAX_JOINED { 76.0 } else { 58.0 };
    // Labels stand left of the rows on a wide page and above each row on a phone.
    let left = if wide { 170.0 } else { 8.0 };
    let lift = if wide { 0.0 } else { 10.0 };
    let height = rows.len() as f64 * row_height;
    let frame = Frame::new((left, size.width() - 14.0), (6.0, 6.0 + height), padded(domain, 0.04), (0.0, 1.0));
    let mut svg = Svg::new(size.width(), height + 46.0, &spoken(rows, style));
    frame.draw_x(&mut svg, style.axis);
    frame.draw_x_grid(&mut svg);
    let centre = |i: usize| frame.top + (i as f64 + 0.5) * row_height + lift;
    let places: Vec<Vec<Option<(f64, f64)>>> = rows
        .iter()
        .enumerate()
        .map(|(i, row)| {
            let half = row_height / 2.0 - lift - style.radius - 3.0;
            let x: Vec<f64> = row.dots.iter().map(|s| frame.x.at(s.1)).collect();
            swarm(&x, style.radius, half).into_iter().zip(x).map(|(dy, x)| dy.map(|dy| (x, centre(i) + dy))).collect()
        })
        .collect();
    if crowd <= MAX_JOINED {
        for (pair, places) in rows.windows(2).zip(places.windows(2)) {
            for ((label, _), above) in pair[0].dots.iter().zip(&places[0]) {
                let below = pair[1].dots.iter().position(|dot| dot.0 == *label).and_then(|i| places[1][i]);
                if let (Some(above), Some(below)) = (*above, below) {
                    svg.path("join", &path([above, below]), "");
                }
            }
        }
    }
    for (i, (row, places)) in rows.iter().zip(&places).enumerate() {
        svg.group(&row.look.class());
        for ((label, r), place) in row.dots.iter().zip(places) {
            if let Some(place) = place {
                let what = style.mean.trim_start_matches("mean ");
                let title = format!("{label}: {what} = {} ({})", format::r(*r), row.name);
                svg.dot("subject", *place, style.radius, Some(&title));
            }
        }
        if row.mean.is_finite() && crowd > 1 {
            let x = frame.x.at(row.mean);
            let (above, below) = ((x, centre(i) - 15.0), (x, centre(i) + 15.0));
            let interval = row.interval.filter(|i| i.iter().all(|v| v.is_finite()));
            if let Some([low, high]) = interval.map(|i| i.map(|v| frame.x.clamped(v))) {
                svg.line("interval halo-line", (low, centre(i)), (high, centre(i)));
                svg.line("interval", (low, centre(i)), (high, centre(i)));
            }
            svg.line("mean halo-line", above, below);
            svg.line("mean", above, below);
        }
        let mean = format!(
            "{} {}",
            if crowd > 1 { style.mean } else { style.mean.trim_start_matches("mean ") },
            format::r(row.mean)
        );
        if wide {
            let name = format::ellipsis(&row.name, 20);
            svg.text_titled("name", (0.0, centre(i) - 2.0), Anchor::Start, &name, &row.name);
            svg.text("label", (0.0, centre(i) + 14.0), Anchor::Start, &mean);
        } else {
            let name = format::ellipsis(&row.name, 28);
            let y = frame.top + i as f64 * row_height + 13.0;
            svg.text_titled("name halo", (0.0, y), Anchor::Start, &name, &row.name);
            svg.text("label halo", (size.width() - 14.0, y), Anchor::End, &mean);
        }
        svg.end();
    }
    svg.finish()
}

fn spoken(rows: &[Row<'_>], style: Style) -> String {
    let rows = rows.iter().map(|row| {
        let range = extent(row.dots.iter().map(|s| s.1));
        let range = range.map_or_else(String::new, |(lo, hi)| format!(", from {} to {}", format::r(lo), format::r(hi)));
        format!("{}: {}{range}", row.name, format::r(row.mean))
    });
    format!("{} of all {}. {}.", style.axis, style.dots, rows.collect::<Vec<_>>().join("; "))
}

/// Vertical places around 0 at which dots at `x` do not overlap, as far as ± `half` allows; none for values that are
/// not finite.
fn swarm(x: &[f64], radius: f64, half: f64) -> Vec<Option<f64>> {
    let mut order: Vec<usize> = (0..x.len()).filter(|i| x[*i].is_finite()).collect();
    order.sort_by(|a, b| x[*a].total_cmp(&x[*b]));
    let levels = (half / radius).floor().max(0.0) as i32;
    let offsets: Vec<f64> =
        (0..=levels).flat_map(|k| if k == 0 { vec![0] } else { vec![-k, k] }).map(|k| f64::from(k) * radius).collect();
    let mut places: Vec<Option<f64>> = vec![None; x.len()];
    let mut placed: Vec<(f64, f64)> = Vec::new();
    for i in order {
        let room = |dy: f64| {
            let near = placed.iter().rev().take_while(|p| x[i] - p.0 < 2.0 * radius);
            near.map(|p| (x[i] - p.0).hypot(dy - p.1)).fold(f64::INFINITY, f64::min)
        };
        let free = offsets.iter().copied().find(|dy| room(*dy) >= 1.9 * radius);
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
        let places = swarm(&[10.0, 10.0, 10.0, f64::NAN, 100.0], 4.5, 30.0);
        let y: Vec<f64> = places[..3].iter().map(|p| p.expect("finite")).collect();
        let apart = |a: f64, b: f64| (a - b).abs() >= 1.9 * 4.5;
        assert!(apart(y[0], y[1]) && apart(y[1], y[2]) && apart(y[0], y[2]), "{y:?}");
        assert_eq!(places[3], None);
        assert_eq!(places[4], Some(0.0));
    }

    #[test]
    fn dots_stay_in_their_row() {
        let places = swarm(&[10.0; 200], 4.5, 30.0);
        assert!(places.iter().all(|p| p.expect("finite").abs() <= 30.0));
    }

    #[test]
    fn lines_join_the_dots_of_subjects_that_have_both() {
        let row = |dots: &[(&'static str, f64)]| Row {
            name: "a".to_owned(),
            look: Look::new(0, 0, false),
            mean: 0.1,
            interval: None,
            dots: dots.to_vec(),
        };
        let rows =
            [row(&[("1", 0.1), ("2", 0.2), ("3", 0.3)]), row(&[("3", 0.1), ("1", f64::NAN)]), row(&[("3", 0.2)])];
        let style = Style { axis: "r", mean: "mean r", dots: "subjects", radius: 4.5 };
        assert_eq!(draw(&rows, style, Size::Wide).matches("class=\"join\"").count(), 2);
    }

    #[test]
    fn nothing_is_drawn_without_a_score() {
        let rows = [Row {
            name: "trf".to_owned(),
            look: Look::new(0, 0, false),
            mean: f64::NAN,
            interval: None,
            dots: vec![("sub-01", f64::NAN)],
        }];
        let style = Style { axis: "r", mean: "mean r", dots: "subjects", radius: 4.5 };
        assert_eq!(draw(&rows, style, Size::Wide), "");
    }
}
