//! The structure `EEG`, taken out of a file of either version.

use std::io::Read;
use std::path::Path;

use crate::{Error, Result};

use super::value::{Structs, Value, Want};
use super::{hdf5, mat5};

const CHANLOCS: Want = Want::Fields(&[
    ("labels", Want::Value),
    ("type", Want::Value),
    ("X", Want::Value),
    ("Y", Want::Value),
    ("Z", Want::Value),
]);
const EVENT: Want = Want::Fields(&[("type", Want::Value), ("latency", Want::Value), ("duration", Want::Value)]);

/// What is wanted of the structure `EEG`, and more.
macro_rules! fields {
    ($($more:expr),*) => {
        [
            ("nbchan", Want::Value),
            ("trials", Want::Value),
            ("pnts", Want::Value),
            ("srate", Want::Value),
            ("data", Want::Samples),
            ("chanlocs", CHANLOCS),
            ("event", EVENT),
            $($more),*
        ]
    };
}

/// Some programs write the structure into one of the same name.
static INNER: [(&str, Want); 7] = fields!();
static EEG: [(&str, Want); 8] = fields!(("EEG", Want::Fields(&INNER)));
/// The fields of the structure may also be variables of their own.
static VARIABLES: [(&str, Want); 9] = fields!(("EEG", Want::Fields(&EEG)), ("ALLEEG", Want::Value));

/// A dataset as EEGLAB describes it.
#[derive(Debug)]
pub(super) struct Dataset {
    pub(super) n_channels: usize,
    pub(super) n_times: usize,
    pub(super) sfreq: f64,
    /// A place, or the name of a file.
    pub(super) data: Value,
    pub(super) chanlocs: Value,
    pub(super) events: Value,
}

impl Dataset {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let mut file = crate::files::open(path).map_err(Error::io("open", path))?;
        let mut start = [0; 10];
        let n = file.read(&mut start).map_err(Error::io("read", path))?;
        let want = Want::Fields(&VARIABLES);
        let mut eeg = if start[..n].starts_with(b"MATLAB 7.3") || start[..n].starts_with(b"\x89HDF\r\n\x1a\n") {
            hdf5::read(path, &file, &want)?
        } else {
            mat5::read(path, &file, &want)?
        };
        if eeg.place("ALLEEG").is_some() {
            let advice = "open it in EEGLAB and save each dataset as a file of its own";
            return Err(Error::format(path, "holds several datasets (ALLEEG)", advice));
        }
        for _ in 0..2 {
            if let Some(Value::Structs(inner)) = eeg.take("EEG") {
                eeg = *inner;
            }
        }
        Self::from_fields(path, eeg)
    }

    fn from_fields(path: &Path, mut eeg: Structs) -> Result<Self> {
        let mut count = |name: &str, most: f64| -> Result<usize> {
            let value = eeg.take(name).unwrap_or(Value::Number(1.0, true));
            match value.number() {
                Some(number) if number >= 1.0 && number <= most && number.fract() == 0.0 => Ok(number as usize),
                _ => {
                    let problem = format!("EEG.{name} is {}, expected a whole number above 0", value.to_text());
                    Err(Error::format(path, problem, "open the dataset in EEGLAB, which checks it, and save it again"))
                }
            }
        };
        let n_trials = count("trials", f64::from(u32::MAX))?;
        if n_trials != 1 {
            return Err(Error::format(
                path,
                format!("holds {n_trials} epochs; a continuous recording is expected"),
                "give the dataset as it was before it was cut into epochs; dre cuts epochs itself",
            ));
        }
        let n_channels = count("nbchan", f64::from(u16::MAX))?;
        let n_times = count("pnts", 1e15)?;
        let sfreq =
            eeg.take("srate").and_then(|value| value.number()).filter(|sfreq| sfreq.is_finite() && *sfreq > 0.0);
        let Some(sfreq) = sfreq else {
            let advice = "open the dataset in EEGLAB and set its sampling rate";
            return Err(Error::format(path, "EEG.srate is not a frequency in Hz above 0", advice));
        };
        let Some(data) = eeg.take("data") else {
            let advice = "check that it is a dataset that EEGLAB saved";
            return Err(Error::format(path, "there is no field EEG.data", advice));
        };
        let mut field = |name| eeg.take(name).unwrap_or(Value::Empty);
        Ok(Self { n_channels, n_times, sfreq, data, chanlocs: field("chanlocs"), events: field("event") })
    }
}
