//! What several test files share: simulated cohorts and golden files.
#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test file uses a part of it")]

pub mod words;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use dre::data::{
    BadSegments, BaselineSpec, Channel, ChannelType, CleaningSpec, Cohort, CohortRecording, EpochSpec, EventTable,
    Gaps, Signals, SplitSpec,
};
use ndarray::{ArrayD, IxDyn};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A cohort of noise with an event every `soa` samples or so; features `a` (events) and `b` (noise).
#[derive(Clone, Debug)]
pub struct Plan {
    pub n_subjects: usize,
    pub n_recordings: usize,
    pub n_channels: usize,
    pub n_times: usize,
    pub sfreq: f64,
    pub soa: usize,
    pub seed: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self { n_subjects: 2, n_recordings: 2, n_channels: 3, n_times: 2000, sfreq: 100.0, soa: 20, seed: 1 }
    }
}

impl Plan {
    pub fn cohort(&self) -> Cohort {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let channels = (0..self.n_channels)
            .map(|c| Channel { name: format!("C{c}"), kind: ChannelType::Eeg, position: None })
            .collect();
        let mut recordings = Vec::new();
        for subject in 0..self.n_subjects {
            for run in 0..self.n_recordings {
                let scale: f32 = rng.random_range(1e-6..1e-4);
                let data: Vec<f32> =
                    (0..self.n_channels * self.n_times).map(|_| scale * rng.random_range(-1.0..1.5)).collect();
                let mut features = vec![0.0f32; 2 * self.n_times];
                let (mut onset, mut kinds) = (Vec::new(), Vec::new());
                let mut t = rng.random_range(0..self.soa);
                while t < self.n_times {
                    onset.push(t as f64 / self.sfreq);
                    kinds.push(["odd", "even"][rng.random_range(0..2)].to_owned());
                    features[t] = 1.0;
                    t += self.soa + rng.random_range(0..=self.soa / 2);
                }
                features[self.n_times..].iter_mut().for_each(|v| *v = rng.random_range(0.0..3.0));
                recordings.push(CohortRecording {
                    id: format!("sub-{subject:02}_run-{run:02}"),
                    subject,
                    n_times: self.n_times,
                    data: Signals::of_rows(&data, self.n_channels),
                    features: Arc::new(features),
                    events: EventTable {
                        duration: vec![0.0; onset.len()],
                        onset,
                        columns: BTreeMap::from([("trial_type".to_owned(), kinds)]),
                    },
                    gaps: Gaps::default(),
                });
            }
        }
        Cohort {
            sfreq: self.sfreq,
            channels,
            features: vec!["a".to_owned(), "b".to_owned()],
            subjects: (0..self.n_subjects).map(|s| format!("sub-{s:02}")).collect(),
            recordings,
        }
    }
}

pub fn epoch_spec(tmin: f64, tmax: f64) -> EpochSpec {
    EpochSpec {
        tmin,
        tmax,
        bad_segments: BadSegments::default(),
        baseline: BaselineSpec::Window { tmin: None, tmax: Some(0.0) },
        events: BTreeMap::new(),
    }
}

pub fn lenient() -> (SplitSpec, CleaningSpec) {
    let cleaning = CleaningSpec { min_epochs_per_recording: 1, ..CleaningSpec::default() };
    (SplitSpec::default(), cleaning)
}

/// The folder of golden files, or none with a loud note.
pub fn golden_dir() -> Option<PathBuf> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/mne");
    if dir.is_dir() {
        return Some(dir);
    }
    #[allow(clippy::print_stderr, reason = "a skipped test must say so")]
    {
        eprintln!("SKIPPED: there is no golden folder {}; only the committed fixtures are checked", dir.display());
    }
    None
}

/// A golden file: its arrays as f64 and its settings.
pub struct Golden {
    pub arrays: BTreeMap<String, ArrayD<f64>>,
    pub meta: serde_json::Value,
}

impl Golden {
    pub fn read(path: &std::path::Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        let meta = metadata.metadata().as_ref().and_then(|m| m.get("meta")).expect("golden files have `meta`");
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let arrays = tensors
            .iter()
            .map(|(name, view)| {
                let values: Vec<f64> = match view.dtype() {
                    safetensors::Dtype::F64 => {
                        view.data().as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect()
                    }
                    safetensors::Dtype::I64 => {
                        view.data().as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b) as f64).collect()
                    }
                    other => panic!("{name}: {other:?} is not expected in a golden file"),
                };
                (name.to_owned(), ArrayD::from_shape_vec(IxDyn(view.shape()), values).unwrap())
            })
            .collect();
        Self { arrays, meta: serde_json::from_str(meta).unwrap() }
    }

    pub fn get<D: ndarray::Dimension>(&self, name: &str) -> ndarray::Array<f64, D> {
        let array = self.arrays.get(name).unwrap_or_else(|| panic!("no array `{name}`"));
        array.clone().into_dimensionality().unwrap_or_else(|_| panic!("`{name}` has shape {:?}", array.shape()))
    }
}

/// ‖a − b‖ / ‖b‖.
pub fn relative<D: ndarray::Dimension>(a: &ndarray::Array<f64, D>, b: &ndarray::Array<f64, D>) -> f64 {
    assert_eq!(a.shape(), b.shape());
    let squares = |values: ndarray::Array<f64, D>| values.iter().map(|v| v * v).sum::<f64>();
    (squares(a - b) / squares(b.clone()).max(f64::MIN_POSITIVE)).sqrt()
}
