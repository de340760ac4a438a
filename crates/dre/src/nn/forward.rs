//! The forward pass.

use super::kernels::product::{After, Compute, Rows, Scratch};
use super::kernels::recurrent::LoopShape;
use super::network::Network;
use super::ops::lstm::{self, LstmParams};
use super::ops::span::{Span, fill, fill_rest, rows_between};
use super::params::{LstmSlots, padded};
use super::workspace::Workspace;
use crate::data::Batch;

impl Network {
    /// Fills the workspace up to the prediction; `for_gradient` says whether with all that [`Network::backward`] needs. The
    /// batch has been checked.
    pub(super) fn forward(&self, batch: &Batch, for_gradient: bool, w: &mut Workspace) {
        let n = batch.n_epochs();
        let slots = &self.layout.slots;
        self.read_input(batch, w);
        let Workspace { plan, x_data, x_rest, encoded, lstm, decoded, prediction, scratch, .. } = w;
        let mut compute = self.compute(scratch);

        for (i, (layer, slot)) in plan.encoder.iter().zip(&slots.encoder).enumerate() {
            let (below, rest) = encoded.split_at_mut(i);
            let x = below.last().map_or(&x_rest[..], |x| &x[..]);
            let weight = &self.params[slot.weight.clone()];
            let to = plan.encoder.get(i + 1).map_or(Span::plain(layer.n_plain, layer.plain_width), |next| next.strided);
            let from = Span::plain(layer.n_plain, layer.plain_width);
            let bias = &self.params[slot.bias.clone()];
            let places = rows_between(from, 0, to, n);
            let (rows, after) = (Rows::At(&places), After::BiasRelu(bias));
            if let (0, Some(data)) = (i, &plan.data) {
                let mut terms: Vec<_> = layer.collect(x, weight, n).collect();
                terms.extend(data.collect(x_data, &self.params[slot.data.clone()], n));
                let shape = (layer.n_plain * n, layer.plain_width);
                compute.product(shape, &terms, &mut rest[0], rows, after);
            } else {
                layer.collect_into((x, weight), n, &mut rest[0], (rows, after), &mut compute);
            }
            fill_rest(from, (to, &mut rest[0]), Some(bias), n);
        }

        let shape = self.loop_shape(plan.n_steps, n);
        for (i, slot) in slots.lstm.iter().enumerate() {
            let (below, rest) = lstm.split_at_mut(i);
            let x = below.last().map_or_else(|| &encoded.last().unwrap_or(x_rest)[..], |l| l.output(shape));
            lstm::forward(shape, slot.n_in, &self.lstm_params(slot), x, for_gradient, &mut rest[0], &mut compute);
        }

        let n_layers = plan.decoder.len();
        for (i, (layer, slot)) in plan.decoder.iter().zip(&slots.decoder).enumerate() {
            let (below, rest) = decoded.split_at_mut(i);
            let x = match (i, lstm.last()) {
                (0, Some(l)) => l.output(shape),
                (0, None) => encoded.last().unwrap_or(x_rest),
                _ => &below[i - 1][..],
            };
            let weight = &self.params[slot.weight.clone()];
            if plan.encoder.is_empty() {
                let rows = Rows::Even(layer.plain_width);
                layer.collect_into((x, weight), n, prediction, (rows, After::Nothing), &mut compute);
            } else if i + 1 == n_layers {
                layer.spread_in_place(x, weight, prediction, n, &mut compute);
            } else {
                let next = &plan.decoder[i + 1];
                let to = Span::plain(next.n_plain, next.plain_width);
                let bias = &self.params[slot.bias.clone()];
                for phase in 0..layer.strided.stride {
                    let places = rows_between(layer.strided, phase, to, n);
                    let (rows, after) = (Rows::At(&places), After::BiasRelu(bias));
                    layer.spread_into((x, weight), phase, n, &mut rest[0], (rows, after), &mut compute);
                }
                fill_rest(layer.strided, (to, &mut rest[0]), Some(bias), n);
            }
        }
    }

    /// What this network's products are made with.
    pub(super) fn compute<'a>(&'a self, scratch: &'a mut Scratch) -> Compute<'a> {
        Compute { arithmetic: self.arithmetic(), scratch, threads: &self.threads }
    }

    pub(super) fn loop_shape(&self, n_steps: usize, batch: usize) -> LoopShape {
        LoopShape { n_steps, batch, hidden: padded(self.config().lstm_hidden) }
    }

    pub(super) fn lstm_params(&self, slot: &LstmSlots) -> LstmParams<&[f32]> {
        LstmParams {
            w_ih: &self.params[slot.w_ih.clone()],
            w_hh: &self.params[slot.w_hh.clone()],
            b_ih: &self.params[slot.b_ih.clone()],
            b_hh: &self.params[slot.b_hh.clone()],
        }
    }

    /// Writes data × mask (0 where not measured), mask, subject embedding and features where the first layer reads them.
    fn read_input(&self, batch: &Batch, w: &mut Workspace) {
        let n = batch.n_epochs();
        let (dims, config, threads) = (self.dims(), self.config(), &self.threads);
        let (n_times, left) = (w.plan.n_times, w.plan.left);
        let data = batch.data.as_slice().expect("checked");
        let measured = batch.measured.as_ref().map(|measured| measured.as_slice().expect("checked"));
        let features = batch.features.as_slice().expect("checked");
        let embedding = &self.params[self.layout.slots.embedding.clone()];

        let write_data = |t: usize, epoch: usize, out: &mut [f32]| {
            for (c, x) in out.iter_mut().enumerate() {
                *x = data[(epoch * dims.n_channels + c) * n_times + t];
            }
            if let Some(measured) = measured {
                for (c, x) in out.iter_mut().enumerate() {
                    if !measured[(epoch * dims.n_channels + c) * n_times + t] {
                        *x = 0.0;
                    }
                }
            }
        };
        let write_rest = |t: usize, epoch: usize, out: &mut [f32]| {
            out[0] = if t < config.n_init_times { 1.0 } else { 0.0 };
            let (subject, rest) = out[1..].split_at_mut(config.subject_dim);
            if config.subject_dim > 0 {
                subject.copy_from_slice(&embedding[batch.subjects[epoch] * config.subject_dim..][..config.subject_dim]);
            }
            for (f, x) in rest.iter_mut().enumerate() {
                *x = features[(epoch * dims.n_features + f) * n_times + t];
            }
        };
        let inside = |step: usize| step.checked_sub(left).filter(|&t| t < n_times);
        if let (Some(first), Some(seen)) = (w.plan.encoder.first(), w.plan.data) {
            fill(first.strided, &mut w.x_rest, n, threads, |step, epoch, out| match inside(step) {
                Some(t) => write_rest(t, epoch, out),
                None => out.fill(0.0),
            });
            if seen.n_plain > 0 {
                fill(seen.strided, &mut w.x_data, n, threads, |step, epoch, out| match inside(step) {
                    Some(t) => write_data(t, epoch, out),
                    None => out.fill(0.0),
                });
            }
        } else {
            let span = Span::plain(n_times, dims.n_channels + config.n_rest(dims));
            fill(span, &mut w.x_rest, n, threads, |t, epoch, out| {
                let (first, rest) = out.split_at_mut(dims.n_channels);
                if t < config.n_init_times {
                    write_data(t, epoch, first);
                } else {
                    first.fill(0.0);
                }
                write_rest(t, epoch, rest);
            });
        }
    }
}
