//! What became of the events.

use super::{Size, legend};
use crate::format;
use crate::svg::Svg;

/// Draws one bar of `parts` (class, name, count); empty where nothing is counted.
pub(crate) fn draw(parts: &[(&str, &str, usize)], size: Size) -> String {
    let total: usize = parts.iter().map(|p| p.2).sum();
    if total == 0 {
        return String::new();
    }
    let entries: Vec<_> = parts
        .iter()
        .filter(|p| p.2 > 0)
        .map(|(class, name, n)| ((*class).to_owned(), format!("{name} {}", format::count(*n))))
        .collect();
    let legend_height = legend(&mut Svg::new(0.0, 0.0, ""), &entries, (0.0, size.width()), 0.0);
    let spoken = entries.iter().map(|e| e.1.as_str()).collect::<Vec<_>>().join(", ");
    let mut svg = Svg::new(size.width(), 48.0 + legend_height, &format!("Events by their fate: {spoken}."));
    let mut x = 0.0;
    for (class, _, n) in parts.iter().filter(|p| p.2 > 0) {
        let width = *n as f64 / total as f64 * size.width();
        // A hairline between parts; a part too thin for it stays visible.
        svg.rect(&format!("part {class}"), x, 4.0, (width - 1.0).max(0.8), 22.0);
        x += width;
    }
    legend(&mut svg, &entries, (0.0, size.width()), 46.0);
    svg.finish()
}
