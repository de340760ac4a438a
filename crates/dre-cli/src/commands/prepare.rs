//! `dre prepare`: recordings to a cohort.

use super::Context;
use crate::args::{FitOptions, PrepareArgs};
use crate::error::Result;
use crate::pipeline;

pub(super) fn execute(args: PrepareArgs, context: &Context<'_>) -> Result<()> {
    let options = FitOptions { force: args.force, ..FitOptions::default() };
    let job = super::job(args.study, args.threads.count(), options)?;
    let cohort = pipeline::prepare(&job, context)?;
    context.console.result(format_args!("Cohort: {}", cohort.display()));
    Ok(())
}
