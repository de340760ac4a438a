//! Bad segments of a recording, as samples of the prepared data.

use std::ops::Range;

use dre::data::EventTable;

use crate::recording::Annotation;

/// Slack (samples) for times that binary fractions put just beside a whole sample.
const SLACK: f64 = 1e-6;

/// The stretches that annotations, or events, call bad, in samples at `sfreq` (Hz) of a recording of `n_times`.
///
/// As in MNE-Python, an annotation counts whose description starts with `bad` in any case; `EDGE` does not. An event counts
/// whose `trial_type` is `BAD` or starts with `BAD_` or `BAD ` (so MNE-BIDS writes annotations), in capitals, since `bad_word`
/// may well be a condition. A stretch holds every sample that it overlaps, a sample lasting from its time to the next one's;
/// an epoch then overlaps it where MNE-Python's `reject_by_annotation` would drop the epoch. One without duration holds one
/// sample.
pub(super) fn bad_segments(
    annotations: &[Annotation],
    events: &EventTable,
    sfreq: f64,
    n_times: usize,
) -> Vec<Range<usize>> {
    let annotated = annotations
        .iter()
        .filter(|a| a.description.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("bad")))
        .map(|a| (a.onset, a.duration));
    let kinds = events.columns.get("trial_type").map_or(&[][..], Vec::as_slice);
    let is_bad =
        |kind: &str| kind.strip_prefix("BAD").is_some_and(|rest| rest.is_empty() || rest.starts_with(['_', ' ']));
    let told = kinds.iter().zip(events.onset.iter().zip(&events.duration));
    let told = told.filter(|(kind, _)| is_bad(kind)).map(|(_, (&onset, &duration))| (onset, duration));
    annotated
        .chain(told)
        .filter(|(onset, duration)| onset.is_finite() && duration.is_finite())
        .filter_map(|(onset, duration)| {
            let from = (onset * sfreq + SLACK).floor();
            let to = ((onset + duration.max(0.0)) * sfreq - SLACK).ceil().max(from + 1.0);
            let inside = |sample: f64| sample.clamp(0.0, n_times as f64) as usize;
            Some(inside(from)..inside(to)).filter(|segment| !segment.is_empty())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn annotation(onset: f64, duration: f64, description: &str) -> Annotation {
        Annotation { onset, duration, description: description.to_owned() }
    }

    #[test]
    fn stretches_by_hand() {
        let none = EventTable::default();
        let at = |onset: f64, duration: f64, text: &str| {
            let found = bad_segments(&[annotation(onset, duration, text)], &none, 10.0, 100);
            found.into_iter().map(|segment| (segment.start, segment.end)).collect::<Vec<_>>()
        };
        assert_eq!(at(1.0, 0.5, "BAD_ACQ_SKIP"), [(10, 15)]);
        assert_eq!(at(1.05, 0.5, "bad"), [(10, 16)]);
        // 0.3 * 10 and 0.7 * 10 are not whole numbers in binary.
        assert_eq!(at(0.1 * 3.0, 0.7, "Bad Interval/Bad"), [(3, 10)]);
        assert_eq!(at(2.0, 0.0, "BAD boundary"), [(20, 21)]);
        assert_eq!(at(9.5, 3.0, "BAD"), [(95, 100)]);
        assert_eq!(at(-1.0, 1.5, "BAD"), [(0, 5)]);
        for text in ["EDGE boundary", "Comment/BAD", "ba", "bä", ""] {
            assert!(at(1.0, 1.0, text).is_empty(), "{text}");
        }
        assert!(at(50.0, 1.0, "BAD").is_empty() && at(f64::NAN, 1.0, "BAD").is_empty());
    }

    #[test]
    fn events_are_bad_in_capitals_only() {
        let kinds = ["BAD", "BAD_blink", "bad_word", "BADGE", "BAD x"].map(str::to_owned).to_vec();
        let events = EventTable {
            onset: vec![0.0, 1.0, 2.0, 3.0, 4.0],
            duration: vec![0.1; 5],
            columns: BTreeMap::from([("trial_type".to_owned(), kinds)]),
        };
        assert_eq!(bad_segments(&[], &events, 10.0, 100), [0..1, 10..11, 40..41]);
    }
}
