//! `dre state`: fitted models to responses by brain state.

use super::Context;
use crate::args::{FitOptions, StateArgs};
use crate::error::Result;
use crate::pipeline;

pub(super) fn execute(args: StateArgs, context: &Context<'_>) -> Result<()> {
    let options = FitOptions { seed: args.seed, force: args.force, ..FitOptions::default() };
    let job = super::job(args.study, args.threads.count(), options)?;
    let results = pipeline::evaluate(&job, context)?;
    let results = pipeline::state(&job, results, context)?;
    let page = pipeline::report(&results, &job.out)?;
    super::show(&results, Some(&page), context.console);
    Ok(())
}
