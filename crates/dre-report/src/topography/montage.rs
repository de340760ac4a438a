//! Electrodes of the 10–10 system on a sphere, for EEG data without positions.
//!
//! Source of the definition: Oostenveld and Praamstra 2001, "The five percent electrode system for high-resolution EEG
//! and ERP measurements", Clinical Neurophysiology 112. On a sphere whose equator is the ring through Fpz, T7, Oz and T8,
//! a tenth of the way from nasion to inion is 22.5°. Every row is the circle through its ends on the ring and its
//! middle on the midline, in equal parts.

/// Rows from front to back: name, azimuth of its left end on the ring (degrees from the nose), angle of its middle from the
/// vertex towards the nose (degrees).
const ROWS: [(&str, f64, f64); 9] = [
    ("AF", 36.0, 67.5),
    ("F", 54.0, 45.0),
    ("FC", 72.0, 22.5),
    ("FT", 72.0, 22.5),
    ("C", 90.0, 0.0),
    ("T", 90.0, 0.0),
    ("CP", 108.0, -22.5),
    ("TP", 108.0, -22.5),
    ("P", 126.0, -45.0),
];
/// Angle from the vertex (degrees) of the ring's neighbour below (T9, TP10).
const LOW: f64 = 112.5;

/// Position on a unit sphere (right, front, up) of the electrode `name`, in any case, with trailing dots (as in EDF files of
/// 64-channel caps); none for a name that is not of the system.
pub(crate) fn position(name: &str) -> Option<[f64; 3]> {
    let name = name.trim().trim_end_matches('.').to_ascii_uppercase();
    let name = match name.as_str() {
        "T3" => "T7",
        "T4" => "T8",
        "T5" => "P7",
        "T6" => "P8",
        other => other,
    };
    let split = name.find(|c: char| c.is_ascii_digit()).unwrap_or(name.len());
    let (row, number) = name.split_at(split);
    if number.is_empty() {
        let angle = match row {
            "NZ" => 112.5,
            "FPZ" => 90.0,
            "POZ" => -67.5,
            "OZ" => -90.0,
            "IZ" => -112.5,
            _ => ROWS.iter().find(|r| Some(r.0) == row.strip_suffix('Z'))?.2,
        };
        return Some(midline(angle));
    }
    let number: u32 = number.parse().ok().filter(|n| (1..=10).contains(n))?;
    let side = if number % 2 == 1 { -1.0 } else { 1.0 };
    // 1 and 2 are nearest to the midline, 9 and 10 below the ring.
    let steps = number.div_ceil(2);
    let left = match (row, steps) {
        ("FP", 1) => ring(18.0, 90.0),
        ("O", 1) => ring(162.0, 90.0),
        ("PO", 1..=4) => between(midline(-67.5), ring(144.0, 90.0), steps),
        ("PO", 5) => ring(144.0, LOW),
        _ => {
            let &(_, azimuth, middle) = ROWS.iter().find(|r| r.0 == row)?;
            if steps == 5 { ring(azimuth, LOW) } else { between(midline(middle), ring(azimuth, 90.0), steps) }
        }
    };
    Some([left[0] * side, left[1], left[2]])
}

/// `angle` degrees from the vertex towards the nose.
fn midline(angle: f64) -> [f64; 3] {
    let (sin, cos) = angle.to_radians().sin_cos();
    [0.0, sin, cos]
}

/// A point on the right side: `azimuth` degrees from the nose, `polar` degrees from the vertex.
fn ring(azimuth: f64, polar: f64) -> [f64; 3] {
    let (sin, cos) = azimuth.to_radians().sin_cos();
    let (down, up) = polar.to_radians().sin_cos();
    [sin * down, cos * down, up]
}

/// The point `steps` quarters of the way from `middle` to `end` on the circle through them and `end`'s mirror image.
fn between(middle: [f64; 3], end: [f64; 3], steps: u32) -> [f64; 3] {
    // The circle lies in the plane that is spanned by the right-hand axis and the line from `end`'s height and depth to
    // `middle`'s: x² + (s - s₀)² = radius², with s the distance along that line from `end`.
    let line = [middle[1] - end[1], middle[2] - end[2]];
    let height = line[0].hypot(line[1]);
    let s0 = (height * height - end[0] * end[0]) / (2.0 * height);
    let radius = height - s0;
    let whole = end[0].atan2(-s0);
    let (sin, cos) = (whole * f64::from(steps) / 4.0).sin_cos();
    let along = (s0 + radius * cos) / height;
    [radius * sin, end[1] + along * line[0], end[2] + along * line[1]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(name: &str, expected: [f64; 3]) {
        let found = position(name).unwrap_or_else(|| panic!("{name} is known"));
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{name}: {found:?}");
    }

    #[test]
    fn landmarks_stand_where_the_system_puts_them() {
        near("Cz", [0.0, 0.0, 1.0]);
        near("Fpz", [0.0, 1.0, 0.0]);
        near("OZ", [0.0, -1.0, 0.0]);
        near("T7", [-1.0, 0.0, 0.0]);
        near("T4", [1.0, 0.0, 0.0]);
        let half = 0.5f64.sqrt();
        near("Fz", [0.0, half, half]);
        near("C3..", [-half, 0.0, half]);
    }

    #[test]
    fn every_electrode_is_on_the_sphere_and_mirrors_its_twin() {
        for row in ["AF", "F", "FC", "C", "CP", "P", "PO"] {
            for odd in [1, 3, 5, 7] {
                let [left, right] = [odd, odd + 1].map(|n| position(&format!("{row}{n}")).expect("known"));
                assert!((left.iter().map(|v| v * v).sum::<f64>() - 1.0).abs() < 1e-9, "{row}{odd}");
                assert!((left[0] + right[0]).abs() < 1e-12 && (left[1] - right[1]).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn other_names_have_no_place() {
        for name in ["", "z", "MLT11", "EOG1", "F11", "F0", "Fp3", "1"] {
            assert_eq!(position(name), None, "{name}");
        }
    }
}
