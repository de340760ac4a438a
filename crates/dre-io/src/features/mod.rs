//! What features are made of beside the events: lexica, continuous stimuli, sounds.

mod lexicon;
mod npy;
mod place;
mod stim;
mod wav;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dre::data::EventTable;
use dre::features::{FeatureSpec, FeatureValue, Lexicon, Track};

use crate::bids::{BidsDataset, BidsRecording};
use crate::pipeline::Result;

pub use lexicon::read_lexicon;
pub use npy::read_npy_track;
pub use stim::read_stim;
pub use wav::read_envelope;

/// The lexica that features name, by that name, and their files as absolute paths.
///
/// # Errors
/// [`crate::Error`] that names the file and what is wrong in it.
pub fn read_lexica(specs: &[FeatureSpec]) -> Result<BTreeMap<String, Lexicon>> {
    let mut lexica = BTreeMap::new();
    for spec in specs {
        if let FeatureValue::Zipf { lexicon, language, .. } = &spec.value
            && !lexica.contains_key(lexicon)
        {
            lexica.insert(lexicon.clone(), read_lexicon(Path::new(lexicon), language.as_deref())?);
        }
    }
    Ok(lexica)
}

/// The lexica's files, absolute.
pub fn lexicon_files(specs: &[FeatureSpec]) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = specs
        .iter()
        .filter_map(|spec| match &spec.value {
            FeatureValue::Zipf { lexicon, .. } => Some(PathBuf::from(lexicon)),
            _ => None,
        })
        .map(|path| std::path::absolute(&path).unwrap_or(path))
        .collect();
    files.sort();
    files.dedup();
    files
}

/// The files that a recording's continuous features are made of, in the order of the features; nothing is read of them.
///
/// # Errors
/// [`crate::bids::BidsError`] for a `_stim.tsv.gz` that cannot be found or is not described; [`crate::Error`] for a
/// place in a file's name that nothing fills.
pub fn track_files(
    specs: &[FeatureSpec],
    dataset: &BidsDataset,
    recording: &BidsRecording,
    events: &EventTable,
) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for spec in specs {
        match &spec.value {
            FeatureValue::Stim { .. } => {
                let stimulus = stim::of(dataset, recording, &spec.name)?;
                files.push(stimulus.path);
                files.extend(stimulus.sidecars);
            }
            FeatureValue::Npy { file, .. } | FeatureValue::Wav { file, .. } => {
                files.extend(place::fill(spec, file, dataset, recording, events)?.into_iter().map(|(path, _)| path));
            }
            _ => {}
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}

/// The continuous stimuli of a recording, by the name of their feature. A file that several events name is read once.
///
/// # Errors
/// As [`track_files`], and whatever is wrong in the files.
pub fn read_tracks(
    specs: &[FeatureSpec],
    dataset: &BidsDataset,
    recording: &BidsRecording,
    events: &EventTable,
) -> Result<BTreeMap<String, Vec<Track>>> {
    let mut tracks = BTreeMap::new();
    for spec in specs {
        let own = match &spec.value {
            FeatureValue::Stim { column } => vec![read_stim(&stim::of(dataset, recording, &spec.name)?, column)?],
            FeatureValue::Npy { file, sfreq, start, row } => {
                placed(place::fill(spec, file, dataset, recording, events)?, |path| {
                    read_npy_track(path, *sfreq, *start, *row)
                })?
            }
            FeatureValue::Wav { file, h_freq, start } => {
                placed(place::fill(spec, file, dataset, recording, events)?, |path| {
                    let mut track = read_envelope(path, *h_freq)?;
                    track.start += start;
                    Ok(track)
                })?
            }
            _ => continue,
        };
        tracks.insert(spec.name.clone(), own);
    }
    Ok(tracks)
}

/// Reads each file once and puts it at its onsets.
fn placed(places: Vec<(PathBuf, f64)>, read: impl Fn(&Path) -> crate::Result<Track>) -> Result<Vec<Track>> {
    let mut known: BTreeMap<PathBuf, Track> = BTreeMap::new();
    places
        .into_iter()
        .map(|(path, onset)| {
            if !known.contains_key(&path) {
                known.insert(path.clone(), read(&path)?);
            }
            let mut track = known[&path].clone();
            track.start += onset;
            Ok(track)
        })
        .collect()
}
