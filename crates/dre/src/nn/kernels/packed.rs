//! [`super::product`] on AVX-512: operands packed into words ([`super::words`]), sums in the register tile ([`super::tile`]).

use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::Threads;
use super::product::{After, NOWHERE, Rows, Term};
use super::shared::{Shared, SharedWords};
use super::tile::{Finish, ROWS, Target, across_bf16, across_f32, along_bf16, along_f32};
use super::words::{
    CHUNK, PANEL, ROW, aligned, columns_bf16, columns_f32, n_words, panel_bf16, panel_f32, panels_bf16, panels_f32,
    row_bf16, row_f32,
};

/// Panels that one task covers, at most: with [`CHUNK`] words they are the 1 MiB of B that stays in the second-level cache.
const TASK_PANELS: usize = 20;
/// Tiles of rows that one task covers, at most.
const TASK_TILES: usize = 12;
/// And at least.
const LAST_TILES: usize = 2;
/// Tiles of A that are packed together: where A lies across the sum, 224 bytes of each of its rows.
const GROUP: usize = 4;
/// Words from one packed tile of A to the next: room for either layout.
const TILE: usize = if ROWS * ROW > 16 * CHUNK { ROWS * ROW } else { 16 * CHUNK };
/// Words along the sum that are packed together.
const PACK: usize = 32;

/// Packed tiles of A: a vector never crosses a cache line.
#[repr(align(64))]
struct Tiles([MaybeUninit<u32>; GROUP * TILE]);

/// A run of words along the sum of one term.
#[derive(Clone, Copy)]
struct Chunk {
    term: usize,
    from: usize,
    to: usize,
    /// Where it starts in a panel.
    at: usize,
}

/// Packs a matrix `k × n` as panels whose words begin at `at`, `panel` words apart.
fn pack_b(term: &Term<'_>, n: usize, bf16: bool, (at, panel): (usize, usize), packed: SharedWords) {
    let (k, words, n_panels) = (term.k, n_words(term.k, bf16), n.div_ceil(PANEL));
    let b = term.b;
    if b.col == 1 {
        (0..words.div_ceil(PACK)).into_par_iter().for_each(|i| {
            let range = (i * PACK, words.min((i + 1) * PACK));
            // SAFETY: the machine has the instruction set; `product` has checked that b holds k × n, and made room
            // for all panels. Each task writes its own words of each panel.
            unsafe {
                let out = packed.at(at * PANEL, (n_panels - 1) * panel + words * PANEL);
                let pack = if bf16 { panels_bf16 } else { panels_f32 };
                pack(b.data.as_ptr(), b.row, k, n, range, out, panel);
            }
        });
    } else {
        assert!(b.row == 1, "one of a factor's dimensions is contiguous");
        (0..n_panels).into_par_iter().for_each(|i| {
            // SAFETY: as above; each task writes its own panel.
            unsafe {
                let out = packed.at(i * panel + at * PANEL, words * PANEL);
                let pack = if bf16 { panel_bf16 } else { panel_f32 };
                pack(b.data.as_ptr().add(i * PANEL * b.col), b.col, k, PANEL.min(n - i * PANEL), out);
            }
        });
    }
}

/// Whether chunk `i` comes after another one, and whether it comes last, of those that reach rows `[from, to)`; none
/// where it reaches none of them. Rows that nothing reaches get zeros from the first chunk.
fn turn(chunks: &[Chunk], terms: &[Term<'_>], i: usize, (from, to): (usize, usize)) -> Option<(bool, bool)> {
    let reaches = |chunk: &Chunk| {
        chunk.term == NOWHERE || {
            let rows = &terms[chunk.term].rows;
            rows.start < to && from < rows.end
        }
    };
    let (before, after) = (chunks[..i].iter().any(reaches), chunks[i + 1..].iter().any(reaches));
    let alone = i == 0 && !after;
    (alone || reaches(&chunks[i])).then_some((before, !after))
}

/// Packs up to [`GROUP`] tiles of A, rows from `first` on, of one chunk.
///
/// # Safety
/// The machine has the instruction set; `out` has room for `GROUP · TILE` words.
unsafe fn pack_a(term: &Term<'_>, bf16: bool, chunk: Chunk, (first, n_rows): (usize, usize), out: *mut u32) {
    let words = chunk.to - chunk.from;
    let range = (chunk.from, chunk.to);
    for tile in 0..n_rows.div_ceil(ROWS) {
        let (start, end) = (first + tile * ROWS, (first + n_rows).min(first + (tile + 1) * ROWS));
        // SAFETY: rows inside the term's are read, and each row or column has its place in `out`.
        unsafe {
            let out = out.add(tile * TILE);
            if term.a.col == 1 {
                for i in start..end {
                    let out = out.add((i - start) * ROW);
                    if term.rows.contains(&i) {
                        let p = term.a.data.as_ptr().add((i - term.rows.start) * term.a.row);
                        (if bf16 { row_bf16 } else { row_f32 })(p, term.k, range, out);
                    } else {
                        std::ptr::write_bytes(out, 0, words);
                    }
                }
            } else {
                // Rows that the term does not reach are found only where A lies along the sum, see `product`.
                let p = term.a.data.as_ptr().add(start - term.rows.start);
                let pack = if bf16 { columns_bf16 } else { columns_f32 };
                pack(p, term.a.col, term.k, end - start, range, out);
            }
        }
    }
}

/// Asks for one of `n_parts` parts of what [`pack_a`] reads for the tile from row `first` on, so that it is there in
/// time: the rows lie too far apart for the processor to foresee.
#[inline(always)]
fn prefetch_a(
    term: &Term<'_>,
    bf16: bool,
    chunk: Chunk,
    (first, end): (usize, usize),
    (part, n_parts): (usize, usize),
) {
    use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
    /// Numbers in a cache line.
    const LINE: usize = 16;
    let scale = 1 + usize::from(bf16);
    let (from, to) = (chunk.from * scale, chunk.to * scale);
    let ask = |at: usize| {
        // SAFETY: a prefetch reads nothing that the program sees, wherever it points.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(term.a.data.as_ptr().wrapping_add(at).cast()) }
    };
    if term.a.col == 1 {
        let last = end.min(first + ROWS).min(term.rows.end);
        for i in (first.max(term.rows.start)..last).skip(part).step_by(n_parts) {
            let row = (i - term.rows.start) * term.a.row;
            (row + from..row + to).step_by(LINE).for_each(ask);
        }
    } else if first < end {
        for k in (from..to).skip(part).step_by(n_parts) {
            ask(k * term.a.col + first);
        }
    }
}

/// Tasks in the order in which threads take them: a part of the columns and tiles of rows. They become smaller towards
/// the end, so that all threads end at about the same time.
fn cut(n_tiles: usize, column_parts: usize, n_threads: usize) -> Vec<(usize, Range<usize>)> {
    let mut tasks = Vec::new();
    for part in 0..column_parts {
        let mut at = 0;
        while at < n_tiles {
            let left = (column_parts - part) * n_tiles - at;
            let size = (left / (2 * n_threads)).clamp(LAST_TILES, TASK_TILES).min(n_tiles - at);
            tasks.push((part, at..at + size));
            at += size;
        }
    }
    tasks
}

/// [`super::product::product`], whose assertions hold.
pub(crate) fn product(
    (m, n): (usize, usize),
    terms: &[Term<'_>],
    out: &mut [f32],
    rows: Rows<'_>,
    after: After<'_>,
    bf16: bool,
    packed: &mut Vec<u32>,
    threads: &Threads,
) {
    for t in terms {
        assert!(t.a.col == 1 || t.a.row == 1 && t.rows == (0..m), "A is contiguous, and whole where transposed");
    }
    let mut chunks = Vec::new();
    let mut words = 0;
    for (term, t) in terms.iter().enumerate() {
        let n = n_words(t.k, bf16);
        // Even chunks rather than a short last one.
        let parts = n.div_ceil(CHUNK);
        let bound = |part: usize| n * part / parts;
        chunks.extend((0..parts).map(|i| Chunk { term, from: bound(i), to: bound(i + 1), at: words + bound(i) }));
        words += n;
    }
    if chunks.is_empty() {
        chunks.push(Chunk { term: NOWHERE, from: 0, to: 0, at: 0 });
    }
    let panel = words * PANEL;
    let n_panels = n.div_ceil(PANEL);
    let packed_words = SharedWords::new(aligned(packed, n_panels * panel));
    let out = Shared::new(out);
    let column_parts = n_panels.div_ceil(TASK_PANELS);
    let tasks = cut(m.div_ceil(ROWS), column_parts, threads.count());
    threads.install(|| {
        let mut at = 0;
        for t in terms {
            pack_b(t, n, bf16, (at, panel), packed_words);
            at += n_words(t.k, bf16);
        }
    });
    let next = AtomicUsize::new(0);
    threads.broadcast(|_| {
        while let Some((part, tiles)) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
            let column = |part: usize| n.min(n_panels * part / column_parts * PANEL);
            let bounds = ((tiles.start * ROWS, m.min(tiles.end * ROWS)), (column(*part), column(part + 1)));
            // SAFETY: the machine has the instruction set; the operands are checked; each task writes the part of
            // `out` that its bounds name, and `packed` is only read from here on.
            unsafe { task_of(bounds, terms, &chunks, out, rows, after, bf16, packed_words, panel) }
        }
    });
}

/// One task's rows and columns.
///
/// # Safety
/// As said where it is called.
#[expect(clippy::large_stack_arrays, reason = "98 KiB of the pool's own stacks; they stay in the cache")]
unsafe fn task_of(
    ((row_from, row_to), (column_from, column_to)): ((usize, usize), (usize, usize)),
    terms: &[Term<'_>],
    chunks: &[Chunk],
    out: Shared,
    rows: Rows<'_>,
    after: After<'_>,
    bf16: bool,
    packed: SharedWords,
    panel: usize,
) {
    let mut a = Tiles([const { MaybeUninit::uninit() }; GROUP * TILE]);
    let a = a.0.as_mut_ptr().cast::<u32>();
    for (i, &chunk) in chunks.iter().enumerate() {
        let words = chunk.to - chunk.from;
        let across = chunk.term != NOWHERE && terms[chunk.term].a.col != 1;
        let together = ROWS * if across { GROUP } else { 1 };
        for group in (row_from..row_to).step_by(together) {
            let n_rows = (row_to - group).min(together);
            let Some((add, last)) = turn(chunks, terms, i, (group, group + n_rows)) else { continue };
            if chunk.term != NOWHERE {
                // SAFETY: `a` has that room.
                unsafe { pack_a(&terms[chunk.term], bf16, chunk, (group, n_rows), a) };
            }
            for first in (group..group + n_rows).step_by(ROWS) {
                let m = (row_to - first).min(ROWS);
                let n_parts = (column_to - column_from).div_ceil(PANEL);
                for (part, column) in (column_from..column_to).step_by(PANEL).enumerate() {
                    if chunk.term != NOWHERE {
                        let next = group + together + (first - group);
                        prefetch_a(&terms[chunk.term], bf16, chunk, (next, row_to), (part, n_parts));
                    }
                    let mut targets = [std::ptr::null_mut(); ROWS];
                    let mut masks = [std::ptr::null(); ROWS];
                    let finish = match after {
                        _ if !last => Finish::Plain,
                        After::Nothing => Finish::Plain,
                        After::BiasRelu(bias) => Finish::BiasRelu(bias.as_ptr().wrapping_add(column)),
                        After::Masked { .. } => Finish::Masked,
                    };
                    let columns = PANEL.min(column_to - column);
                    for r in 0..m {
                        let at = rows.get(first + r);
                        if at != NOWHERE {
                            // SAFETY: inside `out` by `Rows::fit`; these columns are this task's.
                            targets[r] = unsafe { out.at(at + column, columns) };
                        }
                        if let After::Masked { activation, rows } = after {
                            masks[r] = activation.as_ptr().wrapping_add(rows.get(first + r).wrapping_add(column));
                        }
                    }
                    let target = Target { rows: &targets, masks: &masks, n: columns, soon: &targets, add, finish };
                    // SAFETY: A was packed above, B before the tasks began.
                    unsafe {
                        let a = a.add((first - group) / ROWS * TILE).cast_const();
                        let b = packed.at(column / PANEL * panel + chunk.at * PANEL, words * PANEL).cast_const();
                        match (across, bf16) {
                            (false, false) => along_f32(m, words, a, b, target),
                            (false, true) => along_bf16(m, words, a, b, target),
                            (true, false) => across_f32(words, a, b, target),
                            (true, true) => across_bf16(words, a, b, target),
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_cover_every_tile_once_and_become_smaller() {
        for (n_tiles, column_parts, n_threads) in [(1, 1, 1), (37, 1, 2), (176, 4, 2), (348, 2, 7), (3, 5, 16)] {
            let tasks = cut(n_tiles, column_parts, n_threads);
            let tiles: Vec<_> =
                tasks.iter().flat_map(|(part, tiles)| tiles.clone().map(move |tile| (*part, tile))).collect();
            let all: Vec<_> = (0..column_parts).flat_map(|part| (0..n_tiles).map(move |tile| (part, tile))).collect();
            assert_eq!(tiles, all);
            let sizes: Vec<_> =
                tasks.iter().filter(|(part, _)| part + 1 == column_parts).map(|(_, t)| t.len()).collect();
            assert!(sizes.is_sorted_by(|a, b| a >= b) && sizes[0] <= TASK_TILES, "{sizes:?}");
        }
    }
}
