//! Scoring a model on a set of epochs.

use indexmap::IndexMap;
use ndarray::{Array2, Array3, ArrayRef2, Axis, s};

use super::Correlation;
use super::evoked::{ALL_EPOCHS, ConditionMean, EvokedSums};
use crate::data::{Batch, Dataset, Epoch, Set, samples_within};
use crate::model::Predictor;
use crate::results::{Evoked, SubjectScore};
use crate::{Error, Result};

/// How a model is scored.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreSpec {
    /// The epochs that count.
    pub set: Set,
    /// First time (s) relative to the event that counts for the mean r; what a model is shown never does.
    pub score_from: f64,
    /// Epochs per prediction; a larger batch takes more memory and may be faster.
    pub batch_size: usize,
    /// Column of the events by whose texts evoked responses are shown, besides the mean over all epochs.
    pub condition: Option<String>,
}

/// The first sample of an epoch with these times (s) that is scored: the first at or after `score_from` (s), and not one of the
/// `n_init_times` that models are shown.
///
/// # Errors
/// [`Error::Setting`] where nothing is left.
pub fn first_scored(times: &[f64], score_from: f64, n_init_times: usize) -> Result<usize> {
    let first = samples_within(times, Some(score_from), None).start.max(n_init_times);
    if first < times.len() {
        return Ok(first);
    }
    let shown =
        if n_init_times > 0 { format!(" with an init window of {n_init_times} samples") } else { String::new() };
    Err(Error::Setting {
        name: "score_from".to_owned(),
        found: format!("{score_from}{shown}"),
        expected: format!(
            "a time (s) within the epoch, relative to the event, that leaves one of its {} samples to score",
            times.len()
        ),
    })
}

impl ScoreSpec {
    /// The first sample that counts for a model.
    pub(super) fn first_sample(&self, dataset: &Dataset, model: &dyn Predictor) -> Result<usize> {
        let first = first_scored(&dataset.times(), self.score_from, model.inputs().n_init_times)?;
        if self.batch_size == 0 {
            return Err(Error::Setting {
                name: "batch_size".to_owned(),
                found: "0".to_owned(),
                expected: "at least 1 epoch".to_owned(),
            });
        }
        Ok(first)
    }
}

/// A model's scores on a set of epochs.
#[derive(Clone, Debug)]
pub struct Scores {
    /// One entry per subject that has epochs in the set, in the data set's order.
    pub subjects: Vec<SubjectScores>,
    /// Mean over subjects of their `r`.
    pub mean_r: f64,
    /// Mean over subjects and channels, per time; like all means here over the r that there are, NaN where there is none.
    pub r_over_time: Vec<f64>,
    /// Mean over subjects and times from `score_from` on, per channel.
    pub r_per_channel: Vec<f64>,
    /// Evoked responses: [`ALL_EPOCHS`] first, then the conditions by name.
    pub evoked: Vec<ConditionMean>,
}

/// One subject's scores.
#[derive(Clone, Debug)]
pub struct SubjectScores {
    /// Label.
    pub subject: String,
    /// Number of epochs that r was taken across.
    pub n_epochs: usize,
    /// r for each channel × time, `(n_channels, n_times)`; NaN where too few epochs were measured, see [`Correlation::score`].
    pub map: Array2<f64>,
    /// Mean r over channels and times from `score_from` on.
    pub r: f64,
    /// Mean r over channels, per time.
    pub r_over_time: Vec<f64>,
}

/// Predicts the epochs of a set once, batch by batch, and scores them within each subject.
///
/// Samples that the model is shown are in maps and courses over time, but in no mean. Models that are compared are scored from
/// the end of the longest init window of theirs on: say so by `score_from`.
///
/// # Errors
/// [`Error::Setting`] where no sample is left to score or the batch size is 0; [`Error::PredictionNotFinite`]
/// where the model predicts NaN or infinity; [`Error::Shape`] where a prediction has the wrong shape; what the model reports.
pub fn score(dataset: &Dataset, model: &dyn Predictor, spec: &ScoreSpec) -> Result<Scores> {
    let first = spec.first_sample(dataset, model)?;
    let mut evoked = EvokedSums::default();
    let mut subjects = Vec::with_capacity(dataset.n_subjects());
    for index in 0..dataset.n_subjects() {
        // Where subjects are held out, the others have no test epochs.
        if dataset.subject_epochs(spec.set, index).is_empty() {
            continue;
        }
        let (scores, own) = score_one(dataset, model, spec, (index, first))?;
        evoked.push_means(own);
        subjects.push(scores);
    }
    let mut mean_map = Array2::zeros((dataset.n_channels(), dataset.n_times()));
    for ((c, t), mean) in mean_map.indexed_iter_mut() {
        *mean = mean_of(subjects.iter().map(|s| s.map[[c, t]]));
    }
    Ok(Scores {
        mean_r: mean_of(subjects.iter().map(|s| s.r)),
        r_over_time: over_channels(&mean_map),
        r_per_channel: mean_map.outer_iter().map(|row| mean_from(&row.insert_axis(Axis(0)), first)).collect(),
        evoked: evoked.means(),
        subjects,
    })
}

/// As [`score`], for one subject of the data set.
///
/// # Errors
/// As [`score`]; [`Error::NoEpochs`] where the subject has no epoch in the set.
///
/// # Panics
/// Where `subject` is not below [`Dataset::n_subjects`].
pub fn score_subject(
    dataset: &Dataset,
    model: &dyn Predictor,
    spec: &ScoreSpec,
    subject: usize,
) -> Result<SubjectScores> {
    let first = spec.first_sample(dataset, model)?;
    if dataset.subject_epochs(spec.set, subject).is_empty() {
        return Err(Error::NoEpochs {
            what: format!("the {} set of {}", spec.set.name(), dataset.subjects()[subject]),
            advice: "choose another subject, or other shares of the sets".to_owned(),
        });
    }
    Ok(score_one(dataset, model, spec, (subject, first))?.0)
}

/// Scores and evoked responses of one subject.
fn score_one(
    dataset: &Dataset,
    model: &dyn Predictor,
    spec: &ScoreSpec,
    (subject, first): (usize, usize),
) -> Result<(SubjectScores, EvokedSums)> {
    let (mut batch, mut own) = (Batch::default(), EvokedSums::default());
    let mut correlation = Correlation::new(dataset.n_channels(), dataset.n_times());
    for epochs in dataset.subject_epochs(spec.set, subject).chunks(spec.batch_size) {
        dataset.draw(epochs, &mut batch);
        let predicted = model.predict(&batch)?;
        correlation.push_measured(&batch.data, &predicted, batch.measured.as_ref())?;
        check_finite(dataset, epochs, &predicted)?;
        for (i, epoch) in epochs.iter().enumerate() {
            let (truth, predicted) = (batch.data.index_axis(Axis(0), i), predicted.index_axis(Axis(0), i));
            let measured = batch.measured.as_ref().map(|measured| measured.index_axis(Axis(0), i));
            let measured = measured.as_deref();
            own.push(ALL_EPOCHS, &truth, &predicted, measured);
            if let Some(text) = spec.condition.as_ref().and_then(|column| dataset.event_text(epoch, column)) {
                own.push(text, &truth, &predicted, measured);
            }
        }
    }
    let map = correlation.score();
    let scores = SubjectScores {
        subject: dataset.subjects()[subject].clone(),
        n_epochs: correlation.n_epochs(),
        r: mean_from(&map, first),
        r_over_time: over_channels(&map),
        map,
    };
    Ok((scores, own))
}

/// Refuses a prediction of `epochs` that holds NaN or infinity.
pub(crate) fn check_finite(dataset: &Dataset, epochs: &[Epoch], predicted: &Array3<f32>) -> Result<()> {
    let Some(((e, channel, t), value)) = predicted.indexed_iter().find(|(_, value)| !value.is_finite()) else {
        return Ok(());
    };
    let recording = &dataset.cohort().recordings[epochs[e].recording];
    Err(Error::PredictionNotFinite {
        epoch: format!("{} event {}", recording.id, epochs[e].event + 1),
        channel: dataset.cohort().channels[channel].name.clone(),
        time: dataset.times()[t],
        value: f64::from(*value),
    })
}

/// Mean over channels and over the samples from `first` on of a map `(n_channels, n_times)`, NaN left out; 0 where the map
/// has none of them, NaN where all are NaN.
pub fn mean_from(map: &ArrayRef2<f64>, first: usize) -> f64 {
    let scored = map.slice(s![.., first.min(map.ncols())..]);
    match scored.mean() {
        Some(mean) if mean.is_nan() => mean_of(scored.iter().copied()),
        mean => mean.unwrap_or(0.0),
    }
}

/// Mean over channels, per time, NaN left out.
fn over_channels(map: &Array2<f64>) -> Vec<f64> {
    let mean = map.mean_axis(Axis(0)).map_or_else(Vec::new, |mean| mean.to_vec());
    let again = |(t, mean): (usize, f64)| if mean.is_nan() { mean_of(map.column(t).iter().copied()) } else { mean };
    mean.into_iter().enumerate().map(again).collect()
}

/// Mean of the values that are not NaN, in their order; NaN where there is none.
pub(crate) fn mean_of(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut n) = (0.0, 0usize);
    for value in values.filter(|value| !value.is_nan()) {
        sum += value;
        n += 1;
    }
    sum / n as f64
}

impl Scores {
    /// The subjects' scores in the layout of `results.json`.
    pub fn subject_scores(&self) -> IndexMap<String, SubjectScore> {
        self.subjects
            .iter()
            .map(|s| {
                let score = SubjectScore { n_epochs: s.n_epochs, r: s.r, r_over_time: s.r_over_time.clone() };
                (s.subject.clone(), score)
            })
            .collect()
    }

    /// Evoked responses of several models on the same epochs, in the layout of `results.json`.
    pub fn evoked(models: &[(&str, &Self)]) -> Vec<Evoked> {
        let rows = |map: &Array2<f64>| map.outer_iter().map(|row| row.iter().map(|&v| v as f32).collect()).collect();
        let Some((_, first)) = models.first() else { return Vec::new() };
        first
            .evoked
            .iter()
            .map(|mean| Evoked {
                condition: mean.condition.clone(),
                n_epochs: mean.n_epochs,
                truth: rows(&mean.truth),
                predicted: models
                    .iter()
                    .filter_map(|(name, scores)| {
                        let own = scores.evoked.iter().find(|own| own.condition == mean.condition)?;
                        Some(((*name).to_owned(), rows(&own.predicted)))
                    })
                    .collect(),
            })
            .collect()
    }
}
