//! `dre figures`: the report's figures as files.

use std::path::Path;

use dre_io::pipeline::ABLATION_FOLDER;
use dre_io::store::{write_file, write_more};
use dre_report::{PaperFigure, PaperFigures};

use super::Context;
use crate::args::{FigureFormat, FiguresArgs};
use crate::error::{CliError, Result};
use crate::render::Renderer;
use crate::results::{file_in, read};

/// Folder of the figures in a run's folder.
const FIGURES_FOLDER: &str = "figures";

pub(super) fn execute(args: &FiguresArgs, context: &Context<'_>) -> Result<()> {
    let file = file_in(&args.path);
    if !file.is_file() {
        return Err(CliError::NoResults { path: file });
    }
    let home = file.parent().unwrap_or(Path::new("."));
    let out = args.out.clone().unwrap_or_else(|| home.join(FIGURES_FOLDER));
    super::check_folder(&out)?;
    let PaperFigures { figures: mut all, left_out, note } = dre_report::figures(&read(&file)?)?;
    let ablation = home.join(ABLATION_FOLDER).join(crate::results::FILE_NAME);
    if ablation.is_file() {
        all.extend(ablations(dre_report::figures(&read(&ablation)?)?.figures));
    }
    let left_out: Vec<String> = left_out.into_iter().filter(|name| is_chosen(name, &args.only)).collect();
    let chosen = chosen(all, &args.only, &left_out)?;
    if !left_out.is_empty() {
        context.console.warn(format_args!("without {}: {note}", left_out.join(", ")));
    }
    let formats: Vec<FigureFormat> = [FigureFormat::Svg, FigureFormat::Png, FigureFormat::Pdf]
        .into_iter()
        .filter(|format| args.formats.contains(format))
        .collect();
    let n_files = chosen.len() * (1 + formats.len());
    write_more(&out, |new| write(&chosen, &formats, args.dpi, new, context))?;
    let n = chosen.len();
    let s = if n == 1 { "" } else { "s" };
    context.console.result(format_args!("{n} figure{s}, {n_files} files in {}", out.display()));
    Ok(())
}

/// Draws figures into a folder.
fn write(figures: &[PaperFigure], formats: &[FigureFormat], dpi: u32, out: &Path, context: &Context<'_>) -> Result<()> {
    let mut renderer = Renderer::new();
    for figure in figures {
        if context.interrupt.requested() {
            return Err(CliError::Stopped);
        }
        let write = |ending: &str, content: &[u8]| -> Result<()> {
            let path = out.join(format!("{}.{ending}", figure.name));
            Ok(write_file(&path, |file| file.write_all(content))?)
        };
        for format in formats {
            match format {
                FigureFormat::Svg => write("svg", figure.svg.as_bytes())?,
                FigureFormat::Png => write("png", &renderer.png(figure, dpi)?)?,
                FigureFormat::Pdf => write("pdf", &renderer.pdf(figure)?)?,
            }
        }
        write("tsv", figure.table.as_bytes())?;
        let (width, height) = (figure.width, figure.height);
        context.console.step("Drew", format_args!("{}, {width:.0} × {height:.0} mm", figure.name));
    }
    Ok(())
}

/// Of an ablation, what compares the variants.
fn ablations(figures: Vec<PaperFigure>) -> impl Iterator<Item = PaperFigure> {
    let compares = |figure: &PaperFigure| matches!(figure.name.as_str(), "scores" | "scores-time" | "comparison");
    figures
        .into_iter()
        .filter(compares)
        .map(|figure| PaperFigure { name: format!("ablation-{}", figure.name), ..figure })
}

/// Whether `only` names a figure, by its whole name or by its first words; all where it is empty.
fn is_chosen(name: &str, only: &[String]) -> bool {
    only.is_empty() || only.iter().any(|wanted| is_meant(name, wanted))
}

fn is_meant(name: &str, wanted: &str) -> bool {
    name.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// The figures that `only` names; it may also name those that were left out.
fn chosen(all: Vec<PaperFigure>, only: &[String], left_out: &[String]) -> Result<Vec<PaperFigure>> {
    let names = || all.iter().map(|figure| figure.name.as_str());
    let is_known =
        |wanted: &String| names().chain(left_out.iter().map(String::as_str)).any(|name| is_meant(name, wanted));
    if let Some(name) = only.iter().find(|wanted| !is_known(wanted)) {
        return Err(CliError::UnknownFigure { name: name.clone(), known: names().collect::<Vec<_>>().join(", ") });
    }
    Ok(all.into_iter().filter(|figure| is_chosen(&figure.name, only)).collect())
}
