//! Models of a cohort that see features only: TRF and banded ridge, from the same moments where their lags are the same.

use std::ops::Range;

use ndarray::{Array1, Array2};

use super::super::bands::{Bands, Tries, band_weights, leave_one_out};
use super::super::config::{BandedConfig, LinearOptions, TrfConfig};
use super::super::leave_out::LeftOut;
use super::super::masks::Group;
use super::super::pca::Pca;
use super::super::trf_system::{TrfLayout, TrfSystem};
use super::super::{Effort, Penalty, Trf};
use super::choose::{Choice, choose};
use super::source::{Source, check_components, fit_pca};
use super::{CohortBanded, CohortTrf, FitSpec, SubjectFit, by_subject, check_alphas};
use crate::data::{Epoch, EpochSource, Set};
use crate::{Error, Result};

/// A model to fit.
#[derive(Clone, Copy, Debug)]
pub enum FeatureTask<'a> {
    /// A temporal receptive field.
    Trf(&'a TrfConfig, LinearOptions),
    /// Banded ridge regression, with the seed of its search.
    Banded(&'a BandedConfig, LinearOptions, u64),
}

/// A fitted model.
#[derive(Clone, Debug)]
pub enum FeatureModel {
    /// A temporal receptive field.
    Trf(CohortTrf),
    /// Banded ridge regression.
    Banded(CohortBanded),
}

impl FeatureTask<'_> {
    fn options(&self) -> LinearOptions {
        match self {
            Self::Trf(_, options) | Self::Banded(_, options, _) => *options,
        }
    }

    fn layout(&self, features: &[String], n_times: usize) -> Result<TrfLayout> {
        match self {
            Self::Trf(c, _) => TrfLayout::new(features, (c.lag_min, c.lag_max), &c.lags, n_times),
            Self::Banded(c, ..) => TrfLayout::new(features, (c.lag_min, c.lag_max), &c.lags, n_times),
        }
    }

    /// Whether the settings fit a data set; quick, so that a mistake in the last of many models is found before the first
    /// is fitted.
    ///
    /// # Errors
    /// [`Error::Setting`] where there is no alpha, lags do not fit the epochs, there are more components than channels or
    /// more folds than a subject has training epochs, or bands do not fit the features.
    pub fn check(&self, dataset: &dyn EpochSource) -> Result<()> {
        match self {
            Self::Trf(config, _) => check_alphas(&config.alphas)?,
            Self::Banded(config, ..) => {
                check_alphas(&config.alphas)?;
                Bands::new(config, dataset.features())?;
            }
        }
        self.layout(dataset.features(), dataset.n_times())?;
        check_options(self.options(), dataset)
    }
}

/// Whether components and folds fit a data set.
pub(super) fn check_options(options: LinearOptions, dataset: &dyn EpochSource) -> Result<()> {
    check_components(options.n_components, dataset.n_channels())?;
    if options.n_folds > 0 {
        for (subject, name) in dataset.subjects().iter().enumerate() {
            let n_epochs = dataset.subject_epochs(Set::Train, subject).len();
            folds(n_epochs, options.n_folds).map_err(|error| error.at(name.as_str()))?;
        }
    }
    Ok(())
}

/// Stretches of epochs, as equal as can be.
pub(super) fn folds(n_epochs: usize, n_folds: usize) -> Result<Vec<Range<usize>>> {
    if n_folds < 2 || n_folds > n_epochs {
        return Err(Error::Setting {
            name: "n_folds".to_owned(),
            found: n_folds.to_string(),
            expected: format!(
                "between 2 and the number of training epochs, {n_epochs}; 0 chooses on the validation set instead"
            ),
        });
    }
    Ok((0..n_folds).map(|f| f * n_epochs / n_folds..(f + 1) * n_epochs / n_folds).collect())
}

/// One subject's part of a model.
struct Part {
    fit: SubjectFit<Trf>,
    single_lags: Vec<Trf>,
    weights: Array2<f64>,
    losses: Array1<f64>,
    without: Vec<Trf>,
}

/// What several models of one subject share.
struct Shared {
    key: (TrfLayout, usize, usize),
    /// Targets that share their rows of the training (and validation) epochs.
    groups: Vec<Group>,
    /// By fold of the training epochs.
    folds: Vec<TrfSystem>,
    ranges: Vec<Range<usize>>,
    all: TrfSystem,
    /// The validation epochs after the init window, where a search needs them.
    valid: Option<TrfSystem>,
}

/// Fits a TRF to each subject's training epochs; alpha by the mean r across held-out epochs, over channels and the samples
/// from `spec.valid_from` on.
///
/// # Errors
/// As [`Trf::fit_measured`]; [`Error::Setting`] where there is no alpha, or folds do not fit.
pub fn fit_trf(
    dataset: &dyn EpochSource,
    config: &TrfConfig,
    options: LinearOptions,
    spec: &FitSpec,
) -> Result<CohortTrf> {
    match fit_feature_models(dataset, &[FeatureTask::Trf(config, options)], spec)?.pop() {
        Some(FeatureModel::Trf(model)) => Ok(model),
        _ => unreachable!("a TRF was asked for"),
    }
}

/// Fits banded ridge regression to each subject's training epochs; weights and alpha by the mean squared error on held-out
/// samples: those of the validation epochs from `spec.valid_from` on, or of folds of the training epochs.
///
/// # Errors
/// As [`Trf::fit_measured`] and [`Bands::new`]; [`Error::Setting`] where there is nothing to try, or folds do not fit.
pub fn fit_banded(
    dataset: &dyn EpochSource,
    config: &BandedConfig,
    options: LinearOptions,
    seed: u64,
    spec: &FitSpec,
) -> Result<CohortBanded> {
    match fit_feature_models(dataset, &[FeatureTask::Banded(config, options, seed)], spec)?.pop() {
        Some(FeatureModel::Banded(model)) => Ok(model),
        _ => unreachable!("banded ridge was asked for"),
    }
}

/// Fits several models. Those with the same lags, folds and components share one pass over the epochs and its moments.
///
/// # Errors
/// As [`fit_trf`] and [`fit_banded`].
pub fn fit_feature_models(
    dataset: &dyn EpochSource,
    tasks: &[FeatureTask<'_>],
    spec: &FitSpec,
) -> Result<Vec<FeatureModel>> {
    tasks.iter().try_for_each(|task| task.check(dataset))?;
    let mut reductions: Vec<Pca> = Vec::new();
    for n in tasks.iter().map(|task| task.options().n_components).filter(|&n| n > 0) {
        if reductions.iter().all(|pca| pca.n_components() != n) {
            reductions.push(fit_pca(dataset, n, spec.batch_size, &spec.stop)?);
        }
    }
    let reduction = |options: LinearOptions| reductions.iter().find(|pca| pca.n_components() == options.n_components);
    let bands: Vec<Bands> = tasks
        .iter()
        .map(|task| match task {
            FeatureTask::Trf(..) => {
                Ok(Bands { names: vec!["all".to_owned()], features: vec![(0..dataset.n_features()).collect()] })
            }
            FeatureTask::Banded(config, ..) => Bands::new(config, dataset.features()),
        })
        .collect::<Result<_>>()?;
    let by_subject = by_subject(dataset, spec, spec.n_threads, |subject, n_threads| {
        let mut shared: Vec<Shared> = Vec::new();
        let mut parts = Vec::new();
        for (task, bands) in tasks.iter().zip(&bands) {
            let options = task.options();
            let source = Source { dataset, pca: reduction(options), batch_size: spec.batch_size, stop: &spec.stop };
            let key = (task.layout(dataset.features(), dataset.n_times())?, options.n_folds, options.n_components);
            let place = if let Some(place) = shared.iter().position(|s| s.key == key) {
                place
            } else {
                // A search that comes later needs the validation epochs' moments, too.
                let is_searched = tasks.iter().any(|t| matches!(t, FeatureTask::Banded(..)));
                shared.push(gather(&source, subject, key, is_searched, spec, n_threads)?);
                shared.len() - 1
            };
            let one = Subject { source, subject, spec, n_threads, shared: &shared[place] };
            parts.push(match task {
                FeatureTask::Trf(config, options) => one.trf(config, *options)?,
                FeatureTask::Banded(config, options, seed) => one.banded(config, *options, bands, *seed)?,
            });
        }
        Ok(parts)
    })?;
    let mut models = Vec::new();
    let mut by_subject: Vec<_> = by_subject.into_iter().map(Vec::into_iter).collect();
    for (task, bands) in tasks.iter().zip(bands) {
        let parts: Vec<Part> = by_subject.iter_mut().filter_map(Iterator::next).collect();
        models.push(assemble(task, bands, parts, reduction(task.options()).cloned(), spec.n_threads));
    }
    Ok(models)
}

fn assemble(
    task: &FeatureTask<'_>,
    bands: Bands,
    parts: Vec<Part>,
    pca: Option<Pca>,
    n_threads: usize,
) -> FeatureModel {
    let n_without = parts.first().map_or(0, |part| part.without.len());
    let (mut subjects, mut single_lags, mut weights, mut losses) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut without = vec![Vec::new(); n_without];
    for mut part in parts {
        if let Some(pca) = &pca {
            for model in part.without.iter_mut().chain(&mut part.single_lags).chain([&mut part.fit.model]) {
                *model = model.restored(pca);
            }
        }
        subjects.push(part.fit);
        single_lags.push(part.single_lags);
        weights.push(part.weights);
        losses.push(part.losses);
        without.iter_mut().zip(part.without).for_each(|(all, one)| all.push(one));
    }
    match task {
        FeatureTask::Trf(config, _) => {
            let single_lags = if config.single_lags { single_lags } else { Vec::new() };
            FeatureModel::Trf(CohortTrf { subjects, single_lags, pca, pooled: false, n_threads })
        }
        FeatureTask::Banded(..) => {
            FeatureModel::Banded(CohortBanded { subjects, bands, weights, losses, without, pca, n_threads })
        }
    }
}

/// Moments of a subject's epochs.
fn gather(
    source: &Source<'_>,
    subject: usize,
    key: (TrfLayout, usize, usize),
    is_searched: bool,
    spec: &FitSpec,
    n_threads: usize,
) -> Result<Shared> {
    let dataset = source.dataset;
    let train = dataset.subject_epochs(Set::Train, subject);
    let (n_train, n_folds) = (train.len(), key.1);
    let needs_valid = is_searched && n_folds == 0;
    let valid = if needs_valid { dataset.subject_epochs(Set::Valid, subject) } else { &[] };
    let epochs: Vec<Epoch> = [train, valid].concat();
    let mut groups: Vec<Group> = source.measured(&epochs)?.groups(0);
    for group in &mut groups {
        for runs in &mut group.rows[n_train..] {
            runs.retain_mut(|run| {
                run.start = run.start.max(spec.valid_from);
                run.start < run.end
            });
        }
    }
    groups.retain(|group| super::super::rows::count(&group.rows[..n_train]) > 0);
    let whole: Vec<Range<usize>> = std::iter::once(0..n_train).collect();
    let ranges = if n_folds == 0 { whole } else { folds(n_train, n_folds)? };
    let mut wanted = ranges.clone();
    if needs_valid {
        wanted.push(n_train..epochs.len());
    }
    let shape = (source.n_targets(), dataset.n_times());
    let pass = |work: &mut dyn FnMut(_, _, _) -> Result<()>| source.pass(&epochs, work);
    let mut systems = TrfSystem::gather(&key.0, &groups, shape, (&wanted, n_train), &pass, n_threads)?;
    let valid = if needs_valid { systems.pop() } else { None };
    let Some(all) = TrfSystem::sum(&systems) else { unreachable!("there is a fold") };
    Ok(Shared { key, groups, folds: systems, ranges, all, valid })
}

/// What a model of one subject is fitted from.
#[expect(clippy::struct_field_names, reason = "the subject's number is what it is called everywhere")]
struct Subject<'a> {
    source: Source<'a>,
    subject: usize,
    spec: &'a FitSpec,
    n_threads: usize,
    shared: &'a Shared,
}

impl Subject<'_> {
    fn effort(&self) -> Effort<'_> {
        (self.n_threads, &self.spec.stop)
    }

    fn trf(&self, config: &TrfConfig, options: LinearOptions) -> Result<Part> {
        let (dataset, shared) = (self.source.dataset, self.shared);
        let solve =
            |system: &TrfSystem| system.solve((config.penalty, config.alpha_unit), &config.alphas, self.effort());
        let models = solve(&shared.all)?;
        let per_target = options.alpha_per_channel;
        let choice = if options.leave_one_out {
            self.by_leaving_one_out(config, per_target)?
        } else {
            let train = dataset.subject_epochs(Set::Train, self.subject);
            let mut sets: Vec<(Vec<Trf>, &[Epoch])> = Vec::new();
            if options.n_folds == 0 {
                sets.push((models.clone(), dataset.subject_epochs(Set::Valid, self.subject)));
            } else {
                for (held_out, range) in shared.ranges.iter().enumerate() {
                    let rest = shared.folds.iter().enumerate().filter(|(f, _)| *f != held_out).map(|(_, s)| s);
                    if let Some(rest) = TrfSystem::sum(rest) {
                        sets.push((solve(&rest)?, &train[range.clone()]));
                    }
                }
            }
            choose(&self.source, &sets, self.spec.valid_from, per_target, |model, batch| {
                model.predict(&batch.features.mapv(f64::from), self.n_threads)
            })?
        };
        let mut single_lags = Vec::new();
        if config.single_lags {
            let by_alpha: Vec<Vec<Trf>> = config
                .alphas
                .iter()
                .enumerate()
                .map(|(i, &alpha)| {
                    if choice.chosen.contains(&i) {
                        shared.all.solve_single_lags(config.alpha_unit, alpha)
                    } else {
                        Ok(Vec::new())
                    }
                })
                .collect::<Result<_>>()?;
            let n_lags = by_alpha.iter().map(Vec::len).max().unwrap_or(0);
            let blank = shared.all.blank();
            for lag in 0..n_lags {
                let at: Vec<Trf> =
                    by_alpha.iter().map(|models| models.get(lag).cloned().unwrap_or_else(|| blank.clone())).collect();
                single_lags.push(Trf::mix(&at, &choice.chosen));
            }
        }
        let alphas: Vec<f64> = choice.chosen.iter().map(|&i| config.alphas[i]).collect();
        let nested_r2 = if options.nested {
            let bands = Bands { names: vec!["all".to_owned()], features: vec![(0..dataset.n_features()).collect()] };
            let gammas = vec![vec![1.0]];
            let (alphas, unit) = (config.alphas.clone(), config.alpha_unit);
            let tries = Tries { bands, gammas, alphas, unit, per_target };
            if config.penalty != Penalty::Ridge {
                return Err(Error::Setting {
                    name: "nested".to_owned(),
                    found: "true with a Laplacian penalty".to_owned(),
                    expected: "penalty = \"ridge\", or nested = false".to_owned(),
                });
            }
            finite_mean(&tries.nested(&shared.folds, self.effort())?)
        } else {
            None
        };
        Ok(Part {
            fit: SubjectFit {
                subject: dataset.subjects()[self.subject].clone(),
                model: Trf::mix(&models, &choice.chosen),
                alphas: if per_target { alphas } else { alphas.into_iter().take(1).collect() },
                valid_r: choice.valid_r,
                nested_r2,
            },
            single_lags,
            weights: Array2::zeros((0, 0)),
            losses: Array1::zeros(0),
            without: Vec::new(),
        })
    }

    /// The penalties with the least error where each training epoch is predicted by a fit to all others; of components,
    /// the error is that of the components.
    fn by_leaving_one_out(&self, config: &TrfConfig, per_target: bool) -> Result<Choice> {
        let train = self.source.dataset.subject_epochs(Set::Train, self.subject);
        let pass = |work: &mut dyn FnMut(_, _, _) -> Result<()>| self.source.pass(train, work);
        let penalties = ((config.penalty, config.alpha_unit), config.alphas.as_slice());
        let how = (LeftOut::Epoch, self.effort());
        let errors = self.shared.all.leave_one_out(&self.shared.groups, &pass, penalties, how)?;
        Ok(Choice::of_errors(&errors, per_target))
    }

    fn banded(&self, config: &BandedConfig, options: LinearOptions, bands: &Bands, seed: u64) -> Result<Part> {
        let shared = self.shared;
        let gammas = band_weights(bands.len(), config.n_iter, &config.concentration, seed)?;
        let tries = Tries {
            bands: bands.clone(),
            gammas,
            alphas: config.alphas.clone(),
            unit: config.alpha_unit,
            per_target: options.alpha_per_channel,
        };
        let splits = match &shared.valid {
            Some(valid) => vec![(shared.all.clone(), valid.clone())],
            None => leave_one_out(&shared.folds.iter().collect::<Vec<_>>()),
        };
        let found = tries.fit(&shared.all, &splits, self.effort())?;
        let mut without = Vec::new();
        if config.unique && bands.len() > 1 {
            for band in 0..bands.len() {
                without.push(tries.without(band).fit(&shared.all, &splits, self.effort())?.model);
            }
        }
        let nested_r2 = if options.nested { finite_mean(&tries.nested(&shared.folds, self.effort())?) } else { None };
        let alphas = found.alphas.to_vec();
        Ok(Part {
            fit: SubjectFit {
                subject: self.source.dataset.subjects()[self.subject].clone(),
                model: found.model,
                alphas: if options.alpha_per_channel {
                    alphas
                } else {
                    // A channel that was never measured has none.
                    alphas.into_iter().filter(|alpha| alpha.is_finite()).take(1).collect()
                },
                valid_r: Vec::new(),
                nested_r2,
            },
            single_lags: Vec::new(),
            weights: found.gammas,
            losses: found.losses,
            without,
        })
    }
}

/// Mean over the channels that have a value.
fn finite_mean(values: &Array1<f64>) -> Option<f64> {
    let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    (!finite.is_empty()).then(|| finite.iter().sum::<f64>() / finite.len() as f64)
}
