//! From fitted models to scores.

use std::path::Path;

use dre::data::{Dataset, Set, feature_rows};
use dre::metrics::{CeilingSpec, ScoreSpec, Scores, Tested, noise_ceiling, score, score_windows};
use dre::model::{OnFeatures, Predictor, Stoppable};
use dre::nn::Threads;
use dre::results::{
    CeilingResult, ModelResult, ModelStatistics, Provenance, RESULTS_FORMAT, Ratio, Results, SeedScore,
    StatisticsResult,
};
use dre::stats::{Tail, compare_models, group_note, test_group};
use indexmap::IndexMap;
use ndarray::{Axis, stack};

use super::fit::{dataset, model_folder, recipe, score_from, valid_from, windows};
use super::floor::Processing;
use super::linear::{BOOTSTRAP_SEED, confidence, evaluate_linear};
use super::stimulus::{Scored, by_subject, compare_seeds, stimulus, title};
use super::{Job, Monitor, PipelineError, Result};
use crate::clock::now;
use crate::cohort::CohortFolder;
use crate::models::{Fitted, FittedNetwork, ModelInfo, is_model_of, read_model};
use crate::store::{Hold, write_json, write_npy, write_together};

/// Name of the results in a run's folder.
pub const RESULTS_FILE: &str = "results.json";

/// Epochs predicted at a time.
pub(super) const BATCH: usize = 64;

/// Scores the fitted models of `job` on the test epochs; writes `results.json` and the maps of r.
///
/// # Errors
/// [`PipelineError::Missing`] where a model is not fitted, or fitted with other settings; others as they come.
pub fn evaluate(job: &Job, cohort: &CohortFolder, monitor: &mut dyn Monitor) -> Result<Results> {
    let _hold = Hold::take(&job.out)?;
    let data = dataset(job, cohort)?;
    let spec = ScoreSpec {
        set: Set::Test,
        score_from: score_from(job, &data)?,
        batch_size: BATCH,
        condition: job.study.report.condition.clone(),
    };
    let threads = Threads::new(job.n_threads);
    let mut models: IndexMap<String, ModelResult> = IndexMap::new();
    let mut scored: Vec<Scored<'_>> = Vec::new();
    for name in &job.models {
        let folder = model_folder(job, name);
        let wanted = recipe(job, cohort, &job.study.models[name]);
        if !is_model_of(&folder, &wanted) {
            return Err(PipelineError::Missing { path: folder, step: "fit" });
        }
        let (model, info) = read_model(&folder, &threads)?;
        monitor.step("Scoring", name);
        let title = title(model.title(), &job.study.models[name]);
        let n_parameters = model.n_parameters();
        let seeds = score_members(&model, &info, (&data, &spec), job.study.seed, monitor)?;
        let (scores, linear) = match evaluate_linear(name, (&model, &info.features), &data, &spec, monitor)? {
            Some((scores, linear)) => (scores, Some(linear)),
            None => (score_network(model, &info, &data, &spec, monitor)?, None),
        };
        let own = ModelResult { linear, seeds: seeds.clone(), ..result(&title, n_parameters, &info, &scores) };
        models.insert(name.clone(), own);
        scored.push(Scored { name, scores, seeds });
    }
    write_together(&job.out.join("scores"), |new| {
        scored.iter().try_for_each(|one| write_map(new, one.name, &one.scores))
    })?;
    let pairs: Vec<(&str, &Scores)> = scored.iter().map(|one| (one.name, &one.scores)).collect();
    let compared = compared(&models);
    let alone: Vec<&str> = models.iter().filter(|(_, m)| m.n_init_times == 0).map(|(name, _)| name.as_str()).collect();
    let tested = Tested { pairs: &compared, alone: &alone };
    let mut statistics = statistics(job, &data, (&pairs, tested, spec.score_from), monitor)?;
    compare_seeds(&mut statistics.comparisons, &scored, &data);
    let mut summary = data.summary(cohort.info.steps.clone());
    summary.excluded.splice(0..0, cohort.info.excluded.iter().cloned());
    if let Some(gap) = data.split().gap.filter(|gap| *gap > 0.0) {
        summary.steps.push(format!("epochs of different sets at least {gap:.3} s apart"));
    }
    let init_windows: Vec<(String, usize)> =
        models.iter().map(|(name, model)| (name.clone(), model.n_init_times)).collect();
    let results = Results {
        floors: Processing::new(job, cohort)?.floors(&data, &init_windows, spec.score_from)?,
        format: RESULTS_FORMAT,
        study: job.study.name.clone(),
        ratios: ratios(&models, &compared),
        cohort: summary,
        times: data.times(),
        score_from: spec.score_from,
        score_from_asked: Some(job.study.report.score_from),
        n_init_times: valid_from(job),
        evoked: Scores::evoked(&pairs),
        statistics,
        windows: score_windows(
            &pairs,
            tested,
            data.subjects(),
            &windows(job, &data)?,
            (&data.cohort().channels, &data.times()),
            BOOTSTRAP_SEED,
        ),
        stimulus: stimulus(job, &data, &scored),
        models,
        importance: super::importance::up_to_date(job, cohort),
        state: super::state::up_to_date(job, cohort)?,
        adaptation: Vec::new(),
        decoding: super::decode::evaluate(job, cohort, &data, monitor)?,
        provenance: Provenance {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            finished: now(),
            study_file: job.text.clone(),
            data: job.data.display().to_string(),
            input_hash: input_hash(cohort),
            n_threads: job.n_threads,
            seed: job.study.seed,
        },
    };
    write_json(&job.out.join(RESULTS_FILE), &results)?;
    Ok(results)
}

/// A fitted model of the study as what predicts, with buffers for [`BATCH`] epochs of `n_times` samples.
///
/// # Errors
/// [`PipelineError::Missing`] where it is not fitted, or fitted with other settings; those of its files.
pub(super) fn predictor(job: &Job, cohort: &CohortFolder, name: &str, n_times: usize) -> Result<Box<dyn Predictor>> {
    let place = model_folder(job, name);
    let wanted = recipe(job, cohort, &job.study.models[name]);
    if !is_model_of(&place, &wanted) {
        return Err(PipelineError::Missing { path: place, step: "fit" });
    }
    let (model, info) = read_model(&place, &Threads::new(job.n_threads))?;
    let rows = feature_rows(&cohort.cohort.features, &info.features)?;
    Ok(Box::new(OnFeatures { model: model.into_predictor(n_times, BATCH)?, rows }))
}

/// Scores of a network.
fn score_network(
    model: Fitted,
    info: &ModelInfo,
    data: &Dataset,
    spec: &ScoreSpec,
    monitor: &dyn Monitor,
) -> Result<Scores> {
    let rows = feature_rows(data.features(), &info.features)?;
    let model = &OnFeatures { model: model.into_predictor(data.n_times(), BATCH)?, rows };
    Ok(score(data, &Stoppable { model, stop: &monitor.stop() }, spec)?)
}

/// Scores of each fit of a network that was fitted with several seeds, the first of which is `seed`.
fn score_members(
    model: &Fitted,
    info: &ModelInfo,
    (data, spec): (&Dataset, &ScoreSpec),
    seed: u64,
    monitor: &dyn Monitor,
) -> Result<Vec<SeedScore>> {
    let Fitted::Seeds(members) = model else { return Ok(Vec::new()) };
    let one = |(k, member): (usize, &FittedNetwork)| {
        let scores = score_network(Fitted::Dre(Box::new(member.clone())), info, data, spec, monitor)?;
        let subjects = scores.subjects.iter().map(|s| (s.subject.clone(), s.r)).collect();
        Ok(SeedScore { seed: seed.wrapping_add(k as u64), mean_r: scores.mean_r, subjects })
    };
    members.iter().enumerate().map(one).collect()
}

/// Tests across subjects, comparisons of models, and the noise ceiling.
fn statistics(
    job: &Job,
    data: &Dataset,
    (scores, tested, score_from): (&[(&str, &Scores)], Tested<'_>, f64),
    monitor: &dyn Monitor,
) -> Result<StatisticsResult> {
    let r: Vec<(&str, Vec<f64>)> = scores.iter().map(|(name, scores)| (*name, by_subject(data, scores))).collect();
    let spec = job.study.report.repeats.as_ref().map(|column| CeilingSpec {
        set: Set::Test,
        column: column.clone(),
        score_from,
        seed: job.study.seed,
        n_threads: job.n_threads,
        stop: monitor.stop(),
    });
    let ceiling = match spec {
        Some(spec) => noise_ceiling(data, &spec)?,
        None => CeilingResult::none(
            data.subjects(),
            "no noise ceiling: it takes epochs of the same stimulus, and report.repeats names no column of the events that says \
             which these are",
        ),
    };
    let shares = |r: &[f64]| {
        let pairs: Vec<(f64, f64)> =
            r.iter().zip(ceiling.subjects.values()).map(|(&r, c)| (r, c.unwrap_or(f64::NAN))).collect();
        let known = pairs.iter().filter(|(r, c)| r.is_finite() && c.is_finite());
        let (r, c) = known.fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
        let each = pairs.iter().map(|&(r, c)| if c > 0.0 { r / c } else { f64::NAN }).collect();
        ((c > 0.0).then(|| r / c), each)
    };
    let models = r.iter().map(|(name, r)| {
        // A model that is shown data has an r above 0 by the filter alone, and may pass a ceiling that is the stimulus's.
        let sees_features_alone = tested.alone.contains(name);
        let (of_ceiling, of_ceiling_by_subject) = if sees_features_alone { shares(r) } else { (None, Vec::new()) };
        let test = if sees_features_alone { test_group(r, Tail::Both) } else { None };
        let own = ModelStatistics { test, of_ceiling, of_ceiling_by_subject };
        ((*name).to_owned(), own)
    });
    let n_scored = data.subjects().len() - r.first().map_or(0, |(_, r)| r.iter().filter(|r| r.is_nan()).count());
    let pairs: Vec<_> = r.iter().filter(|(name, _)| tested.pairs.contains(name)).cloned().collect();
    Ok(StatisticsResult {
        note: group_note(n_scored),
        models: models.collect(),
        comparisons: compare_models(&pairs, BOOTSTRAP_SEED),
        ceiling: Some(ceiling),
    })
}

/// One hash over the hashes and names of all inputs, as `sha256sum FILES | sha256sum` would give it.
fn input_hash(cohort: &CohortFolder) -> String {
    let lines: Vec<String> = cohort.info.inputs.iter().map(|i| format!("{}  {}\n", i.sha256, i.path)).collect();
    crate::hash::text(&lines.concat())
}

fn result(title: &str, n_parameters: usize, info: &ModelInfo, scores: &Scores) -> ModelResult {
    ModelResult {
        title: title.to_owned(),
        n_init_times: info.n_init_times,
        n_features: Some(info.features.len()),
        mean_r: scores.mean_r,
        subjects: scores.subject_scores(),
        r_over_time: scores.r_over_time.clone(),
        r_per_channel: scores.r_per_channel.clone(),
        n_parameters,
        fit_seconds: info.fit_seconds,
        choices: info.choices.clone(),
        history: info.history.clone(),
        best_pass: info.best_pass,
        confidence: confidence(scores.subjects.iter().map(|s| s.r)),
        linear: None,
        seeds: Vec::new(),
    }
}

/// `scores/NAME.npy`: r of every subject, channel and time.
fn write_map(folder: &Path, name: &str, scores: &Scores) -> Result<()> {
    let maps: Vec<_> = scores.subjects.iter().map(|s| s.map.view()).collect();
    let all = stack(Axis(0), &maps).expect("subjects' maps have the same shape");
    write_npy(&folder.join(format!("{name}.npy")), &all)?;
    Ok(())
}

/// Which models are compared with each other: those with features. One without is compared with the model whose reference it
/// is ([`Results::stimulus`]); pairs that nobody asks about would only make the corrected p of the others larger. All where none
/// has features.
fn compared(models: &IndexMap<String, ModelResult>) -> Vec<&str> {
    let sees = |model: &ModelResult| model.n_features != Some(0);
    let none = !models.values().any(sees);
    models.iter().filter(|(_, model)| none || sees(model)).map(|(name, _)| name.as_str()).collect()
}

/// Every deep model over every linear one that is given as much of each epoch, of those that are `compared`: a ratio to a model
/// that is given none of it would count the brain's past as skill.
fn ratios(models: &IndexMap<String, ModelResult>, compared: &[&str]) -> Vec<Ratio> {
    let is_deep = |m: &ModelResult| !m.history.is_empty();
    let own: Vec<_> = models.iter().filter(|(name, _)| compared.contains(&name.as_str())).collect();
    let mut out = Vec::new();
    for (deep, d) in own.iter().copied().filter(|(_, m)| is_deep(m)) {
        for (linear, l) in own.iter().copied().filter(|(_, l)| !is_deep(l) && l.n_init_times == d.n_init_times) {
            out.push(Ratio {
                numerator: deep.clone(),
                denominator: linear.clone(),
                ratio: (l.mean_r > 0.0).then(|| d.mean_r / l.mean_r),
            });
        }
    }
    out
}
