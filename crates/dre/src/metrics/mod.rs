//! Scores: Pearson's r across epochs, and evoked responses, true and predicted.

mod ceiling;
mod correlation;
mod evoked;
mod interval;
mod partial;
mod parts;
mod score;
mod window;

pub use ceiling::{CeilingSpec, noise_ceiling};
pub use correlation::Correlation;
pub use evoked::{ALL_EPOCHS, ConditionMean};
pub use interval::bootstrap_interval;
pub use partial::PartialCorrelation;
pub use parts::score_parts;
pub use score::{ScoreSpec, Scores, SubjectScores, first_scored, mean_from, score, score_subject};
pub(crate) use score::{check_finite, mean_of};
pub use window::{Scorable, Tested, Window, WindowSpec, score_windows};
