//! Channels and segments that are bad or missing.

use std::fs;
use std::path::Path;

use crate::common::{STUDY, data_set, job, noise, recording_stem, run, write_subject};
use dre_io::pipeline::Job;

/// Subject 2 has its channels in another order and, where `bad`, no good Cz.
fn partial(root: &Path, bad: bool) {
    let value = |c: usize, t: usize| noise(2 * 1_000_003 + (1 - c) * 10_007 + t);
    write_subject(root, 2, &["Pz", "Cz"], value);
    let status = if bad { "bad" } else { "good" };
    let table = format!("name\ttype\tunits\tstatus\nPz\tEEG\tµV\tgood\nCz\tEEG\tµV\t{status}\n");
    fs::write(format!("{}_channels.tsv", recording_stem(root, 2).display()), table).unwrap();
}

#[test]
fn the_order_of_the_channels_in_a_recording_changes_nothing() {
    let homes = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let results = [0, 1].map(|i| {
        let root = homes[i].path().join("bids");
        data_set(&root);
        if i == 1 {
            partial(&root, false);
        }
        run(&job(homes[i].path(), STUDY)).unwrap()
    });
    assert!(results[0].cohort.masked.is_empty() && results[1].cohort.masked.is_empty());
    for (name, model) in &results[0].models {
        let other = &results[1].models[name];
        assert_eq!(model.mean_r.to_bits(), other.mean_r.to_bits(), "{name}");
        assert_eq!(model.r_per_channel, other.r_per_channel, "{name}");
    }
}

#[test]
fn a_channel_that_is_bad_in_one_recording_is_masked_there() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("bids");
    data_set(&root);
    partial(&root, true);
    let job = job(home.path(), STUDY);
    let results = run(&job).unwrap();
    let names: Vec<&str> = results.cohort.channels.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["Cz", "Pz"]);
    let masked = &results.cohort.masked[..];
    assert_eq!(masked.len(), 1);
    assert_eq!((masked[0].recording.as_str(), &masked[0].bad[..]), ("sub-02_task-x", &["Cz".to_owned()][..]));
    // Other tools see that there is nothing.
    let data: ndarray::Array2<f32> = ndarray_npy::read_npy(job.out.join("cohort/sub-02_task-x/data.npy")).unwrap();
    assert!(data.column(0).iter().all(|v| v.is_nan()) && data.column(1).iter().all(|v| v.is_finite()));
    let dre = &results.models["dre"];
    let map: ndarray::Array3<f64> = ndarray_npy::read_npy(job.out.join("scores/dre.npy")).unwrap();
    assert!(map.slice(ndarray::s![1, 0, ..]).iter().all(|r| r.is_nan()));
    assert!(dre.mean_r.is_finite() && dre.r_per_channel.iter().all(|r| r.is_finite()));
    // What was read from the cohort predicts as before, and the channel's samples do not matter.
    let spoilt = tempfile::tempdir().unwrap();
    let other = spoilt.path().join("bids");
    data_set(&other);
    partial(&other, true);
    let value = |c: usize, t: usize| if c == 1 { 1e3 } else { noise(2 * 1_000_003 + 10_007 + t) };
    write_subject(&other, 2, &["Pz", "Cz"], value);
    let again = run(&Job { data: other, out: spoilt.path().join("out"), ..job.clone() }).unwrap();
    assert_eq!(again.models["dre"].mean_r.to_bits(), dre.mean_r.to_bits());

    let common = STUDY.replace("seed = 3", "seed = 3\n[data]\nchannels = \"common\"");
    let results = run(&Job { out: home.path().join("common"), ..self::job(home.path(), &common) }).unwrap();
    assert_eq!(results.cohort.channels.len(), 1);
    let excluded = &results.cohort.excluded[0];
    assert_eq!(excluded.what, "Cz");
    assert!(excluded.reason.contains("bad in sub-02_task-x"), "{}", excluded.reason);
}

#[test]
fn bad_segments_in_the_events_are_masked_or_dropped() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("bids");
    data_set(&root);
    let file = format!("{}_events.tsv", recording_stem(&root, 1).display());
    let rows = fs::read_to_string(&file).unwrap();
    let rows: Vec<String> = rows.lines().skip(1).map(|line| format!("{line}\tword\n")).collect();
    let bad = "20.1\t1.5\tn/a\t0\tBAD_movement\n";
    fs::write(&file, format!("onset\tduration\tkind\tlength\ttrial_type\n{}{bad}", rows.concat())).unwrap();
    let other = format!("{}_events.tsv", recording_stem(&root, 2).display());
    let table = fs::read_to_string(&other).unwrap().replace("\tlength\n", "\tlength\ttrial_type\n");
    let table = table.lines().enumerate().map(|(i, l)| if i == 0 { format!("{l}\n") } else { format!("{l}\tword\n") });
    fs::write(&other, table.collect::<String>()).unwrap();
    let study = STUDY.replace("tmax = 0.5", "tmax = 0.5\nevents = { trial_type = [\"word\"] }");
    let masked = run(&job(home.path(), &study)).unwrap();
    assert_eq!((masked.cohort.masked[0].n_segments, masked.cohort.masked[0].seconds), (1, 97.0 / 64.0));
    let rejecting = study.replace("tmax = 0.5", "tmax = 0.5\nbad_segments = \"reject\"");
    let rejected = run(&Job { out: home.path().join("reject"), ..job(home.path(), &rejecting) }).unwrap();
    // Epochs around 19.7, 20.5, 21.3 s reach into 20.1 to 21.6 s; the first from 19.5 to 20.2.
    assert_eq!(rejected.cohort.subjects[0].n_bad, 3);
    assert!(masked.cohort.subjects[0].n_bad < 3);
}
