//! The recording: all files of it, read in blocks.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use ndarray::{ArrayViewMut2, s};

use crate::recording::{Annotation, Recording, RecordingInfo, check_request};
use crate::{Error, Result};

use super::annotations::sort;
use super::decode::SampleFormat;
use super::part::Part;
use super::source::Source;

/// Bytes read at a time.
const BLOCK_BYTES: usize = 1 << 20;

/// Consecutive samples of the recording.
#[derive(Clone, Copy, Debug)]
struct Segment {
    start: usize,
    n_times: usize,
    /// File, place in it and format; none where the acquisition skipped the samples.
    stored: Option<(usize, u64, SampleFormat)>,
}

/// An open FIF recording.
#[derive(Debug)]
pub struct Fif {
    info: RecordingInfo,
    scales: Vec<f64>,
    sources: Vec<Source>,
    segments: Vec<Segment>,
    bytes: Vec<u8>,
}

impl Fif {
    /// Opens a raw recording, with the files that continue it.
    ///
    /// Samples that the acquisition skipped are zeros, annotated `BAD_ACQ_SKIP`; those before the first buffer are no
    /// part of the recording. Projectors and compensations are told, not applied (see
    /// [`with_projectors`](crate::recording::with_projectors)).
    ///
    /// # Errors
    /// [`Error::At`] and [`Error::Format`] for faults in a file, with the byte; [`Error::MissingPart`] where a file that
    /// continues another is not there; [`Error::Io`], [`Error::NotFetched`].
    pub fn open(path: &Path) -> Result<Self> {
        let mut notes = Vec::new();
        let mut first = Part::open(path, &mut notes)?;
        let mut visited = HashSet::from([identity(path)]);
        let mut next = first.next.take();
        let mut parts = vec![first];
        while let Some(path) = next {
            let before = &parts[parts.len() - 1].source.path;
            if !visited.insert(identity(&path)) {
                let problem = format!("names `{}` as its continuation, which comes before it", path.display());
                return Err(Error::format(before, problem, "the files of the recording go in circles; save it again"));
            }
            let mut part = Part::open(&path, &mut notes)?;
            check_same(&parts[0], &part, &mut notes)?;
            next = part.next.take();
            parts.push(part);
        }
        Ok(Self::assemble(path, parts, notes))
    }

    fn assemble(path: &Path, parts: Vec<Part>, notes: Vec<String>) -> Self {
        let first_samp = parts[0].first_samp;
        let measurement = parts[0].measurement.clone();
        let mut annotations = parts[0].annotations.clone();
        let (mut segments, mut sources) = (Vec::new(), Vec::new());
        let mut start = 0;
        for (file, part) in parts.into_iter().enumerate() {
            // Skips are annotated at the sample numbers that their file tells.
            let mut told = part.first_samp as f64 - first_samp as f64;
            for buffer in part.buffers {
                let n_times = buffer.n_times as usize;
                if buffer.stored.is_none() {
                    annotations.push(Annotation {
                        onset: told / measurement.sfreq,
                        duration: n_times as f64 / measurement.sfreq,
                        description: "BAD_ACQ_SKIP".to_owned(),
                    });
                }
                let stored = buffer.stored.map(|(offset, format)| (file, offset, format));
                segments.push(Segment { start, n_times, stored });
                start += n_times;
                told += n_times as f64;
            }
            sources.push(part.source);
        }
        sort(&mut annotations);
        let channels = measurement
            .channels
            .iter()
            .map(|channel| channel.to_channel(measurement.bads.contains(&channel.name)))
            .collect();
        let info = RecordingInfo {
            files: sources.iter().map(|source| source.path.clone()).collect(),
            highpass: measurement.highpass,
            lowpass: measurement.lowpass,
            annotations,
            first_samp,
            device_to_head: measurement.device_to_head,
            digitisation: measurement.digitisation,
            projectors: measurement.projectors,
            compensations: measurement.compensations,
            compensation_grade: measurement.compensation_grade,
            meas_date: measurement.meas_date,
            notes,
            ..RecordingInfo::new(path, measurement.sfreq, start, channels)
        };
        let scales = measurement.channels.iter().map(super::channels::FifChannel::scale).collect();
        Self { info, scales, sources, segments, bytes: Vec::new() }
    }
}

/// What tells files apart under whatever path.
fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Checks that a file continues the first one.
fn check_same(first: &Part, part: &Part, notes: &mut Vec<String>) -> Result<()> {
    let (a, b) = (&first.measurement, &part.measurement);
    let path = &part.source.path;
    let fault = |problem: String| {
        let advice = format!("it does not continue {}; copy both again from the source", first.source.path.display());
        Err(Error::format(path, problem, advice))
    };
    if a.sfreq.to_bits() != b.sfreq.to_bits() {
        return fault(format!("sfreq is {} Hz, expected {} Hz", b.sfreq, a.sfreq));
    }
    if a.channels.len() != b.channels.len() {
        return fault(format!("has {} channels, expected {}", b.channels.len(), a.channels.len()));
    }
    for (a, b) in a.channels.iter().zip(&b.channels) {
        if a.name != b.name || a.scale().to_bits() != b.scale().to_bits() {
            return fault(format!(
                "has channel `{}` with calibration {}, expected `{}` with {}",
                b.name,
                b.scale(),
                a.name,
                a.scale()
            ));
        }
    }
    if a.bads != b.bads {
        notes.push(format!("{}: marks other channels as bad than the first file, whose marks count", path.display()));
    }
    if a.projectors != b.projectors {
        notes.push(format!("{}: has other projectors than the first file, whose projectors count", path.display()));
    }
    Ok(())
}

impl Recording for Fif {
    fn info(&self) -> &RecordingInfo {
        &self.info
    }

    fn read(&mut self, channels: &[usize], start: usize, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_request(&self.info, channels, start, &out)?;
        let end = start + out.ncols();
        let n_channels = self.info.channels.len();
        let first = self.segments.partition_point(|segment| segment.start + segment.n_times <= start);
        for segment in &self.segments[first..] {
            if segment.start >= end {
                break;
            }
            let from = start.max(segment.start);
            let to = end.min(segment.start + segment.n_times);
            let Some((file, offset, format)) = segment.stored else {
                out.slice_mut(s![.., from - start..to - start]).fill(0.0);
                continue;
            };
            let n_frame = n_channels * format.n_bytes();
            let n_block = (BLOCK_BYTES / n_frame).max(1);
            for from in (from..to).step_by(n_block) {
                let n = n_block.min(to - from);
                self.bytes.resize(n * n_frame, 0);
                self.sources[file].read_into(offset + ((from - segment.start) * n_frame) as u64, &mut self.bytes)?;
                let out = out.slice_mut(s![.., from - start..from - start + n]);
                format.decode(&self.bytes, n_channels, channels, &self.scales, out);
            }
        }
        Ok(())
    }
}
