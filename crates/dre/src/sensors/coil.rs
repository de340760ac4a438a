//! The coils of MEG sensors and how their flux is integrated.

/// A kind of coil.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoilKind {
    /// CTF's axial gradiometer: two coils of 18 mm diameter, 5 cm apart; the lower one minus the upper one (T).
    CtfAxial,
    /// Neuromag's planar gradiometer: two squares 16.8 mm apart along x (T/m).
    NeuromagPlanar,
    /// Neuromag's magnetometer T3: a square of 21 mm (T).
    NeuromagMagnetometer,
}

/// A coil and its axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coil {
    /// Which kind.
    pub kind: CoilKind,
    /// Unit vectors x, y, z of the coil's own coordinates in device coordinates; z is the normal, away from the head.
    pub axes: [[f64; 3]; 3],
}

/// A point of a quadrature over a coil.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CoilPoint {
    /// What the field's component along the normal is multiplied by (1, or 1/m for planar gradiometers).
    pub weight: f64,
    /// Place in the coil's own coordinates (m).
    pub offset: [f64; 3],
}

/// How far a Neuromag coil lies above its place (m).
const NEUROMAG_HEIGHT: f64 = 3e-4;

impl CoilKind {
    /// Its number in the FIF format.
    pub fn fif_number(self) -> i32 {
        match self {
            Self::CtfAxial => 5001,
            Self::NeuromagPlanar => 3012,
            Self::NeuromagMagnetometer => 3024,
        }
    }

    /// The points that MNE-Python calls `accurate`: Abramowitz and Stegun, 25.4.61 (disc) and 25.4.62 (square), and the
    /// coil definitions of MNE's manual ("The forward solution").
    pub fn points(self) -> Vec<CoilPoint> {
        let mut points = Vec::new();
        match self {
            Self::CtfAxial => {
                // 9 mm times the root of 2/3; angles in degrees.
                const RADIUS: f64 = 7.348e-3;
                for (sign, height) in [(1.0, 0.0), (-1.0, 0.05)] {
                    points.push(CoilPoint { weight: 0.25 * sign, offset: [0.0, 0.0, height] });
                    for (x, y) in [(1.0, 0.0), (-1.0, 0.0), (0.5, 1.0), (0.5, -1.0), (-0.5, 1.0), (-0.5, -1.0)] {
                        points.push(CoilPoint { weight: 0.125 * sign, offset: [x * RADIUS, y * 6.364e-3, height] });
                    }
                }
            }
            Self::NeuromagPlanar => {
                const WEIGHT: f64 = 14.9858;
                for sign in [1.0, -1.0] {
                    for x in [1.079e-2, 5.891e-3] {
                        for y in [6.713e-3, -6.713e-3] {
                            points.push(CoilPoint { weight: sign * WEIGHT, offset: [sign * x, y, NEUROMAG_HEIGHT] });
                        }
                    }
                }
            }
            Self::NeuromagMagnetometer => {
                const PLACES: [f64; 4] = [-7.875e-3, -2.625e-3, 2.625e-3, 7.875e-3];
                for x in PLACES {
                    for y in PLACES {
                        points.push(CoilPoint { weight: 1.0 / 16.0, offset: [x, y, NEUROMAG_HEIGHT] });
                    }
                }
            }
        }
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_fields_and_gradients_are_integrated_exactly() {
        let sum = |kind: CoilKind, field: &dyn Fn([f64; 3]) -> f64| -> f64 {
            kind.points().iter().map(|point| point.weight * field(point.offset)).sum()
        };
        // 1 T everywhere, and 1 T/m along each axis.
        assert!(sum(CoilKind::CtfAxial, &|_| 1.0).abs() < 1e-15);
        assert!((sum(CoilKind::CtfAxial, &|p| p[2]) + 0.05).abs() < 1e-15);
        assert!(sum(CoilKind::NeuromagPlanar, &|_| 1.0).abs() < 1e-12);
        assert!((sum(CoilKind::NeuromagPlanar, &|p| p[0]) - 1.0).abs() < 1e-3, "as the rounded definition has it");
        assert!(sum(CoilKind::NeuromagPlanar, &|p| p[1]).abs() < 1e-12);
        assert!((sum(CoilKind::NeuromagMagnetometer, &|_| 1.0) - 1.0).abs() < 1e-15);
        assert!(sum(CoilKind::NeuromagMagnetometer, &|p| p[0] + p[1]).abs() < 1e-15);
    }
}
