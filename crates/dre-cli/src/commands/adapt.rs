//! `dre adapt`: a network that does not know a subject, adapted to some minutes of its data.

use dre::results::AdaptationResult;
use dre_io::pipeline::AdaptRequest;
use dre_io::store::Hold;

use super::Context;
use crate::args::AdaptArgs;
use crate::error::Result;
use crate::pipeline;
use crate::results::{file_in, read};
use crate::table::{aligned, number};

pub(super) fn execute(args: AdaptArgs, context: &Context<'_>) -> Result<()> {
    let job = super::job(args.study, args.threads.count(), args.fit)?;
    let _hold = Hold::take(&job.out)?;
    pipeline::prepare(&job, context)?;
    let request = AdaptRequest { subject: args.subject, model: args.model, minutes: args.minutes };
    let found = pipeline::adapt(&job, &request, context)?;
    context.console.result(shown(&found));
    // The report of the study shows it, too, where there is one.
    let path = file_in(&job.out);
    if path.is_file() {
        let mut results = read(&path)?;
        results.adaptation.retain(|other| other.subject != found.subject || other.model != found.model);
        results.adaptation.push(found);
        dre_io::store::write_json(&path, &results)?;
        let page = pipeline::report(&results, &job.out)?;
        context.console.result(format_args!("Report: {}", page.display()));
    }
    Ok(())
}

fn shown(found: &AdaptationResult) -> String {
    let header = ["minutes", "epochs", "embedding", "embedding + map", "TRF"].map(str::to_owned).to_vec();
    let mut rows = vec![header];
    rows.extend(found.points.iter().map(|p| {
        vec![format!("{:.1}", p.minutes), p.n_epochs.to_string(), number(p.embedding), number(p.mapped), number(p.trf)]
    }));
    let with = found
        .trained_with
        .map_or_else(|| "not fitted (`dre fit` fits it)".to_owned(), |r| format!("r = {}", number(r)));
    format!(
        "{}: mean r on test epochs after adapting `{}`, trained on all other subjects\n\n{}\nNot adapted: r = {}. Trained with \
         the subject: {with}.\n",
        found.subject,
        found.model,
        aligned(&rows, &[]),
        number(found.unadapted)
    )
}
