//! Linear models of whole cohorts: one per subject, alpha chosen on the subject's validation set.

use ndarray::{Array3, Axis, s};

use super::rtrf::RtrfMoments;
use super::trf::{SignalMeans, TrfMoments};
use super::{Rollout, Rtrf, RtrfConfig, Trf, TrfConfig};
use crate::data::{Batch, Dataset, Set};
use crate::metrics::{Correlation, mean_from};
use crate::model::Predictor;
use crate::{Error, Result, parallel};

/// Scaled data are held within this many interquartile ranges in a roll-out; rejection keeps true data far below.
const ROLLOUT_LIMIT: f64 = 1e3;

/// How models are fitted to a cohort.
#[derive(Clone, Debug, PartialEq)]
pub struct FitSpec {
    /// First sample of the epoch that counts when alpha is chosen: the end of the init window.
    pub valid_from: usize,
    /// Epochs drawn at a time.
    pub batch_size: usize,
    /// Subjects fitted at the same time.
    pub n_threads: usize,
}

/// One subject's model and how its alpha was chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct SubjectFit<M> {
    /// Subject label.
    pub subject: String,
    /// The model with the chosen alpha.
    pub model: M,
    /// The chosen alpha.
    pub alpha: f64,
    /// Mean r on the validation epochs after the init window, for each alpha of the configuration.
    pub valid_r: Vec<f64>,
}

/// A TRF per subject.
#[derive(Clone, Debug)]
pub struct CohortTrf {
    /// One per subject of the data set, in its order.
    pub subjects: Vec<SubjectFit<Trf>>,
    n_threads: usize,
}

/// An RTRF per subject.
#[derive(Clone, Debug)]
pub struct CohortRtrf {
    /// One per subject of the data set, in its order.
    pub subjects: Vec<SubjectFit<Rtrf>>,
    n_init_times: usize,
    n_threads: usize,
}

/// Fits a TRF to each subject's training epochs; alpha by the mean r across validation epochs, over channels and the
/// samples from `spec.valid_from` on. One pass over the epochs for means, one for moments, one for validation.
///
/// # Errors
/// As [`Trf::fit`]; [`Error::Setting`] where there is no alpha.
pub fn fit_trf(dataset: &Dataset, config: &TrfConfig, spec: &FitSpec) -> Result<CohortTrf> {
    let subjects = by_subject(dataset, &config.alphas, spec, |subject| {
        let train = dataset.subject_epochs(Set::Train, subject);
        let mut means = SignalMeans::default();
        draw_blocks(dataset, train, spec.batch_size, |features, data| {
            means.push(&features, &data);
            Ok(())
        })?;
        let mut moments = TrfMoments::new(config, means, dataset.n_times(), 1)?;
        draw_blocks(dataset, train, spec.batch_size, |features, data| moments.push(features, data))?;
        let system = moments.finish(dataset.features());
        let models =
            config.alphas.iter().map(|&alpha| system.solve(config.penalty, alpha)).collect::<Result<Vec<_>>>()?;
        choose(dataset, subject, models, &config.alphas, spec, |model, batch| {
            model.predict(&batch.features.mapv(f64::from), 1)
        })
    })?;
    Ok(CohortTrf { subjects, n_threads: spec.n_threads })
}

/// Fits an RTRF to each subject's training epochs; alpha by the mean r of its roll-out from `n_init_times` true samples,
/// otherwise as [`fit_trf`].
///
/// # Errors
/// As [`Rtrf::fit`]; [`Error::Setting`] where there is no alpha.
pub fn fit_rtrf(dataset: &Dataset, config: &RtrfConfig, n_init_times: usize, spec: &FitSpec) -> Result<CohortRtrf> {
    let subjects = by_subject(dataset, &config.alphas, spec, |subject| {
        let shape = [dataset.n_features(), dataset.n_channels(), dataset.n_times()];
        let mut moments = RtrfMoments::new(config, shape, 1)?;
        let train = dataset.subject_epochs(Set::Train, subject);
        draw_blocks(dataset, train, spec.batch_size, |features, data| moments.push(&features, &data))?;
        let channels: Vec<String> = dataset.cohort().channels.iter().map(|channel| channel.name.clone()).collect();
        let system = moments.finish(&channels, dataset.features())?;
        let models = config.alphas.iter().map(|&alpha| system.solve(alpha)).collect::<Result<Vec<_>>>()?;
        choose(dataset, subject, models, &config.alphas, spec, |model, batch| {
            Ok(roll_out(model, batch, n_init_times, 1)?.prediction)
        })
    })?;
    Ok(CohortRtrf { subjects, n_init_times, n_threads: spec.n_threads })
}

fn by_subject<M: Send>(
    dataset: &Dataset,
    alphas: &[f64],
    spec: &FitSpec,
    fit: impl Fn(usize) -> Result<SubjectFit<M>> + Sync,
) -> Result<Vec<SubjectFit<M>>> {
    let fail = |name: &str, found: usize, expected: String| {
        Err(Error::Setting { name: name.to_owned(), found: found.to_string(), expected })
    };
    if alphas.is_empty() {
        return fail("alphas", 0, "at least one penalty".to_owned());
    }
    if spec.batch_size == 0 {
        return fail("batch_size", 0, "at least 1 epoch".to_owned());
    }
    if spec.valid_from >= dataset.n_times() {
        let expected = format!("a sample of the epoch, below {}", dataset.n_times());
        return fail("valid_from", spec.valid_from, expected);
    }
    // Each subject is fitted by one thread, so that the number of threads changes no digit.
    parallel::map(dataset.n_subjects(), spec.n_threads, |subject| {
        fit(subject).map_err(|error| error.at(dataset.subjects()[subject].as_str()))
    })
    .into_iter()
    .collect()
}

fn draw_blocks(
    dataset: &Dataset,
    epochs: &[crate::data::Epoch],
    batch_size: usize,
    mut work: impl FnMut(Array3<f64>, Array3<f64>) -> Result<()>,
) -> Result<()> {
    let mut batch = Batch::default();
    for block in epochs.chunks(batch_size) {
        dataset.draw(block, &mut batch);
        work(batch.features.mapv(f64::from), batch.data.mapv(f64::from))?;
    }
    Ok(())
}

fn choose<M>(
    dataset: &Dataset,
    subject: usize,
    models: Vec<M>,
    alphas: &[f64],
    spec: &FitSpec,
    predict: impl Fn(&M, &Batch) -> Result<Array3<f64>>,
) -> Result<SubjectFit<M>> {
    let mut scores = vec![Correlation::new(dataset.n_channels(), dataset.n_times()); models.len()];
    let mut batch = Batch::default();
    for block in dataset.subject_epochs(Set::Valid, subject).chunks(spec.batch_size) {
        dataset.draw(block, &mut batch);
        for (model, score) in models.iter().zip(&mut scores) {
            score.push(&batch.data, &predict(model, &batch)?.mapv(|v| v as f32))?;
        }
    }
    let valid_r: Vec<f64> = scores.iter().map(|score| mean_from(&score.r(), spec.valid_from)).collect();
    // The first of equals, as a strict comparison in the order of the configuration gives.
    let best = (0..valid_r.len()).fold(0, |best, i| if valid_r[i] > valid_r[best] { i } else { best });
    let model = models.into_iter().nth(best).expect("there is an alpha");
    Ok(SubjectFit { subject: dataset.subjects()[subject].clone(), model, alpha: alphas[best], valid_r })
}

impl CohortTrf {
    /// A model of fitted parts, such as those that were read from a file.
    pub fn new(subjects: Vec<SubjectFit<Trf>>, n_threads: usize) -> Self {
        Self { subjects, n_threads }
    }

    /// Number of coefficients and intercepts over all subjects.
    pub fn n_parameters(&self) -> usize {
        self.subjects.iter().map(|fit| fit.model.n_parameters()).sum()
    }

    /// The chosen alphas, as name and text.
    pub fn choices(&self) -> Vec<(String, String)> {
        self.subjects.iter().map(SubjectFit::choice).collect()
    }
}

impl<M> SubjectFit<M> {
    fn choice(&self) -> (String, String) {
        (format!("alpha ({})", self.subject), format!("{:.3}", self.alpha))
    }
}

impl CohortRtrf {
    /// A model of fitted parts, such as those that were read from a file, rolled out from `n_init_times` true samples.
    pub fn new(subjects: Vec<SubjectFit<Rtrf>>, n_init_times: usize, n_threads: usize) -> Self {
        Self { subjects, n_init_times, n_threads }
    }

    /// Number of coefficients and intercepts over all subjects.
    pub fn n_parameters(&self) -> usize {
        self.subjects.iter().map(|fit| fit.model.n_parameters()).sum()
    }

    /// The chosen alphas and the spectral radii, as name and text.
    pub fn choices(&self) -> Vec<(String, String)> {
        self.subjects
            .iter()
            .flat_map(|fit| {
                let radius = format!("{:.4}", fit.model.spectral_radius());
                [fit.choice(), (format!("spectral radius ({})", fit.subject), radius)]
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
        Ok(Rollout { prediction: prediction.mapv(f64::from), n_diverged })
    }
}

fn roll_out(model: &Rtrf, batch: &Batch, n_init_times: usize, n_threads: usize) -> Result<Rollout> {
    let (features, data) = (batch.features.mapv(f64::from), batch.data.mapv(f64::from));
    model.roll_out(&features, &data, n_init_times, ROLLOUT_LIMIT, n_threads)
}

impl Predictor for CohortTrf {
    fn predict(&self, batch: &Batch) -> Result<Array3<f32>> {
        predict_by_subject(batch, self.subjects.len(), |subject, part| {
            self.subjects[subject].model.predict(&part.features.mapv(f64::from), self.n_threads)
        })
    }
}

impl Predictor for CohortRtrf {
    fn predict(&self, batch: &Batch) -> Result<Array3<f32>> {
        Ok(self.roll_out(batch)?.prediction.mapv(|v| v as f32))
    }
}

/// Predicts each run of epochs of the same subject with that subject's model.
fn predict_by_subject(
    batch: &Batch,
    n_subjects: usize,
    mut predict: impl FnMut(usize, &Batch) -> Result<Array3<f64>>,
) -> Result<Array3<f32>> {
    let mut predicted = Array3::zeros(batch.data.dim());
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
        let own = predict(subject, &part)?;
        if own.dim() != part.data.dim() {
            return Err(Error::Shape {
                what: "the batch's data".to_owned(),
                found: part.data.shape().to_vec(),
                expected: format!("{:?}, as the model predicts", own.dim()),
            });
        }
        predicted.slice_axis_mut(Axis(0), (start..start + n).into()).assign(&own.mapv(|v| v as f32));
        start += n;
    }
    Ok(predicted)
}
