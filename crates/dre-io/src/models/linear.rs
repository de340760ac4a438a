//! Linear models on disk: arrays with subjects first, and what was chosen.

use std::path::{Path, PathBuf};

use dre::linear::{Bands, CohortBanded, CohortRtrf, CohortTrf, Pca, Rtrf, SubjectFit, Trf};
use ndarray::{Array, Array1, Array2, Array3, ArrayD, Axis, Dimension, RemoveAxis};
use ndarray_npy::ReadNpyExt;
use serde::{Deserialize, Serialize};

use super::ModelInfo;
use super::coefficients::Coefficients;
use crate::store::{StoreError, read_json, write_json, write_npy};

/// Everything of a linear model but its arrays: `fits.json`.
#[derive(Serialize, Deserialize)]
struct LinearFile {
    /// First lag of the features' coefficients (samples).
    lag_min: isize,
    subjects: Vec<SubjectFile>,
    /// Names and features (as indices) of bands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bands: Option<(Vec<String>, Vec<Vec<usize>>)>,
    /// Share of the variance that the components hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    explained: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct SubjectFile {
    subject: String,
    /// One, or one for each channel or component; null where a channel was never measured.
    alphas: Vec<Option<f64>>,
    valid_r: Vec<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nested_r2: Option<f64>,
}

fn about<M>(subjects: &[SubjectFit<M>], lag_min: isize, bands: Option<&Bands>, pca: Option<&Pca>) -> LinearFile {
    let subjects = subjects.iter().map(|fit| SubjectFile {
        subject: fit.subject.clone(),
        alphas: fit.alphas.iter().map(|alpha| alpha.is_finite().then_some(*alpha)).collect(),
        valid_r: fit.valid_r.clone(),
        nested_r2: fit.nested_r2,
    });
    LinearFile {
        lag_min,
        subjects: subjects.collect(),
        bands: bands.map(|bands| (bands.names.clone(), bands.features.clone())),
        explained: pca.map(|pca| pca.explained),
    }
}

impl SubjectFile {
    fn fit<M>(self, model: M) -> SubjectFit<M> {
        let alphas = self.alphas.into_iter().map(|alpha| alpha.unwrap_or(f64::NAN)).collect();
        SubjectFit { subject: self.subject, model, alphas, valid_r: self.valid_r, nested_r2: self.nested_r2 }
    }
}

pub(super) fn stack<'a, D: Dimension + 'a>(arrays: impl IntoIterator<Item = &'a Array<f64, D>>) -> ArrayD<f64>
where
    D::Larger: RemoveAxis,
{
    let views: Vec<_> = arrays.into_iter().map(|a| a.view()).collect();
    ndarray::stack(Axis(0), &views).expect("subjects' models have the same shape").into_dyn()
}

fn write(folder: &Path, name: &str, array: &ArrayD<f64>) -> Result<(), StoreError> {
    write_npy(&folder.join(name), array)
}

fn write_trfs(folder: &Path, suffix: &str, models: &[&Trf]) -> Result<(), StoreError> {
    write(folder, &format!("coef{suffix}.npy"), &stack(models.iter().map(|m| &m.coef)))?;
    write(folder, &format!("intercept{suffix}.npy"), &stack(models.iter().map(|m| &m.intercept)))
}

pub(super) fn write_pca(folder: &Path, pca: Option<&Pca>) -> Result<(), StoreError> {
    let Some(pca) = pca else { return Ok(()) };
    write_npy(&folder.join("pca_mean.npy"), &pca.mean)?;
    write_npy(&folder.join("pca_components.npy"), &pca.components)
}

pub(super) fn write_trf(folder: &Path, trf: &CohortTrf, info: &ModelInfo) -> Result<(), StoreError> {
    let models: Vec<&Trf> = trf.subjects.iter().map(|s| &s.model).collect();
    write_trfs(folder, "", &models)?;
    if !trf.single_lags.is_empty() {
        // Each fit has coefficients at its own lag alone, so that all of a subject's fit into one array.
        let coef = trf.single_lags.iter().map(|fits| {
            let mut all = Array3::<f64>::zeros(fits.first().map_or((0, 0, 0), |fit| fit.coef.dim()));
            fits.iter().for_each(|fit| all += &fit.coef);
            all
        });
        let intercept = trf.single_lags.iter().map(|fits| {
            let n_channels = fits.first().map_or(0, |fit| fit.intercept.len());
            Array2::from_shape_fn((n_channels, fits.len()), |(c, lag)| fits[lag].intercept[c])
        });
        write(folder, "coef_single_lags.npy", &stack(&coef.collect::<Vec<_>>()))?;
        write(folder, "intercept_single_lags.npy", &stack(&intercept.collect::<Vec<_>>()))?;
    }
    write_pca(folder, trf.pca.as_ref())?;
    let lag_min = models.first().map_or(0, |m| m.lag_min);
    write_json(&folder.join("fits.json"), &about(&trf.subjects, lag_min, None, trf.pca.as_ref()))?;
    Coefficients::of_trfs(&trf.subjects).write_table(&folder.join("coef.tsv"), info)
}

pub(super) fn write_banded(folder: &Path, banded: &CohortBanded, info: &ModelInfo) -> Result<(), StoreError> {
    let models: Vec<&Trf> = banded.subjects.iter().map(|s| &s.model).collect();
    write_trfs(folder, "", &models)?;
    if !banded.without.is_empty() {
        let by_band = |part: &dyn Fn(&Vec<Trf>) -> ArrayD<f64>| {
            let all: Vec<ArrayD<f64>> = banded.without.iter().map(part).collect();
            stack(&all)
        };
        write(folder, "coef_without.npy", &by_band(&|models| stack(models.iter().map(|m| &m.coef))))?;
        write(folder, "intercept_without.npy", &by_band(&|models| stack(models.iter().map(|m| &m.intercept))))?;
    }
    write(folder, "weights.npy", &stack(&banded.weights))?;
    write(folder, "losses.npy", &stack(&banded.losses))?;
    write_pca(folder, banded.pca.as_ref())?;
    let lag_min = models.first().map_or(0, |m| m.lag_min);
    let about = about(&banded.subjects, lag_min, Some(&banded.bands), banded.pca.as_ref());
    write_json(&folder.join("fits.json"), &about)?;
    Coefficients::of_trfs(&banded.subjects).write_table(&folder.join("coef.tsv"), info)
}

pub(super) fn write_rtrf(folder: &Path, rtrf: &CohortRtrf, info: &ModelInfo) -> Result<(), StoreError> {
    write(folder, "coef_data.npy", &stack(rtrf.subjects.iter().map(|s| &s.model.coef_data)))?;
    write(folder, "coef_features.npy", &stack(rtrf.subjects.iter().map(|s| &s.model.coef_features)))?;
    write(folder, "intercept.npy", &stack(rtrf.subjects.iter().map(|s| &s.model.intercept)))?;
    write_pca(folder, rtrf.pca.as_ref())?;
    write_json(&folder.join("fits.json"), &about(&rtrf.subjects, 0, None, rtrf.pca.as_ref()))?;
    Coefficients::of_rtrfs(&rtrf.subjects).write_table(&folder.join("coef.tsv"), info)
}

/// An array of a model's folder, with its place for messages.
pub(super) struct Loaded {
    path: PathBuf,
    array: ArrayD<f64>,
}

impl Loaded {
    pub(super) fn read(folder: &Path, name: &str) -> Result<Self, StoreError> {
        let path = folder.join(name);
        let file = crate::files::open(&path).map_err(StoreError::read(&path))?;
        let array = ArrayD::read_npy(std::io::BufReader::new(file))
            .map_err(|e| StoreError::damaged(&path, e.to_string(), "a .npy file of 64-bit floats"))?;
        Ok(Self { path, array })
    }

    /// None where there is no such file.
    fn read_if_there(folder: &Path, name: &str) -> Result<Option<Self>, StoreError> {
        if folder.join(name).exists() { Self::read(folder, name).map(Some) } else { Ok(None) }
    }

    /// One subject's part, of as many dimensions as are asked for.
    pub(super) fn part<D: Dimension>(&self, subject: usize) -> Result<Array<f64, D>, StoreError> {
        let fail =
            || StoreError::damaged(&self.path, format!("shape {:?}", self.array.shape()), "a row for every subject");
        if self.array.ndim() == 0 || subject >= self.array.shape()[0] {
            return Err(fail());
        }
        self.array.index_axis(Axis(0), subject).to_owned().into_dimensionality().map_err(|_| fail())
    }

    /// Number of entries along the first axis.
    fn len(&self) -> usize {
        self.array.shape().first().copied().unwrap_or(0)
    }
}

fn read_about(folder: &Path) -> Result<LinearFile, StoreError> {
    read_json(&folder.join("fits.json"))
}

fn trf(coef: &Loaded, intercept: &Loaded, subject: usize, lag_min: isize) -> Result<Trf, StoreError> {
    let (coef_of, intercept_of): (Array3<f64>, Array1<f64>) = (coef.part(subject)?, intercept.part(subject)?);
    if coef_of.dim().0 != intercept_of.len() {
        let found = format!("{} channels", intercept_of.len());
        return Err(StoreError::damaged(&intercept.path, found, format!("{}, as in coef.npy", coef_of.dim().0)));
    }
    Ok(Trf { coef: coef_of, intercept: intercept_of, lag_min })
}

fn read_trfs(folder: &Path, about: LinearFile) -> Result<Vec<SubjectFit<Trf>>, StoreError> {
    let (coef, intercept) = (Loaded::read(folder, "coef.npy")?, Loaded::read(folder, "intercept.npy")?);
    let lag_min = about.lag_min;
    let fits = about.subjects.into_iter().enumerate();
    fits.map(|(i, fit)| Ok(fit.fit(trf(&coef, &intercept, i, lag_min)?))).collect()
}

pub(super) fn read_pca(folder: &Path, explained: Option<f64>) -> Result<Option<Pca>, StoreError> {
    let Some(explained) = explained else { return Ok(None) };
    let (mean, components) = (Loaded::read(folder, "pca_mean.npy")?, Loaded::read(folder, "pca_components.npy")?);
    let damaged = |loaded: &Loaded| {
        StoreError::damaged(&loaded.path, format!("shape {:?}", loaded.array.shape()), "a mean and components of it")
    };
    let mean_of: Array1<f64> = mean.array.clone().into_dimensionality().map_err(|_| damaged(&mean))?;
    let components_of: Array2<f64> =
        components.array.clone().into_dimensionality().map_err(|_| damaged(&components))?;
    if components_of.ncols() != mean_of.len() {
        return Err(damaged(&components));
    }
    Ok(Some(Pca { mean: mean_of, components: components_of, explained }))
}

pub(super) fn read_trf(folder: &Path, pooled: bool, n_threads: usize) -> Result<CohortTrf, StoreError> {
    let about = read_about(folder)?;
    let pca = read_pca(folder, about.explained)?;
    let subjects = read_trfs(folder, about)?;
    let mut single_lags = Vec::new();
    if let Some(coef) = Loaded::read_if_there(folder, "coef_single_lags.npy")? {
        let intercept = Loaded::read(folder, "intercept_single_lags.npy")?;
        for (i, fit) in subjects.iter().enumerate() {
            let (all, own): (Array3<f64>, Array2<f64>) = (coef.part(i)?, intercept.part(i)?);
            if all.dim() != fit.model.coef.dim() || own.dim() != (all.dim().0, all.dim().2) {
                let found = format!("shape {:?}", intercept.array.shape());
                return Err(StoreError::damaged(
                    &intercept.path,
                    found,
                    "an intercept per channel and lag of coef.npy",
                ));
            }
            let at = |lag: usize| {
                let mut one = Array3::zeros(all.dim());
                one.index_axis_mut(Axis(2), lag).assign(&all.index_axis(Axis(2), lag));
                Trf { coef: one, intercept: own.column(lag).to_owned(), lag_min: fit.model.lag_min }
            };
            single_lags.push((0..all.dim().2).map(at).collect());
        }
    }
    Ok(CohortTrf { subjects, single_lags, pca, pooled, n_threads })
}

pub(super) fn read_banded(folder: &Path, n_threads: usize) -> Result<CohortBanded, StoreError> {
    let mut about = read_about(folder)?;
    let pca = read_pca(folder, about.explained)?;
    let lag_min = about.lag_min;
    let Some((names, features)) = about.bands.take() else {
        return Err(StoreError::damaged(&folder.join("fits.json"), "no bands".to_owned(), "the bands of the model"));
    };
    let subjects = read_trfs(folder, about)?;
    let n_features = subjects.first().map_or(0, |fit| fit.model.coef.dim().1);
    if names.len() != features.len() || features.iter().flatten().any(|&f| f >= n_features) {
        let expected = format!("features below {n_features} for each band");
        return Err(StoreError::damaged(&folder.join("fits.json"), "bands that do not fit".to_owned(), &expected));
    }
    let (weights, losses) = (Loaded::read(folder, "weights.npy")?, Loaded::read(folder, "losses.npy")?);
    let mut without = Vec::new();
    if let Some(coef) = Loaded::read_if_there(folder, "coef_without.npy")? {
        let intercept = Loaded::read(folder, "intercept_without.npy")?;
        for band in 0..coef.len() {
            let (coef, intercept) = (
                Loaded { path: coef.path.clone(), array: coef.part(band)? },
                Loaded { path: intercept.path.clone(), array: intercept.part(band)? },
            );
            let models = (0..subjects.len()).map(|i| trf(&coef, &intercept, i, lag_min));
            without.push(models.collect::<Result<_, _>>()?);
        }
    }
    Ok(CohortBanded {
        weights: (0..subjects.len()).map(|i| weights.part(i)).collect::<Result<_, _>>()?,
        losses: (0..subjects.len()).map(|i| losses.part(i)).collect::<Result<_, _>>()?,
        bands: Bands { names, features },
        subjects,
        without,
        pca,
        n_threads,
    })
}

pub(super) fn read_rtrf(
    folder: &Path,
    n_init_times: usize,
    pooled: bool,
    n_threads: usize,
) -> Result<CohortRtrf, StoreError> {
    let about = read_about(folder)?;
    let pca = read_pca(folder, about.explained)?;
    let (data, features) = (Loaded::read(folder, "coef_data.npy")?, Loaded::read(folder, "coef_features.npy")?);
    let intercept = Loaded::read(folder, "intercept.npy")?;
    let one = |(i, fit): (usize, SubjectFile)| {
        let model = Rtrf { coef_data: data.part(i)?, coef_features: features.part(i)?, intercept: intercept.part(i)? };
        Ok(fit.fit(model))
    };
    let subjects = about.subjects.into_iter().enumerate().map(one).collect::<Result<_, StoreError>>()?;
    Ok(CohortRtrf { subjects, n_init_times, pca, pooled, n_threads })
}
