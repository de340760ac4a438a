//! CTF MEG recordings: a folder `.ds` with `.res4` (header), `.meg4` (samples), `.hc` (head coils) and text files about
//! channels, segments and markers.
//!
//! Channels, positions, annotations and the truncation by the system clock are as MNE-Python reads them
//! (`read_raw_ctf(…, system_clock="truncate", clean_names=True)`). Facts from "CTF MEG file formats" (VSM MedTech) and the layout that
//! MNE-Python and FieldTrip read.

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

pub use samples::Ctf;
