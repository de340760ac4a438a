//! A slice that several threads write to in turns or in disjoint parts.

/// A raw view of a slice for kernels whose threads share it.
///
/// It checks bounds (in debug builds) but not exclusivity: whoever reads or writes through it argues why no other thread
/// touches the same numbers at that time.
#[derive(Clone, Copy)]
pub(crate) struct Shared {
    start: *mut f32,
    len: usize,
}

// SAFETY: it is a pointer with a length; every access through it is an `unsafe` call with its own argument.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    pub(crate) fn new(slice: &mut [f32]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len() }
    }

    /// Pointer to `n` numbers from `offset` on.
    ///
    /// # Safety
    /// The slice is alive, and no other thread writes (or, if this one writes, reads) these numbers at the same time.
    #[inline(always)]
    pub(crate) unsafe fn at(self, offset: usize, n: usize) -> *mut f32 {
        debug_assert!(offset + n <= self.len, "{offset} + {n} is past the end ({})", self.len);
        // SAFETY: inside the slice by the kernel's own shape checks.
        unsafe { self.start.add(offset) }
    }
}
