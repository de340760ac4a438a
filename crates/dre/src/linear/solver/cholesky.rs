//! Cholesky's factorisation in blocks, shared out over threads, and the solutions it gives.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::{factor, solve};
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, Mat, MatMut, MatRef, Par};

use super::Dependent;
use crate::{Stop, parallel};

/// Columns of a block. The blocks, and with them every digit, are the same on any number of threads.
const BLOCK: usize = 256;
/// Rows that one piece of work solves for.
const ROWS: usize = 512;
/// Right-hand sides that one piece of work solves for.
const TARGETS: usize = 48;

/// Replaces the lower triangle of a column-major matrix by its factor L, with L Lᵀ the matrix. What is above the diagonal
/// is left alone.
///
/// Right-looking: each block of columns is factorised, then taken off from those behind it. Asked to stop, it leaves blocks
/// as they are.
pub(super) fn factorise(square: &mut [f64], n: usize, (n_threads, stop): (usize, &Stop)) -> Result<(), Dependent> {
    for start in (0..n).step_by(BLOCK) {
        if stop.is_asked() {
            break;
        }
        let width = BLOCK.min(n - start);
        let (done, behind) = square.split_at_mut((start + width) * n);
        let panel = MatMut::from_column_major_slice_mut(&mut done[start * n..], n, width);
        let (mut own, below) = panel.submatrix_mut(start, 0, n - start, width).split_at_row_mut(width);
        // Factorised beside its place: above its diagonal lies what is to stay.
        let mut head = own.to_owned();
        let mut memory =
            MemBuffer::new(factor::cholesky_in_place_scratch::<f64>(width, Par::Seq, faer::Spec::default()));
        factor::cholesky_in_place(
            head.as_mut(),
            factor::LltRegularization::default(),
            Par::Seq,
            MemStack::new(&mut memory),
            faer::Spec::default(),
        )
        .map_err(|factor::LltError::NonPositivePivot { index }| Dependent { column: start + index })?;
        own.copy_from_triangular_lower(&head);
        let head = head.as_ref();
        let mut pieces = Vec::new();
        let mut rest = below;
        while rest.nrows() > ROWS {
            let (piece, more) = rest.split_at_row_mut(ROWS);
            pieces.push(piece);
            rest = more;
        }
        pieces.push(rest);
        let n_pieces = pieces.len();
        parallel::for_each_with(
            pieces.into_iter(),
            n_pieces,
            n_threads,
            || (),
            |(), piece| {
                solve_lower_triangular_in_place(head, piece.transpose_mut(), Par::Seq);
            },
        );
        let panel = MatRef::from_column_major_slice(&done[start * n..], n, width);
        parallel::for_each_chunk(behind, BLOCK * n, n_threads, |block, columns| {
            let (first, wide) = (start + width + block * BLOCK, columns.len() / n);
            let mut columns = MatMut::from_column_major_slice_mut(columns, n, wide);
            let own = panel.subrows(first, wide);
            triangular::matmul(
                columns.as_mut().subrows_mut(first, wide),
                BlockStructure::TriangularLower,
                Accum::Add,
                own,
                BlockStructure::Rectangular,
                own.transpose(),
                BlockStructure::Rectangular,
                -1.0,
                Par::Seq,
            );
            let (below, n_below) = (first + wide, n - first - wide);
            let out = columns.subrows_mut(below, n_below);
            matmul(out, Accum::Add, panel.subrows(below, n_below), own.transpose(), -1.0, Par::Seq);
        });
    }
    Ok(())
}

/// Solves L Lᵀ w = right for a factor in the lower triangle of a column-major matrix.
pub(super) fn solve(factor: &[f64], n: usize, right: MatRef<'_, f64>, n_threads: usize) -> Mat<f64> {
    let factor = MatRef::from_column_major_slice(factor, n, n);
    let mut solution = vec![0.0; n * right.ncols()];
    parallel::for_each_chunk(&mut solution, TARGETS * n, n_threads, |block, columns| {
        let width = columns.len() / n;
        let mut columns = MatMut::from_column_major_slice_mut(columns, n, width);
        columns.copy_from(right.subcols(block * TARGETS, width));
        let mut memory = MemBuffer::new(solve::solve_in_place_scratch::<f64>(n, width, Par::Seq));
        solve::solve_in_place(factor, columns, Par::Seq, MemStack::new(&mut memory));
    });
    MatRef::from_column_major_slice(&solution, n, right.ncols()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_s_square_is_the_matrix_on_any_number_of_threads() {
        for n in [1, 255, 256, 600] {
            let noise = |i: usize, j: usize| ((i * 7919 + j * 104_729) % 1013) as f64 / 1013.0 - 0.5;
            let a = Mat::from_fn(n, n, |i, j| noise(i.max(j), i.min(j)) + if i == j { n as f64 } else { 0.0 });
            let mut one: Vec<f64> = (0..n * n).map(|k| a[(k % n, k / n)]).collect();
            let mut three = one.clone();
            factorise(&mut one, n, (1, &Stop::never())).unwrap();
            factorise(&mut three, n, (3, &Stop::never())).unwrap();
            assert_eq!(one, three);
            let l = Mat::from_fn(n, n, |i, j| if i >= j { one[j * n + i] } else { 0.0 });
            let difference = &l * l.transpose() - &a;
            assert!(difference.norm_max() < 1e-10 * n as f64, "{n}: {}", difference.norm_max());
            assert!((0..n).all(|j| (0..j).all(|i| one[j * n + i].to_bits() == a[(i, j)].to_bits())));
            let right = Mat::from_fn(n, 50, |i, c| noise(i, c + 3));
            let w = solve(&one, n, right.as_ref(), 2);
            assert!((&a * &w - &right).norm_max() < 1e-10);
        }
    }
}
