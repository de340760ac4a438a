//! Which recordings and subjects are used, and why others are not.

use super::prepare::{Candidates, Prepared};
use super::{CleaningSpec, Cohort, LEAST_EPOCHS, Set};
use crate::results::Exclusion;

/// Which recordings are used, and why others are not.
pub(super) struct Choice {
    pub(super) used: Vec<bool>,
    pub(super) excluded: Vec<Exclusion>,
}

impl Choice {
    pub(super) fn new(cohort: &Cohort) -> Self {
        Self { used: vec![true; cohort.recordings.len()], excluded: Vec::new() }
    }

    pub(super) fn leave_out(&mut self, recording: usize, id: &str, reason: String) {
        self.used[recording] = false;
        self.excluded.push(Exclusion { what: id.to_owned(), reason });
    }

    /// Leaves out all recordings of a subject, if any is still used.
    fn leave_out_subject(&mut self, cohort: &Cohort, subject: usize, reason: impl FnOnce() -> String) {
        let mut any = false;
        for (used, recording) in self.used.iter_mut().zip(&cohort.recordings) {
            any |= *used && recording.subject == subject;
            *used &= recording.subject != subject;
        }
        if any {
            self.excluded.push(Exclusion { what: cohort.subjects[subject].clone(), reason: reason() });
        }
    }

    pub(super) fn leave_out_small(&mut self, cohort: &Cohort, found: &[Candidates], cleaning: &CleaningSpec) {
        for (i, recording) in cohort.recordings.iter().enumerate() {
            let (n, least) = (found[i].epochs.len(), cleaning.min_epochs_per_recording);
            if self.used[i] && n < least {
                self.leave_out(i, &recording.id, format!("{n} epochs, fewer than min_epochs_per_recording = {least}"));
            }
        }
        for subject in 0..cohort.subjects.len() {
            let n: usize = (0..found.len())
                .filter(|&i| self.used[i] && cohort.recordings[i].subject == subject)
                .map(|i| found[i].epochs.len())
                .sum();
            let least = cleaning.min_epochs_per_subject;
            if n < least {
                self.leave_out_subject(cohort, subject, || {
                    format!("{n} epochs, fewer than min_epochs_per_subject = {least}")
                });
            }
        }
    }

    /// Leaves out subjects that cannot be fitted, chosen for or scored; held-out subjects are only scored, and then the
    /// others are not.
    pub(super) fn leave_out_empty(&mut self, cohort: &Cohort, ready: &[Option<Prepared>], held_out: &[bool]) {
        let by_subject = held_out.contains(&true);
        for (subject, &held_out) in held_out.iter().enumerate() {
            let mut n = [0; 3];
            for (i, one) in ready.iter().enumerate() {
                if let (true, Some(one)) = (self.used[i] && cohort.recordings[i].subject == subject, one) {
                    for (n, list) in n.iter_mut().zip(&one.sets) {
                        *n += list.len();
                    }
                }
            }
            let least = match (by_subject, held_out) {
                (false, _) => [1, LEAST_EPOCHS, LEAST_EPOCHS],
                (true, true) => [0, 0, LEAST_EPOCHS],
                (true, false) => [1, LEAST_EPOCHS, 0],
            };
            if let Some(s) = (0..3).find(|&s| n[s] < least[s]) {
                self.leave_out_subject(cohort, subject, || {
                    format!("{} {} epochs left, at least {} needed", n[s], Set::ALL[s].name(), least[s])
                });
            }
        }
    }
}
