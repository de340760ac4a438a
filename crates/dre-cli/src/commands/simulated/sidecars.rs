//! What lies beside simulated samples in a BIDS data set.

use std::path::Path;

use dre::data::ChannelType;
use dre::sensors::{CoilKind, SensorArray, position_by_name};
use dre::simulate::{RecordingStream, SimulatedChannel, SimulationConfig};
use dre_io::store::{write_file, write_json};
use serde_json::{Value, json};

use super::samples::{TRIGGER, rows};
use super::{Files, NAME, TASK};
use crate::error::Result;

const README: &str = "\
Simulated reading study
=======================

Made by `dre simulate`. Nobody was measured: subjects, recordings and words are made up. `derivatives/truth` says what went
into the recordings; see its README. Word onsets are in the *_events.tsv files and, for MEG, on the channel STI101.
";

/// Files of the whole study.
pub(super) fn study(root: &Path, config: &SimulationConfig) -> Result<()> {
    write_json(
        &root.join("dataset_description.json"),
        &json!({
            "Name": NAME, "BIDSVersion": "1.10.0", "DatasetType": "raw", "License": "CC0",
            "Authors": ["dre simulate"],
            "GeneratedBy": [{ "Name": "dre", "Version": env!("CARGO_PKG_VERSION") }],
        }),
    )?;
    write_file(&root.join("README.md"), |out| out.write_all(README.as_bytes()))?;
    write_file(&root.join("participants.tsv"), |out| {
        writeln!(out, "participant_id\tspecies")?;
        (1..=config.n_subjects).try_for_each(|subject| writeln!(out, "sub-{subject:02}\tn/a"))
    })?;
    write_json(
        &root.join("participants.json"),
        &json!({ "species": { "Description": "Subjects are simulated and belong to none" } }),
    )?;
    write_json(
        &root.join(format!("task-{TASK}_events.json")),
        &json!({
            "trial_type": { "Description": "What the row is", "Levels": { "word": "A word on the screen", "BAD_muscle": "Clenched teeth" } },
            "word": { "Description": "The word" },
            "word_length": { "Description": "Letters of the word" },
            "word_frequency": { "Description": "Zipf frequency of the word: decimal logarithm of occurrences in 10^9 words" },
            "word_position": { "Description": "Position in the sentence, from 1" },
            "sentence_id": { "Description": "Number of the sentence; the same for all subjects" },
            "sentence": { "Description": "Words of the sentence" },
            "pause": { "Description": "Time since the onset of the previous word", "Units": "s" },
        }),
    )?;
    Ok(())
}

/// Files of one recording.
pub(super) fn recording(files: &Files, stream: &RecordingStream, config: &SimulationConfig) -> Result<()> {
    events(files, stream)?;
    channels(files, stream)?;
    let count = |kind: &dyn Fn(&SimulatedChannel) -> bool| {
        rows(stream).into_iter().filter(|&row| kind(&stream.channels[row])).count()
    };
    let is = |kind: ChannelType| move |channel: &SimulatedChannel| channel.kind == kind;
    let mut sidecar = json!({
        "TaskName": TASK,
        "TaskDescription": "Sentences are read word by word",
        "Manufacturer": "simulated",
        "SamplingFrequency": stream.sfreq,
        "PowerLineFrequency": 50,
        "SoftwareFilters": "n/a",
        "RecordingDuration": stream.n_times as f64 / stream.sfreq,
        "RecordingType": "continuous",
        "EOGChannelCount": count(&is(ChannelType::Eog)),
        "ECGChannelCount": count(&is(ChannelType::Ecg)),
        "EMGChannelCount": 0,
        "MiscChannelCount": 0,
    });
    let more = if config.array.is_meg() {
        json!({
            "DewarPosition": "upright",
            "DigitizedLandmarks": true,
            "DigitizedHeadPoints": true,
            "ContinuousHeadLocalization": false,
            "MEGChannelCount": count(&|channel| matches!(channel.kind, ChannelType::Mag | ChannelType::Grad)),
            "MEGREFChannelCount": 0,
            "EEGChannelCount": 0,
            "TriggerChannelCount": 1,
        })
    } else {
        json!({
            "EEGReference": "mean of all electrodes",
            "EEGGround": "n/a",
            "EEGPlacementScheme": if config.array == SensorArray::Eeg64 { "10-10" } else { "10-20" },
            "EEGChannelCount": count(&is(ChannelType::Eeg)),
            "TriggerChannelCount": 0,
        })
    };
    if let (Some(all), Value::Object(more)) = (sidecar.as_object_mut(), more) {
        all.extend(more);
    }
    write_json(&files.of_task(&format!("{}.json", files.suffix)), &sidecar)?;
    coordinates(files, stream, config)
}

fn events(files: &Files, stream: &RecordingStream) -> Result<()> {
    // In the order in which they are read, not of the alphabet.
    const ORDER: [&str; 8] =
        ["trial_type", "word", "word_length", "word_frequency", "word_position", "pause", "sentence_id", "sentence"];
    let events = &stream.events;
    write_file(&files.of_task("events.tsv"), |out| {
        writeln!(out, "onset\tduration\t{}", ORDER.join("\t"))?;
        for i in 0..events.len() {
            let rest = ORDER.map(|name| events.columns[name][i].as_str());
            writeln!(out, "{}\t{}\t{}", events.onset[i], events.duration[i], rest.join("\t"))?;
        }
        Ok(())
    })?;
    Ok(())
}

fn channels(files: &Files, stream: &RecordingStream) -> Result<()> {
    write_file(&files.of_task("channels.tsv"), |out| {
        writeln!(out, "name\ttype\tunits\tlow_cutoff\thigh_cutoff\tsampling_frequency\tstatus")?;
        let (nyquist, sfreq) = (stream.sfreq / 2.0, stream.sfreq);
        for row in rows(stream) {
            let channel = &stream.channels[row];
            let (kind, unit) = bids_type(channel, files.suffix == "meg");
            writeln!(out, "{}\t{kind}\t{unit}\tn/a\t{nyquist}\t{sfreq}\tgood", channel.name)?;
        }
        if files.suffix == "meg" {
            writeln!(out, "{TRIGGER}\tTRIG\tV\tn/a\t{nyquist}\t{sfreq}\tgood")?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Type and unit of the stored samples: BrainVision holds µV.
fn bids_type(channel: &SimulatedChannel, is_meg: bool) -> (&'static str, &'static str) {
    let volt = if is_meg { "V" } else { "µV" };
    match (channel.kind, channel.coil.map(|coil| coil.kind)) {
        (_, Some(CoilKind::CtfAxial)) => ("MEGGRADAXIAL", "T"),
        (_, Some(CoilKind::NeuromagPlanar)) => ("MEGGRADPLANAR", "T/m"),
        (_, Some(CoilKind::NeuromagMagnetometer)) => ("MEGMAG", "T"),
        (ChannelType::Eog, None) => ("EOG", volt),
        (ChannelType::Ecg, None) => ("ECG", volt),
        _ => ("EEG", volt),
    }
}

fn coordinates(files: &Files, stream: &RecordingStream, config: &SimulationConfig) -> Result<()> {
    let landmark = |name: &str| position_by_name(name).unwrap_or_default();
    let landmarks = json!({ "LPA": landmark("T9"), "NAS": landmark("Nz"), "RPA": landmark("T10") });
    let about = "x from the left to the right ear, y through the nasion, z up";
    if config.array.is_meg() {
        let coordinates = json!({
            "MEGCoordinateSystem": "ElektaNeuromag",
            "MEGCoordinateUnits": "m",
            "MEGCoordinateSystemDescription": about,
            "HeadCoilCoordinates": landmarks,
            "HeadCoilCoordinateSystem": "ElektaNeuromag",
            "HeadCoilCoordinateUnits": "m",
            "DigitizedHeadPointsCoordinateSystem": "ElektaNeuromag",
            "DigitizedHeadPointsCoordinateUnits": "m",
            "AnatomicalLandmarkCoordinates": landmarks,
            "AnatomicalLandmarkCoordinateSystem": "ElektaNeuromag",
            "AnatomicalLandmarkCoordinateUnits": "m",
        });
        write_json(&files.of_session("coordsystem.json"), &coordinates)?;
        return Ok(());
    }
    write_json(
        &files.of_session("space-CapTrak_coordsystem.json"),
        &json!({
            "EEGCoordinateSystem": "CapTrak",
            "EEGCoordinateUnits": "m",
            "EEGCoordinateSystemDescription": about,
            "AnatomicalLandmarkCoordinates": landmarks,
            "AnatomicalLandmarkCoordinateSystem": "CapTrak",
            "AnatomicalLandmarkCoordinateUnits": "m",
        }),
    )?;
    write_file(&files.of_session("space-CapTrak_electrodes.tsv"), |out| {
        writeln!(out, "name\tx\ty\tz")?;
        for row in rows(stream) {
            let channel = &stream.channels[row];
            if let Some([x, y, z]) = channel.position {
                writeln!(out, "{}\t{x:.5}\t{y:.5}\t{z:.5}", channel.name)?;
            }
        }
        Ok(())
    })?;
    Ok(())
}
