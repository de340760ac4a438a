//! Where sensors stand on a map: directions from the middle of the head, and places in the plane.

use std::f64::consts::FRAC_PI_2;

use dre::data::{Channel, ChannelType};
use serde::Serialize;

use super::montage;
use crate::format;

/// Fewer places than this are no map.
const MIN_SITES: usize = 4;
/// Middle of the head (m) where positions do not determine it: MNE-Python's default sphere, in head coordinates.
const DEFAULT_CENTRE: [f64; 3] = [0.0, 0.0, 0.04];
/// Radii (m) that a fitted sphere may have, from an infant's head to a MEG helmet.
const RADII: (f64, f64) = (0.04, 0.16);
/// A fitted middle farther than this (m) from the origin is not that of a head.
const MAX_SHIFT: f64 = 0.09;
/// Directions whose cosine is nearer to 1 than this are one place.
const SAME_PLACE: f64 = 1e-6;
/// The farthest sensor lies at this share of the outline's radius at most.
const MARGIN: f64 = 0.95;

/// One place on a map and the channels that are combined there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Site {
    /// What it is called: its channels' names.
    pub(crate) name: String,
    /// Indices of its channels in the cohort: two of a pair of planar gradiometers, else one.
    pub(crate) channels: Vec<usize>,
    /// Unit vector from the middle of the head: right, front, up.
    pub(crate) direction: [f64; 3],
    /// Right and front, in radii of the outline.
    pub(crate) place: [f64; 2],
}

/// The sensors of one type that have a place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sensors {
    pub(crate) kind: ChannelType,
    pub(crate) sites: Vec<Site>,
    /// Polar angle (radians) at the outline.
    pub(crate) edge: f64,
}

/// Numbers of one group of sensors for the page's script.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SensorsStore {
    names: Vec<String>,
    /// Three numbers per site.
    directions: Vec<f64>,
    /// Two numbers per site.
    places: Vec<f64>,
    edge: f64,
}

/// Sensors of a cohort by type, in the order in which types appear, and what cannot be shown, as sentences.
#[derive(Clone, Debug, Default)]
pub(crate) struct Montage {
    pub(crate) groups: Vec<Sensors>,
    pub(crate) notes: Vec<String>,
}

impl Montage {
    /// Projects the positions of `channels`. EEG channels without any position stand where an ideal head has them, if all
    /// have names of the 10–10 system.
    pub(crate) fn new(channels: &[Channel]) -> Self {
        let mut out = Self::default();
        let mut kinds: Vec<ChannelType> = Vec::new();
        for channel in channels {
            if !kinds.contains(&channel.kind) {
                kinds.push(channel.kind);
            }
        }
        for kind in kinds {
            let of_kind: Vec<usize> = (0..channels.len()).filter(|c| channels[*c].kind == kind).collect();
            if !matches!(kind, ChannelType::Mag | ChannelType::Grad | ChannelType::Eeg | ChannelType::Csd) {
                out.notes.push(format!("{kind} channels are not sensors over the head, so they have no map."));
                continue;
            }
            let mut named = false;
            let mut positions: Vec<Option<[f64; 3]>> = of_kind.iter().map(|c| usable(channels[*c].position)).collect();
            let mut centre = centre(&positions);
            if kind == ChannelType::Eeg && positions.iter().all(Option::is_none) {
                let ideal: Vec<_> = of_kind.iter().map(|c| montage::position(&channels[*c].name)).collect();
                if ideal.iter().flatten().count() >= MIN_SITES {
                    (positions, centre, named) = (ideal, [0.0; 3], true);
                }
            }
            let directions: Vec<Option<[f64; 3]>> = positions.iter().map(|p| direction((*p)?, centre)).collect();
            let n_missing = directions.iter().filter(|d| d.is_none()).count();
            let sensors = Sensors::new(kind, channels, &of_kind, &directions);
            let what = format::counted(of_kind.len(), &format!("{kind} channel"), &format!("{kind} channels"));
            if n_missing == of_kind.len() {
                out.notes.push(format!("No map of the {what}: no position is known."));
            } else if sensors.sites.len() < MIN_SITES {
                out.notes.push(format!(
                    "No map of the {what}: their positions give {}, and a map needs {MIN_SITES}.",
                    format::counted(sensors.sites.len(), "place", "places")
                ));
            } else {
                if n_missing > 0 {
                    let without = if named { "a name of the 10–10 system" } else { "a position" };
                    let n = format::count(n_missing);
                    out.notes.push(format!("Maps leave out {n} of the {what}, without {without}."));
                }
                if named {
                    out.notes.push(
                        "The data hold no electrode positions; maps show them by name, where an ideal round head has them."
                            .to_owned(),
                    );
                }
                out.groups.push(sensors);
            }
        }
        out
    }

    /// What is not shown, as one text; empty where nothing is to be said.
    pub(crate) fn note(&self) -> String {
        self.notes.join(" ")
    }
}

impl Sensors {
    fn new(kind: ChannelType, channels: &[Channel], of_kind: &[usize], directions: &[Option<[f64; 3]>]) -> Self {
        let mut sites: Vec<Site> = Vec::new();
        for (&c, direction) in of_kind.iter().zip(directions) {
            let Some(direction) = *direction else { continue };
            if let Some(site) = sites.iter_mut().find(|s| 1.0 - dot(s.direction, direction) < SAME_PLACE) {
                site.channels.push(c);
                site.name = format!("{} + {}", site.name, channels[c].name);
            } else {
                let name = channels[c].name.clone();
                sites.push(Site { name, channels: vec![c], direction, place: [0.0; 2] });
            }
        }
        let farthest = sites.iter().map(|s| s.direction[2].clamp(-1.0, 1.0).acos()).fold(0.0, f64::max);
        let edge = (farthest / MARGIN).max(FRAC_PI_2);
        for site in &mut sites {
            site.place = project(site.direction, edge);
        }
        Self { kind, sites, edge }
    }

    /// Whether pairs of channels share places, as planar gradiometers do.
    pub(crate) fn paired(&self) -> bool {
        self.sites.iter().any(|s| s.channels.len() > 1)
    }

    pub(crate) fn directions(&self) -> Vec<[f64; 3]> {
        self.sites.iter().map(|s| s.direction).collect()
    }

    pub(crate) fn store(&self) -> SensorsStore {
        let round = |v: &f64| crate::store::rounded(*v, 5);
        SensorsStore {
            names: self.sites.iter().map(|s| s.name.clone()).collect(),
            directions: self.sites.iter().flat_map(|s| s.direction.iter().map(round)).collect(),
            places: self.sites.iter().flat_map(|s| s.place.iter().map(round)).collect(),
            edge: self.edge,
        }
    }
}

/// Azimuthal equidistant projection around the vertex, nose up, as MNE-Python's topographies: distance from the middle is
/// the polar angle; `edge` is that at the outline, whose radius is 1.
pub(crate) fn project([x, y, z]: [f64; 3], edge: f64) -> [f64; 2] {
    let polar = z.clamp(-1.0, 1.0).acos();
    let flat = x.hypot(y);
    if flat < 1e-12 { [0.0, 0.0] } else { [x / flat * polar / edge, y / flat * polar / edge] }
}

/// The direction that [`project`] puts at `place`.
pub(crate) fn unproject([u, v]: [f64; 2], edge: f64) -> [f64; 3] {
    let radius = u.hypot(v);
    if radius < 1e-12 {
        return [0.0, 0.0, 1.0];
    }
    let polar = radius * edge;
    [u / radius * polar.sin(), v / radius * polar.sin(), polar.cos()]
}

pub(crate) fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// None for a position that is not finite, or exactly at the origin, where formats write what they do not know.
fn usable(position: Option<[f64; 3]>) -> Option<[f64; 3]> {
    position.filter(|p| p.iter().all(|v| v.is_finite()) && p.iter().any(|v| *v != 0.0))
}

fn direction(position: [f64; 3], centre: [f64; 3]) -> Option<[f64; 3]> {
    let from: [f64; 3] = std::array::from_fn(|i| position[i] - centre[i]);
    let length = dot(from, from).sqrt();
    (length > 1e-6).then(|| from.map(|v| v / length))
}

/// Middle of the sphere through the positions, by least squares on |p|² = 2 c·p + k; [`DEFAULT_CENTRE`] where that is no
/// head, since few or coplanar positions do not determine a sphere.
fn centre(positions: &[Option<[f64; 3]>]) -> [f64; 3] {
    let points: Vec<[f64; 3]> = positions.iter().flatten().copied().collect();
    if points.len() < 2 * MIN_SITES {
        return DEFAULT_CENTRE;
    }
    let mut normal = [[0.0; 5]; 4];
    for p in &points {
        let row = [2.0 * p[0], 2.0 * p[1], 2.0 * p[2], 1.0, dot(*p, *p)];
        for (i, line) in normal.iter_mut().enumerate() {
            for (sum, v) in line.iter_mut().zip(row) {
                *sum += row[i] * v;
            }
        }
    }
    let Some([x, y, z, k]) = solve(normal) else { return DEFAULT_CENTRE };
    let fitted = [x, y, z];
    let radius = (k + dot(fitted, fitted)).sqrt();
    let is_head = (RADII.0..=RADII.1).contains(&radius) && dot(fitted, fitted).sqrt() <= MAX_SHIFT;
    if is_head { fitted } else { DEFAULT_CENTRE }
}

/// Gauss's elimination with pivots of four equations; none where they are singular.
fn solve(mut a: [[f64; 5]; 4]) -> Option<[f64; 4]> {
    for i in 0..4 {
        let scale = a[i..].iter().map(|row| row[i].abs()).fold(0.0, f64::max);
        let pivot = (i..4).max_by(|p, q| a[*p][i].abs().total_cmp(&a[*q][i].abs()))?;
        if scale < 1e-9 {
            return None;
        }
        a.swap(i, pivot);
        let upper = a[i];
        for row in a.iter_mut().skip(i + 1) {
            let factor = row[i] / upper[i];
            row.iter_mut().zip(upper).for_each(|(v, u)| *v -= factor * u);
        }
    }
    let mut x = [0.0; 4];
    for i in (0..4).rev() {
        let known: f64 = (i + 1..4).map(|j| a[i][j] * x[j]).sum();
        x[i] = (a[i][4] - known) / a[i][i];
    }
    Some(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(name: &str, kind: ChannelType, position: Option<[f64; 3]>) -> Channel {
        Channel { name: name.to_owned(), kind, position }
    }

    #[test]
    fn the_vertex_is_in_the_middle_and_the_nose_is_up() {
        let vertex = project([0.0, 0.0, 1.0], FRAC_PI_2);
        assert!(vertex[0].hypot(vertex[1]) < 1e-12);
        let front = project([0.0, 1.0, 0.0], FRAC_PI_2);
        assert!(front[0].abs() < 1e-12 && (front[1] - 1.0).abs() < 1e-12);
        // Half way down on the right: equal angles are equal distances.
        let half = project([0.5f64.sqrt(), 0.0, 0.5f64.sqrt()], FRAC_PI_2);
        assert!((half[0] - 0.5).abs() < 1e-12 && half[1].abs() < 1e-12);
    }

    #[test]
    fn unprojecting_undoes_projecting() {
        for d in [[0.6, 0.0, 0.8], [-0.48, 0.64, 0.6], [0.6, -0.64, -0.48]] {
            let back = unproject(project(d, 2.0), 2.0);
            assert!((dot(back, d) - 1.0).abs() < 1e-12, "{d:?} {back:?}");
        }
    }

    #[test]
    fn the_sphere_behind_positions_is_found() {
        let truth = [0.003, -0.011, 0.047];
        let on_sphere = |d: [f64; 3]| Some(std::array::from_fn(|i| truth[i] + 0.095 * d[i]));
        let directions = [
            [0.6, 0.0, 0.8],
            [-0.6, 0.0, 0.8],
            [0.0, 0.6, 0.8],
            [0.0, -0.6, 0.8],
            [1.0, 0.0, 0.0],
            [0.0, 1.0, 0.0],
            [0.0, 0.0, 1.0],
            [-0.48, 0.64, 0.6],
        ];
        let found = centre(&directions.map(on_sphere));
        assert!(found.iter().zip(truth).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?}");
        // Four electrodes in a plane do not determine a sphere.
        let undetermined = centre(&directions.map(on_sphere)[..4]);
        assert!(undetermined.iter().zip(DEFAULT_CENTRE).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn channels_without_a_place_are_named_by_count() {
        let kind = ChannelType::Mag;
        let mut channels: Vec<Channel> = (0..6)
            .map(|i| channel(&format!("M{i}"), kind, Some([0.1 * f64::from(i).sin(), 0.1 * f64::from(i).cos(), 0.02])))
            .collect();
        channels[0].position = None;
        channels[1].position = Some([0.0; 3]);
        let montage = Montage::new(&channels);
        assert_eq!(montage.groups[0].sites.len(), 4);
        assert_eq!(montage.note(), "Maps leave out 2 of the 6 mag channels, without a position.");
    }

    #[test]
    fn no_map_is_made_of_too_few_places() {
        let same = |n: &str| channel(n, ChannelType::Mag, Some([0.0, 0.05, 0.08]));
        let montage = Montage::new(&[same("a"), same("b"), same("c"), same("d"), same("e")]);
        assert!(montage.groups.is_empty());
        assert!(montage.note().contains("their positions give 1 place, and a map needs 4"), "{}", montage.note());
        let montage = Montage::new(&[channel("M1", ChannelType::Mag, None)]);
        assert_eq!(montage.note(), "No map of the 1 mag channel: no position is known.");
        let montage = Montage::new(&[channel("S1", ChannelType::Seeg, Some([0.0, 0.01, 0.02]))]);
        assert!(montage.note().starts_with("seeg channels are not sensors over the head"));
    }

    #[test]
    fn planar_gradiometers_of_one_place_are_a_pair() {
        let at = |i: i32| Some([0.1 * f64::from(i).sin(), 0.1 * f64::from(i).cos(), 0.03]);
        let channels: Vec<Channel> =
            (0..10).map(|i| channel(&format!("MEG{i}"), ChannelType::Grad, at(i / 2))).collect();
        let montage = Montage::new(&channels);
        let sensors = &montage.groups[0];
        assert!(sensors.paired());
        assert_eq!(sensors.sites.len(), 5);
        assert_eq!(sensors.sites[1].channels, [2, 3]);
        assert_eq!(sensors.sites[1].name, "MEG2 + MEG3");
    }

    #[test]
    fn no_sensor_leaves_the_outline() {
        let channels: Vec<Channel> = (0..12)
            .map(|i| {
                channel(
                    &format!("M{i}"),
                    ChannelType::Mag,
                    Some([0.08 * f64::from(i).sin(), 0.08 * f64::from(i).cos(), 0.01 * f64::from(i) - 0.06]),
                )
            })
            .collect();
        let montage = Montage::new(&channels);
        let far = montage.groups[0].sites.iter().map(|s| s.place[0].hypot(s.place[1])).fold(0.0, f64::max);
        assert!(far <= MARGIN + 1e-12 && far > 0.9, "{far}");
    }
}
