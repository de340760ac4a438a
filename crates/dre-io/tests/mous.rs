//! MOUS: logs written here in Presentation's format, with known onsets, against the triggers of a recording with another clock.

#![allow(clippy::float_cmp, reason = "texts and counts have one right value")]

use std::fmt::Write as _;
use std::path::Path;

use dre::data::ChannelType;
use dre_io::mous::{BLOCK, FIXATION, MousEvents, MousFiles, PresentationLog, Stimuli, Trigger, events, read_events};
use dre_io::pipeline::{Job, Monitor, open_prepared, prepare};
use dre_io::recording::brainvision::write_brainvision;
use dre_io::recording::{RecordingChannel, Unit};
use dre_io::study::Study;
use ndarray::Array2;
use proptest::prelude::*;

const SFREQ: f64 = 1200.0;
const STIMULI: &str =
    "1 De oude man liep langzaam naar huis.\n2 naar man huis. De liep oude langzaam\n17 Het kind zag één hond.\n";
/// Presentation's clock (0.1 ms) at the recording's first sample.
const CLOCK: i64 = 4_512_345;

/// A log being written, and what is known of it.
struct Writer {
    first: String,
    second: String,
    time: i64,
    triggers: Vec<Trigger>,
    /// Word and onset (s).
    words: Vec<(String, f64)>,
}

impl Writer {
    fn new() -> Self {
        let first = "Scenario -\tMOUS\r\nLogfile written - 02/03/2012 10:23:12\r\n\r\n\
                     Subject\tTrial\tEvent Type\tCode\tTime\tTTime\tUncertainty\tDuration\tUncertainty\tReqTime\tReqDur\r\n\r\n";
        let second =
            "Event Type\tCode\tType\tResponse\tRT\tRT Uncertainty\tTime\tUncertainty\tDuration\tUncertainty\r\n\r\n";
        Self {
            first: first.into(),
            second: second.into(),
            time: CLOCK + 20_000,
            triggers: Vec::new(),
            words: Vec::new(),
        }
    }

    /// The recording's time now (s).
    fn now(&self) -> f64 {
        (self.time - CLOCK) as f64 / 1e4
    }

    fn row(&mut self, kind: &str, code: &str, duration: i64) {
        let _ = write!(self.first, "V1001\t1\t{kind}\t{code}\t{}\t0\t1\r\n", self.time);
        if kind == "Picture" {
            let _ = write!(self.second, "{kind}\t{code}\tother\t\t\t\t{}\t1\t{duration}\t2\r\n", self.time);
        }
        self.time += duration;
    }

    fn trigger(&mut self, value: i64) {
        self.triggers.push(Trigger { sample: (self.now() * SFREQ).round() as usize, value });
    }

    fn block(&mut self, kind: &str, sequences: &[&str]) {
        self.trigger(BLOCK);
        self.row("Picture", &format!("10 {kind}"), 15_000);
        self.row("Picture", "uitleg", 9_000);
        for (index, sequence) in sequences.iter().enumerate() {
            self.trigger(FIXATION);
            self.row("Picture", &format!("20 FIX {index}"), 12_003);
            for word in sequence.split(' ') {
                self.words.push((word.to_owned(), self.now()));
                self.triggers.push(Trigger { sample: (self.now() * SFREQ) as usize, value: 1 });
                self.row("Picture", &format!("{} {word} 300", index + 1), 3_001 + word.len() as i64 * 10);
                self.row("Picture", "ISI 300", 2_999);
            }
            self.row("Picture", "blank", 7_000 + 13 * index as i64);
            self.row("Picture", "QUESTION 4", 20_000);
            self.row("Response", "1", 0);
        }
    }

    fn text(&self) -> String {
        format!("{}\r\n\r\n{}", self.first, self.second)
    }

    fn log(&self) -> PresentationLog {
        PresentationLog::parse(Path::new("V1001-MEG-MOUS-Vis01.log"), self.text().as_bytes()).expect("a sound log")
    }

    fn n_times(&self) -> usize {
        ((self.now() + 5.0) * SFREQ) as usize
    }

    fn events(&self, triggers: &[Trigger]) -> MousEvents {
        let stimuli = Stimuli::parse(Path::new("stimuli.txt"), STIMULI.as_bytes()).expect("sound stimuli");
        events(&self.log(), Some(&stimuli), triggers, SFREQ, self.n_times()).expect("log and triggers fit")
    }
}

fn study() -> Writer {
    let mut writer = Writer::new();
    let (sentences, lists) =
        (["De oude man liep langzaam naar huis.", "Het kind zag één hond."], ["naar man huis. De liep oude langzaam"]);
    for _ in 0..3 {
        writer.block("ZINNEN", &sentences);
        writer.block("WOORDEN", &lists);
    }
    writer
}

#[test]
fn words_are_placed_by_the_trigger_before_them() {
    let writer = study();
    let MousEvents { table, notes } = writer.events(&writer.triggers);
    table.check().expect("a sound table");
    assert!(notes.is_empty(), "{notes:?}");
    assert_eq!(table.len(), 3 * (7 + 5 + 7));
    for ((word, expected), (found, onset)) in writer.words.iter().zip(table.columns["word"].iter().zip(&table.onset)) {
        assert_eq!(word, found);
        assert!((onset - expected).abs() <= 0.5 / SFREQ + 1e-9, "{word} at {onset} s, not {expected} s");
    }
    let row = |event: usize| {
        let column = |name: &str| table.columns[name][event].as_str();
        (column("condition"), column("block"), column("sequence"), column("position"), column("stimulus"))
    };
    assert_eq!(row(0), ("sentence", "1", "1", "1", "1"));
    assert_eq!(row(6), ("sentence", "1", "1", "7", "1"));
    assert_eq!(row(7), ("sentence", "1", "2", "1", "17"));
    assert_eq!(row(12), ("word_list", "2", "3", "1", "2"));
    assert_eq!(row(19), ("sentence", "3", "4", "1", "1"));
    assert!((table.duration[0] - 0.3021).abs() < 1e-12, "from the second table");
    assert_eq!(table.columns["word"][6], "huis.", "punctuation stays");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The two clocks run apart, triggers are lost, and others come between.
    #[test]
    fn clocks_may_drift_and_triggers_may_be_lost(
        drift in -1e-4..1e-4f64, lost in prop::collection::vec(0.0..1.0f64, 0..2), extra in 0usize..20_000, shift in 0usize..50_000,
    ) {
        let writer = study();
        let moved = |seconds: f64| seconds * (1.0 + drift) + shift as f64 / SFREQ;
        let mut triggers: Vec<Trigger> = writer
            .triggers
            .iter()
            .map(|t| Trigger { sample: (moved(t.sample as f64 / SFREQ) * SFREQ).round() as usize, ..*t })
            .collect();
        let mut removed = 0;
        for share in &lost {
            // The first and the last stay: they are the ends of what can be placed.
            let at = 1 + (share * (triggers.len() - 2) as f64) as usize;
            removed += usize::from(triggers.remove(at).value != 1);
        }
        triggers.push(Trigger { sample: extra, value: FIXATION });
        triggers.sort_by_key(|t| t.sample);
        let n_times = writer.n_times() + shift + 1000;
        let found = events(&writer.log(), None, &triggers, SFREQ, n_times).expect("they fit");
        prop_assert_eq!(found.table.len(), writer.words.len());
        prop_assert_eq!(found.notes.iter().filter(|n| n.contains("have no trigger")).count(), usize::from(removed > 0));
        for ((word, expected), onset) in writer.words.iter().zip(&found.table.onset) {
            // Half a sample of the trigger and the drift since the last one that was found.
            let expected = moved(*expected);
            prop_assert!((onset - expected).abs() < 1.5 / SFREQ + 60.0 * drift.abs(), "{} at {} s, not {} s", word, onset, expected);
        }
    }

    #[test]
    fn damaged_logs_never_panic(cut in 0.0..1.0f64, flips in prop::collection::vec((0.0..1.0f64, any::<u8>()), 0..6)) {
        let writer = study();
        let mut bytes = writer.text().into_bytes();
        let n = bytes.len() as f64;
        for (at, byte) in flips {
            bytes[(at * n) as usize] ^= byte;
        }
        bytes.truncate((cut * n) as usize);
        let path = Path::new("x.log");
        match PresentationLog::parse(path, &bytes) {
            Err(error) => prop_assert!(error.to_string().starts_with("x.log"), "{}", error),
            Ok(log) => {
                if let Ok(found) = events(&log, None, &writer.triggers, SFREQ, writer.n_times()) {
                    found.table.check().expect("what is read is sound");
                }
            }
        }
    }
}

#[test]
fn only_the_first_of_two_logs_in_a_file_counts() {
    let writer = study();
    let twice = format!("{}\r\n{}", writer.text(), writer.text());
    let log = PresentationLog::parse(Path::new("V1001-MEG-MOUS-Vis01.log"), twice.as_bytes()).expect("a sound log");
    assert_eq!(log, writer.log());
}

#[test]
fn a_line_break_in_a_code_is_mended() {
    let mut writer = Writer::new();
    writer.block("ZINNEN", &["Het kind zag één hond.", "Het kind zag één hond."]);
    let whole = writer.log();
    writer.first = writer.first.replace("hond. 300", "hond.\r\n 300");
    let broken = writer.log();
    let codes = |log: &PresentationLog| log.events().iter().map(|e| e.code.clone()).collect::<Vec<_>>();
    assert_eq!(codes(&broken), codes(&whole));
}

#[test]
fn a_recording_that_ends_early_keeps_what_it_holds() {
    let writer = study();
    let end = writer.words[20].1;
    let n_times = (end * SFREQ) as usize;
    let triggers: Vec<Trigger> = writer.triggers.iter().copied().filter(|t| t.sample < n_times).collect();
    let found = events(&writer.log(), None, &triggers, SFREQ, n_times).expect("they fit");
    assert_eq!(found.table.len(), 20);
    assert!(found.notes.iter().any(|n| n.contains("37 words lie outside the recording")), "{:?}", found.notes);
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let writer = study();
    let whole = writer.text();
    let of = |text: &str| {
        let log = PresentationLog::parse(Path::new("x.log"), text.as_bytes());
        let done = log.and_then(|log| events(&log, None, &writer.triggers, SFREQ, writer.n_times()).map(|_| ()));
        done.expect_err("refused").to_string()
    };
    let time = (CLOCK + 20_000).to_string();
    let cases = [
        (String::new(), "x.log: no first table with the columns Event Type, Code, Time; copy"),
        (
            whole.replace("Code\tTime\t", "Code\tWhen\t"),
            "x.log line 4: the first table has no column `Time`; it has Subject",
        ),
        (whole.replacen(&time, "soon", 1), "x.log line 6: Time is `soon`, expected a whole number of 0.1 ms"),
        (whole.replacen(&time, "99999999", 1), "x.log line 7: Time is 4547345, after 99999999 on a line before it"),
        (writer.first.clone(), "x.log: no second table with the columns Event Type, Code, Duration; copy"),
        (
            whole.replacen("Picture\tuitleg\tother", "Picture\tanders\tother", 1),
            "in the second table stands where the first has Picture `uitleg` of line 7",
        ),
        (whole.replace("FIX", "X"), "x.log: no word in a block of sentences (ZINNEN) or word lists (WOORDEN)"),
    ];
    for (text, expected) in cases {
        let text = of(&text);
        assert!(text.contains(expected), "{text}\n{expected}");
    }
    let latin = whole.replace("één", "e\u{1}\u{1}n").into_bytes().into_iter().map(|b| if b == 1 { 0xe9 } else { b });
    let error =
        PresentationLog::parse(Path::new("x.log"), &latin.collect::<Vec<u8>>()).expect_err("not UTF-8").to_string();
    assert!(error.contains("of the line is not UTF-8 text; save the file in the encoding UTF-8"), "{error}");
    let others: Vec<Trigger> =
        writer.triggers.iter().enumerate().map(|(i, t)| Trigger { sample: i * i * 1777, value: t.value }).collect();
    let error = events(&writer.log(), None, &others, SFREQ, 100_000_000).expect_err("another recording").to_string();
    assert!(error.contains("fixations and block starts have a trigger within 0.05 s of their place"), "{error}");
    let error = events(&writer.log(), None, &[], SFREQ, 1000).expect_err("no triggers").to_string();
    assert!(error.contains("0 triggers 20 and 10 among the recording's 0: no two fit together"), "{error}");
}

#[test]
fn what_is_wrong_with_stimuli_is_said_with_its_line() {
    for (text, expected) in [
        ("", "s.txt: no stimuli;"),
        ("1 a b\nx c\n", "s.txt line 2: `x c`, expected a number above 0 and words"),
        ("0 a\n", "s.txt line 1: `0 a`, expected a number above 0"),
        ("7\n", "s.txt line 1: `7`, expected a number above 0 and words"),
        ("1 a b\n2 A B\n", "s.txt line 2: stimulus 2 begins as stimulus 1 does"),
    ] {
        let error = Stimuli::parse(Path::new("s.txt"), text.as_bytes()).expect_err(expected).to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let stimuli = Stimuli::parse(Path::new("s.txt"), STIMULI.as_bytes()).expect("sound");
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(stimuli.find(&words("het kind zag één hond.")), Some(17));
    assert_eq!(stimuli.find(&words("een ander")), None);
}

#[test]
fn a_subject_has_one_log_and_broken_ones_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let logs = folder.path().join("meg_task");
    std::fs::create_dir(&logs).expect("a folder");
    let writer = study();
    std::fs::write(logs.join("V1001-MEG-MOUS-Vis01.log"), writer.text()).expect("written");
    std::fs::write(logs.join("A2002-MEG-MOUS-Aud01.log"), "").expect("written");
    std::fs::write(folder.path().join("stimuli.txt"), STIMULI).expect("written");
    let (found, files) =
        read_events(&logs, "sub-V1001", &writer.triggers, SFREQ, writer.n_times()).expect("a sound log");
    assert_eq!(found, MousEvents { ..writer.events(&writer.triggers) });
    assert_eq!(files.stimuli, Some(logs.join("../stimuli.txt")));
    assert_eq!(MousFiles::find(&logs, "1001").map_err(|e| e.to_string()).map(|f| f.log), Ok(files.log));
    for (subject, expected) in [
        ("sub-V1006", "the log of subject 1006 is known to be broken; leave the subject out with data.subjects"),
        ("sub-V1017", "the log of subject 1017 is known to be broken"),
        ("sub-A2002", "no log A2002-MEG-MOUS-Vis*.log of sub-A2002"),
    ] {
        let error = MousFiles::find(&logs, subject).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
    std::fs::write(logs.join("1001-MEG-MOUS-Vis02.log"), "").expect("written");
    let error = MousFiles::find(&logs, "V1001").expect_err("two").to_string();
    assert!(error.contains("2 logs of V1001: 1001-MEG-MOUS-Vis02.log, V1001-MEG-MOUS-Vis01.log"), "{error}");
}

/// Says nothing, keeps warnings.
#[derive(Default)]
struct Quiet(std::cell::RefCell<Vec<String>>);

impl Monitor for Quiet {
    fn step(&self, _: &str, _: &str) {}

    fn warn(&self, text: &str) {
        self.0.borrow_mut().push(text.to_owned());
    }
}

#[test]
fn a_study_takes_its_events_from_the_logs() {
    const SFREQ: f64 = 200.0;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (bids, logs) = (folder.path().join("bids"), folder.path().join("logs"));
    let place = bids.join("sub-V1001/meg");
    for folder in [&place, &logs] {
        std::fs::create_dir_all(folder).expect("a folder");
    }
    let writer = study();
    std::fs::write(logs.join("V1001-MEG-MOUS-Vis01.log"), writer.text()).expect("written");
    std::fs::write(logs.join("stimuli.txt"), STIMULI).expect("written");
    let n_times = ((writer.now() + 5.0) * SFREQ) as usize;
    let channel = |name: &str, unit| RecordingChannel::new(name, ChannelType::Misc, unit);
    let channels = [channel("MLC11", Unit::Tesla), channel("UPPT001", Unit::Other(String::new()))];
    let mut data =
        Array2::from_shape_fn((2, n_times), |(c, t)| if c == 0 { 1e-13 * ((t * t) % 17) as f64 } else { 0.0 });
    for trigger in writer.triggers.iter().filter(|t| t.value != 1) {
        let start = (trigger.sample as f64 / 1200.0 * SFREQ).round() as usize;
        data.slice_mut(ndarray::s![1, start..start + 10]).fill(trigger.value as f64);
    }
    let stem = "sub-V1001_task-visual";
    write_brainvision(&place.join(format!("{stem}_meg.vhdr")), SFREQ, &channels, data.view(), &[]).expect("written");
    let table = "name\ttype\tunits\nMLC11\tMEGGRADAXIAL\tT\nUPPT001\tTRIG\tn/a\n";
    std::fs::write(place.join(format!("{stem}_channels.tsv")), table).expect("written");
    let text = format!(
        "name = 'mous'\n[data]\nevents = 'mous'\nlogs = '{}'\n[epochs]\ntmin = -0.1\ntmax = 0.5\n\
         [[features]]\nname = 'first'\nkind = 'presence'\n[models.trf]\nkind = 'trf'\n",
        logs.display()
    );
    let study = Study::parse(&text, Path::new("study.toml")).expect("a sound study");
    let mut job = Job {
        study,
        text,
        data: bids,
        out: folder.path().join("out"),
        n_threads: 1,
        resume: false,
        force: false,
        models: vec!["trf".to_owned()],
    };
    let mut quiet = Quiet::default();
    let cohort = prepare(&job, &mut quiet).expect("prepared");
    assert!(quiet.0.borrow().is_empty(), "{:?}", quiet.0.borrow());
    let events = &cohort.cohort.recordings[0].events;
    assert_eq!(events.len(), writer.words.len());
    assert_eq!(events.columns["condition"][12], "word_list");
    for ((word, expected), onset) in writer.words.iter().zip(&events.onset) {
        assert!((onset - expected).abs() <= 1.0 / SFREQ, "{word} at {onset} s, not {expected} s");
    }
    // The log is an input like any other.
    open_prepared(&job).expect("up to date");
    std::fs::write(logs.join("V1001-MEG-MOUS-Vis01.log"), writer.text() + "\r\n").expect("written");
    open_prepared(&job).expect_err("the log has changed");
    job.study.data.logs = Some(folder.path().join("nowhere"));
    let error = prepare(&job, &mut quiet).expect_err("no logs").to_string();
    assert!(error.contains("nowhere"), "{error}");
}
