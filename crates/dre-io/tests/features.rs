//! What features are made of: word lists against wordfreq, continuous stimuli, sounds, real word-by-word data.
#![allow(missing_docs, clippy::float_cmp, reason = "values are laid out, not computed")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use dre::data::EventTable;
use dre::features::lexicon::{Language, tokenize};
use dre::features::{FeatureSpec, FeatureValue, Features, Lexicon, Source};
use dre_io::bids::BidsDataset;
use dre_io::features::{read_envelope, read_lexicon, read_npy_track, read_tracks};
use flate2::Compression;
use flate2::write::GzEncoder;

/// A file of the material that is not part of the repository, or none with a loud note.
fn shared(path: &str) -> Option<PathBuf> {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(path);
    if full.exists() {
        return Some(full);
    }
    #[allow(clippy::print_stderr, reason = "a skipped test must say so")]
    {
        eprintln!("SKIPPED: there is no {}", full.display());
    }
    None
}

/// Rows of `fixtures/zipf.tsv`, made by bench/golden/zipf.py with wordfreq 3.1.1: language, text, tokens, Zipf frequency.
fn golden() -> Vec<(String, String, Vec<String>, Option<f64>)> {
    include_str!("fixtures/zipf.tsv")
        .lines()
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [language, text, tokens, zipf] = fields.as_slice() else { panic!("{line}") };
            (
                (*language).to_owned(),
                serde_json::from_str(text).unwrap(),
                serde_json::from_str(tokens).unwrap(),
                zipf.parse().ok(),
            )
        })
        .collect()
}

#[test]
fn tokens_are_those_of_wordfreq() {
    let mut wrong = Vec::new();
    for (language, text, tokens, _) in golden() {
        let found = tokenize(&text, language.parse::<Language>().unwrap());
        if found != tokens {
            wrong.push(format!("{language} {text:?}: {found:?}, wordfreq {tokens:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
}

#[test]
fn zipf_frequencies_are_those_of_wordfreq_to_the_bit() {
    for language in ["en", "nl"] {
        let Some(path) = shared(&format!("lexicon/small_{language}.msgpack.gz")) else { continue };
        let lexicon = read_lexicon(&path, None).unwrap();
        let rows: Vec<_> = golden().into_iter().filter(|row| row.0 == language).collect();
        assert!(rows.len() > 2000);
        let differs =
            |text: &str, zipf: Option<f64>| lexicon.value(text, 0.0).map(f64::to_bits) != zipf.map(f64::to_bits);
        let wrong: Vec<String> = rows
            .iter()
            .filter(|(_, text, _, zipf)| differs(text, *zipf))
            .map(|(_, text, _, zipf)| format!("{text:?}: {:?}, wordfreq {zipf:?}", lexicon.value(text, 0.0)))
            .collect();
        assert!(wrong.is_empty(), "{language}: {} differ:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
    }
}

/// `MessagePack` of a list of wordfreq with these buckets.
fn cbpack(version: u8, buckets: &[&[&str]]) -> Vec<u8> {
    let mut out = vec![0xdc, 0, u8::try_from(buckets.len() + 1).unwrap()];
    out.extend(b"\x82\xa6format\xa2cB\xa7version");
    out.push(version);
    for words in buckets {
        out.push(0x90 | u8::try_from(words.len()).unwrap());
        for word in *words {
            out.push(0xa0 | u8::try_from(word.len()).unwrap());
            out.extend(word.bytes());
        }
    }
    out
}

fn gzip(path: &Path, bytes: &[u8]) {
    let mut out = GzEncoder::new(fs::File::create(path).unwrap(), Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap();
}

#[test]
fn lists_are_read_and_damaged_ones_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own_en.msgpack.gz");
    let bytes = cbpack(1, &[&[], &["one"], &[], &["two", "zwei"]]);
    gzip(&path, &bytes);
    let lexicon = read_lexicon(&path, None).unwrap();
    assert_eq!((lexicon.len(), lexicon.value("One", 0.0), lexicon.value("zwei", 0.0)), (3, Some(8.99), Some(8.97)));
    for cut in 0..bytes.len() {
        gzip(&path, &bytes[..cut]);
        assert!(read_lexicon(&path, None).unwrap_err().to_string().contains("own_en.msgpack.gz"), "{cut} bytes");
    }
    // A list that promises four billion words.
    let mut lies = cbpack(1, &[]);
    lies.splice(..3, [0xdd, 0xff, 0xff, 0xff, 0xff]);
    gzip(&path, &lies);
    assert!(read_lexicon(&path, None).unwrap_err().to_string().contains("byte "));
    gzip(&path, &cbpack(2, &[]));
    assert!(read_lexicon(&path, None).unwrap_err().to_string().contains("version: 1"));
    fs::write(&path, b"no gzip").unwrap();
    assert!(read_lexicon(&path, None).unwrap_err().to_string().contains("cannot be unpacked"));
    gzip(&path, &bytes);
    assert!(read_lexicon(&path, Some("zh")).unwrap_err().to_string().contains("Chinese"));
}

#[test]
fn tables_of_words_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("aoa.tsv");
    let read = |text: &str| {
        fs::write(&path, text).unwrap();
        read_lexicon(&path, None).map_err(|e| e.to_string())
    };
    let lexicon = read("word\taoa\ncat\t3.5\nHond\t-1e0\n").unwrap();
    assert_eq!(
        (lexicon.value("Cat!", 0.0), lexicon.value("Hond", 0.0), lexicon.value("x", 9.0)),
        (Some(3.5), Some(-1.0), None)
    );
    for (text, expected) in [
        ("cat\t1\ndog", "line 2: 1 fields"),
        ("cat\t1\ndog\tlow", "line 2: `low` is no number"),
        ("cat\t1\ncat\t2", "1 and 2"),
        ("cat\tnan", "`cat`"),
    ] {
        let message = read(text).unwrap_err();
        assert!(message.contains(expected) && message.contains("aoa.tsv"), "{message}");
    }
}

/// A data set of one recording with a stimulus, whose signals are not looked at.
fn data_set(root: &Path, stim: &str, json: &str) -> EventTable {
    let eeg = root.join("sub-01/eeg");
    fs::create_dir_all(&eeg).unwrap();
    fs::write(root.join("dataset_description.json"), r#"{"Name": "x", "BIDSVersion": "1.10.0"}"#).unwrap();
    fs::write(eeg.join("sub-01_task-x_eeg.vhdr"), "").unwrap();
    fs::write(eeg.join("sub-01_task-x_events.tsv"), "onset\tduration\tstim_file\n0.5\t0\ta\n1.5\t0\tn/a\n2.0\t0\ta\n")
        .unwrap();
    gzip(&eeg.join("sub-01_task-x_stim.tsv.gz"), stim.as_bytes());
    fs::write(root.join("task-x_stim.json"), json).unwrap();
    let dataset = BidsDataset::open(root).unwrap();
    dataset.events(&dataset.recordings()[0]).unwrap()
}

fn row(root: &Path, events: &EventTable, spec: &str) -> Result<Vec<f32>, String> {
    let spec: FeatureSpec = toml::from_str(spec).unwrap();
    let dataset = BidsDataset::open(root).unwrap();
    let specs = [spec];
    let tracks = read_tracks(&specs, &dataset, &dataset.recordings()[0], events).map_err(|e| e.to_string())?;
    let features = Features::new(&specs, BTreeMap::new(), &[]).unwrap();
    let built = features.build(&Source { events, tracks: &tracks }, 10.0, 30).map_err(|e| e.to_string())?;
    Ok(built.row(0).to_vec())
}

const JSON: &str = r#"{"StartTime": 0.1, "SamplingFrequency": 10, "Columns": ["left", "right"]}"#;

#[test]
fn stimuli_of_bids_are_laid_where_their_json_says() {
    let home = tempfile::tempdir().unwrap();
    let events = data_set(home.path(), "1\t10\n2\t20\nn/a\t30\n4\t40\n", JSON);
    let right = row(home.path(), &events, "name = 'x'\nkind = 'stim'\ncolumn = 'right'").unwrap();
    assert_eq!(right[..6], [0., 10., 20., 30., 40., 0.]);
    let message = row(home.path(), &events, "name = 'x'\nkind = 'stim'\ncolumn = 'left'").unwrap_err();
    assert!(message.contains("no value at 0.3 s"), "{message}");
    let message = row(home.path(), &events, "name = 'x'\nkind = 'stim'\ncolumn = 'rihgt'").unwrap_err();
    assert!(message.contains("did you mean `right`?"), "{message}");
    let broken = |stim: &str, json: &str| {
        let home = tempfile::tempdir().unwrap();
        let events = data_set(home.path(), stim, json);
        row(home.path(), &events, "name = 'x'\nkind = 'stim'\ncolumn = 'left'").unwrap_err()
    };
    for (stim, json, expected) in [
        ("1\t2\n3\n", JSON, "line 2: 1 fields"),
        ("left\tright\n1\t2\n", JSON, "line 1: column `left` is `left`"),
        ("1\t2\n", r#"{"StartTime": 0, "Columns": ["left", "right"]}"#, "SamplingFrequency"),
        ("1\t2\n", r#"{"StartTime": "now", "SamplingFrequency": 10, "Columns": ["left", "right"]}"#, "StartTime"),
    ] {
        let message = broken(stim, json);
        assert!(message.contains(expected), "{message}");
    }
    fs::remove_file(home.path().join("sub-01/eeg/sub-01_task-x_stim.tsv.gz")).unwrap();
    let message = row(home.path(), &events, "name = 'x'\nkind = 'stim'\ncolumn = 'right'").unwrap_err();
    assert!(message.contains("no *_stim.tsv.gz"), "{message}");
}

#[test]
fn arrays_start_at_the_events_that_name_them() {
    let home = tempfile::tempdir().unwrap();
    let events = data_set(home.path(), "1\t2\n", JSON);
    fs::create_dir(home.path().join("stimuli")).unwrap();
    let path = home.path().join("stimuli/a.npy");
    dre_io::store::write_npy(&path, &ndarray::arr1(&[1.0, 2.0, 3.0])).unwrap();
    let found =
        row(home.path(), &events, "name = 'x'\nkind = 'npy'\nfile = 'stimuli/{stim_file}.npy'\nsfreq = 10.0").unwrap();
    let expected = |t: usize| match t {
        5..=7 => (t - 4) as f32,
        20..=22 => (t - 19) as f32,
        _ => 0.0,
    };
    assert!(found.iter().enumerate().all(|(t, &v)| v == expected(t)), "{found:?}");
    let whole =
        row(home.path(), &events, "name = 'x'\nkind = 'npy'\nfile = 'stimuli/a.npy'\nsfreq = 10.0\nstart = 0.2")
            .unwrap();
    assert_eq!(whole[..6], [0., 0., 1., 2., 3., 0.]);
    for (spec, expected) in [
        ("file = 'stimuli/{stimfile}.npy'", "did you mean `stim_file`?"),
        ("file = 'stimuli/{run}.npy'", "has no run"),
        ("file = 'stimuli/{run.npy'", "does not close"),
        ("file = 'stimuli/b.npy'", "b.npy"),
        ("file = 'stimuli/a.npy'\nrow = 1", "no rows"),
    ] {
        let message =
            row(home.path(), &events, &format!("name = 'x'\nkind = 'npy'\nsfreq = 10.0\n{spec}")).unwrap_err();
        assert!(message.contains(expected), "{message}");
    }
    dre_io::store::write_npy(&path, &ndarray::arr2(&[[1.0, 2.0], [3.0, f64::INFINITY]])).unwrap();
    assert_eq!(read_npy_track(&path, 1.0, 0.0, 0).unwrap().values, [1.0, 2.0]);
    assert!(read_npy_track(&path, 1.0, 0.0, 1).unwrap_err().to_string().contains("sample 1 is infinite"));
    assert!(read_npy_track(&path, 1.0, 0.0, 2).unwrap_err().to_string().contains("row = 2"));
    let bytes = fs::read(&path).unwrap();
    for cut in 0..bytes.len() {
        fs::write(&path, &bytes[..cut]).unwrap();
        assert!(read_npy_track(&path, 1.0, 0.0, 0).is_err(), "{cut} bytes");
    }
}

fn write_wav(path: &Path, n_channels: u16, sample: impl Fn(f64) -> f64) {
    let spec = hound::WavSpec {
        channels: n_channels,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut out = hound::WavWriter::create(path, spec).unwrap();
    for i in 0..32_000 {
        for _ in 0..n_channels {
            out.write_sample((sample(f64::from(i) / 16_000.0) * 32_767.0) as i16).unwrap();
        }
    }
    out.finalize().unwrap();
}

#[test]
fn the_envelope_of_a_modulated_tone_is_its_modulation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tone.wav");
    let modulation = |t: f64| 0.5 + 0.3 * (std::f64::consts::TAU * 2.0 * t).sin();
    for n_channels in [1, 2] {
        write_wav(&path, n_channels, |t| modulation(t) * (std::f64::consts::TAU * 440.0 * t).sin());
        let track = read_envelope(&path, 10.0).unwrap();
        assert!((track.sfreq - 1000.0).abs() < 1e-9);
        // A rectified sine has the mean 2 / π of its amplitude.
        for (i, value) in track.values.iter().enumerate().skip(500).take(1000) {
            let expected = modulation(track.start + i as f64 / track.sfreq) * std::f64::consts::FRAC_2_PI;
            assert!((value - expected).abs() < 0.005, "{i}: {value} against {expected}");
        }
    }
    let bytes = fs::read(&path).unwrap();
    for cut in [0, 10, 30, 43] {
        fs::write(&path, &bytes[..cut]).unwrap();
        assert!(read_envelope(&path, 10.0).is_err(), "{cut} bytes");
    }
    fs::write(&path, &bytes[..bytes.len() - 1001]).unwrap();
    assert!(read_envelope(&path, 10.0).unwrap_err().to_string().contains("tone.wav"), "a sound that is cut short");
    write_wav(&path, 1, |_| 0.0);
    assert!(read_envelope(&path, 600.0).is_err(), "above half of the bins' frequency");
}

/// A table of comma-separated values as events, without its first `onset` column's name.
fn alice(path: &Path) -> EventTable {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let at = |name: &str| names.iter().position(|n| n == name).unwrap();
    let onset: Vec<f64> = (0..rows.len()).map(|i| i as f64).collect();
    let columns = ["Word", "Sentence", "Position", "Segment", "LogFreq"]
        .map(|name| (name.to_owned(), rows.iter().map(|row| row[at(name)].to_owned()).collect()));
    EventTable { duration: vec![0.5; onset.len()], onset, columns: columns.into() }
}

#[test]
fn words_of_an_audiobook() {
    let (Some(path), Some(lexicon)) = (shared("words/AliceChapterOne-EEG.csv"), shared("lexicon/small_en.msgpack.gz"))
    else {
        return;
    };
    let events = alice(&path);
    let n = events.len();
    assert!(n > 2000);
    let lexica = BTreeMap::from([("en".to_owned(), read_lexicon(&lexicon, None).unwrap())]);
    let word = || "Word".to_owned();
    let sentence = || "Sentence".to_owned();
    let specs = [
        FeatureSpec::new("a position", FeatureValue::Position { column: sentence() }),
        FeatureSpec::new("b given", FeatureValue::Column { column: "Position".to_owned() }),
        FeatureSpec::new("c first", FeatureValue::FirstWord { column: sentence() }),
        FeatureSpec::new("d last", FeatureValue::LastWord { column: sentence() }),
        FeatureSpec::new("e length", FeatureValue::WordLength { column: word() }),
        FeatureSpec::new(
            "f zipf",
            FeatureValue::Zipf { column: word(), lexicon: "en".to_owned(), language: None, minimum: 0.0 },
        ),
        FeatureSpec::new("g given", FeatureValue::Column { column: "LogFreq".to_owned() }),
    ];
    let features = Features::new(&specs, lexica, &[]).unwrap();
    let built = features.build(&Source { events: &events, tracks: &BTreeMap::new() }, 1.0, n).unwrap();
    // The table's own positions count from 1 in each sentence, as ours do.
    let same = (0..n).filter(|&i| built[[0, i]] == built[[1, i]]).count();
    assert!(same * 100 >= 99 * n, "{same} of {n} positions agree");
    assert_eq!(built.row(2).sum(), built.row(3).sum(), "every sentence has a first and a last word");
    assert!(built.row(4).iter().zip(&events.columns["Word"]).all(|(&l, w)| l >= 1.0 && l <= w.chars().count() as f32));
    // The table's log frequencies are those of another corpus; both must tell rare from common words.
    let known: Vec<(f64, f64)> = (0..n)
        .map(|i| (f64::from(built[[5, i]]), f64::from(built[[6, i]])))
        .filter(|(z, l)| *z > 0.0 && *l > 0.0)
        .collect();
    assert!(known.len() * 100 > 95 * n, "{} of {n} words are known", known.len());
    let mean = |f: &dyn Fn(&(f64, f64)) -> f64| known.iter().map(f).sum::<f64>() / known.len() as f64;
    let (mz, ml) = (mean(&|p| p.0), mean(&|p| p.1));
    let (cov, vz, vl) =
        (mean(&|p| (p.0 - mz) * (p.1 - ml)), mean(&|p| (p.0 - mz).powi(2)), mean(&|p| (p.1 - ml).powi(2)));
    assert!(cov / (vz * vl).sqrt() > 0.9, "r = {}", cov / (vz * vl).sqrt());
}

#[test]
fn tables_and_lists_tell_their_size() {
    assert!(Lexicon::from_table([]).unwrap().is_empty());
}
