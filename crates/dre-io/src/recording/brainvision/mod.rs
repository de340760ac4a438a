//! BrainVision Core Data Format: `.vhdr` (header), `.vmrk` (markers), `.eeg` (samples).
//!
//! Facts from "BrainVision Core Data Format 1.0" (Brain Products).

mod header;
mod markers;
mod read;
mod text;
mod write;

pub use read::BrainVision;
pub use write::write_brainvision;

/// First line of a header file.
const HEADER_SIGNATURE: &str = "Brain Vision Data Exchange Header File Version 1.0";
/// First line of a marker file.
const MARKER_SIGNATURE: &str = "Brain Vision Data Exchange Marker File, Version 1.0";
