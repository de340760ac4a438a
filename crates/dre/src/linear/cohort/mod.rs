//! Linear models of whole cohorts: one per subject, penalties chosen on the subject's own epochs.

mod choose;
mod decoder;
mod features;
mod recurrent;
mod source;

use ndarray::{Array1, Array2, Array3, Axis, s};

use super::bands::Bands;
use super::pca::Pca;
use super::{Rollout, Rtrf, Trf};
use crate::data::{Batch, EpochSource};
use crate::model::{Inputs, Predictor};
use crate::{Error, Result, Stop, parallel};

pub use decoder::{CohortDecoder, DecodeScore, fit_decoder};
pub use features::{FeatureModel, FeatureTask, fit_banded, fit_feature_models, fit_trf};
pub use recurrent::{Counted, fit_rtrf};
pub use source::{check_components, fit_pca};

/// A roll-out is held where it exceeds what its epoch starts from so many times; a recurrence that comes to rest stays far below.
const ROLLOUT_GROWTH: f64 = 1e3;

/// How models are fitted to a cohort.
#[derive(Clone, Debug, PartialEq)]
pub struct FitSpec {
    /// First sample of the epoch that counts when alpha is chosen: the end of the init window.
    pub valid_from: usize,
    /// Epochs drawn at a time.
    pub batch_size: usize,
    /// Number of threads; the result does not depend on it.
    pub n_threads: usize,
    /// Ends the fit with [`Error::Stopped`].
    pub stop: Stop,
}

/// One subject's model and how its alpha was chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct SubjectFit<M> {
    /// Subject label.
    pub subject: String,
    /// The model with the chosen alphas.
    pub model: M,
    /// The chosen alpha, or one for each channel (component).
    pub alphas: Vec<f64>,
    /// Mean r on held-out epochs after the init window, for each alpha of the configuration; empty where the choice was
    /// made by squared error.
    pub valid_r: Vec<f64>,
    /// Mean R² over channels by nested cross-validation, where it was asked for.
    pub nested_r2: Option<f64>,
}

/// A TRF per subject.
#[derive(Clone, Debug)]
pub struct CohortTrf {
    /// One per subject of the data set, in its order.
    pub subjects: Vec<SubjectFit<Trf>>,
    /// For each subject a model for each lag that sees this lag alone; empty where they were not asked for.
    pub single_lags: Vec<Vec<Trf>>,
    /// The reduction whose components were fitted, before the models were mapped back to channels; none for channels.
    pub pca: Option<Pca>,
    /// Whether one model was fitted to all subjects at once; `subjects` then holds it for each of them.
    pub pooled: bool,
    /// Number of threads that predict.
    pub n_threads: usize,
}

/// A banded ridge model per subject.
#[derive(Clone, Debug)]
pub struct CohortBanded {
    /// One per subject of the data set, in its order.
    pub subjects: Vec<SubjectFit<Trf>>,
    /// Which features form which band.
    pub bands: Bands,
    /// Weights of the bands for each subject, `(n_channels, n_bands)`; NaN for channels that were never measured.
    pub weights: Vec<Array2<f64>>,
    /// Mean squared error of each channel on held-out rows, for each subject.
    pub losses: Vec<Array1<f64>>,
    /// For each band, models without it, one per subject; empty where they were not asked for.
    pub without: Vec<Vec<Trf>>,
    /// The reduction whose components were fitted, before the models were mapped back to channels; none for channels.
    pub pca: Option<Pca>,
    /// Number of threads that predict.
    pub n_threads: usize,
}

/// An RTRF per subject.
#[derive(Clone, Debug)]
pub struct CohortRtrf {
    /// One per subject of the data set, in its order.
    pub subjects: Vec<SubjectFit<Rtrf>>,
    /// True samples that its roll-outs start from.
    pub n_init_times: usize,
    /// The reduction whose components were fitted, before the models were mapped back to channels; none for channels.
    pub pca: Option<Pca>,
    /// Whether one model was fitted to all subjects at once; `subjects` then holds it for each of them.
    pub pooled: bool,
    /// Number of threads that predict.
    pub n_threads: usize,
}

/// The one model of a fit to all subjects, for each of them.
fn for_each_subject<M: Clone>(fits: &[SubjectFit<M>], subjects: &[String]) -> Vec<SubjectFit<M>> {
    let of = |fit: &SubjectFit<M>, subject: &String| SubjectFit { subject: subject.clone(), ..fit.clone() };
    fits.first().map_or_else(Vec::new, |fit| subjects.iter().map(|subject| of(fit, subject)).collect())
}

/// The fits that differ, with what they are called: of a pooled model one, that of all subjects.
fn distinct<M>(fits: &[SubjectFit<M>], pooled: bool) -> impl Iterator<Item = (&str, &SubjectFit<M>)> {
    let n = if pooled { fits.len().min(1) } else { fits.len() };
    fits[..n].iter().map(move |fit| (if pooled { crate::data::ALL_SUBJECTS } else { fit.subject.as_str() }, fit))
}

/// Fits each subject, `n_parallel` at a time, each with the threads that are left for it.
fn by_subject<T: Send>(
    dataset: &dyn EpochSource,
    spec: &FitSpec,
    n_parallel: usize,
    fit: impl Fn(usize, usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let fail = |name: &str, found: usize, expected: String| {
        Err(Error::Setting { name: name.to_owned(), found: found.to_string(), expected })
    };
    if spec.batch_size == 0 {
        return fail("batch_size", 0, "at least 1 epoch".to_owned());
    }
    if spec.valid_from >= dataset.n_times() {
        let expected = format!("a sample of the epoch, below {}", dataset.n_times());
        return fail("valid_from", spec.valid_from, expected);
    }
    let n_parallel = n_parallel.min(dataset.n_subjects()).max(1);
    let inner = (spec.n_threads / n_parallel).max(1);
    parallel::map(dataset.n_subjects(), n_parallel, |subject| {
        spec.stop.check()?;
        fit(subject, inner).map_err(|error| error.at(dataset.subjects()[subject].as_str()))
    })
    .into_iter()
    .collect()
}

fn check_alphas(alphas: &[f64]) -> Result<()> {
    if !alphas.is_empty() {
        return Ok(());
    }
    Err(Error::Setting {
        name: "alphas".to_owned(),
        found: "0".to_owned(),
        expected: "at least one penalty".to_owned(),
    })
}

impl<M> SubjectFit<M> {
    /// What was chosen for `subject`, as name and text.
    fn choices(&self, subject: &str) -> Vec<(String, String)> {
        let shown: Vec<f64> = self.alphas.iter().copied().filter(|alpha| alpha.is_finite()).collect();
        let low = shown.iter().copied().fold(f64::INFINITY, f64::min);
        let high = shown.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let text = if low < high { format!("{low:.4} to {high:.4}") } else { format!("{high:.4}") };
        let mut choices = vec![(format!("alpha ({subject})"), text)];
        if let Some(r2) = self.nested_r2 {
            choices.push((format!("R² by nested cross-validation ({subject})"), format!("{r2:.4}")));
        }
        choices
    }
}

impl CohortTrf {
    /// A model of fitted parts, such as those that were read from a file.
    pub fn new(subjects: Vec<SubjectFit<Trf>>, n_threads: usize) -> Self {
        Self { subjects, single_lags: Vec::new(), pca: None, pooled: false, n_threads }
    }

    /// The model that was fitted to all subjects at once ([`crate::data::Pooled`]), for each of `subjects`.
    #[must_use]
    pub fn shared_by(self, subjects: &[String]) -> Self {
        let lags = self.single_lags.first();
        let single_lags = lags.map_or_else(Vec::new, |lags| vec![lags.clone(); subjects.len()]);
        Self { subjects: for_each_subject(&self.subjects, subjects), single_lags, pooled: true, ..self }
    }

    /// Number of coefficients and intercepts over all subjects.
    pub fn n_parameters(&self) -> usize {
        distinct(&self.subjects, self.pooled).map(|(_, fit)| fit.model.n_parameters()).sum()
    }

    /// The chosen alphas, as name and text.
    pub fn choices(&self) -> Vec<(String, String)> {
        distinct(&self.subjects, self.pooled).flat_map(|(subject, fit)| fit.choices(subject)).collect()
    }

    /// Lags (samples) of the single-lag models.
    pub fn lags(&self) -> Vec<isize> {
        let n = self.single_lags.first().map_or(0, Vec::len) as isize;
        let first = self.subjects.first().map_or(0, |fit| fit.model.lag_min);
        (first..first + n).collect()
    }

    /// The model that sees one lag alone, the one at this place in [`CohortTrf::lags`].
    pub fn at_lag(&self, place: usize) -> impl Predictor {
        let models: Vec<&Trf> = self.single_lags.iter().filter_map(|models| models.get(place)).collect();
        Parts { models, n_threads: self.n_threads }
    }
}

impl CohortBanded {
    /// Number of coefficients and intercepts over all subjects.
    pub fn n_parameters(&self) -> usize {
        self.subjects.iter().map(|fit| fit.model.n_parameters()).sum()
    }

    /// The chosen penalties and the bands' mean weights, as name and text.
    pub fn choices(&self) -> Vec<(String, String)> {
        let mut choices: Vec<_> = self.subjects.iter().flat_map(|fit| fit.choices(&fit.subject)).collect();
        for (fit, weights) in self.subjects.iter().zip(&self.weights) {
            let known: Vec<_> = weights.outer_iter().filter(|row| row.iter().all(|w| w.is_finite())).collect();
            let mean = |band: usize| known.iter().map(|row| row[band]).sum::<f64>() / known.len().max(1) as f64;
            let text: Vec<String> =
                self.bands.names.iter().enumerate().map(|(b, name)| format!("{name} {:.3}", mean(b))).collect();
            choices.push((format!("band weights ({})", fit.subject), text.join(", ")));
        }
        choices
    }

    /// What one band contributes to the prediction, without intercept: over all bands, these sum to the prediction less
    /// its intercepts.
    pub fn band(&self, band: usize) -> impl Predictor {
        let features = self.bands.features.get(band).map_or(&[][..], Vec::as_slice);
        let part = |fit: &SubjectFit<Trf>| {
            let mut part = fit.model.part(features);
            part.intercept.fill(0.0);
            part
        };
        BandPart { models: self.subjects.iter().map(part).collect(), n_threads: self.n_threads }
    }

    /// The model that was fitted without a band.
    pub fn without(&self, band: usize) -> impl Predictor {
        let models = self.without.get(band).map_or_else(Vec::new, |models| models.iter().collect());
        Parts { models, n_threads: self.n_threads }
    }
}

impl CohortRtrf {
    /// A model of fitted parts, such as those that were read from a file, rolled out from `n_init_times` true samples.
    pub fn new(subjects: Vec<SubjectFit<Rtrf>>, n_init_times: usize, n_threads: usize) -> Self {
        Self { subjects, n_init_times, pca: None, pooled: false, n_threads }
    }

    /// The model that was fitted to all subjects at once ([`crate::data::Pooled`]), for each of `subjects`.
    #[must_use]
    pub fn shared_by(self, subjects: &[String]) -> Self {
        Self { subjects: for_each_subject(&self.subjects, subjects), pooled: true, ..self }
    }

    /// Number of coefficients and intercepts over all subjects.
    pub fn n_parameters(&self) -> usize {
        distinct(&self.subjects, self.pooled).map(|(_, fit)| fit.model.n_parameters()).sum()
    }

    /// The chosen alphas and the spectral radii, as name and text.
    pub fn choices(&self) -> Vec<(String, String)> {
        distinct(&self.subjects, self.pooled)
            .flat_map(|(subject, fit)| {
                let radius = format!("{:.4}", fit.model.spectral_radius());
                let mut choices = fit.choices(subject);
                choices.push((format!("spectral radius ({subject})"), radius));
                choices
            })
            .collect()
    }

    /// Rolls out a batch and counts the epochs that diverged.
    ///
    /// # Errors
    /// [`Error::Shape`] where the batch does not fit the model.
    pub fn roll_out(&self, batch: &Batch) -> Result<Rollout> {
        let mut n_diverged = 0;
        let prediction = predict_by_subject(batch, self.subjects.len(), |subject, part| {
            let rollout = roll_out(&self.subjects[subject].model, part, self.n_init_times, self.n_threads)?;
            n_diverged += rollout.n_diverged;
            Ok(rollout.prediction)
        })?;
        Ok(Rollout { prediction, n_diverged })
    }
}

fn roll_out(model: &Rtrf, batch: &Batch, n_init_times: usize, n_threads: usize) -> Result<Rollout> {
    let (features, data) = (batch.features.mapv(f64::from), batch.data.mapv(f64::from));
    model.roll_out(&features, &data, n_init_times, ROLLOUT_GROWTH, n_threads)
}

impl Predictor for CohortTrf {
    fn predict(&self, batch: &Batch) -> Result<Array3<f32>> {
        parts(&self.subjects, self.n_threads).predict(batch)
    }

    fn inputs(&self) -> Inputs {
        Inputs::FEATURES
    }
}

impl Predictor for CohortBanded {
    fn predict(&self, batch: &Batch) -> Result<Array3<f32>> {
        parts(&self.subjects, self.n_threads).predict(batch)
    }

    fn inputs(&self) -> Inputs {
        Inputs::FEATURES
    }
}

impl Predictor for CohortRtrf {
    fn predict(&self, batch: &Batch) -> Result<Array3<f32>> {
        Ok(self.roll_out(batch)?.prediction.mapv(|v| v as f32))
    }

    fn inputs(&self) -> Inputs {
        Inputs { n_init_times: self.n_init_times, ..Inputs::FEATURES }
    }
}

/// A TRF for each subject.
struct Parts<'a> {
    models: Vec<&'a Trf>,
    n_threads: usize,
}

fn parts(subjects: &[SubjectFit<Trf>], n_threads: usize) -> Parts<'_> {
    Parts { models: subjects.iter().map(|fit| &fit.model).collect(), n_threads }
}

impl Predictor for Parts<'_> {
    fn predict(&self, batch: &Batch) -> Result<Array3<f32>> {
        let predicted = predict_by_subject(batch, self.models.len(), |subject, part| {
            self.models[subject].predict(&part.features.mapv(f64::from), self.n_threads)
        })?;
        if predicted.dim() != batch.data.dim() {
            return Err(Error::Shape {
                what: "the batch's data".to_owned(),
                found: batch.data.shape().to_vec(),
                expected: format!("{:?}, as the model predicts", predicted.dim()),
            });
        }
        Ok(predicted.mapv(|v| v as f32))
    }

    fn inputs(&self) -> Inputs {
        Inputs::FEATURES
    }
}

/// What one band contributes, for each subject.
struct BandPart {
    models: Vec<Trf>,
    n_threads: usize,
}

impl Predictor for BandPart {
    fn predict(&self, batch: &Batch) -> Result<Array3<f32>> {
        Parts { models: self.models.iter().collect(), n_threads: self.n_threads }.predict(batch)
    }

    fn inputs(&self) -> Inputs {
        Inputs::FEATURES
    }
}

/// Predicts each run of epochs of the same subject with that subject's model.
fn predict_by_subject(
    batch: &Batch,
    n_subjects: usize,
    mut predict: impl FnMut(usize, &Batch) -> Result<Array3<f64>>,
) -> Result<Array3<f64>> {
    let mut predicted = Vec::new();
    let mut start = 0;
    while start < batch.n_epochs() {
        let subject = batch.subjects[start];
        if subject >= n_subjects {
            return Err(Error::Setting {
                name: "subject".to_owned(),
                found: subject.to_string(),
                expected: format!("an index below {n_subjects}: a linear model knows only the subjects of its fit"),
            });
        }
        let n = batch.subjects[start..].iter().take_while(|&&other| other == subject).count();
        let part = Batch {
            data: batch.data.slice(s![start..start + n, .., ..]).to_owned(),
            features: batch.features.slice(s![start..start + n, .., ..]).to_owned(),
            subjects: vec![subject; n],
            measured: batch.measured.as_ref().map(|m| m.slice(s![start..start + n, .., ..]).to_owned()),
        };
        predicted.push(predict(subject, &part)?);
        start += n;
    }
    let views: Vec<_> = predicted.iter().map(|part| part.view()).collect();
    if views.is_empty() {
        return Ok(batch.data.mapv(f64::from));
    }
    ndarray::concatenate(Axis(0), &views).map_err(|_| Error::Shape {
        what: "the prediction".to_owned(),
        found: predicted.iter().map(|part| part.dim().1).collect(),
        expected: "the same number of channels for each subject".to_owned(),
    })
}
