//! `dre simulate`: what it writes is read back, says the truth, and does not depend on threads.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use dre::data::ChannelType;
use dre::sensors::SensorArray;
use dre::simulate::{SimulationConfig, Simulator, Timing};
use dre_io::bids::BidsDataset;
use dre_io::store::MappedNpy;
use ndarray::Array2;

fn simulate(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dre"))
        .current_dir(folder)
        .arg("simulate")
        .args(args)
        .env_remove("CLICOLOR_FORCE")
        .output()
        .expect("the program starts")
}

fn written(folder: &Path, args: &[&str]) {
    let output = simulate(folder, args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Every file below a folder with its bytes.
fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(root).unwrap().to_path_buf(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

const SMALL: [&str; 10] =
    ["--subjects", "1", "--minutes", "0.3", "--sfreq", "100", "--words-per-sentence", "3-5", "--timing", "jittered"];

fn config(array: SensorArray) -> SimulationConfig {
    SimulationConfig {
        array,
        n_subjects: 1,
        sfreq: 100.0,
        duration: 18.0,
        words_per_sentence: (3, 5),
        timing: Timing::Jittered,
        ..SimulationConfig::study()
    }
}

#[test]
fn data_sets_of_every_array_read_back_as_they_were_made() {
    for array in [SensorArray::Ctf275, SensorArray::Neuromag306, SensorArray::Eeg64] {
        let folder = tempfile::tempdir().unwrap();
        written(
            folder.path(),
            &[&SMALL[..], &["--out", "x", "--array", array.name(), "--missing-channels", "2"]].concat(),
        );
        let data_set = BidsDataset::open(folder.path().join("x")).unwrap();
        assert!(data_set.notes().is_empty(), "{:?}", data_set.notes());
        let recording = &data_set.recordings()[0];
        assert_eq!(recording.id, "sub-01_task-reading");

        let config = SimulationConfig { missing_channels: 2, ..config(array) };
        let mut stream = Simulator::new(&config).unwrap().recording(0, 0).unwrap();
        let mut made = Array2::zeros((stream.channels.len(), stream.n_times));
        let missing = stream.missing.clone();
        let mut course = vec![0.0; stream.n_times];
        stream.course(1, 0, &mut course);
        stream.read(made.view_mut(), 1);

        let mut read = dre_io::open_recording(&recording.path).unwrap();
        let info = read.info().clone();
        let rows: Vec<usize> = (0..made.nrows()).filter(|row| !missing.contains(row)).collect();
        let names: Vec<&str> = info.channels.iter().map(|c| c.name.as_str()).collect();
        let expected: Vec<&str> = rows.iter().map(|&row| stream.channels[row].name.as_str()).collect();
        assert_eq!(names[..rows.len()], expected);
        let mut samples = Array2::zeros((rows.len(), info.n_times));
        read.read(&(0..rows.len()).collect::<Vec<_>>(), 0, samples.view_mut()).unwrap();
        for (row, samples) in rows.iter().zip(samples.outer_iter()) {
            for (a, b) in made.row(*row).iter().zip(samples) {
                assert!((f64::from(*a) - b).abs() <= 1e-6 * f64::from(*a).abs(), "{array}: {a} and {b}");
            }
        }
        // Triggers are where the words are.
        let table = data_set.events(recording).unwrap();
        assert_eq!(table.onset, stream.events.onset);
        if array.is_meg() {
            let mut trigger = Array2::zeros((1, info.n_times));
            read.read(&[rows.len()], 0, trigger.view_mut()).unwrap();
            let rises: Vec<f64> = (1..info.n_times)
                .filter(|&t| trigger[[0, t]] > trigger[[0, t - 1]])
                .map(|t| t as f64 / 100.0)
                .collect();
            assert_eq!(rises.len(), table.len());
            assert!(rises.iter().zip(&table.onset).all(|(a, b)| (a - b).abs() <= 0.005 + 1e-9));
        }
        // Types, and places in head coordinates.
        let channels = data_set.channels(recording).unwrap().expect("channels.tsv");
        for (channel, said) in info.channels.iter().zip(&channels) {
            assert_eq!(channel.name, said.name);
            // BrainVision holds no types: channels.tsv says them.
            assert!(channel.kind == said.kind || !array.is_meg(), "{}", said.name);
        }
        let electrodes = data_set.electrodes(recording).unwrap();
        assert_eq!(electrodes.is_some(), !array.is_meg());
        if let Some(transform) = stream.device_to_head {
            let found = info.cohort_channel(0).position.expect("a place");
            let expected = transform.point(stream.channels[rows[0]].position.expect("a place"));
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6));
        }
        assert!(channels.iter().any(|c| c.kind == ChannelType::Ecg));
        // The truth.
        let sources =
            MappedNpy::open(&folder.path().join("x/derivatives/truth/sub-01/sub-01_task-reading_sources.npy")).unwrap();
        assert_eq!(sources.shape(), [6, stream.n_times]);
        assert_eq!(sources.as_ref()[stream.n_times..2 * stream.n_times], course);
    }
}

#[test]
fn threads_change_no_byte_and_force_replaces_only_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let args = [&SMALL[..], &["--sessions", "2", "--bad-segments", "1"]].concat();
    written(folder.path(), &[&args[..], &["--out", "one", "--threads", "1"]].concat());
    written(folder.path(), &[&args[..], &["--out", "three", "--threads", "3"]].concat());
    let (one, three) = (files(&folder.path().join("one")), files(&folder.path().join("three")));
    assert!(one.keys().eq(three.keys()));
    assert!(one.iter().all(|(path, bytes)| three[path] == *bytes));
    assert!(one.contains_key(Path::new("sub-01/ses-02/meg/sub-01_ses-02_task-reading_meg.fif")));

    let again = simulate(folder.path(), &[&args[..], &["--out", "one"]].concat());
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("one: is there already"));
    written(folder.path(), &[&args[..], &["--out", "one", "--force", "--seed", "1"]].concat());
    assert_ne!(files(&folder.path().join("one")), one);
    std::fs::create_dir(folder.path().join("mine")).unwrap();
    let refused = simulate(folder.path(), &[&args[..], &["--out", "mine", "--force"]].concat());
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("was not written by `dre simulate`"));
}

#[test]
fn switches_and_wrong_requests() {
    let folder = tempfile::tempdir().unwrap();
    written(
        folder.path(),
        &[&SMALL[..], &["--out", "x", "--array", "eeg19", "--linear", "--with", "adaptation"]].concat(),
    );
    let truth = std::fs::read_to_string(folder.path().join("x/derivatives/truth/truth.json")).unwrap();
    assert!(truth.contains("\"adaptation\": true") && truth.contains("\"saturation\": false"), "{truth}");
    for (args, message) in [
        (&["--sfreq", "40"][..], "sfreq = 40, expected 64 to 20000 Hz"),
        (&["--minutes", "0.1"], "duration = 6, expected"),
        (&["--missing-channels", "275"], "expected below 275"),
        (&["--without", "alpha"], "alpha-gain = on, expected off where alpha is off"),
    ] {
        let output = simulate(folder.path(), &[&["--out", "y"], args].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(
            String::from_utf8_lossy(&output.stderr).contains(message),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(!folder.path().join("y").exists());
    }
    let output = simulate(folder.path(), &["--out", "y", "--words-per-sentence", "many"]);
    assert_eq!(output.status.code(), Some(2));
}
