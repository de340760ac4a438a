//! Predictions with permuted inputs, and how much r falls.

use std::ops::{ControlFlow, Range};

use ndarray::{Array2, Array3, ArrayView3, s};

use super::conditional::{Fitted, regress};
use super::exchange::Source;
use super::inputs::{Exchange, InitWindows, Input};
use super::{FeatureValues, Mode, Target};
use crate::data::{Batch, Dataset, Epoch, Set};
use crate::metrics::{Correlation, check_finite, mean_of};
use crate::model::Predictor;
use crate::{Error, Result, parallel};

/// Memory (bytes) that running correlations may take; more targets than fit are done one lot after the other.
const MEMORY: usize = 1 << 30;

/// How inputs are permuted.
#[derive(Clone, Debug, PartialEq)]
pub struct PermuteSpec {
    /// The epochs that count.
    pub set: Set,
    /// Samples of the epoch that count for means.
    pub window: Range<usize>,
    /// Epochs per prediction.
    pub batch_size: usize,
    /// Seed of the permutations.
    pub seed: u64,
    /// Threads; they do not change the result.
    pub n_threads: usize,
}

/// How far the work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Permuted epochs that are done.
    pub done: usize,
    /// Of so many, see [`n_predictions`].
    pub total: usize,
}

/// What was found for one target.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// What was permuted.
    pub target: Target,
    /// Mean over the target's features of the share of variance that the others explain; none for a plain permutation.
    pub explained_by_others: Option<f64>,
    /// Those of the target's features that are continuous, of which whole stretches were exchanged.
    pub continuous: Vec<usize>,
    /// One entry per subject with test epochs whose input could be permuted.
    pub subjects: Vec<SubjectFound>,
    /// Subjects, as indices into the data set's, that are left out, and why.
    pub left_out: Vec<(usize, String)>,
}

/// One subject's maps, `(n_channels, n_times)`.
#[derive(Clone, Debug, PartialEq)]
pub struct SubjectFound {
    /// Index into the data set's subjects.
    pub subject: usize,
    /// Number of test epochs.
    pub n_epochs: usize,
    /// r, nothing permuted.
    pub r: Array2<f64>,
    /// Δr: r less r with the input permuted, mean over permutations.
    pub delta: Array2<f64>,
    /// Standard deviation (n − 1) of Δr over permutations; 0 with one.
    pub sd: Array2<f64>,
    /// Mean r over channels and the window, nothing permuted.
    pub mean_r: f64,
    /// The same for each permutation.
    pub permuted_r: Vec<f64>,
}

/// Those of `targets` that [`permute`] does for a model: inputs that the model has, and conditional ones that can differ
/// from the plain ones.
pub fn applicable(
    dataset: &Dataset,
    values: &FeatureValues,
    model: &dyn Predictor,
    targets: &[Target],
    spec: &PermuteSpec,
) -> Vec<Target> {
    let source = Source { dataset, values, set: spec.set, seed: spec.seed };
    let is_done = |target: &&Target| target.concerns(model) && fitted(source, target).is_some();
    targets.iter().filter(is_done).cloned().collect()
}

/// Number of epochs that are predicted at most to know the importance of `targets`, those that are [`applicable`]: the
/// epochs as they are, and each with every permutation, though inputs that come out the same are predicted once.
pub fn n_predictions(dataset: &Dataset, set: Set, targets: &[Target]) -> usize {
    dataset.epochs(set).len() * (1 + targets.iter().map(|target| target.n_permutations).sum::<usize>())
}

/// Permutes each target's input and scores the predictions; none where `observe`, called after every few predictions, asks
/// to stop.
///
/// Targets that are not [`applicable`] are passed over. Predictions of the epochs as they are are made once for all
/// targets, and epochs whose input comes out as another permutation's once for all of these. The result depends on the
/// seed alone, not on threads or on which other targets there are.
///
/// # Errors
/// [`Error::Setting`] for a window that is not within the epoch, a batch size of 0, or a conditional target in another mode
/// than [`Mode::Event`]; [`Error::PredictionNotFinite`]; what the model reports.
pub fn permute(
    dataset: &Dataset,
    values: &FeatureValues,
    model: &dyn Predictor,
    targets: &[Target],
    spec: &PermuteSpec,
    observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Option<Vec<Found>>> {
    check(dataset, targets, spec)?;
    let source = Source { dataset, values, set: spec.set, seed: spec.seed };
    let mut jobs: Vec<(Found, Vec<Fitted>)> = Vec::new();
    for target in targets.iter().filter(|target| target.concerns(model)) {
        let Some(fitted) = fitted(source, target) else { continue };
        let n = fitted.len() as f64;
        let explained = (!fitted.is_empty()).then(|| fitted.iter().map(|fit| fit.explained).sum::<f64>() / n);
        let is_continuous = |f: &usize| values.is_continuous(dataset, *f);
        let found = Found {
            target: target.clone(),
            explained_by_others: explained,
            continuous: target.features.iter().copied().filter(is_continuous).collect(),
            subjects: Vec::new(),
            left_out: Vec::new(),
        };
        jobs.push((found, fitted));
    }
    let wanted: Vec<Target> = jobs.iter().map(|(found, _)| found.target.clone()).collect();
    let mut progress = Progress { done: 0, total: n_predictions(dataset, spec.set, &wanted) };
    let n_init_times = if wanted.iter().any(|t| t.mode == Mode::Init) { model.inputs().n_init_times } else { 0 };
    for subject in 0..dataset.n_subjects() {
        let epochs = dataset.subject_epochs(spec.set, subject);
        if epochs.is_empty() {
            continue;
        }
        let init = (n_init_times > 0).then(|| InitWindows::of(&source, epochs, n_init_times, spec.batch_size));
        let per_permutation = size_of::<Correlation>() + 40 * dataset.n_channels() * dataset.n_times();
        let mut todo = &mut jobs[..];
        while !todo.is_empty() {
            let mut n = 0;
            let mut n_held = 0;
            while n < todo.len() && (n == 0 || n_held + todo[n].0.target.n_permutations <= MEMORY / per_permutation) {
                n_held += todo[n].0.target.n_permutations;
                n += 1;
            }
            let (now, later) = todo.split_at_mut(n);
            todo = later;
            let run = Run { source, model, spec, subject, epochs, init: init.as_ref() };
            if run.targets(now, &mut progress, observe)?.is_break() {
                return Ok(None);
            }
        }
    }
    Ok(Some(jobs.into_iter().map(|(found, _)| found).collect()))
}

fn check(dataset: &Dataset, targets: &[Target], spec: &PermuteSpec) -> Result<()> {
    let refuse =
        |name: &str, found: String, expected: String| Err(Error::Setting { name: name.to_owned(), found, expected });
    if spec.batch_size == 0 {
        return refuse("batch_size", "0".to_owned(), "at least 1 epoch".to_owned());
    }
    if spec.window.is_empty() || spec.window.end > dataset.n_times() {
        let expected = format!("samples of the epoch, which has {}", dataset.n_times());
        return refuse("window", format!("{:?}", spec.window), expected);
    }
    for target in targets {
        if target.n_permutations == 0 {
            return refuse("n_permutations", "0".to_owned(), "1 or above".to_owned());
        }
        if target.conditional && target.mode != Mode::Event {
            return refuse("conditional", "true".to_owned(), "false, but for mode `event`".to_owned());
        }
        if let Some(feature) = target.features.iter().find(|&&f| f >= dataset.n_features()) {
            let expected = format!("below the number of features, {}", dataset.n_features());
            return refuse("feature", feature.to_string(), expected);
        }
    }
    Ok(())
}

/// What the others say of each of a conditional target's features, nothing for a plain target; none where a conditional
/// target would be the plain one: no other feature of events varies, a feature of it is continuous, or it has none that
/// varies.
fn fitted(source: Source<'_>, target: &Target) -> Option<Vec<Fitted>> {
    if !target.conditional {
        return Some(Vec::new());
    }
    let varies = |&&f: &&usize| !source.values.is_constant(source.dataset, f);
    if target.features.iter().filter(varies).count() == 0 {
        return None;
    }
    let one = |&f: &usize| regress(source.dataset, source.values, f, &target.features, source.set);
    let is_continuous = |&f: &usize| source.values.is_continuous(source.dataset, f);
    if target.features.iter().any(is_continuous) { None } else { target.features.iter().map(one).collect() }
}

/// The work on one subject.
struct Run<'a> {
    source: Source<'a>,
    model: &'a dyn Predictor,
    spec: &'a PermuteSpec,
    subject: usize,
    epochs: &'a [Epoch],
    init: Option<&'a InitWindows>,
}

/// An input of one epoch of a batch, and the permutations that lead to it.
struct Variant {
    row: usize,
    input: Input,
}

impl Run<'_> {
    fn targets(
        &self,
        jobs: &mut [(Found, Vec<Fitted>)],
        progress: &mut Progress,
        observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        let dataset = self.source.dataset;
        let (n_channels, n_times) = (dataset.n_channels(), dataset.n_times());
        // A subject's epochs lie together in the set.
        let first = (0..self.subject).map(|s| dataset.subject_epochs(self.spec.set, s).len()).sum();
        let mut exchanges: Vec<(usize, Exchange<'_>, Vec<Correlation>)> = Vec::new();
        for (place, (found, fitted)) in jobs.iter_mut().enumerate() {
            match self.source.shuffles(self.subject, &found.target, fitted) {
                Err(reason) => {
                    found.left_out.push((self.subject, reason));
                    progress.done += self.epochs.len() * found.target.n_permutations;
                }
                Ok(shuffles) => {
                    let correlations = vec![Correlation::new(n_channels, n_times); shuffles.len()];
                    let exchange = Exchange {
                        source: self.source,
                        target: &found.target,
                        epochs: self.epochs,
                        first,
                        fitted,
                        shuffles,
                        init: self.init,
                    };
                    exchanges.push((place, exchange, correlations));
                }
            }
        }
        let mut as_it_is = Correlation::new(n_channels, n_times);
        let mut batch = Batch::default();
        for (start, part) in (0..).step_by(self.spec.batch_size).zip(self.epochs.chunks(self.spec.batch_size)) {
            if exchanges.is_empty() {
                break;
            }
            dataset.draw(part, &mut batch);
            let predicted = self.predict(&batch, part)?;
            as_it_is.push_measured(&batch.data, &predicted, batch.measured.as_ref())?;
            for (_, exchange, correlations) in &mut exchanges {
                let mut go_on = |n: usize| {
                    progress.done += n;
                    observe(*progress)
                };
                if self.permuted(start, &batch, &predicted, (exchange, correlations), &mut go_on)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        // The epochs as they are, once, however many lots of targets there are.
        progress.done = (progress.done + self.epochs.len()).min(progress.total);
        let found: Vec<(usize, SubjectFound)> = exchanges
            .iter()
            .map(|(place, _, correlations)| (*place, self.differences(&as_it_is, correlations)))
            .collect();
        drop(exchanges);
        for (place, found) in found {
            jobs[place].0.subjects.push(found);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn predict(&self, batch: &Batch, epochs: &[Epoch]) -> Result<Array3<f32>> {
        let predicted = self.model.predict(batch)?;
        if predicted.dim() != batch.data.dim() {
            return Err(Error::Shape {
                what: "the prediction".to_owned(),
                found: predicted.shape().to_vec(),
                expected: format!("{:?}", batch.data.shape()),
            });
        }
        check_finite(self.source.dataset, epochs, &predicted)?;
        Ok(predicted)
    }

    /// Predicts a batch's epochs, of which the first is number `start` of the subject's, with each permutation; `go_on` is
    /// told how many permuted epochs are done with each lot of predictions.
    fn permuted(
        &self,
        start: usize,
        batch: &Batch,
        predicted: &Array3<f32>,
        (exchange, correlations): (&Exchange<'_>, &mut [Correlation]),
        go_on: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        let n_permutations = correlations.len();
        // By epoch: its different inputs, and for each permutation the place of its input among them, none for its own.
        let by_epoch = parallel::map(batch.n_epochs(), self.spec.n_threads, |row| {
            let own = exchange.own(start + row);
            let mut inputs: Vec<Input> = Vec::new();
            let choice: Vec<Option<usize>> = (0..n_permutations)
                .map(|permutation| {
                    let input = exchange.permuted(start + row, permutation);
                    if input == own {
                        return None;
                    }
                    Some(inputs.iter().position(|other| *other == input).unwrap_or_else(|| {
                        inputs.push(input);
                        inputs.len() - 1
                    }))
                })
                .collect();
            (inputs, choice)
        });
        let mut by_epoch = by_epoch.into_iter().enumerate().peekable();
        while by_epoch.peek().is_some() {
            // Some epochs at a time, so that few predictions are held.
            let mut variants: Vec<Variant> = Vec::new();
            let mut rows: Vec<(usize, usize, Vec<Option<usize>>)> = Vec::new();
            while let Some((_, (inputs, _))) = by_epoch.peek()
                && (rows.is_empty() || variants.len() + inputs.len() <= self.spec.batch_size)
                && let Some((row, (inputs, choice))) = by_epoch.next()
            {
                rows.push((row, variants.len(), choice));
                variants.extend(inputs.into_iter().map(|input| Variant { row, input }));
            }
            let mut pieces = Vec::new();
            for piece in variants.chunks(self.spec.batch_size) {
                let mut changed = repeated(batch, piece);
                for (row, variant) in piece.iter().enumerate() {
                    exchange.put(&variant.input, &mut changed, row);
                }
                let epochs: Vec<Epoch> = piece.iter().map(|v| exchange.epochs[start + v.row]).collect();
                pieces.push(self.predict(&changed, &epochs)?);
                if go_on(0).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            let of = |variant: usize| -> ArrayView3<'_, f32> {
                let row = variant % self.spec.batch_size;
                pieces[variant / self.spec.batch_size].slice(s![row..=row, .., ..])
            };
            let measured: Vec<Option<Array3<bool>>> = rows
                .iter()
                .map(|(row, ..)| batch.measured.as_ref().map(|m| m.slice(s![*row..=*row, .., ..]).to_owned()))
                .collect();
            let work = correlations.iter_mut().enumerate();
            parallel::for_each_with(
                work,
                n_permutations,
                self.spec.n_threads,
                || (),
                |(), (permutation, correlation)| {
                    for ((row, first, choice), measured) in rows.iter().zip(&measured) {
                        let truth = batch.data.slice(s![*row..=*row, .., ..]);
                        let own = || predicted.slice(s![*row..=*row, .., ..]);
                        let shown = choice[permutation].map_or_else(own, |variant| of(first + variant));
                        correlation.push_measured(&truth, &shown, measured.as_ref()).expect("the shapes were checked");
                    }
                },
            );
            if go_on(rows.len() * n_permutations).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn differences(&self, as_it_is: &Correlation, permuted: &[Correlation]) -> SubjectFound {
        let r = as_it_is.r();
        let maps = parallel::map(permuted.len(), self.spec.n_threads, |p| permuted[p].r());
        let n = maps.len() as f64;
        let mean = maps.iter().fold(Array2::<f64>::zeros(r.dim()), |sum, map| sum + map) / n;
        let squares = maps.iter().fold(Array2::<f64>::zeros(r.dim()), |sum, map| sum + (map - &mean).mapv(|d| d * d));
        let in_window = |map: &Array2<f64>| mean_of(map.slice(s![.., self.spec.window.clone()]).iter().copied());
        SubjectFound {
            subject: self.subject,
            n_epochs: as_it_is.n_epochs(),
            delta: &r - &mean,
            sd: (squares / (n - 1.0).max(1.0)).mapv(f64::sqrt),
            mean_r: in_window(&r),
            permuted_r: maps.iter().map(in_window).collect(),
            r,
        }
    }
}

/// The batch's epochs, one for each variant.
fn repeated(batch: &Batch, variants: &[Variant]) -> Batch {
    let rows: Vec<usize> = variants.iter().map(|variant| variant.row).collect();
    let axis = ndarray::Axis(0);
    Batch {
        data: batch.data.select(axis, &rows),
        features: batch.features.select(axis, &rows),
        subjects: rows.iter().map(|&row| batch.subjects[row]).collect(),
        measured: batch.measured.as_ref().map(|measured| measured.select(axis, &rows)),
    }
}
