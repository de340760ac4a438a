//! The Adam optimiser.

use std::ops::Range;

use rayon::prelude::*;

use super::network::Network;
use super::params::Tensor;
use super::workspace::Workspace;
use crate::Result;

/// Adam as `torch.optim.Adam` with its default settings computes it (Kingma & Ba 2015, arXiv 1412.6980).
#[derive(Clone, Debug)]
pub struct Adam {
    lr: f64,
    n_steps: u64,
    mean: Vec<f32>,
    square: Vec<f32>,
    /// The parameters that are updated; all others stay.
    range: Range<usize>,
}

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;
/// Parameters that one task updates.
const CHUNK: usize = 1 << 14;

impl Adam {
    /// A fresh optimiser for a network.
    pub fn new(network: &Network, lr: f64) -> Self {
        let n = network.params.len();
        Self { lr, n_steps: 0, mean: vec![0.0; n], square: vec![0.0; n], range: 0..n }
    }

    /// The same, updating only some of the parameters.
    #[must_use]
    pub(super) fn only(self, range: Range<usize>) -> Self {
        Self { range, ..self }
    }

    /// Steps made so far.
    pub fn n_steps(&self) -> u64 {
        self.n_steps
    }

    /// Updates the network's parameters by the gradient in the workspace.
    pub fn step(&mut self, network: &mut Network, workspace: &Workspace) {
        self.n_steps += 1;
        let steps = i32::try_from(self.n_steps).unwrap_or(i32::MAX);
        let step_size = (self.lr / (1.0 - BETA1.powi(steps))) as f32;
        let correction = (1.0 / (1.0 - BETA2.powi(steps)).sqrt()) as f32;
        let (keep1, add1) = (BETA1 as f32, (1.0 - BETA1) as f32);
        let (keep2, add2) = (BETA2 as f32, (1.0 - BETA2) as f32);
        let threads = network.threads.clone();
        let Self { mean, square, range, .. } = self;
        threads.install(|| {
            network.params[range.clone()]
                .par_chunks_mut(CHUNK)
                .zip(workspace.gradient[range.clone()].par_chunks(CHUNK))
                .zip(mean[range.clone()].par_chunks_mut(CHUNK))
                .zip(square[range.clone()].par_chunks_mut(CHUNK))
                .for_each(|(((p, g), m), v)| {
                    for (((p, &g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
                        *m = keep1 * *m + add1 * g;
                        *v = keep2 * *v + add2 * g * g;
                        *p -= step_size * *m / (v.sqrt() * correction + EPSILON as f32);
                    }
                });
        });
    }

    /// Both moments named as the parameters, `mean.` and `square.` before each name, for a checkpoint.
    pub fn state(&self, network: &Network) -> Vec<Tensor> {
        let named = |prefix: &str, flat: &[f32]| {
            let rename = |t: Tensor| Tensor { name: format!("{prefix}.{}", t.name), ..t };
            network.layout.export(flat).into_iter().map(rename).collect::<Vec<_>>()
        };
        let mut all = named("mean", &self.mean);
        all.extend(named("square", &self.square));
        all
    }

    /// An optimiser continued from [`Adam::state`].
    ///
    /// # Errors
    /// [`crate::Error::Tensor`] where a tensor is missing or has another shape.
    pub fn from_state(network: &Network, lr: f64, n_steps: u64, tensors: &[Tensor]) -> Result<Self> {
        let part = |prefix: &str| {
            let strip = |t: &Tensor| {
                let name = t.name.strip_prefix(prefix)?.strip_prefix('.')?.to_owned();
                Some(Tensor { name, ..t.clone() })
            };
            network.layout.import(&tensors.iter().filter_map(strip).collect::<Vec<_>>())
        };
        let range = 0..network.params.len();
        Ok(Self { lr, n_steps, mean: part("mean")?, square: part("square")?, range })
    }
}
