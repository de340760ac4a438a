//! The values that events carry, beside the cohort's signals.

use std::ops::Range;

use crate::data::{CohortRecording, Dataset, Epoch, EventTable, Set};
use crate::features::{EventSignal, Layout};
use crate::{Error, Result};

/// By recording of a cohort and row of its features: the values of events and where they are laid; none for a continuous
/// feature.
#[derive(Clone, Debug)]
pub struct FeatureValues {
    recordings: Vec<Vec<Option<EventSignal>>>,
}

impl FeatureValues {
    /// For a data set whose features were made of these values, `signals[recording][feature]`, as
    /// [`Features::event_signals`](crate::features::Features::event_signals) gives them.
    ///
    /// # Errors
    /// [`Error::Shape`] where recordings or features are not those of the cohort; [`Error::Feature`] where laying the values
    /// in time does not give the cohort's signal, bit by bit.
    pub fn new(dataset: &Dataset, signals: Vec<Vec<Option<EventSignal>>>) -> Result<Self> {
        let cohort = dataset.cohort();
        let n_features = dataset.n_features();
        if signals.len() != cohort.recordings.len() || signals.iter().any(|rows| rows.len() != n_features) {
            return Err(Error::Shape {
                what: "the features' values".to_owned(),
                found: vec![signals.len(), signals.first().map_or(0, Vec::len)],
                expected: format!("({} recordings, {n_features} features)", cohort.recordings.len()),
            });
        }
        for (i, _) in dataset.scalers() {
            let recording = &cohort.recordings[i];
            let mut laid = vec![0.0; recording.n_times];
            for (row, signal) in signals[i].iter().enumerate() {
                let Some(signal) = signal else { continue };
                if signal.values().len() != recording.events.len() {
                    return Err(Error::Shape {
                        what: format!("the values of feature {} in {}", cohort.features[row], recording.id),
                        found: vec![signal.values().len()],
                        expected: format!("one for each of {} events", recording.events.len()),
                    });
                }
                signal.lay_all(&mut laid);
                let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
                if !laid.iter().zip(recording.feature(row)).all(same) {
                    return Err(Error::Feature {
                        feature: cohort.features[row].clone(),
                        reason: format!(
                            "its values do not give the signal of the cohort in {}; prepare the cohort again",
                            recording.id
                        ),
                    });
                }
            }
        }
        Ok(Self { recordings: signals })
    }

    /// For a data set of [`Dataset::of_arrays`]. A feature that holds one number over the same stretch of samples in every
    /// epoch, and is 0 elsewhere, is one of the epochs' events; any other is continuous.
    ///
    /// # Errors
    /// As [`FeatureValues::new`].
    pub fn of_arrays(dataset: &Dataset) -> Result<Self> {
        let stretches: Vec<_> = (0..dataset.n_features()).map(|row| held(dataset, row)).collect();
        let cohort = dataset.cohort();
        let (sfreq, n_times) = (dataset.sfreq(), dataset.n_times());
        let of = |recording: &CohortRecording, row: usize| -> Result<Option<EventSignal>> {
            let Some(stretch) = &stretches[row] else { return Ok(None) };
            let starts: Vec<usize> =
                (0..recording.n_times).step_by(n_times).map(|start| start + stretch.start).collect();
            let values = starts.iter().map(|&sample| Some(f64::from(recording.feature(row)[sample]))).collect();
            let events = EventTable {
                onset: starts.iter().map(|&sample| sample as f64 / sfreq).collect(),
                duration: vec![stretch.len() as f64 / sfreq; starts.len()],
                ..EventTable::default()
            };
            EventSignal::new(&events, values, Layout::Hold, None, 0.0, (sfreq, recording.n_times)).map(Some)
        };
        let rows = |recording| (0..stretches.len()).map(|row| of(recording, row)).collect::<Result<Vec<_>>>();
        Self::new(dataset, cohort.recordings.iter().map(rows).collect::<Result<_>>()?)
    }

    /// A feature of events in a recording; none where the feature is continuous.
    pub(super) fn signal(&self, recording: usize, feature: usize) -> Option<&EventSignal> {
        self.recordings[recording][feature].as_ref()
    }

    /// The value that an epoch's own event gives to a feature: none where it gives nothing or the feature is continuous.
    pub(super) fn own(&self, epoch: &Epoch, feature: usize) -> Option<f64> {
        self.signal(epoch.recording, feature)?.values()[epoch.event]
    }

    /// Whether a feature is continuous.
    pub(super) fn is_continuous(&self, dataset: &Dataset, feature: usize) -> bool {
        dataset.scalers().all(|(recording, _)| self.signal(recording, feature).is_none())
    }

    /// Whether all epochs' own events carry the same value of a feature, or none.
    pub(super) fn is_constant(&self, dataset: &Dataset, feature: usize) -> bool {
        let mut values = Set::ALL.iter().flat_map(|&set| dataset.epochs(set)).filter_map(|e| self.own(e, feature));
        let first = values.next();
        values.all(|value| Some(value.to_bits()) == first.map(f64::to_bits))
    }
}

/// The samples of an epoch over which a feature holds one number in each, outside of which it is 0; none where there are
/// none such.
fn held(dataset: &Dataset, row: usize) -> Option<Range<usize>> {
    let n_times = dataset.n_times();
    let epochs =
        || dataset.cohort().recordings.iter().flat_map(|recording| recording.feature(row).chunks_exact(n_times));
    let is_used = |t: &usize| epochs().any(|epoch| epoch[*t] != 0.0);
    let stretch = match ((0..n_times).find(is_used), (0..n_times).rfind(is_used)) {
        (Some(first), Some(last)) => first..last + 1,
        _ => 0..n_times,
    };
    let is_held = |epoch: &[f32]| epoch[stretch.clone()].iter().all(|v| v.to_bits() == epoch[stretch.start].to_bits());
    epochs().all(is_held).then_some(stretch)
}
