//! Annotations: time-stamped lists (TAL) in the samples of a signal of their own.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::recording::Annotation;
use crate::{Error, Result};

use super::header::Header;

/// What the annotation signals hold.
#[derive(Debug, Default)]
pub(super) struct Tals {
    /// In the file's order, all of the first signal before those of the second; onsets from the first record.
    pub(super) annotations: Vec<Annotation>,
    /// Onset of each record (s) from the first one; only of interrupted recordings.
    pub(super) record_onsets: Vec<f64>,
    /// Whether some text was not UTF-8.
    pub(super) latin1: bool,
}

/// One list: onset, duration and texts.
#[derive(Debug, PartialEq)]
struct Tal<'a> {
    onset: f64,
    duration: f64,
    texts: &'a [u8],
}

impl Tals {
    /// Reads all annotations, record by record, so that memory holds one record's beside the result.
    pub(super) fn read(path: &Path, file: &mut File, header: &Header, channel_names: &[String]) -> Result<Self> {
        let mut tals = Self::default();
        let mut seen = std::collections::HashSet::new();
        let mut shift = 0.0;
        let mut n_lists = 0;
        let mut bytes = Vec::new();
        let signals = header.signals.iter().filter(|signal| signal.is_annotations() && signal.n_samples > 0);
        for (number, signal) in signals.enumerate() {
            let mut last_onset = 0.0;
            for record in 0..header.n_records {
                let at = header.data_offset + (record * header.record_bytes + signal.at) as u64;
                bytes.resize(signal.n_samples * header.n_bytes, 0);
                file.seek(SeekFrom::Start(at))
                    .and_then(|_| file.read_exact(&mut bytes))
                    .map_err(Error::io("read", path))?;
                let mut record_onset = None;
                for list in Lists(&bytes) {
                    let timekeeping = list.texts.first().is_none_or(|byte| *byte == SEPARATOR);
                    // The first list says where in its second the recording began; all times count from there.
                    if n_lists == 0 && timekeeping {
                        shift = -list.onset;
                    }
                    n_lists += 1;
                    let onset = list.onset + shift;
                    record_onset = record_onset.or(Some(onset));
                    for text in list.texts.split(|byte| *byte == SEPARATOR).filter(|text| !text.is_empty()) {
                        let (description, latin1) = decode(text);
                        tals.latin1 |= latin1;
                        let (description, of_channel) = without_channel(&description, channel_names);
                        // The same text at the same time on several channels is one annotation.
                        let new = seen.insert((onset.to_bits(), list.duration.to_bits(), description.to_owned()));
                        if new || !of_channel {
                            let (duration, description) = (list.duration, description.to_owned());
                            tals.annotations.push(Annotation { onset, duration, description });
                        }
                    }
                }
                if number == 0 && header.interrupted {
                    let onset = record_onset.unwrap_or(last_onset + header.record_seconds);
                    let onset = if record == 0 { 0.0 } else { onset };
                    if onset < last_onset {
                        return Err(Error::format(
                            path,
                            format!(
                                "byte {at}: record {} begins at {onset} s, before the one before it ({last_onset} s)",
                                record + 1
                            ),
                            "the records are out of order or damaged; export the recording again",
                        ));
                    }
                    last_onset = onset;
                    tals.record_onsets.push(onset);
                }
            }
        }
        Ok(tals)
    }

    /// Moves annotations from the clock's time to that of the samples, which follow each other without gaps, and marks the
    /// gaps. Returns how many gaps there are and how long they are together (s).
    pub(super) fn close_gaps(&mut self, record_seconds: f64, tolerance: f64) -> (usize, f64) {
        let onsets = &self.record_onsets;
        let place = |time: f64| {
            let record = onsets.partition_point(|onset| *onset <= time).max(1) - 1;
            let within = time - onsets.get(record).copied().unwrap_or(0.0);
            // A time in a gap is where the next record begins; one after the last record stays after it.
            let within = if record + 1 < onsets.len() { within.min(record_seconds) } else { within };
            record as f64 * record_seconds + within
        };
        for annotation in &mut self.annotations {
            let end = place(annotation.onset + annotation.duration);
            let onset = place(annotation.onset);
            if annotation.duration > 0.0 {
                annotation.duration = end - onset;
            }
            annotation.onset = onset;
        }
        let (mut n_gaps, mut seconds) = (0, 0.0);
        for (record, pair) in onsets.windows(2).enumerate() {
            let gap = pair[1] - pair[0] - record_seconds;
            if gap.abs() > tolerance {
                n_gaps += 1;
                seconds += gap;
                self.annotations.push(Annotation {
                    onset: (record + 1) as f64 * record_seconds,
                    duration: 0.0,
                    description: "BAD boundary".to_owned(),
                });
            }
        }
        (n_gaps, seconds)
    }
}

/// Ends the onset, the duration and each text of a list.
const SEPARATOR: u8 = 0x14;
/// Stands between onset and duration.
const DURATION: u8 = 0x15;

/// The lists in some bytes; what is none is passed over.
struct Lists<'a>(&'a [u8]);

impl<'a> Iterator for Lists<'a> {
    type Item = Tal<'a>;

    fn next(&mut self) -> Option<Tal<'a>> {
        loop {
            let start = self.0.iter().position(|byte| matches!(byte, b'+' | b'-'))?;
            let bytes = &self.0[start..];
            match step(bytes) {
                Step::List(list, rest) => {
                    self.0 = rest;
                    return Some(list);
                }
                Step::Past(n) => self.0 = &bytes[n..],
            }
        }
    }
}

/// What is at a sign.
enum Step<'a> {
    /// A list, and what follows it.
    List(Tal<'a>, &'a [u8]),
    /// None; nor is there one that begins within so many bytes.
    Past(usize),
}

/// Looks at bytes that begin with a sign.
fn step(bytes: &[u8]) -> Step<'_> {
    let head = || {
        let (number, mut rest) = decimal(&bytes[1..])?;
        let mut duration = 0.0;
        if rest.first() == Some(&DURATION) {
            (duration, rest) = decimal(&rest[1..])?;
        }
        Some((if bytes[0] == b'-' { -number } else { number }, duration, rest.strip_prefix(&[SEPARATOR])?))
    };
    let Some((onset, duration, texts)) = head() else { return Step::Past(1) };
    // The last text ends as all do, and a zero byte follows. Where no such end comes, no list comes any more.
    let Some(end) = texts.windows(2).position(|pair| pair == [SEPARATOR, 0]) else { return Step::Past(bytes.len()) };
    let (texts, rest) = (&texts[..end], &texts[end + 2..]);
    // A text is one line, as for MNE-Python.
    match texts.iter().rposition(|byte| *byte == b'\n') {
        Some(line_end) => Step::Past(bytes.len() - rest.len() - 2 - texts.len() + line_end),
        None => Step::List(Tal { onset, duration, texts }, rest),
    }
}

/// Digits with a point among or after them, and what follows.
fn decimal(bytes: &[u8]) -> Option<(f64, &[u8])> {
    let n_whole = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = n_whole;
    if bytes.get(end) == Some(&b'.') {
        end += 1;
        end += bytes[end..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    }
    let number = std::str::from_utf8(&bytes[..end]).ok()?.parse().ok()?;
    (n_whole > 0).then_some((number, &bytes[end..]))
}

/// UTF-8 where it is that, else Latin-1.
fn decode(text: &[u8]) -> (String, bool) {
    match std::str::from_utf8(text) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (text.iter().map(|byte| char::from(*byte)).collect(), true),
    }
}

/// `text@@channel` is a text about one channel; says whether it was.
fn without_channel<'a>(text: &'a str, channel_names: &[String]) -> (&'a str, bool) {
    match text.split_once("@@") {
        Some((description, channel)) if channel_names.iter().any(|name| name == channel) => (description, true),
        _ => (text, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(bytes: &[u8]) -> Vec<(f64, f64, Vec<u8>)> {
        Lists(bytes).map(|list| (list.onset, list.duration, list.texts.to_vec())).collect()
    }

    #[test]
    fn lists_are_found_among_padding_and_garbage() {
        let bytes = b"+0\x14\x14\0+0.5\x151.25\x14T1\x14T2\x14\0\0\0-3.\x14late\x14\0+x+7\x14cut";
        let expected = [(0.0, 0.0, b"".to_vec()), (0.5, 1.25, b"T1\x14T2".to_vec()), (-3.0, 0.0, b"late".to_vec())];
        assert_eq!(lists(bytes), expected);
        assert_eq!(
            lists(b"+1\x14\0+2\x14\x14\0"),
            [(1.0, 0.0, b"\0+2\x14".to_vec())],
            "one separator does not end a list"
        );
        assert!(lists(b"").is_empty() && lists(b"+").is_empty() && lists(b"+1\x15\x14\x14\0").is_empty());
    }

    #[test]
    fn annotations_move_with_their_samples() {
        let annotation = |onset, duration| Annotation { onset, duration, description: "a".to_owned() };
        let annotations =
            vec![annotation(0.5, 0.0), annotation(5.0, 0.0), annotation(10.25, 0.5), annotation(1.5, 9.0)];
        let mut tals = Tals { annotations, record_onsets: vec![0.0, 1.0, 10.0, 11.0], latin1: false };
        assert_eq!(tals.close_gaps(1.0, 0.001), (1, 8.0));
        let found: Vec<(f64, f64)> = tals.annotations.iter().map(|a| (a.onset, a.duration)).collect();
        assert_eq!(found, [(0.5, 0.0), (2.0, 0.0), (2.25, 0.5), (1.5, 1.0), (2.0, 0.0)]);
    }
}
