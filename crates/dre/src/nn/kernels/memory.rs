//! Memory of signals and packed factors.

use std::ops::{Deref, DerefMut};

use bytemuck::Pod;
use memmap2::MmapMut;

/// Numbers in a cache line.
pub(crate) const LINE: usize = 16;

/// Bytes from which on memory comes from the operating system itself, in large pages where it has them. The rows that a
/// product reads together lie kilobytes apart: in pages of 4 KiB each would need its own translation of addresses.
const LARGE: usize = 4 << 20;

/// A slice of numbers of its own that begins at a cache line, so that no vector of an aligned row crosses one.
#[derive(Debug)]
pub(crate) struct Buffer<T = f32> {
    memory: Memory<T>,
    len: usize,
}

#[derive(Debug)]
enum Memory<T> {
    Heap { data: Vec<T>, start: usize },
    Mapped(MmapMut),
}

impl<T> Default for Buffer<T> {
    fn default() -> Self {
        Self { memory: Memory::Heap { data: Vec::new(), start: 0 }, len: 0 }
    }
}

impl<T: Pod> Buffer<T> {
    /// `len` zeros.
    pub(crate) fn zeros(len: usize) -> Self {
        const { assert!(size_of::<T>() == 64 / LINE) };
        let mapped = (len * size_of::<T>() >= LARGE).then(|| MmapMut::map_anon(len * size_of::<T>()));
        if let Some(Ok(map)) = mapped {
            // Advice, no more: without large pages it is only slower.
            #[cfg(target_os = "linux")]
            let _ = map.advise(memmap2::Advice::HugePage);
            return Self { memory: Memory::Mapped(map), len };
        }
        let data = vec![T::zeroed(); len + LINE];
        // The offset may be unknown in constant evaluation; any start within a line is right, an aligned one is fast.
        let start = data.as_ptr().align_offset(64).min(LINE);
        Self { memory: Memory::Heap { data, start }, len }
    }

    /// The first `n` numbers; where there are not as many, of new ones, which are zero.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "factors are packed for AVX-512 only"))]
    pub(crate) fn at_least(&mut self, n: usize) -> &mut [T] {
        if self.len < n {
            // What is there goes first, so that both are never held together.
            *self = Self::default();
            *self = Self::zeros(n);
        }
        &mut self[..n]
    }
}

impl<T: Pod> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.memory {
            Memory::Heap { data, start } => &data[*start..start + self.len],
            Memory::Mapped(map) => bytemuck::cast_slice(map),
        }
    }
}

impl<T: Pod> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.memory {
            Memory::Heap { data, start } => &mut data[*start..*start + self.len],
            Memory::Mapped(map) => bytemuck::cast_slice_mut(map),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_at_a_line_and_has_its_length() {
        for len in [0, 1, 15, 16, 17, 100_000, LARGE / 4 - 1, LARGE / 4, LARGE / 4 + 7] {
            let mut buffer = Buffer::<f32>::zeros(len);
            assert_eq!(buffer.as_ptr() as usize % 64, 0);
            assert!(buffer.len() == len && buffer.iter().all(|&x| x == 0.0));
            buffer.fill(1.0);
            assert_eq!(buffer.iter().filter(|x| x.to_bits() == 1f32.to_bits()).count(), len);
        }
    }

    #[test]
    fn grows_where_it_is_too_small() {
        let mut buffer = Buffer::<u32>::default();
        for (n, has) in [(3, 3), (2, 3), (LARGE, LARGE), (5, LARGE)] {
            assert_eq!(buffer.at_least(n).len(), n);
            assert_eq!(buffer.len(), has);
        }
    }
}
