//! What a model is shown in place of an epoch's own input.

use ndarray::{Array3, ArrayRef3, s};

use super::conditional::Fitted;
use super::exchange::{Shuffle, Source};
use super::{Mode, Target};
use crate::data::{Batch, Epoch};

/// The part of an epoch's input that a permutation changes. Equal ones are predicted once.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Input {
    /// Standardised signals of the target's features, one after the other.
    Features(Vec<f32>),
    /// Data of the init window, channel by channel, and what of it was measured.
    Init(Vec<f32>, Option<Vec<bool>>),
    /// Index of the subject.
    Subject(usize),
}

/// Init windows of all epochs of a subject: data `(n_epochs, n_channels, n_init_times)`, and what was measured.
pub(super) struct InitWindows {
    data: Array3<f32>,
    measured: Option<Array3<bool>>,
}

impl InitWindows {
    pub(super) fn of(source: &Source<'_>, epochs: &[Epoch], n_init_times: usize, batch_size: usize) -> Self {
        let dataset = source.dataset;
        let n = n_init_times.min(dataset.n_times());
        let shape = (epochs.len(), dataset.n_channels(), n);
        let (mut data, mut measured) = (Array3::zeros(shape), None::<Array3<bool>>);
        let mut batch = Batch::default();
        for (start, part) in (0..).step_by(batch_size).zip(epochs.chunks(batch_size)) {
            dataset.draw(part, &mut batch);
            let places = s![start..start + part.len(), .., ..];
            data.slice_mut(places).assign(&batch.data.slice(s![.., .., ..n]));
            if let Some(own) = &batch.measured {
                let all = measured.get_or_insert_with(|| Array3::from_elem(shape, true));
                all.slice_mut(places).assign(&own.slice(s![.., .., ..n]));
            }
        }
        Self { data, measured }
    }
}

/// One target's permutations for one subject.
pub(super) struct Exchange<'a> {
    pub(super) source: Source<'a>,
    pub(super) target: &'a Target,
    /// The subject's epochs, and the place of the first among the set's.
    pub(super) epochs: &'a [Epoch],
    pub(super) first: usize,
    /// What the other features say of each of the target's features; empty for a plain permutation.
    pub(super) fitted: &'a [Fitted],
    pub(super) shuffles: Vec<Shuffle>,
    pub(super) init: Option<&'a InitWindows>,
}

impl Exchange<'_> {
    /// The input as it is.
    pub(super) fn own(&self, place: usize) -> Input {
        match self.target.mode {
            Mode::Event | Mode::Epoch | Mode::Shift => {
                let epoch = &self.epochs[place];
                self.features(|feature, out| self.stretch(feature, epoch.recording, epoch.start, out))
            }
            Mode::Init => self.window(place),
            Mode::Subject => Input::Subject(self.epochs[place].subject),
        }
    }

    /// The input after a permutation.
    pub(super) fn permuted(&self, place: usize, permutation: usize) -> Input {
        let epoch = &self.epochs[place];
        let range = epoch.start..epoch.start + self.source.dataset.n_times();
        match &self.shuffles[permutation] {
            Shuffle::Epochs(donors) if self.target.mode == Mode::Init => self.window(donors[place]),
            Shuffle::Epochs(donors) => {
                let donor = donors[place];
                let other = &self.epochs[donor];
                let mut which = 0..self.target.features.len();
                self.features(|feature, out| {
                    let at = which.next().unwrap_or_default();
                    let Some(signal) = self.source.values.signal(epoch.recording, feature) else {
                        return self.stretch(feature, other.recording, other.start, out);
                    };
                    let new = self.exchanged(at, place, donor);
                    let value = |event: usize| {
                        if event == epoch.event { new } else { signal.values()[event].unwrap_or(f64::NAN) }
                    };
                    signal.lay(&range, value, out);
                })
            }
            Shuffle::Events(events, donors) => {
                let other = &self.epochs[donors[place]];
                self.features(|feature, out| {
                    let Some(signal) = self.source.values.signal(epoch.recording, feature) else {
                        return self.stretch(feature, other.recording, other.start, out);
                    };
                    let value = |event: usize| {
                        let id = (epoch.recording, event);
                        let &(recording, event) = events.get(&id).unwrap_or(&id);
                        let donor = self.source.values.signal(recording, feature).and_then(|s| s.values()[event]);
                        donor.unwrap_or(f64::NAN)
                    };
                    signal.lay(&range, value, out);
                })
            }
            Shuffle::Subject(subject) => Input::Subject(*subject),
            Shuffle::Shift(shifts) => {
                let shift = shifts.get(&epoch.recording).copied().unwrap_or_default();
                self.features(|feature, out| self.stretch(feature, epoch.recording, epoch.start + shift, out))
            }
        }
    }

    /// The value that the epoch's own event gets from that of another: the target's feature number `at`.
    fn exchanged(&self, at: usize, place: usize, donor: usize) -> f64 {
        let feature = self.target.features[at];
        let own = |place: usize| self.source.values.own(&self.epochs[place], feature).unwrap_or(f64::NAN);
        match self.fitted.get(at) {
            // Numbers are exchanged for numbers, so that only missing ones are NaN.
            Some(fit) if place != donor && own(place).is_finite() => {
                let (here, there) = (fit.values[self.first + place], fit.values[self.first + donor]);
                here + (own(donor) - there)
            }
            Some(_) => own(place),
            None => own(donor),
        }
    }

    fn features(&self, mut lay: impl FnMut(usize, &mut [f32])) -> Input {
        let n_times = self.source.dataset.n_times();
        let mut rows = vec![0.0; self.target.features.len() * n_times];
        for (&feature, row) in self.target.features.iter().zip(rows.chunks_exact_mut(n_times)) {
            lay(feature, row);
            self.source.dataset.standardise_feature(feature, row);
        }
        Input::Features(rows)
    }

    /// Samples of a feature as the cohort has them, from sample `start` on, going on at the recording's start behind its end.
    fn stretch(&self, feature: usize, recording: usize, start: usize, out: &mut [f32]) {
        let signal = self.source.dataset.cohort().recordings[recording].feature(feature);
        let start = start % signal.len();
        let first = out.len().min(signal.len() - start);
        out[..first].copy_from_slice(&signal[start..start + first]);
        let rest = out.len() - first;
        out[first..].copy_from_slice(&signal[..rest]);
    }

    fn window(&self, place: usize) -> Input {
        let Some(windows) = self.init else { return Input::Init(Vec::new(), None) };
        let measured = windows.measured.as_ref().map(|m| m.slice(s![place, .., ..]).iter().copied().collect());
        Input::Init(windows.data.slice(s![place, .., ..]).iter().copied().collect(), measured)
    }

    /// Puts an input into row `row` of a batch whose other inputs are the epoch's own.
    pub(super) fn put(&self, input: &Input, batch: &mut Batch, row: usize) {
        match input {
            Input::Features(values) => {
                let n_times = self.source.dataset.n_times();
                for (&feature, values) in self.target.features.iter().zip(values.chunks_exact(n_times)) {
                    batch.features.slice_mut(s![row, feature, ..]).assign(&ndarray::ArrayView1::from(values));
                }
            }
            Input::Subject(subject) => batch.subjects[row] = *subject,
            Input::Init(values, measured) => {
                let n_channels = batch.data.dim().1;
                let n = values.len() / n_channels.max(1);
                fill(&mut batch.data, row, n, values);
                if measured.is_some() || batch.measured.is_some() {
                    let shape = batch.data.raw_dim();
                    let marks = batch.measured.get_or_insert_with(|| Array3::from_elem(shape, true));
                    match measured {
                        Some(measured) => fill(marks, row, n, measured),
                        None => marks.slice_mut(s![row, .., ..n]).fill(true),
                    }
                }
            }
        }
    }
}

/// Writes the first `n` samples of each channel of one epoch.
fn fill<T: Copy>(array: &mut ArrayRef3<T>, row: usize, n: usize, values: &[T]) {
    array.slice_mut(s![row, .., ..n]).iter_mut().zip(values).for_each(|(out, &value)| *out = value);
}
