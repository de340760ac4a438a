//! Products on AVX-512: operands packed into words ([`super::words`]), sums in the register tile ([`super::tile`]).

use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Threads;
use super::barrier::Pieces;
use super::memory::Buffer;
use super::mixed::Mixed;
use super::packing::{GROUP, Left, Right, TILE, Tiles, pack_a, prefetch_a};
use super::product::{After, NOWHERE, Rows, Term};
use super::shared::{Shared, SharedWords};
use super::tile::{Finish, ROWS, Target, across_bf16, across_f32, along_bf16, along_f32};
use super::words::{CHUNK, PANEL, n_words};

/// Panels that one task covers, at most: with [`CHUNK`] words they are the 1.1 MiB of B that stay in the second-level cache.
const TASK_PANELS: usize = 18;
/// Tiles of rows that one task covers, at most.
const TASK_TILES: usize = 12;
/// And at least.
const LAST_TILES: usize = 2;

/// Rows whose sums are made together: row `r` stands for up to three rows of the product, one for each slot.
pub(super) struct Section<'a> {
    pub(super) n_rows: usize,
    /// The product's row that belongs to row `r` and slot 0.
    pub(super) base: Rows<'a>,
    /// And from each slot to the next.
    pub(super) step: usize,
    pub(super) n_slots: usize,
    pub(super) uses: Vec<Use<'a>>,
}

impl Section<'_> {
    /// The product's row that belongs to row `r` and a slot, if there is that slot.
    fn row(&self, r: usize, slot: usize) -> Option<usize> {
        (slot < self.n_slots).then(|| self.base.get(r) + slot * self.step)
    }
}

/// One term of a section's sums.
pub(super) struct Use<'a> {
    pub(super) a: Left<'a>,
    /// Which of the right factors.
    pub(super) b: usize,
    pub(super) slot: usize,
    /// Whether it is one half of two: what slot 0 holds plus this is stored there and in slot 2, what slot 0 holds minus
    /// this in its own. No rows are left out of such a section.
    pub(super) split: bool,
}

impl Use<'_> {
    fn writes(&self, slot: usize) -> bool {
        self.slot == slot || self.split
    }
}

/// Where a product's rows go, and what happens to them.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) n: usize,
    pub(super) rows: Rows<'a>,
    pub(super) after: After<'a>,
}

/// A run of words along the sum of one use.
#[derive(Clone, Copy)]
struct Chunk {
    /// [`NOWHERE`] where there is nothing to sum.
    of: usize,
    from: usize,
    to: usize,
    /// Where it starts in a panel.
    at: usize,
}

impl Chunk {
    /// What a section without terms does: its rows (of slot 0) become zero.
    const NOTHING: Self = Self { of: NOWHERE, from: 0, to: 0, at: 0 };
}

/// When a chunk's turn is, among those that reach the same rows.
struct Turn {
    /// Whether its slot holds sums already.
    add: bool,
    /// Whether it is the last one of its slot.
    last: bool,
    /// Whether it is the last one of its use.
    split: bool,
}

/// The turn of chunk `i` at rows `[from, to)` of a section; none where it reaches none of them. Rows that nothing reaches
/// get zeros from the first chunk.
fn turn(chunks: &[Chunk], uses: &[Use<'_>], i: usize, (from, to): (usize, usize)) -> Option<Turn> {
    if chunks[i].of == NOWHERE {
        return Some(Turn { add: false, last: true, split: false });
    }
    let reaches = |chunk: &Chunk| {
        let rows = &uses[chunk.of].a.rows;
        rows.start < to && from < rows.end
    };
    let one = &uses[chunks[i].of];
    let same = |chunk: &Chunk| uses[chunk.of].writes(one.slot) && reaches(chunk);
    let (before, after) = (chunks[..i].iter().any(same), chunks[i + 1..].iter().any(same));
    let alone = i == 0 && !after;
    let split = one.split && chunks.get(i + 1).is_none_or(|next| next.of != chunks[i].of);
    (alone || reaches(&chunks[i])).then_some(Turn { add: before, last: !after, split })
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
    packed: &mut Buffer<u32>,
    threads: &Threads,
) {
    let (mut uses, mut rights) = (Vec::new(), Vec::new());
    for t in terms {
        let across = t.a.col != 1;
        assert!(!across || t.a.row == 1 && t.rows == (0..m), "A is contiguous, and whole where transposed");
        assert!(t.b.col == 1 || t.b.row == 1, "one of a factor's dimensions is contiguous");
        let along = t.b.col != 1;
        let numbers = Mixed::of(t.a, if across { m } else { t.k });
        uses.push(Use { a: Left { numbers, across, rows: t.rows.clone() }, b: rights.len(), slot: 0, split: false });
        rights.push(Right { numbers: Mixed::of(t.b, if along { t.k } else { n }), along, k: t.k });
    }
    let section = Section { n_rows: m, base: Rows::Even(1), step: 0, n_slots: 1, uses };
    run(&[section], &rights, out, Place { n, rows, after }, bf16, packed, threads);
}

/// Makes the sums of all sections. The caller has checked that factors hold their shapes, that the places of the rows lie
/// inside `out` and apart from each other, and the machine's instruction set.
pub(super) fn run(
    sections: &[Section<'_>],
    rights: &[Right<'_>],
    out: &mut [f32],
    place: Place<'_>,
    bf16: bool,
    packed: &mut Buffer<u32>,
    threads: &Threads,
) {
    let n = place.n;
    let mut starts = Vec::new();
    let mut words = 0;
    for b in rights {
        starts.push(words);
        words += n_words(b.k, bf16);
    }
    let panel = words * PANEL;
    let n_panels = n.div_ceil(PANEL);
    let packed_words = SharedWords::new(packed.at_least(n_panels * panel));
    let out = Shared::new(out);
    let column_parts = n_panels.div_ceil(TASK_PANELS);
    let chunks: Vec<_> = sections.iter().map(|s| chunks_of(&s.uses, rights, &starts, bf16)).collect();
    let tasks: Vec<_> = sections
        .iter()
        .enumerate()
        .flat_map(|(i, section)| {
            let tasks = cut(section.n_rows.div_ceil(ROWS), column_parts, threads.count());
            tasks.into_iter().map(move |(part, tiles)| (i, part, tiles))
        })
        .collect();
    let pieces: Vec<_> =
        (0..rights.len()).flat_map(|b| (0..rights[b].n_pieces(n, bf16)).map(move |piece| (b, piece))).collect();
    let (packing, next) = (Pieces::new(pieces.len()), AtomicUsize::new(0));
    threads.broadcast(|_| {
        packing.work(|i| {
            let (b, piece) = pieces[i];
            // SAFETY: the machine has the instruction set; the operands are checked; there is room for all panels, and
            // each piece is packed once.
            unsafe { rights[b].pack(piece, n, bf16, (starts[b], panel), packed_words) }
        });
        while let Some((i, part, tiles)) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
            let column = |part: usize| n.min(n_panels * part / column_parts * PANEL);
            let section = &sections[*i];
            let task = Task {
                rows: (tiles.start * ROWS, section.n_rows.min(tiles.end * ROWS)),
                columns: (column(*part), column(part + 1)),
                section,
                chunks: &chunks[*i],
                rights,
                bf16,
                packed: packed_words,
                panel,
            };
            // SAFETY: the machine has the instruction set; the operands are checked; each task writes the part of
            // `out` that its bounds name, and `packed` is only read from here on.
            unsafe { task.run(out, place) }
        }
    });
}

/// The chunks of a section's terms in the order in which they are summed.
fn chunks_of(uses: &[Use<'_>], rights: &[Right<'_>], starts: &[usize], bf16: bool) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    for (of, one) in uses.iter().enumerate() {
        let (n, at) = (n_words(rights[one.b].k, bf16), starts[one.b]);
        // Even chunks rather than a short last one.
        let parts = n.div_ceil(CHUNK);
        let bound = |i: usize| n * i / parts;
        chunks.extend((0..parts).map(|i| Chunk { of, from: bound(i), to: bound(i + 1), at: at + bound(i) }));
    }
    if chunks.is_empty() {
        chunks.push(Chunk::NOTHING);
    }
    chunks
}

/// Some rows and columns of a section.
struct Task<'a> {
    rows: (usize, usize),
    columns: (usize, usize),
    section: &'a Section<'a>,
    chunks: &'a [Chunk],
    rights: &'a [Right<'a>],
    bf16: bool,
    packed: SharedWords,
    panel: usize,
}

impl Task<'_> {
    /// # Safety
    /// As said where it is called.
    #[expect(clippy::large_stack_arrays, reason = "128 KiB of a stack of 2 MiB or more; they stay in the cache")]
    unsafe fn run(&self, out: Shared, place: Place<'_>) {
        let (row_from, row_to) = self.rows;
        let mut a = Tiles([const { MaybeUninit::uninit() }; GROUP * TILE]);
        let a = a.0.as_mut_ptr().cast::<u32>();
        let uses = &self.section.uses;
        for (i, &chunk) in self.chunks.iter().enumerate() {
            let one = uses.get(chunk.of);
            let across = one.is_some_and(|one| one.a.across);
            let together = ROWS * if across { GROUP } else { 1 };
            for group in (row_from..row_to).step_by(together) {
                let n_rows = (row_to - group).min(together);
                let Some(turn) = turn(self.chunks, uses, i, (group, group + n_rows)) else { continue };
                if let Some(one) = one {
                    let k = self.rights[one.b].k;
                    // SAFETY: `a` has that room.
                    unsafe { pack_a(&one.a, k, self.bf16, (chunk.from, chunk.to), (group, n_rows), a) };
                }
                for first in (group..group + n_rows).step_by(ROWS) {
                    // SAFETY: A was packed above, B before the tasks began.
                    unsafe {
                        let a = a.add((first - group) / ROWS * TILE).cast_const();
                        self.tile((first, together), chunk, &turn, a, out, place);
                    }
                }
            }
        }
    }

    /// One tile of rows from `first` on, all columns.
    ///
    /// # Safety
    /// As for [`Task::run`]; `a` holds the tile's words of the chunk.
    #[inline(always)]
    unsafe fn tile(
        &self,
        (first, together): (usize, usize),
        chunk: Chunk,
        turn: &Turn,
        a: *const u32,
        out: Shared,
        Place { rows, after, .. }: Place<'_>,
    ) {
        let one = self.section.uses.get(chunk.of);
        let (slot, across) = one.map_or((0, false), |one| (one.slot, one.a.across));
        let (column_from, column_to) = self.columns;
        let m = (self.rows.1 - first).min(ROWS);
        let words = chunk.to - chunk.from;
        let n_parts = (column_to - column_from).div_ceil(PANEL);
        for (part, column) in (column_from..column_to).step_by(PANEL).enumerate() {
            if let Some(one) = one {
                let scale = 1 + usize::from(self.bf16);
                let numbers = (chunk.from * scale, self.rights[one.b].k.min(chunk.to * scale));
                prefetch_a(&one.a, numbers, (first + together, self.rows.1), (part, n_parts));
            }
            let finish = match after {
                _ if !turn.last => Finish::Plain,
                After::Nothing => Finish::Plain,
                After::BiasRelu(bias) => Finish::BiasRelu(bias.as_ptr().wrapping_add(column)),
                After::Masked { .. } => Finish::Masked,
            };
            let columns = PANEL.min(column_to - column);
            let places = |slot: usize| {
                let mut places = [std::ptr::null_mut(); ROWS];
                for r in 0..m {
                    let at = self.section.row(first + r, slot).map_or(NOWHERE, |row| rows.get(row));
                    if at != NOWHERE {
                        // SAFETY: inside `out` by `Rows::fit`; these columns are this task's.
                        places[r] = unsafe { out.at(at + column, columns) };
                    }
                }
                places
            };
            let targets = places(slot);
            let mut masks = [std::ptr::null(); ROWS];
            if let After::Masked { activation, rows } = after {
                for r in 0..m {
                    let at = self.section.row(first + r, slot).map_or(NOWHERE, |row| rows.get(row));
                    masks[r] = activation.as_ptr().wrapping_add(at.wrapping_add(column));
                }
            }
            let others = if turn.split { [places(0), places(2)] } else { [[std::ptr::null_mut(); ROWS]; 2] };
            let [zero, two] = &others;
            let split = turn.split.then_some([zero, two]);
            let target =
                Target { rows: &targets, masks: &masks, n: columns, soon: &targets, add: turn.add, split, finish };
            // SAFETY: the caller's promise.
            unsafe {
                let b = self.packed.at(column / PANEL * self.panel + chunk.at * PANEL, words * PANEL).cast_const();
                match (across, self.bf16) {
                    (false, false) => along_f32(m, words, a, b, target),
                    (false, true) => along_bf16(m, words, a, b, target),
                    (true, false) => across_f32(words, a, b, target),
                    (true, true) => across_bf16(words, a, b, target),
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
