//! Writing and reading a fitted model.

use std::path::Path;

use dre::linear::Pca;
use dre::nn::{Dims, Network, NetworkConfig, Threads};
use serde::{Deserialize, Serialize};

use super::{Fitted, FittedNetwork, MODEL_FORMAT, ModelInfo, linear};
use crate::store::{Manifest, StoreError, read_json, read_tensors, write_json, write_tensors, write_together};

/// File that says what a model is.
pub const MODEL_FILE: &str = "model.json";
const WEIGHTS_FILE: &str = "model.safetensors";

/// What is stored with a network's weights, enough to use them without `model.json`.
#[derive(Serialize, Deserialize)]
struct NetworkInfo {
    network: NetworkConfig,
    dims: Dims,
    /// Share of the variance that the components hold, where it predicts components.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    explained: Option<f64>,
}

/// Writes a model into a folder, where other things may lie.
///
/// # Errors
/// Those of [`write_together`].
pub fn write_model(folder: &Path, model: &Fitted, info: &ModelInfo) -> Result<(), StoreError> {
    if let Fitted::Seeds(members) = model {
        let names = (0..members.len()).map(|k| format!("seed-{k}")).collect::<Vec<_>>();
        for (name, member) in names.iter().zip(members) {
            let alone = ModelInfo { members: Vec::new(), ..info.clone() };
            write_model(&folder.join(name), &Fitted::Dre(Box::new(member.clone())), &alone)?;
        }
        return write_info(folder, &ModelInfo { members: names, ..info.clone() });
    }
    write_together(folder, |new| write_parts(new, model, info))
}

fn write_parts(folder: &Path, model: &Fitted, info: &ModelInfo) -> Result<(), StoreError> {
    match model {
        Fitted::Seeds(_) => unreachable!("each lies in a folder of its own"),
        Fitted::Dre(fitted) => {
            let network = &fitted.network;
            let explained = fitted.pca.as_ref().map(|pca| pca.explained);
            let about = NetworkInfo { network: network.config().clone(), dims: network.dims(), explained };
            linear::write_pca(folder, fitted.pca.as_ref())?;
            write_tensors(&folder.join(WEIGHTS_FILE), &network.state(), &about)?;
        }
        Fitted::Trf(trf) => linear::write_trf(folder, trf, info)?,
        Fitted::Banded(banded) => linear::write_banded(folder, banded, info)?,
        Fitted::Rtrf(rtrf) => linear::write_rtrf(folder, rtrf, info)?,
    }
    write_json(&folder.join(MODEL_FILE), info)
}

/// Writes `model.json` alone, for a model whose members are there.
///
/// # Errors
/// As [`write_model`].
pub fn write_info(folder: &Path, info: &ModelInfo) -> Result<(), StoreError> {
    write_together(folder, |new| write_json(&new.join(MODEL_FILE), info))
}

/// Copies a model that [`write_model`] wrote.
///
/// # Errors
/// Those of [`read_info`], and as [`write_model`].
pub fn copy_model(from: &Path, to: &Path) -> Result<(), StoreError> {
    for member in read_info(from)?.members {
        copy_model(&from.join(&member), &to.join(&member))?;
    }
    Manifest::read(from, "").map_or(Ok(()), |manifest| write_together(to, |new| manifest.copy(from, new)))
}

/// Whether a folder holds a model of this recipe, with all files that were written and their sizes.
pub fn is_model_of(folder: &Path, recipe: &serde_json::Value) -> bool {
    let is_whole = |folder: &Path| Manifest::read(folder, "").is_some_and(|manifest| manifest.is_whole(folder));
    is_whole(folder)
        && read_info(folder).is_ok_and(|info| {
            info.recipe == *recipe && info.members.iter().all(|member| is_whole(&folder.join(member)))
        })
}

/// Reads `model.json`.
///
/// # Errors
/// [`StoreError`] where it is missing, damaged, or of a newer layout.
pub fn read_info(folder: &Path) -> Result<ModelInfo, StoreError> {
    let path = folder.join(MODEL_FILE);
    let info: ModelInfo = read_json(&path)?;
    if info.format > MODEL_FORMAT {
        return Err(StoreError::Format {
            path,
            found: format!("format {}", info.format),
            expected: format!("at most {MODEL_FORMAT}"),
            advice: "it was written by a newer version; update dre".into(),
        });
    }
    Ok(info)
}

/// Reads a model that [`write_model`] wrote.
///
/// # Errors
/// [`StoreError`] that names the file or tensor at fault.
pub fn read_model(folder: &Path, threads: &Threads) -> Result<(Fitted, ModelInfo), StoreError> {
    if let Some(manifest) = Manifest::read(folder, "") {
        manifest.check(folder)?;
    }
    let info = read_info(folder)?;
    let model = match info.kind.as_str() {
        "dre" if !info.members.is_empty() => {
            let mut members = Vec::with_capacity(info.members.len());
            for name in &info.members {
                let is_plain = std::path::Path::new(name).file_name().is_some_and(|file| file == name.as_str());
                let member = if is_plain { Some(read_model(&folder.join(name), threads)?.0) } else { None };
                let Some(Fitted::Dre(member)) = member else {
                    let found = format!("the member `{name}`");
                    return Err(StoreError::damaged(&folder.join(MODEL_FILE), found, "folders of networks below it"));
                };
                members.push(*member);
            }
            Fitted::Seeds(members)
        }
        "dre" => {
            let path = folder.join(WEIGHTS_FILE);
            let (tensors, about): (_, NetworkInfo) = read_tensors(&path)?;
            let unfit = |e: dre::Error| StoreError::damaged(&path, e.to_string(), "weights of this network");
            let mut network = Network::new(about.network, about.dims, 0, threads.clone()).map_err(unfit)?;
            network.load_state(&tensors).map_err(unfit)?;
            let pca = linear::read_pca(folder, about.explained)?;
            let n_components = pca.as_ref().map_or(about.dims.n_channels, Pca::n_components);
            if n_components != about.dims.n_channels {
                let expected = format!("{}, as the network predicts", about.dims.n_channels);
                let found = format!("{n_components} components");
                return Err(StoreError::damaged(&folder.join("pca_components.npy"), found, expected));
            }
            Fitted::Dre(Box::new(FittedNetwork { network, pca }))
        }
        "trf" => Fitted::Trf(linear::read_trf(folder, info.pooled, threads.count())?),
        "banded" => Fitted::Banded(linear::read_banded(folder, threads.count())?),
        "rtrf" => Fitted::Rtrf(linear::read_rtrf(folder, info.n_init_times, info.pooled, threads.count())?),
        other => {
            let found = format!("kind `{other}`");
            return Err(StoreError::damaged(&folder.join(MODEL_FILE), found, "dre, trf, rtrf or banded"));
        }
    };
    Ok((model, info))
}
