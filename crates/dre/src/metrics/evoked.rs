//! Evoked responses per condition, true and predicted.

use indexmap::IndexMap;
use ndarray::{Array2, ArrayRef2, Zip};

/// The name under which the mean over all epochs, whatever their condition, is kept.
pub const ALL_EPOCHS: &str = "all epochs";

/// True and predicted evoked response of one condition: the mean over a subject's epochs, then over subjects, in both over
/// those that were measured; NaN where none was.
#[derive(Clone, Debug, PartialEq)]
pub struct ConditionMean {
    /// Text of the condition's column, or [`ALL_EPOCHS`].
    pub condition: String,
    /// Number of epochs over all subjects.
    pub n_epochs: usize,
    /// True response (scaled units), `(n_channels, n_times)`.
    pub truth: Array2<f64>,
    /// Predicted response (scaled units), `(n_channels, n_times)`.
    pub predicted: Array2<f64>,
}

/// Sums of one subject's epochs, then of subjects' means, by condition in order of appearance.
#[derive(Debug, Default)]
pub(super) struct EvokedSums {
    sums: IndexMap<String, Sums>,
}

#[derive(Debug)]
struct Sums {
    n: usize,
    n_epochs: usize,
    /// Number of addends by channel × time; none while each has `n`.
    counts: Option<Array2<usize>>,
    truth: Array2<f64>,
    predicted: Array2<f64>,
}

impl Sums {
    /// Adds values where `measured` is true.
    fn add<T: Copy + Into<f64>>(
        &mut self,
        truth: &ArrayRef2<T>,
        predicted: &ArrayRef2<T>,
        measured: Option<&ArrayRef2<bool>>,
    ) {
        match (measured, &mut self.counts) {
            (None, counts) => {
                self.truth.zip_mut_with(truth, |sum, &value| *sum += value.into());
                self.predicted.zip_mut_with(predicted, |sum, &value| *sum += value.into());
                if let Some(counts) = counts {
                    *counts += 1;
                }
            }
            (Some(measured), counts) => {
                let n = self.n;
                let counts = counts.get_or_insert_with(|| Array2::from_elem(truth.dim(), n));
                let add = |sum: &mut f64, &value: &T, &is: &bool| {
                    if is {
                        *sum += value.into();
                    }
                };
                Zip::from(&mut self.truth).and(truth).and(measured).for_each(add);
                Zip::from(&mut self.predicted).and(predicted).and(measured).for_each(add);
                counts.zip_mut_with(measured, |count, &is| *count += usize::from(is));
            }
        }
        self.n += 1;
    }

    /// Sum divided by count, NaN where nothing was counted.
    fn mean(sum: Array2<f64>, n: usize, counts: Option<&Array2<usize>>) -> Array2<f64> {
        match counts {
            None => sum / n as f64,
            Some(counts) => sum / counts.mapv(|n| n as f64),
        }
    }
}

impl EvokedSums {
    /// Adds what was measured of one epoch to a condition; all of it where `measured` is none.
    pub(super) fn push(
        &mut self,
        condition: &str,
        truth: &ArrayRef2<f32>,
        predicted: &ArrayRef2<f32>,
        measured: Option<&ArrayRef2<bool>>,
    ) {
        let sums = self.entry(condition, truth.dim());
        sums.n_epochs += 1;
        sums.add(truth, predicted, measured);
    }

    /// Adds the means of one subject's epochs, each counting as one.
    pub(super) fn push_means(&mut self, subject: Self) {
        for mean in subject.means() {
            let sums = self.entry(&mean.condition, mean.truth.dim());
            sums.n_epochs += mean.n_epochs;
            let there = mean.truth.mapv(|value| !value.is_nan());
            let measured: Option<&ArrayRef2<bool>> = if there.iter().all(|&is| is) { None } else { Some(&there) };
            sums.add(&mean.truth, &mean.predicted, measured);
        }
    }

    /// Sums divided by their counts; all epochs first, then conditions by name.
    pub(super) fn means(self) -> Vec<ConditionMean> {
        let mut means: Vec<ConditionMean> = self
            .sums
            .into_iter()
            .map(|(condition, sums)| ConditionMean {
                condition: crate::text::plain(&condition).into_owned(),
                n_epochs: sums.n_epochs,
                truth: Sums::mean(sums.truth, sums.n, sums.counts.as_ref()),
                predicted: Sums::mean(sums.predicted, sums.n, sums.counts.as_ref()),
            })
            .collect();
        means.sort_by(|a, b| (a.condition != ALL_EPOCHS, &a.condition).cmp(&(b.condition != ALL_EPOCHS, &b.condition)));
        means
    }

    fn entry(&mut self, condition: &str, shape: (usize, usize)) -> &mut Sums {
        if !self.sums.contains_key(condition) {
            let zeros = || Array2::zeros(shape);
            self.sums.insert(
                condition.to_owned(),
                Sums { n: 0, n_epochs: 0, counts: None, truth: zeros(), predicted: zeros() },
            );
        }
        &mut self.sums[condition]
    }
}
