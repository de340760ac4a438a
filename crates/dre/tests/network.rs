//! Properties of the network: the fast one equals the plain one for any configuration, the plain one's gradient equals
//! finite differences, and nothing depends on the number of threads.
#![allow(missing_docs)]

use dre::data::Batch;
use dre::nn::plain::PlainNetwork;
use dre::nn::{Adam, Dims, Isa, Loss, Network, NetworkConfig, Precision, Threads, Workspace};
use ndarray::Array3;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn batch(dims: Dims, n_epochs: usize, n_times: usize, seed: u64) -> Batch {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut noise = |n: usize| Array3::from_shape_simple_fn([n_epochs, n, n_times], || rng.random_range(-1.0..1.0f32));
    let (data, features) = (noise(dims.n_channels), noise(dims.n_features));
    let subjects = (0..n_epochs).map(|i| (i * 7 + 1) % dims.n_subjects).collect();
    Batch { data, features, subjects, measured: None }
}

/// Marks about `share` of the samples of a batch, and a whole channel of its first epoch, as not measured; what they hold is
/// `garbage`.
fn masked(batch: &Batch, share: f64, garbage: f32, seed: u64) -> Batch {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x6d61_736b);
    let mut measured = batch.data.mapv(|_| !rng.random_bool(share));
    measured.slice_mut(ndarray::s![0, 0, ..]).fill(false);
    let mut batch = batch.clone();
    batch.data.zip_mut_with(&measured, |value, &is| {
        if !is {
            *value = garbage;
        }
    });
    batch.measured = Some(measured);
    batch
}

fn configurations() -> impl Strategy<Value = (NetworkConfig, Dims, usize, usize, Loss)> {
    let network = (0usize..=4, 0usize..=3, 1usize..=6, 1usize..=4, 1usize..=20, 1usize..=20, 0usize..=3);
    let data = (1usize..=6, 0usize..=3, 1usize..=5, 1usize..=9, 1usize..=40, 0.0f64..=1.0, any::<bool>());
    (network, data).prop_map(
        |((conv_layers, lstm_layers, kernel, stride, conv_filters, lstm_hidden, subject_dim), d)| {
            let (n_channels, n_features, n_subjects, n_epochs, n_times, init, mse) = d;
            let n_init_times = (init * n_times as f64).round() as usize;
            let config = NetworkConfig {
                n_init_times,
                subject_dim,
                conv_layers,
                kernel,
                stride,
                conv_filters,
                lstm_layers,
                lstm_hidden,
            };
            (
                config,
                Dims { n_channels, n_features, n_subjects },
                n_epochs,
                n_times,
                if mse { Loss::Mse } else { Loss::L1 },
            )
        },
    )
}

fn distance(a: &[f32], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let d: f64 = a.iter().zip(b).map(|(&a, &b)| (f64::from(a) - b).powi(2)).sum();
    let n: f64 = b.iter().map(|b| b * b).sum();
    // Where large terms cancel, what is left is their rounding and has no relative error: 6e-8, half a unit in the last
    // place of partial sums of size 1, counts as 1e-4.
    (d / (n + 3.6e-7)).sqrt()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn the_fast_network_equals_the_plain_one((config, dims, n_epochs, n_times, loss) in configurations(), share in prop::option::of(0.0f64..1.0), seed in 0u64..100) {
        // A kernel shorter than its stride can leave samples that no output reaches; `Workspace::new` says so.
        let network = Network::new(config.clone(), dims, seed, Threads::new(2)).unwrap();
        let Ok(mut w) = Workspace::new(&network, n_times, n_epochs) else {
            prop_assume!(false);
            unreachable!()
        };
        let batch = batch(dims, n_epochs, n_times, seed);
        let batch = share.map_or(batch.clone(), |share| masked(&batch, share, f32::NAN, seed));
        let plain = PlainNetwork::new(config, &network.state());
        let plain = plain.evaluate(&batch, loss);
        prop_assume!(plain.margin > 1e-6);
        for isa in Isa::available() {
            let network = network.clone().with_isa(isa);
            let found = network.predict(&batch, &mut w).unwrap();
            prop_assert!(distance(found.as_slice().unwrap(), &plain.prediction.data) < 1e-5);
            let found = network.loss_and_gradient(&batch, loss, &mut w).unwrap();
            prop_assert!((found - plain.loss).abs() <= 1e-5 * plain.loss);
            for g in network.gradient(&w) {
                let d = distance(&g.data, &plain.gradient[&g.name]);
                prop_assert!(d < 1e-4, "{}: {d:e}", g.name);
            }
        }
    }

    #[test]
    fn nothing_depends_on_the_number_of_threads((config, dims, n_epochs, n_times, loss) in configurations(), seed in 0u64..100) {
        let run = |n_threads: usize| {
            let mut network = Network::new(config.clone(), dims, seed, Threads::new(n_threads)).unwrap();
            let mut w = Workspace::new(&network, n_times, n_epochs).ok()?;
            let batch = batch(dims, n_epochs, n_times, seed);
            let mut adam = Adam::new(&network, 1e-2);
            let mut losses = Vec::new();
            for _ in 0..2 {
                losses.push(network.loss_and_gradient(&batch, loss, &mut w).unwrap().to_bits());
                adam.step(&mut network, &w);
            }
            Some((losses, network.state()))
        };
        prop_assert!(run(1) == run(3));
    }

    #[test]
    fn the_plain_gradient_equals_finite_differences((config, dims, n_epochs, n_times, _) in configurations(), share in prop::option::of(0.0f64..1.0), seed in 0u64..100) {
        let network = Network::new(config.clone(), dims, seed, Threads::new(1)).unwrap();
        prop_assume!(Workspace::new(&network, n_times, 1).is_ok());
        let batch = batch(dims, n_epochs, n_times, seed);
        let batch = share.map_or(batch.clone(), |share| masked(&batch, share, 1e30, seed));
        let mut plain = PlainNetwork::new(config, &network.state());
        let gradient = plain.evaluate(&batch, Loss::Mse).gradient;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let names: Vec<String> = gradient.keys().cloned().collect();
        for name in names {
            let i = rng.random_range(0..gradient[&name].len());
            let start = plain.parameters[&name][i];
            let mut loss_at = |x: f64| {
                plain.parameters.get_mut(&name).unwrap()[i] = x;
                plain.evaluate(&batch, Loss::Mse).loss
            };
            let slope = |loss_at: &mut dyn FnMut(f64) -> f64, h: f64| (loss_at(start + h) - loss_at(start - h)) / (2.0 * h);
            let (near, nearer) = (slope(&mut loss_at, 1e-5), slope(&mut loss_at, 1e-6));
            loss_at(start);
            // Where a rectifier switches between the two points there is no derivative to compare with.
            if (near - nearer).abs() < 1e-6 {
                prop_assert!((near - gradient[&name][i]).abs() < 1e-6, "{name}[{i}]: {near} and {}", gradient[&name][i]);
            }
        }
    }

    #[test]
    fn marks_that_are_all_true_change_no_bit((config, dims, n_epochs, n_times, loss) in configurations(), seed in 0u64..100) {
        let network = Network::new(config, dims, seed, Threads::new(2)).unwrap();
        let Ok(mut w) = Workspace::new(&network, n_times, n_epochs) else { return Ok(()) };
        let plain = batch(dims, n_epochs, n_times, seed);
        let marked = Batch { measured: Some(plain.data.mapv(|_| true)), ..plain.clone() };
        let mut run = |batch: &Batch| {
            let after = network.loss_sum(batch, loss, n_times / 2, &mut w).unwrap().to_bits();
            let mean = network.loss_and_gradient(batch, loss, &mut w).unwrap().to_bits();
            (after, mean, network.gradient(&w), network.predict(batch, &mut w).unwrap())
        };
        prop_assert!(run(&plain) == run(&marked));
    }

    #[test]
    fn what_was_not_measured_changes_no_bit(
        (config, dims, n_epochs, n_times, loss) in configurations(), share in 0.0f64..=1.0, seed in 0u64..100,
    ) {
        let network = Network::new(config, dims, seed, Threads::new(2)).unwrap();
        let Ok(mut w) = Workspace::new(&network, n_times, n_epochs) else { return Ok(()) };
        let batch = batch(dims, n_epochs, n_times, seed);
        let mut run = |garbage: f32| {
            let batch = masked(&batch, share, garbage, seed);
            let after = network.loss_sum(&batch, loss, n_times / 2, &mut w).unwrap();
            let mean = network.loss_and_gradient(&batch, loss, &mut w).unwrap();
            assert!(after.is_finite() && mean.is_finite());
            (after.to_bits(), mean.to_bits(), network.gradient(&w), network.predict(&batch, &mut w).unwrap())
        };
        let zero = run(0.0);
        prop_assert!(zero == run(f32::NAN) && zero == run(1e30) && zero == run(f32::NEG_INFINITY));
    }
}

#[test]
fn a_large_layer_equals_the_plain_one() {
    // Sizes that fill every tile of the recurrent kernels: rows beyond one tile, several unit blocks per thread; threads that
    // own epochs, and threads that own units and wait for each other.
    for lstm_hidden in [70, 272] {
        large_layer_equals_the_plain_one(lstm_hidden);
    }
}

fn large_layer_equals_the_plain_one(lstm_hidden: usize) {
    let config = NetworkConfig {
        n_init_times: 5,
        subject_dim: 2,
        conv_layers: 1,
        kernel: 4,
        stride: 2,
        conv_filters: 24,
        lstm_layers: 2,
        lstm_hidden,
    };
    let dims = Dims { n_channels: 5, n_features: 2, n_subjects: 3 };
    let network = Network::new(config.clone(), dims, 3, Threads::new(2)).unwrap();
    let batch = batch(dims, 33, 12, 4);
    let gradient = PlainNetwork::new(config, &network.state()).evaluate(&batch, Loss::Mse).gradient;
    for isa in Isa::available() {
        let network = network.clone().with_isa(isa);
        let mut w = Workspace::new(&network, 12, 40).unwrap();
        network.loss_and_gradient(&batch, Loss::Mse, &mut w).unwrap();
        for g in network.gradient(&w) {
            assert!(distance(&g.data, &gradient[&g.name]) < 1e-5, "{isa:?} {}", g.name);
        }
    }
}

#[test]
fn layers_of_two_taps_equal_the_plain_ones() {
    // A kernel of two strides, as many filters and channels as the products with fewer multiplications are made for, and
    // lengths that leave none, one and two of the steps that are made three together.
    for (kernel, stride, n_times) in [(4, 2, 21), (4, 2, 23), (4, 2, 25), (2, 1, 8), (6, 3, 40)] {
        let config = NetworkConfig {
            n_init_times: 5,
            subject_dim: 2,
            conv_layers: 2,
            kernel,
            stride,
            conv_filters: 100,
            lstm_layers: 1,
            lstm_hidden: 97,
        };
        let dims = Dims { n_channels: 98, n_features: 2, n_subjects: 3 };
        let network = Network::new(config.clone(), dims, 3, Threads::new(2)).unwrap();
        let (larger, batch) = (batch(dims, 5, n_times, 5), batch(dims, 3, n_times, 4));
        let plain = PlainNetwork::new(config, &network.state()).evaluate(&batch, Loss::Mse);
        for isa in Isa::available() {
            let network = network.clone().with_isa(isa);
            // What a larger batch leaves behind does not matter.
            let mut w = Workspace::new(&network, n_times, 5).unwrap();
            network.loss_and_gradient(&larger, Loss::Mse, &mut w).unwrap();
            let found = network.predict(&batch, &mut w).unwrap();
            let d = distance(found.as_slice().unwrap(), &plain.prediction.data);
            assert!(d < 1e-6, "{isa:?}, kernel {kernel}, {n_times} samples: {d:e}");
            network.loss_and_gradient(&batch, Loss::Mse, &mut w).unwrap();
            for g in network.gradient(&w) {
                let d = distance(&g.data, &plain.gradient[&g.name]);
                assert!(d < 1e-6, "{isa:?}, kernel {kernel}, {n_times} samples, {}: {d:e}", g.name);
            }
        }
    }
}

#[test]
fn bf16_products_stay_near_f32_and_do_not_depend_on_threads() {
    // Direct products, and those with fewer multiplications.
    for (conv_filters, n_channels) in [(40, 5), (100, 98)] {
        bf16_stays_near_f32(conv_filters, n_channels);
    }
}

fn bf16_stays_near_f32(conv_filters: usize, n_channels: usize) {
    if !Isa::detect().has_bf16() {
        let text = b"SKIPPED: this processor has no AVX-512 BF16 instructions\n";
        std::io::Write::write_all(&mut std::io::stderr(), text).unwrap();
        return;
    }
    let config =
        NetworkConfig { n_init_times: 5, subject_dim: 2, conv_filters, lstm_hidden: 70, ..NetworkConfig::paper() };
    let dims = Dims { n_channels, n_features: 2, n_subjects: 3 };
    let batch = batch(dims, 33, 50, 4);
    let run = |precision, n_threads| {
        let network = Network::new(config.clone(), dims, 3, Threads::new(n_threads)).unwrap();
        let network = network.with_precision(precision).unwrap();
        let mut w = Workspace::new(&network, 50, 33).unwrap();
        (network.loss_and_gradient(&batch, Loss::Mse, &mut w).unwrap(), network.gradient(&w))
    };
    let (exact, near) = (run(Precision::F32, 2), run(Precision::Bf16, 1));
    assert!(near == run(Precision::Bf16, 3));
    assert!(near != exact, "the precision made no difference");
    // A bf16 number has 8 significant bits: factors are off by 2⁻⁹ at most.
    assert!((near.0 - exact.0).abs() < 2f64.powi(-9) * exact.0, "{} and {}", near.0, exact.0);
    for (a, b) in near.1.iter().zip(&exact.1) {
        let reference: Vec<f64> = b.data.iter().map(|&x| f64::from(x)).collect();
        let d = distance(&a.data, &reference);
        // Two such factors in each of the up to eight products from the input to the loss and back.
        assert!(d < 2f64.powi(-5), "{}: {d:e}", a.name);
    }
}

#[test]
fn bf16_is_refused_where_the_machine_lacks_it() {
    let dims = Dims { n_channels: 1, n_features: 0, n_subjects: 1 };
    let network = Network::new(NetworkConfig::paper(), dims, 0, Threads::new(1)).unwrap().with_isa(Isa::Portable);
    let message = network.with_precision(Precision::Bf16).unwrap_err().to_string();
    assert!(message.contains("precision") && message.contains("AVX-512 BF16"), "{message}");
}
