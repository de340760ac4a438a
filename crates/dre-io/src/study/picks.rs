//! `data.picks`: channel types as the study file names them.

use dre::data::ChannelType;
use serde::{Deserialize, Deserializer};

/// What can be picked: every type whose samples are a brain's or body's, and `meg` for both kinds of MEG sensors.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Pick {
    Mag,
    Grad,
    Meg,
    Eeg,
    Eog,
    Ecg,
    Emg,
    Misc,
}

/// Reads a list of types; each counts once.
pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ChannelType>, D::Error> {
    let mut kinds = Vec::new();
    for pick in Vec::<Pick>::deserialize(deserializer)? {
        let of_pick: &[ChannelType] = match pick {
            Pick::Mag => &[ChannelType::Mag],
            Pick::Grad => &[ChannelType::Grad],
            Pick::Meg => &[ChannelType::Mag, ChannelType::Grad],
            Pick::Eeg => &[ChannelType::Eeg],
            Pick::Eog => &[ChannelType::Eog],
            Pick::Ecg => &[ChannelType::Ecg],
            Pick::Emg => &[ChannelType::Emg],
            Pick::Misc => &[ChannelType::Misc],
        };
        for &kind in of_pick {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
    }
    Ok(kinds)
}
