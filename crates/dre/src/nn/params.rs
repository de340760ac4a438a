//! The parameters: one flat vector in the kernels' layout, and its correspondence with PyTorch's `state_dict`.

use std::ops::Range;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::config::NetworkConfig;
use super::kernels::memory::LINE;
use super::kernels::recurrent::UNIT_BLOCK;
use crate::{Error, Result};

/// A named tensor in PyTorch's shape and order.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Name in PyTorch's `state_dict`, such as `lstm.weight_ih_l0`.
    pub name: String,
    /// Shape, slowest dimension first.
    pub shape: Vec<usize>,
    /// Row-major values.
    pub data: Vec<f32>,
}

/// Sizes that come from the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Dims {
    /// Channels predicted.
    pub n_channels: usize,
    /// Stimulus features.
    pub n_features: usize,
    /// Subjects with an embedding.
    pub n_subjects: usize,
}

/// Where each parameter lies in the flat vector.
#[derive(Clone, Debug)]
pub(crate) struct Slots {
    pub(crate) embedding: Range<usize>,
    pub(crate) encoder: Vec<ConvSlots>,
    pub(crate) lstm: Vec<LstmSlots>,
    pub(crate) decoder: Vec<ConvSlots>,
    pub(crate) len: usize,
}

/// A convolution's weights and bias. The first encoder layer keeps its weights for the data channels apart from the rest,
/// because the data are zero after the init window.
#[derive(Clone, Debug)]
pub(crate) struct ConvSlots {
    pub(crate) data: Range<usize>,
    pub(crate) weight: Range<usize>,
    pub(crate) bias: Range<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct LstmSlots {
    pub(crate) n_in: usize,
    pub(crate) w_ih: Range<usize>,
    pub(crate) w_hh: Range<usize>,
    pub(crate) b_ih: Range<usize>,
    pub(crate) b_hh: Range<usize>,
}

/// How a tensor's own order maps to the flat vector.
#[derive(Clone, Debug)]
enum Order {
    /// The same order.
    Same,
    /// `(out, in, tap)` to `[tap][in][out]`, the first `n_data` inputs in a block of their own before the others.
    Conv { c_in: usize, c_out: usize, kernel: usize, n_data: usize },
    /// `(in, out, tap)` to `[tap / stride][in (padded)][tap % stride][out]`.
    ConvTranspose { padded_in: usize, c_out: usize, kernel: usize, stride: usize },
    /// `(4 · hidden, n_in)` to `[4][padded hidden][padded n_in]`.
    Gates { hidden: usize, padded: usize, n_in: usize, padded_in: usize },
}

#[derive(Clone, Debug)]
pub(crate) struct TensorSpec {
    name: String,
    shape: Vec<usize>,
    start: usize,
    order: Order,
    /// Half-width of the uniform distribution that PyTorch draws it from; none for the standard normal.
    bound: Option<f64>,
}

impl TensorSpec {
    fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Position in the flat vector of element `i` in the tensor's own order.
    fn position(&self, i: usize) -> usize {
        self.start
            + match self.order {
                Order::Same => i,
                Order::Conv { c_in, c_out, kernel, n_data } => {
                    let (out, c, tap) = (i / (c_in * kernel), i / kernel % c_in, i % kernel);
                    if c < n_data {
                        (tap * n_data + c) * c_out + out
                    } else {
                        let rest = c_in - n_data;
                        (kernel * n_data + tap * rest + c - n_data) * c_out + out
                    }
                }
                Order::ConvTranspose { padded_in, c_out, kernel, stride } => {
                    let (c, out, tap) = (i / (c_out * kernel), i / kernel % c_out, i % kernel);
                    let (j, p) = (tap / stride, tap % stride);
                    let taps = stride.min(kernel - j * stride);
                    j * stride * padded_in * c_out + (c * taps + p) * c_out + out
                }
                Order::Gates { hidden, padded, n_in, padded_in } => {
                    let (row, column) = (i / n_in, i % n_in);
                    ((row / hidden) * padded + row % hidden) * padded_in + column
                }
            }
    }
}

/// All parameters of one network.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) slots: Slots,
    pub(crate) tensors: Vec<TensorSpec>,
}

/// Hidden units with padding.
pub(crate) fn padded(hidden: usize) -> usize {
    hidden.next_multiple_of(UNIT_BLOCK)
}

struct Builder {
    len: usize,
    tensors: Vec<TensorSpec>,
}

impl Builder {
    fn add(&mut self, name: String, shape: Vec<usize>, len: usize, order: Order, bound: Option<f64>) -> Range<usize> {
        let start = self.len.next_multiple_of(LINE);
        self.len = start + len;
        self.tensors.push(TensorSpec { name, shape, start, order, bound });
        start..self.len
    }
}

impl Layout {
    pub(crate) fn new(config: &NetworkConfig, dims: Dims) -> Self {
        let NetworkConfig { subject_dim, conv_layers, kernel, stride, conv_filters, lstm_layers, lstm_hidden, .. } =
            *config;
        let mut b = Builder { len: 0, tensors: Vec::new() };
        let embedding = if subject_dim > 0 {
            let shape = vec![dims.n_subjects, subject_dim];
            b.add("subject_embedding.weight".into(), shape, dims.n_subjects * subject_dim, Order::Same, None)
        } else {
            0..0
        };
        let bias =
            |b: &mut Builder, name: String, n: usize, bound: f64| b.add(name, vec![n], n, Order::Same, Some(bound));

        let mut width = dims.n_channels + config.n_rest(dims);
        let mut encoder = Vec::new();
        for i in 0..conv_layers {
            // Uniform within 1/√fan_in, as PyTorch's `Conv1d.reset_parameters` ends up with.
            let bound = 1.0 / ((width * kernel) as f64).sqrt();
            let n_data = if i == 0 { dims.n_channels } else { 0 };
            let order = Order::Conv { c_in: width, c_out: conv_filters, kernel, n_data };
            let shape = vec![conv_filters, width, kernel];
            let len = conv_filters * width * kernel;
            let all = b.add(format!("encoder.{}.weight", 2 * i), shape, len, order, Some(bound));
            let split = all.start + kernel * n_data * conv_filters;
            let bias = bias(&mut b, format!("encoder.{}.bias", 2 * i), conv_filters, bound);
            encoder.push(ConvSlots { data: all.start..split, weight: split..all.end, bias });
            width = conv_filters;
        }

        let mut padded_width = width;
        let mut lstm = Vec::new();
        for i in 0..lstm_layers {
            let bound = Some(1.0 / (lstm_hidden as f64).sqrt());
            let p = padded(lstm_hidden);
            let gates = |n_in, padded_in| Order::Gates { hidden: lstm_hidden, padded: p, n_in, padded_in };
            let mut add = |kind: &str, n_in: usize, padded_in: usize| {
                let shape = if kind.starts_with('b') { vec![4 * lstm_hidden] } else { vec![4 * lstm_hidden, n_in] };
                b.add(format!("lstm.{kind}_l{i}"), shape, 4 * p * padded_in, gates(n_in, padded_in), bound)
            };
            lstm.push(LstmSlots {
                n_in: padded_width,
                w_ih: add("weight_ih", width, padded_width),
                w_hh: add("weight_hh", lstm_hidden, p),
                b_ih: add("bias_ih", 1, 1),
                b_hh: add("bias_hh", 1, 1),
            });
            (width, padded_width) = (lstm_hidden, p);
        }

        let mut decoder = Vec::new();
        if conv_layers == 0 {
            let c_out = dims.n_channels;
            let bound = 1.0 / (width as f64).sqrt();
            // A padded input has zero weights for the units that do not exist.
            let order = Order::Gates { hidden: c_out, padded: c_out, n_in: width, padded_in: padded_width };
            let weight =
                b.add("decoder.weight".into(), vec![c_out, width, 1], c_out * padded_width, order, Some(bound));
            let bias = bias(&mut b, "decoder.bias".into(), c_out, bound);
            decoder.push(ConvSlots { data: 0..0, weight, bias });
        }
        for i in 0..conv_layers {
            let c_out = if i + 1 == conv_layers { dims.n_channels } else { conv_filters };
            // PyTorch takes the second dimension for the fan-in, here the output.
            let bound = 1.0 / ((c_out * kernel) as f64).sqrt();
            let order = Order::ConvTranspose { padded_in: padded_width, c_out, kernel, stride };
            let shape = vec![width, c_out, kernel];
            let len = padded_width * c_out * kernel;
            let weight = b.add(format!("decoder.{}.weight", 2 * i), shape, len, order, Some(bound));
            let bias = bias(&mut b, format!("decoder.{}.bias", 2 * i), c_out, bound);
            decoder.push(ConvSlots { data: 0..0, weight, bias });
            (width, padded_width) = (conv_filters, conv_filters);
        }
        Self { slots: Slots { embedding, encoder, lstm, decoder, len: b.len }, tensors: b.tensors }
    }

    /// Numbers that are fitted: padding does not count.
    pub(crate) fn n_parameters(&self) -> usize {
        self.tensors.iter().map(TensorSpec::len).sum()
    }

    /// The flat vector as named tensors.
    pub(crate) fn export(&self, flat: &[f32]) -> Vec<Tensor> {
        let one = |t: &TensorSpec| Tensor {
            name: t.name.clone(),
            shape: t.shape.clone(),
            data: (0..t.len()).map(|i| flat[t.position(i)]).collect(),
        };
        self.tensors.iter().map(one).collect()
    }

    /// Named tensors as a flat vector, padding zero.
    pub(crate) fn import(&self, tensors: &[Tensor]) -> Result<Vec<f32>> {
        let mut flat = vec![0.0; self.slots.len];
        for t in &self.tensors {
            let fail = |found: String| Error::Tensor {
                name: t.name.clone(),
                found,
                expected: format!("{:?} for this configuration", t.shape),
            };
            let given = tensors.iter().find(|g| g.name == t.name).ok_or_else(|| fail("no such tensor".into()))?;
            if given.shape != t.shape || given.data.len() != t.len() {
                return Err(fail(format!("shape {:?}", given.shape)));
            }
            if let Some(i) = given.data.iter().position(|x| !x.is_finite()) {
                return Err(fail(format!("{} at element {i}", given.data[i])));
            }
            for (i, &x) in given.data.iter().enumerate() {
                flat[t.position(i)] = x;
            }
        }
        if let Some(extra) = tensors.iter().find(|g| self.tensors.iter().all(|t| t.name != g.name)) {
            return Err(Error::Tensor {
                name: extra.name.clone(),
                found: format!("shape {:?}", extra.shape),
                expected: "no such tensor in this configuration".into(),
            });
        }
        Ok(flat)
    }

    /// Initial parameters from the distributions that PyTorch uses by default.
    pub(crate) fn init(&self, seed: u64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut flat = vec![0.0; self.slots.len];
        for t in &self.tensors {
            for i in 0..t.len() {
                flat[t.position(i)] = match t.bound {
                    Some(bound) => ((rng.random::<f64>() * 2.0 - 1.0) * bound) as f32,
                    None => StandardNormal.sample(&mut rng),
                };
            }
        }
        flat
    }
}
