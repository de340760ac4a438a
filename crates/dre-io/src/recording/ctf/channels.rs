//! From the header's records to channels.

use std::path::Path;

use dre::data::ChannelType;

use crate::recording::{Coil, RecordingChannel, Unit};
use crate::{Error, Result};

use super::geometry::{DEVICE, Vector, across, apply, cross, dot, norm, plus, rotate, unit};
use super::head::Head;
use super::res4::{Res4, Res4Channel};

/// Types of sensors, with CTF's numbers.
const REFERENCE_MAGNETOMETER: i16 = 0;
const REFERENCE_GRADIOMETER: i16 = 1;
const GRADIOMETER: i16 = 5;
const EEG: i16 = 9;
const ADC: [i16; 2] = [10, 18];
const STIMULUS: i16 = 11;

/// Types of coils, with the numbers of the FIF format.
const FIF_AXIAL_GRADIOMETER: i32 = 5001;
const FIF_REFERENCE_MAGNETOMETER: i32 = 5002;
const FIF_REFERENCE_GRADIOMETER: i32 = 5003;
const FIF_REFERENCE_OFF_DIAGONAL: i32 = 5004;

/// What the records say together.
pub(super) struct Channels {
    pub(super) channels: Vec<RecordingChannel>,
    /// Stored value times this is the value in the channel's unit.
    pub(super) scales: Vec<f64>,
    pub(super) grade: Option<u32>,
    pub(super) notes: Vec<String>,
}

/// Converts all records. `place_eeg` says whether electrodes are where the header has them.
pub(super) fn convert(path: &Path, header: &Res4, head: &Head, place_eeg: bool) -> Result<Channels> {
    let mut out = Channels { channels: Vec::new(), scales: Vec::new(), grade: None, notes: Vec::new() };
    let mut unplaced = Vec::new();
    for (record, name) in header.channels.iter().zip(names(&header.channels)) {
        out.scales.push((record.proper_gain * record.q_gain).recip());
        let channel = channel(record, name, head, place_eeg);
        if is_meg(record) && channel.coil.is_none() {
            unplaced.push(channel.name.clone());
        }
        if channel.kind == ChannelType::Mag {
            let grade = u32::from(record.grade.unsigned_abs());
            if *out.grade.get_or_insert(grade) != grade {
                let found = out.grade.unwrap_or_default();
                let problem = format!("channel `{}` has gradient order {grade}, those before it {found}", record.name);
                let advice = "compute one order for all channels with CTF's software";
                return Err(Error::format(path, problem, advice));
            }
        }
        out.channels.push(channel);
    }
    if !unplaced.is_empty() {
        out.notes.push(format!(
            "{}: MEG channels without a position, taken as misc: {}",
            path.display(),
            unplaced.join(", ")
        ));
    }
    check_names(path, &out.channels)?;
    Ok(out)
}

fn is_meg(record: &Res4Channel) -> bool {
    matches!(record.sensor, REFERENCE_MAGNETOMETER | REFERENCE_GRADIOMETER | GRADIOMETER)
}

/// The names without the site's number behind a dash, as MNE-Python cleans them; as they are where that makes two alike.
fn names(records: &[Res4Channel]) -> Vec<String> {
    // The FIF format has room for 15 characters, and MNE-Python cuts here as well.
    let full: Vec<String> = records.iter().map(|record| record.name.chars().take(15).collect()).collect();
    let clean: Vec<String> = full.iter().map(|name| clean_name(name).to_owned()).collect();
    let mut sorted: Vec<&String> = clean.iter().collect();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() == clean.len() { clean } else { full }
}

/// A channel's name without the site's number: `MLC11-4304` is `MLC11`.
pub(super) fn clean_name(name: &str) -> &str {
    let name = name.split_once('-').map_or(name, |(before, _)| before);
    name.strip_suffix("_v").unwrap_or(name)
}

fn check_names(path: &Path, channels: &[RecordingChannel]) -> Result<()> {
    for (second, channel) in channels.iter().enumerate() {
        if let Some(first) = channels[..second].iter().position(|other| other.name == channel.name) {
            let name = channel.name.clone();
            return Err(Error::DuplicateChannel { path: path.to_owned(), name, first: first + 1, second: second + 1 });
        }
    }
    Ok(())
}

fn channel(record: &Res4Channel, name: String, head: &Head, place_eeg: bool) -> RecordingChannel {
    let other = |unit: &str| Unit::Other(unit.to_owned());
    if is_meg(record) {
        return match meg(record) {
            Some((coil, position)) => {
                let kind = if record.sensor == GRADIOMETER { ChannelType::Mag } else { ChannelType::RefMeg };
                let position = Some(position);
                RecordingChannel { position, coil: Some(coil), ..RecordingChannel::new(name, kind, Unit::Tesla) }
            }
            None => RecordingChannel::new(name, ChannelType::Misc, other("")),
        };
    }
    match record.sensor {
        EEG => {
            let at = record.coils[0].position;
            let position = head.from_ctf.filter(|_| place_eeg && dot(at, at) >= 1e-8).map(|t| apply(&t, at));
            RecordingChannel { position, ..RecordingChannel::new(name, ChannelType::Eeg, Unit::Volt) }
        }
        STIMULUS => RecordingChannel::new(name, ChannelType::Stim, other("")),
        sensor if ADC.contains(&sensor) => RecordingChannel::new(name, ChannelType::Misc, Unit::Volt),
        _ => RecordingChannel::new(name, ChannelType::Misc, other("")),
    }
}

/// Coil and position of a MEG sensor in device coordinates; none where the header has no position.
fn meg(record: &Res4Channel) -> Option<(Coil, Vector)> {
    let [first, second] = record.coils;
    if dot(first.position, first.position) < 1e-6 || dot(first.normal, first.normal) < 1e-6 {
        return None;
    }
    let mut origin = first.position;
    // A positive gain means that the normal points inwards.
    let normal = if record.proper_gain > 0.0 { first.normal.map(|x| -x) } else { first.normal };
    let (mut axes, mut kind) = (None, FIF_AXIAL_GRADIOMETER);
    if record.sensor == REFERENCE_MAGNETOMETER {
        kind = FIF_REFERENCE_MAGNETOMETER;
    } else if record.sensor == REFERENCE_GRADIOMETER {
        kind = FIF_REFERENCE_GRADIOMETER;
        let apart = plus(first.position, -1.0, second.position);
        let direction = unit(apart).unwrap_or_default();
        // An off-diagonal gradiometer: its coils lie side by side, and x points from one to the other.
        if dot(direction, normal).abs() < 1e-3 {
            kind = FIF_REFERENCE_OFF_DIAGONAL;
            origin = plus(origin, -0.5 * norm(apart), direction);
            axes = Some([direction, cross(normal, direction), normal]);
        }
    }
    let axes = axes.or_else(|| {
        let z = unit(normal)?;
        let (x, y) = across(z);
        Some([x, y, z])
    })?;
    Some((Coil { kind, axes: axes.map(|axis| rotate(&DEVICE, axis)) }, apply(&DEVICE, origin)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_the_number_of_the_site() {
        for (name, clean) in [("MLC11-4304", "MLC11"), ("EEG057", "EEG057"), ("SCLK01-177", "SCLK01"), ("X_v", "X")] {
            assert_eq!(clean_name(name), clean);
        }
    }
}
