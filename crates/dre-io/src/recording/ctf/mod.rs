//! CTF MEG recordings: a folder `.ds` with `.res4` (header), `.meg4` (samples), `.hc` (head coils) and text files about
//! channels, segments and markers.
//!
//! Channels, positions, annotations and the truncation by the system clock are as MNE-Python reads them
//! (`read_raw_ctf(…, system_clock="truncate", clean_names=True)`). Facts from the document "CTF MEG file formats" and the layout that MNE-Python reads.

mod bytes;
mod channels;
mod digitised;
mod files;
mod geometry;
mod head;
mod notes;
mod res4;
mod samples;
mod text;

use std::path::Path;

pub use samples::Ctf;

/// A channel's name without the site's number, where the recording at `path` is one of CTF's.
pub(super) fn bare_name<'a>(path: &Path, name: &'a str) -> Option<&'a str> {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ds")).then(|| channels::clean_name(name))
}
