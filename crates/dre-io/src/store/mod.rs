//! Files and folders that are there whole or not at all, and the formats that they hold.

mod atomic;
mod cut_short;
mod error;
mod hold;
mod manifest;
mod npy;
mod rows;
mod table;
mod tensors;
mod together;

pub use atomic::{NewFile, NewFolder, clear_temporaries, read_json, write_file, write_json};
#[cfg(unix)]
pub use cut_short::exit_where_a_map_ends;
pub use error::StoreError;
pub use hold::{Hold, RUN_FILE};
pub use manifest::{Fault, MANIFEST_FILE, Manifest, manifests};
pub use npy::{MappedHalfNpy, MappedNpy, NpyWriter, Number, write_npy, write_npy_parts};
pub use rows::{RowFile, RowSink};
pub use table::cell;
pub use tensors::{read_tensors, write_tensors};
pub use together::{write_more, write_together};
