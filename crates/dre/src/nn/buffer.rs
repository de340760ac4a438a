//! Numbers that begin at a cache line.

use std::ops::{Deref, DerefMut};

/// Numbers in a cache line.
pub(crate) const LINE: usize = 16;

/// A slice of numbers of its own that begins at a cache line, so that no vector of an aligned row crosses one.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    data: Vec<f32>,
    start: usize,
    len: usize,
}

impl Buffer {
    /// `len` zeros.
    pub(crate) fn zeros(len: usize) -> Self {
        let data = vec![0f32; len + LINE];
        // The offset may be unknown in constant evaluation; any start within a line is right, an aligned one is fast.
        let start = data.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE);
        Self { data, start, len }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.data[self.start..self.start + self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.data[self.start..self.start + self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_at_a_line_and_has_its_length() {
        for len in [0, 1, 15, 16, 17, 100_000] {
            let mut buffer = Buffer::zeros(len);
            assert_eq!(buffer.as_ptr() as usize % 64, 0);
            assert!(buffer.len() == len && buffer.iter().all(|&x| x == 0.0));
            buffer.fill(1.0);
            assert_eq!(buffer.iter().filter(|x| x.to_bits() == 1f32.to_bits()).count(), len);
        }
    }
}
