//! Sensors of MEG systems, from tables of measured places.
//!
//! The places and directions are those of a CTF 275 and a Neuromag Vectorview system, as the recordings that MNE-Python
//! is tested with state them, rounded to 0.1 mm and four digits. The one gradiometer that was off in the CTF recording
//! (MLO42) is its right twin mirrored.

use super::{Coil, CoilKind, Sensor};
use crate::data::ChannelType;
use crate::simulate::vector::{cross, dot, scale, sub, unit};

const CTF275: &str = include_str!("ctf275.tsv");
const NEUROMAG306: &str = include_str!("neuromag306.tsv");

/// Name, place (m) and further numbers of each row.
fn rows(text: &'static str) -> impl Iterator<Item = (&'static str, [f64; 3], Vec<f64>)> {
    text.lines().skip(1).map(|line| {
        let mut fields = line.split('\t');
        let name = fields.next().unwrap_or_default();
        let numbers: Vec<f64> = fields.map(|field| field.parse().expect("the table holds numbers")).collect();
        (name, [0, 1, 2].map(|i| numbers[i] * 1e-3), numbers[3..].to_vec())
    })
}

pub(super) fn ctf275() -> Vec<Sensor> {
    rows(CTF275)
        .map(|(name, position, n)| {
            let normal = unit([n[0], n[1], n[2]]);
            // The coil is round: any direction across will do, here the one nearest to the right.
            let x = unit(sub([1.0, 0.0, 0.0], scale(normal, normal[0])));
            let axes = [x, cross(normal, x), normal];
            let coil = Some(Coil { kind: CoilKind::CtfAxial, axes });
            Sensor { name: name.to_owned(), kind: ChannelType::Mag, position, coil }
        })
        .collect()
}

pub(super) fn neuromag306() -> Vec<Sensor> {
    rows(NEUROMAG306)
        .flat_map(|(name, position, n)| {
            let x = unit([n[0], n[1], n[2]]);
            let y = [n[3], n[4], n[5]];
            let y = unit(sub(y, scale(x, dot(x, y))));
            let z = cross(x, y);
            let sensor = |digit: char, kind, coil, axes| Sensor {
                name: format!("{name}{digit}"),
                kind,
                position,
                coil: Some(Coil { kind: coil, axes }),
            };
            [
                sensor('3', ChannelType::Grad, CoilKind::NeuromagPlanar, [x, y, z]),
                sensor('2', ChannelType::Grad, CoilKind::NeuromagPlanar, [y, scale(x, -1.0), z]),
                sensor('1', ChannelType::Mag, CoilKind::NeuromagMagnetometer, [x, y, z]),
            ]
        })
        .collect()
}
