//! FIF raw recordings (`.fif`): Neuromag/MEGIN, and what MNE wrote from other systems.
//!
//! Facts from "Functional image file format" (Neuromag/MEGIN), the FIFF constants' dictionary, and the behaviour of
//! MNE-Python 1.13.

mod annotations;
mod channels;
mod constants;
mod decode;
mod measurement;
mod part;
mod read;
mod source;
mod tree;
mod value;
mod write;

use std::path::Path;

pub use read::Fif;
pub use write::{FifFormat, FifOptions, FifWriter, SplitNaming, write_fif};

/// Whether a name says that a file is FIF, compressed or not.
pub(super) fn is_fif_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    name.ends_with(".fif") || name.ends_with(".fif.gz")
}
