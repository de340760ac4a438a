//! How a signal of many steps lies in memory, and the elementwise operations between two such places.

use rayon::prelude::*;

use crate::nn::kernels::{Threads, matmul::Mat};

/// Layout of a batch of signals: `[block][epoch][phase][column]`, `stride` steps to a block.
///
/// Step `t` of the signal sits in block `(t + offset) / stride` at phase `(t + offset) % stride`; places that hold no step
/// are zero. With stride 1 and offset 0 this is plain `(n_steps, batch, width)`. A strided convolution is then a few matrix
/// products over whole blocks, one per `stride` taps, without copying windows (see [`super::shifted`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) n_blocks: usize,
    pub(crate) stride: usize,
    pub(crate) offset: usize,
    pub(crate) n_steps: usize,
    pub(crate) width: usize,
}

impl Span {
    /// Plain `(n_steps, batch, width)`.
    pub(crate) fn plain(n_steps: usize, width: usize) -> Self {
        Self { n_blocks: n_steps, stride: 1, offset: 0, n_steps, width }
    }

    /// Numbers that a batch takes.
    pub(crate) fn len(&self, batch: usize) -> usize {
        self.n_blocks * self.block(batch)
    }

    /// Numbers in a block.
    pub(crate) fn block(&self, batch: usize) -> usize {
        batch * self.stride * self.width
    }

    /// The step at a block and phase, if there is one.
    pub(crate) fn step(&self, block: usize, phase: usize) -> Option<usize> {
        (block * self.stride + phase).checked_sub(self.offset).filter(|&t| t < self.n_steps)
    }

    /// Where the columns of a step and epoch start; none where the step lies past the last block.
    pub(crate) fn at(&self, step: usize, epoch: usize, batch: usize) -> Option<usize> {
        let u = step + self.offset;
        let block = u / self.stride;
        (block < self.n_blocks)
            .then(|| block * self.block(batch) + (epoch * self.stride + u % self.stride) * self.width)
    }
}

/// Calls `f(step, epoch, columns)` for every place of a step in `data` and fills all other places with zero.
pub(crate) fn fill(
    span: Span,
    data: &mut [f32],
    batch: usize,
    threads: &Threads,
    f: impl Fn(usize, usize, &mut [f32]) + Sync,
) {
    threads.install(|| {
        data[..span.len(batch)].par_chunks_mut(span.block(batch)).enumerate().for_each(|(block, out)| {
            for (i, columns) in out.chunks_exact_mut(span.width).enumerate() {
                match span.step(block, i % span.stride) {
                    Some(step) => f(step, i / span.stride, columns),
                    None => columns.fill(0.0),
                }
            }
        });
    });
}

/// `to = relu(from + bias)` step by step; the two may lie differently. A step that `from` does not reach counts as 0.
pub(crate) fn bias_relu(
    (from, source): (Span, &[f32]),
    bias: &[f32],
    (to, target): (Span, &mut [f32]),
    batch: usize,
    threads: &Threads,
) {
    fill(to, target, batch, threads, |step, epoch, out| match from.at(step, epoch, batch) {
        Some(at) => {
            for ((y, &x), &b) in out.iter_mut().zip(&source[at..at + from.width]).zip(bias) {
                *y = (x + b).max(0.0);
            }
        }
        None => {
            for (y, &b) in out.iter_mut().zip(bias) {
                *y = b.max(0.0);
            }
        }
    });
}

/// The gradient of [`bias_relu`]: `to = from` where the activation is positive, else 0.
///
/// `from` and `activation` lie alike (where the activation was written); `to` lies as the operation's input did.
pub(crate) fn relu_gradient(
    from: Span,
    gradient: &[f32],
    activation: &[f32],
    (to, target): (Span, &mut [f32]),
    batch: usize,
    threads: &Threads,
) {
    fill(to, target, batch, threads, |step, epoch, out| match from.at(step, epoch, batch) {
        Some(at) => {
            let (d, a) = (&gradient[at..at + from.width], &activation[at..at + from.width]);
            for ((y, &d), &a) in out.iter_mut().zip(d).zip(a) {
                *y = if a > 0.0 { d } else { 0.0 };
            }
        }
        None => out.fill(0.0),
    });
}

/// Rows summed together before the partial sums are; fixed, so that the order does not depend on the threads.
const ROWS_PER_SUM: usize = 128;

/// Column sums of a row-major matrix with `width` columns, into `sums`.
pub(crate) fn column_sums(data: &[f32], width: usize, sums: &mut [f32], threads: &Threads) {
    let parts: Vec<Vec<f32>> = threads.install(|| {
        data.par_chunks(ROWS_PER_SUM * width)
            .map(|rows| {
                let mut part = vec![0f32; width];
                for row in rows.chunks_exact(width) {
                    for (s, &x) in part.iter_mut().zip(row) {
                        *s += x;
                    }
                }
                part
            })
            .collect()
    });
    sums.fill(0.0);
    for part in parts {
        for (s, x) in sums.iter_mut().zip(part) {
            *s += x;
        }
    }
}

/// A span's blocks from `block` on as a matrix: a row per epoch of a block, `stride · width` columns.
pub(crate) fn blocks(span: Span, data: &[f32], block: usize, batch: usize) -> Mat<'_> {
    Mat::rows(&data[block * span.block(batch)..], span.stride * span.width)
}
