//! From points of a map to names of channels and times.

use std::ops::Range;

use ndarray::{ArrayRef3, s};

use super::{Adjacency, ClusterTest, PermutationSpec, Tail, Threshold, cluster_test};
use crate::Result;
use crate::data::Channel;
use crate::results::{ClusterResult, ClusterSummary};

/// Clusters up to this p are reported.
pub(crate) const SIGNIFICANT: f64 = 0.05;

/// What the rows and columns of maps `(n_subjects, n_channels, n_times)` are, and which samples of them are tested.
#[derive(Clone, Debug)]
pub(crate) struct Places<'a> {
    pub(crate) channels: &'a [Channel],
    /// Time (s) of each sample of the epoch.
    pub(crate) times: &'a [f64],
    /// The samples that are tested.
    pub(crate) window: Range<usize>,
}

impl Places<'_> {
    /// Neighbours by position, and whether there are any; without positions each channel stands alone.
    pub(crate) fn adjacency(&self) -> (Adjacency, bool) {
        let positions: Vec<_> = self.channels.iter().map(|channel| channel.position).collect();
        let by_position = Adjacency::from_positions(&positions);
        let over_sensors = by_position.is_some();
        (by_position.unwrap_or_else(|| Adjacency::none(self.channels.len())), over_sensors)
    }

    /// The cluster test of whole maps within the window.
    ///
    /// # Errors
    /// As [`cluster_test`].
    pub(crate) fn test(&self, maps: &ArrayRef3<f64>, tail: Tail, spec: &PermutationSpec) -> Result<ClusterSummary> {
        let (adjacency, over_sensors) = self.adjacency();
        let inside = maps.slice(s![.., .., self.window.clone()]);
        let test = cluster_test(&inside, &adjacency, Threshold::Standard, tail, spec)?;
        Ok(self.summary(&test, over_sensors))
    }

    fn summary(&self, test: &ClusterTest, over_sensors: bool) -> ClusterSummary {
        let significant = test.clusters.iter().filter(|cluster| cluster.p <= SIGNIFICANT);
        ClusterSummary {
            over_sensors,
            n_permutations: test.n_permutations,
            exact: test.is_exact,
            smallest_p: test.clusters.first().map(|cluster| cluster.p),
            significant: significant.map(|cluster| self.described(&cluster.points, cluster.p)).collect(),
        }
    }

    /// Points `(channel, sample of the window)` as people name them.
    pub(crate) fn described(&self, points: &[(usize, usize)], p: f64) -> ClusterResult {
        let mut rows: Vec<usize> = points.iter().map(|point| point.0).collect();
        rows.dedup();
        let first = points.iter().map(|point| point.1).min().unwrap_or(0);
        let last = points.iter().map(|point| point.1).max().unwrap_or(0);
        ClusterResult {
            start: self.times[self.window.start + first],
            end: self.times[self.window.start + last],
            channels: rows.into_iter().map(|c| self.channels[c].name.clone()).collect(),
            points: points.iter().map(|&(c, t)| (c, self.window.start + t)).collect(),
            p,
        }
    }
}
