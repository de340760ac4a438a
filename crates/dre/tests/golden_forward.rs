//! Fields and potentials against MNE-Python, on the values of `bench/golden/sphere_forward.py`.
#![allow(missing_docs)]

mod common;

use common::{Golden, relative};
use dre::sensors::{SensorArray, Transform};
use dre::simulate::field::{coil_flux, sphere_field};
use dre::simulate::potential::Shells;
use ndarray::{Array1, Array2, Array3};

fn golden() -> Golden {
    Golden::read(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sphere-forward.safetensors"))
}

fn vector(golden: &Golden, name: &str) -> [f64; 3] {
    let values: Array1<f64> = golden.get(name);
    [values[0], values[1], values[2]]
}

fn dipoles(golden: &Golden) -> Vec<[f64; 3]> {
    golden.get::<ndarray::Ix2>("dipoles").outer_iter().map(|row| [row[0], row[1], row[2]]).collect()
}

/// 1 A·m along an axis.
fn axis(i: usize) -> [f64; 3] {
    let mut moment = [0.0; 3];
    moment[i] = 1.0;
    moment
}

#[test]
fn meg_equals_that_of_mne_for_every_sensor() {
    let golden = golden();
    let (centre, dipoles) = (vector(&golden, "centre"), dipoles(&golden));
    let place = Transform::new(vector(&golden, "angles"), vector(&golden, "shift"));
    for array in [SensorArray::Ctf275, SensorArray::Neuromag306] {
        let sensors = array.sensors();
        let found = Array3::from_shape_fn((sensors.len(), dipoles.len(), 3), |(s, d, i)| {
            coil_flux(&sensors[s], &place, |p| sphere_field(centre, dipoles[d], axis(i), p))
        });
        let expected: Array3<f64> = golden.get(array.name());
        for kind in [dre::data::ChannelType::Mag, dre::data::ChannelType::Grad] {
            let rows: Vec<usize> = (0..sensors.len()).filter(|&s| sensors[s].kind == kind).collect();
            if !rows.is_empty() {
                let select = |all: &Array3<f64>| all.select(ndarray::Axis(0), &rows);
                let error = relative(&select(&found), &select(&expected));
                assert!(error < 1e-6, "{array} {kind}: {error:e}");
            }
        }
    }
}

#[test]
fn eeg_equals_the_series_that_mne_approximates() {
    let golden = golden();
    let (centre, dipoles) = (vector(&golden, "centre"), dipoles(&golden));
    let electrodes: Array2<f64> = golden.get("electrodes");
    let shells = Shells::head(centre, 0.09);
    let found = Array3::from_shape_fn((electrodes.nrows(), dipoles.len(), 3), |(e, d, i)| {
        let electrode = [electrodes[[e, 0]], electrodes[[e, 1]], electrodes[[e, 2]]];
        shells.potential(dipoles[d], axis(i), electrode).unwrap()
    });
    let series: Array3<f64> = golden.get("eeg_series");
    let error = relative(&found, &series);
    assert!(error < 1e-9, "series: {error:e}");
    // MNE replaces the series by three dipoles in a homogeneous sphere, which differ from it by as much.
    let mne: Array3<f64> = golden.get("eeg_mne");
    let (to_mne, of_mne) = (relative(&mne, &found), relative(&mne, &series));
    assert!((to_mne - of_mne).abs() < 1e-6, "to MNE {to_mne:e}, of MNE to the series {of_mne:e}");
}
