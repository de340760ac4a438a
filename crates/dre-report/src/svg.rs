//! A small writer of SVG: escapes text, rounds coordinates, leaves gaps where values are missing.

use std::fmt::Write as _;

/// Where `x` lies in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

/// One picture. Classes are styled by the page; see `templates/style.css`.
#[derive(Debug)]
pub(crate) struct Svg {
    out: String,
}

impl Svg {
    /// Starts a picture of `width` × `height` that is read aloud as `label`.
    pub(crate) fn new(width: f64, height: f64, label: &str) -> Self {
        let label = escape(label);
        let out = format!(
            "<svg role=\"img\" aria-label=\"{label}\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\">\
             <desc>{label}</desc>",
            w = num(width),
            h = num(height),
        );
        Self { out }
    }

    /// Ends the picture.
    pub(crate) fn finish(mut self) -> String {
        self.out.push_str("</svg>");
        self.out
    }

    /// Opens a group of `class`; close it with [`Svg::end`].
    pub(crate) fn group(&mut self, class: &str) {
        self.put(format_args!("<g class=\"{}\">", escape(class)));
    }

    /// Opens a group that shows only what lies inside a rectangle; `id` is unique within the page.
    pub(crate) fn clipped(&mut self, id: &str, x: f64, y: f64, width: f64, height: f64) {
        let id = escape(id);
        self.put(format_args!(
            "<clipPath id=\"{id}\"><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/></clipPath>\
             <g clip-path=\"url(#{id})\">",
            num(x),
            num(y),
            num(width),
            num(height),
        ));
    }

    /// Closes the last open group.
    pub(crate) fn end(&mut self) {
        self.out.push_str("</g>");
    }

    pub(crate) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.put(format_args!("<path class=\"{class}\" d=\"M{} {}L{} {}\"/>", num(x1), num(y1), num(x2), num(y2)));
    }

    pub(crate) fn rect(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64) {
        self.put(format_args!(
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
            num(x),
            num(y),
            num(width.max(0.0)),
            num(height.max(0.0)),
        ));
    }

    /// A dot; `title` is what pointing at it shows.
    pub(crate) fn dot(&mut self, class: &str, (x, y): (f64, f64), radius: f64, title: Option<&str>) {
        self.put(format_args!("<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"{}\"", num(x), num(y), num(radius)));
        match title {
            Some(title) => self.put(format_args!("><title>{}</title></circle>", escape(title))),
            None => self.out.push_str("/>"),
        }
    }

    /// A square picture; `address` is a `data:` address.
    pub(crate) fn image(&mut self, address: &str, x: f64, y: f64, side: f64) {
        let (x, y, side) = (num(x), num(y), num(side));
        self.put(format_args!("<image x=\"{x}\" y=\"{y}\" width=\"{side}\" height=\"{side}\" href=\"{address}\"/>"));
    }

    /// A dot of the colour `fill`.
    pub(crate) fn filled_dot(&mut self, (x, y): (f64, f64), radius: f64, fill: &str) {
        let (x, y, r) = (num(x), num(y), num(radius));
        self.put(format_args!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\" fill=\"{fill}\"/>"));
    }

    /// A path from [`path`] or [`band`]; nothing where it is empty. `extra` is further attributes, already escaped.
    pub(crate) fn path(&mut self, class: &str, d: &str, extra: &str) {
        if !d.is_empty() || !extra.is_empty() {
            self.put(format_args!("<path class=\"{class}\" d=\"{d}\" {extra}/>"));
        }
    }

    /// A line of text with its baseline at `y`.
    pub(crate) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, content: &str) {
        self.put(format_args!(
            "<text class=\"{class}\" x=\"{}\" y=\"{}\" text-anchor=\"{}\">{}</text>",
            num(x),
            num(y),
            anchor.name(),
            escape(content),
        ));
    }

    /// As [`Svg::text`], for a name that was shortened: pointing at it shows `full`.
    pub(crate) fn text_titled(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, content: &str, full: &str) {
        self.put(format_args!(
            "<text class=\"{class}\" x=\"{}\" y=\"{}\" text-anchor=\"{}\">{}<title>{}</title></text>",
            num(x),
            num(y),
            anchor.name(),
            escape(content),
            escape(full),
        ));
    }

    fn put(&mut self, what: std::fmt::Arguments<'_>) {
        self.out.write_fmt(what).expect("writing to a String does not fail");
    }
}

/// Estimated width of `text` at `size` px in a sans-serif face; a little generous, since faces differ.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    let width = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '|' | '\'' | '!' | '\u{202f}' => 0.26,
        'f' | 't' | 'r' | 'I' | ' ' | '-' | '(' | ')' | '/' => 0.34,
        'm' | 'w' | 'M' | 'W' | '…' | '%' => 0.9,
        c if c.is_uppercase() => 0.72,
        _ => 0.57,
    };
    1.05 * size * text.chars().map(width).sum::<f64>()
}

/// A coordinate with one decimal, which is finer than a screen shows.
pub(crate) fn num(value: f64) -> String {
    debug_assert!(value.is_finite(), "a coordinate must be finite, found {value}");
    let tenths = (value * 10.0).round();
    if !tenths.is_finite() || tenths == 0.0 {
        return "0".to_owned();
    }
    let tenths = tenths as i64;
    if tenths % 10 == 0 {
        return (tenths / 10).to_string();
    }
    let sign = if tenths < 0 { "-" } else { "" };
    format!("{sign}{}.{}", tenths.abs() / 10, tenths.abs() % 10)
}

/// A line through `points`, broken where one is not finite. A point alone between gaps becomes a dot (with round line
/// ends). Where there are many points to a pixel, each pixel keeps its first, lowest, highest and last.
pub(crate) fn path(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let mut d = String::new();
    let mut run: Vec<(f64, f64)> = Vec::new();
    for (x, y) in points {
        if x.is_finite() && y.is_finite() {
            run.push((x, y));
        } else {
            append_run(&mut d, &run);
            run.clear();
        }
    }
    append_run(&mut d, &run);
    d
}

/// The area between `(x, low, high)`, broken where one is not finite.
pub(crate) fn band(points: impl IntoIterator<Item = (f64, f64, f64)>) -> String {
    let mut d = String::new();
    let mut run: Vec<(f64, f64, f64)> = Vec::new();
    let mut append = |run: &mut Vec<(f64, f64, f64)>| {
        if run.len() > 1 {
            let mut outline = thinned(&run.iter().map(|p| (p.0, p.2)).collect::<Vec<_>>());
            let mut below = thinned(&run.iter().map(|p| (p.0, p.1)).collect::<Vec<_>>());
            below.reverse();
            outline.append(&mut below);
            append_points(&mut d, &outline);
            d.push('Z');
        }
        run.clear();
    };
    for (x, low, high) in points {
        if x.is_finite() && low.is_finite() && high.is_finite() {
            run.push((x, low, high));
        } else {
            append(&mut run);
        }
    }
    append(&mut run);
    d
}

fn append_run(d: &mut String, run: &[(f64, f64)]) {
    match run {
        [] => {}
        [(x, y)] => {
            let _ = write!(d, "M{} {}h0", num(*x), num(*y));
        }
        _ => append_points(d, &thinned(run)),
    }
}

/// Absolute start, then relative steps between rounded places, so that rounding does not add up.
fn append_points(d: &mut String, points: &[(f64, f64)]) {
    let mut last = (0.0, 0.0);
    for (i, &(x, y)) in points.iter().enumerate() {
        let here = ((x * 10.0).round() / 10.0, (y * 10.0).round() / 10.0);
        if i == 0 {
            let _ = write!(d, "M{} {}", num(here.0), num(here.1));
        } else {
            let dy = num(here.1 - last.1);
            let gap = if dy.starts_with('-') { "" } else { " " };
            let _ = write!(d, "l{}{gap}{dy}", num(here.0 - last.0));
        }
        last = here;
    }
}

fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let pixels = (points[points.len() - 1].0 - points[0].0).abs().max(1.0);
    if points.len() as f64 <= 2.0 * pixels {
        return points.to_vec();
    }
    let mut kept = Vec::new();
    let mut rest = points;
    while let Some(&first) = rest.first() {
        let n = rest.iter().take_while(|p| p.0.floor() <= first.0.floor()).count();
        let (pixel, later) = rest.split_at(n.max(1));
        let by_y = |a: &usize, b: &usize| pixel[*a].1.total_cmp(&pixel[*b].1);
        let mut picks = vec![0, pixel.len() - 1];
        picks.extend((0..pixel.len()).min_by(by_y));
        picks.extend((0..pixel.len()).max_by(by_y));
        picks.sort_unstable();
        picks.dedup();
        kept.extend(picks.into_iter().map(|i| pixel[i]));
        rest = later;
    }
    kept
}

/// Text made safe for element content and quoted attributes. Characters that XML does not allow are left out.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() && !c.is_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        assert_eq!(escape("<b a=\"1\" c='2'>&\u{0}"), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;");
    }

    #[test]
    fn coordinates_have_one_decimal() {
        assert_eq!(num(1.0), "1");
        assert_eq!(num(-0.04), "0");
        assert_eq!(num(-0.26), "-0.3");
        assert_eq!(num(12.34), "12.3");
    }

    #[test]
    fn a_missing_value_breaks_the_line() {
        let d = path([(0.0, 1.0), (1.0, 2.0), (2.0, f64::NAN), (3.0, 4.0)]);
        assert_eq!(d, "M0 1l1 1M3 4h0");
        assert_eq!(path([(0.0, f64::NAN)]), "");
        assert_eq!(band([(0.0, 0.0, 1.0), (1.0, 0.0, 1.0), (2.0, f64::NAN, 1.0)]), "M0 1l1 0l0-1l-1 0Z");
    }

    #[test]
    fn rounding_does_not_add_up() {
        let d = path((0..100).map(|i| (f64::from(i) * 1.04, 0.0)));
        let end: f64 = d[1..].split('l').skip(1).map(|s| s.split(' ').next().unwrap().parse::<f64>().unwrap()).sum();
        assert!((end - 99.0 * 1.04).abs() <= 0.05 + 1e-9, "{end}");
    }

    #[test]
    fn many_points_to_a_pixel_keep_the_peak() {
        let spike = 7_777;
        let d = path((0..20_000).map(|i| (f64::from(i) / 100.0, if i == spike { 50.0 } else { 0.0 })));
        assert!(d.len() < 8_000, "{}", d.len());
        assert!(d.contains("50"), "the spike is lost");
    }
}
