//! What can be said of a cohort before it is divided into sets.

use std::collections::BTreeMap;

use dre::features::FeatureSummary;
use serde::Serialize;

/// Name of the audit in a cohort's folder, and in a run's.
pub const AUDIT_FILE: &str = "audit.json";

/// Content of a cohort's `audit.json`. Nothing is fitted and no epoch is cut before the sets are known; their audit is that
/// of the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CohortAudit {
    /// What the cohort was fitted on: nothing.
    pub fitted_on: &'static str,
    /// Recordings that hold the very same prepared data, together.
    pub identical_recordings: Vec<Vec<String>>,
    /// Values of the features over all recordings.
    pub features: Vec<FeatureSummary>,
}

impl CohortAudit {
    /// `by_hash`: recordings by the hash of their prepared data.
    pub fn new(by_hash: BTreeMap<String, Vec<String>>, features: Vec<FeatureSummary>) -> Self {
        let mut identical_recordings: Vec<Vec<String>> = by_hash.into_values().filter(|ids| ids.len() > 1).collect();
        identical_recordings.sort();
        Self { fitted_on: "nothing", identical_recordings, features }
    }
}
