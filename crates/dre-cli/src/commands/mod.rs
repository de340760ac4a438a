//! The subcommands, one file each.

mod ablate;
mod adapt;
mod audit;
mod demo;
mod evaluate;
mod export;
mod features;
mod figures;
mod fit;
mod importance;
mod info;
mod prepare;
mod report;
mod run;
mod simulate;
mod simulated;
mod state;
mod verify;

use std::path::{Path, PathBuf};

use dre_io::study::{Study, StudyFile};

use crate::args::{Command, FitOptions, StudyArgs};
use crate::console::Console;
use crate::error::{CliError, Result};
use crate::interrupt::Interrupt;
use crate::pipeline::Job;

/// What every subcommand may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    pub(crate) console: &'a Console,
    pub(crate) interrupt: &'a Interrupt,
}

/// Does what the command line asks for.
pub(crate) fn execute(command: Command, context: &Context<'_>) -> Result<()> {
    match command {
        Command::Run(args) => run::execute(args, context),
        Command::Prepare(args) => prepare::execute(args, context),
        Command::Fit(args) => fit::execute(args, context),
        Command::Evaluate(args) => evaluate::execute(args, context),
        Command::Importance(args) => importance::execute(args, context),
        Command::State(args) => state::execute(args, context),
        Command::Report(args) => report::execute(&args, context),
        Command::Figures(args) => figures::execute(&args, context),
        Command::Info(args) => info::execute(&args, context),
        Command::Export(args) => export::execute(&args, context),
        Command::Features(args) => features::execute(args, context),
        Command::Ablate(args) => ablate::execute(args, context),
        Command::Adapt(args) => adapt::execute(args, context),
        Command::Audit(args) => audit::execute(&args, context),
        Command::Verify(args) => verify::execute(&args, context),
        Command::Simulate(args) => simulate::execute(&args, context),
        Command::Demo(args) => demo::execute(&args, context),
    }
}

/// Reads the study file and fills in what the command line says.
fn job(args: StudyArgs, n_threads: usize, options: FitOptions) -> Result<Job> {
    let StudyFile { path, text, mut study } = StudyFile::read(&args.study)?;
    if let Some(seed) = options.seed {
        study.seed = seed;
    }
    if let Some(index) = args.fold {
        set_fold(&mut study, index)?;
    }
    if let Some(data) = args.data {
        study.data.bids = Some(data);
    }
    let data = study.data.bids.clone().ok_or(CliError::NoData { file: path })?;
    if !data.is_dir() {
        return Err(CliError::NoFolder { path: data });
    }
    let fold = args.fold.map_or_else(String::new, |index| format!("-fold-{index}"));
    let out = args.out.unwrap_or_else(|| PathBuf::from(format!("dre-{}{fold}", study.name)));
    check_folder(&out)?;
    let models = study.models.keys().cloned().collect();
    Ok(Job { study, text, data, out, n_threads, resume: options.resume, force: options.force, models })
}

/// Whether a folder for output can be what its name says.
fn check_folder(out: &Path) -> Result<()> {
    if out.is_file() { Err(CliError::OutIsFile { path: out.to_path_buf() }) } else { Ok(()) }
}

/// Lets another fold test than the study file says.
fn set_fold(study: &mut Study, index: usize) -> Result<()> {
    let Some(fold) = &mut study.split.fold else {
        return Err(CliError::Dre(dre::Error::Setting {
            name: "--fold".to_owned(),
            found: index.to_string(),
            expected: "a study file with `fold = \"1 of K\"` and a method such as \"kfold\" below [split]".to_owned(),
        }));
    };
    fold.index = index;
    Ok(study.validate()?)
}

/// Shows the scores and where the report is.
fn show(results: &dre::results::Results, page: Option<&Path>, console: &Console) {
    console.result(crate::table::scores(results));
    let texts = [
        crate::stimulus::text(results),
        crate::statistics::text(results),
        crate::statistics::importance(results),
        crate::statistics::state(results),
    ];
    for text in texts.into_iter().flatten() {
        console.result(text);
    }
    if let Some(page) = page {
        console.result(format_args!("Report: {}", page.display()));
    }
}
