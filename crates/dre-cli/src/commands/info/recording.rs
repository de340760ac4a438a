//! One recording.

use std::path::Path;

use dre_io::recording::{DigKind, RecordingInfo};

use crate::text::{counted, joined};

/// What a recording holds, a line for each thing.
pub(super) fn describe(info: &RecordingInfo) -> String {
    let mut lines = vec![
        ("format", format(&info.path)),
        ("duration", format!("{} ({} samples at {} Hz)", duration(info.seconds()), info.n_times, shown(info.sfreq))),
        ("channels", channels(info)),
        ("bad", bad(info)),
        ("high-pass", frequency(info.highpass)),
        ("low-pass", frequency(info.lowpass)),
        ("annotations", annotations(info)),
    ];
    let n_placed = info.channels.iter().filter(|channel| channel.position.is_some()).count();
    lines.push(("positions", format!("{n_placed} of {} channels", info.channels.len())));
    if info.channels.iter().any(|channel| channel.coil.is_some()) {
        lines
            .push(("head", if info.device_to_head.is_some() { "position known" } else { "position not known" }.into()));
    }
    if !info.digitisation.is_empty() {
        let kind = |point: &dre_io::recording::DigPoint| match point.kind {
            DigKind::Cardinal => "cardinal",
            DigKind::Hpi => "head coils",
            DigKind::Eeg => "electrodes",
            DigKind::Extra => "extra",
        };
        lines.push(("digitised", joined(&counted(info.digitisation.iter().map(kind)))));
    }
    if let Some(grade) = info.compensation_grade {
        let name = ["none", "first order", "second order", "third order"].get(grade as usize).unwrap_or(&"unknown");
        lines.push(("compensation", format!("grade {grade} ({name} gradient)").replace("none gradient", "none")));
    }
    for projector in &info.projectors {
        let state = if projector.active { "applied" } else { "not applied" };
        let (n_vectors, n_channels) = projector.vectors.dim();
        let text = format!("{} ({n_vectors} × {n_channels} channels, {state})", projector.name);
        lines.push(("projector", text));
    }
    if info.first_samp > 0 {
        let seconds = info.first_samp as f64 / info.sfreq;
        lines.push(("first sample", format!("{} ({seconds:.3} s after the acquisition's start)", info.first_samp)));
    }
    if info.files.len() > 1 {
        lines.push(("files", info.files.len().to_string()));
    }
    lines.extend(info.notes.iter().map(|note| ("note", note.clone())));
    let text: Vec<String> = lines.into_iter().map(|(what, value)| format!("  {what:<12}  {value}")).collect();
    format!("Recording {}\n{}", info.path.display(), text.join("\n"))
}

/// A format's name, by the extension of its files.
pub(super) fn format(path: &Path) -> String {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let known = [
        ("vhdr", "BrainVision"),
        ("ahdr", "BrainVision"),
        ("ds", "CTF"),
        ("fif", "FIF"),
        ("edf", "EDF"),
        ("bdf", "BDF"),
        ("set", "EEGLAB"),
    ];
    known.iter().find(|(known, _)| *known == extension).map_or(extension, |(_, name)| (*name).to_owned())
}

/// `2.0 s`, `12.4 min`, `1 h 4 min`.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.1} s"),
        s if s < 3600.0 => format!("{:.1} min", s / 60.0),
        s => format!("{} h {:.0} min", (s / 3600.0).floor(), (s % 3600.0 / 60.0).floor()),
    }
}

/// `64 eeg, 2 eog`, the most first.
pub(super) fn channels(info: &RecordingInfo) -> String {
    joined(
        &counted(info.channels.iter().map(|channel| channel.kind.name()))
            .into_iter()
            .map(|(n, c)| (c, n))
            .collect::<Vec<_>>(),
    )
}

fn bad(info: &RecordingInfo) -> String {
    let names: Vec<&str> = info.channels.iter().filter(|channel| channel.bad).map(|c| c.name.as_str()).collect();
    if names.is_empty() { "none".to_owned() } else { format!("{}: {}", names.len(), names.join(", ")) }
}

fn frequency(frequency: Option<f64>) -> String {
    frequency.map_or_else(|| "not told".to_owned(), |frequency| format!("{} Hz", shown(frequency)))
}

/// Annotations by description, with the time that they cover where they have a duration.
fn annotations(info: &RecordingInfo) -> String {
    const SHOWN: usize = 12;
    if info.annotations.is_empty() {
        return "none".to_owned();
    }
    let kinds = counted(info.annotations.iter().map(|annotation| annotation.description.as_str()));
    let mut parts: Vec<String> = Vec::new();
    for (description, n) in kinds.iter().take(SHOWN) {
        let of_kind = info.annotations.iter().filter(|annotation| annotation.description == **description);
        let seconds: f64 = of_kind.map(|annotation| annotation.duration).sum();
        // Some formats give a marker the length of one sample.
        let covered = if seconds * info.sfreq > 1.5 * *n as f64 { format!(" ({seconds:.1} s)") } else { String::new() };
        parts.push(format!("{n} × {description}{covered}"));
    }
    if kinds.len() > SHOWN {
        parts.push(format!("and {} other kinds", kinds.len() - SHOWN));
    }
    parts.join(", ")
}

/// A frequency (Hz) without the digits that single precision, in which many files hold it, does not have.
pub(super) fn shown(frequency: f64) -> String {
    (frequency as f32).to_string()
}
