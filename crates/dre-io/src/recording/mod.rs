//! Recordings: one interface over the file formats.
//!
//! A format implements [`Recording`] and joins [`open_recording`]; everything else in the workspace knows recordings
//! through these two only.

pub mod brainvision;
pub mod ctf;
mod describe;
pub mod edf;
pub mod eeglab;
pub mod fif;
mod frames;
mod info;
mod projection;
mod tidy;
mod triggers;

use std::path::Path;

use ndarray::ArrayViewMut2;

use crate::{Error, Result};

pub use describe::{ChannelNote, describe};
pub use info::{
    Annotation, Coil, Compensation, DigKind, DigPoint, MeasDate, Projector, ProjectorKind, RecordingChannel,
    RecordingInfo, Unit,
};
pub use projection::with_projectors;
pub use triggers::{read_events, stim_channels};

/// The formats that [`open_recording`] reads, for messages.
pub const SUPPORTED_FORMATS: &str =
    "BrainVision (.vhdr, .ahdr), CTF (.ds), EDF (.edf), BDF (.bdf), EEGLAB (.set), FIF (.fif)";

/// An open recording: what it holds, and its samples in SI units, a block at a time.
pub trait Recording: Send {
    /// What the recording holds.
    fn info(&self) -> &RecordingInfo;

    /// Reads samples `start .. start + out.ncols()` of the channels with these positions, row by row, in SI units.
    ///
    /// Memory beyond `out` does not grow with the request.
    ///
    /// # Errors
    /// [`dre::Error::Shape`] for a request outside the recording or rows that are not as many as the channels,
    /// [`Error::Io`] where the file cannot be read.
    fn read(&mut self, channels: &[usize], start: usize, out: ArrayViewMut2<'_, f64>) -> Result<()>;
}

/// Opens a recording with the reader that its extension asks for.
///
/// # Errors
/// [`Error::Io`] where it is not there, [`Error::NotFetched`] for an empty link, [`Error::UnsupportedFormat`] where no reader knows the extension, and whatever
/// the reader finds wrong in the file.
pub fn open_recording(path: &Path) -> Result<Box<dyn Recording>> {
    check_there(path)?;
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match extension.as_str() {
        "vhdr" | "ahdr" => Ok(Box::new(brainvision::BrainVision::open(path)?)),
        "ds" => Ok(Box::new(ctf::Ctf::open(path)?)),
        "edf" | "bdf" => Ok(Box::new(edf::Edf::open(path)?)),
        "fif" | "gz" if fif::is_fif_name(path) => Ok(Box::new(fif::Fif::open(path)?)),
        "set" => Ok(Box::new(eeglab::Eeglab::open(path)?)),
        _ => Err(Error::UnsupportedFormat {
            path: path.to_owned(),
            found: if extension.is_empty() { "no extension".to_owned() } else { format!(".{extension}") },
            supported: SUPPORTED_FORMATS,
        }),
    }
}

/// Checks that a file can be opened, and tells a missing one from a link whose content was never fetched.
pub(crate) fn check_there(path: &Path) -> Result<()> {
    match std::fs::metadata(path) {
        Ok(_) => Ok(()),
        Err(_) if path.is_symlink() => Err(Error::NotFetched { path: path.to_owned() }),
        Err(error) => Err(Error::io("open", path)(error)),
    }
}

/// Checks a request to [`Recording::read`]; for readers.
pub(crate) fn check_request(
    info: &RecordingInfo,
    channels: &[usize],
    start: usize,
    out: &ArrayViewMut2<'_, f64>,
) -> Result<()> {
    let (n_rows, n_times) = out.dim();
    let fits = n_rows == channels.len()
        && channels.iter().all(|channel| *channel < info.channels.len())
        && start.checked_add(n_times).is_some_and(|end| end <= info.n_times);
    if fits {
        return Ok(());
    }
    Err(dre::Error::Shape {
        what: format!("block of channels {channels:?} from sample {start}"),
        found: vec![n_rows, n_times],
        expected: format!("a part of ({}, {}), one row for each channel", info.channels.len(), info.n_times),
    }
    .into())
}
