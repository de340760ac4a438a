//! The network's operations, one per file, forward and backward over buffers that the caller owns.

pub(crate) mod loss;
pub(crate) mod lstm;
pub(crate) mod shifted;
pub(crate) mod span;
