//! Brain states: responses after different power or phase of an ongoing rhythm, as they are and as models predict them.
//!
//! The epochs of a set are ordered, within each subject, by a rhythm's power or phase in a window before the response
//! (the init window, usually). A model that uses the brain's past can predict how a response depends on the state; one that
//! sees the stimulus alone cannot. The latter's r between true and predicted difference is above 0 all the same, since bins
//! differ in their stimuli, by chance and by what came before: what a model captures of the state is what it has beyond such a
//! model.

mod modulation;
mod rhythm;
mod spec;
mod summary;

use std::f64::consts::TAU;
use std::ops::{ControlFlow, Range};

use ndarray::{Array2, Array3, Axis, Zip};
use serde::{Deserialize, Serialize};

use crate::data::{Batch, Dataset, Epoch, Set};
use crate::model::Predictor;
use crate::{Error, Result};

use rhythm::{CrossSpectrum, Rhythm, Seen, anchored, phase};
pub use spec::StateSpec;
pub use summary::{StateSummarySpec, not_computed, summarise};

/// Whether the samples `window` of epochs at `sfreq` (Hz) can tell power and phase in a band (Hz).
///
/// # Errors
/// [`Error::Setting`] for a band that makes no sense or a window that holds fewer than two of its cycles.
pub fn check_window(band: [f64; 2], window: Range<usize>, sfreq: f64) -> Result<()> {
    Rhythm::new(band, window, sfreq).map(|_| ())
}

/// What epochs are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Power in the band: mean over channels and the band's frequencies, in as many quantiles as there are bins.
    Power,
    /// Phase at the window's end, at the band's frequency at which the subject's training epochs have most power, of the spatial
    /// pattern in which the training epochs have most power;
    /// bins of equal width, the first around phase 0 of one channel that is the same for all subjects.
    Phase,
}

/// How states are told.
#[derive(Clone, Debug, PartialEq)]
pub struct BinSpec {
    /// The rhythm's first and last frequency (Hz).
    pub band: [f64; 2],
    /// The samples of an epoch in which it is measured.
    pub window: Range<usize>,
    /// The channels on which it is measured; all where empty.
    pub channels: Vec<usize>,
    /// Number of bins, at least 3.
    pub n_bins: usize,
    /// The epochs that are ordered.
    pub set: Set,
    /// A subject with fewer epochs than this in any bin is left out; at least 1.
    pub min_epochs: usize,
    /// Epochs drawn at a time.
    pub batch_size: usize,
}

impl By {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Power => "power",
            Self::Phase => "phase",
        }
    }

    /// The two of `n_bins` bins whose difference is the modulation: most and least power, or phase 0 and the bin next to π.
    pub fn contrast(self, n_bins: usize) -> (usize, usize) {
        match self {
            Self::Power => (n_bins - 1, 0),
            Self::Phase => (0, n_bins / 2),
        }
    }
}

/// Responses of one subject's epochs in one state.
#[derive(Clone, Debug, PartialEq)]
pub struct StateBin {
    /// Number of epochs.
    pub n_epochs: usize,
    /// Mean of log₁₀ power (scaled units squared), or the bin's middle phase (radians).
    pub value: f64,
    /// Mean true response, `(n_channels, n_times)`; NaN where nothing was measured.
    pub truth: Array2<f64>,
    /// The same as each model predicts it.
    pub predicted: Vec<Array2<f64>>,
}

/// One subject's responses by state.
#[derive(Clone, Debug, PartialEq)]
pub struct SubjectStates {
    /// Label.
    pub subject: String,
    /// The rhythm's frequency (Hz): that of the band at which the subject has most power.
    pub frequency: f64,
    /// Mean response of the training epochs, that sizes are measured along; none where the subject has no training epochs.
    pub template: Option<Array2<f64>>,
    /// From least to most power, or from phase 0 on.
    pub bins: Vec<StateBin>,
}

/// Responses by state of all subjects that have enough epochs.
#[derive(Clone, Debug, PartialEq)]
pub struct States {
    /// What epochs were ordered by.
    pub by: By,
    /// In the data set's order.
    pub subjects: Vec<SubjectStates>,
    /// Labels of subjects that were left out, and why.
    pub left_out: Vec<(String, String)>,
}

/// How well one model's prediction follows the state, for one subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Captured {
    /// r between true and predicted difference of responses (most less least power, or phase 0 less phase π), over channels
    /// and times from `score_from` on.
    pub r: f64,
    /// The same over channels at each time; NaN with fewer than three channels.
    pub r_over_time: Vec<f64>,
    /// r across bins for each channel × time.
    pub map: Array2<f64>,
}

impl States {
    /// True difference of responses, `(n_subjects, n_channels, n_times)`: most less least power, or phase 0 less phase π.
    pub fn truth(&self) -> Array3<f64> {
        self.stacked(|subject| modulation::difference(self.by, &subject.bins, |bin| &bin.truth))
    }

    /// The same as a model predicts it.
    pub fn predicted(&self, model: usize) -> Array3<f64> {
        self.stacked(|subject| modulation::difference(self.by, &subject.bins, |bin| &bin.predicted[model]))
    }

    /// What a model captures of it, for each subject.
    pub fn captured(&self, model: usize, score_from: usize) -> Vec<Captured> {
        let one = |subject: &SubjectStates| {
            let truth = modulation::difference(self.by, &subject.bins, |bin| &bin.truth);
            let predicted = modulation::difference(self.by, &subject.bins, |bin| &bin.predicted[model]);
            Captured {
                r: modulation::r_of_maps(&truth, &predicted, score_from),
                r_over_time: modulation::r_over_channels(&truth, &predicted),
                map: modulation::r_across_bins(&subject.bins, model),
            }
        };
        self.subjects.iter().map(one).collect()
    }

    fn stacked(&self, of: impl Fn(&SubjectStates) -> Array2<f64>) -> Array3<f64> {
        let maps: Vec<Array2<f64>> = self.subjects.iter().map(of).collect();
        let views: Vec<_> = maps.iter().map(|map| map.view()).collect();
        ndarray::stack(Axis(0), &views).unwrap_or_else(|_| Array3::zeros((0, 0, 0)))
    }
}

/// Orders the epochs of a set by a rhythm's power and by its phase, and averages true and predicted responses in each bin.
/// Every model predicts every epoch once. `progress` hears of every batch of predicted epochs; none where it breaks off.
///
/// # Errors
/// [`Error::Setting`] for a band, window or number of bins that makes no sense; what the models report.
pub fn analyse(
    dataset: &Dataset,
    models: &[&dyn Predictor],
    spec: &BinSpec,
    progress: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<Option<[States; 2]>> {
    let check = |holds: bool, name: &str, found: String, expected: &str| {
        if holds {
            return Ok(());
        }
        Err(Error::Setting { name: name.to_owned(), found, expected: expected.to_owned() })
    };
    check(spec.n_bins >= 3, "n_bins", spec.n_bins.to_string(), "3 or above, so that r across bins means something")?;
    check(spec.min_epochs > 0, "min_epochs", "0".to_owned(), "at least 1 epoch")?;
    check(spec.batch_size > 0, "batch_size", "0".to_owned(), "at least 1 epoch")?;
    let n_times = dataset.n_times();
    let found = format!("samples {} to {}", spec.window.start, spec.window.end);
    check(spec.window.end <= n_times, "window", found, &format!("samples of the epoch, which has {n_times}"))?;
    let rhythm = Rhythm::new(spec.band, spec.window.clone(), dataset.sfreq())?.on(&spec.channels, dataset.n_channels());
    let mut patterns: Vec<Option<Vec<faer::c64>>> = Vec::new();
    let mut rhythms = Vec::new();
    let mut sizes = vec![0.0; dataset.n_channels()];
    for subject in 0..dataset.n_subjects() {
        let mut spectrum = CrossSpectrum::new(dataset.n_channels());
        // A held-out subject has no training epochs; the pattern of the ordered ones serves, since no response enters it.
        let train = dataset.subject_epochs(Set::Train, subject);
        let epochs = if train.is_empty() { dataset.subject_epochs(spec.set, subject) } else { train };
        let mut powers = vec![0.0; rhythm.n_frequencies()];
        look(dataset, epochs, &rhythm, spec.batch_size, |seen| {
            powers.iter_mut().zip(seen.spectrum).for_each(|(sum, power)| *sum += power);
        });
        let own = rhythm.centred(&powers);
        look(dataset, epochs, &own, spec.batch_size, |seen| spectrum.push(&seen.centre));
        let pattern = spectrum.pattern();
        rhythms.push(own);
        for (size, z) in sizes.iter_mut().zip(pattern.iter().flatten()) {
            *size += z.norm();
        }
        patterns.push(pattern);
    }
    let anchor = (0..sizes.len()).fold(0, |best, c| if sizes[c] > sizes[best] { c } else { best });
    let mut found = [By::Power, By::Phase].map(|by| States { by, subjects: Vec::new(), left_out: Vec::new() });
    for (subject, label) in dataset.subjects().iter().enumerate() {
        let epochs = dataset.subject_epochs(spec.set, subject);
        if epochs.is_empty() {
            continue;
        }
        let pattern = patterns[subject].as_ref().map(|pattern| anchored(pattern, anchor));
        let mut powers = Vec::with_capacity(epochs.len());
        let mut phases = Vec::with_capacity(epochs.len());
        look(dataset, epochs, &rhythms[subject], spec.batch_size, |seen| {
            powers.push(seen.power);
            phases.push(pattern.as_ref().map_or(f64::NAN, |pattern| phase(pattern, &seen.centre)));
        });
        let chosen = [quantiles(&powers, spec.n_bins), sectors(&phases, spec.n_bins)];
        let Some(means) = averages(dataset, epochs, models, &chosen, spec, progress)? else { return Ok(None) };
        let values: [Vec<f64>; 2] = [
            bin_means(&powers.iter().map(|power| power.log10()).collect::<Vec<_>>(), &chosen[0], spec.n_bins),
            (0..spec.n_bins).map(|bin| TAU * bin as f64 / spec.n_bins as f64).collect(),
        ];
        for ((states, mut bins), values) in found.iter_mut().zip(means).zip(values) {
            if let Some(least) = bins.iter().map(|bin| bin.n_epochs).min().filter(|&n| n < spec.min_epochs) {
                let reason = format!(
                    "the smallest of {} bins of {} has {least} of {} epochs, fewer than {}; use fewer bins or more epochs",
                    spec.n_bins,
                    states.by.name(),
                    epochs.len(),
                    spec.min_epochs
                );
                states.left_out.push((label.clone(), reason));
                continue;
            }
            bins.iter_mut().zip(values).for_each(|(bin, value)| bin.value = value);
            states.subjects.push(SubjectStates {
                subject: label.clone(),
                frequency: rhythms[subject].frequency(),
                template: mean_response(dataset, dataset.subject_epochs(Set::Train, subject), spec.batch_size),
                bins,
            });
        }
    }
    Ok(Some(found))
}

/// Looks at epochs in their order.
fn look(dataset: &Dataset, epochs: &[Epoch], rhythm: &Rhythm, batch_size: usize, mut work: impl FnMut(Seen)) {
    let mut batch = Batch::default();
    for block in epochs.chunks(batch_size) {
        dataset.draw(block, &mut batch);
        for i in 0..block.len() {
            let measured = batch.measured.as_ref().map(|measured| measured.index_axis(Axis(0), i));
            work(rhythm.of(&batch.data.index_axis(Axis(0), i), measured.as_deref()));
        }
    }
}

/// Mean over epochs, NaN where none was measured; nothing where there is no epoch.
fn mean_response(dataset: &Dataset, epochs: &[Epoch], batch_size: usize) -> Option<Array2<f64>> {
    let mut sums = Array2::<f64>::zeros((dataset.n_channels(), dataset.n_times()));
    let mut counts = sums.clone();
    let mut batch = Batch::default();
    for block in epochs.chunks(batch_size) {
        dataset.draw(block, &mut batch);
        for i in 0..block.len() {
            Zip::from(&mut sums)
                .and(batch.data.index_axis(Axis(0), i))
                .for_each(|sum, &value| *sum += f64::from(value));
            match &batch.measured {
                None => counts += 1.0,
                Some(measured) => Zip::from(&mut counts)
                    .and(measured.index_axis(Axis(0), i))
                    .for_each(|count, &is| *count += f64::from(u8::from(is))),
            }
        }
    }
    (!epochs.is_empty()).then(|| sums / counts)
}

/// The bin of each value, as equal in number as can be; none for NaN.
fn quantiles(values: &[f64], n_bins: usize) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..values.len()).filter(|&i| !values[i].is_nan()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]).then(a.cmp(&b)));
    let mut bins = vec![None; values.len()];
    for (rank, &i) in order.iter().enumerate() {
        bins[i] = Some(rank * n_bins / order.len());
    }
    bins
}

/// The bin of each phase, the first around 0.
fn sectors(phases: &[f64], n_bins: usize) -> Vec<Option<usize>> {
    let width = TAU / n_bins as f64;
    let bin = |phase: f64| ((phase / width).round() as isize).rem_euclid(n_bins as isize) as usize;
    phases.iter().map(|&phase| phase.is_finite().then(|| bin(phase))).collect()
}

fn bin_means(values: &[f64], chosen: &[Option<usize>], n_bins: usize) -> Vec<f64> {
    let mean = |bin: usize| {
        let own: Vec<f64> = values.iter().zip(chosen).filter(|(_, b)| **b == Some(bin)).map(|(v, _)| *v).collect();
        own.iter().sum::<f64>() / own.len() as f64
    };
    (0..n_bins).map(mean).collect()
}

/// Means of true and predicted epochs in each bin, for each way of choosing; none where `progress` breaks off.
fn averages(
    dataset: &Dataset,
    epochs: &[Epoch],
    models: &[&dyn Predictor],
    chosen: &[Vec<Option<usize>>; 2],
    spec: &BinSpec,
    progress: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<Option<[Vec<StateBin>; 2]>> {
    let zeros = || Array2::<f64>::zeros((dataset.n_channels(), dataset.n_times()));
    let empty = || StateBin {
        n_epochs: 0,
        value: f64::NAN,
        truth: zeros(),
        predicted: (0..models.len()).map(|_| zeros()).collect(),
    };
    let mut bins = [0, 1].map(|_| (0..spec.n_bins).map(|_| empty()).collect::<Vec<_>>());
    let mut counts = [0, 1].map(|_| vec![zeros(); spec.n_bins]);
    let mut batch = Batch::default();
    for (b, block) in epochs.chunks(spec.batch_size).enumerate() {
        if progress().is_break() {
            return Ok(None);
        }
        dataset.draw(block, &mut batch);
        let predictions: Vec<Array3<f32>> = models.iter().map(|model| model.predict(&batch)).collect::<Result<_>>()?;
        for i in 0..block.len() {
            let weight = match &batch.measured {
                None => Array2::ones((dataset.n_channels(), dataset.n_times())),
                Some(measured) => measured.index_axis(Axis(0), i).mapv(|is| f64::from(u8::from(is))),
            };
            for (way, chosen) in chosen.iter().enumerate() {
                let Some(place) = chosen[b * spec.batch_size + i] else { continue };
                let bin = &mut bins[way][place];
                bin.n_epochs += 1;
                counts[way][place] += &weight;
                let sources = std::iter::once(&batch.data).chain(&predictions);
                for (sum, source) in std::iter::once(&mut bin.truth).chain(&mut bin.predicted).zip(sources) {
                    let epoch = source.index_axis(Axis(0), i);
                    Zip::from(sum).and(&epoch).and(&weight).for_each(|sum, &value, &w| *sum += w * f64::from(value));
                }
            }
        }
    }
    for (bins, counts) in bins.iter_mut().zip(&counts) {
        for (bin, count) in bins.iter_mut().zip(counts) {
            // 0 / 0 is NaN: not measured.
            bin.truth /= count;
            bin.predicted.iter_mut().for_each(|predicted| *predicted /= count);
        }
    }
    Ok(Some(bins))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_equal_in_number_and_in_order() {
        let values = [5.0, f64::NAN, 1.0, 3.0, 2.0, 4.0, 6.0];
        let bins = quantiles(&values, 3);
        assert_eq!(bins, [Some(2), None, Some(0), Some(1), Some(0), Some(1), Some(2)]);
        assert_eq!(quantiles(&[1.0, 1.0, 1.0], 3), [Some(0), Some(1), Some(2)]);
        let means = bin_means(&values, &bins, 3);
        assert_eq!(means, [1.5, 3.5, 5.5]);
    }

    #[test]
    fn sectors_lie_around_their_phases() {
        use std::f64::consts::PI;
        assert_eq!(
            sectors(&[0.1, -0.1, PI / 2.0, PI, -PI, -PI / 2.0, f64::NAN], 4),
            [Some(0), Some(0), Some(1), Some(2), Some(2), Some(3), None]
        );
    }
}
