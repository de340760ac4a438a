//! What this machine can do at most, measured where it is asked for.

use std::hint::black_box;
use std::time::Instant;

/// Seconds of the best of `runs` runs of `f` on each of `n_threads` threads at once.
pub(crate) fn best(n_threads: usize, runs: usize, f: impl Fn() + Sync) -> f64 {
    let one = || {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..n_threads {
                scope.spawn(&f);
            }
        });
        start.elapsed().as_secs_f64()
    };
    (0..runs).map(|_| one()).fold(f64::INFINITY, f64::min)
}

/// Multiply-adds of each sum in one run: some tens of milliseconds.
const ROUNDS: usize = 1 << 22;
/// Runs; the best counts.
const RUNS: usize = 5;

/// Loops of twelve independent sums, more than latency times throughput of any processor so far. Written in assembly: the
/// compiler moves sums between registers and memory, and what is measured would be that.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::asm;

    macro_rules! twelve_sums {
        ($(#[$doc:meta])* $name:ident, $features:literal, $instruction:literal, $register:literal) => {
            $(#[$doc])*
            #[target_feature(enable = $features)]
            pub(crate) fn $name(rounds: usize) {
                // SAFETY: the instructions touch the registers that are named and no memory; the caller has the instruction
                // set, as the attribute demands.
                unsafe {
                    asm!(
                        "2:",
                        concat!($instruction, " ", $register, "0, ", $register, "14, ", $register, "15"),
                        concat!($instruction, " ", $register, "1, ", $register, "14, ", $register, "15"),
                        concat!($instruction, " ", $register, "2, ", $register, "14, ", $register, "15"),
                        concat!($instruction, " ", $register, "3, ", $register, "14, ", $register, "15"),
                        concat!($instruction, " ", $register, "4, ", $register, "14, ", $register, "15"),
                        concat!($instruction, " ", $register, "5, ", $register, "14, ", $register, "15"),
                        concat!($instruction, " ", $register, "6, ", $register, "14, ", $register, "15"),
                        concat!($instruction, " ", $register, "7, ", $register, "14, ", $register, "15"),
                        concat!($instruction, " ", $register, "8, ", $register, "14, ", $register, "15"),
                        concat!($instruction, " ", $register, "9, ", $register, "14, ", $register, "15"),
                        concat!($instruction, " ", $register, "10, ", $register, "14, ", $register, "15"),
                        concat!($instruction, " ", $register, "11, ", $register, "14, ", $register, "15"),
                        "dec {rounds}",
                        "jnz 2b",
                        rounds = inout(reg) rounds => _,
                        out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _, out("xmm4") _, out("xmm5") _,
                        out("xmm6") _, out("xmm7") _, out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _,
                        options(nomem, nostack),
                    );
                }
            }
        };
    }

    twelve_sums!(f32_512, "avx512f", "vfmadd231ps", "zmm");
    twelve_sums!(bf16_512, "avx512f,avx512bf16", "vdpbf16ps", "zmm");
    twelve_sums!(f32_256, "avx2,fma", "vfmadd231ps", "ymm");
}

/// 10⁹ operations per second (a product and a sum are two) in `f32` and in `bf16`; 0 where there is no such instruction.
#[cfg(target_arch = "x86_64")]
pub(crate) fn arithmetic(n_threads: usize) -> (f64, f64) {
    let rate = |each: usize, seconds: f64| (n_threads * ROUNDS * 12 * each) as f64 * 1e-9 / seconds;
    let f32s = if is_x86_feature_detected!("avx512f") {
        // SAFETY: the machine has the instructions.
        rate(32, best(n_threads, RUNS, || unsafe { x86::f32_512(ROUNDS) }))
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the machine has the instructions.
        rate(16, best(n_threads, RUNS, || unsafe { x86::f32_256(ROUNDS) }))
    } else {
        0.0
    };
    let bf16s = if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bf16") {
        // SAFETY: the machine has the instructions.
        rate(64, best(n_threads, RUNS, || unsafe { x86::bf16_512(ROUNDS) }))
    } else {
        0.0
    };
    (f32s, bf16s)
}

/// Not measured on other machines.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn arithmetic(_: usize) -> (f64, f64) {
    (0.0, 0.0)
}

/// 10⁹ bytes per second that `n_threads` threads read together, each again and again the same `bytes`.
pub(crate) fn reading(n_threads: usize, bytes: usize) -> f64 {
    /// Bytes that each thread reads in one run.
    const ALL: usize = 1 << 28;
    /// Independent maxima, so that the sum of latencies does not count.
    const LANES: usize = 128;
    let rounds = (ALL / bytes).max(1);
    let numbers = vec![1u32; bytes / 4];
    let read = || {
        for _ in 0..rounds {
            let mut largest = [0u32; LANES];
            for chunk in black_box(&numbers).chunks_exact(LANES) {
                largest.iter_mut().zip(chunk).for_each(|(a, &b)| *a = b.max(*a));
            }
            black_box(largest);
        }
    };
    (n_threads * rounds * numbers.len() * 4) as f64 * 1e-9 / best(n_threads, RUNS, read)
}
