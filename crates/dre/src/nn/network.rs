//! The network: parameters and what can be asked of it.

use ndarray::Array3;

use super::config::{Loss, NetworkConfig, Precision};
use super::kernels::{Arithmetic, Isa, Threads};
use super::ops::loss::Target;
use super::params::{Dims, Layout, Tensor};
use super::workspace::Workspace;
use crate::data::Batch;
use crate::{Error, Result};

/// The Deep Recurrent Encoder (Chehab et al. 2021, arXiv 2103.02339).
///
/// Input per sample: data × mask, mask, subject embedding, features; then convolutions with rectifiers, an LSTM, and
/// transposed convolutions back to channels × times.
#[derive(Clone, Debug)]
pub struct Network {
    config: NetworkConfig,
    dims: Dims,
    pub(super) layout: Layout,
    pub(super) params: Vec<f32>,
    pub(super) isa: Isa,
    precision: Precision,
    pub(super) threads: Threads,
}

impl Network {
    /// A network with initial weights drawn from the distributions that PyTorch uses, from a seed.
    ///
    /// # Errors
    /// [`Error::Setting`] where a size is outside its range.
    pub fn new(config: NetworkConfig, dims: Dims, seed: u64, threads: Threads) -> Result<Self> {
        config.check()?;
        if dims.n_channels == 0 {
            return Err(Error::Setting {
                name: "n_channels".into(),
                found: "0".into(),
                expected: "at least one channel to predict".into(),
            });
        }
        if config.subject_dim > 0 && dims.n_subjects == 0 {
            return Err(Error::Setting {
                name: "n_subjects".into(),
                found: "0".into(),
                expected: "at least one subject, or subject_dim = 0".into(),
            });
        }
        let layout = Layout::new(&config, dims);
        let params = layout.init(seed);
        Ok(Self { config, dims, layout, params, isa: Isa::detect(), precision: Precision::F32, threads })
    }

    /// The same network computing with a given instruction set, to test each one.
    ///
    /// # Panics
    /// Where this machine does not have it.
    #[must_use]
    pub fn with_isa(mut self, isa: Isa) -> Self {
        assert!(Isa::available().contains(&isa), "{isa:?} is not available on this machine");
        self.isa = isa;
        self
    }

    /// The same network making its products in a given precision, [`Precision::F32`] at first.
    ///
    /// # Errors
    /// [`Error::Setting`] where this machine, or the instruction set that was chosen, has no products of `bf16` numbers.
    pub fn with_precision(mut self, precision: Precision) -> Result<Self> {
        if precision == Precision::Bf16 && !self.isa.has_bf16() {
            return Err(Error::Setting {
                name: "precision".into(),
                found: "bf16".into(),
                expected: "\"f32\" on this machine: its processor has no AVX-512 BF16 instructions".into(),
            });
        }
        self.precision = precision;
        Ok(self)
    }

    /// How its numbers are multiplied.
    pub(super) fn arithmetic(&self) -> Arithmetic {
        Arithmetic { isa: self.isa, bf16: self.precision == Precision::Bf16 }
    }

    /// Settings.
    pub fn config(&self) -> &NetworkConfig {
        &self.config
    }

    /// Sizes that come from the data.
    pub fn dims(&self) -> Dims {
        self.dims
    }

    /// Threads that it computes on.
    pub fn threads(&self) -> &Threads {
        &self.threads
    }

    /// Number of parameters.
    pub fn n_parameters(&self) -> usize {
        self.layout.n_parameters()
    }

    /// Parameters under PyTorch's `state_dict` names, shapes and gate order (i, f, g, o).
    pub fn state(&self) -> Vec<Tensor> {
        self.layout.export(&self.params)
    }

    /// Takes over parameters named as in [`Network::state`].
    ///
    /// # Errors
    /// [`Error::Tensor`] where a tensor is missing, has another shape, holds NaN, or does not belong here; the network then
    /// stays as it was.
    pub fn load_state(&mut self, tensors: &[Tensor]) -> Result<()> {
        self.params = self.layout.import(tensors)?;
        Ok(())
    }

    /// Checks that a batch fits this network and its workspace.
    fn check(&self, batch: &Batch, workspace: &Workspace) -> Result<()> {
        let n = batch.n_epochs();
        let n_times = workspace.plan.n_times;
        let wrong = |what: &str, found: &[usize], expected: String| Error::Shape {
            what: format!("batch {what}"),
            found: found.to_vec(),
            expected,
        };
        if n == 0 || n > workspace.max_batch {
            return Err(wrong("subjects", &[n], format!("1 to {} epochs", workspace.max_batch)));
        }
        let shape = [n, self.dims.n_channels, n_times];
        let expected = || format!("({n} epochs, {} channels, {n_times} times), row-major", self.dims.n_channels);
        if batch.data.shape() != shape || !batch.data.is_standard_layout() {
            return Err(wrong("data", batch.data.shape(), expected()));
        }
        if let Some(measured) = &batch.measured
            && (measured.shape() != shape || !measured.is_standard_layout())
        {
            return Err(wrong("measured", measured.shape(), expected()));
        }
        if batch.features.shape() != [n, self.dims.n_features, n_times] || !batch.features.is_standard_layout() {
            let expected = format!("({n} epochs, {} features, {n_times} times), row-major", self.dims.n_features);
            return Err(wrong("features", batch.features.shape(), expected));
        }
        if self.config.subject_dim > 0
            && let Some(&s) = batch.subjects.iter().find(|&&s| s >= self.dims.n_subjects)
        {
            return Err(Error::Setting {
                name: "subject".into(),
                found: s.to_string(),
                expected: format!("an index below the {} subjects that the network knows", self.dims.n_subjects),
            });
        }
        Ok(())
    }

    /// Predicts a batch: scaled data, `(n_epochs, n_channels, n_times)`.
    ///
    /// Of the batch's data only what was measured of the first `n_init_times` samples is used.
    ///
    /// # Errors
    /// [`Error::Shape`] where the batch does not fit the network or the workspace.
    pub fn predict(&self, batch: &Batch, workspace: &mut Workspace) -> Result<Array3<f32>> {
        use rayon::prelude::*;
        self.check(batch, workspace)?;
        self.threads.install(|| self.forward(batch, false, workspace));
        let n = batch.n_epochs();
        let output = workspace.output(self);
        let size = self.dims.n_channels * workspace.plan.n_times;
        let mut out = vec![0.0; n * size];
        self.threads.install(|| {
            out.par_chunks_mut(size).enumerate().for_each(|(epoch, out)| output.epoch(epoch, n, out));
        });
        let shape = batch.data.raw_dim();
        let found = vec![out.len()];
        Array3::from_shape_vec(shape, out).map_err(|e| Error::Shape {
            what: "prediction".into(),
            found,
            expected: e.to_string(),
        })
    }

    /// Sum of the losses of a batch over channels, epochs and the times from sample `from` on, as far as they were measured;
    /// [`Batch::n_measured`] says how many samples that are.
    ///
    /// # Errors
    /// As [`Network::predict`].
    pub fn loss_sum(&self, batch: &Batch, loss: Loss, from: usize, workspace: &mut Workspace) -> Result<f64> {
        self.check(batch, workspace)?;
        self.threads.install(|| self.forward(batch, false, workspace));
        let from = from.min(workspace.plan.n_times);
        Ok(workspace.output(self).loss_sum(Target::of(batch), loss, from, batch.n_epochs(), &self.threads))
    }

    /// Mean loss of a batch over what was measured of the whole epochs, 0 where nothing was; the gradient of every parameter
    /// is left in the workspace.
    ///
    /// # Errors
    /// As [`Network::predict`].
    pub fn loss_and_gradient(&self, batch: &Batch, loss: Loss, workspace: &mut Workspace) -> Result<f64> {
        self.check(batch, workspace)?;
        let sum = self.threads.install(|| {
            self.forward(batch, true, workspace);
            self.backward(batch, loss, workspace)
        });
        Ok(sum / batch.n_measured(0).max(1) as f64)
    }

    /// The gradient that [`Network::loss_and_gradient`] left, named and shaped as [`Network::state`].
    pub fn gradient(&self, workspace: &Workspace) -> Vec<Tensor> {
        self.layout.export(&workspace.gradient)
    }
}
