//! Who gets whose value: permutations within a subject.

use std::collections::{BTreeMap, BTreeSet};

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::conditional::Fitted;
use super::{FeatureValues, Mode, Target};
use crate::data::{Dataset, Epoch, LEAST_EPOCHS, Set};

/// Where permutations come from.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) dataset: &'a Dataset,
    pub(super) values: &'a FeatureValues,
    pub(super) set: Set,
    pub(super) seed: u64,
}

/// An event as indices of its recording and in it.
pub(super) type EventId = (usize, usize);

/// One permutation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shuffle {
    /// By epoch of the subject: the epoch whose own value, stretch or init window it gets.
    Epochs(Vec<usize>),
    /// The event whose value each event gets, and, for continuous features, the epoch whose stretch each epoch gets.
    Events(BTreeMap<EventId, EventId>, Vec<usize>),
    /// The subject whose embedding all epochs get.
    Subject(usize),
    /// By recording: how far its features are shifted (samples).
    Shift(BTreeMap<usize, usize>),
}

/// Values of a group of features that can be exchanged for each other: which features have one. Exchanging across such
/// classes would change which events have a value at all.
type Class = Vec<u8>;

impl Source<'_> {
    /// A generator for one permutation: the same for every model and feature, so that they can be compared, and independent
    /// of what else is computed.
    fn rng(&self, mode: Mode, subject: usize, permutation: usize) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream((mode as u64) << 56 | (subject as u64) << 28 | permutation as u64);
        rng
    }

    /// The permutations of one subject's test epochs, or why there is nothing to permute. `fitted` is what the other
    /// features say of each feature of the target, for a conditional one.
    pub(super) fn shuffles(
        &self,
        subject: usize,
        target: &Target,
        fitted: &[Fitted],
    ) -> std::result::Result<Vec<Shuffle>, String> {
        let epochs = self.dataset.subject_epochs(self.set, subject);
        let rng = |permutation| self.rng(target.mode, subject, permutation);
        let all = 0..target.n_permutations;
        if epochs.len() < LEAST_EPOCHS {
            return Err(format!("{} test epochs, at least {LEAST_EPOCHS} are needed for an r", epochs.len()));
        }
        match target.mode {
            Mode::Event => {
                let classes = self.epoch_classes(epochs, target, fitted)?;
                Ok(all.map(|p| Shuffle::Epochs(permuted(&classes, epochs.len(), &mut rng(p)))).collect())
            }
            Mode::Epoch => {
                let classes = self.event_classes(epochs, target)?;
                let every: Vec<usize> = (0..epochs.len()).collect();
                let one = |p: usize| {
                    let mut rng = rng(p);
                    let mut events = BTreeMap::new();
                    for class in classes.values() {
                        let mut donors = class.clone();
                        donors.shuffle(&mut rng);
                        events.extend(class.iter().copied().zip(donors));
                    }
                    Shuffle::Events(events, permuted(std::slice::from_ref(&every), epochs.len(), &mut rng))
                };
                Ok(all.map(one).collect())
            }
            Mode::Init => {
                let every: Vec<usize> = (0..epochs.len()).collect();
                let every = std::slice::from_ref(&every);
                Ok(all.map(|p| Shuffle::Epochs(permuted(every, epochs.len(), &mut rng(p)))).collect())
            }
            Mode::Subject => {
                let n = self.dataset.n_subjects();
                if n < 2 {
                    return Err("the model knows one subject alone, whom no other can stand for".to_owned());
                }
                // The same permutation of all subjects, whichever is asked for.
                Ok(all.map(|p| Shuffle::Subject(cycle(n, &mut self.rng(target.mode, 0, p))[subject])).collect())
            }
            Mode::Shift => {
                let least = self.dataset.n_times();
                let used: BTreeSet<usize> = epochs.iter().map(|epoch| epoch.recording).collect();
                let recordings = &self.dataset.cohort().recordings;
                if let Some(&short) = used.iter().find(|&&i| recordings[i].n_times < 3 * least) {
                    let recording = &recordings[short];
                    return Err(format!(
                        "{} has {} samples, fewer than three epochs of {least}; its features cannot be shifted by an epoch or \
                         more",
                        recording.id, recording.n_times
                    ));
                }
                let one = |p: usize| {
                    let mut rng = rng(p);
                    let by = |&i: &usize| (i, rng.random_range(least..=recordings[i].n_times - least));
                    Shuffle::Shift(used.iter().map(by).collect())
                };
                Ok(all.map(one).collect())
            }
        }
    }

    /// Epochs whose own values can be exchanged.
    fn epoch_classes(
        &self,
        epochs: &[Epoch],
        target: &Target,
        fitted: &[Fitted],
    ) -> std::result::Result<Vec<Vec<usize>>, String> {
        let own = |epoch: &Epoch| target.features.iter().map(|&f| self.values.own(epoch, f)).collect::<Vec<_>>();
        let mut classes: BTreeMap<Class, Vec<usize>> = BTreeMap::new();
        let mut kinds: BTreeMap<Class, BTreeSet<Vec<u64>>> = BTreeMap::new();
        for (place, epoch) in epochs.iter().enumerate() {
            let values = own(epoch);
            let class = class(&values);
            classes.entry(class.clone()).or_default().push(place);
            kinds.entry(class).or_default().insert(bits(&values));
        }
        if fitted.iter().any(|fit| fit.explained > 1.0 - 1e-9) {
            return Err("the other features say all there is to say about it; nothing is left to permute".to_owned());
        }
        let has_stretches = target.features.iter().any(|&f| self.values.is_continuous(self.dataset, f));
        if !has_stretches && kinds.values().all(|kinds| kinds.len() < 2) {
            return Err("its value is the same in all test epochs, so that permuting it changes nothing".to_owned());
        }
        Ok(classes.into_values().collect())
    }

    /// Events that show in the epochs and whose values can be exchanged.
    fn event_classes(
        &self,
        epochs: &[Epoch],
        target: &Target,
    ) -> std::result::Result<BTreeMap<Class, Vec<EventId>>, String> {
        let n_times = self.dataset.n_times();
        let mut shown: BTreeSet<EventId> = BTreeSet::new();
        for epoch in epochs {
            for &feature in &target.features {
                if let Some(signal) = self.values.signal(epoch.recording, feature) {
                    let range = epoch.start..epoch.start + n_times;
                    shown.extend(signal.touching(&range).into_iter().map(|event| (epoch.recording, event)));
                }
            }
        }
        let mut classes: BTreeMap<Class, Vec<EventId>> = BTreeMap::new();
        let mut kinds: BTreeMap<Class, BTreeSet<Vec<u64>>> = BTreeMap::new();
        for (recording, event) in shown {
            let value = |&f: &usize| self.values.signal(recording, f).and_then(|signal| signal.values()[event]);
            let values: Vec<Option<f64>> = target.features.iter().map(value).collect();
            let class = class(&values);
            classes.entry(class.clone()).or_default().push((recording, event));
            kinds.entry(class).or_default().insert(bits(&values));
        }
        let has_stretches = target.features.iter().any(|&f| self.values.is_continuous(self.dataset, f));
        if !has_stretches && kinds.values().all(|kinds| kinds.len() < 2) {
            return Err(
                "its value is the same for all events of the test epochs, so that permuting it changes nothing"
                    .to_owned(),
            );
        }
        Ok(classes)
    }
}

/// No value, a number, or a missing one that counts as the mean.
fn class(values: &[Option<f64>]) -> Class {
    values.iter().map(|value| value.map_or(0, |value| if value.is_nan() { 2 } else { 1 })).collect()
}

fn bits(values: &[Option<f64>]) -> Vec<u64> {
    values.iter().map(|value| value.map_or(0, f64::to_bits)).collect()
}

/// Donor of each of `n` places, permuted within each class.
fn permuted(classes: &[Vec<usize>], n: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut donors: Vec<usize> = (0..n).collect();
    for class in classes {
        let mut drawn = class.clone();
        drawn.shuffle(rng);
        for (&place, donor) in class.iter().zip(drawn) {
            donors[place] = donor;
        }
    }
    donors
}

/// A random cyclic permutation, in which nobody keeps its own place (Sattolo 1986).
fn cycle(n: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut places: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        places.swap(i, rng.random_range(0..i));
    }
    places
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_place_gives_once_and_classes_are_kept(classes in prop::collection::vec(0usize..4, 1..60), seed: u64) {
            let mut by_class = vec![Vec::new(); 4];
            classes.iter().enumerate().for_each(|(place, &class)| by_class[class].push(place));
            let donors = permuted(&by_class, classes.len(), &mut ChaCha8Rng::seed_from_u64(seed));
            let mut sorted = donors.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..classes.len()).collect::<Vec<_>>());
            prop_assert!(donors.iter().enumerate().all(|(place, &donor)| classes[place] == classes[donor]));
        }

        #[test]
        fn nobody_keeps_its_own_embedding(n in 2usize..30, seed: u64) {
            let mut found = cycle(n, &mut ChaCha8Rng::seed_from_u64(seed));
            prop_assert!(found.iter().enumerate().all(|(place, &other)| place != other));
            found.sort_unstable();
            prop_assert_eq!(found, (0..n).collect::<Vec<_>>());
        }
    }
}
