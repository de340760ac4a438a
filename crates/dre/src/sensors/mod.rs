//! Built-in arrays of sensors, and places of electrodes by name.
//!
//! Coordinates are in metres. *Head* coordinates: x from the left to the right preauricular point, y through the nasion, z
//! up (Neuromag's and MNE-Python's convention). *Device* coordinates belong to the helmet: x right, y front, z up.

mod coil;
mod table;
mod ten_ten;
mod transform;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use coil::{Coil, CoilKind, CoilPoint};
pub use ten_ten::{HEAD_CENTRE, HEAD_RADIUS, electrode_names, position_by_name};
pub use transform::Transform;

use crate::data::ChannelType;

/// An array of sensors that can be simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SensorArray {
    /// 275 axial gradiometers with a baseline of 5 cm, places and names of a CTF system.
    Ctf275,
    /// 102 triplets of two planar gradiometers and a magnetometer, places and names of a Neuromag system.
    Neuromag306,
    /// 64 electrodes of the 10–10 system.
    Eeg64,
    /// The 19 electrodes of the 10–20 system.
    Eeg19,
}

/// One sensor of an array.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensor {
    /// Name, as the maker of such systems uses.
    pub name: String,
    /// `Mag` (T; axial gradiometers too), `Grad` (T/m) or `Eeg` (V).
    pub kind: ChannelType,
    /// Centre of the coil in device coordinates, or the electrode in head coordinates (m).
    pub position: [f64; 3],
    /// The coil of a MEG sensor.
    pub coil: Option<Coil>,
}

impl SensorArray {
    /// All arrays.
    pub const ALL: [Self; 4] = [Self::Ctf275, Self::Neuromag306, Self::Eeg64, Self::Eeg19];

    /// Its name, such as `ctf275`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ctf275 => "ctf275",
            Self::Neuromag306 => "neuromag306",
            Self::Eeg64 => "eeg64",
            Self::Eeg19 => "eeg19",
        }
    }

    /// Whether it measures magnetic fields.
    pub fn is_meg(self) -> bool {
        matches!(self, Self::Ctf275 | Self::Neuromag306)
    }

    /// The sensors in the order of the channels.
    pub fn sensors(self) -> Vec<Sensor> {
        match self {
            Self::Ctf275 => table::ctf275(),
            Self::Neuromag306 => table::neuromag306(),
            Self::Eeg64 => electrodes(ten_ten::EEG64),
            Self::Eeg19 => electrodes(ten_ten::EEG19),
        }
    }

    /// Where the helmet is for a head that touches its top: from device to head coordinates. The heads are spheres of
    /// [`HEAD_RADIUS`] about [`HEAD_CENTRE`], whose top is then some 17 mm below the uppermost sensors, the thickness of
    /// a dewar. The identity for EEG.
    pub fn device_to_head(self) -> Transform {
        match self {
            Self::Ctf275 => Transform::translation([0.0, 0.004, 0.047]),
            Self::Neuromag306 => Transform::translation([0.0, -0.012, 0.037]),
            Self::Eeg64 | Self::Eeg19 => Transform::identity(),
        }
    }
}

impl fmt::Display for SensorArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SensorArray {
    type Err = crate::Error;

    fn from_str(text: &str) -> crate::Result<Self> {
        Self::ALL.into_iter().find(|array| array.name() == text).ok_or_else(|| crate::Error::Setting {
            name: "array".to_owned(),
            found: text.to_owned(),
            expected: Self::ALL.map(Self::name).join(", "),
        })
    }
}

fn electrodes(names: &[&str]) -> Vec<Sensor> {
    names
        .iter()
        .filter_map(|name| {
            let position = position_by_name(name)?;
            Some(Sensor { name: (*name).to_owned(), kind: ChannelType::Eeg, position, coil: None })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::simulate::vector::{distance, dot, norm, sub};

    #[test]
    fn arrays_have_their_sensors_under_names_of_their_own() {
        for (array, n) in SensorArray::ALL.into_iter().zip([275, 306, 64, 19]) {
            let sensors = array.sensors();
            assert_eq!(sensors.len(), n, "{array}");
            assert_eq!(sensors.iter().map(|s| &s.name).collect::<BTreeSet<_>>().len(), n, "{array}");
            assert_eq!(array.name().parse::<SensorArray>().unwrap(), array);
        }
        let error = "eeg32".parse::<SensorArray>().unwrap_err().to_string();
        assert_eq!(error, "array = eeg32, expected ctf275, neuromag306, eeg64, eeg19");
    }

    #[test]
    fn coils_point_outwards_with_orthonormal_axes_and_clear_the_head() {
        for array in [SensorArray::Ctf275, SensorArray::Neuromag306] {
            let place = array.device_to_head();
            for sensor in array.sensors() {
                let coil = sensor.coil.expect("a coil");
                for (i, a) in coil.axes.iter().enumerate() {
                    for (j, b) in coil.axes.iter().enumerate() {
                        assert!((dot(*a, *b) - f64::from(u8::from(i == j))).abs() < 1e-12, "{}", sensor.name);
                    }
                }
                let out = sub(place.point(sensor.position), HEAD_CENTRE);
                assert!(norm(out) > HEAD_RADIUS + 0.01, "{} is {} m from the centre", sensor.name, norm(out));
                assert!(dot(place.direction(coil.axes[2]), out) > 0.0, "{}", sensor.name);
            }
        }
    }

    #[test]
    fn left_and_right_mirror_each_other() {
        for (array, left, right) in [(SensorArray::Ctf275, "ML", "MR"), (SensorArray::Eeg64, "F3", "F4")] {
            let sensors = array.sensors();
            let place = |name: &str| sensors.iter().find(|s| s.name == name).map(|s| s.position);
            for sensor in sensors.iter().filter(|s| s.name.starts_with(left)) {
                let twin = place(&sensor.name.replacen(left, right, 1)).expect("there");
                let [x, y, z] = sensor.position;
                assert!(distance([-x, y, z], twin) < 0.02, "{}", sensor.name);
            }
        }
    }
}
