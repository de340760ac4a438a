//! From recordings to a cohort.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use dre::data::{Channel, EventTable, Gaps, Lack};
use dre::features::{FeatureSpec, FeatureSummary, FeatureValue, Features, Source};
use dre::results::Exclusion;
use serde_json::json;

use super::channels::{ChannelTable, Matched};
use super::segments::bad_segments;
use super::{Job, Monitor, PipelineError, Result};
use crate::bids::{BidsDataset, BidsFilter, BidsRecording};
use crate::cohort::{
    COHORT_FILE, COHORT_FORMAT, CohortAudit, CohortFolder, CohortInfo, CohortWriter, InputFile, NewRecording,
    open_cohort,
};
use crate::features::{lexicon_files, read_lexica, read_tracks, track_files};
use crate::mous;
use crate::prepare::{READ_MEMORY, RecordingPlan};
use crate::recording::{ChannelNote, Recording, describe, open_recording};
use crate::store::{NewFolder, StoreError};
use crate::study::EventSource;

/// Folder of the cohort in a run's folder.
pub const COHORT_FOLDER: &str = "cohort";

/// Everything that decides a cohort, apart from the inputs.
fn recipe(job: &Job) -> serde_json::Value {
    let study = &job.study;
    let mut data = json!(study.data);
    if let Some(data) = data.as_object_mut() {
        // Where the data lie does not matter; what they hold is hashed.
        data.remove("bids");
        data.remove("logs");
    }
    json!({
        "data": data,
        "prepare": study.prepare,
        "features": without_folders(&study.features),
        "version": env!("CARGO_PKG_VERSION"),
    })
}

/// Features whose lexica are named without their folders, which do not matter: what they hold is hashed.
fn without_folders(features: &[FeatureSpec]) -> Vec<FeatureSpec> {
    let mut features = features.to_vec();
    for feature in &mut features {
        if let FeatureValue::Zipf { lexicon, .. } = &mut feature.value
            && let Some(name) = Path::new(lexicon.as_str()).file_name()
        {
            *lexicon = name.to_string_lossy().into_owned();
        }
    }
    features
}

/// The features of a study, resolved on the events of all its recordings.
///
/// # Errors
/// [`PipelineError`] for lexica, events and features that cannot be used.
pub fn resolve_features(job: &Job) -> Result<Features> {
    let dataset = open_dataset(job)?;
    let recordings = dataset.select(&filter(job))?;
    features_of(job, &dataset, &recordings)
}

fn features_of(job: &Job, dataset: &BidsDataset, recordings: &[&BidsRecording]) -> Result<Features> {
    let features = &job.study.features;
    let has_levels = |f: &FeatureSpec| matches!(&f.value, FeatureValue::Category { levels, .. } if levels.is_empty());
    // Only levels that the study does not name have to be looked for in every table.
    let tables: Vec<EventTable> = if features.iter().any(has_levels) {
        recordings.iter().map(|r| events_of(job, dataset, r)).collect::<Result<_>>()?
    } else {
        Vec::new()
    };
    let lexica = read_lexica(features)?;
    Ok(Features::new(features, lexica, &tables.iter().collect::<Vec<_>>())?)
}

/// What values the features of a study have, over the events and stimuli of all its recordings.
///
/// # Errors
/// [`PipelineError`] for files, events and features that cannot be used.
pub fn summarise_features(job: &Job) -> Result<Vec<FeatureSummary>> {
    let dataset = open_dataset(job)?;
    let recordings = dataset.select(&filter(job))?;
    let features = features_of(job, &dataset, &recordings)?;
    let mut all: Vec<FeatureSummary> = Vec::new();
    for recording in recordings {
        let events = events_of(job, &dataset, recording)?;
        let tracks = read_tracks(&job.study.features, &dataset, recording, &events)?;
        let in_recording = |source| PipelineError::InRecording { recording: recording.id.clone(), source };
        let found = features.summaries(&Source { events: &events, tracks: &tracks }).map_err(in_recording)?;
        all = merged(all, found);
    }
    Ok(all)
}

/// The events of a recording, which is opened where the tables alone do not tell them.
fn events_of(job: &Job, dataset: &BidsDataset, recording: &BidsRecording) -> Result<EventTable> {
    if job.study.data.events != EventSource::Mous
        && let Ok(events) = dataset.events(recording)
    {
        return Ok(events);
    }
    let mut reader = open_described(dataset, recording)?;
    Ok(read_events(job, dataset, recording, &mut *reader)?.table)
}

/// Summaries of more recordings added to those of others.
fn merged(all: Vec<FeatureSummary>, more: Vec<FeatureSummary>) -> Vec<FeatureSummary> {
    if all.is_empty() { more } else { all.into_iter().zip(&more).map(|(a, b)| a.merge(b)).collect() }
}

/// The recordings that the study asks for.
fn filter(job: &Job) -> BidsFilter {
    let data = job.study.data.clone();
    BidsFilter {
        task: data.task,
        subjects: data.subjects,
        sessions: data.sessions,
        runs: data.runs,
        acquisitions: data.acquisitions,
        processings: data.processings,
        recordings: data.recordings,
        spaces: data.spaces,
        descriptions: data.descriptions,
    }
}

/// The data set of the study: raw, or derivatives below it.
fn open_dataset(job: &Job) -> Result<BidsDataset> {
    Ok(match &job.study.data.derivatives {
        Some(name) => BidsDataset::open_derivatives(&job.data, name)?,
        None => BidsDataset::open(&job.data)?,
    })
}

/// Prepares the recordings of a study, or opens the cohort where it is up to date.
///
/// # Errors
/// [`PipelineError`]; a cohort that was there before then still is.
pub fn prepare(job: &Job, monitor: &mut dyn Monitor) -> Result<CohortFolder> {
    let dataset = open_dataset(job)?;
    let recordings = dataset.select(&filter(job))?;
    let place = job.out.join(COHORT_FOLDER);
    let recipe = recipe(job);
    NewFolder::recover(&place)?;
    if !job.force && place.join(COHORT_FILE).exists() {
        match open_cohort(&place) {
            Ok(cohort)
                if cohort.info.recipe == recipe && inputs_unchanged(job, &dataset, &recordings, &cohort.info) =>
            {
                monitor.step("Up to date", &format!("cohort of {} recordings", cohort.info.recordings.len()));
                return Ok(cohort);
            }
            Ok(_) => {}
            Err(error) => monitor.warn(&format!("the cohort is made again: {error}")),
        }
    }
    monitor.step("Preparing", &format!("{} recordings of {}", recordings.len(), job.data.display()));
    let Matched { channels, picks, lacks, excluded } = match_channels(job, &dataset, &recordings, monitor)?;
    for note in dataset.notes() {
        monitor.warn(&note);
    }
    let mut writer = CohortWriter::new(&place)?;
    let features = features_of(job, &dataset, &recordings)?;
    let mut build = Build {
        job,
        dataset: &dataset,
        features: &features,
        summaries: Vec::new(),
        hashes: BTreeMap::new(),
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
    let Build { first: Some((_, sfreq)), mut inputs, steps, hashes, summaries, .. } = build else {
        unreachable!("a selection is never empty")
    };
    let mut subjects: Vec<String> = recordings.iter().map(|r| r.subject.clone()).collect();
    subjects.dedup();
    for file in lexicon_files(&job.study.features) {
        inputs.push(input(dataset.root(), &file)?);
    }
    let audit = CohortAudit::new(hashes, summaries);
    for ids in &audit.identical_recordings {
        monitor.warn(&format!("{} hold the very same data; is a recording there twice?", ids.join(" and ")));
    }
    writer.audit(&audit)?;
    let skipped = dataset.skipped().iter();
    let info = CohortInfo {
        format: COHORT_FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sfreq,
        channels,
        features: features.names(),
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
    let dataset = open_dataset(job)?;
    let recordings = dataset.select(&filter(job))?;
    if cohort.info.recipe == recipe(job) && inputs_unchanged(job, &dataset, &recordings, &cohort.info) {
        Ok(cohort)
    } else {
        Err(missing)
    }
}

struct Build<'a> {
    job: &'a Job,
    dataset: &'a BidsDataset,
    features: &'a Features,
    summaries: Vec<FeatureSummary>,
    /// Recordings by the hash of their prepared data.
    hashes: BTreeMap<String, Vec<String>>,
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
        let mut reader = open_described(self.dataset, recording)?;
        let info = reader.info().clone();
        let events = read_events(self.job, self.dataset, recording, &mut *reader)?;
        let study = &self.job.study;
        let plan = RecordingPlan::new(&info, picks, &study.prepare, &study.data.exclude)?;
        let (sfreq, n_times) = (plan.preparation().sfreq(), plan.preparation().n_times());
        self.compare(recording, sfreq)?;
        monitor.detail(&format!("{}: {}, {:.1} s", recording.id, info.channel_summary(), info.seconds()));
        if let Some(said) = self.dataset.sidecar(recording)?.sfreq
            && (said - info.sfreq).abs() > 1e-3 * info.sfreq
        {
            monitor.warn(&format!(
                "{}: its sidecar says SamplingFrequency {said} Hz, its header {} Hz; the header is used",
                recording.id, info.sfreq
            ));
        }
        for note in info.notes.iter().chain(&events.notes) {
            monitor.warn(&format!("{}: {note}", recording.id));
        }
        for advice in plan.preparation().advice() {
            // The same advice for every recording would only be noise.
            if self.warned.insert(advice.to_string()) {
                monitor.warn(&format!("{}: {advice}", recording.id));
            }
        }
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
        let features = self.build_features(recording, &events.table, sfreq, n_times)?;
        let new = NewRecording {
            id: &recording.id,
            subject: &recording.subject,
            n_times,
            channels: self.channels,
            gaps: &gaps,
            features: &features,
            events: &events.table,
        };
        writer.push(&new, |sink, scratch| -> Result<()> {
            Ok(plan.run(&mut *reader, self.job.n_threads, READ_MEMORY, scratch, sink)?)
        })?;
        self.hashes.entry(writer.data_hash(&recording.id)?).or_default().push(recording.id.clone());
        let stimuli = track_files(&self.job.study.features, self.dataset, recording, &events.table)?;
        let metadata = self.dataset.metadata_files(recording)?;
        for file in info.files.iter().chain(&metadata).chain(&events.files).chain(&stimuli) {
            let input = input(self.dataset.root(), file)?;
            if !self.inputs.contains(&input) {
                self.inputs.push(input);
            }
        }
        if self.steps.is_empty() {
            self.steps = plan.preparation().steps();
        }
        Ok(())
    }

    fn build_features(
        &mut self,
        recording: &BidsRecording,
        events: &EventTable,
        sfreq: f64,
        n_times: usize,
    ) -> Result<Vec<f32>> {
        let in_recording = |source| PipelineError::InRecording { recording: recording.id.clone(), source };
        let tracks = read_tracks(&self.job.study.features, self.dataset, recording, events)?;
        let source = Source { events, tracks: &tracks };
        let signals = self.features.build(&source, sfreq, n_times).map_err(in_recording)?;
        let found = self.features.summaries(&source).map_err(in_recording)?;
        self.summaries = merged(std::mem::take(&mut self.summaries), found);
        Ok(signals.into_raw_vec_and_offset().0)
    }

    /// All recordings have the sampling frequency of the first.
    fn compare(&mut self, recording: &BidsRecording, found: f64) -> Result<()> {
        let Some((first, sfreq)) = &self.first else {
            self.first = Some((recording.id.clone(), found));
            return Ok(());
        };
        if (found - sfreq).abs() > 1e-6 * sfreq {
            return Err(PipelineError::SfreqDiffers {
                first: first.clone(),
                recording: recording.id.clone(),
                found,
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

/// The events of a recording, with what is to be said of them.
struct Events {
    table: EventTable,
    notes: Vec<String>,
    /// Files that [`BidsDataset::metadata_files`] does not know.
    files: Vec<PathBuf>,
}

fn read_events(
    job: &Job,
    dataset: &BidsDataset,
    recording: &BidsRecording,
    reader: &mut dyn Recording,
) -> Result<Events> {
    let (sfreq, n_times, seconds) = (reader.info().sfreq, reader.info().n_times, reader.info().seconds());
    if let (EventSource::Mous, Some(logs)) = (job.study.data.events, &job.study.data.logs) {
        let triggers = mous::read_triggers(reader)?;
        let (events, used) = mous::read_events(logs, &recording.subject, &triggers, sfreq, n_times)?;
        let files = std::iter::once(used.log).chain(used.stimuli).collect::<Vec<_>>();
        // Inputs are found again from the data set's root, so that paths which are not below it must be complete.
        let files =
            files.iter().map(std::path::absolute).collect::<std::io::Result<_>>().map_err(StoreError::read(logs))?;
        return Ok(Events { table: events.table, notes: events.notes, files });
    }
    let events = dataset.events_file_at(recording, Some(sfreq))?;
    events.check_within(seconds)?;
    Ok(Events { table: events.table, notes: events.notes, files: Vec::new() })
}

/// Opens a recording with what `channels.tsv` and `electrodes.tsv` say about its channels.
///
/// # Errors
/// [`PipelineError`], for what is wrong in the recording or in the tables about it.
pub fn open_described(dataset: &BidsDataset, recording: &BidsRecording) -> Result<Box<dyn Recording>> {
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
fn inputs_unchanged(job: &Job, dataset: &BidsDataset, recordings: &[&BidsRecording], info: &CohortInfo) -> bool {
    let same =
        recordings.len() == info.recordings.len() && recordings.iter().zip(&info.recordings).all(|(a, b)| a.id == b.id);
    let unchanged = |input: &InputFile| {
        stamp(&dataset.root().join(&input.path)).is_ok_and(|now| now == (input.bytes, input.modified))
    };
    // A table that is new, or was inherited before, changes what applies without changing any old file.
    let known: HashSet<&str> = info.inputs.iter().map(|i| i.path.as_str()).collect();
    let is_known = |file: &std::path::PathBuf| known.contains(shown(dataset.root(), file).as_str());
    let has_stimuli = job.study.features.iter().any(|feature| feature.value.is_continuous());
    let covered = |recording: &&BidsRecording| {
        let stimuli = || {
            let events = events_of(job, dataset, recording)?;
            track_files(&job.study.features, dataset, recording, &events)
        };
        dataset.metadata_files(recording).is_ok_and(|files| {
            // A recording that is a folder is known by the files in it.
            let own = (!recording.path.is_dir()).then_some(&recording.path);
            files.iter().chain(own).all(is_known)
        }) && (!has_stimuli || stimuli().is_ok_and(|files| files.iter().all(is_known)))
    };
    lexicon_files(&job.study.features).iter().all(is_known)
        && same
        && recordings.iter().all(covered)
        && info.inputs.iter().all(unchanged)
}
