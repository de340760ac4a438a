//! What the fuzz targets share: bytes become a recording's files, which are opened and read.
//!
//! Run one with `cargo +nightly fuzz run fif`, or on a stable toolchain with
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none fif`. Files of a format that has several are parted in the input
//! by [`BORDER`].

use std::fs;

use dre_io::open_recording;
use ndarray::Array2;

/// Parts the files of one recording in a fuzz input.
pub const BORDER: &[u8] = b"\n=====\n";

/// Writes the parts of `input` to files of these names and reads the recording `open`, a file or the folder of the files.
///
/// Missing parts are missing files.
///
/// # Panics
/// Where the reader does, which is what fuzzing looks for.
pub fn read(input: &[u8], open: &str, names: &[&str]) {
    let Ok(folder) = tempfile::tempdir() else { return };
    let mut rest = Some(input);
    for name in names {
        let Some(bytes) = rest else { break };
        let border = bytes.windows(BORDER.len()).position(|window| window == BORDER);
        let part = border.map_or(bytes, |at| &bytes[..at]);
        rest = border.map(|at| &bytes[at + BORDER.len()..]);
        let path = folder.path().join(name);
        if let Some(parent) = path.parent() {
            let _ = fs::create_dir_all(parent);
        }
        if fs::write(path, part).is_err() {
            return;
        }
    }
    let Ok(mut recording) = open_recording(&folder.path().join(open)) else { return };
    let (n_channels, n_times) = (recording.info().channels.len(), recording.info().n_times);
    let channels: Vec<usize> = (0..n_channels).collect();
    let n = n_times.min(100);
    let mut out = Array2::zeros((n_channels, n));
    for start in [0, n_times - n] {
        let _ = recording.read(&channels, start, out.view_mut());
    }
}
