//! Matrix products.

use super::Threads;

/// A matrix inside a slice: element `(i, j)` is `data[i * row + j * col]`.
#[derive(Clone, Copy)]
pub(crate) struct Mat<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) row: usize,
    pub(crate) col: usize,
}

impl<'a> Mat<'a> {
    /// Row-major with `row` numbers from one row to the next.
    pub(crate) fn rows(data: &'a [f32], row: usize) -> Self {
        Self { data, row, col: 1 }
    }

    /// The transpose of a row-major matrix.
    pub(crate) fn transposed(data: &'a [f32], row: usize) -> Self {
        Self { data, row: 1, col: row }
    }

    /// Whether the slice holds a matrix of this shape.
    pub(crate) fn holds(&self, m: usize, n: usize) -> bool {
        m == 0 || n == 0 || self.data.len() > (m - 1) * self.row + (n - 1) * self.col
    }
}

/// `out (m × n) = a (m × k) · b (k × n)`, or `out += …` where `add`. `out` is row-major with `row` numbers per row.
///
/// Each element is summed in an order that does not depend on the number of threads.
#[allow(clippy::too_many_arguments)]
pub(crate) fn matmul(
    (m, k, n): (usize, usize, usize),
    a: Mat<'_>,
    b: Mat<'_>,
    out: &mut [f32],
    row: usize,
    add: bool,
    threads: &Threads,
) {
    if m == 0 || n == 0 {
        return;
    }
    assert!(out.len() > (m - 1) * row + n - 1 && row >= n, "the product does not fit its place");
    if k == 0 {
        if !add {
            out.chunks_mut(row).take(m).for_each(|r| r[..n].fill(0.0));
        }
        return;
    }
    assert!(a.holds(m, k) && b.holds(k, n), "a factor is smaller than its shape");
    let parallelism = match threads.count() {
        1 => gemm::Parallelism::None,
        n => gemm::Parallelism::Rayon(n),
    };
    let Mat { data: a, row: a_row, col: a_col } = a;
    let Mat { data: b, row: b_row, col: b_col } = b;
    // Inside the pool the product takes its threads; within a step this is where it runs anyway.
    // SAFETY: the assertions above keep every element of the three matrices inside its slice; `out` is borrowed mutably,
    // so it overlaps neither factor, and `row >= n` keeps its rows apart.
    threads.install(|| unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            row as isize,
            add,
            a.as_ptr(),
            a_col as isize,
            a_row as isize,
            b.as_ptr(),
            b_col as isize,
            b_row as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn large_products_do_not_depend_on_threads() {
        // Above the size from which the product is shared out over threads.
        let (m, k, n) = (333, 190, 217);
        let values: Vec<f32> = (0..m * k + k * n).map(|i| ((i * 7919) % 1013) as f32 / 500.0 - 1.0).collect();
        let (a, b) = values.split_at(m * k);
        let product = |n_threads: usize| {
            let mut out = vec![0.0; m * n];
            matmul((m, k, n), Mat::rows(a, k), Mat::rows(b, n), &mut out, n, false, &Threads::new(n_threads));
            out
        };
        let one = product(1);
        assert!([2, 3, 5].iter().all(|&n_threads| product(n_threads) == one));
    }

    proptest! {
        #[test]
        fn agrees_with_three_loops_and_does_not_depend_on_threads(
            m in 1usize..70, k in 0usize..70, n in 1usize..70, ta: bool, tb: bool, add: bool, seed in 0u32..1000,
        ) {
            let value = |i: usize| ((i as u32).wrapping_mul(2_654_435_761).wrapping_add(seed * 97) >> 8) as f32 / 8_388_608.0 - 1.0;
            let a: Vec<f32> = (0..=m * k).map(value).collect();
            let b: Vec<f32> = (0..=k * n).map(|i| value(i + 5000)).collect();
            let start: Vec<f32> = (0..m * n).map(|i| value(i + 9000)).collect();
            let fa = if ta { Mat::transposed(&a, m) } else { Mat::rows(&a, k) };
            let fb = if tb { Mat::transposed(&b, k) } else { Mat::rows(&b, n) };
            let mut one = start.clone();
            matmul((m, k, n), fa, fb, &mut one, n, add, &Threads::new(1));
            let mut three = start.clone();
            matmul((m, k, n), fa, fb, &mut three, n, add, &Threads::new(3));
            prop_assert_eq!(&one, &three);
            for i in 0..m {
                for j in 0..n {
                    let mut s = if add { f64::from(start[i * n + j]) } else { 0.0 };
                    for l in 0..k {
                        s += f64::from(fa.data[i * fa.row + l * fa.col]) * f64::from(fb.data[l * fb.row + j * fb.col]);
                    }
                    prop_assert!((f64::from(one[i * n + j]) - s).abs() < 1e-5 * (1.0 + k as f64));
                }
            }
        }
    }
}
