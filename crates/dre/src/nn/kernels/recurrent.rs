//! The LSTM's loop over time, forward; [`super::recurrent_words`] is the same on AVX-512.
//!
//! At each time step the product of the last hidden state with the recurrent weights is followed by the gates, the cell
//! and the new hidden state. Here each thread owns a share of the hidden units, computes all of it for them while the
//! sums are still in registers, and meets the others at a barrier once per step. The recurrent weights are packed once
//! per training step in the order in which the kernel reads them, so a thread's share stays in its cache over the steps.

use super::barrier::SpinBarrier;
use super::shared::Shared;
use super::simd::{Plain, Vector, gates as activated, tanh};
use super::{Isa, Threads};

/// Sizes of one LSTM layer's loop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoopShape {
    /// Time steps.
    pub(crate) n_steps: usize,
    /// Epochs in the batch.
    pub(crate) batch: usize,
    /// Hidden units, padded to a multiple of [`UNIT_BLOCK`].
    pub(crate) hidden: usize,
}

/// Hidden sizes are padded to a multiple of this, the widest vector, with units whose weights are zero.
pub(crate) const UNIT_BLOCK: usize = 16;

/// Packs recurrent weights `(4, hidden, hidden)` (gate, unit, input) as `[unit block][input][gate][lane]`.
pub(crate) fn pack(weights: &[f32], hidden: usize, isa: Isa, packed: &mut [f32], threads: &Threads) {
    use rayon::prelude::*;
    let lanes = isa.lanes();
    assert!(weights.len() == 4 * hidden * hidden && packed.len() == weights.len() && hidden.is_multiple_of(UNIT_BLOCK));
    threads.install(|| {
        packed.par_chunks_mut(4 * hidden * lanes).enumerate().for_each(|(block, out)| {
            for gate in 0..4 {
                for lane in 0..lanes {
                    let row = &weights[(gate * hidden + block * lanes + lane) * hidden..][..hidden];
                    for (input, &w) in row.iter().enumerate() {
                        out[(input * 4 + gate) * lanes + lane] = w;
                    }
                }
            }
        });
    });
}

/// Operands of [`run`]; see there.
#[derive(Clone, Copy)]
struct Operands<'a> {
    shape: LoopShape,
    packed: &'a [f32],
    bias: &'a [f32],
    gates: Shared,
    h: Shared,
    c: Shared,
}

/// Runs the loop.
///
/// `gates` `(n_steps, batch, 4, hidden)` holds the input's share of the pre-activations and afterwards the activated
/// gates i, f, g, o; `bias` `(4, hidden)` is added to them; `h` and `c` `(n_steps + 1, batch, hidden)` hold the initial
/// state at step 0 and receive the states after each step.
pub(crate) fn run(
    shape: LoopShape,
    packed: &[f32],
    bias: &[f32],
    gates: &mut [f32],
    h: &mut [f32],
    c: &mut [f32],
    isa: Isa,
    threads: &Threads,
) {
    let LoopShape { n_steps, batch, hidden } = shape;
    assert!(hidden.is_multiple_of(UNIT_BLOCK) && packed.len() == 4 * hidden * hidden && bias.len() == 4 * hidden);
    assert!(gates.len() == n_steps * batch * 4 * hidden);
    assert!(h.len() == (n_steps + 1) * batch * hidden && c.len() == h.len());
    let operands = Operands { shape, packed, bias, gates: Shared::new(gates), h: Shared::new(h), c: Shared::new(c) };
    let n_threads = threads.count();
    let barrier = SpinBarrier::new(n_threads);
    threads.broadcast(|thread| {
        let _taking = barrier.enter();
        let share = share_of(hidden / isa.lanes(), thread, n_threads);
        // SAFETY: `isa` comes from `Isa::available`. The assertions above give every operand its size; threads write
        // disjoint unit blocks, and read what others wrote only after the barrier at the end of the step.
        unsafe {
            match isa {
                Isa::Portable => work::<Plain>(operands, share, &barrier),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => work_avx2(operands, share, &barrier),
                _ => work::<Plain>(operands, share, &barrier),
            }
        }
    });
}

/// The part `[start, end)` of `n` blocks that belongs to one of `n_threads` threads.
pub(crate) fn share_of(n: usize, thread: usize, n_threads: usize) -> (usize, usize) {
    (n * thread / n_threads, n * (thread + 1) / n_threads)
}

/// Calls `$f::<V, M>($args)` for `$m` rows, 1 to 6.
macro_rules! with_rows {
    ($m:expr, $f:ident::<$v:ident>($($a:expr),*)) => {
        match $m {
            1 => $f::<$v, 1>($($a),*),
            2 => $f::<$v, 2>($($a),*),
            3 => $f::<$v, 3>($($a),*),
            4 => $f::<$v, 4>($($a),*),
            5 => $f::<$v, 5>($($a),*),
            _ => $f::<$v, 6>($($a),*),
        }
    };
}
pub(crate) use with_rows;

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn work_avx2(operands: Operands<'_>, share: (usize, usize), barrier: &SpinBarrier) {
    // SAFETY: the caller's promise, unchanged.
    unsafe { work::<super::simd::Avx2>(operands, share, barrier) }
}

/// One thread's share `[from, to)` of the unit blocks, all time steps.
///
/// # Safety
/// The machine has V's instruction set, the operands have the sizes that [`run`] asserts, no two threads share a unit
/// block, and all threads of the barrier run this with the same shape.
#[inline(always)]
unsafe fn work<V: Vector>(operands: Operands<'_>, (from, to): (usize, usize), barrier: &SpinBarrier) {
    let LoopShape { n_steps, batch, .. } = operands.shape;
    // As many rows at a time as leave a register for the weights: 3 × (4 sums + 1 factor) + 1 of 16.
    let n_tiles = batch.div_ceil(3);
    for step in 0..n_steps {
        for block in from..to {
            for tile in 0..n_tiles {
                let (row, end) = share_of(batch, tile, n_tiles);
                // SAFETY: the caller's promise; the rows lie inside the batch.
                unsafe { with_rows!(end - row, tile_of::<V>(operands, step, block, row)) }
            }
        }
        barrier.wait();
    }
}

/// `M` rows of the batch for one block of units at one time step.
///
/// # Safety
/// As for [`work`].
#[inline(always)]
unsafe fn tile_of<V: Vector, const M: usize>(operands: Operands<'_>, step: usize, block: usize, row: usize) {
    let Operands { shape: LoopShape { batch, hidden, .. }, packed, bias, gates, h, c } = operands;
    let unit = block * V::LANES;
    // SAFETY: all offsets lie inside the operands by the sizes that `run` asserts. The hidden state of `step` is only
    // read (it was written before the last barrier); gates, cell and hidden state written here belong to this thread's
    // unit block.
    unsafe {
        let mut sums = [[V::splat(0.0); 4]; M];
        if step > 0 {
            let mut w = packed.as_ptr().add(block * hidden * 4 * V::LANES);
            let last = h.at((step * batch + row) * hidden, M * hidden).cast_const();
            for input in 0..hidden {
                let mut x = [V::splat(0.0); M];
                for m in 0..M {
                    x[m] = V::splat(*last.add(m * hidden + input));
                }
                for gate in 0..4 {
                    let w = V::load(w.add(gate * V::LANES));
                    for m in 0..M {
                        sums[m][gate] = x[m].mul_add(w, sums[m][gate]);
                    }
                }
                w = w.add(4 * V::LANES);
            }
        }
        let b = bias.as_ptr().add(unit);
        for (m, sum) in sums.iter().enumerate() {
            let place = gates.at((step * batch + row + m) * 4 * hidden + unit, 3 * hidden + V::LANES);
            let pre = |gate: usize| sum[gate].add(V::load(place.add(gate * hidden))).add(V::load(b.add(gate * hidden)));
            let [i, f, g, o] = activated([pre(0), pre(1), pre(2), pre(3)]);
            i.store(place);
            f.store(place.add(hidden));
            g.store(place.add(2 * hidden));
            o.store(place.add(3 * hidden));
            let before = V::load(c.at((step * batch + row + m) * hidden + unit, V::LANES));
            let cell = f.mul_add(before, i.mul(g));
            cell.store(c.at(((step + 1) * batch + row + m) * hidden + unit, V::LANES));
            o.mul(tanh(cell)).store(h.at(((step + 1) * batch + row + m) * hidden + unit, V::LANES));
        }
    }
}
