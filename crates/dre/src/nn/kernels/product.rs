//! Products of matrices that are sums of terms, with what follows them done while the sums are in registers.
//!
//! On AVX-512 machines they are made here, in `f32` or `bf16` words; elsewhere by the `gemm` crate and a pass over its
//! result. Every element is summed in an order that depends on the shapes alone, not on the threads.

use std::ops::Range;

use super::matmul::{Mat, matmul};
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
    fn get(self, i: usize) -> usize {
        match self {
            Self::Even(distance) => i * distance,
            Self::At(offsets) => offsets[i],
        }
    }

    /// Whether `m` rows of `n` numbers lie within `len` and apart from each other as far as distances tell.
    fn fit(self, m: usize, n: usize, len: usize) -> bool {
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

/// Packed operands and other scratch, grown when first needed.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) packed: Vec<u32>,
    sums: Vec<f32>,
}

/// What products are made with.
pub(crate) struct Compute<'a> {
    pub(crate) arithmetic: Arithmetic,
    pub(crate) scratch: &'a mut Scratch,
    pub(crate) threads: &'a Threads,
}

impl Compute<'_> {
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
    match after {
        After::BiasRelu(bias) => assert!(bias.len() >= n, "the bias is shorter than a row"),
        After::Masked { activation, rows } => {
            assert!(rows.fit(m, n, activation.len()), "the activation does not fit its shape");
        }
        After::Nothing => {}
    }
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
        packed::product((m, n), terms, out, rows, after, arithmetic.bf16, &mut scratch.packed, threads);
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

#[cfg(target_arch = "x86_64")]
mod packed {
    use std::mem::MaybeUninit;
    use std::ops::Range;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rayon::prelude::*;

    use super::super::shared::SharedWords;
    use super::super::tile::{Finish, ROWS, Target, across_bf16, across_f32, along_bf16, along_f32};
    use super::super::words::{
        CHUNK, PANEL, ROW, aligned, columns_bf16, columns_f32, n_words, panel_bf16, panel_f32, panels_bf16, panels_f32,
        row_bf16, row_f32,
    };
    use super::{After, NOWHERE, Rows, Shared, Term, Threads};

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

    pub(super) fn product(
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
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    fn values(n: usize, seed: u32) -> Vec<f32> {
        let hash = |i: usize| (i as u32).wrapping_mul(2_654_435_761).wrapping_add(seed.wrapping_mul(40_503));
        (0..n)
            .map(|i| (hash(i) ^ (hash(i) >> 15)).wrapping_mul(0x2c1b_3c6d))
            .map(|h| (h >> 8) as f32 / 8_388_608.0 - 1.0)
            .collect()
    }

    proptest! {
        #[test]
        fn agrees_with_three_loops_whatever_the_shape_layout_and_ending(
            (m, n) in (1usize..60, 1usize..80),
            terms in proptest::collection::vec((prop_oneof![1usize..70, 380usize..400, 760usize..780], 0.0f64..1.0, 0.0f64..1.0), 0..3),
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
