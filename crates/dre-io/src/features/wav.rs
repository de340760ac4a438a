//! The envelope of a sound.

use std::io::BufReader;
use std::path::Path;

use dre::features::Track;
use hound::{SampleFormat, WavReader};

use crate::recording::check_there;
use crate::{Error, Result};

/// The rectified sound is averaged to about this many values per second before it is low-passed.
const BINS_PER_SECOND: f64 = 1000.0;

/// Broadband amplitude envelope of a WAV file: mean over channels, absolute value, mean over bins of about 1 ms, low-pass at
/// `h_freq` (Hz) with zero phase, not below 0. Full scale is 1. The sound itself is not held in memory.
///
/// Its first value stands at the middle of the first bin; `start` is the time of that, the sound's first sample being 0 s.
///
/// # Errors
/// [`Error::Io`], [`Error::NotFetched`]; [`Error::Format`] for a file that is no PCM or float WAV or is cut short;
/// [`dre::Error::Setting`] where `h_freq` is not below half of the bins' frequency.
pub fn read_envelope(path: &Path, h_freq: f64) -> Result<Track> {
    check_there(path)?;
    let damaged = |e: hound::Error| match e {
        hound::Error::IoError(source) => Error::io("read", path)(source),
        other => Error::format(path, other.to_string(), "save the sound as PCM or 32-bit float WAV"),
    };
    let file = crate::files::open(path).map_err(Error::io("open", path))?;
    let mut reader = WavReader::new(BufReader::new(file)).map_err(damaged)?;
    let spec = reader.spec();
    let (n_channels, rate) = (usize::from(spec.channels), f64::from(spec.sample_rate));
    if n_channels == 0 || rate <= 0.0 {
        let problem = format!("{n_channels} channels at {rate} Hz");
        return Err(Error::format(path, problem, "save the sound again; its header is damaged"));
    }
    let n_bin = ((rate / BINS_PER_SECOND).round() as usize).max(1);
    let mut bins = Bins { n_channels, n_bin, ..Bins::default() };
    match spec.sample_format {
        SampleFormat::Float => {
            for sample in reader.samples::<f32>() {
                bins.push(f64::from(sample.map_err(damaged)?));
            }
        }
        SampleFormat::Int => {
            let full_scale = f64::from(spec.bits_per_sample - 1).exp2();
            for sample in reader.samples::<i32>() {
                bins.push(f64::from(sample.map_err(damaged)?) / full_scale);
            }
        }
    }
    let values = bins.finish();
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        let problem = format!("a sample near {:.3} s is no finite number", (at * n_bin) as f64 / rate);
        return Err(Error::format(path, problem, "save the sound again"));
    }
    let mut track = Track { start: (n_bin as f64 - 1.0) / 2.0 / rate, sfreq: rate / n_bin as f64, values, band: None };
    if track.values.is_empty() {
        return Err(Error::format(path, "no sample", "leave out the event, or give a sound"));
    }
    track.low_pass(h_freq)?;
    // The filter may ring below zero, which no amplitude is.
    track.values.iter_mut().for_each(|value| *value = value.max(0.0));
    Ok(track)
}

/// Means of absolute values.
#[derive(Default)]
struct Bins {
    n_channels: usize,
    n_bin: usize,
    frame: f64,
    n_in_frame: usize,
    sum: f64,
    n_in_bin: usize,
    values: Vec<f64>,
}

impl Bins {
    fn push(&mut self, sample: f64) {
        self.frame += sample;
        self.n_in_frame += 1;
        if self.n_in_frame < self.n_channels {
            return;
        }
        self.sum += (self.frame / self.n_channels as f64).abs();
        (self.frame, self.n_in_frame) = (0.0, 0);
        self.n_in_bin += 1;
        if self.n_in_bin == self.n_bin {
            self.values.push(self.sum / self.n_bin as f64);
            (self.sum, self.n_in_bin) = (0.0, 0);
        }
    }

    /// All bins; the last one may be of fewer samples.
    fn finish(mut self) -> Vec<f64> {
        if self.n_in_bin > 0 {
            self.values.push(self.sum / self.n_in_bin as f64);
        }
        self.values
    }
}
