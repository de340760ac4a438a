//! What of a recording was not measured: channels that it lacks, stretches that are bad.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Why a recording has no samples of a channel that the cohort has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lack {
    /// It was not recorded.
    Absent,
    /// It was recorded and is marked as bad.
    Bad,
}

/// What epochs that overlap a bad segment become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BadSegments {
    /// They are kept; their bad samples count in no input, loss or score. Only an epoch that is bad throughout, or
    /// throughout its baseline window, is dropped.
    #[default]
    Mask,
    /// They are dropped, as with MNE-Python's `reject_by_annotation`.
    Reject,
    /// They are kept and used as if nothing were wrong.
    Ignore,
}

/// What of a recording was not measured. By default nothing.
///
/// The samples of what was not measured have no meaning: they may be NaN, and nothing reads them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    channels: BTreeMap<usize, Lack>,
    segments: Vec<Range<usize>>,
}

impl Gaps {
    /// Channels (rows of the cohort) that the recording lacks, and bad stretches of samples of all its channels, in any
    /// order; stretches that touch or overlap become one, empty ones vanish.
    pub fn new(channels: BTreeMap<usize, Lack>, mut segments: Vec<Range<usize>>) -> Self {
        segments.retain(|segment| !segment.is_empty());
        segments.sort_by_key(|segment| segment.start);
        let mut merged: Vec<Range<usize>> = Vec::with_capacity(segments.len());
        for segment in segments {
            match merged.last_mut() {
                Some(last) if segment.start <= last.end => last.end = last.end.max(segment.end),
                _ => merged.push(segment),
            }
        }
        Self { channels, segments: merged }
    }

    /// Channels that the recording lacks, as rows of the cohort in ascending order.
    pub fn channels(&self) -> &BTreeMap<usize, Lack> {
        &self.channels
    }

    /// Bad stretches of samples, ascending and apart from each other.
    pub fn segments(&self) -> &[Range<usize>] {
        &self.segments
    }

    /// Whether everything was measured.
    pub fn is_empty(&self) -> bool {
        self.channels.is_empty() && self.segments.is_empty()
    }

    /// Whether the recording has this channel.
    pub fn has_channel(&self, row: usize) -> bool {
        !self.channels.contains_key(&row)
    }

    /// Number of bad samples per channel.
    pub fn n_bad_times(&self) -> usize {
        self.segments.iter().map(ExactSizeIterator::len).sum()
    }

    /// The same channels, no bad stretch.
    pub(super) fn without_segments(&self) -> Self {
        Self { channels: self.channels.clone(), segments: Vec::new() }
    }

    /// Whether a bad stretch overlaps these samples.
    pub(super) fn overlaps(&self, samples: &Range<usize>) -> bool {
        let after = self.segments.partition_point(|segment| segment.end <= samples.start);
        self.segments.get(after).is_some_and(|segment| segment.start < samples.end)
    }

    /// The parts of `samples` that are not bad, relative to its start, in ascending order.
    pub(super) fn good(&self, samples: &Range<usize>) -> Vec<Range<usize>> {
        let first = self.segments.partition_point(|segment| segment.end <= samples.start);
        let mut good = Vec::with_capacity(1);
        let mut from = samples.start;
        for segment in self.segments[first..].iter().take_while(|segment| segment.start < samples.end) {
            if from < segment.start {
                good.push(from - samples.start..segment.start - samples.start);
            }
            from = segment.end;
        }
        if from < samples.end {
            good.push(from - samples.start..samples.end - samples.start);
        }
        good
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn good_parts_are_what_no_stretch_covers(
            stretches in prop::collection::vec((0usize..60, 0usize..9), 0..8), start in 0usize..60, n in 0usize..30,
        ) {
            let gaps = Gaps::new(BTreeMap::new(), stretches.iter().map(|&(at, n)| at..at + n).collect());
            let is_bad = |t: usize| stretches.iter().any(|&(at, n)| (at..at + n).contains(&t));
            let samples = start..start + n;
            let good: Vec<usize> = gaps.good(&samples).into_iter().flatten().map(|t| start + t).collect();
            prop_assert_eq!(good, samples.clone().filter(|&t| !is_bad(t)).collect::<Vec<_>>());
            prop_assert_eq!(gaps.overlaps(&samples), samples.clone().any(is_bad));
            prop_assert_eq!(gaps.n_bad_times(), (0..80).filter(|&t| is_bad(t)).count());
            prop_assert!(gaps.segments().windows(2).all(|pair| pair[0].end < pair[1].start));
        }
    }
}
