//! The description of the measurement, as bytes.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::recording::fif::channels::numbers_of;
use crate::recording::fif::constants::{PROJ_EEG_AVREF, PROJ_FIELD, block, data_type, frame, tag};
use crate::recording::fif::measurement::invert;
use crate::recording::{DigKind, ProjectorKind, RecordingChannel, RecordingInfo, Unit};
use crate::{Error, Result};

use super::tags::Tags;

/// Characters of a name in a channel's record.
const SHORT_NAME: usize = 15;

/// The blocks before the samples: description of the measurement, annotations.
pub(super) fn describe(path: &Path, info: &RecordingInfo, sample_type: u32, cals: &[f64]) -> Result<Vec<u8>> {
    check(path, info)?;
    let mut tags = Tags::default();
    tags.identity(tag::BLOCK_ID);
    tags.start(block::MEAS_INFO);
    if !info.digitisation.is_empty() {
        digitisation(&mut tags, info);
    }
    if let Some(matrix) = &info.device_to_head {
        let inverse = invert(matrix).ok_or_else(|| {
            Error::format(path, "the transformation from device to head has no inverse", "correct it")
        })?;
        tags.transform(frame::DEVICE, frame::HEAD, matrix, &inverse);
    }
    if let Some(date) = info.meas_date {
        let seconds = i32::try_from(date.seconds).map_err(|_| {
            let problem = format!("the date is {} s after 1970", date.seconds);
            Error::format(path, problem, "FIF holds dates between 1901 and 2038; move it or leave it out")
        })?;
        tags.integers(tag::MEAS_DATE, &[seconds, date.microseconds as i32]);
    }
    tags.integer(tag::NCHAN, info.channels.len() as i32);
    tags.float(tag::SFREQ, info.sfreq);
    tags.float(tag::LOWPASS, info.lowpass.unwrap_or(info.sfreq / 2.0));
    tags.float(tag::HIGHPASS, info.highpass.unwrap_or(0.0));
    tags.integer(tag::DATA_PACK, sample_type as i32);
    let short = short_names(&info.channels);
    let short_of = |name: &str| short.get(name).map_or(name.to_owned(), Clone::clone);
    projectors(&mut tags, info, &short_of);
    channels(&mut tags, info, cals, &short);
    let bads: Vec<String> =
        info.channels.iter().filter(|channel| channel.bad).map(|channel| short_of(&channel.name)).collect();
    if !bads.is_empty() {
        tags.start(block::MNE_BAD_CHANNELS);
        tags.names(tag::MNE_CH_NAME_LIST, bads.iter().map(String::as_str));
        tags.end(block::MNE_BAD_CHANNELS);
    }
    compensations(&mut tags, info, &short_of);
    tags.end(block::MEAS_INFO);
    annotations(&mut tags, info);
    Ok(tags.bytes)
}

fn check(path: &Path, info: &RecordingInfo) -> Result<()> {
    if !(info.sfreq.is_finite() && info.sfreq > 0.0) {
        return Err(Error::format(path, format!("sfreq is {} Hz", info.sfreq), "it must be positive"));
    }
    if info.channels.is_empty() {
        return Err(Error::format(path, "the recording has no channels", "give it at least one"));
    }
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (index, channel) in info.channels.iter().enumerate() {
        if channel.name.is_empty() || channel.name.contains("{COLON}") {
            let problem = format!("channel {} is called `{}`", index + 1, channel.name);
            return Err(Error::format(path, problem, "a name is not empty and does not hold {COLON}"));
        }
        if let Some(first) = seen.insert(&channel.name, index) {
            return Err(Error::DuplicateChannel {
                path: path.to_owned(),
                name: channel.name.clone(),
                first: first + 1,
                second: index + 1,
            });
        }
        // The type of a MEG channel is told by its unit.
        if let (Some(expected @ (Unit::Tesla | Unit::TeslaPerMetre)), unit) = (Unit::of(channel.kind), &channel.unit)
            && expected != *unit
        {
            return Err(Error::ChannelUnit {
                path: path.to_owned(),
                channel: channel.name.clone(),
                kind: channel.kind,
                found: unit.name().to_owned(),
                expected: expected.name().to_owned(),
            });
        }
    }
    for (index, annotation) in info.annotations.iter().enumerate() {
        let sound = annotation.onset.is_finite() && annotation.duration.is_finite() && annotation.duration >= 0.0;
        if !sound || annotation.description.is_empty() || annotation.description.contains("{COLON}") {
            let problem = format!(
                "annotation {} is `{}`, {} s from {} s",
                index + 1,
                annotation.description,
                annotation.duration,
                annotation.onset
            );
            let advice = "it needs a description without {COLON}, a finite onset and a duration of 0 s or more";
            return Err(Error::format(path, problem, advice));
        }
    }
    for projector in &info.projectors {
        if projector.vectors.ncols() != projector.channels.len() || projector.name.is_empty() {
            let problem = format!(
                "projector `{}` is {:?} for {} channels",
                projector.name,
                projector.vectors.shape(),
                projector.channels.len()
            );
            return Err(Error::format(path, problem, "it needs a name and a column for each channel"));
        }
    }
    i32::try_from(info.first_samp).map(|_| ()).map_err(|_| {
        let problem = format!("the first sample is number {}", info.first_samp);
        Error::format(path, problem, format!("FIF holds numbers up to {}; start at 0", i32::MAX))
    })
}

fn digitisation(tags: &mut Tags, info: &RecordingInfo) {
    tags.start(block::ISOTRAK);
    for point in &info.digitisation {
        tags.header(tag::DIG_POINT, data_type::DIG_POINT_STRUCT, 20);
        let kind: i32 = match point.kind {
            DigKind::Cardinal => 1,
            DigKind::Hpi => 2,
            DigKind::Eeg => 3,
            DigKind::Extra => 4,
        };
        tags.bytes.extend(kind.to_be_bytes());
        tags.bytes.extend(point.ident.to_be_bytes());
        for value in point.position {
            tags.bytes.extend((value as f32).to_be_bytes());
        }
    }
    tags.end(block::ISOTRAK);
}

/// Names that fit into records, for recordings in which one does not: the first characters, with a number where two
/// would be the same.
fn short_names(channels: &[RecordingChannel]) -> HashMap<String, String> {
    // Latin-1, so that characters are bytes; records hold UTF-8, so that they must be ASCII to be both.
    let fits = |name: &str| name.len() <= SHORT_NAME && name.is_ascii();
    if channels.iter().all(|channel| fits(&channel.name)) {
        return HashMap::new();
    }
    let mut taken: HashSet<String> =
        channels.iter().filter(|channel| fits(&channel.name)).map(|channel| channel.name.clone()).collect();
    let mut short = HashMap::new();
    for channel in channels.iter().filter(|channel| !fits(&channel.name)) {
        let ascii: String = channel.name.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
        let mut name: String = ascii.chars().take(SHORT_NAME).collect();
        for number in 0_u64.. {
            if taken.insert(name.clone()) {
                break;
            }
            let end = format!("-{number}");
            name = ascii.chars().take(SHORT_NAME - end.len()).chain(end.chars()).collect();
        }
        short.insert(channel.name.clone(), name);
    }
    short
}

fn projectors(tags: &mut Tags, info: &RecordingInfo, short_of: &dyn Fn(&str) -> String) {
    if info.projectors.is_empty() {
        return;
    }
    tags.start(block::PROJ);
    for projector in &info.projectors {
        let names: Vec<String> = projector.channels.iter().map(|name| short_of(name)).collect();
        let kind = match projector.kind {
            ProjectorKind::Field => PROJ_FIELD,
            ProjectorKind::AverageReference => PROJ_EEG_AVREF,
            ProjectorKind::Other(kind) => kind,
        };
        tags.start(block::PROJ_ITEM);
        tags.names(tag::PROJ_ITEM_CH_NAME_LIST, names.iter().map(String::as_str));
        tags.text(tag::NAME, &projector.name);
        tags.integer(tag::NCHAN, names.len() as i32);
        tags.integer(tag::PROJ_ITEM_KIND, kind);
        if kind == PROJ_FIELD {
            tags.float(tag::PROJ_ITEM_TIME, 0.0);
        }
        tags.integer(tag::PROJ_ITEM_NVEC, projector.vectors.nrows() as i32);
        tags.integer(tag::MNE_PROJ_ITEM_ACTIVE, i32::from(projector.active));
        tags.matrix(tag::PROJ_ITEM_VECTORS, projector.vectors.view());
        if let Some(share) = projector.explained_variance {
            tags.float(tag::MNE_EXPLAINED_VAR, share);
        }
        tags.end(block::PROJ_ITEM);
    }
    tags.end(block::PROJ);
}

fn channels(tags: &mut Tags, info: &RecordingInfo, cals: &[f64], short: &HashMap<String, String>) {
    let grade = info.compensation_grade.unwrap_or(0);
    for (index, (channel, cal)) in info.channels.iter().zip(cals).enumerate() {
        let (kind, coil, unit) = numbers_of(channel, grade);
        let name = short.get(&channel.name).unwrap_or(&channel.name);
        tags.header(tag::CH_INFO, data_type::CH_INFO_STRUCT, 96);
        let number = index as i32 + 1;
        for value in [number, number, kind] {
            tags.bytes.extend(value.to_be_bytes());
        }
        for value in [1.0, *cal as f32] {
            tags.bytes.extend(value.to_be_bytes());
        }
        tags.bytes.extend(coil.to_be_bytes());
        for value in loc(channel, kind) {
            tags.bytes.extend((value as f32).to_be_bytes());
        }
        for value in [unit, 0] {
            tags.bytes.extend(value.to_be_bytes());
        }
        let mut padded = [0; SHORT_NAME + 1];
        padded[..name.len()].copy_from_slice(name.as_bytes());
        tags.bytes.extend(padded);
    }
    if short.is_empty() {
        return;
    }
    for (index, (channel, cal)) in info.channels.iter().zip(cals).enumerate() {
        let (kind, coil, unit) = numbers_of(channel, grade);
        tags.start(block::CH_INFO);
        tags.integer(tag::CH_SCAN_NO, index as i32 + 1);
        tags.integer(tag::CH_LOGICAL_NO, index as i32 + 1);
        tags.integer(tag::CH_KIND, kind);
        tags.float(tag::CH_RANGE, 1.0);
        tags.float(tag::CH_CAL, *cal);
        tags.integer(tag::CH_COIL_TYPE, coil);
        tags.floats(tag::CH_LOC, &loc(channel, kind));
        tags.integer(tag::CH_UNIT, unit);
        tags.integer(tag::CH_UNIT_MUL, 0);
        tags.text(tag::CH_DACQ_NAME, &channel.name);
        tags.integer(tag::CH_COORD_FRAME, coordinate_frame(kind));
        tags.end(block::CH_INFO);
    }
}

/// What positions of channels of this kind are relative to.
fn coordinate_frame(kind: i32) -> i32 {
    match kind {
        1 | 301 => frame::DEVICE,
        2 | 802 | 803 | 902 | 1100 => frame::HEAD,
        _ => frame::UNKNOWN,
    }
}

/// Position and axes. As in MNE-Python, a place that a sensor should have but that is not known is NaN.
fn loc(channel: &RecordingChannel, kind: i32) -> [f64; 12] {
    let mut loc = [0.0; 12];
    let unknown = if coordinate_frame(kind) == frame::UNKNOWN { 0.0 } else { f64::NAN };
    loc[..3].copy_from_slice(&channel.position.unwrap_or([unknown; 3]));
    if let Some(coil) = &channel.coil {
        loc[3..].copy_from_slice(coil.axes.as_flattened());
    }
    loc
}

fn compensations(tags: &mut Tags, info: &RecordingInfo, short_of: &dyn Fn(&str) -> String) {
    if info.compensations.is_empty() {
        return;
    }
    tags.start(block::MNE_CTF_COMP);
    for compensation in &info.compensations {
        tags.start(block::MNE_CTF_COMP_DATA);
        let kind = match compensation.grade {
            1 => 0x4731_4252,
            2 => 0x4732_4252,
            3 => 0x4733_4252,
            other => other as i32,
        };
        tags.integer(tag::MNE_CTF_COMP_KIND, kind);
        tags.integer(tag::MNE_CTF_COMP_CALIBRATED, 1);
        tags.start(block::MNE_NAMED_MATRIX);
        tags.integer(tag::MNE_NROW, compensation.channels.len() as i32);
        tags.integer(tag::MNE_NCOL, compensation.references.len() as i32);
        for (kind, names) in
            [(tag::MNE_ROW_NAMES, &compensation.channels), (tag::MNE_COL_NAMES, &compensation.references)]
        {
            let names: Vec<String> = names.iter().map(|name| short_of(name)).collect();
            tags.names(kind, names.iter().map(String::as_str));
        }
        tags.matrix(tag::MNE_CTF_COMP_DATA, compensation.weights.view());
        tags.end(block::MNE_NAMED_MATRIX);
        tags.end(block::MNE_CTF_COMP_DATA);
    }
    tags.end(block::MNE_CTF_COMP);
}

/// Onsets count from the start of the acquisition, as MNE-Python writes them; in double precision, unlike there, so
/// that onsets late in a recording keep their microseconds.
fn annotations(tags: &mut Tags, info: &RecordingInfo) {
    if info.annotations.is_empty() {
        return;
    }
    let origin = info.first_samp as f64 / info.sfreq;
    let onsets: Vec<f64> = info.annotations.iter().map(|annotation| annotation.onset + origin).collect();
    let ends: Vec<f64> = onsets.iter().zip(&info.annotations).map(|(onset, a)| onset + a.duration).collect();
    tags.start(block::MNE_ANNOTATIONS);
    tags.doubles(tag::MNE_BASELINE_MIN, &onsets);
    tags.doubles(tag::MNE_BASELINE_MAX, &ends);
    tags.names(tag::COMMENT, info.annotations.iter().map(|annotation| annotation.description.as_str()));
    if let Some(date) = info.meas_date {
        tags.doubles(tag::MEAS_DATE, &[date.seconds as f64, f64::from(date.microseconds)]);
    }
    tags.end(block::MNE_ANNOTATIONS);
}
