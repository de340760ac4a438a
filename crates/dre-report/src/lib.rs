//! What a study found, as one HTML page that opens offline, and its figures as files.
//!
//! [`write_html`] turns [`Results`] into a page that needs nothing else: no network, no fonts, no files beside it.
//! Every figure is drawn here as SVG, so that the page reads without JavaScript; a short script adds read-outs,
//! a choice of channel, the hiding of models and sliders that move maps of the head over time. The page follows the reader's light or dark setting and prints.

mod charts;
mod check;
mod coefficients;
mod compact;
mod error;
mod evoked;
mod families;
mod figures;
mod format;
mod group;
mod headline;
mod importance;
mod maps;
mod page;
mod paper;
mod scale;
mod seeds;
mod state;
mod stimulus;
mod store;
mod svg;
mod tables;
mod topography;
mod values;
mod windows;

use dre::results::Results;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior};

pub use error::{Error, Result};
pub use paper::{PaperFigure, PaperFigures, figures};

/// The report of `results` as the text of one HTML file.
///
/// The size is about 100 kB for a few subjects and below 5 MB for 68 subjects and 273 channels: of the evoked responses,
/// as many channels as fit are kept, the best predicted first, and the page says how many.
///
/// # Errors
/// [`Error::Format`] for results of another layout; [`Error::Length`], [`Error::Times`] and [`Error::UnknownModel`]
/// where parts of the results do not fit each other. Empty parts and values that are not finite are no error: the page
/// says what is missing.
pub fn write_html(results: &Results) -> Result<String> {
    check::check(results)?;
    let results = &*families::ordered(results);
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_template("report.html", include_str!("../templates/report.html"))?;
    Ok(environment.get_template("report.html")?.render(Value::from(Serde(page::Page::new(results))))?)
}
