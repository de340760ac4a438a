//! A slice that several threads write to in turns or in disjoint parts.

/// A raw view of numbers for kernels whose threads share it.
pub(crate) type Shared = SharedOf<f32>;
/// The same of packed words.
pub(crate) type SharedWords = SharedOf<u32>;

/// A raw view of a slice for kernels whose threads share it.
///
/// It checks bounds (in debug builds) but not exclusivity: whoever reads or writes through it argues why no other thread
/// touches the same numbers at that time.
pub(crate) struct SharedOf<T> {
    start: *mut T,
    len: usize,
}

impl<T> Clone for SharedOf<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for SharedOf<T> {}

// SAFETY: it is a pointer with a length; every access through it is an `unsafe` call with its own argument.
unsafe impl<T: Send> Send for SharedOf<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for SharedOf<T> {}

impl<T> SharedOf<T> {
    pub(crate) fn new(slice: &mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len() }
    }

    /// Pointer to `n` numbers from `offset` on.
    ///
    /// # Safety
    /// The slice is alive, and no other thread writes (or, if this one writes, reads) these numbers at the same time.
    #[inline(always)]
    pub(crate) unsafe fn at(self, offset: usize, n: usize) -> *mut T {
        debug_assert!(offset + n <= self.len, "{offset} + {n} is past the end ({})", self.len);
        // SAFETY: inside the slice by the kernel's own shape checks.
        unsafe { self.start.add(offset) }
    }
}
