//! Forward: gates, cells and hidden states.

use rayon::prelude::*;

use super::super::Threads;
use super::super::barrier::SpinBarrier;
use super::super::memory::Buffer;
use super::super::mixed::Mixed;
use super::super::recurrent::LoopShape;
use super::super::shared::{Shared, SharedWords};
use super::super::simd::{Avx512, Vector, gates as activated, tanh};
use super::super::words::{PANEL, n_words, pack_panel};
use super::{Factor, Part, by_epochs, check, walk};

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

/// Packs the recurrent weights `(4, hidden, hidden)` and runs the loop; operands as in
/// [`super::super::recurrent::run`]. What becomes of the gates and cells is of use only where `keep`.
pub(crate) fn forward(
    shape: LoopShape,
    weights: &[f32],
    bias: &[f32],
    gates: &mut [f32],
    h: &mut [f32],
    c: &mut [f32],
    bf16: bool,
    keep: bool,
    packed: &mut Buffer<u32>,
    threads: &Threads,
) {
    check(shape, weights, gates, c);
    let hidden = shape.hidden;
    assert!(bias.len() == 4 * hidden && h.len() == c.len());
    let (n_blocks, size) = (hidden.div_ceil(PANEL), n_words(hidden, bf16) * PANEL);
    let packed = SharedWords::new(packed.at_least(n_blocks * 4 * size));
    threads.install(|| {
        (0..4 * n_blocks).into_par_iter().for_each(|i| {
            let (block, gate) = (i / 4, i % 4);
            let n = PANEL.min(hidden - block * PANEL);
            let rows = Mixed::rows(weights, hidden, hidden);
            // SAFETY: `n` rows of the weights; each task writes its own panel.
            unsafe {
                pack_panel(bf16, &rows, hidden, (gate * hidden + block * PANEL, n), packed.at(i * size, size));
            }
        });
    });
    let operands =
        Forward { shape, bf16, packed, bias, gates: Shared::new(gates), h: Shared::new(h), c: Shared::new(c), keep };
    let n_threads = threads.count();
    let barrier = SpinBarrier::new(n_threads);
    threads.broadcast(|thread| {
        let _taking = barrier.enter();
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
    // All of the thread's cells stay here, or those of a block between its passes.
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
        // First what lies far apart, then the arithmetic: both at once take longer.
        for row in epochs.0..epochs.1 {
            for unit in (first..first + n).step_by(Avx512::LANES) {
                for gate in 0..4 {
                    let input = Avx512::load(place(row, unit).add(gate * hidden));
                    let pre = input.add(Avx512::load(bias.as_ptr().add(gate * hidden + unit)));
                    let sum = at(gate, row, unit);
                    (if step == 0 { pre } else { Avx512::load(sum).add(pre) }).store(sum);
                }
                if KEEP || step == 0 {
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
