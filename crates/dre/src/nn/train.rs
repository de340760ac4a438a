//! Training: shuffled batches, validation after every pass, everything that a checkpoint needs.

use std::ops::{ControlFlow, Range};

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{Adam, Network, NetworkConfig, Tensor, TrainConfig, Workspace};
use crate::data::{Batch, Epoch, EpochSource, Set, for_each_batch};
use crate::results::PassRecord;
use crate::{Error, Result};

/// What a training tells its owner, and where it asks whether to go on.
pub trait Observer {
    /// What can go wrong for the owner, such as writing a checkpoint.
    type Error: From<Error>;

    /// Seconds on the owner's clock; this crate has none. Only differences count.
    fn seconds(&self) -> f64 {
        0.0
    }

    /// Called after every batch. `Break` ends the training here; it can be continued from its checkpoint.
    fn on_batch(&mut self, progress: &Progress) -> ControlFlow<()>;

    /// Called after every pass, the validation done; the place to write a checkpoint.
    ///
    /// # Errors
    /// The owner's; the training ends with it.
    fn on_pass(&mut self, training: &Training) -> std::result::Result<(), Self::Error>;
}

/// Where a training stands.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Pass that runs, from 0.
    pub pass: usize,
    /// Passes in all.
    pub n_passes: usize,
    /// Batches done in this pass.
    pub batch: usize,
    /// Batches in a pass.
    pub n_batches: usize,
    /// Epochs done in this pass.
    pub n_epochs: usize,
    /// Mean loss over the epochs of this pass so far.
    pub train_loss: f64,
    /// Validation loss of the last pass, where there is one.
    pub valid_loss: Option<f64>,
}

/// How a call of [`Training::run`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All passes are done.
    Finished,
    /// The observer asked to stop.
    Stopped,
}

/// The part of a checkpoint that is not tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingState {
    /// Shape of the network.
    pub network: NetworkConfig,
    /// Settings of the training.
    pub training: TrainConfig,
    /// Seed of the weights and of the order of the epochs.
    pub seed: u64,
    /// Passes done.
    pub pass: usize,
    /// Batches done in the pass that runs.
    pub batch: usize,
    /// Sum of the losses over the samples of this pass so far, and how many samples.
    pub loss_sum: (f64, u64),
    /// Steps of the optimiser.
    pub adam_steps: u64,
    /// Passes so far.
    pub history: Vec<PassRecord>,
    /// Pass whose weights are kept.
    pub best_pass: Option<usize>,
    /// The subject whose embedding alone is trained, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<usize>,
}

/// A network being trained.
#[derive(Debug)]
pub struct Training {
    network: Network,
    adam: Adam,
    config: TrainConfig,
    seed: u64,
    pass: usize,
    batch: usize,
    loss_sum: (f64, u64),
    history: Vec<PassRecord>,
    best: Option<(usize, Vec<f32>)>,
    /// The subject whose embedding alone is trained.
    subject: Option<usize>,
}

impl Training {
    /// Starts with the network's present weights.
    ///
    /// # Errors
    /// [`Error::Setting`] where a setting makes no sense.
    pub fn new(network: Network, config: TrainConfig, seed: u64) -> Result<Self> {
        config.check()?;
        let network = network.with_precision(config.precision)?;
        let adam = Adam::new(&network, config.lr);
        Ok(Self {
            network,
            adam,
            config,
            seed,
            pass: 0,
            batch: 0,
            loss_sum: (0.0, 0),
            history: vec![],
            best: None,
            subject: None,
        })
    }

    /// Starts with the network's present weights and trains one subject's embedding alone; everything else stays.
    ///
    /// # Errors
    /// [`Error::Setting`] where a setting makes no sense, or the network has no embedding for this subject.
    pub fn of_subject(network: Network, config: TrainConfig, seed: u64, subject: usize) -> Result<Self> {
        let embedding = embedding_of(&network, subject)?;
        let training = Self::new(network, config, seed)?;
        Ok(Self { adam: training.adam.only(embedding), subject: Some(subject), ..training })
    }

    /// The network with its latest weights.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Passes so far.
    pub fn history(&self) -> &[PassRecord] {
        &self.history
    }

    /// The pass whose weights are kept: the lowest validation loss after the init window, the first of equals.
    pub fn best_pass(&self) -> Option<usize> {
        self.best.as_ref().map(|b| b.0)
    }

    /// Whether all passes are done.
    pub fn is_finished(&self) -> bool {
        self.pass >= self.config.n_passes
    }

    /// A copy of the network with the weights of its best pass; the latest weights before the first pass has ended.
    pub fn best(&self) -> Network {
        let mut network = self.network.clone();
        if let Some((_, params)) = &self.best {
            network.params.clone_from(params);
        }
        network
    }

    /// Trains until all passes are done or the observer stops it.
    ///
    /// The order of the epochs depends on the seed and the pass alone, and no sum depends on the number of threads, so a
    /// training that is stopped and continued ends with the same bits as one that is not.
    ///
    /// # Errors
    /// [`Error::NoEpochs`] without training epochs, [`Error::Diverged`] where the loss is no longer finite, and the
    /// observer's own.
    pub fn run<O: Observer>(
        &mut self,
        data: &dyn EpochSource,
        observer: &mut O,
    ) -> std::result::Result<Ended, O::Error> {
        let epochs = data.epochs(Set::Train);
        if epochs.is_empty() {
            return Err(Error::NoEpochs {
                what: "training set".into(),
                advice: "use more recordings, shorter epochs, or a larger training share".into(),
            }
            .into());
        }
        let batch_size = self.config.batch_size.min(epochs.len());
        let mut workspace = Workspace::new(&self.network, data.n_times(), batch_size)?;
        let n_batches = epochs.len().div_ceil(batch_size);
        let mut since = observer.seconds();
        while !self.is_finished() {
            let order = shuffled(epochs, self.seed, self.pass);
            let left = &order[order.len().min(self.batch * batch_size)..];
            let ended = for_each_batch(data, left, batch_size, |batch| -> Result<_> {
                self.step(batch, &mut workspace)?;
                Ok(observer.on_batch(&self.progress(n_batches, batch_size, order.len())))
            })?;
            if ended.is_break() {
                return Ok(Ended::Stopped);
            }
            let valid_loss = self.validate(data, &mut workspace)?;
            if !valid_loss.is_finite() {
                let (pass, lr) = (self.pass + 1, self.config.lr);
                return Err(Error::Diverged { pass, batch: self.batch, loss: valid_loss, lr }.into());
            }
            let now = observer.seconds();
            self.history.push(PassRecord { train_loss: self.train_loss(), valid_loss, seconds: now - since });
            since = now;
            let kept = self.best.as_ref().map(|(pass, _)| self.history[*pass].valid_loss);
            if kept.is_none_or(|kept| valid_loss < kept) {
                self.best = Some((self.pass, self.network.params.clone()));
            }
            self.pass += 1;
            self.batch = 0;
            self.loss_sum = (0.0, 0);
            observer.on_pass(self)?;
        }
        Ok(Ended::Finished)
    }

    fn step(&mut self, batch: &Batch, workspace: &mut Workspace) -> Result<()> {
        let loss = self.network.loss_and_gradient(batch, self.config.loss, workspace)?;
        if !loss.is_finite() {
            return Err(Error::Diverged { pass: self.pass + 1, batch: self.batch + 1, loss, lr: self.config.lr });
        }
        self.adam.step(&mut self.network, workspace);
        self.batch += 1;
        let n = batch.n_measured(0) as u64;
        self.loss_sum.0 += loss * n as f64;
        self.loss_sum.1 += n;
        Ok(())
    }

    fn train_loss(&self) -> f64 {
        self.loss_sum.0 / self.loss_sum.1.max(1) as f64
    }

    fn progress(&self, n_batches: usize, batch_size: usize, n_epochs: usize) -> Progress {
        Progress {
            pass: self.pass,
            n_passes: self.config.n_passes,
            batch: self.batch,
            n_batches,
            n_epochs: (self.batch * batch_size).min(n_epochs),
            train_loss: self.train_loss(),
            valid_loss: self.history.last().map(|h| h.valid_loss),
        }
    }

    /// Mean loss over what was measured of the validation epochs after the init window; over the whole epochs where nothing
    /// follows it, and the training loss of this pass where nothing was measured or there are no validation epochs.
    fn validate(&self, data: &dyn EpochSource, workspace: &mut Workspace) -> Result<f64> {
        let epochs = data.epochs(Set::Valid);
        if epochs.is_empty() {
            return Ok(self.train_loss());
        }
        let n_init = self.network.config().n_init_times;
        let from = if n_init < data.n_times() { n_init } else { 0 };
        let (mut sum, mut n) = (0.0, 0);
        let _ = for_each_batch(data, epochs, workspace.max_batch(), |batch| -> Result<_> {
            sum += self.network.loss_sum(batch, self.config.loss, from, workspace)?;
            n += batch.n_measured(from);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(if n == 0 { self.train_loss() } else { sum / n as f64 })
    }

    /// Everything that [`Training::from_state`] needs.
    pub fn state(&self) -> (TrainingState, Vec<Tensor>) {
        let layout = &self.network.layout;
        let named = |prefix: &str, flat: &[f32]| {
            let rename = |t: Tensor| Tensor { name: format!("{prefix}.{}", t.name), ..t };
            layout.export(flat).into_iter().map(rename).collect::<Vec<_>>()
        };
        let mut tensors = named("param", &self.network.params);
        tensors.extend(self.adam.state(&self.network));
        if let Some((_, params)) = &self.best {
            tensors.extend(named("best", params));
        }
        let state = TrainingState {
            network: self.network.config().clone(),
            training: self.config.clone(),
            seed: self.seed,
            pass: self.pass,
            batch: self.batch,
            loss_sum: self.loss_sum,
            adam_steps: self.adam.n_steps(),
            history: self.history.clone(),
            best_pass: self.best_pass(),
            subject: self.subject,
        };
        (state, tensors)
    }

    /// Continues from [`Training::state`]. `network` gives the sizes and threads; its weights are replaced.
    ///
    /// More passes may be asked for than the state was made with; every other setting must be the same.
    ///
    /// # Errors
    /// [`Error::Tensor`] or [`Error::Setting`] where the state belongs to another configuration.
    pub fn from_state(
        network: Network,
        config: TrainConfig,
        seed: u64,
        state: TrainingState,
        tensors: &[Tensor],
    ) -> Result<Self> {
        config.check()?;
        let mut network = network.with_precision(config.precision)?;
        let same = |name: &str, found: String, wanted: String| {
            if found == wanted {
                return Ok(());
            }
            let expected =
                format!("{wanted}, as the checkpoint was made with; start again without it or undo the change");
            Err(Error::Setting { name: name.into(), found, expected })
        };
        same("seed", seed.to_string(), state.seed.to_string())?;
        same("network", format!("{:?}", network.config()), format!("{:?}", state.network))?;
        let with_passes = TrainConfig { n_passes: config.n_passes, ..state.training.clone() };
        same("training", format!("{config:?}"), format!("{with_passes:?}"))?;
        let part = |prefix: &str| -> Vec<Tensor> {
            let strip = |t: &Tensor| {
                let name = t.name.strip_prefix(prefix)?.strip_prefix('.')?.to_owned();
                Some(Tensor { name, ..t.clone() })
            };
            tensors.iter().filter_map(strip).collect()
        };
        network.load_state(&part("param"))?;
        let best = match state.best_pass {
            Some(pass) if pass < state.history.len() => Some((pass, network.layout.import(&part("best"))?)),
            Some(pass) => {
                return Err(Error::Setting {
                    name: "best_pass".into(),
                    found: pass.to_string(),
                    expected: format!("below the {} passes of the checkpoint's history", state.history.len()),
                });
            }
            None => None,
        };
        if state.pass != state.history.len() {
            return Err(Error::Setting {
                name: "pass".into(),
                found: state.pass.to_string(),
                expected: format!("{}, the passes of the checkpoint's history", state.history.len()),
            });
        }
        let mut adam = Adam::from_state(&network, config.lr, state.adam_steps, tensors)?;
        if let Some(subject) = state.subject {
            // What was not trained before is not trained now.
            adam = adam.only(embedding_of(&network, subject)?);
        }
        Ok(Self {
            network,
            adam,
            config,
            seed,
            pass: state.pass,
            batch: state.batch,
            loss_sum: state.loss_sum,
            history: state.history,
            best,
            subject: state.subject,
        })
    }
}

/// The parameters that are one subject's embedding.
fn embedding_of(network: &Network, subject: usize) -> Result<Range<usize>> {
    let (dim, n_subjects) = (network.config().subject_dim, network.dims().n_subjects);
    if dim == 0 || subject >= n_subjects {
        return Err(Error::Setting {
            name: "subject".into(),
            found: if dim == 0 { "a network with subject_dim = 0".into() } else { subject.to_string() },
            expected: format!("a network with an embedding of the subject, an index below {n_subjects}"),
        });
    }
    let first = network.layout.slots.embedding.start + subject * dim;
    Ok(first..first + dim)
}

/// The training epochs in the order of one pass.
fn shuffled(epochs: &[Epoch], seed: u64, pass: usize) -> Vec<Epoch> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // Stream 0 draws the weights; each pass has a stream of its own, so that it needs no state of the passes before.
    rng.set_stream(pass as u64 + 1);
    let mut order = epochs.to_vec();
    order.shuffle(&mut rng as &mut dyn Rng);
    order
}
