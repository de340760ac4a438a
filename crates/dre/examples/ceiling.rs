//! Measures what this machine can do at most, for `cargo xtask bench step`.
//!
//! Argument: threads. Prints one JSON line: 10⁹ operations per second of multiply-adds in registers, `f32` and `bf16` (0
//! where there is no such instruction), and 10⁹ bytes per second read from half a gibibyte of memory.
#![allow(missing_docs, clippy::print_stdout)]

mod machine;

fn main() {
    let n_threads = std::env::args().nth(1).map_or(1, |text| text.parse().expect("a number of threads"));
    let (f32s, bf16s) = machine::arithmetic(n_threads);
    let memory = machine::reading(n_threads, 1 << 29);
    println!("{{\"f32\": [{f32s:.1}], \"bf16\": [{bf16s:.1}], \"memory\": [{memory:.1}]}}");
}
