//! The backward pass.

use std::ops::Range;

use super::config::Loss;
use super::kernels::matmul::{Mat, matmul};
use super::kernels::product::{After, Rows};
use super::network::Network;
use super::ops::loss::Target;
use super::ops::lstm::{self, LstmParams};
use super::ops::span::{Span, column_sums, fill_rest, relu_gradient, rows_between};
use super::params::LstmSlots;
use super::workspace::Workspace;
use crate::data::Batch;

impl Network {
    /// Sum of the losses; the gradient of their mean goes to `w.gradient`. Follows [`Network::forward`] on the same batch.
    pub(super) fn backward(&self, batch: &Batch, loss: Loss, w: &mut Workspace) -> f64 {
        let n = batch.n_epochs();
        let threads = &self.threads;
        let mut d_prediction = std::mem::take(&mut w.d_prediction);
        let sum = w.output(self).loss_gradient(Target::of(batch), loss, &mut d_prediction, n, threads);
        w.d_prediction = d_prediction;
        self.backward_decoder(n, w);
        self.backward_lstm(n, w);
        if w.plan.encoder.is_empty() {
            self.backward_bare_input(batch, w);
        } else {
            self.backward_encoder(n, w);
            self.backward_embedding(batch, w);
        }
        sum
    }

    /// From the prediction to the decoder's input, whose gradient goes to `w.plain`.
    fn backward_decoder(&self, n: usize, w: &mut Workspace) {
        let threads = &self.threads;
        let slots = &self.layout.slots;
        let shape = self.loop_shape(w.plan.n_steps, n);
        let Workspace {
            plan,
            x_rest,
            encoded,
            lstm,
            decoded,
            plain,
            strided,
            strided_next,
            d_prediction,
            gradient,
            scratch,
            ..
        } = w;
        let mut compute = self.compute(scratch);
        for (i, (layer, slot)) in plan.decoder.iter().zip(&slots.decoder).enumerate().rev() {
            let x = match (i, lstm.last()) {
                (0, Some(l)) => l.output(shape),
                (0, None) => encoded.last().unwrap_or(x_rest),
                _ => &decoded[i - 1][..],
            };
            let d = if i + 1 == plan.decoder.len() { &d_prediction[..] } else { &strided[..] };
            let weight = &self.params[slot.weight.clone()];
            if plan.encoder.is_empty() {
                let size = plan.output.len(n);
                column_sums(&d[..size], plan.output.width, &mut gradient[slot.bias.clone()], threads);
                layer.weight_gradient(x, d, &mut gradient[slot.weight.clone()], n, &mut compute);
                layer.spread_in_place(d, weight, plain, n, &mut compute);
                continue;
            }
            let span = layer.strided;
            column_sums(&d[..span.len(n)], span.width, &mut gradient[slot.bias.clone()], threads);
            layer.weight_gradient(d, x, &mut gradient[slot.weight.clone()], n, &mut compute);
            let even = Rows::Even(layer.plain_width);
            if i == 0 {
                layer.collect_into((d, weight), n, plain, (even, After::Nothing), &mut compute);
                continue;
            }
            let from = Span::plain(layer.n_plain, layer.plain_width);
            let to = plan.decoder[i - 1].strided;
            let places = rows_between(from, 0, to, n);
            let after = After::Masked { activation: x, rows: even };
            layer.collect_into((d, weight), n, strided_next, (Rows::At(&places), after), &mut compute);
            fill_rest(from, (to, strided_next), None, n);
            std::mem::swap(strided, strided_next);
        }
    }

    /// From the LSTM's output (`w.plain`) to its input (`w.plain` again).
    fn backward_lstm(&self, n: usize, w: &mut Workspace) {
        let slots = &self.layout.slots;
        let shape = self.loop_shape(w.plan.n_steps, n);
        // Without convolutions below only the embedding's columns of the input's gradient are needed, see
        // `backward_bare_input`.
        let needs_input = !w.plan.encoder.is_empty();
        let Workspace { x_rest, encoded, lstm, plain, plain_next, gradient, scratch, .. } = w;
        let mut compute = self.compute(scratch);
        for (i, slot) in slots.lstm.iter().enumerate().rev() {
            let (below, rest) = lstm.split_at_mut(i);
            let x = below.last().map_or_else(|| &encoded.last().unwrap_or(x_rest)[..], |l| l.output(shape));
            let mut out = split_gradient(gradient, slot);
            let dx = (i > 0 || needs_input).then_some(&mut plain_next[..]);
            let params = self.lstm_params(slot);
            lstm::backward(shape, slot.n_in, &params, x, plain, &mut rest[0], &mut out, dx, &mut compute);
            std::mem::swap(plain, plain_next);
        }
    }

    /// From the last convolution's output (`w.plain`) to the gradient of the first one's pre-activation (`w.plain`).
    fn backward_encoder(&self, n: usize, w: &mut Workspace) {
        let threads = &self.threads;
        let slots = &self.layout.slots;
        let Workspace { plan, x_data, x_rest, encoded, plain, plain_next, gradient, scratch, .. } = w;
        let mut compute = self.compute(scratch);
        if let (Some(last), Some(activation)) = (plan.encoder.last(), encoded.last()) {
            let size = last.n_plain * n * last.plain_width;
            relu_gradient(plain, activation, &mut plain_next[..size], threads);
            std::mem::swap(plain, plain_next);
        }
        for (i, (layer, slot)) in plan.encoder.iter().zip(&slots.encoder).enumerate().rev() {
            let size = layer.n_plain * n * layer.plain_width;
            column_sums(&plain[..size], layer.plain_width, &mut gradient[slot.bias.clone()], threads);
            let x = if i == 0 { &x_rest[..] } else { &encoded[i - 1][..] };
            layer.weight_gradient(x, plain, &mut gradient[slot.weight.clone()], n, &mut compute);
            if i == 0 {
                if let Some(data) = &plan.data {
                    data.weight_gradient(x_data, plain, &mut gradient[slot.data.clone()], n, &mut compute);
                }
                continue;
            }
            let from = layer.strided;
            let to = Span::plain(plan.encoder[i - 1].n_plain, plan.encoder[i - 1].plain_width);
            let weight = &self.params[slot.weight.clone()];
            for phase in 0..from.stride {
                let places = rows_between(from, phase, to, n);
                let strided = Rows::Even(from.stride * from.width);
                let after = After::Masked { activation: &x[phase * from.width..], rows: strided };
                let rows = Rows::At(&places);
                layer.spread_into((plain, weight), phase, n, plain_next, (rows, after), &mut compute);
            }
            fill_rest(from, (to, plain_next), None, n);
            std::mem::swap(plain, plain_next);
        }
    }

    /// The subject embedding through the first convolution: it is constant over the epoch, so the gradient needs the sums
    /// over time of the pre-activation's gradient only, one per tap.
    fn backward_embedding(&self, batch: &Batch, w: &mut Workspace) {
        use rayon::prelude::*;
        let dim = self.config().subject_dim;
        if dim == 0 {
            return;
        }
        let n = batch.n_epochs();
        let first = &w.plan.encoder[0];
        let (kernel, width) = (first.kernel, first.plain_width);
        let Span { stride, offset, width: n_rest, .. } = first.strided;
        let weight = &self.params[self.layout.slots.encoder[0].weight.clone()];
        // Where the epoch's samples lie in the strided signal.
        let inside = offset + w.plan.left..offset + w.plan.left + w.plan.n_times;
        let d = &w.plain;
        let per_epoch: Vec<Vec<f32>> = self.threads.install(|| {
            (0..n)
                .into_par_iter()
                .map(|epoch| {
                    let mut out = vec![0f32; dim];
                    let mut sums = vec![0f32; width];
                    for tap in 0..kernel {
                        sums.fill(0.0);
                        for t in (0..first.n_plain).filter(|t| inside.contains(&(t * stride + tap))) {
                            let row = &d[(t * n + epoch) * width..][..width];
                            sums.iter_mut().zip(row).for_each(|(s, x)| *s += x);
                        }
                        for (e, out) in out.iter_mut().enumerate() {
                            let w = &weight[(tap * n_rest + 1 + e) * width..][..width];
                            *out += w.iter().zip(&sums).map(|(w, s)| w * s).sum::<f32>();
                        }
                    }
                    out
                })
                .collect()
        });
        self.add_embedding(batch, &per_epoch, &mut w.gradient);
    }

    fn add_embedding(&self, batch: &Batch, per_epoch: &[Vec<f32>], gradient: &mut [f32]) {
        let dim = self.config().subject_dim;
        let d = &mut gradient[self.layout.slots.embedding.clone()];
        d.fill(0.0);
        for (&subject, row) in batch.subjects.iter().zip(per_epoch) {
            d[subject * dim..][..dim].iter_mut().zip(row).for_each(|(d, x)| *d += x);
        }
    }

    /// The subject embedding where the LSTM, or the 1×1 convolution, reads the input itself.
    fn backward_bare_input(&self, batch: &Batch, w: &mut Workspace) {
        let dim = self.config().subject_dim;
        if dim == 0 {
            return;
        }
        let n = batch.n_epochs();
        let (dims, n_times) = (self.dims(), w.plan.n_times);
        let first = dims.n_channels + 1;
        let mut d = vec![0f32; n_times * n * dim];
        if let Some(slot) = self.layout.slots.lstm.first() {
            let columns = slot.b_ih.len();
            let weight = &self.params[slot.w_ih.clone()][first..];
            let a = Mat::rows(&w.lstm[0].gates, columns);
            let shape = (n_times * n, columns, dim);
            matmul(shape, a, Mat::rows(weight, slot.n_in), &mut d, dim, false, &self.threads);
        } else {
            let width = dims.n_channels + self.config().n_rest(dims);
            for (d, row) in d.chunks_exact_mut(dim).zip(w.plain.chunks_exact(width)) {
                d.copy_from_slice(&row[first..first + dim]);
            }
        }
        let mut per_epoch = vec![vec![0f32; dim]; n];
        for (i, row) in d.chunks_exact(dim).enumerate() {
            per_epoch[i % n].iter_mut().zip(row).for_each(|(s, x)| *s += x);
        }
        self.add_embedding(batch, &per_epoch, &mut w.gradient);
    }
}

/// Mutable views of one LSTM layer's gradients, which lie one after the other.
fn split_gradient<'a>(gradient: &'a mut [f32], slot: &LstmSlots) -> LstmParams<&'a mut [f32]> {
    let Range { start, .. } = slot.w_ih;
    debug_assert!(
        slot.w_ih.end == slot.w_hh.start && slot.w_hh.end == slot.b_ih.start && slot.b_ih.end == slot.b_hh.start
    );
    let (w_ih, rest) = gradient[start..slot.b_hh.end].split_at_mut(slot.w_ih.len());
    let (w_hh, rest) = rest.split_at_mut(slot.w_hh.len());
    let (b_ih, b_hh) = rest.split_at_mut(slot.b_ih.len());
    LstmParams { w_ih, w_hh, b_ih, b_hh }
}
