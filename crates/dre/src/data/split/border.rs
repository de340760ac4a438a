//! Between the sets: epochs that share samples with another set's, or lie too near to them, are dropped.

use super::Place;
use crate::data::Set;
use crate::data::prepare::Candidate;

/// The epochs of a recording that are kept, each list in chronological order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::data) struct Kept {
    pub(in crate::data) sets: [Vec<Candidate>; 3],
    /// Epochs that only fit the scaler of a held-out subject.
    pub(in crate::data) calibration: Vec<Candidate>,
}

impl Kept {
    /// Number of all of them.
    pub(in crate::data) fn len(&self) -> usize {
        self.sets.iter().map(Vec::len).sum::<usize>() + self.calibration.len()
    }
}

/// Sorts epochs, which ascend in time, into their sets; an epoch that overlaps a kept one of a set that goes before (test, then
/// validation, then training and calibration), or has fewer than the gap's samples between itself and that one, is dropped.
/// `reach`: samples of an epoch and of the gap together.
pub(in crate::data) fn clear_borders(epochs: &[Candidate], places: &[Place], reach: usize) -> Kept {
    let mut kept = Kept::default();
    let mut taken: Vec<usize> = Vec::new();
    for place in [Place::In(Set::Test), Place::In(Set::Valid), Place::In(Set::Train), Place::Calibration] {
        let clear = |epoch: &Candidate| n_sharing(epoch.start, &taken, reach) == 0;
        let mine: Vec<Candidate> =
            epochs.iter().zip(places).filter(|&(epoch, &p)| p == place && clear(epoch)).map(|(&e, _)| e).collect();
        taken.extend(mine.iter().map(|epoch| epoch.start));
        taken.sort_unstable();
        match place {
            Place::In(set) => kept.sets[set as usize] = mine,
            Place::Calibration => kept.calibration = mine,
        }
    }
    kept
}

/// Number of epochs among those that start at `starts` (ascending) fewer than `reach` samples before or after `start`: with the
/// length of an epoch, those that share a sample with the one that starts there.
pub(in crate::data) fn n_sharing(start: usize, starts: &[usize], reach: usize) -> usize {
    let from = starts.partition_point(|&other| other + reach <= start);
    let to = starts.partition_point(|&other| other < start + reach);
    to - from
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_is_shared_and_nothing_is_dropped_in_vain(
            gaps in prop::collection::vec(0usize..12, 1..60), n_times in 1usize..20, codes in prop::collection::vec(0usize..4, 60),
        ) {
            let mut start = 0;
            let epochs: Vec<Candidate> = gaps.iter().enumerate().map(|(event, gap)| {
                start += gap;
                Candidate { event, start }
            }).collect();
            let order = [Place::In(Set::Train), Place::In(Set::Valid), Place::In(Set::Test), Place::Calibration];
            let places: Vec<Place> = codes[..epochs.len()].iter().map(|&c| order[c]).collect();
            let kept = clear_borders(&epochs, &places, n_times);
            let rank = |place: Place| match place {
                Place::In(set) => 2 - set as usize,
                Place::Calibration => 3,
            };
            let all: Vec<(Place, Candidate)> = order.iter().flat_map(|&place| {
                let list = match place { Place::In(set) => &kept.sets[set as usize], Place::Calibration => &kept.calibration };
                list.iter().map(move |&e| (place, e))
            }).collect();
            let overlap = |a: &Candidate, b: &Candidate| a.start.abs_diff(b.start) < n_times;
            for (i, (p, a)) in all.iter().enumerate() {
                for (q, b) in &all[..i] {
                    prop_assert!(p == q || !overlap(a, b));
                }
            }
            for (epoch, &place) in epochs.iter().zip(&places) {
                let is_kept = all.contains(&(place, *epoch));
                let in_the_way = all.iter().any(|&(p, e)| rank(p) < rank(place) && overlap(epoch, &e));
                prop_assert_eq!(is_kept, !in_the_way);
            }
        }
    }
}
