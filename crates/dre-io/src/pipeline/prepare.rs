//! From recordings to a cohort.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use dre::data::{Channel, EventTable, Gaps, Lack, reach_of};
use dre::features::{FeatureSpec, FeatureSummary, FeatureValue, Features, Source};
use dre::results::Exclusion;
use serde_json::json;

use super::channels::{ChannelTable, Matched};
use super::events::{events_of, open_described, read_events};
use super::inputs::{Inputs, inputs_unchanged};
use super::segments::bad_segments;
use super::{Job, Monitor, PipelineError, Result};
use crate::bids::{BidsDataset, BidsFilter, BidsRecording};
use crate::cohort::{
    COHORT_FILE, COHORT_FORMAT, CohortAudit, CohortFolder, CohortInfo, CohortWriter, InputFile, NewRecording, Recorded,
    open_cohort,
};
use crate::features::{lexicon_files, read_lexica, read_tracks, track_files};
use crate::prepare::{READ_MEMORY, RecordingPlan};
use crate::store::{Hold, NewFolder};

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
    let _hold = Hold::take(&job.out)?;
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
    // Before any of them is read; events name further ones.
    let mut seen = Inputs::new(dataset.root());
    for recording in &recordings {
        let files = dataset.metadata_files(recording)?;
        files.iter().chain([&recording.path]).try_for_each(|file| seen.look(file))?;
    }
    lexicon_files(&job.study.features).iter().try_for_each(|file| seen.look(file))?;
    let Matched { channels, picks, lacks, excluded } = match_channels(job, &dataset, &recordings, monitor)?;
    for note in dataset.notes() {
        monitor.warn(&note);
    }
    let mut writer = CohortWriter::new(&place, job.study.prepare.storage)?;
    let features = features_of(job, &dataset, &recordings)?;
    let mut build = Build {
        job,
        dataset: &dataset,
        features: &features,
        summaries: Vec::new(),
        hashes: BTreeMap::new(),
        channels: &channels,
        first: None,
        seen,
        inputs: Vec::new(),
        steps: Vec::new(),
        reach: 0.0,
        warned: HashSet::new(),
    };
    for (recording, (picks, lacks)) in recordings.iter().zip(picks.iter().zip(lacks)) {
        if monitor.stop_requested() {
            return Err(PipelineError::Cancelled);
        }
        build.add(recording, picks, lacks, &mut writer, monitor)?;
    }
    let Build { first: Some((_, sfreq)), seen, mut inputs, steps, reach, hashes, summaries, .. } = build else {
        unreachable!("a selection is never empty")
    };
    let mut subjects: Vec<String> = recordings.iter().map(|r| r.subject.clone()).collect();
    subjects.dedup();
    for file in lexicon_files(&job.study.features) {
        inputs.push(seen.read(&file)?);
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
        reach,
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
    /// Files as they were before they were read.
    seen: Inputs<'a>,
    inputs: Vec<InputFile>,
    steps: Vec<String>,
    reach: f64,
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
        let plan = RecordingPlan::new(&info, picks, &study.prepare, &study.data.exclude)?.until(monitor.stop());
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
        let stimuli = track_files(&self.job.study.features, self.dataset, recording, &events.table)?;
        info.files.iter().chain(&events.files).chain(&stimuli).try_for_each(|file| self.seen.look(file))?;
        let features = self.build_features(recording, &events.table, sfreq, n_times)?;
        let new = NewRecording {
            id: &recording.id,
            subject: &recording.subject,
            n_times,
            recorded: Recorded { sfreq: info.sfreq, n_times: info.n_times, lowpass: info.lowpass },
            channels: self.channels,
            gaps: &gaps,
            features: &features,
            events: &events.table,
        };
        // The recording's own files, which are large, are hashed while its samples are filtered: neither fills all cores.
        let (seen, n_threads) = (&self.seen, self.job.n_threads);
        let hash = || info.files.iter().map(|file| seen.read(file)).collect::<Result<Vec<_>>>();
        let mut push = || {
            writer.push(&new, |sink, scratch| -> Result<()> {
                Ok(plan.run(&mut *reader, n_threads, READ_MEMORY, scratch, sink)?)
            })
        };
        let own = if n_threads > 1 {
            std::thread::scope(|scope| {
                let hashing = scope.spawn(hash);
                push()?;
                hashing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })?
        } else {
            push()?;
            hash()?
        };
        self.hashes.entry(writer.data_hash(&recording.id)?).or_default().push(recording.id.clone());
        let metadata = self.dataset.metadata_files(recording)?;
        let others = metadata.iter().chain(&events.files).chain(&stimuli).map(|file| seen.read(file));
        for input in own.into_iter().map(Ok).chain(others) {
            let input = input?;
            if !self.inputs.contains(&input) {
                self.inputs.push(input);
            }
        }
        self.reach = self.reach.max(reach_of(&plan.preparation().response()));
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
