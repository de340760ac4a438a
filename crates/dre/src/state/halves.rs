//! Mean responses in bins, of all epochs and of either half of them, and what a model captures of their difference from one half
//! to the other.

use std::ops::{ControlFlow, Range};

use ndarray::Array2;
use rayon::prelude::*;

use super::modulation::{measured, r, r_across_halves};
use super::{By, Captured};
use crate::Result;
use crate::data::{Batch, Dataset, Epoch};
use crate::model::Predictor;
use crate::nn::{Mat, Threads, matmul};

/// Blocks of epochs that follow each other, halves A and B by turns: so many that a slow drift falls on both halves, so few that
/// epochs of one half seldom neighbour those of the other.
const N_BLOCKS: usize = 8;

/// Of all epochs, of half A, of half B.
const N_WAYS: usize = 3;

/// The half of each epoch that has a bin, 0 or 1: none where it shares samples with an earlier epoch of the other half, whose
/// noise it has.
fn halves(bins: &[Option<usize>], epochs: &[Epoch], n_times: usize) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..epochs.len()).filter(|&i| bins[i].is_some()).collect();
    order.sort_by_key(|&i| (epochs[i].recording, epochs[i].start));
    let mut halves = vec![None; epochs.len()];
    let mut last: [Option<&Epoch>; 2] = [None; 2];
    for (place, &i) in order.iter().enumerate() {
        let (epoch, half) = (&epochs[i], place * N_BLOCKS / order.len() % 2);
        let is_shared = |other: &Epoch| other.recording == epoch.recording && epoch.start < other.start + n_times;
        if !last[1 - half].is_some_and(is_shared) {
            halves[i] = Some(half);
            last[half] = Some(epoch);
        }
    }
    halves
}

/// The bin of each epoch of a subject: as it was told, and of those in half A, and in half B.
pub(super) struct Labels {
    ways: [Vec<Option<usize>>; N_WAYS],
    n_bins: usize,
}

impl Labels {
    /// Of `epochs` of `n_times` samples each.
    pub(super) fn new(bins: Vec<Option<usize>>, epochs: &[Epoch], n_times: usize, n_bins: usize) -> Self {
        let halves = halves(&bins, epochs, n_times);
        let of = |half: usize| bins.iter().zip(&halves).map(|(bin, own)| bin.filter(|_| *own == Some(half))).collect();
        let (a, b) = (of(0), of(1));
        Self { ways: [bins, a, b], n_bins }
    }

    /// Number of epochs in each bin: of all, in half A, in half B.
    pub(super) fn sizes(&self) -> Vec<[usize; N_WAYS]> {
        let size = |bin: usize| self.ways.each_ref().map(|bins| bins.iter().filter(|own| **own == Some(bin)).count());
        (0..self.n_bins).map(size).collect()
    }

    fn n_rows(&self) -> usize {
        N_WAYS * self.n_bins
    }

    /// Which of some epochs are in each bin of each way, `(n_rows, n_epochs)`: 1 or 0.
    fn indicators(&self, epochs: Range<usize>) -> Vec<f32> {
        let n = epochs.len();
        let mut rows = vec![0.0; self.n_rows() * n];
        for (way, bins) in self.ways.iter().enumerate() {
            for (i, bin) in bins[epochs.clone()].iter().enumerate() {
                if let Some(bin) = bin {
                    rows[(way * self.n_bins + bin) * n + i] = 1.0;
                }
            }
        }
        rows
    }
}

/// How many epochs count in each bin of each way.
enum Counts {
    /// For each row: everything was measured.
    Rows(Vec<f32>),
    /// For each row, channel and time.
    Places(Vec<f32>),
}

/// Mean responses of one subject in each bin of each way.
pub(super) struct Means {
    maps: Vec<f32>,
    n_bins: usize,
    n_times: usize,
    /// Number of channels and times.
    n: usize,
}

impl Means {
    fn map(&self, way: usize, bin: usize) -> &[f32] {
        let row = way * self.n_bins + bin;
        &self.maps[row * self.n..][..self.n]
    }

    /// The mean over all epochs of a bin; NaN where nothing was measured.
    pub(super) fn of_all(&self, bin: usize) -> Array2<f32> {
        let n_channels = self.n / self.n_times.max(1);
        Array2::from_shape_vec((n_channels, self.n_times), self.map(0, bin).to_vec()).expect("a map is whole")
    }

    /// The difference of two bins in each way.
    fn differences(&self, (plus, minus): (usize, usize)) -> [Vec<f64>; N_WAYS] {
        [0, 1, 2].map(|way| {
            let pairs = self.map(way, plus).iter().zip(self.map(way, minus));
            pairs.map(|(plus, minus)| f64::from(*plus) - f64::from(*minus)).collect()
        })
    }
}

/// Averages the epochs of one subject; draws them once for the truth and once for each model, so that the means of one model
/// are held at a time.
pub(super) struct Averager<'a> {
    pub(super) dataset: &'a Dataset,
    pub(super) epochs: &'a [Epoch],
    pub(super) labels: &'a Labels,
    pub(super) batch_size: usize,
    pub(super) threads: &'a Threads,
}

/// The true means, and what else the means of predictions take.
pub(super) struct Truth {
    pub(super) means: Means,
    counts: Counts,
}

impl Averager<'_> {
    /// Number of channels and times.
    fn n(&self) -> usize {
        self.dataset.n_channels() * self.dataset.n_times()
    }

    /// Adds values `(n_epochs, n)` of the epochs from `first` on to the rows that they belong to.
    fn add(&self, first: usize, values: &[f32], sums: &mut [f32]) {
        let (n, rows) = (self.n(), self.labels.n_rows());
        let n_epochs = values.len() / n.max(1);
        let indicators = self.labels.indicators(first..first + n_epochs);
        let (left, right) = (Mat::rows(&indicators, n_epochs), Mat::rows(values, n));
        matmul((rows, n_epochs, n), left, right, sums, n, true, self.threads);
    }

    fn means(&self, mut sums: Vec<f32>, counts: &Counts) -> Means {
        let n = self.n();
        // 0 / 0 is NaN: not measured.
        match counts {
            Counts::Places(counts) => sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum /= count),
            Counts::Rows(counts) => {
                for (row, count) in sums.chunks_mut(n.max(1)).zip(counts) {
                    row.iter_mut().for_each(|sum| *sum /= count);
                }
            }
        }
        Means { maps: sums, n_bins: self.labels.n_bins, n_times: self.dataset.n_times(), n }
    }

    /// Means of the true responses; none where `progress` breaks off.
    pub(super) fn truth(&self, progress: &mut dyn FnMut() -> ControlFlow<()>) -> Option<Truth> {
        let (n, n_rows) = (self.n(), self.labels.n_rows());
        let mut sums = vec![0.0; n_rows * n];
        let mut counts = Counts::Rows(vec![0.0; n_rows]);
        let (mut batch, mut values) = (Batch::default(), Vec::new());
        for (b, block) in self.epochs.chunks(self.batch_size).enumerate() {
            if progress().is_break() {
                return None;
            }
            self.dataset.draw(block, &mut batch);
            let first = b * self.batch_size;
            values.clear();
            // Data are 0 where they were not measured.
            values.extend(batch.data.iter());
            self.add(first, &values, &mut sums);
            if let (Some(_), Counts::Rows(rows)) = (&batch.measured, &counts) {
                counts = Counts::Places(rows.iter().flat_map(|&count| std::iter::repeat_n(count, n)).collect());
            }
            match &mut counts {
                Counts::Rows(rows) => {
                    let indicators = self.labels.indicators(first..first + block.len());
                    for (count, row) in rows.iter_mut().zip(indicators.chunks(block.len())) {
                        *count += row.iter().sum::<f32>();
                    }
                }
                Counts::Places(places) => {
                    match &batch.measured {
                        Some(measured) => {
                            values.iter_mut().zip(measured).for_each(|(v, &is)| *v = f32::from(u8::from(is)));
                        }
                        None => values.fill(1.0),
                    }
                    self.add(first, &values, places);
                }
            }
        }
        Some(Truth { means: self.means(sums, &counts), counts })
    }

    /// Means of what a model predicts where something was measured, less its prediction of the first epoch, which is given,
    /// too: so that a model that predicts the same of all epochs has means that are equal to the last bit. None where
    /// `progress` breaks off.
    ///
    /// # Errors
    /// What the model reports.
    pub(super) fn predicted(
        &self,
        model: &dyn Predictor,
        truth: &Truth,
        progress: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Option<(Means, Vec<f32>)>> {
        let n = self.n();
        let mut sums = vec![0.0; self.labels.n_rows() * n];
        let (mut batch, mut values, mut base) = (Batch::default(), Vec::new(), Vec::new());
        for (b, block) in self.epochs.chunks(self.batch_size).enumerate() {
            if progress().is_break() {
                return Ok(None);
            }
            self.dataset.draw(block, &mut batch);
            let predicted = model.predict(&batch)?;
            values.clear();
            values.extend(predicted.iter());
            if b == 0 {
                base.extend_from_slice(&values[..n]);
            }
            for epoch in values.chunks_mut(n.max(1)) {
                epoch.iter_mut().zip(&base).for_each(|(value, base)| *value -= base);
            }
            if let Some(measured) = &batch.measured {
                values.iter_mut().zip(measured).filter(|(_, is)| !**is).for_each(|(value, _)| *value = 0.0);
            }
            self.add(b * self.batch_size, &values, &mut sums);
        }
        Ok(Some((self.means(sums, &truth.counts), base)))
    }
}

/// What a model captures; the samples from `from` on count.
pub(super) fn captured(truth: &Means, predicted: &Means, by: By, from: usize, threads: &Threads) -> Captured {
    let (n, n_times, n_bins) = (truth.n, truth.n_times, truth.n_bins);
    let n_channels = n / n_times.max(1);
    let [(t, p), (ta, pa), (tb, pb)] = {
        let contrast = by.contrast(n_bins);
        let ([t, ta, tb], [p, pa, pb]) = (truth.differences(contrast), predicted.differences(contrast));
        [(t, p), (ta, pa), (tb, pb)]
    };
    let of_all = |place: usize| [t[place], p[place]];
    let of_halves = |place: usize| [ta[place], tb[place], pa[place], pb[place]];
    let counted = (0..n).filter(|place| place % n_times >= from);
    let channels = |time: usize| (0..n_channels).map(move |channel| channel * n_times + time);
    let across_bins = |place: usize| {
        let value = |means: &Means, way: usize, bin: usize| f64::from(means.map(way, bin)[place]);
        let of_all = |bin: usize| [value(truth, 0, bin), value(predicted, 0, bin)];
        let of_halves = |bin: usize| {
            [value(truth, 1, bin), value(truth, 2, bin), value(predicted, 1, bin), value(predicted, 2, bin)]
        };
        (r((0..n_bins).map(of_all)) as f32, r_across_halves((0..n_bins).map(of_halves)) as f32)
    };
    let (map, crossed_map) =
        threads.install(|| (0..n).into_par_iter().with_min_len(256).map(across_bins).unzip::<_, _, Vec<_>, Vec<_>>());
    let whole = |map: Vec<f32>| Array2::from_shape_vec((n_channels, n_times), map).expect("a map is whole");
    Captured {
        r: r(measured(counted.clone().map(of_all))),
        crossed: r_across_halves(measured(counted.map(of_halves))),
        r_over_time: (0..n_times).map(|time| r(measured(channels(time).map(of_all)))).collect(),
        crossed_over_time: (0..n_times).map(|time| r_across_halves(measured(channels(time).map(of_halves)))).collect(),
        map: whole(map),
        crossed_map: whole(crossed_map),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N_TIMES: usize = 100;

    fn epochs(starts: &[(usize, usize)]) -> Vec<Epoch> {
        let epoch =
            |(event, &(recording, start)): (usize, &(usize, usize))| Epoch { subject: 0, recording, event, start };
        starts.iter().enumerate().map(epoch).collect()
    }

    #[test]
    fn blocks_in_order_of_time_alternate_between_halves() {
        // Backwards, and every fifth without a bin, which takes no place.
        let epochs = epochs(&(0..40).rev().map(|i| (i / 20, (i % 20) * N_TIMES)).collect::<Vec<_>>());
        let bins: Vec<Option<usize>> = (0..40).map(|i| (i % 5 != 4).then_some(i % 3)).collect();
        let mut found: Vec<_> = epochs.iter().zip(halves(&bins, &epochs, N_TIMES)).zip(&bins).collect();
        found.sort_by_key(|((epoch, _), _)| (epoch.recording, epoch.start));
        assert!(found.iter().all(|((_, half), bin)| half.is_some() == bin.is_some()), "none shares a sample");
        let found: Vec<usize> = found.into_iter().filter_map(|((_, half), _)| half).collect();
        assert_eq!(found, [0, 1, 0, 1, 0, 1, 0, 1].map(|half| [half; 4]).concat());
        let labels = Labels::new(bins.clone(), &epochs, N_TIMES, 3);
        assert_eq!(labels.ways[0], bins);
        assert!((0..40).all(|i| labels.ways[1][i].or(labels.ways[2][i]) == bins[i]));
        assert!(labels.sizes().iter().all(|[all, a, b]| *all == a + b && *a > 0 && *b > 0), "{:?}", labels.sizes());
    }

    #[test]
    fn halves_share_no_sample() {
        // Epochs that overlap with the two that follow them; a new recording starts anew.
        let epochs = epochs(&(0..64).map(|i| (i / 32, (i % 32) * 40)).collect::<Vec<_>>());
        let found = halves(&[Some(0); 64], &epochs, N_TIMES);
        for (a, one) in epochs.iter().zip(&found) {
            for (b, other) in epochs.iter().zip(&found) {
                if one.is_some() && other.is_some() && one != other && a.recording == b.recording {
                    assert!(a.start.abs_diff(b.start) >= N_TIMES, "{a:?} and {b:?}");
                }
            }
        }
        // Seven borders, of which that between recordings takes none.
        assert_eq!(found.iter().filter(|half| half.is_none()).count(), 6 * 2);
    }
}
