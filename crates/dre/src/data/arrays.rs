//! Epochs that come as arrays, such as those that a user has cut already.

use std::ops::Range;

use ndarray::Array3;

use super::dataset::{recycle, shaped, standardise};
use super::scaler::{Spread, median_and_iqr};
use super::split::{Place, in_order};
use super::{Batch, Epoch, EpochSource, FeatureScaler, RobustScaler, Set};
use crate::{Error, Result, Stop};

/// Epochs in arrays that lie row-major in memory; they are read in place.
#[derive(Clone, Debug)]
pub struct EpochBlock<'a> {
    /// Data, `(n_epochs, n_channels, n_data_times)`; none where only features are given.
    pub data: Option<&'a [f32]>,
    /// Samples of `data` in an epoch. Fewer than the features have are the start of the epoch: the rest is 0, as where only
    /// the init window is known.
    pub n_data_times: usize,
    /// Features, `(n_epochs, n_features, n_times)`.
    pub features: &'a [f32],
    /// Which samples of `data` were measured, in its shape; none where all were.
    pub measured: Option<&'a [bool]>,
    /// For each epoch, whose it is: an index into the subjects' labels.
    pub subjects: Vec<usize>,
    /// For each epoch, what it is scaled with: an index into the recordings' labels.
    pub recordings: Vec<usize>,
    /// For each epoch, its set; none where it is not used.
    pub sets: Vec<Option<Set>>,
}

/// What the rows and indices of [`EpochBlock`]s stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EpochLabels {
    /// Names of the channels.
    pub channels: Vec<String>,
    /// Names of the features.
    pub features: Vec<String>,
    /// Labels of the subjects.
    pub subjects: Vec<String>,
    /// Labels of the recordings: what is scaled together.
    pub recordings: Vec<String>,
}

/// How data and features are scaled.
#[derive(Clone, Debug, PartialEq)]
pub struct ArrayScaling {
    /// By recording.
    pub data: Vec<RobustScaler>,
    /// Of all features.
    pub features: FeatureScaler,
}

/// Epochs of arrays as models see them.
///
/// The same rules as those of [`super::Dataset`], for epochs that are there already: data by the median and interquartile
/// range of their recording's training epochs, features by the mean and standard deviation of all training epochs. Baselines
/// and rejection are up to whoever made the epochs.
///
/// Of an [`Epoch`], `recording` is an index into the recordings' labels, `event` counts all epochs in the order in which they
/// were given, and `start` is 0.
#[derive(Debug)]
pub struct EpochArrays<'a> {
    labels: EpochLabels,
    n_times: usize,
    blocks: Vec<EpochBlock<'a>>,
    /// By [`Epoch::event`]: block and place in it.
    places: Vec<(usize, usize)>,
    scaling: ArrayScaling,
    epochs: [Vec<Epoch>; 3],
    ranges: [Vec<Range<usize>>; 3],
}

impl ArrayScaling {
    /// Leaves everything as it is.
    pub fn none(labels: &EpochLabels) -> Self {
        let (n_channels, n_features) = (labels.channels.len(), labels.features.len());
        let as_is = RobustScaler { centre: vec![0.0; n_channels], scale: vec![1.0; n_channels] };
        Self {
            data: vec![as_is; labels.recordings.len()],
            features: FeatureScaler {
                mean: vec![0.0; n_features],
                std: vec![1.0; n_features],
                constant: vec![false; n_features],
            },
        }
    }

    fn check(&self, labels: &EpochLabels) -> Result<()> {
        let (n_channels, n_features) = (labels.channels.len(), labels.features.len());
        let wrong = |what: &str, found: usize, expected: String| Error::Shape {
            what: what.to_owned(),
            found: vec![found],
            expected,
        };
        if self.data.len() != labels.recordings.len() {
            return Err(wrong("the scaling", self.data.len(), format!("{} recordings", labels.recordings.len())));
        }
        let sizes = self.data.iter().flat_map(|one| [one.centre.len(), one.scale.len()]);
        if let Some(found) = sizes.into_iter().find(|&n| n != n_channels) {
            return Err(wrong("the scaling of the data", found, format!("{n_channels} channels")));
        }
        let sizes = [self.features.mean.len(), self.features.std.len()];
        if let Some(&found) = sizes.iter().find(|&&n| n != n_features) {
            return Err(wrong("the scaling of the features", found, format!("{n_features} features")));
        }
        Ok(())
    }
}

impl<'a> EpochArrays<'a> {
    /// Epochs of `n_times` samples, left in their units.
    ///
    /// # Errors
    /// [`Error::Shape`] where an array does not hold what its labels and epochs ask for; [`Error::NotFinite`] where a feature,
    /// or data that were measured, are NaN or infinite; [`Error::NoEpochs`] without epochs.
    pub fn new(labels: EpochLabels, blocks: Vec<EpochBlock<'a>>, n_times: usize) -> Result<Self> {
        let scaling = ArrayScaling::none(&labels);
        let places: Vec<(usize, usize)> =
            blocks.iter().enumerate().flat_map(|(b, block)| (0..block.subjects.len()).map(move |e| (b, e))).collect();
        let mut all =
            Self { labels, n_times, blocks, places, scaling, epochs: Default::default(), ranges: Default::default() };
        all.check()?;
        for subject in 0..all.labels.subjects.len() {
            let start = [0, 1, 2].map(|set| all.epochs[set].len());
            for (event, &(b, e)) in all.places.iter().enumerate() {
                let block = &all.blocks[b];
                if let (true, Some(set)) = (block.subjects[e] == subject, block.sets[e]) {
                    all.epochs[set as usize].push(Epoch { subject, recording: block.recordings[e], event, start: 0 });
                }
            }
            for ((ranges, start), epochs) in all.ranges.iter_mut().zip(start).zip(&all.epochs) {
                ranges.push(start..epochs.len());
            }
        }
        Ok(all)
    }

    /// The same epochs, scaled by what was found elsewhere.
    ///
    /// # Errors
    /// [`Error::Shape`] where the scaling is of other recordings, channels or features.
    pub fn scaled(mut self, scaling: ArrayScaling) -> Result<Self> {
        scaling.check(&self.labels)?;
        self.scaling = scaling;
        Ok(self)
    }

    /// What the training epochs say about how to scale: a robust scaler per recording, a standardisation of the features.
    ///
    /// # Errors
    /// [`Error::NoEpochs`] where a recording has no training epochs; [`Error::At`] around [`Error::Setting`] where a channel
    /// is flat; [`Error::Stopped`]. A channel that was never measured in a recording gets 0 and 1.
    pub fn fit_scaling(&self, stop: &Stop) -> Result<ArrayScaling> {
        let train = self.epochs(Set::Train);
        let data = self.labels.recordings.iter().enumerate().map(|(recording, label)| {
            let own: Vec<&Epoch> = train.iter().filter(|epoch| epoch.recording == recording).collect();
            if own.is_empty() {
                return Err(Error::NoEpochs {
                    what: format!("the training epochs of recording `{label}`"),
                    advice: "leave it out, give it training epochs, or scale by subject".to_owned(),
                });
            }
            self.fit_recording(&own, stop).map_err(|error| error.at(label.as_str()))
        });
        let spread = |row: usize| {
            let one = |epoch: &Epoch| Spread::of(self.feature(epoch, row));
            train.iter().map(one).fold(Spread::default(), Spread::merge)
        };
        let spreads: Vec<Spread> = (0..self.labels.features.len()).map(spread).collect();
        Ok(ArrayScaling { data: data.collect::<Result<_>>()?, features: FeatureScaler::from_spreads(&spreads) })
    }

    fn fit_recording(&self, epochs: &[&Epoch], stop: &Stop) -> Result<RobustScaler> {
        let mut values: Vec<f64> = Vec::new();
        let (mut centre, mut scale) = (Vec::new(), Vec::new());
        for (row, name) in self.labels.channels.iter().enumerate() {
            stop.check()?;
            values.clear();
            for epoch in epochs {
                let (signal, marks) = self.channel(epoch, row);
                let is_measured = |t: usize| marks.is_none_or(|marks| marks[t]);
                let measured = signal.iter().enumerate().filter(|&(t, _)| is_measured(t));
                values.extend(measured.map(|(_, &value)| f64::from(value)));
            }
            let (median, iqr) = if values.is_empty() { (0.0, 1.0) } else { median_and_iqr(&mut values) };
            if iqr <= 0.0 {
                return Err(Error::Setting {
                    name: format!("interquartile range of channel {name} over the training epochs"),
                    found: iqr.to_string(),
                    expected: "above 0; leave the flat channel out or mark it as not measured".to_owned(),
                });
            }
            centre.push(median);
            scale.push(iqr);
        }
        Ok(RobustScaler { centre, scale })
    }

    /// How the epochs are scaled.
    pub fn scaling(&self) -> &ArrayScaling {
        &self.scaling
    }

    /// Number of epochs, those in no set included.
    pub fn n_epochs(&self) -> usize {
        self.places.len()
    }

    /// Takes the scaling off an epoch's values, `(n_channels, n_times)`; in `f64`, because data may vary little beside their
    /// centre.
    pub fn unscale(&self, epoch: &Epoch, values: &mut [f64]) {
        let scaler = &self.scaling.data[epoch.recording];
        for ((row, &centre), &scale) in values.chunks_exact_mut(self.n_times).zip(&scaler.centre).zip(&scaler.scale) {
            row.iter_mut().for_each(|value| *value = *value * scale + centre);
        }
    }

    /// The label of a recording.
    pub(super) fn recording(&self, recording: usize) -> &str {
        &self.labels.recordings[recording]
    }

    /// Samples of a channel and which of them were measured.
    pub(super) fn channel(&self, epoch: &Epoch, row: usize) -> (&'a [f32], Option<&'a [bool]>) {
        let (b, e) = self.places[epoch.event];
        let block = &self.blocks[b];
        let n = block.n_data_times;
        let at = (e * self.labels.channels.len() + row) * n;
        (block.data.map_or(&[], |data| &data[at..at + n]), block.measured.map(|marks| &marks[at..at + n]))
    }

    /// Samples of a feature.
    pub(super) fn feature(&self, epoch: &Epoch, row: usize) -> &'a [f32] {
        let (b, e) = self.places[epoch.event];
        let at = (e * self.labels.features.len() + row) * self.n_times;
        &self.blocks[b].features[at..at + self.n_times]
    }

    fn check(&self) -> Result<()> {
        let (labels, n_times) = (&self.labels, self.n_times);
        let (n_channels, n_features) = (labels.channels.len(), labels.features.len());
        let wrong = |b: usize, what: &str, found: usize, expected: String| Error::Shape {
            what: format!("array {b}: {what}"),
            found: vec![found],
            expected,
        };
        if self.places.is_empty() || n_times == 0 {
            return Err(Error::NoEpochs {
                what: "the arrays".to_owned(),
                advice: "give at least one epoch".to_owned(),
            });
        }
        for (b, block) in self.blocks.iter().enumerate() {
            let n = block.subjects.len();
            for (what, found) in [("recordings", block.recordings.len()), ("sets", block.sets.len())] {
                if found != n {
                    return Err(wrong(b, what, found, format!("one for each of {n} epochs")));
                }
            }
            if block.features.len() != n * n_features * n_times {
                let expected = format!("{n} epochs × {n_features} features × {n_times} times");
                return Err(wrong(b, "features", block.features.len(), expected));
            }
            let n_data = n * n_channels * block.n_data_times;
            let arrays = [("data", block.data.map(<[f32]>::len)), ("measured", block.measured.map(<[bool]>::len))];
            for (what, found) in arrays {
                if let Some(found) = found.filter(|&found| found != n_data || block.n_data_times > n_times) {
                    let expected = format!(
                        "{n} epochs × {n_channels} channels × {} times, of at most {n_times}",
                        block.n_data_times
                    );
                    return Err(wrong(b, what, found, expected));
                }
            }
            let indices = [
                ("subject", &block.subjects, labels.subjects.len()),
                ("recording", &block.recordings, labels.recordings.len()),
            ];
            for (what, found, n) in indices {
                if let Some(&index) = found.iter().find(|&&index| index >= n) {
                    return Err(wrong(b, what, index, format!("an index below {n}")));
                }
            }
            self.check_finite(block)?;
        }
        Ok(())
    }

    fn check_finite(&self, block: &EpochBlock<'_>) -> Result<()> {
        let place = |at: usize, n_rows: usize, n_times: usize| {
            (at / n_times % n_rows, format!("epoch {}, sample {}", at / n_times / n_rows, at % n_times))
        };
        if let Some(at) = block.features.iter().position(|value| !value.is_finite()) {
            let (row, place) = place(at, self.labels.features.len(), self.n_times);
            let what = format!("feature {}", self.labels.features[row]);
            return Err(Error::NotFinite { what, place, value: f64::from(block.features[at]) });
        }
        let data = block.data.unwrap_or(&[]);
        let is_bad = |at: usize| !data[at].is_finite() && block.measured.is_none_or(|marks| marks[at]);
        if let Some(at) = (0..data.len()).find(|&at| is_bad(at)) {
            let (row, place) = place(at, self.labels.channels.len(), block.n_data_times);
            let what = format!("channel {}", self.labels.channels[row]);
            return Err(Error::NotFinite { what, place, value: f64::from(data[at]) });
        }
        Ok(())
    }
}

impl EpochSource for EpochArrays<'_> {
    fn channel_names(&self) -> Vec<String> {
        self.labels.channels.clone()
    }

    fn features(&self) -> &[String] {
        &self.labels.features
    }

    fn subjects(&self) -> &[String] {
        &self.labels.subjects
    }

    fn n_channels(&self) -> usize {
        self.labels.channels.len()
    }

    fn n_times(&self) -> usize {
        self.n_times
    }

    fn epochs(&self, set: Set) -> &[Epoch] {
        &self.epochs[set as usize]
    }

    fn subject_epochs(&self, set: Set, subject: usize) -> &[Epoch] {
        &self.epochs[set as usize][self.ranges[set as usize][subject].clone()]
    }

    fn draw(&self, epochs: &[Epoch], batch: &mut Batch) {
        let (n_channels, n_features, n_times) = (self.n_channels(), self.n_features(), self.n_times);
        let mut data = recycle(&mut batch.data, epochs.len() * n_channels * n_times);
        let mut features = recycle(&mut batch.features, epochs.len() * n_features * n_times);
        batch.subjects.clear();
        batch.subjects.extend(epochs.iter().map(|epoch| epoch.subject));
        let is_partial = |epoch: &Epoch| self.blocks[self.places[epoch.event].0].measured.is_some();
        let shape = [epochs.len(), n_channels, n_times];
        let mut measured = epochs.iter().any(is_partial).then(|| Array3::from_elem(shape, true));
        let mut rows = data.chunks_exact_mut(n_times);
        let mut feature_rows = features.chunks_exact_mut(n_times);
        let scaler = &self.scaling.features;
        for (index, epoch) in epochs.iter().enumerate() {
            let own = &self.scaling.data[epoch.recording];
            for ((row, (&centre, &scale)), out) in own.centre.iter().zip(&own.scale).enumerate().zip(&mut rows) {
                let (signal, marks) = self.channel(epoch, row);
                let (known, rest) = out.split_at_mut(signal.len());
                standardise(signal, centre, scale, known);
                rest.fill(0.0);
                let (Some(measured), Some(marks)) = (&mut measured, marks) else { continue };
                for (t, &is_measured) in marks.iter().enumerate() {
                    if !is_measured {
                        known[t] = 0.0;
                        measured[[index, row, t]] = false;
                    }
                }
            }
            for ((row, (&mean, &std)), out) in scaler.mean.iter().zip(&scaler.std).enumerate().zip(&mut feature_rows) {
                standardise(self.feature(epoch, row), mean, std, out);
            }
        }
        batch.data = shaped(data, shape);
        batch.features = shaped(features, [epochs.len(), n_features, n_times]);
        batch.measured = measured;
    }
}

/// Sets in the order of time, as [`super::SplitMethod::Chronological`] makes them: of each recording's epochs, in the order
/// given, the first share `train` trains, the next share `valid` validates, and the rest tests.
///
/// Where the recording's sample at which each epoch starts is known (`starts`), an epoch that starts fewer than `reach` samples
/// from one of a set that goes before (test, then validation) is in no set. `reach` is the samples of an epoch, and those of a
/// gap ([`super::SplitSpec::gap_samples`]) where there is one.
///
/// # Errors
/// [`Error::Setting`] where a share is below 0 or their sum above 1; [`Error::Shape`] where `starts` has another length.
pub fn split_in_time(
    recordings: &[usize],
    train: f64,
    valid: f64,
    starts: Option<&[i64]>,
    reach: usize,
) -> Result<Vec<Option<Set>>> {
    let ends = [train, train + valid];
    // A sum of binary fractions may be just above 1.
    if !(train >= 0.0 && valid >= 0.0 && ends[1] <= 1.0 + 1e-9) {
        return Err(Error::Setting {
            name: "shares of the training and validation sets".to_owned(),
            found: format!("{train} and {valid}"),
            expected: "0 or more each, together 1 or less".to_owned(),
        });
    }
    let n = recordings.iter().max().map_or(0, |most| most + 1);
    let mut sets = vec![None; recordings.len()];
    for recording in 0..n {
        let own: Vec<usize> = (0..recordings.len()).filter(|&i| recordings[i] == recording).collect();
        let places = in_order(own.len(), None, &ends, &Set::ALL.map(Place::In));
        for (&i, place) in own.iter().zip(places) {
            sets[i] = if let Place::In(set) = place { Some(set) } else { None };
        }
    }
    if let Some(starts) = starts {
        if starts.len() != sets.len() {
            return Err(Error::Shape {
                what: "the first samples of the epochs".to_owned(),
                found: vec![starts.len()],
                expected: format!("one for each of {} epochs", sets.len()),
            });
        }
        clear(&mut sets, recordings, starts, reach);
    }
    Ok(sets)
}

/// Takes epochs out of their sets that start fewer than `reach` samples from those of a set that goes before.
fn clear(sets: &mut [Option<Set>], recordings: &[usize], starts: &[i64], reach: usize) {
    let reach = reach as i64;
    let mut taken: Vec<(usize, i64)> = Vec::new();
    for set in [Set::Test, Set::Valid, Set::Train] {
        let mut kept = Vec::new();
        for i in (0..sets.len()).filter(|&i| sets[i] == Some(set)).collect::<Vec<_>>() {
            let (recording, start) = (recordings[i], starts[i]);
            let from = taken.partition_point(|&other| other <= (recording, start - reach));
            if taken.get(from).is_some_and(|&(r, other)| r == recording && other < start + reach) {
                sets[i] = None;
            } else {
                kept.push((recording, start));
            }
        }
        taken.append(&mut kept);
        taken.sort_unstable();
    }
}
