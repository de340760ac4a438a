//! r of every channel.

use super::{Frame, Size, TEXT, legend, model_class};
use crate::format;
use crate::scale::{extent, padded};
use crate::svg::{Anchor, Svg, text_width};

/// Up to this many channels each gets a row with its name; more become ranks along the x axis.
const MAX_ROWS: usize = 32;
const ROW: f64 = 22.0;

/// One model's r per channel.
#[derive(Clone, Debug)]
pub(crate) struct Series<'a> {
    pub(crate) name: &'a str,
    pub(crate) r: &'a [f64],
}

/// Draws every channel in `order` (best first); empty where no value is finite.
pub(crate) fn draw(series: &[Series<'_>], channels: &[&str], order: &[usize], size: Size) -> String {
    let values = series.iter().flat_map(|s| s.r.iter().copied());
    let Some((lo, hi)) = extent(values) else { return String::new() };
    let domain = padded((lo.min(0.0), hi.max(0.0)), 0.04);
    let label = spoken(series, channels, order);
    if channels.len() <= MAX_ROWS {
        draw_rows(series, channels, order, domain, &label, size)
    } else {
        draw_ranks(series, channels, order, domain, &label, size)
    }
}

fn entries(series: &[Series<'_>], size: Size) -> Vec<(String, String)> {
    let max = if size == Size::Wide { 24 } else { 14 };
    series.iter().enumerate().map(|(i, s)| (model_class(i), format::ellipsis(s.name, max))).collect()
}

fn draw_rows(
    series: &[Series<'_>],
    channels: &[&str],
    order: &[usize],
    domain: (f64, f64),
    label: &str,
    size: Size,
) -> String {
    let names: Vec<String> = order.iter().map(|c| format::ellipsis(channels[*c], 16)).collect();
    let left = names.iter().map(|n| text_width(n, TEXT)).fold(20.0, f64::max) + 12.0;
    let entries = entries(series, size);
    // The legend may wrap, so its height is found by drawing it once.
    let legend_height = legend(&mut Svg::new(0.0, 0.0, ""), &entries, (left, size.width()), 0.0);
    let top = 12.0 + legend_height;
    let bottom = top + order.len() as f64 * ROW;
    let frame = Frame::new((left, size.width() - 14.0), (top, bottom), domain, (0.0, 1.0));
    let mut svg = Svg::new(size.width(), bottom + 40.0, label);
    legend(&mut svg, &entries, (left, size.width()), 12.0);
    for tick in crate::scale::ticks(domain, (frame.width() / 80.0).round() as usize) {
        let class = if tick.value == 0.0 { "zero" } else { "grid" };
        svg.line(class, (frame.x.at(tick.value), top), (frame.x.at(tick.value), bottom));
    }
    frame.draw_x(&mut svg, "mean r");
    for (row, &c) in order.iter().enumerate() {
        let y = top + (row as f64 + 0.5) * ROW;
        svg.text_titled("label", (left - 10.0, y + 4.0), Anchor::End, &names[row], channels[c]);
        if let Some((lo, hi)) = extent(series.iter().filter_map(|s| s.r.get(c).copied())) {
            svg.line("join", (frame.x.at(lo), y), (frame.x.at(hi), y));
        }
        for (i, s) in series.iter().enumerate() {
            if let Some(r) = s.r.get(c).copied().filter(|r| r.is_finite()) {
                svg.group(&model_class(i));
                let title = format!("{}: r = {} ({})", channels[c], format::r(r), s.name);
                svg.dot("subject", (frame.x.at(r), y), 4.5, Some(&title));
                svg.end();
            }
        }
    }
    svg.finish()
}

fn draw_ranks(
    series: &[Series<'_>],
    channels: &[&str],
    order: &[usize],
    domain: (f64, f64),
    label: &str,
    size: Size,
) -> String {
    let entries = entries(series, size);
    let legend_height = legend(&mut Svg::new(0.0, 0.0, ""), &entries, (90.0, size.width()), 0.0);
    let top = 16.0 + legend_height;
    let height = top + if size == Size::Wide { 250.0 } else { 210.0 };
    let frame = Frame::new((42.0, size.width() - 10.0), (top, height - 42.0), (0.0, order.len() as f64), domain);
    let mut svg = Svg::new(size.width(), height, label);
    legend(&mut svg, &entries, (90.0, size.width()), top - 10.0 - (legend_height - 18.0));
    frame.draw_y(&mut svg, "mean r");
    frame.draw_x(&mut svg, "channels, best predicted first");
    for (i, s) in series.iter().enumerate() {
        svg.group(&model_class(i));
        for (rank, &c) in order.iter().enumerate() {
            if let Some(r) = s.r.get(c).copied().filter(|r| r.is_finite()) {
                let title = format!("{}: r = {} ({})", channels[c], format::r(r), s.name);
                svg.dot("point", (frame.x.at(rank as f64 + 0.5), frame.y.at(r)), 2.2, Some(&title));
            }
        }
        svg.end();
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
