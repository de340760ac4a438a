//! Pictures as pixels and pages.
//!
//! Text is set in Noto Sans (SIL Open Font Licence), which is part of the program, so that files look the same on every machine
//! and there is text on one without fonts. The machine's fonts are asked only for scripts that Noto Sans lacks.

use std::sync::Arc;

use dre_report::PaperFigure;
use krilla::Document;
use krilla::geom::Size;
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla_svg::{SurfaceExt as _, SvgSettings};
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb::Database};

use crate::error::{CliError, Result};

const MM_PER_INCH: f64 = 25.4;
const POINTS_PER_INCH: f64 = 72.0;

/// Turns figures into other formats.
#[derive(Debug)]
pub(crate) struct Renderer {
    options: Options<'static>,
    has_system_fonts: bool,
}

impl Renderer {
    pub(crate) fn new() -> Self {
        let mut fonts = Database::new();
        for face in [notosans::REGULAR_TTF, notosans::BOLD_TTF] {
            fonts.load_font_data(face.to_vec());
        }
        fonts.set_sans_serif_family("Noto Sans");
        let options = Options { fontdb: Arc::new(fonts), font_family: "Noto Sans".to_owned(), ..Options::default() };
        Self { options, has_system_fonts: false }
    }

    fn tree(&mut self, figure: &PaperFigure) -> Result<Tree> {
        if !self.has_system_fonts && figure.svg.chars().any(|c| !is_in_noto_sans(c)) {
            self.options.fontdb_mut().load_system_fonts();
            self.has_system_fonts = true;
        }
        Tree::from_str(&figure.svg, &self.options).map_err(|e| failed(figure, &e.to_string()))
    }

    /// A PNG file that states its resolution (dots per inch).
    pub(crate) fn png(&mut self, figure: &PaperFigure, dpi: u32) -> Result<Vec<u8>> {
        let tree = self.tree(figure)?;
        let pixels = |mm: f64| (mm / MM_PER_INCH * f64::from(dpi)).round().max(1.0) as u32;
        let (width, height) = (pixels(figure.width), pixels(figure.height));
        let Some(mut picture) = Pixmap::new(width, height) else {
            return Err(failed(figure, &format!("{width} × {height} pixels are too many; lower --dpi")));
        };
        picture.fill(Color::WHITE);
        let (x, y) = (width as f32 / tree.size().width(), height as f32 / tree.size().height());
        resvg::render(&tree, Transform::from_scale(x, y), &mut picture.as_mut());
        // On a white ground nothing is transparent.
        let colours: Vec<u8> = picture.data().chunks_exact(4).flat_map(|rgba| [rgba[0], rgba[1], rgba[2]]).collect();
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let per_metre = (f64::from(dpi) / MM_PER_INCH * 1000.0).round() as u32;
        encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: per_metre, yppu: per_metre, unit: png::Unit::Meter }));
        let written = encoder.write_header().and_then(|mut writer| {
            writer.write_image_data(&colours)?;
            writer.finish()
        });
        written.map_err(|e| failed(figure, &e.to_string()))?;
        Ok(file)
    }

    /// A PDF file of one page, its text as text.
    pub(crate) fn pdf(&mut self, figure: &PaperFigure) -> Result<Vec<u8>> {
        let tree = self.tree(figure)?;
        let points = |mm: f64| (mm / MM_PER_INCH * POINTS_PER_INCH) as f32;
        let Some(size) = Size::from_wh(points(figure.width), points(figure.height)) else {
            return Err(failed(figure, "it has no size"));
        };
        let mut document = Document::new();
        let creator = format!("dre {}", env!("CARGO_PKG_VERSION"));
        document.set_metadata(Metadata::new().title(figure.name.clone()).creator(creator));
        let mut page = document.start_page_with(PageSettings::new(size));
        let mut surface = page.surface();
        let drawn = surface.draw_svg(&tree, size, SvgSettings::default());
        surface.finish();
        page.finish();
        drawn.ok_or_else(|| failed(figure, "a part of it cannot be drawn"))?;
        document.finish().map_err(|e| failed(figure, &format!("{e:?}")))
    }
}

fn failed(figure: &PaperFigure, reason: &str) -> CliError {
    CliError::Figure { name: figure.name.clone(), reason: reason.to_owned() }
}

/// Whether Noto Sans may be expected to have a character: Latin, Greek, Cyrillic, punctuation, and the signs that figures use.
fn is_in_noto_sans(c: char) -> bool {
    matches!(c, '\0'..='\u{52f}' | '\u{1e00}'..='\u{20cf}' | '\u{2122}' | '\u{2206}' | '\u{2212}' | '\u{221a}' | '\u{221e}' | '\u{2264}' | '\u{2265}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(text: &str) -> PaperFigure {
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"25.4mm\" height=\"12.7mm\" viewBox=\"0 0 100 50\" font-family=\"Noto \
             Sans, sans-serif\"><rect width=\"100\" height=\"50\" fill=\"#ffffff\"/><text x=\"5\" y=\"30\" font-size=\"20\" \
             fill=\"#000000\">{text}</text></svg>"
        );
        PaperFigure { name: "x".to_owned(), svg, width: 25.4, height: 12.7, table: String::new() }
    }

    #[test]
    fn pictures_have_the_stated_size_and_text_without_any_font_of_the_machine() {
        let mut renderer = Renderer::new();
        let file = renderer.png(&figure("Δr − 0.5"), 300).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&file)).read_info().unwrap();
        assert_eq!((reader.info().width, reader.info().height), (300, 150));
        assert_eq!(reader.info().pixel_dims.map(|dims| (dims.xppu, dims.unit)), Some((11_811, png::Unit::Meter)));
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let n_dark = pixels.chunks_exact(3).filter(|rgb| rgb[0] < 64).count();
        assert!(n_dark > 500, "{n_dark} dark pixels");
        assert!(!renderer.has_system_fonts);
        let empty = renderer.png(&figure(""), 300).unwrap();
        assert!(empty.len() < file.len());
    }

    #[test]
    fn a_pdf_is_one_and_holds_its_font() {
        let file = Renderer::new().pdf(&figure("Δr")).unwrap();
        assert!(file.starts_with(b"%PDF-"));
        let text = String::from_utf8_lossy(&file);
        assert!(text.contains("NotoSans") && text.contains("/MediaBox"), "{} bytes", file.len());
    }

    #[test]
    fn scripts_that_the_font_lacks_are_told() {
        assert!("r − Δ, 8–13\u{202f}Hz, ∞ ≤ é Я".chars().all(is_in_noto_sans));
        assert!(!is_in_noto_sans('脑'));
    }
}
