//! How many instructions a training step and a prediction take, counted by valgrind: times are too noisy to tell whether a
//! change made them slower.
//!
//! The counts are those of the AVX2 kernels on one thread, which is what valgrind runs. Where valgrind is not installed, or
//! the processor has other instructions, nothing is counted and a notice says so.
#![allow(missing_docs, clippy::print_stderr)]

use std::process::Command;

use dre::data::Batch;
use dre::nn::{Adam, Dims, Isa, Loss, Network, NetworkConfig, Threads, Workspace};
use ndarray::Array3;

/// What the counted process is told to do: `step` or `predict`, and how often.
const TASK: &str = "DRE_COUNTED_TASK";

/// Millions of instructions that one more of a task takes. A count may differ by [`TOLERANCE`] from one compiler to the next;
/// beyond that it is a change to be explained, and written down here where it is meant.
const EXPECTED: [(&str, f64); 2] = [("step", 21.25), ("predict", 8.69)];
const TOLERANCE: f64 = 0.08;

/// Not a test of its own: [`counts_stay_what_they_were`] runs it under valgrind.
#[test]
#[ignore = "run by another test, in a process whose instructions are counted"]
fn counted() {
    let Ok(task) = std::env::var(TASK) else { return };
    let (name, times) = task.split_once(' ').expect("a task and a number");
    let dims = Dims { n_channels: 20, n_features: 3, n_subjects: 4 };
    let config = NetworkConfig { conv_filters: 48, lstm_hidden: 48, n_init_times: 20, ..NetworkConfig::paper() };
    let (n_times, n) = (101, 4);
    let mut network = Network::new(config, dims, 0, Threads::new(1)).unwrap();
    let mut workspace = Workspace::new(&network, n_times, n).unwrap();
    let values =
        |rows: usize| Array3::from_shape_fn([n, rows, n_times], |(e, r, t)| ((e * 7 + r * 3 + t) % 11) as f32 - 5.0);
    let batch = Batch { data: values(20), features: values(3), subjects: vec![0, 1, 2, 3], measured: None };
    let mut adam = Adam::new(&network, 1e-4);
    for _ in 0..times.parse().unwrap() {
        if name == "step" {
            network.loss_and_gradient(&batch, Loss::Mse, &mut workspace).unwrap();
            adam.step(&mut network, &workspace);
        } else {
            network.predict(&batch, &mut workspace).unwrap();
        }
    }
}

/// Instructions of a process that does a task so many times, in millions.
fn count(task: &str, times: usize) -> f64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "counted", "--ignored", "--test-threads=1"])
        .env(TASK, format!("{task} {times}"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stdout));
    let number =
        text.lines().find_map(|line| line.split_once("Collected : ")).expect("callgrind says what it counted").1;
    number.trim().parse::<f64>().unwrap() * 1e-6
}

#[test]
fn counts_stay_what_they_were() {
    if !Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success()) {
        eprintln!("valgrind is not installed: instructions are not counted");
        return;
    }
    if !Isa::available().contains(&Isa::Avx2) {
        eprintln!("the counts are those of AVX2, which this processor does not have");
        return;
    }
    for (task, expected) in EXPECTED {
        // What starting takes is in both.
        let found = (count(task, 5) - count(task, 1)) / 4.0;
        assert!(
            (found / expected - 1.0).abs() < TOLERANCE,
            "{task}: {found:.2} million instructions, {expected:.2} were expected"
        );
    }
}
