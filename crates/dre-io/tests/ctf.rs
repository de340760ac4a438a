//! CTF folders written here: several files of samples, several trials with a stopped clock, notes of people beside them.
//! The real recording is checked against MNE-Python in `golden_read.rs`.

#![allow(clippy::float_cmp, reason = "numbers that are read have one right value")]

use std::fs;
use std::path::{Path, PathBuf};

use dre::data::ChannelType;
use dre_io::recording::{Annotation, DigKind};
use dre_io::{Recording, open_recording};
use ndarray::Array2;

/// A channel as the header describes it.
#[derive(Clone, Copy)]
struct Sensor {
    name: &'static str,
    kind: i16,
    gain: f64,
    grade: i16,
    position: [f64; 3],
    normal: [f64; 3],
}

const fn sensor(name: &'static str, kind: i16, gain: f64) -> Sensor {
    Sensor { name, kind, gain, grade: 0, position: [0.0; 3], normal: [0.0; 3] }
}

const CLOCK: Sensor = sensor("SCLK01-177", 17, 1.0);
const STIM: Sensor = sensor("UPPT001", 11, 1.0);
const EEG: Sensor = sensor("EEG001", 9, 1e6);
const MEG: Sensor =
    Sensor { grade: 3, position: [0.0, 4.0, -20.0], normal: [0.0, 0.6, 0.8], ..sensor("MLC11-4304", 5, -1e9) };
const SENSORS: [Sensor; 4] = [CLOCK, STIM, EEG, MEG];

/// A folder to be written.
struct Ds {
    sensors: Vec<Sensor>,
    sfreq: f64,
    n_samples: i32,
    pre_trigger: i32,
    /// Trials of each file of samples.
    trials: Vec<usize>,
    /// Trial (over all files) and sample at which the clock stops.
    clock_stops: Option<(usize, usize)>,
    /// Name and content of further files.
    texts: Vec<(&'static str, String)>,
}

impl Default for Ds {
    fn default() -> Self {
        Self {
            sensors: SENSORS.to_vec(),
            sfreq: 100.0,
            n_samples: 10,
            pre_trigger: 0,
            trials: vec![2],
            clock_stops: None,
            texts: Vec::new(),
        }
    }
}

/// What is stored: tells channel, trial and sample apart.
fn stored(channel: usize, trial: usize, sample: usize) -> i32 {
    (1 + channel as i32) * 100_000 + trial as i32 * 1000 + sample as i32
}

impl Ds {
    fn header(&self) -> Vec<u8> {
        let mut bytes = b"MEG42RS\0".to_vec();
        let mut put = |place: usize, value: &[u8]| {
            bytes.resize(bytes.len().max(place + value.len()), 0);
            bytes[place..place + value.len()].copy_from_slice(value);
        };
        put(1288, &self.n_samples.to_be_bytes());
        put(1292, &(self.sensors.len() as i16).to_be_bytes());
        put(1296, &self.sfreq.to_be_bytes());
        put(1312, &(self.trials.iter().sum::<usize>() as i16).to_be_bytes());
        put(1316, &self.pre_trigger.to_be_bytes());
        put(1836, &3_i32.to_be_bytes());
        put(1844, b"run");
        let mut end = 1847;
        let mut add = |value: &[u8]| {
            put(end, value);
            end += value.len();
        };
        add(&2_i16.to_be_bytes());
        for (freq, kind) in [(30.0_f64, 1_i32), (0.5, 2)] {
            add(&freq.to_be_bytes());
            add(&1_i32.to_be_bytes());
            add(&kind.to_be_bytes());
            add(&1_i16.to_be_bytes());
            add(&4.0_f64.to_be_bytes());
        }
        for sensor in &self.sensors {
            let mut name = sensor.name.as_bytes().to_vec();
            name.resize(32, 0);
            add(&name);
        }
        for sensor in &self.sensors {
            let mut record = vec![0; 1328];
            record[..2].copy_from_slice(&sensor.kind.to_be_bytes());
            record[8..16].copy_from_slice(&sensor.gain.to_be_bytes());
            record[16..24].copy_from_slice(&1.0_f64.to_be_bytes());
            record[42..44].copy_from_slice(&sensor.grade.to_be_bytes());
            for (i, x) in sensor.position.iter().chain(&[0.0]).chain(&sensor.normal).enumerate() {
                record[48 + 8 * i..56 + 8 * i].copy_from_slice(&x.to_be_bytes());
            }
            add(&record);
        }
        bytes
    }

    fn write(&self, root: &Path) -> PathBuf {
        let folder = root.join("rec.ds");
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("rec.res4"), self.header()).expect("written");
        let mut trial = 0;
        for (file, n_trials) in self.trials.iter().enumerate() {
            let mut bytes = b"MEG41CP\0".to_vec();
            for _ in 0..*n_trials {
                for channel in 0..self.sensors.len() {
                    for sample in 0..self.n_samples as usize {
                        let stopped = self.clock_stops.is_some_and(|stop| (trial, sample) >= stop);
                        let value = if channel == 0 && stopped { 0 } else { stored(channel, trial, sample) };
                        bytes.extend(value.to_be_bytes());
                    }
                }
                trial += 1;
            }
            let name = if file == 0 { "rec.meg4".to_owned() } else { format!("rec.{file}_meg4") };
            fs::write(folder.join(name), bytes).expect("written");
        }
        for (name, text) in &self.texts {
            fs::write(folder.join(name), text).expect("written");
        }
        folder
    }

    fn open(&self) -> (tempfile::TempDir, Box<dyn Recording>) {
        let root = tempfile::tempdir().expect("a temporary folder");
        let recording = open_recording(&self.write(root.path())).expect("a sound recording");
        (root, recording)
    }

    fn refusal(&self) -> String {
        let root = tempfile::tempdir().expect("a temporary folder");
        refusal(&root, &self.write(root.path()))
    }
}

fn refusal(root: &tempfile::TempDir, path: &Path) -> String {
    let error = open_recording(path).err().expect("refused").to_string();
    error.replace(&root.path().display().to_string(), "DATA")
}

fn read(recording: &mut dyn Recording, channels: &[usize], start: usize, n: usize) -> Array2<f64> {
    let mut out = Array2::zeros((channels.len(), n));
    recording.read(channels, start, out.view_mut()).expect("within the recording");
    out
}

fn texts(texts: &[(&'static str, &str)]) -> Ds {
    let texts = texts.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
    Ds { texts, ..Ds::default() }
}

#[test]
fn trials_and_files_follow_each_other() {
    let (_root, mut recording) = Ds { trials: vec![2, 1, 3], ..Ds::default() }.open();
    let info = recording.info();
    assert_eq!((info.n_times, info.sfreq, info.highpass, info.lowpass), (60, 100.0, Some(0.5), Some(30.0)));
    assert_eq!(info.files.len(), 4);
    assert_eq!(info.compensation_grade, Some(3));
    assert!(info.notes.is_empty(), "{:?}", info.notes);
    let names: Vec<&str> = info.channels.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["SCLK01", "UPPT001", "EEG001", "MLC11"]);
    let kinds: Vec<ChannelType> = info.channels.iter().map(|c| c.kind).collect();
    assert_eq!(kinds, [ChannelType::Misc, ChannelType::Stim, ChannelType::Eeg, ChannelType::Mag]);
    let all = read(&mut *recording, &[0, 1, 2, 3], 0, 60);
    for ((channel, time), value) in all.indexed_iter() {
        let expected = f64::from(stored(channel, time / 10, time % 10)) / SENSORS[channel].gain;
        assert!((value / expected - 1.0).abs() < 1e-15, "channel {channel} at {time}: {value:e}, not {expected:e}");
    }
    for (start, n) in [(0, 1), (9, 2), (17, 25), (59, 1)] {
        let part = read(&mut *recording, &[3, 1], start, n);
        let whole = all.select(ndarray::Axis(0), &[3, 1]);
        assert_eq!(part, whole.slice(ndarray::s![.., start..start + n]), "{n} samples from {start}");
    }
}

#[test]
fn samples_end_where_the_clock_stops() {
    let (_root, recording) = Ds { trials: vec![3], clock_stops: Some((1, 4)), ..Ds::default() }.open();
    assert_eq!(recording.info().n_times, 14);
    assert!(recording.info().notes[0].contains("the system clock stops after 14 of 30 samples"));
    let text = Ds { clock_stops: Some((0, 0)), ..Ds::default() }.refusal();
    assert!(text.starts_with("DATA/rec.ds: the system clock stands at 0 from the first sample on"), "{text}");
    // Without a clock, all samples count.
    let (_root, recording) = Ds { sensors: vec![EEG], clock_stops: Some((1, 4)), ..Ds::default() }.open();
    assert_eq!(recording.info().n_times, 20);
}

const MARKERS: &str = "PATH OF DATASET:\n/x/rec.ds\n\nNUMBER OF MARKERS:\n2\n\nCLASSGROUPID:\n3\nNAME:\nword\nCOMMENT:\n\n\
                       NUMBER OF SAMPLES:\n2\nLIST OF SAMPLES:\nTRIAL NUMBER\t\tTIME FROM SYNC POINT (in seconds)\n\
                       +1\t+0.02\n+0\t+0.05\n\n\nCLASSGROUPID:\n3\nNAME:\nfix\nNUMBER OF SAMPLES:\n1\nLIST OF SAMPLES:\n\
                       TRIAL NUMBER\t\tTIME FROM SYNC POINT (in seconds)\n+9\t+0.0\n";

#[test]
fn markers_and_bad_segments_become_annotations() {
    let mut ds = texts(&[("MarkerFile.mrk", MARKERS), ("bad.segments", "1\t\t0.01\t0.03\n1 0.17 5\n")]);
    let at =
        |onset: f64, duration: f64, description: &str| Annotation { onset, duration, description: description.into() };
    let close = |found: &[Annotation], expected: &[Annotation]| {
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!(found.description, expected.description);
            assert!((found.onset - expected.onset).abs() < 1e-12, "{found:?} {expected:?}");
            assert!((found.duration - expected.duration).abs() < 1e-12, "{found:?} {expected:?}");
        }
    };
    let (_root, recording) = ds.open();
    let expected = [at(0.01, 0.02, "bad_1"), at(0.05, 0.0, "word"), at(0.12, 0.0, "word"), at(0.17, 0.03, "bad_1")];
    close(&recording.info().annotations, &expected);
    assert!(
        recording.info().notes[0]
            .starts_with("left out, as they lie outside the recording (0.200 s): 1 of 5 markers and bad segments")
    );
    // Times count from the trigger.
    ds.pre_trigger = 2;
    let (_root, recording) = ds.open();
    let expected = [at(0.03, 0.02, "bad_1"), at(0.07, 0.0, "word"), at(0.14, 0.0, "word"), at(0.19, 0.01, "bad_1")];
    close(&recording.info().annotations, &expected);
}

#[test]
fn bad_channels_may_be_listed_with_and_without_the_number_of_the_site() {
    let (_root, recording) = texts(&[("BadChannels", "MLC11\nEEG001\nMLC99\n")]).open();
    let bad: Vec<&str> = recording.info().channels.iter().filter(|c| c.bad).map(|c| c.name.as_str()).collect();
    assert_eq!(bad, ["EEG001", "MLC11"]);
    assert!(
        recording.info().notes[0].ends_with("BadChannels line 3: the recording has no channel `MLC99`; passed over")
    );
    let (_root, recording) = texts(&[("BadChannels", "MLC11-4304\n")]).open();
    assert!(recording.info().channels[3].bad);
}

/// Coils of a head that is turned by 90° about z and lies 26 cm below the origin of the helmet.
fn coils() -> String {
    let mut text = String::new();
    for (name, [x, y, z]) in
        [("nasion", [10.0, 0.0, 0.0]), ("left ear", [0.0, 7.0, 0.0]), ("right ear", [0.0, -7.0, 0.0])]
    {
        let mut add = |how: &str, frame: &str, [x, y, z]: [f64; 3]| {
            text += &format!("{how} {name} coil position relative to {frame} (cm):\n\tx = {x}\n\ty = {y}\n\tz = {z}\n");
        };
        add("standard", "dewar", [1.0, 2.0, 3.0]);
        add("measured", "dewar", [-y, x, z - 26.0]);
        add("measured", "head", [x, y, z]);
    }
    text
}

#[test]
fn head_coils_say_where_the_head_was() {
    let electrodes = "1 EEG001 3 4 12\n2 other 1 1 1\n3 nasion 10 0 0\n4 unused 0 0 0\n";
    let (_root, recording) = texts(&[("rec.hc", &coils()), ("rec.eeg", electrodes), ("x.pos", "2\n1 1 2 3\n")]).open();
    let info = recording.info();
    let transform = info.device_to_head.expect("the coils are there");
    let to_head =
        |p: [f64; 3]| [0, 1, 2].map(|row| (0..3).map(|k| transform[row][k] * p[k]).sum::<f64>() + transform[row][3]);
    let close = |found: [f64; 3], expected: [f64; 3]| {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?} {expected:?}");
    };
    // Head coordinates have x to the right and y to the nasion, so the electrode (3, 4, 12) cm is at (−4, 3, 12).
    close(info.channels[2].position.expect("in the .eeg file"), [-0.04, 0.03, 0.12]);
    // The helmet's point under the nasion, as it is in device coordinates: turned by 45° and 19 cm up.
    let nasion = [0.0, 0.10, -0.26];
    let half = 0.5_f64.sqrt();
    close(to_head([half * (nasion[0] - nasion[1]), half * (nasion[0] + nasion[1]), nasion[2] + 0.19]), [0.0, 0.1, 0.0]);
    let points: Vec<(DigKind, i32)> = info.digitisation.iter().map(|point| (point.kind, point.ident)).collect();
    let expected = [
        (DigKind::Cardinal, 2),
        (DigKind::Cardinal, 1),
        (DigKind::Cardinal, 3),
        (DigKind::Eeg, 1),
        (DigKind::Extra, 2),
        (DigKind::Cardinal, 2),
        (DigKind::Extra, 1001),
    ];
    assert_eq!(points, expected);
    close(info.digitisation[1].position, [-0.07, 0.0, 0.0]);
    assert_eq!(info.files.len(), 5, "{:?}", info.files);
}

#[test]
fn a_head_that_is_not_known_is_no_error() {
    let moved = coils().replace("z = -26", "z = -26.5");
    let one_moved = coils().replacen("y = 10", "y = 10.5", 1);
    for (text, expected) in [
        ("", None),
        ("Unable to measure the head position\n", None),
        ("measured nasion coil position relative to head (cm):\n\tx = 1\n\ty = 0\n\tz = 0\n", Some("not all measured")),
        (one_moved.as_str(), Some("differ by up to")),
    ] {
        let (_root, recording) = texts(&[("rec.hc", text)]).open();
        assert_eq!(recording.info().device_to_head, None, "{text}");
        let notes = recording.info().notes.join("\n");
        assert!(expected.map_or(notes.is_empty(), |expected| notes.contains(expected)), "{notes}");
    }
    let (_root, recording) = texts(&[("rec.hc", &moved)]).open();
    assert!(recording.info().device_to_head.is_some(), "all moved alike");
}

#[test]
fn a_sensor_lies_where_the_header_has_it() {
    let (_root, recording) = Ds::default().open();
    let meg = &recording.info().channels[3];
    let half = 0.5_f64.sqrt();
    let [x, y, z] = meg.position.expect("a MEG sensor has a place");
    assert!((x + half * 0.04).abs() < 1e-12 && (y - half * 0.04).abs() < 1e-12 && (z + 0.01).abs() < 1e-12);
    let coil = meg.coil.expect("a MEG sensor has a coil");
    assert_eq!(coil.kind, 5001);
    let normal = coil.axes[2];
    assert!((normal[0] + half * 0.6).abs() < 1e-12 && (normal[2] - 0.8).abs() < 1e-12, "{normal:?}");
    let unplaced = Sensor { position: [0.0; 3], ..MEG };
    let (_root, recording) = Ds { sensors: vec![CLOCK, unplaced], ..Ds::default() }.open();
    assert_eq!(recording.info().channels[1].kind, ChannelType::Misc);
    assert!(recording.info().notes[0].contains("without a position, taken as misc: MLC11"));
}

#[test]
fn what_is_wrong_with_a_folder_is_said_with_its_place() {
    let with = |change: &dyn Fn(&mut Ds)| {
        let mut ds = Ds::default();
        change(&mut ds);
        ds.refusal()
    };
    let cases: [(&dyn Fn(&mut Ds), &str); 9] = [
        (&|ds| ds.sfreq = f64::NAN, "rec.res4 at byte 1296: the sampling frequency is NaN Hz"),
        (&|ds| ds.sfreq = -1.0, "rec.res4 at byte 1296: the sampling frequency is -1e0 Hz"),
        (&|ds| ds.sensors.clear(), "rec.res4 at byte 1292: the number of channels is 0, expected 1 or more"),
        (&|ds| ds.sensors[1].gain = 0.0, "the gain of channel `UPPT001` is 0e0 × 1e0, expected numbers other than 0"),
        (&|ds| ds.sensors[3].grade = 7, "the gradient order of channel `MLC11-4304` is 7, expected 0 to 3"),
        (
            &|ds| ds.sensors.push(Sensor { name: "MLC12-4304", grade: 0, ..MEG }),
            "channel `MLC12-4304` has gradient order 0, those before it 3",
        ),
        (&|ds| ds.sensors.push(MEG), "channels 4 and 5 are both called `MLC11-4304`"),
        (
            &|ds| ds.texts = vec![("MarkerFile.mrk", MARKERS.replace("+0.05", "soon"))],
            "MarkerFile.mrk line 18: `+0\\tsoon`, expected a trial and a time in seconds",
        ),
        (
            &|ds| ds.texts = vec![("bad.segments", "1 2 1\n".to_owned())],
            "bad.segments line 1: `1 2 1`, expected a trial, a start and an end in seconds",
        ),
    ];
    for (change, expected) in cases {
        let text = with(change);
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn cut_files_and_counts_that_lie_are_refused() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let folder = Ds { trials: vec![1, 1], ..Ds::default() }.write(root.path());
    let edit = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let path = folder.join(name);
        let before = fs::read(&path).expect("readable");
        let mut bytes = before.clone();
        change(&mut bytes);
        fs::write(&path, bytes).expect("written");
        let text = refusal(&root, &folder);
        fs::write(&path, before).expect("written");
        text
    };
    let text = edit("rec.res4", &|bytes| bytes.truncate(2000));
    assert!(
        text.contains("rec.res4 at byte 1901: expected 5440 bytes of names and records of 4 channels, but"),
        "{text}"
    );
    let text = edit("rec.res4", &|bytes| bytes[1292..1294].copy_from_slice(&30_000_i16.to_be_bytes()));
    assert!(text.contains("names and records of 30000 channels, but the file ends at byte"), "{text}");
    let text = edit("rec.res4", &|bytes| bytes[1288..1292].copy_from_slice(&i32::MAX.to_be_bytes()));
    assert!(text.contains("rec.meg4: 168 bytes, but its header"), "{text}");
    let text = edit("rec.res4", &|bytes| bytes[1288..1292].copy_from_slice(&10_i32.to_le_bytes()));
    assert!(text.contains("rec.meg4: 168 bytes, but its header"), "another byte order: {text}");
    let text = edit("rec.res4", &|bytes| bytes[1288..1292].copy_from_slice(&(-5_i32).to_be_bytes()));
    assert!(text.contains("at byte 1288: the number of samples per trial is -5, expected 1 or more"), "{text}");
    let text = edit("rec.res4", &|bytes| bytes[1901] = 0xff);
    assert!(text.contains("at byte 1901: the name of channel 1 is not UTF-8 text"), "{text}");
    let text = edit("rec.1_meg4", &|bytes| bytes.truncate(100));
    assert!(
        text.contains("rec.1_meg4: 100 bytes, but its header DATA/rec.ds/rec.res4 describes 8 bytes and trials of 160"),
        "{text}"
    );
    let text = edit("rec.meg4", &|bytes| bytes.clear());
    assert!(text.contains("rec.meg4 at byte 0: not a CTF file of samples"), "{text}");
    fs::remove_file(folder.join("rec.meg4")).expect("removed");
    let text = refusal(&root, &folder);
    assert!(
        text.starts_with("DATA/rec.ds: names the file of samples `rec.meg4`, which is not in its folder"),
        "{text}"
    );
    fs::remove_file(folder.join("rec.1_meg4")).expect("removed");
    assert!(refusal(&root, &folder).contains("`rec.meg4`, which is not in its folder"));
    fs::remove_file(folder.join("rec.res4")).expect("removed");
    assert!(refusal(&root, &folder).contains("names the header `rec.res4`, which is not in its folder"));
}

#[test]
fn a_renamed_folder_is_read_with_a_note() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let other = root.path().join("other.ds");
    fs::rename(Ds::default().write(root.path()), &other).expect("renamed");
    let recording = open_recording(&other).expect("a sound recording");
    assert_eq!(recording.info().n_times, 20);
    assert!(recording.info().notes[0].contains("the folder was renamed without its files"));
}
