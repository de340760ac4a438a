//! What predictions rest on: how much the score falls when one input is permuted.
//!
//! Permutation importance (Breiman 2001; used on a Deep Recurrent Encoder by Chehab and others 2021): with r the score of a
//! model and r′ that with an input permuted over the test epochs, Δr = r − r′ for each subject, time and channel, averaged
//! over permutations. It is known for every model that is a [`Predictor`](crate::model::Predictor), whatever is inside.
//!
//! Inputs are permuted within each subject and over its whole test set, never within a batch and never across subjects.
//! The truth that predictions are compared with stays as it is.
//!
//! A plain permutation also breaks what a feature has in common with the others: a model that shares weight between two
//! correlated features loses r on both, though only one has an effect. The **conditional** version (Strobl and others 2008;
//! in the form of Chamma, Engemann & Thirion 2023) leaves in place what the other features say about a feature, here by
//! linear regression of the own events' values, and permutes the rest. Both are computed by default: the plain one says
//! whether the model uses a feature, the conditional one whether the feature adds anything to the others.

mod conditional;
mod exchange;
mod inputs;
mod run;
mod spec;
mod summary;
mod values;

pub use run::{Found, PermuteSpec, Progress, SubjectFound, applicable, n_predictions, permute};
pub use spec::{ImportanceSpec, Mode, Target};
pub use summary::{SummarySpec, summarise, summarise_windows};
pub use values::FeatureValues;
