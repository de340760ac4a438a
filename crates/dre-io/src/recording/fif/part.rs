//! One file of a recording: where its samples lie, and which file continues it.

use std::path::{Path, PathBuf};

use crate::recording::Annotation;
use crate::{Error, Result};

use super::annotations::{self, Clock};
use super::constants::{ROLE_NEXT_FILE, block, tag};
use super::decode::SampleFormat;
use super::measurement::Measurement;
use super::source::{COPY_AGAIN, Source};
use super::tree::{ROOT, Tag, Tree};

/// The longest pause in a recording that is believed (s).
const LONGEST_SKIP: f64 = 24.0 * 3600.0;

/// Consecutive samples: stored somewhere, or skipped by the acquisition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Buffer {
    pub(super) n_times: u64,
    /// Place of the samples in the file and how they are stored; none where they were skipped.
    pub(super) stored: Option<(u64, SampleFormat)>,
}

/// A file of a recording, opened.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) source: Source,
    pub(super) measurement: Measurement,
    pub(super) annotations: Vec<Annotation>,
    pub(super) first_samp: u64,
    pub(super) buffers: Vec<Buffer>,
    /// The file that continues this one.
    pub(super) next: Option<PathBuf>,
}

impl Part {
    pub(super) fn open(path: &Path, notes: &mut Vec<String>) -> Result<Self> {
        let mut source = Source::open(path)?;
        let tree = Tree::read(&mut source, notes)?;
        let (measurement, meas) = Measurement::read(&mut source, &tree, notes)?;
        let raw = raw_block(&source, &tree, meas, notes)?;
        let (first_told, first_samp, buffers) = buffers(&mut source, &tree, raw, &measurement)?;
        let clock = Clock {
            meas_date: measurement.meas_date,
            sfreq: measurement.sfreq,
            first_told,
            first_samp,
            n_times: buffers.iter().map(|buffer| buffer.n_times).sum(),
        };
        let annotations = annotations::read(&mut source, &tree, &clock, notes)?;
        let next = next_file(&mut source, &tree, notes)?;
        source.shrink();
        Ok(Self { source, measurement, annotations, first_samp, buffers, next })
    }
}

/// The block that holds the samples.
fn raw_block(source: &Source, tree: &Tree, meas: usize, notes: &mut Vec<String>) -> Result<usize> {
    for kind in [block::RAW_DATA, block::CONTINUOUS_DATA, block::IAS_RAW_DATA] {
        let mut found = tree.find(meas, kind);
        let Some(raw) = found.next() else { continue };
        if found.next().is_some() {
            let advice = "save each as a file of its own";
            return Err(Error::format(&source.path, "holds several blocks of raw data, expected one", advice));
        }
        if kind == block::IAS_RAW_DATA {
            notes.push(format!(
                "{}: was recorded with internal active shielding (MaxShield); its samples hold the compensation and \
                 should be cleaned by signal-space separation (MaxFilter) first",
                source.path.display()
            ));
        }
        return Ok(raw);
    }
    let advice = "open a raw recording; epochs, averages and other results are not read";
    Err(Error::format(&source.path, "holds no raw data", advice))
}

/// First sample as told, first sample that there is, and the buffers.
fn buffers(source: &mut Source, tree: &Tree, raw: usize, measurement: &Measurement) -> Result<(u64, u64, Vec<Buffer>)> {
    let n_channels = measurement.channels.len() as u64;
    let mut tags = tree.tags(raw).iter().peekable();
    let mut first_told = 0;
    if let Some(tag) = tags.next_if(|tag| tag.kind == tag::FIRST_SAMPLE) {
        let value = source.integer(tag)?;
        first_told = u64::try_from(value)
            .map_err(|_| source.fault(tag.offset, format!("the first sample is {value}, expected 0 or more")))?;
    }
    let mut first_samp = first_told;
    // What is skipped before the first buffer is no part of the recording.
    let mut initial_skip = tags.next_if(|tag| tag.kind == tag::DATA_SKIP);
    let mut skip = None;
    let mut buffers = Vec::new();
    for tag in tags {
        match tag.kind {
            tag::DATA_SKIP => skip = Some(tag),
            tag::DATA_BUFFER => {
                let format = SampleFormat::of(tag.data_type).ok_or_else(|| {
                    let expected = "int16, int32, float32 or float64";
                    source.fault(tag.offset, format!("samples of type {}, expected {expected}", tag.data_type))
                })?;
                let n_frame = n_channels * format.n_bytes() as u64;
                let size = u64::from(tag.size);
                if !size.is_multiple_of(n_frame) {
                    let problem = format!(
                        "a buffer of {size} bytes, expected a multiple of {n_frame} ({n_channels} channels × {} bytes)",
                        format.n_bytes()
                    );
                    return Err(source.fault(tag.offset, problem));
                }
                // Only the header, which must be what the directory says.
                source.check_header(tag)?;
                let n_times = size / n_frame;
                let mut skipped =
                    |skip: Option<&Tag>| -> Result<u64> {
                        let Some(skip) = skip else { return Ok(0) };
                        let n_buffers = source.integer(skip)?;
                        let n = u64::try_from(n_buffers).ok().and_then(|n| n.checked_mul(n_times));
                        match n {
                            Some(n) if n as f64 <= LONGEST_SKIP * measurement.sfreq => Ok(n),
                            _ => Err(source
                                .fault(skip.offset, format!("a skip of {n_buffers} buffers of {n_times} samples"))),
                        }
                    };
                first_samp += skipped(initial_skip.take())?;
                let n_skipped = skipped(skip.take())?;
                if n_skipped > 0 {
                    buffers.push(Buffer { n_times: n_skipped, stored: None });
                }
                if n_times > 0 {
                    buffers.push(Buffer { n_times, stored: Some((tag.data_offset(), format)) });
                }
            }
            _ => {}
        }
    }
    if buffers.is_empty() {
        return Err(Error::format(&source.path, "its block of raw data holds no samples", COPY_AGAIN));
    }
    Ok((first_told, first_samp, buffers))
}

/// The file that the reference in this one names as its continuation.
fn next_file(source: &mut Source, tree: &Tree, notes: &mut Vec<String>) -> Result<Option<PathBuf>> {
    let path = source.path.clone();
    for node in tree.find(ROOT, block::REF) {
        let mut is_next = true;
        let (mut name, mut number) = (None, None);
        for tag in tree.tags(node) {
            match tag.kind {
                tag::REF_ROLE => is_next &= source.integer(tag)? == ROLE_NEXT_FILE,
                tag::REF_FILE_NAME => name = Some(source.text(tag)?),
                tag::REF_FILE_NUM => number = Some(source.integer(tag)?),
                _ => {}
            }
        }
        if !is_next {
            continue;
        }
        // The files lie together, so only the last part of a path counts.
        let named = name.map(|name| name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned());
        let named = match (named.filter(|name| !name.is_empty()), number) {
            (Some(name), _) => name,
            (None, Some(number)) => numbered(&path, number),
            (None, None) => continue,
        };
        let place = path.with_file_name(&named);
        if place.is_file() || place.is_symlink() {
            return Ok(Some(place));
        }
        // Renamed to BIDS after recording, as is common.
        if let Some(place) = next_split(&path).filter(|place| place.is_file() || place.is_symlink()) {
            notes.push(format!(
                "{}: names `{named}` as its continuation, which is not in its folder; `{}` was taken",
                path.display(),
                place.file_name().unwrap_or_default().display()
            ));
            return Ok(Some(place));
        }
        return Err(Error::MissingPart {
            path,
            what: "file that continues it",
            name: named,
            advice: "copy all files of the recording together under their own names, or save it again with MNE-Python"
                .to_owned(),
        });
    }
    Ok(None)
}

/// The name of the `number`-th file of a recording: `name-NUMBER.fif`.
fn numbered(path: &Path, number: i64) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (stem, extension) = name.split_once('.').unwrap_or((&name, "fif"));
    let stem = match stem.rsplit_once('-') {
        Some((base, digits)) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => base,
        _ => stem,
    };
    format!("{stem}-{number}.{extension}")
}

/// The next file by the entity `split` of BIDS.
fn next_split(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let (before, after) = name.split_once("_split-")?;
    let (digits, rest) = after.split_once('_')?;
    let number: u32 = digits.parse().ok()?;
    let next = number.checked_add(1)?;
    Some(path.with_file_name(format!("{before}_split-{next:0width$}_{rest}", width = digits.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continuations_are_numbered() {
        assert_eq!(numbered(Path::new("a/x_raw.fif"), 1), "x_raw-1.fif");
        assert_eq!(numbered(Path::new("a/x_raw-1.fif"), 2), "x_raw-2.fif");
        assert_eq!(numbered(Path::new("a/sub-x_raw.fif"), 1), "sub-x_raw-1.fif");
    }

    #[test]
    fn splits_follow_each_other() {
        let next = |name| next_split(Path::new(name)).map(|path| path.display().to_string());
        assert_eq!(next("a/sub-1_split-01_meg.fif").as_deref(), Some("a/sub-1_split-02_meg.fif"));
        assert_eq!(next("sub-1_split-9_meg.fif").as_deref(), Some("sub-1_split-10_meg.fif"));
        assert_eq!(next("sub-1_meg.fif"), None);
        assert_eq!(next("sub-1_split-x_meg.fif"), None);
    }
}
