//! Epochs that come as arrays: the same scaling, batches and models as epochs that are cut from recordings.

mod common;

use common::relative;
use dre::data::{ArrayScaling, Batch, EpochArrays, EpochBlock, EpochLabels, EpochSource, Set, split_in_time};
use dre::linear::{AlphaUnit, FitSpec, LinearOptions, TrfConfig, fit_trf};
use dre::{Error, Stop};
use ndarray::Array3;

const N_TIMES: usize = 30;

fn labels(n_recordings: usize) -> EpochLabels {
    EpochLabels {
        channels: vec!["a".into(), "b".into()],
        features: vec!["f".into()],
        subjects: vec!["s1".into(), "s2".into()],
        recordings: (0..n_recordings).map(|r| format!("r{r}")).collect(),
    }
}

fn noise(shape: [usize; 3], seed: u64) -> Array3<f32> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    Array3::from_shape_simple_fn(shape, || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32 / (1u64 << 24) as f32 - 0.5) * 4.0
    })
}

fn block<'a>(data: &'a Array3<f32>, features: &'a Array3<f32>, sets: Vec<Option<Set>>) -> EpochBlock<'a> {
    let n = sets.len();
    EpochBlock {
        data: data.as_slice(),
        n_data_times: data.dim().2,
        features: features.as_slice().unwrap(),
        measured: None,
        subjects: (0..n).map(|e| usize::from(e >= n / 2)).collect(),
        recordings: (0..n).map(|e| usize::from(e >= n / 2)).collect(),
        sets,
    }
}

fn sets(n: usize) -> Vec<Option<Set>> {
    (0..n).map(|e| Some(if e % 4 == 3 { Set::Valid } else { Set::Train })).collect()
}

#[test]
fn scaling_sees_training_epochs_alone_and_undoes_itself() {
    let (mut data, features) = (noise([8, 2, N_TIMES], 1), noise([8, 1, N_TIMES], 2));
    let fit = |data: &Array3<f32>| {
        EpochArrays::new(labels(2), vec![block(data, &features, sets(8))], N_TIMES)
            .unwrap()
            .fit_scaling(&Stop::never())
            .unwrap()
    };
    let scaling = fit(&data);
    data.index_axis_mut(ndarray::Axis(0), 3).fill(1e6);
    assert_eq!(scaling, fit(&data), "epoch 3 validates");

    let arrays =
        EpochArrays::new(labels(2), vec![block(&data, &features, sets(8))], N_TIMES).unwrap().scaled(scaling).unwrap();
    let mut batch = Batch::default();
    arrays.draw(arrays.epochs(Set::Train), &mut batch);
    let mean = batch.features.mapv(f64::from).mean().unwrap();
    assert!(mean.abs() < 1e-6, "{mean}");
    for (epoch, values) in arrays.epochs(Set::Train).iter().zip(batch.data.outer_iter()) {
        let mut back = values.mapv(f64::from);
        arrays.unscale(epoch, back.as_slice_mut().unwrap());
        let truth = data.index_axis(ndarray::Axis(0), epoch.event).mapv(f64::from);
        assert!(relative(&back, &truth) < 1e-6);
    }
}

#[test]
fn what_was_not_measured_is_marked_and_may_be_nan() {
    let (mut data, features) = (noise([8, 2, N_TIMES], 3), noise([8, 1, N_TIMES], 4));
    data[[5, 1, 7]] = f32::NAN;
    let plain = || block(&data, &features, sets(8));
    let message = EpochArrays::new(labels(2), vec![plain()], N_TIMES).unwrap_err().to_string();
    assert!(message.contains("channel b") && message.contains("epoch 5, sample 7"), "{message}");
    let mut marks = Array3::from_elem([8, 2, N_TIMES], true);
    marks[[5, 1, 7]] = false;
    let one = EpochBlock { measured: marks.as_slice(), ..plain() };
    let arrays = EpochArrays::new(labels(2), vec![one], N_TIMES).unwrap();
    let mut batch = Batch::default();
    arrays.draw(arrays.epochs(Set::Train), &mut batch);
    let place = arrays.epochs(Set::Train).iter().position(|epoch| epoch.event == 5).unwrap();
    assert_eq!((batch.data[[place, 1, 7]], batch.n_measured(0)), (0.0, 6 * 2 * N_TIMES - 1));
}

#[test]
fn a_model_of_arrays_is_that_of_the_same_numbers() {
    let (data, features) = (noise([16, 2, N_TIMES], 5), noise([16, 1, N_TIMES], 6));
    let all = vec![Some(Set::Train); 16];
    let arrays = EpochArrays::new(labels(2), vec![block(&data, &features, all)], N_TIMES).unwrap();
    let config = TrfConfig { lag_max: 4, alpha_unit: AlphaUnit::Absolute, alphas: vec![2.0], ..TrfConfig::default() };
    let spec = FitSpec { valid_from: 0, batch_size: 5, n_threads: 2, stop: Stop::never() };
    let fitted = fit_trf(&arrays, &config, LinearOptions::DEFAULT, &spec).unwrap();
    for (subject, rows) in [0..8, 8..16].into_iter().enumerate() {
        let part = |array: &Array3<f32>| array.slice(ndarray::s![rows.clone(), .., ..]).mapv(f64::from);
        let names = ["f".to_owned()];
        let alone = dre::linear::Trf::fit(&part(&features), &part(&data), &names, &config, 2.0, 1).unwrap();
        assert!(relative(&fitted.subjects[subject].model.coef, &alone.coef) < 1e-12);
    }
}

#[test]
fn sets_follow_in_time_and_borders_are_cleared() {
    let (train, valid, test) = (Some(Set::Train), Some(Set::Valid), Some(Set::Test));
    let recordings = [0, 0, 0, 0, 1, 1, 1, 1];
    let apart = split_in_time(&recordings, 0.75, 0.25, None, 10).unwrap();
    assert_eq!(apart, [train, train, train, valid, train, train, train, valid]);
    let starts = [0, 20, 40, 49, 0, 20, 40, 50];
    let cleared = split_in_time(&recordings, 0.75, 0.25, Some(&starts), 10).unwrap();
    assert_eq!(cleared, [train, train, None, valid, train, train, train, valid]);
    // The test set goes first: what validates and shares samples with it is dropped, and frees what trains.
    let three = split_in_time(&[0; 4], 0.5, 0.25, Some(&[0, 20, 29, 35]), 10).unwrap();
    assert_eq!(three, [train, train, None, test]);
    // With a gap of two samples the third trains no longer: one sample lies between it and the last.
    let near = [0, 20, 40, 51, 0, 20, 40, 52];
    let apart = split_in_time(&recordings, 0.75, 0.25, Some(&near), 12).unwrap();
    assert_eq!(apart, [train, train, None, valid, train, train, train, valid]);
    let message = split_in_time(&recordings, 0.8, 0.3, None, 10).unwrap_err().to_string();
    assert!(message.contains("together 1 or less"), "{message}");
}

#[test]
fn faults_are_named() {
    let (data, features) = (noise([4, 2, N_TIMES], 7), noise([4, 1, N_TIMES], 8));
    let message = |one: EpochBlock<'_>| EpochArrays::new(labels(2), vec![one], N_TIMES).unwrap_err().to_string();
    let good = || block(&data, &features, sets(4));
    let short = &features.as_slice().unwrap()[1..];
    assert!(message(EpochBlock { features: short, ..good() }).contains("array 0: features"));
    assert!(message(EpochBlock { subjects: vec![0, 0, 0, 2], ..good() }).contains("an index below 2"));
    assert!(message(EpochBlock { sets: vec![], ..good() }).contains("one for each of 4 epochs"));
    let flat = Array3::zeros([4, 2, N_TIMES]);
    let arrays = EpochArrays::new(labels(2), vec![block(&flat, &features, sets(4))], N_TIMES).unwrap();
    assert!(arrays.fit_scaling(&Stop::never()).unwrap_err().to_string().contains("channel a"));
    let stop = Stop::new();
    stop.ask();
    assert!(matches!(arrays.fit_scaling(&stop), Err(Error::Stopped)));
    assert!(arrays.scaled(ArrayScaling::none(&labels(1))).is_err());
}
