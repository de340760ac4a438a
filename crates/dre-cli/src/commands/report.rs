//! `dre report`: scores to a page.

use std::path::Path;

use super::Context;
use crate::args::ReportArgs;
use crate::error::Result;
use crate::pipeline;
use crate::results;

pub(super) fn execute(args: &ReportArgs, context: &Context<'_>) -> Result<()> {
    let file = results::file_in(&args.path);
    let results = results::read(&file)?;
    let page = pipeline::report(&results, file.parent().unwrap_or(Path::new(".")))?;
    super::show(&results, Some(&page), context.console);
    Ok(())
}
