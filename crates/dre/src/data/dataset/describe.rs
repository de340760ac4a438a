//! What a data set tells of itself.

use super::Dataset;
use crate::data::{Lack, LeakageAudit, ProductSums};
use crate::results::{CohortSummary, MaskedRecording};

impl Dataset {
    /// Names of the features that are constant over the training epochs, which no model can learn from.
    pub fn constant_features(&self) -> Vec<&str> {
        let constant = &self.feature_scaler.constant;
        self.features().iter().zip(constant).filter(|&(_, &c)| c).map(|(name, _)| name.as_str()).collect()
    }

    /// Features that are sums of others (a copy is a sum of one), with these, over the samples of all recordings.
    pub fn fixed_features(&self) -> Vec<(&str, Vec<&str>)> {
        let names = self.features();
        let n = names.len();
        let mut products = ProductSums::new(n);
        let mut values = vec![0.0; n];
        for recording in &self.cohort.recordings {
            let rows: Vec<&[f32]> = (0..n).map(|row| recording.feature(row)).collect();
            for t in 0..recording.n_times {
                values.iter_mut().zip(&rows).for_each(|(value, row)| *value = f64::from(row[t]));
                if values.iter().all(|value| value.is_finite()) {
                    products.push(&values);
                }
            }
        }
        let named = |(feature, others): (usize, Vec<usize>)| {
            (names[feature].as_str(), others.into_iter().map(|other| names[other].as_str()).collect())
        };
        products.fixed().into_iter().map(named).collect()
    }

    /// What is used and what is left out, with the steps that made the prepared data as people describe them.
    pub fn summary(&self, steps: Vec<String>) -> CohortSummary {
        CohortSummary {
            sfreq: self.sfreq(),
            channels: self.cohort.channels.clone(),
            features: self.cohort.features.clone(),
            subjects: self.summaries.clone(),
            excluded: self.excluded.clone(),
            bad_segments: self.bad_segments,
            masked: self.masked(),
            steps,
        }
    }

    /// What was not measured in the recordings that are used, those with nothing missing left out.
    fn masked(&self) -> Vec<MaskedRecording> {
        let used = self.scalers().map(|(i, _)| &self.cohort.recordings[i]);
        used.filter(|recording| !recording.gaps.is_empty())
            .map(|recording| {
                let named = |wanted: Lack| {
                    let rows = recording.gaps.channels().iter().filter(move |&(_, &lack)| lack == wanted);
                    rows.map(|(&row, _)| self.cohort.channels[row].name.clone()).collect()
                };
                MaskedRecording {
                    recording: recording.id.clone(),
                    subject: self.cohort.subjects[recording.subject].clone(),
                    bad: named(Lack::Bad),
                    absent: named(Lack::Absent),
                    n_segments: recording.gaps.segments().len(),
                    seconds: recording.gaps.n_bad_times() as f64 / self.sfreq(),
                }
            })
            .collect()
    }

    /// Counts, pair by pair, what the sets share. [`Dataset::full_audit`] looks further.
    pub fn audit(&self) -> LeakageAudit {
        LeakageAudit::of(&self.epochs, &self.scaler_starts, self.window.n_times)
    }
}
