//! The samples (`.meg4`): trial by trial, and within a trial channel by channel.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use ndarray::{ArrayViewMut2, s};

use crate::recording::{DigKind, DigPoint, Recording, RecordingInfo, check_request};
use crate::{Error, Result};

use super::bytes::COPY_AGAIN;
use super::channels::{self, Converted};
use super::digitised;
use super::files::Folder;
use super::geometry::apply;
use super::head::Head;
use super::notes;
use super::res4::Res4;

/// Bytes before the first trial.
const SIGNATURE_BYTES: u64 = 8;
/// Bytes of a sample.
const SAMPLE_BYTES: usize = 4;
/// Bytes read at a time.
const BLOCK_BYTES: usize = 1 << 18;
/// The channel that counts the acquisition's ticks, as the header has it; it stands at 0 where nothing was acquired.
const SYSTEM_CLOCK: &str = "SCLK01-177";

/// An open CTF recording.
#[derive(Debug)]
pub struct Ctf {
    info: RecordingInfo,
    parts: Vec<Part>,
    scales: Vec<f64>,
    /// Samples per channel and trial.
    n_trial: usize,
    bytes: Vec<u8>,
}

/// A file of samples.
#[derive(Debug)]
struct Part {
    path: PathBuf,
    file: File,
    /// The recording's sample that the file begins with.
    start: usize,
    /// Valid samples.
    n_times: usize,
}

impl Ctf {
    /// Opens a `.ds` folder, reads its header and texts, and checks the sizes of the files of samples.
    ///
    /// As in MNE-Python, each file of samples ends where the system clock first stands at 0.
    ///
    /// # Errors
    /// [`Error::MissingPart`] where header or samples are not there, [`Error::At`] for faults in the header, [`Error::Line`] for
    /// those in text files, [`Error::DataSize`] where a file of samples does not hold whole trials, [`Error::Format`] where
    /// channels have different gradient orders or no sample is valid, [`Error::DuplicateChannel`], [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self> {
        let folder = Folder::open(path)?;
        let header_file = folder.file("res4");
        let header = Res4::read(&header_file)?;
        let mut files = vec![header_file.clone()];
        let mut said = Vec::new();
        if folder.renamed {
            said.push(format!(
                "{}: the folder was renamed without its files, which are read all the same",
                path.display()
            ));
        }

        let (head_file, electrode_file) = (folder.file("hc"), folder.file("eeg"));
        let head = Head::read(&head_file)?;
        said.extend(head.notes.iter().cloned());
        let electrodes = digitised::electrodes(&electrode_file)?;
        files.extend([head_file, electrode_file].into_iter().filter(|file| file.is_file()));
        let Converted { mut channels, scales, grade, notes } =
            channels::convert(&header_file, &header, &head, electrodes.is_none())?;
        said.extend(notes);
        let mut digitisation = head.points.clone();
        match (&head.from_ctf, electrodes) {
            (Some(to_head), Some(electrodes)) => {
                for point in electrodes {
                    let position = apply(to_head, point.position);
                    let channel = channels
                        .iter_mut()
                        .enumerate()
                        .find(|(i, _)| header.channels[*i].name.to_lowercase() == point.label.to_lowercase());
                    let mut dig = DigPoint { kind: point.kind, ident: point.ident, position };
                    if let Some((index, channel)) = channel {
                        channel.position = Some(position);
                        dig.kind = DigKind::Eeg;
                        dig.ident = number_among_its_kind(&header, index);
                    }
                    digitisation.push(dig);
                }
            }
            (Some(_), None) => {
                let placed = channels.iter().enumerate().filter(|(_, c)| c.kind == dre::data::ChannelType::Eeg);
                digitisation.extend(placed.filter_map(|(index, channel)| {
                    let ident = number_among_its_kind(&header, index);
                    channel.position.map(|position| DigPoint { kind: DigKind::Eeg, ident, position })
                }));
            }
            (None, Some(_)) => said.push(format!(
                "{}: the electrodes' positions are left out, as the head coils (.hc) that they refer to are not known",
                path.display()
            )),
            (None, None) => {}
        }
        let scalp_files = folder.positions()?;
        match (&head.from_ctf, scalp_files.as_slice()) {
            (_, []) => {}
            (Some(to_head), [file]) => {
                let points = digitised::scalp(file)?;
                digitisation.extend(points.into_iter().map(|point| DigPoint {
                    kind: point.kind,
                    ident: point.ident,
                    position: apply(to_head, point.position),
                }));
                files.push(file.clone());
            }
            (None, [file]) => said.push(format!(
                "{}: digitised points are left out, as the head coils (.hc) that they refer to are not known",
                file.display()
            )),
            (_, several) => {
                said.push(format!("{}: {} .pos files; digitised points are left out", path.display(), several.len()));
            }
        }

        let (parts, n_times) = open_parts(&folder, &header, &mut said)?;
        files.extend(parts.iter().map(|part| part.path.clone()));
        let mut annotations = Vec::new();
        files.extend(notes::bad_channels(&folder.path, &mut channels, &mut said)?);
        files.extend(notes::bad_segments(&folder.path, &header, &mut annotations, &mut said)?);
        files.extend(notes::markers(&folder.path, &header, &mut annotations)?);
        let annotations = notes::within(annotations, &header, n_times, &mut said);
        let info = RecordingInfo {
            files,
            highpass: header.highpass,
            lowpass: header.lowpass,
            annotations,
            device_to_head: head.from_device,
            digitisation,
            compensation_grade: grade,
            notes: said,
            ..RecordingInfo::new(path, header.sfreq, n_times, channels)
        };
        Ok(Self { info, parts, scales, n_trial: header.n_samples, bytes: Vec::new() })
    }
}

/// Number, from 1, of a channel among those of its type, as MNE-Python counts.
fn number_among_its_kind(header: &Res4, index: usize) -> i32 {
    let sensor = header.channels[index].sensor;
    header.channels[..=index].iter().filter(|channel| channel.sensor == sensor).count() as i32
}

/// Opens the files of samples; with the number of valid samples in all.
fn open_parts(folder: &Folder, header: &Res4, said: &mut Vec<String>) -> Result<(Vec<Part>, usize)> {
    let n_channels = header.channels.len();
    let clock = header.channels.iter().position(|channel| channel.name == SYSTEM_CLOCK);
    let mut parts: Vec<Part> = Vec::new();
    let (mut n_times, mut n_stored) = (0, 0);
    for path in folder.samples()? {
        let mut file = crate::files::open(&path).map_err(Error::io("open", &path))?;
        let n_bytes = file.metadata().map_err(Error::io("read", &path))?.len();
        let mut signature = [0; SIGNATURE_BYTES as usize];
        let mut read = || file.rewind().and_then(|()| file.read_exact(&mut signature));
        if n_bytes < SIGNATURE_BYTES || read().is_err() || !signature.starts_with(b"MEG4") {
            return Err(Error::at(&path, 0, "not a CTF file of samples: expected the signature MEG41CP", COPY_AGAIN));
        }
        let trial_bytes = (header.n_samples as u64).saturating_mul((n_channels * SAMPLE_BYTES) as u64);
        let n_trials = (n_bytes - SIGNATURE_BYTES) / trial_bytes;
        if n_trials == 0 || !(n_bytes - SIGNATURE_BYTES).is_multiple_of(trial_bytes) {
            return Err(Error::DataSize {
                path,
                header: folder.file("res4"),
                found: n_bytes,
                expected: format!(
                    "{SIGNATURE_BYTES} bytes and trials of {trial_bytes} bytes ({n_channels} channels × {} samples × \
                     {SAMPLE_BYTES} bytes)",
                    header.n_samples
                ),
            });
        }
        n_stored += n_trials;
        let n_all = n_trials as usize * header.n_samples;
        let n_valid = match clock {
            Some(clock) => valid_samples(&mut file, &path, header, clock, n_trials)?,
            None => n_all,
        };
        if n_valid < n_all {
            said.push(format!(
                "{}: the system clock stops after {n_valid} of {n_all} samples; the rest is left out",
                path.display()
            ));
        }
        if n_valid == 0 {
            // What lies behind a file without samples is not read, as in MNE-Python.
            break;
        }
        parts.push(Part { path, file, start: n_times, n_times: n_valid });
        n_times += n_valid;
    }
    if parts.is_empty() {
        let problem = "the system clock stands at 0 from the first sample on: there are no samples";
        return Err(Error::format(&folder.path, problem, "check that the recording was not stopped at its start"));
    }
    if n_stored < header.n_trials as u64 {
        said.push(format!(
            "{}: {n_stored} of the {} trials that its header describes are there",
            folder.path.display(),
            header.n_trials
        ));
    }
    Ok((parts, n_times))
}

/// Samples before the clock first stands at 0.
fn valid_samples(file: &mut File, path: &Path, header: &Res4, clock: usize, n_trials: u64) -> Result<usize> {
    let (n_trial, n_channels) = (header.n_samples as u64, header.channels.len() as u64);
    let mut bytes = Vec::new();
    for trial in 0..n_trials {
        let origin = (trial * n_channels + clock as u64) * n_trial;
        for first in (0..header.n_samples).step_by(BLOCK_BYTES / SAMPLE_BYTES) {
            let n = (BLOCK_BYTES / SAMPLE_BYTES).min(header.n_samples - first);
            fetch(file, path, origin + first as u64, n, &mut bytes)?;
            if let Some(place) = bytes.chunks_exact(SAMPLE_BYTES).position(|value| value == [0; SAMPLE_BYTES]) {
                return Ok(trial as usize * header.n_samples + first + place);
            }
        }
    }
    Ok((n_trials * n_trial) as usize)
}

/// Reads `n` stored values from the `first` on.
fn fetch(file: &mut File, path: &Path, first: u64, n: usize, bytes: &mut Vec<u8>) -> Result<()> {
    bytes.resize(n * SAMPLE_BYTES, 0);
    file.seek(SeekFrom::Start(SIGNATURE_BYTES + first * SAMPLE_BYTES as u64))
        .and_then(|_| file.read_exact(bytes))
        .map_err(Error::io("read", path))
}

impl Recording for Ctf {
    fn info(&self) -> &RecordingInfo {
        &self.info
    }

    fn read(&mut self, channels: &[usize], start: usize, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_request(&self.info, channels, start, &out)?;
        let (n_trial, n_channels) = (self.n_trial, self.info.channels.len());
        let end = start + out.ncols();
        let mut at = start;
        while at < end {
            let Some(part) = self.parts.iter_mut().find(|part| (part.start..part.start + part.n_times).contains(&at))
            else {
                break;
            };
            let (trial, within) = ((at - part.start) / n_trial, (at - part.start) % n_trial);
            let n =
                (n_trial - within).min(part.start + part.n_times - at).min(end - at).min(BLOCK_BYTES / SAMPLE_BYTES);
            let mut block = out.slice_mut(s![.., at - start..at - start + n]);
            for (channel, mut row) in channels.iter().zip(block.outer_iter_mut()) {
                let first = (trial * n_channels + channel) as u64 * n_trial as u64 + within as u64;
                fetch(&mut part.file, &part.path, first, n, &mut self.bytes)?;
                let scale = self.scales[*channel];
                for (to, bytes) in row.iter_mut().zip(self.bytes.as_chunks::<SAMPLE_BYTES>().0) {
                    *to = f64::from(i32::from_be_bytes(*bytes)) * scale;
                }
            }
            at += n;
        }
        Ok(())
    }
}
