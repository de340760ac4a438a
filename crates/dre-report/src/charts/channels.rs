//! r of every channel: a row per channel where they are few, a strip of dots per model where they are many.

use super::strips::{self, Row, Style};
use super::{Frame, Look, Size, TEXT, legend};
use crate::format;
use crate::scale::{extent, padded};
use crate::svg::{Anchor, Svg, text_width};

/// Up to this many channels each gets a row with its name.
pub(crate) const MAX_ROWS: usize = 32;
const ROW: f64 = 22.0;

/// One model's r per channel.
#[derive(Clone, Debug)]
pub(crate) struct Series<'a> {
    pub(crate) name: &'a str,
    pub(crate) look: Look,
    /// Mean over subjects, channels and scored times.
    pub(crate) mean: f64,
    pub(crate) r: &'a [f64],
}

/// Draws every channel, in `order` (best first) where they have rows; empty where no value is finite.
pub(crate) fn draw(series: &[Series<'_>], channels: &[&str], order: &[usize], size: Size) -> String {
    if channels.len() > MAX_ROWS {
        let rows: Vec<Row<'_>> = series
            .iter()
            .map(|s| Row {
                name: s.name.to_owned(),
                look: s.look,
                mean: s.mean,
                interval: None,
                dots: channels.iter().copied().zip(s.r.iter().copied()).collect(),
            })
            .collect();
        return strips::draw(
            &rows,
            Style { axis: "mean r per channel", mean: "mean r", dots: "channels", radius: 2.2 },
            size,
        );
    }
    let Some((lo, hi)) = extent(series.iter().flat_map(|s| s.r.iter().copied())) else { return String::new() };
    let domain = padded((lo.min(0.0), hi.max(0.0)), 0.04);
    let names: Vec<String> = order.iter().map(|c| format::ellipsis(channels[*c], 16)).collect();
    let left = names.iter().map(|n| text_width(n, TEXT)).fold(20.0, f64::max) + 10.0;
    let longest = if size == Size::Wide { 24 } else { 14 };
    let entries: Vec<_> = series.iter().map(|s| (s.look.class(), format::ellipsis(s.name, longest))).collect();
    // The legend may wrap, so its height is found by drawing it once.
    let legend_height = legend(&mut Svg::new(0.0, 0.0, ""), &entries, (left, size.width()), 0.0);
    let top = 12.0 + legend_height;
    let bottom = top + order.len() as f64 * ROW;
    let frame = Frame::new((left, size.width() - 14.0), (top, bottom), domain, (0.0, 1.0));
    let mut svg = Svg::new(size.width(), bottom + 40.0, &spoken(series, channels, order));
    legend(&mut svg, &entries, (left, size.width()), 12.0);
    frame.draw_x_grid(&mut svg);
    frame.draw_x(&mut svg, "mean r");
    for (row, &c) in order.iter().enumerate() {
        let y = top + (row as f64 + 0.5) * ROW;
        svg.text_titled("label", (left - 10.0, y + 4.0), Anchor::End, &names[row], channels[c]);
        if let Some((lo, hi)) = extent(series.iter().filter_map(|s| s.r.get(c).copied())) {
            svg.line("join", (frame.x.at(lo), y), (frame.x.at(hi), y));
        }
        for s in series {
            if let Some(r) = s.r.get(c).copied().filter(|r| r.is_finite()) {
                svg.group(&s.look.class());
                let title = format!("{}: r = {} ({})", channels[c], format::r(r), s.name);
                svg.dot("subject", (frame.x.at(r), y), 4.5, Some(&title));
                svg.end();
            }
        }
    }
    svg.finish()
}

fn spoken(series: &[Series<'_>], channels: &[&str], order: &[usize]) -> String {
    let ranges = series.iter().filter_map(|s| {
        let (lo, hi) = extent(s.r.iter().copied())?;
        Some(format!("{} from {} to {}", s.name, format::r(lo), format::r(hi)))
    });
    let best = order.first().map_or("none", |c| channels[*c]);
    format!("Mean r per channel. {}. Best predicted channel: {best}.", ranges.collect::<Vec<_>>().join("; "))
}
