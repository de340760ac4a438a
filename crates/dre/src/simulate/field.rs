//! Magnetic fields of current dipoles.
//!
//! Sarvas (1987), "Basic mathematical and electromagnetic concepts of the biomagnetic inverse problem", Physics in Medicine
//! and Biology 32:11–22.

use super::vector::{add, cross, dot, norm, scale, sub};
use crate::sensors::{Sensor, Transform};

/// Permeability of the vacuum over 4π (T·m/A).
const MU_0_4PI: f64 = 1e-7;

/// The magnetic field (T) at `place`, outside of a conductor that is the same in all directions from `centre`, of a
/// current dipole `moment` (A·m) at `dipole` inside it; Sarvas' equation 25. All in the same coordinates (m).
///
/// Neither the conductor's radius nor its conductivity matter; a radial dipole has no field.
pub fn sphere_field(centre: [f64; 3], dipole: [f64; 3], moment: [f64; 3], place: [f64; 3]) -> [f64; 3] {
    let (r, r0) = (sub(place, centre), sub(dipole, centre));
    let a = sub(r, r0);
    let (a_len, r_len, a_r) = (norm(a), norm(r), dot(a, r));
    let f = a_len * (r_len * a_len + r_len * r_len - dot(r0, r));
    let along_r = a_len * a_len / r_len + a_r / a_len + 2.0 * a_len + 2.0 * r_len;
    let along_r0 = a_len + 2.0 * r_len + a_r / a_len;
    let gradient = sub(scale(r, along_r), scale(r0, along_r0));
    let volume = cross(moment, r0);
    let field = sub(scale(volume, f), scale(gradient, dot(volume, r)));
    scale(field, MU_0_4PI / (f * f))
}

/// The magnetic field (T) at `place` of a current dipole `moment` (A·m) at `dipole` without a conductor around it: the law
/// of Biot and Savart.
pub fn free_field(dipole: [f64; 3], moment: [f64; 3], place: [f64; 3]) -> [f64; 3] {
    let a = sub(place, dipole);
    scale(cross(moment, a), MU_0_4PI / norm(a).powi(3))
}

/// What a MEG sensor measures (T, or T/m for planar gradiometers) in a field that is given in head coordinates; 0 for a
/// sensor without a coil.
pub fn coil_flux(sensor: &Sensor, device_to_head: &Transform, field: impl Fn([f64; 3]) -> [f64; 3]) -> f64 {
    let Some(coil) = &sensor.coil else { return 0.0 };
    let origin = device_to_head.point(sensor.position);
    let axes = coil.axes.map(|axis| device_to_head.direction(axis));
    let place = |offset: [f64; 3]| (0..3).fold(origin, |place, i| add(place, scale(axes[i], offset[i])));
    coil.kind.points().iter().map(|point| point.weight * dot(field(place(point.offset)), axes[2])).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::simulate::vector::unit;

    const CENTRE: [f64; 3] = [0.002, -0.003, 0.04];

    fn vector(size: f64) -> impl Strategy<Value = [f64; 3]> {
        [-size..size, -size..size, -size..size].prop_filter("not nothing", move |v| norm(*v) > 0.1 * size)
    }

    /// Derivatives of the field by central differences: `[component][direction]`.
    fn jacobian(field: &dyn Fn([f64; 3]) -> [f64; 3], place: [f64; 3]) -> [[f64; 3]; 3] {
        const H: f64 = 1e-5;
        let column = |j: usize| {
            let mut step = [0.0; 3];
            step[j] = H;
            scale(sub(field(add(place, step)), field(sub(place, step))), 0.5 / H)
        };
        let columns = [column(0), column(1), column(2)];
        [0, 1, 2].map(|i| [columns[0][i], columns[1][i], columns[2][i]])
    }

    proptest! {
        #[test]
        fn a_radial_dipole_has_no_field(direction in vector(1.0), depth in 0.01..0.08, place in vector(1.0)) {
            let (direction, place) = (unit(direction), add(CENTRE, scale(unit(place), 0.12)));
            let dipole = add(CENTRE, scale(direction, depth));
            let radial = norm(sphere_field(CENTRE, dipole, scale(direction, 1e-8), place));
            // The other direction of the same dipole, for the size of what rounding may leave.
            let across = unit(cross(direction, unit([0.3, 0.5, -0.7])));
            let tangential = norm(sphere_field(CENTRE, dipole, scale(across, 1e-8), add(CENTRE, scale(direction, 0.12))));
            prop_assert!(radial <= 1e-12 * tangential, "{radial} T against {tangential} T");
        }

        #[test]
        fn outside_the_field_has_neither_curl_nor_divergence(r0 in vector(0.04), q in vector(1e-8), place in vector(1.0)) {
            let (dipole, place) = (add(CENTRE, r0), add(CENTRE, scale(unit(place), 0.13)));
            let d = jacobian(&|p| sphere_field(CENTRE, dipole, q, p), place);
            let size = d.iter().flatten().map(|x| x * x).sum::<f64>().sqrt();
            prop_assert!((d[0][0] + d[1][1] + d[2][2]).abs() < 1e-5 * size);
            for (i, j) in [(0, 1), (1, 2), (2, 0)] {
                prop_assert!((d[i][j] - d[j][i]).abs() < 1e-5 * size);
            }
        }

        #[test]
        fn the_radial_component_is_that_of_the_dipole_alone(r0 in vector(0.04), q in vector(1e-8), place in vector(1.0)) {
            // Sarvas' equation 22: the currents in the conductor add nothing to it.
            let (dipole, out) = (add(CENTRE, r0), unit(place));
            let place = add(CENTRE, scale(out, 0.12));
            let with = dot(sphere_field(CENTRE, dipole, q, place), out);
            let without = dot(free_field(dipole, q, place), out);
            prop_assert!((with - without).abs() <= 1e-12 * norm(free_field(dipole, q, place)));
        }
    }
}
