//! Coefficients of a feature over lags: one line per channel, as evoked responses are drawn.

use super::{Frame, Look, Size};
use crate::format;
use crate::scale::{extent, padded};
use crate::svg::{Svg, path};

/// Points of a line at most: more cannot be told apart at this width.
const MAX_POINTS: usize = 160;

/// One channel's coefficients.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course<'a> {
    pub(crate) channel: &'a str,
    pub(crate) values: &'a [f32],
}

/// What a picture of coefficients shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CoefficientsOf<'a> {
    /// The model’s look.
    pub(crate) look: Look,
    pub(crate) feature: &'a str,
    /// Extent of the values of all features, so that their pictures compare.
    pub(crate) domain: (f64, f64),
}

/// Draws the courses; empty where there is nothing finite.
pub(crate) fn draw(what: &CoefficientsOf<'_>, lags: &[f64], courses: &[Course<'_>], size: Size) -> String {
    let (Some(&start), Some(&end)) = (lags.first(), lags.last()) else { return String::new() };
    if courses.is_empty() || start >= end {
        return String::new();
    }
    let height = if size == Size::Wide { 220.0 } else { 200.0 };
    let frame = Frame::new((52.0, size.width() - 10.0), (30.0, height - 40.0), (start, end), padded(what.domain, 0.05));
    let mut svg = Svg::new(size.width(), height, &spoken(what.feature, lags, courses));
    frame.draw_y(&mut svg, "coefficient (scaled units)");
    frame.draw_x(&mut svg, "lag (s)");
    let step = lags.len().div_ceil(MAX_POINTS).max(1);
    svg.group(&format!("{} butterfly", what.look.class()));
    for course in courses {
        let points = lags.iter().zip(course.values).step_by(step);
        svg.path("line", &path(points.map(|(lag, v)| (frame.x.at(*lag), frame.y.at(f64::from(*v))))), "");
    }
    svg.end();
    frame.draw_cursor(&mut svg);
    svg.finish()
}

/// Extent of all values, with 0; none where no value is finite.
pub(crate) fn domain<'a>(values: impl Iterator<Item = &'a f32>) -> Option<(f64, f64)> {
    extent(values.map(|v| f64::from(*v))).map(|(lo, hi)| (lo.min(0.0), hi.max(0.0))).filter(|(lo, hi)| lo < hi)
}

fn spoken(feature: &str, lags: &[f64], courses: &[Course<'_>]) -> String {
    let all =
        courses.iter().flat_map(|c| lags.iter().zip(c.values).map(move |(lag, v)| (c.channel, *lag, f64::from(*v))));
    let largest = all.filter(|(.., v)| v.is_finite()).max_by(|a, b| a.2.abs().total_cmp(&b.2.abs()));
    let largest = largest.map_or_else(String::new, |(channel, lag, v)| {
        format!(" The largest is {} at channel {channel}, {} s.", format::fixed(v, 3), format::trimmed(lag))
    });
    format!("Coefficients of {feature} over lags.{largest}")
}
