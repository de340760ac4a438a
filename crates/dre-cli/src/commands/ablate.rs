//! `dre ablate`: a network beside itself with parts taken away.

use dre_io::store::Hold;

use super::Context;
use crate::args::RunArgs;
use crate::error::Result;
use crate::pipeline;

pub(super) fn execute(args: RunArgs, context: &Context<'_>) -> Result<()> {
    let job = super::job(args.study, args.threads.count(), args.fit)?;
    let _hold = Hold::take(&job.out)?;
    pipeline::prepare(&job, context)?;
    let (ablation, results) = pipeline::ablate(&job, context)?;
    let page = pipeline::report(&results, &ablation.out)?;
    super::show(&results, Some(&page), context.console);
    Ok(())
}
