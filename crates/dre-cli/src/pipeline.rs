//! The steps of a study, watched by the console. The work itself is in [`dre_io::pipeline`] and [`dre_report`].

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use dre::Stop;
use dre::nn::Progress;
use dre::results::{AdaptationResult, PassRecord, Results};
pub(crate) use dre_io::pipeline::Job;
use dre_io::pipeline::{AdaptRequest, MODELS_FOLDER, Monitor, REPORT_FILE};
use dre_io::store::{RUN_FILE, write_file, write_more};

use crate::commands::Context;
use crate::error::Result;
use crate::progress::{PermutingProgress, TrainingProgress};

/// Shows on the console what a run does, and asks it to stop on Ctrl-C.
struct Watch<'a> {
    context: &'a Context<'a>,
    training: RefCell<Option<TrainingProgress<'a>>>,
    permuting: Option<PermutingProgress>,
    epochs_before: usize,
}

impl<'a> Watch<'a> {
    fn new(context: &'a Context<'a>) -> Self {
        Self { context, training: RefCell::new(None), permuting: None, epochs_before: 0 }
    }
}

impl Monitor for Watch<'_> {
    fn step(&self, verb: &str, text: &str) {
        self.context.console.step(verb, text);
    }

    fn warn(&self, text: &str) {
        self.context.console.warn(text);
    }

    fn detail(&self, text: &str) {
        self.context.console.detail(text);
    }

    fn stop(&self) -> Stop {
        self.context.interrupt.stop()
    }

    fn training(&mut self, model: &str, passes: (usize, usize), n_epochs: usize, n_times: usize) {
        let progress = TrainingProgress::new(self.context.console, model, passes, n_epochs, n_times);
        self.training.replace(Some(progress));
        self.epochs_before = 0;
    }

    fn on_batch(&mut self, progress: &Progress) -> ControlFlow<()> {
        if progress.batch == 1 {
            self.epochs_before = 0;
        }
        let n_epochs = progress.n_epochs.saturating_sub(self.epochs_before);
        self.epochs_before = progress.n_epochs;
        if let Some(training) = self.training.get_mut() {
            training.batch(progress.train_loss, n_epochs);
        }
        ControlFlow::Continue(())
    }

    fn on_pass(&mut self, record: &PassRecord) {
        if let Some(training) = self.training.get_mut() {
            training.pass(record);
        }
    }

    fn trained(&mut self) {
        self.training.replace(None);
    }

    fn permuting(&mut self, model: &str, n_epochs: usize) {
        self.permuting = Some(PermutingProgress::new(self.context.console, model, n_epochs));
    }

    fn on_permuted(&mut self, n_epochs: usize) {
        if let Some(permuting) = &self.permuting {
            permuting.done(n_epochs);
        }
    }

    fn permuted(&mut self) {
        self.permuting = None;
    }
}

/// Prepares the recordings; gives the cohort's folder.
pub(crate) fn prepare(job: &Job, context: &Context<'_>) -> Result<PathBuf> {
    Ok(dre_io::pipeline::prepare(job, &mut Watch::new(context))?.path)
}

/// Fits `job.models` on the prepared cohort; gives the folder that holds the models.
pub(crate) fn fit(job: &Job, context: &Context<'_>) -> Result<PathBuf> {
    let cohort = dre_io::pipeline::open_prepared(job)?;
    dre_io::pipeline::fit(job, &cohort, &mut Watch::new(context))?;
    Ok(job.out.join(MODELS_FOLDER))
}

/// Scores the fitted models and writes `results.json`.
pub(crate) fn evaluate(job: &Job, context: &Context<'_>) -> Result<Results> {
    let cohort = dre_io::pipeline::open_prepared(job)?;
    Ok(dre_io::pipeline::evaluate(job, &cohort, &mut Watch::new(context))?)
}

/// Permutes the inputs of the fitted models, of those named in `only` or of those that the study names, adds what was found
/// to the results and writes them.
pub(crate) fn importance(job: &Job, results: Results, only: &[String], context: &Context<'_>) -> Result<Results> {
    let cohort = dre_io::pipeline::open_prepared(job)?;
    Ok(dre_io::pipeline::importance(job, &cohort, results, only, &mut Watch::new(context))?)
}

/// Orders the test epochs by brain state, adds what was found to the results and writes them.
pub(crate) fn state(job: &Job, results: Results, context: &Context<'_>) -> Result<Results> {
    let cohort = dre_io::pipeline::open_prepared(job)?;
    Ok(dre_io::pipeline::state(job, &cohort, results, &mut Watch::new(context))?)
}

/// Fits and scores a network and its variants on the prepared cohort; gives their job and results.
pub(crate) fn ablate(job: &Job, context: &Context<'_>) -> Result<(Job, Results)> {
    let cohort = dre_io::pipeline::open_prepared(job)?;
    let mut watch = Watch::new(context);
    let ablation = dre_io::pipeline::ablation(job, &cohort, &watch)?;
    dre_io::pipeline::fit(&ablation, &cohort, &mut watch)?;
    let results = dre_io::pipeline::evaluate(&ablation, &cohort, &mut watch)?;
    Ok((ablation, results))
}

/// Adapts a network to a subject that it has not seen.
pub(crate) fn adapt(job: &Job, request: &AdaptRequest, context: &Context<'_>) -> Result<AdaptationResult> {
    let cohort = dre_io::pipeline::open_prepared(job)?;
    Ok(dre_io::pipeline::adapt(job, &cohort, request, &mut Watch::new(context))?)
}

/// Writes the report into the folder; gives the page's path. In a folder that is no run's, a page that dre did not write stays.
pub(crate) fn report(results: &Results, folder: &Path) -> Result<PathBuf> {
    let page = dre_report::write_html(results)?;
    let path = folder.join(REPORT_FILE);
    let write = |path: &Path| write_file(path, |out| out.write_all(page.as_bytes()));
    if folder.join(RUN_FILE).is_file() {
        write(&path)?;
    } else {
        write_more(folder, |new| write(&new.join(REPORT_FILE)))?;
    }
    Ok(path)
}
