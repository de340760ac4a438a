//! The header (`.res4`).
//!
//! All values are big-endian. Fields lie at fixed places up to the run description, whose length they give; filters, channel names and
//! channel records follow it.

use std::path::Path;

use crate::{Error, Result};

use super::bytes::Cursor;

/// Where the number of samples of a trial stands; the other places follow from the sizes of the fields before them.
const N_SAMPLES: usize = 1288;
const SFREQ: usize = 1296;
const N_TRIALS: usize = 1312;
const PRE_TRIGGER: usize = 1316;
const DESCRIPTION_LENGTH: usize = 1836;
const DESCRIPTION: usize = 1844;
/// Bytes of a channel's name, and of a channel's record.
const NAME_BYTES: usize = 32;
const RECORD_BYTES: usize = 1328;
/// Coils that a channel's record has room for, twice: in device and in head coordinates.
const MAX_COILS: usize = 8;

/// What the header says, checked.
#[derive(Clone, Debug)]
pub(super) struct Res4 {
    /// Samples per channel and trial.
    pub(super) n_samples: usize,
    pub(super) sfreq: f64,
    pub(super) n_trials: usize,
    /// Samples before the trigger in each trial; below 0 where the trial begins after it.
    pub(super) pre_trigger: i32,
    pub(super) highpass: Option<f64>,
    pub(super) lowpass: Option<f64>,
    pub(super) channels: Vec<Res4Channel>,
}

/// A channel's record.
#[derive(Clone, Debug)]
pub(super) struct Res4Channel {
    /// As the header has it, with the site's number behind a dash: `MLC11-4304`.
    pub(super) name: String,
    pub(super) sensor: i16,
    pub(super) proper_gain: f64,
    pub(super) q_gain: f64,
    /// Order of the gradient that the recorder has computed, 0 to 3.
    pub(super) grade: i16,
    /// Positions (m) and normals of the first two coils, in CTF's device coordinates.
    pub(super) coils: [Res4Coil; 2],
}

/// A coil.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Res4Coil {
    pub(super) position: [f64; 3],
    pub(super) normal: [f64; 3],
}

impl Res4 {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = crate::files::read(path).map_err(Error::io("read", path))?;
        let mut cursor = Cursor::new(path, &bytes);
        let signature = cursor.take(8, "the signature")?;
        if !(signature.starts_with(b"MEG4") && signature[5..7] == *b"RS") {
            let problem = "not a CTF header: expected the signature MEG41RS or MEG42RS";
            return Err(cursor.fault(0, problem));
        }
        let mut fields = cursor.at(N_SAMPLES);
        let what = "number of samples per trial";
        let n_samples = positive(&cursor, N_SAMPLES, what, fields.i32(what)?)?;
        let (place, what) = (fields.place(), "number of channels");
        let n_channels = positive(&cursor, place, what, fields.i16(what)?)?;
        let sfreq = cursor.at(SFREQ).f64("the sampling frequency")?;
        if !(sfreq.is_finite() && (1e-3..=1e9).contains(&sfreq)) {
            return Err(cursor.fault(SFREQ, format!("the sampling frequency is {sfreq:e} Hz")));
        }
        let what = "number of trials";
        let n_trials = positive(&cursor, N_TRIALS, what, cursor.at(N_TRIALS).i16(what)?)?;
        let pre_trigger = cursor.at(PRE_TRIGGER).i32("samples before the trigger")?;
        let n_description = cursor.at(DESCRIPTION_LENGTH).i32("the length of the run description")?;
        let mut rest = cursor.at(DESCRIPTION);
        rest.skip(usize::try_from(n_description).unwrap_or(0), "the run description")?;
        let (highpass, lowpass) = filters(&mut rest)?;
        let channels = channels(&mut rest, n_channels)?;
        Ok(Self { n_samples, sfreq, n_trials, pre_trigger, highpass, lowpass, channels })
    }

    /// Time (s) of the trial's first sample before its trigger.
    pub(super) fn pre_trigger_time(&self) -> f64 {
        f64::from(self.pre_trigger) / self.sfreq
    }

    /// Length (s) of a trial.
    pub(super) fn trial_duration(&self) -> f64 {
        self.n_samples as f64 / self.sfreq
    }
}

/// A count above 0.
fn positive(cursor: &Cursor<'_>, place: usize, what: &str, found: impl Into<i64>) -> Result<usize> {
    let found = found.into();
    match usize::try_from(found) {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(cursor.fault(place, format!("the {what} is {found}, expected 1 or more"))),
    }
}

/// Edges (Hz) of the high-pass and low-pass filters that were applied while recording.
fn filters(cursor: &mut Cursor<'_>) -> Result<(Option<f64>, Option<f64>)> {
    const LOWPASS: i32 = 1;
    const HIGHPASS: i32 = 2;
    let place = cursor.place();
    let n_filters = cursor.i16("the number of filters")?;
    if n_filters < 0 {
        return Err(cursor.fault(place, format!("the number of filters is {n_filters}")));
    }
    let (mut highpass, mut lowpass) = (None, None);
    for _ in 0..n_filters {
        let place = cursor.place();
        let freq = cursor.f64("a filter's frequency")?;
        let _class = cursor.i32("a filter's class")?;
        let kind = cursor.i32("a filter's type")?;
        let n_parameters = cursor.i16("a filter's number of parameters")?;
        cursor.skip(usize::try_from(n_parameters).unwrap_or(0) * 8, "a filter's parameters")?;
        let edge = match kind {
            LOWPASS => &mut lowpass,
            HIGHPASS => &mut highpass,
            _ => continue,
        };
        if !(freq.is_finite() && freq >= 0.0) {
            return Err(cursor.fault(place, format!("a filter's frequency is {freq:e} Hz")));
        }
        *edge = Some(freq);
    }
    Ok((highpass, lowpass))
}

fn channels(cursor: &mut Cursor<'_>, n_channels: usize) -> Result<Vec<Res4Channel>> {
    let what = format!("names and records of {n_channels} channels");
    let start = cursor.place();
    cursor.skip(n_channels * (NAME_BYTES + RECORD_BYTES), &what)?;
    let mut names = cursor.at(start);
    let mut records = cursor.at(start + n_channels * NAME_BYTES);
    let mut channels = Vec::with_capacity(n_channels);
    for index in 0..n_channels {
        let name = names.text(NAME_BYTES, &format!("the name of channel {}", index + 1))?;
        let end = records.place() + RECORD_BYTES;
        channels.push(record(&mut records, name)?);
        records = records.at(end);
    }
    Ok(channels)
}

fn record(cursor: &mut Cursor<'_>, name: String) -> Result<Res4Channel> {
    let what = "a channel's record";
    let sensor = cursor.i16(what)?;
    cursor.skip(2 + 4, what)?; // Original run, type of the coil.
    let place = cursor.place();
    let (proper_gain, q_gain) = (cursor.f64(what)?, cursor.f64(what)?);
    let gain = proper_gain * q_gain;
    if !(gain.is_normal() && gain.recip().is_finite()) {
        let problem =
            format!("the gain of channel `{name}` is {proper_gain:e} × {q_gain:e}, expected numbers other than 0");
        return Err(cursor.fault(place, problem));
    }
    cursor.skip(8 + 8 + 2, what)?; // Gain and offset of the input, number of coils.
    let place = cursor.place();
    let grade = cursor.i16(what)?;
    if !(0..=3).contains(&grade) {
        let problem = format!("the gradient order of channel `{name}` is {grade}, expected 0 to 3");
        return Err(cursor.fault(place, problem));
    }
    cursor.skip(4, what)?;
    let mut coils = [Res4Coil::default(); 2];
    for coil in &mut coils {
        let place = cursor.place();
        coil.position = cursor.vector(what)?.map(|centimetres| centimetres / 100.0);
        cursor.skip(8, what)?;
        coil.normal = cursor.vector(what)?;
        cursor.skip(8 + 2 + 4 + 2 + 8, what)?; // Turns, area and unused fields.
        if coil.position.iter().chain(&coil.normal).any(|x| !x.is_finite() || x.abs() >= 1e6) {
            let problem = format!("a coil of channel `{name}` lies at {:?} m, normal {:?}", coil.position, coil.normal);
            return Err(cursor.fault(place, problem));
        }
    }
    Ok(Res4Channel { name, sensor, proper_gain, q_gain, grade, coils })
}

const _: () = assert!(RECORD_BYTES == 48 + 2 * MAX_COILS * 80, "a record is its fields and its coils");
