//! What can be wrong with results.

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The results are of another layout than this version knows.
    #[error("results: format {found}, expected {known}; score the study again with this version of dre")]
    Format {
        /// Version in the results.
        found: u32,
        /// The version that is understood.
        known: u32,
    },
    /// Two parts of the results do not fit each other.
    #[error("results: {what} has {found} values, expected {expected} ({unit}); score the study again")]
    Length {
        /// Field, such as `models.dre.r_over_time`.
        what: String,
        /// Number of values found.
        found: usize,
        /// Number of values expected.
        expected: usize,
        /// What is counted: `one per time`.
        unit: &'static str,
    },
    /// The time axis is not a rising sequence of finite numbers.
    #[error(
        "results: times[{index}] = {value} s, expected a finite time later than the one before; score the study again"
    )]
    Times {
        /// Index into `times`.
        index: usize,
        /// The offending time (s).
        value: f64,
    },
    /// A prediction of a model that is not among the models.
    #[error("results: {what} names the model {model:?}, which is not among the models ({known})")]
    UnknownModel {
        /// Field that names it.
        what: String,
        /// Name found.
        model: String,
        /// Names of the models there are.
        known: String,
    },
    /// The page's template failed; a defect of this crate, not of the results.
    #[error("the report's template failed: {0}")]
    Template(#[from] minijinja::Error),
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
