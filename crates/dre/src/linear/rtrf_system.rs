//! The autoregressive TRF's normal equations.

use faer::Mat;
use ndarray::{Array1, Array3, ArrayRef3, Axis, concatenate, s};

use super::RtrfConfig;
use super::faults::{check_alpha, singular};
use super::lags::{Columns, LagRange};
use super::masks::{Group, Measured, pick};
use super::moments::LagMoments;
use super::solver::PenaltyMatrix;
use super::trf_system::Pass;
use super::{Effort, Rtrf};
use crate::{Error, Result};

/// The regressors of a model and their lags.
#[derive(Clone, Debug)]
pub(super) struct RtrfLayout {
    config: RtrfConfig,
    /// Channels whose past is seen.
    present: Vec<usize>,
    n_features: usize,
    n_channels: usize,
    n_times: usize,
    names: Vec<String>,
}

impl RtrfLayout {
    /// For features, channels and samples of this `shape`; names of channels and features are for messages.
    pub(super) fn new(
        config: &RtrfConfig,
        measured: &Measured,
        (channels, features): (&[String], &[String]),
        shape: [usize; 3],
    ) -> Result<Self> {
        if config.n_lags_data == 0 {
            return Err(Error::Setting {
                name: "n_lags_data".to_owned(),
                found: "0".to_owned(),
                expected: "at least 1 sample; without data lags the model is a TRF".to_owned(),
            });
        }
        let [n_features, n_channels, n_times] = shape;
        let present = measured.regressors();
        let names = present.iter().map(|&c| channels[c].clone()).chain(features.iter().cloned()).collect();
        Ok(Self { config: config.clone(), present, n_features, n_channels, n_times, names })
    }

    fn first_row(&self) -> usize {
        self.config.n_lags_data.max(self.config.n_lags_features.saturating_sub(1))
    }

    /// Channels by the rows that count for them.
    pub(super) fn groups(&self, measured: &Measured) -> Vec<Group> {
        measured.recurrent_groups(&self.present, self.config.n_lags_data, self.first_row())
    }

    /// A model for each alpha; one pass over the epochs for each group, whose system is solved before the next one's is
    /// made. Takes 8 bytes per pair of columns.
    pub(super) fn solve(
        &self,
        groups: &[Group],
        pass: &Pass<'_>,
        alphas: &[f64],
        (n_threads, stop): Effort<'_>,
    ) -> Result<Vec<Rtrf>> {
        alphas.iter().try_for_each(|&alpha| check_alpha(alpha))?;
        let (l, m) = (self.config.n_lags_data, self.config.n_lags_features);
        let mut models = vec![
            Rtrf {
                coef_data: Array3::zeros((self.n_channels, l, self.n_channels)),
                coef_features: Array3::zeros((self.n_channels, m, self.n_features)),
                intercept: Array1::zeros(self.n_channels),
            };
            alphas.len()
        ];
        let mut lags = vec![LagRange::new(1, l as isize)?; self.present.len()];
        if m > 0 {
            lags.extend(vec![LagRange::new(0, m as isize - 1)?; self.n_features]);
        }
        // Made even where there is no group, since it checks the settings.
        let new = |n_targets| {
            LagMoments::new(Columns::new(lags.clone()), n_targets, self.n_times, self.first_row(), n_threads)
        };
        if groups.is_empty() {
            new(1)?;
            return Err(Error::NoEpochs {
                what: "the RTRF's training set".to_owned(),
                advice: "give it at least one epoch with more measured samples in a row than there are lags".to_owned(),
            });
        }
        for group in groups {
            let mut moments = new(group.targets.len())?;
            pass(&mut |features, data, first| {
                let rows = &group.rows[first..first + data.shape()[0]];
                let both = self.regressors(&features, &data)?;
                if group.targets.len() == self.n_channels {
                    return moments.push_rows(&both, &data, rows);
                }
                moments.push_rows(&both, &pick(&data, &group.targets), rows)
            })?;
            let mut moments = moments.finish();
            moments.centre();
            let (means, target_means) = moments.means();
            // The data's past and the features each in their own unit: what volts are to microvolts changes nothing.
            let (n_columns, n_past) = (moments.columns().len(), self.present.len() * l);
            let units = [0..n_past, n_past..n_columns].map(|own| moments.unit_of(self.config.alpha_unit, own));
            let weight = |column: usize| units[usize::from(column >= n_past)];
            let penalty = PenaltyMatrix::diagonal(&(0..n_columns).map(weight).collect::<Vec<_>>());
            let (columns, n_rows) = (moments.columns.clone(), moments.n_rows());
            let (ridge, cross) = moments.into_ridge(n_threads);
            let mut ridge = ridge.stopped_by(stop.clone());
            for (&alpha, model) in alphas.iter().zip(&mut models) {
                let weights = ridge.solve(cross.as_ref(), &penalty, alpha);
                stop.check()?;
                let weights = weights.map_err(|found| {
                    singular("RTRF", (&columns, n_rows), &ridge, found, &self.names, &format!("alpha = {alpha}"))
                })?;
                self.fill(model, group, &weights, &means, &target_means);
            }
        }
        Ok(models)
    }

    fn regressors(&self, features: &ArrayRef3<f64>, data: &ArrayRef3<f64>) -> Result<Array3<f64>> {
        super::moments::check_shape("the features", features, [data.shape()[0], self.n_features, self.n_times])?;
        let own = if self.present.len() == self.n_channels { data.to_owned() } else { pick(data, &self.present) };
        if self.config.n_lags_features == 0 {
            return Ok(own);
        }
        Ok(concatenate![Axis(1), own, features.view()])
    }

    fn fill(&self, model: &mut Rtrf, group: &Group, weights: &Mat<f64>, means: &[f64], target_means: &[f64]) {
        let (l, m) = (self.config.n_lags_data, self.config.n_lags_features);
        for (t, &target) in group.targets.iter().enumerate() {
            for (d, &channel) in self.present.iter().enumerate() {
                let mut row = model.coef_data.slice_mut(s![target, .., channel]);
                row.iter_mut().enumerate().for_each(|(lag, value)| *value = weights[(d * l + lag, t)]);
            }
            for f in 0..if m == 0 { 0 } else { self.n_features } {
                let mut row = model.coef_features.slice_mut(s![target, .., f]);
                let first = self.present.len() * l + f * m;
                row.iter_mut().enumerate().for_each(|(lag, value)| *value = weights[(first + lag, t)]);
            }
            let explained: f64 = means.iter().zip(weights.col(t).iter()).map(|(mean, w)| mean * w).sum();
            model.intercept[target] = target_means[t] - explained;
        }
    }
}
