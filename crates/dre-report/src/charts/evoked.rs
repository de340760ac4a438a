//! True and predicted evoked responses.

use super::{Frame, Look, Size, TimeMarks};
use crate::format;
use crate::scale::{extent, padded};
use crate::svg::{Anchor, Svg, path};

/// Width and height of a small multiple.
const TILE: (f64, f64) = (178.0, 92.0);

/// The lines of one channel and condition.
#[derive(Clone, Debug)]
pub(crate) struct Traces<'a> {
    pub(crate) truth: &'a [f32],
    /// Look of the model, its name, its prediction.
    pub(crate) predicted: Vec<(Look, &'a str, &'a [f32])>,
}

impl Traces<'_> {
    /// Smallest and largest value, with 0; none where no value is finite.
    pub(crate) fn extent(&self) -> Option<(f64, f64)> {
        let all = self.truth.iter().chain(self.predicted.iter().flat_map(|p| p.2));
        extent(all.map(|v| f64::from(*v))).map(|(lo, hi)| (lo.min(0.0), hi.max(0.0)))
    }

    fn draw(&self, svg: &mut Svg, frame: &Frame, times: &[f64]) {
        let line =
            |values: &[f32]| path(times.iter().zip(values).map(|(t, v)| (frame.x.at(*t), frame.y.at(f64::from(*v)))));
        svg.group("truth");
        svg.path("line", &line(self.truth), "data-trace=\"0\"");
        svg.end();
        for (k, (look, _, values)) in self.predicted.iter().enumerate() {
            svg.group(&look.class());
            svg.path("line", &line(values), &format!("data-trace=\"{}\"", k + 1));
            svg.end();
        }
    }
}

/// What a panel shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PanelOf<'a> {
    /// Unique among the panels.
    pub(crate) id: usize,
    pub(crate) condition: &'a str,
    pub(crate) channel: &'a str,
    pub(crate) size: Size,
}

/// Draws a panel with axes; `domain` is that of the channel over all conditions.
pub(crate) fn panel(
    what: &PanelOf<'_>,
    traces: &Traces<'_>,
    times: &[f64],
    domain: (f64, f64),
    marks: &TimeMarks,
) -> String {
    let (Some(&start), Some(&end)) = (times.first(), times.last()) else { return String::new() };
    let PanelOf { id, condition, channel, size } = *what;
    let height = if size == Size::Wide { 290.0 } else { 230.0 };
    let frame = Frame::new((42.0, size.width() - 10.0), (30.0, height - 40.0), (start, end), padded(domain, 0.05));
    let spoken = spoken(traces, times);
    let label = format!("True and predicted evoked response to {condition} at channel {channel}. {spoken}.");
    let mut svg = Svg::new(size.width(), height, &label);
    marks.draw(&mut svg, &frame, false);
    frame.draw_y(&mut svg, "amplitude (scaled units)");
    frame.draw_x(&mut svg, "time from onset (s)");
    let clip = format!("clip-evoked-{id}-{}", size.suffix());
    svg.clipped(&clip, frame.left, frame.top, frame.width(), frame.height());
    traces.draw(&mut svg, &frame, times);
    svg.end();
    frame.draw_cursor(&mut svg);
    svg.finish()
}

/// Draws a small multiple without numbers; `domain` is shared by all of them.
pub(crate) fn tile(
    title: &str,
    channel: &str,
    traces: &Traces<'_>,
    times: &[f64],
    domain: (f64, f64),
    marks: &TimeMarks,
) -> String {
    let (Some(&start), Some(&end)) = (times.first(), times.last()) else { return String::new() };
    let (width, height) = TILE;
    let frame = Frame::new((0.0, width), (18.0, height), (start, end), padded(domain, 0.05));
    let mut svg = Svg::new(width, height, &format!("Evoked response to {title} at channel {channel}"));
    marks.draw(&mut svg, &frame, false);
    let zero = frame.y.at(0.0);
    svg.line("zero", (frame.left, zero), (frame.right, zero));
    traces.draw(&mut svg, &frame, times);
    svg.text_titled("label", (0.0, 12.0), Anchor::Start, &format::ellipsis(channel, 20), channel);
    svg.finish()
}

fn spoken(traces: &Traces<'_>, times: &[f64]) -> String {
    let peak = |values: &[f32]| {
        let finite = times.iter().zip(values).filter(|(t, v)| **t >= 0.0 && v.is_finite());
        finite.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).map(|(t, v)| (*t, f64::from(*v)))
    };
    let named = [("true response", traces.truth)].into_iter().chain(traces.predicted.iter().map(|p| (p.1, p.2)));
    let peaks = named.filter_map(|(name, values)| {
        let (t, v) = peak(values)?;
        Some(format!("{name}: largest {} at {} s", format::fixed(v, 2), format::trimmed(t)))
    });
    peaks.collect::<Vec<_>>().join("; ")
}
