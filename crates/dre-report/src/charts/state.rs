//! Responses by brain state: a line per bin, and how large each bin's response is.

use super::{Frame, N_COLOURS, Size, TimeMarks, legend};
use crate::format;
use crate::scale::{extent, padded};
use crate::svg::{Anchor, Svg, path};

/// Steps of the ramp from least to most.
const N_STEPS: usize = 5;

/// Class of the colour of bin `bin` of `n`: along a ramp where bins are ordered, of their own where they go round.
pub(crate) fn bin_class(bin: usize, n: usize, ordered: bool) -> String {
    if ordered {
        let step = (bin * (N_STEPS - 1)) as f64 / (n.max(2) - 1) as f64;
        format!("q{}", step.round() as usize)
    } else {
        format!("c{}{}", bin % N_COLOURS, if bin >= N_COLOURS { " dashed" } else { "" })
    }
}

/// Bins that are drawn as lines: all, or of many a few with the first and the last.
pub(crate) fn drawn_bins(n: usize) -> Vec<usize> {
    if n <= N_STEPS {
        return (0..n).collect();
    }
    (0..N_STEPS).map(|step| (step * (n - 1) + (N_STEPS - 1) / 2) / (N_STEPS - 1)).collect()
}

/// One bin's response at a channel.
#[derive(Clone, Debug)]
pub(crate) struct BinLine<'a> {
    pub(crate) name: &'a str,
    pub(crate) class: String,
    pub(crate) values: &'a [f32],
}

/// What a panel shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResponsesOf<'a> {
    /// Unique on the page.
    pub(crate) id: &'a str,
    /// `true response`, or the name of a model.
    pub(crate) source: &'a str,
    pub(crate) channel: &'a str,
    /// Extent shared by all panels.
    pub(crate) domain: (f64, f64),
}

/// Draws the responses of all bins; empty where there is no time.
pub(crate) fn responses(what: &ResponsesOf<'_>, lines: &[BinLine<'_>], times: &[f64], marks: &TimeMarks) -> String {
    let (Some(&start), Some(&end)) = (times.first(), times.last()) else { return String::new() };
    if lines.is_empty() || start >= end {
        return String::new();
    }
    let width = Size::Narrow.width();
    let entries: Vec<_> = lines.iter().map(|line| (line.class.clone(), line.name.to_owned())).collect();
    let rows = legend(&mut Svg::new(0.0, 0.0, ""), &entries, (42.0, width), 0.0);
    let top = 28.0 + rows;
    let frame = Frame::new((42.0, width - 10.0), (top, top + 150.0), (start, end), padded(what.domain, 0.05));
    let names: Vec<&str> = lines.iter().map(|line| line.name).collect();
    let label = format!("Responses by state at channel {}, {}: {}.", what.channel, what.source, names.join(", "));
    let mut svg = Svg::new(width, top + 190.0, &label);
    legend(&mut svg, &entries, (42.0, width), 10.0);
    marks.draw(&mut svg, &frame, false);
    frame.draw_y(&mut svg, "amplitude (scaled units)");
    frame.draw_x(&mut svg, "time from onset (s)");
    svg.clipped(&format!("clip-{}", what.id), frame.left, frame.top, frame.width(), frame.height());
    for line in lines {
        svg.group(&line.class);
        let points = times.iter().zip(line.values).map(|(t, v)| (frame.x.at(*t), frame.y.at(f64::from(*v))));
        svg.path("line", &path(points), "");
        svg.end();
    }
    svg.end();
    frame.draw_cursor(&mut svg);
    svg.finish()
}

/// Sizes of bins' responses: of the true ones, or of those that a model predicts.
#[derive(Clone, Debug)]
pub(crate) struct Gains<'a> {
    pub(crate) name: &'a str,
    pub(crate) class: String,
    /// Label and gain per bin of each subject.
    pub(crate) subjects: Vec<(&'a str, &'a [f64])>,
}

/// Draws a dot for each subject and bin, and a line through the means; empty where no gain is finite.
pub(crate) fn gains(series: &[Gains<'_>], bins: &[String], size: Size) -> String {
    let all = series.iter().flat_map(|s| s.subjects.iter().flat_map(|(_, gains)| gains.iter().copied()));
    let Some((low, high)) = extent(all.chain([1.0])) else { return String::new() };
    if bins.is_empty() || series.iter().all(|s| s.subjects.iter().all(|(_, g)| g.iter().all(|g| !g.is_finite()))) {
        return String::new();
    }
    let n = bins.len() as f64;
    let longest = if size == Size::Wide { 24 } else { 12 };
    let entries: Vec<_> = series.iter().map(|s| (s.class.clone(), format::ellipsis(s.name, longest))).collect();
    let rows = legend(&mut Svg::new(0.0, 0.0, ""), &entries, (42.0, size.width()), 0.0);
    let top = 30.0 + rows;
    let frame = Frame::new((42.0, size.width() - 10.0), (top, top + 170.0), (0.5, n + 0.5), padded((low, high), 0.06));
    let mut svg = Svg::new(size.width(), top + 212.0, &spoken(series, bins));
    legend(&mut svg, &entries, (42.0, size.width()), 10.0);
    frame.draw_y(&mut svg, "size of the response (1: true mean)");
    svg.line("onset", (frame.left, frame.y.at(1.0)), (frame.right, frame.y.at(1.0)));
    svg.line("axis", (frame.left, frame.bottom), (frame.right, frame.bottom));
    for (bin, name) in bins.iter().enumerate() {
        let x = frame.x.at(bin as f64 + 1.0);
        svg.line("axis", (x, frame.bottom), (x, frame.bottom + 4.0));
        svg.text("tick", (x, frame.bottom + 17.0), Anchor::Middle, name);
    }
    // Series stand side by side within a bin.
    let step = (0.5 / series.len() as f64).min(0.16);
    let place =
        |bin: usize, k: usize| frame.x.at(bin as f64 + 1.0 + (k as f64 - (series.len() - 1) as f64 / 2.0) * step);
    for (k, one) in series.iter().enumerate() {
        svg.group(&one.class);
        let mean = |bin: usize| {
            let found: Vec<f64> =
                one.subjects.iter().filter_map(|(_, g)| g.get(bin).copied()).filter(|g| g.is_finite()).collect();
            found.iter().sum::<f64>() / found.len() as f64
        };
        for (label, gains) in &one.subjects {
            for (bin, gain) in gains.iter().enumerate().filter(|(_, gain)| gain.is_finite()) {
                let title = format!("{label}, {}: {} ({})", bins[bin], format::fixed(*gain, 2), one.name);
                svg.dot("subject", (place(bin, k), frame.y.at(*gain)), 3.0, Some(&title));
            }
        }
        svg.path("line", &path((0..bins.len()).map(|bin| (place(bin, k), frame.y.at(mean(bin))))), "");
        svg.end();
    }
    svg.finish()
}

fn spoken(series: &[Gains<'_>], bins: &[String]) -> String {
    let names: Vec<&str> = series.iter().map(|s| s.name).collect();
    format!("Size of the response in each of {} bins, every subject a dot: {}.", bins.len(), names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_bins_are_all_drawn_and_many_from_end_to_end() {
        assert_eq!(drawn_bins(4), [0, 1, 2, 3]);
        let many = drawn_bins(12);
        assert_eq!((many.len(), many[0], many[4]), (5, 0, 11));
        assert_eq!([0, 1, 2, 3].map(|bin| bin_class(bin, 4, true)), ["q0", "q1", "q3", "q4"]);
        assert_eq!(bin_class(6, 8, false), "c6");
    }

    #[test]
    fn nothing_is_drawn_without_a_gain() {
        let one = Gains { name: "true", class: String::new(), subjects: vec![("sub-01", &[f64::NAN, f64::NAN])] };
        assert_eq!(gains(&[one], &["1".to_owned(), "2".to_owned()], Size::Wide), "");
    }
}
