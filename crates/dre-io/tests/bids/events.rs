//! Tables of events.

use std::path::Path;

use crate::{EVENTS, message, with, write};

#[test]
fn events_are_sorted_with_columns_in_any_order() {
    let text = "\u{feff}trial_type\tduration\tonset\tword\r\nb\tn/a\t2.5\t\"x\ty\"\r\na\t0.25\t1\tn/a\r\n\r\nc\t0\t1\t\"Oh\r\n";
    let (_dir, dataset) = with(&[(EVENTS, text)]);
    let file = dataset.events_file(&dataset.recordings()[0]).expect("events");
    assert_eq!(file.path, Path::new(EVENTS));
    assert_eq!(file.table.onset, [1.0, 1.0, 2.5]);
    assert_eq!(file.table.duration, [0.25, 0.0, 0.0]);
    assert_eq!(file.lines, [3, 5, 2]);
    assert_eq!(file.table.columns.keys().collect::<Vec<_>>(), ["trial_type", "word"]);
    assert_eq!(file.table.columns["trial_type"], ["a", "c", "b"]);
    assert_eq!(file.table.columns["word"], ["n/a", "\"Oh", "x\ty"]);
    file.table.check().expect("a sound table");
}

#[test]
fn a_table_without_durations_has_durations_of_zero() {
    let (_dir, dataset) = with(&[(EVENTS, "onset\n0.5\n")]);
    let events = dataset.events(&dataset.recordings()[0]).expect("events");
    assert_eq!((events.onset, events.duration), (vec![0.5], vec![0.0]));
}

#[test]
fn an_event_past_the_end_is_named_with_its_line() {
    let (dir, dataset) = with(&[(EVENTS, "onset\tduration\n812.4\t0\n3\t0\n801\t0\n")]);
    let file = dataset.events_file(&dataset.recordings()[0]).expect("events");
    file.check_within(812.5).expect("all within");
    let text = message(&dir, &file.check_within(801.0).expect_err("two are not"));
    assert_eq!(
        text,
        format!(
            "{EVENTS} line 4: onset 801.0 s is past the end of the recording (801.0 s); remove the row or check sfreq"
        )
    );
    let text = message(&dir, &file.check_within(810.0).expect_err("one is not"));
    assert!(text.contains("line 2: onset 812.4 s is past the end of the recording (810.0 s)"), "{text}");
}

#[test]
fn what_is_wrong_with_a_table_of_events_is_said_with_its_line() {
    let cases: [(&[u8], &str); 17] = [
        (b"", " is empty, expected a header line with the columns onset and duration; restore"),
        (b"onset\tduration\n", ": no events, only a header line;"),
        (
            b"Onset\tduration\n1\t0\n",
            " line 1: no column `onset`; found `Onset`, `duration`; rename `Onset` to `onset`",
        ),
        (b"time\tduration\n1\t0\n", " line 1: no column `onset`; found `time`, `duration`; add or rename"),
        (
            b"onset,duration\n1,0\n",
            " line 1: no column `onset`; found `onset,duration`; columns must be separated by tabs",
        ),
        (b"onset\ta\ta\n1\t0\t0\n", " line 1: column `a` is there twice"),
        (b"onset\tduration\n1\t0\n2\n", " line 3: 1 field, expected 2 as in the header (onset, duration)"),
        (b"onset\tduration\n1\t0\t7\n", " line 2: 3 fields, expected 2"),
        (
            b"onset\tduration\n1,5\t0\n",
            " line 2: onset is `1,5`, expected seconds from the recording's first sample, 0 or more; write a number with a decimal point",
        ),
        (b"onset\tduration\n\n1\t0\nn/a\t0\n", " line 4: onset is `n/a`, expected seconds"),
        (b"onset\tduration\ninf\t0\n", " line 2: onset is `inf`, expected seconds"),
        (b"onset\tduration\nNaN\t0\n", " line 2: onset is `NaN`, expected seconds"),
        (
            b"onset\tduration\n-0.5\t0\n",
            " line 2: onset is `-0.5`, expected seconds from the recording's first sample, 0 or more; an event before the first sample has no data; remove the row",
        ),
        (b"onset\tduration\n0.5\t-1\n", " line 2: duration is `-1`, expected seconds, 0 or more, or n/a"),
        (b"onset\tduration\n\x1b[2J\t0\n", " line 2: onset is `\\u{1b}[2J`, expected seconds"),
        (b"onset\tduration\n0.5\t\n", " line 2: duration is ``, expected seconds"),
        (
            b"onset\tduration\tword\n1\t0\tok\n2\t0\tf\xfcr\n",
            " line 3: byte 0xfc is not UTF-8 text; save the file in the encoding UTF-8",
        ),
    ];
    for (content, expected) in cases {
        let (dir, dataset) = with(&[]);
        write(dir.path(), EVENTS, content);
        let text = message(&dir, &dataset.events(&dataset.recordings()[0]).expect_err(expected));
        let expected = format!("{EVENTS}{expected}");
        assert!(text.starts_with(&expected), "{text}\n{expected}");
    }
}

#[test]
fn without_events_the_names_that_were_looked_for_are_given() {
    let (dir, dataset) = with(&[
        ("sub-01/eeg/sub-01_task-y_events.tsv", "onset\n1\n"),
        ("task-x_run-01_desc-a_events.tsv", "onset\n1\n"),
    ]);
    let text = message(&dir, &dataset.events(&dataset.recordings()[0]).expect_err("no events"));
    assert_eq!(
        text,
        "no events for sub-01_task-x_run-01: found neither sub-01/eeg/sub-01_task-x_run-01_events.tsv nor an *_events.tsv \
         with fewer of these entities there or in sub-01, the root; add the file, or leave the recording out"
    );
}

#[test]
fn samples_stand_in_for_onsets_that_are_not_given() {
    let sidecar = ("sub-01/eeg/sub-01_task-x_run-01_eeg.json", "{\"SamplingFrequency\": 200}");
    let text = "onset\tvalue\tsample\nn/a\t7\t300\n0.5\t3\t101\nn/a\t9\t50\n";
    let (_dir, dataset) = with(&[(EVENTS, text), sidecar]);
    let recording = &dataset.recordings()[0];
    let file = dataset.events_file(recording).expect("events");
    assert_eq!(file.table.onset, [0.25, 0.5, 1.5]);
    assert_eq!(file.table.columns["value"], ["9", "3", "7"]);
    assert_eq!(file.lines, [4, 3, 2]);
    assert!(file.notes.is_empty(), "programs count from 0 or from 1: {:?}", file.notes);
    // The recording's own frequency is given where it is known.
    let file = dataset.events_file_at(recording, Some(100.0)).expect("events");
    assert_eq!(file.table.onset, [0.5, 0.5, 3.0]);
    let note = format!(
        "{EVENTS}: onset and sample disagree at 100 Hz on 1 of 3 rows, most on line 3 (51 samples); onset is used"
    );
    assert_eq!(file.notes, [note]);
    let (dir, dataset) = with(&[(EVENTS, text)]);
    let error = dataset.events_file(&dataset.recordings()[0]).expect_err("no frequency");
    assert!(message(&dir, &error).contains("line 2: onset is `n/a`, expected seconds"), "{error}");
}
