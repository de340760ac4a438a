//! The section [Coordinates]: radius (mm, or 1 on an ideal sphere), theta and phi (degrees) of each channel.

use dre::data::ChannelType;

use crate::Result;
use crate::recording::RecordingChannel;

use super::header::Section;
use super::text::fields;

/// Radius (m) of the head that ideal positions are put on, as in MNE-Python.
const HEAD_RADIUS: f64 = 0.095;

/// Gives EEG channels their positions (m). Channels of which the section says that they have none become `misc`.
pub(super) fn place(section: &Section<'_>, channels: &mut [RecordingChannel], notes: &mut Vec<String>) -> Result<()> {
    let mut unplaced = Vec::new();
    for entry in &section.entries {
        let number = entry.key.strip_prefix("ch").and_then(|number| number.parse::<usize>().ok());
        let channel = number.and_then(|number| channels.get_mut(number.checked_sub(1)?));
        let Some(channel) = channel else {
            return Err(section.fault(entry, "the number of a channel before it, `Ch1` and so on"));
        };
        let numbers: Option<Vec<f64>> =
            fields(entry.value).iter().map(|field| field.parse().ok().filter(|x: &f64| x.is_finite())).collect();
        let Some([radius, theta, phi]) = numbers.as_deref().and_then(|numbers| numbers.first_chunk::<3>()) else {
            return Err(section.fault(entry, "radius,theta,phi (mm and degrees)"));
        };
        #[expect(clippy::float_cmp, reason = "1 is a mark here, not a measurement")]
        let radius = if *radius == 1.0 { HEAD_RADIUS } else { radius / 1e3 };
        let (polar, azimuth) = (theta.to_radians(), phi.to_radians());
        let position =
            [radius * polar.sin() * azimuth.cos(), radius * polar.sin() * azimuth.sin(), radius * polar.cos()];
        if channel.kind != ChannelType::Eeg {
            continue;
        }
        if position.iter().all(|x| *x == 0.0) {
            channel.kind = ChannelType::Misc;

            unplaced.push(channel.name.clone());
        } else {
            channel.position = Some(position);
        }
    }
    if !unplaced.is_empty() {
        notes.push(format!(
            "{}: no coordinates are given for {}; their type is misc",
            section.path.display(),
            unplaced.join(", ")
        ));
    }
    Ok(())
}
