//! r over time: a line per model, the spread of the subjects around it, and what processing alone predicts.

use super::{Frame, Look, Size, TEXT, TimeMarks, legend, spread_labels};
use crate::format;
use crate::scale::{extent, padded};
use crate::svg::{Anchor, Svg, band, path, text_width};

/// One model's line. Values inside the init window of a model that is shown it are missing: it can copy them.
#[derive(Clone, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) name: &'a str,
    pub(crate) look: Look,
    /// Mean over subjects and channels, per time.
    pub(crate) mean: Vec<f64>,
    /// Standard deviation across subjects, per time; NaN with fewer than two subjects.
    pub(crate) sd: Vec<f64>,
    /// Whether the band is drawn.
    pub(crate) has_band: bool,
    /// Each subject's r, per time; only the extent of the axis depends on them, since the page's script draws them.
    pub(crate) subjects: Vec<Vec<f64>>,
}

/// What the grey area is, in the legend.
pub(crate) const FLOOR: &str = "what processing alone predicts";

/// Draws the lines, above areas from 0 to each of `floors` (r per time); empty where no value is finite.
pub(crate) fn draw(lines: &[Line<'_>], floors: &[&[f64]], times: &[f64], marks: &TimeMarks, size: Size) -> String {
    let (Some(&start), Some(&end)) = (times.first(), times.last()) else { return String::new() };
    let Some(domain) = domain(lines, floors) else { return String::new() };
    let wide = size == Size::Wide;
    let longest = if wide { 18 } else { 9 };
    let names: Vec<String> = lines.iter().map(|l| format::ellipsis(l.name, longest)).collect();
    let label_width = names.iter().map(|n| text_width(n, TEXT)).fold(0.0, f64::max);
    let height = if wide { 330.0 } else { 270.0 };
    let legend_height = if floors.is_empty() { 0.0 } else { 20.0 };
    let frame = Frame::new((42.0, size.width() - label_width - 8.0), (34.0, height - 42.0), (start, end), domain);
    let mut svg = Svg::new(size.width(), height + legend_height, &spoken(lines, times, marks));
    marks.draw(&mut svg, &frame, true);
    frame.draw_y(&mut svg, "r");
    frame.draw_x(&mut svg, "time from onset (s)");
    svg.clipped(&format!("clip-time-{}", size.suffix()), frame.left, frame.top, frame.width(), frame.height());
    for floor in floors {
        let edges = times.iter().zip(*floor).map(|(t, r)| (frame.x.at(*t), frame.y.at(0.0), frame.y.at(*r)));
        svg.path("floor", &band(edges), "");
    }
    for (i, line) in lines.iter().enumerate() {
        svg.group(&line.look.class());
        let edges = times.iter().zip(&line.mean).zip(&line.sd).filter(|_| line.has_band);
        let edges = edges.map(|((t, m), sd)| (frame.x.at(*t), frame.y.at(m - sd), frame.y.at(m + sd)));
        svg.path("band", &band(edges), "");
        svg.group(&format!("each each-{i}"));
        svg.end();
        svg.path("line", &path(times.iter().zip(&line.mean).map(|(t, r)| (frame.x.at(*t), frame.y.at(*r)))), "");
        svg.end();
    }
    svg.end();
    let labelled: Vec<(usize, f64)> =
        lines.iter().enumerate().filter_map(|(i, l)| Some((i, frame.y.clamped(end_height(&l.mean)?)))).collect();
    let wanted: Vec<f64> = labelled.iter().map(|l| l.1).collect();
    let places = spread_labels(&wanted, frame.top + 8.0, frame.bottom);
    for ((i, _), y) in labelled.into_iter().zip(places) {
        svg.group(&lines[i].look.class());
        svg.text_titled("name", (frame.right + 6.0, y + 4.0), Anchor::Start, &names[i], lines[i].name);
        svg.end();
    }
    if !floors.is_empty() {
        legend(&mut svg, &[("floor".to_owned(), FLOOR.to_owned())], (frame.left, size.width()), height + 10.0);
    }
    frame.draw_cursor(&mut svg);
    svg.finish()
}

/// Where the line ends, on average over its last samples, so that noise does not move the label.
fn end_height(values: &[f64]) -> Option<f64> {
    let tail: Vec<f64> = values.iter().rev().copied().filter(|v| v.is_finite()).take(5).collect();
    (!tail.is_empty()).then(|| tail.iter().sum::<f64>() / tail.len() as f64)
}

/// Means with their bands, and single subjects but for the outermost hundredth, which is noise. Floors are cut where they are higher:
/// beside the init window they come close to 1.
fn domain(lines: &[Line<'_>], floors: &[&[f64]]) -> Option<(f64, f64)> {
    let bands = lines.iter().flat_map(|line| {
        let sd = line.sd.iter().map(|sd| if sd.is_finite() && line.has_band { *sd } else { 0.0 });
        line.mean.iter().zip(sd.chain(std::iter::repeat(0.0))).flat_map(|(m, sd)| [m - sd, m + sd])
    });
    let mut each: Vec<f64> = lines.iter().flat_map(|l| l.subjects.iter().flatten()).copied().collect();
    each.retain(|v| v.is_finite());
    each.sort_by(f64::total_cmp);
    let tail = each.len() / 200;
    let each = &each[tail..each.len() - tail];
    let (lo, hi) = extent(bands.chain(each.first().copied()).chain(each.last().copied()))?;
    // Where models predict less than processing does, the axis shows that.
    let mut all: Vec<f64> = floors.iter().flat_map(|floor| floor.iter()).copied().filter(|r| r.is_finite()).collect();
    all.sort_by(f64::total_cmp);
    let (lo, hi) = padded((lo, hi.max(all.get(all.len() * 9 / 10).copied().unwrap_or(hi))), 0.03);
    Some((lo.min(0.0), hi.max(0.0)))
}

fn spoken(lines: &[Line<'_>], times: &[f64], marks: &TimeMarks) -> String {
    let peaks = lines.iter().filter_map(|line| {
        let scored = times.iter().zip(&line.mean).filter(|(t, r)| **t >= marks.score_from && r.is_finite());
        let (t, r) = scored.max_by(|a, b| a.1.total_cmp(b.1))?;
        Some(format!("{} is highest at {} s (r = {})", line.name, format::trimmed(*t), format::r(*r)))
    });
    format!("Mean r over time. {}.", peaks.collect::<Vec<_>>().join("; "))
}
