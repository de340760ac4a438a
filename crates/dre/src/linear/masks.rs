//! Which rows count for which targets.
//!
//! Targets with the same samples measured form a group; each group has moments of its own. A channel that a recording lacks
//! and a bad segment of all channels therefore cost one group more each at most, not one for each channel.

use std::collections::{BTreeMap, HashMap};

use ndarray::{Array3, ArrayRef3, Axis};

use super::rows::{Runs, count, runs_where};

/// Targets that share their rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Group {
    /// Indices of the targets.
    pub(super) targets: Vec<usize>,
    /// Rows of every epoch.
    pub(super) rows: Vec<Runs>,
}

impl Group {
    /// Number of rows.
    pub(super) fn n_rows(&self) -> usize {
        count(&self.rows)
    }
}

/// What was measured in a list of epochs, gathered batch by batch.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    shape: [usize; 2],
    /// For every epoch, each target's place in `kinds`.
    epochs: Vec<Option<Vec<usize>>>,
    /// The runs that occur.
    kinds: Vec<Runs>,
    places: HashMap<Runs, usize>,
}

impl Measured {
    /// None yet, of epochs of `n_targets` × `n_times`.
    pub(super) fn new(n_targets: usize, n_times: usize) -> Self {
        Self { shape: [n_targets, n_times], epochs: Vec::new(), kinds: Vec::new(), places: HashMap::new() }
    }

    /// Adds `n_epochs` epochs; all of them is measured where there is no mask.
    pub(super) fn push(&mut self, n_epochs: usize, measured: Option<&Array3<bool>>) {
        let Some(measured) = measured else {
            self.epochs.resize(self.epochs.len() + n_epochs, None);
            return;
        };
        for epoch in measured.outer_iter() {
            let kinds = epoch.outer_iter().map(|row| {
                let runs = runs_where(self.shape[1], |t| row[t]);
                *self.places.entry(runs).or_insert_with_key(|runs| {
                    self.kinds.push(runs.clone());
                    self.kinds.len() - 1
                })
            });
            let kinds = if epoch.iter().all(|&measured| measured) { None } else { Some(kinds.collect()) };
            self.epochs.push(kinds);
        }
    }

    fn runs(&self, epoch: usize, target: usize) -> Runs {
        match &self.epochs[epoch] {
            Some(kinds) => self.kinds[kinds[target]].clone(),
            None => std::iter::once(0..self.shape[1]).collect(),
        }
    }

    /// Groups of targets whose measured samples are rows from `first_row` on. Targets without a row are in none.
    pub(super) fn groups(&self, first_row: usize) -> Vec<Group> {
        self.groups_of(|epoch, target| from(self.runs(epoch, target), first_row))
    }

    /// Groups for targets that see the regressors `present` among them at `n_lags` lags from 1 on: a row counts where the
    /// target is measured, and all of `present` at all of these lags. Every row is `first_row` or later.
    pub(super) fn recurrent_groups(&self, present: &[usize], n_lags: usize, first_row: usize) -> Vec<Group> {
        let n_times = self.shape[1];
        let clean: Vec<Option<Vec<bool>>> = self
            .epochs
            .iter()
            .enumerate()
            .map(|(epoch, kinds)| {
                kinds.as_ref()?;
                let mut all = vec![true; n_times];
                for &channel in present {
                    let runs = self.runs(epoch, channel);
                    let mut own = vec![false; n_times];
                    runs.into_iter().for_each(|run| own[run].fill(true));
                    all.iter_mut().zip(own).for_each(|(all, own)| *all &= own);
                }
                // How many samples in a row, up to this one, have everything measured.
                let mut n_clean = 0;
                let mut past = vec![false; n_times];
                for t in 0..n_times {
                    past[t] = n_clean >= n_lags;
                    n_clean = if all[t] { n_clean + 1 } else { 0 };
                }
                Some(past)
            })
            .collect();
        self.groups_of(|epoch, target| {
            let runs = from(self.runs(epoch, target), first_row);
            let Some(past) = &clean[epoch] else { return runs };
            let mut own = vec![false; n_times];
            runs.into_iter().for_each(|run| own[run].fill(true));
            runs_where(n_times, |t| own[t] && past[t])
        })
    }

    fn groups_of(&self, rows: impl Fn(usize, usize) -> Runs) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        let mut by_kinds: HashMap<Vec<usize>, usize> = HashMap::new();
        for target in 0..self.shape[0] {
            // Targets that were measured alike in each epoch have the same rows.
            let kinds = self.epochs.iter().map(|kinds| kinds.as_ref().map_or(usize::MAX, |kinds| kinds[target]));
            match by_kinds.entry(kinds.collect()) {
                std::collections::hash_map::Entry::Occupied(place) => groups[*place.get()].targets.push(target),
                std::collections::hash_map::Entry::Vacant(place) => {
                    place.insert(groups.len());
                    let rows = (0..self.epochs.len()).map(|epoch| rows(epoch, target)).collect();
                    groups.push(Group { targets: vec![target], rows });
                }
            }
        }
        let mut merged: Vec<Group> = Vec::new();
        for group in groups.into_iter().filter(|group| group.n_rows() > 0) {
            match merged.iter_mut().find(|other| other.rows == group.rows) {
                Some(other) => {
                    other.targets.extend(group.targets);
                    // All targets in order are taken as they are, without picking.
                    other.targets.sort_unstable();
                }
                None => merged.push(group),
            }
        }
        merged
    }

    /// Channels whose past an autoregressive model sees: all that were measured at some time, less the least measured ones
    /// until those that are left were measured together in half of the samples in which anything was.
    pub(super) fn regressors(&self) -> Vec<usize> {
        let [n_channels, n_times] = self.shape;
        if self.epochs.iter().all(Option::is_none) {
            return (0..n_channels).collect();
        }
        // Number of samples for each set of channels that was measured at one.
        let mut sets: BTreeMap<Vec<bool>, usize> = BTreeMap::new();
        for (epoch, kinds) in self.epochs.iter().enumerate() {
            if kinds.is_none() {
                *sets.entry(vec![true; n_channels]).or_default() += n_times;
                continue;
            }
            let mut at = vec![vec![false; n_channels]; n_times];
            let everywhere =
                (0..n_channels).flat_map(|c| self.runs(epoch, c).into_iter().flatten().map(move |t| (t, c)));
            everywhere.for_each(|(t, channel)| at[t][channel] = true);
            for set in at.into_iter().filter(|set| set.contains(&true)) {
                *sets.entry(set).or_default() += 1;
            }
        }
        let n_samples: usize = sets.values().sum();
        let times_measured: Vec<usize> =
            (0..n_channels).map(|c| sets.iter().filter(|(set, _)| set[c]).map(|(_, n)| n).sum()).collect();
        let mut present: Vec<usize> = (0..n_channels).filter(|&c| times_measured[c] > 0).collect();
        loop {
            let together: usize = sets.iter().filter(|(set, _)| present.iter().all(|&c| set[c])).map(|(_, n)| n).sum();
            if 2 * together >= n_samples || present.len() <= 1 {
                return present;
            }
            let least = (0..present.len()).min_by_key(|&i| times_measured[present[i]]).unwrap_or(0);
            present.remove(least);
        }
    }
}

fn from(runs: Runs, first: usize) -> Runs {
    runs.into_iter().filter(|run| run.end > first).map(|run| run.start.max(first)..run.end).collect()
}

/// Picks some channels of `(n_epochs, n_channels, n_times)`.
pub(super) fn pick(array: &ArrayRef3<f64>, channels: &[usize]) -> Array3<f64> {
    array.select(Axis(1), channels)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(rows: [[&str; 3]; 2]) -> Array3<bool> {
        Array3::from_shape_fn((2, 3, 5), |(e, c, t)| rows[e][c].as_bytes()[t] == b'1')
    }

    #[test]
    fn groups_by_hand() {
        let mut measured = Measured::new(3, 5);
        measured.push(1, None);
        measured.push(2, Some(&mask([["11011", "11011", "00000"], ["11111", "11111", "11111"]])));
        let groups = measured.groups(1);
        assert_eq!(groups.len(), 2);
        assert_eq!((&groups[0].targets[..], groups[0].n_rows()), (&[0, 1][..], 4 + 3 + 4));
        assert_eq!(groups[0].rows[1], [1..2, 3..5]);
        assert_eq!((&groups[1].targets[..], groups[1].n_rows()), (&[2][..], 8));
    }

    #[test]
    fn a_recurrent_row_needs_its_past() {
        let mut measured = Measured::new(3, 5);
        measured.push(2, Some(&mask([["11011", "11111", "11111"], ["11111", "11111", "00000"]])));
        let groups = measured.recurrent_groups(&[0, 1], 1, 1);
        // Channel 0 is missing at sample 2: rows 2 (channel 0 itself) and 3 (its past) do not count.
        let of = |target: usize| groups.iter().find(|g| g.targets.contains(&target)).map(|g| g.rows.clone());
        assert_eq!(of(0).unwrap(), [vec![1..2, 4..5], vec![1..5]]);
        assert_eq!(of(1).unwrap(), [vec![1..3, 4..5], vec![1..5]]);
        assert_eq!(of(2).unwrap(), [vec![1..3, 4..5], vec![]]);
    }

    #[test]
    fn groups_with_the_same_rows_become_one_in_order() {
        let mut measured = Measured::new(3, 5);
        measured.push(2, Some(&mask([["11111", "00000", "11111"], ["11111", "11111", "11111"]])));
        let groups = measured.recurrent_groups(&[0, 1, 2], 1, 1);
        assert_eq!(groups.len(), 1);
        assert_eq!((&groups[0].targets[..], groups[0].n_rows()), (&[0, 1, 2][..], 4));
    }

    #[test]
    fn channels_that_are_seldom_measured_are_no_regressors() {
        let mut measured = Measured::new(3, 5);
        measured.push(2, Some(&mask([["11111", "11111", "00000"], ["11111", "10000", "00000"]])));
        assert_eq!(measured.regressors(), [0, 1]);
        let mut measured = Measured::new(3, 5);
        measured.push(2, Some(&mask([["11111", "11110", "00000"], ["11111", "00000", "11111"]])));
        assert_eq!(measured.regressors(), [0, 2]);
        measured.push(9, None);
        assert_eq!(measured.regressors(), [0, 1, 2]);
    }
}
