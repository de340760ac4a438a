//! Every recording that MNE-Python read for the golden values is read to the same: channels, times, annotations, samples.
//!
//! Small recordings of every variant of a format lie in `tests/fixtures/formats`, made by `bench/golden/formats.py`.
//! `DRE_GOLDEN_DIR` names a further folder of cases, `DRE_DATA_DIR` the folder that the cases' recordings lie in.

#![allow(clippy::print_stderr, reason = "skipped and passed cases are worth reading in the test's log")]

use std::fs;
use std::path::{Path, PathBuf};

use dre_io::open_recording;
use dre_io::recording::{Recording, RecordingInfo};
use ndarray::{Array2, ArrayView2, Axis};
use safetensors::SafeTensors;
use serde_json::{Value, json};

/// Largest relative error (of norms) of samples, as their golden values are stored in f64.
const TOLERANCE: f64 = 1e-6;

fn shared() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared")
}

fn folder(variable: &str, default: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| shared().join(default), PathBuf::from)
}

fn cases() -> Vec<PathBuf> {
    let more = std::env::var_os("DRE_GOLDEN_DIR").map(PathBuf::from);
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/formats");
    let mut found: Vec<PathBuf> = [Some(shared().join("golden/mne")), Some(own), more]
        .into_iter()
        .flatten()
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flat_map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())))
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("read-")))
        .collect();
    found.sort();
    found
}

#[test]
fn recordings_read_as_in_mne() {
    let cases = cases();
    if cases.is_empty() {
        eprintln!("SKIPPED: no read-*.safetensors in {}", shared().join("golden/mne").display());
        return;
    }
    let mut faults = Vec::new();
    for case in &cases {
        let name = case.file_stem().unwrap_or_default().to_string_lossy();
        let found = faults_of(case);
        eprintln!("{name}: {}", if found.is_empty() { "ok".to_owned() } else { found.join("\n    ") });
        faults.extend(found.into_iter().map(|fault| format!("{name}: {fault}")));
    }
    assert!(faults.is_empty(), "{} faults in {} cases:\n{}", faults.len(), cases.len(), faults.join("\n"));
}

/// Folders of recordings that have golden values and no reader yet.
const FORMATS_NOT_READ: [&str; 2] = ["formats/bti/", "formats/kit/"];

/// What differs in one case.
fn faults_of(case: &Path) -> Vec<String> {
    let bytes = fs::read(case).expect("the case was listed");
    let tensors = SafeTensors::deserialize(&bytes).expect("golden values are well formed");
    let (_, header) = SafeTensors::read_metadata(&bytes).expect("golden values are well formed");
    let meta: Value = serde_json::from_str(&header.metadata().as_ref().expect("metadata")["meta"]).expect("JSON");
    let file = meta["file"].as_str().expect("the case names its recording");
    let beside = case.with_file_name(file);
    let path = if beside.exists() { beside } else { folder("DRE_DATA_DIR", "data").join(file) };
    if !path.exists() {
        eprintln!("SKIPPED: no {}", path.display());
        return Vec::new();
    }
    if FORMATS_NOT_READ.iter().any(|format| file.starts_with(format)) {
        eprintln!("SKIPPED: {file}, whose format is not read yet");
        return Vec::new();
    }
    let mut recording = match open_recording(&path) {
        Ok(recording) => recording,
        Err(error) => return vec![error.to_string()],
    };
    let mut faults = described(recording.info(), &meta);
    let tensor = |name: &str| -> Array2<f64> {
        let tensor = tensors.tensor(name).expect("the case has this tensor");
        let values = tensor.data().as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        let (n_rows, n_columns) = (tensor.shape()[0], tensor.shape().get(1).copied().unwrap_or(1));
        Array2::from_shape_vec((n_rows, n_columns), values).expect("the shape is the tensor's")
    };
    faults.extend(placed(recording.info(), &tensor("position")));
    if recording.info().n_times as u64 == meta["n_times"] && recording.info().channels.len() == tensor("mean").len() {
        faults.extend(samples(&mut *recording, &tensor));
    }
    faults
}

fn described(info: &RecordingInfo, meta: &Value) -> Vec<String> {
    let texts = |text: fn(&dre_io::recording::RecordingChannel) -> &str| -> Vec<&str> {
        info.channels.iter().map(text).collect()
    };
    let bads: Vec<&str> = info.channels.iter().filter(|c| c.bad).map(|c| c.name.as_str()).collect();
    let mut faults = Vec::new();
    for (key, found) in [
        ("n_times", json!(info.n_times)),
        ("ch_names", json!(texts(|channel| &channel.name))),
        ("ch_types", json!(texts(|channel| channel.kind.name()))),
        ("bads", json!(bads)),
        ("first_samp", json!(info.first_samp)),
    ] {
        if found != meta[key] {
            faults.push(format!("{key}: {found}, MNE {}", meta[key]));
        }
    }
    // MNE-Python writes 0 and the Nyquist frequency where a file does not tell.
    for (key, found) in [
        ("sfreq", info.sfreq),
        ("highpass", info.highpass.unwrap_or(0.0)),
        ("lowpass", info.lowpass.unwrap_or(info.sfreq / 2.0)),
    ] {
        let expected = meta[key].as_f64().expect("a number");
        if (found - expected).abs() > 1e-9 * expected.abs() {
            faults.push(format!("{key}: {found}, MNE {expected}"));
        }
    }
    let annotations = meta["annotations"].as_array().expect("a list");
    if annotations.len() != info.annotations.len() {
        faults.push(format!("{} annotations, MNE {}", info.annotations.len(), annotations.len()));
    }
    for (found, expected) in info.annotations.iter().zip(annotations) {
        let number = |key: &str| expected[key].as_f64().expect("seconds");
        // The golden values are rounded to a microsecond.
        let same = found.description == expected["description"]
            && (found.onset - number("onset")).abs() < 1e-6
            && (found.duration - number("duration")).abs() < 1e-6;
        if !same {
            faults.push(format!("annotation {found:?}, MNE {expected}"));
            break;
        }
    }
    faults
}

/// MNE-Python writes zeros or NaN for positions that are not known.
fn placed(info: &RecordingInfo, expected: &Array2<f64>) -> Vec<String> {
    let known = |row: &[f64]| row.iter().all(|x| x.is_finite()) && row.iter().any(|&x| x != 0.0);
    let wrong = info.channels.iter().zip(expected.axis_iter(Axis(0))).find(|(channel, expected)| {
        let expected = expected.to_vec();
        match channel.position.filter(|position| known(position)) {
            Some(found) => !found.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 1e-6),
            None => known(&expected),
        }
    });
    wrong
        .map(|(channel, expected)| format!("position of {}: {:?}, MNE {expected}", channel.name, channel.position))
        .into_iter()
        .collect()
}

fn samples(recording: &mut dyn Recording, tensor: &dyn Fn(&str) -> Array2<f64>) -> Vec<String> {
    let (n_channels, n_times) = (recording.info().channels.len(), recording.info().n_times);
    let all: Vec<usize> = (0..n_channels).collect();
    let mut data = Array2::zeros((n_channels, n_times));
    if let Err(error) = recording.read(&all, 0, data.view_mut()) {
        return vec![error.to_string()];
    }
    let n_ends = tensor("first").ncols();
    let mut faults = Vec::new();
    let mut compare = |what: &str, found: ArrayView2<'_, f64>, expected: &Array2<f64>| {
        // By channel, so that one of large values does not hide another of small ones.
        for (channel, (found, expected)) in found.outer_iter().zip(expected.outer_iter()).enumerate() {
            let norm = expected.iter().map(|x| x * x).sum::<f64>().sqrt();
            let error = found.iter().zip(expected).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
            // NaN is no small error.
            if error.is_nan() || error > TOLERANCE * norm {
                let name = &recording.info().channels[channel].name;
                faults.push(format!("{what} of channel {channel} ({name}): relative error {:e}", error / norm));
                return;
            }
        }
    };
    compare("first samples", data.slice(ndarray::s![.., ..n_ends]), &tensor("first"));
    compare("last samples", data.slice(ndarray::s![.., n_times - n_ends..]), &tensor("last"));
    // Mean and spread hold what lies between; a mean near zero is known to within the spread only.
    let std = data.std_axis(Axis(1), 0.0).insert_axis(Axis(1));
    let mean = data.mean_axis(Axis(1)).expect("a recording has samples");
    for (channel, (found, expected)) in std.iter().zip(tensor("std").iter()).enumerate() {
        // The spread of a channel that stands still is nothing but the rounding of its mean.
        if (found - expected).abs() > TOLERANCE * expected + 16.0 * f64::EPSILON * mean[channel].abs() {
            faults.push(format!("standard deviation of channel {channel}: {found:e}, MNE {expected:e}"));
        }
    }
    for (channel, (found, expected)) in mean.iter().zip(tensor("mean").iter()).enumerate() {
        if (found - expected).abs() > TOLERANCE * (expected.abs() + std[(channel, 0)]) {
            faults.push(format!("mean of channel {channel}: {found:e}, MNE {expected:e}"));
        }
    }
    // A part in the middle, in another order, is the same as that part of the whole.
    let picks: Vec<usize> = (0..n_channels).rev().step_by(3).collect();
    let (start, n) = (n_times / 3, n_times / 5 + 1);
    let mut part = Array2::zeros((picks.len(), n));
    if let Err(error) = recording.read(&picks, start, part.view_mut()) {
        faults.push(error.to_string());
    } else {
        let differs = picks.iter().zip(part.outer_iter()).find(|(pick, row)| {
            let whole = data.slice(ndarray::s![**pick, start..start + n]);
            row.iter().zip(whole).any(|(a, b)| a.to_bits() != b.to_bits())
        });
        if let Some((pick, _)) = differs {
            faults.push(format!("channel {pick} read in part differs from the same part of the whole"));
        }
    }
    faults
}
