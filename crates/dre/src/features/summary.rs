//! What values a feature has.

use serde::Serialize;

/// The values that events, or the samples of a continuous stimulus, give to a feature.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FeatureSummary {
    /// Name of the signal.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Events, or samples, that were looked at.
    pub n: usize,
    /// Of these, with a value.
    pub n_values: usize,
    /// Of these, `n/a` or not in the lexicon.
    pub n_missing: usize,
    /// Mean of the values; none without values.
    pub mean: Option<f64>,
    /// Least value.
    pub min: Option<f64>,
    /// Greatest value.
    pub max: Option<f64>,
}

impl FeatureSummary {
    /// An empty one.
    pub(super) fn new(name: &str, kind: &str) -> Self {
        Self { name: name.to_owned(), kind: kind.to_owned(), ..Self::default() }
    }

    /// Counts one value.
    pub(super) fn push(&mut self, value: f64) {
        self.n += 1;
        self.n_values += 1;
        let mean = self.mean.unwrap_or(0.0);
        self.mean = Some(mean + (value - mean) / self.n_values as f64);
        self.min = Some(self.min.map_or(value, |min| min.min(value)));
        self.max = Some(self.max.map_or(value, |max| max.max(value)));
    }

    /// Both together.
    #[must_use]
    pub fn merge(mut self, other: &Self) -> Self {
        let n_values = self.n_values + other.n_values;
        let weighed = |s: &Self| s.mean.unwrap_or(0.0) * s.n_values as f64;
        self.mean = (n_values > 0).then(|| (weighed(&self) + weighed(other)) / n_values as f64);
        self.min = [self.min, other.min].into_iter().flatten().reduce(f64::min);
        self.max = [self.max, other.max].into_iter().flatten().reduce(f64::max);
        self.n += other.n;
        self.n_values = n_values;
        self.n_missing += other.n_missing;
        self
    }
}
