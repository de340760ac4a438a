//! Mean responses in bins, and in bins that were shuffled: how true and predicted ones vary together where bins tell nothing of
//! the state.

use std::ops::{ControlFlow, Range};

use ndarray::{Array2, Zip};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::modulation::Together;
use super::{BinSpec, By, Captured};
use crate::Result;
use crate::data::{Batch, Dataset, Epoch};
use crate::metrics::mean_of;
use crate::model::Predictor;
use crate::nn::{Mat, Threads, matmul};

/// The bin of each epoch of a subject: as it was told, then shuffled among the epochs that have one, so that bins keep their
/// sizes.
pub(super) struct Labels {
    ways: Vec<Vec<Option<usize>>>,
    n_bins: usize,
}

impl Labels {
    /// Shuffles are the same for every model, and independent of what else is computed.
    pub(super) fn new(told: Vec<Option<usize>>, by: By, subject: usize, spec: &BinSpec) -> Self {
        let (places, bins): (Vec<usize>, Vec<usize>) =
            told.iter().enumerate().filter_map(|(epoch, bin)| Some((epoch, (*bin)?))).unzip();
        let shuffled = |permutation: usize| {
            let mut rng = ChaCha8Rng::seed_from_u64(spec.seed);
            rng.set_stream((by as u64) << 56 | (subject as u64) << 28 | permutation as u64);
            let mut bins = bins.clone();
            bins.shuffle(&mut rng);
            let mut way = vec![None; told.len()];
            places.iter().zip(bins).for_each(|(&epoch, bin)| way[epoch] = Some(bin));
            way
        };
        let mut ways: Vec<_> = (0..spec.n_permutations).map(shuffled).collect();
        ways.insert(0, told);
        Self { ways, n_bins: spec.n_bins }
    }

    /// Number of epochs in each bin.
    pub(super) fn sizes(&self) -> Vec<usize> {
        (0..self.n_bins).map(|bin| self.ways[0].iter().filter(|b| **b == Some(bin)).count()).collect()
    }

    fn n_rows(&self) -> usize {
        self.ways.len() * self.n_bins
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

/// Mean responses of one subject in each bin of each way: of single precision, since there are as many as shuffles times bins.
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

    fn n_ways(&self) -> usize {
        self.maps.len() / (self.n_bins * self.n).max(1)
    }

    /// The mean in a bin as it was told; NaN where nothing was measured.
    pub(super) fn told(&self, bin: usize) -> Array2<f32> {
        let n_channels = self.n / self.n_times.max(1);
        Array2::from_shape_vec((n_channels, self.n_times), self.map(0, bin).to_vec()).expect("a map is whole")
    }

    fn difference(&self, way: usize, (plus, minus): (usize, usize)) -> impl Fn(usize) -> f64 {
        let (plus, minus) = (self.map(way, plus), self.map(way, minus));
        move |place| f64::from(plus[place]) - f64::from(minus[place])
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

/// What a model captures as bins were told and, on average, as they were shuffled; the samples from `from` on count.
pub(super) fn captured(truth: &Means, predicted: &Means, by: By, from: usize, threads: &Threads) -> Captured {
    let (n, n_times, n_bins) = (truth.n, truth.n_times, truth.n_bins);
    let n_channels = n / n_times.max(1);
    let contrast = by.contrast(n_bins);
    let of_differences = |way: usize| {
        let (a, b) = (truth.difference(way, contrast), predicted.difference(way, contrast));
        let pair = |place: usize| (a(place), b(place));
        let counted = (0..n).filter(|place| place % n_times >= from);
        (Together::over_places(counted.map(pair)), Together::over_channels((n_channels, n_times), pair))
    };
    let across_bins = |place: usize| {
        let pair =
            |way: usize, bin: usize| (f64::from(truth.map(way, bin)[place]), f64::from(predicted.map(way, bin)[place]));
        let of = |way: usize| Together::new((0..n_bins).map(|bin| pair(way, bin)));
        let told = of(0);
        (told.r() as f32, mean_of((1..truth.n_ways()).map(|way| of(way).in_units_of(&told))) as f32)
    };
    let (mut ways, maps) = threads.install(|| {
        let ways: Vec<_> = (0..truth.n_ways()).into_par_iter().map(of_differences).collect();
        let maps: Vec<_> = (0..n).into_par_iter().with_min_len(256).map(across_bins).collect();
        (ways, maps)
    });
    let (told, told_over_time) = ways.remove(0);
    let at = |t: usize| mean_of(ways.iter().map(|(_, over_time)| over_time[t].in_units_of(&told_over_time[t])));
    let null_over_time = (0..n_times).map(at).collect();
    let mut both = [(); 2].map(|()| Array2::zeros((n_channels, n_times)));
    let [map, null_map] = &mut both;
    Zip::indexed(map).and(null_map).for_each(|(c, t), map, null| (*map, *null) = maps[c * n_times + t]);
    let [map, null_map] = both;
    Captured {
        r: told.r(),
        null_r: ways.iter().map(|(shuffled, _)| shuffled.in_units_of(&told)).collect(),
        r_over_time: told_over_time.iter().map(Together::r).collect(),
        null_over_time,
        map,
        null_map,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Set;

    fn spec(seed: u64) -> BinSpec {
        BinSpec {
            band: [8.0, 13.0],
            window: 0..50,
            channels: Vec::new(),
            n_bins: 3,
            set: Set::Test,
            min_epochs: 1,
            score_from: 50,
            n_permutations: 4,
            seed,
            batch_size: 8,
            n_threads: 1,
        }
    }

    #[test]
    fn shuffled_bins_keep_their_sizes_and_follow_the_seed() {
        let told: Vec<Option<usize>> = (0..31).map(|i| (i % 5 != 4).then_some(i % 3)).collect();
        let labels = |seed: u64, by: By, subject: usize| Labels::new(told.clone(), by, subject, &spec(seed)).ways;
        let ways = labels(1, By::Power, 0);
        assert_eq!((ways.len(), &ways[0]), (5, &told));
        for way in &ways[1..] {
            assert!(way.iter().zip(&told).all(|(a, b)| a.is_some() == b.is_some()), "who has none gets none");
            let sizes = |way: &[Option<usize>]| [0, 1, 2].map(|bin| way.iter().filter(|b| **b == Some(bin)).count());
            assert_eq!(sizes(way), sizes(&told));
            assert_ne!(way, &told);
        }
        assert_ne!(ways[1], ways[2]);
        assert_eq!(labels(1, By::Power, 0), ways);
        assert!([labels(2, By::Power, 0), labels(1, By::Phase, 0), labels(1, By::Power, 1)].iter().all(|o| *o != ways));
    }
}
