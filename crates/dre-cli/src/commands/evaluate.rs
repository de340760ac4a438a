//! `dre evaluate`: fitted models to scores.

use super::Context;
use crate::args::{EvaluateArgs, FitOptions};
use crate::error::Result;
use crate::pipeline;

pub(super) fn execute(args: EvaluateArgs, context: &Context<'_>) -> Result<()> {
    let options = FitOptions { seed: args.seed, ..FitOptions::default() };
    let job = super::job(args.study, args.threads.count(), options)?;
    let results = pipeline::evaluate(&job, context)?;
    super::show(&results, None, context.console);
    Ok(())
}
