//! Solvers for penalised normal equations: matrices in, matrices out.
//!
//! They know nothing of lags, epochs or subjects; estimators say what the columns stand for.

mod cholesky;
mod penalty;
mod ridge;
mod search;

pub use penalty::PenaltyMatrix;
pub use ridge::{Dependent, Ridge};
pub(super) use search::search_until;
pub use search::{Candidates, Found, Sums, refit, search};
