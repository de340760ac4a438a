//! `dre run`: everything a study file asks for.

use dre::results::Results;
use dre_io::store::Hold;

use super::Context;
use crate::args::RunArgs;
use crate::error::Result;
use crate::pipeline::{self, Job};

pub(super) fn execute(args: RunArgs, context: &Context<'_>) -> Result<()> {
    let job = super::job(args.study, args.threads.count(), args.fit)?;
    everything(&job, context).map(drop)
}

/// Prepares, fits, evaluates, permutes inputs and orders by brain state where the study asks for it, and reports; shows and gives the results.
pub(super) fn everything(job: &Job, context: &Context<'_>) -> Result<Results> {
    // For all steps: what one has made is what the next one reads.
    let _hold = Hold::take(&job.out)?;
    pipeline::prepare(job, context)?;
    pipeline::fit(job, context)?;
    let mut results = pipeline::evaluate(job, context)?;
    if job.study.importance.is_some() {
        results = pipeline::importance(job, results, &[], context)?;
    }
    if job.study.state.is_some() {
        results = pipeline::state(job, results, context)?;
    }
    let page = pipeline::report(&results, &job.out)?;
    super::show(&results, Some(&page), context.console);
    Ok(results)
}
