//! The head coils (`.hc`) and what follows from them: where the head was.

use std::path::Path;

use crate::recording::{DigKind, DigPoint};
use crate::{Error, Result};

use super::geometry::{DEVICE, Transform, Vector, align, apply, inverse, norm, plus, product, to_head};
use super::text::{finite, lines, shown};

/// A coil at a landmark of the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Landmark {
    Left,
    Right,
    Nasion,
    Spare,
}

/// In which coordinates a position is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    Device,
    Head,
}

/// A measured position (m) of a coil.
#[derive(Clone, Copy, Debug)]
struct Measured {
    landmark: Landmark,
    frame: Frame,
    position: Vector,
}

/// Where the head was.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    /// From CTF's head coordinates to those of MNE-Python.
    pub(super) from_ctf: Option<Transform>,
    /// From MNE-Python's device coordinates to its head coordinates.
    pub(super) from_device: Option<Transform>,
    /// The coils, in head coordinates.
    pub(super) points: Vec<DigPoint>,
    pub(super) notes: Vec<String>,
}

/// Largest distance (m) between the coils as measured in device and in head coordinates, after alignment.
const TOLERANCE: f64 = 1e-4;

impl Head {
    /// Reads a `.hc` file; a head of which nothing is known where it is absent or says so.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let Some(coils) = coils(path)? else { return Ok(Self::default()) };
        let find = |frame: Frame, landmark: Landmark| {
            coils.iter().find(|c| c.frame == frame && c.landmark == landmark).map(|c| c.position)
        };
        let landmarks = [Landmark::Left, Landmark::Right, Landmark::Nasion, Landmark::Spare];
        let mut head = Self::default();
        let in_head = landmarks.map(|landmark| find(Frame::Head, landmark));
        let [Some(left), Some(right), Some(nasion), _] = in_head else {
            head.notes.push(format!(
                "{}: nasion and both ears were not all measured; where the head was is not known",
                path.display()
            ));
            return Ok(head);
        };
        head.from_ctf = to_head(nasion, left, right);
        let Some(from_ctf) = &head.from_ctf else {
            head.notes
                .push(format!("{}: nasion and ears lie on one line; where the head was is not known", path.display()));
            return Ok(head);
        };
        head.points = coils
            .iter()
            .filter(|coil| coil.frame == Frame::Head)
            .map(|coil| {
                let (kind, ident) = match coil.landmark {
                    Landmark::Left => (DigKind::Cardinal, 1),
                    Landmark::Nasion => (DigKind::Cardinal, 2),
                    Landmark::Right => (DigKind::Cardinal, 3),
                    Landmark::Spare => (DigKind::Hpi, 4),
                };
                DigPoint { kind, ident, position: apply(from_ctf, coil.position) }
            })
            .collect();
        let in_device = landmarks.map(|landmark| find(Frame::Device, landmark));
        if in_device[..3].contains(&None) {
            head.notes.push(format!(
                "{}: the coils were not all measured in the helmet; where the head was in it is not known",
                path.display()
            ));
            return Ok(head);
        }
        let (from, to): (Vec<Vector>, Vec<Vector>) =
            in_device.into_iter().zip(in_head).filter_map(|(device, head)| device.zip(head)).unzip();
        let device_to_ctf = align(&from, &to);
        let distance =
            from.iter().zip(&to).map(|(a, b)| norm(plus(apply(&device_to_ctf, *a), -1.0, *b))).fold(0.0, f64::max);
        if distance <= TOLERANCE {
            head.from_device = Some(product(&product(from_ctf, &device_to_ctf), &inverse(&DEVICE)));
        } else {
            head.notes.push(format!(
                "{}: the coils in the helmet and on the head differ by up to {:.2} mm after alignment; where the head was \
                 in the helmet is not known",
                path.display(),
                distance * 1e3
            ));
        }
        Ok(head)
    }
}

/// The measured coils; none where the file is absent, empty, or says that nothing could be measured.
fn coils(path: &Path) -> Result<Option<Vec<Measured>>> {
    let Some(lines) = lines(path)? else { return Ok(None) };
    let mut lines = lines.into_iter().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let mut coils = Vec::new();
    let mut n_blocks = 0;
    while let Some((number, line)) = lines.next() {
        n_blocks += 1;
        let title = line.to_lowercase();
        if title.contains("unable") {
            return Ok(None);
        }
        let mut position = [0.0; 3];
        for (axis, value) in ["x", "y", "z"].into_iter().zip(&mut position) {
            let fault = |number: usize, line: &str| {
                let problem = format!("`{}`, expected `{axis} = ` and a number of centimetres", shown(line));
                Error::line(path, number, problem, "copy the .hc file again from the source")
            };
            let Some((number, line)) = lines.next() else {
                return Err(fault(number, "end of file"));
            };
            let centimetres = line.split_once('=').filter(|(name, _)| name.trim() == axis);
            *value = centimetres
                .and_then(|(_, text)| finite(text.trim()))
                .filter(|x| x.abs() < 1e6)
                .ok_or_else(|| fault(number, &line))?
                / 100.0;
        }
        let landmark = [
            ("nasion", Landmark::Nasion),
            ("left ear", Landmark::Left),
            ("right ear", Landmark::Right),
            ("lpa", Landmark::Left),
            ("rpa", Landmark::Right),
            ("spare", Landmark::Spare),
        ];
        let frame = [("relative to dewar", Frame::Device), ("relative to head", Frame::Head)];
        let landmark = landmark.into_iter().find(|(name, _)| title.contains(name));
        let frame = frame.into_iter().find(|(name, _)| title.contains(name));
        if let (true, Some((_, landmark)), Some((_, frame))) = (title.contains("measured"), landmark, frame) {
            coils.push(Measured { landmark, frame, position });
        }
    }
    Ok((n_blocks > 0).then_some(coils))
}
