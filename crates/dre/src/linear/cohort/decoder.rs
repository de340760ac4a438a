//! Backward models of a cohort: features told from the data of each subject.

use std::ops::Range;

use ndarray::{Array1, Array2, Array3, ArrayView1, Axis, concatenate};

use super::super::Trf;
use super::super::config::{DecodeConfig, FeatureLags, LinearOptions};
use super::super::decode::Decoder;
use super::super::masks::Measured;
use super::super::pca::Pca;
use super::super::trf_system::{Pass, TrfLayout, TrfSystem};
use super::features::{check_options, folds};
use super::source::{Source, fit_pca};
use super::{FitSpec, SubjectFit, by_subject, check_alphas};
use crate::data::{Batch, Epoch, EpochSource, ProductSums, Set};
use crate::metrics::PartialCorrelation;
use crate::{Error, Result, Stop};

/// A decoder per subject.
#[derive(Clone, Debug)]
pub struct CohortDecoder {
    /// Names of the features that are told, in the data set's order.
    pub features: Vec<String>,
    /// One per subject of the data set, in its order. There is an alpha for each feature; `valid_r` holds the mean r over
    /// features for each alpha of the configuration.
    pub subjects: Vec<SubjectFit<Decoder>>,
    /// Share of the data's variance in the principal components that were fitted, before weights and patterns were mapped
    /// back to channels; none for channels.
    pub explained: Option<f64>,
    /// Whether other features are held constant, see [`DecodeConfig::hold_others`].
    pub hold_others: bool,
}

/// How well a feature is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecodeScore {
    /// Mean of r over samples of the epoch; 0 where there is none.
    pub r: f64,
    /// Number of samples at which the feature varies across epochs, given the other features.
    pub n_times: usize,
}

impl DecodeConfig {
    /// Whether the settings fit a data set.
    ///
    /// # Errors
    /// [`Error::Setting`] for a feature that there is not, lags that do not fit the epochs, more components than channels,
    /// more folds than a subject has training epochs, no alpha.
    pub fn check(&self, dataset: &dyn EpochSource) -> Result<()> {
        check_alphas(&self.alphas)?;
        wanted(dataset.features(), &self.features)?;
        let lags = (self.lag_min, self.lag_max);
        TrfLayout::new(&dataset.channel_names(), lags, &FeatureLags::new(), dataset.n_times())?;
        let (n_folds, n_components) = (self.n_folds, self.n_components);
        check_options(LinearOptions { n_folds, n_components, ..LinearOptions::DEFAULT }, dataset)
    }
}

/// Fits a decoder to each subject's training epochs, for each feature to what other features do not tell of it at the same
/// sample: its residual from their regression. So what is fitted is what is scored, and what is told of a feature does not
/// depend on how the others are written (Frisch–Waugh: weights and patterns are those of a fit to all features at once, but
/// for the penalty); else a response to any event would pass for the value that events have. Each feature's alpha by [`CohortDecoder::score`]'s r on the validation
/// epochs, or on folds of the training epochs.
///
/// What was not measured is 0, the scaled data's centre, as in every model's input.
///
/// # Errors
/// As [`DecodeConfig::check`] and [`Decoder::fit`].
pub fn fit_decoder(dataset: &dyn EpochSource, config: &DecodeConfig, spec: &FitSpec) -> Result<CohortDecoder> {
    config.check(dataset)?;
    let wanted = wanted(dataset.features(), &config.features)?;
    let features: Vec<String> = wanted.iter().map(|&f| dataset.features()[f].clone()).collect();
    let pca = match config.n_components {
        0 => None,
        n => Some(fit_pca(dataset, n, spec.batch_size, &spec.stop)?),
    };
    let explained = pca.as_ref().map(|pca| pca.explained);
    // Lags that reach out of an epoch see 0; as sums of channels, components do the same if no mean is taken off.
    let pca = pca.map(|pca| Pca { mean: Array1::zeros(pca.mean.len()), ..pca });
    let channels = Source { dataset, pca: None, batch_size: spec.batch_size, stop: &spec.stop };
    let source = Source { pca: pca.as_ref(), ..channels };
    let layout =
        TrfLayout::new(&source.names(), (config.lag_min, config.lag_max), &FeatureLags::new(), dataset.n_times())?;
    let subjects = by_subject(dataset, spec, spec.n_threads, |subject, n_threads| {
        let train = dataset.subject_epochs(Set::Train, subject);
        let own = Own::new(&source, train, &wanted, config.hold_others)?;
        let pass: &Pass<'_> = &|work| source.pass(train, &mut |seen, data, first| work(data, own.of(&seen), first));
        let mut all = Measured::new(wanted.len(), dataset.n_times());
        all.push(train.len(), None);
        let ranges: Vec<Range<usize>> = match config.n_folds {
            0 => std::iter::once(0..train.len()).collect(),
            n => folds(train.len(), n)?,
        };
        let shape = (wanted.len(), dataset.n_times());
        let parts = TrfSystem::gather(&layout, &all.groups(0), shape, (&ranges, train.len()), pass, n_threads)?;
        let Some(system) = TrfSystem::sum(&parts) else { unreachable!("there is a fold at least") };
        let solve = |system: &TrfSystem| {
            system.solve((config.penalty, config.alpha_unit), &config.alphas, (n_threads, &spec.stop))
        };
        let on_channels = |models: &[Trf]| -> Vec<Trf> {
            models
                .iter()
                .map(|model| pca.as_ref().map_or_else(|| model.clone(), |pca| model.on_channels(pca)))
                .collect()
        };
        let models = solve(&system)?;
        let mut sums =
            vec![PartialCorrelation::new(dataset.n_features() + wanted.len(), dataset.n_times()); models.len()];
        if config.n_folds == 0 {
            let valid = dataset.subject_epochs(Set::Valid, subject);
            tell(&channels, valid, &on_channels(&models), &mut sums, n_threads)?;
        } else {
            for (held_out, range) in ranges.iter().enumerate() {
                let rest = parts.iter().enumerate().filter(|(fold, _)| *fold != held_out).map(|(_, part)| part);
                if let Some(rest) = TrfSystem::sum(rest) {
                    tell(&channels, &train[range.clone()], &on_channels(&solve(&rest)?), &mut sums, n_threads)?;
                }
            }
        }
        let by_alpha: Vec<Vec<DecodeScore>> =
            sums.iter().map(|sums| scores(sums, &wanted, config.hold_others)).collect();
        // Where nothing tells them apart, the largest penalty: the least that can be wrong.
        let better = |i: usize, best: usize, feature: usize| match by_alpha[i][feature].n_times {
            0 => config.alphas[i] > config.alphas[best],
            _ => by_alpha[i][feature].r > by_alpha[best][feature].r,
        };
        let best =
            |feature: usize| (0..by_alpha.len()).fold(0, |best, i| if better(i, best, feature) { i } else { best });
        let chosen: Vec<usize> = (0..wanted.len()).map(best).collect();
        let mut decoder = Decoder::with_patterns(&system, Trf::mix(&models, &chosen), &own.products);
        if let Some(pca) = &pca {
            decoder = Decoder { model: decoder.model.on_channels(pca), patterns: pca.to_channels(&decoder.patterns) };
        }
        Ok(SubjectFit {
            subject: dataset.subjects()[subject].clone(),
            model: decoder,
            alphas: chosen.iter().map(|&i| config.alphas[i]).collect(),
            valid_r: by_alpha
                .iter()
                .map(|own| own.iter().map(|s| s.r).sum::<f64>() / own.len().max(1) as f64)
                .collect(),
            nested_r2: None,
        })
    })?;
    Ok(CohortDecoder { features, subjects, explained, hold_others: config.hold_others })
}

impl CohortDecoder {
    /// The chosen alphas, as name and text.
    pub fn choices(&self) -> Vec<(String, String)> {
        let explained = self
            .explained
            .map(|share| ("variance in the principal components".to_owned(), format!("{:.1} %", 100.0 * share)));
        self.subjects.iter().flat_map(|fit| fit.choices(&fit.subject)).chain(explained).collect()
    }

    /// How well each feature is told, per subject: Pearson's r across a set's epochs between the feature and what is told
    /// of it, sample by sample, with all other features of the data set at that sample held constant in both (where the
    /// settings say so), and its mean over the samples of the epoch.
    ///
    /// # Errors
    /// [`Error::Setting`] where the data set lacks a feature or a subject, [`Error::Shape`] where it has other channels.
    pub fn score(
        &self,
        dataset: &dyn EpochSource,
        set: Set,
        batch_size: usize,
        n_threads: usize,
    ) -> Result<Vec<Vec<DecodeScore>>> {
        let wanted = wanted(dataset.features(), &self.features)?;
        let never = Stop::never();
        let source = Source { dataset, pca: None, batch_size: batch_size.max(1), stop: &never };
        let fits = self.subjects.iter().enumerate();
        fits.map(|(subject, fit)| {
            if dataset.subjects().get(subject) != Some(&fit.subject) {
                return Err(Error::Setting {
                    name: "subject".to_owned(),
                    found: fit.subject.clone(),
                    expected: format!("one of {}, in this order", dataset.subjects().join(", ")),
                });
            }
            let mut sums = [PartialCorrelation::new(dataset.n_features() + wanted.len(), dataset.n_times())];
            let model = std::slice::from_ref(&fit.model.model);
            tell(&source, dataset.subject_epochs(set, subject), model, &mut sums, n_threads)?;
            Ok(scores(&sums[0], &wanted, self.hold_others))
        })
        .collect()
    }
}

/// What is fitted of each wanted feature: itself, or itself less its regression on all other features at the same sample.
struct Own {
    /// Means over training samples, by feature.
    means: Vec<f64>,
    /// Weights `(n_wanted, n_features)`; 1 for the feature itself.
    weights: Array2<f64>,
    /// `(n_wanted, n_wanted)`: sums of products over training samples that patterns go by; only the squares where others are
    /// held constant, 0 for a feature that is constant or fixed by them.
    products: Vec<f64>,
}

impl Own {
    /// From the training epochs of a subject.
    fn new(source: &Source<'_>, train: &[Epoch], wanted: &[usize], hold_others: bool) -> Result<Self> {
        let n = source.dataset.n_features();
        let mut sums = ProductSums::new(n);
        let mut batch = Batch::default();
        let mut values = vec![0.0; n];
        for block in train.chunks(source.batch_size) {
            source.stop.check()?;
            source.dataset.draw(block, &mut batch);
            for epoch in batch.features.outer_iter() {
                for sample in epoch.columns() {
                    values.iter_mut().zip(sample).for_each(|(value, &seen)| *value = f64::from(seen));
                    sums.push(&values);
                }
            }
        }
        let mut weights = Array2::zeros((wanted.len(), n));
        if !hold_others {
            weights.outer_iter_mut().zip(wanted).for_each(|(mut row, &feature)| row[feature] = 1.0);
            let k = wanted.len();
            let products = (0..k * k).map(|i| sums.product(wanted[i % k], wanted[i / k])).collect();
            return Ok(Self { means: vec![0.0; n], weights, products });
        }
        let k = wanted.len();
        let mut products = vec![0.0; k * k];
        for (place, (mut row, &feature)) in weights.outer_iter_mut().zip(wanted).enumerate() {
            let others: Vec<usize> = (0..n).filter(|&other| other != feature).collect();
            let (of_others, left) = sums.regression(feature, &others);
            of_others.into_iter().for_each(|(other, weight)| row[other] = -weight);
            row[feature] = 1.0;
            products[place * k + place] = left;
        }
        Ok(Self { means: sums.means().to_vec(), weights, products })
    }

    /// Of features `(n_epochs, n_features, n_times)`: `(n_epochs, n_wanted, n_times)`.
    fn of(&self, features: &Array3<f64>) -> Array3<f64> {
        let (n_epochs, _, n_times) = features.dim();
        let mut own = Array3::zeros((n_epochs, self.weights.nrows(), n_times));
        let offset = self.weights.dot(&ArrayView1::from(&self.means));
        for (features, mut own) in features.outer_iter().zip(own.outer_iter_mut()) {
            own.assign(&(self.weights.dot(&features) - offset.view().insert_axis(Axis(1))));
        }
        own
    }
}

/// Places of the features `names` among those of the data set, in its order; all where none is named.
fn wanted(all: &[String], names: &[String]) -> Result<Vec<usize>> {
    if let Some(unknown) = names.iter().find(|name| !all.contains(name)) {
        return Err(Error::Setting {
            name: "features".to_owned(),
            found: unknown.clone(),
            expected: format!("one of {}", all.join(", ")),
        });
    }
    Ok((0..all.len()).filter(|&f| names.is_empty() || names.contains(&all[f])).collect())
}

/// Adds, for each model, the features of these epochs and then what it tells of those that it knows.
fn tell(
    source: &Source<'_>,
    epochs: &[Epoch],
    models: &[Trf],
    sums: &mut [PartialCorrelation],
    n_threads: usize,
) -> Result<()> {
    source.batches(epochs, |_, seen| {
        let data = seen.data.mapv(f64::from);
        for (model, sums) in models.iter().zip(&mut *sums) {
            source.stop.check()?;
            let told: Array3<f32> = model.predict(&data, n_threads)?.mapv(|v| v as f32);
            sums.push(&concatenate![Axis(1), seen.features, told])?;
        }
        Ok(())
    })
}

/// From sums over features, then over what was told of the `wanted` ones.
fn scores(sums: &PartialCorrelation, wanted: &[usize], hold_others: bool) -> Vec<DecodeScore> {
    let n_features = sums.n_signals() - wanted.len();
    let one = |(place, &feature): (usize, &usize)| {
        let others: Vec<usize> = (0..n_features).filter(|&other| hold_others && other != feature).collect();
        let r: Vec<f64> = sums.r(feature, n_features + place, &others).into_iter().flatten().collect();
        // A sum of nothing is −0.
        let sum = r.iter().fold(0.0, |sum, r| sum + r);
        DecodeScore { r: sum / r.len().max(1) as f64, n_times: r.len() }
    };
    wanted.iter().enumerate().map(one).collect()
}
