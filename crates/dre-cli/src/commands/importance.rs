//! `dre importance`: fitted models to what their predictions rest on.

use super::Context;
use crate::args::{FitOptions, ImportanceArgs};
use crate::error::{CliError, Result};
use crate::pipeline;

pub(super) fn execute(args: ImportanceArgs, context: &Context<'_>) -> Result<()> {
    let file = args.study.study.clone();
    let options = FitOptions { seed: args.seed, force: args.force, ..FitOptions::default() };
    let job = super::job(args.study, args.threads.count(), options)?;
    if let Some(name) = args.models.iter().find(|name| !job.models.contains(name)) {
        return Err(CliError::UnknownModel { file, name: name.clone(), known: job.models.join(", ") });
    }
    let results = pipeline::evaluate(&job, context)?;
    let results = pipeline::importance(&job, results, &args.models, context)?;
    let page = pipeline::report(&results, &job.out)?;
    super::show(&results, Some(&page), context.console);
    Ok(())
}
