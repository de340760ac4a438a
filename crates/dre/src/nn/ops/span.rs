//! How a signal of many steps lies in memory, and the elementwise operations between two such places.

use rayon::prelude::*;

use crate::nn::kernels::product::NOWHERE;
use crate::nn::kernels::{Threads, matmul::Mat};

/// Layout of a batch of signals: `[block][epoch][phase][column]`, `stride` steps to a block.
///
/// Step `t` of the signal sits in block `(t + offset) / stride` at phase `(t + offset) % stride`; places that hold no step
/// are zero, but for those of a prediction, which nobody reads. With stride 1 and offset 0 this is plain `(n_steps, batch, width)`. A strided convolution is then a few matrix
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

/// Where the rows of a product go: row `(block, epoch)` of `from` at one phase to its step's place in `to`. For a plain
/// `from` a row is a step and an epoch.
pub(crate) fn rows_between(from: Span, phase: usize, to: Span, batch: usize) -> Vec<usize> {
    let place = |block: usize, epoch: usize| {
        let step = from.step(block, phase).filter(|&step| step < to.n_steps)?;
        to.at(step, epoch, batch)
    };
    let rows = (0..from.n_blocks).flat_map(|block| (0..batch).map(move |epoch| (block, epoch)));
    rows.map(|(block, epoch)| place(block, epoch).unwrap_or(NOWHERE)).collect()
}

/// Fills what [`rows_between`] leaves out: places without a step with zero, steps that `from` does not reach with
/// `max(0, bias)`, or zero where there is no bias.
pub(crate) fn fill_rest(from: Span, (to, target): (Span, &mut [f32]), bias: Option<&[f32]>, batch: usize) {
    for block in 0..to.n_blocks {
        for phase in 0..to.stride {
            let step = to.step(block, phase);
            if step.is_some_and(|step| from.at(step, 0, batch).is_some()) {
                continue;
            }
            for epoch in 0..batch {
                let at = block * to.block(batch) + (epoch * to.stride + phase) * to.width;
                let out = &mut target[at..at + to.width];
                match bias.filter(|_| step.is_some()) {
                    Some(bias) => out.iter_mut().zip(bias).for_each(|(y, b)| *y = b.max(0.0)),
                    None => out.fill(0.0),
                }
            }
        }
    }
}

/// The gradient of a rectifier: `to = from` where the activation is positive, else 0.
pub(crate) fn relu_gradient(gradient: &[f32], activation: &[f32], target: &mut [f32], threads: &Threads) {
    const CHUNK: usize = 1 << 14;
    threads.install(|| {
        target.par_chunks_mut(CHUNK).enumerate().for_each(|(i, out)| {
            let range = i * CHUNK..i * CHUNK + out.len();
            for ((y, &d), &a) in out.iter_mut().zip(&gradient[range.clone()]).zip(&activation[range]) {
                *y = if a > 0.0 { d } else { 0.0 };
            }
        });
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
