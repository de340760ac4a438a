//! The LSTM's loops over time on AVX-512: [`super::recurrent`] and [`super::recurrent_backward`] with the register tile of
//! the products, in `f32` or `bf16` words.
//!
//! A thread owns blocks of [`PANEL`] hidden units with all their gates. At each step it copies the other factor (the last
//! hidden state, or the next step's gradient), of which the other threads have written parts, once into its own cache;
//! the blocks are walked to and fro, so that what the cache still holds of the weights is used first. Where the weights are
//! small enough for every thread's cache, it owns epochs of the batch instead, and never waits for the others.

use rayon::prelude::*;

use super::Threads;
use super::barrier::SpinBarrier;
use super::recurrent::{LoopShape, UNIT_BLOCK, share_of};
use super::shared::{Shared, SharedWords};
use super::simd::{Avx512, Vector, gates as activated, tanh};
use super::tile::{Finish, ROWS, Target, along_bf16, along_f32};
use super::words::{
    CHUNK, PANEL, ROW, aligned, n_words, panel_bf16, panel_f32, panels_bf16, panels_f32, row_bf16, row_f32,
};

/// One thread's copy of the rows that a step multiplies with the weights: `[chunk][row][ROW]`.
struct Factor {
    buffer: Vec<u32>,
    n_rows: usize,
    k: usize,
    bf16: bool,
}

impl Factor {
    fn new(n_rows: usize, k: usize, bf16: bool) -> Self {
        Self { buffer: Vec::new(), n_rows, k, bf16 }
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
    /// The machine has the instruction set; all rows can be read and nobody writes them.
    unsafe fn fill(&mut self, p: *const f32) {
        let Self { n_rows, k, bf16, .. } = *self;
        let chunks = self.chunks();
        let n_chunks = n_words(k, bf16).div_ceil(CHUNK);
        let out = aligned(&mut self.buffer, n_chunks * n_rows * ROW).as_mut_ptr();
        for (i, bounds) in chunks.enumerate() {
            for r in 0..n_rows {
                // SAFETY: the buffer has a place of ROW words for each row of each chunk.
                unsafe {
                    let out = out.add((i * n_rows + r) * ROW);
                    (if bf16 { row_bf16 } else { row_f32 })(p.add(r * k), k, bounds, out);
                }
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
        let a = aligned(&mut self.buffer, n_chunks * n_rows * ROW).as_ptr();
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
                let target = Target { rows: &rows, masks: &masks, soon: &asked, n, add: i > 0, finish: Finish::Plain };
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

/// Operands of the forward loop, see [`forward`].
#[derive(Clone, Copy)]
struct Forward<'a> {
    shape: LoopShape,
    bf16: bool,
    packed: SharedWords,
    bias: &'a [f32],
    gates: Shared,
    h: Shared,
    c: Shared,
    /// Whether gates and cells are stored, which only the backward loop reads.
    keep: bool,
}

/// Packs the recurrent weights `(4, hidden, hidden)` and runs the loop; operands as in [`super::recurrent::run`]. What becomes
/// of the gates and cells is of use only where `keep`.
pub(crate) fn forward(
    shape: LoopShape,
    weights: &[f32],
    bias: &[f32],
    gates: &mut [f32],
    h: &mut [f32],
    c: &mut [f32],
    bf16: bool,
    keep: bool,
    packed: &mut Vec<u32>,
    threads: &Threads,
) {
    check(shape, weights, gates, c);
    let hidden = shape.hidden;
    assert!(bias.len() == 4 * hidden && h.len() == c.len());
    let (n_blocks, size) = (hidden.div_ceil(PANEL), n_words(hidden, bf16) * PANEL);
    let packed = SharedWords::new(aligned(packed, n_blocks * 4 * size));
    threads.install(|| {
        (0..4 * n_blocks).into_par_iter().for_each(|i| {
            let (block, gate) = (i / 4, i % 4);
            let n = PANEL.min(hidden - block * PANEL);
            let start = (gate * hidden + block * PANEL) * hidden;
            // SAFETY: `n` rows of the weights from `start` on; each task writes its own panel.
            unsafe {
                let out = packed.at(i * size, size);
                (if bf16 { panel_bf16 } else { panel_f32 })(weights[start..].as_ptr(), hidden, hidden, n, out);
            }
        });
    });
    let operands =
        Forward { shape, bf16, packed, bias, gates: Shared::new(gates), h: Shared::new(h), c: Shared::new(c), keep };
    let n_threads = threads.count();
    let barrier = SpinBarrier::new(n_threads);
    threads.broadcast(|thread| {
        // SAFETY: the caller has chosen AVX-512. The assertions above give every operand its size; threads write disjoint
        // blocks of units, and read what others wrote only after the barrier at the end of the step; or they write disjoint
        // epochs, and read what they wrote themselves.
        unsafe { forward_share(operands, Part::of(shape, thread, n_threads), &barrier) }
    });
}

/// One thread's part, all time steps.
///
/// # Safety
/// As said where it is called.
unsafe fn forward_share(operands: Forward<'_>, part: Part, barrier: &SpinBarrier) {
    let Forward { shape: LoopShape { n_steps, batch, hidden }, bf16, packed, gates, h, c, keep, .. } = operands;
    let (epoch, n_epochs) = (part.epochs.0, part.epochs.1 - part.epochs.0);
    let mut last = Factor::new(n_epochs, hidden, bf16);
    let size = n_words(hidden, bf16) * PANEL;
    let mut near = vec![0f32; 4 * n_epochs * PANEL];
    let n_cells = if keep { 1 } else { part.blocks.1 - part.blocks.0 };
    let mut cells = vec![0f32; n_cells * n_epochs * PANEL];
    let (near, cells) = (Shared::new(&mut near), Shared::new(&mut cells));
    for step in 0..n_steps {
        // SAFETY: the hidden state of `step` was written before the last barrier; everything written here belongs to this
        // thread's blocks.
        unsafe {
            if step > 0 && !part.is_empty() {
                last.fill(h.at((step * batch + epoch) * hidden, n_epochs * hidden));
            }
            for block in walk(part.blocks, step).filter(|_| !part.is_empty()) {
                let n = PANEL.min(hidden - block * PANEL);
                for gate in (0..4).filter(|_| step > 0) {
                    let panel = packed.at((block * 4 + gate) * size, size);
                    let place = |row| near.at((gate * n_epochs + row) * PANEL, n);
                    let at = (step * batch + epoch) * hidden + block * PANEL;
                    last.multiply(panel, n, place, |chunk, row| match (chunk, gate) {
                        (0, _) => gates.at(((step * batch + epoch + row) * 4 + gate) * hidden + block * PANEL, n),
                        (1, 0) if keep => c.at(at + row * hidden, n),
                        (1, 1) if keep => c.at(at + (batch + row) * hidden, n),
                        (1, 2) => h.at(at + (batch + row) * hidden, n),
                        _ => std::ptr::null_mut(),
                    });
                }
                let cells =
                    cells.at(if keep { 0 } else { (block - part.blocks.0) * n_epochs * PANEL }, n_epochs * PANEL);
                if keep {
                    activate::<true>(operands, near, cells, step, part.epochs, block * PANEL, n);
                } else {
                    activate::<false>(operands, near, cells, step, part.epochs, block * PANEL, n);
                }
            }
        }
        if !by_epochs(hidden) {
            barrier.wait();
        }
    }
}

/// Gates, cells and hidden states of `n` units from `first` on, for one thread's epochs.
///
/// # Safety
/// As for [`forward_share`]; `n` is a multiple of 16.
#[target_feature(enable = "avx512f")]
unsafe fn activate<const KEEP: bool>(
    operands: Forward<'_>,
    near: Shared,
    cells: *mut f32,
    step: usize,
    epochs: (usize, usize),
    first: usize,
    n: usize,
) {
    let Forward { shape: LoopShape { batch, hidden, .. }, bias, gates, h, c, .. } = operands;
    let n_epochs = epochs.1 - epochs.0;
    // SAFETY: inside the operands by the sizes that `forward` asserts.
    unsafe {
        let at = |k: usize, row: usize, unit: usize| {
            near.at((k * n_epochs + row - epochs.0) * PANEL + unit - first, Avx512::LANES)
        };
        let cell_at = |row: usize, unit: usize| cells.add((row - epochs.0) * PANEL + unit - first);
        let place =
            |row: usize, unit: usize| gates.at((step * batch + row) * 4 * hidden + unit, 3 * hidden + Avx512::LANES);
        for row in epochs.0..epochs.1 {
            for unit in (first..first + n).step_by(Avx512::LANES) {
                for gate in 0..4 {
                    let input = Avx512::load(place(row, unit).add(gate * hidden));
                    let pre = input.add(Avx512::load(bias.as_ptr().add(gate * hidden + unit)));
                    let sum = at(gate, row, unit);
                    (if step == 0 { pre } else { Avx512::load(sum).add(pre) }).store(sum);
                }
                if KEEP {
                    let before = c.at((step * batch + row) * hidden + unit, Avx512::LANES);
                    Avx512::load(before).store(cell_at(row, unit));
                }
            }
        }
        for row in epochs.0..epochs.1 {
            for unit in (first..first + n).step_by(Avx512::LANES) {
                let pre = |k: usize| Avx512::load(at(k, row, unit));
                let [i, f, g, o] = activated([pre(0), pre(1), pre(2), pre(3)]);
                let cell = f.mul_add(Avx512::load(cell_at(row, unit)), i.mul(g));
                let after = ((step + 1) * batch + row) * hidden + unit;
                if KEEP {
                    for (gate, value) in [i, f, g, o].into_iter().enumerate() {
                        value.store(place(row, unit).add(gate * hidden));
                    }
                    cell.store(c.at(after, Avx512::LANES));
                } else {
                    cell.store(cell_at(row, unit));
                }
                o.mul(tanh(cell)).store(h.at(after, Avx512::LANES));
            }
        }
    }
}

/// Operands of the backward loop, see [`backward`].
#[derive(Clone, Copy)]
struct Backward<'a> {
    shape: LoopShape,
    bf16: bool,
    packed: SharedWords,
    dh: &'a [f32],
    gates: Shared,
    c: &'a [f32],
    dc: Shared,
    d_bias: Shared,
}

/// Packs the recurrent weights and runs the loop; operands as in [`super::recurrent_backward::run`]. `d_bias`
/// `(4, hidden)` receives the sums of the gates' gradients over steps and epochs, unless threads own epochs: then nothing is
/// summed, and the answer is `false`.
pub(crate) fn backward(
    shape: LoopShape,
    weights: &[f32],
    dh: &[f32],
    gates: &mut [f32],
    c: &[f32],
    dc: &mut [f32],
    d_bias: &mut [f32],
    bf16: bool,
    packed: &mut Vec<u32>,
    threads: &Threads,
) -> bool {
    check(shape, weights, gates, c);
    let LoopShape { n_steps, batch, hidden } = shape;
    assert!(dh.len() == n_steps * batch * hidden && dc.len() == batch * hidden && d_bias.len() == 4 * hidden);
    dc.fill(0.0);
    d_bias.fill(0.0);
    let (n_blocks, words) = (hidden.div_ceil(PANEL), n_words(4 * hidden, bf16));
    let packed = SharedWords::new(aligned(packed, n_blocks * words * PANEL));
    threads.install(|| {
        const TOGETHER: usize = 32;
        (0..words.div_ceil(TOGETHER)).into_par_iter().for_each(|i| {
            let range = (i * TOGETHER, words.min((i + 1) * TOGETHER));
            // SAFETY: the weights have 4 · hidden rows; each task writes its own words of each panel.
            unsafe {
                let out = packed.at(0, n_blocks * words * PANEL);
                let pack = if bf16 { panels_bf16 } else { panels_f32 };
                pack(weights.as_ptr(), hidden, 4 * hidden, hidden, range, out, words * PANEL);
            }
        });
    });
    let (gates, dc, d_bias) = (Shared::new(gates), Shared::new(dc), Shared::new(d_bias));
    let operands = Backward { shape, bf16, packed, dh, gates, c, dc, d_bias };
    let n_threads = threads.count();
    let barrier = SpinBarrier::new(n_threads);
    threads.broadcast(|thread| {
        // SAFETY: as in `forward`.
        unsafe { backward_share(operands, Part::of(shape, thread, n_threads), &barrier) }
    });
    !by_epochs(hidden)
}

/// One thread's part, all time steps from the last to the first.
///
/// # Safety
/// As said where it is called.
unsafe fn backward_share(operands: Backward<'_>, part: Part, barrier: &SpinBarrier) {
    let Backward { shape: LoopShape { n_steps, batch, hidden }, bf16, packed, gates, .. } = operands;
    let (epoch, n_epochs) = (part.epochs.0, part.epochs.1 - part.epochs.0);
    let mut next = Factor::new(n_epochs, 4 * hidden, bf16);
    let size = n_words(4 * hidden, bf16) * PANEL;
    let mut sums = vec![0f32; n_epochs * PANEL];
    let place = Shared::new(&mut sums);
    for step in (0..n_steps).rev() {
        // SAFETY: the gates of `step + 1` were turned into gradients before the last barrier; everything written here
        // belongs to this thread's blocks, or to this thread alone.
        unsafe {
            let has_next = step + 1 < n_steps;
            if has_next && !part.is_empty() {
                next.fill(gates.at(((step + 1) * batch + epoch) * 4 * hidden, n_epochs * 4 * hidden));
            }
            for block in walk(part.blocks, step).filter(|_| !part.is_empty()) {
                let n = PANEL.min(hidden - block * PANEL);
                if has_next {
                    let panel = packed.at(block * size, size);
                    next.multiply(panel, n, |row| place.at(row * PANEL, n), |_, row| place.at(row * PANEL, n));
                }
                differentiate(operands, place, step, part.epochs, block * PANEL, n);
            }
        }
        if !by_epochs(hidden) {
            barrier.wait();
        }
    }
}

/// Gradients of `n` units from `first` on; `sums` is what reaches their hidden states from the next step.
///
/// # Safety
/// As for [`backward_share`]; `n` is a multiple of 16.
#[target_feature(enable = "avx512f")]
unsafe fn differentiate(
    operands: Backward<'_>,
    sums: Shared,
    step: usize,
    epochs: (usize, usize),
    first: usize,
    n: usize,
) {
    let Backward { shape: LoopShape { batch, hidden, .. }, dh, gates, c, dc, d_bias, .. } = operands;
    for unit in (first..first + n).step_by(Avx512::LANES) {
        // SAFETY: inside the operands by the sizes that `backward` asserts.
        unsafe {
            let one = Avx512::splat(1.0);
            let mut total = [Avx512::splat(0.0); 4];
            for row in epochs.0..epochs.1 {
                let at = (step * batch + row) * hidden + unit;
                let place = gates.at((step * batch + row) * 4 * hidden + unit, 3 * hidden + Avx512::LANES);
                let gate = |k: usize| Avx512::load(place.add(k * hidden));
                let (i, f, g, o) = (gate(0), gate(1), gate(2), gate(3));
                let before = Avx512::load(c.as_ptr().add(at));
                let tc = tanh(Avx512::load(c.as_ptr().add(at + batch * hidden)));
                let carried = dc.at(row * hidden + unit, Avx512::LANES);
                let sum = Avx512::load(sums.at((row - epochs.0) * PANEL + unit - first, Avx512::LANES));
                let dh = sum.add(Avx512::load(dh.as_ptr().add(at)));
                let dcell = dh.mul(o).mul(one.sub(tc.mul(tc))).add(Avx512::load(carried));
                let d = [
                    dcell.mul(g).mul(i).mul(one.sub(i)),
                    dcell.mul(before).mul(f).mul(one.sub(f)),
                    dcell.mul(i).mul(one.sub(g.mul(g))),
                    dh.mul(tc).mul(o).mul(one.sub(o)),
                ];
                for (k, d) in d.into_iter().enumerate() {
                    d.store(place.add(k * hidden));
                    total[k] = total[k].add(d);
                }
                dcell.mul(f).store(carried);
            }
            // What other threads sum at the same time cannot be added to.
            if by_epochs(hidden) {
                continue;
            }
            for (k, total) in total.into_iter().enumerate() {
                let place = d_bias.at(k * hidden + unit, Avx512::LANES);
                Avx512::load(place).add(total).store(place);
            }
        }
    }
}
