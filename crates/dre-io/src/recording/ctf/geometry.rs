//! Rotations and shifts between the coordinate systems of CTF and those that MNE-Python uses.

use std::array;
use std::f64::consts::FRAC_1_SQRT_2;

/// A point or direction.
pub(super) type Vector = [f64; 3];

/// A rotation and a shift, row-major homogeneous.
pub(super) type Transform = [[f64; 4]; 4];

/// From CTF's device coordinates to those of MNE-Python: 45° about z, and 19 cm up.
pub(super) const DEVICE: Transform = [
    [FRAC_1_SQRT_2, -FRAC_1_SQRT_2, 0.0, 0.0],
    [FRAC_1_SQRT_2, FRAC_1_SQRT_2, 0.0, 0.0],
    [0.0, 0.0, 1.0, 0.19],
    [0.0, 0.0, 0.0, 1.0],
];

pub(super) fn dot(a: Vector, b: Vector) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub(super) fn cross(a: Vector, b: Vector) -> Vector {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// `a + factor · b`.
pub(super) fn plus(a: Vector, factor: f64, b: Vector) -> Vector {
    [a[0] + factor * b[0], a[1] + factor * b[1], a[2] + factor * b[2]]
}

pub(super) fn norm(a: Vector) -> f64 {
    dot(a, a).sqrt()
}

/// The unit vector of a direction; none for a vector without one.
pub(super) fn unit(a: Vector) -> Option<Vector> {
    let length = norm(a);
    (length > 0.0 && length.is_finite()).then(|| a.map(|x| x / length))
}

/// Where a point goes.
pub(super) fn apply(transform: &Transform, point: Vector) -> Vector {
    plus(rotate(transform, point), 1.0, [transform[0][3], transform[1][3], transform[2][3]])
}

/// Where a direction goes.
pub(super) fn rotate(transform: &Transform, direction: Vector) -> Vector {
    [0, 1, 2].map(|row| dot([transform[row][0], transform[row][1], transform[row][2]], direction))
}

/// First `second`, then `first`.
pub(super) fn product(first: &Transform, second: &Transform) -> Transform {
    let mut product = [[0.0; 4]; 4];
    for (row, out) in product.iter_mut().enumerate() {
        for (column, out) in out.iter_mut().enumerate() {
            *out = (0..4).map(|k| first[row][k] * second[k][column]).sum();
        }
    }
    product
}

/// The way back.
pub(super) fn inverse(transform: &Transform) -> Transform {
    let rows = [0, 1, 2].map(|column| [transform[0][column], transform[1][column], transform[2][column]]);
    let shift = [transform[0][3], transform[1][3], transform[2][3]];
    from_rows(rows, rows.map(|row| -dot(row, shift)))
}

fn from_rows(rows: [Vector; 3], shift: Vector) -> Transform {
    let row = |i: usize| [rows[i][0], rows[i][1], rows[i][2], shift[i]];
    [row(0), row(1), row(2), [0.0, 0.0, 0.0, 1.0]]
}

/// To head coordinates, in which x runs through both ears to the right and y through the nasion; none for landmarks on
/// one line.
pub(super) fn to_head(nasion: Vector, left: Vector, right: Vector) -> Option<Transform> {
    let x = unit(plus(right, -1.0, left))?;
    let origin = plus(left, dot(plus(nasion, -1.0, left), x), x);
    let y = unit(plus(nasion, -1.0, origin))?;
    let rows = [x, y, cross(x, y)];
    Some(from_rows(rows, rows.map(|row| -dot(row, origin))))
}

/// Two directions across `z`, which has length 1, chosen as MNE-Python does.
pub(super) fn across(z: Vector) -> (Vector, Vector) {
    let mut x = [0.0; 3];
    if (1.0 - z[2].abs()).abs() < 1e-5 {
        x[0] = 1.0;
    } else {
        // The axis along which z is smallest.
        let smaller = if z[1] < z[2] { 1 } else { 2 };
        x[if z[0] < z[smaller] { 0 } else { smaller }] = 1.0;
    }
    let x = plus(x, -dot(z, x), z);
    let x = x.map(|value| value / norm(x));
    (x, cross(z, x))
}

/// The rotation and shift that take the points `from` to `to` with the least squared distance.
///
/// B. K. P. Horn, "Closed-form solution of absolute orientation using unit quaternions", J. Opt. Soc. Am. A 4 (1987).
pub(super) fn align(from: &[Vector], to: &[Vector]) -> Transform {
    let centre = |points: &[Vector]| {
        let sum = points.iter().fold([0.0; 3], |sum, point| plus(sum, 1.0, *point));
        sum.map(|x| x / points.len() as f64)
    };
    let (from_centre, to_centre) = (centre(from), centre(to));
    let mut s = [[0.0; 3]; 3];
    for (a, b) in from.iter().zip(to) {
        let (a, b) = (plus(*a, -1.0, from_centre), plus(*b, -1.0, to_centre));
        for (row, a) in s.iter_mut().zip(a) {
            for (cell, b) in row.iter_mut().zip(b) {
                *cell += a * b;
            }
        }
    }
    let [[xx, xy, xz], [yx, yy, yz], [zx, zy, zz]] = s;
    let matrix = [
        [xx + yy + zz, yz - zy, zx - xz, xy - yx],
        [yz - zy, xx - yy - zz, xy + yx, zx + xz],
        [zx - xz, xy + yx, yy - xx - zz, yz + zy],
        [xy - yx, zx + xz, yz + zy, zz - xx - yy],
    ];
    let [w, x, y, z] = largest_eigenvector(matrix);
    let rows = [
        [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)],
        [2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x)],
        [2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)],
    ];
    let turned = rows.map(|row| dot(row, from_centre));
    from_rows(rows, plus(to_centre, -1.0, turned))
}

/// The eigenvector (length 1) of the largest eigenvalue of a symmetric matrix, by Jacobi rotations.
fn largest_eigenvector(mut a: [[f64; 4]; 4]) -> [f64; 4] {
    let mut vectors = [[0.0; 4]; 4];
    for (i, row) in vectors.iter_mut().enumerate() {
        row[i] = 1.0;
    }
    // Converges quadratically; a few sweeps reach machine precision, the bound only guards against NaN.
    for _ in 0..50 {
        let (mut p, mut q) = (0, 1);
        for i in 0..4 {
            for j in i + 1..4 {
                if a[i][j].abs() > a[p][q].abs() {
                    (p, q) = (i, j);
                }
            }
        }
        if a[p][q] == 0.0 {
            break;
        }
        let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
        let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
        let c = t.hypot(1.0).recip();
        let s = t * c;
        for row in &mut a {
            (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
        }
        let (row_p, row_q) = (a[p], a[q]);
        a[p] = array::from_fn(|k| c * row_p[k] - s * row_q[k]);
        a[q] = array::from_fn(|k| s * row_p[k] + c * row_q[k]);
        for row in &mut vectors {
            (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
        }
    }
    let largest = (0..4).max_by(|i, j| a[*i][*i].total_cmp(&a[*j][*j])).unwrap_or(0);
    vectors.map(|row| row[largest])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(a: Vector, b: Vector) -> bool {
        norm(plus(a, -1.0, b)) < 1e-12
    }

    proptest! {
        #[test]
        fn a_planted_rotation_and_shift_are_found(
            q in prop::array::uniform4(-1.0..1.0f64), shift in prop::array::uniform3(-0.3..0.3f64),
        ) {
            let length = q.iter().map(|x| x * x).sum::<f64>().sqrt();
            prop_assume!(length > 0.1);
            let [w, x, y, z] = q.map(|value| value / length);
            let planted = from_rows([
                [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)],
                [2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x)],
                [2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)],
            ], shift);
            let from = [[0.1, 0.0, 0.02], [0.0, 0.07, 0.0], [0.01, -0.08, 0.0]];
            let to = from.map(|point| apply(&planted, point));
            let found = align(&from, &to);
            for point in from {
                prop_assert!(close(apply(&found, point), apply(&planted, point)));
                prop_assert!(close(apply(&inverse(&found), apply(&found, point)), point));
            }
        }

        #[test]
        fn directions_across_are_a_right_handed_frame(z in prop::array::uniform3(-1.0..1.0f64)) {
            prop_assume!(norm(z) > 0.1);
            let z = unit(z).expect("a direction");
            let (x, y) = across(z);
            prop_assert!(dot(x, z).abs() < 1e-12 && (norm(x) - 1.0).abs() < 1e-12 && close(cross(z, x), y));
        }
    }
}
