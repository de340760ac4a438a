//! Scores: Pearson's r across epochs, and evoked responses, true and predicted.

mod correlation;
mod evoked;
mod score;

pub use correlation::Correlation;
pub use evoked::{ALL_EPOCHS, ConditionMean};
pub use score::{ScoreSpec, Scores, SubjectScores, mean_from, score};
