//! The samples.

use std::path::{Path, PathBuf};

use ndarray::ArrayViewMut2;

use crate::recording::frames::{Frames, NumberType, Orientation};
use crate::recording::tidy::tidy_annotations;
use crate::recording::{Recording, RecordingInfo, check_request, check_there};
use crate::{Error, Result};

use super::dataset::Dataset;
use super::hdf5::{DatasetOf, Samples};
use super::value::{Place, Stored, Value};
use super::{channels, events};

/// How much deflated bytes can grow (1032 : 1), with some room.
const MOST_GROWTH: u64 = 1040;

/// An open EEGLAB dataset.
#[derive(Debug)]
pub struct Eeglab {
    info: RecordingInfo,
    scales: Vec<f64>,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Frames(Frames),
    Hdf5(Box<Samples>),
}

impl Eeglab {
    /// Opens a dataset by its `.set`.
    ///
    /// Samples that lie deflated in a file of version 5 to 7 are inflated once into a temporary file; all others are read where
    /// they are.
    ///
    /// # Errors
    /// [`Error::Format`] for a file that is not MATLAB's or not EEGLAB's, is damaged (with the byte), or holds epochs or several
    /// datasets; [`Error::MissingPart`] where the `.fdt` is not there, [`Error::DataSize`] where its size is another than the
    /// `.set` says; [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self> {
        let Dataset { n_channels, n_times, sfreq, data, chanlocs, events } = Dataset::read(path)?;
        let mut notes = Vec::new();
        let (channels, scales) = channels::read(path, &chanlocs, n_channels, &mut notes)?;
        let annotations = events::read(path, &events, sfreq, &mut notes)?;
        let mut info = RecordingInfo::new(path, sfreq, n_times, channels);
        info.annotations = annotations;
        let source = match data {
            Value::Samples(stored) => embedded(path, *stored, n_channels, n_times)?,
            Value::Text(name) => {
                let data_file = data_file(path, &name, &mut notes)?;
                info.files.push(data_file.clone());
                Source::Frames(separate(path, data_file, n_channels, n_times)?)
            }
            _ => {
                let advice = "save the dataset again in EEGLAB";
                return Err(Error::format(path, "EEG.data is neither real numbers nor the name of a file", advice));
            }
        };
        info.notes = notes;
        tidy_annotations(&mut info);
        Ok(Self { info, scales, source })
    }
}

impl Recording for Eeglab {
    fn info(&self) -> &RecordingInfo {
        &self.info
    }

    fn read(&mut self, channels: &[usize], start: usize, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_request(&self.info, channels, start, &out)?;
        match &mut self.source {
            Source::Frames(frames) => frames.read(channels, start, &self.scales, &mut out),
            Source::Hdf5(samples) => samples.read(&self.info.path, channels, start, &self.scales, &mut out),
        }
    }
}

/// Samples in the `.set` itself.
fn embedded(path: &Path, stored: Stored, n_channels: usize, n_times: usize) -> Result<Source> {
    let Stored { dims, place } = stored;
    // One channel may lie along either dimension: the numbers are the same.
    let expected = [n_channels as u64, n_times as u64];
    let fits = dims == expected || (n_channels == 1 && dims == [expected[1], 1]);
    if !fits {
        return Err(Error::format(
            path,
            format!("EEG.data is of size {dims:?}, but EEG.nbchan is {n_channels} and EEG.pnts {n_times}"),
            "open the dataset in EEGLAB, which checks it, and save it again",
        ));
    }
    Ok(match place {
        Place::Hdf5(dataset, number) => {
            let transposed = n_channels == 1 && dims != expected;
            if transposed {
                let advice = "open the dataset in EEGLAB, which corrects it, and save it again";
                return Err(Error::format(path, "EEG.data holds its only channel as a column", advice));
            }
            // Deflated bytes grow a thousandfold at most; a data set of which nothing is stored could be of any size.
            let file_bytes = std::fs::metadata(path).map_err(Error::io("read", path))?.len();
            let n_bytes = (number.n_bytes() as u64 * n_channels as u64).checked_mul(n_times as u64);
            if n_bytes.is_none_or(|n_bytes| n_bytes > file_bytes.saturating_mul(MOST_GROWTH)) {
                return Err(Error::format(
                    path,
                    format!("EEG.data is of size {dims:?}, which a file of {file_bytes} bytes cannot hold"),
                    "the file is damaged or incomplete; copy it again from the source",
                ));
            }
            Source::Hdf5(Box::new(Samples { dataset: DatasetOf(dataset), number, n_channels }))
        }
        Place::File { file, offset, number, big_endian } => Source::Frames(Frames {
            path: path.to_owned(),
            file,
            offset,
            number,
            big_endian,
            orientation: Orientation::Multiplexed,
            n_channels,
            n_times,
            bytes: Vec::new(),
        }),
    })
}

/// The file beside the `.set` that its `EEG.data` names, or the one of the set's own name where files were renamed.
fn data_file(path: &Path, name: &str, notes: &mut Vec<String>) -> Result<PathBuf> {
    let file_name = name.rsplit(['/', '\\']).next().unwrap_or(name).trim();
    let named = path.with_file_name(file_name);
    let own = path.with_extension("fdt");
    if !file_name.is_empty() && (named.is_file() || named.is_symlink()) {
        return Ok(named);
    }
    if own.is_file() || own.is_symlink() {
        notes.push(format!(
            "{}: names the data file `{file_name}`, which is not in its folder; the one of its own name was read",
            path.display()
        ));
        return Ok(own);
    }
    Err(Error::MissingPart {
        path: path.to_owned(),
        what: "data file",
        name: file_name.to_owned(),
        advice: "copy it there from the source; a dataset of EEGLAB may be of two files".to_owned(),
    })
}

/// Samples as f32 in a file of their own: `.fdt` sample by sample, the older `.dat` channel by channel.
fn separate(path: &Path, data_file: PathBuf, n_channels: usize, n_times: usize) -> Result<Frames> {
    check_there(&data_file)?;
    let file = crate::files::open(&data_file).map_err(Error::io("open", &data_file))?;
    let found = file.metadata().map_err(Error::io("read", &data_file))?.len();
    let expected = (n_channels as u64 * 4).checked_mul(n_times as u64);
    if expected != Some(found) {
        let bytes = expected.map_or("more".to_owned(), |bytes| bytes.to_string());
        return Err(Error::DataSize {
            path: data_file,
            header: path.to_owned(),
            found,
            expected: format!("{bytes} bytes ({n_times} samples × {n_channels} channels × 4 bytes)"),
        });
    }
    let is_dat = data_file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("dat"));
    Ok(Frames {
        path: data_file,
        file,
        offset: 0,
        number: NumberType::F32,
        big_endian: false,
        orientation: if is_dat { Orientation::Vectorized } else { Orientation::Multiplexed },
        n_channels,
        n_times,
        bytes: Vec::new(),
    })
}
