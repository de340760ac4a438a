//! Backward models on disk.

use std::path::Path;

use dre::linear::{CohortDecoder, Decoder, SubjectFit, Trf};
use ndarray::{Array1, Array3};
use serde::{Deserialize, Serialize};

use super::coefficients::MOST_ROWS;
use super::linear::{Loaded, stack};
use crate::store::{Manifest, StoreError, read_json, write_file, write_json, write_npy, write_together};

/// File that says what the decoders are.
const DECODER_FILE: &str = "decoder.json";

/// Content of `decoder.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct DecoderFile {
    /// Everything that decides the fit.
    recipe: serde_json::Value,
    /// Names of the features that are told.
    features: Vec<String>,
    /// First lag of the data (samples).
    lag_min: isize,
    /// Share of the variance in the principal components, where there are any.
    explained: Option<f64>,
    hold_others: bool,
    subjects: Vec<SubjectFile>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct SubjectFile {
    subject: String,
    /// One per feature.
    alphas: Vec<f64>,
    valid_r: Vec<f64>,
}

/// Writes `coef.npy` and `patterns.npy` (subject, feature, channel, lag), `intercept.npy` (subject, feature), both of the
/// first as the table `coef.tsv`, and `decoder.json`. `channels` are the channels' names, `sfreq` is in Hz.
///
/// # Errors
/// [`StoreError::Write`].
pub fn write_decoder(
    folder: &Path,
    decoder: &CohortDecoder,
    (channels, sfreq): (&[&str], f64),
    recipe: &serde_json::Value,
) -> Result<(), StoreError> {
    write_together(folder, |new| write_parts(new, decoder, (channels, sfreq), recipe))
}

fn write_parts(
    folder: &Path,
    decoder: &CohortDecoder,
    (channels, sfreq): (&[&str], f64),
    recipe: &serde_json::Value,
) -> Result<(), StoreError> {
    let fits = || decoder.subjects.iter().map(|fit| &fit.model);
    write_npy(&folder.join("coef.npy"), &stack(fits().map(|fit| &fit.model.coef)))?;
    write_npy(&folder.join("patterns.npy"), &stack(fits().map(|fit| &fit.patterns)))?;
    write_npy(&folder.join("intercept.npy"), &stack(fits().map(|fit| &fit.model.intercept)))?;
    write_table(&folder.join("coef.tsv"), decoder, channels, sfreq)?;
    let subjects = decoder.subjects.iter().map(|fit| SubjectFile {
        subject: fit.subject.clone(),
        alphas: fit.alphas.clone(),
        valid_r: fit.valid_r.clone(),
    });
    let file = DecoderFile {
        recipe: recipe.clone(),
        features: decoder.features.clone(),
        lag_min: fits().next().map_or(0, |fit| fit.model.lag_min),
        explained: decoder.explained,
        hold_others: decoder.hold_others,
        subjects: subjects.collect(),
    };
    write_json(&folder.join(DECODER_FILE), &file)
}

/// A row per subject, feature, channel and lag (s): weight (standardised feature per scaled data) and pattern (scaled data
/// per standardised feature; `n/a` where there is none).
fn write_table(path: &Path, decoder: &CohortDecoder, channels: &[&str], sfreq: f64) -> Result<(), StoreError> {
    let n_rows: usize = decoder.subjects.iter().map(|fit| fit.model.patterns.len()).sum();
    if n_rows > MOST_ROWS {
        return Ok(());
    }
    write_file(path, |out| {
        writeln!(out, "subject\tfeature\tchannel\tlag_s\tcoef\tpattern")?;
        for fit in &decoder.subjects {
            let model = &fit.model.model;
            for ((f, c, lag), coef) in model.coef.indexed_iter() {
                let (subject, feature, channel) = (&fit.subject, &decoder.features[f], channels[c]);
                let seconds = (model.lag_min + lag as isize) as f64 / sfreq;
                write!(out, "{subject}\t{feature}\t{channel}\t{seconds}\t{coef:e}\t")?;
                match fit.model.patterns[[f, c, lag]] {
                    pattern if pattern.is_finite() => writeln!(out, "{pattern:e}")?,
                    _ => writeln!(out, "n/a")?,
                }
            }
        }
        Ok(())
    })
}

/// Whether the decoders of a folder were made with this recipe.
pub fn is_decoder_current(folder: &Path, recipe: &serde_json::Value) -> bool {
    Manifest::read(folder, "").is_some_and(|manifest| manifest.is_whole(folder))
        && read_json(&folder.join(DECODER_FILE)).is_ok_and(|file: DecoderFile| file.recipe == *recipe)
}

/// Reads what [`write_decoder`] wrote.
///
/// # Errors
/// [`StoreError`] that names the file at fault.
pub fn read_decoder(folder: &Path) -> Result<CohortDecoder, StoreError> {
    let about: DecoderFile = read_json(&folder.join(DECODER_FILE))?;
    let [coef, patterns, intercept] =
        ["coef.npy", "patterns.npy", "intercept.npy"].map(|name| Loaded::read(folder, name));
    let (coef, patterns, intercept) = (coef?, patterns?, intercept?);
    let (explained, hold_others) = (about.explained, about.hold_others);
    let subjects = about.subjects.into_iter().enumerate().map(|(i, fit)| {
        let (coef_of, patterns_of): (Array3<f64>, Array3<f64>) = (coef.part(i)?, patterns.part(i)?);
        let intercept_of: Array1<f64> = intercept.part(i)?;
        let n_features = about.features.len();
        if coef_of.dim() != patterns_of.dim() || coef_of.dim().0 != n_features || intercept_of.len() != n_features {
            let found = format!("coefficients {:?} beside patterns {:?}", coef_of.dim(), patterns_of.dim());
            return Err(StoreError::damaged(&folder.join("coef.npy"), found, format!("{n_features} features in all")));
        }
        let model = Trf { coef: coef_of, intercept: intercept_of, lag_min: about.lag_min };
        Ok(SubjectFit {
            subject: fit.subject,
            model: Decoder { model, patterns: patterns_of },
            alphas: fit.alphas,
            valid_r: fit.valid_r,
            nested_r2: None,
        })
    });
    Ok(CohortDecoder {
        subjects: subjects.collect::<Result<_, StoreError>>()?,
        features: about.features,
        explained,
        hold_others,
    })
}
