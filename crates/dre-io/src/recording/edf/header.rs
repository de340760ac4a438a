//! The header: 256 bytes for the file and 256 for each signal, all of it text in fields of fixed width.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::{Error, Result};

/// Bytes of the part about the file, and of the part about each signal.
const PART: usize = 256;

/// What the header says, checked.
#[derive(Clone, Debug)]
pub(super) struct Header {
    /// Bytes before the first record.
    pub(super) data_offset: u64,
    pub(super) n_records: usize,
    /// Duration of a record (s).
    pub(super) record_seconds: f64,
    /// Bytes of a sample: 2 in EDF, 3 in BDF.
    pub(super) n_bytes: usize,
    /// Bytes of a record.
    pub(super) record_bytes: usize,
    /// Whether time may be missing between records (EDF+D).
    pub(super) interrupted: bool,
    /// All signals, annotations among them, in the file's order.
    pub(super) signals: Vec<Signal>,
    /// What the reader made up for.
    pub(super) notes: Vec<String>,
}

/// One signal of the file.
#[derive(Clone, Debug)]
pub(super) struct Signal {
    pub(super) name: String,
    pub(super) unit: String,
    pub(super) prefilter: String,
    /// Stored value × `cal` + `offset` is the value in `unit`.
    pub(super) cal: f64,
    pub(super) offset: f64,
    /// Samples in a record.
    pub(super) n_samples: usize,
    /// Where they begin in it (bytes).
    pub(super) at: usize,
}

impl Signal {
    /// Whether it holds annotations as text.
    pub(super) fn is_annotations(&self) -> bool {
        matches!(self.name.as_str(), "EDF Annotations" | "BDF Annotations")
    }
}

/// Fields by their place in the file.
struct Fields<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    at: usize,
}

impl Fields<'_> {
    fn raw(&mut self, width: usize) -> &[u8] {
        let field = self.bytes.get(self.at..self.at + width).unwrap_or_default();
        self.at += width;
        field
    }

    /// A field as Latin-1, with the blanks around it taken off.
    fn text(&mut self, width: usize) -> String {
        let text: String = self.raw(width).iter().map(|byte| char::from(*byte)).collect();
        text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\0').to_owned()
    }

    /// A field up to its first zero byte, where some writers leave garbage behind.
    fn until_zero(&mut self, width: usize) -> String {
        self.text(width).split('\0').next().unwrap_or_default().trim().to_owned()
    }

    fn number<T>(&mut self, width: usize, what: &str, expected: &str, valid: impl Fn(&T) -> bool) -> Result<T>
    where
        T: std::str::FromStr,
    {
        let (path, at) = (self.path, self.at);
        let text = self.until_zero(width).replace(',', ".");
        text.parse().ok().filter(valid).ok_or_else(|| {
            Error::format(
                path,
                format!("byte {at}: {what} is `{}`, expected {expected}", text.escape_default()),
                "the header is damaged or not one of EDF or BDF; copy the file again from the source",
            )
        })
    }
}

impl Header {
    /// Reads the header of a file; `n_bytes` is 2 for EDF and 3 for BDF.
    pub(super) fn read(path: &Path, file: &mut File, n_bytes: usize) -> Result<Self> {
        let file_bytes = file.seek(SeekFrom::End(0)).map_err(Error::io("read", path))?;
        let mut bytes = read_part(path, file, 0, PART, file_bytes)?;
        let is_bdf = bytes.starts_with(b"\xffBIOSEMI");
        let mut notes = Vec::new();
        match (is_bdf, n_bytes) {
            (true, 2) => return Err(misnamed(path, "BDF", "EDF", "bdf")),
            (false, 3) => notes.push(format!(
                "{}: does not begin as a BDF file does; its samples are taken to have 3 bytes each",
                path.display()
            )),
            _ => {}
        }
        let mut fields = Fields { path, bytes: &bytes, at: 184 };
        let header_bytes: u64 = fields.number(8, "the header's length", "a whole number of bytes", |_| true)?;
        let kind = fields.text(44);
        let n_records: i64 =
            fields.number(8, "the number of records", "a whole number, or -1 for unknown", |_| true)?;
        let mut record_seconds: f64 =
            fields.number(8, "the duration of a record", "0 s or more", |x: &f64| x.is_finite() && *x >= 0.0)?;
        let n_signals: usize = fields.number(4, "the number of signals", "1 or more", |n| *n > 0)?;
        let described = PART as u64 * (n_signals as u64 + 1);
        if header_bytes != described {
            return Err(Error::format(
                path,
                format!(
                    "byte 184: the header's length is {header_bytes} bytes, but {n_signals} signals take {described}"
                ),
                "the header is damaged; copy the file again from the source",
            ));
        }
        if record_seconds == 0.0 {
            record_seconds = 1.0;
            notes.push(format!("{}: the header gives records no duration; 1 s is assumed", path.display()));
        }
        bytes = read_part(path, file, PART, PART * n_signals, file_bytes)?;
        let signals = signals(path, &bytes, n_signals)?;
        let n_samples: usize = signals.iter().map(|signal| signal.n_samples).sum();
        let record_bytes = n_samples * n_bytes;
        if record_bytes == 0 {
            return Err(Error::format(path, "no signal has any samples", "the file holds nothing to read"));
        }
        // Where the two disagree the file's size is right: recordings are interrupted, and headers then never corrected.
        let whole = (file_bytes - described) / record_bytes as u64;
        if whole == 0 {
            return Err(Error::format(
                path,
                format!("{} bytes after the header, but one record takes {record_bytes}", file_bytes - described),
                "the file is incomplete; copy it again from the source",
            ));
        }
        if u64::try_from(n_records) != Ok(whole) {
            let said = if n_records < 0 { "an unknown number of".to_owned() } else { n_records.to_string() };
            notes.push(format!(
                "{}: the header says {said} records, the file holds {whole}; these are read",
                path.display()
            ));
        }
        Ok(Self {
            data_offset: described,
            n_records: whole as usize,
            record_seconds,
            n_bytes,
            record_bytes,
            interrupted: kind.starts_with("EDF+D") || kind.starts_with("BDF+D"),
            signals: with_places(signals, n_bytes),
            notes,
        })
    }
}

fn misnamed(path: &Path, is: &str, not: &str, extension: &str) -> Error {
    let problem = format!("byte 0: the file is {is}, not {not} as its name says");
    Error::format(path, problem, format!("rename it to end in .{extension}"))
}

/// Reads a part of the header that must be there as a whole.
fn read_part(path: &Path, file: &mut File, at: usize, n_bytes: usize, file_bytes: u64) -> Result<Vec<u8>> {
    let end = at as u64 + n_bytes as u64;
    if end > file_bytes {
        return Err(Error::format(
            path,
            format!("the file ends at byte {file_bytes}, its header at byte {end}"),
            "the file is incomplete; copy it again from the source",
        ));
    }
    let mut bytes = vec![0; n_bytes];
    file.seek(SeekFrom::Start(at as u64)).and_then(|_| file.read_exact(&mut bytes)).map_err(Error::io("read", path))?;
    Ok(bytes)
}

/// The part about signals: each field for all signals, then the next.
fn signals(path: &Path, bytes: &[u8], n_signals: usize) -> Result<Vec<Signal>> {
    let mut fields = Fields { path, bytes, at: 0 };
    let all_texts =
        |fields: &mut Fields<'_>, width| -> Vec<String> { (0..n_signals).map(|_| fields.text(width)).collect() };
    let names = all_texts(&mut fields, 16);
    all_texts(&mut fields, 80); // kinds of transducer
    let units = all_texts(&mut fields, 8);
    let mut limits = Vec::with_capacity(4);
    for what in ["physical minimum", "physical maximum", "digital minimum", "digital maximum"] {
        let numbers: Vec<f64> = (0..n_signals)
            .map(|i| {
                let what = format!("the {what} of signal {} (`{}`)", i + 1, names[i].escape_default());
                fields.signal_number(8, &what, |x: &f64| x.is_finite())
            })
            .collect::<Result<_>>()?;
        limits.push(numbers);
    }
    let prefilters: Vec<String> = (0..n_signals).map(|_| fields.until_zero(80)).collect();
    let mut signals = Vec::with_capacity(n_signals);
    for (i, ((name, unit), prefilter)) in names.into_iter().zip(units).zip(prefilters).enumerate() {
        let what = format!("the number of samples in a record of signal {} (`{}`)", i + 1, name.escape_default());
        // No file of today holds a record of 2³¹ samples; a product of such numbers could not be told from another.
        let n_samples = fields.signal_number(8, &what, |n: &u32| i32::try_from(*n).is_ok())? as usize;
        let [physical_min, physical_max, digital_min, digital_max] = [0, 1, 2, 3].map(|limit: usize| limits[limit][i]);
        // A range of 0 says nothing; 1 leaves the numbers as they are, as in MNE-Python.
        let or_one = |range: f64| if range == 0.0 { 1.0 } else { range };
        let cal = or_one(physical_max - physical_min) / or_one(digital_max - digital_min);
        signals.push(Signal { name, unit, prefilter, cal, offset: physical_min - digital_min * cal, n_samples, at: 0 });
    }
    Ok(signals)
}

impl Fields<'_> {
    /// A number of a signal; places count from the start of the file.
    fn signal_number<T: std::str::FromStr>(
        &mut self,
        width: usize,
        what: &str,
        valid: impl Fn(&T) -> bool,
    ) -> Result<T> {
        let (path, at) = (self.path, self.at + PART);
        let text = self.until_zero(width).replace(',', ".");
        text.parse().ok().filter(valid).ok_or_else(|| {
            Error::format(
                path,
                format!("byte {at}: {what} is `{}`, which is no such number", text.escape_default()),
                "the header is damaged; copy the file again from the source",
            )
        })
    }
}

fn with_places(mut signals: Vec<Signal>, n_bytes: usize) -> Vec<Signal> {
    let mut at = 0;
    for signal in &mut signals {
        signal.at = at;
        at += signal.n_samples * n_bytes;
    }
    signals
}

/// The highest `HP:` and the lowest `LP:` (Hz) of the signals' filters, where these texts tell; as MNE-Python reads them.
pub(super) fn filters(prefilters: &[&str]) -> (Option<f64>, Option<f64>) {
    let values = |key: &'static str| prefilters.iter().map(move |text| cutoff(text, key));
    let highpass = values("HP:").flatten().fold(None, |most: Option<f64>, x| Some(most.map_or(x, |most| most.max(x))));
    let lowpass =
        values("LP:").flatten().fold(None, |least: Option<f64>, x| Some(least.map_or(x, |least| least.min(x))));
    (highpass, lowpass)
}

/// The number after the last `key` that has one: `HP:0.1Hz LP:75Hz`, `HP: DC`.
fn cutoff(text: &str, key: &str) -> Option<f64> {
    let values = text.match_indices(key).filter_map(|(at, _)| {
        let rest = text[at + key.len()..].trim_start();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == ',' || c == '.')).unwrap_or(rest.len());
        (end > 0).then(|| rest[..end].replace("Hz", "").replace(',', "."))
    });
    let last = values.last()?;
    if last == "DC" {
        return Some(0.0);
    }
    let digits = last.replacen('.', "", 1);
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| last.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_the_narrowest_that_the_signals_tell() {
        let of = filters;
        assert_eq!(of(&["HP:0.1Hz LP:75Hz N:50Hz", "HP:0.1Hz LP:75Hz"]), (Some(0.1), Some(75.0)));
        assert_eq!(of(&["HP: DC; LP: 410", ""]), (Some(0.0), Some(410.0)));
        assert_eq!(of(&["HP:0,5 LP:70", "HP:1 LP:30"]), (Some(1.0), Some(30.0)));
        assert_eq!(of(&["", "HP:abc", "no filter"]), (None, None));
    }
}
