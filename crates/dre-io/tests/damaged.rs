//! Recordings that were cut, overwritten or garbled at random are read or refused, never with a panic, an endless loop or more
//! memory than the files' size accounts for.

#![allow(clippy::print_stderr, reason = "which files were damaged is worth reading in the test's log")]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use dre::data::ChannelType;
use dre_io::recording::brainvision::write_brainvision;
use dre_io::recording::{RecordingChannel, Unit};
use dre_io::{Result, open_recording};
use ndarray::Array2;
use peak_alloc::PeakAlloc;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Damages that are tried on each recording.
const N_CASES: u32 = 192;
/// Samples per channel that are asked for at a time.
const N_BLOCK: usize = 512;
/// What a reader may hold beside a copy or two of its files: buffers of fixed size.
const FIXED_MEMORY: usize = 24 << 20;

/// What happens to a file.
#[derive(Clone, Debug)]
enum Damage {
    /// Everything from this share of the file on is gone.
    Cut(f64),
    /// These bytes stand at this share of the file.
    Overwrite(f64, Vec<u8>),
    /// These bytes stand among the first ones, where headers are.
    OverwriteHead(usize, Vec<u8>),
    /// The same byte, over and over, from this share of the file on.
    Fill(f64, usize, u8),
    /// Nothing is left.
    Empty,
}

impl Damage {
    fn apply(&self, bytes: &[u8]) -> Vec<u8> {
        let at = |share: f64| (share * bytes.len() as f64) as usize;
        let mut damaged = bytes.to_vec();
        let mut overwrite = |start: usize, new: &[u8]| {
            for (to, from) in damaged.iter_mut().skip(start).zip(new) {
                *to = *from;
            }
        };
        match self {
            Self::Cut(share) => damaged.truncate(at(*share)),
            Self::Overwrite(share, new) => overwrite(at(*share), new),
            Self::OverwriteHead(start, new) => overwrite(*start, new),
            Self::Fill(share, n, byte) => overwrite(at(*share), &vec![*byte; *n]),
            Self::Empty => damaged.clear(),
        }
        damaged
    }
}

/// Random bytes, and numbers that readers are likely to trip over, in both byte orders and as text.
fn new_bytes() -> impl Strategy<Value = Vec<u8>> {
    let number = prop::sample::select(vec![0, 1, -1, 2, -2, i32::MAX, i32::MIN, 1 << 30, 1 << 16, -4096]);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 1..12),
        number.clone().prop_map(|n| n.to_be_bytes().to_vec()),
        number.clone().prop_map(|n| n.to_le_bytes().to_vec()),
        number.prop_map(|n| format!("{n:<8}").into_bytes()),
        prop::sample::select(vec![f64::NAN, 0.0, -1.0, 1e308]).prop_map(|x| x.to_be_bytes().to_vec()),
    ]
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        3 => (0.0..1.0).prop_map(Damage::Cut),
        6 => (0.0..1.0, new_bytes()).prop_map(|(share, new)| Damage::Overwrite(share, new)),
        9 => (0usize..4096, new_bytes()).prop_map(|(start, new)| Damage::OverwriteHead(start, new)),
        2 => (0.0..1.0, 1usize..4096, any::<u8>()).prop_map(|(share, n, byte)| Damage::Fill(share, n, byte)),
        1 => Just(Damage::Empty),
    ]
}

/// Opens a recording and reads its first, middle and last samples.
fn read(path: &Path) -> Result<()> {
    let mut recording = open_recording(path)?;
    let (n_channels, n_times) = (recording.info().channels.len(), recording.info().n_times);
    let channels: Vec<usize> = (0..n_channels).collect();
    let n = N_BLOCK.min(n_times);
    let mut out = Array2::zeros((n_channels, n));
    for start in [0, n_times / 2, n_times - n] {
        let start = start.min(n_times - n);
        recording.read(&channels, start, out.view_mut())?;
    }
    Ok(())
}

/// The recordings that are damaged: a small one made here, the fixtures, and the real ones where they are there.
fn recordings(folder: &Path) -> Vec<PathBuf> {
    let own = folder.join("own.vhdr");
    let channels = [RecordingChannel::new("Cz", ChannelType::Eeg, Unit::Volt)];
    write_brainvision(&own, 100.0, &channels, Array2::zeros((1, 700)).view(), &[]).expect("a folder of our own");
    let data = std::env::var_os("DRE_DATA_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let formats = data.join("formats");
    let mut found = vec![own];
    for kind in fs::read_dir(&formats).into_iter().flatten().flatten() {
        found.extend(fs::read_dir(kind.path()).into_iter().flatten().flatten().map(|entry| entry.path()));
    }
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/formats");
    let n_real = found.len() - 1;
    found.extend(fs::read_dir(fixtures).into_iter().flatten().flatten().map(|entry| entry.path()));
    found.retain(|path| {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        ["fif", "ds", "edf", "bdf", "set", "vhdr", "ahdr"].contains(&extension.as_str())
    });
    found.sort();
    if n_real == 0 {
        eprintln!("SKIPPED: no recordings in {}", formats.display());
    }
    found
}

#[test]
fn damaged_recordings_are_refused_or_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for original in recordings(folder.path()) {
        let n_refused = damage_one(&original, &folder.path().join("damaged"));
        eprintln!("{}: {n_refused} of {N_CASES} damaged copies refused", original.display());
    }
}

fn damage_one(original: &Path, place: &Path) -> u32 {
    // A recording is a file with those that share its stem, or a folder.
    let source = if original.is_dir() { original } else { original.parent().expect("a file has a folder") };
    let stem = original.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let target = if original.is_dir() { place.join(original.file_name().expect("named")) } else { place.to_owned() };
    fs::create_dir_all(&target).expect("a folder of our own");
    let mut files = Vec::new();
    for entry in fs::read_dir(source).expect("the recording was listed").flatten() {
        let name = entry.file_name();
        if entry.path().is_file() && (original.is_dir() || name.to_string_lossy().starts_with(&stem)) {
            let bytes = fs::read(entry.path()).expect("readable");
            fs::write(target.join(&name), &bytes).expect("writable");
            files.push((target.join(&name), bytes));
        }
    }
    files.sort();
    let path = if original.is_dir() { target.clone() } else { target.join(original.file_name().expect("named")) };
    if let Err(error) = read(&path) {
        panic!("{} is sound but refused: {error}", path.display());
    }
    let size: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    let mut n_refused = 0;
    let mut runner = TestRunner::deterministic();
    let strategy = (0..files.len(), damage());
    for _ in 0..N_CASES {
        let (file, damage) = strategy.new_tree(&mut runner).expect("a damage").current();
        let (name, bytes) = &files[file];
        fs::write(name, damage.apply(bytes)).expect("writable");
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let outcome = catch_unwind(AssertUnwindSafe(|| read(&path)));
        let grown = MEMORY.peak_usage().saturating_sub(before);
        let said = format!("{} after {damage:?} of {}", original.display(), name.display());
        match outcome {
            Err(_) => panic!("panic while reading {said}"),
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                n_refused += 1;
                assert!(!error.to_string().is_empty(), "no message for {said}");
            }
        }
        assert!(grown <= FIXED_MEMORY + 3 * size, "{grown} bytes of memory for {size} bytes of {said}");
        fs::write(name, bytes).expect("writable");
    }
    fs::remove_dir_all(&target).expect("a folder of our own");
    n_refused
}
