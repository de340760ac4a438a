//! Statistics across subjects: signed-rank test, false discovery rate, clusters in time and over sensors.
//!
//! Everything is a function of numbers: maps are `(n_subjects, n_channels, n_times)`, a value that is not finite is one that
//! the subject does not have.

mod adjacency;
mod bootstrap;
mod clusters;
mod fdr;
mod group;
mod permutation;
mod places;
mod seeds;
mod wilcoxon;

pub use adjacency::Adjacency;
pub use bootstrap::{Interval, bootstrap_mean, bootstrap_ratio};
pub use clusters::{Cluster, ClusterTest, Enhancement, Threshold, cluster_test, tfce_test};
pub use fdr::false_discovery_rate;
pub(crate) use group::adjust_comparisons;
pub use group::{LEAST_SUBJECTS, compare_models, group_note, test_group};
pub use permutation::{PermutationSpec, Tail};
pub(crate) use places::{Places, SIGNIFICANT};
pub use seeds::compare_fits;
pub use wilcoxon::{Method, SignedRank, signed_rank};
