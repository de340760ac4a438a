//! Digitised points beside the recording: electrodes (`.eeg`) and points of the scalp (`.pos`), in CTF's head coordinates (cm).

use std::path::Path;

use crate::recording::DigKind;
use crate::{Error, Result};

use super::geometry::{Vector, dot};
use super::text::{finite, lines, shown};

/// A digitised point.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) label: String,
    pub(super) kind: DigKind,
    pub(super) ident: i32,
    /// Position in CTF's head coordinates (m).
    pub(super) position: Vector,
}

/// Points nearer to the origin (m) than this are placeholders.
const NEAREST: f64 = 1e-2;

/// Reads an `.eeg` file: number, label, x, y, z (cm) on each line; none where it is absent.
pub(super) fn electrodes(path: &Path) -> Result<Option<Vec<Point>>> {
    let Some(lines) = lines(path)? else { return Ok(None) };
    let mut points = Vec::new();
    for (number, line) in lines.iter().filter(|(_, line)| !line.is_empty()) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let parsed = match fields.as_slice() {
            [ident, label, x, y, z] => ident.parse::<i32>().ok().zip(position([x, y, z])).map(|(i, p)| (i, *label, p)),
            _ => None,
        };
        let Some((ident, label, position)) = parsed else {
            let problem = format!("`{}`, expected a number, a label and x, y, z in centimetres", shown(line));
            return Err(Error::line(path, *number, problem, "correct the line or remove it"));
        };
        if dot(position, position) > NEAREST * NEAREST {
            let (kind, ident) = match label.to_lowercase().as_str() {
                "lpa" | "left" => (DigKind::Cardinal, 1),
                "nasion" => (DigKind::Cardinal, 2),
                "rpa" | "right" => (DigKind::Cardinal, 3),
                _ => (DigKind::Extra, ident),
            };
            points.push(Point { label: label.to_owned(), kind, ident, position });
        }
    }
    Ok(Some(points))
}

/// Reads a `.pos` file of a digitiser: a number or label, perhaps another, and x, y, z (cm); other lines are headers.
pub(super) fn scalp(path: &Path) -> Result<Vec<Point>> {
    // As in MNE-Python, so that numbered and labelled points do not get in each other's way.
    const NUMBERED_FROM: i32 = 1000;
    const LABELLED_FROM: i32 = 2000;
    let mut points = Vec::new();
    let mut n_labelled = 0;
    for (number, line) in lines(path)?.unwrap_or_default() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let ([label, x, y, z] | [label, _, x, y, z]) = *fields.as_slice() else { continue };
        let ident = match label.parse::<i32>() {
            Ok(ident) => ident.saturating_add(NUMBERED_FROM),
            Err(_) => {
                n_labelled += 1;
                LABELLED_FROM + n_labelled - 1
            }
        };
        let position = position([x, y, z]).ok_or_else(|| {
            let problem = format!("`{}`, expected x, y, z in centimetres in the last three columns", shown(&line));
            Error::line(path, number, problem, "correct the line or remove it")
        })?;
        if dot(position, position) > NEAREST * NEAREST {
            points.push(Point { label: label.to_owned(), kind: DigKind::Extra, ident, position });
        }
    }
    Ok(points)
}

fn position(fields: [&str; 3]) -> Option<Vector> {
    let number = |text: &str| finite(text).filter(|x| x.abs() < 1e6).map(|centimetres| centimetres / 100.0);
    let [x, y, z] = fields.map(number);
    Some([x?, y?, z?])
}
