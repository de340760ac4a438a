//! The register tile of the AVX-512 products: up to 14 rows × 2 vectors of columns, in `f32` or `bf16` words.

use std::arch::x86_64::*;

use super::words::{PANEL, ROW, lanes};

/// Rows of a full tile: 28 sums, two vectors of B and one factor of A fill 31 of 32 registers.
pub(crate) const ROWS: usize = 14;

/// What happens to a finished sum before it is stored.
#[derive(Clone, Copy)]
pub(crate) enum Finish {
    /// Nothing.
    Plain,
    /// `max(0, x + bias)`, from the bias of the tile's first column on.
    BiasRelu(*const f32),
    /// `x` where the activation is positive, else 0.
    Masked,
}

/// Where a tile's sums go.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    /// The first column of each row; rows that are null are not stored.
    pub(crate) rows: &'a [*mut f32; ROWS],
    /// Activations that belong to [`Finish::Masked`], likewise.
    pub(crate) masks: &'a [*const f32; ROWS],
    /// Rows that are asked for while the sums are made, so that they are there in time; may be null.
    pub(crate) soon: &'a [*mut f32; ROWS],
    /// Columns, at most [`PANEL`].
    pub(crate) n: usize,
    /// Whether the sums are added to what is there.
    pub(crate) add: bool,
    /// Where these sums x are one half of two: `[first, third]` rows, of which the first hold the other half y. They receive
    /// y + x, and the target's own rows y − x, finished. A first row is there wherever the target's own is; a third one that is
    /// null is left out. See [`super::two_taps`].
    pub(crate) split: Option<[&'a [*mut f32; ROWS]; 2]>,
    pub(crate) finish: Finish,
}

/// Sums of `M` rows over `words` words. A lies `[row][ROW]`, or `[word][16]` where `ACROSS`.
///
/// # Safety
/// The machine has AVX-512 F, and BF16 where `BF`; A and B hold that many words.
#[inline(always)]
unsafe fn sums<const BF: bool, const ACROSS: bool, const M: usize>(
    words: usize,
    a: *const u32,
    b: *const u32,
) -> [[__m512; 2]; M] {
    // SAFETY: the caller's promise.
    unsafe {
        let mut sums = [[_mm512_setzero_ps(); 2]; M];
        for w in 0..words {
            let b = b.add(w * PANEL);
            // Half a KiB ahead, where the second-level cache is asked early enough.
            _mm_prefetch::<_MM_HINT_T0>(b.wrapping_add(40 * PANEL).cast());
            _mm_prefetch::<_MM_HINT_T0>(b.wrapping_add(40 * PANEL + 16).cast());
            let (b0, b1) = (_mm512_loadu_si512(b.cast()), _mm512_loadu_si512(b.add(16).cast()));
            for m in 0..M {
                let at = if ACROSS { w * 16 + m } else { m * ROW + w };
                let x = _mm512_set1_epi32((*a.add(at)).cast_signed());
                if BF {
                    let bf = |v: __m512i| std::mem::transmute::<__m512i, __m512bh>(v);
                    sums[m][0] = _mm512_dpbf16_ps(sums[m][0], bf(x), bf(b0));
                    sums[m][1] = _mm512_dpbf16_ps(sums[m][1], bf(x), bf(b1));
                } else {
                    let x = _mm512_castsi512_ps(x);
                    sums[m][0] = _mm512_fmadd_ps(x, _mm512_castsi512_ps(b0), sums[m][0]);
                    sums[m][1] = _mm512_fmadd_ps(x, _mm512_castsi512_ps(b1), sums[m][1]);
                }
            }
        }
        sums
    }
}

/// One tile of `M` rows.
///
/// # Safety
/// As for [`sums`]; the target's rows can be written, its masks and bias read, `n` numbers each; so can the rows that `split` names.
#[inline(always)]
unsafe fn tile<const BF: bool, const ACROSS: bool, const M: usize>(
    words: usize,
    a: *const u32,
    b: *const u32,
    target: Target<'_>,
) {
    // SAFETY: the caller's promise; masked accesses stay within `n` columns.
    unsafe {
        // By the time that the sums are there, so are the lines that they go to.
        for m in 0..M {
            for v in 0..3 {
                _mm_prefetch::<_MM_HINT_ET0>(target.soon[m].wrapping_add((16 * v).min(PANEL - 1)).cast());
            }
        }
        let sums = sums::<BF, ACROSS, M>(words, a, b);
        for v in 0..2 {
            let mask = lanes(target.n.saturating_sub(v * 16));
            let bias = match target.finish {
                Finish::BiasRelu(bias) => _mm512_maskz_loadu_ps(mask, bias.wrapping_add(v * 16)),
                _ => _mm512_setzero_ps(),
            };
            for m in 0..M {
                let out = target.rows[m].wrapping_add(v * 16);
                if target.rows[m].is_null() {
                    continue;
                }
                let mut x = sums[m][v];
                if target.add {
                    x = _mm512_add_ps(x, _mm512_maskz_loadu_ps(mask, out));
                }
                if let Some([first, third]) = target.split {
                    let first = first[m].wrapping_add(v * 16);
                    let other = _mm512_maskz_loadu_ps(mask, first);
                    let both = _mm512_add_ps(other, x);
                    _mm512_mask_storeu_ps(first, mask, both);
                    if !third[m].is_null() {
                        _mm512_mask_storeu_ps(third[m].wrapping_add(v * 16), mask, both);
                    }
                    x = _mm512_sub_ps(other, x);
                }
                match target.finish {
                    Finish::Plain => {}
                    Finish::BiasRelu(_) => x = _mm512_max_ps(_mm512_add_ps(x, bias), _mm512_setzero_ps()),
                    Finish::Masked => {
                        let activation = _mm512_maskz_loadu_ps(mask, target.masks[m].wrapping_add(v * 16));
                        let on = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(activation, _mm512_setzero_ps());
                        x = _mm512_maskz_mov_ps(on, x);
                    }
                }
                _mm512_mask_storeu_ps(out, mask, x);
            }
        }
    }
}

macro_rules! by_rows {
    ($m:expr, $bf:literal, $($a:expr),*) => {
        match $m {
            1 => tile::<$bf, false, 1>($($a),*),
            2 => tile::<$bf, false, 2>($($a),*),
            3 => tile::<$bf, false, 3>($($a),*),
            4 => tile::<$bf, false, 4>($($a),*),
            5 => tile::<$bf, false, 5>($($a),*),
            6 => tile::<$bf, false, 6>($($a),*),
            7 => tile::<$bf, false, 7>($($a),*),
            8 => tile::<$bf, false, 8>($($a),*),
            9 => tile::<$bf, false, 9>($($a),*),
            10 => tile::<$bf, false, 10>($($a),*),
            11 => tile::<$bf, false, 11>($($a),*),
            12 => tile::<$bf, false, 12>($($a),*),
            13 => tile::<$bf, false, 13>($($a),*),
            _ => tile::<$bf, false, 14>($($a),*),
        }
    };
}

/// One tile of `m` rows in `f32`, A along the sum.
///
/// # Safety
/// As for [`tile`].
#[target_feature(enable = "avx512f")]
pub(crate) unsafe fn along_f32(m: usize, words: usize, a: *const u32, b: *const u32, target: Target<'_>) {
    // SAFETY: the caller's promise, unchanged.
    unsafe { by_rows!(m, false, words, a, b, target) }
}

/// One tile of `m` rows in `bf16`, A along the sum.
///
/// # Safety
/// As for [`tile`].
#[target_feature(enable = "avx512f,avx512bf16")]
pub(crate) unsafe fn along_bf16(m: usize, words: usize, a: *const u32, b: *const u32, target: Target<'_>) {
    // SAFETY: the caller's promise, unchanged.
    unsafe { by_rows!(m, true, words, a, b, target) }
}

/// One full tile in `f32`, A across the sum.
///
/// # Safety
/// As for [`tile`].
#[target_feature(enable = "avx512f")]
pub(crate) unsafe fn across_f32(words: usize, a: *const u32, b: *const u32, target: Target<'_>) {
    // SAFETY: the caller's promise, unchanged.
    unsafe { tile::<false, true, ROWS>(words, a, b, target) }
}

/// One full tile in `bf16`, A across the sum.
///
/// # Safety
/// As for [`tile`].
#[target_feature(enable = "avx512f,avx512bf16")]
pub(crate) unsafe fn across_bf16(words: usize, a: *const u32, b: *const u32, target: Target<'_>) {
    // SAFETY: the caller's promise, unchanged.
    unsafe { tile::<true, true, ROWS>(words, a, b, target) }
}
