//! `dre export`: a recording of any format as FIF.

use std::path::Path;

use dre_io::recording::fif::{FifOptions, FifWriter};
use dre_io::store::clear_temporaries;
use ndarray::Array2;

use super::Context;
use crate::args::ExportArgs;
use crate::error::{CliError, Result};

/// Samples per channel that are copied at a time.
const BLOCK: usize = 1 << 14;

pub(super) fn execute(args: &ExportArgs, context: &Context<'_>) -> Result<()> {
    // With --force it would be written over what is no FIF file, such as a recording's own samples.
    if args.out.extension().is_none_or(|extension| extension != "fif") {
        return Err(CliError::NotFif { path: args.out.clone() });
    }
    if args.out.exists() && !args.force {
        return Err(CliError::Exists { path: args.out.clone() });
    }
    let mut recording = dre_io::open_recording(&args.recording)?;
    let info = recording.info().clone();
    if let Some(own) = info.files.iter().find(|file| is_same(file, &args.out)) {
        return Err(CliError::OwnFile { path: own.clone() });
    }
    if let Some(folder) = args.out.parent() {
        clear_temporaries(folder, false);
    }
    for note in &info.notes {
        context.console.warn(note);
    }
    let channels: Vec<usize> = (0..info.channels.len()).collect();
    let mut writer = FifWriter::new(&args.out, &info, &FifOptions::default())?;
    let mut block = Array2::zeros((channels.len(), BLOCK.min(info.n_times)));
    for start in (0..info.n_times).step_by(BLOCK) {
        let mut part = block.slice_mut(ndarray::s![.., ..BLOCK.min(info.n_times - start)]);
        recording.read(&channels, start, part.view_mut())?;
        writer.write(part.view())?;
    }
    for file in writer.finish()? {
        context.console.result(file.display());
    }
    Ok(())
}

/// Whether two paths lead to one file.
fn is_same(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
