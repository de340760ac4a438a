//! Simulated recordings as a BIDS data set.

use std::path::Path;

use dre::simulate::Simulation;
use dre_io::recording::brainvision::write_brainvision;
use dre_io::recording::{Annotation, RecordingChannel, Unit};
use dre_io::store::{NewFolder, write_file, write_json};
use serde_json::json;

use crate::error::Result;

/// Name of the data set.
const NAME: &str = "Simulated listeners";

/// Whether a folder holds a data set that [`write_bids`] wrote.
pub(super) fn is_simulated(place: &Path) -> bool {
    let about: Option<serde_json::Value> =
        std::fs::read(place.join("dataset_description.json")).ok().and_then(|text| serde_json::from_slice(&text).ok());
    about.is_some_and(|about| about["Name"] == NAME && about["GeneratedBy"][0]["Version"] == env!("CARGO_PKG_VERSION"))
}

/// Writes a BIDS data set of the task `words` as a whole; one that was there is replaced.
pub(super) fn write_bids(simulation: &Simulation, place: &Path) -> Result<()> {
    let folder = NewFolder::new(place)?;
    let root = folder.path();
    write_json(
        &root.join("dataset_description.json"),
        &json!({
            "Name": NAME, "BIDSVersion": "1.9.0", "DatasetType": "raw", "License": "CC0",
            "GeneratedBy": [{ "Name": "dre", "Version": env!("CARGO_PKG_VERSION") }],
        }),
    )?;
    write_file(&root.join("participants.tsv"), |out| {
        writeln!(out, "participant_id")?;
        simulation.subjects.iter().try_for_each(|s| writeln!(out, "{}", s.label))
    })?;
    let channels: Vec<RecordingChannel> =
        simulation.channels.iter().map(|c| RecordingChannel::new(c.name.clone(), c.kind, Unit::Volt)).collect();
    for subject in &simulation.subjects {
        let place = root.join(&subject.label).join("eeg");
        let stem = |suffix: &str| place.join(format!("{}_task-words_{suffix}", subject.label));
        let events = &subject.events;
        write_file(&stem("events.tsv"), |out| {
            let names: Vec<&str> = events.columns.keys().map(String::as_str).collect();
            writeln!(out, "onset\tduration\t{}", names.join("\t"))?;
            for i in 0..events.len() {
                let rest: Vec<&str> = events.columns.values().map(|column| column[i].as_str()).collect();
                writeln!(out, "{}\t{}\t{}", events.onset[i], events.duration[i], rest.join("\t"))?;
            }
            Ok(())
        })?;
        write_file(&stem("channels.tsv"), |out| {
            writeln!(out, "name\ttype\tunits\tstatus")?;
            simulation.channels.iter().try_for_each(|c| writeln!(out, "{}\tEEG\tµV\tgood", c.name))
        })?;
        write_file(&place.join(format!("{}_electrodes.tsv", subject.label)), |out| {
            writeln!(out, "name\tx\ty\tz")?;
            simulation.channels.iter().try_for_each(|c| match c.position {
                Some([x, y, z]) => writeln!(out, "{}\t{x}\t{y}\t{z}", c.name),
                None => writeln!(out, "{}\tn/a\tn/a\tn/a", c.name),
            })
        })?;
        write_json(
            &place.join(format!("{}_coordsystem.json", subject.label)),
            &json!({ "EEGCoordinateSystem": "CapTrak", "EEGCoordinateUnits": "m" }),
        )?;
        write_json(
            &stem("eeg.json"),
            &json!({
                "TaskName": "words", "SamplingFrequency": simulation.sfreq, "PowerLineFrequency": "n/a",
                "EEGReference": "n/a", "SoftwareFilters": "n/a",
            }),
        )?;
        let none: [Annotation; 0] = [];
        let data = subject.data.mapv(f64::from);
        write_brainvision(&stem("eeg.vhdr"), simulation.sfreq, &channels, data.view(), &none)?;
    }
    folder.finish()?;
    Ok(())
}
