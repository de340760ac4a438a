//! From a split's settings to a place for each epoch.

use std::collections::HashMap;

use super::spec::setting;
use super::stimulus::unit;
use super::{Fold, SplitMethod, SplitSpec, group_keys};
use crate::Result;
use crate::data::prepare::Candidate;
use crate::data::{Cohort, Set};

/// What an epoch is for, before the borders are cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) enum Place {
    /// It belongs to a set.
    In(Set),
    /// It fits the scaler of a held-out subject's recording and nothing else.
    Calibration,
}

/// Places for the epochs (in chronological order) of each recording of a cohort.
///
/// # Errors
/// [`crate::Error::Setting`] for subjects and folds that are not there; those of [`group_keys`], with the recording.
pub(in crate::data) fn assign(cohort: &Cohort, epochs: &[&[Candidate]], spec: &SplitSpec) -> Result<Vec<Vec<Place>>> {
    let held_out = held_out(cohort, spec)?;
    cohort
        .recordings
        .iter()
        .zip(epochs)
        .map(|(recording, epochs)| {
            let keys = match spec.by.as_slice() {
                [] => None,
                columns => Some(
                    group_keys(&recording.events, epochs, columns, "split.by")
                        .map_err(|e| e.at(recording.id.as_str()))?,
                ),
            };
            let n = epochs.len();
            Ok(match spec.method {
                SplitMethod::Chronological => {
                    in_order(n, keys.as_deref(), &[spec.train, spec.train + spec.valid], &SETS)
                }
                SplitMethod::Kfold => {
                    let fold = spec.fold.unwrap_or(Fold { index: 1, of: 5 });
                    middles(n, keys.as_deref()).into_iter().map(|u| by_fold(u, fold, spec.valid)).collect()
                }
                SplitMethod::Stimulus => {
                    let seed = spec.seed.unwrap_or(0);
                    keys.unwrap_or_default().iter().map(|key| by_hash(unit(key, seed), spec)).collect()
                }
                SplitMethod::Subjects if held_out[recording.subject] => {
                    let parts = [Place::Calibration, Place::In(Set::Test)];
                    in_order(n, keys.as_deref(), &[spec.calibration], &parts)
                }
                SplitMethod::Subjects => {
                    in_order(n, keys.as_deref(), &[spec.train / (spec.train + spec.valid)], &SETS[..2])
                }
            })
        })
        .collect()
}

const SETS: [Place; 3] = [Place::In(Set::Train), Place::In(Set::Valid), Place::In(Set::Test)];

/// Whether each subject is held out: tests, and is never trained on.
pub(in crate::data) fn held_out(cohort: &Cohort, spec: &SplitSpec) -> Result<Vec<bool>> {
    let labels = &cohort.subjects;
    if spec.method != SplitMethod::Subjects {
        return Ok(vec![false; labels.len()]);
    }
    let bare = |label: &str| label.strip_prefix("sub-").unwrap_or(label).to_owned();
    let held: Vec<bool> = match spec.fold {
        Some(fold) if fold.of > labels.len() => {
            let expected = format!("at most as many folds as there are subjects, {}", labels.len());
            return Err(setting("split.fold", format!("\"{fold}\""), &expected));
        }
        Some(fold) => (0..labels.len()).map(|s| s * fold.of / labels.len() == fold.index - 1).collect(),
        None => {
            let there = |wanted: &&String| !labels.iter().any(|label| bare(label) == bare(wanted));
            if let Some(unknown) = spec.test_subjects.iter().find(there) {
                return Err(setting("split.test_subjects", unknown, &format!("one of {}", labels.join(", "))));
            }
            labels.iter().map(|label| spec.test_subjects.iter().any(|wanted| bare(wanted) == bare(label))).collect()
        }
    };
    if held.iter().all(|&held| held) {
        return Err(setting("split.test_subjects", labels.join(", "), "at least one subject that is left to train on"));
    }
    Ok(held)
}

/// Parts of a recording one after the other; `ends` are the shares at which all but the last one end.
///
/// A share of the epochs is rounded down. Groups go whole to the part in which their middle lies, where groups are laid
/// one after the other by their first epochs.
pub(in crate::data) fn in_order(n: usize, keys: Option<&[String]>, ends: &[f64], parts: &[Place]) -> Vec<Place> {
    let at =
        |is_before: &dyn Fn(f64) -> bool| parts[ends.iter().position(|&end| is_before(end)).unwrap_or(parts.len() - 1)];
    match keys {
        // A product that binary fractions leave just below a whole number counts as it: 0.7 * 90 gives 63.
        None => (0..n).map(|i| at(&|end| i < ((end * n as f64 + 1e-9).floor() as usize).min(n))).collect(),
        Some(_) => middles(n, keys).into_iter().map(|u| at(&|end| u < end)).collect(),
    }
}

/// Where in a recording each epoch, or the group that it belongs to, has its middle: 0 start, 1 end.
fn middles(n: usize, keys: Option<&[String]>) -> Vec<f64> {
    let Some(keys) = keys else { return (0..n).map(|i| (i as f64 + 0.5) / n as f64).collect() };
    let mut sizes: Vec<usize> = Vec::new();
    let mut index_of: HashMap<&str, usize> = HashMap::new();
    let groups: Vec<usize> = keys
        .iter()
        .map(|key| {
            let group = *index_of.entry(key).or_insert(sizes.len());
            if group == sizes.len() {
                sizes.push(0);
            }
            sizes[group] += 1;
            group
        })
        .collect();
    let mut before = 0;
    let middle: Vec<f64> = sizes
        .iter()
        .map(|&size| {
            let middle = (before as f64 + size as f64 / 2.0) / n as f64;
            before += size;
            middle
        })
        .collect();
    groups.into_iter().map(|group| middle[group]).collect()
}

/// The set of what lies at `u` in `[0, 1)` where the fold's part tests and the share `valid` after it validates, going
/// round.
fn by_fold(u: f64, fold: Fold, valid: f64) -> Place {
    // Counted in whole folds, so that rounding cannot put one epoch into two folds' test sets or into none.
    if (u * fold.of as f64) as usize == fold.index - 1 {
        return Place::In(Set::Test);
    }
    let after = (u - fold.index as f64 / fold.of as f64).rem_euclid(1.0);
    Place::In(if after < valid { Set::Valid } else { Set::Train })
}

fn by_hash(u: f64, spec: &SplitSpec) -> Place {
    match spec.fold {
        Some(fold) => by_fold(u, fold, spec.valid),
        None if u < spec.train => SETS[0],
        None if u < spec.train + spec.valid => SETS[1],
        None => SETS[2],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(places: &[Place]) -> [usize; 3] {
        Set::ALL.map(|set| places.iter().filter(|&&p| p == Place::In(set)).count())
    }

    #[test]
    fn shares_by_hand() {
        assert_eq!(counts(&in_order(90, None, &[0.7, 0.8], &SETS)), [63, 9, 18]);
        assert_eq!(counts(&in_order(0, None, &[0.7, 0.8], &SETS)), [0, 0, 0]);
        // Ten groups of three: seven train, one validates, two test.
        let keys: Vec<String> = (0..30).map(|i| (i / 3).to_string()).collect();
        assert_eq!(counts(&in_order(30, Some(&keys), &[0.7, 0.8], &SETS)), [21, 3, 6]);
    }

    #[test]
    fn every_epoch_tests_in_one_fold_and_groups_stay_whole() {
        for n in [2usize, 5, 7, 10, 33, 90] {
            for of in 2..=5 {
                let keys: Vec<String> = (0..n).map(|i| (i * 7 % 11).to_string()).collect();
                for keys in [None, Some(keys.as_slice())] {
                    let u = middles(n, keys);
                    let tested: Vec<usize> = u
                        .iter()
                        .map(|&u| (1..=of).filter(|&index| by_fold(u, Fold { index, of }, 0.1) == SETS[2]).count())
                        .collect();
                    assert!(tested.iter().all(|&t| t == 1), "{n} epochs, {of} folds: {tested:?}");
                    for (i, j) in (0..n).flat_map(|i| (0..i).map(move |j| (i, j))) {
                        assert!(keys.is_none_or(|k| k[i] != k[j]) || u[i].to_bits() == u[j].to_bits());
                    }
                }
            }
        }
    }

    #[test]
    fn folds_by_hand() {
        let sets = |index| -> String {
            let places = middles(10, None).into_iter().map(|u| by_fold(u, Fold { index, of: 5 }, 0.1));
            places.map(|p| ["t", "v", "x"][SETS.iter().position(|&s| s == p).unwrap()]).collect()
        };
        assert_eq!(sets(1), "xxvttttttt");
        assert_eq!(sets(3), "ttttxxvttt");
        assert_eq!(sets(5), "vtttttttxx");
    }
}
