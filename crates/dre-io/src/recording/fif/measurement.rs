//! What a file says of the measurement as a whole.

use std::collections::HashSet;

use crate::recording::{Compensation, DigKind, DigPoint, MeasDate, Projector, ProjectorKind};
use crate::{Error, Result};

use super::channels::{FifChannel, LongNames, MEG_CH, number_duplicates, read_channel, read_long};
use super::constants::{NO_DATE, PROJ_EEG_AVREF, PROJ_FIELD, block, frame, tag};
use super::source::{COPY_AGAIN, Source};
use super::tree::{ROOT, Tag, Tree};
use super::value::{Transform, words};

/// The measurement's description, checked.
#[derive(Clone, Debug)]
pub(super) struct Measurement {
    pub(super) sfreq: f64,
    pub(super) highpass: Option<f64>,
    pub(super) lowpass: Option<f64>,
    pub(super) meas_date: Option<MeasDate>,
    pub(super) channels: Vec<FifChannel>,
    pub(super) bads: HashSet<String>,
    pub(super) device_to_head: Option<[[f64; 4]; 4]>,
    pub(super) digitisation: Vec<DigPoint>,
    pub(super) projectors: Vec<Projector>,
    pub(super) compensations: Vec<Compensation>,
    pub(super) compensation_grade: Option<u32>,
}

/// The only block of a kind.
fn only(source: &Source, tree: &Tree, within: usize, kind: i32, what: &str) -> Result<usize> {
    let mut found = tree.find(within, kind);
    match (found.next(), found.next()) {
        (Some(block), None) => Ok(block),
        (first, _) => {
            let problem = format!("holds {} {what}, expected one", if first.is_some() { "several" } else { "no" });
            Err(Error::format(
                &source.path,
                problem,
                "check that this is a raw recording, and copy it again from the source",
            ))
        }
    }
}

impl Measurement {
    /// Reads the description; returns it with the block that the measurement lies in.
    pub(super) fn read(source: &mut Source, tree: &Tree, notes: &mut Vec<String>) -> Result<(Self, usize)> {
        let meas = only(source, tree, ROOT, block::MEAS, "measurement blocks")?;
        let info = only(source, tree, meas, block::MEAS_INFO, "descriptions of the measurement")?;
        let mut n_channels = None;
        let mut sfreq = None;
        let (mut highpass, mut lowpass, mut meas_date) = (None, None, None);
        let mut channels = Vec::new();
        let mut device_to_head = None;
        for tag in tree.tags(info) {
            match tag.kind {
                tag::NCHAN => n_channels = Some(source.integer(tag)?),
                tag::SFREQ => {
                    let value = source.number(tag)?;
                    if !(value.is_finite() && value > 0.0) {
                        let problem = format!("sfreq is {value} Hz, expected a positive number");
                        return Err(source.fault(tag.offset, problem));
                    }
                    sfreq = Some(value);
                }
                tag::CH_INFO => channels.push(read_channel(source, tag)?),
                tag::HIGHPASS => highpass = Some(source.number(tag)?).filter(|value| value.is_finite()),
                tag::LOWPASS => lowpass = Some(source.number(tag)?).filter(|value| value.is_finite()),
                tag::MEAS_DATE => meas_date = Some(date(source, tag)?),
                tag::COORD_TRANS => device_to_head = device_head(&source.transform(tag)?).or(device_to_head),
                _ => {}
            }
        }
        let advice = "check that this is a raw recording, and copy it again from the source";
        let sfreq = sfreq.ok_or_else(|| Error::format(&source.path, "says no sampling frequency", advice))?;
        if n_channels != Some(channels.len() as i64) || channels.is_empty() {
            let said = n_channels.map_or("no number of".to_owned(), |n| n.to_string());
            let problem = format!("says {said} channels but describes {}", channels.len());
            return Err(Error::format(&source.path, problem, advice));
        }
        let long_names = read_long(source, tree, info, &mut channels)?;
        let repeated = number_duplicates(&mut channels);
        if !repeated.is_empty() {
            let list = repeated.join("`, `");
            notes.push(format!("{}: several channels are called `{list}`; they were numbered", source.path.display()));
        }
        note_oddities(source, &channels, notes);
        if device_to_head.is_none() {
            device_to_head = hpi_device_head(source, tree, info)?;
        }
        let compensations = compensations(source, tree, info, &channels, &long_names, notes)?;
        let this = Self {
            sfreq,
            highpass,
            lowpass,
            meas_date: match meas_date {
                Some(date) => date,
                None => identity_date(source, tree, meas, info)?,
            },
            bads: bads(source, tree, info, &long_names)?,
            device_to_head,
            digitisation: digitisation(source, tree, info, notes)?,
            projectors: projectors(source, tree, info, &long_names)?,
            compensation_grade: grade(source, &channels)?.filter(|grade| *grade > 0 || !compensations.is_empty()),
            compensations,
            channels,
        };
        Ok((this, meas))
    }
}

fn note_oddities(source: &Source, channels: &[FifChannel], notes: &mut Vec<String>) {
    let path = source.path.display();
    for channel in channels {
        if channel.channel_type().is_none() {
            notes.push(format!(
                "{path}: channel `{}` is of the unknown kind {} (unit {}, coil {}); it was taken as misc",
                channel.name, channel.kind, channel.unit, channel.coil_type
            ));
        }
    }
    let n_multiplied = channels.iter().filter(|channel| channel.unit_mul != 0).count();
    if n_multiplied > 0 {
        notes.push(format!(
            "{path}: {n_multiplied} channels have a multiplier of their unit, which is not applied (nor by MNE-Python)"
        ));
    }
}

/// Seconds and microseconds; MNE-Python's number for "no date" is none.
fn date(source: &mut Source, tag: &Tag) -> Result<Option<MeasDate>> {
    let numbers = source.numbers(tag)?;
    let (seconds, microseconds) = match numbers.as_slice() {
        [seconds] => (*seconds as i64, 0),
        [seconds, microseconds] => (*seconds as i64, *microseconds as i64),
        _ => return Err(source.fault(tag.offset, format!("a date of {} numbers, expected 2", numbers.len()))),
    };
    Ok(to_date(seconds, microseconds))
}

fn to_date(seconds: i64, microseconds: i64) -> Option<MeasDate> {
    ((seconds, microseconds) != NO_DATE).then(|| MeasDate {
        seconds: seconds + microseconds.div_euclid(1_000_000),
        microseconds: microseconds.rem_euclid(1_000_000) as u32,
    })
}

/// The date in the measurement's identity, for files without a date of their own.
fn identity_date(source: &mut Source, tree: &Tree, meas: usize, info: usize) -> Result<Option<MeasDate>> {
    let places = [
        (info, tag::PARENT_BLOCK_ID),
        (info, tag::BLOCK_ID),
        (meas, tag::BLOCK_ID),
        (meas, tag::PARENT_BLOCK_ID),
        (ROOT, tag::FILE_ID),
    ];
    let Some(tag) = places.iter().find_map(|(block, kind)| tree.tag(*block, *kind)) else { return Ok(None) };
    match words(source.data(&tag)?) {
        [_, _, _, seconds, microseconds] => {
            let number = |word: &[u8; 4]| i64::from(i32::from_be_bytes(*word));
            Ok(to_date(number(seconds), number(microseconds)))
        }
        _ => Err(source.fault(tag.offset, format!("an identity of {} bytes, expected 20", tag.size))),
    }
}

fn device_head(transform: &Transform) -> Option<[[f64; 4]; 4]> {
    match (transform.from, transform.to) {
        (frame::DEVICE, frame::HEAD) => Some(transform.matrix),
        (frame::HEAD, frame::DEVICE) => invert(&transform.matrix),
        _ => None,
    }
}

fn hpi_device_head(source: &mut Source, tree: &Tree, info: usize) -> Result<Option<[[f64; 4]; 4]>> {
    let mut results = tree.find(info, block::HPI_RESULT);
    let (Some(result), None) = (results.next(), results.next()) else { return Ok(None) };
    for tag in tree.tags(result).iter().filter(|tag| tag.kind == tag::COORD_TRANS) {
        let transform = source.transform(tag)?;
        if (transform.from, transform.to) == (frame::DEVICE, frame::HEAD) {
            return Ok(Some(transform.matrix));
        }
    }
    Ok(None)
}

/// The inverse of an affine transformation; none for a singular one.
pub(super) fn invert(m: &[[f64; 4]; 4]) -> Option<[[f64; 4]; 4]> {
    let minor = |r: [usize; 2], c: [usize; 2]| m[r[0]][c[0]] * m[r[1]][c[1]] - m[r[0]][c[1]] * m[r[1]][c[0]];
    let others = |i: usize| [[1, 2], [2, 0], [0, 1]][i];
    let cofactor = |row: usize, column: usize| minor(others(row), others(column));
    let determinant: f64 = (0..3).map(|column| m[0][column] * cofactor(0, column)).sum();
    if determinant.abs() < f64::MIN_POSITIVE || !determinant.is_finite() {
        return None;
    }
    let mut inverse = [[0.0; 4]; 4];
    for (row, inverse) in inverse.iter_mut().take(3).enumerate() {
        for (column, value) in inverse.iter_mut().take(3).enumerate() {
            *value = cofactor(column, row) / determinant;
        }
        inverse[3] = -(0..3).map(|k| inverse[k] * m[k][3]).sum::<f64>();
    }
    inverse[3][3] = 1.0;
    Some(inverse)
}

fn rename(names: &mut [String], long_names: &LongNames) {
    for name in names {
        if let Some(long) = long_names.get(name) {
            name.clone_from(long);
        }
    }
}

fn bads(source: &mut Source, tree: &Tree, info: usize, long_names: &LongNames) -> Result<HashSet<String>> {
    let mut bads = Vec::new();
    for node in tree.find(info, block::MNE_BAD_CHANNELS) {
        if let Some(tag) = tree.tag(node, tag::MNE_CH_NAME_LIST) {
            bads = source.names(&tag)?;
        }
    }
    rename(&mut bads, long_names);
    Ok(bads.into_iter().collect())
}

fn digitisation(source: &mut Source, tree: &Tree, info: usize, notes: &mut Vec<String>) -> Result<Vec<DigPoint>> {
    let mut nodes = tree.find(info, block::ISOTRAK);
    let (Some(node), more) = (nodes.next(), nodes.next()) else { return Ok(Vec::new()) };
    let path = source.path.display().to_string();
    if more.is_some() {
        notes.push(format!("{path}: holds several digitisations of the head; none was read"));
        return Ok(Vec::new());
    }
    let mut points = Vec::new();
    let mut n_unknown = 0;
    for tag in tree.tags(node) {
        // A string has the number of its points after kind and number.
        let skip = match tag.kind {
            tag::DIG_POINT => 2,
            tag::DIG_STRING => 3,
            tag::MNE_COORD_FRAME if source.integer(tag)? != i64::from(frame::HEAD) => {
                notes.push(format!("{path}: its digitisation is not in head coordinates and was not read"));
                return Ok(Vec::new());
            }
            _ => continue,
        };
        let record = words(source.data(tag)?);
        let Some((start, coordinates)) = record.split_at_checked(skip).filter(|(_, rest)| rest.len() >= 3) else {
            return Err(source.fault(tag.offset, format!("a digitised point of {} bytes", tag.size)));
        };
        let kind = match i32::from_be_bytes(start[0]) {
            1 => DigKind::Cardinal,
            2 => DigKind::Hpi,
            3 => DigKind::Eeg,
            4 | 5 => DigKind::Extra,
            _ => {
                n_unknown += 1;
                continue;
            }
        };
        let n_points = if skip == 2 { 1 } else { coordinates.len() / 3 };
        for point in coordinates.chunks_exact(3).take(n_points) {
            let position = std::array::from_fn(|i| f64::from(f32::from_be_bytes(point[i])));
            points.push(DigPoint { kind, ident: i32::from_be_bytes(start[1]), position });
        }
    }
    if n_unknown > 0 {
        notes.push(format!("{path}: {n_unknown} digitised points of unknown kind were left out"));
    }
    Ok(points)
}

fn projectors(source: &mut Source, tree: &Tree, info: usize, long_names: &LongNames) -> Result<Vec<Projector>> {
    let Some(node) = tree.find(info, block::PROJ).next() else { return Ok(Vec::new()) };
    tree.find(node, block::PROJ_ITEM).map(|item| projector(source, tree, item, long_names)).collect()
}

fn projector(source: &mut Source, tree: &Tree, item: usize, long_names: &LongNames) -> Result<Projector> {
    let need = |source: &Source, kind: i32, what: &str| {
        tree.tag(item, kind)
            .ok_or_else(|| Error::format(&source.path, format!("a projector has no {what}"), COPY_AGAIN))
    };
    let name = match tree.tag(item, tag::COMMENT) {
        Some(tag) => tag,
        None => need(source, tag::NAME, "name")?,
    };
    let name = source.text(&name)?;
    let kind = match source.integer(&need(source, tag::PROJ_ITEM_KIND, "kind")?)? as i32 {
        PROJ_FIELD => ProjectorKind::Field,
        PROJ_EEG_AVREF => ProjectorKind::AverageReference,
        other => ProjectorKind::Other(other),
    };
    let n_vectors = source.integer(&need(source, tag::PROJ_ITEM_NVEC, "number of vectors")?)?;
    let mut channels = source.names(&need(source, tag::PROJ_ITEM_CH_NAME_LIST, "list of channels")?)?;
    let tag = need(source, tag::PROJ_ITEM_VECTORS, "vectors")?;
    let mut vectors = source.matrix(&tag)?;
    if vectors.nrows() == channels.len() && vectors.ncols() as i64 == n_vectors {
        vectors = vectors.reversed_axes();
    }
    if vectors.ncols() != channels.len() || vectors.nrows() as i64 != n_vectors {
        let problem = format!(
            "projector `{name}` says {n_vectors} vectors for {} channels, its matrix is {:?}",
            channels.len(),
            vectors.shape()
        );
        return Err(source.fault(tag.offset, problem));
    }
    if vectors.iter().any(|value| !value.is_finite()) {
        return Err(source.fault(tag.offset, format!("projector `{name}` is not finite")));
    }
    let active = match tree.tag(item, tag::MNE_PROJ_ITEM_ACTIVE) {
        Some(tag) => source.integer(&tag)? != 0,
        None => false,
    };
    let explained_variance = match tree.tag(item, tag::MNE_EXPLAINED_VAR) {
        Some(tag) => Some(source.number(&tag)?),
        None => None,
    };
    rename(&mut channels, long_names);
    Ok(Projector { name, kind, active, channels, vectors, explained_variance })
}

/// Reads compensations as MNE-Python does: numbers of CTF's grades, weights for calibrated samples.
fn compensations(
    source: &mut Source,
    tree: &Tree,
    info: usize,
    channels: &[FifChannel],
    long_names: &LongNames,
    notes: &mut Vec<String>,
) -> Result<Vec<Compensation>> {
    let mut found = Vec::new();
    for node in tree.find(info, block::MNE_CTF_COMP_DATA) {
        let missing =
            |source: &Source, what| Error::format(&source.path, format!("a compensation has no {what}"), COPY_AGAIN);
        let kind = tree.tag(node, tag::MNE_CTF_COMP_KIND).ok_or_else(|| missing(source, "kind"))?;
        let grade = match source.integer(&kind)? {
            // `G1BR`, `G2BR`, `G3BR` as characters.
            0x4731_4252 => 1,
            0x4732_4252 => 2,
            0x4733_4252 => 3,
            other => u32::try_from(other)
                .map_err(|_| source.fault(kind.offset, format!("a compensation of the unknown kind {other}")))?,
        };
        let matrix = tree
            .find(node, block::MNE_NAMED_MATRIX)
            .find(|block| tree.tag(*block, tag::MNE_CTF_COMP_DATA).is_some())
            .ok_or_else(|| missing(source, "matrix"))?;
        let data = tree.tag(matrix, tag::MNE_CTF_COMP_DATA).ok_or_else(|| missing(source, "matrix"))?;
        let mut weights = source.matrix(&data)?;
        let mut names = |kind, n: usize| -> Result<Vec<String>> {
            let names = match tree.tag(matrix, kind) {
                Some(tag) => source.names(&tag)?,
                None => Vec::new(),
            };
            if names.len() == n {
                return Ok(names);
            }
            Err(source.fault(
                data.offset,
                format!("a compensation's matrix has {} names for {n} rows or columns", names.len()),
            ))
        };
        let mut rows = names(tag::MNE_ROW_NAMES, weights.nrows())?;
        let mut columns = names(tag::MNE_COL_NAMES, weights.ncols())?;
        rename(&mut rows, long_names);
        rename(&mut columns, long_names);
        let calibrated = match tree.tag(node, tag::MNE_CTF_COMP_CALIBRATED) {
            Some(tag) => source.integer(&tag)? != 0,
            None => false,
        };
        if !calibrated {
            let scale = |name: &String| channels.iter().find(|channel| channel.name == *name).map(FifChannel::scale);
            let scales = |names: &[String]| names.iter().map(scale).collect::<Option<Vec<f64>>>();
            let (Some(row_scales), Some(column_scales)) = (scales(&rows), scales(&columns)) else {
                notes.push(format!(
                    "{}: the compensation of grade {grade} is about channels that the recording lacks; it was left out",
                    source.path.display()
                ));
                continue;
            };
            for (mut row, row_scale) in weights.rows_mut().into_iter().zip(&row_scales) {
                for (value, column_scale) in row.iter_mut().zip(&column_scales) {
                    *value *= row_scale / column_scale;
                }
            }
        }
        found.push(Compensation { grade, channels: rows, references: columns, weights });
    }
    Ok(found)
}

/// The grade that the samples carry: the upper half of the coils' numbers, the same for all MEG channels.
fn grade(source: &Source, channels: &[FifChannel]) -> Result<Option<u32>> {
    let mut grades = channels.iter().filter(|channel| channel.kind == MEG_CH).map(|channel| channel.coil_type >> 16);
    let Some(first) = grades.next() else { return Ok(None) };
    if let Some(other) = grades.find(|grade| *grade != first) {
        let problem = format!("MEG channels carry the compensation grades {first} and {other}, expected one");
        return Err(Error::format(&source.path, problem, COPY_AGAIN));
    }
    match u32::try_from(first) {
        Ok(grade) => Ok(Some(grade)),
        Err(_) => Err(Error::format(&source.path, format!("compensation grade {first}"), COPY_AGAIN)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transformation_times_its_inverse_is_the_identity() {
        let m = [[0.6, -0.8, 0.1, 0.01], [0.8, 0.6, -0.2, -0.02], [0.0, 0.1, 1.0, 0.04], [0.0, 0.0, 0.0, 1.0]];
        let inverse = invert(&m).unwrap();
        for (i, row) in m.iter().enumerate() {
            for j in 0..4_usize {
                let product: f64 = row.iter().zip(&inverse).map(|(a, row)| a * row[j]).sum();
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-12);
            }
        }
        assert_eq!(invert(&[[0.0; 4]; 4]), None);
    }

    #[test]
    fn the_number_for_no_date_is_none() {
        assert_eq!(to_date(0, i64::from(i32::MAX)), None);
        assert_eq!(to_date(-5, -1), Some(MeasDate { seconds: -6, microseconds: 999_999 }));
    }
}
