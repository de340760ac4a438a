//! The LSTM's loop over time, backward: the mirror of [`super::recurrent`].

use super::barrier::SpinBarrier;
use super::recurrent::{LoopShape, UNIT_BLOCK, share_of, with_rows};
use super::shared::Shared;
use super::simd::{Plain, Vector, tanh};
use super::{Isa, Threads};

/// Vectors of units that one block holds.
const VECTORS: usize = 2;

/// Units in a block: a multiple of the lanes that divides the padded hidden size.
fn block_units(hidden: usize, isa: Isa) -> usize {
    if hidden.is_multiple_of(VECTORS * isa.lanes()) { VECTORS * isa.lanes() } else { isa.lanes() }
}

/// Packs recurrent weights `(4, hidden, hidden)` (gate, unit, input) as `[input block][gate · unit][lane of the block]`.
pub(crate) fn pack(weights: &[f32], hidden: usize, isa: Isa, packed: &mut [f32], threads: &Threads) {
    use rayon::prelude::*;
    assert!(weights.len() == 4 * hidden * hidden && packed.len() == weights.len() && hidden.is_multiple_of(UNIT_BLOCK));
    let units = block_units(hidden, isa);
    threads.install(|| {
        packed.par_chunks_mut(4 * hidden * units).enumerate().for_each(|(block, out)| {
            for (out, row) in out.chunks_exact_mut(units).zip(weights.chunks_exact(hidden)) {
                out.copy_from_slice(&row[block * units..][..units]);
            }
        });
    });
}

/// Operands of [`run`]; see there.
#[derive(Clone, Copy)]
struct Operands<'a> {
    shape: LoopShape,
    packed: &'a [f32],
    dh: &'a [f32],
    gates: Shared,
    c: &'a [f32],
    dc: Shared,
}

/// Runs the loop.
///
/// `gates` `(n_steps, batch, 4, hidden)` holds the activated gates and afterwards the gradient with respect to their
/// pre-activations; `dh` `(n_steps, batch, hidden)` is the gradient that reaches the hidden states from above; `c` as
/// [`super::recurrent::run`] left it; `dc` `(batch, hidden)` is scratch.
pub(crate) fn run(
    shape: LoopShape,
    packed: &[f32],
    dh: &[f32],
    gates: &mut [f32],
    c: &[f32],
    dc: &mut [f32],
    isa: Isa,
    threads: &Threads,
) {
    let LoopShape { n_steps, batch, hidden } = shape;
    assert!(hidden.is_multiple_of(UNIT_BLOCK) && packed.len() == 4 * hidden * hidden);
    assert!(gates.len() == n_steps * batch * 4 * hidden && dh.len() == n_steps * batch * hidden);
    assert!(c.len() == (n_steps + 1) * batch * hidden && dc.len() == batch * hidden);
    dc.fill(0.0);
    let operands = Operands { shape, packed, dh, gates: Shared::new(gates), c, dc: Shared::new(dc) };
    let n_threads = threads.count();
    let barrier = SpinBarrier::new(n_threads);
    let units = block_units(hidden, isa);
    threads.broadcast(|thread| {
        let _taking = barrier.enter();
        let share = share_of(hidden / units, thread, n_threads);
        // SAFETY: `isa` comes from `Isa::available`. The assertions above give every operand its size; threads write
        // disjoint unit blocks, and read what others wrote only after the barrier at the end of the step.
        unsafe {
            match isa {
                Isa::Portable => work::<Plain>(operands, units, share, &barrier),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => work_avx2(operands, units, share, &barrier),
                _ => work::<Plain>(operands, units, share, &barrier),
            }
        }
    });
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn work_avx2(operands: Operands<'_>, units: usize, share: (usize, usize), barrier: &SpinBarrier) {
    // SAFETY: the caller's promise, unchanged.
    unsafe { work::<super::simd::Avx2>(operands, units, share, barrier) }
}

/// One thread's share `[from, to)` of the unit blocks, all time steps from the last to the first.
///
/// # Safety
/// The machine has V's instruction set, the operands have the sizes that [`run`] asserts, no two threads share a unit
/// block, and all threads of the barrier run this with the same shape.
#[inline(always)]
unsafe fn work<V: Vector>(operands: Operands<'_>, units: usize, (from, to): (usize, usize), barrier: &SpinBarrier) {
    let LoopShape { n_steps, batch, .. } = operands.shape;
    // Sums in 12 of 16 registers.
    let n_tiles = batch.div_ceil(6);
    for step in (0..n_steps).rev() {
        for block in from..to {
            for tile in 0..n_tiles {
                let (row, end) = share_of(batch, tile, n_tiles);
                // SAFETY: the caller's promise; the rows lie inside the batch.
                unsafe {
                    if units == V::LANES {
                        with_rows!(end - row, one_vector::<V>(operands, step, block, row));
                    } else {
                        with_rows!(end - row, two_vectors::<V>(operands, step, block, row));
                    }
                }
            }
        }
        barrier.wait();
    }
}

/// # Safety
/// As for [`tile_of`].
#[inline(always)]
unsafe fn one_vector<V: Vector, const M: usize>(operands: Operands<'_>, step: usize, block: usize, row: usize) {
    // SAFETY: the caller's promise, unchanged.
    unsafe { tile_of::<V, M, 1>(operands, step, block, row) }
}

/// # Safety
/// As for [`tile_of`].
#[inline(always)]
unsafe fn two_vectors<V: Vector, const M: usize>(operands: Operands<'_>, step: usize, block: usize, row: usize) {
    // SAFETY: the caller's promise, unchanged.
    unsafe { tile_of::<V, M, VECTORS>(operands, step, block, row) }
}

/// `M` rows of the batch for one block of `N` vectors of units at one time step.
///
/// # Safety
/// As for [`work`].
#[inline(always)]
unsafe fn tile_of<V: Vector, const M: usize, const N: usize>(
    operands: Operands<'_>,
    step: usize,
    block: usize,
    row: usize,
) {
    let Operands { shape: LoopShape { n_steps, batch, hidden }, packed, dh, gates, c, dc } = operands;
    let units = N * V::LANES;
    // SAFETY: all offsets lie inside the operands by the sizes that `run` asserts. The gates of `step + 1` are only read
    // (they were turned into gradients before the last barrier); the gates of `step` and `dc` are read and written at
    // this thread's units alone.
    unsafe {
        let mut sums = [[V::splat(0.0); N]; M];
        if step + 1 < n_steps {
            let mut w = packed.as_ptr().add(block * 4 * hidden * units);
            let next = gates.at(((step + 1) * batch + row) * 4 * hidden, M * 4 * hidden).cast_const();
            for i in 0..4 * hidden {
                let mut ws = [V::splat(0.0); N];
                for n in 0..N {
                    ws[n] = V::load(w.add(n * V::LANES));
                }
                for m in 0..M {
                    let x = V::splat(*next.add(m * 4 * hidden + i));
                    for n in 0..N {
                        sums[m][n] = x.mul_add(ws[n], sums[m][n]);
                    }
                }
                w = w.add(units);
            }
        }
        let one = V::splat(1.0);
        for (m, sums) in sums.iter().enumerate() {
            for (n, &sum) in sums.iter().enumerate() {
                let unit = block * units + n * V::LANES;
                let at = (step * batch + row + m) * hidden + unit;
                let place = gates.at((step * batch + row + m) * 4 * hidden + unit, 3 * hidden + V::LANES);
                let gate = |k: usize| V::load(place.add(k * hidden));
                let (i, f, g, o) = (gate(0), gate(1), gate(2), gate(3));
                let before = V::load(c.as_ptr().add(at));
                let tc = tanh(V::load(c.as_ptr().add(at + batch * hidden)));
                let carried = dc.at((row + m) * hidden + unit, V::LANES);
                let dh = sum.add(V::load(dh.as_ptr().add(at)));
                let dcell = dh.mul(o).mul(one.sub(tc.mul(tc))).add(V::load(carried));
                dcell.mul(g).mul(i).mul(one.sub(i)).store(place);
                dcell.mul(before).mul(f).mul(one.sub(f)).store(place.add(hidden));
                dcell.mul(i).mul(one.sub(g.mul(g))).store(place.add(2 * hidden));
                dh.mul(tc).mul(o).mul(one.sub(o)).store(place.add(3 * hidden));
                dcell.mul(f).store(carried);
            }
        }
    }
}
