//! A cohort at the size of a large study, and how fast training reads it, for `cargo xtask bench cohort`:
//! `bench_cohort FOLDER N_SUBJECTS MINUTES f32|f16 N_THREADS N_BATCHES N_ROUNDS`.
//!
//! Simulates the cohort (275 channels, 120 Hz) where the folder does not hold one of that size yet, cuts it into epochs of 301
//! samples, and trains the paper's network on it for some batches, from the disk alone (the system's cache of the files is
//! emptied before) and from memory (the same batches again), in turns. Prints one JSON line.
#![allow(missing_docs, clippy::print_stdout, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use dre::data::{
    BadSegments, BaselineSpec, CleaningSpec, Cohort, Dataset, EpochSpec, Gaps, Set, SplitSpec, for_each_batch,
};
use dre::features::{Features, Source};
use dre::nn::{Dims, Network, NetworkConfig, Observer, Progress, Threads, TrainConfig, Training};
use dre::signal::Storage;
use dre::simulate::{Simulation, SimulationConfig, Simulator, word_features};
use dre_io::cohort::{COHORT_FORMAT, CohortInfo, CohortWriter, NewRecording, Recorded, open_cohort};
use dre_io::store::StoreError;
use ndarray::{Array2, s};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Samples per channel that are simulated at a time.
const BLOCK: usize = 1 << 13;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, n_subjects, minutes, storage, n_threads, n_batches, n_rounds] = arguments.as_slice() else {
        return Err("usage: bench_cohort FOLDER N_SUBJECTS MINUTES f32|f16 N_THREADS N_BATCHES N_ROUNDS".into());
    };
    let storage = if storage == "f16" { Storage::F16 } else { Storage::F32 };
    let (n_threads, n_batches): (usize, usize) = (n_threads.parse()?, n_batches.parse()?);
    let config = SimulationConfig {
        n_subjects: n_subjects.parse()?,
        sfreq: 120.0,
        duration: 60.0 * minutes.parse::<f64>()?,
        ..SimulationConfig::study()
    };
    let place = Path::new(folder);
    let start = Instant::now();
    if !place.join("cohort.json").exists() {
        make(&config, place, storage, n_threads)?;
    }
    let info = open_cohort(place)?.info;
    let is_half = info.recordings.iter().all(|recording| !recording.scales.is_empty());
    let n_times = config.n_times();
    if info.subjects.len() != config.n_subjects
        || info.recordings.iter().any(|recording| recording.n_times != n_times)
        || is_half != (storage == Storage::F16)
    {
        return Err(format!(
            "{}: another cohort than was asked for; remove it or name another folder",
            place.display()
        )
        .into());
    }
    let making = start.elapsed().as_secs_f64();
    let cohort = open_cohort(place)?.cohort;
    let files: Vec<_> = cohort.recordings.iter().map(|recording| place.join(&recording.id).join("data.npy")).collect();
    let n_bytes: u64 = files.iter().map(|file| fs::metadata(file).map_or(0, |about| about.len())).sum();
    let start = Instant::now();
    let epochs = EpochSpec {
        tmin: -0.5,
        tmax: 2.0,
        baseline: BaselineSpec::Window { tmin: None, tmax: Some(0.0) },
        events: BTreeMap::new(),
        bad_segments: BadSegments::default(),
    };
    let dataset = Dataset::new(cohort, &epochs, &SplitSpec::default(), &CleaningSpec::default(), n_threads)?;
    let cutting = start.elapsed().as_secs_f64();
    let memory_of_cutting = anonymous_memory();
    eprintln!("{} training epochs, cut and scaled in {cutting:.1} s", dataset.epochs(Set::Train).len());

    let dims = Dims {
        n_channels: dataset.n_channels(),
        n_features: dataset.n_features(),
        n_subjects: dataset.subjects().len(),
    };
    let network = Network::new(NetworkConfig::paper(), dims, 0, Threads::new(n_threads))?;
    let (mut drawing, mut training) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    let mut peak = 0;
    for round in 0..n_rounds.parse()? {
        for from_memory in [false, true] {
            // Another order in every round, the same from disk and from memory.
            if !from_memory {
                forget(dataset.cohort(), &files)?;
            }
            training[usize::from(from_memory)].push(train(&network, &dataset, n_batches, round, &mut peak)?);
        }
        for from_memory in [false, true] {
            if !from_memory {
                forget(dataset.cohort(), &files)?;
            }
            drawing[usize::from(from_memory)].push(draw(&dataset, n_batches, round as usize)?);
        }
        eprintln!(
            "seconds for {n_batches} batches, from disk and from memory: {training:.3?}; drawn alone: {drawing:.3?}"
        );
    }
    let (subjects, channels, n_train) = (dims.n_subjects, dims.n_channels, dataset.epochs(Set::Train).len());
    println!(
        "{{\"subjects\": [{subjects}], \"channels\": [{channels}], \"bytes\": [{n_bytes}], \"train_epochs\": [{n_train}], \
         \"times\": [{}], \"making\": [{making:.1}], \"cutting\": [{cutting:.1}], \"cutting_mb\": [{memory_of_cutting}], \
         \"training_mb\": [{peak}], \"batches\": [{n_batches}], \"disk\": {:?}, \"memory\": {:?}, \"draw_disk\": {:?}, \
         \"draw_memory\": {:?}}}",
        dataset.n_times(),
        training[0],
        training[1],
        drawing[0],
        drawing[1]
    );
    Ok(())
}

fn make(config: &SimulationConfig, place: &Path, storage: Storage, n_threads: usize) -> Outcome<()> {
    let simulator = Simulator::new(config)?;
    // The array's sensors and the features' names are those of any study with these settings.
    let small = Simulation::new(&SimulationConfig { n_subjects: 1, duration: 60.0, ..config.clone() })?;
    let channels = small.channels;
    let mut writer = CohortWriter::new(place, storage)?;
    let mut names = (Vec::new(), Vec::new());
    for subject in 0..config.n_subjects {
        let mut stream = simulator.recording(subject, 0)?;
        let features = Features::new(&word_features(), BTreeMap::new(), &[&stream.events])?;
        let source = Source { events: &stream.events, tracks: &BTreeMap::new() };
        let signals = features.build(&source, config.sfreq, stream.n_times)?.into_raw_vec_and_offset().0;
        names.0 = features.names();
        names.1.push(stream.subject.clone());
        let (label, id, events) = (stream.subject.clone(), stream.label(), stream.events.clone());
        let new = NewRecording {
            id: &id,
            subject: &label,
            n_times: stream.n_times,
            recorded: Recorded { sfreq: config.sfreq, n_times: stream.n_times, lowpass: None },
            channels: &channels,
            gaps: &Gaps::default(),
            features: &signals,
            events: &events,
        };
        writer.push(&new, |sink, _| -> Result<(), StoreError> {
            let mut made = Array2::zeros((stream.channels.len(), BLOCK));
            while stream.n_left() > 0 {
                let (start, n) = (stream.n_times - stream.n_left(), stream.n_left().min(BLOCK));
                stream.read(made.slice_mut(s![.., ..n]), n_threads);
                for row in 0..channels.len() {
                    sink.write(row, start, &made.row(row).as_slice().unwrap_or_default()[..n])?;
                }
            }
            Ok(())
        })?;
        eprintln!("simulated {label}");
    }
    let info = CohortInfo {
        format: COHORT_FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sfreq: config.sfreq,
        channels,
        features: names.0,
        subjects: names.1,
        recordings: Vec::new(),
        steps: vec!["simulated".to_owned()],
        reach: 0.0,
        excluded: Vec::new(),
        recipe: serde_json::Value::Null,
        inputs: Vec::new(),
    };
    writer.finish(info)?;
    Ok(())
}

/// Empties the system's cache of these files, of which no page may be in a program's memory then.
fn forget(cohort: &Cohort, files: &[std::path::PathBuf]) -> Outcome<()> {
    cohort.recordings.iter().for_each(|recording| recording.data.release());
    for file in files {
        // GNU dd: "request to drop cache for the whole file".
        let from = format!("if={}", file.display());
        let done = Command::new("dd").args([from.as_str(), "iflag=nocache", "count=0", "status=none"]).status()?;
        if !done.success() {
            return Err(format!("the cache of {} could not be emptied", file.display()).into());
        }
    }
    Ok(())
}

struct Until {
    n_batches: usize,
    start: Option<Instant>,
    seconds: f64,
    peak: u64,
}

impl Observer for Until {
    type Error = dre::Error;

    fn on_batch(&mut self, progress: &Progress) -> ControlFlow<()> {
        self.peak = self.peak.max(anonymous_memory());
        // The first batch is not counted: nothing is drawn ahead of it.
        let start = *self.start.get_or_insert_with(Instant::now);
        self.seconds = start.elapsed().as_secs_f64();
        if progress.batch > self.n_batches { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn on_pass(&mut self, _: &Training) -> dre::Result<()> {
        Ok(())
    }
}

/// Seconds of so many batches after the first.
fn train(network: &Network, dataset: &Dataset, n_batches: usize, seed: u64, peak: &mut u64) -> Outcome<f64> {
    let mut training = Training::new(network.clone(), TrainConfig::default(), seed)?;
    let mut until = Until { n_batches, start: None, seconds: 0.0, peak: 0 };
    training.run(dataset, &mut until)?;
    *peak = (*peak).max(until.peak);
    Ok(until.seconds)
}

/// Seconds of drawing so many batches and doing nothing with them.
fn draw(dataset: &Dataset, n_batches: usize, round: usize) -> Outcome<f64> {
    let epochs = dataset.epochs(Set::Train);
    // A stride that visits subjects and times far apart.
    let order: Vec<_> =
        (0..32 * n_batches).map(|i| epochs[(i * 7919 + round * 104_729 + i * i % 911) % epochs.len()]).collect();
    let start = Instant::now();
    let mut n = 0;
    let _ = for_each_batch(dataset, &order, 32, |batch| -> Outcome<_> {
        n += batch.n_epochs();
        Ok(ControlFlow::Continue(()))
    })?;
    assert_eq!(n, order.len(), "all of them");
    Ok(start.elapsed().as_secs_f64())
}

/// Resident memory (MiB) without what is the file cache's, from Linux's `/proc`; 0 where it does not tell.
fn anonymous_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).map_or(0, |kilobytes| kilobytes / 1024)
}
