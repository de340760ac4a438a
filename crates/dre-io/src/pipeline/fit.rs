//! From a cohort to fitted models.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use dre::adapt::with_mean_embedding;
use dre::data::{Audit, Dataset, EpochSource, Part, Selected, Set, feature_rows};
use dre::linear::{ComponentSource, FitSpec, Pca, fit_pca};
use dre::metrics::{Scorable, Window, first_scored};
use dre::nn::{Dims, Ended, Network, Observer, Progress, Threads, Training};
use serde_json::json;

use super::check;
use super::floor::{Processing, init_windows, resolved_split};
use super::linear::{fit_features, fit_recurrent, reduction, share_moments};
use super::{Job, Monitor, PipelineError, REPORT_FILE, RESULTS_FILE, Result, difference};
use crate::cohort::{AUDIT_FILE, CohortFolder};
use crate::models::{
    CHECKPOINT_FILE, Checkpoint, Fitted, FittedNetwork, MODEL_FORMAT, ModelInfo, is_model_of, read_info, write_info,
    write_model,
};
use crate::store::{Hold, StoreError, write_json};
use crate::study::{DreSpec, ModelSpec};

/// Folder of the models in a run's folder.
pub const MODELS_FOLDER: &str = "models";

/// Epochs that linear models draw at a time.
const LINEAR_BATCH: usize = 256;

/// Cuts the study's epochs from its cohort.
pub(super) fn dataset(job: &Job, cohort: &CohortFolder) -> Result<Dataset> {
    let study = &job.study;
    if let Some(column) = &study.report.condition {
        for recording in &cohort.cohort.recordings {
            let in_recording = |source| PipelineError::InRecording { recording: recording.id.clone(), source };
            recording.events.column(column, || "report.condition".to_owned()).map_err(in_recording)?;
        }
    }
    let split = resolved_split(job, cohort);
    let data = Dataset::new(cohort.cohort.clone(), &study.epochs, &split, &study.cleaning, job.n_threads)?;
    Ok(data)
}

/// What the sets of a study share, and what its processing alone predicts; fits nothing and writes nothing.
///
/// # Errors
/// [`PipelineError`] where the epochs cannot be cut or the audit's settings do not fit them.
pub fn audit(job: &Job, cohort: &CohortFolder) -> Result<Audit> {
    full_audit(job, cohort, &dataset(job, cohort)?)
}

fn full_audit(job: &Job, cohort: &CohortFolder, data: &Dataset) -> Result<Audit> {
    let processing = Processing::new(job, cohort)?;
    let mut audit = data.full_audit(&job.study.audit, job.n_threads)?;
    audit.reach = Some(processing.audit(data));
    audit.floors = processing.floors(data, &init_windows(job), job.study.report.score_from)?;
    Ok(audit)
}

/// Everything that decides a model's fit.
pub(super) fn recipe(job: &Job, cohort: &CohortFolder, spec: &ModelSpec) -> serde_json::Value {
    recipe_of(job, cohort, &json!(spec))
}

/// Everything that decides one of a network's fits, which differ in their seed. How many there are does not.
fn member_recipe(job: &Job, cohort: &CohortFolder, spec: &ModelSpec, seed: u64) -> serde_json::Value {
    let mut settings = json!(spec);
    if let Some(settings) = settings.as_object_mut() {
        settings.remove("n_seeds");
    }
    let mut recipe = recipe_of(job, cohort, &settings);
    recipe["seed"] = json!(seed);
    recipe
}

/// Everything that decides a fit with these settings.
pub(super) fn recipe_of(job: &Job, cohort: &CohortFolder, settings: &serde_json::Value) -> serde_json::Value {
    let inputs: Vec<&str> = cohort.info.inputs.iter().map(|i| i.sha256.as_str()).collect();
    json!({
        "cohort": cohort.info.recipe,
        "inputs": crate::hash::text(&inputs.join("\n")),
        "epochs": job.study.epochs,
        "split": resolved_split(job, cohort),
        "cleaning": job.study.cleaning,
        "model": settings,
        "valid_from": valid_from(job),
        "seed": job.study.seed,
        "channels": cohort.info.channels,
        "version": env!("CARGO_PKG_VERSION"),
    })
}

/// The longest init window of the study's models: what chooses a penalty looks behind it, for every model alike.
pub(super) fn valid_from(job: &Job) -> usize {
    job.study.models.values().map(ModelSpec::n_init_times).max().unwrap_or(0)
}

/// The features of the data that a model of the study sees, in the data's order. A feature with levels is seen with all of
/// them.
pub(super) fn seen_features(spec: &ModelSpec, data: &Dataset) -> Vec<String> {
    let Some(names) = &spec.seen().features else { return data.features().to_vec() };
    let is_seen = |signal: &&String| {
        let feature = signal.split_once('[').map_or(signal.as_str(), |(feature, _)| feature);
        names.iter().any(|name| name == *signal || name == feature)
    };
    data.features().iter().filter(is_seen).cloned().collect()
}

/// The first time (s) that counts in every score of the study, whichever of its models: that of the first sample at or after
/// `report.score_from` that no model is shown.
///
/// # Errors
/// [`dre::Error::Setting`] where no sample is left.
pub(super) fn score_from(job: &Job, data: &Dataset) -> Result<f64> {
    let times = data.times();
    let asked = job.study.report.score_from;
    let first = first_scored(&times, asked, valid_from(job)).map_err(|error| match error {
        dre::Error::Setting { found, expected, .. } => {
            dre::Error::Setting { name: "report.score_from".to_owned(), found, expected }
        }
        other => other,
    })?;
    Ok(times[first])
}

/// The windows that the study names.
///
/// # Errors
/// [`dre::Error::Setting`] where one holds nothing that may be scored.
pub(super) fn windows(job: &Job, data: &Dataset) -> Result<Vec<Window>> {
    let specs = &job.study.report.windows;
    let (times, score_from) = (data.times(), score_from(job, data)?);
    let channels = &data.cohort().channels;
    let scorable = Scorable { channels, times: &times, score_from, n_init_times: valid_from(job) };
    let resolved = specs.iter().enumerate().map(|(i, spec)| spec.resolve(&format!("report.windows[{i}]"), scorable));
    Ok(resolved.collect::<dre::Result<_>>()?)
}

/// Where a model of the study lies.
pub(super) fn model_folder(job: &Job, name: &str) -> PathBuf {
    job.out.join(MODELS_FOLDER).join(name)
}

/// Fits the models of `job` that are not up to date.
///
/// # Errors
/// [`PipelineError`]; a stopped fit leaves its checkpoint, any other error the models as they were.
pub fn fit(job: &Job, cohort: &CohortFolder, monitor: &mut dyn Monitor) -> Result<()> {
    let _hold = Hold::take(&job.out)?;
    let data = dataset(job, cohort)?;
    for name in data.constant_features() {
        monitor.warn(&format!("feature `{name}` is constant over the training epochs and tells the models nothing"));
    }
    check::settings(job, &data, monitor)?;
    let audit = full_audit(job, cohort, &data)?;
    for finding in audit.findings() {
        monitor.warn(&finding);
    }
    write_json(&job.out.join(AUDIT_FILE), &audit)?;
    let mut stale = Vec::new();
    for name in &job.models {
        let recipe = recipe(job, cohort, &job.study.models[name]);
        let folder = model_folder(job, name);
        if is_current(job, &folder, &recipe) {
            monitor.step("Up to date", &format!("model {name}"));
        } else {
            let seed = job.study.seed;
            stale.push(Fit { job, data: &data, name, folder, recipe, seed, n_members: 1, without: None });
        }
    }
    while !stale.is_empty() {
        if monitor.stop_requested() {
            return Err(PipelineError::Cancelled);
        }
        // Scores of the model that is being replaced would pass for those of the new one.
        for outdated in [RESULTS_FILE, REPORT_FILE] {
            let path = job.out.join(outdated);
            if path.exists() {
                std::fs::remove_file(&path).map_err(StoreError::write(&path))?;
            }
        }
        let one = stale.remove(0);
        match &job.study.models[one.name] {
            spec @ (ModelSpec::Trf(_) | ModelSpec::Banded(_)) => {
                let mut together = vec![one];
                while let Some(place) =
                    stale.iter().position(|other| share_moments(spec, &job.study.models[other.name]))
                {
                    together.push(stale.remove(place));
                }
                fit_features(&together, monitor)?;
            }
            ModelSpec::Rtrf(spec) => fit_recurrent(&one, spec, monitor)?,
            ModelSpec::Dre(spec) if spec.seeds.n_seeds > 1 => one.train_members(spec, cohort, monitor)?,
            ModelSpec::Dre(spec) => one.train(spec, monitor)?,
        }
    }
    super::decode::fit(job, cohort, &data, monitor)
}

/// Whether a folder holds a finished model of this recipe that need not be made again.
fn is_current(job: &Job, folder: &Path, recipe: &serde_json::Value) -> bool {
    let is_interrupted = folder.join(CHECKPOINT_FILE).exists();
    !job.force && !is_interrupted && is_model_of(folder, recipe)
}

/// One model being fitted.
pub(super) struct Fit<'a> {
    pub(super) job: &'a Job,
    pub(super) data: &'a Dataset,
    pub(super) name: &'a str,
    folder: PathBuf,
    recipe: serde_json::Value,
    /// Seed of a network's initial weights and order of batches.
    seed: u64,
    /// Fits of the model that differ in their seed, of which this is one.
    n_members: usize,
    /// A subject whose epochs are kept out of a network's training.
    without: Option<usize>,
}

impl<'a> Fit<'a> {
    /// The fit of a network to all subjects but one.
    pub(super) fn without(
        job: &'a Job,
        data: &'a Dataset,
        (name, subject): (&'a str, usize),
        folder: PathBuf,
        recipe: serde_json::Value,
    ) -> Self {
        Self { job, data, name, folder, recipe, seed: job.study.seed, n_members: 1, without: Some(subject) }
    }
}

impl Fit<'_> {
    pub(super) fn spec(&self) -> &ModelSpec {
        &self.job.study.models[self.name]
    }

    /// The features that the model sees, in the data's order.
    pub(super) fn features(&self) -> Vec<String> {
        seen_features(self.spec(), self.data)
    }

    /// Fits a network once for each of its seeds, each fit in a folder of its own, and then says that they are one model. A
    /// fit that is there is kept.
    fn train_members(&self, spec: &DreSpec, cohort: &CohortFolder, monitor: &mut dyn Monitor) -> Result<()> {
        let mut members = Vec::new();
        for seed in (0..spec.seeds.n_seeds as u64).map(|k| self.seed.wrapping_add(k)) {
            if monitor.stop_requested() {
                return Err(PipelineError::Cancelled);
            }
            let member = format!("seed-{seed}");
            let folder = self.folder.join(&member);
            let recipe = member_recipe(self.job, cohort, self.spec(), seed);
            if is_current(self.job, &folder, &recipe) {
                monitor.step("Up to date", &format!("model {}, seed {seed}", self.name));
            } else {
                let n_members = spec.seeds.n_seeds;
                let (job, data, name) = (self.job, self.data, self.name);
                Fit { job, data, name, folder, recipe, seed, n_members, without: None }.train(spec, monitor)?;
            }
            members.push(member);
        }
        let infos = members.iter().map(|member| read_info(&self.folder.join(member)));
        let infos: Vec<ModelInfo> = infos.collect::<std::result::Result<_, StoreError>>()?;
        let Some(first) = infos.first() else { unreachable!("n_seeds is at least 1") };
        let chosen = infos.iter().map(|info| (info.best_pass.map_or(0, |p| p + 1)).to_string());
        let passes = first.history.len();
        let choices = vec![
            ("fits with different seeds".to_owned(), format!("{}; the prediction is their mean", infos.len())),
            ("weights of pass".to_owned(), format!("{} of {passes}", chosen.collect::<Vec<_>>().join(", "))),
        ];
        let whole = ModelInfo {
            recipe: self.recipe.clone(),
            fit_seconds: infos.iter().map(|info| info.fit_seconds).sum(),
            choices,
            members,
            ..first.clone()
        };
        Ok(write_info(&self.folder, &whole)?)
    }

    pub(super) fn linear(&self, monitor: &dyn Monitor) -> FitSpec {
        FitSpec {
            valid_from: valid_from(self.job),
            batch_size: LINEAR_BATCH,
            n_threads: self.job.n_threads,
            stop: monitor.stop(),
        }
    }

    pub(super) fn finish(
        &self,
        model: &Fitted,
        choices: Vec<(String, String)>,
        fit_seconds: f64,
        training: Option<&Training>,
    ) -> Result<()> {
        let data = self.data;
        let recordings = &data.cohort().recordings;
        let features = self.features();
        let rows = feature_rows(data.features(), &features)?;
        let info = ModelInfo {
            format: MODEL_FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            kind: self.job.study.models[self.name].kind().to_owned(),
            recipe: self.recipe.clone(),
            n_init_times: self.job.study.models[self.name].n_init_times(),
            sfreq: data.sfreq(),
            times: data.times(),
            channels: data.cohort().channels.clone(),
            features,
            pooled: self.spec().is_pooled(),
            members: Vec::new(),
            subjects: data.subjects().to_vec(),
            feature_scaler: data.feature_scaler().select(&rows),
            scalers: data.scalers().map(|(i, s)| (recordings[i].id.clone(), s.clone())).collect(),
            fit_seconds,
            choices,
            history: training.map_or_else(Vec::new, |t| t.history().to_vec()),
            best_pass: training.and_then(Training::best_pass),
        };
        write_model(&self.folder, model, &info)?;
        Ok(())
    }

    pub(super) fn train(&self, spec: &DreSpec, monitor: &mut dyn Monitor) -> Result<()> {
        let data = self.data;
        let path = self.folder.join(CHECKPOINT_FILE);
        let n_components = spec.reduction.n_components;
        let pca =
            if n_components == 0 { None } else { Some(fit_pca(data, n_components, LINEAR_BATCH, &monitor.stop())?) };
        let components = pca.as_ref().map(|pca| ComponentSource::new(data, pca)).transpose()?;
        let others = self.without.map(|out| Part::new(data, |_, epoch| epoch.subject != out));
        let source: &dyn EpochSource = match (&components, &others) {
            (_, Some(others)) => others,
            (Some(components), None) => components,
            (None, None) => data,
        };
        let source = &Selected::new(source, &self.features())?;
        let n_channels = pca.as_ref().map_or(data.n_channels(), Pca::n_components);
        let dims = Dims { n_channels, n_features: source.n_features(), n_subjects: data.n_subjects() };
        let seed = self.seed;
        let called = self.called();
        let network = Network::new(spec.network.clone(), dims, seed, Threads::new(self.job.n_threads))?;
        let (mut training, seconds) = match self.checkpoint(&path)? {
            Some((checkpoint, tensors)) => {
                let (passes, batches) = (checkpoint.training.pass, checkpoint.training.batch);
                monitor.step("Resuming", &format!("{called} after {passes} passes and {batches} batches"));
                let seconds = checkpoint.seconds;
                let state = checkpoint.training;
                (Training::from_state(network, spec.train.clone(), seed, state, &tensors)?, seconds)
            }
            None => (Training::new(network, spec.train.clone(), seed)?, 0.0),
        };
        let n_epochs = data.epochs(Set::Train).len();
        monitor.step(
            "Training",
            &format!("{called}: DRE, {} parameters, {n_epochs} epochs", training.network().n_parameters()),
        );
        monitor.training(&called, (spec.train.n_passes, training.history().len()), n_epochs, data.n_times());
        let mut watch = Watch { fit: self, path: &path, monitor, started: Instant::now(), seconds_before: seconds };
        let ended = training.run(source, &mut watch);
        let seconds = watch.seconds_in_all();
        if matches!(ended, Ok(Ended::Stopped)) {
            watch.save(&training)?;
        }
        monitor.trained();
        if ended? == Ended::Stopped {
            return Err(PipelineError::Stopped { checkpoint: path });
        }
        let best = training.best_pass().map_or(0, |p| p + 1);
        let mut choices = vec![("weights of pass".to_owned(), format!("{best} of {}", training.history().len()))];
        choices.extend(reduction(pca.as_ref()));
        let mut network = training.best();
        let held_out = |s: &usize| data.is_held_out(*s) || self.without == Some(*s);
        let (unknown, known): (Vec<usize>, Vec<usize>) = (0..data.n_subjects()).partition(held_out);
        if !unknown.is_empty() {
            // Their embedding was never trained.
            network = with_mean_embedding(&network, &known, &unknown)?;
        }
        let model = Fitted::Dre(Box::new(FittedNetwork { network, pca }));
        self.finish(&model, choices, seconds, Some(&training))?;
        // The model is whole; what it came from is no longer needed.
        std::fs::remove_file(&path).map_err(StoreError::write(&path))?;
        Ok(())
    }

    /// What the user is told is being fitted.
    fn called(&self) -> String {
        if self.n_members > 1 { format!("{}, seed {}", self.name, self.seed) } else { self.name.to_owned() }
    }

    /// The checkpoint to continue from, if there is one and the user wants it.
    fn checkpoint(&self, path: &Path) -> Result<Option<(Checkpoint, Vec<dre::nn::Tensor>)>> {
        if self.job.force || !path.exists() {
            return Ok(None);
        }
        let (checkpoint, tensors) = Checkpoint::read(path)?;
        if !self.job.resume {
            let passes = checkpoint.training.pass;
            return Err(PipelineError::Interrupted { path: path.to_owned(), model: self.called(), passes });
        }
        // More passes may be asked for than before; everything else must be the same.
        let without_passes = |recipe: &serde_json::Value| {
            let mut recipe = recipe.clone();
            if let Some(model) = recipe.get_mut("model").and_then(|m| m.as_object_mut()) {
                model.remove("n_passes");
            }
            recipe
        };
        let (old, new) = (without_passes(&checkpoint.recipe), without_passes(&self.recipe));
        if old != new {
            let difference = difference(&old, &new);
            return Err(PipelineError::OtherConfiguration { path: path.to_owned(), difference });
        }
        Ok(Some((checkpoint, tensors)))
    }
}

/// Passes on what a training does, and saves it after each pass.
struct Watch<'a> {
    fit: &'a Fit<'a>,
    path: &'a Path,
    monitor: &'a mut dyn Monitor,
    started: Instant,
    seconds_before: f64,
}

impl Watch<'_> {
    fn seconds_in_all(&self) -> f64 {
        self.seconds_before + self.started.elapsed().as_secs_f64()
    }

    fn save(&self, training: &Training) -> Result<()> {
        let (state, tensors) = training.state();
        let checkpoint =
            Checkpoint { recipe: self.fit.recipe.clone(), training: state, seconds: self.seconds_in_all() };
        checkpoint.write(self.path, &tensors)?;
        Ok(())
    }
}

impl Observer for Watch<'_> {
    type Error = PipelineError;

    fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    fn on_batch(&mut self, progress: &Progress) -> ControlFlow<()> {
        let flow = self.monitor.on_batch(progress);
        if self.monitor.stop_requested() { ControlFlow::Break(()) } else { flow }
    }

    fn on_pass(&mut self, training: &Training) -> Result<()> {
        if let Some(record) = training.history().last() {
            self.monitor.on_pass(record);
        }
        self.save(training)
    }
}
