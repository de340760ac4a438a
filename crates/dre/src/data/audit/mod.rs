//! What could leak from what scores into what fits, as far as it can be counted: shared samples, shared stimuli, epochs with nearly
//! the same data, and the reach of the filters. What else sets may have in common, such as slow drifts, is not.

mod duplicates;
mod reach;
mod stimuli;

use serde::{Deserialize, Serialize};

pub use duplicates::{Duplicates, NearDuplicate};
pub use reach::ReachAudit;
pub use stimuli::{StimuliAudit, SubjectStimuli};

use super::split::{n_sharing, one_or_many};
use super::{Dataset, Fold, LeakageAudit, Set, SplitMethod};
use crate::Result;
use crate::results::FloorResult;

/// What the audit looks at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditSpec {
    /// Columns of the events whose texts together name the stimulus; those of the split where empty, else a column that
    /// BIDS has for it (`stim_file`, `stim_id`).
    #[serde(deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub stimulus: Vec<String>,
    /// Epochs of two sets whose data correlate above this (mean over channels of Pearson's r across samples) are
    /// near-duplicates; 1 or more looks for none.
    pub duplicates_above: f64,
}

impl Default for AuditSpec {
    fn default() -> Self {
        Self { stimulus: Vec::new(), duplicates_above: 0.999 }
    }
}

/// Content of `audit.json`: counts of what the sets of a data set share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// Epochs by set and the pairs that share samples, all of which must be 0.
    #[serde(flatten)]
    pub samples: LeakageAudit,
    /// How the epochs were divided.
    pub split: SplitAudit,
    /// Stimuli seen on both sides.
    pub stimuli: StimuliAudit,
    /// What each recording's scaler was fitted on.
    pub scalers: Vec<ScalerAudit>,
    /// What the features' scaler was fitted on.
    pub feature_scaler: FeatureScalerAudit,
    /// Epochs of two sets with all but the same data.
    pub near_duplicates: Duplicates,
    /// How far the filters reach across borders; none where the processing is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<ReachAudit>,
    /// What processing alone predicts from the init windows of the models; empty where it is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub floors: Vec<FloorResult>,
}

/// How the epochs were divided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitAudit {
    /// What decided an epoch's set.
    pub method: SplitMethod,
    /// Columns that name the groups that stay whole.
    pub by: Vec<String>,
    /// The fold that tests.
    pub fold: Option<Fold>,
    /// Subjects that are held out.
    pub held_out: Vec<String>,
    /// Shares of training, validation and test epochs among those used.
    pub shares: [f64; 3],
    /// Epochs dropped because they overlap another set's, or lie nearer to them than the gap.
    pub n_border: usize,
    /// Recordings that are used.
    pub n_recordings: usize,
    /// Recordings with epochs in more than one set; only where whole subjects are held out can none of them be in the test
    /// set and another one.
    pub n_recordings_in_several_sets: usize,
    /// Recordings with test epochs and epochs of another set.
    pub n_recordings_in_test_and_other: usize,
}

/// What one recording's scaler was fitted on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScalerAudit {
    /// The recording.
    pub recording: String,
    /// `training`, or `calibration` for a held-out subject.
    pub set: String,
    /// Number of epochs.
    pub n_epochs: usize,
    /// How many of these share a sample with a validation or test epoch; must be 0.
    pub n_sharing_held_out: usize,
}

/// What the features' scaler was fitted on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureScalerAudit {
    /// Always `training`.
    pub set: String,
    /// Number of epochs, over all recordings.
    pub n_epochs: usize,
    /// Features that are constant there and so tell the models nothing.
    pub constant: Vec<String>,
}

impl Audit {
    /// Whether the sets share no sample and no near-duplicate. Stimuli on both sides are no fault in themselves, and the reach of
    /// the filters is what the study's gap says.
    pub fn is_clean(&self) -> bool {
        self.samples.is_clean() && self.near_duplicates.n_pairs() == 0
    }

    /// What a reader of the results should know of, a sentence each; none where all is well.
    pub fn findings(&self) -> Vec<String> {
        let mut found = Vec::new();
        let s = &self.samples;
        if !s.is_clean() {
            found.push(format!(
                "sets share samples: {} pairs of training and validation, {} of training and test, {} of validation and \
                 test epochs; {} pairs of a scaler's and a held-out epoch",
                s.n_train_sharing_valid, s.n_train_sharing_test, s.n_valid_sharing_test, s.n_scaler_sharing_held_out
            ));
        }
        let duplicates = &self.near_duplicates;
        if let Some(first) = duplicates.examples.first() {
            found.push(format!(
                "{}{} pairs of epochs in different sets have nearly the same data (r above {}), such as {} and {} (r = \
                 {:.5}); is a recording there twice?",
                if duplicates.complete { "" } else { "at least " },
                duplicates.n_pairs(),
                duplicates.above,
                first.first,
                first.second,
                first.r
            ));
        }
        found.extend(self.reach.as_ref().and_then(ReachAudit::finding));
        found
    }
}

impl Dataset {
    /// Counts what the sets share: samples, stimuli, near-duplicates; and what the scalers were fitted on. How the data were prepared
    /// it cannot know: [`Audit::reach`] ([`Dataset::reach_audit`]) and [`Audit::floors`] are the caller's to fill in.
    ///
    /// Reads every epoch once; see [`Duplicates`] for the cost of looking for near-duplicates. The result does not depend
    /// on `n_threads`.
    ///
    /// # Errors
    /// [`crate::Error::NoColumn`] where a column of `spec.stimulus` is not there; [`crate::Error::Setting`] for a threshold
    /// that is not above 0.5.
    pub fn full_audit(&self, spec: &AuditSpec, n_threads: usize) -> Result<Audit> {
        Ok(Audit {
            samples: self.audit(),
            split: self.split_audit(),
            stimuli: stimuli::audit(self, spec)?,
            scalers: self.scaler_audits(),
            feature_scaler: FeatureScalerAudit {
                set: Set::Train.name().to_owned(),
                n_epochs: self.epochs(Set::Train).len(),
                constant: self.constant_features().into_iter().map(str::to_owned).collect(),
            },
            near_duplicates: duplicates::find(self, spec.duplicates_above, n_threads)?,
            reach: None,
            floors: Vec::new(),
        })
    }

    fn split_audit(&self) -> SplitAudit {
        let n = Set::ALL.map(|set| self.epochs(set).len());
        let mut sets_of = vec![[false; 3]; self.cohort().recordings.len()];
        for set in Set::ALL {
            self.epochs(set).iter().for_each(|epoch| sets_of[epoch.recording][set as usize] = true);
        }
        let several = |sets: &&[bool; 3]| sets.iter().filter(|&&there| there).count() > 1;
        let held_out = (0..self.n_subjects()).filter(|&s| self.is_held_out(s));
        SplitAudit {
            method: self.split().method,
            by: self.split().by.clone(),
            fold: self.split().fold,
            held_out: held_out.map(|s| self.subjects()[s].clone()).collect(),
            shares: n.map(|n_set| n_set as f64 / n.iter().sum::<usize>() as f64),
            n_border: self.summary(Vec::new()).subjects.iter().map(|s| s.n_border).sum(),
            n_recordings: sets_of.iter().filter(|sets| sets.contains(&true)).count(),
            n_recordings_in_several_sets: sets_of.iter().filter(several).count(),
            n_recordings_in_test_and_other: sets_of.iter().filter(|sets| sets[2] && (sets[0] || sets[1])).count(),
        }
    }

    fn scaler_audits(&self) -> Vec<ScalerAudit> {
        let mut held: Vec<Vec<usize>> = vec![Vec::new(); self.cohort().recordings.len()];
        for epoch in [Set::Valid, Set::Test].into_iter().flat_map(|set| self.epochs(set)) {
            held[epoch.recording].push(epoch.start);
        }
        for starts in &mut held {
            starts.sort_unstable();
        }
        let mut subject_held_out = vec![false; held.len()];
        for epoch in self.epochs(Set::Test) {
            subject_held_out[epoch.recording] = self.is_held_out(epoch.subject);
        }
        self.scalers()
            .map(|(recording, _)| {
                let starts = &self.scaler_starts()[recording];
                let shares = |start: &&usize| n_sharing(**start, &held[recording], self.n_times()) > 0;
                ScalerAudit {
                    recording: self.cohort().recordings[recording].id.clone(),
                    set: if subject_held_out[recording] { "calibration" } else { Set::Train.name() }.to_owned(),
                    n_epochs: starts.len(),
                    n_sharing_held_out: starts.iter().filter(shares).count(),
                }
            })
            .collect()
    }
}
