//! The steps of a study, watched by the console. The work itself is in [`dre_io::pipeline`] and [`dre_report`].

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use dre::nn::Progress;
use dre::results::{PassRecord, Results};
pub(crate) use dre_io::pipeline::Job;
use dre_io::pipeline::{COHORT_FOLDER, MODELS_FOLDER, Monitor, PipelineError, REPORT_FILE};
use dre_io::store::write_file;

use crate::commands::Context;
use crate::error::{CliError, Result};
use crate::progress::TrainingProgress;

/// Shows on the console what a run does, and asks it to stop on Ctrl-C.
struct Watch<'a> {
    context: &'a Context<'a>,
    training: RefCell<Option<TrainingProgress<'a>>>,
    epochs_before: usize,
}

impl<'a> Watch<'a> {
    fn new(context: &'a Context<'a>) -> Self {
        Self { context, training: RefCell::new(None), epochs_before: 0 }
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

    fn stop_requested(&self) -> bool {
        self.context.interrupt.requested()
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

/// Writes the report into the folder; gives the page's path.
pub(crate) fn report(results: &Results, folder: &Path) -> Result<PathBuf> {
    let page = dre_report::write_html(results)?;
    let path = folder.join(REPORT_FILE);
    write_file(&path, |out| out.write_all(page.as_bytes()))?;
    Ok(path)
}

/// Says what a folder or file holds that is neither a study file nor the results of a run: a cohort, a run's folder
/// without results, a BIDS data set, a recording.
pub(crate) fn describe(path: &Path) -> Result<String> {
    let cohort = [path.to_path_buf(), path.join(COHORT_FOLDER)];
    if let Some(folder) = cohort.iter().find(|f| f.join(dre_io::cohort::COHORT_FILE).is_file()) {
        return Ok(describe_cohort(&dre_io::cohort::open_cohort(folder)?));
    }
    if path.join(dre_io::models::MODEL_FILE).is_file() {
        return Ok(describe_model(&dre_io::models::read_info(path)?));
    }
    if path.file_name().is_some_and(|name| name == dre_io::models::CHECKPOINT_FILE) {
        let (checkpoint, _) = dre_io::models::Checkpoint::read(path)?;
        let state = &checkpoint.training;
        return Ok(format!(
            "Checkpoint: {} of {} passes and {} batches, {:.0} s; `dre run STUDY.toml --resume` continues it",
            state.pass, state.training.n_passes, state.batch, checkpoint.seconds
        ));
    }
    if path.extension().is_some_and(|extension| extension == "safetensors") {
        return describe(path.parent().unwrap_or(Path::new(".")));
    }
    if path.is_file() {
        let recording = dre_io::open_recording(path)?;
        let info = recording.info();
        return Ok(format!(
            "{}: {}, {} Hz, {:.1} s, {} annotations",
            path.display(),
            info.channel_summary(),
            info.sfreq,
            info.seconds(),
            info.annotations.len()
        ));
    }
    match dre_io::bids::BidsDataset::open(path) {
        Ok(dataset) => Ok(describe_bids(&dataset)),
        Err(dre_io::bids::BidsError::NoRecordings { .. }) => Err(CliError::Unknown { path: path.to_path_buf() }),
        Err(error) => Err(PipelineError::from(error).into()),
    }
}

fn describe_cohort(folder: &dre_io::cohort::CohortFolder) -> String {
    let info = &folder.info;
    let minutes: f64 = info.recordings.iter().map(|r| r.n_times as f64 / info.sfreq / 60.0).sum();
    let mut text = format!(
        "Cohort: {} subjects, {} recordings, {minutes:.1} min, {} channels at {} Hz, features {}",
        info.subjects.len(),
        info.recordings.len(),
        info.channels.len(),
        info.sfreq,
        info.features.join(", ")
    );
    let steps = info.steps.iter().map(|step| format!("\n  {step}"));
    text.extend(steps);
    for recording in info.recordings.iter().filter(|r| !(r.missing.is_empty() && r.bad_segments.is_empty())) {
        let names: Vec<&str> = recording.missing.keys().map(String::as_str).collect();
        let bad: usize = recording.bad_segments.iter().map(|(from, to)| to - from).sum();
        text += &format!(
            "\n  {}: lacks {}; {} bad segments of {:.1} s",
            recording.id,
            if names.is_empty() { "no channel".to_owned() } else { names.join(", ") },
            recording.bad_segments.len(),
            bad as f64 / info.sfreq
        );
    }
    text
}

fn describe_model(info: &dre_io::models::ModelInfo) -> String {
    let mut text = format!(
        "Model: {}, {} channels at {} Hz, {} samples per epoch of which {} are shown\n  features {}\n  subjects {}",
        info.kind,
        info.channels.len(),
        info.sfreq,
        info.times.len(),
        info.n_init_times,
        info.features.join(", "),
        info.subjects.join(", ")
    );
    text.extend(info.choices.iter().map(|(name, value)| format!("\n  {name}: {value}")));
    text
}

fn describe_bids(dataset: &dre_io::bids::BidsDataset) -> String {
    let mut text = format!("BIDS data set {}", dataset.root().display());
    let recordings = dataset.recordings();
    let mut from = 0;
    while let Some(first) = recordings.get(from) {
        let n = recordings[from..].iter().take_while(|r| r.subject == first.subject).count();
        let mut tasks: Vec<&str> = recordings[from..from + n].iter().filter_map(|r| r.task.as_deref()).collect();
        tasks.sort_unstable();
        tasks.dedup();
        let (datatype, tasks) = (first.datatype.name(), tasks.join(", "));
        text.extend([format!("\n  {}: {n} recordings ({datatype}), task {tasks}", first.subject)]);
        from += n;
    }
    let skipped = dataset.skipped().iter();
    text.extend(skipped.map(|s| format!("\n  left out: {} ({})", s.path.display(), s.reason)));
    text
}
