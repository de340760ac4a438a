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

/// Lanes of a sum that a compiler can keep in vectors.
const LANES: usize = 16;

impl Loss {
    /// Sum of the losses of residuals, which become the slopes times `scale`.
    fn of_residuals(self, residuals: &mut [f32], scale: f32) -> f32 {
        let mut sums = [0f32; LANES];
        let mut add = |some: &mut [f32]| {
            for (e, sum) in some.iter_mut().zip(&mut sums) {
                *sum += self.value(*e);
                *e = self.slope(*e) * scale;
            }
        };
        let mut chunks = residuals.chunks_exact_mut(LANES);
        chunks.by_ref().for_each(&mut add);
        add(chunks.into_remainder());
        sums.iter().sum()
    }
}

/// Prediction with bias − target.
fn residuals(p: &[f32], bias: &[f32], y: &[f32], out: &mut [f32]) {
    for (((e, &p), &b), &y) in out.iter_mut().zip(p).zip(bias).zip(y) {
        *e = p + b - y;
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

/// Columns and steps that are transposed together: a cache line of either.
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
        let Span { stride, .. } = self.span;
        let (row, block) = (stride * width, self.span.block(batch));
        // The target lies along time, everything else along channels: as many steps as fill a cache line are transposed
        // together, so that each line is fetched once.
        let together = TILE.div_ceil(stride);
        let sums: Vec<f64> = threads.install(|| {
            gradient[..self.span.len(batch)]
                .par_chunks_mut(together * block)
                .enumerate()
                .map_init(
                    || vec![0f32; together * row],
                    |y, (chunk, out)| {
                        let first_block = chunk * together;
                        let n_blocks = out.len() / block;
                        let steps = |phase_of_all: usize| {
                            self.span.step(first_block + phase_of_all / stride, phase_of_all % stride)
                        };
                        // Steps of the epoch in this chunk, and the place of the first among all of the chunk's.
                        let Some(skipped) = (0..n_blocks * stride).find(|&i| steps(i).is_some()) else {
                            out.fill(0.0);
                            return 0.0;
                        };
                        let first = steps(skipped).expect("it was found");
                        let n_steps = (n_blocks * stride - skipped).min(n_times - first);
                        let mut sum = 0f64;
                        for epoch in 0..batch {
                            let from = epoch * width * n_times + first;
                            for c in 0..width {
                                let line = &target.data[from + c * n_times..][..n_steps];
                                for (i, &value) in line.iter().enumerate() {
                                    y[i * width + c] = value;
                                }
                            }
                            for i in 0..n_blocks * stride {
                                let at = i / stride * block + epoch * row + i % stride * width;
                                let d = &mut out[at..at + width];
                                if i < skipped || i - skipped >= n_steps {
                                    d.fill(0.0);
                                    continue;
                                }
                                let p = &self.values[first_block * block + at..][..width];
                                let t = i - skipped;
                                residuals(p, self.bias, &y[t * width..][..width], d);
                                if let Some(measured) = target.measured {
                                    // A residual of 0 has neither loss nor slope.
                                    for (c, e) in d.iter_mut().enumerate() {
                                        if !measured[from + t + c * n_times] {
                                            *e = 0.0;
                                        }
                                    }
                                }
                                sum += f64::from(loss.of_residuals(d, scale));
                            }
                        }
                        sum
                    },
                )
                .collect()
        });
        sums.iter().sum()
    }
}
