//! A data set of epochs that come as arrays, for analyses that ask for recordings.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Dataset;
use crate::data::{
    BadSegments, Channel, Cohort, CohortRecording, Epoch, EpochArrays, EpochSource, EpochWindow, EventTable, Gaps, Set,
    Signals, SplitSpec,
};
use crate::{Error, Result};

/// What arrays of epochs do not say themselves.
#[derive(Clone, Debug, PartialEq)]
pub struct ArraysInfo {
    /// Sampling frequency (Hz).
    pub sfreq: f64,
    /// First sample of an epoch relative to its event.
    pub first: isize,
    /// The channels, in the order of the data's rows.
    pub channels: Vec<Channel>,
    /// Columns of texts, such as which stimulus it was, with one for each epoch in the order in which they were given.
    pub columns: BTreeMap<String, Vec<String>>,
}

impl Dataset {
    /// The test epochs of `arrays`, scaled as these are, and no others.
    ///
    /// The epochs of each subject and recording follow each other in a recording of the data set, an event in each; what lay
    /// between them is not known. Their samples are copied. All subjects of the arrays are there, also without epochs, so that
    /// models know them by the same numbers.
    ///
    /// # Errors
    /// [`Error::Shape`] where there are not as many channels, or texts of a column, as the arrays have; [`Error::Setting`] for
    /// a sampling frequency that is not above 0; [`Error::NoEpochs`] without test epochs.
    pub fn of_arrays(arrays: &EpochArrays<'_>, info: &ArraysInfo) -> Result<Self> {
        check(arrays, info)?;
        let (n_channels, n_features, n_times) = (arrays.n_channels(), arrays.n_features(), arrays.n_times());
        let scaling = arrays.scaling();
        let mut cohort = Cohort {
            sfreq: info.sfreq,
            channels: info.channels.clone(),
            features: arrays.features().to_vec(),
            subjects: arrays.subjects().to_vec(),
            recordings: Vec::new(),
        };
        let (mut scalers, mut measured, mut epochs, mut ranges) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for subject in 0..arrays.n_subjects() {
            let from = epochs.len();
            let mut own: BTreeMap<usize, Vec<Epoch>> = BTreeMap::new();
            for &epoch in arrays.subject_epochs(Set::Test, subject) {
                own.entry(epoch.recording).or_default().push(epoch);
            }
            for (label, given) in own {
                let recording = cohort.recordings.len();
                let n_all = given.len() * n_times;
                let mut data = vec![0.0f32; n_channels * n_all];
                let mut marks: Option<Vec<bool>> = None;
                let mut features = vec![0.0f32; n_features * n_all];
                for (place, epoch) in given.iter().enumerate() {
                    let start = place * n_times;
                    for row in 0..n_channels {
                        let at = row * n_all + start;
                        let (samples, there) = arrays.channel(epoch, row);
                        data[at..at + samples.len()].copy_from_slice(samples);
                        if let Some(there) = there {
                            let marks = marks.get_or_insert_with(|| vec![true; n_channels * n_all]);
                            marks[at..at + there.len()].copy_from_slice(there);
                        }
                    }
                    for row in 0..n_features {
                        let at = row * n_all + start;
                        for (out, value) in features[at..at + n_times].iter_mut().zip(arrays.feature(epoch, row)) {
                            // No −0, whose bits differ from those of 0.
                            *out = value + 0.0;
                        }
                    }
                    epochs.push(Epoch { subject, recording, event: place, start });
                }
                let onset = (0..given.len()).map(|place| (place * n_times) as f64 - info.first as f64);
                let texts = |all: &Vec<String>| given.iter().map(|epoch| all[epoch.event].clone()).collect();
                cohort.recordings.push(CohortRecording {
                    id: format!("{}, {}", cohort.subjects[subject], arrays.recording(label)),
                    subject,
                    n_times: n_all,
                    data: Signals::of_rows(&data, n_channels),
                    features: Arc::new(features),
                    events: EventTable {
                        onset: onset.map(|sample| sample / info.sfreq).collect(),
                        duration: vec![0.0; given.len()],
                        columns: info.columns.iter().map(|(name, all)| (name.clone(), texts(all))).collect(),
                    },
                    gaps: Gaps::default(),
                });
                scalers.push(Some(scaling.data[label].clone()));
                measured.push(marks);
            }
            ranges.push(from..epochs.len());
        }
        let n_recordings = cohort.recordings.len();
        let none = vec![0..0; cohort.subjects.len()];
        Ok(Self {
            window: EpochWindow { first: info.first, n_times, baseline: None },
            subjects: cohort.subjects.clone(),
            scalers,
            scaler_starts: vec![Vec::new(); n_recordings],
            gaps: vec![Gaps::default(); n_recordings],
            measured,
            bad_segments: BadSegments::Ignore,
            feature_scaler: scaling.features.clone(),
            epochs: [Vec::new(), Vec::new(), epochs],
            subject_ranges: [none.clone(), none, ranges],
            summaries: Vec::new(),
            excluded: Vec::new(),
            split: SplitSpec::default(),
            cohort: Arc::new(cohort),
        })
    }
}

fn check(arrays: &EpochArrays<'_>, info: &ArraysInfo) -> Result<()> {
    if !(info.sfreq.is_finite() && info.sfreq > 0.0) {
        return Err(Error::Setting {
            name: "sfreq".to_owned(),
            found: info.sfreq.to_string(),
            expected: "a sampling frequency (Hz) above 0".to_owned(),
        });
    }
    if info.channels.len() != arrays.n_channels() {
        return Err(Error::Shape {
            what: "the channels".to_owned(),
            found: vec![info.channels.len()],
            expected: format!("one for each of {} rows of the data", arrays.n_channels()),
        });
    }
    for (name, texts) in &info.columns {
        if texts.len() != arrays.n_epochs() {
            return Err(Error::Shape {
                what: format!("the column `{name}`"),
                found: vec![texts.len()],
                expected: format!("one text for each of {} epochs", arrays.n_epochs()),
            });
        }
    }
    if arrays.epochs(Set::Test).is_empty() {
        return Err(Error::NoEpochs {
            what: "the test set".to_owned(),
            advice: "give at least one epoch to score".to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{ArrayScaling, Batch, ChannelType, EpochBlock, EpochLabels, FeatureScaler, RobustScaler};

    /// Two subjects, one with two recordings that take turns; a sample that was not measured.
    #[test]
    fn epochs_are_drawn_as_the_arrays_draw_them() {
        let (n, n_channels, n_features, n_times) = (5, 2, 2, 4);
        let data: Vec<f32> = (0..n * n_channels * n_times).map(|i| (i as f32 * 0.37).sin()).collect();
        let features: Vec<f32> = (0..n * n_features * n_times).map(|i| (i as f32 * 0.53).cos()).collect();
        let mut marks = vec![true; data.len()];
        marks[9] = false;
        let names = |all: &[&str]| all.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let labels = EpochLabels {
            channels: names(&["A", "B"]),
            features: names(&["f", "g"]),
            subjects: names(&["1", "2", "3"]),
            recordings: names(&["a", "b", "c"]),
        };
        let block = EpochBlock {
            data: Some(&data),
            n_data_times: n_times,
            features: &features,
            measured: Some(&marks),
            subjects: vec![2, 0, 0, 2, 0],
            recordings: vec![2, 1, 0, 2, 1],
            sets: vec![Some(Set::Test); n],
        };
        let scaler = |c: f64| RobustScaler { centre: vec![c, -c], scale: vec![2.0, 3.0 + c] };
        let scaling = ArrayScaling {
            data: vec![scaler(0.1), scaler(0.2), scaler(0.3)],
            features: FeatureScaler { mean: vec![0.1, 0.2], std: vec![1.5, 0.5], constant: vec![false; 2] },
        };
        let arrays = EpochArrays::new(labels, vec![block], n_times).unwrap().scaled(scaling).unwrap();
        let channel = |name: &str| Channel { name: name.to_owned(), kind: ChannelType::Eeg, position: None };
        let mut info = ArraysInfo {
            sfreq: 10.0,
            first: -1,
            channels: vec![channel("A"), channel("B")],
            columns: BTreeMap::from([("stimulus".to_owned(), names(&["v", "w", "x", "y", "z"]))]),
        };
        let found = Dataset::of_arrays(&arrays, &info).unwrap();
        assert_eq!((found.n_subjects(), found.cohort().recordings.len(), found.times()[0]), (3, 3, -0.1));
        assert!(found.subject_epochs(Set::Test, 1).is_empty());
        let (mut own, mut expected) = (Batch::default(), Batch::default());
        for subject in [0, 2] {
            found.draw(found.subject_epochs(Set::Test, subject), &mut own);
            let mut given = arrays.subject_epochs(Set::Test, subject).to_vec();
            given.sort_by_key(|epoch| (epoch.recording, epoch.event));
            arrays.draw(&given, &mut expected);
            assert_eq!(
                (&own.data, &own.features, &own.subjects),
                (&expected.data, &expected.features, &expected.subjects)
            );
            let texts =
                found.subject_epochs(Set::Test, subject).iter().map(|e| found.event_text(e, "stimulus").unwrap());
            assert_eq!(texts.collect::<String>(), if subject == 0 { "xwz" } else { "vy" });
            assert_eq!(own.n_measured(0), expected.n_measured(0));
        }
        info.columns.insert("short".to_owned(), Vec::new());
        assert!(Dataset::of_arrays(&arrays, &info).unwrap_err().to_string().contains("`short`"));
        info.sfreq = 0.0;
        assert!(Dataset::of_arrays(&arrays, &info).unwrap_err().to_string().starts_with("sfreq = 0"));
    }
}
