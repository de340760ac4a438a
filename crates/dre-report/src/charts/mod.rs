//! The report's pictures, drawn once for a wide page and once for a phone, so that text keeps its size on both.

pub(crate) mod adaptation;
pub(crate) mod butterfly;
pub(crate) mod channels;
pub(crate) mod coefficients;
pub(crate) mod cohort;
pub(crate) mod delta;
pub(crate) mod evoked;
pub(crate) mod leak;
pub(crate) mod state;
pub(crate) mod strips;
pub(crate) mod time;
pub(crate) mod topomap;
pub(crate) mod training;

use crate::scale::{Scale, Tick, ticks};
use crate::svg::{Anchor, Svg, num, text_width};

/// Number of colours before they repeat (then with dashed lines).
pub(crate) const N_COLOURS: usize = 7;
/// Size of text in pictures (px).
pub(crate) const TEXT: f64 = 12.0;
/// Least distance between the baselines of two labels (px).
const LABEL_GAP: f64 = 14.0;

/// Widths that pictures are drawn at (px).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// The text column of a wide page.
    Wide,
    /// A phone.
    Narrow,
}

impl Size {
    pub(crate) fn width(self) -> f64 {
        match self {
            Self::Wide => 760.0,
            Self::Narrow => 358.0,
        }
    }

    /// Distinguishes identifiers of the two drawings of one picture.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Wide => "w",
            Self::Narrow => "n",
        }
    }
}

/// One picture at both widths.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    pub(crate) wide: String,
    pub(crate) narrow: String,
}

/// Draws at both widths.
pub(crate) fn both(draw: impl Fn(Size) -> String) -> Drawn {
    Drawn { wide: draw(Size::Wide), narrow: draw(Size::Narrow) }
}

/// How a model looks in every figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// Place of the model among the models.
    index: usize,
    /// Place of its colour; colours repeat.
    colour: usize,
    /// Whether its lines are dashed and its dots are rings: a fit without features, and models whose colour repeats.
    is_dashed: bool,
}

impl Look {
    /// The look of the model at `index` that has the colour at `colour`; of its fit without features where `is_past`.
    pub(crate) fn new(index: usize, colour: usize, is_past: bool) -> Self {
        Self { index, colour: colour % N_COLOURS, is_dashed: is_past || colour >= N_COLOURS }
    }

    /// Its classes.
    pub(crate) fn class(self) -> String {
        format!("m{} c{}{}", self.index, self.colour, if self.is_dashed { " dashed" } else { "" })
    }

    pub(crate) fn index(self) -> usize {
        self.index
    }
}

/// The plot area with its two axes.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) left: f64,
    pub(crate) right: f64,
    pub(crate) top: f64,
    pub(crate) bottom: f64,
    pub(crate) x: Scale,
    pub(crate) y: Scale,
}

impl Frame {
    /// An area between the given edges, showing the domains `x` and `y` (upwards).
    pub(crate) fn new((left, right): (f64, f64), (top, bottom): (f64, f64), x: (f64, f64), y: (f64, f64)) -> Self {
        Self { left, right, top, bottom, x: Scale::new(x, (left, right)), y: Scale::new(y, (bottom, top)) }
    }

    pub(crate) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(crate) fn height(&self) -> f64 {
        self.bottom - self.top
    }

    /// Horizontal grid lines with their values, and the axis's name above them.
    pub(crate) fn draw_y(&self, svg: &mut Svg, name: &str) {
        let n = (self.height() / 45.0).round().clamp(2.0, 6.0) as usize;
        svg.group("yaxis");
        for Tick { value, label } in ticks(self.y.domain, n) {
            let y = self.y.at(value);
            let class = if value == 0.0 { "zero" } else { "grid" };
            svg.line(class, (self.left, y), (self.right, y));
            svg.text("tick", (self.left - 7.0, y + 4.0), Anchor::End, &label);
        }
        svg.end();
        svg.text("axis-name", (0.0, self.top - 13.0), Anchor::Start, name);
    }

    /// Tick marks and values below the area, and the axis's name below them.
    pub(crate) fn draw_x(&self, svg: &mut Svg, name: &str) {
        self.draw_x_ticks(svg, name, ticks(self.x.domain, self.n_x_ticks()));
    }

    /// As [`Frame::draw_x`] for counts: no ticks between whole numbers.
    pub(crate) fn draw_x_counts(&self, svg: &mut Svg, name: &str) {
        let whole = self.n_x_ticks().min((self.x.domain.1 - self.x.domain.0) as usize);
        self.draw_x_ticks(svg, name, ticks(self.x.domain, whole));
    }

    fn draw_x_ticks(&self, svg: &mut Svg, name: &str, ticks: Vec<Tick>) {
        svg.line("axis", (self.left, self.bottom), (self.right, self.bottom));
        for Tick { value, label } in ticks {
            let x = self.x.at(value);
            svg.line("axis", (x, self.bottom), (x, self.bottom + 4.0));
            svg.text("tick", (x, self.bottom + 17.0), Anchor::Middle, &label);
        }
        svg.text("axis-name", (self.right, self.bottom + 34.0), Anchor::End, name);
    }

    /// Vertical grid lines.
    pub(crate) fn draw_x_grid(&self, svg: &mut Svg) {
        for Tick { value, .. } in ticks(self.x.domain, self.n_x_ticks()) {
            let class = if value == 0.0 { "zero" } else { "grid" };
            svg.line(class, (self.x.at(value), self.top), (self.x.at(value), self.bottom));
        }
    }

    fn n_x_ticks(&self) -> usize {
        (self.width() / 95.0).round().clamp(3.0, 8.0) as usize
    }

    /// A vertical line that the page's script moves; it carries the frame, so that the script knows the scales.
    pub(crate) fn draw_cursor(&self, svg: &mut Svg) {
        let edges = [self.left, self.right, self.top, self.bottom].map(num).join(" ");
        let [x, y] = [self.x.domain, self.y.domain];
        let extra = format!("data-frame=\"{edges} {} {} {} {}\"", x.0, x.1, y.0, y.1);
        svg.path("cursor", &format!("M0 {}V{}", num(self.top), num(self.bottom)), &extra);
    }
}

/// What is marked on every time axis.
#[derive(Clone, Debug, Default)]
pub(crate) struct TimeMarks {
    /// First and last time (s) of the init window, where any model has one.
    pub(crate) init: Option<(f64, f64)>,
    /// First time (s) that counts.
    pub(crate) score_from: f64,
    /// Last time (s) of the epoch.
    pub(crate) end: f64,
}

impl TimeMarks {
    /// Shades the init window and marks the onset; with `labels`, names the init window and the scored times above the
    /// area.
    pub(crate) fn draw(&self, svg: &mut Svg, frame: &Frame, labels: bool) {
        let bracket = |svg: &mut Svg, from: f64, to: f64, name: &str| {
            let y = num(frame.top - 5.0);
            svg.path("bracket", &format!("M{} {y}v-4H{}v4", num(from), num(to)), "");
            svg.text("mark", (from + 1.0, frame.top - 13.0), Anchor::Start, name);
        };
        if let Some((from, to)) = self.init {
            let (x0, x1) = (frame.x.clamped(from), frame.x.clamped(to));
            svg.rect("init", x0, frame.top, x1 - x0, frame.height());
            if labels {
                bracket(svg, x0, x1, "init");
            }
        }
        if frame.x.contains(0.0) {
            svg.line("onset", (frame.x.at(0.0), frame.top), (frame.x.at(0.0), frame.bottom));
        }
        if labels && self.score_from < self.end {
            bracket(svg, frame.x.clamped(self.score_from), frame.x.clamped(self.end), "scored");
        }
    }
}

/// Baselines for labels that should stand at `wanted`, moved apart so that none overlap, within `top` and `bottom`.
pub(crate) fn spread_labels(wanted: &[f64], top: f64, bottom: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    // Groups of labels that touch are centred on the mean of their wanted places, then merged until none touch.
    let mut groups: Vec<(f64, usize)> = Vec::new();
    for &i in &order {
        groups.push((wanted[i].clamp(top, bottom), 1));
        while let [.., (a, n), (b, m)] = groups[..] {
            let (n_all, half) = (n + m, |n: usize| (n as f64 - 1.0) / 2.0 * LABEL_GAP);
            if b - half(m) - (a + half(n)) >= LABEL_GAP {
                break;
            }
            groups.truncate(groups.len() - 2);
            let centre = (a * n as f64 + b * m as f64) / n_all as f64;
            let (lowest, highest) = (top + half(n_all), (bottom - half(n_all)).max(top + half(n_all)));
            groups.push((centre.clamp(lowest, highest), n_all));
        }
    }
    let mut places = vec![0.0; wanted.len()];
    let mut next = order.into_iter();
    for (centre, n) in groups {
        for k in 0..n {
            let i = next.next().expect("groups hold every label");
            places[i] = centre + (k as f64 - (n as f64 - 1.0) / 2.0) * LABEL_GAP;
        }
    }
    places
}

/// An entry of a legend: the classes of its swatch, and its text.
pub(crate) type LegendEntry = (String, String);

/// A row of swatches and texts from `x` to `right`, wrapped; returns the height used.
pub(crate) fn legend(svg: &mut Svg, entries: &[LegendEntry], (x, right): (f64, f64), y: f64) -> f64 {
    let (mut at_x, mut at_y) = (x, y);
    for (class, text) in entries {
        let width = 16.0 + text_width(text, TEXT) + 14.0;
        if at_x > x && at_x + width - 14.0 > right {
            at_x = x;
            at_y += 18.0;
        }
        svg.rect(&format!("swatch {class}"), at_x, at_y - 9.0, 10.0, 10.0);
        svg.text("label", (at_x + 15.0, at_y), Anchor::Start, text);
        at_x += width;
    }
    at_y - y + 18.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_do_not_overlap_and_stay_inside() {
        let places = spread_labels(&[50.0, 50.0, 52.0, 10.0, 400.0], 10.0, 100.0);
        let mut sorted = places.clone();
        sorted.sort_by(f64::total_cmp);
        assert!(sorted.windows(2).all(|w| w[1] - w[0] >= LABEL_GAP - 1e-9), "{places:?}");
        assert!(sorted[0] >= 10.0 - 1e-9 && sorted[4] <= 100.0 + 1e-9, "{places:?}");
    }

    #[test]
    fn labels_apart_stay_where_they_are() {
        assert_eq!(spread_labels(&[80.0, 20.0], 0.0, 100.0), [80.0, 20.0]);
    }

    #[test]
    fn colours_repeat_with_dashes() {
        assert_eq!(Look::new(1, 1, false).class(), "m1 c1");
        assert_eq!(Look::new(8, 8, false).class(), "m8 c1 dashed");
        assert_eq!(Look::new(2, 1, true).class(), "m2 c1 dashed");
    }
}
