//! The LSTM's loops over time on AVX-512: [`super::recurrent`] and [`super::recurrent_backward`] with the register tile of
//! the products, in `f32` or `bf16` words.
//!
//! A thread owns blocks of [`PANEL`] hidden units with all their gates. At each step it copies the other factor (the last
//! hidden state, or the next step's gradient), of which the other threads have written parts, once into its own cache;
//! the blocks are walked to and fro, so that what the cache still holds of the weights is used first. Where the weights are
//! small enough for every thread's cache, it owns epochs of the batch instead, and never waits for the others.

mod backward;
mod forward;

pub(crate) use backward::backward;
pub(crate) use forward::forward;

use super::memory::Buffer;
use super::mixed::Mixed;
use super::recurrent::{LoopShape, UNIT_BLOCK, share_of};
use super::tile::{Finish, ROWS, Target, along_bf16, along_f32};
use super::words::{CHUNK, PANEL, ROW, n_words, pack_row};

/// One thread's copy of the rows that a step multiplies with the weights: `[chunk][row][ROW]`.
struct Factor {
    buffer: Buffer<u32>,
    n_rows: usize,
    k: usize,
    bf16: bool,
}

impl Factor {
    fn new(n_rows: usize, k: usize, bf16: bool) -> Self {
        Self { buffer: Buffer::default(), n_rows, k, bf16 }
    }

    /// Bounds of the chunks, in words.
    fn chunks(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let words = n_words(self.k, self.bf16);
        let parts = words.div_ceil(CHUNK);
        (0..parts).map(move |i| (words * i / parts, words * (i + 1) / parts))
    }

    /// Takes over the rows of `k` numbers at `p`.
    ///
    /// # Safety
    /// The machine has the instruction set; all rows can be read and nobody writes them meanwhile.
    unsafe fn fill(&mut self, p: *const f32) {
        let Self { n_rows, k, bf16, .. } = *self;
        let chunks = self.chunks();
        let n_chunks = n_words(k, bf16).div_ceil(CHUNK);
        // SAFETY: the caller's promise.
        let rows = Mixed::rows(unsafe { std::slice::from_raw_parts(p, n_rows * k) }, k, k);
        let out = self.buffer.at_least(n_chunks * n_rows * ROW).as_mut_ptr();
        for (i, bounds) in chunks.enumerate() {
            for r in 0..n_rows {
                // SAFETY: the buffer has a place of ROW words for each row of each chunk.
                unsafe { pack_row(bf16, &rows, r, k, bounds, out.add((i * n_rows + r) * ROW)) };
            }
        }
    }

    /// Stores the product with a panel of weights at the rows that `place` gives, and asks meanwhile for the rows that
    /// `soon` gives for a part of the sum and a row.
    ///
    /// # Safety
    /// As for [`Factor::fill`], which has been called; the panel holds all words; `n` columns of each row can be written.
    unsafe fn multiply(
        &mut self,
        panel: *const u32,
        n: usize,
        place: impl Fn(usize) -> *mut f32,
        soon: impl Fn(usize, usize) -> *mut f32,
    ) {
        let Self { n_rows, k, bf16, .. } = *self;
        let chunks = self.chunks();
        let n_chunks = n_words(k, bf16).div_ceil(CHUNK);
        let a = self.buffer.at_least(n_chunks * n_rows * ROW).as_ptr();
        let n_tiles = n_rows.div_ceil(ROWS);
        let masks = [std::ptr::null(); ROWS];
        for (i, (from, to)) in chunks.enumerate() {
            for tile in 0..n_tiles {
                let (row, end) = share_of(n_rows, tile, n_tiles);
                let (mut rows, mut asked) = ([std::ptr::null_mut(); ROWS], [std::ptr::null_mut(); ROWS]);
                for (r, (out, ask)) in (row..end).zip(rows.iter_mut().zip(&mut asked)) {
                    *out = place(r);
                    *ask = soon(i, r);
                }
                let target = Target {
                    rows: &rows,
                    masks: &masks,
                    soon: &asked,
                    n,
                    add: i > 0,
                    finish: Finish::Plain,
                    split: None,
                };
                // SAFETY: the caller's promise; chunk and rows lie inside the factor.
                unsafe {
                    let a = a.add((i * n_rows + row) * ROW);
                    let along = if bf16 { along_bf16 } else { along_f32 };
                    along(end - row, to - from, a, panel.add(from * PANEL), target);
                }
            }
        }
    }
}

fn check(LoopShape { n_steps, batch, hidden }: LoopShape, weights: &[f32], gates: &[f32], c: &[f32]) {
    assert!(hidden.is_multiple_of(UNIT_BLOCK) && weights.len() == 4 * hidden * hidden);
    assert!(gates.len() == n_steps * batch * 4 * hidden && c.len() == (n_steps + 1) * batch * hidden);
}

/// Numbers of recurrent weights up to which threads own epochs: 1 MiB.
const FEW_WEIGHTS: usize = 1 << 18;

/// Whether threads own epochs rather than hidden units; a question of the network alone, so that no result depends on the
/// number of threads.
fn by_epochs(hidden: usize) -> bool {
    4 * hidden * hidden <= FEW_WEIGHTS
}

/// What one thread computes: epochs of the batch and blocks of hidden units, from and to.
#[derive(Clone, Copy)]
struct Part {
    epochs: (usize, usize),
    blocks: (usize, usize),
}

impl Part {
    fn of(LoopShape { batch, hidden, .. }: LoopShape, thread: usize, n_threads: usize) -> Self {
        let n_blocks = hidden.div_ceil(PANEL);
        if by_epochs(hidden) {
            Self { epochs: share_of(batch, thread, n_threads), blocks: (0, n_blocks) }
        } else {
            Self { epochs: (0, batch), blocks: share_of(n_blocks, thread, n_threads) }
        }
    }

    fn is_empty(self) -> bool {
        self.epochs.0 == self.epochs.1 || self.blocks.0 == self.blocks.1
    }
}

/// The blocks of one thread at one step, to and fro.
fn walk((from, to): (usize, usize), step: usize) -> impl Iterator<Item = usize> {
    (from..to).map(move |i| if step.is_multiple_of(2) { i } else { from + to - 1 - i })
}
