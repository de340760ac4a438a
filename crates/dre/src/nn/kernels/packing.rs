//! Factors of [`super::packed`] into words, and asking for them in time.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::mixed::{Mixed, PARTS};
use super::shared::SharedWords;
use super::tile::ROWS;
use super::words::{CHUNK, PANEL, ROW, n_words, pack_columns, pack_panel, pack_panels, pack_row};

/// Tiles of A that are packed together: where A lies across the sum, 224 bytes of each of its rows.
pub(super) const GROUP: usize = 4;
/// Words from one packed tile of A to the next: room for either layout.
pub(super) const TILE: usize = if ROWS * ROW > 16 * CHUNK { ROWS * ROW } else { 16 * CHUNK };
/// Words along the sum that are packed together.
const PACK: usize = 32;

/// Packed tiles of A: a vector never crosses a cache line.
#[repr(align(64))]
pub(super) struct Tiles(pub(super) [MaybeUninit<u32>; GROUP * TILE]);

/// A factor on the left: its rows belong to the product's, or are numbered along the sum where it lies `across`.
#[derive(Clone)]
pub(super) struct Left<'a> {
    pub(super) numbers: Mixed<'a>,
    pub(super) across: bool,
    /// Rows of the product that it reaches; all of them where it lies across.
    pub(super) rows: Range<usize>,
}

/// A factor on the right, `k × n`: its rows are the product's columns where it lies `along` the sum, else numbered along it.
#[derive(Clone, Copy)]
pub(super) struct Right<'a> {
    pub(super) numbers: Mixed<'a>,
    pub(super) along: bool,
    pub(super) k: usize,
}

impl Right<'_> {
    /// Pieces that it is packed in, of `n` columns.
    pub(super) fn n_pieces(&self, n: usize, bf16: bool) -> usize {
        if self.along { n.div_ceil(PANEL) } else { n_words(self.k, bf16).div_ceil(PACK) }
    }

    /// Packs one piece into panels whose words begin at `at`, `panel` words apart.
    ///
    /// # Safety
    /// The machine has the instruction set; the factor holds k × n; `packed` has room for all panels, and nobody else
    /// reads or writes this piece's words.
    pub(super) unsafe fn pack(
        &self,
        piece: usize,
        n: usize,
        bf16: bool,
        (at, panel): (usize, usize),
        packed: SharedWords,
    ) {
        let (k, words, n_panels) = (self.k, n_words(self.k, bf16), n.div_ceil(PANEL));
        // SAFETY: the caller's promise; a piece along the sum is one panel, one across it some words of each.
        unsafe {
            if self.along {
                let columns = (piece * PANEL, PANEL.min(n - piece * PANEL));
                pack_panel(bf16, &self.numbers, k, columns, packed.at(piece * panel + at * PANEL, words * PANEL));
            } else {
                let range = (piece * PACK, words.min((piece + 1) * PACK));
                let out = packed.at(at * PANEL, (n_panels - 1) * panel + words * PANEL);
                pack_panels(bf16, &self.numbers, (k, n), range, out, panel);
            }
        }
    }
}

/// Packs up to [`GROUP`] tiles of A, rows from `first` on, words `[from, to)` of `k` numbers.
///
/// # Safety
/// The machine has the instruction set; the factor holds its rows; `out` has room for `GROUP · TILE` words.
pub(super) unsafe fn pack_a(
    a: &Left<'_>,
    k: usize,
    bf16: bool,
    words: (usize, usize),
    (first, n_rows): (usize, usize),
    out: *mut u32,
) {
    for tile in 0..n_rows.div_ceil(ROWS) {
        let (start, end) = (first + tile * ROWS, (first + n_rows).min(first + (tile + 1) * ROWS));
        // SAFETY: rows inside the factor's are read, and each row or column has its place in `out`.
        unsafe {
            let out = out.add(tile * TILE);
            if a.across {
                pack_columns(bf16, &a.numbers, k, (start, end - start), words, out);
                continue;
            }
            for i in start..end {
                let out = out.add((i - start) * ROW);
                if a.rows.contains(&i) {
                    pack_row(bf16, &a.numbers, i - a.rows.start, k, words, out);
                } else {
                    std::ptr::write_bytes(out, 0, words.1 - words.0);
                }
            }
        }
    }
}

/// Asks for one of `n_parts` parts of the numbers `[from, to)` that [`pack_a`] reads for the tile from row `first` on, so
/// that it is there in time: the rows lie too far apart for the processor to foresee.
#[inline(always)]
pub(super) fn prefetch_a(
    a: &Left<'_>,
    (from, to): (usize, usize),
    (first, end): (usize, usize),
    (part, n_parts): (usize, usize),
) {
    use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
    /// Numbers in a cache line.
    const LINE: usize = 16;
    // SAFETY: a prefetch reads nothing that the program sees, wherever it points.
    let ask = |p: *const f32, at: usize| unsafe { _mm_prefetch::<_MM_HINT_T1>(p.wrapping_add(at).cast()) };
    if !a.across {
        let last = end.min(first + ROWS).min(a.rows.end);
        for i in (first.max(a.rows.start)..last).skip(part).step_by(n_parts) {
            parts(a, i - a.rows.start, |p| (from..to).step_by(LINE).for_each(|at| ask(p, at)));
        }
    } else if first < end {
        for k in (from..to).skip(part).step_by(n_parts) {
            parts(a, k, |p| ask(p, first));
        }
    }
}

/// Calls `f` with where each part of a row begins.
#[inline(always)]
fn parts(a: &Left<'_>, row: usize, mut f: impl FnMut(*const f32)) {
    match a.numbers.n_parts() {
        1 => f(a.numbers.row::<1>(row).at[0]),
        n => a.numbers.row::<PARTS>(row).at[..n].iter().for_each(|&p| f(p)),
    }
}
