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
