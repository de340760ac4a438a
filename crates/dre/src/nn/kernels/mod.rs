//! The arithmetic that everything else is made of. All `unsafe` code of the crate lives in this folder.

pub(crate) mod barrier;
pub(crate) mod matmul;
pub(crate) mod recurrent;
pub(crate) mod recurrent_backward;
pub(crate) mod shared;
pub(crate) mod simd;
pub(crate) mod threads;

pub use simd::Isa;
pub use threads::Threads;
