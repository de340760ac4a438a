//! Backward: the gradients of the gates' pre-activations.

use rayon::prelude::*;

use super::super::Threads;
use super::super::barrier::SpinBarrier;
use super::super::memory::Buffer;
use super::super::mixed::Mixed;
use super::super::recurrent::LoopShape;
use super::super::shared::{Shared, SharedWords};
use super::super::simd::{Avx512, Vector, tanh};
use super::super::words::{PANEL, n_words, pack_panels};
use super::{Factor, Part, by_epochs, check, walk};

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

/// Packs the recurrent weights and runs the loop; operands as in [`super::super::recurrent_backward::run`]. `d_bias`
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
    packed: &mut Buffer<u32>,
    threads: &Threads,
) -> bool {
    check(shape, weights, gates, c);
    let LoopShape { n_steps, batch, hidden } = shape;
    assert!(dh.len() == n_steps * batch * hidden && dc.len() == batch * hidden && d_bias.len() == 4 * hidden);
    dc.fill(0.0);
    d_bias.fill(0.0);
    let (n_blocks, words) = (hidden.div_ceil(PANEL), n_words(4 * hidden, bf16));
    let packed = SharedWords::new(packed.at_least(n_blocks * words * PANEL));
    threads.install(|| {
        const TOGETHER: usize = 32;
        (0..words.div_ceil(TOGETHER)).into_par_iter().for_each(|i| {
            let range = (i * TOGETHER, words.min((i + 1) * TOGETHER));
            // SAFETY: the weights have 4 · hidden rows; each task writes its own words of each panel.
            unsafe {
                let out = packed.at(0, n_blocks * words * PANEL);
                let rows = Mixed::rows(weights, hidden, hidden);
                pack_panels(bf16, &rows, (4 * hidden, hidden), range, out, words * PANEL);
            }
        });
    });
    let (gates, dc, d_bias) = (Shared::new(gates), Shared::new(dc), Shared::new(d_bias));
    let operands = Backward { shape, bf16, packed, dh, gates, c, dc, d_bias };
    let n_threads = threads.count();
    let barrier = SpinBarrier::new(n_threads);
    threads.broadcast(|thread| {
        let _taking = barrier.enter();
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
