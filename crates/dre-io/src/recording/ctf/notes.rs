//! What people and programs have written down about a recording: bad channels, bad segments, markers.

use std::path::{Path, PathBuf};

use crate::recording::{Annotation, RecordingChannel};
use crate::{Error, Result};

use super::channels::clean_name;
use super::res4::Res4;
use super::text::{Line, finite, lines, shown};

/// Marks the channels that `BadChannels` lists; the file where it is there.
pub(super) fn bad_channels(
    folder: &Path,
    channels: &mut [RecordingChannel],
    notes: &mut Vec<String>,
) -> Result<Option<PathBuf>> {
    let path = folder.join("BadChannels");
    let Some(lines) = lines(&path)? else { return Ok(None) };
    for (number, name) in lines.iter().filter(|(_, name)| !name.is_empty()) {
        let mut found = false;
        for channel in channels.iter_mut().filter(|c| c.name == *name || c.name == clean_name(name)) {
            channel.bad = true;
            found = true;
        }
        if !found {
            notes.push(format!(
                "{} line {number}: the recording has no channel `{}`; passed over",
                path.display(),
                shown(name)
            ));
        }
    }
    Ok(Some(path))
}

/// Bad segments as annotations `bad_` and the trial's number, the first sample of the recording at 0 s.
///
/// As in MNE-Python, times count from the trigger of the first trial whatever the trial's number; a recording of several trials
/// gets a note.
pub(super) fn bad_segments(
    folder: &Path,
    header: &Res4,
    annotations: &mut Vec<Annotation>,
    notes: &mut Vec<String>,
) -> Result<Option<PathBuf>> {
    let path = folder.join("bad.segments");
    let Some(lines) = lines(&path)? else { return Ok(None) };
    let mut in_later_trials = 0;
    for (number, line) in lines.iter().filter(|(_, line)| !line.is_empty()) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let times = match fields.as_slice() {
            [_, start, end, ..] => finite(start).zip(finite(end)).filter(|(start, end)| start <= end),
            _ => None,
        };
        let Some((start, end)) = times else {
            let problem = format!("`{}`, expected a trial, a start and an end in seconds", shown(line));
            return Err(Error::line(&path, *number, problem, "correct the line or remove it"));
        };
        in_later_trials += usize::from(fields[0].parse::<u32>().is_ok_and(|trial| trial > 1));
        annotations.push(Annotation {
            onset: start + header.pre_trigger_time(),
            duration: end - start,
            description: format!("bad_{}", fields[0]),
        });
    }
    if in_later_trials > 0 {
        notes.push(format!(
            "{}: {in_later_trials} segments name a later trial than the first; their times are taken from the \
             recording's start, as in MNE-Python: check that they are where they should be",
            path.display()
        ));
    }
    Ok(Some(path))
}

/// Markers of `MarkerFile.mrk` as annotations without duration, the first sample of the recording at 0 s.
pub(super) fn markers(folder: &Path, header: &Res4, annotations: &mut Vec<Annotation>) -> Result<Option<PathBuf>> {
    let path = folder.join("MarkerFile.mrk");
    let Some(lines) = lines(&path)? else { return Ok(None) };
    let mut reader = Markers { path: &path, lines: &lines, place: 0 };
    let n_markers = reader.count("NUMBER OF MARKERS:")?;
    for _ in 0..n_markers {
        reader.after("NAME:")?;
        let name = reader.next("the marker's name")?.1.clone();
        let n_samples = reader.count("NUMBER OF SAMPLES:")?;
        reader.after("LIST OF SAMPLES:")?;
        reader.next("the header `TRIAL NUMBER  TIME FROM SYNC POINT`")?;
        for _ in 0..n_samples {
            let (number, line) = reader.next("a trial and a time in seconds")?;
            let fields: Vec<&str> = line.split_whitespace().collect();
            let parsed = match fields.as_slice() {
                [trial, time, ..] => trial.parse::<u32>().ok().zip(finite(time)),
                _ => None,
            };
            let Some((trial, time)) = parsed else {
                let problem = format!("`{}`, expected a trial and a time in seconds", shown(line));
                return Err(Error::line(&path, *number, problem, "correct the line or the number of samples above it"));
            };
            annotations.push(Annotation {
                onset: time + f64::from(trial) * header.trial_duration() + header.pre_trigger_time(),
                duration: 0.0,
                description: name.clone(),
            });
        }
    }
    Ok(Some(path))
}

/// A marker file being read: titles, each followed by its value on the next line.
struct Markers<'a> {
    path: &'a Path,
    lines: &'a [Line],
    place: usize,
}

impl<'a> Markers<'a> {
    fn next(&mut self, expected: &str) -> Result<&'a Line> {
        let line = self.lines.get(self.place).filter(|(_, text)| self.place + 1 < self.lines.len() || !text.is_empty());
        self.place += 1;
        line.ok_or_else(|| {
            let problem = format!("the file ends, expected {expected}");
            Error::line(self.path, self.lines.len(), problem, "copy the marker file again from the source")
        })
    }

    /// Goes to the line after a title.
    fn after(&mut self, title: &str) -> Result<()> {
        while !self.next(&format!("`{title}`"))?.1.starts_with(title) {}
        Ok(())
    }

    fn count(&mut self, title: &str) -> Result<usize> {
        self.after(title)?;
        let (number, line) = self.next("a whole number")?;
        line.parse().map_err(|_| {
            let problem = format!("`{}` after `{title}`, expected a whole number", shown(line));
            Error::line(self.path, *number, problem, "copy the marker file again from the source")
        })
    }
}

/// The annotations that touch the recording, cut to it, by onset; a note where others were left out.
pub(super) fn within(
    mut annotations: Vec<Annotation>,
    header: &Res4,
    n_times: usize,
    notes: &mut Vec<String>,
) -> Vec<Annotation> {
    let seconds = n_times as f64 / header.sfreq;
    let n_all = annotations.len();
    annotations.retain(|a| a.onset <= seconds && a.onset + a.duration >= 0.0);
    if annotations.len() < n_all {
        notes.push(format!(
            "left out, as they lie outside the recording ({seconds:.3} s): {} of {n_all} markers and bad segments",
            n_all - annotations.len()
        ));
    }
    for annotation in &mut annotations {
        let end = (annotation.onset + annotation.duration).min(seconds);
        annotation.onset = annotation.onset.max(0.0);
        annotation.duration = (end - annotation.onset).max(0.0);
    }
    annotations.sort_by(|a, b| a.onset.total_cmp(&b.onset).then(a.duration.total_cmp(&b.duration)));
    annotations
}
