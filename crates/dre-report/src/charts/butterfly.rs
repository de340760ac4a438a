//! Butterfly plots: all channels of one evoked response in one picture.

use super::{Frame, Size, TimeMarks};
use crate::format;
use crate::scale::padded;
use crate::svg::{Svg, band, path};

/// The lines of single channels.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lines {
    /// The page's script adds them from its numbers: indices of the condition and trace.
    ByScript(usize, usize),
    /// They are part of the picture.
    Drawn,
}

/// What a plot shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ButterflyOf<'a> {
    pub(crate) condition: &'a str,
    /// `true response`, or the name of a model.
    pub(crate) name: &'a str,
    /// Classes of its colour.
    pub(crate) class: &'a str,
    pub(crate) lines: Lines,
    /// Channels × times.
    pub(crate) rows: &'a [Vec<f32>],
    /// Extent shared by all plots.
    pub(crate) domain: (f64, f64),
}

/// Draws the range over all channels and the lines of single ones.
pub(crate) fn draw(what: &ButterflyOf<'_>, times: &[f64], marks: &TimeMarks) -> String {
    let (Some(&start), Some(&end)) = (times.first(), times.last()) else { return String::new() };
    let width = Size::Narrow.width();
    // The page says once for all what is drawn; a picture that stands alone says it itself.
    let (top, name) = match what.lines {
        Lines::ByScript(..) => (16.0, ""),
        Lines::Drawn => (30.0, "amplitude (scaled units)"),
    };
    let frame = Frame::new((42.0, width - 10.0), (top, top + 130.0), (start, end), padded(what.domain, 0.05));
    let range: Vec<(f64, f64)> = (0..times.len()).map(|i| range(what.rows, i)).collect();
    let label =
        format!("Evoked response to {}, all channels, {}. {}", what.condition, what.name, spoken(times, &range));
    let mut svg = Svg::new(width, top + 166.0, &label);
    marks.draw(&mut svg, &frame, false);
    frame.draw_y(&mut svg, name);
    frame.draw_x(&mut svg, "time from onset (s)");
    svg.group(&format!("{} butterfly", what.class));
    let place = |(t, r): (&f64, &(f64, f64))| (frame.x.at(*t), frame.y.at(r.0), frame.y.at(r.1));
    svg.path("band", &band(times.iter().zip(&range).map(place)), "");
    match what.lines {
        Lines::ByScript(condition, trace) => {
            svg.path("line", "", &format!("data-butterfly=\"{condition} {trace}\""));
        }
        Lines::Drawn => what.rows.iter().for_each(|row| {
            let points = times.iter().zip(row).map(|(t, v)| (frame.x.at(*t), frame.y.at(f64::from(*v))));
            svg.path("line", &path(points), "");
        }),
    }
    svg.end();
    frame.draw_cursor(&mut svg);
    svg.finish()
}

/// Lowest and highest value at one time; NaN where no channel has one.
fn range(rows: &[Vec<f32>], time: usize) -> (f64, f64) {
    let values = rows.iter().filter_map(|row| row.get(time)).map(|v| f64::from(*v));
    crate::scale::extent(values).unwrap_or((f64::NAN, f64::NAN))
}

fn spoken(times: &[f64], range: &[(f64, f64)]) -> String {
    let spread = |r: &(f64, f64)| r.1 - r.0;
    let finite = times.iter().zip(range).filter(|(t, r)| **t >= 0.0 && spread(r).is_finite());
    finite.max_by(|a, b| spread(a.1).total_cmp(&spread(b.1))).map_or_else(String::new, |(t, r)| {
        format!(
            "Channels spread most at {} s, from {} to {}.",
            format::trimmed(*t),
            format::fixed(r.0, 2),
            format::fixed(r.1, 2)
        )
    })
}
