//! Positions of electrodes.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use indexmap::map::Entry;

use super::inherit::{Applicable, applicable, most_specific};
use super::sidecar::{Json, parse_object};
use super::table::{Row, Table, is_missing, number};
use super::{BidsError, BidsRecording};

/// Where the electrodes of a recording were.
#[derive(Clone, Debug, PartialEq)]
pub struct BidsElectrodes {
    /// The file, relative to the data set's root.
    pub path: PathBuf,
    /// The coordinate system's name, such as `CapTrak`, where it is given.
    pub system: Option<String>,
    /// Position (m) by name, in the file's order; electrodes without a complete position are left out.
    pub positions: IndexMap<String, [f64; 3]>,
}

/// The space that is taken where positions are given in several: that of the head's landmarks.
const PREFERRED_SPACE: &str = "CapTrak";

pub(super) fn read(root: &Path, recording: &BidsRecording) -> Result<Option<BidsElectrodes>, BidsError> {
    let mut files = applicable(root, recording, "electrodes", ".tsv", &["space"])?;
    let Some(most) = files.last().map(|file| file.specificity) else { return Ok(None) };
    files.retain(|file| file.specificity == most);
    let preferred = |file: &Applicable| file.name.label("space") == Some(PREFERRED_SPACE);
    let first = files.iter().find(|file| preferred(file)).unwrap_or(&files[0]);
    let space = first.name.label("space").map(str::to_owned);
    files.retain(|file| file.name.label("space") == space.as_deref());
    let Some(file) = most_specific(recording, files)? else { return Ok(None) };

    let Some((scale, system)) = coordinate_system(root, recording, space.as_deref())? else { return Ok(None) };
    let positions = parse(&file.shown, &file.read()?, scale)?;
    Ok(Some(BidsElectrodes { path: file.shown, system: system.or(space), positions }))
}

/// Metres per unit of the positions in a space, and its name; `None` where the unit is not known.
fn coordinate_system(
    root: &Path,
    recording: &BidsRecording,
    space: Option<&str>,
) -> Result<Option<(f64, Option<String>)>, BidsError> {
    let mut files = applicable(root, recording, "coordsystem", ".json", &["space"])?;
    files.retain(|file| [None, space].contains(&file.name.label("space")));
    let mut found = Json::default();
    for file in files {
        found.merge(parse_object(&file.shown, &file.read()?)?);
    }
    let scale = found.text("EEGCoordinateUnits", "\"m\", \"cm\" or \"mm\"", |unit| match unit {
        "m" => Some(1.0),
        "cm" => Some(1e-2),
        "mm" => Some(1e-3),
        _ => None,
    })?;
    let system = found.text("EEGCoordinateSystem", "the name of a coordinate system", |name| Some(name.to_owned()))?;
    Ok(scale.map(|scale| (scale, system)))
}

fn parse(file: &Path, bytes: &[u8], scale: f64) -> Result<IndexMap<String, [f64; 3]>, BidsError> {
    const AXES: [&str; 3] = ["x", "y", "z"];
    let table = Table::parse(file, bytes, "the columns name, x, y and z")?;
    let name = table.column("name")?;
    let axes = [table.column(AXES[0])?, table.column(AXES[1])?, table.column(AXES[2])?];
    let mut positions = IndexMap::new();
    let mut lines: Vec<usize> = Vec::new();
    for row in &table.rows {
        let Some(position) = position(&table, row, AXES, axes, scale)? else { continue };
        match positions.entry(row.fields[name].trim().to_owned()) {
            Entry::Occupied(first) => {
                let (file, name, first_line) = (table.file.clone(), first.key().clone(), lines[first.index()]);
                return Err(BidsError::RepeatedName { file, line: row.line, name, first_line });
            }
            Entry::Vacant(entry) => {
                entry.insert(position);
                lines.push(row.line);
            }
        }
    }
    Ok(positions)
}

/// A position (m); `None` where a coordinate is missing.
fn position(
    table: &Table,
    row: &Row,
    names: [&'static str; 3],
    axes: [usize; 3],
    scale: f64,
) -> Result<Option<[f64; 3]>, BidsError> {
    let mut position = [0.0; 3];
    for (axis, value) in position.iter_mut().enumerate() {
        let text = &row.fields[axes[axis]];
        if is_missing(text) {
            return Ok(None);
        }
        let metres = number(text).map(|number| number * scale).ok_or_else(|| {
            table.value(row, names[axis], text, "a coordinate or n/a", "write n/a where it is not known")
        })?;
        *value = metres;
    }
    Ok(Some(position))
}
