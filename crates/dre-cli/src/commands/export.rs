//! `dre export`: a recording of any format as FIF.

use dre_io::recording::fif::{FifOptions, FifWriter};
use ndarray::Array2;

use super::Context;
use crate::args::ExportArgs;
use crate::error::{CliError, Result};

/// Samples per channel that are copied at a time.
const BLOCK: usize = 1 << 14;

pub(super) fn execute(args: &ExportArgs, context: &Context<'_>) -> Result<()> {
    if args.out.exists() && !args.force {
        return Err(CliError::Exists { path: args.out.clone() });
    }
    let mut recording = dre_io::open_recording(&args.recording)?;
    let info = recording.info().clone();
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
