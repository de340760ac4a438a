//! Filters of two taps with a third fewer multiplications than taps, on AVX-512.
//!
//! A convolution whose kernel is twice its stride is, block of a stride's steps by block, a filter of two taps whose
//! coefficients are matrices: `y[b] = x[b] · w₀ + x[b + 1] · w₁`. Three outputs take six products of matrices one by one,
//! and four by Winograd's minimal filtering (S. Winograd, *Arithmetic Complexity of Computations*, SIAM 1980; A. Lavin and
//! S. Gray, *Fast Algorithms for Convolutional Neural Networks*, CVPR 2016, there as F(3, 2) with the points 0, 1, −1 and ∞):
//!
//! ```text
//! p = (x₁ + x₂) · ½(w₀ + w₁)      y₀ = p + q + (x₀ − x₂) · w₀
//! q = (x₂ − x₁) · ½(w₀ − w₁)      y₁ = p − q
//!                                 y₂ = p + q + (x₃ − x₁) · w₁
//! ```
//!
//! The gradient of the taps, `d₀ = Σ x[b]ᵀ · y[b]` and `d₁ = Σ x[b + 1]ᵀ · y[b]`, is the same with the parts exchanged: a
//! filter of three taps with two outputs, F(2, 3). Rounding grows by less than a factor of two, in `f32` and `bf16`, for
//! neighbouring steps of similar size, because sums are subtracted from each other that the direct products do not make: what
//! is not finite at one step reaches its neighbours.
//!
//! The sums and differences of signals and weights are made while they are packed, and those of products in the registers.

use super::mixed::{Mixed, Parts};
use super::packed::{Place, Section, Use, run};
use super::packing::{Left, Right};
use super::product::{After, Compute, NOWHERE, Rows};

/// Outputs that are made together.
const TOGETHER: usize = 3;

/// A filter of two taps over blocks of `batch` rows.
#[derive(Clone, Copy)]
pub(crate) struct TwoTaps<'a> {
    pub(crate) batch: usize,
    /// Blocks of the output.
    pub(crate) n_blocks: usize,
    pub(crate) x: Blocks<'a>,
    /// The input's block that the first tap of the output's first block reads; blocks outside of the input are zero.
    pub(crate) first: isize,
    pub(crate) taps: Taps<'a>,
}

/// Two matrices `k × n` in one slice.
#[derive(Clone, Copy)]
pub(crate) struct Taps<'a> {
    pub(crate) data: &'a [f32],
    /// Where each begins.
    pub(crate) starts: [usize; 2],
    /// Numbers from one row to the next, or from one column to the next where `along`.
    pub(crate) distance: usize,
    /// Whether columns, not rows, are contiguous.
    pub(crate) along: bool,
}

impl TwoTaps<'_> {
    /// `out` row `(b, epoch)` = `x[first + b] · taps[0] + x[first + b + 1] · taps[1]` of `n` columns, then what `after` says.
    /// All rows of a block have a place, or none. AVX-512 only.
    ///
    /// # Panics
    /// Where an operand is smaller than its shape, or on another machine: faults of the caller.
    pub(crate) fn filter(
        &self,
        n: usize,
        out: &mut [f32],
        rows: Rows<'_>,
        after: After<'_>,
        compute: &mut Compute<'_>,
    ) {
        let Self { batch, n_blocks, x, taps, .. } = *self;
        let k = x.width;
        let m = n_blocks * batch;
        if m == 0 || n == 0 {
            return;
        }
        after.check(m, n);
        assert!(k > 0 && x.distance >= k && rows.fit(m, n, out.len()), "the product does not fit its place");
        let last = taps.starts[0].max(taps.starts[1]);
        let (lines, width) = if taps.along { (n, k) } else { (k, n) };
        assert!(last + (lines - 1) * taps.distance + width <= taps.data.len(), "the taps are smaller than their shape");

        let kept = |block: usize| {
            let kept = rows.get(block * batch) != NOWHERE;
            // Rows that are made together pass their sums on to each other.
            let same = (1..batch).all(|epoch| (rows.get(block * batch + epoch) != NOWHERE) == kept);
            assert!(same, "a block of the output is stored in part");
            kept
        };
        let (threes, ones) = group((0..n_blocks).filter(|&b| kept(b)));
        let rows_of = |blocks: &[usize]| -> Vec<usize> {
            blocks.iter().flat_map(|b| (0..batch).map(move |epoch| b * batch + epoch)).collect()
        };
        let (threes, ones) = (rows_of(&threes), rows_of(&ones));

        let weights = |parts: Parts<'_>| {
            let numbers = Mixed::rows(taps.data, width, taps.distance).sum(parts);
            Right { numbers, along: taps.along, k }
        };
        let [w0, w1] = taps.starts.map(usize::cast_signed);
        let rights = [
            weights(&[(w0, 0.5), (w1, 0.5)]),
            weights(&[(w0, 0.5), (w1, -0.5)]),
            weights(&[(w0, 1.0)]),
            weights(&[(w1, 1.0)]),
        ];
        let sections = [
            Section {
                n_rows: threes.len(),
                base: Rows::At(&threes),
                step: batch,
                n_slots: TOGETHER,
                uses: vec![
                    self.sum_of(&threes, 0, 0, &[(1, 1.0), (2, 1.0)]),
                    self.sum_of(&threes, 1, 1, &[(2, 1.0), (1, -1.0)]),
                    self.sum_of(&threes, 2, 0, &[(0, 1.0), (2, -1.0)]),
                    self.sum_of(&threes, 3, 2, &[(3, 1.0), (1, -1.0)]),
                ],
            },
            Section {
                n_rows: ones.len(),
                base: Rows::At(&ones),
                step: 0,
                n_slots: 1,
                uses: vec![self.sum_of(&ones, 2, 0, &[(0, 1.0)]), self.sum_of(&ones, 3, 0, &[(1, 1.0)])],
            },
        ];
        let (bf16, packed, threads) = compute.packed();
        run(&sections, &rights, out, Place { n, rows, after }, bf16, packed, threads);
    }
}

impl<'a> TwoTaps<'a> {
    /// The term of a section that multiplies sums of the input's rows, so many blocks after those of the index, with the right
    /// factor `b`; the second of these is one half of two.
    fn sum_of(&self, index: &'a [usize], b: usize, slot: usize, parts: Parts<'_>) -> Use<'a> {
        let parts: Vec<_> = parts.iter().map(|&(shift, scale)| (self.first + shift, scale)).collect();
        let numbers = self.x.mixed(self.batch, index, &parts);
        Use { a: Left { numbers, across: false, rows: 0..index.len() }, b, slot, split: b == 1 }
    }
}

/// Runs of three neighbours among ascending blocks, by their first, and what is left.
fn group(blocks: impl Iterator<Item = usize>) -> (Vec<usize>, Vec<usize>) {
    let (mut threes, mut ones) = (Vec::new(), Vec::new());
    let mut pending: Vec<usize> = Vec::new();
    for block in blocks {
        if pending.last().is_some_and(|last| last + 1 != block) {
            ones.append(&mut pending);
        }
        pending.push(block);
        if pending.len() == TOGETHER {
            threes.push(pending[0]);
            pending.clear();
        }
    }
    ones.append(&mut pending);
    (threes, ones)
}

/// Blocks of `batch` rows of `width` numbers, `distance` apart, and nothing else.
#[derive(Clone, Copy)]
pub(crate) struct Blocks<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) width: usize,
    pub(crate) distance: usize,
}

/// The gradient of two taps: `d[j] = Σ x[b + j]ᵀ · y[b]` over the `n_blocks` blocks of y, `(x.width × y.width)`; or its
/// transpose, `Σ y[b]ᵀ · x[b + j]`, where `transposed`. `d[1]` follows `d[0]` in `out`. Blocks outside of x are zero. AVX-512
/// only.
///
/// # Panics
/// Where an operand is smaller than its shape, or on another machine: faults of the caller.
pub(crate) fn gradient(
    (n_blocks, batch): (usize, usize),
    x: Blocks<'_>,
    y: Blocks<'_>,
    transposed: bool,
    out: &mut [f32],
    compute: &mut Compute<'_>,
) {
    let (m, n) = if transposed { (y.width, x.width) } else { (x.width, y.width) };
    assert!(
        out.len() == 2 * m * n && x.distance >= x.width && y.distance >= y.width,
        "the gradient does not fit its place"
    );
    assert!(y.data.len() + y.distance - y.width >= n_blocks * batch * y.distance, "a factor is smaller than its shape");
    if n_blocks * batch == 0 {
        out.fill(0.0);
        return;
    }
    let rows_of = |n: usize| -> Vec<usize> {
        (0..n).flat_map(|three| (0..batch).map(move |epoch| TOGETHER * three * batch + epoch)).collect()
    };
    // The last three may lack blocks, which count as zero; a product that would be nothing but zeros is left out.
    let (some, all) = (rows_of(n_blocks.div_ceil(TOGETHER)), rows_of(n_blocks / TOGETHER));
    // One block more of x than of y is read; what is past it is none of ours.
    let x_end = x.data.len().min((n_blocks + 1) * batch * x.distance);
    let x = Blocks { data: &x.data[..x_end], ..x };
    let y = Blocks { data: &y.data[..(n_blocks * batch * y.distance).saturating_sub(y.distance - y.width)], ..y };
    let sums: [(&[usize], Parts<'_>, Parts<'_>); 4] = [
        (&some, &[(1, 1.0), (2, 1.0)], &[(0, 0.5), (1, 0.5), (2, 0.5)]),
        (&some, &[(2, 1.0), (1, -1.0)], &[(0, 0.5), (1, -0.5), (2, 0.5)]),
        (&some, &[(0, 1.0), (2, -1.0)], &[(0, 1.0)]),
        (&all, &[(3, 1.0), (1, -1.0)], &[(2, 1.0)]),
    ];
    let (mut uses, mut rights) = (Vec::new(), Vec::new());
    for (b, (index, of_x, of_y)) in sums.into_iter().enumerate() {
        let (x, y) = (x.mixed(batch, index, of_x), y.mixed(batch, index, of_y));
        let (left, right) = if transposed { (y, x) } else { (x, y) };
        let a = Left { numbers: left, across: true, rows: 0..m };
        uses.push(Use { a, b, slot: b % 2, split: b == 1 });
        rights.push(Right { numbers: right, along: false, k: index.len() });
    }
    let section = Section { n_rows: m, base: Rows::Even(1), step: m, n_slots: 2, uses };
    let place = Place { n, rows: Rows::Even(n), after: After::Nothing };
    let (bf16, packed, threads) = compute.packed();
    run(&[section], &rights, out, place, bf16, packed, threads);
}

impl<'a> Blocks<'a> {
    /// The rows that an index names, with others so many blocks later, each with a scale.
    fn mixed(self, batch: usize, index: &'a [usize], parts: Parts<'_>) -> Mixed<'a> {
        let block = (batch * self.distance).cast_signed();
        let parts: Vec<_> = parts.iter().map(|&(shift, scale)| (shift * block, scale)).collect();
        Mixed::rows(self.data, self.width, self.distance).at(Rows::At(index)).sum(&parts)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::product::Scratch;
    use super::super::testing::values;
    use super::super::{Arithmetic, Threads};
    use super::*;
    use crate::nn::Isa;

    fn with_threads(n: usize, bf16: bool, f: impl FnOnce(&mut Compute<'_>)) {
        let arithmetic = Arithmetic { isa: Isa::Avx512, bf16 };
        f(&mut Compute { arithmetic, scratch: &mut Scratch::default(), threads: &Threads::new(n) });
    }

    /// Row `epoch` of a block; zero outside.
    fn row(x: Blocks<'_>, batch: usize, block: isize, epoch: usize) -> impl Fn(usize) -> f64 {
        move |i| {
            let start = (block * batch.cast_signed() + epoch.cast_signed()) * x.distance.cast_signed();
            let start = usize::try_from(start).ok().filter(|start| start + x.width <= x.data.len());
            start.map_or(0.0, |start| f64::from(x.data[start + i]))
        }
    }

    /// What rounding may do to a sum of numbers below 1, for each of them: of the sums and differences, or of factors to
    /// 8 significant bits, of which three below 2 reach each output.
    fn allowed(bf16: bool) -> f64 {
        if bf16 { 6.0 / 256.0 } else { 2e-6 }
    }

    /// Columns of less than a task, or of several.
    fn width() -> impl Strategy<Value = usize> {
        prop_oneof![4 => 1usize..70, 1 => 250usize..270]
    }

    proptest! {
        #[test]
        fn filters_as_three_loops_do(
            (batch, n_blocks, n, k) in (prop_oneof![4 => 1usize..8, 1 => 40usize..50], 0usize..9, 1usize..70, prop_oneof![4 => 1usize..40, 1 => 505usize..520, 1 => 1020usize..1030]),
            (gap, along, scattered, first, missing) in (0usize..3, any::<bool>(), any::<bool>(), -1isize..2, 0usize..9),
            (ending, seed, bf16) in (0usize..3, 0u32..1000, any::<bool>()),
        ) {
            if !Isa::available().contains(&Isa::Avx512) || bf16 && !Isa::Avx512.has_bf16() {
                return Ok(());
            }
            // The input may be one block shorter than what is read, at either end.
            let distance = k + gap;
            let data = values(n_blocks * batch * distance, seed);
            let x = Blocks { data: &data, width: k, distance };
            let (lines, width) = if along { (n, k) } else { (k, n) };
            let weights = values(2 * lines * (width + 1), seed + 1);
            let starts = [0, lines * (width + 1)];
            let taps = Taps { data: &weights, starts, distance: width + 1, along };
            let m = n_blocks * batch;
            let apart = n + 2;
            let place = |i: usize| if i / batch == missing { NOWHERE } else { (m - 1 - i) * apart };
            let places: Vec<usize> = (0..m).map(place).collect();
            let rows = if scattered { Rows::At(&places) } else { Rows::Even(apart) };
            let (bias, activation, before) = (values(n, seed + 2), values(m * apart, seed + 3), values(m * apart, seed + 4));
            let after = match ending {
                0 => After::Nothing,
                1 => After::BiasRelu(&bias),
                _ => After::Masked { activation: &activation, rows: Rows::Even(apart) },
            };
            let filter = TwoTaps { batch, n_blocks, x, first, taps };
            let make = |n_threads: usize| {
                let mut out = before.clone();
                with_threads(n_threads, bf16, |compute| filter.filter(n, &mut out, rows, after, compute));
                out
            };
            let found = make(1);
            prop_assert_eq!(&found, &make(3));
            let mut expected: Vec<f64> = before.iter().map(|&x| f64::from(x)).collect();
            for i in (0..m).filter(|&i| rows.get(i) != NOWHERE) {
                let block = first + (i / batch).cast_signed();
                let inputs = [row(x, batch, block, i % batch), row(x, batch, block + 1, i % batch)];
                for j in 0..n {
                    let mut sum = 0.0;
                    for (x, start) in inputs.iter().zip(starts) {
                        for l in 0..k {
                            let w = if along { j * (width + 1) + l } else { l * (width + 1) + j };
                            sum += x(l) * f64::from(weights[start + w]);
                        }
                    }
                    expected[rows.get(i) + j] = match after {
                        After::Nothing => sum,
                        After::BiasRelu(bias) => (sum + f64::from(bias[j])).max(0.0),
                        After::Masked { activation, rows } => if activation[rows.get(i) + j] > 0.0 { sum } else { 0.0 },
                    };
                }
            }
            for (i, (&x, &y)) in found.iter().zip(&expected).enumerate() {
                let allowed = allowed(bf16) * (1.0 + 2.0 * k as f64);
                prop_assert!((f64::from(x) - y).abs() <= allowed, "element {i} is {x}, expected {y}");
            }
        }

        #[test]
        fn gradients_as_three_loops_do(
            (batch, n_blocks, more) in (prop_oneof![4 => 1usize..8, 1 => 175usize..185, 1 => 345usize..350], 0usize..9, 0usize..3),
            (x_width, y_width, gap, transposed) in (width(), width(), 0usize..3, any::<bool>()),
            (seed, bf16) in (0u32..1000, any::<bool>()),
        ) {
            if !Isa::available().contains(&Isa::Avx512) || bf16 && !Isa::Avx512.has_bf16() {
                return Ok(());
            }
            let (x_data, y_data) = (
                values((n_blocks + more) * batch * (x_width + gap), seed),
                values((n_blocks + 1) * batch * y_width, seed + 1),
            );
            let x = Blocks { data: &x_data, width: x_width, distance: x_width + gap };
            let y = Blocks { data: &y_data, width: y_width, distance: y_width };
            let make = |n_threads: usize| {
                let mut out = vec![f32::NAN; 2 * x_width * y_width];
                with_threads(n_threads, bf16, |compute| {
                    gradient((n_blocks, batch), x, y, transposed, &mut out, compute);
                });
                out
            };
            let found = make(1);
            prop_assert_eq!(&found, &make(3));
            for tap in 0..2 {
                for i in 0..x_width {
                    for j in 0..y_width {
                        let sum: f64 = (0..n_blocks * batch)
                            .map(|r| {
                                let (block, epoch) = ((r / batch).cast_signed(), r % batch);
                                row(x, batch, block + tap, epoch)(i) * row(y, batch, block, epoch)(j)
                            })
                            .sum();
                        let at = if transposed { j * x_width + i } else { i * y_width + j };
                        let x = found[tap.cast_unsigned() * x_width * y_width + at];
                        let allowed = allowed(bf16) * (1.0 + 2.0 * (n_blocks * batch) as f64);
                        prop_assert!((f64::from(x) - sum).abs() <= allowed, "tap {tap}, ({i}, {j}) is {x}, expected {sum}");
                    }
                }
            }
        }
    }
}
