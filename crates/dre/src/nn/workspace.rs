//! The buffers of forward and backward, allocated once.

use super::kernels::memory::Buffer;
use super::kernels::product::Scratch;
use super::kernels::recurrent::LoopShape;
use super::network::Network;
use super::ops::loss::Output;
use super::ops::lstm::LstmState;
use super::params::padded;
use super::plan::Plan;
use crate::Result;

/// Everything that a network needs to compute on batches of up to a given size and epochs of a given length.
#[derive(Debug)]
pub struct Workspace {
    pub(super) plan: Plan,
    pub(super) max_batch: usize,
    /// Data within the init window; mask, subject and features. Without conv layers all of them together in `rest`.
    pub(super) x_data: Buffer,
    pub(super) x_rest: Buffer,
    /// Activation of each convolution, where the next layer reads it.
    pub(super) encoded: Vec<Buffer>,
    pub(super) lstm: Vec<LstmState>,
    /// Input of each transposed convolution after the first.
    pub(super) decoded: Vec<Buffer>,
    pub(super) prediction: Buffer,
    /// Scratch of a layer's pre-activation or gradient, plain and strided.
    pub(super) plain: Buffer,
    pub(super) plain_next: Buffer,
    pub(super) strided: Buffer,
    pub(super) strided_next: Buffer,
    pub(super) scratch: Scratch,
    pub(super) d_prediction: Buffer,
    pub(super) gradient: Buffer,
}

impl Workspace {
    /// Buffers for batches of at most `max_batch` epochs of `n_times` samples.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] where the epochs are too short for the network.
    pub fn new(network: &Network, n_times: usize, max_batch: usize) -> Result<Self> {
        let config = network.config();
        let plan = Plan::new(config, network.dims(), n_times)?;
        let b = max_batch.max(1);
        let zeros = Buffer::zeros;
        let hidden = padded(config.lstm_hidden);
        let shape = LoopShape { n_steps: plan.n_steps, batch: b, hidden };
        let input = network.dims().n_channels + config.n_rest(network.dims());
        let n_rest = plan.encoder.first().map_or(n_times * b * input, |e| e.strided.len(b));
        let encoded = plan
            .encoder
            .iter()
            .enumerate()
            .map(|(i, e)| zeros(plan.encoder.get(i + 1).map_or(e.n_plain * b * e.plain_width, |n| n.strided.len(b))))
            .collect();
        let decoded = plan.decoder.iter().skip(1).map(|d| zeros(d.n_plain * b * d.plain_width)).collect();
        let layers = plan.encoder.iter().chain(&plan.decoder);
        let widest_plain = layers
            .clone()
            .map(|l| l.n_plain * b * l.plain_width)
            .chain([plan.n_steps * b * hidden, plan.n_steps * b * input])
            .max()
            .unwrap_or(0);
        let widest_strided = layers.map(|l| l.strided.len(b)).max().unwrap_or(0);
        Ok(Self {
            x_data: zeros(plan.data.map_or(0, |d| d.strided.len(b))),
            x_rest: zeros(n_rest),
            encoded,
            lstm: (0..config.lstm_layers).map(|_| LstmState::new(shape)).collect(),
            decoded,
            prediction: zeros(plan.output.len(b)),
            plain: zeros(widest_plain),
            plain_next: zeros(widest_plain),
            strided: zeros(widest_strided),
            strided_next: zeros(if plan.decoder.len() > 1 { widest_strided } else { 0 }),
            scratch: Scratch::default(),
            d_prediction: zeros(plan.output.len(b)),
            gradient: zeros(network.layout.slots.len),
            plan,
            max_batch: b,
        })
    }

    /// Largest batch.
    pub fn max_batch(&self) -> usize {
        self.max_batch
    }

    /// Samples per epoch.
    pub fn n_times(&self) -> usize {
        self.plan.n_times
    }

    /// The prediction of the last forward pass.
    pub(super) fn output<'a>(&'a self, network: &'a Network) -> Output<'a> {
        let bias = &network.layout.slots.decoder.last().expect("there is a decoder").bias;
        Output { span: self.plan.output, values: &self.prediction, bias: &network.params[bias.clone()] }
    }
}
