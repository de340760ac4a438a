//! What the filters carry from a response into the init window, by the response's latency.

use dre::results::{LeakCurve, LeakResult};

use super::{Frame, Size, legend};
use crate::format;
use crate::svg::{Svg, path};

/// Draws a curve for each duration of the response; empty where nothing leaks.
pub(crate) fn draw(leak: &LeakResult, size: Size) -> String {
    let shares = leak.curves.iter().flat_map(|curve| curve.shares.iter().copied());
    let highest = shares.fold(0.0, f64::max);
    let (Some(&first), Some(&last)) = (leak.latencies.first(), leak.latencies.last()) else { return String::new() };
    if highest <= 0.0 || first >= last {
        return String::new();
    }
    let height = if size == Size::Wide { 210.0 } else { 200.0 };
    let spoken = format!("Share of a response's energy in the init window over its latency. {}.", means(leak));
    let frame = Frame::new((50.0, size.width() - 12.0), (26.0, height - 62.0), (first, last), (0.0, 103.0 * highest));
    let mut svg = Svg::new(size.width(), height, &spoken);
    frame.draw_y(&mut svg, "% of energy");
    frame.draw_x(&mut svg, "start of the response (s)");
    for (i, curve) in leak.curves.iter().enumerate() {
        svg.group(&class(i));
        let points = leak.latencies.iter().zip(&curve.shares);
        svg.path("line", &path(points.map(|(time, share)| (frame.x.at(*time), frame.y.at(100.0 * share)))), "");
        svg.end();
    }
    let entries: Vec<_> = leak.curves.iter().enumerate().map(|(i, curve)| (class(i), of(curve))).collect();
    legend(&mut svg, &entries, (frame.left, size.width()), height - 8.0);
    svg.finish()
}

/// Colours that no model of the page's legend stands for alone: brown and violet.
fn class(index: usize) -> String {
    ["c6", "c5"][index % 2].to_owned()
}

fn of(curve: &LeakCurve) -> String {
    if curve.duration == 0.0 {
        "impulse".to_owned()
    } else {
        format!("response of {} s", format::trimmed(curve.duration))
    }
}

/// The mean over latencies of each curve, in words.
pub(crate) fn means(leak: &LeakResult) -> String {
    let curves: Vec<String> =
        leak.curves.iter().map(|curve| format!("{}: {}", of(curve), percent(curve.mean))).collect();
    format!("Mean over latencies: {}", curves.join("; "))
}

/// A share as a percentage that shows small ones.
fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    match () {
        () if percent == 0.0 => "0 %".to_owned(),
        () if percent < 0.001 => "less than 0.001 %".to_owned(),
        () if percent < 0.1 => format!("{percent:.3} %"),
        () => format!("{percent:.1} %"),
    }
}
