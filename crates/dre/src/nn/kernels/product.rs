//! Products of matrices that are sums of terms, with what follows them done while the sums are in registers.
//!
//! On AVX-512 machines they are made here, in `f32` or `bf16` words; elsewhere by the `gemm` crate and a pass over its
//! result. Every element is summed in an order that depends on the shapes alone, not on the threads.

use std::ops::Range;

use super::matmul::{Mat, matmul};
use super::memory::Buffer;
use super::shared::Shared;
use super::{Arithmetic, Threads};

/// One term `a · b` of a product, which reaches some of its rows.
#[derive(Clone)]
pub(crate) struct Term<'a> {
    pub(crate) k: usize,
    /// Row 0 belongs to row `rows.start` of the product.
    pub(crate) a: Mat<'a>,
    pub(crate) rows: Range<usize>,
    pub(crate) b: Mat<'a>,
}

/// Where rows lie in a slice.
#[derive(Clone, Copy)]
pub(crate) enum Rows<'a> {
    /// This far apart from the start on.
    Even(usize),
    /// At these offsets; [`NOWHERE`] is left out.
    At(&'a [usize]),
}

/// The offset of a row that is not stored.
pub(crate) const NOWHERE: usize = usize::MAX;

impl Rows<'_> {
    pub(crate) fn get(self, i: usize) -> usize {
        match self {
            Self::Even(distance) => i * distance,
            Self::At(offsets) => offsets[i],
        }
    }

    /// Whether `m` rows of `n` numbers lie within `len` and apart from each other as far as distances tell.
    pub(crate) fn fit(self, m: usize, n: usize, len: usize) -> bool {
        match self {
            Self::Even(distance) => distance >= n && (m - 1) * distance + n <= len,
            Self::At(offsets) => offsets.len() == m && offsets.iter().all(|&o| o == NOWHERE || o + n <= len),
        }
    }
}

/// What happens to the sums.
#[derive(Clone, Copy)]
pub(crate) enum After<'a> {
    /// They are stored.
    Nothing,
    /// `max(0, x + bias)`.
    BiasRelu(&'a [f32]),
    /// `x` where the activation is positive, else 0.
    Masked { activation: &'a [f32], rows: Rows<'a> },
}

impl After<'_> {
    /// # Panics
    /// Where an operand is smaller than `m × n`: a fault of the caller.
    pub(crate) fn check(self, m: usize, n: usize) {
        match self {
            Self::BiasRelu(bias) => assert!(bias.len() >= n, "the bias is shorter than a row"),
            Self::Masked { activation, rows } => {
                assert!(rows.fit(m, n, activation.len()), "the activation does not fit its shape");
            }
            Self::Nothing => {}
        }
    }
}

/// Packed operands and other scratch, grown when first needed.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) packed: Buffer<u32>,
    sums: Vec<f32>,
}

/// What products are made with.
pub(crate) struct Compute<'a> {
    pub(crate) arithmetic: Arithmetic,
    pub(crate) scratch: &'a mut Scratch,
    pub(crate) threads: &'a Threads,
}

impl Compute<'_> {
    /// What products on AVX-512 take: whether words are `bf16`, room for packed operands, threads.
    ///
    /// # Panics
    /// With another instruction set: a fault of the caller.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn packed(&mut self) -> (bool, &mut Buffer<u32>, &Threads) {
        assert!(self.arithmetic.isa == super::Isa::Avx512, "these products are made on AVX-512 only");
        (self.arithmetic.bf16, &mut self.scratch.packed, self.threads)
    }

    /// See [`product`].
    pub(crate) fn product(
        &mut self,
        shape: (usize, usize),
        terms: &[Term<'_>],
        out: &mut [f32],
        rows: Rows<'_>,
        after: After<'_>,
    ) {
        product(shape, terms, out, rows, after, self.arithmetic, self.scratch, self.threads);
    }
}

/// `out (m × n) = Σ terms`, and then what `after` says.
///
/// # Panics
/// Where an operand is smaller than its shape: a fault of the caller.
pub(crate) fn product(
    (m, n): (usize, usize),
    terms: &[Term<'_>],
    out: &mut [f32],
    rows: Rows<'_>,
    after: After<'_>,
    arithmetic: Arithmetic,
    scratch: &mut Scratch,
    threads: &Threads,
) {
    if m == 0 || n == 0 {
        return;
    }
    assert!(rows.fit(m, n, out.len()), "the product does not fit its place");
    for t in terms {
        let valid = t.rows.len();
        assert!(t.rows.end <= m && t.k > 0, "a term has no place in its product");
        assert!(valid == 0 || t.a.holds(valid, t.k) && t.b.holds(t.k, n), "a factor is smaller than its shape");
    }
    after.check(m, n);
    // Plain f32 products of one term go to the crate on every machine, which is as fast there. Sums of terms, those that
    // something follows and those whose rows are scattered are faster here, because they save passes over the result; so are
    // large ones of a transposed factor.
    #[cfg(target_arch = "x86_64")]
    if arithmetic.isa == super::Isa::Avx512
        && (arithmetic.bf16
            || !in_place(rows, after)
            || terms.len() > 1
            || m.min(n) >= WIDE && terms.iter().all(|t| t.a.col != 1))
    {
        super::packed::product((m, n), terms, out, rows, after, arithmetic.bf16, &mut scratch.packed, threads);
        return;
    }
    let _ = arithmetic;
    by_passes((m, n), terms, out, rows, after, &mut scratch.sums, threads);
}

/// Rows and columns from which on a product with a transposed factor is made here.
#[cfg(target_arch = "x86_64")]
const WIDE: usize = 128;

/// Whether a product's plain sums are all that is asked for, row after row.
fn in_place(rows: Rows<'_>, after: After<'_>) -> bool {
    matches!((rows, after), (Rows::Even(_), After::Nothing))
}

/// The product by the `gemm` crate into scratch (or in place where that is the same), then one pass.
fn by_passes(
    (m, n): (usize, usize),
    terms: &[Term<'_>],
    out: &mut [f32],
    rows: Rows<'_>,
    after: After<'_>,
    sums: &mut Vec<f32>,
    threads: &Threads,
) {
    use rayon::prelude::*;
    let in_place = in_place(rows, after);
    let (target, distance) = match rows {
        Rows::Even(distance) if in_place => (&mut *out, distance),
        _ => {
            if sums.len() < m * n {
                sums.resize(m * n, 0.0);
            }
            (&mut sums[..m * n], n)
        }
    };
    let mut add = false;
    for t in terms {
        if !add && t.rows != (0..m) {
            target.chunks_mut(distance).take(m).for_each(|r| r[..n].fill(0.0));
            add = true;
        }
        let place = &mut target[t.rows.start * distance..];
        matmul((t.rows.len(), t.k, n), t.a, t.b, place, distance, add, threads);
        add = true;
    }
    if !add {
        target.chunks_mut(distance).take(m).for_each(|r| r[..n].fill(0.0));
    }
    if in_place {
        return;
    }
    let sums = &sums[..m * n];
    let out = Shared::new(out);
    threads.install(|| {
        (0..m).into_par_iter().with_min_len(64).for_each(|i| {
            let at = rows.get(i);
            if at == NOWHERE {
                return;
            }
            // SAFETY: `fit` has shown that the row lies inside `out`; rows are apart, and each is written by one task.
            let place = unsafe { std::slice::from_raw_parts_mut(out.at(at, n), n) };
            let row = &sums[i * n..][..n];
            match after {
                After::Nothing => place.copy_from_slice(row),
                After::BiasRelu(bias) => {
                    for ((y, x), b) in place.iter_mut().zip(row).zip(bias) {
                        *y = (x + b).max(0.0);
                    }
                }
                After::Masked { activation, rows } => {
                    let a = &activation[rows.get(i)..][..n];
                    for ((y, &x), &a) in place.iter_mut().zip(row).zip(a) {
                        *y = if a > 0.0 { x } else { 0.0 };
                    }
                }
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::values;
    use super::*;
    use crate::nn::Isa;

    /// All ways of multiplying that this machine has.
    fn arithmetics() -> Vec<Arithmetic> {
        let f32s = Isa::available().into_iter().map(|isa| Arithmetic { isa, bf16: false });
        let bf16s = Isa::available().into_iter().filter(|isa| isa.has_bf16()).map(|isa| Arithmetic { isa, bf16: true });
        f32s.chain(bf16s).collect()
    }

    /// Nearest number with 8 significant bits, ties to even.
    fn rounded(x: f32) -> f32 {
        let bits = x.to_bits();
        f32::from_bits((bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff_0000)
    }

    proptest! {
        #[test]
        fn agrees_with_three_loops_whatever_the_shape_layout_and_ending(
            (m, n) in (1usize..60, 1usize..80),
            terms in proptest::collection::vec((prop_oneof![1usize..70, 505usize..520, 1020usize..1030], 0.0f64..1.0, 0.0f64..1.0), 0..3),
            (ta, tb, scattered, seed) in (any::<bool>(), any::<bool>(), any::<bool>(), 0u32..1000),
            ending in 0usize..3,
        ) {
            let factors: Vec<_> = terms.iter().enumerate().map(|(i, &(k, from, to))| {
                // A factor that is stored transposed reaches all rows.
                let bound = |x: f64| (x * m as f64) as usize;
                let rows = if ta { 0..m } else { bound(from.min(to))..bound(from.max(to)) };
                (k, rows, values(m * k, seed + i as u32), values(k * n, seed + 50 + i as u32))
            }).collect();
            let terms: Vec<Term<'_>> = factors.iter().map(|(k, rows, a, b)| Term {
                k: *k,
                a: if ta { Mat::transposed(a, m) } else { Mat::rows(a, *k) },
                rows: rows.clone(),
                b: if tb { Mat::transposed(b, *k) } else { Mat::rows(b, n) },
            }).collect();
            let (distance, bias) = (n + 3, values(n, seed + 90));
            // Every third row is not stored; the others lie in reverse.
            let places: Vec<usize> = (0..m).map(|i| if i % 3 == 2 { NOWHERE } else { (m - 1 - i) * distance }).collect();
            let rows = if scattered { Rows::At(&places) } else { Rows::Even(distance) };
            let (before, activation) = (values(m * distance, seed + 70), values(m * distance, seed + 80));
            let after = match ending {
                0 => After::Nothing,
                1 => After::BiasRelu(&bias),
                _ => After::Masked { activation: &activation, rows: Rows::Even(distance) },
            };
            for arithmetic in arithmetics() {
                let make = |n_threads: usize| {
                    let mut out = before.clone();
                    let mut scratch = Scratch::default();
                    product((m, n), &terms, &mut out, rows, after, arithmetic, &mut scratch, &Threads::new(n_threads));
                    out
                };
                let found = make(1);
                prop_assert_eq!(&found, &make(3), "{:?}", arithmetic);
                let operand = |x: f32| f64::from(if arithmetic.bf16 { rounded(x) } else { x });
                let mut expected = before.clone();
                // What rounding may do to the sums in whatever order: a share of the sum of the terms' sizes.
                let mut allowed = vec![1e-6; before.len()];
                for i in (0..m).filter(|&i| rows.get(i) != NOWHERE) {
                    for j in 0..n {
                        let (mut sum, mut sizes) = (0.0, 1.0);
                        for t in terms.iter().filter(|t| t.rows.contains(&i)) {
                            for l in 0..t.k {
                                let a = t.a.data[(i - t.rows.start) * t.a.row + l * t.a.col];
                                let term = operand(a) * operand(t.b.data[l * t.b.row + j * t.b.col]);
                                sum += term;
                                sizes += term.abs();
                            }
                        }
                        let at = rows.get(i) + j;
                                                allowed[at] = 1e-6 * sizes as f32;
                        expected[at] = match after {
                            After::Nothing => sum,
                            After::BiasRelu(bias) => (sum + f64::from(bias[j])).max(0.0),
                            After::Masked { activation, rows } => if activation[rows.get(i) + j] > 0.0 { sum } else { 0.0 },
                        } as f32;
                    }
                }
                for (i, (&x, &y)) in found.iter().zip(&expected).enumerate() {
                    prop_assert!((x - y).abs() <= allowed[i], "{arithmetic:?}: element {i} is {x}, expected {y}");
                }
            }
        }
    }
}
