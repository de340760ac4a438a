//! The values that events carry, beside the cohort's signals.

use crate::data::{Dataset, Epoch, Set};
use crate::features::EventSignal;
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
