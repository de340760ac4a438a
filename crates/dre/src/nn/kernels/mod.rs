//! The arithmetic that everything else is made of. All `unsafe` code of the crate lives in this folder.

#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "only packed products are made in pieces"))]
pub(crate) mod barrier;
pub(crate) mod matmul;
pub(crate) mod memory;
#[cfg(target_arch = "x86_64")]
mod mixed;
#[cfg(target_arch = "x86_64")]
mod packed;
#[cfg(target_arch = "x86_64")]
mod packing;
pub(crate) mod product;
pub(crate) mod recurrent;
pub(crate) mod recurrent_backward;
#[cfg(target_arch = "x86_64")]
pub(crate) mod recurrent_words;
pub(crate) mod shared;
pub(crate) mod simd;
pub(crate) mod threads;
#[cfg(target_arch = "x86_64")]
mod tile;
#[cfg(target_arch = "x86_64")]
pub(crate) mod two_taps;
#[cfg(target_arch = "x86_64")]
mod words;

pub use simd::Isa;
pub use threads::Threads;

/// How numbers are multiplied: with which instructions, and whether as `bf16` with sums in `f32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arithmetic {
    pub(crate) isa: Isa,
    /// Only where [`Isa::has_bf16`].
    pub(crate) bf16: bool,
}

#[cfg(test)]
mod testing {
    /// `n` numbers between −1 and 1 in no order.
    pub(super) fn values(n: usize, seed: u32) -> Vec<f32> {
        let hash = |i: usize| (i as u32).wrapping_mul(2_654_435_761).wrapping_add(seed.wrapping_mul(40_503));
        (0..n)
            .map(|i| (hash(i) ^ (hash(i) >> 15)).wrapping_mul(0x2c1b_3c6d))
            .map(|h| (h >> 8) as f32 / 8_388_608.0 - 1.0)
            .collect()
    }
}
