//! Writing and reading a fitted model.

use std::path::Path;

use dre::linear::{CohortRtrf, CohortTrf, Rtrf, SubjectFit, Trf};
use dre::nn::{Dims, Network, NetworkConfig, Threads};
use ndarray::{Array, Array1, Array3, ArrayD, Axis, Dimension, RemoveAxis};
use ndarray_npy::ReadNpyExt;
use serde::{Deserialize, Serialize};

use super::{Fitted, MODEL_FORMAT, ModelInfo};
use crate::store::{StoreError, read_json, read_tensors, write_json, write_npy, write_tensors};

/// File that says what a model is; written last.
pub const MODEL_FILE: &str = "model.json";
const WEIGHTS_FILE: &str = "model.safetensors";

/// What is stored with a network's weights, enough to use them without `model.json`.
#[derive(Serialize, Deserialize)]
struct NetworkInfo {
    network: NetworkConfig,
    dims: Dims,
}

/// Fit of one subject in a linear model's `fits.json`.
#[derive(Serialize, Deserialize)]
struct LinearInfo {
    subject: String,
    alpha: f64,
    valid_r: Vec<f64>,
    /// First lag in samples.
    lag_min: isize,
}

fn stack<D: Dimension>(arrays: Vec<&Array<f64, D>>) -> ArrayD<f64>
where
    D::Larger: RemoveAxis,
{
    let views: Vec<_> = arrays.into_iter().map(|a| a.view()).collect();
    ndarray::stack(Axis(0), &views).expect("subjects' models have the same shape").into_dyn()
}

fn linear_info<M>(fit: &SubjectFit<M>, lag_min: isize) -> LinearInfo {
    LinearInfo { subject: fit.subject.clone(), alpha: fit.alpha, valid_r: fit.valid_r.clone(), lag_min }
}

/// Writes a model into a folder, `model.json` last, so that a model that has one is whole.
///
/// # Errors
/// [`StoreError::Write`].
pub fn write_model(folder: &Path, model: &Fitted, info: &ModelInfo) -> Result<(), StoreError> {
    // Until the new one is whole there is no model: an old `model.json` would vouch for new weights.
    let about = folder.join(MODEL_FILE);
    if about.exists() {
        std::fs::remove_file(&about).map_err(StoreError::write(&about))?;
    }
    let npy = |name: &str, array: ArrayD<f64>| write_npy(&folder.join(name), &array);
    match model {
        Fitted::Dre(network) => {
            let about = NetworkInfo { network: network.config().clone(), dims: network.dims() };
            write_tensors(&folder.join(WEIGHTS_FILE), &network.state(), &about)?;
        }
        Fitted::Trf(trf) => {
            npy("coef.npy", stack(trf.subjects.iter().map(|s| &s.model.coef).collect()))?;
            npy("intercept.npy", stack(trf.subjects.iter().map(|s| &s.model.intercept).collect()))?;
            let fits: Vec<_> = trf.subjects.iter().map(|s| linear_info(s, s.model.lag_min)).collect();
            write_json(&folder.join("fits.json"), &fits)?;
        }
        Fitted::Rtrf(rtrf) => {
            npy("coef_data.npy", stack(rtrf.subjects.iter().map(|s| &s.model.coef_data).collect()))?;
            npy("coef_features.npy", stack(rtrf.subjects.iter().map(|s| &s.model.coef_features).collect()))?;
            npy("intercept.npy", stack(rtrf.subjects.iter().map(|s| &s.model.intercept).collect()))?;
            let fits: Vec<_> = rtrf.subjects.iter().map(|s| linear_info(s, 1)).collect();
            write_json(&folder.join("fits.json"), &fits)?;
        }
    }
    write_json(&folder.join(MODEL_FILE), info)
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

fn read_npy(path: &Path) -> Result<ArrayD<f64>, StoreError> {
    let file = std::fs::File::open(path).map_err(StoreError::read(path))?;
    ArrayD::read_npy(std::io::BufReader::new(file))
        .map_err(|e| StoreError::damaged(path, e.to_string(), "a .npy file of 64-bit floats"))
}

/// One subject's part of a stacked array, of `n` dimensions.
fn part<D: Dimension>(path: &Path, array: &ArrayD<f64>, subject: usize) -> Result<Array<f64, D>, StoreError> {
    let fail = || StoreError::damaged(path, format!("shape {:?}", array.shape()), "a row for every subject");
    if array.ndim() == 0 || subject >= array.shape()[0] {
        return Err(fail());
    }
    array.index_axis(Axis(0), subject).to_owned().into_dimensionality().map_err(|_| fail())
}

/// Reads a model that [`write_model`] wrote.
///
/// # Errors
/// [`StoreError`] that names the file or tensor at fault.
pub fn read_model(folder: &Path, threads: &Threads) -> Result<(Fitted, ModelInfo), StoreError> {
    let info = read_info(folder)?;
    let model = match info.kind.as_str() {
        "dre" => {
            let path = folder.join(WEIGHTS_FILE);
            let (tensors, about): (_, NetworkInfo) = read_tensors(&path)?;
            let unfit = |e: dre::Error| StoreError::damaged(&path, e.to_string(), "weights of this network");
            let mut network = Network::new(about.network, about.dims, 0, threads.clone()).map_err(unfit)?;
            network.load_state(&tensors).map_err(unfit)?;
            Fitted::Dre(Box::new(network))
        }
        kind @ ("trf" | "rtrf") => {
            let fits: Vec<LinearInfo> = read_json(&folder.join("fits.json"))?;
            let load = |name: &str| {
                let path = folder.join(name);
                read_npy(&path).map(|array| (path, array))
            };
            let intercept = load("intercept.npy")?;
            if kind == "trf" {
                let coef = load("coef.npy")?;
                let one = |(i, f): (usize, LinearInfo)| {
                    let coef: Array3<f64> = part(&coef.0, &coef.1, i)?;
                    let intercept: Array1<f64> = part(&intercept.0, &intercept.1, i)?;
                    let model = Trf { coef, intercept, lag_min: f.lag_min };
                    Ok(SubjectFit { subject: f.subject, model, alpha: f.alpha, valid_r: f.valid_r })
                };
                let subjects = fits.into_iter().enumerate().map(one).collect::<Result<_, StoreError>>()?;
                Fitted::Trf(CohortTrf::new(subjects, threads.count()))
            } else {
                let (data, features) = (load("coef_data.npy")?, load("coef_features.npy")?);
                let one = |(i, f): (usize, LinearInfo)| {
                    let model = Rtrf {
                        coef_data: part(&data.0, &data.1, i)?,
                        coef_features: part(&features.0, &features.1, i)?,
                        intercept: part(&intercept.0, &intercept.1, i)?,
                    };
                    Ok(SubjectFit { subject: f.subject, model, alpha: f.alpha, valid_r: f.valid_r })
                };
                let subjects = fits.into_iter().enumerate().map(one).collect::<Result<_, StoreError>>()?;
                Fitted::Rtrf(CohortRtrf::new(subjects, info.n_init_times, threads.count()))
            }
        }
        other => {
            let found = format!("kind `{other}`");
            return Err(StoreError::damaged(&folder.join(MODEL_FILE), found, "dre, trf or rtrf"));
        }
    };
    Ok((model, info))
}
