//! r of a new subject against minutes of data.

use dre::results::AdaptationResult;

use super::{Frame, Size, legend};
use crate::format;
use crate::scale::{Tick, extent, padded};
use crate::svg::{Anchor, Svg, path};

/// Draws r after adapting to more and more minutes, which are drawn by their logarithm; empty where nothing is finite.
pub(crate) fn draw(found: &AdaptationResult, size: Size) -> String {
    let lines: [(&str, &str, Vec<f64>); 3] = [
        ("c0", "embedding", found.points.iter().map(|p| p.embedding).collect()),
        ("c1", "embedding and map", found.points.iter().map(|p| p.mapped).collect()),
        ("c2", "TRF", found.points.iter().map(|p| p.trf).collect()),
    ];
    let level = |name: &'static str, r: f64| r.is_finite().then_some((name, r));
    let levels: Vec<(&str, f64)> =
        [found.trained_with.and_then(|r| level("trained with the subject", r)), level("not adapted", found.unadapted)]
            .into_iter()
            .flatten()
            .collect();
    let values = lines.iter().flat_map(|line| line.2.iter().copied()).chain(levels.iter().map(|l| l.1)).chain([0.0]);
    let minutes: Vec<f64> = found.points.iter().map(|p| p.minutes.log2()).collect();
    let (Some(domain), Some((first, last))) = (extent(values), extent(minutes.iter().copied())) else {
        return String::new();
    };
    let entries: Vec<_> = lines.iter().map(|(class, name, _)| ((*class).to_owned(), (*name).to_owned())).collect();
    let rows = legend(&mut Svg::new(0.0, 0.0, ""), &entries, (42.0, size.width()), 0.0);
    let top = 30.0 + rows;
    let frame = Frame::new(
        (42.0, size.width() - 12.0),
        (top, top + 190.0),
        padded((first, last.max(first + 1e-6)), 0.04),
        padded(domain, 0.06),
    );
    let mut svg = Svg::new(size.width(), top + 232.0, &spoken(found));
    legend(&mut svg, &entries, (42.0, size.width()), 10.0);
    frame.draw_y(&mut svg, "mean r");
    for (i, (name, r)) in levels.iter().enumerate() {
        let y = frame.y.at(*r);
        svg.line("onset", (frame.left, y), (frame.right, y));
        // The higher one above its line, the lower one below, so that close levels do not cover each other's name.
        let is_upper = levels.iter().enumerate().all(|(other, l)| other == i || *r > l.1 || (*r >= l.1 && i < other));
        svg.text("tick halo", (frame.right - 4.0, if is_upper { y - 5.0 } else { y + 14.0 }), Anchor::End, name);
    }
    let ticks = found
        .points
        .iter()
        .zip(&minutes)
        .map(|(p, at)| Tick { value: *at, label: format::trimmed((p.minutes * 10.0).round() / 10.0) });
    let mut free_from = f64::NEG_INFINITY;
    svg.line("axis", (frame.left, frame.bottom), (frame.right, frame.bottom));
    for Tick { value, label } in ticks {
        let x = frame.x.at(value);
        svg.line("axis", (x, frame.bottom), (x, frame.bottom + 4.0));
        // The last length, all there is, may lie close to the one before.
        if x - 14.0 >= free_from {
            svg.text("tick", (x, frame.bottom + 17.0), Anchor::Middle, &label);
            free_from = x + 14.0;
        }
    }
    svg.text("axis-name", (frame.right, frame.bottom + 34.0), Anchor::End, "minutes of the subject’s data");
    for (class, name, r) in &lines {
        svg.group(class);
        svg.path("line", &path(minutes.iter().zip(r).map(|(m, r)| (frame.x.at(*m), frame.y.at(*r)))), "");
        for ((p, at), r) in found.points.iter().zip(&minutes).zip(r).filter(|(_, r)| r.is_finite()) {
            let title = format!("{name}, {} min: r = {}", format::trimmed(p.minutes), format::r(*r));
            svg.dot("subject", (frame.x.at(*at), frame.y.at(*r)), 4.0, Some(&title));
        }
        svg.end();
    }
    svg.finish()
}

fn spoken(found: &AdaptationResult) -> String {
    let last = found.points.last().map_or_else(String::new, |p| {
        format!(
            " After {} minutes: embedding {}, embedding and map {}, TRF {}.",
            format::trimmed(p.minutes),
            format::r(p.embedding),
            format::r(p.mapped),
            format::r(p.trf)
        )
    });
    format!("Mean r of {} adapted to {} against minutes of data.{last}", found.model, found.subject)
}
