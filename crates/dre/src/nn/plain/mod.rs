//! The same network in `f64` and plain loops: slow, short, and the yardstick of the fast one.
//!
//! Written from the definition in PyTorch's layout, apart from everything in the rest of [`crate::nn`]; itself checked
//! against finite differences.

mod conv;
mod lstm;
mod signal;

use std::collections::BTreeMap;

pub use conv::{ConvShape, conv, conv_backward, conv_transpose, conv_transpose_backward, relu, relu_backward};
pub use lstm::{Lstm, LstmGradients, LstmTrace};
pub use signal::Signal;

use super::{Loss, NetworkConfig, Tensor};
use crate::data::Batch;

/// Parameters or gradients by name, row-major in PyTorch's shapes.
pub type Parameters = BTreeMap<String, Vec<f64>>;

/// The network in plain `f64`.
#[derive(Clone, Debug)]
pub struct PlainNetwork {
    config: NetworkConfig,
    /// Parameters by PyTorch's names.
    pub parameters: Parameters,
}

/// What [`PlainNetwork::evaluate`] gives.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// Prediction, `(n_epochs, n_channels, n_times)`.
    pub prediction: Signal,
    /// Mean loss over what was measured of the whole epochs.
    pub loss: f64,
    /// Gradient of the loss by name.
    pub gradient: Parameters,
    /// How near any rectifier (or, with L1, any residual) is to the point where its slope jumps. Below the rounding of
    /// `f32` the two sides of the jump cannot be told apart there, and neither gradient is wrong.
    pub margin: f64,
}

/// One layer's input and output on the way forward.
struct Layer {
    name: String,
    x: Signal,
    y: Signal,
}

impl PlainNetwork {
    /// From named parameters, as [`super::Network::state`] gives them.
    pub fn new(config: NetworkConfig, tensors: &[Tensor]) -> Self {
        let wide = |t: &Tensor| (t.name.clone(), t.data.iter().map(|&x| f64::from(x)).collect());
        Self { config, parameters: tensors.iter().map(wide).collect() }
    }

    fn p(&self, name: &str) -> &[f64] {
        &self.parameters[name]
    }

    fn conv_shape(&self) -> ConvShape {
        ConvShape { kernel: self.config.kernel, stride: self.config.stride, padding: self.config.kernel / 2 }
    }

    fn lstm(&self, layer: usize) -> Lstm<'_> {
        let p = |kind: &str| self.p(&format!("lstm.{kind}_l{layer}"));
        Lstm { w_ih: p("weight_ih"), w_hh: p("weight_hh"), b_ih: p("bias_ih"), b_hh: p("bias_hh") }
    }

    /// Data × mask (0 where not measured), mask, subject embedding, features; `length` samples of which the epoch's start at `left`.
    fn input(&self, batch: &Batch, length: usize, left: usize) -> Signal {
        let (n, n_channels, n_times) = batch.data.dim();
        let dim = self.config.subject_dim;
        Signal::from_fn(n, n_channels + 1 + dim + batch.features.dim().1, length, |b, c, u| {
            let Some(t) = u.checked_sub(left).filter(|&t| t < n_times) else { return 0.0 };
            let mask = if t < self.config.n_init_times { 1.0 } else { 0.0 };
            match c.checked_sub(n_channels) {
                None if batch.measured.as_ref().is_some_and(|measured| !measured[[b, c, t]]) => 0.0,
                None => mask * f64::from(batch.data[[b, c, t]]),
                Some(0) => mask,
                Some(i) if i <= dim => self.p("subject_embedding.weight")[batch.subjects[b] * dim + i - 1],
                Some(i) => f64::from(batch.features[[b, i - 1 - dim, t]]),
            }
        })
    }

    /// Length that the epoch is padded to.
    fn length(&self, n_times: usize) -> usize {
        let shape = self.conv_shape();
        let covered = |length: usize| -> Option<usize> {
            let mut n = length;
            for _ in 0..self.config.conv_layers {
                n = (n + 2 * shape.padding).checked_sub(shape.kernel)? / shape.stride + 1;
            }
            for _ in 0..self.config.conv_layers {
                n = ((n - 1) * shape.stride + shape.kernel).checked_sub(2 * shape.padding).filter(|&n| n > 0)?;
            }
            Some(n)
        };
        let mut length = if self.config.conv_layers == 0 { n_times } else { self.config.padded_length(n_times) };
        while covered(length).is_none_or(|n| n < n_times) {
            length += 1;
        }
        length
    }

    /// Prediction, loss and gradient of a batch.
    pub fn evaluate(&self, batch: &Batch, loss: Loss) -> Evaluation {
        let mut margin = f64::INFINITY;
        let mut near = |x: &Signal| margin = x.data.iter().fold(margin, |m, x| m.min(x.abs()));
        let (n, n_channels, n_times) = batch.data.dim();
        let shape = self.conv_shape();
        let length = self.length(n_times);
        let left = (length - n_times) / 2;

        let mut x = self.input(batch, length, left);
        let mut encoder = Vec::new();
        for i in 0..self.config.conv_layers {
            let name = format!("encoder.{}", 2 * i);
            let z = conv(shape, &x, self.p(&format!("{name}.weight")), self.p(&format!("{name}.bias")));
            near(&z);
            let y = relu(&z);
            encoder.push(Layer { name, x: std::mem::replace(&mut x, y.clone()), y });
        }
        let mut traces = Vec::new();
        for i in 0..self.config.lstm_layers {
            let trace = self.lstm(i).forward(&x);
            traces.push((std::mem::replace(&mut x, trace.output.clone()), trace));
        }
        let mut decoder = Vec::new();
        let one = ConvShape { kernel: 1, stride: 1, padding: 0 };
        if self.config.conv_layers == 0 {
            let y = conv(one, &x, self.p("decoder.weight"), self.p("decoder.bias"));
            decoder.push(Layer { name: "decoder".into(), x, y });
        } else {
            for i in 0..self.config.conv_layers {
                let name = format!("decoder.{}", 2 * i);
                let y = conv_transpose(shape, &x, self.p(&format!("{name}.weight")), self.p(&format!("{name}.bias")));
                let y = if i + 1 < self.config.conv_layers {
                    near(&y);
                    relu(&y)
                } else {
                    y
                };
                decoder.push(Layer { name, x: std::mem::replace(&mut x, y.clone()), y });
            }
        }
        let full = &decoder[decoder.len() - 1].y;
        let skip = (full.n_times - n_times) / 2;
        let prediction = Signal::from_fn(n, n_channels, n_times, |b, c, t| full.get(b, c, t + skip));

        let mut d = Signal::zeros(n, n_channels, full.n_times);
        let mut sum = 0.0;
        let is_measured = |at: (usize, usize, usize)| batch.measured.as_ref().is_none_or(|measured| measured[at]);
        let n_measured = batch.data.indexed_iter().filter(|&(at, _)| is_measured(at)).count();
        let scale = 1.0 / n_measured.max(1) as f64;
        for ((b, c, t), &y) in batch.data.indexed_iter().filter(|&(at, _)| is_measured(at)) {
            let e = prediction.get(b, c, t) - f64::from(y);
            let (value, slope) = match loss {
                Loss::Mse => (e * e, 2.0 * e),
                Loss::L1 => {
                    margin = margin.min(e.abs());
                    (e.abs(), if e == 0.0 { 0.0 } else { e.signum() })
                }
            };
            sum += value;
            *d.at(b, c, t + skip) = slope * scale;
        }

        let mut gradient = Parameters::new();
        for (i, layer) in decoder.iter().enumerate().rev() {
            if i + 1 < decoder.len() {
                d = relu_backward(&layer.y, &d);
            }
            let w = self.p(&format!("{}.weight", layer.name));
            let (dx, dw, db) = if self.config.conv_layers == 0 {
                conv_backward(one, &layer.x, w, &d)
            } else {
                conv_transpose_backward(shape, &layer.x, w, &d)
            };
            gradient.insert(format!("{}.weight", layer.name), dw);
            gradient.insert(format!("{}.bias", layer.name), db);
            d = dx;
        }
        for (i, (x, trace)) in traces.iter().enumerate().rev() {
            let g = self.lstm(i).backward(x, trace, &d);
            gradient.insert(format!("lstm.weight_ih_l{i}"), g.w_ih);
            gradient.insert(format!("lstm.weight_hh_l{i}"), g.w_hh);
            gradient.insert(format!("lstm.bias_ih_l{i}"), g.bias.clone());
            gradient.insert(format!("lstm.bias_hh_l{i}"), g.bias);
            d = g.x;
        }
        for layer in encoder.iter().rev() {
            d = relu_backward(&layer.y, &d);
            let (dx, dw, db) = conv_backward(shape, &layer.x, self.p(&format!("{}.weight", layer.name)), &d);
            gradient.insert(format!("{}.weight", layer.name), dw);
            gradient.insert(format!("{}.bias", layer.name), db);
            d = dx;
        }
        if self.config.subject_dim > 0 {
            let dim = self.config.subject_dim;
            let mut de = vec![0.0; self.p("subject_embedding.weight").len()];
            for (b, &subject) in batch.subjects.iter().enumerate() {
                for i in 0..dim {
                    de[subject * dim + i] +=
                        (left..left + n_times).map(|u| d.get(b, n_channels + 1 + i, u)).sum::<f64>();
                }
            }
            gradient.insert("subject_embedding.weight".into(), de);
        }
        Evaluation { prediction, loss: sum * scale, gradient, margin }
    }
}
