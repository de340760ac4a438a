//! A subject whom a trained network has not seen: its embedding fitted on a few minutes of its data.
//!
//! The network is frozen; of its parameters only the subject's row of the embedding is fitted, and, where it is wanted, a
//! linear map from predicted to true channels. A TRF on the same minutes is what it has to beat.

use std::ops::ControlFlow;

use ndarray::{Array3, s};

use crate::data::{Batch, Dataset, Epoch, Part, Set};
use crate::linear::{Trf, TrfConfig};
use crate::metrics::{ScoreSpec, score_subject};
use crate::model::{Inputs, Predictor};
use crate::nn::{DreModel, Ended, Network, Observer, Progress, TrainConfig, Training};
use crate::{Error, Result, Stop};

/// How a subject is adapted to.
#[derive(Clone, Debug, PartialEq)]
pub struct AdaptSpec {
    /// How the embedding is trained; the best pass is chosen on the subject's validation epochs.
    pub train: TrainConfig,
    /// Lags and penalties of the TRF on the same minutes.
    pub trf: TrfConfig,
    /// Penalties of the linear map to choose from.
    pub map_alphas: Vec<f64>,
    /// How it is scored.
    pub score: ScoreSpec,
    /// Seed of the order of the epochs.
    pub seed: u64,
    /// Number of threads of linear fits.
    pub n_threads: usize,
    /// Who may end it.
    pub stop: Stop,
}

/// Mean r on the subject's test epochs after adapting to some minutes of its training epochs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adapted {
    /// Length of the data that the training epochs cover (minutes), each sample counted once.
    pub minutes: f64,
    /// Number of these epochs.
    pub n_epochs: usize,
    /// The network with the fitted embedding.
    pub embedding: f64,
    /// The same, followed by the fitted linear map.
    pub mapped: f64,
    /// The TRF.
    pub trf: f64,
}

/// The subject's first training epochs that together cover at most `minutes` of its recordings.
pub fn first_minutes(dataset: &Dataset, subject: usize, minutes: f64) -> (Vec<Epoch>, f64) {
    let most = (minutes * 60.0 * dataset.sfreq()).round() as usize;
    let (mut kept, mut covered) = (Vec::new(), 0);
    let mut last: Option<(usize, usize)> = None;
    for epoch in dataset.subject_epochs(Set::Train, subject) {
        let end = epoch.start + dataset.n_times();
        let from = match last {
            Some((recording, before)) if recording == epoch.recording => epoch.start.max(before),
            _ => epoch.start,
        };
        let own = end.saturating_sub(from);
        if covered + own > most {
            break;
        }
        covered += own;
        last = Some((epoch.recording, end));
        kept.push(*epoch);
    }
    (kept, covered as f64 / dataset.sfreq() / 60.0)
}

/// r of the network as it is, with an embedding for the subject that nothing of the subject has entered.
///
/// # Errors
/// As [`score_subject`].
pub fn unadapted(network: &Network, dataset: &Dataset, subject: usize, spec: &ScoreSpec) -> Result<f64> {
    let model = DreModel::new(network.clone(), dataset.n_times(), spec.batch_size)?;
    Ok(score_subject(dataset, &model, spec, subject)?.r)
}

/// Adapts to the first `minutes` of a subject's training epochs and scores on its test epochs. None where not one epoch
/// fits into them.
///
/// # Errors
/// [`Error::Setting`] where the network has no embedding; [`Error::Stopped`] where it was asked to end; what training, fitting and scoring report.
pub fn adapt(
    network: &Network,
    dataset: &Dataset,
    subject: usize,
    minutes: f64,
    spec: &AdaptSpec,
) -> Result<Option<Adapted>> {
    let (epochs, minutes) = first_minutes(dataset, subject, minutes);
    if epochs.is_empty() {
        return Ok(None);
    }
    let part = Part::new(dataset, |set, epoch| match set {
        Set::Train => epochs.contains(epoch),
        _ => epoch.subject == subject,
    });
    let mut training = Training::of_subject(network.clone(), spec.train.clone(), spec.seed, subject)?;
    if training.run(&part, &mut Until(&spec.stop))? == Ended::Stopped {
        return Err(Error::Stopped);
    }
    let network = DreModel::new(training.best(), dataset.n_times(), spec.score.batch_size)?;
    let embedding = score_subject(dataset, &network, &spec.score, subject)?.r;
    let mut training_data = Batch::default();
    dataset.draw(&epochs, &mut training_data);
    let map = fit_map(&network, &training_data, dataset, subject, spec)?;
    let mapped = score_subject(dataset, &Mapped { network: &network, map }, &spec.score, subject)?.r;
    let trf = fit_trf(&training_data, dataset, subject, spec)?;
    let trf = score_subject(dataset, &OneTrf(trf), &spec.score, subject)?.r;
    Ok(Some(Adapted { minutes, n_epochs: epochs.len(), embedding, mapped, trf }))
}

/// Nobody watches, and somebody may stop it.
struct Until<'a>(&'a Stop);

impl Observer for Until<'_> {
    type Error = Error;

    fn on_batch(&mut self, _: &Progress) -> ControlFlow<()> {
        if self.0.is_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn on_pass(&mut self, _: &Training) -> Result<()> {
        Ok(())
    }
}

/// The network's prediction followed by a linear map of channels.
struct Mapped<'a> {
    network: &'a DreModel,
    map: Trf,
}

impl Predictor for Mapped<'_> {
    fn predict(&self, batch: &Batch) -> Result<Array3<f32>> {
        let predicted = self.network.predict(batch)?.mapv(f64::from);
        Ok(self.map.predict(&predicted, 1)?.mapv(|v| v as f32))
    }

    fn inputs(&self) -> Inputs {
        self.network.inputs()
    }
}

struct OneTrf(Trf);

impl Predictor for OneTrf {
    fn predict(&self, batch: &Batch) -> Result<Array3<f32>> {
        Ok(self.0.predict(&batch.features.mapv(f64::from), 1)?.mapv(|v| v as f32))
    }

    fn inputs(&self) -> Inputs {
        Inputs::FEATURES
    }
}

/// From predicted to true channels, after the init window; the penalty by the validation epochs' mean r.
fn fit_map(network: &DreModel, data: &Batch, dataset: &Dataset, subject: usize, spec: &AdaptSpec) -> Result<Trf> {
    let n_init = network.network().config().n_init_times.min(dataset.n_times() - 1);
    let mut predicted = Array3::zeros(data.data.dim());
    // A batch at a time: the network's buffers hold no more.
    for first in (0..data.n_epochs()).step_by(spec.score.batch_size) {
        let last = (first + spec.score.batch_size).min(data.n_epochs());
        let rows = s![first..last, .., ..];
        let block = Batch {
            data: data.data.slice(rows).to_owned(),
            features: data.features.slice(rows).to_owned(),
            subjects: data.subjects[first..last].to_vec(),
            measured: data.measured.as_ref().map(|measured| measured.slice(rows).to_owned()),
        };
        predicted.slice_mut(rows).assign(&network.predict(&block)?.mapv(f64::from));
    }
    let mut rows = data.measured.clone().unwrap_or_else(|| Array3::from_elem(data.data.dim(), true));
    rows.slice_mut(s![.., .., ..n_init]).fill(false);
    let config = TrfConfig { lag_min: 0, lag_max: 0, alphas: spec.map_alphas.clone(), ..TrfConfig::default() };
    let names: Vec<String> =
        dataset.cohort().channels.iter().map(|channel| format!("prediction of {}", channel.name)).collect();
    let truth = data.data.mapv(f64::from);
    let maps = Trf::fit_measured(&predicted, &truth, Some(&rows), &names, &config, &config.alphas, spec.n_threads)?;
    best(maps, |map| {
        let valid = ScoreSpec { set: Set::Valid, ..spec.score.clone() };
        Ok(score_subject(dataset, &Mapped { network, map: map.clone() }, &valid, subject)?.r)
    })
}

fn fit_trf(data: &Batch, dataset: &Dataset, subject: usize, spec: &AdaptSpec) -> Result<Trf> {
    let (features, truth) = (data.features.mapv(f64::from), data.data.mapv(f64::from));
    let (config, names) = (&spec.trf, dataset.features());
    let measured = data.measured.as_ref();
    let models = Trf::fit_measured(&features, &truth, measured, names, config, &config.alphas, spec.n_threads)?;
    best(models, |model| {
        let valid = ScoreSpec { set: Set::Valid, ..spec.score.clone() };
        Ok(score_subject(dataset, &OneTrf(model.clone()), &valid, subject)?.r)
    })
}

/// The model with the highest score, the first of equals.
fn best(models: Vec<Trf>, score: impl Fn(&Trf) -> Result<f64>) -> Result<Trf> {
    let mut kept: Option<(f64, Trf)> = None;
    for model in models {
        let r = score(&model)?;
        if kept.as_ref().is_none_or(|(best, _)| r > *best) {
            kept = Some((r, model));
        }
    }
    kept.map(|(_, model)| model).ok_or_else(|| Error::Setting {
        name: "alphas".to_owned(),
        found: "none".to_owned(),
        expected: "at least one penalty".to_owned(),
    })
}

/// Mean over subjects' embeddings, for one whom nothing is known of.
///
/// # Errors
/// [`Error::Tensor`] never, since the tensors are the network's own.
pub fn with_mean_embedding(network: &Network, of: &[usize], to: &[usize]) -> Result<Network> {
    let mut network = network.clone();
    let mut state = network.state();
    let Some(embedding) = state.iter_mut().find(|tensor| tensor.name == "subject_embedding.weight") else {
        return Ok(network);
    };
    let n_subjects = network.dims().n_subjects;
    let dim = embedding.data.len() / n_subjects;
    for k in 0..dim {
        let sum: f64 = of.iter().map(|s| f64::from(embedding.data[s * dim + k])).sum();
        for s in to {
            embedding.data[s * dim + k] = (sum / of.len() as f64) as f32;
        }
    }
    network.load_state(&state)?;
    Ok(network)
}

#[cfg(test)]
mod tests {
    use ndarray::Array1;

    use super::*;

    #[test]
    fn the_best_of_models_is_the_first_of_equals() {
        let model = |b: f64| Trf { coef: Array3::zeros((1, 1, 1)), intercept: Array1::from_elem(1, b), lag_min: 0 };
        let models = vec![model(1.0), model(3.0), model(-3.0)];
        let chosen = best(models, |m| Ok(m.intercept[0].abs())).unwrap();
        assert!((chosen.intercept[0] - 3.0).abs() < 1e-12);
        assert!(best(Vec::new(), |_| Ok(0.0)).unwrap_err().to_string().contains("at least one penalty"));
    }
}
