//! The autoregressive temporal receptive field.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use ndarray::{Array1, Array3, ArrayRef3, Axis, s};

use super::RtrfConfig;
use super::convolve::convolve;
use super::lags::LagRange;
use super::masks::Measured;
use super::moments::check_shape;
use super::pca::Pca;
use super::rtrf_system::RtrfLayout;
use super::trf_system::Pass;
use crate::{Error, Result, Stop, parallel};

/// Epochs that are rolled out side by side, so that each time step is one matrix product.
const ROLLOUT_BLOCK: usize = 16;

/// A fitted autoregressive TRF: each sample from the data's and the features' recent past.
///
/// ```text
/// ŷ_c(t) = b_c + Σ_d Σ_l A_cd(l) y_d(t − l) + Σ_f Σ_m B_cf(m) x_f(t − m)    l = 1…L,  m = 0…M−1
/// ```
///
/// Ridge regression with an unpenalised intercept over the samples of each epoch whose lags all lie within it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rtrf {
    /// Data coefficients, `(n_channels, n_lags_data, n_channels)`: predicted channel, lag from the most recent, channel.
    pub coef_data: Array3<f64>,
    /// Feature coefficients, `(n_channels, n_lags_features, n_features)`: predicted channel, lag from 0, feature.
    pub coef_features: Array3<f64>,
    /// Intercepts, one per channel.
    pub intercept: Array1<f64>,
}

/// A roll-out: what the model predicts when it is fed its own predictions.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollout {
    /// Prediction, `(n_epochs, n_channels, n_times)`; the true data before the init window's end.
    pub prediction: Array3<f64>,
    /// Epochs whose prediction reached the limit and was held there.
    pub n_diverged: usize,
}

impl Rtrf {
    /// Fits to epochs: features `(n_epochs, n_features, n_times)`, data `(n_epochs, n_channels, n_times)`. `names` are
    /// the features' names, for messages.
    ///
    /// # Errors
    /// As [`super::Trf::fit`].
    pub fn fit(
        features: &ArrayRef3<f64>,
        data: &ArrayRef3<f64>,
        names: &[String],
        config: &RtrfConfig,
        alpha: f64,
        n_threads: usize,
    ) -> Result<Self> {
        let models = Self::fit_measured(features, data, None, names, config, &[alpha], n_threads)?;
        Ok(super::only(models))
    }

    /// Fits a model for each of `alphas` to data of which only the samples that `measured`, in the data's shape, says
    /// count; all count where it is none.
    ///
    /// A row counts for a channel where the channel is measured, and at all data lags every channel whose past the model
    /// sees. These are the channels that were measured at some time, less the least measured ones until those that are
    /// left were measured together in half of the samples in which anything was. Of others the past has no coefficients;
    /// a channel that was never measured is predicted as 0.
    ///
    /// # Errors
    /// As [`super::Trf::fit`].
    pub fn fit_measured(
        features: &ArrayRef3<f64>,
        data: &ArrayRef3<f64>,
        measured: Option<&Array3<bool>>,
        names: &[String],
        config: &RtrfConfig,
        alphas: &[f64],
        n_threads: usize,
    ) -> Result<Vec<Self>> {
        let [n_epochs, n_channels, n_times] = [data.shape()[0], data.shape()[1], data.shape()[2]];
        check_shape("the features", features, [n_epochs, features.shape()[1], n_times])?;
        if let Some(measured) = measured.filter(|m| m.shape() != data.shape()) {
            let expected = format!("the data's, {:?}", data.shape());
            return Err(Error::Shape { what: "the mask".to_owned(), found: measured.shape().to_vec(), expected });
        }
        let mut seen = Measured::new(n_channels, n_times);
        seen.push(n_epochs, measured);
        let channels: Vec<String> = (0..n_channels).map(|c| format!("channel {c}")).collect();
        let layout = RtrfLayout::new(config, &seen, (&channels, names), [features.shape()[1], n_channels, n_times])?;
        let pass: &Pass<'_> = &|work| work(features.to_owned(), data.to_owned(), 0);
        layout.solve(&layout.groups(&seen), pass, alphas, (n_threads, &Stop::never()))
    }

    /// A model whose channel c is that of `models[chosen[c]]`.
    pub(super) fn mix(models: &[Self], chosen: &[usize]) -> Self {
        let mut mixed = models[0].clone();
        for (c, &model) in chosen.iter().enumerate() {
            mixed.coef_data.index_axis_mut(Axis(0), c).assign(&models[model].coef_data.index_axis(Axis(0), c));
            let own = models[model].coef_features.index_axis(Axis(0), c);
            mixed.coef_features.index_axis_mut(Axis(0), c).assign(&own);
            mixed.intercept[c] = models[model].intercept[c];
        }
        mixed
    }

    /// The same model of channels, where this one is of their components z = C (y − mean): its roll-outs are the same,
    /// since C Cᵀ = 1.
    pub(super) fn restored(&self, pca: &Pca) -> Self {
        let (n_components, l, _) = self.coef_data.dim();
        let n_channels = pca.mean.len();
        let mut coef_data = Array3::zeros((n_channels, l, n_channels));
        let mut intercept = self.intercept.clone();
        for lag in 0..l {
            let own = self.coef_data.index_axis(Axis(1), lag).dot(&pca.components);
            intercept -= &own.dot(&pca.mean);
            coef_data.index_axis_mut(Axis(1), lag).assign(&pca.components.t().dot(&own));
        }
        let (_, m, n_features) = self.coef_features.dim();
        let flat = self.coef_features.to_shape((n_components, m * n_features)).expect("of the same size");
        let coef_features = pca.components.t().dot(&flat).into_shape_with_order((n_channels, m, n_features));
        Self {
            coef_data,
            coef_features: coef_features.expect("of the same size"),
            intercept: &pca.mean + &pca.components.t().dot(&intercept),
        }
    }

    /// Predicts epochs from features and the first `n_init_times` samples of data.
    ///
    /// The data before an epoch, and the features before it, count as zeros. A prediction that exceeds the largest size of what
    /// its epoch starts from, true samples and what features alone contribute, `growth` times is held there, so that a
    /// recurrence which diverges stays finite and is counted, whatever the data's unit.
    ///
    /// # Errors
    /// [`Error::Shape`] where the arrays do not fit the model; [`Error::Setting`] for an init window beyond the epoch.
    pub fn roll_out(
        &self,
        features: &ArrayRef3<f64>,
        data: &ArrayRef3<f64>,
        n_init_times: usize,
        growth: f64,
        n_threads: usize,
    ) -> Result<Rollout> {
        let (n_channels, n_lags, _) = self.coef_data.dim();
        let [n_epochs, _, n_times] = [data.shape()[0], data.shape()[1], data.shape()[2]];
        check_shape("the data", data, [n_epochs, n_channels, n_times])?;
        check_shape("the features", features, [n_epochs, self.coef_features.dim().2, n_times])?;
        if n_init_times > n_times {
            return Err(Error::Setting {
                name: "n_init_times".to_owned(),
                found: n_init_times.to_string(),
                expected: format!("at most the epoch's length, {n_times} samples"),
            });
        }
        let driven = self.driven(features, n_threads)?;
        let shown = data.outer_iter().map(|epoch| epoch.slice_move(s![.., ..n_init_times]));
        let limits: Vec<f64> = shown
            .zip(driven.outer_iter())
            .map(|(shown, driven)| growth * shown.iter().chain(driven).fold(0.0, |most: f64, v| most.max(v.abs())))
            .collect();
        let recurrence = self.recurrence();
        let recurrence = MatRef::from_column_major_slice(&recurrence, n_channels, n_lags * n_channels);
        let padded = (n_lags + n_times) * n_channels;
        let mut history = vec![0.0; n_epochs * padded];
        parallel::for_each_chunk(&mut history, ROLLOUT_BLOCK * padded, n_threads, |block, history| {
            let n = history.len() / padded;
            for (e, epoch) in history.chunks_exact_mut(padded).enumerate() {
                for t in 0..n_times {
                    let source = if t < n_init_times { data } else { &*driven };
                    for c in 0..n_channels {
                        epoch[(n_lags + t) * n_channels + c] = source[[block * ROLLOUT_BLOCK + e, c, t]];
                    }
                }
            }
            let mut step = vec![0.0; n * n_channels];
            for t in n_init_times..n_times {
                let past = &history[t * n_channels..];
                let past = MatRef::from_column_major_slice_with_stride(past, n_lags * n_channels, n, padded);
                let out = MatMut::from_column_major_slice_mut(&mut step, n_channels, n);
                matmul(out, Accum::Replace, recurrence, past, 1.0, Par::Seq);
                let own = limits[block * ROLLOUT_BLOCK..].iter().copied();
                for ((epoch, step), limit) in
                    history.chunks_exact_mut(padded).zip(step.chunks_exact(n_channels)).zip(own)
                {
                    for (value, step) in epoch[(n_lags + t) * n_channels..].iter_mut().zip(step) {
                        *value = (*value + step).clamp(-limit, limit);
                    }
                }
            }
        });
        let prediction = Array3::from_shape_fn((n_epochs, n_channels, n_times), |(e, c, t)| {
            history[e * padded + (n_lags + t) * n_channels + c]
        });
        let n_diverged = prediction
            .outer_iter()
            .zip(&limits)
            .filter(|(epoch, limit)| {
                // An epoch that starts from nothing stays at 0.
                **limit > 0.0 && epoch.slice(s![.., n_init_times..]).iter().any(|value| value.abs() >= **limit)
            })
            .count();
        Ok(Rollout { prediction, n_diverged })
    }

    /// What the features alone contribute, with the intercept, `(n_epochs, n_channels, n_times)`.
    fn driven(&self, features: &ArrayRef3<f64>, n_threads: usize) -> Result<Array3<f64>> {
        let (n_channels, n_lags, n_features) = self.coef_features.dim();
        let shape = (features.shape()[0], n_channels, features.shape()[2]);
        let mut driven = if n_features == 0 || n_lags == 0 {
            Array3::zeros(shape)
        } else {
            let kernels = self.coef_features.view().permuted_axes([0, 2, 1]);
            convolve(features, &kernels, LagRange::new(0, n_lags as isize - 1)?, n_threads)
        };
        driven += &self.intercept.view().insert_axis(Axis(1));
        Ok(driven)
    }

    /// Data coefficients as a column-major matrix `(n_channels, n_lags_data * n_channels)`, the oldest lag first, so that
    /// it multiplies a stretch of data stored time by time.
    fn recurrence(&self) -> Vec<f64> {
        let (n_channels, n_lags, _) = self.coef_data.dim();
        let mut recurrence = vec![0.0; n_channels * n_lags * n_channels];
        for ((c, lag, d), &value) in self.coef_data.indexed_iter() {
            recurrence[((n_lags - 1 - lag) * n_channels + d) * n_channels + c] = value;
        }
        recurrence
    }

    /// Spectral radius of the recurrence: the factor by which its slowest mode changes per sample. At 1 or above, a
    /// roll-out without features does not come to rest.
    ///
    /// The largest eigenvalue in magnitude of the companion matrix, from the growth of a state without input (power
    /// iteration, averaged so that complex pairs do no harm). Accurate to about 10⁻⁴; takes up to 16,384 steps.
    pub fn spectral_radius(&self) -> f64 {
        const TOLERANCE: f64 = 1e-6;
        const MOST_STEPS: usize = 1 << 14;
        let (n_channels, n_lags, _) = self.coef_data.dim();
        let recurrence = self.recurrence();
        let recurrence = MatRef::from_column_major_slice(&recurrence, n_channels, n_lags * n_channels);
        // An arbitrary start (multiples of an irrational number) that no mode can be expected to be orthogonal to.
        let mut state: Vec<f64> =
            (1..=n_lags * n_channels).map(|i| (i as f64 * 0.618_033_988_7).fract() - 0.5).collect();
        let mut next = vec![0.0; n_channels];
        let (mut n_steps, mut previous) = (512, f64::INFINITY);
        loop {
            let mut log_growth = 0.0;
            for _ in 0..n_steps {
                let past = MatRef::from_column_major_slice(&state, n_lags * n_channels, 1);
                let out = MatMut::from_column_major_slice_mut(&mut next, n_channels, 1);
                matmul(out, Accum::Replace, recurrence, past, 1.0, Par::Seq);
                state.copy_within(n_channels.., 0);
                state[(n_lags - 1) * n_channels..].copy_from_slice(&next);
                let norm = state.iter().map(|v| v * v).sum::<f64>().sqrt();
                if norm == 0.0 {
                    return 0.0;
                }
                for value in &mut state {
                    *value /= norm;
                }
                log_growth += norm.ln();
            }
            let growth = (log_growth / n_steps as f64).exp();
            if (growth - previous).abs() < TOLERANCE || n_steps >= MOST_STEPS / 2 {
                return growth;
            }
            (n_steps, previous) = (2 * n_steps, growth);
        }
    }

    /// Number of coefficients and intercepts.
    pub fn n_parameters(&self) -> usize {
        self.coef_data.len() + self.coef_features.len() + self.intercept.len()
    }
}
