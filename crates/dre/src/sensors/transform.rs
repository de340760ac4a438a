//! Rigid motions.

use crate::simulate::vector::{add, dot};

/// A rotation followed by a translation (m).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transform {
    rotation: [[f64; 3]; 3],
    translation: [f64; 3],
}

impl Transform {
    /// Leaves everything where it is.
    pub fn identity() -> Self {
        Self::translation([0.0; 3])
    }

    /// Moves by a vector (m).
    pub fn translation(translation: [f64; 3]) -> Self {
        Self { rotation: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], translation }
    }

    /// Turns about the x axis, then y, then z (rad, right-handed), and moves by a vector (m).
    pub fn new(angles: [f64; 3], translation: [f64; 3]) -> Self {
        let [(sx, cx), (sy, cy), (sz, cz)] = angles.map(f64::sin_cos);
        let rotation = [
            [cy * cz, sx * sy * cz - cx * sz, cx * sy * cz + sx * sz],
            [cy * sz, sx * sy * sz + cx * cz, cx * sy * sz - sx * cz],
            [-sy, sx * cy, cx * cy],
        ];
        Self { rotation, translation }
    }

    /// Where a point (m) comes to lie.
    pub fn point(&self, p: [f64; 3]) -> [f64; 3] {
        add(self.direction(p), self.translation)
    }

    /// Where a direction points to.
    pub fn direction(&self, d: [f64; 3]) -> [f64; 3] {
        self.rotation.map(|row| dot(row, d))
    }

    /// This motion after another one.
    #[must_use]
    pub fn after(&self, first: &Self) -> Self {
        let column = |j: usize| self.direction([first.rotation[0][j], first.rotation[1][j], first.rotation[2][j]]);
        let (x, y, z) = (column(0), column(1), column(2));
        Self { rotation: [0, 1, 2].map(|i| [x[i], y[i], z[i]]), translation: self.point(first.translation) }
    }

    /// Homogeneous matrix, by rows.
    pub fn matrix(&self) -> [[f64; 4]; 4] {
        let row = |i: usize| {
            let [a, b, c] = self.rotation[i];
            [a, b, c, self.translation[i]]
        };
        [row(0), row(1), row(2), [0.0, 0.0, 0.0, 1.0]]
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::FRAC_PI_2;

    use super::*;
    use crate::simulate::vector::distance;

    #[test]
    fn motions_by_hand() {
        // A quarter turn about z takes x to y.
        let turn = Transform::new([0.0, 0.0, FRAC_PI_2], [1.0, 2.0, 3.0]);
        assert!(distance(turn.point([1.0, 0.0, 0.0]), [1.0, 3.0, 3.0]) < 1e-15);
        // A quarter turn about x takes y to z, about y takes z to x.
        assert!(
            distance(Transform::new([FRAC_PI_2, 0.0, 0.0], [0.0; 3]).point([0.0, 1.0, 0.0]), [0.0, 0.0, 1.0]) < 1e-15
        );
        assert!(
            distance(Transform::new([0.0, FRAC_PI_2, 0.0], [0.0; 3]).point([0.0, 0.0, 1.0]), [1.0, 0.0, 0.0]) < 1e-15
        );
        let both = turn.after(&Transform::new([0.3, -0.2, 0.1], [0.5, 0.0, -1.0]));
        let p = [0.3, 0.7, -0.2];
        let one_by_one = turn.point(Transform::new([0.3, -0.2, 0.1], [0.5, 0.0, -1.0]).point(p));
        assert!(distance(both.point(p), one_by_one) < 1e-15);
    }
}
