//! The truth of a simulated study, as BIDS derivatives.

use std::path::Path;

use dre::simulate::{RecordingStream, SimulationConfig, kernels, responses};
use dre_io::store::{NpyWriter, write_file, write_json, write_npy};
use serde_json::json;

use super::{TASK, recording_folder};
use crate::error::Result;

/// Where the truth is within the data set.
pub(super) const FOLDER: &str = "derivatives/truth";

/// Samples per source that are made at a time.
const BLOCK: usize = 1 << 14;

const README: &str = "\
What went into the simulated recordings
=======================================

truth.json             settings of the simulation; for each response the column that scales it, size for a word of mean property,
                       slope per unit of it, latency (s), adaptation (share lost right after a word, time constant in s)
kernels.npy            courses of the responses from the word's onset on, (n_responses, n_times), at the recordings' sfreq
sub-*/*_truth.json     gain and latency shifts (s) of the subject, alpha frequency (Hz), place of the head, missing channels
sub-*/*_topographies.tsv   what each sensor sees of each source (T, T/m or V): of a response at its peak for a word of mean property
                       after a long pause, of alpha at its root mean square
sub-*/*_sources.npy    course of each source, (n_sources, n_times), relative to its topography
sub-*/*_words.tsv      at each word: alpha power before it relative to its mean, alpha phase (rad), the gain that follows from the
                       power, recovery from the previous word, and size of each response before gain and saturation

A recording is topographies × sources, and noise.
";

/// Files of the whole study.
pub(super) fn study(folder: &Path, config: &SimulationConfig) -> Result<()> {
    write_json(
        &folder.join("dataset_description.json"),
        &json!({
            "Name": "Truth of the simulated reading study", "BIDSVersion": "1.10.0", "DatasetType": "derivative",
            "GeneratedBy": [{ "Name": "dre", "Version": env!("CARGO_PKG_VERSION") }],
        }),
    )?;
    write_file(&folder.join("README.md"), |out| out.write_all(README.as_bytes()))?;
    let responses: Vec<_> = responses()
        .iter()
        .map(|r| {
            json!({
                "name": r.name, "column": r.column, "size": r.size, "slope": r.slope, "mean": r.mean, "latency": r.latency,
                "latency_std": r.latency_std, "adaptation": r.adaptation, "alpha_gain": r.alpha_gain,
            })
        })
        .collect();
    write_json(&folder.join("truth.json"), &json!({ "simulation": config, "responses": responses }))?;
    write_npy(&folder.join("kernels.npy"), &kernels(config.sfreq))?;
    Ok(())
}

/// Files of one recording.
pub(super) fn recording(folder: &Path, stream: &RecordingStream) -> Result<()> {
    let truth = &stream.truth;
    let file = |suffix: &str| recording_folder(folder, stream).join(format!("{}_task-{TASK}_{suffix}", stream.label()));
    let missing: Vec<&str> = stream.missing.iter().map(|&row| stream.channels[row].name.as_str()).collect();
    write_json(
        &file("truth.json"),
        &json!({
            "gain": truth.gain, "latency_shifts": truth.latency_shifts, "alpha_freq": truth.alpha_freq,
            "sources": truth.source_names, "missing_channels": missing,
            "device_to_head": stream.device_to_head.map(|transform| transform.matrix()),
        }),
    )?;
    write_file(&file("topographies.tsv"), |out| {
        writeln!(out, "name\t{}", truth.source_names.join("\t"))?;
        let sensors = stream.channels.iter().filter(|channel| channel.is_sensor());
        for (channel, row) in sensors.zip(truth.topographies.outer_iter()) {
            let values: Vec<String> = row.iter().map(|value| format!("{value:.6e}")).collect();
            writeln!(out, "{}\t{}", channel.name, values.join("\t"))?;
        }
        Ok(())
    })?;
    write_file(&file("words.tsv"), |out| {
        let names: Vec<&str> = responses().iter().map(|response| response.name).collect();
        let columns = |what: &str| names.iter().map(|name| format!("{what}_{name}")).collect::<Vec<_>>().join("\t");
        writeln!(out, "onset\talpha_power\talpha_phase\talpha_gain\t{}\t{}", columns("recovery"), columns("size"))?;
        for word in &truth.words {
            let numbers: Vec<String> = [word.alpha_power, word.alpha_phase, word.alpha_gain]
                .iter()
                .chain(&word.recoveries)
                .chain(&word.sizes)
                .map(|value| format!("{value:.6}"))
                .collect();
            writeln!(out, "{}\t{}", word.onset, numbers.join("\t"))?;
        }
        Ok(())
    })?;
    let n_sources = truth.source_names.len();
    let mut sources = NpyWriter::create(&file("sources.npy"), n_sources, stream.n_times)?;
    let mut block = vec![0.0; BLOCK.min(stream.n_times)];
    for source in 0..n_sources {
        for start in (0..stream.n_times).step_by(BLOCK) {
            let part = &mut block[..BLOCK.min(stream.n_times - start)];
            stream.course(source, start, part);
            sources.push(part)?;
        }
    }
    sources.finish()?;
    Ok(())
}
