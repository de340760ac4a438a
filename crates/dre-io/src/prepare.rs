//! From an open recording to prepared samples.

use std::path::Path;

use dre::Stop;
use dre::data::{Channel, ChannelType};
use dre::signal::{Advice, ChannelStream, Preparation, PrepareSpec, Reference};
use ndarray::{Array2, s};

use crate::recording::{Recording, RecordingInfo, Unit};
use crate::store::{RowFile, RowSink, StoreError};
use crate::{Error, Result};

/// Memory (bytes) for samples on their way; with the program and its reader it stays below 500 MB, whatever the recording.
pub const READ_MEMORY: usize = 256 << 20;

/// The least samples per channel that are read at a time.
const MIN_PIECE: usize = 1 << 11;

/// A recording after filtering and decimation.
#[derive(Clone, Debug)]
pub struct PreparedRecording {
    /// Sampling frequency (Hz).
    pub sfreq: f64,
    /// Number of samples per channel.
    pub n_times: usize,
    /// The channels that were picked, in their order.
    pub channels: Vec<Channel>,
    /// Samples in SI units, `(n_channels, n_times)`, row-major.
    pub data: Vec<f32>,
    /// What was done, as people describe it.
    pub steps: Vec<String>,
    /// What the user should know of, if anything.
    pub advice: Vec<Advice>,
}

/// Positions of the channels that are of one of these types, not bad, and not excluded by name, in the file's order.
pub fn pick_channels(info: &RecordingInfo, kinds: &[ChannelType], exclude: &[String]) -> Vec<usize> {
    let wanted = |index: &usize| {
        let channel = &info.channels[*index];
        kinds.contains(&channel.kind) && !channel.bad && !exclude.contains(&channel.name)
    };
    (0..info.channels.len()).filter(wanted).collect()
}

/// How a recording is prepared: which channels, with what reference, by which chain.
#[derive(Clone, Debug)]
pub struct RecordingPlan {
    info: RecordingInfo,
    picks: Vec<usize>,
    /// Channels whose mean is subtracted from the EEG channels among `picks`; none where nothing is.
    reference: Vec<usize>,
    preparation: Preparation,
    stop: Stop,
}

impl RecordingPlan {
    /// Plans for the channels at `picks`. An average reference is the mean of all good EEG channels that are not in
    /// `exclude`, picked or not, as in MNE-Python.
    ///
    /// # Errors
    /// [`Error::ChannelUnit`] for a channel whose unit does not fit its type; [`dre::Error::Setting`] for filters and
    /// decimations that cannot be, and for a reference that the recording lacks or has marked as bad.
    pub fn new(info: &RecordingInfo, picks: &[usize], spec: &PrepareSpec, exclude: &[String]) -> Result<Self> {
        let reference = reference(info, spec.reference.as_ref(), exclude)?;
        for pick in picks.iter().chain(&reference) {
            check_unit(info, *pick)?;
        }
        let preparation = Preparation::new(spec, info.sfreq, info.n_times, info.lowpass)?;
        Ok(Self { info: info.clone(), picks: picks.to_vec(), reference, preparation, stop: Stop::never() })
    }

    /// The same plan, which ends with [`dre::Error::Stopped`] within a piece of the recording once `stop` is asked to.
    #[must_use]
    pub fn until(self, stop: Stop) -> Self {
        Self { stop, ..self }
    }

    /// The chain, with what it makes of the recording.
    pub fn preparation(&self) -> &Preparation {
        &self.preparation
    }

    /// Reads the recording once, piece by piece, and writes what is prepared to `sink`, a row per pick, on up to `n_threads`
    /// threads, of which one reads ahead. Neither their number nor `memory` changes a bit of the result.
    ///
    /// About `memory` bytes hold samples, at least what one channel needs; only where the filter is so long that all
    /// channels at once need more is the recording read several times, some channels each time. Resampling by Fourier
    /// transform passes through a temporary file in `scratch`.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for NaN or infinity, with channel and sample; [`dre::Error::Setting`] for a Fourier transform
    /// that needs more than `memory`; what the reader finds; what `sink` says.
    pub fn run(
        &self,
        recording: &mut dyn Recording,
        n_threads: usize,
        memory: usize,
        scratch: &Path,
        sink: &mut dyn RowSink,
    ) -> Result<()> {
        if !self.preparation.needs_finish() {
            return self.stream(recording, n_threads, memory, sink);
        }
        let needed = self.preparation.work().finish_memory;
        if needed > memory {
            return Err(dre::Error::Setting {
                name: "prepare.resample".to_owned(),
                found: format!("\"fft\" for {} samples, which needs {} MB per thread", self.info.n_times, needed >> 20),
                expected: format!("at most {} MB; \"polyphase\" resamples a recording of any length", memory >> 20),
            }
            .into());
        }
        let mut file = RowFile::temporary(scratch, self.picks.len(), self.preparation.n_streamed())?;
        self.stream(recording, n_threads, memory, &mut file)?;
        let n_at_once = (memory / needed.max(1)).clamp(1, n_threads.max(1));
        let rows: Vec<usize> = (0..self.picks.len()).collect();
        for rows in rows.chunks(n_at_once) {
            self.stop.check()?;
            let streamed =
                rows.iter().map(|row| file.read_row(*row)).collect::<std::result::Result<Vec<_>, StoreError>>()?;
            let finished: Vec<Vec<f32>> = std::thread::scope(|scope| {
                let threads: Vec<_> =
                    streamed.iter().map(|x: &Vec<f32>| scope.spawn(move || self.preparation.finish(x))).collect();
                let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
                    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                };
                threads.into_iter().map(join).collect()
            });
            for (row, values) in rows.iter().zip(finished) {
                sink.write(*row, 0, &values)?;
            }
        }
        Ok(())
    }

    /// Streams all channels, in as few passes over the recording as `memory` allows.
    fn stream(
        &self,
        recording: &mut dyn Recording,
        n_threads: usize,
        memory: usize,
        sink: &mut dyn RowSink,
    ) -> Result<()> {
        let work = self.preparation.work();
        // The piece that is worked on, the one that is read meanwhile, and the one that was taken in last.
        let channel_bytes = |piece: usize| size_of::<f64>() * (work.kept_len + 3 * piece);
        let n_rows = self.picks.len() + self.reference.len();
        let mut piece = work.piece_len.clamp(1, self.info.n_times.max(1));
        while piece > MIN_PIECE && channel_bytes(piece) * n_rows > memory {
            piece = piece.div_ceil(2);
        }
        let n_at_once = (memory / channel_bytes(piece)).saturating_sub(self.reference.len()).max(1);
        for (group, picks) in self.picks.chunks(n_at_once).enumerate() {
            self.pass(recording, picks, group * n_at_once, piece, n_threads, sink)?;
        }
        Ok(())
    }

    /// Streams some channels, those from row `first_row` on.
    fn pass(
        &self,
        recording: &mut dyn Recording,
        picks: &[usize],
        first_row: usize,
        piece: usize,
        n_threads: usize,
        sink: &mut dyn RowSink,
    ) -> Result<()> {
        let n_times = self.info.n_times;
        let mut reader = Reader::new(self, recording, picks);
        let [mut current, mut next] = [0, 1].map(|_| Array2::zeros((reader.channels.len(), piece)));
        let mut streams: Vec<ChannelStream> = picks.iter().map(|_| self.preparation.stream()).collect();
        let mut out: Vec<Vec<f32>> = vec![Vec::new(); picks.len()];
        let mut written = 0;
        let mut n_current = reader.read(0, piece.min(n_times), &mut current)?;
        let mut time = n_current;
        while n_current > 0 {
            self.stop.check()?;
            let n_next = piece.min(n_times - time);
            let mut work = |n_workers| {
                let rows =
                    current.rows().into_iter().map(|row| row.to_slice().map_or(&[][..], |row| &row[..n_current]));
                let channels: Vec<_> = streams.iter_mut().zip(rows).zip(&mut out).collect();
                let channels = channels.into_iter().map(|((stream, row), out)| (stream, row, out));
                self.preparation.push_all(channels, n_workers);
            };
            let read = if n_threads > 1 && n_next > 0 {
                std::thread::scope(|scope| {
                    let ahead = scope.spawn(|| reader.read(time, n_next, &mut next));
                    work(n_threads);
                    ahead.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
            } else {
                work(n_threads);
                reader.read(time, n_next, &mut next)
            };
            for (row, values) in out.iter().enumerate() {
                sink.write(first_row + row, written, values)?;
            }
            // All channels are equally far.
            written += out.first().map_or(0, Vec::len);
            n_current = read?;
            time += n_current;
            std::mem::swap(&mut current, &mut next);
        }
        Ok(())
    }
}

/// Reads pieces of some channels, checks them, and subtracts the reference.
struct Reader<'a> {
    plan: &'a RecordingPlan,
    recording: &'a mut dyn Recording,
    /// The picked channels, then those that only the reference needs.
    channels: Vec<usize>,
    /// Rows of `channels` that make the reference.
    reference: Vec<usize>,
    /// Rows that it is subtracted from.
    referenced: Vec<usize>,
    mean: Vec<f64>,
}

impl<'a> Reader<'a> {
    fn new(plan: &'a RecordingPlan, recording: &'a mut dyn Recording, picks: &[usize]) -> Self {
        let mut channels = picks.to_vec();
        channels.extend(plan.reference.iter().filter(|channel| !picks.contains(channel)));
        let row = |channel: &usize| channels.iter().position(|other| other == channel);
        let reference: Vec<usize> = plan.reference.iter().filter_map(row).collect();
        let is_eeg = |row: &usize| plan.info.channels[picks[*row]].kind == ChannelType::Eeg;
        let referenced = if reference.is_empty() { Vec::new() } else { (0..picks.len()).filter(is_eeg).collect() };
        Self { plan, recording, channels, reference, referenced, mean: Vec::new() }
    }

    /// Fills the first `n` columns with the samples from `start` on; gives `n`.
    fn read(&mut self, start: usize, n: usize, to: &mut Array2<f64>) -> Result<usize> {
        if n == 0 {
            return Ok(0);
        }
        let mut piece = to.slice_mut(s![.., ..n]);
        self.recording.read(&self.channels, start, piece.view_mut())?;
        let info = &self.plan.info;
        let faults = piece
            .rows()
            .into_iter()
            .enumerate()
            .filter_map(|(row, values)| Some((values.iter().position(|value| !value.is_finite())?, row)));
        if let Some((time, row)) = faults.min() {
            return Err(Error::NotFinite {
                path: info.path.clone(),
                channel: info.channels[self.channels[row]].name.clone(),
                sample: start + time,
                time: (start + time) as f64 / info.sfreq,
                value: piece[[row, time]],
                advice: "mark the channel as bad in channels.tsv, or cut or interpolate the stretch",
            });
        }
        if self.referenced.is_empty() {
            return Ok(n);
        }
        self.mean.clear();
        self.mean.resize(n, 0.0);
        for row in &self.reference {
            self.mean.iter_mut().zip(piece.row(*row)).for_each(|(mean, x)| *mean += x);
        }
        let n_reference = self.reference.len() as f64;
        self.mean.iter_mut().for_each(|mean| *mean /= n_reference);
        for row in &self.referenced {
            piece.row_mut(*row).iter_mut().zip(&self.mean).for_each(|(x, mean)| *x -= mean);
        }
        Ok(n)
    }
}

/// The channels that make the reference.
fn reference(info: &RecordingInfo, reference: Option<&Reference>, exclude: &[String]) -> Result<Vec<usize>> {
    let refused = |found: String, expected: &str| {
        let expected = format!("{expected}; {} has {}", info.path.display(), info.channel_summary());
        Err(dre::Error::Setting { name: "prepare.reference".to_owned(), found, expected }.into())
    };
    match reference {
        None => Ok(Vec::new()),
        Some(Reference::Average) => {
            let channels = pick_channels(info, &[ChannelType::Eeg], exclude);
            if channels.is_empty() {
                return refused("average".to_owned(), "at least one good EEG channel that is not excluded");
            }
            Ok(channels)
        }
        Some(Reference::Channels(names)) => {
            let mut channels = Vec::with_capacity(names.len());
            for name in names {
                match info.channels.iter().position(|channel| channel.name == *name) {
                    Some(channel) if info.channels[channel].bad => {
                        return refused(format!("{name}, which is marked as bad"), "good channels");
                    }
                    Some(channel) if info.channels[channel].unit != Unit::Volt => {
                        return refused(format!("{name}, in {}", info.channels[channel].unit), "channels in V");
                    }
                    Some(channel) => channels.push(channel),
                    None => return refused(name.clone(), "channels of the recording"),
                }
            }
            Ok(channels)
        }
    }
}

/// Prepares the channels at `picks` in memory; see [`RecordingPlan::run`].
///
/// # Errors
/// As [`RecordingPlan::new`] and [`RecordingPlan::run`].
pub fn prepare_recording(
    recording: &mut dyn Recording,
    picks: &[usize],
    spec: &PrepareSpec,
    n_threads: usize,
    memory: usize,
) -> Result<PreparedRecording> {
    let plan = RecordingPlan::new(recording.info(), picks, spec, &[])?;
    let (preparation, n_times) = (&plan.preparation, plan.preparation.n_times());
    let mut rows = InMemory { data: vec![0.0; picks.len() * n_times], n_times };
    plan.run(recording, n_threads, memory, &std::env::temp_dir(), &mut rows)?;
    Ok(PreparedRecording {
        sfreq: preparation.sfreq(),
        n_times,
        channels: picks.iter().map(|pick| plan.info.cohort_channel(*pick)).collect(),
        data: rows.data,
        steps: preparation.steps(),
        advice: preparation.advice().to_vec(),
    })
}

struct InMemory {
    data: Vec<f32>,
    n_times: usize,
}

impl RowSink for InMemory {
    fn write(&mut self, row: usize, column: usize, values: &[f32]) -> std::result::Result<(), StoreError> {
        let start = row * self.n_times + column;
        self.data[start..start + values.len()].copy_from_slice(values);
        Ok(())
    }
}

fn check_unit(info: &RecordingInfo, pick: usize) -> Result<()> {
    let channel = &info.channels[pick];
    match Unit::of(channel.kind) {
        Some(unit) if unit != channel.unit => Err(Error::ChannelUnit {
            path: info.path.clone(),
            channel: channel.name.clone(),
            kind: channel.kind,
            found: channel.unit.to_string(),
            expected: unit.to_string(),
        }),
        _ => Ok(()),
    }
}
