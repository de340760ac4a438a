//! What this program has written.

use std::fmt::Write as _;
use std::path::Path;

use dre_io::pipeline::COHORT_FOLDER;

use crate::error::Result;

/// Says what a cohort, a model, a checkpoint, or the folder of a run without results holds; none for anything else.
pub(super) fn describe(path: &Path) -> Result<Option<String>> {
    let cohort = [path.to_path_buf(), path.join(COHORT_FOLDER)];
    if let Some(folder) = cohort.iter().find(|f| f.join(dre_io::cohort::COHORT_FILE).is_file()) {
        return Ok(Some(describe_cohort(&dre_io::cohort::open_cohort(folder)?)));
    }
    if path.join(dre_io::models::MODEL_FILE).is_file() {
        return Ok(Some(describe_model(&dre_io::models::read_info(path)?)));
    }
    if path.file_name().is_some_and(|name| name == dre_io::models::CHECKPOINT_FILE) {
        let (checkpoint, _) = dre_io::models::Checkpoint::read(path)?;
        let state = &checkpoint.training;
        return Ok(Some(format!(
            "Checkpoint: {} of {} passes and {} batches, {:.0} s; `dre run STUDY.toml --resume` continues it",
            state.pass, state.training.n_passes, state.batch, checkpoint.seconds
        )));
    }
    match path.parent() {
        Some(folder) if path.extension().is_some_and(|extension| extension == "safetensors") => describe(folder),
        _ => Ok(None),
    }
}

fn describe_cohort(folder: &dre_io::cohort::CohortFolder) -> String {
    let info = &folder.info;
    let minutes: f64 = info.recordings.iter().map(|r| r.n_times as f64 / info.sfreq / 60.0).sum();
    let mut text = format!(
        "Cohort: {} subjects, {} recordings, {minutes:.1} min, {} channels at {} Hz, features {}",
        info.subjects.len(),
        info.recordings.len(),
        info.channels.len(),
        info.sfreq,
        info.features.join(", ")
    );
    let steps = info.steps.iter().map(|step| format!("\n  {step}"));
    text.extend(steps);
    for recording in info.recordings.iter().filter(|r| !(r.missing.is_empty() && r.bad_segments.is_empty())) {
        let names: Vec<&str> = recording.missing.keys().map(String::as_str).collect();
        let bad: usize = recording.bad_segments.iter().map(|(from, to)| to - from).sum();
        let _ = write!(
            text,
            "\n  {}: lacks {}; {} bad segments of {:.1} s",
            recording.id,
            if names.is_empty() { "no channel".to_owned() } else { names.join(", ") },
            recording.bad_segments.len(),
            bad as f64 / info.sfreq
        );
    }
    text
}

fn describe_model(info: &dre_io::models::ModelInfo) -> String {
    let mut text = format!(
        "Model: {}, {} channels at {} Hz, {} samples per epoch of which {} are shown\n  features {}\n  subjects {}",
        info.kind,
        info.channels.len(),
        info.sfreq,
        info.times.len(),
        info.n_init_times,
        info.features.join(", "),
        info.subjects.join(", ")
    );
    text.extend(info.choices.iter().map(|(name, value)| format!("\n  {name}: {value}")));
    text
}
