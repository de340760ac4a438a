//! From recordings to a cohort.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::time::UNIX_EPOCH;

use dre::data::{Channel, EventTable, Gaps, Lack};
use dre::features;
use dre::results::Exclusion;
use ndarray::Array2;
use serde_json::json;

use super::channels::{ChannelTable, Matched};
use super::segments::bad_segments;
use super::{Job, Monitor, PipelineError, Result};
use crate::bids::{BidsDataset, BidsFilter, BidsRecording};
use crate::cohort::{
    COHORT_FILE, COHORT_FORMAT, CohortFolder, CohortInfo, CohortWriter, InputFile, NewRecording, open_cohort,
};
use crate::prepare::{PreparedRecording, READ_MEMORY, prepare_recording};
use crate::recording::{ChannelNote, Recording, describe, open_recording};
use crate::store::StoreError;

/// Folder of the cohort in a run's folder.
pub const COHORT_FOLDER: &str = "cohort";

/// Everything that decides a cohort, apart from the inputs.
fn recipe(job: &Job) -> serde_json::Value {
    let study = &job.study;
    let mut data = json!(study.data);
    if let Some(data) = data.as_object_mut() {
        // Where the data lie does not matter; what they hold is hashed.
        data.remove("bids");
    }
    json!({
        "data": data,
        "prepare": study.prepare,
        "features": study.features,
        "version": env!("CARGO_PKG_VERSION"),
    })
}

/// The recordings that the study asks for.
fn filter(job: &Job) -> BidsFilter {
    BidsFilter {
        task: job.study.data.task.clone(),
        subjects: job.study.data.subjects.clone(),
        sessions: job.study.data.sessions.clone(),
        runs: job.study.data.runs.clone(),
    }
}

/// Prepares the recordings of a study, or opens the cohort where it is up to date.
///
/// # Errors
/// [`PipelineError`]; a cohort that was there before then still is.
pub fn prepare(job: &Job, monitor: &mut dyn Monitor) -> Result<CohortFolder> {
    let dataset = BidsDataset::open(&job.data)?;
    let recordings = dataset.select(&filter(job))?;
    let place = job.out.join(COHORT_FOLDER);
    let recipe = recipe(job);
    if !job.force && place.join(COHORT_FILE).exists() {
        match open_cohort(&place) {
            Ok(cohort) if cohort.info.recipe == recipe && inputs_unchanged(&dataset, &recordings, &cohort.info) => {
                monitor.step("Up to date", &format!("cohort of {} recordings", cohort.info.recordings.len()));
                return Ok(cohort);
            }
            Ok(_) => {}
            Err(error) => monitor.warn(&format!("the cohort is made again: {error}")),
        }
    }
    monitor.step("Preparing", &format!("{} recordings of {}", recordings.len(), job.data.display()));
    let Matched { channels, picks, lacks, excluded } = match_channels(job, &dataset, &recordings, monitor)?;
    let mut writer = CohortWriter::new(&place)?;
    let mut build = Build {
        job,
        dataset: &dataset,
        channels: &channels,
        first: None,
        inputs: Vec::new(),
        steps: Vec::new(),
        warned: HashSet::new(),
    };
    for (recording, (picks, lacks)) in recordings.iter().zip(picks.iter().zip(lacks)) {
        if monitor.stop_requested() {
            return Err(PipelineError::Cancelled);
        }
        build.add(recording, picks, lacks, &mut writer, monitor)?;
    }
    let Build { first: Some((_, sfreq)), inputs, steps, .. } = build else {
        unreachable!("a selection is never empty")
    };
    let mut subjects: Vec<String> = recordings.iter().map(|r| r.subject.clone()).collect();
    subjects.dedup();
    let mut names: Vec<String> = job.study.features.iter().map(|f| f.name.clone()).collect();
    names.sort();
    let skipped = dataset.skipped().iter();
    let info = CohortInfo {
        format: COHORT_FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sfreq,
        channels,
        features: names,
        subjects,
        recordings: Vec::new(),
        steps,
        excluded: skipped
            .map(|s| Exclusion { what: s.path.display().to_string(), reason: s.reason.to_string() })
            .chain(excluded)
            .collect(),
        recipe,
        inputs,
    };
    writer.finish(info)?;
    Ok(open_cohort(&place)?)
}

/// Opens the cohort that an earlier [`prepare`] left.
///
/// # Errors
/// [`PipelineError::Missing`] where there is none or the study has changed since.
pub fn open_prepared(job: &Job) -> Result<CohortFolder> {
    let path = job.out.join(COHORT_FOLDER);
    let missing = PipelineError::Missing { path: path.clone(), step: "prepare" };
    if !path.join(COHORT_FILE).exists() {
        return Err(missing);
    }
    let cohort = open_cohort(&path)?;
    let dataset = BidsDataset::open(&job.data)?;
    let recordings = dataset.select(&filter(job))?;
    if cohort.info.recipe == recipe(job) && inputs_unchanged(&dataset, &recordings, &cohort.info) {
        Ok(cohort)
    } else {
        Err(missing)
    }
}

struct Build<'a> {
    job: &'a Job,
    dataset: &'a BidsDataset,
    /// Channels of the cohort.
    channels: &'a [Channel],
    /// Name and sampling frequency of the first recording; all others must share the latter.
    first: Option<(String, f64)>,
    inputs: Vec<InputFile>,
    steps: Vec<String>,
    warned: HashSet<String>,
}

impl Build<'_> {
    /// Prepares the channels at `picks`; the recording lacks the rows in `lacks`.
    fn add(
        &mut self,
        recording: &BidsRecording,
        picks: &[usize],
        lacks: BTreeMap<usize, Lack>,
        writer: &mut CohortWriter,
        monitor: &mut dyn Monitor,
    ) -> Result<()> {
        let events = self.dataset.events_file(recording)?;
        let mut reader = open_described(self.dataset, recording)?;
        let info = reader.info().clone();
        events.check_within(info.seconds())?;
        let prepared =
            prepare_recording(&mut *reader, picks, &self.job.study.prepare, self.job.n_threads, READ_MEMORY)?;
        self.compare(recording, &prepared)?;
        monitor.detail(&format!("{}: {}, {:.1} s", recording.id, info.channel_summary(), info.seconds()));
        if let Some(said) = self.dataset.sidecar(recording)?.sfreq
            && (said - info.sfreq).abs() > 1e-3 * info.sfreq
        {
            monitor.warn(&format!(
                "{}: its sidecar says SamplingFrequency {said} Hz, its header {} Hz; the header is used",
                recording.id, info.sfreq
            ));
        }
        for note in &info.notes {
            monitor.warn(&format!("{}: {note}", recording.id));
        }
        for advice in &prepared.advice {
            // The same advice for every recording would only be noise.
            if self.warned.insert(advice.to_string()) {
                monitor.warn(&format!("{}: {advice}", recording.id));
            }
        }
        let PreparedRecording { sfreq, n_times, .. } = prepared;
        let gaps = Gaps::new(lacks, bad_segments(&info.annotations, &events.table, sfreq, n_times));
        if !gaps.is_empty() {
            monitor.detail(&format!(
                "{}: {} of {} channels bad or absent, {} bad segments ({:.1} s)",
                recording.id,
                gaps.channels().len(),
                self.channels.len(),
                gaps.segments().len(),
                gaps.n_bad_times() as f64 / sfreq
            ));
        }
        let features = self.features(recording, &events.table, sfreq, n_times)?;
        writer.push(&NewRecording {
            id: &recording.id,
            subject: &recording.subject,
            n_times,
            channels: self.channels,
            gaps: &gaps,
            data: &prepared.data,
            features: features.as_slice().expect("just made in standard layout"),
            events: &events.table,
        })?;
        for file in info.files.iter().chain(&self.dataset.metadata_files(recording)?) {
            let input = input(self.dataset.root(), file)?;
            if !self.inputs.contains(&input) {
                self.inputs.push(input);
            }
        }
        if self.steps.is_empty() {
            self.steps = prepared.steps;
        }
        Ok(())
    }

    fn features(
        &self,
        recording: &BidsRecording,
        events: &EventTable,
        sfreq: f64,
        n_times: usize,
    ) -> Result<Array2<f32>> {
        features::build(&self.job.study.features, events, sfreq, n_times)
            .map_err(|source| PipelineError::InRecording { recording: recording.id.clone(), source })
    }

    /// All recordings have the sampling frequency of the first.
    fn compare(&mut self, recording: &BidsRecording, prepared: &PreparedRecording) -> Result<()> {
        let Some((first, sfreq)) = &self.first else {
            self.first = Some((recording.id.clone(), prepared.sfreq));
            return Ok(());
        };
        if (prepared.sfreq - sfreq).abs() > 1e-6 * sfreq {
            return Err(PipelineError::SfreqDiffers {
                first: first.clone(),
                recording: recording.id.clone(),
                found: prepared.sfreq,
                expected: *sfreq,
            });
        }
        Ok(())
    }
}

/// Matches the channels of all recordings by name, from their headers.
fn match_channels(
    job: &Job,
    dataset: &BidsDataset,
    recordings: &[&BidsRecording],
    monitor: &mut dyn Monitor,
) -> Result<Matched> {
    let mut table = ChannelTable::default();
    for recording in recordings {
        if monitor.stop_requested() {
            return Err(PipelineError::Cancelled);
        }
        table.add(&recording.id, open_described(dataset, recording)?.info(), &job.study.data)?;
    }
    let matched = table.finish(job.study.data.channels)?;
    let partial = matched.lacks.iter().filter(|lacks| !lacks.is_empty()).count();
    if partial > 0 {
        let n: usize = matched.lacks.iter().map(BTreeMap::len).sum();
        monitor.step(
            "Masking",
            &format!("{n} channels that are bad or absent in {partial} of {} recordings", recordings.len()),
        );
    }
    Ok(matched)
}

/// Opens a recording with what `channels.tsv` and `electrodes.tsv` say about its channels.
fn open_described(dataset: &BidsDataset, recording: &BidsRecording) -> Result<Box<dyn Recording>> {
    let reader = open_recording(&recording.path)?;
    let channels = dataset.channels(recording)?.unwrap_or_default();
    let electrodes = dataset.electrodes(recording)?.map(|e| e.positions).unwrap_or_default();
    let mut notes: Vec<ChannelNote<'_>> = channels
        .iter()
        .map(|c| ChannelNote {
            name: &c.name,
            kind: Some(c.kind),
            unit: c.units.as_deref(),
            bad: c.is_bad,
            position: electrodes.get(&c.name).copied(),
        })
        .collect();
    if channels.is_empty() {
        // Positions alone; a table of electrodes may list some that were not recorded.
        let names: Vec<String> = reader.info().channels.iter().map(|c| c.name.clone()).collect();
        let known = electrodes.iter().filter(|(name, _)| names.contains(name));
        notes = known
            .map(|(name, &at)| ChannelNote { name, kind: None, unit: None, bad: false, position: Some(at) })
            .collect();
        return Ok(describe(reader, notes)?);
    }
    Ok(describe(reader, notes)?)
}

fn stamp(path: &Path) -> std::io::Result<(u64, u64)> {
    let about = std::fs::metadata(path)?;
    let modified = about.modified()?.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64);
    Ok((about.len(), modified))
}

/// A path within the data set as it is written down.
fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

fn input(root: &Path, path: &Path) -> Result<InputFile> {
    let (bytes, modified) = stamp(path).map_err(StoreError::read(path))?;
    let sha256 = crate::hash::file(path).map_err(StoreError::read(path))?;
    Ok(InputFile { path: shown(root, path), bytes, modified, sha256 })
}

/// Whether the data set still selects the same recordings and their files have kept size and time.
fn inputs_unchanged(dataset: &BidsDataset, recordings: &[&BidsRecording], info: &CohortInfo) -> bool {
    let same =
        recordings.len() == info.recordings.len() && recordings.iter().zip(&info.recordings).all(|(a, b)| a.id == b.id);
    let unchanged = |input: &InputFile| {
        stamp(&dataset.root().join(&input.path)).is_ok_and(|now| now == (input.bytes, input.modified))
    };
    // A table that is new, or was inherited before, changes what applies without changing any old file.
    let known: HashSet<&str> = info.inputs.iter().map(|i| i.path.as_str()).collect();
    let covered = |recording: &&BidsRecording| {
        dataset.metadata_files(recording).is_ok_and(|files| {
            files.iter().chain([&recording.path]).all(|file| known.contains(shown(dataset.root(), file).as_str()))
        })
    };
    same && recordings.iter().all(covered) && info.inputs.iter().all(unchanged)
}
