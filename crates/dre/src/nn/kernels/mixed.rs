//! Factors that are put together while they are packed: sums of rows of one matrix, so that no copy of them is made first.

use super::matmul::Mat;
use super::product::Rows;

/// Parts of a sum, at most.
pub(crate) const PARTS: usize = 3;

/// Parts of a sum: offsets (in numbers, or blocks of rows) and scales.
pub(crate) type Parts<'a> = &'a [(isize, f32)];

/// A matrix whose row `i` is `Σ scale · data[index(i) · distance + offset ..][..width]` over its parts. A part that begins or
/// ends outside of `data` is zero.
#[derive(Clone, Copy)]
pub(crate) struct Mixed<'a> {
    data: &'a [f32],
    width: usize,
    distance: usize,
    index: Rows<'a>,
    parts: [(isize, f32); PARTS],
    n_parts: usize,
}

impl<'a> Mixed<'a> {
    /// Rows of `width` numbers, `distance` apart, as they are; [`Mixed::at`] and [`Mixed::sum`] change that.
    pub(crate) fn rows(data: &'a [f32], width: usize, distance: usize) -> Self {
        Self { data, width, distance, index: Rows::Even(1), parts: [(0, 1.0); PARTS], n_parts: 1 }
    }

    /// The rows (or, where those are contiguous, the columns) of a matrix, of `width` numbers each.
    pub(crate) fn of(mat: Mat<'a>, width: usize) -> Self {
        Self::rows(mat.data, width, if mat.col == 1 { mat.row } else { mat.col })
    }

    /// The rows that an index names.
    pub(crate) fn at(self, index: Rows<'a>) -> Self {
        Self { index, ..self }
    }

    /// Sums of rows, by offset (in numbers) and scale.
    ///
    /// # Panics
    /// Where there are none or too many, or a single one has a scale: faults of the caller.
    pub(crate) fn sum(self, parts: Parts<'_>) -> Self {
        assert!(matches!(parts.len(), 1..=PARTS), "too many parts of a factor");
        assert!(parts.len() > 1 || parts[0].1.to_bits() == 1f32.to_bits(), "a single part is taken as it is");
        let mut all = [(0, 1.0); PARTS];
        all[..parts.len()].copy_from_slice(parts);
        Self { parts: all, n_parts: parts.len(), ..self }
    }

    /// Number of parts.
    pub(crate) fn n_parts(&self) -> usize {
        self.n_parts
    }

    /// Where the parts of row `i` lie, and their scales; the first `N` parts. Null for a part that is zero.
    #[inline(always)]
    pub(crate) fn row<const N: usize>(&self, i: usize) -> Spot<N> {
        let base = (self.index.get(i) * self.distance).cast_signed();
        let mut spot = Spot { at: [std::ptr::null(); N], scale: [1.0; N] };
        for part in 0..N {
            let (offset, scale) = self.parts[part];
            if let Ok(start) = usize::try_from(base + offset)
                && start + self.width <= self.data.len()
            {
                spot.at[part] = self.data.as_ptr().wrapping_add(start);
            }
            spot.scale[part] = scale;
        }
        spot
    }
}

/// One row: the sum of `N` rows of numbers with their scales. A null one is zero; a single one has no scale.
#[derive(Clone, Copy)]
pub(crate) struct Spot<const N: usize> {
    pub(crate) at: [*const f32; N],
    pub(crate) scale: [f32; N],
}
