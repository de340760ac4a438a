//! Names of files with places to fill in.

use std::path::PathBuf;

use dre::data::EventTable;
use dre::features::FeatureSpec;

use crate::bids::{BidsDataset, BidsRecording};
use crate::pipeline::{PipelineError, Result};

/// A piece of a name: a text, or the name of what stands there.
#[derive(Debug, PartialEq)]
enum Piece<'a> {
    Text(&'a str),
    Slot(&'a str),
}

fn pieces(pattern: &str) -> Option<Vec<Piece<'_>>> {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some((text, after)) = rest.split_once('{') {
        let (slot, after) = after.split_once('}')?;
        pieces.extend([Piece::Text(text), Piece::Slot(slot)]);
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    Some(pieces)
}

/// The files that a pattern stands for, each with the time (s) at which it starts: one from the recording's start, or one
/// for each selected event where a place names a column. Events whose text is `n/a` have none.
pub(super) fn fill(
    spec: &FeatureSpec,
    pattern: &str,
    dataset: &BidsDataset,
    recording: &BidsRecording,
    events: &EventTable,
) -> Result<Vec<(PathBuf, f64)>> {
    let fail = |reason: String| PipelineError::InRecording {
        recording: recording.id.clone(),
        source: dre::Error::Feature { feature: spec.name.clone(), reason },
    };
    let pieces =
        pieces(pattern).ok_or_else(|| fail(format!("file = \"{pattern}\" opens a {{ and does not close it")))?;
    let own = |slot: &str| -> Option<Option<&str>> {
        Some(match slot {
            "id" => Some(recording.id.as_str()),
            "subject" => Some(recording.subject.as_str()),
            "session" => recording.session.as_deref(),
            "task" => recording.task.as_deref(),
            "run" => recording.run.as_deref(),
            _ => return None,
        })
    };
    let mut columns = Vec::new();
    for piece in &pieces {
        if let Piece::Slot(slot) = piece
            && own(slot).is_none()
        {
            let column = events.column(slot, || format!("feature `{}` (file = \"{pattern}\")", spec.name));
            let column =
                column.map_err(|source| PipelineError::InRecording { recording: recording.id.clone(), source })?;
            columns.push((*slot, column));
        }
    }
    let name = |event: Option<usize>| -> Result<Option<PathBuf>> {
        let mut name = String::new();
        for piece in &pieces {
            match piece {
                Piece::Text(text) => name.push_str(text),
                Piece::Slot(slot) => match (own(slot), event) {
                    (Some(Some(text)), _) => name.push_str(text),
                    (Some(None), _) => return Err(fail(format!("file = \"{pattern}\": the recording has no {slot}"))),
                    (None, event) => {
                        let column = columns.iter().find(|(name, _)| name == slot);
                        let text = event.zip(column).map_or("", |(event, (_, texts))| texts[event].trim());
                        if text.is_empty() || text.eq_ignore_ascii_case("n/a") {
                            return Ok(None);
                        }
                        name.push_str(text);
                    }
                },
            }
        }
        Ok(Some(dataset.root().join(name)))
    };
    if columns.is_empty() {
        return Ok(name(None)?.map(|path| (path, 0.0)).into_iter().collect());
    }
    let mut files = Vec::new();
    for event in 0..events.len() {
        let is_selected = spec
            .events
            .iter()
            .all(|(column, wanted)| events.columns.get(column).is_some_and(|texts| wanted.contains(&texts[event])));
        if is_selected && let Some(path) = name(Some(event))? {
            files.push((path, events.onset[event]));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_by_hand() {
        assert_eq!(pieces("a/{b}.wav").unwrap(), [Piece::Text("a/"), Piece::Slot("b"), Piece::Text(".wav")]);
        assert_eq!(pieces("plain").unwrap(), [Piece::Text("plain")]);
        assert!(pieces("{open").is_none());
    }
}
