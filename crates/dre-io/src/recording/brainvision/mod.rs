//! BrainVision Core Data Format: `.vhdr` (header), `.vmrk` (markers), `.eeg` (samples).
//!
//! Facts from "BrainVision Core Data Format 1.0" (Brain Products). Channels, types, scaling, positions, filters and markers are
//! those that MNE-Python 1.13 reads with its default arguments. Beyond it, `UINT_16` and big-endian samples are read and
//! samples that are nonsense are refused: a data file whose size does not match the header, a header without its parts.

mod ascii;
mod coordinates;
mod filters;
mod header;
mod markers;
mod read;
mod text;
mod write;

pub use read::BrainVision;
pub use write::{BrainVisionWriter, write_brainvision};

/// First line of a header file.
const HEADER_SIGNATURE: &str = "Brain Vision Data Exchange Header File Version 1.0";
/// First line of a marker file.
const MARKER_SIGNATURE: &str = "Brain Vision Data Exchange Marker File, Version 1.0";
