//! Measures what this machine can do at most, for `cargo xtask bench step`.
//!
//! Argument: threads. Prints one JSON line: 10⁹ operations per second of multiply-adds in registers, `f32` and `bf16` (0
//! where there is no such instruction), and 10⁹ bytes per second read from memory, the best of several runs each.
#![allow(missing_docs, clippy::print_stdout, clippy::wildcard_imports)]

use std::hint::black_box;
use std::time::Instant;

/// Independent sums: more than latency times throughput of any processor so far.
const SUMS: usize = 24;
/// Multiply-adds of each sum in one run.
const ROUNDS: usize = 1 << 21;
/// Runs of each kind; the best counts.
const RUNS: usize = 5;
/// Numbers that one thread reads: more than the share of the largest caches that two threads get.
const NUMBERS: usize = 1 << 26;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::hint::black_box;

    use super::{ROUNDS, SUMS};

    #[target_feature(enable = "avx512f")]
    pub(super) fn f32_512() -> f32 {
        let (x, y) = (_mm512_set1_ps(black_box(0.5)), _mm512_set1_ps(black_box(0.25)));
        let mut sums = [_mm512_set1_ps(1e-3); SUMS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(x, y, *sum);
            }
        }
        sums.into_iter().map(|sum| _mm512_reduce_add_ps(sum)).sum()
    }

    #[target_feature(enable = "avx512f,avx512bf16")]
    pub(super) fn bf16_512() -> f32 {
        let x = _mm512_cvtne2ps_pbh(_mm512_set1_ps(black_box(0.5)), _mm512_set1_ps(black_box(0.25)));
        let mut sums = [_mm512_set1_ps(1e-3); SUMS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = _mm512_dpbf16_ps(*sum, x, x);
            }
        }
        sums.into_iter().map(|sum| _mm512_reduce_add_ps(sum)).sum()
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn f32_256() -> f32 {
        let (x, y) = (_mm256_set1_ps(black_box(0.5)), _mm256_set1_ps(black_box(0.25)));
        // Half as many: there are 16 registers.
        let mut sums = [_mm256_set1_ps(1e-3); SUMS / 2];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(x, y, *sum);
            }
        }
        sums.into_iter().map(|sum| _mm256_cvtss_f32(sum)).sum()
    }
}

/// Runs `f` on all threads at once; seconds of the best of the runs.
fn best(n_threads: usize, f: impl Fn() -> f32 + Sync) -> f64 {
    let one = || {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..n_threads {
                scope.spawn(|| black_box(f()));
            }
        });
        start.elapsed().as_secs_f64()
    };
    (0..RUNS).map(|_| one()).fold(f64::INFINITY, f64::min)
}

/// 10⁹ operations per second in `f32` and in `bf16`.
#[cfg(target_arch = "x86_64")]
fn arithmetic(n_threads: usize) -> (f64, f64) {
    let rate = |sums: usize, each: usize, seconds: f64| (n_threads * ROUNDS * sums * each) as f64 * 1e-9 / seconds;
    let f32s = if is_x86_feature_detected!("avx512f") {
        // SAFETY: the machine has the instructions.
        rate(SUMS, 32, best(n_threads, || unsafe { x86::f32_512() }))
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the machine has the instructions.
        rate(SUMS / 2, 16, best(n_threads, || unsafe { x86::f32_256() }))
    } else {
        0.0
    };
    let bf16s = if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bf16") {
        // SAFETY: the machine has the instructions.
        rate(SUMS, 64, best(n_threads, || unsafe { x86::bf16_512() }))
    } else {
        0.0
    };
    (f32s, bf16s)
}

/// Not measured on other machines.
#[cfg(not(target_arch = "x86_64"))]
fn arithmetic(_: usize) -> (f64, f64) {
    (0.0, 0.0)
}

fn main() {
    let n_threads = std::env::args().nth(1).map_or(1, |text| text.parse().expect("a number of threads"));
    let (f32s, bf16s) = arithmetic(n_threads);
    let numbers = vec![1f32; NUMBERS];
    let read = || numbers.chunks_exact(64).map(|x| x.iter().fold(0f32, |a, &b| a.max(b))).fold(0f32, f32::max);
    let bytes = (n_threads * NUMBERS * 4) as f64 * 1e-9 / best(n_threads, read);
    println!("{{\"f32\": [{f32s:.1}], \"bf16\": [{bf16s:.1}], \"memory\": [{bytes:.1}]}}");
}
