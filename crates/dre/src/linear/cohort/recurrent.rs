//! Autoregressive models of a cohort.

use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::Array3;

use super::super::config::LinearOptions;
use super::super::rtrf_system::RtrfLayout;
use super::super::{Rtrf, RtrfConfig};
use super::choose::choose;
use super::features::{check_options, folds};
use super::source::{Source, fit_pca};
use super::{CohortRtrf, FitSpec, SubjectFit, by_subject, check_alphas, roll_out};
use crate::data::{Batch, Epoch, EpochSource, Set};
use crate::model::{Inputs, Predictor};
use crate::{Error, Result};

/// Systems of more columns than this are solved one subject after the other, each by all threads, so that one at a time is
/// held.
const LARGE: usize = 3000;
/// Epochs that are drawn at a time at most: each is held several times over in f64.
const BATCH: usize = 32;

impl RtrfConfig {
    /// Whether the settings fit a data set, as [`FeatureTask::check`](super::FeatureTask::check) does.
    ///
    /// # Errors
    /// [`Error::Setting`] where there is no alpha or data lag, lags leave no sample of an epoch, or `options` do not fit.
    pub fn check(&self, options: LinearOptions, dataset: &dyn EpochSource) -> Result<()> {
        check_alphas(&self.alphas)?;
        let n_times = dataset.n_times();
        for (name, n_lags, least) in
            [("n_lags_data", self.n_lags_data, 1), ("n_lags_features", self.n_lags_features, 0)]
        {
            // What a row sees at the largest feature lag is n_lags_features − 1 samples ago.
            let most = n_times - 1 + (1 - least);
            if !(least..=most).contains(&n_lags) {
                return Err(Error::Setting {
                    name: name.to_owned(),
                    found: n_lags.to_string(),
                    expected: format!("between {least} and {most} samples, as an epoch has {n_times}"),
                });
            }
        }
        check_options(options, dataset)
    }
}

/// Fits an RTRF to each subject's training epochs; alpha by the mean r of its roll-out from `n_init_times` true samples on
/// held-out epochs, over channels and the samples from `spec.valid_from` on.
///
/// With a choice of its own, a channel takes the alpha whose roll-out, with the same alpha for all channels, predicts it
/// best. With folds, each is held out from a fit of its own.
///
/// # Errors
/// As [`Rtrf::fit_measured`]; [`crate::Error::Setting`] where there is no alpha, or folds do not fit.
pub fn fit_rtrf(
    dataset: &dyn EpochSource,
    config: &RtrfConfig,
    n_init_times: usize,
    options: LinearOptions,
    spec: &FitSpec,
) -> Result<CohortRtrf> {
    config.check(options, dataset)?;
    let batch_size = spec.batch_size.min(BATCH);
    let pca = if options.n_components > 0 {
        Some(fit_pca(dataset, options.n_components, batch_size.max(1), &spec.stop)?)
    } else {
        None
    };
    let source = Source { dataset, pca: pca.as_ref(), batch_size, stop: &spec.stop };
    let n_columns = source.n_targets() * config.n_lags_data + dataset.n_features() * config.n_lags_features;
    let n_parallel = if n_columns > LARGE { 1 } else { spec.n_threads };
    let subjects = by_subject(dataset, spec, n_parallel, |subject, n_threads| {
        let train = dataset.subject_epochs(Set::Train, subject);
        let fit = |epochs: &[Epoch]| -> Result<Vec<Rtrf>> {
            let measured = source.measured(epochs)?;
            let shape = [dataset.n_features(), source.n_targets(), dataset.n_times()];
            let layout = RtrfLayout::new(config, &measured, (&source.names(), dataset.features()), shape)?;
            let groups = layout.groups(&measured);
            layout.solve(&groups, &|work| source.pass(epochs, work), &config.alphas, (n_threads, &spec.stop))
        };
        let models = fit(train)?;
        let rolled = |model: &Rtrf, batch: &Batch| Ok(roll_out(model, batch, n_init_times, n_threads)?.prediction);
        let per_target = options.alpha_per_channel;
        let (choice, models) = if options.n_folds == 0 {
            let sets = [(models, dataset.subject_epochs(Set::Valid, subject))];
            let choice = choose(&source, &sets, spec.valid_from, per_target, rolled)?;
            let [(models, _)] = sets;
            (choice, models)
        } else {
            let mut sets = Vec::new();
            for fold in folds(train.len(), options.n_folds)? {
                let rest: Vec<Epoch> = [&train[..fold.start], &train[fold.end..]].concat();
                sets.push((fit(&rest)?, &train[fold]));
            }
            (choose(&source, &sets, spec.valid_from, per_target, rolled)?, models)
        };
        let mixed = Rtrf::mix(&models, &choice.chosen);
        let alphas: Vec<f64> = choice.chosen.iter().map(|&i| config.alphas[i]).collect();
        Ok(SubjectFit {
            subject: dataset.subjects()[subject].clone(),
            model: source.pca.map_or_else(|| mixed.clone(), |pca| mixed.restored(pca)),
            alphas: if per_target { alphas } else { alphas.into_iter().take(1).collect() },
            valid_r: choice.valid_r,
            nested_r2: None,
        })
    })?;
    Ok(CohortRtrf { subjects, n_init_times, pca, pooled: false, n_threads: spec.n_threads })
}

/// A model that counts the epochs whose roll-out diverged, over all of its predictions.
#[derive(Debug)]
pub struct Counted<'a> {
    model: &'a CohortRtrf,
    n_diverged: AtomicUsize,
}

impl<'a> Counted<'a> {
    /// Has counted none yet.
    pub fn new(model: &'a CohortRtrf) -> Self {
        Self { model, n_diverged: AtomicUsize::new(0) }
    }

    /// Epochs that diverged so far.
    pub fn n_diverged(&self) -> usize {
        self.n_diverged.load(Ordering::Relaxed)
    }
}

impl Predictor for Counted<'_> {
    fn predict(&self, batch: &Batch) -> Result<Array3<f32>> {
        let rollout = self.model.roll_out(batch)?;
        self.n_diverged.fetch_add(rollout.n_diverged, Ordering::Relaxed);
        Ok(rollout.prediction.mapv(|v| v as f32))
    }

    fn inputs(&self) -> Inputs {
        self.model.inputs()
    }
}
