//! Which sensors are neighbours.

use delaunator::{Point, triangulate};

use super::clusters::Grid;

/// Neighbours of each channel, symmetric, without the channel itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjacency {
    neighbours: Vec<Vec<usize>>,
}

impl Adjacency {
    /// From pairs of channels. Pairs may be given once or in both orders; a pair outside `n_channels` is passed over.
    pub fn from_pairs(n_channels: usize, pairs: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut neighbours = vec![Vec::new(); n_channels];
        for (a, b) in pairs {
            if a != b && a < n_channels && b < n_channels {
                neighbours[a].push(b);
                neighbours[b].push(a);
            }
        }
        for list in &mut neighbours {
            list.sort_unstable();
            list.dedup();
        }
        Self { neighbours }
    }

    /// From the channels' positions (m), by the Delaunay triangulation of their azimuthal projection around the mean position's
    /// sphere, as is usual for sensors on a head. Channels at the same place (a Neuromag triplet) are neighbours, and share
    /// their neighbours.
    ///
    /// None where fewer than three places differ, or a position is not known.
    pub fn from_positions(positions: &[Option<[f64; 3]>]) -> Option<Self> {
        let known: Vec<[f64; 3]> = positions.iter().copied().collect::<Option<_>>()?;
        let flat = project(&known);
        // Channels within a millimetre are one place.
        let mut places: Vec<usize> = Vec::new();
        let place_of: Vec<usize> = (0..known.len())
            .map(|i| {
                let near = |&&j: &&usize| known[i].iter().zip(known[j]).all(|(a, b)| (a - b).abs() < 1e-3);
                let found = places.iter().position(|j| near(&j));
                found.unwrap_or_else(|| {
                    places.push(i);
                    places.len() - 1
                })
            })
            .collect();
        let points: Vec<Point> = places.iter().map(|&i| Point { x: flat[i][0], y: flat[i][1] }).collect();
        let triangles = triangulate(&points).triangles;
        if triangles.is_empty() {
            return None;
        }
        let mut adjacent = vec![vec![false; places.len()]; places.len()];
        for corners in triangles.chunks_exact(3) {
            for (a, b) in [(0, 1), (1, 2), (2, 0)] {
                adjacent[corners[a]][corners[b]] = true;
                adjacent[corners[b]][corners[a]] = true;
            }
        }
        let n = known.len();
        let pairs = (0..n).flat_map(|a| (0..a).map(move |b| (a, b)));
        let joined = pairs.filter(|&(a, b)| place_of[a] == place_of[b] || adjacent[place_of[a]][place_of[b]]);
        Some(Self::from_pairs(n, joined))
    }

    /// No two channels are neighbours: clusters extend in time only.
    pub fn none(n_channels: usize) -> Self {
        Self { neighbours: vec![Vec::new(); n_channels] }
    }

    /// Number of channels.
    pub fn n_channels(&self) -> usize {
        self.neighbours.len()
    }

    /// Points `(channel, time)` of `n_times` times for which `is_in` holds, joined where they touch in time or over
    /// neighbouring channels; each group ascends.
    pub fn joined(&self, n_times: usize, is_in: impl Fn(usize, usize) -> bool) -> Vec<Vec<(usize, usize)>> {
        let grid = Grid { adjacency: self, n_times };
        let (labels, n) = grid.label(|i| is_in(i / n_times, i % n_times));
        let mut groups = vec![Vec::new(); n];
        for (i, &label) in labels.iter().enumerate().filter(|(_, label)| **label < n) {
            groups[label].push((i / n_times, i % n_times));
        }
        groups
    }

    /// Neighbours of a channel, ascending.
    ///
    /// # Panics
    /// Where there is no such channel.
    pub fn of(&self, channel: usize) -> &[usize] {
        &self.neighbours[channel]
    }
}

/// Azimuthal equidistant projection: direction kept, distance from the top as an angle.
fn project(positions: &[[f64; 3]]) -> Vec<[f64; 2]> {
    let n = positions.len().max(1) as f64;
    let mut centre =
        positions.iter().fold([0.0; 3], |sum, p| [sum[0] + p[0] / n, sum[1] + p[1] / n, sum[2] + p[2] / n]);
    // Sensors cover the upper part of a head: the middle of the sphere lies below their mean.
    centre[2] = positions.iter().map(|p| p[2]).fold(f64::INFINITY, f64::min).min(centre[2]);
    positions
        .iter()
        .map(|p| {
            let [x, y, z] = [p[0] - centre[0], p[1] - centre[1], p[2] - centre[2]];
            let flat = x.hypot(y);
            let angle = flat.atan2(z);
            if flat > 0.0 { [angle * x / flat, angle * y / flat] } else { [0.0, 0.0] }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_on_a_grid() {
        // 3 × 3 sensors on a slightly curved sheet, a second sensor at the middle.
        let mut positions: Vec<Option<[f64; 3]>> = (0..9)
            .map(|i| {
                let (x, y) = (f64::from(i % 3) - 1.0, f64::from(i / 3) - 1.0);
                Some([0.05 * x, 0.051 * y, 0.1 - 0.01 * (x * x + y * y)])
            })
            .collect();
        positions.push(positions[4]);
        let adjacency = Adjacency::from_positions(&positions).unwrap();
        for side in [1, 3, 5, 7, 9] {
            assert!(adjacency.of(4).contains(&side), "{:?}", adjacency.of(4));
        }
        assert!(!adjacency.of(0).contains(&8) && !adjacency.of(0).contains(&2));
        assert!((0..10).all(|a| adjacency.of(a).iter().all(|&b| adjacency.of(b).contains(&a))));
    }

    #[test]
    fn no_positions_no_neighbours() {
        assert_eq!(Adjacency::from_positions(&[Some([0.0; 3]), None, Some([1.0; 3])]), None);
        assert_eq!(Adjacency::from_positions(&[Some([0.0; 3]); 5]), None);
    }
}
