//! Fitted models.

use std::collections::BTreeMap;
use std::path::PathBuf;

use dre::Stop;
use dre::data::{Batch, Epoch, EpochArrays, EpochSource, Set};
use dre::linear::SubjectFit;
use dre::metrics::Correlation;
use dre::model::{Predictor, Stoppable};
use dre::nn::{Adam, Dims, Loss, Network, NetworkConfig, Tensor, Threads, Workspace};
use dre_io::models::{Fitted, FittedNetwork, ModelInfo, read_info, read_model, write_info, write_model};
use dre_io::store::StoreError;
use numpy::ndarray::{Array, Array2, Array3, ArrayD, Axis, Dimension, RemoveAxis, s};
use numpy::{IntoPyArray, PyArray1, PyArray3, PyReadonlyArrayDyn};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::defaults::parse;
use crate::epochs::Epochs;
use crate::errors::{science, store};
use crate::study::json;
use crate::watch::interruptible;

/// Parameters by PyTorch's names.
pub(crate) type State<'py> = BTreeMap<String, PyReadonlyArrayDyn<'py, f32>>;

/// The tensors of a state.
#[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
pub(crate) fn tensors_of(state: State<'_>) -> PyResult<Vec<Tensor>> {
    let one = |(name, array): (&String, &PyReadonlyArrayDyn<'_, f32>)| -> PyResult<Tensor> {
        let view = array.as_array();
        Ok(Tensor { name: name.clone(), shape: view.shape().to_vec(), data: view.iter().copied().collect() })
    };
    state.iter().map(one).collect()
}

fn dict_of(py: Python<'_>, tensors: Vec<Tensor>) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    for Tensor { name, shape, data } in tensors {
        let array = ArrayD::from_shape_vec(shape, data).map_err(|e| PyValueError::new_err(e.to_string()))?;
        dict.set_item(name, array.into_pyarray(py))?;
    }
    Ok(dict)
}

/// r by subject, channel and time; its mean by subject.
type Scored<'py> = (Bound<'py, PyArray3<f64>>, Bound<'py, PyArray1<f64>>);

/// A fitted model, of any kind.
#[pyclass(frozen, module = "neurodre._native")]
pub struct Model {
    fitted: Fitted,
}

impl Model {
    pub(crate) fn new(fitted: Fitted) -> Self {
        Self { fitted }
    }

    /// The model behind the one interface, for the epochs of `source` in batches of at most `batch_size`, until asked to stop.
    pub(crate) fn with_predictor<R>(
        &self,
        source: &dyn EpochSource,
        batch_size: usize,
        stop: &Stop,
        work: impl FnOnce(&dyn Predictor) -> dre::Result<R>,
    ) -> dre::Result<R> {
        let (subjects, n_times) = (source.subjects(), source.n_times());
        let made;
        let model: &dyn Predictor = match &self.fitted {
            Fitted::Dre(fitted) => {
                made = (**fitted).clone().into_predictor(n_times, batch_size)?;
                &*made
            }
            Fitted::Seeds(members) => {
                made = Fitted::Seeds(members.clone()).into_predictor(n_times, batch_size)?;
                &*made
            }
            // One model for all predicts subjects that the fit has not seen, too.
            Fitted::Trf(model) if model.pooled && model.subjects.len() < subjects.len() => {
                made = Box::new(model.clone().shared_by(subjects));
                &*made
            }
            Fitted::Rtrf(model) if model.pooled && model.subjects.len() < subjects.len() => {
                made = Box::new(model.clone().shared_by(subjects));
                &*made
            }
            Fitted::Trf(model) => model,
            Fitted::Rtrf(model) => model,
            Fitted::Banded(model) => model,
            _ => {
                return Err(dre::Error::Setting {
                    name: "model".to_owned(),
                    found: self.fitted.title().to_owned(),
                    expected: "a model that this version knows".to_owned(),
                });
            }
        };
        work(&Stoppable { model, stop })
    }

    fn network(&self) -> PyResult<&Network> {
        match &self.fitted {
            Fitted::Dre(fitted) => Ok(&fitted.network),
            Fitted::Seeds(members) => Err(PyValueError::new_err(format!(
                "the model holds {} networks that differ in their seed; take one of them, such as estimators_[0]",
                members.len()
            ))),
            _ => Err(PyValueError::new_err(format!("{} has no network", self.fitted.title()))),
        }
    }
}

/// A batch of all epochs of the test set, in the order in which they were given.
fn whole(arrays: &EpochArrays<'_>) -> Batch {
    let mut epochs: Vec<Epoch> = arrays.epochs(Set::Test).to_vec();
    epochs.sort_unstable_by_key(|epoch| epoch.event);
    let mut batch = Batch::default();
    arrays.draw(&epochs, &mut batch);
    batch
}

pub(crate) fn stack<'a, D: Dimension + 'a>(arrays: impl Iterator<Item = &'a Array<f64, D>>) -> PyResult<ArrayD<f64>>
where
    D::Larger: RemoveAxis,
{
    let views: Vec<_> = arrays.map(|array| array.view()).collect();
    let stacked = numpy::ndarray::stack(Axis(0), &views).map_err(|e| PyValueError::new_err(e.to_string()))?;
    Ok(stacked.into_dyn())
}

pub(crate) fn choices<M>(dict: &Bound<'_, PyDict>, subjects: &[SubjectFit<M>]) -> PyResult<()> {
    dict.set_item("subjects", subjects.iter().map(|fit| fit.subject.clone()).collect::<Vec<_>>())?;
    dict.set_item("alphas", subjects.iter().map(|fit| fit.alphas.clone()).collect::<Vec<_>>())?;
    dict.set_item("valid_r", subjects.iter().map(|fit| fit.valid_r.clone()).collect::<Vec<_>>())?;
    dict.set_item("nested_r2", subjects.iter().map(|fit| fit.nested_r2).collect::<Vec<_>>())
}

#[pymethods]
impl Model {
    /// A network with these parameters, or with initial ones drawn from the seed.
    #[staticmethod]
    #[pyo3(signature = (network, n_channels, n_features, n_subjects, seed, n_threads, state))]
    fn network_of(
        network: &str,
        n_channels: usize,
        n_features: usize,
        n_subjects: usize,
        seed: u64,
        n_threads: usize,
        state: Option<State<'_>>,
    ) -> PyResult<Self> {
        let config: NetworkConfig = parse("the network", network)?;
        let dims = Dims { n_channels, n_features, n_subjects };
        let mut network = Network::new(config, dims, seed, Threads::new(n_threads)).map_err(|e| science(&e))?;
        if let Some(state) = state {
            network.load_state(&tensors_of(state)?).map_err(|e| science(&e))?;
        }
        Ok(Self::new(Fitted::Dre(Box::new(FittedNetwork::of_channels(network)))))
    }

    /// Several networks that differ in their seed as one model, whose prediction is the mean of theirs.
    #[staticmethod]
    #[allow(clippy::needless_pass_by_value, reason = "Python hands over a list")]
    fn of_seeds(members: Vec<Bound<'_, Self>>) -> PyResult<Self> {
        let one = |member: &Bound<'_, Self>| match &member.get().fitted {
            Fitted::Dre(fitted) => Ok((**fitted).clone()),
            other => Err(PyValueError::new_err(format!("{} is no single network", other.title()))),
        };
        Ok(Self::new(Fitted::Seeds(members.iter().map(one).collect::<PyResult<_>>()?)))
    }

    /// The networks of [`Model::of_seeds`]; none of any other model.
    fn members(&self) -> Vec<Self> {
        match &self.fitted {
            Fitted::Seeds(members) => {
                members.iter().map(|member| Self::new(Fitted::Dre(Box::new(member.clone())))).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Reads a model's folder; gives the model, its `model.json`, and that of each of its members.
    #[staticmethod]
    #[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
    fn load(py: Python<'_>, folder: PathBuf, n_threads: usize) -> PyResult<(Self, String, Vec<String>)> {
        let read = py.detach(|| {
            let (fitted, info) = read_model(&folder, &Threads::new(n_threads))?;
            let members = info.members.iter().map(|name| read_info(&folder.join(name)));
            let members = members.collect::<Result<Vec<ModelInfo>, StoreError>>()?;
            Ok((fitted, info, members))
        });
        let (fitted, info, members) = read.map_err(|e: StoreError| store(&e))?;
        let members = members.iter().map(json).collect::<PyResult<_>>()?;
        Ok((Self::new(fitted), json(&info)?, members))
    }

    /// Writes a model's folder with this `model.json`; folders below it for its members, given by name and `model.json`.
    #[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
    fn save(&self, py: Python<'_>, folder: PathBuf, info: &str, members: Vec<(String, String)>) -> PyResult<()> {
        let info: ModelInfo = parse("the model's description", info)?;
        let own = members.iter().map(|(name, info)| Ok((name, parse("the model's description", info)?)));
        let own: Vec<(&String, ModelInfo)> = own.collect::<PyResult<_>>()?;
        let written = py.detach(|| {
            let Fitted::Seeds(networks) = &self.fitted else { return write_model(&folder, &self.fitted, &info) };
            for (network, (name, own)) in networks.iter().zip(&own) {
                write_model(&folder.join(name), &Fitted::Dre(Box::new(network.clone())), own)?;
            }
            let names = own.iter().map(|(name, _)| (*name).clone()).collect();
            write_info(&folder, &ModelInfo { members: names, ..info })
        });
        written.map_err(|e| store(&e))
    }

    /// Number of fitted numbers.
    fn n_parameters(&self) -> usize {
        self.fitted.n_parameters()
    }

    /// The fitted arrays of a linear model, subjects first, and how its penalties were chosen; the parameters of a network.
    fn arrays<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        let array = |name: &str, array: ArrayD<f64>| dict.set_item(name, array.into_pyarray(py));
        match &self.fitted {
            Fitted::Dre(_) | Fitted::Seeds(_) => return dict_of(py, self.network()?.state()),
            Fitted::Trf(m) => {
                array("coef", stack(m.subjects.iter().map(|fit| &fit.model.coef))?)?;
                array("intercept", stack(m.subjects.iter().map(|fit| &fit.model.intercept))?)?;
                dict.set_item("lag_min", m.subjects.first().map_or(0, |fit| fit.model.lag_min))?;
                choices(&dict, &m.subjects)?;
            }
            Fitted::Banded(m) => {
                array("coef", stack(m.subjects.iter().map(|fit| &fit.model.coef))?)?;
                array("intercept", stack(m.subjects.iter().map(|fit| &fit.model.intercept))?)?;
                array("band_weights", stack(m.weights.iter())?)?;
                dict.set_item("bands", m.bands.names.clone())?;
                dict.set_item("lag_min", m.subjects.first().map_or(0, |fit| fit.model.lag_min))?;
                choices(&dict, &m.subjects)?;
            }
            Fitted::Rtrf(m) => {
                array("coef_data", stack(m.subjects.iter().map(|fit| &fit.model.coef_data))?)?;
                array("coef_features", stack(m.subjects.iter().map(|fit| &fit.model.coef_features))?)?;
                array("intercept", stack(m.subjects.iter().map(|fit| &fit.model.intercept))?)?;
                choices(&dict, &m.subjects)?;
            }
            _ => {}
        }
        Ok(dict)
    }

    /// Predicts all epochs, in their order and in the data's units: `(n_epochs, n_channels, n_times)`.
    #[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
    fn predict<'py>(
        &self,
        py: Python<'py>,
        epochs: Epochs<'py>,
        batch_size: usize,
    ) -> PyResult<Bound<'py, PyArray3<f64>>> {
        let arrays = epochs.arrays()?;
        let all = arrays.epochs(Set::Test);
        let predicted = interruptible(py, |stop| {
            self.with_predictor(&arrays, batch_size, stop, |model| {
                let mut out = Array3::zeros((arrays.n_epochs(), arrays.n_channels(), arrays.n_times()));
                let mut batch = Batch::default();
                for part in all.chunks(batch_size.max(1)) {
                    arrays.draw(part, &mut batch);
                    for (epoch, values) in part.iter().zip(model.predict(&batch)?.outer_iter()) {
                        let mut row = out.index_axis_mut(Axis(0), epoch.event);
                        row.assign(&values.mapv(f64::from));
                        if let Some(row) = row.as_slice_mut() {
                            arrays.unscale(epoch, row);
                        }
                    }
                }
                Ok(out)
            })
        });
        Ok(predicted?.into_pyarray(py))
    }

    /// r across the epochs of each subject, of scaled data, `(n_subjects, n_channels, n_times)`; and its means over channels
    /// and the samples from `from` on. NaN counts in no mean.
    #[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
    fn score<'py>(
        &self,
        py: Python<'py>,
        epochs: Epochs<'py>,
        from: usize,
        batch_size: usize,
    ) -> PyResult<Scored<'py>> {
        let arrays = epochs.arrays()?;
        let found = interruptible(py, |stop| {
            self.with_predictor(&arrays, batch_size, stop, |model| {
                let (n_channels, n_times) = (arrays.n_channels(), arrays.n_times());
                let mut maps = Array3::zeros((arrays.n_subjects(), n_channels, n_times));
                let mut batch = Batch::default();
                for (subject, mut map) in maps.outer_iter_mut().enumerate() {
                    let mut correlation = Correlation::new(n_channels, n_times);
                    for part in arrays.subject_epochs(Set::Test, subject).chunks(batch_size.max(1)) {
                        arrays.draw(part, &mut batch);
                        let predicted = model.predict(&batch)?;
                        correlation.push_measured(&batch.data, &predicted, batch.measured.as_ref())?;
                    }
                    map.assign(&correlation.score());
                }
                Ok(maps)
            })
        });
        let maps = found?;
        let means = maps.outer_iter().map(|map| {
            let late = map.slice(s![.., from.min(map.ncols())..]).to_owned();
            mean_of(&late)
        });
        let means: Vec<f64> = means.collect();
        Ok((maps.into_pyarray(py), means.into_pyarray(py)))
    }

    /// The loss of all epochs as one batch, and its gradient by PyTorch's names.
    #[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
    fn loss_and_gradients<'py>(
        &self,
        py: Python<'py>,
        epochs: Epochs<'py>,
        loss: &str,
    ) -> PyResult<(f64, Bound<'py, PyDict>)> {
        let network = self.network()?;
        let loss: Loss = parse("the loss", &format!("\"{loss}\""))?;
        let arrays = epochs.arrays()?;
        let found = py.detach(|| {
            let batch = whole(&arrays);
            let mut workspace = Workspace::new(network, arrays.n_times(), batch.n_epochs())?;
            let value = network.loss_and_gradient(&batch, loss, &mut workspace)?;
            Ok((value, network.gradient(&workspace)))
        });
        let (value, gradient) = found.map_err(|e: dre::Error| science(&e))?;
        Ok((value, dict_of(py, gradient)?))
    }

    /// The network after some steps of Adam on all epochs as one batch, and the loss before each.
    #[expect(clippy::needless_pass_by_value, reason = "PyO3 gives arguments by value")]
    fn adam_steps<'py>(
        &self,
        py: Python<'py>,
        epochs: Epochs<'py>,
        loss: &str,
        lr: f64,
        n_steps: usize,
    ) -> PyResult<(Self, Vec<f64>)> {
        let mut network = self.network()?.clone();
        let loss: Loss = parse("the loss", &format!("\"{loss}\""))?;
        let arrays = epochs.arrays()?;
        let losses = py.detach(|| {
            let batch = whole(&arrays);
            let mut workspace = Workspace::new(&network, arrays.n_times(), batch.n_epochs())?;
            let mut adam = Adam::new(&network, lr);
            let mut losses = Vec::with_capacity(n_steps);
            for _ in 0..n_steps {
                losses.push(network.loss_and_gradient(&batch, loss, &mut workspace)?);
                adam.step(&mut network, &workspace);
            }
            Ok(losses)
        });
        let losses = losses.map_err(|e: dre::Error| science(&e))?;
        Ok((Self::new(Fitted::Dre(Box::new(FittedNetwork::of_channels(network)))), losses))
    }

    /// Sizes of the network: channels, features, subjects.
    fn dims(&self) -> PyResult<(usize, usize, usize)> {
        let Dims { n_channels, n_features, n_subjects } = self.network()?.dims();
        Ok((n_channels, n_features, n_subjects))
    }

    /// Settings of the network as JSON.
    fn config(&self) -> PyResult<String> {
        serde_json::to_string(self.network()?.config()).map_err(|e| PyValueError::new_err(e.to_string()))
    }
}

fn mean_of(values: &Array2<f64>) -> f64 {
    let (sum, n) = values.iter().filter(|v| v.is_finite()).fold((0.0, 0usize), |(sum, n), v| (sum + v, n + 1));
    if n == 0 { f64::NAN } else { sum / n as f64 }
}
