use faer::Mat;
use ndarray::{Array3, s};
use proptest::prelude::*;

use super::super::rows::runs_where;
use super::*;

/// The same sums the plain way, over the rows that `keep` holds.
fn naive(x: &Array3<f64>, y: &Array3<f64>, columns: &Columns, keep: &[Vec<bool>]) -> (Mat<f64>, Mat<f64>, Vec<f64>) {
    let (n_epochs, _, n_times) = x.dim();
    let value = |e: usize, column: usize, t: usize| {
        let (a, lag) = columns.locate(column);
        let s = t as isize - lag;
        if (0..n_times as isize).contains(&s) { x[[e, a, s as usize]] } else { 0.0 }
    };
    let rows = || (0..n_epochs).flat_map(|e| (0..n_times).map(move |t| (e, t))).filter(|&(e, t)| keep[e][t]);
    let gram =
        Mat::from_fn(columns.len(), columns.len(), |i, j| rows().map(|(e, t)| value(e, i, t) * value(e, j, t)).sum());
    let cross = Mat::from_fn(columns.len(), y.dim().1, |i, c| rows().map(|(e, t)| value(e, i, t) * y[[e, c, t]]).sum());
    let sums = (0..columns.len()).map(|i| rows().map(|(e, t)| value(e, i, t)).sum()).collect();
    (gram, cross, sums)
}

proptest! {
    #[test]
    fn equal_the_plain_sums(
        values in prop::collection::vec(-1f64..1.0, 3 * 5 * 14),
        lags in prop::collection::vec((-6isize..7, 0isize..9), 1..4),
        first_row in 0usize..9, n_threads in 1usize..3, split in 0usize..4,
        kept in prop::collection::vec(prop::bool::weighted(0.8), 3 * 14), is_masked: bool,
    ) {
        let columns = Columns::new(lags.iter().map(|&(first, more)| LagRange::new(first, first + more).unwrap()).collect());
        let all = Array3::from_shape_vec((3, 5, 14), values).unwrap();
        let x = all.slice(s![.., ..lags.len(), ..]).to_owned();
        let y = all.slice(s![.., 3.., ..]).to_owned();
        let keep: Vec<Vec<bool>> = (0..3)
            .map(|e| (0..14).map(|t| t >= first_row && (!is_masked || kept[e * 14 + t])).collect())
            .collect();
        let rows: Vec<Runs> = keep.iter().map(|keep| runs_where(14, |t| keep[t])).collect();
        let mut moments = LagMoments::new(columns.clone(), 2, 14, first_row, n_threads).unwrap();
        let split = split.min(3);
        if is_masked {
            moments.push_rows(&x.slice(s![..split, .., ..]), &y.slice(s![..split, .., ..]), &rows[..split]).unwrap();
            moments.push_rows(&x.slice(s![split.., .., ..]), &y.slice(s![split.., .., ..]), &rows[split..]).unwrap();
        } else {
            moments.push(&x.slice(s![..split, .., ..]), &y.slice(s![..split, .., ..])).unwrap();
            moments.push(&x.slice(s![split.., .., ..]), &y.slice(s![split.., .., ..])).unwrap();
        }
        let found = moments.finish();
        let (gram, cross, sums) = naive(&x, &y, &columns, &keep);
        for i in 0..columns.len() {
            for j in 0..=i {
                prop_assert!((found.gram()[(i, j)] - gram[(i, j)]).abs() < 1e-12, "gram {} {}", i, j);
            }
            for c in 0..2 {
                prop_assert!((found.cross()[(i, c)] - cross[(i, c)]).abs() < 1e-12, "cross {} {}", i, c);
            }
            prop_assert!((found.sums[i] - sums[i]).abs() < 1e-12, "sum {}", i);
        }
        prop_assert_eq!(found.n_rows(), keep.iter().flatten().filter(|&&k| k).count());
        let squares = |c: usize| -> f64 {
            y.index_axis(Axis(1), c).iter().zip(keep.iter().flatten()).filter(|(_, k)| **k).map(|(v, _)| v * v).sum()
        };
        prop_assert!((found.target_squares[1] - squares(1)).abs() < 1e-12);
    }
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    let columns = Columns::new(vec![LagRange::new(0, 1).unwrap()]);
    let x = Array3::zeros((1, 1, 5));
    for runs in [vec![0..2], vec![3..6], vec![3..4, 2..3]] {
        let mut moments = LagMoments::new(columns.clone(), 1, 5, 1, 1).unwrap();
        assert!(moments.push_rows(&x, &x, &[runs]).unwrap_err().to_string().contains("runs in order"));
    }
}
