//! FIF recordings: what MNE-Python reads from the fixtures (`bench/golden/fif.py`), what is written is read back, and
//! what is damaged is refused.

#![allow(clippy::print_stderr, reason = "skipped tests are worth reading in the test's log")]

use std::fs;
use std::path::{Path, PathBuf};

use dre::data::ChannelType;
use dre::events::FindEvents;
use dre_io::recording::fif::{Fif, FifFormat, FifOptions, FifWriter, SplitNaming, write_fif};
use dre_io::recording::{
    Annotation, Coil, Compensation, DigKind, DigPoint, MeasDate, Projector, ProjectorKind, Recording, RecordingChannel,
    RecordingInfo, Unit, open_recording, read_events, with_projectors,
};
use dre_io::{Error, Result};
use ndarray::{Array2, array, s};
use proptest::prelude::*;
use safetensors::SafeTensors;
use serde_json::Value;
use tempfile::TempDir;

/// The golden numbers are in JSON, whose parser may miss by the last digit.
const JSON: f64 = 1e-15;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fif")
}

fn read_all(recording: &mut dyn Recording) -> Array2<f64> {
    let channels: Vec<usize> = (0..recording.info().channels.len()).collect();
    let mut data = Array2::zeros((channels.len(), recording.info().n_times));
    recording.read(&channels, 0, data.view_mut()).unwrap();
    data
}

fn tensor(tensors: &SafeTensors<'_>, name: &str) -> Option<Array2<f64>> {
    let tensor = tensors.tensor(name).ok()?;
    let values = tensor.data().as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    Some(Array2::from_shape_vec((tensor.shape()[0], tensor.shape()[1]), values).unwrap())
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        Value::Null => vec![f64::NAN],
        other => vec![other.as_f64().unwrap()],
    }
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

#[track_caller]
fn close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
    for (a, b) in found.iter().zip(expected) {
        let same = (a - b).abs() <= tolerance * largest || (a.is_nan() && b.is_nan());
        assert!(same, "{what}: {a} instead of {b}");
    }
}

#[test]
fn fixtures_read_as_in_mne() {
    let bytes = fs::read(fixtures().join("expected.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let mut cases: Vec<_> = header.metadata().as_ref().unwrap().iter().collect();
    cases.sort();
    assert!(cases.len() >= 20);
    for (name, meta) in cases {
        let meta: Value = serde_json::from_str(meta).unwrap();
        let path = fixtures().join(meta["file"].as_str().unwrap());
        let mut recording = open_recording(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        check_info(name, recording.info(), &meta);
        let expected = tensor(&tensors, name).unwrap();
        let found = read_all(&mut *recording);
        assert_eq!(found.dim(), expected.dim(), "{name}");
        // The same arithmetic: stored value × (range × calibration).
        assert_eq!(found, expected, "{name}");
        if let Some(expected) = tensor(&tensors, &format!("{name}.projected")) {
            let mut projected = with_projectors(recording).unwrap();
            assert!(projected.info().projectors.iter().all(|projector| projector.active));
            let found = read_all(&mut *projected);
            for (found, expected) in found.rows().into_iter().zip(expected.rows()) {
                close(name, found.as_slice().unwrap(), expected.as_slice().unwrap(), 1e-9);
            }
            let mut part = Array2::zeros((3, 40));
            projected.read(&[8, 2, 3], 50, part.view_mut()).unwrap();
            for (row, channel) in [8, 2, 3].into_iter().enumerate() {
                assert_eq!(part.row(row), found.slice(s![channel, 50..90]));
            }
        }
    }
}

fn check_info(name: &str, info: &RecordingInfo, meta: &Value) {
    let channels = &info.channels;
    let names: Vec<&str> = channels.iter().map(|channel| channel.name.as_str()).collect();
    assert_eq!(names, strings(&meta["ch_names"]), "{name}");
    let types: Vec<&str> = channels.iter().map(|channel| channel.kind.name()).collect();
    assert_eq!(types, strings(&meta["ch_types"]), "{name}");
    let mut bads: Vec<&str> = channels.iter().filter(|c| c.bad).map(|c| c.name.as_str()).collect();
    let mut expected = strings(&meta["bads"]);
    bads.sort_unstable();
    expected.sort_unstable();
    assert_eq!(bads, expected, "{name}");
    assert_eq!(info.first_samp, meta["first_samp"].as_u64().unwrap(), "{name}");
    let filters = [info.sfreq, info.highpass.unwrap_or(0.0), info.lowpass.unwrap_or(info.sfreq / 2.0)];
    assert_eq!(filters.to_vec(), ["sfreq", "highpass", "lowpass"].map(|key| meta[key].as_f64().unwrap()), "{name}");
    let date = info.meas_date.map(|date| date.seconds as f64 + f64::from(date.microseconds) / 1e6);
    assert_eq!(date, meta["meas_date"].as_f64(), "{name}");
    assert_eq!(info.compensation_grade.unwrap_or(0), meta["grade"].as_u64().unwrap_or(0) as u32, "{name}");
    if let Some(matrix) = &info.device_to_head {
        close(name, matrix.as_flattened(), &numbers(&meta["dev_head_t"]), JSON);
    } else {
        // MNE-Python writes the identity where there is none.
        assert!(meta["dev_head_t"].is_null(), "{name}");
    }
    let annotations = meta["annotations"].as_array().unwrap();
    assert_eq!(info.annotations.len(), annotations.len(), "{name}: {:?} {annotations:?}", info.annotations);
    for (found, expected) in info.annotations.iter().zip(annotations) {
        assert_eq!(found.description, expected[2].as_str().unwrap(), "{name}: {:?}", info.annotations);
        let apart = [found.onset - expected[0].as_f64().unwrap(), found.duration - expected[1].as_f64().unwrap()];
        assert!(apart.iter().all(|apart| apart.abs() < 1e-6), "{name}: {found:?}, MNE {expected}");
    }
    let kinds = [(DigKind::Cardinal, 1), (DigKind::Hpi, 2), (DigKind::Eeg, 3), (DigKind::Extra, 4)];
    let dig = info.digitisation.iter().flat_map(|point| {
        let kind = kinds.iter().find(|(kind, _)| *kind == point.kind).unwrap().1;
        [f64::from(kind), f64::from(point.ident)].into_iter().chain(point.position)
    });
    close(name, &dig.collect::<Vec<f64>>(), &numbers(&meta["dig"]), JSON);
    for (channel, (coil, loc)) in
        channels.iter().zip(meta["coils"].as_array().unwrap().iter().zip(meta["loc"].as_array().unwrap()))
    {
        let loc = numbers(loc);
        match &channel.coil {
            Some(found) => {
                assert_eq!(i64::from(found.kind), coil.as_i64().unwrap() & 0xffff, "{name}");
                close(name, found.axes.as_flattened(), &loc[3..], JSON);
            }
            None => assert!(!matches!(channel.kind, ChannelType::Mag | ChannelType::Grad | ChannelType::RefMeg)),
        }
        if let Some(position) = channel.position {
            close(name, &position, &loc[..3], JSON);
        }
    }
    let projs = meta["projs"].as_array().unwrap();
    assert_eq!(info.projectors.len(), projs.len(), "{name}");
    for (found, expected) in info.projectors.iter().zip(projs) {
        assert_eq!((found.name.as_str(), found.active), (expected[0].as_str().unwrap(), expected[1] == true), "{name}");
        assert_eq!(found.channels, strings(&expected[2]), "{name}");
        close(name, &found.vectors.iter().copied().collect::<Vec<f64>>(), &numbers(&expected[3]), JSON);
    }
    let comps = meta["comps"].as_array().unwrap();
    assert_eq!(info.compensations.len(), comps.len(), "{name}");
    for (found, expected) in info.compensations.iter().zip(comps) {
        assert_eq!(u64::from(found.grade), expected[0].as_u64().unwrap(), "{name}");
        assert_eq!(found.channels, strings(&expected[1]), "{name}");
        assert_eq!(found.references, strings(&expected[2]), "{name}");
        close(name, &found.weights.iter().copied().collect::<Vec<f64>>(), &numbers(&expected[3]), 1e-12);
    }
}

/// A recording that has everything, with numbers that single precision holds.
fn everything() -> RecordingInfo {
    let mut channels = vec![
        RecordingChannel::new("MEG 0111", ChannelType::Mag, Unit::Tesla),
        RecordingChannel::new("MEG 0112", ChannelType::Grad, Unit::TeslaPerMetre),
        RecordingChannel::new("A long name of an electrode: 1", ChannelType::Eeg, Unit::Volt),
        RecordingChannel::new("A long name of an electrode: 2", ChannelType::Eeg, Unit::Volt),
        RecordingChannel::new("STI 014", ChannelType::Stim, Unit::Other("n/a".to_owned())),
    ];
    for (i, channel) in channels.iter_mut().take(4).enumerate() {
        channel.position = Some([0.25 * i as f64, 0.5, -0.125]);
    }
    for (channel, kind) in channels.iter_mut().zip([3024, 3012]) {
        channel.coil = Some(Coil { kind, axes: [[1.0, 0.0, 0.0], [0.0, 0.5, -0.5], [0.0, 0.25, 0.75]] });
    }
    channels[3].bad = true;
    let names: Vec<String> = channels[2..4].iter().map(|channel| channel.name.clone()).collect();
    RecordingInfo {
        highpass: Some(0.5),
        lowpass: Some(40.0),
        first_samp: 1200,
        meas_date: Some(MeasDate { seconds: 1_600_000_000, microseconds: 250_000 }),
        device_to_head: Some([
            [0.0, 1.0, 0.0, 0.5],
            [-1.0, 0.0, 0.0, 0.25],
            [0.0, 0.0, 1.0, 0.0],
            [0.0, 0.0, 0.0, 1.0],
        ]),
        digitisation: vec![
            DigPoint { kind: DigKind::Cardinal, ident: 1, position: [-0.125, 0.0, 0.0] },
            DigPoint { kind: DigKind::Extra, ident: 7, position: [0.5, 0.25, 0.125] },
        ],
        projectors: vec![Projector {
            name: "PCA-v1".to_owned(),
            kind: ProjectorKind::Field,
            active: false,
            channels: names.clone(),
            vectors: array![[0.5, -0.25]],
            explained_variance: Some(0.5),
        }],
        compensations: vec![Compensation {
            grade: 3,
            channels: vec!["MEG 0111".to_owned()],
            references: names,
            weights: array![[0.5, 0.25]],
        }],
        compensation_grade: Some(3),
        annotations: vec![
            Annotation { onset: 0.5, duration: 0.0, description: "a:b".to_owned() },
            Annotation { onset: 1.0, duration: 0.25, description: "BAD é".to_owned() },
        ],
        ..RecordingInfo::new("unused.fif", 100.0, 0, channels)
    }
}

fn samples(n_channels: usize, n_times: usize) -> Array2<f64> {
    Array2::from_shape_fn((n_channels, n_times), |(channel, time)| {
        f64::from(((time * 7 + channel * 3) % 41) as i16 - 20) * 2f64.powi(-20)
    })
}

fn formats(n_channels: usize) -> [FifFormat; 4] {
    let cals = vec![2f64.powi(-21); n_channels];
    [FifFormat::Float32, FifFormat::Float64, FifFormat::Int16(cals.clone()), FifFormat::Int32(cals)]
}

#[test]
fn what_is_written_is_read_back() {
    let info = everything();
    let data = samples(5, 333);
    for format in formats(5) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x_raw.fif");
        let options = FifOptions { format, ..FifOptions::default() };
        let mut writer = FifWriter::new(&path, &info, &options).unwrap();
        for start in (0..333).step_by(37) {
            writer.write(data.slice(s![.., start..(start + 37).min(333)])).unwrap();
        }
        assert!(!path.exists(), "nothing is there before it is complete");
        assert_eq!(writer.finish().unwrap(), std::slice::from_ref(&path));
        let mut recording = Fif::open(&path).unwrap();
        let expected = RecordingInfo { path: path.clone(), files: vec![path], n_times: 333, ..info.clone() };
        assert_eq!(*recording.info(), expected);
        assert_eq!(read_all(&mut recording), data);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn a_recording_is_split_before_its_files_grow_too_large() {
    let info = everything();
    let data = samples(5, 4000);
    for (naming, first, names) in [
        (SplitNaming::Neuromag, "x_raw.fif", ["x_raw.fif", "x_raw-1.fif", "x_raw-2.fif"]),
        (SplitNaming::Bids, "x_meg.fif", ["x_split-01_meg.fif", "x_split-02_meg.fif", "x_split-03_meg.fif"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let options = FifOptions { split_size: 40_000, split_naming: naming, ..FifOptions::default() };
        let places = write_fif(&folder.path().join(first), &info, data.view(), &options).unwrap();
        assert_eq!(places, names.map(|name| folder.path().join(name)));
        for place in &places {
            assert!(fs::metadata(place).unwrap().len() <= 40_000);
        }
        let mut recording = Fif::open(&places[0]).unwrap();
        assert_eq!(recording.info().files, places);
        assert_eq!(recording.info().annotations, info.annotations);
        assert_eq!(read_all(&mut recording), data);
        let mut part = Array2::zeros((2, 2000));
        recording.read(&[4, 1], 1000, part.view_mut()).unwrap();
        assert_eq!(part.row(0), data.slice(s![4, 1000..3000]));
        assert_eq!(part.row(1), data.slice(s![1, 1000..3000]));
        // The second file alone is a recording of its own, at its own place in time.
        let second = Fif::open(&places[1]).unwrap();
        assert!(second.info().first_samp > 1200 && second.info().files.len() == 2);

        fs::remove_file(&places[2]).unwrap();
        let message = failure(&places[0]).to_string();
        assert!(message.contains(names[1]) && message.contains(names[2]), "{message}");
        // A file that names itself or one before it.
        let bytes = fs::read(&places[1]).unwrap();
        fs::write(&places[1], replaced(&bytes, names[2].as_bytes(), names[1].as_bytes())).unwrap();
        let message = failure(&places[0]).to_string();
        assert!(message.contains("in circles") && message.contains(names[1]), "{message}");
    }
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    let places: Vec<usize> = (0..bytes.len() - from.len()).filter(|i| bytes[*i..].starts_with(from)).collect();
    assert!(!places.is_empty());
    for place in places {
        bytes[place..place + from.len()].copy_from_slice(to);
    }
    bytes
}

#[test]
fn renamed_splits_are_found_by_their_bids_names() {
    let folder = tempfile::tempdir().unwrap();
    let data = samples(5, 3000);
    let options = FifOptions { split_size: 40_000, ..FifOptions::default() };
    let places = write_fif(&folder.path().join("x_raw.fif"), &everything(), data.view(), &options).unwrap();
    for (number, place) in places.iter().enumerate() {
        fs::rename(place, folder.path().join(format!("sub-1_split-{:02}_meg.fif", number + 1))).unwrap();
    }
    let mut recording = Fif::open(&folder.path().join("sub-1_split-01_meg.fif")).unwrap();
    assert_eq!(read_all(&mut recording), data);
    assert!(recording.info().notes[0].contains("names `x_raw-1.fif` as its continuation"));
}

#[test]
fn the_writer_refuses_what_the_format_cannot_hold_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x_raw.fif");
    let info = everything();
    let write = |info: &RecordingInfo, data: Array2<f64>, options: &FifOptions| {
        write_fif(&path, info, data.view(), options).unwrap_err().to_string()
    };
    let plain = FifOptions::default();
    let short = FifOptions { format: FifFormat::Int16(vec![1.0; 5]), ..plain.clone() };
    let mut data = samples(5, 10);
    data[(2, 7)] = 40_000.0;
    let message = write(&info, data.clone(), &short);
    assert!(message.contains("electrode: 1") && message.contains("sample 7"), "{message}");
    data[(2, 7)] = f64::NAN;
    assert!(write(&info, data, &plain).contains("NaN at sample 7"));
    assert!(write(&info, Array2::zeros((5, 0)), &plain).contains("no samples"));
    assert!(write(&info, samples(4, 3), &plain).contains("one row per channel"));
    let small = FifOptions { split_size: 5000, ..plain.clone() };
    assert!(write(&info, samples(5, 3), &small).contains("split_size = 5000"));
    let twice = RecordingInfo { channels: vec![info.channels[0].clone(), info.channels[0].clone()], ..info.clone() };
    assert!(write(&twice, samples(2, 3), &plain).contains("channels 1 and 2 are both called"));
    let nameless = Annotation { onset: 0.0, duration: 0.0, description: String::new() };
    let info = RecordingInfo { annotations: vec![nameless], ..info };
    assert!(write(&info, samples(5, 3), &plain).contains("annotation 1"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

fn failure(path: &Path) -> Error {
    match open_recording(path) {
        Ok(_) => panic!("{} opens although it is damaged", path.display()),
        Err(error) => error,
    }
}

fn damaged(folder: &TempDir, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join("damaged_raw.fif");
    fs::write(&path, bytes).unwrap();
    path
}

/// Offset, kind and size of each tag of a file without jumps.
fn tags(bytes: &[u8]) -> Vec<(usize, i32, usize)> {
    let word = |i: usize| i32::from_be_bytes(bytes[i..i + 4].try_into().unwrap());
    let (mut found, mut offset) = (Vec::new(), 0);
    while offset < bytes.len() {
        let size = word(offset + 8) as usize;
        found.push((offset, word(offset), size));
        if word(offset + 12) < 0 {
            break;
        }
        offset += 16 + size;
    }
    found
}

#[test]
fn a_file_that_breaks_off_anywhere_is_refused_with_the_byte() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = fs::read(fixtures().join("long_names_raw.fif")).unwrap();
    let tags = tags(&bytes);
    let end = tags[tags.len() - 1].0;
    // From the first block on; before it nothing tells a file that breaks off from one without a measurement.
    for (offset, _, size) in tags.iter().skip_while(|tag| tag.1 != 104) {
        for cut in [*offset, offset + 3, offset + 16, offset + 16 + size / 2] {
            if cut >= end || cut == tags[3].0 {
                continue;
            }
            let error = failure(&damaged(&folder, &bytes[..cut]));
            assert!(matches!(error, Error::At { offset, .. } if offset <= cut as u64), "cut at {cut}: {error}");
        }
    }
    // Only the last, empty tag is missing.
    assert!(open_recording(&damaged(&folder, &bytes[..end])).is_ok());
}

#[test]
fn lies_are_refused_with_byte_and_advice() {
    let bytes = fs::read(fixtures().join("skip_middle_raw.fif")).unwrap();
    let tags = tags(&bytes);
    let place = |kind: i32, which: usize| tags.iter().filter(|tag| tag.1 == kind).nth(which).unwrap().0;
    let folder = tempfile::tempdir().unwrap();
    let set = |offset: usize, value: i32| {
        let mut bytes = bytes.clone();
        bytes[offset..offset + 4].copy_from_slice(&value.to_be_bytes());
        failure(&damaged(&folder, &bytes)).to_string()
    };
    let buffer = place(300, 2);
    for (message, parts) in [
        (set(buffer + 8, i32::MAX), vec![format!("byte {}", buffer + 16), "reaches past the end".to_owned()]),
        (set(buffer + 8, -4), vec!["reaches past the end".to_owned()]),
        (set(buffer + 4, 20), vec![format!("byte {buffer}"), "samples of type 20, expected int16".to_owned()]),
        (set(buffer + 12, buffer as i32), vec!["in circles".to_owned()]),
        (set(place(301, 0) + 16, -1), vec!["a skip of -1 buffers".to_owned()]),
        (set(place(301, 0) + 16, i32::MAX), vec!["a skip of 2147483647 buffers".to_owned()]),
        (set(place(200, 0) + 16, 0), vec!["says 0 channels but describes 8".to_owned()]),
        (set(place(200, 0) + 16, i32::MAX), vec!["says 2147483647 channels".to_owned()]),
        (set(place(201, 0) + 16, 0), vec!["sfreq is 0 Hz".to_owned()]),
        (set(place(201, 0) + 16, 0x7fc0_0000), vec!["sfreq is NaN Hz".to_owned()]),
        (set(place(203, 0) + 16 + 16, 0x7f80_0000), vec!["calibration inf".to_owned()]),
        (set(place(208, 0) + 16, -7), vec!["the first sample is -7".to_owned()]),
        (set(0, 0x6400_0000), vec!["little-endian".to_owned()]),
        (set(0, 99), vec!["expected an identity".to_owned()]),
        (set(0, 0x1f8b_0800), vec!["compressed with gzip".to_owned(), "gunzip".to_owned()]),
    ] {
        for part in parts {
            assert!(message.contains(&part) && message.contains("damaged_raw.fif"), "{part}: {message}");
        }
    }
    let zipped = folder.path().join("x_raw.fif.gz");
    fs::write(&zipped, [0x1f, 0x8b, 8, 0]).unwrap();
    assert!(failure(&zipped).to_string().contains("gunzip"));
}

#[test]
fn a_directory_that_is_missing_is_made_good() {
    let mut bytes = fs::read(fixtures().join("directory_raw.fif")).unwrap();
    let sound = read_all(&mut *open_recording(&fixtures().join("directory_raw.fif")).unwrap());
    bytes[52..56].copy_from_slice(&i32::MAX.to_be_bytes());
    let folder = tempfile::tempdir().unwrap();
    let mut recording = open_recording(&damaged(&folder, &bytes)).unwrap();
    assert_eq!(read_all(&mut *recording), sound);
    assert!(recording.info().notes[0].contains("the tags were found one by one"));
}

#[test]
fn shielded_recordings_and_equal_names_are_noted() {
    for (file, part) in [("shielded_raw.fif", "MaxShield"), ("same_names_raw.fif", "several channels are called `CH1`")]
    {
        let recording = open_recording(&fixtures().join(file)).unwrap();
        assert!(recording.info().notes.iter().any(|note| note.contains(part)), "{:?}", recording.info().notes);
    }
}

#[test]
fn triggers_of_a_real_recording_are_those_of_mne() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let golden = shared.join("golden/mne/read-test_elekta_3ch_raw.fif.safetensors");
    let path = shared.join("data/formats/fif/test_elekta_3ch_raw.fif");
    let (Ok(bytes), true) = (fs::read(&golden), path.exists()) else {
        eprintln!("SKIPPED: no {} or {}", golden.display(), path.display());
        return;
    };
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let expected = tensors.tensor("stim_events").unwrap();
    let expected: Vec<i64> = expected.data().as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b)).collect();
    let mut recording = open_recording(&path).unwrap();
    let options = FindEvents { shortest_event: 1, ..FindEvents::default() };
    let found = read_events(&mut *recording, None, &options).unwrap();
    let found: Vec<i64> = found.iter().flat_map(|event| [event.sample as i64, event.previous, event.value]).collect();
    assert_eq!(found, expected);
    let message = read_events(&mut *recording, Some(&["STI10"]), &options).unwrap_err().to_string();
    assert!(message.contains("did you mean `STI101`?"), "{message}");
}

/// Opens a recording and reads its beginning.
fn try_read(path: &Path) -> Result<()> {
    let mut recording = open_recording(path)?;
    let channels: Vec<usize> = (0..recording.info().channels.len()).collect();
    let mut out = Array2::zeros((channels.len(), recording.info().n_times.min(200)));
    recording.read(&channels, 0, out.view_mut())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn garbled_files_never_panic(
        file in 0usize..4,
        cut in prop::option::of(0usize..9000),
        flips in prop::collection::vec((0usize..9000, prop_oneof![any::<u8>().prop_map(|byte| vec![byte]),
            prop::sample::select(vec![-1i32, 0, 1, i32::MAX, i32::MIN, 1 << 16]).prop_map(|n| n.to_be_bytes().to_vec())]), 1..4),
    ) {
        let name = ["long_names_raw.fif", "directory_raw.fif", "compensated_raw.fif", "projected_raw.fif"][file];
        let mut bytes = fs::read(fixtures().join(name)).unwrap();
        bytes.truncate(cut.unwrap_or(bytes.len()));
        for (place, new) in flips {
            for (to, from) in bytes.iter_mut().skip(place).zip(new) {
                *to = from;
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let path = damaged(&folder, &bytes);
        let _ = try_read(&path);
        if let Ok(recording) = open_recording(&path) {
            let _ = with_projectors(recording);
        }
    }
}
