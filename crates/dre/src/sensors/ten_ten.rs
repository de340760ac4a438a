//! Electrodes of the 10–20 and 10–10 systems on a sphere.
//!
//! Oostenveld and Praamstra (2001), "The five percent electrode system for high-resolution EEG and ERP measurements",
//! Clinical Neurophysiology 112:713–719: arcs from nasion to inion and from ear to ear through the vertex in steps of
//! 10 %; a contour at 10 % above nasion, ears and inion; rows between the contour and the midline in equal arcs.

use crate::simulate::vector::{add, cross, dot, norm, scale, sub, unit};

/// Centre of the sphere that stands for the head (m, head coordinates): nasion, inion and ears are on it at z = 0.
pub const HEAD_CENTRE: [f64; 3] = [0.0, 0.0, 0.04];
/// Radius of that sphere: the scalp (m).
pub const HEAD_RADIUS: f64 = 0.09;

/// The 64 electrodes of a common 10–10 cap.
pub(super) const EEG64: &[&str] = &[
    "Fp1", "AF7", "AF3", "F1", "F3", "F5", "F7", "FT7", "FC5", "FC3", "FC1", "C1", "C3", "C5", "T7", "TP7", "CP5",
    "CP3", "CP1", "P1", "P3", "P5", "P7", "P9", "PO7", "PO3", "O1", "Iz", "Oz", "POz", "Pz", "CPz", "Fpz", "Fp2",
    "AF8", "AF4", "AFz", "Fz", "F2", "F4", "F6", "F8", "FT8", "FC6", "FC4", "FC2", "FCz", "Cz", "C2", "C4", "C6", "T8",
    "TP8", "CP6", "CP4", "CP2", "P2", "P4", "P6", "P8", "P10", "PO8", "PO4", "O2",
];

/// The electrodes of the 10–20 system, with the present names of T3 to T6.
pub(super) const EEG19: &[&str] = &[
    "Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz", "C4", "T8", "P7", "P3", "Pz", "P4", "P8", "O1", "O2",
];

/// Rows of electrodes: name on the midline, name of the outermost ones where it differs, tenths from the nasion.
const ROWS: [(&str, &str, u8); 9] = [
    ("Fp", "Fp", 1),
    ("AF", "AF", 2),
    ("F", "F", 3),
    ("FC", "FT", 4),
    ("C", "T", 5),
    ("CP", "TP", 6),
    ("P", "P", 7),
    ("PO", "PO", 8),
    ("O", "O", 9),
];

/// Older names, and the electrodes nearest to ear lobes and mastoids.
const ALIASES: [(&str, &str); 8] = [
    ("T3", "T7"),
    ("T4", "T8"),
    ("T5", "P7"),
    ("T6", "P8"),
    ("A1", "T9"),
    ("A2", "T10"),
    ("M1", "TP9"),
    ("M2", "TP10"),
];

/// Where an electrode of the 10–20 or 10–10 system is (m, head coordinates), on a sphere of [`HEAD_RADIUS`] about
/// [`HEAD_CENTRE`]; none for other names. Upper and lower case are the same.
pub fn position_by_name(name: &str) -> Option<[f64; 3]> {
    let name = ALIASES.iter().find(|(old, _)| old.eq_ignore_ascii_case(name)).map_or(name, |(_, present)| present);
    let direction = direction(&name.to_ascii_lowercase())?;
    Some(add(HEAD_CENTRE, scale(direction, HEAD_RADIUS)))
}

/// Every name that [`position_by_name`] knows, without aliases.
pub fn electrode_names() -> Vec<String> {
    let mut names = vec!["Nz".to_owned(), "Iz".to_owned()];
    for (inner, outer, _) in ROWS {
        names.push(format!("{inner}z"));
        for digit in 1..=10 {
            // The contour's names for 7 to 10; rows of one electrode a side know 1 and 2 only.
            let row = if digit > 6 { outer } else { inner };
            names.extend(Some(format!("{row}{digit}")).filter(|name| position_by_name(name).is_some()));
        }
    }
    names
}

/// A tenth of the arc from nasion over vertex to inion (rad).
fn step() -> f64 {
    (std::f64::consts::FRAC_PI_2 + (HEAD_CENTRE[2] / HEAD_RADIUS).asin()) / 5.0
}

/// Direction from the centre, `polar` from the vertex and `azimuth` from the front towards the left (rad).
fn spherical(polar: f64, azimuth: f64) -> [f64; 3] {
    [-polar.sin() * azimuth.sin(), polar.sin() * azimuth.cos(), polar.cos()]
}

fn direction(name: &str) -> Option<[f64; 3]> {
    let midline = |tenths: u8| {
        let polar = (5.0 - f64::from(tenths)) * step();
        spherical(polar.abs(), if polar < 0.0 { std::f64::consts::PI } else { 0.0 })
    };
    match name {
        "nz" => return Some(midline(0)),
        "iz" => return Some(midline(10)),
        _ => {}
    }
    let (row, digit) = name.split_at(name.find(|c: char| c.is_ascii_digit() || c == 'z')?);
    let find = |is_outer: bool| {
        let name_of = |entry: &(&'static str, &'static str, u8)| if is_outer { entry.1 } else { entry.0 };
        ROWS.iter().find(|entry| name_of(entry).eq_ignore_ascii_case(row)).map(|entry| entry.2)
    };
    if digit == "z" {
        return find(false).map(midline);
    }
    let number: u8 = digit.parse().ok().filter(|n: &u8| (1..=10).contains(n) && n.to_string() == digit)?;
    // Odd numbers are left.
    let side = if number % 2 == 1 { 1.0 } else { -1.0 };
    let outwards = number.div_ceil(2);
    // Fp1 and O1 are on the contour; so are 7 and 8 of the other rows. 9 and 10 are a tenth below.
    let (is_outer, polar) = match (row, outwards) {
        ("fp" | "o", 1) | (_, 4) => (true, 4.0),
        ("fp" | "o", _) => return None,
        (_, 5) => (true, 5.0),
        _ => (false, 0.0),
    };
    let tenths = find(is_outer || matches!(row, "fp" | "o"))?;
    // Tenths of the half contour from Fpz to Oz; Fp and O are one step from them.
    let azimuth = match tenths {
        1 => 1.0,
        9 => 9.0,
        other => f64::from(other),
    } * std::f64::consts::PI
        / 10.0;
    if is_outer {
        return Some(spherical(polar * step(), side * azimuth));
    }
    // On the circle through the contour on both sides and the midline, a quarter of the way for each number.
    let (middle, left) = (midline(tenths), spherical(4.0 * step(), azimuth));
    let right = [-left[0], left[1], left[2]];
    let normal = unit(cross(sub(left, middle), sub(right, middle)));
    let centre = scale(normal, dot(normal, middle));
    let (a, b) = (sub(middle, centre), sub(if side > 0.0 { left } else { right }, centre));
    let angle = (dot(a, b) / (norm(a) * norm(b))).clamp(-1.0, 1.0).acos();
    let across = unit(sub(b, scale(a, dot(a, b) / dot(a, a))));
    let (sin, cos) = (angle * f64::from(outwards) / 4.0).sin_cos();
    Some(add(centre, add(scale(a, cos), scale(across, norm(a) * sin))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::vector::distance;

    fn at(name: &str) -> [f64; 3] {
        position_by_name(name).unwrap_or_else(|| panic!("{name}"))
    }

    #[test]
    fn landmarks_are_where_the_system_puts_them() {
        let rim = (HEAD_RADIUS * HEAD_RADIUS - HEAD_CENTRE[2] * HEAD_CENTRE[2]).sqrt();
        assert!(distance(at("Cz"), [0.0, 0.0, HEAD_CENTRE[2] + HEAD_RADIUS]) < 1e-15);
        assert!(distance(at("Nz"), [0.0, rim, 0.0]) < 1e-15, "the nasion is on the y axis");
        assert!(distance(at("Iz"), [0.0, -rim, 0.0]) < 1e-15);
        assert!(distance(at("T9"), [-rim, 0.0, 0.0]) < 1e-15, "the left ear is on the x axis");
        assert!(at("C3")[0] < 0.0 && at("F4")[0] > 0.0 && at("O1")[1] < 0.0 && at("Fp2")[1] > 0.0);
    }

    #[test]
    fn rows_are_divided_into_equal_arcs() {
        for row in [["F7", "F5", "F3", "F1", "Fz"], ["T7", "C5", "C3", "C1", "Cz"], ["P8", "P6", "P4", "P2", "Pz"]] {
            let steps: Vec<f64> = row.windows(2).map(|pair| distance(at(pair[0]), at(pair[1]))).collect();
            assert!(steps.iter().all(|step| (step - steps[0]).abs() < 1e-12), "{row:?}: {steps:?}");
        }
        let contour = ["Fpz", "Fp1", "AF7", "F7", "FT7", "T7", "TP7", "P7", "PO7", "O1", "Oz"];
        let steps: Vec<f64> = contour.windows(2).map(|pair| distance(at(pair[0]), at(pair[1]))).collect();
        assert!(steps.iter().all(|step| (step - steps[0]).abs() < 1e-12), "{steps:?}");
    }

    #[test]
    fn names_are_known_in_any_case_and_by_their_old_ones() {
        assert_eq!(position_by_name("t3"), position_by_name("T7"));
        assert_eq!(position_by_name("FPZ"), position_by_name("Fpz"));
        for unknown in ["", "z", "C", "C0", "C11", "C03", "T1", "FC7", "FT5", "Q3", "Fp3", "O9", "MEG0111", "EOG"] {
            assert_eq!(position_by_name(unknown), None, "{unknown}");
        }
        let names = electrode_names();
        assert!(names.iter().all(|name| (distance(at(name), HEAD_CENTRE) - HEAD_RADIUS).abs() < 1e-12));
        assert!(EEG64.iter().chain(EEG19).all(|name| names.iter().any(|known| known == name)));
    }
}
