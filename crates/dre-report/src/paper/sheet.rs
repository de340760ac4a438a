//! One file of a figure: pictures side by side on white, with a size in millimetres.

use std::fmt::Write as _;

use super::style::inlined;
use crate::charts::Size;
use crate::svg::{Anchor, Svg, num};
use crate::topography::palette;

/// Millimetres to a px of the pictures: text of 12 px is 7.9 pt, small text of 11 px 7.2 pt, a wide picture with its margins
/// 180 mm.
const MM: f64 = 180.0 / (760.0 + 2.0 * MARGIN);
/// Room around everything (px).
const MARGIN: f64 = 8.0;
/// Room between pictures (px).
const GAP: f64 = 18.0;
/// Height of a title above a picture (px).
const TITLE: f64 = 20.0;
/// Distance of further lines of a title (px).
const LINE: f64 = 16.0;
/// Faces in order of preference; the first is the one that PNG and PDF are made with.
const FACES: &str = "Noto Sans, Arial, Helvetica, Liberation Sans, DejaVu Sans, sans-serif";

/// Pictures from left to right and from top to bottom.
#[derive(Debug)]
pub(super) struct Sheet {
    body: String,
    n_pictures: usize,
    /// Where the next picture goes, and the height of the row so far.
    at: (f64, f64),
    row_height: f64,
    /// What is used.
    extent: (f64, f64),
    width: f64,
}

impl Sheet {
    /// An empty sheet as wide as the widest pictures.
    pub(super) fn new() -> Self {
        let width = Size::Wide.width();
        Self { body: String::new(), n_pictures: 0, at: (0.0, 0.0), row_height: 0.0, extent: (0.0, 0.0), width }
    }

    /// One picture alone.
    pub(super) fn of(svg: &str) -> Self {
        let mut sheet = Self::new();
        sheet.put("", svg);
        sheet
    }

    pub(super) fn is_empty(&self) -> bool {
        self.n_pictures == 0
    }

    /// Goes on below what is there.
    pub(super) fn next_row(&mut self) {
        if self.at.0 > 0.0 {
            self.at = (0.0, self.at.1 + self.row_height + GAP);
            self.row_height = 0.0;
        }
    }

    /// A line of text over the whole width.
    pub(super) fn heading(&mut self, text: &str) {
        self.next_row();
        let y = self.at.1 + 13.0;
        let mut svg = Svg::new(0.0, 0.0, "");
        svg.text("title", (0.0, y), Anchor::Start, text);
        self.body += &inlined(&svg.finish(), "");
        self.at.1 += TITLE;
        self.extent.1 = self.extent.1.max(self.at.1);
        self.extent.0 = self.extent.0.max(crate::svg::text_width(text, 12.5));
    }

    /// Puts a picture beside the last one, or below where there is no room; with a title of one or more lines above it unless
    /// that is empty.
    pub(super) fn put(&mut self, title: &str, svg: &str) {
        if svg.is_empty() {
            return;
        }
        let (width, height) = size(svg);
        let lines: Vec<&str> = title.lines().collect();
        let top = if lines.is_empty() { 0.0 } else { TITLE + (lines.len() - 1) as f64 * LINE };
        if self.at.0 > 0.0 && self.at.0 + width > self.width {
            self.next_row();
        }
        let (x, y) = self.at;
        for (i, line) in lines.iter().enumerate() {
            let mut label = Svg::new(0.0, 0.0, "");
            let place = (x, y + 13.0 + i as f64 * LINE);
            label.text("title", place, Anchor::Start, &crate::format::ellipsis(line, (width / 7.5) as usize));
            self.body += &inlined(&label.finish(), "");
        }
        let content = inlined(svg, &format!("p{}-", self.n_pictures));
        let _ = write!(self.body, "<g transform=\"translate({} {})\">{content}</g>", num(x), num(y + top));
        self.n_pictures += 1;
        self.row_height = self.row_height.max(top + height);
        self.extent = (self.extent.0.max(x + width), self.extent.1.max(y + top + height));
        self.at.0 = x + width + GAP;
    }

    /// A bar of the colours of maps from `low` to `high`, in a row of its own.
    pub(super) fn colour_bar(&mut self, (low, high): (&str, &str), signed: bool, units: &str) {
        const STEPS: usize = 60;
        const LENGTH: f64 = 150.0;
        self.next_row();
        // Close to the maps it belongs to.
        self.at.1 -= GAP / 2.0;
        let left = 8.0 + crate::svg::text_width(low, 12.0);
        let right_text = format!("{high}  {units}");
        let width = left + LENGTH + 16.0 + crate::svg::text_width(&right_text, 12.0);
        let mut svg = Svg::new(width, 16.0, "");
        svg.text("label", (0.0, 12.0), Anchor::Start, low);
        let mut bar = String::new();
        for i in 0..STEPS {
            let share = (i as f64 + 0.5) / STEPS as f64;
            let colour = palette::on_light(palette::index(if signed { 2.0 * share - 1.0 } else { share }, 1.0));
            // A little overlap, so that no hairlines show between steps.
            let (x, w) = (left + LENGTH * i as f64 / STEPS as f64, LENGTH / STEPS as f64 + 0.4);
            let _ = write!(bar, "<rect x=\"{x:.2}\" y=\"3\" width=\"{w:.2}\" height=\"9\" fill=\"{colour}\"/>");
        }
        svg.text("label", (left + LENGTH + 8.0, 12.0), Anchor::Start, &right_text);
        let drawn = svg.finish().replace("</svg>", &format!("{bar}</svg>"));
        self.put("", &drawn);
        self.next_row();
    }

    /// The file, and its width and height (mm).
    pub(super) fn finish(self, title: &str) -> (String, f64, f64) {
        let (width, height) = (self.extent.0 + 2.0 * MARGIN, self.extent.1 + 2.0 * MARGIN);
        let (mm_width, mm_height) = (width * MM, height * MM);
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{mm_width:.2}mm\" height=\"{mm_height:.2}mm\" \
             viewBox=\"0 0 {w} {h}\" font-family=\"{FACES}\"><title>{}</title>\
             <rect width=\"{w}\" height=\"{h}\" fill=\"#ffffff\"/><g transform=\"translate({MARGIN} {MARGIN})\">{}</g></svg>\n",
            crate::svg::escape(title),
            self.body,
            w = num(width),
            h = num(height),
        );
        (svg, mm_width, mm_height)
    }
}

/// Width and height (px) that a picture states.
fn size(svg: &str) -> (f64, f64) {
    let number = |name: &str| {
        let start = svg.find(&format!(" {name}=\""))? + name.len() + 3;
        svg[start..].split('"').next()?.parse::<f64>().ok()
    };
    (number("width").unwrap_or(0.0), number("height").unwrap_or(0.0))
}
