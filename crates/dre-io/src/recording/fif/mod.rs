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
    let is = |path: &Path, extension: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension));
    is(path, "fif") || (is(path, "gz") && path.file_stem().is_some_and(|stem| is(Path::new(stem), "fif")))
}
