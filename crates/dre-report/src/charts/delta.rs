//! A score or a loss of it over time: a line per input or model with its interval, and bars where it is significant.

use super::{Frame, N_COLOURS, Size, TEXT, TimeMarks, spread_labels};
use crate::format;
use crate::scale::{extent, padded};
use crate::svg::{Anchor, Svg, band, path, text_width};

/// Height of the bar of one input below the lines (px).
const BAR: f64 = 6.0;

/// One input's or model's line.
#[derive(Clone, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) name: &'a str,
    /// Classes of its colour.
    pub(crate) class: String,
    pub(crate) mean: &'a [f64],
    /// Interval per time; empty where there is none.
    pub(crate) interval: &'a [[f64; 2]],
    /// First and last time (s) of every stretch that is significant.
    pub(crate) significant: Vec<(f64, f64)>,
}

/// Lines that share a picture.
#[derive(Clone, Debug)]
pub(crate) struct Drawing<'a> {
    /// Unique on the page.
    pub(crate) id: String,
    /// What is drawn: `Δr`.
    pub(crate) axis: &'static str,
    pub(crate) lines: Vec<Line<'a>>,
}

/// The colour of the input at `index`.
pub(crate) fn class(index: usize) -> String {
    let dashed = if index >= N_COLOURS { " dashed" } else { "" };
    format!("c{}{dashed}", index % N_COLOURS)
}

/// Draws the lines; empty where no value is finite.
pub(crate) fn draw(what: &Drawing<'_>, times: &[f64], marks: &TimeMarks, size: Size) -> String {
    let Drawing { id, axis, lines } = what;
    let (Some(&start), Some(&end)) = (times.first(), times.last()) else { return String::new() };
    let edges = lines.iter().flat_map(|line| line.mean.iter().copied().chain(line.interval.iter().flatten().copied()));
    let Some((low, high)) = extent(edges).map(|(low, high)| (low.min(0.0), high.max(0.0))) else {
        return String::new();
    };
    if low >= high || start >= end {
        return String::new();
    }
    let longest = if size == Size::Wide { 20 } else { 9 };
    let names: Vec<String> = lines.iter().map(|line| format::ellipsis(line.name, longest)).collect();
    let label_width = names.iter().map(|name| text_width(name, TEXT)).fold(0.0, f64::max);
    let bars = BAR * lines.iter().filter(|line| !line.significant.is_empty()).count() as f64;
    let height = if size == Size::Wide { 270.0 } else { 240.0 } + bars;
    let right = size.width() - label_width - 8.0;
    let frame = Frame::new((52.0, right), (34.0, height - 42.0 - bars), (start, end), padded((low, high), 0.05));
    let mut svg = Svg::new(size.width(), height, &spoken(what, times, marks));
    // A long name of the axis takes the room of the marks' names.
    marks.draw(&mut svg, &frame, axis.chars().count() < 8);
    frame.draw_y(&mut svg, axis);
    let with_bars = Frame { bottom: frame.bottom + bars, ..frame.clone() };
    with_bars.draw_x(&mut svg, "time from onset (s)");
    svg.clipped(&format!("clip-{id}-{}", size.suffix()), frame.left, frame.top, frame.width(), frame.height() + bars);
    let mut y = frame.bottom + 1.0;
    for line in lines {
        svg.group(&line.class);
        let edges = times
            .iter()
            .zip(line.interval)
            .map(|(t, [low, high])| (frame.x.at(*t), frame.y.at(*low), frame.y.at(*high)));
        svg.path("band", &band(edges), "");
        svg.path("line", &path(times.iter().zip(line.mean).map(|(t, v)| (frame.x.at(*t), frame.y.at(*v)))), "");
        for (from, to) in &line.significant {
            let (x0, x1) = (frame.x.clamped(*from), frame.x.clamped(*to));
            svg.rect("part", x0, y, (x1 - x0).max(1.5), BAR - 2.0);
        }
        if !line.significant.is_empty() {
            y += BAR;
        }
        svg.end();
    }
    svg.end();
    let last = |values: &[f64]| values.iter().rev().copied().find(|v| v.is_finite());
    let labelled: Vec<(usize, f64)> =
        lines.iter().enumerate().filter_map(|(i, line)| Some((i, frame.y.clamped(last(line.mean)?)))).collect();
    let wanted: Vec<f64> = labelled.iter().map(|(_, at)| *at).collect();
    for ((i, _), y) in labelled.into_iter().zip(spread_labels(&wanted, frame.top + 8.0, frame.bottom)) {
        svg.group(&lines[i].class);
        svg.text_titled("name", (frame.right + 6.0, y + 4.0), Anchor::Start, &names[i], lines[i].name);
        svg.end();
    }
    frame.draw_cursor(&mut svg);
    svg.finish()
}

fn spoken(what: &Drawing<'_>, times: &[f64], marks: &TimeMarks) -> String {
    let peaks = what.lines.iter().filter_map(|line| {
        let scored = times.iter().zip(line.mean).filter(|(t, v)| **t >= marks.score_from && v.is_finite());
        let (t, v) = scored.max_by(|a, b| a.1.total_cmp(b.1))?;
        Some(format!("{}: largest at {} s ({})", line.name, format::trimmed(*t), format::fixed(*v, 3)))
    });
    format!("{} over time. {}.", what.axis, peaks.collect::<Vec<_>>().join("; "))
}
