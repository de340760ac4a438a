//! The losses and their gradients.

use rayon::prelude::*;

use super::span::Span;
use crate::data::Batch;
use crate::nn::Loss;
use crate::nn::kernels::Threads;

impl Loss {
    fn value(self, d: f32) -> f32 {
        match self {
            Self::Mse => d * d,
            Self::L1 => d.abs(),
        }
    }

    fn slope(self, d: f32) -> f32 {
        match self {
            Self::Mse => 2.0 * d,
            Self::L1 if d == 0.0 => 0.0,
            Self::L1 => d.signum(),
        }
    }
}

/// Where a prediction lies: in the decoder's last buffer, without its bias.
#[derive(Clone, Copy)]
pub(crate) struct Output<'a> {
    pub(crate) span: Span,
    pub(crate) values: &'a [f32],
    pub(crate) bias: &'a [f32],
}

/// What the prediction is compared with.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    /// True data, `(n_epochs, n_channels, n_times)`.
    pub(crate) data: &'a [f32],
    /// Which of it was measured, in the same layout; none where all was. The rest has no loss and no gradient.
    pub(crate) measured: Option<&'a [bool]>,
    /// Number of samples that were measured.
    pub(crate) n_measured: usize,
}

impl<'a> Target<'a> {
    /// The data of a batch that has been checked.
    pub(crate) fn of(batch: &'a Batch) -> Self {
        let measured = batch.measured.as_ref().map(|measured| measured.as_slice().expect("checked"));
        Self { data: batch.data.as_slice().expect("checked"), measured, n_measured: batch.n_measured(0) }
    }
}

/// Columns and steps that are transposed together.
const TILE: usize = 16;

impl Output<'_> {
    /// Copies the prediction of one epoch to `(n_channels, n_times)`.
    pub(crate) fn epoch(&self, epoch: usize, batch: usize, out: &mut [f32]) {
        let (n_times, width) = (self.span.n_steps, self.span.width);
        for t0 in (0..n_times).step_by(TILE) {
            for c0 in (0..width).step_by(TILE) {
                for t in t0..n_times.min(t0 + TILE) {
                    let at = self.span.at(t, epoch, batch).expect("the span holds the whole epoch");
                    for c in c0..width.min(c0 + TILE) {
                        out[c * n_times + t] = self.values[at + c] + self.bias[c];
                    }
                }
            }
        }
    }

    /// Sum of the losses over all epochs, channels and times from `from` on.
    pub(crate) fn loss_sum(&self, target: Target<'_>, loss: Loss, from: usize, batch: usize, threads: &Threads) -> f64 {
        let (n_times, width) = (self.span.n_steps, self.span.width);
        let sums: Vec<f64> = threads.install(|| {
            target
                .data
                .par_chunks(n_times * width)
                .enumerate()
                .map(|(epoch, data)| {
                    let mut out = vec![0f32; n_times * width];
                    self.epoch(epoch, batch, &mut out);
                    let mut sum = 0f64;
                    let marks = target.measured.map(|m| &m[epoch * n_times * width..][..n_times * width]);
                    for (c, (p, y)) in out.chunks_exact(n_times).zip(data.chunks_exact(n_times)).enumerate() {
                        let losses = p[from..].iter().zip(&y[from..]).map(|(&p, &y)| loss.value(p - y));
                        let row: f32 = match marks.map(|m| &m[c * n_times..][from..n_times]) {
                            None => losses.sum(),
                            Some(marks) => losses.zip(marks).map(|(loss, &is)| if is { loss } else { 0.0 }).sum(),
                        };
                        sum += f64::from(row);
                    }
                    sum
                })
                .collect()
        });
        sums.iter().sum()
    }

    /// Sum of the losses; `gradient`, laid out as the prediction, receives the gradient of their mean over what was measured.
    pub(crate) fn loss_gradient(
        &self,
        target: Target<'_>,
        loss: Loss,
        gradient: &mut [f32],
        batch: usize,
        threads: &Threads,
    ) -> f64 {
        let (n_times, width) = (self.span.n_steps, self.span.width);
        let scale = 1.0 / target.n_measured.max(1) as f32;
        // A tile of steps at a time: the target is read along time, everything else along channels.
        let row = self.span.stride * width;
        let sums: Vec<f64> = threads.install(|| {
            gradient[..self.span.len(batch)]
                .par_chunks_mut(self.span.block(batch))
                .enumerate()
                .map(|(block, out)| {
                    let mut sum = 0f64;
                    for (epoch, out) in out.chunks_exact_mut(row).enumerate() {
                        for (phase, d) in out.chunks_exact_mut(width).enumerate() {
                            let Some(t) = self.span.step(block, phase) else {
                                d.fill(0.0);
                                continue;
                            };
                            let at = block * self.span.block(batch) + epoch * row + phase * width;
                            let p = &self.values[at..at + width];
                            let from = epoch * width * n_times + t;
                            let y = &target.data[from..];
                            let mut part = 0f32;
                            for c in 0..width {
                                // A residual of 0 has neither loss nor slope.
                                let is_measured = target.measured.is_none_or(|m| m[from + c * n_times]);
                                let e = if is_measured { p[c] + self.bias[c] - y[c * n_times] } else { 0.0 };
                                part += loss.value(e);
                                d[c] = loss.slope(e) * scale;
                            }
                            sum += f64::from(part);
                        }
                    }
                    sum
                })
                .collect()
        });
        sums.iter().sum()
    }
}
