//! What several test files share: a small study, its data, and one who watches it.
#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test file uses a part of it")]

use std::cell::Cell;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use dre::data::ChannelType;
use dre::nn::Progress;
use dre_io::pipeline::{Job, Monitor, PipelineError, evaluate, fit, prepare};
use dre_io::recording::brainvision::write_brainvision;
use dre_io::recording::{RecordingChannel, Unit};
use dre_io::study::Study;
use ndarray::Array2;

pub const STUDY: &str = r#"
name = "small"
seed = 3
[epochs]
tmin = -0.2
tmax = 0.5
[[features]]
name = "onset"
kind = "presence"
duration = 0.1
[[features]]
name = "length"
kind = "column"
column = "length"
duration = 0.1
[report]
condition = "kind"
past_alone = false
[decode]
features = ["length"]
lag_min = -10
[models.trf]
kind = "trf"
lag_max = 10
[models.banded]
kind = "banded"
lag_max = 10
n_iter = 5
alpha_per_channel = true
[models.rtrf]
kind = "rtrf"
n_lags_data = 4
n_lags_features = 4
n_init_times = 12
[models.dre]
kind = "dre"
conv_filters = 6
lstm_hidden = 5
subject_dim = 2
n_init_times = 12
batch_size = 8
n_passes = 3
lr = 1e-3
"#;

pub const SFREQ: f64 = 64.0;
pub const N_TIMES: usize = 3200;

/// Deterministic noise in ±1: the finaliser of `SplitMix64`, since products alone repeat themselves nearly.
pub fn noise(i: usize) -> f64 {
    let mut z = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    (z >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

pub fn recording_stem(root: &Path, subject: usize) -> PathBuf {
    root.join(format!("sub-0{subject}/eeg/sub-0{subject}_task-x"))
}

pub fn write_subject(root: &Path, subject: usize, channels: &[&str], value: impl Fn(usize, usize) -> f64) {
    write_recording(root, (subject, N_TIMES, 0.8), channels, value);
}

/// A recording of `n_times` samples with an event every `interval` seconds.
pub fn write_recording(
    root: &Path,
    (subject, n_times, interval): (usize, usize, f64),
    channels: &[&str],
    value: impl Fn(usize, usize) -> f64,
) {
    let stem = recording_stem(root, subject);
    fs::create_dir_all(stem.parent().unwrap()).unwrap();
    let channels: Vec<RecordingChannel> =
        channels.iter().map(|&name| RecordingChannel::new(name, ChannelType::Eeg, Unit::Volt)).collect();
    let data = Array2::from_shape_fn([channels.len(), n_times], |(c, t)| 1e-5 * value(c, t));
    let header = PathBuf::from(format!("{}_eeg.vhdr", stem.display()));
    write_brainvision(&header, SFREQ, &channels, data.view(), &[]).unwrap();
    let n_events = ((n_times as f64 / SFREQ - 2.0) / interval).ceil() as u32;
    let rows = (0..n_events).map(|i| {
        let (onset, length) = (0.5 + interval * f64::from(i), 1 + i * 7 % 5);
        format!("{onset}\t0.1\t{}\t{length}\n", if i % 3 == 0 { "odd" } else { "even" })
    });
    let table = format!("onset\tduration\tkind\tlength\n{}", rows.collect::<String>());
    fs::write(format!("{}_events.tsv", stem.display()), table).unwrap();
}

pub fn data_set(root: &Path) {
    fs::create_dir_all(root).unwrap();
    fs::write(root.join("dataset_description.json"), r#"{"Name": "x", "BIDSVersion": "1.9.0"}"#).unwrap();
    for subject in 1..=2 {
        write_subject(root, subject, &["Cz", "Pz"], |c, t| noise(subject * 1_000_003 + c * 10_007 + t));
    }
}

pub fn job(home: &Path, study: &str) -> Job {
    let study = Study::parse(study, Path::new("study.toml")).unwrap();
    let models = study.models.keys().cloned().collect();
    Job {
        text: String::new(),
        data: home.join("bids"),
        out: home.join("out"),
        n_threads: 1,
        resume: false,
        force: false,
        models,
        study,
    }
}

/// Stops after some batches; remembers what it was told.
#[derive(Default)]
pub struct Watch {
    pub batches_left: Cell<Option<usize>>,
    pub said: std::cell::RefCell<Vec<String>>,
}

impl Monitor for Watch {
    fn step(&self, verb: &str, text: &str) {
        self.said.borrow_mut().push(format!("{verb} {text}"));
    }

    fn warn(&self, text: &str) {
        self.said.borrow_mut().push(format!("warning {text}"));
    }

    fn on_batch(&mut self, _: &Progress) -> ControlFlow<()> {
        match self.batches_left.get() {
            Some(1) => ControlFlow::Break(()),
            left => {
                self.batches_left.set(left.map(|n| n - 1));
                ControlFlow::Continue(())
            }
        }
    }
}

pub fn run(job: &Job) -> Result<dre::results::Results, PipelineError> {
    let mut watch = Watch::default();
    let cohort = prepare(job, &mut watch)?;
    fit(job, &cohort, &mut watch)?;
    evaluate(job, &cohort, &mut watch)
}

pub fn temporary(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut todo = vec![folder.to_path_buf()];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_name() == ".dre-lock" {
                continue;
            }
            if entry.file_name().to_string_lossy().starts_with('.') {
                out.push(entry.path());
            } else if entry.path().is_dir() {
                todo.push(entry.path());
            }
        }
    }
    out
}
