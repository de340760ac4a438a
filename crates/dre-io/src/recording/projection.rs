//! A recording with its signal-space projectors applied.

use std::collections::{HashMap, HashSet};

use faer::Mat;
use ndarray::{Array2, ArrayViewMut2, s};

use crate::{Error, Result};

use super::{Recording, RecordingInfo, check_request};

/// Samples that are projected together.
const BLOCK: usize = 2048;
/// Directions whose singular value is below this share of the largest are dropped as linearly dependent.
const DEPENDENT: f64 = 1e-2;

/// The recording with all its projectors applied, as by MNE-Python's `apply_proj`.
///
/// The directions, without the channels that the recording lacks or marks as bad, are scaled to length 1 and
/// orthogonalised together; samples x become x − U Uᵀ x. Those that were applied before are part of it, which changes
/// nothing. Bad channels stay as they are. A recording without projectors, or with none left to apply, is returned as it is.
///
/// # Errors
/// [`Error::Format`] where a projector names a channel twice, or where nothing would be left.
pub fn with_projectors(recording: Box<dyn Recording>) -> Result<Box<dyn Recording>> {
    let info = recording.info();
    if info.projectors.iter().all(|projector| projector.active) {
        return Ok(recording);
    }
    let Some(basis) = basis(info)? else { return Ok(recording) };
    let mut info = info.clone();
    info.notes.extend(weakened(&info));
    for projector in &mut info.projectors {
        projector.active = true;
    }
    let involved: Vec<usize> =
        (0..info.channels.len()).filter(|channel| basis.row(*channel).iter().any(|value| *value != 0.0)).collect();
    let basis = Array2::from_shape_fn((involved.len(), basis.ncols()), |(i, j)| basis[(involved[i], j)]);
    Ok(Box::new(Projected { recording, info, involved, basis }))
}

/// The directions as columns over the recording's channels, and whose projector each is.
fn directions(info: &RecordingInfo) -> Result<(Array2<f64>, Vec<usize>)> {
    let owners: Vec<usize> = info
        .projectors
        .iter()
        .enumerate()
        .flat_map(|(index, projector)| std::iter::repeat_n(index, projector.vectors.nrows()))
        .collect();
    let mut vectors = Array2::zeros((info.channels.len(), owners.len()));
    let mut column = 0;
    for projector in &info.projectors {
        let places: HashMap<&str, usize> =
            projector.channels.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
        if places.len() != projector.channels.len() {
            let problem = format!("its projector `{}` names a channel twice", projector.name);
            return Err(Error::format(&info.path, problem, "remove the projector from the file"));
        }
        for direction in projector.vectors.rows() {
            for (channel, mut row) in info.channels.iter().zip(vectors.rows_mut()) {
                if let Some(place) = places.get(channel.name.as_str()).filter(|_| !channel.bad) {
                    row[column] = direction[*place];
                }
            }
            column += 1;
        }
    }
    Ok((vectors, owners))
}

fn norm<'a>(values: impl IntoIterator<Item = &'a f64>) -> f64 {
    values.into_iter().map(|value| value * value).sum::<f64>().sqrt()
}

/// An orthonormal basis of what is projected out, `(n_channels, n_directions)`; none where it is nothing.
fn basis(info: &RecordingInfo) -> Result<Option<Array2<f64>>> {
    let (mut vectors, _) = directions(info)?;
    for mut column in vectors.columns_mut() {
        let length = norm(&column);
        if length > 0.0 {
            column /= length;
        }
    }
    if vectors.iter().all(|value| *value == 0.0) {
        return Ok(None);
    }
    let matrix = Mat::from_fn(vectors.nrows(), vectors.ncols(), |i, j| vectors[(i, j)]);
    let svd = matrix.thin_svd().map_err(|_| {
        Error::format(&info.path, "its projectors cannot be orthogonalised", "remove the projectors from the file")
    })?;
    let values = svd.S().column_vector();
    let n_kept = (0..values.nrows()).filter(|i| values[*i] / values[0] > DEPENDENT).count();
    if n_kept >= info.channels.len() {
        let problem = format!("{n_kept} projectors for {} channels leave nothing", info.channels.len());
        return Err(Error::format(&info.path, problem, "apply fewer projectors"));
    }
    let u = svd.U();
    let mut basis = Array2::from_shape_fn((u.nrows(), n_kept), |(i, j)| u[(i, j)]);
    // Channels that no projector acts on are not to be touched by rounding.
    for (mut row, directions) in basis.rows_mut().into_iter().zip(vectors.rows()) {
        if directions.iter().all(|value| *value == 0.0) {
            row.fill(0.0);
        }
    }
    Ok(Some(basis))
}

/// Notes on projectors that lost more than a tenth of a direction with the channels that are missing or bad.
fn weakened(info: &RecordingInfo) -> Vec<String> {
    let Ok((vectors, owners)) = directions(info) else { return Vec::new() };
    let mut told = HashSet::new();
    let mut notes = Vec::new();
    for (column, owner) in vectors.columns().into_iter().zip(owners) {
        let projector = &info.projectors[owner];
        let left = norm(column);
        let is_average = projector.kind == super::ProjectorKind::AverageReference;
        if left > 0.0 && left < 0.9 && !is_average && told.insert(owner) {
            notes.push(format!(
                "{}: projector `{}` keeps {:.0} % of its length without the channels that are missing or bad; it may \
                 remove other than what it was made for",
                info.path.display(),
                projector.name,
                100.0 * left
            ));
        }
    }
    notes
}

struct Projected {
    recording: Box<dyn Recording>,
    info: RecordingInfo,
    /// Channels that projectors act on, ascending.
    involved: Vec<usize>,
    /// `(involved.len(), n_directions)`, orthonormal columns.
    basis: Array2<f64>,
}

impl Recording for Projected {
    fn info(&self) -> &RecordingInfo {
        &self.info
    }

    fn read(&mut self, channels: &[usize], start: usize, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_request(&self.info, channels, start, &out)?;
        let places: Vec<Option<usize>> = channels.iter().map(|c| self.involved.binary_search(c).ok()).collect();
        if places.iter().all(Option::is_none) {
            return self.recording.read(channels, start, out);
        }
        // Those that projectors act on, then the others that are asked for.
        let mut union = self.involved.clone();
        let rows: Vec<usize> = channels
            .iter()
            .zip(&places)
            .map(|(channel, place)| {
                place.unwrap_or_else(|| {
                    union.push(*channel);
                    union.len() - 1
                })
            })
            .collect();
        let n_times = out.ncols();
        let mut scratch = Array2::zeros((union.len(), BLOCK.min(n_times)));
        for first in (0..n_times).step_by(BLOCK) {
            let n = BLOCK.min(n_times - first);
            self.recording.read(&union, start + first, scratch.slice_mut(s![.., ..n]))?;
            let parts = self.basis.t().dot(&scratch.slice(s![..self.involved.len(), ..n]));
            for ((row, place), mut out) in rows.iter().zip(&places).zip(out.rows_mut()) {
                let mut out = out.slice_mut(s![first..first + n]);
                out.assign(&scratch.slice(s![*row, ..n]));
                if let Some(place) = place {
                    for (weight, part) in self.basis.row(*place).iter().zip(parts.rows()) {
                        out.scaled_add(-weight, &part);
                    }
                }
            }
        }
        Ok(())
    }
}
