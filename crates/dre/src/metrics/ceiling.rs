//! The noise ceiling: how well any model that sees only the stimulus could predict.

use indexmap::IndexMap;
use ndarray::{Array2, Array3, Axis};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::{Correlation, bootstrap_interval, first_scored, mean_from, mean_of};
use crate::data::{Batch, Dataset, Epoch, Set};
use crate::results::{CeilingMethod, CeilingResult};
use crate::{Result, Stop, parallel};

/// With fewer stimuli an r across them says nothing.
const LEAST_STIMULI: usize = 10;
/// Random halves whose r are averaged.
const N_SPLITS: usize = 10;
/// Seed of the bootstrap, the same for all intervals so that they do not depend on their order.
const BOOTSTRAP_SEED: u64 = 0;

/// How a noise ceiling is estimated.
#[derive(Clone, Debug, PartialEq)]
pub struct CeilingSpec {
    /// The epochs that models are scored on.
    pub set: Set,
    /// Column of the events that says which stimulus an event is: epochs with the same text had the same one.
    pub column: String,
    /// First time (s) relative to the event that counts for the means.
    pub score_from: f64,
    /// Seed of the halves.
    pub seed: u64,
    /// Threads; they do not change the result.
    pub n_threads: usize,
    /// Ends the work with [`Error::Stopped`](crate::Error::Stopped).
    pub stop: Stop,
}

/// Estimates, for each subject, channel and time, the r across epochs that a perfect prediction from the stimulus alone
/// could reach.
///
/// **Within subjects**, where stimuli are repeated: repetitions of each stimulus are divided at random into two halves of k
/// each; r of the halves' means across stimuli, averaged over 10 divisions, is the reliability of a mean of k epochs, and
/// the Spearman–Brown formula (Spearman 1910, Brown 1910), ρ₁ = r / (k − (k − 1) r), that of a single one. Its root is the
/// ceiling (Hsu, Borst & Theunissen 2004). Estimates below 0, which are noise, keep their sign under the root, so that they
/// cancel in means.
///
/// **Between subjects** otherwise: r of single epochs with the mean response of the other subjects to the same stimulus,
/// across epochs; a lower bound, since others' means are noisy and brains differ.
///
/// Reads the set's epochs 10 times, or once.
///
/// # Errors
/// [`Error::NoColumn`](crate::Error::NoColumn) where a recording lacks the column; [`Error::Setting`](crate::Error::Setting) where no time is at or after `score_from`.
pub fn noise_ceiling(dataset: &Dataset, spec: &CeilingSpec) -> Result<CeilingResult> {
    let first = first_scored(&dataset.times(), spec.score_from, 0)?;
    let stimuli = stimuli(dataset, spec)?;
    let column = &spec.column;
    let repeated: Vec<usize> = stimuli.iter().map(|own| own.values().filter(|e| e.len() >= 2).count()).collect();
    if repeated.iter().any(|&n| n >= LEAST_STIMULI) {
        let maps = parallel::map(dataset.n_subjects(), spec.n_threads, |subject| {
            (repeated[subject] >= LEAST_STIMULI).then(|| within(dataset, &stimuli[subject], subject, spec))
        });
        let maps = maps.into_iter().map(Option::transpose).collect::<Result<Vec<_>>>()?;
        let n = repeated.iter().filter(|n| **n >= LEAST_STIMULI).count();
        let most = repeated.iter().max().unwrap_or(&0);
        let note = format!(
            "split-half reliability over repeated stimuli (`{column}`; up to {most} per subject, {n} subjects), Spearman–Brown, of \
             single epochs"
        );
        return Ok(summarise(dataset, first, CeilingMethod::Repeats, note, &maps));
    }
    let mut holders: IndexMap<&str, usize> = IndexMap::new();
    stimuli.iter().flat_map(|own| own.keys()).for_each(|text| *holders.entry(text).or_default() += 1);
    let is_shared = |text: &str| holders.get(text).is_some_and(|&n| n >= 2);
    let shared: Vec<usize> = stimuli.iter().map(|own| own.keys().filter(|text| is_shared(text)).count()).collect();
    if shared.iter().any(|&n| n >= LEAST_STIMULI) {
        let texts: Vec<&str> = holders.keys().copied().filter(|text| is_shared(text)).collect();
        let mut maps = between(dataset, &stimuli, &texts, &spec.stop)?;
        maps.iter_mut().zip(&shared).filter(|(_, n)| **n < LEAST_STIMULI).for_each(|(map, _)| *map = None);
        let note = format!(
            "between subjects: the others' mean response to the same stimulus (`{column}`, {} shared) predicts one subject; a \
             lower bound",
            texts.len()
        );
        return Ok(summarise(dataset, first, CeilingMethod::Subjects, note, &maps));
    }
    let most = |counts: &[usize]| counts.iter().copied().max().unwrap_or(0);
    let note = format!(
        "no noise ceiling: of the stimuli in column `{column}`, at most {} are repeated within a subject's {} epochs and {} \
         are shared with another subject; {LEAST_STIMULI} are needed",
        most(&repeated),
        spec.set.name(),
        most(&shared)
    );
    Ok(summarise(dataset, first, CeilingMethod::None, note, &vec![None; dataset.n_subjects()]))
}

type Stimuli<'a> = IndexMap<&'a str, Vec<Epoch>>;

/// Each subject's epochs by stimulus, those without one left out.
fn stimuli<'a>(dataset: &'a Dataset, spec: &CeilingSpec) -> Result<Vec<Stimuli<'a>>> {
    for (i, _) in dataset.scalers() {
        let recording = &dataset.cohort().recordings[i];
        let wanted = || "report.repeats".to_owned();
        recording.events.column(&spec.column, wanted).map_err(|e| e.at(recording.id.as_str()))?;
    }
    let of = |subject: usize| {
        let mut own = Stimuli::new();
        for epoch in dataset.subject_epochs(spec.set, subject) {
            let text = dataset.event_text(epoch, &spec.column).map(str::trim);
            if let Some(text) = text.filter(|text| !text.is_empty() && !text.eq_ignore_ascii_case("n/a")) {
                own.entry(text).or_default().push(*epoch);
            }
        }
        own
    };
    Ok((0..dataset.n_subjects()).map(of).collect())
}

/// Sum of what was measured of epochs, and how often each sample was.
#[derive(Clone, Debug)]
struct Sum {
    values: Array2<f64>,
    counts: Array2<f64>,
}

impl Sum {
    fn of(batch: &Batch, epochs: std::ops::Range<usize>) -> Self {
        let (_, n_channels, n_times) = batch.data.dim();
        let mut sum =
            Self { values: Array2::zeros((n_channels, n_times)), counts: Array2::zeros((n_channels, n_times)) };
        for epoch in epochs {
            // What was not measured is 0.
            sum.values.zip_mut_with(&batch.data.index_axis(Axis(0), epoch), |sum, &x| *sum += f64::from(x));
            match &batch.measured {
                None => sum.counts += 1.0,
                Some(measured) => {
                    let there = measured.index_axis(Axis(0), epoch);
                    sum.counts.zip_mut_with(&there, |n, &is| *n += f64::from(u8::from(is)));
                }
            }
        }
        sum
    }

    /// The mean and where there is one, as an epoch.
    fn mean(&self) -> (Array3<f32>, Array3<bool>) {
        let there = self.counts.mapv(|n| n > 0.0).insert_axis(Axis(0));
        let mean = (&self.values / &self.counts.mapv(|n| n.max(1.0))).mapv(|x| x as f32).insert_axis(Axis(0));
        (mean, there)
    }
}

/// The ceiling of one subject from its repeated stimuli.
fn within(dataset: &Dataset, stimuli: &Stimuli<'_>, subject: usize, spec: &CeilingSpec) -> Result<Array2<f64>> {
    let repeated: Vec<&Vec<Epoch>> = stimuli.values().filter(|epochs| epochs.len() >= 2).collect();
    let half = repeated.iter().map(|epochs| epochs.len() / 2).min().unwrap_or(1);
    let shape = (dataset.n_channels(), dataset.n_times());
    let mut rng = ChaCha8Rng::seed_from_u64(spec.seed);
    rng.set_stream(subject as u64);
    let (mut total, mut batch) = (Array2::<f64>::zeros(shape), Batch::default());
    for _ in 0..N_SPLITS {
        let mut correlation = Correlation::new(shape.0, shape.1);
        for epochs in &repeated {
            spec.stop.check()?;
            let mut drawn = (*epochs).clone();
            drawn.shuffle(&mut rng);
            dataset.draw(&drawn[..2 * half], &mut batch);
            let (a, in_a) = Sum::of(&batch, 0..half).mean();
            let (b, in_b) = Sum::of(&batch, half..2 * half).mean();
            push(&mut correlation, &a, &b, &(in_a & in_b));
        }
        total += &correlation.r();
    }
    let k = half as f64;
    Ok(total.mapv(|sum| {
        let r = sum / N_SPLITS as f64;
        let single = r / (k - (k - 1.0) * r);
        single.signum() * single.abs().sqrt()
    }))
}

/// Adds one pair of epochs where both were measured; marks are needed only where some were not.
fn push(correlation: &mut Correlation, a: &Array3<f32>, b: &Array3<f32>, there: &Array3<bool>) {
    let there = (!there.iter().all(|&is| is)).then_some(there);
    correlation.push_measured(a, b, there).expect("epochs of one data set have one shape");
}

/// The lower bounds of all subjects from the others' responses to the same stimuli.
fn between(
    dataset: &Dataset,
    stimuli: &[Stimuli<'_>],
    texts: &[&str],
    stop: &Stop,
) -> Result<Vec<Option<Array2<f64>>>> {
    let shape = (dataset.n_channels(), dataset.n_times());
    let mut correlations = vec![Correlation::new(shape.0, shape.1); stimuli.len()];
    let mut batch = Batch::default();
    for text in texts {
        stop.check()?;
        let holders: Vec<(usize, &Vec<Epoch>)> =
            stimuli.iter().enumerate().filter_map(|(subject, own)| Some((subject, own.get(text)?))).collect();
        // The mean over others of each one's mean.
        let means: Vec<(Array3<f32>, Array3<bool>)> = holders
            .iter()
            .map(|(_, epochs)| {
                dataset.draw(epochs, &mut batch);
                Sum::of(&batch, 0..epochs.len()).mean()
            })
            .collect();
        for (place, (subject, epochs)) in holders.iter().enumerate() {
            let others = means.iter().enumerate().filter(|(other, _)| *other != place);
            let mut sum = Sum { values: Array2::zeros(shape), counts: Array2::zeros(shape) };
            for (_, (mean, there)) in others {
                sum.values.zip_mut_with(&mean.index_axis(Axis(0), 0), |sum, &x| *sum += f64::from(x));
                sum.counts.zip_mut_with(&there.index_axis(Axis(0), 0), |n, &is| *n += f64::from(u8::from(is)));
            }
            let (mean, there) = sum.mean();
            dataset.draw(epochs, &mut batch);
            for epoch in 0..epochs.len() {
                let own = batch.data.index_axis(Axis(0), epoch).insert_axis(Axis(0)).to_owned();
                let measured = match &batch.measured {
                    None => there.clone(),
                    Some(measured) => &there & &measured.index_axis(Axis(0), epoch).insert_axis(Axis(0)),
                };
                push(&mut correlations[*subject], &own, &mean, &measured);
            }
        }
    }
    Ok(correlations.iter().map(|c| (c.n_epochs() > 0).then(|| c.r())).collect())
}

fn summarise(
    dataset: &Dataset,
    first: usize,
    method: CeilingMethod,
    note: String,
    maps: &[Option<Array2<f64>>],
) -> CeilingResult {
    let means: Vec<f64> = maps.iter().map(|map| map.as_ref().map_or(f64::NAN, |map| mean_from(map, first))).collect();
    let there: Vec<&Array2<f64>> = maps.iter().flatten().collect();
    let (n_channels, n_times) = (dataset.n_channels(), dataset.n_times());
    let at = |c: usize, t: usize| mean_of(there.iter().map(|map| map[[c, t]]));
    CeilingResult {
        method,
        note,
        subjects: dataset
            .subjects()
            .iter()
            .zip(&means)
            .map(|(label, mean)| (label.clone(), Some(*mean).filter(|mean| mean.is_finite())))
            .collect(),
        mean: mean_of(means.iter().copied()),
        confidence: bootstrap_interval(&means, BOOTSTRAP_SEED),
        over_time: (0..n_times).map(|t| mean_of((0..n_channels).map(|c| at(c, t)))).collect(),
        per_channel: (0..n_channels).map(|c| mean_of((first..n_times).map(|t| at(c, t)))).collect(),
    }
}
