//! Operands of the AVX-512 products: 32-bit words, each one number in `f32` or two neighbours along the sum in `bf16`.
//!
//! With either kind a product is a sum over words, so that one register tile ([`super::tile`]) and one layout serve both:
//!
//! - A, *along the sum*: `[row][ROW]` words, a compile-time distance that spreads the rows over the cache's sets.
//! - A, *across the sum*: `[word][16]`, for factors that are stored transposed.
//! - B: panels of [`PANEL`] columns, `[panel][word][PANEL]`.
//!
//! `f32` becomes `bf16` by rounding to nearest, ties to even.

use std::arch::x86_64::*;

use super::mixed::{Mixed, PARTS, Spot};

/// Words along the sum that are multiplied before the sums go back to memory: 64 KiB of a panel of B.
pub(crate) const CHUNK: usize = 512;
/// Words from one row of A to the next; 33 cache lines, so that neighbouring rows lie in neighbouring sets.
pub(crate) const ROW: usize = CHUNK + 16;
/// Columns of a panel of B: two vectors.
pub(crate) const PANEL: usize = 32;

/// Words that `k` numbers take.
pub(crate) fn n_words(k: usize, bf16: bool) -> usize {
    if bf16 { k.div_ceil(2) } else { k }
}

/// The lowest `n` of 16 lanes; all from 16 on.
#[inline(always)]
pub(crate) fn lanes(n: usize) -> __mmask16 {
    if n >= 16 { !0 } else { (1 << n) - 1 }
}

/// Numbers that word `w` begins with, and how many there are of `k` in 16 words from there on.
#[inline(always)]
fn numbers(w: usize, k: usize, bf16: bool) -> (usize, usize) {
    let first = if bf16 { 2 * w } else { w };
    (first, k.saturating_sub(first))
}

/// The numbers of a row from `from` on that the mask names.
///
/// # Safety
/// The machine has AVX-512 F; the numbers can be read in every part that is not null.
#[inline(always)]
unsafe fn load<const N: usize>(row: Spot<N>, from: usize, mask: __mmask16) -> __m512 {
    // SAFETY: masked loads touch the numbers that the mask names, and none for a null part.
    unsafe {
        let part = |i: usize| {
            let mask = if row.at[i].is_null() { 0 } else { mask };
            _mm512_maskz_loadu_ps(mask, row.at[i].wrapping_add(from))
        };
        if N == 1 {
            return part(0);
        }
        let mut sum = _mm512_mul_ps(part(0), _mm512_set1_ps(row.scale[0]));
        for i in 1..N {
            sum = _mm512_fmadd_ps(part(i), _mm512_set1_ps(row.scale[i]), sum);
        }
        sum
    }
}

/// 16 words from `n` numbers of a row from `from` on; words past the last number are zero.
///
/// # Safety
/// As for [`load`], of at most 16 numbers, or 32 where `BF`; the machine has BF16 where `BF`.
#[inline(always)]
unsafe fn along<const BF: bool, const N: usize>(row: Spot<N>, from: usize, n: usize) -> __m512i {
    // SAFETY: the first n numbers only.
    unsafe {
        let low = load(row, from, lanes(n));
        if BF {
            let high = load(row, from + 16, lanes(n.saturating_sub(16)));
            let both: __m512bh = _mm512_cvtne2ps_pbh(high, low);
            std::mem::transmute::<__m512bh, __m512i>(both)
        } else {
            _mm512_castps_si512(low)
        }
    }
}

/// 16 words across the sum: lane `j` holds number `from + j` of a row and, where `BF`, of the next row (zero where there is
/// none) in the word's upper half.
///
/// # Safety
/// As for [`along`], with `mask` for the numbers that can be read.
#[inline(always)]
unsafe fn across<const BF: bool, const N: usize>(
    row: Spot<N>,
    next: Option<Spot<N>>,
    from: usize,
    mask: __mmask16,
) -> __m512i {
    // SAFETY: what the mask names only.
    unsafe {
        let first = load(row, from, mask);
        if !BF {
            return _mm512_castps_si512(first);
        }
        let wide = |x: __m512| {
            let half: __m256bh = _mm512_cvtneps_pbh(x);
            _mm512_cvtepu16_epi32(std::mem::transmute::<__m256bh, __m256i>(half))
        };
        let low = wide(first);
        match next {
            Some(next) => {
                let high = wide(load(next, from, mask));
                _mm512_or_si512(low, _mm512_slli_epi32::<16>(high))
            }
            None => low,
        }
    }
}

/// Transposes 16 × 16 words.
///
/// # Safety
/// The machine has AVX-512 F.
#[inline(always)]
unsafe fn transpose(r: [__m512i; 16]) -> [__m512i; 16] {
    // SAFETY: the caller vouches for the instruction set; nothing touches memory.
    unsafe {
        let zero = _mm512_setzero_si512();
        // Pairs of rows, then fours, then eights, then all: after each stage lanes hold runs of that length.
        let (mut a, mut b) = ([zero; 16], [zero; 16]);
        for i in 0..8 {
            a[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
            a[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
        }
        for i in 0..4 {
            b[4 * i] = _mm512_unpacklo_epi64(a[4 * i], a[4 * i + 2]);
            b[4 * i + 1] = _mm512_unpackhi_epi64(a[4 * i], a[4 * i + 2]);
            b[4 * i + 2] = _mm512_unpacklo_epi64(a[4 * i + 1], a[4 * i + 3]);
            b[4 * i + 3] = _mm512_unpackhi_epi64(a[4 * i + 1], a[4 * i + 3]);
        }
        // b[4 i + c] holds columns c, c + 4, c + 8, c + 12 of rows 4 i .. 4 i + 4, one per 128-bit lane.
        for c in 0..4 {
            let low = _mm512_shuffle_i32x4::<0x88>(b[c], b[4 + c]);
            let high = _mm512_shuffle_i32x4::<0xdd>(b[c], b[4 + c]);
            let low2 = _mm512_shuffle_i32x4::<0x88>(b[8 + c], b[12 + c]);
            let high2 = _mm512_shuffle_i32x4::<0xdd>(b[8 + c], b[12 + c]);
            a[c] = _mm512_shuffle_i32x4::<0x88>(low, low2);
            a[8 + c] = _mm512_shuffle_i32x4::<0xdd>(low, low2);
            a[4 + c] = _mm512_shuffle_i32x4::<0x88>(high, high2);
            a[12 + c] = _mm512_shuffle_i32x4::<0xdd>(high, high2);
        }
        a
    }
}

/// One row of A along the sum: words `[from, to)` of its `k` numbers, at most [`CHUNK`] words.
///
/// # Safety
/// The machine has AVX-512 F, and BF16 where `BF`; there is that row, rows are at least `k` numbers wide, and `to − from` words
/// rounded up to 16 can be written at `out`.
#[inline(always)]
unsafe fn row<const BF: bool, const N: usize>(
    rows: &Mixed<'_>,
    i: usize,
    k: usize,
    (from, to): (usize, usize),
    out: *mut u32,
) {
    let row = rows.row::<N>(i);
    for w in (from..to).step_by(16) {
        let (first, n) = numbers(w, k, BF);
        // SAFETY: `n` numbers are left from `first` on.
        unsafe { _mm512_storeu_si512(out.add(w - from).cast(), along::<BF, N>(row, first, n)) }
    }
}

/// Up to 16 columns of A across the sum from `start` on, `[word][16]`, from rows that are numbered along the sum.
///
/// # Safety
/// As for [`row`]; there are `k` rows, at least `start + n` numbers wide, and 16 words are written for each word of the sum.
#[inline(always)]
unsafe fn columns<const BF: bool, const N: usize>(
    rows: &Mixed<'_>,
    k: usize,
    (start, n): (usize, usize),
    (from, to): (usize, usize),
    out: *mut u32,
) {
    let mask = lanes(n);
    for w in from..to {
        let (first, left) = numbers(w, k, BF);
        let next = (BF && left > 1).then(|| rows.row::<N>(first + 1));
        // SAFETY: rows below k.
        unsafe {
            let word = across::<BF, N>(rows.row(first), next, start, mask);
            _mm512_storeu_si512(out.add((w - from) * 16).cast(), word);
        }
    }
}

/// A panel of B from rows along the sum, which are B's columns: all `k` numbers of `n` of them from `start` on; columns past
/// `n` are zero.
///
/// # Safety
/// As for [`row`]; there are `start + n` rows, and `n_words(k) · PANEL` words are written.
#[inline(always)]
unsafe fn panel_along<const BF: bool, const N: usize>(
    rows: &Mixed<'_>,
    k: usize,
    (start, n): (usize, usize),
    out: *mut u32,
) {
    let words = n_words(k, BF);
    // SAFETY: columns below n, numbers below k, words below `words`.
    unsafe {
        for w in (0..words).step_by(16) {
            let (first, left) = numbers(w, k, BF);
            for half in 0..2 {
                let mut block = [_mm512_setzero_si512(); 16];
                for (j, r) in block.iter_mut().enumerate() {
                    if half * 16 + j < n {
                        *r = along::<BF, N>(rows.row(start + half * 16 + j), first, left);
                    }
                }
                for (i, r) in transpose(block).into_iter().enumerate().take(words - w) {
                    _mm512_storeu_si512(out.add((w + i) * PANEL + half * 16).cast(), r);
                }
            }
        }
    }
}

/// Words `[from, to)` of all panels of B from rows across the sum. `panel` is the number of words from one panel to the
/// next.
///
/// # Safety
/// As for [`row`]; there are `k` rows, at least `n` numbers wide, and the words `[from, to)` of `n / PANEL` (rounded up) panels are
/// written.
#[inline(always)]
unsafe fn panels_across<const BF: bool, const N: usize>(
    rows: &Mixed<'_>,
    (k, n): (usize, usize),
    (from, to): (usize, usize),
    out: *mut u32,
    panel: usize,
) {
    // SAFETY: rows below k, columns below n.
    unsafe {
        for w in from..to {
            let (first, left) = numbers(w, k, BF);
            let row = rows.row::<N>(first);
            let next = (BF && left > 1).then(|| rows.row::<N>(first + 1));
            for j in (0..n.next_multiple_of(PANEL)).step_by(16) {
                let mask = lanes(n.saturating_sub(j));
                let word = across::<BF, N>(row, next, j, mask);
                _mm512_storeu_si512(out.add((j / PANEL) * panel + w * PANEL + j % PANEL).cast(), word);
            }
        }
    }
}

/// One function for words of either kind and any number of parts.
macro_rules! packer {
    ($(#[$doc:meta])* $name:ident, $inner:ident, ($($arg:ident: $type:ty),*)) => {
        $(#[$doc])*
        pub(crate) unsafe fn $name(bf16: bool, rows: &Mixed<'_>, $($arg: $type),*) {
            #[target_feature(enable = "avx512f,avx512bf16")]
            unsafe fn pairs<const N: usize>(rows: &Mixed<'_>, $($arg: $type),*) {
                // SAFETY: the caller's promise, unchanged.
                unsafe { $inner::<true, N>(rows, $($arg),*) }
            }
            #[target_feature(enable = "avx512f")]
            unsafe fn singles<const N: usize>(rows: &Mixed<'_>, $($arg: $type),*) {
                // SAFETY: the caller's promise, unchanged.
                unsafe { $inner::<false, N>(rows, $($arg),*) }
            }
            // SAFETY: the caller's promise, unchanged.
            unsafe {
                match (bf16, rows.n_parts()) {
                    (false, 1) => singles::<1>(rows, $($arg),*),
                    (false, 2) => singles::<2>(rows, $($arg),*),
                    (false, _) => singles::<PARTS>(rows, $($arg),*),
                    (true, 1) => pairs::<1>(rows, $($arg),*),
                    (true, 2) => pairs::<2>(rows, $($arg),*),
                    (true, _) => pairs::<PARTS>(rows, $($arg),*),
                }
            }
        }
    };
}

packer!(
    /// One row of A along the sum: words `[from, to)` of its `k` numbers, at most [`CHUNK`] words.
    ///
    /// # Safety
    /// As for [`row`].
    pack_row, row, (i: usize, k: usize, words: (usize, usize), out: *mut u32)
);
packer!(
    /// Up to 16 columns of A across the sum.
    ///
    /// # Safety
    /// As for [`columns`].
    pack_columns, columns, (k: usize, part: (usize, usize), words: (usize, usize), out: *mut u32)
);
packer!(
    /// A panel of B from rows along the sum.
    ///
    /// # Safety
    /// As for [`panel_along`].
    pack_panel, panel_along, (k: usize, part: (usize, usize), out: *mut u32)
);
packer!(
    /// Words of all panels of B from rows across the sum.
    ///
    /// # Safety
    /// As for [`panels_across`].
    pack_panels, panels_across, (size: (usize, usize), words: (usize, usize), out: *mut u32, panel: usize)
);
