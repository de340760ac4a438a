//! Linear models: fitted together where they share moments, and scored for what only they have.

use std::time::Instant;

use dre::data::{EpochSource, Pooled, Selected, feature_rows};
use dre::linear::{
    CohortBanded, CohortTrf, Counted, FeatureModel, FeatureTask, LinearOptions, Pca, SubjectFit, fit_feature_models,
    fit_rtrf,
};
use dre::metrics::{ScoreSpec, Scores, bootstrap_interval, score, score_parts};
use dre::model::{OnFeatures, Predictor, Stoppable};
use dre::results::{BandResult, LinearResult};

use super::fit::Fit;
use super::{Monitor, PipelineError, Result};
use crate::models::{Coefficients, Fitted};
use crate::study::{ModelSpec, RtrfSpec};

/// Seed of the bootstrap, the same for all intervals so that they do not depend on their order.
pub(super) const BOOTSTRAP_SEED: u64 = 0;

/// Whether two models of a study are fitted from the same moments.
pub(super) fn share_moments(a: &ModelSpec, b: &ModelSpec) -> bool {
    let key = |spec: &ModelSpec| match spec {
        ModelSpec::Trf(s) => {
            Some((s.linear.lag_min, s.linear.lag_max, s.linear.lags.clone(), s.options.n_folds, s.options.n_components))
        }
        ModelSpec::Banded(s) => {
            Some((s.linear.lag_min, s.linear.lag_max, s.linear.lags.clone(), s.options.n_folds, s.options.n_components))
        }
        _ => None,
    };
    let source = |spec: &ModelSpec| (spec.seen().clone(), spec.is_pooled());
    source(a) == source(b) && key(a).is_some_and(|a| key(b).is_some_and(|b| a == b))
}

/// Names the model that could not be fitted.
pub(super) fn in_model(model: &str) -> impl Fn(dre::Error) -> PipelineError {
    move |source| match source {
        dre::Error::Stopped => PipelineError::Cancelled,
        source => PipelineError::InModel { model: model.to_owned(), source: Box::new(source) },
    }
}

/// The epochs that a linear model is fitted to: those of all subjects as one's where it is pooled.
fn source<'a>(fit: &Fit<'a>, pooled: Option<&'a Pooled<'a>>) -> &'a dyn EpochSource {
    match pooled {
        Some(pooled) => pooled,
        None => fit.data,
    }
}

/// Whose epochs a linear model is fitted to, as people call it.
fn whose(spec: &ModelSpec) -> &'static str {
    if spec.is_pooled() { "all subjects at once" } else { "per subject" }
}

/// Fits models that see features alone, from one pass over the epochs, and writes them.
pub(super) fn fit_features(fits: &[Fit<'_>], monitor: &mut dyn Monitor) -> Result<()> {
    let started = Instant::now();
    let Some(first) = fits.first() else { return Ok(()) };
    let specs: Vec<&ModelSpec> = fits.iter().map(|fit| &fit.job.study.models[fit.name]).collect();
    let mut tasks = Vec::new();
    for (fit, spec) in fits.iter().zip(&specs) {
        match spec {
            ModelSpec::Trf(spec) => {
                let n = spec.linear.alphas.len();
                monitor.step("Fitting", &format!("{}: TRF, {n} penalties, {}", fit.name, whose(fit.spec())));
                tasks.push(FeatureTask::Trf(&spec.linear, spec.options));
            }
            ModelSpec::Banded(spec) => {
                let (n, m) = (spec.linear.n_iter, spec.linear.alphas.len());
                let text = format!("{}: banded ridge, {n} sets of weights × {m} penalties, per subject", fit.name);
                monitor.step("Fitting", &text);
                tasks.push(FeatureTask::Banded(&spec.linear, spec.options, fit.job.study.seed));
            }
            _ => {}
        }
    }
    let names = fits.iter().map(|fit| fit.name).collect::<Vec<_>>().join(", ");
    let pooled = first.spec().is_pooled().then(|| Pooled::new(first.data));
    let seen = Selected::new(source(first, pooled.as_ref()), &first.features())?;
    let models = fit_feature_models(&seen, &tasks, &first.linear(monitor)).map_err(in_model(&names))?;
    let seconds = started.elapsed().as_secs_f64();
    for ((fit, spec), model) in fits.iter().zip(&specs).zip(models) {
        let (alphas, pca, mut choices, model) = match model {
            FeatureModel::Trf(model) => {
                let model = if pooled.is_some() { model.shared_by(first.data.subjects()) } else { model };
                (chosen(&model.subjects, model.pooled), model.pca.clone(), model.choices(), Fitted::Trf(model))
            }
            FeatureModel::Banded(model) => {
                (chosen(&model.subjects, false), model.pca.clone(), model.choices(), Fitted::Banded(model))
            }
        };
        let tried = match spec {
            ModelSpec::Trf(spec) => &spec.linear.alphas,
            ModelSpec::Banded(spec) => &spec.linear.alphas,
            _ => continue,
        };
        warn_of_edges(&format!("models.{}.alphas", fit.name), fit.name, tried, &alphas, monitor);
        choices.extend(reduction(pca.as_ref()));
        choices.push(chosen_by(spec));
        let others: Vec<&str> = fits.iter().map(|f| f.name).filter(|name| *name != fit.name).collect();
        if !others.is_empty() {
            let text = format!("{}; the fit time is that of all of them", others.join(", "));
            choices.push(("fitted in one pass with".to_owned(), text));
        }
        fit.finish(&model, choices, seconds, None)?;
    }
    Ok(())
}

/// Fits an RTRF and writes it.
pub(super) fn fit_recurrent(fit: &Fit<'_>, spec: &RtrfSpec, monitor: &mut dyn Monitor) -> Result<()> {
    let started = Instant::now();
    let name = fit.name;
    let n = spec.linear.alphas.len();
    monitor.step("Fitting", &format!("{name}: RTRF, {n} penalties, {}", whose(fit.spec())));
    let pooled = spec.pool.pooled.then(|| Pooled::new(fit.data));
    let seen = Selected::new(source(fit, pooled.as_ref()), &fit.features())?;
    let model = fit_rtrf(&seen, &spec.linear, spec.init.n_init_times, spec.options, &fit.linear(monitor))
        .map_err(in_model(name))?;
    let model = if spec.pool.pooled { model.shared_by(fit.data.subjects()) } else { model };
    let alphas = chosen(&model.subjects, model.pooled);
    warn_of_edges(&format!("models.{name}.alphas"), name, &spec.linear.alphas, &alphas, monitor);
    for s in distinct(&model.subjects, model.pooled) {
        let radius = s.model.spectral_radius();
        if radius >= 1.0 {
            monitor.warn(&format!(
                "{name}, {}: the fitted recurrence is unstable (spectral radius {radius:.3}); its roll-out grows",
                s.subject
            ));
        }
    }
    let mut choices = model.choices();
    choices.extend(reduction(model.pca.as_ref()));
    choices.push(chosen_by(&fit.job.study.models[name]));
    fit.finish(&Fitted::Rtrf(model), choices, started.elapsed().as_secs_f64(), None)
}

/// How penalties were chosen.
fn chosen_by(spec: &ModelSpec) -> (String, String) {
    let (options, score) = match spec {
        ModelSpec::Trf(spec) => (spec.options, "mean r"),
        ModelSpec::Rtrf(spec) => (spec.options, "mean r of the roll-out"),
        ModelSpec::Banded(spec) => (spec.options, "squared error"),
        ModelSpec::Dre(_) => (LinearOptions::DEFAULT, "loss"),
    };
    let whose = if options.alpha_per_channel { "for each channel" } else { "for all channels" };
    let text = match (options.leave_one_out, options.n_folds) {
        (true, _) => format!("{whose}, by the squared error of leaving one training epoch out"),
        (false, 0) => format!("{whose}, by {score} on the validation set"),
        (false, n) => format!("{whose}, by {score} on {n} folds of the training set"),
    };
    ("penalties chosen".to_owned(), text)
}

pub(super) fn reduction(pca: Option<&Pca>) -> Option<(String, String)> {
    let pca = pca?;
    let text = format!("{} hold {:.1} % of the variance", pca.n_components(), 100.0 * pca.explained);
    Some(("principal components".to_owned(), text))
}

/// The fits that differ: one where all subjects share it.
fn distinct<M>(subjects: &[SubjectFit<M>], pooled: bool) -> &[SubjectFit<M>] {
    if pooled { &subjects[..subjects.len().min(1)] } else { subjects }
}

fn chosen<M>(subjects: &[SubjectFit<M>], pooled: bool) -> Vec<f64> {
    distinct(subjects, pooled)
        .iter()
        .flat_map(|fit| fit.alphas.iter().copied())
        .filter(|alpha| alpha.is_finite())
        .collect()
}

/// A penalty at the edge of those that were tried says that a better one may lie beyond.
pub(super) fn warn_of_edges(key: &str, name: &str, alphas: &[f64], chosen: &[f64], monitor: &dyn Monitor) {
    let low = alphas.iter().copied().fold(f64::INFINITY, f64::min);
    let high = alphas.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let n = chosen.len();
    let (at_low, at_high) =
        (chosen.iter().filter(|a| **a <= low).count(), chosen.iter().filter(|a| **a >= high).count());
    if low < high && at_low + at_high > 0 {
        monitor.warn(&format!(
            "{name}: the best penalty is the smallest of {key} ({low}) for {at_low} and the largest ({high}) \
             for {at_high} of {n} choices; a wider range may predict more"
        ));
    }
}

/// The interval of a mean across subjects.
pub(super) fn confidence(values: impl Iterator<Item = f64>) -> Option<[f64; 2]> {
    bootstrap_interval(&values.collect::<Vec<_>>(), BOOTSTRAP_SEED)
}

/// Scores a linear model, and what only it has.
pub(super) fn evaluate_linear(
    name: &str,
    (model, features): (&Fitted, &[String]),
    data: &dre::data::Dataset,
    spec: &ScoreSpec,
    monitor: &dyn Monitor,
) -> Result<Option<(Scores, LinearResult)>> {
    let stop = monitor.stop();
    let rows = feature_rows(data.features(), features)?;
    let scored = |model: &dyn Predictor| {
        let model = &OnFeatures { model, rows: rows.clone() };
        score(data, &Stoppable { model, stop: &stop }, spec)
    };
    let (found, coefficients, mut linear) = match model {
        Fitted::Trf(m) => {
            let linear = LinearResult { single_lag_r: single_lags(m, scored)?, ..LinearResult::default() };
            (scored(m)?, Coefficients::of_trfs(&m.subjects), linear)
        }
        Fitted::Banded(m) => {
            let found = scored(m)?;
            let bands = bands(m, &found, (data, spec), features, scored)?;
            (found, Coefficients::of_trfs(&m.subjects), LinearResult { bands, ..LinearResult::default() })
        }
        Fitted::Rtrf(m) => {
            let counted = Counted::new(m);
            let found = scored(&counted)?;
            let n_diverged = counted.n_diverged();
            if n_diverged > 0 {
                let n: usize = found.subjects.iter().map(|s| s.n_epochs).sum();
                monitor.warn(&format!(
                    "{name}: the roll-out of {n_diverged} of {n} test epochs grew without bound and was held at its limit; \
                     they are scored as they are. Larger penalties (models.{name}.alphas) or fewer data lags make it stable"
                ));
            }
            let linear = LinearResult { n_diverged, ..LinearResult::default() };
            (found, Coefficients::of_rtrfs(&m.subjects), linear)
        }
        Fitted::Dre(_) | Fitted::Seeds(_) => return Ok(None),
    };
    linear.features = features.to_vec();
    linear.lags = coefficients.lags(data.sfreq());
    let mean = coefficients.mean();
    linear.coefficients = (0..mean.dim().1)
        .map(|f| {
            let channels = (0..mean.dim().0).map(|c| (0..mean.dim().2).map(|lag| mean[[c, f, lag]] as f32).collect());
            channels.collect()
        })
        .collect();
    Ok(Some((found, linear)))
}

fn single_lags(model: &CohortTrf, scored: impl Fn(&dyn Predictor) -> dre::Result<Scores>) -> Result<Vec<f64>> {
    (0..model.lags().len()).map(|place| Ok(scored(&model.at_lag(place))?.mean_r)).collect()
}

fn bands(
    model: &CohortBanded,
    whole: &Scores,
    (data, spec): (&dre::data::Dataset, &ScoreSpec),
    features: &[String],
    scored: impl Fn(&dyn Predictor) -> dre::Result<Scores>,
) -> Result<Vec<BandResult>> {
    let n_bands = model.bands.len();
    let rows = feature_rows(data.features(), features)?;
    let parts: Vec<_> = (0..n_bands).map(|band| OnFeatures { model: model.band(band), rows: rows.clone() }).collect();
    let parts: Vec<&dyn Predictor> = parts.iter().map(|part| part as &dyn Predictor).collect();
    let shares = score_parts(data, &OnFeatures { model, rows: rows.clone() }, &parts, spec)?;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let mut results = Vec::new();
    for band in 0..n_bands {
        let own: Vec<f64> = shares.iter().map(|subject| subject[band]).collect();
        let unique = if model.without.is_empty() {
            None
        } else {
            let without = scored(&model.without(band))?;
            Some(whole.subjects.iter().zip(&without.subjects).map(|(a, b)| a.r - b.r).collect::<Vec<f64>>())
        };
        results.push(BandResult {
            name: model.bands.names[band].clone(),
            features: model.bands.features[band].iter().map(|&f| features[f].clone()).collect(),
            share: mean(&own),
            share_confidence: confidence(own.iter().copied()),
            unique: unique.as_ref().map(|unique| mean(unique)),
            unique_confidence: unique.and_then(|unique| confidence(unique.into_iter())),
        });
    }
    Ok(results)
}
