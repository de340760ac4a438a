//! Times training steps and predictions of one network, for `cargo xtask bench step`.
//!
//! Arguments, all with the paper's values as defaults: epochs per batch, channels, times, filters, hidden units, features,
//! threads, repeats; then `f32` or `bf16`.
//! Prints one JSON line: seconds of each step and of each prediction, the operations (10⁹) that they need, and the peak of
//! memory in MiB where the system tells it.
#![allow(missing_docs, clippy::print_stdout)]

use std::time::Instant;

use dre::data::Batch;
use dre::nn::{Adam, Dims, Loss, Network, NetworkConfig, Precision, Threads, Workspace};
use ndarray::Array3;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn main() {
    let mut values = [32, 273, 301, 512, 512, 6, 2, 8];
    for (value, text) in values.iter_mut().zip(std::env::args().skip(1)) {
        *value = text.parse().expect("whole numbers");
    }
    let precision = match std::env::args().nth(9).as_deref() {
        Some("bf16") => Precision::Bf16,
        _ => Precision::F32,
    };
    let [batch, n_channels, n_times, conv_filters, lstm_hidden, n_features, n_threads, repeats] = values;
    let dims = Dims { n_channels, n_features, n_subjects: 100 };
    let config = NetworkConfig { conv_filters, lstm_hidden, ..NetworkConfig::paper() };
    let mut network = Network::new(config, dims, 0, Threads::new(n_threads))
        .and_then(|network| network.with_precision(precision))
        .expect("a valid network");
    let mut workspace = Workspace::new(&network, n_times, batch).expect("long enough epochs");
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut noise = |n: usize| Array3::from_shape_simple_fn([batch, n, n_times], || rng.random_range(-1.0..1.0f32));
    let (data, features) = (noise(n_channels), noise(n_features));
    let batch = Batch { data, features, subjects: (0..batch).map(|i| i * 7 % 68).collect(), measured: None };
    let mut adam = Adam::new(&network, 1e-4);
    let mut step = Vec::new();
    for _ in 0..repeats + 2 {
        let start = Instant::now();
        network.loss_and_gradient(&batch, Loss::Mse, &mut workspace).expect("the batch fits");
        adam.step(&mut network, &workspace);
        step.push(start.elapsed().as_secs_f64());
    }
    let mut predict = Vec::new();
    for _ in 0..repeats + 2 {
        let start = Instant::now();
        network.predict(&batch, &mut workspace).expect("the batch fits");
        predict.push(start.elapsed().as_secs_f64());
    }
    let needed = network.operations(n_times, batch.n_epochs()).expect("long enough epochs");
    let giga = |n: u64| n as f64 * 1e-9;
    println!(
        "{{\"step\": {:?}, \"predict\": {:?}, \"operations\": [{:.3}, {:.3}], \"memory\": [{}]}}",
        &step[2..],
        &predict[2..],
        giga(needed.step),
        giga(needed.predict),
        peak_memory().unwrap_or(0)
    );
}

/// Peak of the resident memory in MiB, from Linux's `/proc`.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}
