//! BrainVision: MNE-Python's reading of a real file, the writer's round trip, every layout, and damaged files.

#![allow(clippy::print_stderr, reason = "skipped cases are worth reading in the test's log")]

use std::fs;
use std::path::{Path, PathBuf};

use dre::data::ChannelType;
use dre::signal::{PrepareSpec, Reference, Resample};
use dre_io::prepare::{READ_MEMORY, RecordingPlan, pick_channels, prepare_recording};
use dre_io::recording::brainvision::{BrainVision, write_brainvision};
use dre_io::recording::{Annotation, Recording, RecordingChannel, RecordingInfo, Unit};
use dre_io::store::RowFile;
use dre_io::{Error, open_recording};
use ndarray::{Array2, s};
use proptest::prelude::*;
use safetensors::SafeTensors;
use tempfile::TempDir;

fn shared() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared")
}

fn read_all(recording: &mut dyn Recording) -> Array2<f64> {
    let (n_channels, n_times) = (recording.info().channels.len(), recording.info().n_times);
    let mut data = Array2::zeros((n_channels, n_times));
    let picks: Vec<usize> = (0..n_channels).collect();
    recording.read(&picks, 0, data.view_mut()).unwrap();
    data
}

#[test]
fn a_real_recording_reads_as_in_mne() {
    let golden = shared().join("golden/mne/read-test_NO.vhdr.safetensors");
    let Ok(bytes) = fs::read(&golden) else {
        eprintln!("SKIPPED: no {}", golden.display());
        return;
    };
    let data_dir = std::env::var_os("DRE_DATA_DIR").map_or_else(|| shared().join("data"), PathBuf::from);
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let meta: serde_json::Value = serde_json::from_str(&header.metadata().as_ref().unwrap()["meta"]).unwrap();
    let mut recording = open_recording(&data_dir.join(meta["file"].as_str().unwrap())).unwrap();
    let info = recording.info().clone();
    assert!((info.sfreq - meta["sfreq"].as_f64().unwrap()).abs() < 1e-9);
    assert_eq!(info.n_times as u64, meta["n_times"].as_u64().unwrap());
    let names: Vec<&str> = info.channels.iter().map(|channel| channel.name.as_str()).collect();
    assert_eq!(serde_json::json!(names), meta["ch_names"]);
    let kinds: Vec<&str> = info.channels.iter().map(|channel| channel.kind.name()).collect();
    assert_eq!(serde_json::json!(kinds), meta["ch_types"]);

    let data = read_all(&mut *recording);
    for (name, start) in [("first", 0), ("last", info.n_times - 400)] {
        let tensor = tensors.tensor(name).unwrap();
        let expected = tensor.data().as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes));
        let part = data.slice(s![.., start..start + 400]);
        let (mut difference, mut norm) = (0.0, 0.0);
        for (found, expected) in part.iter().zip(expected) {
            difference += (found - expected).powi(2);
            norm += expected.powi(2);
        }
        let error = (difference / norm).sqrt();
        eprintln!("{name}: {error:.1e}");
        assert!(error <= 1e-12, "{name}: relative error {error:e}");
    }
}

fn channels() -> Vec<RecordingChannel> {
    vec![
        RecordingChannel::new("Fp1, left", ChannelType::Eeg, Unit::Volt),
        RecordingChannel::new("MEG 1", ChannelType::Misc, Unit::Tesla),
        RecordingChannel::new("GSR", ChannelType::Misc, Unit::Other("S".to_owned())),
    ]
}

fn samples(n_times: usize) -> Array2<f64> {
    Array2::from_shape_fn((3, n_times), |(channel, time)| {
        [1e-6, 1e-13, 1.0][channel] * ((time * 7 + channel) % 101) as f64
    })
}

fn write(folder: &TempDir, n_times: usize) -> PathBuf {
    let path = folder.path().join("rec.vhdr");
    let annotations = [
        Annotation { onset: 0.5, duration: 0.0, description: "Stimulus/S  1, left".to_owned() },
        Annotation { onset: 1.0, duration: 0.25, description: "slept".to_owned() },
    ];
    write_brainvision(&path, 120.0, &channels(), samples(n_times).view(), &annotations).unwrap();
    path
}

#[test]
fn what_is_written_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    // Longer than one block of the reader.
    let path = write(&folder, 50_000);
    let mut recording = BrainVision::open(&path).unwrap();
    let info = recording.info().clone();
    assert_eq!(info.channels, channels());
    assert!((info.sfreq - 120.0).abs() < f64::EPSILON);
    assert_eq!(info.n_times, 50_000);
    assert_eq!(info.files.len(), 3);
    let marks: Vec<(&str, f64)> = info.annotations.iter().map(|a| (a.description.as_str(), a.duration)).collect();
    assert_eq!(marks, [("Stimulus/S  1, left", 1.0 / 120.0), ("Comment/slept", 0.25)]);
    assert!((info.annotations[0].onset - 0.5).abs() < 1e-12);
    let expected = samples(50_000);
    for (found, expected) in read_all(&mut recording).iter().zip(&expected) {
        assert!((found - expected).abs() <= 1e-7 * expected.abs(), "{found} instead of {expected}");
    }
    let mut part = Array2::zeros((2, 10));
    recording.read(&[2, 0], 30_000, part.view_mut()).unwrap();
    assert!((part[[0, 3]] - expected[[2, 30_003]]).abs() < 1e-5);
    assert!((part[[1, 9]] - expected[[0, 30_009]]).abs() < 1e-11);
    assert!(recording.read(&[3], 0, Array2::zeros((1, 1)).view_mut()).is_err());
    assert!(recording.read(&[0], 49_999, Array2::zeros((1, 2)).view_mut()).is_err());
    assert!(recording.read(&[0], 0, Array2::zeros((2, 2)).view_mut()).is_err());
}

/// Writes a header by hand with this format and orientation, and the bytes.
fn by_hand(folder: &TempDir, format: &str, orientation: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join("x.vhdr");
    let text = format!(
        "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nDataFile=$b.eeg\nDataFormat=BINARY\n\
         DataOrientation={orientation}\nNumberOfChannels=2\nSamplingInterval=10000\n[Binary Infos]\n\
         BinaryFormat={format}\n[Channel Infos]\nCh1=A,,0.5,\u{b5}V\nCh2=B,,,mV\n[Comment]\nfree = text [ ; here\n"
    );
    // Latin-1, as older recorders write.
    let text: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    fs::write(&path, text).unwrap();
    fs::write(folder.path().join("x.eeg"), bytes).unwrap();
    path
}

#[test]
fn every_layout_gives_the_same_samples() {
    let rows = [[1i16, -2, 3], [4, 5, -6]];
    let expected = [[0.5e-6, -1e-6, 1.5e-6], [4e-3, 5e-3, -6e-3]];
    for orientation in ["MULTIPLEXED", "VECTORIZED"] {
        let order: Vec<i16> = match orientation {
            "VECTORIZED" => rows.concat(),
            _ => (0..3).flat_map(|time| [rows[0][time], rows[1][time]]).collect(),
        };
        let int16: Vec<u8> = order.iter().flat_map(|value| value.to_le_bytes()).collect();
        let int32: Vec<u8> = order.iter().flat_map(|value| i32::from(*value).to_le_bytes()).collect();
        let float: Vec<u8> = order.iter().flat_map(|value| f32::from(*value).to_le_bytes()).collect();
        for (format, bytes) in [("INT_16", int16), ("INT_32", int32), ("IEEE_FLOAT_32", float)] {
            let folder = tempfile::tempdir().unwrap();
            let mut recording = BrainVision::open(&by_hand(&folder, format, orientation, &bytes)).unwrap();
            assert!((recording.info().sfreq - 100.0).abs() < f64::EPSILON);
            let data = read_all(&mut recording);
            for (found, expected) in data.iter().zip(expected.as_flattened()) {
                assert!((found - expected).abs() < 1e-18, "{format} {orientation}: {found} instead of {expected}");
            }
        }
    }
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(path, text.replace(from, to)).unwrap();
}

fn failure(path: &Path) -> Error {
    open_recording(path).err().expect("the recording opens although it is damaged")
}

#[test]
fn damaged_headers_are_refused_with_line_and_advice() {
    for (from, to, part) in [
        ("SamplingInterval=", "SamplingInterval=-", "line 10: samplinginterval is `-8333"),
        ("NumberOfChannels=3", "NumberOfChannels=4", "section [Channel Infos] has no `Ch4`"),
        ("NumberOfChannels=3", "NumberOfChannels=none", "expected a positive whole number"),
        ("MULTIPLEXED", "TWISTED", "expected one of MULTIPLEXED, VECTORIZED"),
        ("IEEE_FLOAT_32", "UINT_8", "expected one of INT_16, UINT_16, INT_32, IEEE_FLOAT_32"),
        ("DataFormat=BINARY", "DataFormat=TWISTED", "expected one of BINARY, ASCII"),
        ("Brain Vision", "Trains Vision", "line 1: not a BrainVision header file"),
        ("Ch2=MEG 1", "Ch2=GSR", "channels 2 and 3 are both called `GSR`"),
        (",,1,fT", ",,zero,fT", "expected a resolution"),
        ("DataFile=rec.eeg", "DataFile=old.eeg", "write DataFile=rec.eeg in the header"),
        ("[Binary Infos]", "[Binary Infos]\nnonsense", "`nonsense` is not of the form key=value"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = write(&folder, 10);
        edit(&path, from, to);
        let message = failure(&path).to_string();
        assert!(message.contains(part) && message.contains("rec.vhdr"), "{to}: {message}");
    }
}

#[test]
fn a_data_file_of_another_size_is_refused_with_both_sizes() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, 10);
    let data = folder.path().join("rec.eeg");
    let bytes = fs::read(&data).unwrap();
    for size in [0, 1, bytes.len() - 1] {
        fs::write(&data, &bytes[..size]).unwrap();
        let error = failure(&path);
        assert!(matches!(error, Error::DataSize { found, .. } if found == size as u64), "{error}");
        assert!(error.to_string().contains("a multiple of 12 bytes (3 channels × 4 bytes)"), "{error}");
    }
    fs::write(&data, &bytes[..108]).unwrap();
    edit(&path, "[Binary", "[Common Infos]\nDataPoints=10\n[Binary");
    let message = failure(&path).to_string();
    assert!(message.contains("108 bytes") && message.contains("120 bytes (10 samples × 3 channels"), "{message}");
}

#[test]
fn missing_files_and_unknown_formats_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, 10);
    assert!(matches!(failure(&folder.path().join("none.vhdr")), Error::Io { .. }));
    let error = failure(&folder.path().join("rec.eeg"));
    assert!(error.to_string().contains("`.eeg` cannot be read; supported: BrainVision (.vhdr, .ahdr)"), "{error}");
    fs::remove_file(folder.path().join("rec.vmrk")).unwrap();
    let recording = open_recording(&path).unwrap();
    assert!(recording.info().annotations.is_empty());
    assert!(recording.info().notes[0].contains("rec.vmrk"));
    #[cfg(unix)]
    {
        fs::remove_file(folder.path().join("rec.eeg")).unwrap();
        std::os::unix::fs::symlink(".git/annex/objects/gone", folder.path().join("rec.eeg")).unwrap();
        assert!(matches!(failure(&path), Error::NotFetched { .. }));
    }
}

#[test]
fn nan_is_named_by_channel_and_sample() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, 10);
    let data = folder.path().join("rec.eeg");
    let mut bytes = fs::read(&data).unwrap();
    bytes[12 * 4 + 8..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&data, bytes).unwrap();
    let mut recording = open_recording(&path).unwrap();
    let spec = PrepareSpec::default();
    let picks = pick_channels(recording.info(), &[ChannelType::Misc], &[]);
    assert_eq!(picks, [1, 2]);
    let error = prepare_recording(&mut *recording, &picks, &spec, 1, READ_MEMORY).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("channel `GSR` holds NaN at sample 4 (0.033 s)"), "{message}");
    let picks = pick_channels(recording.info(), &[ChannelType::Eeg], &[]);
    assert!(prepare_recording(&mut *recording, &picks, &spec, 1, READ_MEMORY).is_ok());
}

#[test]
fn memory_and_threads_do_not_change_what_is_prepared() {
    let folder = tempfile::tempdir().unwrap();
    let mut recording = open_recording(&write(&folder, 9000)).unwrap();
    let filtered = PrepareSpec { l_freq: Some(1.0), h_freq: Some(20.0), ..PrepareSpec::default() };
    let decimated = PrepareSpec { decim: 2, ..filtered.clone() };
    let polyphase = PrepareSpec { sfreq: Some(50.0), ..filtered.clone() };
    let fourier = PrepareSpec { sfreq: Some(60.0), resample: Some(Resample::Fft), ..filtered.clone() };
    let copied = PrepareSpec::default();
    for (spec, n_times) in [(decimated, 4500), (polyphase, 3750), (fourier, 4500), (copied, 9000), (filtered, 9000)] {
        let mut run = |n_threads, memory| {
            let prepared = prepare_recording(&mut *recording, &[0, 1, 2], &spec, n_threads, memory).unwrap();
            assert_eq!((prepared.n_times, prepared.channels.len(), prepared.data.len()), (n_times, 3, 3 * n_times));
            prepared.data.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        let expected = run(1, READ_MEMORY);
        assert_eq!(run(2, READ_MEMORY), expected);
        // Enough for the transform of one channel, not for all channels at once.
        assert_eq!(run(2, 16384 * 8 * 8), expected);
    }
}

#[test]
fn a_fourier_transform_beyond_memory_is_refused_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let mut recording = open_recording(&write(&folder, 9000)).unwrap();
    let spec = PrepareSpec { sfreq: Some(60.0), resample: Some(Resample::Fft), ..PrepareSpec::default() };
    let message = prepare_recording(&mut *recording, &[0], &spec, 1, 1000).unwrap_err().to_string();
    assert!(message.contains("prepare.resample") && message.contains("polyphase"), "{message}");
}

#[test]
fn references_are_subtracted_from_eeg_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rec.vhdr");
    let mut channels: Vec<RecordingChannel> =
        ["A", "B", "M"].map(|name| RecordingChannel::new(name, ChannelType::Eeg, Unit::Volt)).to_vec();
    channels.push(RecordingChannel::new("G", ChannelType::Mag, Unit::Tesla));
    let data = Array2::from_shape_fn((4, 3), |(row, time)| [1.0, 2.0, 6.0, 8.0][row] * (time + 1) as f64);
    write_brainvision(&path, 100.0, &channels, data.view(), &[]).unwrap();
    let run = |reference, exclude: &[&str], spoil: fn(&mut RecordingInfo)| {
        let mut recording = open_recording(&path).unwrap();
        let mut info = recording.info().clone();
        for (channel, like) in info.channels.iter_mut().zip(&channels) {
            (channel.kind, channel.unit) = (like.kind, like.unit.clone());
        }
        spoil(&mut info);
        let spec = PrepareSpec { reference: Some(reference), ..PrepareSpec::default() };
        let exclude: Vec<String> = exclude.iter().map(|name| (*name).to_owned()).collect();
        let plan = RecordingPlan::new(&info, &[0, 3], &spec, &exclude).map_err(|error| error.to_string())?;
        let mut rows = RowFile::temporary(folder.path(), 2, 3).unwrap();
        plan.run(&mut *recording, 2, READ_MEMORY, folder.path(), &mut rows).unwrap();
        Ok::<_, String>((rows.read_row(0).unwrap(), rows.read_row(1).unwrap()))
    };
    let named = |names: &[&str]| Reference::Channels(names.iter().map(|name| (*name).to_owned()).collect());
    let magnetometer = vec![8.0, 16.0, 24.0];
    let close = |found: Result<(Vec<f32>, Vec<f32>), String>, expected: [f32; 3]| {
        let (eeg, mag) = found.unwrap();
        assert!(eeg.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-4), "{eeg:?}");
        assert!(mag.iter().zip(&magnetometer).all(|(found, expected)| (found - expected).abs() < 1e-4), "{mag:?}");
    };
    close(run(Reference::Average, &[], |_| {}), [-2.0, -4.0, -6.0]);
    close(run(Reference::Average, &["M"], |_| {}), [-0.5, -1.0, -1.5]);
    close(run(Reference::Average, &[], |info| info.channels[2].bad = true), [-0.5, -1.0, -1.5]);
    close(run(named(&["M", "B"]), &[], |_| {}), [-3.0, -6.0, -9.0]);
    for (names, spoil, part) in [
        (&["Q"][..], (|_| {}) as fn(&mut RecordingInfo), "Q"),
        (&["M"], |info| info.channels[2].bad = true, "marked as bad"),
        (&["G"], |_| {}, "in T"),
    ] {
        let message = run(named(names), &[], spoil).unwrap_err();
        assert!(message.contains("prepare.reference") && message.contains(part), "{message}");
    }
}

#[test]
fn the_writer_refuses_what_the_format_cannot_hold_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rec.vhdr");
    let mut data = samples(10);
    let mark = |onset| [Annotation { onset, duration: 0.0, description: "x".to_owned() }];
    assert!(write_brainvision(&path, 0.0, &channels(), data.view(), &[]).is_err());
    assert!(write_brainvision(&path, 120.0, &channels()[..2], data.view(), &[]).is_err());
    assert!(write_brainvision(&path, 120.0, &channels(), data.view(), &mark(-1.0)).is_err());
    let mut twice = channels();
    twice[2].name = twice[0].name.clone();
    assert!(matches!(
        write_brainvision(&path, 120.0, &twice, data.view(), &[]),
        Err(Error::DuplicateChannel { first: 1, second: 3, .. })
    ));
    data[[1, 7]] = f64::INFINITY;
    assert!(matches!(
        write_brainvision(&path, 120.0, &channels(), data.view(), &[]),
        Err(Error::NotFinite { sample: 7, .. })
    ));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cut_and_flipped_files_never_panic(
        file in 0usize..3, cut in 0usize..700, flips in prop::collection::vec((0usize..700, any::<u8>()), 0..4),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = write(&folder, 10);
        let damaged = folder.path().join(["rec.vhdr", "rec.vmrk", "rec.eeg"][file]);
        let mut bytes = fs::read(&damaged).unwrap();
        bytes.truncate(cut);
        for (place, value) in flips {
            if let Some(byte) = bytes.get_mut(place) {
                *byte = value;
            }
        }
        fs::write(&damaged, bytes).unwrap();
        if let Ok(mut recording) = open_recording(&path) {
            let channels: Vec<usize> = (0..recording.info().channels.len()).collect();
            let n_times = recording.info().n_times.min(100);
            let mut out = Array2::zeros((channels.len(), n_times));
            recording.read(&channels, 0, out.view_mut()).unwrap();
        }
    }
}
