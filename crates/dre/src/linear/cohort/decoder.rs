//! Backward models of a cohort: features told from the data of each subject.

use ndarray::{Array3, Axis};

use super::super::config::{DecodeConfig, FeatureLags};
use super::super::decode::Decoder;
use super::super::masks::Measured;
use super::super::trf_system::{Pass, TrfLayout, TrfSystem};
use super::super::{Penalty, Trf};
use super::source::Source;
use super::{FitSpec, SubjectFit, by_subject, check_alphas};
use crate::data::{Batch, Epoch, EpochSource, Set};
use crate::metrics::Correlation;
use crate::{Error, Result};

/// A decoder per subject.
#[derive(Clone, Debug)]
pub struct CohortDecoder {
    /// Names of the features that are told, in the data set's order.
    pub features: Vec<String>,
    /// One per subject of the data set, in its order. `valid_r` holds the mean r over features for each alpha.
    pub subjects: Vec<SubjectFit<Decoder>>,
}

/// Fits a decoder to each subject's training epochs; alpha by the mean over features of r on the validation epochs.
///
/// What was not measured is 0, the scaled data's centre, as in every model's input.
///
/// # Errors
/// As [`Decoder::fit`]; [`Error::Setting`] where there is no alpha, or a feature that the data set does not have.
pub fn fit_decoder(dataset: &dyn EpochSource, config: &DecodeConfig, spec: &FitSpec) -> Result<CohortDecoder> {
    check_alphas(&config.alphas)?;
    let wanted = wanted(dataset.features(), &config.features)?;
    let features: Vec<String> = wanted.iter().map(|&f| dataset.features()[f].clone()).collect();
    let source = Source { dataset, pca: None, batch_size: spec.batch_size };
    let lags = (config.lag_min, config.lag_max);
    let layout = TrfLayout::new(&source.names(), lags, &FeatureLags::new(), dataset.n_times())?;
    let subjects = by_subject(dataset, spec, spec.n_threads, |subject, n_threads| {
        let train = dataset.subject_epochs(Set::Train, subject);
        let pass: &Pass<'_> =
            &|work| source.pass(train, &mut |seen, data, first| work(data, seen.select(Axis(1), &wanted), first));
        let mut all = Measured::new(wanted.len(), dataset.n_times());
        all.push(train.len(), None);
        let whole: Vec<std::ops::Range<usize>> = std::iter::once(0..train.len()).collect();
        let shape = (wanted.len(), dataset.n_times());
        let mut systems = TrfSystem::gather(&layout, &all.groups(0), shape, (&whole, train.len()), pass, n_threads)?;
        let system = systems.swap_remove(0);
        let mut models = system.solve(Penalty::Ridge, &config.alphas, n_threads)?;
        let seen: Vec<&Trf> = models.iter().collect();
        let valid = correlations(&source, dataset.subject_epochs(Set::Valid, subject), &seen, &wanted, n_threads)?;
        let valid_r: Vec<f64> = valid.iter().map(|r| r.iter().sum::<f64>() / r.len().max(1) as f64).collect();
        let best = (0..valid_r.len()).fold(0, |best, i| if valid_r[i] > valid_r[best] { i } else { best });
        Ok(SubjectFit {
            subject: dataset.subjects()[subject].clone(),
            model: Decoder::with_patterns(&system, models.swap_remove(best), &features, pass)?,
            alphas: vec![config.alphas[best]],
            valid_r,
            nested_r2: None,
        })
    })?;
    Ok(CohortDecoder { features, subjects })
}

impl CohortDecoder {
    /// The chosen alphas, as name and text.
    pub fn choices(&self) -> Vec<(String, String)> {
        self.subjects.iter().flat_map(SubjectFit::choices).collect()
    }

    /// Pearson's r between each feature and what is told of it, over all samples of a subject's epochs of a set: per
    /// subject, per feature. Samples that several epochs share count in each; a feature that does not vary has r = 0.
    /// Of a feature that is 0 between events this counts telling when an event comes, too, unless its values have mean 0 over
    /// events.
    ///
    /// # Errors
    /// [`Error::Setting`] where the data set lacks a feature or a subject, [`Error::Shape`] where it has other channels.
    pub fn score(
        &self,
        dataset: &dyn EpochSource,
        set: Set,
        batch_size: usize,
        n_threads: usize,
    ) -> Result<Vec<Vec<f64>>> {
        let wanted = wanted(dataset.features(), &self.features)?;
        let source = Source { dataset, pca: None, batch_size: batch_size.max(1) };
        let fits = self.subjects.iter().enumerate();
        fits.map(|(subject, fit)| {
            if dataset.subjects().get(subject) != Some(&fit.subject) {
                return Err(Error::Setting {
                    name: "subject".to_owned(),
                    found: fit.subject.clone(),
                    expected: format!("one of {}, in this order", dataset.subjects().join(", ")),
                });
            }
            let epochs = dataset.subject_epochs(set, subject);
            Ok(correlations(&source, epochs, &[&fit.model.model], &wanted, n_threads)?.swap_remove(0))
        })
        .collect()
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

/// For each model and feature, r over all samples of these epochs.
fn correlations(
    source: &Source<'_>,
    epochs: &[Epoch],
    models: &[&Trf],
    wanted: &[usize],
    n_threads: usize,
) -> Result<Vec<Vec<f64>>> {
    let mut sums = vec![Correlation::new(wanted.len(), 1); models.len()];
    source.batches(epochs, |_, seen: &Batch| {
        let truth = samples(&seen.features.select(Axis(1), wanted));
        let data = seen.data.mapv(f64::from);
        for (model, sums) in models.iter().zip(&mut sums) {
            sums.push(&truth, &samples(&model.predict(&data, n_threads)?.mapv(|v| v as f32)))?;
        }
        Ok(())
    })?;
    Ok(sums.iter().map(|sums| sums.r().iter().copied().collect()).collect())
}

/// Every sample as an epoch of one sample: `(n_epochs, n_features, n_times)` to `(n_epochs × n_times, n_features, 1)`.
fn samples(array: &Array3<f32>) -> Array3<f32> {
    let (n_epochs, n_features, n_times) = array.dim();
    let by_time = array.view().permuted_axes([0, 2, 1]).as_standard_layout().into_owned();
    by_time.into_shape_with_order((n_epochs * n_times, n_features, 1)).expect("of the same size")
}
