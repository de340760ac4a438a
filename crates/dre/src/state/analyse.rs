//! Which epochs are in which state, and what responses are in each.

use std::f64::consts::TAU;
use std::ops::ControlFlow;

use faer::c64;
use ndarray::{Array2, Axis, Zip};

use super::halves::{Averager, Labels, captured};
use super::rhythm::{CrossSpectrum, Rhythm, Seen, anchored, phase};
use super::{BinSpec, By, Captured, StateBin, States, SubjectStates};
use crate::data::{Batch, Dataset, Epoch, Set};
use crate::model::Predictor;
use crate::nn::Threads;
use crate::{Error, Result};

/// Orders the epochs of a set by a rhythm's power, or by its phase, and averages true and predicted responses in each bin,
/// over all epochs and over halves of them. Every model predicts every epoch once. `progress` hears of every batch of epochs,
/// once for the truth and once for each model; none where it breaks off.
///
/// Memory, times channels × times: of each subject 4 bytes × (`n_bins` × (1 + models) + 2 × models + 1), its responses and maps;
/// and of the subject at work 24 bytes × `n_bins`, true and predicted means (36 where data have gaps), and 48 bytes, their
/// differences.
///
/// # Errors
/// [`Error::Setting`] for a band, window or number of bins that makes no sense; what the models report.
pub fn analyse(
    dataset: &Dataset,
    models: &[&dyn Predictor],
    by: By,
    spec: &BinSpec,
    progress: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<Option<States>> {
    check(dataset, spec)?;
    let threads = Threads::new(spec.n_threads);
    let rhythms = Rhythms::find(dataset, by, spec)?;
    let mut found = States { by, subjects: Vec::new(), left_out: Vec::new() };
    for (subject, label) in dataset.subjects().iter().enumerate() {
        let epochs = dataset.subject_epochs(spec.set, subject);
        if epochs.is_empty() {
            continue;
        }
        let rhythm = &rhythms.own[subject];
        let ordered = match rhythms.ordered(dataset, by, subject, spec) {
            Ok(ordered) => ordered,
            Err(reason) => {
                found.left_out.push((label.clone(), reason));
                continue;
            }
        };
        let labels = Labels::new(ordered.bins, epochs, dataset.n_times(), spec.n_bins);
        let sizes = labels.sizes();
        if let Some(least) = sizes.iter().map(|[n, ..]| n).min().filter(|&&n| n < spec.min_epochs) {
            let reason = format!(
                "the smallest of {} bins of {} has {least} of {} epochs, fewer than {}; use fewer bins or more epochs",
                spec.n_bins,
                by.name(),
                epochs.len(),
                spec.min_epochs
            );
            found.left_out.push((label.clone(), reason));
            continue;
        }
        let averager = Averager { dataset, epochs, labels: &labels, batch_size: spec.batch_size, threads: &threads };
        let Some((truth, predicted, captured)) = responses(&averager, models, by, spec, progress)? else {
            return Ok(None);
        };
        let bin = |(bin, ([n_epochs, n_a, n_b], value)): (usize, ([usize; 3], f64))| StateBin {
            n_epochs,
            n_halves: [n_a, n_b],
            value,
            truth: truth[bin].clone(),
            predicted: predicted.iter().map(|bins| bins[bin].clone()).collect(),
        };
        found.subjects.push(SubjectStates {
            subject: label.clone(),
            frequency: rhythm.frequency(),
            template: mean_response(dataset, dataset.subject_epochs(Set::Train, subject), spec.batch_size),
            bins: sizes.into_iter().zip(ordered.values).enumerate().map(bin).collect(),
            captured,
        });
    }
    Ok(Some(found))
}

fn check(dataset: &Dataset, spec: &BinSpec) -> Result<()> {
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
    check(spec.window.end <= n_times, "window", found, &format!("samples of the epoch, which has {n_times}"))
}

/// Mean responses by bin, the true ones and each model's, and what each model captures.
type Responses = (Vec<Array2<f32>>, Vec<Vec<Array2<f32>>>, Vec<Captured>);

/// Responses of one subject; none where `progress` breaks off.
fn responses(
    averager: &Averager<'_>,
    models: &[&dyn Predictor],
    by: By,
    spec: &BinSpec,
    progress: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<Option<Responses>> {
    let Some(truth) = averager.truth(progress) else { return Ok(None) };
    let (mut predicted, mut found) = (Vec::new(), Vec::new());
    for &model in models {
        let Some((means, base)) = averager.predicted(model, &truth, progress)? else { return Ok(None) };
        found.push(captured(&truth.means, &means, by, spec.first(), averager.threads));
        let whole = |bin: usize| {
            let mut map = means.of_all(bin);
            map.iter_mut().zip(&base).for_each(|(value, base)| *value += base);
            map
        };
        predicted.push((0..spec.n_bins).map(whole).collect());
    }
    Ok(Some(((0..spec.n_bins).map(|bin| truth.means.of_all(bin)).collect(), predicted, found)))
}

/// The rhythm of each subject.
struct Rhythms {
    /// At the subject's frequency.
    own: Vec<Rhythm>,
    /// The spatial pattern, for phases; none where there is no power, or where power is asked for.
    patterns: Vec<Option<Vec<c64>>>,
    /// The channel whose phase is told.
    anchor: usize,
}

/// The bin of each epoch, and the value that each bin stands for.
struct Ordered {
    bins: Vec<Option<usize>>,
    values: Vec<f64>,
}

impl Rhythms {
    fn find(dataset: &Dataset, by: By, spec: &BinSpec) -> Result<Self> {
        let n_channels = dataset.n_channels();
        let rhythm = Rhythm::new(spec.band, spec.window.clone(), dataset.sfreq())?.on(&spec.channels, n_channels);
        let (mut own, mut patterns) = (Vec::new(), Vec::new());
        for subject in 0..dataset.n_subjects() {
            // A held-out subject has no training epochs; the pattern of the ordered ones serves, since no response enters it.
            let train = dataset.subject_epochs(Set::Train, subject);
            let epochs = if train.is_empty() { dataset.subject_epochs(spec.set, subject) } else { train };
            let mut powers = vec![0.0; rhythm.n_frequencies()];
            look(dataset, epochs, &rhythm, spec.batch_size, |seen| {
                powers.iter_mut().zip(seen.spectrum).for_each(|(sum, power)| *sum += power);
            });
            let centred = rhythm.centred(&powers);
            patterns.push(if by == By::Phase {
                let mut spectrum = CrossSpectrum::new(n_channels);
                look(dataset, epochs, &centred, spec.batch_size, |seen| spectrum.push(&seen.centre));
                spectrum.pattern()
            } else {
                None
            });
            own.push(centred);
        }
        let anchor = anchor(&patterns, n_channels);
        Ok(Self { own, patterns, anchor })
    }

    /// The bins of a subject's epochs, or why there are none.
    fn ordered(
        &self,
        dataset: &Dataset,
        by: By,
        subject: usize,
        spec: &BinSpec,
    ) -> std::result::Result<Ordered, String> {
        let epochs = dataset.subject_epochs(spec.set, subject);
        let rhythm = &self.own[subject];
        let n_bins = spec.n_bins;
        if by == By::Power {
            let mut powers = Vec::with_capacity(epochs.len());
            look(dataset, epochs, rhythm, spec.batch_size, |seen| powers.push(seen.power));
            let recordings: Vec<usize> = epochs.iter().map(|epoch| epoch.recording).collect();
            let bins = quantiles(&powers, &recordings, n_bins);
            let logarithms: Vec<f64> = powers.iter().map(|power| power.log10()).collect();
            let values = bin_means(&logarithms, &bins, n_bins);
            return Ok(Ordered { bins, values });
        }
        let Some(pattern) = &self.patterns[subject] else {
            return Err("there is no power in the band, and so no phase".to_owned());
        };
        let Some(pattern) = anchored(pattern, self.anchor) else {
            let name = &dataset.cohort().channels[self.anchor].name;
            return Err(format!(
                "phases are told relative to channel {name}, which was never measured throughout the window; no channel was in \
                 all subjects"
            ));
        };
        let mut phases = Vec::with_capacity(epochs.len());
        look(dataset, epochs, rhythm, spec.batch_size, |seen| phases.push(phase(&pattern, &seen.centre)));
        let values = (0..n_bins).map(|bin| TAU * bin as f64 / n_bins as f64).collect();
        Ok(Ordered { bins: sectors(&phases, n_bins), values })
    }
}

/// The channel with most of the rhythm over subjects, of those that most subjects' patterns have.
fn anchor(patterns: &[Option<Vec<c64>>], n_channels: usize) -> usize {
    let of = |channel: usize| patterns.iter().flatten().map(move |pattern| pattern[channel].norm());
    let rank = |channel: usize| (of(channel).filter(|size| *size > 0.0).count(), of(channel).sum::<f64>());
    let better = |a: (usize, f64), b: (usize, f64)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).is_gt();
    (0..n_channels).fold(0, |best, channel| if better(rank(channel), rank(best)) { channel } else { best })
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
fn mean_response(dataset: &Dataset, epochs: &[Epoch], batch_size: usize) -> Option<Array2<f32>> {
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
    (!epochs.is_empty()).then(|| (sums / counts).mapv(|mean| mean as f32))
}

/// The bin of each value by its rank within its recording, bins as equal in number as can be; none for NaN.
fn quantiles(values: &[f64], recordings: &[usize], n_bins: usize) -> Vec<Option<usize>> {
    let by_value = |a: usize, b: usize| values[a].total_cmp(&values[b]).then(a.cmp(&b));
    let mut order: Vec<usize> = (0..values.len()).filter(|&i| !values[i].is_nan()).collect();
    order.sort_by(|&a, &b| recordings[a].cmp(&recordings[b]).then(by_value(a, b)));
    let mut ranks = vec![0.0; values.len()];
    for own in order.chunk_by(|&a, &b| recordings[a] == recordings[b]) {
        own.iter().enumerate().for_each(|(rank, &i)| ranks[i] = (rank as f64 + 0.5) / own.len() as f64);
    }
    order.sort_by(|&a, &b| ranks[a].total_cmp(&ranks[b]).then(by_value(a, b)));
    let mut bins = vec![None; values.len()];
    for (place, &i) in order.iter().enumerate() {
        bins[i] = Some(place * n_bins / order.len());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_equal_in_number_and_in_order() {
        let values = [5.0, f64::NAN, 1.0, 3.0, 2.0, 4.0, 6.0];
        let bins = quantiles(&values, &[0; 7], 3);
        assert_eq!(bins, [Some(2), None, Some(0), Some(1), Some(0), Some(1), Some(2)]);
        assert_eq!(bin_means(&values, &bins, 3), [1.5, 3.5, 5.5]);
        assert_eq!(quantiles(&[1.0, 1.0, 1.0], &[0; 3], 3), [Some(0), Some(1), Some(2)]);
        // Each recording's own ranks, however much more power there is in one; quantiles stay equal in number.
        let values = [1.0, 2.0, 3.0, 4.0, 50.0, 40.0, 30.0, 20.0, 10.0];
        let found = quantiles(&values, &[0, 0, 0, 0, 1, 1, 1, 1, 1], 3);
        assert_eq!(found, [0, 1, 1, 2, 2, 2, 1, 0, 0].map(Some));
        // A recording of one epoch each ranks nothing: by the values, then.
        assert_eq!(quantiles(&[3.0, 1.0, 2.0], &[0, 1, 2], 3), [2, 0, 1].map(Some));
    }

    #[test]
    fn sectors_lie_around_their_phases() {
        use std::f64::consts::PI;
        assert_eq!(
            sectors(&[0.1, -0.1, PI / 2.0, PI, -PI, -PI / 2.0, f64::NAN], 4),
            [Some(0), Some(0), Some(1), Some(2), Some(2), Some(3), None]
        );
    }

    #[test]
    fn the_anchor_is_a_channel_that_all_have() {
        let pattern = |sizes: [f64; 3]| Some(sizes.map(|size| c64::new(0.0, size)).to_vec());
        // The second channel is largest over all, but one subject lacks it.
        let patterns = [pattern([0.3, 0.9, 0.4]), None, pattern([0.5, 0.0, 0.6])];
        assert_eq!(anchor(&patterns, 3), 2);
        // No channel is in all: the one that most have.
        let patterns =
            [pattern([0.0, 0.9, 0.4]), pattern([0.9, 0.8, 0.0]), pattern([0.9, 0.0, 0.5]), pattern([0.0, 0.9, 0.0])];
        assert_eq!(anchor(&patterns, 3), 1);
        assert_eq!(anchor(&[], 3), 0);
    }
}
