//! `dre fit`: a cohort to fitted models.

use super::Context;
use crate::args::FitArgs;
use crate::error::{CliError, Result};
use crate::pipeline;

pub(super) fn execute(args: FitArgs, context: &Context<'_>) -> Result<()> {
    let file = args.study.study.clone();
    let mut job = super::job(args.study, args.threads.count(), args.fit)?;
    if let Some(name) = args.models.iter().find(|name| !job.models.contains(name)) {
        return Err(CliError::UnknownModel { file, name: name.clone(), known: job.models.join(", ") });
    }
    if !args.models.is_empty() {
        job.models.retain(|name| args.models.contains(name));
    }
    let models = pipeline::fit(&job, context)?;
    context.console.result(format_args!("Models: {}", models.display()));
    Ok(())
}
