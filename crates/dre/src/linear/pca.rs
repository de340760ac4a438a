//! Principal components of channels.

use faer::{Mat, MatRef, Side};
use ndarray::{Array1, Array2, Array3, ArrayRef3, Axis};

use crate::data::{Batch, Dataset, Epoch, EpochSource, Set};
use crate::model::{Inputs, Predictor};
use crate::{Error, Result};

/// Data as a mean and a few orthogonal maps over channels: the reduction of the paper's ablation.
#[derive(Clone, Debug, PartialEq)]
pub struct Pca {
    /// Mean of each channel (scaled units).
    pub mean: Array1<f64>,
    /// Components `(n_components, n_channels)`, orthonormal, by falling variance; the largest entry of each is positive.
    pub components: Array2<f64>,
    /// Share of the data's variance that all of them hold.
    pub explained: f64,
}

/// Means and second moments of channels, gathered batch by batch.
#[derive(Clone, Debug)]
pub struct PcaSums {
    n: f64,
    mean: Array1<f64>,
    squares: Array2<f64>,
}

impl PcaSums {
    /// None yet, of `n_channels` channels.
    pub fn new(n_channels: usize) -> Self {
        Self { n: 0.0, mean: Array1::zeros(n_channels), squares: Array2::zeros((n_channels, n_channels)) }
    }

    /// Adds all samples of epochs, `(n_epochs, n_channels, n_times)`; what was not measured counts as 0.
    pub fn push(&mut self, data: &ArrayRef3<f32>) {
        for epoch in data.outer_iter() {
            let mut block = epoch.mapv(f64::from);
            let n = block.ncols() as f64;
            let Some(mean) = block.mean_axis(Axis(1)) else { continue };
            block -= &mean.view().insert_axis(Axis(1));
            // Sums of squares of two parts and the distance of their means (Chan, Golub & LeVeque 1979).
            let step = &mean - &self.mean;
            let all = self.n + n;
            ndarray::linalg::general_mat_mul(1.0, &block, &block.t(), 1.0, &mut self.squares);
            let column = step.view().insert_axis(Axis(1));
            self.squares.scaled_add(self.n * n / all, &column.dot(&column.t()));
            self.mean.scaled_add(n / all, &step);
            self.n = all;
        }
    }

    /// The first `n_components` components.
    ///
    /// # Errors
    /// [`Error::Setting`] where there are fewer channels than that, or none is asked for; [`Error::NoEpochs`].
    pub fn finish(self, n_components: usize) -> Result<Pca> {
        let n_channels = self.mean.len();
        if n_components == 0 || n_components > n_channels {
            return Err(Error::Setting {
                name: "n_components".to_owned(),
                found: n_components.to_string(),
                expected: format!("between 1 and the number of channels, {n_channels}"),
            });
        }
        if self.n == 0.0 {
            return Err(Error::NoEpochs {
                what: "the training set of the principal components".to_owned(),
                advice: "give it at least one epoch".to_owned(),
            });
        }
        let covariance = Mat::from_fn(n_channels, n_channels, |i, j| self.squares[[i, j]] / self.n);
        let eigen = covariance.self_adjoint_eigen(Side::Lower).map_err(|_| Error::NotFinite {
            what: "the covariance of the channels".to_owned(),
            place: "its eigenvalues".to_owned(),
            value: f64::NAN,
        })?;
        let vectors: MatRef<'_, f64> = eigen.U();
        let mut components = Array2::zeros((n_components, n_channels));
        for (k, mut row) in components.outer_iter_mut().enumerate() {
            let vector = vectors.col(n_channels - 1 - k);
            let largest = vector.iter().copied().fold(0.0f64, |a, b| if b.abs() > a.abs() { b } else { a });
            row.iter_mut().zip(vector.iter()).for_each(|(out, value)| *out = value * largest.signum());
        }
        let values: Vec<f64> = eigen.S().column_vector().iter().map(|value| value.max(0.0)).collect();
        let total: f64 = values.iter().sum();
        let kept: f64 = values.iter().rev().take(n_components).sum();
        Ok(Pca { mean: self.mean, components, explained: if total > 0.0 { kept / total } else { 1.0 } })
    }
}

impl Pca {
    /// Maps of channels `(n, n_channels, n_lags)` from maps of components `(n, n_components, n_lags)`: Cᵀ times each.
    pub(super) fn to_channels(&self, maps: &Array3<f64>) -> Array3<f64> {
        let (n, _, n_lags) = maps.dim();
        let mut channels = Array3::zeros((n, self.mean.len(), n_lags));
        for (map, mut out) in maps.outer_iter().zip(channels.outer_iter_mut()) {
            out.assign(&self.components.t().dot(&map));
        }
        channels
    }

    /// Number of components.
    pub fn n_components(&self) -> usize {
        self.components.nrows()
    }

    /// A batch whose data are components, `(n_epochs, n_components, n_times)`. Channels that were not measured count as
    /// their mean; a sample at which fewer than half of the channels were measured counts as not measured.
    ///
    /// # Errors
    /// [`Error::Shape`] where the number of channels is not that of the fit.
    pub fn project(&self, batch: &Batch) -> Result<Batch> {
        let (n_epochs, n_channels, n_times) = batch.data.dim();
        Self::check("the batch's data", batch.data.shape(), self.mean.len())?;
        let mut data = Array3::zeros((n_epochs, self.n_components(), n_times));
        for (e, mut out) in data.outer_iter_mut().enumerate() {
            let mut centred = batch.data.index_axis(Axis(0), e).mapv(f64::from);
            centred -= &self.mean.view().insert_axis(Axis(1));
            if let Some(measured) = &batch.measured {
                centred.zip_mut_with(&measured.index_axis(Axis(0), e), |value, &is| {
                    *value = if is { *value } else { 0.0 }
                });
            }
            out.assign(&self.components.dot(&centred).mapv(|value| value as f32));
        }
        let measured = batch.measured.as_ref().map(|measured| {
            let enough =
                measured.map_axis(Axis(1), |channels| 2 * channels.iter().filter(|&&m| m).count() >= n_channels);
            Array3::from_shape_fn(data.dim(), |(e, _, t)| enough[[e, t]])
        });
        if let Some(measured) = &measured {
            data.zip_mut_with(measured, |value, &is| *value = if is { *value } else { 0.0 });
        }
        Ok(Batch { data, features: batch.features.clone(), subjects: batch.subjects.clone(), measured })
    }

    /// Channels from components, `(n_epochs, n_channels, n_times)` from `(n_epochs, n_components, n_times)`.
    ///
    /// # Errors
    /// [`Error::Shape`] where the number of components is not that of the fit.
    pub fn restore(&self, components: &ArrayRef3<f64>) -> Result<Array3<f64>> {
        Self::check("the components", components.shape(), self.n_components())?;
        let [n_epochs, _, n_times] = [0, 1, 2].map(|axis| components.shape()[axis]);
        let mut data = Array3::zeros((n_epochs, self.mean.len(), n_times));
        for (mut out, epoch) in data.outer_iter_mut().zip(components.outer_iter()) {
            out.assign(&self.components.t().dot(&epoch));
            out += &self.mean.view().insert_axis(Axis(1));
        }
        Ok(data)
    }

    fn check(what: &str, shape: &[usize], n_rows: usize) -> Result<()> {
        if shape[1] == n_rows {
            return Ok(());
        }
        let expected = format!("{n_rows} rows, as the principal components were fitted");
        Err(Error::Shape { what: what.to_owned(), found: shape.to_vec(), expected })
    }
}

/// A data set of which components are drawn.
#[derive(Debug)]
pub struct ComponentSource<'a> {
    dataset: &'a Dataset,
    pca: &'a Pca,
}

impl<'a> ComponentSource<'a> {
    /// Components of this data set's channels.
    ///
    /// # Errors
    /// [`Error::Shape`] where the number of channels is not that of the fit.
    pub fn new(dataset: &'a Dataset, pca: &'a Pca) -> Result<Self> {
        Pca::check("the data set", &[0, dataset.n_channels()], pca.mean.len())?;
        Ok(Self { dataset, pca })
    }
}

impl EpochSource for ComponentSource<'_> {
    fn channel_names(&self) -> Vec<String> {
        (1..=self.pca.n_components()).map(|k| format!("component {k}")).collect()
    }

    fn features(&self) -> &[String] {
        self.dataset.features()
    }

    fn subjects(&self) -> &[String] {
        self.dataset.subjects()
    }

    fn n_channels(&self) -> usize {
        self.pca.n_components()
    }

    fn subject_epochs(&self, set: Set, subject: usize) -> &[Epoch] {
        self.dataset.subject_epochs(set, subject)
    }

    fn n_times(&self) -> usize {
        self.dataset.n_times()
    }

    fn epochs(&self, set: Set) -> &[Epoch] {
        self.dataset.epochs(set)
    }

    fn draw(&self, epochs: &[Epoch], batch: &mut Batch) {
        self.dataset.draw(epochs, batch);
        *batch = self.pca.project(batch).expect("the number of channels was checked");
    }
}

/// A model that was fitted to components, as a model of channels: it is shown components, and what it predicts is mapped
/// back.
#[derive(Debug)]
pub struct OnComponents<M> {
    /// The reduction.
    pub pca: Pca,
    /// The model of components.
    pub model: M,
}

impl<M: Predictor> Predictor for OnComponents<M> {
    fn predict(&self, batch: &Batch) -> Result<Array3<f32>> {
        let predicted = self.model.predict(&self.pca.project(batch)?)?;
        Ok(self.pca.restore(&predicted.mapv(f64::from))?.mapv(|value| value as f32))
    }

    fn inputs(&self) -> Inputs {
        self.model.inputs()
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Data of two sources on five channels, around a mean.
    fn planted() -> (Array2<f64>, Array3<f32>) {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let maps = Array2::from_shape_simple_fn((5, 2), || rng.random_range(-1.0..1.0));
        let mut data = Array3::zeros((6, 5, 40));
        for mut epoch in data.outer_iter_mut() {
            let sources = Array2::from_shape_simple_fn((2, 40), || rng.random_range(-1.0..1.0));
            epoch.assign(&(maps.dot(&sources) + 3.0).mapv(|v: f64| v as f32));
        }
        (maps, data)
    }

    #[test]
    fn two_sources_are_two_components() {
        let (_, data) = planted();
        let mut sums = PcaSums::new(5);
        sums.push(&data.slice(ndarray::s![..2, .., ..]));
        sums.push(&data.slice(ndarray::s![2.., .., ..]));
        let pca = sums.finish(2).unwrap();
        assert!((pca.explained - 1.0).abs() < 1e-9);
        let gram = pca.components.dot(&pca.components.t());
        assert!((&gram - &Array2::<f64>::eye(2)).iter().all(|d| d.abs() < 1e-12));
        let batch =
            Batch { data: data.clone(), features: Array3::zeros((6, 0, 40)), subjects: vec![0; 6], measured: None };
        let components = pca.project(&batch).unwrap();
        assert_eq!(components.data.dim(), (6, 2, 40));
        let back = pca.restore(&components.data.mapv(f64::from)).unwrap();
        assert!(back.iter().zip(&data).all(|(a, b)| (a - f64::from(*b)).abs() < 1e-5));
    }

    #[test]
    fn components_need_half_of_the_channels() {
        let (_, data) = planted();
        let mut sums = PcaSums::new(5);
        sums.push(&data);
        let pca = sums.finish(2).unwrap();
        let mut measured = Array3::from_elem(data.dim(), true);
        measured.slice_mut(ndarray::s![0, ..2, 3]).fill(false);
        measured.slice_mut(ndarray::s![1, ..3, 4]).fill(false);
        let batch = Batch { data, features: Array3::zeros((6, 0, 40)), subjects: vec![0; 6], measured: Some(measured) };
        let projected = pca.project(&batch).unwrap();
        let measured = projected.measured.unwrap();
        assert!(measured[[0, 1, 3]] && !measured[[1, 0, 4]]);
        assert_eq!(measured.iter().filter(|m| !**m).count(), 2);
        assert!(projected.data[[1, 0, 4]] == 0.0);
    }

    #[test]
    fn too_many_components_are_refused() {
        assert!(PcaSums::new(3).finish(4).unwrap_err().to_string().contains("number of channels, 3"));
        assert!(PcaSums::new(3).finish(2).is_err());
    }
}
