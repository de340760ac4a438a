//! Epochs and evoked responses against MNE-Python's.
#![allow(missing_docs, clippy::print_stderr)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::{Golden, golden_dir, relative};
use dre::data::{
    BadSegments, BaselineSpec, Batch, Channel, ChannelType, CleaningSpec, Cohort, CohortRecording, Dataset, EpochSpec,
    EventTable, Gaps, Set, Signals, SplitSpec,
};
use ndarray::{Array1, Array2, Array3, Axis, s};

/// MNE-Python decimates within epochs, after the baseline, so that the recording stays at its own rate here and every
/// `decim`-th sample is compared; it takes the baseline's start from the first sample that decimation keeps.
#[test]
fn epochs_equal_those_of_mne() {
    let Some(dir) = golden_dir() else { return };
    let mut n_cases = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("process-") {
            continue;
        }
        n_cases += 1;
        let golden = Golden::read(&path);
        let setting = |key: &str| golden.meta["epochs"][key].as_f64().unwrap();
        let (tmin, tmax, decim) = (setting("tmin"), setting("tmax"), setting("decim") as usize);
        let sfreq = golden.meta["sfreq"].as_f64().unwrap();
        let filtered: Array2<f64> = golden.get("filter_1_30");
        let events: Array2<f64> = golden.get("events");
        let first = (tmin * sfreq).round_ties_even();
        let offset = (-first) as usize % decim;
        let spec = EpochSpec {
            tmin,
            tmax,
            baseline: BaselineSpec::Window { tmin: Some((first + offset as f64) / sfreq), tmax: Some(0.0) },
            events: BTreeMap::new(),
            bad_segments: BadSegments::default(),
        };
        let (n_channels, n_times) = filtered.dim();
        let cohort = Cohort {
            sfreq,
            channels: (0..n_channels)
                .map(|c| Channel { name: c.to_string(), kind: ChannelType::Eeg, position: None })
                .collect(),
            features: Vec::new(),
            subjects: vec!["sub".to_owned()],
            recordings: vec![CohortRecording {
                id: name.clone(),
                subject: 0,
                n_times,
                data: Signals::of_rows(&filtered.iter().map(|&v| v as f32).collect::<Vec<_>>(), filtered.nrows()),
                features: Arc::new(Vec::new()),
                events: EventTable {
                    onset: events.column(0).iter().map(|sample| sample / sfreq).collect(),
                    duration: vec![0.0; events.nrows()],
                    columns: BTreeMap::new(),
                },
                gaps: Gaps::default(),
            }],
        };
        // Epochs that the split drops at its borders are not compared.
        let cleaning =
            CleaningSpec { reject_above: f64::INFINITY, min_epochs_per_recording: 1, min_epochs_per_subject: 0 };
        let set = Dataset::new(
            Arc::new(cohort),
            &spec,
            &SplitSpec { train: 0.5, valid: 0.25, ..SplitSpec::default() },
            &cleaning,
            1,
        )
        .unwrap();
        let selection: Array1<f64> = golden.get("epoch_selection");
        let expected: Array3<f64> = golden.get("epochs");
        let scaler = set.scalers().next().unwrap().1.clone();
        let mut batch = Batch::default();
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for epoch in Set::ALL.iter().flat_map(|&set_| set.epochs(set_)) {
            let place = selection.iter().position(|&event| event as usize == epoch.event).expect("MNE kept the epoch");
            if place >= expected.len_of(Axis(0)) {
                continue;
            }
            set.draw(&[*epoch], &mut batch);
            let kept = batch.data.slice(s![0, .., offset..;decim]).mapv(f64::from);
            let scale = Array1::from(scaler.scale.clone()).insert_axis(Axis(1));
            ours.push(kept * &scale + Array1::from(scaler.centre.clone()).insert_axis(Axis(1)));
            theirs.push(expected.index_axis(Axis(0), place).to_owned());
        }
        let stack = |list: &[Array2<f64>]| {
            ndarray::stack(Axis(0), &list.iter().map(|epoch| epoch.view()).collect::<Vec<_>>()).unwrap()
        };
        let (ours, theirs) = (stack(&ours), stack(&theirs));
        let error = relative(&ours, &theirs);
        eprintln!("{name}: {} epochs, relative error {error:.1e}", ours.len_of(Axis(0)));
        assert!(ours.len_of(Axis(0)) * 2 >= expected.len_of(Axis(0)));
        assert!(error <= 1e-6, "{name}: relative error {error:e}");
        // The mean over all epochs, those at borders too.
        let window = set.window();
        let mut evoked = Array2::<f64>::zeros((n_channels, window.n_times));
        for &event in &selection {
            let onset = events[(event as usize, 0)] / sfreq;
            let start = window.start(onset, sfreq, n_times).expect("MNE kept the epoch");
            let mut epoch = filtered.slice(s![.., start..start + window.n_times]).to_owned();
            let baseline = window.baseline.clone().expect("a baseline");
            let mean = epoch.slice(s![.., baseline]).mean_axis(Axis(1)).expect("samples").insert_axis(Axis(1));
            epoch -= &mean;
            evoked += &epoch;
        }
        evoked /= selection.len() as f64;
        let error = relative(&evoked.slice(s![.., offset..;decim]).to_owned(), &golden.get("evoked"));
        eprintln!("{name}: evoked, relative error {error:.1e}");
        assert!(error <= 1e-6, "{name}: evoked, relative error {error:e}");
        assert!(set.window().times(sfreq)[offset..].iter().step_by(decim).count() == expected.len_of(Axis(2)));
    }
    assert!(n_cases > 0, "the golden folder has no process-* file");
}
