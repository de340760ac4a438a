//! Channels and their positions (`EEG.chanlocs`).

use std::path::Path;

use dre::data::ChannelType;

use crate::recording::tidy::unique_names;
use crate::recording::{RecordingChannel, Unit};
use crate::{Error, Result};

use super::value::Value;

/// Volts in what EEGLAB stores, which is µV by convention.
const MICROVOLT: f64 = 1e-6;

/// The channels, and the factor of each from what is stored.
pub(super) fn read(
    path: &Path,
    chanlocs: &Value,
    n_channels: usize,
    notes: &mut Vec<String>,
) -> Result<(Vec<RecordingChannel>, Vec<f64>)> {
    let Value::Structs(structs) = chanlocs else {
        let names = (0..n_channels).map(|index| format!("EEG {index:03}"));
        let channels = names.map(|name| RecordingChannel::new(name, ChannelType::Eeg, Unit::Volt)).collect();
        return Ok((channels, vec![MICROVOLT; n_channels]));
    };
    if structs.rows.len() != n_channels {
        return Err(Error::format(
            path,
            format!("EEG.chanlocs describes {} channels, EEG.nbchan is {n_channels}", structs.rows.len()),
            "open the dataset in EEGLAB, which checks it, and save it again",
        ));
    }
    let field = |row: &'_ [Value], name| structs.place(name).and_then(|place| row.get(place)).map(Value::to_text);
    let mut names: Vec<String> = structs.rows.iter().map(|row| field(row, "labels").unwrap_or_default()).collect();
    let repeated = unique_names(&mut names);
    if !repeated.is_empty() {
        notes.push(format!(
            "{}: several channels are called {}; they were numbered",
            path.display(),
            repeated.join(", ")
        ));
    }
    let mut unknown: Vec<String> = Vec::new();
    let positions = positions(path, chanlocs, notes);
    let mut channels = Vec::with_capacity(n_channels);
    let mut scales = Vec::with_capacity(n_channels);
    for ((row, name), position) in structs.rows.iter().zip(names).zip(positions) {
        let place = structs.place("type");
        let text = match place.and_then(|place| row.get(place)) {
            Some(Value::Text(text)) => text.trim().to_lowercase(),
            _ => "eeg".to_owned(),
        };
        let kind = kind(&text).unwrap_or_else(|| {
            unknown.push(format!("{name} (`{text}`)"));
            ChannelType::Eeg
        });
        let (unit, scale) = match kind {
            ChannelType::Stim => (Unit::Other(String::new()), 1.0),
            _ => (Unit::Volt, MICROVOLT),
        };
        let mut channel = RecordingChannel::new(name, kind, unit);
        channel.position = position.filter(|_| kind == ChannelType::Eeg);
        channels.push(channel);
        scales.push(scale);
    }
    if !unknown.is_empty() {
        notes.push(format!("{}: unknown types of channels are taken for eeg: {}", path.display(), unknown.join(", ")));
    }
    Ok((channels, scales))
}

/// The type that a name of MNE-Python's stands for; those that are of no use here are `misc`.
fn kind(text: &str) -> Option<ChannelType> {
    Some(match text {
        "eeg" => ChannelType::Eeg,
        "eog" => ChannelType::Eog,
        "ecg" => ChannelType::Ecg,
        "emg" => ChannelType::Emg,
        "stim" => ChannelType::Stim,
        "ref_meg" => ChannelType::RefMeg,
        "bio" | "chpi" | "csd" | "dbs" | "dipole" | "ecog" | "exci" | "eyetrack" | "fnirs" | "gof" | "gsr" | "ias"
        | "misc" | "resp" | "seeg" | "syst" | "temperature" => ChannelType::Misc,
        _ => return None,
    })
}

/// Positions in head coordinates (m). EEGLAB's x points to the nose and its y to the left ear; MNE-Python's to the right ear
/// and to the nose. The unit is not said and is told by the size of the head, as in MNE-Python.
fn positions(path: &Path, chanlocs: &Value, notes: &mut Vec<String>) -> Vec<Option<[f64; 3]>> {
    let Value::Structs(structs) = chanlocs else { return Vec::new() };
    let mut positions = vec![None; structs.rows.len()];
    let places = ["X", "Y", "Z"].map(|name| structs.place(name));
    let [Some(x), Some(y), Some(z)] = places else { return positions };
    for (position, row) in positions.iter_mut().zip(&structs.rows) {
        let number = |place: usize| row.get(place).and_then(Value::number).filter(|number| number.is_finite());
        if let (Some(x), Some(y), Some(z)) = (number(x), number(y), number(z)) {
            *position = Some([-y, x, z]);
        }
    }
    let radii: Vec<f64> =
        positions.iter().flatten().map(|position| position.iter().map(|x| x * x).sum::<f64>().sqrt()).collect();
    if radii.is_empty() {
        return positions;
    }
    let radius = radii.iter().sum::<f64>() / radii.len() as f64;
    let per_metre = match radius {
        radius if radius < 0.25 => 1.0,
        radius if radius < 2.5 => 10.0,
        radius if radius < 25.0 => 100.0,
        _ => 1000.0,
    };
    let radius = radius / per_metre;
    if !(0.05..=0.1085).contains(&radius) {
        notes.push(format!(
            "{}: the mean radius of the positions is {:.1} cm, which no head has; their unit may be another",
            path.display(),
            100.0 * radius
        ));
    }
    for position in positions.iter_mut().flatten() {
        *position = position.map(|x| x * (1.0 / per_metre));
    }
    positions
}
