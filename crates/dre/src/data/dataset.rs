//! The data set of epochs that models are fitted and scored on.

mod checks;
mod describe;
mod of_arrays;

use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array3, s};

use checks::{check_cleaning, check_cohort, check_gap, check_selection};

use super::choice::Choice;
use super::prepare::{self, Candidates, Prepared};
use super::scaler::Spread;
use super::split::{Kept, assign, clear_borders, held_out};
use super::{
    BadSegments, Batch, CleaningSpec, Cohort, Epoch, EpochSpec, EpochWindow, FeatureScaler, Gaps, RobustScaler, Set,
    SplitSpec,
};
use crate::results::{Exclusion, SubjectSummary};
use crate::{Error, Result, parallel};

pub use of_arrays::ArraysInfo;

/// Epochs of a cohort: cut when drawn, split as [`SplitSpec`] says, scaled by what the training epochs say.
///
/// Per recording: epochs are cut around the selected events and divided into sets; epochs that overlap an epoch of a set that
/// goes before (test, then validation), or lie nearer to it than the split's gap, are dropped. Each epoch is baseline-corrected,
/// then scaled by the median and interquartile range over the recording's training epochs; epochs beyond a limit are rejected. What
/// was not measured ([`super::Gaps`]) enters none of this and is 0 and marked in a batch. Features are standardised over all
/// training epochs; where a feature is NaN it has no value, counts in no mean, and is 0 after standardisation. A held-out
/// subject's scalers are fitted on calibration epochs, which are in no set. Subjects and recordings with too few epochs are
/// left out and named.
pub struct Dataset {
    cohort: Arc<Cohort>,
    window: EpochWindow,
    subjects: Vec<String>,
    /// By recording of the cohort; none where it is left out.
    scalers: Vec<Option<RobustScaler>>,
    /// By recording: first samples of the epochs that its scaler was fitted on.
    scaler_starts: Vec<Vec<usize>>,
    /// By recording: what counts as not measured.
    gaps: Vec<Gaps>,
    /// By recording: which samples were measured, `(n_channels, n_times)`, where more than gaps is known of it.
    measured: Vec<Option<Vec<bool>>>,
    bad_segments: BadSegments,
    feature_scaler: FeatureScaler,
    epochs: [Vec<Epoch>; 3],
    subject_ranges: [Vec<Range<usize>>; 3],
    summaries: Vec<SubjectSummary>,
    excluded: Vec<Exclusion>,
    split: SplitSpec,
}

impl std::fmt::Debug for Dataset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dataset")
            .field("cohort", &self.cohort)
            .field("window", &self.window)
            .field("subjects", &self.summaries)
            .field("excluded", &self.excluded)
            .finish_non_exhaustive()
    }
}

impl Dataset {
    /// Cuts, splits, scales and cleans the epochs of `cohort`, recordings shared out over `n_threads` threads.
    ///
    /// Reads every sample of every epoch a few times; the result does not depend on `n_threads`.
    ///
    /// # Errors
    /// [`Error::Setting`] for settings that make no sense, such as a gap that leaves nothing of a set; [`Error::Shape`] where the
    /// cohort's arrays do not fit each other; [`Error::At`] around [`Error::NoColumn`], [`Error::EventValue`] or
    /// [`Error::NotFinite`] for a recording's own faults; [`Error::NoEpochs`] where nothing is left.
    pub fn new(
        cohort: Arc<Cohort>,
        epochs: &EpochSpec,
        split: &SplitSpec,
        cleaning: &CleaningSpec,
        n_threads: usize,
    ) -> Result<Self> {
        check_cohort(&cohort)?;
        split.check()?;
        check_cleaning(cleaning)?;
        let window = EpochWindow::new(epochs, cohort.sfreq)?;
        let found = collect_by_recording(&cohort, |i| {
            prepare::candidates(&cohort.recordings[i], epochs, &window, cohort.sfreq)
        })?;
        check_selection(&cohort, epochs, &found)?;
        let mut choice = Choice::new(&cohort);
        choice.leave_out_small(&cohort, &found, cleaning);
        let held_out = held_out(&cohort, split)?;
        let places = {
            let used = |i: usize| if choice.used[i] { found[i].epochs.as_slice() } else { &[] };
            assign(&cohort, &(0..found.len()).map(used).collect::<Vec<_>>(), split)?
        };
        let gap = split.gap_samples(cohort.sfreq);
        let cleared = |gap: usize| -> Vec<Kept> {
            let recordings = found.iter().zip(&places).zip(&choice.used);
            let used =
                recordings.map(
                    |((one, places), &used)| {
                        if used { (one.epochs.as_slice(), places.as_slice()) } else { (&[][..], &[][..]) }
                    },
                );
            used.map(|(epochs, places)| clear_borders(epochs, places, window.n_times + gap)).collect()
        };
        let kept = cleared(gap);
        if gap > 0 {
            check_gap(split, &kept, &cleared(0))?;
        }
        let prepared = parallel::map(cohort.recordings.len(), n_threads, |i| {
            choice.used[i].then(|| {
                prepare::prepare(&cohort, &cohort.recordings[i], &found[i], &window, kept[i].clone(), cleaning)
                    .map_err(|e| e.at(cohort.recordings[i].id.as_str()))
            })
        });
        let mut ready: Vec<Option<Prepared>> = Vec::with_capacity(prepared.len());
        for (i, outcome) in prepared.into_iter().enumerate() {
            ready.push(match outcome.transpose()? {
                Some(Ok(one)) => Some(one),
                Some(Err(reason)) => {
                    choice.leave_out(i, &cohort.recordings[i].id, reason);
                    None
                }
                None => None,
            });
        }
        choice.leave_out_small(&cohort, &found, cleaning);
        choice.leave_out_empty(&cohort, &ready, &held_out);
        Self::assemble(cohort, window, &found, ready, choice, (split, epochs.bad_segments))
    }

    fn assemble(
        cohort: Arc<Cohort>,
        window: EpochWindow,
        found: &[Candidates],
        ready: Vec<Option<Prepared>>,
        choice: Choice,
        (split, bad_segments): (&SplitSpec, BadSegments),
    ) -> Result<Self> {
        let mut set = Self {
            window,
            subjects: Vec::new(),
            scalers: vec![None; cohort.recordings.len()],
            scaler_starts: vec![Vec::new(); cohort.recordings.len()],
            gaps: found.iter().map(|one| one.gaps.clone()).collect(),
            measured: vec![None; cohort.recordings.len()],
            bad_segments,
            feature_scaler: FeatureScaler::from_spreads(&[]),
            epochs: Default::default(),
            subject_ranges: Default::default(),
            summaries: Vec::new(),
            excluded: choice.excluded,
            split: split.clone(),
            cohort,
        };
        let mut spreads = vec![Spread::default(); set.cohort.features.len()];
        let mut ready: Vec<Option<Prepared>> =
            ready.into_iter().zip(&choice.used).map(|(one, &used)| one.filter(|_| used)).collect();
        for (label_index, label) in set.cohort.subjects.iter().enumerate() {
            let mine: Vec<usize> = (0..ready.len())
                .filter(|&i| set.cohort.recordings[i].subject == label_index && ready[i].is_some())
                .collect();
            if mine.is_empty() {
                continue;
            }
            let subject = set.subjects.len();
            let starts = [0, 1, 2].map(|s| set.epochs[s].len());
            let mut summary = SubjectSummary { subject: label.clone(), ..SubjectSummary::default() };
            for recording in mine {
                let Some(one) = ready[recording].take() else { continue };
                summary.n_recordings += 1;
                summary.minutes += set.cohort.recordings[recording].n_times as f64 / set.cohort.sfreq / 60.0;
                summary.n_events += found[recording].n_events;
                summary.n_outside += found[recording].n_outside;
                summary.n_bad += found[recording].n_bad;
                summary.n_border += one.n_border;
                summary.n_rejected += one.n_rejected;
                summary.n_calibration += one.n_calibration;
                for (all, list) in set.epochs.iter_mut().zip(&one.sets) {
                    all.extend(list.iter().map(|c| Epoch { subject, recording, event: c.event, start: c.start }));
                }
                for (spread, more) in spreads.iter_mut().zip(&one.features) {
                    *spread = spread.merge(*more);
                }
                set.scalers[recording] = Some(one.scaler);
                set.scaler_starts[recording] = one.scaler_starts;
            }
            for ((ranges, start), epochs) in set.subject_ranges.iter_mut().zip(starts).zip(&set.epochs) {
                ranges.push(start..epochs.len());
            }
            [summary.n_train, summary.n_valid, summary.n_test] =
                [0, 1, 2].map(|s| set.subject_ranges[s][subject].len());
            set.subjects.push(label.clone());
            set.summaries.push(summary);
        }
        if set.subjects.is_empty() {
            let reasons: Vec<String> =
                set.excluded.iter().take(3).map(|e| format!("{}: {}", e.what, e.reason)).collect();
            return Err(Error::NoEpochs {
                what: "the cohort".to_owned(),
                advice: format!(
                    "check the epochs' events and times and the cleaning limits (left out: {}{})",
                    if reasons.is_empty() {
                        "nothing, since there is no recording".to_owned()
                    } else {
                        reasons.join("; ")
                    },
                    if set.excluded.len() > 3 { "; …" } else { "" }
                ),
            });
        }
        if let Some(empty) = Set::ALL.into_iter().find(|&s| set.epochs[s as usize].is_empty()) {
            return Err(Error::NoEpochs {
                what: format!("the {} set", empty.name()),
                advice: "change the split (its subjects, fold or shares) or the cleaning limits".to_owned(),
            });
        }
        set.feature_scaler = FeatureScaler::from_spreads(&spreads);
        Ok(set)
    }

    /// The cohort that epochs are cut from.
    pub fn cohort(&self) -> &Arc<Cohort> {
        &self.cohort
    }

    /// The samples of an epoch relative to its event.
    pub fn window(&self) -> &EpochWindow {
        &self.window
    }

    /// Sampling frequency (Hz).
    pub fn sfreq(&self) -> f64 {
        self.cohort.sfreq
    }

    /// Number of channels.
    pub fn n_channels(&self) -> usize {
        self.cohort.channels.len()
    }

    /// Number of features.
    pub fn n_features(&self) -> usize {
        self.cohort.features.len()
    }

    /// Number of samples of an epoch.
    pub fn n_times(&self) -> usize {
        self.window.n_times
    }

    /// Number of subjects that are used.
    pub fn n_subjects(&self) -> usize {
        self.subjects.len()
    }

    /// Labels of the subjects that are used; [`Epoch::subject`] counts them without gaps.
    pub fn subjects(&self) -> &[String] {
        &self.subjects
    }

    /// Names of the features, sorted.
    pub fn features(&self) -> &[String] {
        &self.cohort.features
    }

    /// Time of each sample of an epoch (s) relative to its event.
    pub fn times(&self) -> Vec<f64> {
        self.window.times(self.sfreq())
    }

    /// The epochs of a set, by subject, then recording, then time.
    pub fn epochs(&self, set: Set) -> &[Epoch] {
        &self.epochs[set as usize]
    }

    /// The epochs of a set that belong to one subject.
    ///
    /// # Panics
    /// Where `subject` is not below [`Dataset::n_subjects`].
    pub fn subject_epochs(&self, set: Set, subject: usize) -> &[Epoch] {
        &self.epochs[set as usize][self.subject_ranges[set as usize][subject].clone()]
    }

    /// How the epochs were divided.
    pub fn split(&self) -> &SplitSpec {
        &self.split
    }

    /// Whether a subject is held out: has no training epochs, so that nothing of it can have been learnt.
    ///
    /// # Panics
    /// Where `subject` is not below [`Dataset::n_subjects`].
    pub fn is_held_out(&self, subject: usize) -> bool {
        self.subject_epochs(Set::Train, subject).is_empty()
    }

    /// By recording of the cohort: first samples of the epochs that its scaler was fitted on; empty where it is left out.
    pub(super) fn scaler_starts(&self) -> &[Vec<usize>] {
        &self.scaler_starts
    }

    /// The recordings that are used, as indices into the cohort's, with their scalers.
    pub fn scalers(&self) -> impl Iterator<Item = (usize, &RobustScaler)> {
        self.scalers.iter().enumerate().filter_map(|(i, scaler)| Some((i, scaler.as_ref()?)))
    }

    /// The scaler of all features.
    pub fn feature_scaler(&self) -> &FeatureScaler {
        &self.feature_scaler
    }

    /// The text in a column of an epoch's event, such as its `trial_type`; none where the recording lacks the column.
    ///
    /// # Panics
    /// Where the epoch is not of this data set.
    pub fn event_text(&self, epoch: &Epoch, column: &str) -> Option<&str> {
        let texts = self.cohort.recordings[epoch.recording].events.columns.get(column)?;
        Some(&texts[epoch.event])
    }

    /// Cuts and scales epochs into `batch`, whose buffers are used again where they are large enough.
    ///
    /// What was not measured is 0, and `batch.measured` says so; it is none where all of the batch was measured.
    ///
    /// # Panics
    /// Where an epoch is not of this data set.
    pub fn draw(&self, epochs: &[Epoch], batch: &mut Batch) {
        let n_times = self.n_times();
        for epoch in epochs {
            self.cohort.recordings[epoch.recording].data.will_need(epoch.start..epoch.start + n_times);
        }
        let mut data = recycle(&mut batch.data, epochs.len() * self.n_channels() * n_times);
        let mut features = recycle(&mut batch.features, epochs.len() * self.n_features() * n_times);
        batch.subjects.clear();
        batch.subjects.extend(epochs.iter().map(|epoch| epoch.subject));
        let mut measured = self.marks(epochs, batch.measured.take());
        let mut blocks = data.chunks_exact_mut(self.n_channels() * n_times);
        let mut feature_rows = features.chunks_exact_mut(n_times);
        for (index, epoch) in epochs.iter().enumerate() {
            let recording = &self.cohort.recordings[epoch.recording];
            let Some(scaler) = &self.scalers[epoch.recording] else {
                panic!("an epoch of {}, which this data set leaves out, was asked for", recording.id);
            };
            let range = epoch.start..epoch.start + n_times;
            let scales = scaler.centre.iter().zip(&scaler.scale).enumerate();
            let gaps = &self.gaps[epoch.recording];
            let good = gaps.good(&range);
            let there = self.measured[epoch.recording].as_deref();
            let block = blocks.next().expect("a block for each epoch");
            recording.data.copy(range.clone(), 0..self.n_channels(), block);
            for ((row, (centre, scale)), out) in scales.zip(block.chunks_exact_mut(n_times)) {
                if !gaps.has_channel(row) {
                    out.fill(0.0);
                    continue;
                }
                let offset = prepare::baseline(out, &good, &self.window) + centre;
                let mut done = 0;
                for part in &good {
                    out[done..part.start].fill(0.0);
                    standardise_in_place(&mut out[part.clone()], offset, *scale);
                    done = part.end;
                    if let Some(measured) = &mut measured {
                        measured.slice_mut(s![index, row, part.clone()]).fill(true);
                    }
                }
                out[done..].fill(0.0);
                if let (Some(there), Some(measured)) = (there, &mut measured) {
                    let there = &there[row * recording.n_times..][range.clone()];
                    for (t, out) in out.iter_mut().enumerate().filter(|&(t, _)| !there[t]) {
                        *out = 0.0;
                        measured[[index, row, t]] = false;
                    }
                }
            }
            for (row, out) in (0..self.n_features()).zip(&mut feature_rows) {
                out.copy_from_slice(&recording.feature(row)[range.clone()]);
                self.standardise_feature(row, out);
            }
        }
        batch.data = shaped(data, [epochs.len(), self.n_channels(), n_times]);
        batch.features = shaped(features, [epochs.len(), self.n_features(), n_times]);
        batch.measured = measured;
    }

    /// Standardises samples of a feature in place, as [`Dataset::draw`] does.
    pub(crate) fn standardise_feature(&self, row: usize, values: &mut [f32]) {
        let (mean, factor) = (self.feature_scaler.mean[row], 1.0 / self.feature_scaler.std[row]);
        for value in values {
            // No value is the mean.
            *value = if value.is_nan() { 0.0 } else { ((f64::from(*value) - mean) * factor) as f32 };
        }
    }

    /// Room for what was measured of these epochs, false throughout; none where all of it was.
    fn marks(&self, epochs: &[Epoch], old: Option<Array3<bool>>) -> Option<Array3<bool>> {
        let is_partial = |epoch: &Epoch| {
            let gaps = &self.gaps[epoch.recording];
            !gaps.channels().is_empty()
                || gaps.overlaps(&(epoch.start..epoch.start + self.n_times()))
                || self.measured[epoch.recording].is_some()
        };
        epochs.iter().any(is_partial).then(|| {
            let shape = [epochs.len(), self.n_channels(), self.n_times()];
            let mut marks = old.filter(|old| old.shape() == shape).unwrap_or_else(|| Array3::default(shape));
            marks.fill(false);
            marks
        })
    }
}

/// Empties the buffer of an array for `len` values; what it holds afterwards is unspecified.
pub(super) fn recycle(array: &mut Array3<f32>, len: usize) -> Vec<f32> {
    let mut buffer = std::mem::take(array).into_raw_vec_and_offset().0;
    buffer.resize(len, 0.0);
    buffer
}

pub(super) fn shaped(values: Vec<f32>, shape: [usize; 3]) -> Array3<f32> {
    Array3::from_shape_vec(shape, values).expect("the buffer was sized for this shape")
}

pub(super) fn standardise(cut: &[f32], centre: f64, scale: f64, out: &mut [f32]) {
    let factor = 1.0 / scale;
    for (out, &value) in out.iter_mut().zip(cut) {
        *out = ((f64::from(value) - centre) * factor) as f32;
    }
}

fn standardise_in_place(values: &mut [f32], centre: f64, scale: f64) {
    let factor = 1.0 / scale;
    for value in values {
        *value = ((f64::from(*value) - centre) * factor) as f32;
    }
}

fn collect_by_recording<T>(cohort: &Cohort, work: impl Fn(usize) -> Result<T>) -> Result<Vec<T>> {
    (0..cohort.recordings.len()).map(|i| work(i).map_err(|e| e.at(cohort.recordings[i].id.as_str()))).collect()
}
