//! r over time: a line per model, the spread of the subjects around it.

use super::{Frame, Size, TEXT, TimeMarks, model_class, spread_labels};
use crate::format;
use crate::scale::{extent, padded};
use crate::svg::{Anchor, Svg, band, path, text_width};

/// One model's line.
#[derive(Clone, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) name: &'a str,
    /// Mean over subjects and channels, per time.
    pub(crate) mean: &'a [f64],
    /// Standard deviation across subjects, per time; empty with fewer than two subjects.
    pub(crate) sd: Vec<f64>,
    /// Subject label and its r, per time.
    pub(crate) subjects: Vec<(&'a str, &'a [f64])>,
}

/// Draws the lines; empty where no value is finite.
pub(crate) fn draw(lines: &[Line<'_>], times: &[f64], marks: &TimeMarks, size: Size) -> String {
    let (Some(&start), Some(&end)) = (times.first(), times.last()) else { return String::new() };
    let Some(domain) = r_domain(lines, times, marks) else { return String::new() };
    let wide = size == Size::Wide;
    let longest = if wide { 18 } else { 9 };
    let names: Vec<String> = lines.iter().map(|l| format::ellipsis(l.name, longest)).collect();
    let label_width = names.iter().map(|n| text_width(n, TEXT)).fold(0.0, f64::max);
    let height = if wide { 330.0 } else { 270.0 };
    let right = size.width() - label_width - 10.0;
    let frame = Frame::new((42.0, right), (34.0, height - 42.0), (start, end), domain);
    let mut svg = Svg::new(size.width(), height, &spoken(lines, times, marks));
    marks.draw(&mut svg, &frame, true);
    frame.draw_y(&mut svg, "mean r");
    frame.draw_x(&mut svg, "time from onset (s)");
    svg.clipped(&format!("clip-time-{}", size.suffix()), frame.left, frame.top, frame.width(), frame.height());
    for (i, line) in lines.iter().enumerate() {
        svg.group(&model_class(i));
        let edges = times.iter().zip(line.mean).zip(&line.sd);
        let edges = edges.map(|((t, m), sd)| (frame.x.at(*t), frame.y.at(m - sd), frame.y.at(m + sd)));
        svg.path("band", &band(edges), "");
        svg.group("each");
        for (_, r) in &line.subjects {
            svg.path("thin", &path(points(&frame, times, r)), "");
        }
        svg.end();
        svg.path("line", &path(points(&frame, times, line.mean)), "");
        svg.end();
    }
    svg.end();
    let ends: Vec<f64> = lines.iter().map(|l| label_height(&frame, l.mean)).collect();
    for (i, y) in spread_labels(&ends, frame.top + 8.0, frame.bottom).into_iter().enumerate() {
        svg.group(&model_class(i));
        svg.text_titled("name", (frame.right + 6.0, y + 4.0), Anchor::Start, &names[i], lines[i].name);
        svg.end();
    }
    frame.draw_cursor(&mut svg);
    svg.finish()
}

/// Points of `values` over `times`.
pub(crate) fn points<'a>(
    frame: &'a Frame,
    times: &'a [f64],
    values: &'a [f64],
) -> impl Iterator<Item = (f64, f64)> + 'a {
    times.iter().zip(values).map(|(t, v)| (frame.x.at(*t), frame.y.at(*v)))
}

/// Where the line ends, on average over its last samples, so that noise does not move the label.
fn label_height(frame: &Frame, values: &[f64]) -> f64 {
    let tail: Vec<f64> = values.iter().rev().take(5).copied().filter(|v| v.is_finite()).collect();
    if tail.is_empty() {
        return frame.bottom;
    }
    frame.y.clamped(tail.iter().sum::<f64>() / tail.len() as f64)
}

/// Values after the init window decide the axis: inside it, a model can copy what it is shown.
fn r_domain(lines: &[Line<'_>], times: &[f64], marks: &TimeMarks) -> Option<(f64, f64)> {
    let after = marks.init.map_or(f64::NEG_INFINITY, |(_, to)| to);
    let counts: Vec<usize> = (0..times.len()).filter(|i| times[*i] > after).collect();
    let of = |indices: &[usize]| {
        let means = lines.iter().flat_map(|line| {
            indices.iter().flat_map(|&i| {
                let (m, sd) = (line.mean.get(i).copied().unwrap_or(f64::NAN), line.sd.get(i).copied().unwrap_or(0.0));
                [m - sd, m + sd]
            })
        });
        let mut each: Vec<f64> = lines
            .iter()
            .flat_map(|l| l.subjects.iter())
            .flat_map(|(_, r)| indices.iter().filter_map(|i| r.get(*i).copied()))
            .filter(|v| v.is_finite())
            .collect();
        each.sort_by(f64::total_cmp);
        // Single subjects' lines are many and noisy; their outermost hundredth may leave the axis.
        let tail = each.len() / 100;
        let each = each.get(tail..each.len() - tail).unwrap_or_default();
        extent(means.chain(each.first().copied()).chain(each.last().copied()))
    };
    let found = of(&counts).or_else(|| of(&(0..times.len()).collect::<Vec<_>>()))?;
    let (lo, hi) = padded(found, 0.04);
    Some((lo.min(0.0), hi.max(0.0)))
}

fn spoken(lines: &[Line<'_>], times: &[f64], marks: &TimeMarks) -> String {
    let peaks = lines.iter().filter_map(|line| {
        let scored = times.iter().zip(line.mean).filter(|(t, r)| **t >= marks.score_from && r.is_finite());
        let (t, r) = scored.max_by(|a, b| a.1.total_cmp(b.1))?;
        Some(format!("{} is highest at {} s (r = {})", line.name, format::trimmed(*t), format::r(*r)))
    });
    format!("Mean r over time. {}.", peaks.collect::<Vec<_>>().join("; "))
}
