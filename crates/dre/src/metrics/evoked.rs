//! Evoked responses per condition, true and predicted.

use indexmap::IndexMap;
use ndarray::{Array2, ArrayRef2};

/// The name under which the mean over all epochs, whatever their condition, is kept.
pub const ALL_EPOCHS: &str = "all epochs";

/// True and predicted evoked response of one condition: the mean over a subject's epochs, then over subjects.
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
    truth: Array2<f64>,
    predicted: Array2<f64>,
}

impl EvokedSums {
    /// Adds one epoch to a condition.
    pub(super) fn push(&mut self, condition: &str, truth: &ArrayRef2<f32>, predicted: &ArrayRef2<f32>) {
        let sums = self.entry(condition, truth.dim());
        sums.n += 1;
        sums.n_epochs += 1;
        sums.truth.zip_mut_with(truth, |sum, &value| *sum += f64::from(value));
        sums.predicted.zip_mut_with(predicted, |sum, &value| *sum += f64::from(value));
    }

    /// Adds the means of one subject's epochs, each counting as one.
    pub(super) fn push_means(&mut self, subject: Self) {
        for mean in subject.means() {
            let sums = self.entry(&mean.condition, mean.truth.dim());
            sums.n += 1;
            sums.n_epochs += mean.n_epochs;
            sums.truth += &mean.truth;
            sums.predicted += &mean.predicted;
        }
    }

    /// Sums divided by their counts; all epochs first, then conditions by name.
    pub(super) fn means(self) -> Vec<ConditionMean> {
        let mut means: Vec<ConditionMean> = self
            .sums
            .into_iter()
            .map(|(condition, sums)| ConditionMean {
                condition,
                n_epochs: sums.n_epochs,
                truth: sums.truth / sums.n as f64,
                predicted: sums.predicted / sums.n as f64,
            })
            .collect();
        means.sort_by(|a, b| (a.condition != ALL_EPOCHS, &a.condition).cmp(&(b.condition != ALL_EPOCHS, &b.condition)));
        means
    }

    fn entry(&mut self, condition: &str, shape: (usize, usize)) -> &mut Sums {
        if !self.sums.contains_key(condition) {
            let zeros = || Array2::zeros(shape);
            self.sums.insert(condition.to_owned(), Sums { n: 0, n_epochs: 0, truth: zeros(), predicted: zeros() });
        }
        &mut self.sums[condition]
    }
}
