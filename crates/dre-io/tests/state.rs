//! Responses by brain state through the pipeline: on simulated readers whose responses alpha power scales, and on those where
//! it does not.
#![allow(missing_docs)]

mod common;

use std::fs;
use std::path::Path;

use common::{Watch, job, run};
use dre::results::{Results, StateResult};
use dre::simulate::{Effects, Simulation, SimulationConfig, Timing};
use dre::state::By;
use dre_io::pipeline::{Job, evaluate, open_prepared, read_state_maps, state};
use dre_io::recording::brainvision::write_brainvision;
use dre_io::recording::{RecordingChannel, Unit};
use dre_io::store::{MappedNpy, read_json};

const N_SUBJECTS: usize = 5;

const STUDY: &str = r#"
name = "alpha"
seed = 1
[prepare]
l_freq = 0.5
phase = "minimum"
[epochs]
tmin = -0.5
tmax = 0.7
events = { trial_type = ["word"] }
[split]
train = 0.4
valid = 0.1
[[features]]
name = "onset"
kind = "presence"
duration = 0.1
[[features]]
name = "length"
kind = "column"
column = "word_length"
duration = 0.1
[report]
past_alone = false
[state]
n_permutations = 100
[models.trf]
kind = "trf"
lag_max = 60
alphas = [1.0, 1e3]
[models.true]
kind = "rtrf"
n_lags_data = 16
n_lags_features = 40
n_init_times = 64
alphas = [1.0, 1e3]
"#;

/// Readers with strong responses and an alpha rhythm, which scales the responses or does not; nothing else but the sensors' noise.
fn readers(root: &Path, alpha_gain: bool) {
    let effects = Effects { alpha: true, alpha_gain, ..Effects::LINEAR };
    let timing = Timing::Fixed;
    let config = SimulationConfig {
        n_subjects: N_SUBJECTS,
        duration: 240.0,
        snr: 3.0,
        effects,
        timing,
        seed: 5,
        ..SimulationConfig::default()
    };
    let simulated = Simulation::with_threads(&config, 2).unwrap();
    fs::create_dir_all(root).unwrap();
    fs::write(root.join("dataset_description.json"), r#"{"Name": "x", "BIDSVersion": "1.9.0"}"#).unwrap();
    // Six of the electrodes over the back and the sides of the head: responses and alpha, quick to fit.
    let rows: Vec<usize> = (0..simulated.channels.len())
        .filter(|&c| ["O1", "O2", "P3", "P4", "T7", "Cz"].contains(&simulated.channels[c].name.as_str()))
        .collect();
    assert!(rows.len() >= 5, "{rows:?}");
    let channels: Vec<RecordingChannel> = rows
        .iter()
        .map(|&c| RecordingChannel::new(&simulated.channels[c].name, simulated.channels[c].kind, Unit::Volt))
        .collect();
    for recording in &simulated.recordings {
        let folder = root.join(&recording.subject).join("eeg");
        fs::create_dir_all(&folder).unwrap();
        let data = recording.data.select(ndarray::Axis(0), &rows).mapv(f64::from);
        let stem = format!("{}_task-reading", recording.subject);
        write_brainvision(&folder.join(format!("{stem}_eeg.vhdr")), simulated.sfreq, &channels, data.view(), &[])
            .unwrap();
        let events = &recording.events;
        let (kinds, lengths) = (&events.columns["trial_type"], &events.columns["word_length"]);
        let line = |i: usize| format!("{}\t{}\t{}\t{}\n", events.onset[i], events.duration[i], kinds[i], lengths[i]);
        fs::write(
            folder.join(format!("{stem}_events.tsv")),
            format!("onset\tduration\ttrial_type\tword_length\n{}", (0..events.len()).map(line).collect::<String>()),
        )
        .unwrap();
    }
}

fn states(job: &Job) -> (Results, Vec<String>) {
    let mut watch = Watch::default();
    let cohort = open_prepared(job).unwrap();
    let results = evaluate(job, &cohort, &mut watch).unwrap();
    watch.said.borrow_mut().clear();
    let results = state(job, &cohort, results, &mut watch).unwrap();
    (results, watch.said.into_inner())
}

fn by(results: &Results, by: By) -> &StateResult {
    results.state.iter().find(|found| found.by == by).expect("asked for")
}

/// What lies in the folder `state`: one model is called `true`, which changes nothing of the true responses' files.
fn files(job: &Job, results: &Results) {
    let folder = job.out.join("state");
    let (n_times, n_bins) = (results.times.len(), 4);
    let read = |name: &str| MappedNpy::open(&folder.join(name)).unwrap();
    for by in ["power", "phase"] {
        let responses = ["true", "predicted_true", "predicted_trf"].map(|source| read(&format!("{by}_{source}.npy")));
        assert!(responses.iter().all(|array| array.shape() == [N_SUBJECTS, n_bins, 6, n_times]));
        assert!(responses[0].as_ref() != responses[1].as_ref());
        for what in ["r_true", "r_trf", "crossed_true", "crossed_trf"] {
            assert_eq!(read(&format!("{by}_{what}.npy")).shape(), [N_SUBJECTS, 6, n_times]);
        }
        assert_eq!(read(&format!("{by}_mean_predicted_true.npy")).shape(), [n_bins, 6, n_times]);
    }
    let rows = |name: &str| fs::read_to_string(folder.join(name)).unwrap().lines().count();
    assert_eq!(rows("gains.tsv"), 1 + 2 * N_SUBJECTS * 3 * n_bins, "ways of ordering, subjects, sources, bins");
    assert_eq!(rows("captured.tsv"), 1 + 2 * N_SUBJECTS * 2, "ways of ordering, subjects, models");
    let table = fs::read_to_string(folder.join("captured.tsv")).unwrap();
    let row: Vec<&str> = table.lines().nth(1).unwrap().split('\t').collect();
    let one = results.state[0].models["trf"].subjects[0];
    assert_eq!(row[..3], ["power", "sub-01", "trf"]);
    for (text, expected) in row[3..].iter().zip([one.r, one.crossed]) {
        assert!((text.parse::<f64>().unwrap() - expected).abs() < 1e-9, "{row:?}");
    }
    // Responses are not in results.json but beside it.
    let mut written: Results = read_json(&job.out.join("results.json")).unwrap();
    assert!(written.state.iter().all(|found| found.maps.is_none()));
    read_state_maps(&job.out, &mut written).unwrap();
    assert!(written.state.iter().zip(&results.state).all(|(a, b)| a.maps.is_some() && a.maps == b.maps));
    written.state[0].band[0] += 1.0;
    written.state[0].maps = None;
    read_state_maps(&job.out, &mut written).unwrap();
    assert!(written.state[0].maps.is_none(), "those of another analysis are not taken for its own");
}

#[test]
fn responses_that_alpha_power_scales_are_found_and_others_are_not() {
    let found = [true, false].map(|alpha_gain| {
        let home = tempfile::tempdir().unwrap();
        readers(&home.path().join("bids"), alpha_gain);
        let job = job(home.path(), STUDY);
        run(&job).unwrap();
        let (results, _) = states(&job);
        files(&job, &results);
        results
    });
    let [scaled, same] = found.each_ref().map(|results| by(results, By::Power));
    assert_eq!((scaled.subjects.len(), scaled.bins.len(), scaled.window), (N_SUBJECTS, 4, [-0.5, -1.0 / 128.0]));
    assert!(scaled.bins.windows(2).all(|pair| pair[0].value < pair[1].value), "from least to most power");
    // Power of the first quarter is about a twelfth of the last one's, and responses follow its −0.4th power; what the window
    // tells of it is less.
    assert!(scaled.truth.contrast < -0.3, "{:?}", scaled.truth);
    assert!(scaled.truth.gains.values().all(|gains| gains[3] < gains[0]), "{:?}", scaled.truth.gains);
    assert!(scaled.truth.test.unwrap().p <= 0.0626, "the least that five subjects allow");
    assert!(
        scaled.truth.contrast < 3.0 * same.truth.contrast.min(0.0),
        "{} and {}",
        scaled.truth.contrast,
        same.truth.contrast
    );
    assert!(same.truth.contrast.abs() < 0.15, "{:?}", same.truth);
    // A model of the words alone predicts none of it.
    let trf = &scaled.models["trf"];
    assert!(trf.modulation.contrast.abs() < 0.1, "{:?}", trf.modulation);
    assert_eq!(
        (scaled.maps.as_ref().unwrap().truth[0].len(), trf.subjects.len(), trf.over_time.len()),
        (6, N_SUBJECTS, found[0].times.len())
    );
    assert!(trf.clusters.is_some() && scaled.truth.clusters.is_some());
    // It follows what bins differ in by chance, which the other half does not share.
    for found in [scaled, same] {
        let trf = &found.models["trf"];
        assert!(trf.r > 0.3 && trf.crossed < trf.r, "{} of {}", trf.crossed, trf.r);
        assert!(trf.test.unwrap().p > 0.05);
    }
    // A model that is shown the init window carries the rhythm on.
    for results in &found {
        let phase = by(results, By::Phase);
        let past = &phase.models["true"];
        assert!(past.crossed > 0.2, "{}", past.crossed);
        assert!((past.test.unwrap().p - 1.0 / 32.0).abs() < 1e-12, "the least that five subjects allow");
        let [beyond] = &phase.comparisons[..] else { panic!("{:?}", phase.comparisons) };
        assert_eq!((beyond.first.as_str(), beyond.second.as_str(), beyond.ratio), ("true", "trf", None));
        assert!(
            (beyond.difference - (past.crossed - phase.models["trf"].crossed)).abs() < 1e-9 && beyond.difference > 0.0
        );
    }
}

#[test]
fn states_are_kept_while_they_are_up_to_date_and_what_cannot_be_said_is_said() {
    let home = tempfile::tempdir().unwrap();
    common::data_set(&home.path().join("bids"));
    let text = common::STUDY.replace("[models.trf]", "[state]\nmin_epochs = 1\nn_bins = 3\n[models.trf]");
    // 64 Hz: 24 samples are 3 cycles of 8 Hz.
    let long = text.replace("n_init_times = 12", "n_init_times = 24").replace("tmin = -0.2", "tmin = -0.4");
    let first = job(home.path(), &long);
    run(&first).unwrap();
    let (results, said) = states(&first);
    assert!(said.iter().any(|line| line.starts_with("Ordering ") && line.ends_with("8 to 13 Hz")), "{said:?}");
    let power = by(&results, By::Power);
    assert_eq!(power.subjects.len(), 2);
    assert!(power.truth.test.is_none() && power.truth.clusters.is_none());
    let notes = power.notes.join("; ");
    assert!(notes.contains("no tests across subjects, and no intervals: there are 2"), "{notes}");
    assert!(notes.contains("there are 2, and it takes 3"), "{notes}");
    assert_eq!(power.models.keys().collect::<Vec<_>>(), ["trf", "banded", "rtrf", "dre"]);

    let (again, said) = states(&Job { n_threads: 2, ..first.clone() });
    assert_eq!(said, ["Up to date responses by brain state"]);
    let numbers = |results: &Results| serde_json::to_string(&results.state).unwrap();
    assert!(numbers(&again) == numbers(&results), "what is read back is what was found");
    let forced = Job { n_threads: 2, force: true, ..first.clone() };
    assert!(numbers(&states(&forced).0) == numbers(&results), "threads change no digit");

    // Without any model, too, it is not taken for that of other data.
    let mut bare = first.clone();
    bare.models = vec!["trf".to_owned()];
    bare.study.state.as_mut().unwrap().models = vec!["dre".to_owned()];
    let bare_states = |job: &Job| {
        let mut watch = Watch::default();
        let found = state(job, &open_prepared(job).unwrap(), results.clone(), &mut watch).unwrap();
        assert!(found.state.iter().all(|found| found.models.is_empty() && !found.subjects.is_empty()));
        watch.said.into_inner()
    };
    assert!(bare_states(&bare)[0].starts_with("Ordering"));
    assert_eq!(bare_states(&bare), ["Up to date responses by brain state"]);
    bare.study.split.train = 0.5;
    assert!(bare_states(&bare)[0].starts_with("Ordering"));
    states(&forced);

    // With other settings it is not taken for theirs.
    let mut other = first.clone();
    other.study.state.as_mut().unwrap().n_bins = 4;
    let cohort = open_prepared(&other).unwrap();
    assert!(evaluate(&other, &cohort, &mut Watch::default()).unwrap().state.is_empty());
    // Bins that nobody fills, and a band that the window does not hold.
    let spec = other.study.state.as_mut().unwrap();
    (spec.min_epochs, spec.by) = (500, vec![By::Power]);
    let (few, said) = states(&other);
    let [found] = few.state.as_slice() else { panic!("{:?}", few.state) };
    assert!(
        found.subjects.is_empty() && found.notes[0].contains("fewer than 500; use fewer bins"),
        "{:?}",
        found.notes
    );
    assert!(said.iter().any(|line| line.starts_with("warning responses by power: not computed")), "{said:?}");
    other.study.state.as_mut().unwrap().band = [2.0, 4.0];
    let (slow, _) = states(&other);
    let note = &slow.state[0].notes[0];
    assert!(note.contains("window = 0.375 s, expected at least 1.000 s, 2 cycles"), "{note}");
    let mut unknown = first.clone();
    unknown.study.state.as_mut().unwrap().channels = vec!["Oz".to_owned()];
    let cohort = open_prepared(&unknown).unwrap();
    let error = state(&unknown, &cohort, results, &mut Watch::default()).unwrap_err().to_string();
    assert_eq!(error, "state.channels = `Oz`, expected names of the cohort's 2 channels: Cz, Pz");
}
