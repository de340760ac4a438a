//! The temporal receptive field's normal equations: gathered once, solved for any penalty.

use faer::Mat;
use ndarray::{Array1, Array3, ArrayRef3, Axis, s};

use super::config::{FeatureLags, lags_by_feature};
use super::faults::{check_alpha, singular};
use super::lags::{Columns, LagRange};
use super::masks::{Group, Measured, pick};
use super::moments::{BLOCK, LagMoments, check_shape};
use super::normal::Moments;
use super::rows::Runs;
use super::solver::{PenaltyMatrix, Ridge};
use super::{AlphaUnit, Effort, Penalty, Trf, TrfConfig};
use crate::{Error, Result};

/// The features of a model and their lags.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TrfLayout {
    lags: Vec<LagRange>,
    /// From the first of all first lags to the last of all last ones.
    union: LagRange,
    names: Vec<String>,
}

impl TrfLayout {
    pub(super) fn new(names: &[String], default: (isize, isize), own: &FeatureLags, n_times: usize) -> Result<Self> {
        LagRange::new(default.0, default.1)?;
        let lags = lags_by_feature(names, default, own)?;
        let first = lags.iter().map(|l| l.first()).min().unwrap_or(default.0);
        let last = lags.iter().map(|l| l.last()).max().unwrap_or(default.1);
        let union = LagRange::new(first, last)?;
        for (name, range) in names.iter().zip(&lags) {
            if range.len().div_ceil(2) > n_times {
                let is_own = own.contains_key(name);
                return Err(Error::Setting {
                    name: if is_own { format!("lags.{name}") } else { "lag_min, lag_max".to_owned() },
                    found: format!("{} to {}, {} lags", range.first(), range.last(), range.len()),
                    expected: format!("at most twice as many lags as an epoch has samples, {n_times}"),
                });
            }
        }
        Ok(Self { lags, union, names: names.to_vec() })
    }

    pub(super) fn columns(&self) -> Columns {
        Columns::new(self.lags.clone())
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }
}

/// Means of features and data over rows.
#[derive(Clone, Debug, Default)]
pub(super) struct SignalMeans {
    n: f64,
    pub(super) features: Vec<f64>,
    pub(super) data: Vec<f64>,
}

impl SignalMeans {
    fn push(&mut self, features: &ArrayRef3<f64>, data: &ArrayRef3<f64>, rows: &[Runs]) {
        let n = super::rows::count(rows) as f64;
        for (means, block) in [(&mut self.features, features), (&mut self.data, data)] {
            means.resize(block.shape()[1], 0.0);
            for (mean, signal) in means.iter_mut().zip(block.axis_iter(Axis(1))) {
                let values = || {
                    let runs = signal.outer_iter().zip(rows);
                    runs.flat_map(|(row, runs)| runs.iter().map(move |run| row.slice_move(s![run.clone()])))
                };
                // Sums of offsets from the mean so far lose no digits to a large mean, and leave a constant exact.
                if self.n == 0.0 {
                    *mean = values().find_map(|run| run.first().copied()).unwrap_or(0.0);
                }
                let offset: f64 = values().map(|run| run.iter().map(|value| value - *mean).sum::<f64>()).sum();
                *mean += if n > 0.0 { offset / (self.n + n) } else { 0.0 };
            }
        }
        self.n += n;
    }
}

/// Calls its argument with features, data and the index of the first epoch of each batch, batch after batch.
pub(super) type Pass<'a> =
    dyn Fn(&mut dyn FnMut(Array3<f64>, Array3<f64>, usize) -> Result<()>) -> Result<()> + Sync + 'a;

/// A [`Pass`] over arrays that are at hand, a few epochs at a time, so that no second copy of them is held.
pub(super) fn in_blocks<'a>(features: &'a ArrayRef3<f64>, data: &'a ArrayRef3<f64>) -> Box<Pass<'a>> {
    Box::new(|work| {
        let blocks = features.axis_chunks_iter(Axis(0), BLOCK).zip(data.axis_chunks_iter(Axis(0), BLOCK));
        blocks.enumerate().try_for_each(|(i, (features, data))| work(features.to_owned(), data.to_owned(), i * BLOCK))
    })
}

/// Targets with the same rows, and their moments.
#[derive(Clone, Debug)]
pub(super) struct TrfPart {
    pub(super) targets: Vec<usize>,
    pub(super) means: SignalMeans,
    pub(super) moments: Moments,
}

/// Normal equations of all targets.
#[derive(Clone, Debug)]
pub(super) struct TrfSystem {
    pub(super) layout: TrfLayout,
    pub(super) n_targets: usize,
    pub(super) parts: Vec<TrfPart>,
}

impl TrfSystem {
    /// Of arrays that are at hand.
    pub(super) fn of_arrays(
        features: &ArrayRef3<f64>,
        data: &ArrayRef3<f64>,
        measured: Option<&Array3<bool>>,
        names: &[String],
        config: &TrfConfig,
        n_threads: usize,
    ) -> Result<Self> {
        let [n_epochs, n_targets, n_times] = [data.shape()[0], data.shape()[1], data.shape()[2]];
        let n_features = features.shape()[1];
        check_shape("the features", features, [n_epochs, n_features, n_times])?;
        if let Some(measured) = measured.filter(|m| m.dim() != (n_epochs, n_targets, n_times)) {
            let expected = format!("the data's, {:?}", data.shape());
            return Err(Error::Shape { what: "the mask".to_owned(), found: measured.shape().to_vec(), expected });
        }
        let mut all_names = names.to_vec();
        all_names.extend((names.len()..n_features).map(|f| format!("feature {f}")));
        all_names.truncate(n_features);
        let layout = TrfLayout::new(&all_names, (config.lag_min, config.lag_max), &config.lags, n_times)?;
        let mut seen = Measured::new(n_targets, n_times);
        seen.push(n_epochs, measured);
        let whole: Vec<std::ops::Range<usize>> = std::iter::once(0..n_epochs).collect();
        let pass = in_blocks(features, data);
        let mut systems =
            Self::gather(&layout, &seen.groups(0), (n_targets, n_times), (&whole, n_epochs), &pass, n_threads)?;
        Ok(systems.swap_remove(0))
    }

    /// A system for each fold, a range of epochs, all with the means of the first `n_fit` epochs; two passes over them all.
    pub(super) fn gather(
        layout: &TrfLayout,
        groups: &[Group],
        (n_targets, n_times): (usize, usize),
        (folds, n_fit): (&[std::ops::Range<usize>], usize),
        pass: &Pass<'_>,
        n_threads: usize,
    ) -> Result<Vec<Self>> {
        if groups.is_empty() {
            return Err(Error::NoEpochs {
                what: "the TRF's training set".to_owned(),
                advice: "give it at least one epoch with a measured sample".to_owned(),
            });
        }
        let own = |data: &Array3<f64>, group: &Group| {
            if group.targets.len() == n_targets { None } else { Some(pick(data, &group.targets)) }
        };
        let mut means = vec![SignalMeans::default(); groups.len()];
        pass(&mut |features, data, first| {
            for (means, group) in means.iter_mut().zip(groups) {
                let epochs = first..first + data.shape()[0];
                let rows: Vec<Runs> =
                    epochs.map(|e| if e < n_fit { group.rows[e].clone() } else { Runs::new() }).collect();
                means.push(&features, own(&data, group).as_ref().unwrap_or(&data), &rows);
            }
            Ok(())
        })?;
        let mut moments = Vec::new();
        for _ in folds {
            for group in groups {
                moments.push(LagMoments::new(layout.columns(), group.targets.len(), n_times, 0, n_threads)?);
            }
        }
        pass(&mut |features, mut data, first| {
            let last = first + data.shape()[0];
            for (g, (means, group)) in means.iter().zip(groups).enumerate() {
                let mut features = features.clone();
                // A group of all targets is the only one.
                let mut data = own(&data, group).unwrap_or_else(|| std::mem::take(&mut data));
                for (block, means) in [(&mut features, &means.features), (&mut data, &means.data)] {
                    for (mut rows, mean) in block.axis_iter_mut(Axis(1)).zip(means) {
                        rows -= *mean;
                    }
                }
                for (f, fold) in folds.iter().enumerate() {
                    let range = fold.start.max(first)..fold.end.min(last);
                    if range.is_empty() {
                        continue;
                    }
                    let within = range.start - first..range.end - first;
                    let (features, data) = (features.slice(s![within.clone(), .., ..]), data.slice(s![within, .., ..]));
                    moments[f * groups.len() + g].push_rows(&features, &data, &group.rows[range])?;
                }
            }
            Ok(())
        })?;
        let mut moments = moments.into_iter();
        let system = |_| Self {
            layout: layout.clone(),
            n_targets,
            parts: groups
                .iter()
                .zip(&means)
                .zip(&mut moments)
                .map(|((group, means), moments)| {
                    let mut moments = moments.finish();
                    moments.set_means_taken_off(&means.features);
                    TrfPart { targets: group.targets.clone(), means: means.clone(), moments }
                })
                .collect(),
        };
        Ok(folds.iter().map(system).collect())
    }

    /// The sum of systems that [`TrfSystem::gather`] made together.
    pub(super) fn sum<'a>(systems: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut systems = systems.into_iter();
        let mut sum = systems.next()?.clone();
        for system in systems {
            for (own, other) in sum.parts.iter_mut().zip(&system.parts) {
                own.moments.add(&other.moments);
            }
        }
        Some(sum)
    }

    /// A model for each alpha.
    pub(super) fn solve(
        &self,
        (penalty, unit): (Penalty, AlphaUnit),
        alphas: &[f64],
        (n_threads, stop): Effort<'_>,
    ) -> Result<Vec<Trf>> {
        alphas.iter().try_for_each(|&alpha| check_alpha(alpha))?;
        let mut models = vec![self.blank(); alphas.len()];
        for part in &self.parts {
            let moments = &part.moments;
            let penalty = PenaltyMatrix::new(penalty, moments.columns()).times(moments.unit(unit));
            let mut ridge =
                Ridge::new(moments.gram.clone(), moments.rounding.clone(), n_threads).stopped_by(stop.clone());
            for (&alpha, model) in alphas.iter().zip(&mut models) {
                let weights = ridge.solve(moments.cross(), &penalty, alpha);
                stop.check()?;
                let weights = weights.map_err(|found| {
                    singular(
                        "TRF",
                        (moments.columns(), moments.n_rows()),
                        &ridge,
                        found,
                        &self.layout.names,
                        &format!("alpha = {alpha}"),
                    )
                })?;
                self.fill(model, part, &weights);
            }
        }
        Ok(models)
    }

    /// A model for each lag of the union of windows that sees the features at this lag alone; features whose window does
    /// not hold it are left out.
    /// The unit of alpha is that of all lags together.
    pub(super) fn solve_single_lags(&self, unit: AlphaUnit, alpha: f64) -> Result<Vec<Trf>> {
        check_alpha(alpha)?;
        let mut models = Vec::new();
        for lag in self.layout.union.iter() {
            let mut model = self.blank();
            for part in &self.parts {
                let columns = part.moments.columns();
                let seen: Vec<usize> = (0..columns.n_regressors())
                    .filter(|&f| (columns.lags(f).first()..=columns.lags(f).last()).contains(&lag))
                    .map(|f| columns.range(f).start + (lag - columns.lags(f).first()) as usize)
                    .collect();
                let (n, gram) = (seen.len(), part.moments.gram());
                let small = (0..n * n).map(|k| gram[(seen[k % n].max(seen[k / n]), seen[k % n].min(seen[k / n]))]);
                let rounding = seen.iter().map(|&c| part.moments.rounding[c]).collect();
                let mut ridge = Ridge::new(small.collect(), rounding, 1);
                let cross = Mat::from_fn(n, part.targets.len(), |i, t| part.moments.cross[(seen[i], t)]);
                let penalty = PenaltyMatrix::diagonal(&vec![part.moments.unit(unit); n]);
                let small = ridge.solve(cross.as_ref(), &penalty, alpha).map_err(|found| {
                    let lags = seen.iter().map(|_| LagRange::new(lag, lag)).collect::<Result<Vec<_>>>();
                    let columns = Columns::new(lags.unwrap_or_default());
                    let names: Vec<String> =
                        seen.iter().map(|&c| self.layout.names[part.moments.columns().locate(c).0].clone()).collect();
                    singular(
                        "TRF",
                        (&columns, part.moments.n_rows()),
                        &ridge,
                        found,
                        &names,
                        &format!("alpha = {alpha}"),
                    )
                })?;
                let mut weights = Mat::zeros(columns.len(), part.targets.len());
                for (i, &column) in seen.iter().enumerate() {
                    weights.row_mut(column).copy_from(small.row(i));
                }
                self.fill(&mut model, part, &weights);
            }
            models.push(model);
        }
        Ok(models)
    }

    /// A model of zeros.
    pub(super) fn blank(&self) -> Trf {
        let shape = (self.n_targets, self.layout.names.len(), self.layout.union.len());
        Trf { coef: Array3::zeros(shape), intercept: Array1::zeros(self.n_targets), lag_min: self.layout.union.first() }
    }

    /// Writes weights `(n_columns, n_targets)` of a part into a model, with the intercepts that give the means.
    pub(super) fn fill(&self, model: &mut Trf, part: &TrfPart, weights: &Mat<f64>) {
        let columns = part.moments.columns();
        for (t, &target) in part.targets.iter().enumerate() {
            let mut intercept = part.means.data[t];
            for f in 0..columns.n_regressors() {
                let offset = (columns.lags(f).first() - self.layout.union.first()) as usize;
                let mut gain = 0.0;
                for (i, column) in columns.range(f).enumerate() {
                    model.coef[[target, f, offset + i]] = weights[(column, t)];
                    gain += weights[(column, t)];
                }
                intercept -= gain * part.means.features[f];
            }
            model.intercept[target] = intercept;
        }
    }
}
