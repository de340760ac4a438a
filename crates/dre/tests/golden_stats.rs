//! Statistics against SciPy and MNE-Python, on the values of `fixtures/stats.py`.
#![allow(missing_docs)]

mod common;

use common::Golden;
use dre::Stop;
use dre::stats::{
    Adjacency, Enhancement, PermutationSpec, Tail, Threshold, cluster_test, false_discovery_rate, signed_rank,
    tfce_test,
};
use ndarray::{Array1, Array2, Array3};

const TAILS: [(Tail, &str); 3] = [(Tail::Both, "both"), (Tail::Positive, "positive"), (Tail::Negative, "negative")];

fn golden() -> Golden {
    Golden::read(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stats.safetensors"))
}

#[test]
fn signed_rank_equals_that_of_scipy() {
    let golden = golden();
    let (cases, expected): (Array2<f64>, Array2<f64>) = (golden.get("wilcoxon"), golden.get("wilcoxon_expected"));
    for (case, expected) in cases.outer_iter().zip(expected.outer_iter()) {
        let case = case.to_vec();
        let test = |tail| signed_rank(&case, tail).unwrap();
        let both = test(Tail::Both);
        let found = [
            both.rank_sum_positive.min(both.rank_sum_negative),
            both.p,
            test(Tail::Positive).p,
            test(Tail::Negative).p,
        ];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() <= 1e-12 * expected.abs(), "{found} {expected} of {case:?}");
        }
    }
}

#[test]
fn false_discovery_rate_equals_that_of_scipy() {
    let golden = golden();
    let (p, expected): (Array1<f64>, Array1<f64>) = (golden.get("p"), golden.get("p_adjusted"));
    let found = false_discovery_rate(&p.to_vec());
    assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 1e-15), "{found:?}");
}

fn maps(golden: &Golden) -> (Array3<f64>, Adjacency) {
    let maps: Array3<f64> = golden.get("maps");
    let edges: Array2<f64> = golden.get("edges");
    let pairs = edges.outer_iter().map(|edge| (edge[0] as usize, edge[1] as usize));
    let adjacency = Adjacency::from_pairs(maps.dim().1, pairs);
    (maps, adjacency)
}

fn every_flip() -> PermutationSpec {
    PermutationSpec { n_permutations: 5000, seed: 1, n_threads: 2, stop: Stop::never() }
}

#[test]
fn clusters_equal_those_of_mne() {
    let golden = golden();
    let (maps, adjacency) = maps(&golden);
    for (tail, name) in TAILS {
        let test = cluster_test(&maps, &adjacency, Threshold::Standard, tail, &every_flip()).unwrap();
        let t: Array2<f64> = golden.get(&format!("t_{name}"));
        let labels: Array2<f64> = golden.get(&format!("labels_{name}"));
        let p: Array1<f64> = golden.get(&format!("cluster_p_{name}"));
        assert!(test.is_exact);
        assert!(test.t.iter().zip(&t).all(|(a, b)| (a - b).abs() <= 1e-12 * b.abs().max(1.0)), "t, {name}");
        assert_eq!(test.clusters.len(), p.len(), "{name}");
        for cluster in &test.clusters {
            let label = labels[cluster.points[0]] as usize;
            let members = labels.iter().filter(|&&other| other as usize == label).count();
            assert!(label > 0 && cluster.points.iter().all(|&point| labels[point] as usize == label), "{name}");
            assert_eq!(cluster.points.len(), members, "{name}");
            let expected = p[label - 1];
            assert!(
                (cluster.p - expected).abs() < 1e-12,
                "{name}: p {} of {}, MNE {expected}",
                cluster.p,
                cluster.statistic
            );
        }
    }
}

#[test]
fn enhancement_equals_that_of_mne() {
    let golden = golden();
    let (maps, adjacency) = maps(&golden);
    for (tail, name) in TAILS {
        let (scores, p) = tfce_test(&maps, &adjacency, &Enhancement::default(), tail, &every_flip()).unwrap();
        let expected: Array2<f64> = golden.get(&format!("tfce_{name}"));
        let expected_p: Array2<f64> = golden.get(&format!("tfce_p_{name}"));
        for ((found, expected), (p, expected_p)) in scores.iter().zip(&expected).zip(p.iter().zip(&expected_p)) {
            assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{name}: {found}, MNE {expected}");
            assert!((p - expected_p).abs() < 1e-9, "{name}: p {p}, MNE {expected_p}");
        }
    }
}

#[test]
fn threads_change_nothing_and_a_missing_subject_is_left_out() {
    let golden = golden();
    let (mut maps, adjacency) = maps(&golden);
    let run = |maps: &Array3<f64>, n_threads| {
        let spec = PermutationSpec { n_permutations: 60, seed: 4, n_threads, ..PermutationSpec::default() };
        cluster_test(maps, &adjacency, Threshold::T(2.0), Tail::Both, &spec).unwrap()
    };
    assert_eq!(run(&maps, 1), run(&maps, 3));
    maps.slice_mut(ndarray::s![3, 2, ..]).fill(f64::NAN);
    let test = run(&maps, 1);
    let seven: Vec<f64> = (0..8).filter(|&s| s != 3).map(|s| maps[(s, 2, 7)]).collect();
    let mean = seven.iter().sum::<f64>() / 7.0;
    let variance = seven.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 6.0;
    assert!((test.t[(2, 7)] - mean / (variance / 7.0).sqrt()).abs() < 1e-12);
}

#[test]
fn noise_gives_significant_clusters_no_more_often_than_it_should() {
    use rand::{RngExt, SeedableRng};
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(11);
    let adjacency = Adjacency::from_pairs(4, [(0, 1), (1, 2), (2, 3)]);
    let spec = PermutationSpec { n_permutations: 128, ..PermutationSpec::default() };
    let n_studies = 200;
    let n_false = (0..n_studies)
        .filter(|_| {
            let maps = Array3::from_shape_fn((8, 4, 12), |_| rng.random_range(-1.0..1.0));
            let test = cluster_test(&maps, &adjacency, Threshold::Standard, Tail::Both, &spec).unwrap();
            test.clusters.first().is_some_and(|cluster| cluster.p <= 0.05)
        })
        .count();
    // 200 studies at 5 %: 10 expected, 20 is beyond the 99.8th percentile.
    assert!(n_false <= 20, "{n_false} of {n_studies}");
}

#[test]
fn what_cannot_be_tested_is_said() {
    let maps = Array3::zeros((1, 2, 3));
    let spec = PermutationSpec::default();
    let message = |maps: &Array3<f64>, n, threshold| {
        cluster_test(maps, &Adjacency::none(n), threshold, Tail::Both, &spec).unwrap_err().to_string()
    };
    assert!(message(&maps, 2, Threshold::Standard).contains("at least 2"));
    let maps = Array3::zeros((4, 2, 3));
    assert!(message(&maps, 3, Threshold::Standard).contains("2 channels"));
    assert!(message(&maps, 2, Threshold::T(-1.0)).contains("above 0"));
}
